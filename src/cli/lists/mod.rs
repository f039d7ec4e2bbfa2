//! Lists and tables from files and pipes.

mod json;
mod source;
mod table;

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::io::{self, Read};
use std::path::Path;

use serde::Serialize;

use super::Failure;
use super::args::{OutputFormat, Printing};
use super::output;
use crate::addr::{AddrList, AddrSet, Count, Entry, IpPrefix, ListOptions, ListReader, Prices, Route};
use table::{Row, read_rows};

/// Reads lists; `-` is standard input. Every wrong line of every list is reported.
pub(super) fn read_all<P: AsRef<Path>>(files: &[P], relaxed: bool) -> Result<Vec<AddrList>, Failure> {
    let pipes = files.iter().filter(|file| file.as_ref() == Path::new("-")).count();
    if pipes > 1 {
        return Err(Failure::Input("`-` twice: standard input can be read only once".to_owned()));
    }
    let (mut lists, mut errors) = (Vec::new(), Vec::new());
    for file in files {
        match read_one(file.as_ref(), ListOptions { relaxed })? {
            Ok(list) => lists.push(list),
            Err(wrong) => {
                errors.extend(wrong.iter().map(|line| format!("{}: {line}", file.as_ref().display())))
            }
        }
    }
    if !errors.is_empty() {
        return Err(Failure::Input(errors.join("\n")));
    }
    for (file, list) in files.iter().zip(&lists) {
        tell_cleared(file.as_ref(), list);
    }
    Ok(lists)
}

/// The most bytes of a list in JSON, which is read as a whole.
const MOST_JSON: usize = 64 << 20;

/// Reads one list, or says what is wrong with it, a line each.
fn read_one(file: &Path, options: ListOptions) -> Result<Result<AddrList, Vec<String>>, Failure> {
    let name = file.display().to_string();
    let mut source = source::open(file)?;
    if json::is_json(&source.start) {
        return Ok(json::read(&source.text(&name, MOST_JSON)?, options));
    }
    let mut reader = ListReader::new(options);
    reader
        .read_from(|buffer| source.read(buffer))
        .map_err(|error| Failure::Io(format!("{name}: {error}")))?;
    Ok(reader.finish().map_err(|error| error.to_string().lines().map(str::to_owned).collect()))
}

/// Says what `--relaxed` has done.
fn tell_cleared(file: &Path, list: &AddrList) {
    let cleared = &list.cleared;
    if cleared.total() > 0 {
        let entries =
            if cleared.total() == 1 { "1 entry".to_owned() } else { format!("{} entries", cleared.total()) };
        let lines: String = cleared.to_string().lines().map(|line| format!("\n  {line}")).collect();
        output::say(&format!("{}: host bits were cleared in {entries}:{lines}", file.display()));
    }
}

/// The addresses of one list; none if no list is named.
pub(super) fn read_set(file: Option<&Path>) -> Result<AddrSet, Failure> {
    match file {
        None => Ok(AddrSet::empty()),
        Some(file) => Ok(read_all(&[file], false)?.remove(0).set),
    }
}

/// Turns every row into what it means, or reports all that mean nothing.
fn understand<T>(
    file: &Path,
    rows: Vec<Row>,
    mut read: impl FnMut(&Row) -> Result<T, String>,
) -> Result<Vec<T>, Failure> {
    let (mut out, mut errors) = (Vec::with_capacity(rows.len()), Vec::new());
    for row in rows {
        match read(&row) {
            Ok(value) => out.push(value),
            Err(error) => errors.push(format!(
                "{}: line {}: {},{}: {error}",
                file.display(),
                row.line,
                row.key,
                row.value
            )),
        }
    }
    if errors.is_empty() { Ok(out) } else { Err(Failure::Input(errors.join("\n"))) }
}

/// Reads a route table; none if no file is named. A header line `prefix,next_hop` is skipped, and so is a route that
/// is there already.
pub(super) fn read_routes(file: Option<&Path>) -> Result<Vec<Route<String>>, Failure> {
    let Some(file) = file else { return Ok(Vec::new()) };
    let rows = read_rows(file)?;
    let mut seen: HashMap<IpPrefix, (usize, String)> = HashMap::with_capacity(rows.len());
    let routes = understand(file, rows, |row| {
        let prefix = row.key.parse::<IpPrefix>().map_err(|error| match Entry::parse(&row.key, false) {
            // What is wrong with it is known better there.
            Err(error) => error.to_string(),
            Ok(_) => format!("{error}; a route needs a prefix"),
        })?;
        match seen.entry(prefix) {
            Slot::Vacant(slot) => {
                slot.insert((row.line, row.value.clone()));
                Ok(Some(Route { prefix, hop: row.value.clone() }))
            }
            Slot::Occupied(slot) => match slot.get() {
                (_, hop) if *hop == row.value => Ok(None),
                (line, hop) => Err(format!("line {line} sends the same prefix to {hop}")),
            },
        }
    })?;
    Ok(routes.into_iter().flatten().collect())
}

/// Reads prices; 1 for every address if no file is named.
pub(super) fn read_prices(file: Option<&Path>) -> Result<Prices, Failure> {
    let Some(file) = file else { return Ok(Prices::default()) };
    let mut default = None;
    let blocks = understand(file, read_rows(file)?, |row| {
        let price = row.value.parse::<u128>().map_err(|_| wrong_price(&row.value))?;
        if row.key == "default" {
            return match default.replace((row.line, price)) {
                Some((line, _)) => Err(format!("line {line} has a default already")),
                None => Ok(None),
            };
        }
        let entry = Entry::parse(&row.key, false).map_err(|error| error.to_string())?;
        Ok(Some((entry, price, row.line)))
    })?;
    let mut blocks: Vec<_> = blocks.into_iter().flatten().collect();
    // Where each begins and ends; the families apart.
    let ends = |entry: &Entry| match entry {
        Entry::V4(i) => (4, u128::from(i.first()), u128::from(i.last())),
        Entry::V6(i) => (6, i.first(), i.last()),
    };
    blocks.sort_by_key(|(entry, _, line)| (ends(entry), *line));
    for pair in blocks.windows(2) {
        let ((family, _, last), (next_family, first, _)) = (ends(&pair[0].0), ends(&pair[1].0));
        if family == next_family && first <= last {
            let lines = (pair[0].2.min(pair[1].2), pair[0].2.max(pair[1].2));
            let message = format!(
                "{}: lines {} and {} give some addresses two prices",
                file.display(),
                lines.0,
                lines.1
            );
            return Err(Failure::Input(message));
        }
    }
    let default = default.map_or(1, |(_, price)| price);
    Ok(Prices::new(default, default, blocks.into_iter().map(|(entry, price, _)| (entry, price)))?)
}

fn wrong_price(text: &str) -> String {
    let digits: String =
        text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '.' | '\'' | '_' | '\u{2019}')).collect();
    match digits.parse::<u128>() {
        Ok(_) => {
            format!("the price is not a whole number; is {digits} meant, without marks between thousands?")
        }
        Err(_) => "the price is not a whole number".to_owned(),
    }
}

/// An exact set as JSON. Counts that can pass 2^53 are strings.
#[derive(Serialize)]
struct Exact {
    prefixes: Vec<String>,
    count: usize,
    input_prefixes: usize,
    addresses: Count,
    extra_addresses: Count,
}

/// Prints the fewest prefixes of a set: as text in large blocks, since lists may be long.
pub(super) fn print_exact(set: &AddrSet, input_prefixes: usize, printing: &Printing) -> Result<(), Failure> {
    if printing.format == OutputFormat::Text {
        let mut out = io::stdout().lock();
        return set.write_text(|block| io::Write::write_all(&mut out, block)).map_err(Failure::Output);
    }
    let prefixes: Vec<String> = set.prefixes().map(|p| p.to_string()).collect();
    let exact = Exact {
        count: prefixes.len(),
        prefixes,
        input_prefixes,
        addresses: set.count(),
        extra_addresses: Count::ZERO,
    };
    output::print(printing, &exact, |_| Ok(()))
}
