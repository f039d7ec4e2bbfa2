//! Lines into entries: the usual ones at once, the others with care.

use crate::addr::entry::{Entry, EntryError};
use crate::addr::family::Address;
use crate::addr::interval::Interval;
use crate::addr::line::{self, Found};
use crate::addr::list::{Cleared, ListErrors};
use crate::addr::prefix::Prefix;
#[cfg(target_arch = "x86_64")]
use crate::addr::scan::vectors;
use crate::addr::set::IntervalSet;
use crate::addr::words::Words;

/// Bytes of a line of the usual length. Room that is not used is never touched and costs nothing.
const USUAL_LINE: usize = 15;

/// The entries of one family, part by part; never put together, which would cost as much as sorting.
pub(super) struct Family<A: Address> {
    prefixes: Vec<Words<A>>,
    others: Vec<Interval<A>>,
}

impl<A: Address> Family<A> {
    pub(super) fn new() -> Self {
        Family { prefixes: Vec::new(), others: Vec::new() }
    }

    pub(super) fn append(&mut self, mut part: Entries<A>) {
        self.prefixes.push(part.prefixes);
        self.others.append(&mut part.others);
    }

    pub(super) fn len(&self) -> usize {
        self.prefixes.iter().map(Words::len).sum::<usize>() + self.others.len()
    }

    pub(super) fn into_set(self) -> IntervalSet<A> {
        let prefixes = IntervalSet::from_words(self.prefixes);
        if self.others.is_empty() {
            prefixes
        } else {
            prefixes.union(&IntervalSet::from_intervals(self.others))
        }
    }
}

/// Entries of one family.
pub(super) struct Entries<A: Address> {
    prefixes: Words<A>,
    /// Ranges, and the whole space.
    pub(super) others: Vec<Interval<A>>,
}

impl<A: Address> Default for Entries<A> {
    fn default() -> Self {
        Entries { prefixes: Words::default(), others: Vec::new() }
    }
}

impl<A: Address> Entries<A> {
    #[inline]
    fn push(&mut self, prefix: Prefix<A>) {
        if prefix.len() == 0 {
            self.others.push(prefix.interval());
        } else {
            self.prefixes.push(prefix);
        }
    }
}

/// What some lines said.
#[derive(Default)]
pub(super) struct Lines {
    pub(super) v4: Entries<u32>,
    pub(super) v6: Entries<u128>,
    pub(super) errors: ListErrors,
    pub(super) cleared: Cleared,
    pub(super) lines: usize,
    /// Room for what one line holds.
    found: Found,
}

impl Lines {
    /// Room for lines of the usual length, of the family of the first.
    pub(super) fn with_room_for(bytes: &[u8]) -> Self {
        let (mut lines, number) = (Lines::default(), bytes.len() / USUAL_LINE);
        let first = bytes.split(|&b| b == b'\n').next().unwrap_or_default();
        if first.contains(&b':') {
            lines.v6.prefixes.reserve(number);
        } else {
            lines.v4.prefixes.reserve(number);
        }
        lines
    }

    pub(super) fn read(&mut self, mut bytes: &[u8], relaxed: bool) {
        #[cfg(target_arch = "x86_64")]
        {
            bytes = vectors::lines(bytes, &mut Reading { lines: self, relaxed });
        }
        while !bytes.is_empty() {
            bytes = &bytes[self.read_first(bytes, relaxed)..];
        }
    }

    /// Reads the first line; returns how many bytes it has with its end.
    pub(super) fn read_first(&mut self, bytes: &[u8], relaxed: bool) -> usize {
        self.lines += 1;
        // A guess by the fifth byte saves most IPv6 lines from being tried as IPv4 first; it decides nothing.
        if bytes.get(4) != Some(&b':')
            && let Some((prefix, used)) = plain(bytes)
        {
            self.v4.push(prefix);
            used
        } else if let Some((prefix, used)) = plain::<u128>(bytes) {
            self.v6.push(prefix);
            used
        } else {
            let end = bytes.iter().position(|&b| b == b'\n').unwrap_or(bytes.len());
            self.read_line(&bytes[..end], relaxed);
            (end + 1).min(bytes.len())
        }
    }

    /// Reads a line that may hold anything.
    #[cold]
    pub(super) fn read_line(&mut self, line: &[u8], relaxed: bool) {
        // A remark may be in any encoding.
        let end = line.iter().position(|&b| b == b'#').unwrap_or(line.len());
        let text = match std::str::from_utf8(&line[..end]) {
            Ok(_) => String::from_utf8_lossy(line),
            Err(_) => {
                return self.errors.push(self.lines, &String::from_utf8_lossy(line), EntryError::NotText);
            }
        };
        match line::read(&text, relaxed, &mut self.found) {
            Ok(()) => self.keep_found(),
            Err(error) => {
                let whole = matches!(error, EntryError::InRemark { .. });
                let shown = if whole { &text } else { line::without_remark(&text) };
                self.errors.push(self.lines, shown, error);
                self.found = Found::default();
            }
        }
    }

    fn keep_found(&mut self) {
        for entry in self.found.entries.drain(..) {
            match entry {
                Entry::V4(interval) => self.v4.others.push(interval),
                Entry::V6(interval) => self.v6.others.push(interval),
            }
        }
        for (text, prefix) in self.found.cleared.drain(..) {
            self.cleared.push(self.lines, text, prefix);
        }
    }
}

/// Lines while they are read by vectors.
#[cfg(target_arch = "x86_64")]
struct Reading<'a> {
    lines: &'a mut Lines,
    relaxed: bool,
}

#[cfg(target_arch = "x86_64")]
impl vectors::Lines for Reading<'_> {
    #[inline]
    fn v4(&mut self, addr: u32, len: u8) -> bool {
        let prefix = Prefix::right(addr, len, false);
        self.lines.lines += usize::from(prefix.is_some());
        prefix.map(|prefix| self.lines.v4.push(prefix)).is_some()
    }

    #[inline]
    fn v6(&mut self, addr: u128, len: u8) -> bool {
        let prefix = Prefix::right(addr, len, false);
        self.lines.lines += usize::from(prefix.is_some());
        prefix.map(|prefix| self.lines.v6.push(prefix)).is_some()
    }

    fn other(&mut self, bytes: &[u8]) -> usize {
        self.lines.read_first(bytes, self.relaxed)
    }
}

/// Reads a line that is a right prefix or address of the family and nothing else; also returns how many bytes it
/// takes. Host bits are never cleared here, but where that is noted.
#[inline]
fn plain<A: Address>(bytes: &[u8]) -> Option<(Prefix<A>, usize)> {
    let (prefix, end) = Prefix::scan(bytes, false)?;
    Some((prefix, line_end(bytes, end)?))
}

/// Where the next line begins if this one ends at `at`.
#[inline]
fn line_end(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at) {
        None => Some(at),
        Some(b'\n') => Some(at + 1),
        Some(b'\r') if bytes.get(at + 1) == Some(&b'\n') => Some(at + 2),
        _ => None,
    }
}
