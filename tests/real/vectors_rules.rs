//! The rule-list test vectors, wherever `TAGWALL_SHARED` says they are.

use crate::problems::rules;
use std::path::PathBuf;

use serde_json::Value;

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
#[expect(clippy::print_stderr, reason = "a skipped run should say so")]
fn every_case_is_answered_as_expected() {
    let Some(shared) = std::env::var_os("TAGWALL_SHARED") else {
        eprintln!("skipped: TAGWALL_SHARED is not set");
        return;
    };
    let path = PathBuf::from(shared).join("vectors/rules.json");
    let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let file: Value = serde_json::from_slice(&bytes).unwrap();
    let cases = file["cases"].as_array().unwrap();
    assert!(!cases.is_empty());
    for case in cases {
        let mut answer = rules::solve(case);
        let witness = answer.as_object_mut().unwrap().remove("witness");
        assert_eq!(answer, case["expect"], "{}", case["id"]);
        if case["kind"] == "equivalence" {
            assert_eq!(witness.is_some(), case["expect"]["equivalent"] == false, "{}", case["id"]);
        }
        if let Some(witness) = witness {
            let packet = rules::packet(&witness);
            let [a, b] =
                [("a", "default_a"), ("b", "default_b")].map(|(r, d)| rules::list(&case[r], &case[d]));
            assert_ne!(a.evaluate(&packet).access, b.evaluate(&packet).access, "{}: {packet}", case["id"]);
        }
    }
}
