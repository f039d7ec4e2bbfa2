//! Lists of addresses as text: one prefix, range or single address a line.

use std::fmt;

use super::dual::AddrSet;
use super::family::Address;
use super::interval::Interval;
use super::prefix::{IpPrefix, PrefixError};
use super::reader::ListReader;

/// How [`AddrList::parse`] reads.
#[derive(Debug, Clone, Copy, Default)]
pub struct ListOptions {
    /// Clear host bits (`10.0.0.1/24` becomes `10.0.0.0/24`) instead of refusing them.
    pub relaxed: bool,
}

/// What a list said: its addresses as a set and how many entries it had.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AddrList {
    /// The union of all entries.
    pub set: AddrSet,
    /// Number of entries read; duplicates count.
    pub entries: usize,
}

impl AddrList {
    /// Reads a list.
    ///
    /// Each line holds a prefix (`192.0.2.0/24`), a range (`192.0.2.1-192.0.2.9`, both ends inclusive) or a single
    /// address. Blank lines, comments (`#` or `;` to the end of the line), a byte order mark and CRLF line ends
    /// are understood. Both families may mix.
    ///
    /// # Errors
    /// [`ListErrors`] with every line that is not understood, up to [`ListErrors::MOST`]; nothing is widened or
    /// left out silently.
    ///
    /// ```
    /// use tagwall::addr::{AddrList, ListOptions};
    /// let list = AddrList::parse(b"192.0.2.0/25 # first half\r\n192.0.2.128-192.0.2.255\n", ListOptions::default())?;
    /// assert_eq!(list.entries, 2);
    /// assert_eq!(list.set.prefixes().next().unwrap().to_string(), "192.0.2.0/24");
    ///
    /// let errors = AddrList::parse(b"10.0.0.1/24\nfoo\n", ListOptions::default()).unwrap_err();
    /// assert_eq!(errors.to_string(), "\
    /// line 1: 10.0.0.1/24: host bits are set; the prefix that holds this address is 10.0.0.0/24
    /// line 2: foo: not an IP address or prefix");
    /// # Ok::<(), tagwall::addr::ListErrors>(())
    /// ```
    pub fn parse(bytes: &[u8], options: ListOptions) -> Result<Self, ListErrors> {
        let mut reader = ListReader::new(options);
        reader.push(bytes);
        reader.finish()
    }
}

/// One entry of a list: a closed interval of one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// IPv4 addresses.
    V4(Interval<u32>),
    /// IPv6 addresses.
    V6(Interval<u128>),
}

impl Entry {
    /// Reads a prefix, a range `first-last` or a single address; no white space around it.
    ///
    /// # Errors
    /// [`EntryError`]; IPv4-mapped IPv6 addresses are refused, since tools disagree on what they mean.
    pub fn parse(text: &str, relaxed: bool) -> Result<Self, EntryError> {
        let entry = match text.split_once('-') {
            Some((first, last)) => Self::parse_range(first.trim_end(), last.trim_start())?,
            None => match IpPrefix::parse(text, relaxed)? {
                IpPrefix::V4(p) => Entry::V4(p.interval()),
                IpPrefix::V6(p) => Entry::V6(p.interval()),
            },
        };
        match entry {
            Entry::V6(i) if MAPPED.contains(i.first()) && MAPPED.contains(i.last()) => {
                Err(EntryError::Mapped)
            }
            entry => Ok(entry),
        }
    }

    fn parse_range(first: &str, last: &str) -> Result<Self, EntryError> {
        if let (Some(first), Some(last)) = (u32::parse(first), u32::parse(last)) {
            return Interval::new(first, last).map(Entry::V4).ok_or(EntryError::Backwards);
        }
        if let (Some(first), Some(last)) = (u128::parse(first), u128::parse(last)) {
            return Interval::new(first, last).map(Entry::V6).ok_or(EntryError::Backwards);
        }
        Err(EntryError::Range)
    }
}

pub(super) struct Mapped;

/// `::ffff:0:0/96`, where IPv6 notation hides IPv4 addresses (RFC 4291, section 2.5.5.2).
pub(super) const MAPPED: Mapped = Mapped;

impl Mapped {
    pub(super) fn contains(&self, addr: u128) -> bool {
        addr >> 32 == 0xffff
    }
}

/// Why one entry of a list is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// The line is not valid UTF-8.
    #[error("not text")]
    NotText,
    /// The entry is no prefix.
    #[error(transparent)]
    Prefix(#[from] PrefixError),
    /// The ends of a range are not two addresses of one family.
    #[error("a range needs two addresses of one family: first-last")]
    Range,
    /// The range ends before it begins.
    #[error("the range ends before it begins")]
    Backwards,
    /// An IPv4 address in IPv6 notation.
    #[error("IPv4-mapped IPv6 address; write it as IPv4")]
    Mapped,
}

/// All the lines of a list that were not understood.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListErrors {
    lines: Vec<LineError>,
    total: usize,
}

/// One line that was not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineError {
    /// The line's number, from 1.
    pub line: usize,
    /// What stands there, without comment; cut after 80 characters.
    pub text: String,
    /// What is wrong with it.
    pub error: EntryError,
}

impl ListErrors {
    /// The most lines that are kept; of more, only the number is.
    pub const MOST: usize = 100;

    /// The lines kept, in order.
    pub fn lines(&self) -> &[LineError] {
        &self.lines
    }

    /// How many lines were not understood in all.
    pub fn total(&self) -> usize {
        self.total
    }

    pub(super) fn push(&mut self, line: usize, text: &str, error: EntryError) {
        self.total += 1;
        if self.lines.len() < Self::MOST {
            self.lines.push(LineError { line, text: text.trim().chars().take(80).collect(), error });
        }
    }
}

impl ListErrors {
    /// Appends the errors of a later part of the same list, whose lines were counted from `lines_before`.
    pub(super) fn append(&mut self, later: ListErrors, lines_before: usize) {
        self.total += later.total;
        let room = Self::MOST - self.lines.len();
        let moved = later.lines.into_iter().take(room);
        self.lines.extend(moved.map(|e| LineError { line: e.line + lines_before, ..e }));
    }
}

impl fmt::Display for ListErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, LineError { line, text, error }) in self.lines.iter().enumerate() {
            let newline = if index == 0 { "" } else { "\n" };
            write!(f, "{newline}line {line}: {text}: {error}")?;
        }
        match self.total - self.lines.len() {
            0 => Ok(()),
            more => write!(f, "\nand {more} more lines"),
        }
    }
}

impl std::error::Error for ListErrors {}
