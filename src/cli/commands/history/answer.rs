//! What histories say, as JSON has it.

use serde::Serialize;

use crate::cli::Failure;
use crate::tags::{TagHistory, Timeline};
use crate::text::{did_you_mean, nearest};

/// What a tag gained and lost, as JSON.
#[derive(Serialize)]
pub(super) struct OfTag {
    pub(super) tag: String,
    pub(super) cloud: &'static str,
    pub(super) weeks: Vec<TagWeek>,
}

/// A stored week of a tag.
#[derive(Serialize)]
pub(super) struct TagWeek {
    pub(super) date: String,
    pub(super) change_number: u64,
    /// Whether the tag is in the week at all.
    pub(super) present: bool,
    /// Prefixes as published.
    pub(super) v4: u32,
    pub(super) v6: u32,
    pub(super) addresses_v4: String,
    pub(super) addresses_v6: String,
    /// The fewest prefixes of the addresses that came; in the first stored week, of all.
    pub(super) added: Vec<String>,
    pub(super) removed: Vec<String>,
}

/// Which tags held a prefix when, as JSON.
#[derive(Serialize)]
pub(super) struct OfPrefix {
    pub(super) prefix: String,
    pub(super) cloud: &'static str,
    pub(super) spans: Vec<Span>,
}

/// Stored weeks in a row in which a tag held a prefix.
#[derive(Serialize)]
pub(super) struct Span {
    pub(super) tag: String,
    pub(super) from: String,
    pub(super) to: String,
    /// Whether the tag held all of it.
    pub(super) whole: bool,
    /// Whether that is so in the newest stored week.
    pub(super) current: bool,
}

/// The tag of that name, in any week.
pub(super) fn find<'t>(timeline: &'t Timeline, name: &str) -> Result<&'t TagHistory, Failure> {
    timeline.tag(name).ok_or_else(|| {
        let names = timeline.tags().iter().map(|tag| tag.name.as_str());
        let hint = did_you_mean(&nearest(name, names));
        Failure::Input(format!("no stored week has a tag `{name}`{hint}"))
    })
}
