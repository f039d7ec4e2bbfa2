//! Lists of prefixes as text, and sets of nftables.

use std::collections::BTreeMap;

use super::{Files, ReadError, utf8};
use crate::verify::resources::AddressList;

/// Lists with one prefix on a line and nothing else.
pub(super) fn read_plain(files: &Files<'_>) -> Result<Vec<AddressList>, ReadError> {
    files.iter().map(|(name, bytes)| list(name, bytes, Ok)).collect()
}

/// Lists in which a line that begins with `#` and what follows a space behind an entry are remarks.
pub(super) fn read_edl(files: &Files<'_>) -> Result<Vec<AddressList>, ReadError> {
    let entry = |line: &str| -> Result<Option<String>, String> {
        let entry = line.split(' ').next().unwrap_or(line);
        if line.starts_with('#') { Ok(None) } else { Ok(Some(entry.to_owned())) }
    };
    files.iter().map(|(name, bytes)| list_of(name, bytes, entry)).collect()
}

fn list(
    name: &str,
    bytes: &[u8],
    entry: impl Fn(String) -> Result<String, String>,
) -> Result<AddressList, ReadError> {
    list_of(name, bytes, |line| entry(line.to_owned()).map(Some))
}

fn list_of(
    name: &str,
    bytes: &[u8],
    entry: impl Fn(&str) -> Result<Option<String>, String>,
) -> Result<AddressList, ReadError> {
    let text = utf8(name, bytes)?;
    let body = text.strip_suffix('\n').ok_or_else(|| ReadError::new(name, "the last line does not end"))?;
    let mut entries = Vec::new();
    for (index, line) in body.split('\n').enumerate() {
        let at = |message: String| ReadError::new(format!("{name} line {}", index + 1), message);
        entries.extend(entry(line).map_err(at)?);
    }
    let v6 = match name.strip_suffix(".txt").and_then(|n| n.rsplit('.').next()) {
        Some("ipv4") => false,
        Some("ipv6") => true,
        _ => return Err(ReadError::new(name, "the name says no family")),
    };
    Ok(AddressList { name: name.to_owned(), v6, entries })
}

/// A file of `table`, `set`, `flush set` and `add element` commands.
pub(super) fn read_nft(files: &Files<'_>) -> Result<Vec<AddressList>, ReadError> {
    let mut sets: BTreeMap<String, AddressList> = BTreeMap::new();
    for (name, bytes) in files {
        let mut current: Option<String> = None;
        for (index, line) in utf8(name, bytes)?.lines().enumerate() {
            let at = |message: &str| ReadError::new(format!("{name} line {}", index + 1), message);
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                [] | ["#", ..] | ["table", "inet", _, "{"] | ["flags", "interval"] => {}
                ["set", set, "{"] => {
                    let list = AddressList { name: (*set).to_owned(), ..AddressList::default() };
                    if sets.insert((*set).to_owned(), list).is_some() {
                        return Err(at("two sets have one name"));
                    }
                    current = Some((*set).to_owned());
                }
                ["type", kind] => {
                    let set = current.as_ref().and_then(|c| sets.get_mut(c));
                    let set = set.ok_or_else(|| at("a type outside a set"))?;
                    set.v6 = match *kind {
                        "ipv4_addr" => false,
                        "ipv6_addr" => true,
                        _ => return Err(at("this type is not read")),
                    };
                }
                ["flush", "set", "inet", _, set] => {
                    sets.get_mut(*set).ok_or_else(|| at("there is no such set"))?.entries.clear();
                }
                ["add", "element", "inet", _, set, "{"] => {
                    current = Some((*set).to_owned());
                    sets.get(*set).ok_or_else(|| at("there is no such set"))?;
                }
                ["}"] => current = None,
                [entry] => {
                    let set = current.as_ref().and_then(|c| sets.get_mut(c));
                    let set = set.ok_or_else(|| at("an element outside a set"))?;
                    set.entries.push(entry.trim_end_matches(',').to_owned());
                }
                _ => return Err(at("this command is not read")),
            }
        }
    }
    Ok(sets.into_values().collect())
}
