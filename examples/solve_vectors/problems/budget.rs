//! Covers within a budget of one set.

use serde_json::{Value, json};
use tagwall::addr::{AddrSet, Count, CoverCurve, CoverError, CoverRequest, Prices, fewest_within};

use super::{cidrs, decimal, entry, index, list, number, set, strings};

/// The inputs of one set.
pub(crate) struct Input {
    required: AddrSet,
    forbidden: AddrSet,
    prices: Prices,
}

impl Input {
    /// Reads `required`, `forbidden`, `weights` and `default_weight`.
    pub(crate) fn read(case: &Value) -> Self {
        Input { required: set(&case["required"]), forbidden: set(&case["forbidden"]), prices: prices(case) }
    }

    /// The request over these inputs.
    pub(crate) fn request(&self) -> CoverRequest<'_> {
        CoverRequest::new(&self.required).never(&self.forbidden).prices(&self.prices)
    }
}

/// The weights of a case.
pub(crate) fn prices(case: &Value) -> Prices {
    let default = &case["default_weight"];
    let blocks = list(&case["weights"]).iter().map(|block| (entry(&block["cidr"]), number(&block["w"])));
    Prices::new(number(&default["v4"]), number(&default["v6"]), blocks)
        .expect("disjoint blocks of low weight")
}

/// The best covers for every `k` and every cost that the case asks for.
pub(crate) fn answer(case: &Value) -> Value {
    let input = Input::read(case);
    let curve = match CoverCurve::new(input.request(), None) {
        Ok(curve) => curve,
        Err(CoverError::Conflict { addresses, .. }) => return json!({ "conflict": cidrs(&addresses) }),
        Err(error) => panic!("{error}"),
    };
    let budgets: Vec<Value> = list(&case["expect"]["budgets"])
        .iter()
        .map(|wanted| {
            let k = index(&wanted["k"]);
            match curve.at_most(k) {
                Ok(best) => json!({ "k": k, "cidrs": strings(best.covers[0].iter().copied()) }),
                Err(_) => json!({ "k": k, "infeasible": true }),
            }
        })
        .collect();
    let dual: Vec<Value> = list(&case["expect"]["dual"])
        .iter()
        .map(|wanted| {
            let most: Count = number(&wanted["max_cost"]);
            let best = fewest_within(&[input.request()], most).expect("no conflict");
            json!({ "max_cost": wanted["max_cost"], "cidrs": strings(best.covers[0].iter().copied()) })
        })
        .collect();
    let pareto: Vec<Value> = curve.points().map(|p| json!([p.prefixes, decimal(p.cost)])).collect();
    json!({
        "budgets": budgets,
        "dual": dual,
        "k_min": curve.smallest(),
        "lossless": curve.lossless(),
        "pareto": pareto,
    })
}
