//! Lists and tables from files and pipes.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::Serialize;

use super::Failure;
use super::args::{OutputFormat, Printing};
use super::output;
use crate::addr::{AddrList, AddrSet, Count, Entry, IpPrefix, ListOptions, ListReader, Prices, Route};

/// Reads lists; `-` is standard input. Every wrong line of every list is reported.
pub(super) fn read_all<P: AsRef<Path>>(files: &[P], relaxed: bool) -> Result<Vec<AddrList>, Failure> {
    let pipes = files.iter().filter(|file| file.as_ref() == Path::new("-")).count();
    if pipes > 1 {
        return Err(Failure::Input("`-` twice: standard input can be read only once".to_owned()));
    }
    let (mut lists, mut errors) = (Vec::new(), Vec::new());
    for file in files {
        let name = file.as_ref().display();
        let mut reader = ListReader::new(ListOptions { relaxed });
        open(file.as_ref())
            .and_then(|mut source| reader.read_from(|buffer| read_some(&mut source, buffer)))
            .map_err(|error| Failure::Io(format!("{name}: {error}")))?;
        match reader.finish() {
            Ok(list) => lists.push(list),
            Err(error) => errors.extend(error.to_string().lines().map(|line| format!("{name}: {line}"))),
        }
    }
    if errors.is_empty() { Ok(lists) } else { Err(Failure::Input(errors.join("\n"))) }
}

/// The addresses of one list; none if no list is named.
pub(super) fn read_set(file: Option<&Path>) -> Result<AddrSet, Failure> {
    match file {
        None => Ok(AddrSet::empty()),
        Some(file) => Ok(read_all(&[file], false)?.remove(0).set),
    }
}

/// A file or standard input.
fn open(file: &Path) -> io::Result<Box<dyn Read + Send>> {
    Ok(if file == Path::new("-") { Box::new(io::stdin()) } else { Box::new(File::open(file)?) })
}

/// Reads what comes next, whatever interrupts.
fn read_some(source: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match source.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

/// One line of a table: `KEY,VALUE`, or `KEY VALUE`.
struct Row {
    line: usize,
    key: String,
    value: String,
}

/// Reads the rows of a table, whatever they mean.
fn read_rows(file: &Path) -> Result<Vec<Row>, Failure> {
    let mut bytes = Vec::new();
    let name = file.display();
    open(file)
        .and_then(|mut source| source.read_to_end(&mut bytes))
        .map_err(|error| Failure::Io(format!("{name}: {error}")))?;
    let text =
        std::str::from_utf8(&bytes).map_err(|error| Failure::Input(format!("{name}: not text: {error}")))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (mut rows, mut errors) = (Vec::new(), Vec::new());
    for (index, whole) in text.lines().enumerate() {
        let line = whole.split(['#', ';']).next().unwrap_or_default().trim();
        let pair = line.split_once(',').or_else(|| line.rsplit_once(char::is_whitespace));
        match pair.map(|(key, value)| (key.trim(), value.trim())) {
            _ if line.is_empty() => {}
            Some((key, value)) if !key.is_empty() && !value.is_empty() && !value.contains(',') => {
                rows.push(Row { line: index + 1, key: key.to_owned(), value: value.to_owned() });
            }
            _ => errors.push(format!(
                "{name}: line {}: {line}: two values with a comma or blank between are needed",
                index + 1
            )),
        }
    }
    if errors.is_empty() { Ok(rows) } else { Err(Failure::Input(errors.join("\n"))) }
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
    let mut rows = read_rows(file)?;
    if rows.first().is_some_and(|row| row.key.eq_ignore_ascii_case("prefix")) {
        rows.remove(0);
    }
    let mut seen: HashMap<IpPrefix, (usize, String)> = HashMap::with_capacity(rows.len());
    let routes = understand(file, rows, |row| {
        let prefix = row.key.parse::<IpPrefix>().map_err(|error| error.to_string())?;
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
        let price = row.value.parse::<u128>().map_err(|_| "the price is not a whole number".to_owned())?;
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
