//! Answers the priority cases.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tagwall::lower::assign_priorities;

/// The answer to one case: `priorities` by name, or `infeasible`.
///
/// # Panics
/// If the case is malformed.
pub(crate) fn solve(case: &Value) -> Value {
    let number = |value: &Value| u32::try_from(value.as_u64().expect("a number")).expect("a priority");
    let order: Vec<&str> =
        case["order"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    let old = case["old"].as_object().expect("an object");
    let old: BTreeMap<String, u32> = old.iter().map(|(name, p)| (name.clone(), number(p))).collect();
    match assign_priorities(&order, &old, number(&case["range"][0]), number(&case["range"][1])) {
        Some(given) => {
            let given: BTreeMap<&str, u32> = order.into_iter().zip(given).collect();
            json!({"priorities": given})
        }
        None => json!({"infeasible": true}),
    }
}
