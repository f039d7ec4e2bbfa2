//! One module a problem, and how their inputs are read.

pub(crate) mod budget;
pub(crate) mod chunks;
mod cover;
mod diff;
mod joint;
pub(crate) mod priorities;
mod routes;
pub(crate) mod rules;
mod tags;

use serde_json::{Value, json};
use tagwall::addr::{AddrSet, Count, Entry, IpPrefix};

/// The function that answers one case of `problem`, or `None` if there is none.
pub(crate) fn solver(problem: &str) -> Option<fn(&Value) -> Value> {
    match problem {
        "lossless cover and set algebra" => Some(cover::answer),
        "budgeted cover" => Some(budget::answer),
        "one budget for several sets" => Some(joint::answer),
        "stable priorities" => Some(priorities::solve),
        "route table minimization" => Some(routes::answer),
        "rule lists" => Some(rules::solve),
        "tag containment, cover, lookup" => Some(tags::answer),
        "stable chunking" => Some(chunks::answer),
        "snapshot difference" => Some(diff::answer),
        _ => None,
    }
}

/// A text of the case. Vectors are trusted input, so what is malformed ends the run.
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().expect("a string")
}

/// The items of a list; none if the key is absent.
pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A decimal number in a string.
pub(crate) fn number<T: std::str::FromStr>(value: &Value) -> T {
    text(value).parse().ok().expect("a decimal number")
}

/// A small number as JSON has it.
pub(crate) fn index(value: &Value) -> usize {
    value.as_u64().expect("a number") as usize
}

/// A prefix, range or address.
pub(crate) fn entry(value: &Value) -> Entry {
    Entry::parse(text(value), false).expect("a prefix, range or address")
}

/// The union of a list of prefixes, ranges and addresses.
pub(crate) fn set(value: &Value) -> AddrSet {
    list(value).iter().map(entry).collect()
}

/// A set as the list of its fewest prefixes.
pub(crate) fn cidrs(set: &AddrSet) -> Value {
    strings(set.prefixes())
}

/// Prefixes as strings.
pub(crate) fn strings(prefixes: impl IntoIterator<Item = IpPrefix>) -> Value {
    prefixes.into_iter().map(|p| json!(p.to_string())).collect()
}

/// A count as a decimal string.
pub(crate) fn decimal(count: Count) -> Value {
    json!(count.to_string())
}
