//! The documents that flows and routes rest on.

use super::Made;
use super::document::{Block, Line};
use super::section::{SOURCES, Section};
use crate::policy::Cause;

/// Every document that a flow or route rests on, in order.
pub(super) fn documents<'a>(made: &Made<'a>) -> Vec<&'a str> {
    let flows = made.policy.flows.iter().flat_map(|f| &f.causes);
    let routes = made.policy.routes.iter().flat_map(|r| &r.causes);
    let mut list: Vec<&str> =
        flows.chain(routes).flat_map(|c| c.source.split("; ")).filter(|s| !s.is_empty()).collect();
    list.sort_unstable();
    list.dedup();
    list
}

/// The numbers of the documents that these causes rest on.
pub(super) fn numbers(causes: &[Cause], documents: &[&str]) -> String {
    let mut list: Vec<usize> = causes
        .iter()
        .flat_map(|c| c.source.split("; "))
        .filter_map(|s| documents.binary_search(&s).ok())
        .map(|index| index + 1)
        .collect();
    list.sort_unstable();
    list.dedup();
    if list.is_empty() {
        return "policy".to_owned();
    }
    list.iter().map(|n| format!("[{n}]")).collect::<Vec<_>>().join(" ")
}

/// The section, if there are any.
pub(super) fn section(made: &Made<'_>) -> Option<Section> {
    let documents = documents(made);
    (!documents.is_empty())
        .then(|| Section::new(SOURCES, [Block::numbers(documents.into_iter().map(Line::of))]))
}
