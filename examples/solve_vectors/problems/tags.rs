//! Containment of tags, covers by tags, look-up.

use serde_json::{Value, json};
use tagwall::addr::AddrSet;
use tagwall::tags::{Containment, TagCover, TagGoal, TagIndex};

use super::diff::collection;
use super::{decimal, list, set, text};

/// Order of the tags, the best covers of the target, and the tags of each address asked for.
pub(crate) fn answer(case: &Value) -> Value {
    let tags = collection(&case["tags"]);
    let index = TagIndex::new(tags.iter().map(|(name, set)| (name.clone(), set)));
    let order = Containment::of(&index);
    let names = |tags: &[u32]| json!(index.names_of(tags).collect::<Vec<_>>());
    let pair = |(a, b): (u32, u32)| names(&[a, b]);
    let target = set(&case["target"]);
    let lookup = list(&case["lookup"]).iter().map(|a| names(index.at(text(a).parse().expect("an address"))));
    json!({
        "empty": names(order.empty()),
        "equal": order.classes().iter().filter(|c| c.len() > 1).map(|c| names(c)).collect::<Vec<_>>(),
        "subset": order.pairs().map(pair).collect::<Vec<_>>(),
        "hasse": order.hasse().map(pair).collect::<Vec<_>>(),
        "exact_tags": best(&index, &target, TagGoal::Exact).map(|c| c.tags.len()),
        "tight": objective(best(&index, &target, TagGoal::Tight)),
        "fewest": objective(best(&index, &target, TagGoal::Fewest)),
        "lookup": lookup.collect::<Vec<_>>(),
    })
}

/// The cover, held against what it says of itself.
fn best(index: &TagIndex, target: &AddrSet, goal: TagGoal) -> Option<TagCover> {
    let found = TagCover::find(index, target, goal).ok()?;
    assert!(found.optimal, "small cases are solved in full");
    let pieces = index.over(target);
    assert!(found.tags.iter().all(|tag| pieces.whole.contains(tag) || pieces.part.contains(tag)));
    Some(found)
}

fn objective(cover: Option<TagCover>) -> Value {
    cover.map_or(Value::Null, |c| json!({ "tags": c.tags.len(), "extra": decimal(c.extra.count()) }))
}
