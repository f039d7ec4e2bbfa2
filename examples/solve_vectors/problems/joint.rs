//! One budget for several sets.

use serde_json::{Value, json};
use tagwall::addr::{CoverCurve, CoverRequest};

use super::budget::Input;
use super::{index, list, strings};

/// The best covers of all sets together for every `k` that the case asks for.
pub(crate) fn answer(case: &Value) -> Value {
    let inputs: Vec<Input> = list(&case["sets"]).iter().map(Input::read).collect();
    let requests: Vec<CoverRequest<'_>> = inputs.iter().map(Input::request).collect();
    let budgets: Vec<Value> = list(&case["expect"]["budgets"])
        .iter()
        .map(|wanted| {
            let k = index(&wanted["k"]);
            let curve = CoverCurve::joint(&requests, Some(k)).expect("no conflict");
            match curve.at_most(k) {
                Ok(best) => {
                    let covers: Vec<Value> = best.covers.into_iter().map(strings).collect();
                    json!({ "k": k, "covers": covers })
                }
                Err(_) => json!({ "k": k, "infeasible": true }),
            }
        })
        .collect();
    json!({ "budgets": budgets })
}
