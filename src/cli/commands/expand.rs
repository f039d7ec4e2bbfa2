//! `tagwall expand`

use serde::Serialize;

use crate::addr::{AddrSet, Count, IntervalSet};
use crate::cli::args::Expand;
use crate::cli::{Failure, output, select};

#[derive(Serialize)]
struct Expanded {
    tags: Vec<String>,
    prefixes: Vec<String>,
    count: usize,
    published: usize,
    addresses: Count,
}

pub(in crate::cli) fn run(args: &Expand) -> Result<(), Failure> {
    let snapshot = select::snapshot(&args.data, None)?;
    let region = args.region.as_deref().map(|text| select::find_region(&snapshot, text)).transpose()?;
    let (mut tags, mut errors) = (Vec::new(), Vec::new());
    for name in &args.tags {
        let name = match region {
            Some(region) => region.tag_name(name),
            None => name.clone(),
        };
        match select::find_tag(&snapshot, &name) {
            Ok(tag) => tags.push(tag),
            Err(error) => errors.push(error.to_string()),
        }
    }
    if !errors.is_empty() {
        return Err(Failure::Input(errors.join("\n")));
    }
    let mut set = AddrSet::union_of(tags.iter().map(|t| t.set()));
    if args.ipv4 {
        set.v6 = IntervalSet::empty();
    }
    if args.ipv6 {
        set.v4 = IntervalSet::empty();
    }
    let prefixes: Vec<String> = set.prefixes().map(|p| p.to_string()).collect();
    let expanded = Expanded {
        tags: tags.iter().map(|t| t.name().to_string()).collect(),
        count: prefixes.len(),
        published: tags
            .iter()
            .map(|t| if args.ipv6 { 0 } else { t.v4().len() } + if args.ipv4 { 0 } else { t.v6().len() })
            .sum(),
        addresses: set.count(),
        prefixes,
    };
    output::print(&args.printing, &expanded, |out| {
        expanded.prefixes.iter().try_for_each(|p| writeln!(out, "{p}"))
    })
}
