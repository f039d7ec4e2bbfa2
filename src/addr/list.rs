//! Lists of addresses as text: one prefix, range or single address a line.

use std::fmt;

use super::dual::AddrSet;
use super::entry::EntryError;
use crate::text::excerpt;

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
    /// Entries whose host bits were cleared.
    pub cleared: Cleared,
}

/// Entries whose host bits were cleared, as [`ListOptions::relaxed`] asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cleared {
    lines: Vec<ClearedLine>,
    total: usize,
}

/// One entry whose host bits were cleared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClearedLine {
    /// The line's number, from 1.
    pub line: usize,
    /// The entry as written.
    pub text: String,
    /// What was read.
    pub prefix: String,
}

impl Cleared {
    /// The most lines that are kept; of more, only the number is.
    pub const MOST: usize = 10;

    /// The lines kept, in order.
    pub fn lines(&self) -> &[ClearedLine] {
        &self.lines
    }

    /// How many entries there were in all.
    pub fn total(&self) -> usize {
        self.total
    }

    /// Appends those of another list, with their lines.
    pub fn extend(&mut self, others: Cleared) {
        self.append(others, 0);
    }

    pub(super) fn push(&mut self, line: usize, text: String, prefix: String) {
        self.total += 1;
        if self.lines.len() < Self::MOST {
            self.lines.push(ClearedLine { line, text: excerpt(&text), prefix });
        }
    }

    /// Appends those of a later part of the same list, whose lines were counted from `lines_before`.
    pub(super) fn append(&mut self, later: Cleared, lines_before: usize) {
        self.total += later.total;
        let room = Self::MOST - self.lines.len();
        let moved = later.lines.into_iter().take(room);
        self.lines.extend(moved.map(|c| ClearedLine { line: c.line + lines_before, ..c }));
    }
}

impl fmt::Display for Cleared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, ClearedLine { line, text, prefix }) in self.lines.iter().enumerate() {
            let newline = if index == 0 { "" } else { "\n" };
            write!(f, "{newline}line {line}: {text} was read as {prefix}")?;
        }
        match self.total - self.lines.len() {
            0 => Ok(()),
            more => write!(f, "\nand {more} more"),
        }
    }
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
    /// What stands there, without comment; cut after 80 characters, with hidden characters written out.
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
            self.lines.push(LineError { line, text: excerpt(text), error });
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
            let between = if text.is_empty() { "" } else { ": " };
            write!(f, "{newline}line {line}{between}{text}: {error}")?;
        }
        match self.total - self.lines.len() {
            0 => Ok(()),
            more => write!(f, "\nand {more} more lines"),
        }
    }
}

impl std::error::Error for ListErrors {}
