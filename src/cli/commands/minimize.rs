//! `tagwall minimize`

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use serde::Serialize;

use crate::addr::{AddrList, AddrSet, Count, ListOptions};
use crate::cli::args::Minimize;
use crate::cli::{Failure, output};

#[derive(Serialize)]
struct Minimized {
    prefixes: Vec<String>,
    count: usize,
    input_prefixes: usize,
    addresses: Count,
    extra_addresses: Count,
}

pub(in crate::cli) fn run(args: &Minimize) -> Result<(), Failure> {
    let stdin = [Path::new("-").to_owned()];
    let files = if args.files.is_empty() { &stdin[..] } else { &args.files };
    let (mut lists, mut errors) = (Vec::new(), Vec::new());
    for file in files {
        let bytes = read(file).map_err(|error| Failure::Io(format!("{}: {error}", file.display())))?;
        match AddrList::parse(&bytes, ListOptions { relaxed: args.relaxed }) {
            Ok(list) => lists.push(list),
            Err(error) => {
                errors.extend(error.to_string().lines().map(|line| format!("{}: {line}", file.display())))
            }
        }
    }
    if !errors.is_empty() {
        return Err(Failure::Input(errors.join("\n")));
    }
    let set = AddrSet::union_of(lists.iter().map(|l| &l.set));
    let prefixes: Vec<String> = set.prefixes().map(|p| p.to_string()).collect();
    let minimized = Minimized {
        count: prefixes.len(),
        prefixes,
        input_prefixes: lists.iter().map(|l| l.entries).sum(),
        addresses: set.count(),
        extra_addresses: Count::ZERO,
    };
    output::print(&args.printing, &minimized, |out| {
        minimized.prefixes.iter().try_for_each(|p| writeln!(out, "{p}"))
    })
}

/// The bytes of a file, or of standard input for `-`.
pub(super) fn read(file: &Path) -> io::Result<Vec<u8>> {
    if file != Path::new("-") {
        return fs::read(file);
    }
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes)?;
    Ok(bytes)
}
