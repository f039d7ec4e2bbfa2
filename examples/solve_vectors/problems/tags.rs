//! Containment, covers and look-up of tags.

use serde_json::{Map, Value, json};
use tagwall::addr::{AddrSet, Entry};
use tagwall::tags::{Containment, CoverGoal, TagCover, TagId, TagIndex, TagName, TagSets};

/// Answers one case, with the same keys as its expected answer.
pub(crate) fn solve(case: &Value) -> Value {
    let tags: TagSets<'_> =
        object(&case["tags"]).iter().map(|(name, cidrs)| (TagName::new(name), set(cidrs))).collect();
    let index = TagIndex::new(&tags);
    let containment = Containment::new(&index);
    let names = |ids: &[TagId]| -> Value { ids.iter().map(|&id| index.name(id).as_str()).collect() };
    let pair = |(a, b): (TagId, TagId)| names(&[a, b]);
    let target = set(&case["target"]);
    let cover = |goal| index.cover(&target, goal, |_| true);
    json!({
        "empty": names(containment.empty()),
        "equal": containment.equal().map(names).collect::<Value>(),
        "subset": containment.subset_pairs().map(pair).collect::<Value>(),
        "hasse": containment.hasse_pairs().into_iter().map(pair).collect::<Value>(),
        "exact_tags": cover(CoverGoal::Exact).map(|cover| cover.tags().len()),
        "tight": cover(CoverGoal::Tight).map(|cover| size(&cover)),
        "fewest": cover(CoverGoal::Fewest).map(|cover| size(&cover)),
        "lookup": list(&case["lookup"]).iter().map(|addr| names(at(&index, addr))).collect::<Value>(),
    })
}

fn size(cover: &TagCover) -> Value {
    json!({ "tags": cover.tags().len(), "extra": cover.extra().to_string() })
}

fn at<'a>(index: &'a TagIndex, addr: &Value) -> &'a [TagId] {
    index.at(addr.as_str().expect("a string").parse().expect("an address"))
}

/// The union of a list of prefixes, ranges and addresses.
fn set(value: &Value) -> AddrSet {
    let entry =
        |text: &Value| Entry::parse(text.as_str().expect("a string"), false).expect("an entry of a list");
    list(value).iter().map(entry).collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().expect("an object")
}
