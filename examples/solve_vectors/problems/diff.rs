//! Differences between snapshots.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use tagwall::addr::AddrSet;
use tagwall::tags::{Delta, FamilyCounts, TagName};

use super::{cidrs, set};

/// The change per tag, of the union, and what moved.
pub(crate) fn answer(case: &Value) -> Value {
    let delta = Delta::between(&collection(&case["before"]), &collection(&case["after"]));
    let tags: Map<String, Value> = delta
        .tags
        .iter()
        .map(|(name, change)| {
            let entry = json!({
                "added": cidrs(&change.added),
                "removed": cidrs(&change.removed),
                "added_addresses": counts(change.added_addresses()),
                "removed_addresses": counts(change.removed_addresses()),
            });
            (name.to_string(), entry)
        })
        .collect();
    let moved: Vec<Value> =
        delta.moved.iter().map(|m| json!([m.from, m.to, m.addresses.to_string()])).collect();
    json!({
        "tags_added": delta.tags_added,
        "tags_removed": delta.tags_removed,
        "tags": tags,
        "moved": moved,
        "all_added": cidrs(&delta.all.added),
        "all_removed": cidrs(&delta.all.removed),
    })
}

/// Reads named lists.
pub(crate) fn collection(tags: &Value) -> BTreeMap<TagName, AddrSet> {
    let tags = tags.as_object().expect("an object");
    tags.iter().map(|(name, list)| (TagName::new(name), set(list))).collect()
}

fn counts(counts: FamilyCounts) -> Value {
    json!([counts.v4, counts.v6])
}
