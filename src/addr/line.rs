//! One line of a list in whatever form it comes: entries with remarks, rows of tables, and what firewalls and other
//! tools write.
//!
//! What is not understood is an error, and so is what may mean two things: no value is passed over. The usual lines,
//! one prefix and nothing else, are read elsewhere and never come here.

use super::entry::{Entry, EntryError, Form, Likely, is_number, resembles_entry, slash_mask};
use super::family::Address;
use super::interval::Interval;
use super::prefix::PrefixError;
use crate::text::{excerpt, trim_hidden};

/// What lines held.
#[derive(Default)]
pub(super) struct Found {
    pub(super) entries: Vec<Entry>,
    /// Prefixes as written, whose host bits were cleared, and what was read.
    pub(super) cleared: Vec<(String, String)>,
}

/// Reads a line.
///
/// # Errors
/// [`EntryError`]; what was found before is not to be used then.
pub(super) fn read(line: &str, relaxed: bool, found: &mut Found) -> Result<(), EntryError> {
    // What else ends lines: of old systems, of word processors, pages.
    let ends = ['\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'];
    line.split(ends).try_for_each(|line| read_one(line, relaxed, found))
}

fn read_one(line: &str, relaxed: bool, found: &mut Found) -> Result<(), EntryError> {
    let line = trim_hidden(line);
    if line.is_empty() || is_remark(line)? {
        return Ok(());
    }
    let (data, remark) = split_remark(line);
    if let Some((sign, remark)) = remark {
        refuse_values(sign, remark)?;
    }
    let mut reader = LineReader { relaxed, found };
    if reader.one(data).is_ok() {
        return Ok(());
    }
    let data: String = data.chars().map(plain_dash).collect();
    if is_setting(&data) {
        return Ok(());
    }
    if let Some(done) = reader.registry_row(&data) {
        return done;
    }
    // Commas in lines of `ipset save` stand between parts of one entry.
    if data.starts_with("add ") {
        return reader.cell(&data).map(drop);
    }
    reader.row(&data)
}

/// What a line says, without its remark: for messages.
pub(super) fn without_remark(line: &str) -> &str {
    trim_hidden(split_remark(trim_hidden(line)).0)
}

/// Whether all of the line is a remark: `#` and `;` (lists), `//`, `%` (whois), `!` and a blank (routers).
fn is_remark(line: &str) -> Result<bool, EntryError> {
    if let Some(rest) = line.strip_prefix(';') {
        // A row of a table whose first column is empty.
        if rest.contains(';') && !rest.starts_with([' ', '\t']) {
            refuse_values(";", rest)?;
        }
        return Ok(true);
    }
    if let Some(rest) = line.strip_prefix('!') {
        let excepted = leading_entry(rest).is_some();
        return if excepted { Err(EntryError::Exception) } else { Ok(true) };
    }
    Ok(line.starts_with(['#', '%']) || line.starts_with("//"))
}

/// The line before its remark, and the remark with its sign. `;` is no sign here: it stands between columns too.
fn split_remark(line: &str) -> (&str, Option<(&'static str, &str)>) {
    let hash = line.find('#').map(|at| (at, "#"));
    let slashes = [" //", "\t//"].iter().filter_map(|sign| line.find(sign)).min().map(|at| (at + 1, "//"));
    match hash.into_iter().chain(slashes).min() {
        Some((at, sign)) => (line[..at].trim_end(), Some((sign, &line[at + sign.len()..]))),
        None => (line, None),
    }
}

/// A remark may speak of addresses, but neither begin with one nor have one as a part of its own.
fn refuse_values(sign: &'static str, remark: &str) -> Result<(), EntryError> {
    match value_in_remark(remark) {
        Some(value) => Err(EntryError::InRemark { sign, value: excerpt(value) }),
        None => Ok(()),
    }
}

/// The first address, prefix or range that stands in a remark as an entry would: at its beginning, or alone between
/// commas and the like. Remarks may speak of addresses elsewhere.
pub(crate) fn value_in_remark(remark: &str) -> Option<&str> {
    // Nearly every remark: no address is without a digit or colon.
    if !remark.bytes().any(|b| b.is_ascii_digit() || b == b':') {
        return None;
    }
    remark.split([';', ',', '#', '|', '\t']).find_map(leading_entry)
}

/// The first word of a text, if it looks like an entry.
fn leading_entry(text: &str) -> Option<&str> {
    let word = unquoted(text).split_whitespace().next().map(|word| word.trim_matches(is_quote))?;
    let word = word.trim_end_matches([',', ';', ':', '.']);
    resembles_entry(word).then_some(word)
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\'' | '`' | '\u{2018}'..='\u{201f}' | '\u{ab}' | '\u{bb}')
}

/// A text without what stands around it in tables, documents and code.
fn unquoted(text: &str) -> &str {
    let around = |c: char| c.is_whitespace() || crate::text::is_hidden(c) || is_quote(c);
    let text = text.trim_matches(around);
    // Marks of lists in word processors.
    let item = text.strip_prefix(['\u{2022}', '\u{2023}', '\u{25e6}', '\u{25aa}', '\u{b7}']);
    item.or(text.strip_prefix("* ")).map_or(text, |item| item.trim_matches(around))
}

/// Word processors make dashes of every length; between addresses all mean the same.
fn plain_dash(c: char) -> char {
    match c {
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        c => c,
    }
}

/// `sep=;`, by which table programs say what stands between columns, and lines of `ipset save` without an entry.
fn is_setting(data: &str) -> bool {
    let lower = data.trim_matches('"').to_ascii_lowercase();
    let separator = lower.strip_prefix("sep=").is_some_and(|rest| rest.chars().count() <= 1);
    let set = lower.starts_with("create ") || lower.starts_with("flush ");
    separator || set && !lower.split_whitespace().any(resembles_entry)
}

/// The cells of a row, without quotes; empty ones are `""`.
fn cells(data: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut quote = false;
    for c in data.chars() {
        match c {
            '"' => quote = !quote,
            ';' | ',' | '\t' | '|' if !quote => cells.push(String::new()),
            c => cells.last_mut().expect("never empty").push(c),
        }
    }
    cells.iter().map(|cell| unquoted(cell).to_owned()).collect()
}

/// Names of columns that hold addresses, in lower case and without anything but letters and digits.
const COLUMNS: [&str; 27] = [
    "prefix",
    "prefixes",
    "cidr",
    "cidrs",
    "cidrblock",
    "ip",
    "ips",
    "ipaddress",
    "ipaddresses",
    "address",
    "addresses",
    "addressprefix",
    "addressprefixes",
    "network",
    "networks",
    "subnet",
    "subnets",
    "range",
    "iprange",
    "ipranges",
    "ipprefix",
    "ipv4",
    "ipv6",
    "ipv4prefix",
    "ipv6prefix",
    "startip",
    "firstip",
];

/// Whether cells are names of columns.
fn is_header(cells: &[String]) -> bool {
    let plain = |cell: &String| -> String {
        cell.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
    };
    cells.iter().any(|cell| COLUMNS.contains(&plain(cell).as_str()))
        && !cells.iter().any(|cell| leading_entry(cell).is_some())
}

struct LineReader<'a> {
    relaxed: bool,
    found: &'a mut Found,
}

impl LineReader<'_> {
    /// Reads one entry in the usual notation or with a mask; returns whether it says where it ends.
    fn one(&mut self, text: &str) -> Result<bool, EntryError> {
        let masked = slash_mask(text).transpose()?;
        let plain = masked.as_deref().unwrap_or(text);
        let entry = match Entry::parse(plain, false) {
            Err(EntryError::Prefix(PrefixError::HostBits { canonical })) if self.relaxed => {
                let entry = Entry::parse(plain, true)?;
                self.found.cleared.push((text.to_owned(), canonical));
                entry
            }
            other => other?,
        };
        self.found.entries.push(entry);
        Ok(text.contains(['/', '-']))
    }

    /// Reads the cells of a row, which may be one.
    fn row(&mut self, data: &str) -> Result<(), EntryError> {
        let cells = cells(data);
        let filled: Vec<&String> = cells.iter().filter(|cell| !cell.is_empty()).collect();
        match filled.as_slice() {
            [] => return Ok(()),
            [one] if cells[0].is_empty() || !one.contains([';', ',']) => return self.only_cell(&cells, one),
            _ => {}
        }
        if self.all_explicit(filled.iter().flat_map(|cell| cell.split([';', ','])).map(str::trim)) {
            return Ok(());
        }
        let first = cells[0].as_str();
        if leading_entry(first).is_none() {
            return match cells.iter().enumerate().find_map(|(at, cell)| Some((at, leading_entry(cell)?))) {
                Some((at, value)) if self.statement(first).is_none() => {
                    Err(EntryError::Column { column: at + 1, value: excerpt(value) })
                }
                _ if is_header(&cells) => Ok(()),
                _ => self.cell(first).map(drop),
            };
        }
        if let Some(other) = cells[1..].iter().find_map(|cell| leading_entry(cell)) {
            return Err(EntryError::Several(likely(first, other)));
        }
        let explicit = self.cell(first)?;
        match filled.get(1) {
            Some(second) if !explicit && second.starts_with(|c: char| c.is_ascii_digit()) => {
                Err(EntryError::Several(Likely::Number))
            }
            _ => Ok(()),
        }
    }

    fn only_cell(&mut self, cells: &[String], cell: &str) -> Result<(), EntryError> {
        if is_header(cells) { Ok(()) } else { self.cell(cell).map(drop) }
    }

    /// Reads texts that are all prefixes or ranges: whatever stands between them, they can only be a list. Otherwise
    /// nothing is read.
    fn all_explicit<'t>(&mut self, texts: impl Iterator<Item = &'t str>) -> bool {
        let (entries, cleared) = (self.found.entries.len(), self.found.cleared.len());
        for text in texts.filter(|text| !text.is_empty()) {
            if !matches!(self.one(text), Ok(true)) {
                self.found.entries.truncate(entries);
                self.found.cleared.truncate(cleared);
                return false;
            }
        }
        true
    }

    /// Reads one cell: an entry, perhaps with words around it. Returns whether it says where it ends.
    fn cell(&mut self, text: &str) -> Result<bool, EntryError> {
        let plain = match self.one(text) {
            Ok(explicit) => return Ok(explicit),
            Err(error) => error,
        };
        let words: Vec<&str> = text.split_whitespace().map(|word| word.trim_matches(is_quote)).collect();
        match words.as_slice() {
            [] | [_] => Err(self.marked(text).unwrap_or(plain)),
            [addr, mask] if resembles_entry(addr) && mask.starts_with('/') => {
                self.one(&format!("{addr}{mask}"))
            }
            [addr, "/", len] if resembles_entry(addr) => self.one(&format!("{addr}/{len}")),
            // Shorter masks than of eight bits are rather addresses.
            [addr, mask]
                if let (Some(addr), Some(mask)) = (u32::parse(addr), u32::parse(mask))
                    && matches!(mask >> 24, 0 | 255) =>
            {
                self.one(&Entry::masked_text(addr, mask)?)
            }
            // Members of Cisco object groups.
            ["network-object", rest @ ..] | ["network-object", "host", rest @ ..] | ["host", rest @ ..]
                if rest.len() <= 2 && !rest.is_empty() =>
            {
                self.cell(&rest.join(" "))
            }
            ["range", first, last] => self.one(&format!("{first}-{last}")),
            ["add", _, entry, options @ ..] => self.ipset(entry, options),
            ["-" | "+" | "<" | ">", ..] => Err(self.marked(text).unwrap_or(plain)),
            _ if self.all_explicit(words.iter().copied()) => Ok(true),
            [first, rest @ ..] if resembles_entry(first) => self.entry_and_words(first, rest),
            [first, ..] => Err(self.statement(text).unwrap_or_else(|| match plain {
                EntryError::Range if !resembles_entry(first) => EntryError::Prefix(PrefixError::Address),
                error => error,
            })),
        }
    }

    /// A line of `ipset save`; ports, other addresses and `nomatch` narrow the entry.
    fn ipset(&mut self, entry: &str, options: &[&str]) -> Result<bool, EntryError> {
        if options.contains(&"nomatch") {
            return Err(EntryError::Exception);
        }
        let comment = options.iter().position(|option| *option == "comment").unwrap_or(options.len());
        let known =
            |word: &&str| is_number(word) || matches!(*word, "timeout" | "packets" | "bytes" | "-exist");
        match options[..comment].iter().find(|word| !known(word)) {
            Some(word) => Err(EntryError::Word { word: excerpt(word) }),
            None => self.one(entry),
        }
    }

    /// An entry and words behind it, as PAN-OS has remarks.
    fn entry_and_words(&mut self, first: &str, words: &[&str]) -> Result<bool, EntryError> {
        if let Some(other) = words.iter().find_map(|word| leading_entry(word)) {
            return Err(EntryError::Several(likely(first, other)));
        }
        let explicit = self.one(first.trim_end_matches([',', ':']))?;
        let word = words[0].to_lowercase();
        if is_number(&word) && (!explicit || word == "0") {
            return Err(EntryError::Several(Likely::Number));
        }
        let remark =
            word.starts_with(|c: char| c.is_alphabetic() || is_number(&word) || matches!(c, '(' | '[' | '<'));
        if !remark || CHANGING.contains(&word.trim_matches(|c: char| !c.is_alphanumeric())) {
            return Err(EntryError::Word { word: excerpt(words[0]) });
        }
        Ok(explicit)
    }

    /// An entry behind a mark, which may say that it is no entry.
    fn marked(&self, text: &str) -> Option<EntryError> {
        let mark = text.chars().next().filter(|c| matches!(c, '-' | '+' | '<' | '>' | '!' | '~' | '='))?;
        leading_entry(&text[1..])?;
        Some(if mark == '!' { EntryError::Exception } else { EntryError::Form(Form::Marked(mark)) })
    }

    /// A line of a configuration: words, and an entry behind them.
    fn statement(&self, text: &str) -> Option<EntryError> {
        let mut words = text.split_whitespace();
        let word = excerpt(words.next()?);
        let value = excerpt(words.find_map(leading_entry)?);
        Some(EntryError::Statement { word, value })
    }

    /// A line of a registry's statistics (`ripencc|NL|ipv4|192.0.2.0|256|20120101|allocated`); `None` for any other.
    ///
    /// Source: "RIR statistics exchange format", version 2: of IPv4 the number of addresses, of IPv6 the length.
    fn registry_row(&mut self, data: &str) -> Option<Result<(), EntryError>> {
        let cells: Vec<&str> = data.split('|').collect();
        let [_, _, kind, first, value, rest @ ..] = cells.as_slice() else { return None };
        const REGISTRIES: [&str; 6] = ["afrinic", "apnic", "arin", "iana", "lacnic", "ripencc"];
        if !cells[..2].iter().any(|cell| REGISTRIES.contains(cell)) {
            return None;
        }
        // The first line, of the version, the lines that sum up, and numbers of networks.
        if cells[0] == "2" || rest.last() == Some(&"summary") || (*kind == "asn" && is_number(first)) {
            return Some(Ok(()));
        }
        let status = rest.get(1)?;
        let entry = match (*kind, value.parse::<u32>().ok()) {
            ("ipv4", Some(count)) => u32::parse(first)
                .and_then(|first| Interval::new(first, first.checked_add(count.checked_sub(1)?)?))
                .map(Entry::V4)
                .ok_or(EntryError::Prefix(PrefixError::Address)),
            ("ipv6", Some(_)) => Entry::parse(&format!("{first}/{value}"), false),
            _ => return None,
        };
        Some(match *status {
            "allocated" | "assigned" => entry.map(|entry| self.found.entries.push(entry)),
            status => Err(EntryError::Status { status: excerpt(status) }),
        })
    }
}

/// Words behind an entry that take something away from it or add to it.
const CHANGING: [&str; 22] = [
    "and",
    "but",
    "deny",
    "drop",
    "except",
    "exclude",
    "excluding",
    "exact",
    "le",
    "ge",
    "mask",
    "netmask",
    "nomatch",
    "not",
    "or",
    "orlonger",
    "through",
    "thru",
    "to",
    "until",
    "via",
    "wildcard",
];

/// What two values in one line are likely to be.
fn likely(first: &str, second: &str) -> Likely {
    match (u32::parse(first), u32::parse(second)) {
        (Some(a), Some(b)) => match Entry::masked_text(a, b) {
            Ok(prefix) if Entry::parse(&prefix, false).is_ok() && !(a <= b && b < 0xe000_0000) => {
                Likely::Mask(prefix)
            }
            _ if a <= b => Likely::Range(format!("{first}-{second}")),
            _ => Likely::Unknown,
        },
        (None, Some(_)) if first.contains('/') => Likely::Route,
        _ => match (u128::parse(first), u128::parse(second)) {
            (Some(a), Some(b)) if a <= b => Likely::Range(format!("{first}-{second}")),
            (None, Some(_)) if first.contains('/') => Likely::Route,
            _ => Likely::Unknown,
        },
    }
}

#[cfg(test)]
mod tests;
