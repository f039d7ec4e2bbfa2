//! Route tables.

use serde_json::{Value, json};
use tagwall::addr::{Mismatch, Route, RouteError, RouteProblem};

use super::budget::prices;
use super::{index, list, number, set, text};

/// The smallest table of the same effect, and the cheapest for every `k` that the case asks for.
pub(crate) fn answer(case: &Value) -> Value {
    let problem = problem(case);
    let exact = match problem.minimise() {
        Ok(routes) => table(routes),
        Err(RouteError::Impossible { .. }) => Value::Null,
        Err(error) => panic!("{error}"),
    };
    let curve = problem.curve(&prices(case), &mismatch(&case["mismatch"]), None).expect("sums that fit");
    let lossy: Vec<Value> = list(&case["expect"]["lossy"])
        .iter()
        .map(|wanted| {
            let k = index(&wanted["k"]);
            match curve.at_most(k) {
                Ok(best) => json!({ "k": k, "routes": table(best.routes) }),
                Err(_) => json!({ "k": k, "infeasible": true }),
            }
        })
        .collect();
    json!({ "exact": exact, "lossy": lossy })
}

fn problem(case: &Value) -> RouteProblem<String> {
    let protected = list(&case["protected"]).iter().map(|p| text(p).parse().expect("a prefix")).collect();
    let next_hops = list(&case["next_hops"]).iter().map(|hop| text(hop).to_owned()).collect();
    RouteProblem::new(routes(&case["routes"]))
        .pinned(routes(&case["pinned"]))
        .system(routes(&case["system"]))
        .protected(protected)
        .free(set(&case["dont_care"]))
        .next_hops(next_hops)
}

fn routes(value: &Value) -> Vec<Route<String>> {
    let route = |pair: &Value| Route {
        prefix: text(&pair[0]).parse().expect("a prefix"),
        hop: text(&pair[1]).to_owned(),
    };
    list(value).iter().map(route).collect()
}

fn table(routes: Vec<Route<String>>) -> Value {
    routes.into_iter().map(|route| json!([route.prefix.to_string(), route.hop])).collect()
}

/// `-` is "no route", `null` is never.
fn mismatch(value: &Value) -> Mismatch<String> {
    let hop = |name: &String| (name != "-").then(|| name.clone());
    let mut out = Mismatch::new();
    for (wished, row) in value.as_object().expect("an object") {
        for (got, cost) in row.as_object().expect("an object") {
            match cost {
                Value::Null => out.forbid(hop(wished), hop(got)),
                cost => out.set(hop(wished), hop(got), number(cost)),
            }
        }
    }
    out
}
