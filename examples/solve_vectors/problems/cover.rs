//! Lossless covers, set algebra, relations.

use serde_json::{Value, json};
use tagwall::addr::AddrSet;

use super::{cidrs, decimal, list, set, text};

/// The expected keys of the case's operation.
pub(crate) fn answer(case: &Value) -> Value {
    let (a, b) = (set(&case["a"]), set(&case["b"]));
    match text(&case["op"]) {
        "cover" => result(&a),
        "union" => result(&a.union(&b)),
        "intersection" => result(&a.intersection(&b)),
        "difference" => result(&a.difference(&b)),
        "symmetric_difference" => result(&a.symmetric_difference(&b)),
        "relation" => json!({
            "a_subset_of_b": a.is_subset(&b),
            "b_subset_of_a": b.is_subset(&a),
            "disjoint": a.is_disjoint(&b),
            "equal": a == b,
        }),
        "contains" => {
            let held = |item: &Value| AddrSet::from(super::entry(item)).is_subset(&a);
            json!({ "contains": list(&case["b"]).iter().map(held).collect::<Vec<_>>() })
        }
        other => panic!("unknown operation {other}"),
    }
}

fn result(set: &AddrSet) -> Value {
    json!({
        "cidrs": cidrs(set),
        "addresses": { "v4": decimal(set.v4.count()), "v6": decimal(set.v6.count()) },
    })
}
