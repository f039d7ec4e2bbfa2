//! What a rollback changes: the rules of one generation held against those of another.

use std::collections::BTreeSet;

use super::generations::{Record, Site};
use super::memory::summary_of;
use crate::report::changes::{Changes, RuleSummary};

/// What it changes to publish `to` in the place of `from`, for each environment of either; and what cannot be said.
pub fn changes_between(site: &Site, from: &Record, to: &Record) -> (Vec<Changes>, Vec<String>) {
    let names: BTreeSet<&str> = environments(from).chain(environments(to)).collect();
    let (mut changes, mut notes) = (Vec::new(), Vec::new());
    for name in names {
        let (before, now) = (summary_of(site, from, name), summary_of(site, to, name));
        match (before, now) {
            (before, Some(now)) => changes.push(Changes::between(before.as_ref(), &now)),
            (Some(before), None) if !environments(to).any(|other| other == name) => {
                let gone = RuleSummary { rules: Vec::new(), ..before.clone() };
                changes.push(Changes::between(Some(&before), &gone));
                notes.push(format!("{name} is not published any more"));
            }
            _ => notes
                .push(format!("{name}: what changed cannot be said; what was kept of its rules is damaged")),
        }
    }
    (changes, notes)
}

fn environments(record: &Record) -> impl Iterator<Item = &str> {
    let states = record.files.keys().filter_map(|file| file.strip_prefix(".state/")?.strip_suffix(".json"));
    states.filter(|name| *name != "held")
}
