//! The test vectors of stable chunks, wherever `TAGWALL_SHARED` says they are.

use crate::problems::chunks;
use crate::support;
use serde_json::Value;

fn items(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

fn number(value: &Value) -> usize {
    value.as_u64().expect("a number") as usize
}

/// Holds `chunks` to what is required of them, and counts them.
fn count(chunks: &Value, list: &Value, case: &Value, least: &Value) -> usize {
    let (id, limit, chunks) = (&case["id"], number(&case["limit"]), items(chunks));
    assert!(chunks.iter().all(|chunk| (1..=limit).contains(&items(chunk).len())), "{id}");
    assert!(chunks.iter().flat_map(items).eq(items(list)), "{id}: not the list in order");
    assert!(chunks.len() <= 3 * number(least), "{id}: {} chunks", chunks.len());
    chunks.len()
}

/// Chunks after, and new chunks: each by the better of the two reference methods.
fn reference(case: &Value) -> (usize, usize) {
    let reference = &case["expect"]["reference"];
    let (stateless, stateful) = (&reference["stateless"], &reference["stateful"]);
    let chunks = number(&stateless["chunks"][1]).min(number(&stateful["chunks"]));
    (chunks, number(&stateless["new_chunks"]).min(number(&stateful["new_chunks"])))
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn few_chunks_and_few_new_ones() {
    let Some(shared) = support::shared("few_chunks_and_few_new_ones") else { return };
    let path = shared.join("vectors/chunks.json");
    let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let file: Value = serde_json::from_slice(&bytes).expect("the file is JSON");
    let (mut ours, mut theirs) = ((0, 0), (0, 0));
    assert!(items(&file["cases"]).len() >= 40);
    for case in items(&file["cases"]) {
        let (id, expect, answer) = (&case["id"], &case["expect"], chunks::answer(case));
        count(&answer["before"], &case["before"], case, &expect["min_chunks"][0]);
        let chunks = count(&answer["after"], &case["after"], case, &expect["min_chunks"][1]);
        let old = items(&answer["before"]);
        let new = items(&answer["after"]).iter().filter(|chunk| !old.contains(chunk)).count();
        // The rule is twice the changes and one; none if nothing changed.
        assert!(new <= 2 * number(&expect["changed_prefixes"]), "{id}: {new} new chunks");
        let best = reference(case);
        assert!(new <= best.1, "{id}: {new} new chunks where a reference has {}", best.1);
        ours = (ours.0 + chunks, ours.1 + new);
        theirs = (theirs.0 + best.0, theirs.1 + best.1);
    }
    // In all, as few chunks as the better reference of each case and fewer new ones, or the other way round.
    assert!(ours.0 <= theirs.0 && ours.1 <= theirs.1 && ours != theirs, "{ours:?}, reference {theirs:?}");
}
