//! The test vectors of tags and of differences, wherever `TAGWALL_SHARED` says they are.

use crate::support;
use serde_json::Value;

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn containment_covers_and_look_up() {
    run("tags", 120);
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn differences() {
    run("diff", 120);
}

/// All of `expect` is unique in these, so answers are compared whole.
fn run(file: &str, cases: usize) {
    let Some(shared) = support::shared(file) else { return };
    let path = shared.join(format!("vectors/{file}.json"));
    let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let file: Value = serde_json::from_slice(&bytes).expect("the file is JSON");
    let solve =
        crate::problems::solver(file["problem"].as_str().expect("a problem")).expect("the problem is known");
    let list = file["cases"].as_array().expect("a list of cases");
    assert!(list.len() >= cases, "{} has {} cases", path.display(), list.len());
    for case in list {
        assert_eq!(solve(case), case["expect"], "{}", case["id"]);
    }
}
