//! What tags held, a prefix a row.

use crate::addr::IpPrefix;
use crate::tags::{TagHistory, Timeline};

/// A prefix that a tag held from one week to another.
pub(super) struct Held<'t> {
    pub(super) tag: &'t str,
    pub(super) prefix: IpPrefix,
    pub(super) first: u32,
    /// The last week; `None` while the tag still holds it.
    pub(super) last: Option<u32>,
}

/// All that the tags held, by tag, prefix and week.
pub(super) fn rows<'t>(tags: &[&'t TagHistory]) -> Vec<Held<'t>> {
    let mut rows = Vec::new();
    for history in tags {
        let tag = history.name.as_str();
        for piece in &history.v4 {
            let held = |p| Held { tag, prefix: IpPrefix::V4(p), first: piece.from, last: piece.last };
            rows.extend(piece.interval.prefixes().map(held));
        }
        for piece in &history.v6 {
            let held = |p| Held { tag, prefix: IpPrefix::V6(p), first: piece.from, last: piece.last };
            rows.extend(piece.interval.prefixes().map(held));
        }
    }
    rows.sort_by(|a, b| (a.tag, a.prefix, a.first).cmp(&(b.tag, b.prefix, b.first)));
    rows
}

/// The last week of a row as a date, the newest one where the tag still holds the prefix.
pub(super) fn last_week(timeline: &Timeline, held: &Held<'_>) -> u32 {
    held.last.or(timeline.newest()).unwrap_or(held.first)
}
