//! Differences between snapshots.

use serde_json::{Value, json};
use tagwall::addr::{AddrSet, Entry};
use tagwall::tags::{Delta, Move, TagDelta, TagName, TagSets};

/// Answers one case, with the same keys as its expected answer.
pub(crate) fn solve(case: &Value) -> Value {
    let delta = Delta::between(&tags(&case["before"]), &tags(&case["after"]));
    let names = |names: &[TagName]| -> Value { names.iter().map(TagName::as_str).collect() };
    let changed = delta.changed().iter().map(|tag| (tag.name.to_string(), changed(tag)));
    json!({
        "tags_added": names(delta.tags_added()),
        "tags_removed": names(delta.tags_removed()),
        "tags": changed.collect::<Value>(),
        "moved": delta.moves().iter().map(moved).collect::<Value>(),
        "all_added": cidrs(&delta.all().added),
        "all_removed": cidrs(&delta.all().removed),
    })
}

fn changed(tag: &TagDelta) -> Value {
    json!({
        "added": cidrs(&tag.change.added),
        "removed": cidrs(&tag.change.removed),
        "added_addresses": sizes(&tag.change.added),
        "removed_addresses": sizes(&tag.change.removed),
    })
}

fn moved(step: &Move) -> Value {
    json!([step.from.as_str(), step.to.as_str(), step.addresses.to_string()])
}

fn sizes(set: &AddrSet) -> Value {
    json!([set.v4.count().to_string(), set.v6.count().to_string()])
}

fn cidrs(set: &AddrSet) -> Value {
    set.prefixes().map(|prefix| prefix.to_string()).collect()
}

fn tags(value: &Value) -> TagSets<'static> {
    let entry =
        |text: &Value| Entry::parse(text.as_str().expect("a string"), false).expect("an entry of a list");
    let set = |list: &Value| list.as_array().expect("a list").iter().map(entry).collect::<AddrSet>();
    let tags = value.as_object().expect("an object");
    tags.iter().map(|(name, list)| (TagName::new(name), set(list))).collect()
}
