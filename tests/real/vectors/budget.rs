//! Judges covers: valid, and as cheap as the vector says.

use serde_json::Value;
use tagwall::addr::{AddrSet, Count, CoverCurve, CoverRequest, cheapest_within, fewest_within};

use super::{is_infeasible, paired};
use crate::problems::budget::Input;
use crate::problems::{entry, index, list, number, set};

/// Cost and number of extra addresses of a cover, which must hold all of `required` and nothing of `forbidden`.
fn measure(case: &Value, prefixes: &Value) -> (Count, Count) {
    let (required, covered) = (set(&case["required"]), set(prefixes));
    assert!(required.is_subset(&covered), "something required is missing");
    assert!(covered.is_disjoint(&set(&case["forbidden"])), "something forbidden is covered");
    let extra = covered.difference(&required);
    let mut rest = extra.clone();
    let mut cost = Count::default();
    for block in list(&case["weights"]) {
        let block_set = AddrSet::from(entry(&block["cidr"]));
        cost += times(extra.intersection(&block_set).count(), &block["w"]);
        rest = rest.difference(&block_set);
    }
    let default = &case["default_weight"];
    cost += times(rest.v4.count(), &default["v4"]) + times(rest.v6.count(), &default["v6"]);
    (cost, extra.count())
}

fn times(count: Count, weight: &Value) -> Count {
    count.checked_mul(number(weight)).expect("a cost that fits")
}

pub(crate) fn judge(case: &Value, answer: &Value) {
    let expect = &case["expect"];
    if !expect["conflict"].is_null() {
        assert_eq!(answer, expect);
        return;
    }
    for key in ["lossless", "k_min", "pareto"] {
        assert_eq!(answer[key], expect[key], "{key}");
    }
    for (expected, answer) in paired(&expect["budgets"], &answer["budgets"], "k") {
        if is_infeasible(expected, answer) {
            continue;
        }
        let (cost, extra) = measure(case, &answer["cidrs"]);
        assert_eq!(cost, number(&expected["cost"]));
        assert_eq!(extra, number(&expected["extra"]));
        assert_eq!(list(&answer["cidrs"]).len(), index(&expected["prefixes"]));
    }
    for (expected, answer) in paired(&expect["dual"], &answer["dual"], "max_cost") {
        assert!(measure(case, &answer["cidrs"]).0 <= number(&expected["max_cost"]));
        assert_eq!(list(&answer["cidrs"]).len(), index(&expected["prefixes"]));
    }
}

pub(crate) fn judge_joint(case: &Value, answer: &Value) {
    for (expected, answer) in paired(&case["expect"]["budgets"], &answer["budgets"], "k") {
        if is_infeasible(expected, answer) {
            continue;
        }
        let (sets, covers) = (list(&case["sets"]), list(&answer["covers"]));
        assert_eq!(sets.len(), covers.len());
        assert!(covers.iter().map(|cover| list(cover).len()).sum::<usize>() <= index(&expected["k"]));
        let cost: Count = sets.iter().zip(covers).map(|(set, cover)| measure(set, cover).0).sum();
        assert_eq!(cost, number(&expected["cost"]));
    }
}

/// What is answered without the curve must be what the curve says, whichever end it is worked out from.
pub(crate) fn judge_both_ends(sets: &[Value]) {
    let inputs: Vec<Input> = sets.iter().map(Input::read).collect();
    let requests: Vec<CoverRequest<'_>> = inputs.iter().map(Input::request).collect();
    let Ok(curve) = CoverCurve::joint(&requests, None) else { return };
    for k in curve.smallest()..=curve.lossless() {
        let best = curve.at_most(k).expect("enough prefixes");
        assert_eq!(cheapest_within(&requests, k).as_ref(), Ok(&best), "{k} prefixes");
        assert_eq!(fewest_within(&requests, best.cost).as_ref(), Ok(&best), "cost {}", best.cost);
    }
}
