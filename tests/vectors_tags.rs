//! The test vectors of tags, differences and chunks, wherever `TAGWALL_SHARED` says they are.

#[path = "../examples/solve_vectors/problems/chunks.rs"]
mod chunks;
#[path = "../examples/solve_vectors/problems/diff.rs"]
mod diff;
#[path = "../examples/solve_vectors/problems/tags.rs"]
mod tags;

use std::path::PathBuf;

use serde_json::Value;

/// The cases of one file, or `None` where no folder of vectors is named.
#[expect(clippy::print_stderr, reason = "a skipped run should say so")]
fn cases(file: &str) -> Option<Vec<Value>> {
    let Some(shared) = std::env::var_os("TAGWALL_SHARED") else {
        eprintln!("{file}: skipped, since TAGWALL_SHARED is not set");
        return None;
    };
    let path = PathBuf::from(shared).join("vectors").join(file);
    let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut file: Value = serde_json::from_slice(&bytes).expect("vectors are JSON");
    let Value::Array(cases) = file["cases"].take() else { panic!("{} has no cases", path.display()) };
    assert!(!cases.is_empty());
    Some(cases)
}

#[test]
fn containment_covers_and_lookup() {
    for case in cases("tags.json").unwrap_or_default() {
        assert_eq!(tags::solve(&case), case["expect"], "{}", case["id"]);
    }
}

#[test]
fn differences() {
    for case in cases("diff.json").unwrap_or_default() {
        assert_eq!(diff::solve(&case), case["expect"], "{}", case["id"]);
    }
}

/// How many chunks there are, and whether they are a way to cut `list`.
fn chunk_count(chunks: &Value, list: &Value, case: &Value, side: usize) -> usize {
    let chunks = chunks.as_array().expect("a list of chunks");
    let limit = case["limit"].as_u64().expect("a number") as usize;
    let sizes = chunks.iter().map(|chunk| chunk.as_array().expect("a list").len());
    assert!(sizes.clone().all(|size| (1..=limit).contains(&size)), "{}", case["id"]);
    let all: Vec<&Value> = chunks.iter().flat_map(|chunk| chunk.as_array().expect("a list")).collect();
    assert!(all.into_iter().eq(list.as_array().expect("a list")), "{}", case["id"]);
    let least = case["expect"]["min_chunks"][side].as_u64().expect("a number") as usize;
    assert!(chunks.len() <= 3 * least, "{}: {} chunks", case["id"], chunks.len());
    chunks.len()
}

/// Chunks after, and new chunks, by the better of the two reference methods.
fn reference(case: &Value) -> (usize, usize) {
    let number = |value: &Value| value.as_u64().expect("a number") as usize;
    let reference = &case["expect"]["reference"];
    let (stateless, stateful) = (&reference["stateless"], &reference["stateful"]);
    let new = number(&stateless["new_chunks"]).min(number(&stateful["new_chunks"]));
    (number(&stateless["chunks"][1]).min(number(&stateful["chunks"])), new)
}

#[test]
fn stable_chunks() {
    let (mut ours, mut theirs) = ((0, 0), (0, 0));
    for case in cases("chunks.json").unwrap_or_default() {
        let answer = chunks::solve(&case);
        chunk_count(&answer["before"], &case["before"], &case, 0);
        let count = chunk_count(&answer["after"], &case["after"], &case, 1);
        let old = answer["before"].as_array().expect("a list");
        let new = answer["after"].as_array().expect("a list").iter().filter(|c| !old.contains(c)).count();
        let changed = case["expect"]["changed_prefixes"].as_u64().expect("a number") as usize;
        assert!(new <= 2 * changed && (new == 0 || changed > 0), "{}: {new} new chunks", case["id"]);
        let reference = reference(&case);
        assert!(new <= reference.1, "{}: {new} new chunks, reference {}", case["id"], reference.1);
        ours = (ours.0 + count, ours.1 + new);
        theirs = (theirs.0 + reference.0, theirs.1 + reference.1);
    }
    // In all, fewer chunks and fewer new ones than the better reference of each case.
    assert!(ours <= theirs && ours.1 <= theirs.1, "{ours:?}, reference {theirs:?}");
}
