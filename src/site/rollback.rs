//! An earlier generation published again, and the memory of what it took the place of.

use std::io;

use super::error::{SiteError, failed};
use super::generations::{GENERATIONS, Record, Site};
use super::loaded;
use crate::store::{atomic, plain};

/// Holds the inputs of the generations that were rolled back, so that the next run does not publish one again.
const ROLLED_BACK: &str = "rolled-back";

/// What a rollback did.
#[derive(Debug, Clone)]
pub struct RollBack {
    /// The generation that was published before.
    pub from: u64,
    /// Its record, where it could be read.
    pub before: Option<Record>,
    /// The generation that is published now.
    pub record: Record,
    /// What is worth saying.
    pub notes: Vec<String>,
}

impl Site {
    /// Publishes an earlier generation again: `to`, or that before the present one. What others put into the present one
    /// goes with it.
    ///
    /// The one rolled back is remembered: as long as it would be made again from the same inputs, it is not published.
    ///
    /// # Errors
    /// [`SiteError`] if there is none, or if it is not whole any more.
    pub fn rollback(&self, to: Option<u64>) -> Result<RollBack, SiteError> {
        let nothing = || SiteError::NoSuchGeneration("nothing is published here yet".to_owned());
        let from = self.current_number()?.ok_or_else(nothing)?;
        // It may be damaged: that is a reason to go back.
        let before = self.record(from).ok();
        let earlier = self.numbers().into_iter().rfind(|&n| n < from);
        let known = before.as_ref().and_then(|record| record.previous);
        let known = known.filter(|number| self.numbers().contains(number));
        let number = to
            .or(known)
            .or(earlier)
            .ok_or_else(|| SiteError::NoSuchGeneration(format!("there is no generation before {from}")))?;
        let record = self.record(number)?;
        self.check(&record)?;
        if let Some(before) = before.as_ref().filter(|_| number < from) {
            self.remember(&before.inputs)?;
        }
        let notes = if number == from { Vec::new() } else { self.carry_back(from, &record)? };
        self.link(number)?;
        self.settle();
        let notes = notes.into_iter().chain(loaded::notes_of(self, &record)).collect();
        Ok(RollBack { from, before, record, notes })
    }

    /// Adds to the list of what was rolled back.
    fn remember(&self, inputs: &str) -> Result<(), SiteError> {
        let mark = self.out().join(GENERATIONS).join(ROLLED_BACK);
        // A damaged list is replaced: whoever rolls back has looked.
        let mut list = self.rolled_back().unwrap_or_default();
        list.retain(|known| known != inputs);
        list.push(inputs.to_owned());
        let text: String = list.iter().map(|inputs| format!("{inputs}\n")).collect();
        atomic::write(&mark, text.as_bytes()).map_err(failed(&mark))
    }

    fn rolled_back(&self) -> Result<Vec<String>, SiteError> {
        let mark = self.out().join(GENERATIONS).join(ROLLED_BACK);
        let damaged = |why: &str| SiteError::RolledBack(format!("{}: {why}", mark.display()));
        let text = match plain::read_text(&mark) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(|error| damaged(&error.to_string()))?,
        };
        let list: Vec<String> = text.lines().map(|line| line.trim().to_owned()).collect();
        if list.is_empty() || list.iter().any(String::is_empty) {
            return Err(damaged("is damaged"));
        }
        Ok(list)
    }

    /// Whether a generation made from `inputs` was rolled back.
    ///
    /// # Errors
    /// [`SiteError::RolledBack`] if the list of those cannot be read.
    pub fn is_rolled_back(&self, inputs: &str) -> Result<bool, SiteError> {
        Ok(self.rolled_back()?.iter().any(|known| known == inputs))
    }
}
