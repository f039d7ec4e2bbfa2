//! The priority test vectors, wherever `TAGWALL_SHARED` says they are.

use crate::problems::priorities;
use std::path::PathBuf;

use serde_json::Value;

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
#[expect(clippy::print_stderr, reason = "a skipped run should say so")]
fn every_case_keeps_as_many_as_can_be() {
    let Some(shared) = std::env::var_os("TAGWALL_SHARED") else {
        eprintln!("skipped: TAGWALL_SHARED is not set");
        return;
    };
    let path = PathBuf::from(shared).join("vectors/priorities.json");
    let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let file: Value = serde_json::from_slice(&bytes).unwrap();
    let cases = file["cases"].as_array().unwrap();
    assert!(!cases.is_empty());
    for case in cases {
        check(case, &priorities::solve(case));
    }
}

fn check(case: &Value, answer: &Value) {
    let id = &case["id"];
    let Some(most) = case["expect"]["max_kept"].as_u64() else {
        assert_eq!(answer["infeasible"], true, "{id}");
        return;
    };
    let order: Vec<&str> = case["order"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let given: Vec<u64> = order.iter().map(|name| answer["priorities"][name].as_u64().unwrap()).collect();
    assert!(given.windows(2).all(|pair| pair[0] < pair[1]), "{id}: {given:?}");
    let (low, high) = (case["range"][0].as_u64().unwrap(), case["range"][1].as_u64().unwrap());
    assert!(given.iter().all(|p| (low..=high).contains(p)), "{id}: {given:?}");
    let kept = order.iter().zip(&given).filter(|(name, p)| case["old"][name].as_u64() == Some(**p)).count();
    assert_eq!(kept as u64, most, "{id}: {given:?}");
}
