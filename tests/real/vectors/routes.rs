//! Judges route tables by looking up one address of every piece in which nothing changes.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tagwall::addr::{AddrSet, Address, Count, Entry, Interval, IntervalSet, IpPrefix, Prefix};

use super::{is_infeasible, paired};
use crate::problems::{entry, index, list, number, set, text};

type Table = Vec<(IpPrefix, String)>;

fn table(value: &Value) -> Table {
    list(value).iter().map(|pair| (text(&pair[0]).parse().unwrap(), text(&pair[1]).to_owned())).collect()
}

/// Pinned routes are there, hops are allowed, protected blocks untouched, no prefix twice.
fn assert_valid(case: &Value, routes: &Table) {
    let distinct: BTreeSet<IpPrefix> = routes.iter().map(|r| r.0).collect();
    assert_eq!(distinct.len(), routes.len(), "a prefix stands twice");
    let pinned = table(&case["pinned"]);
    assert!(pinned.iter().all(|p| routes.contains(p)), "a pinned route is missing");
    let protected: Vec<AddrSet> = list(&case["protected"]).iter().map(|p| entry(p).into()).collect();
    for route in routes.iter().filter(|r| !pinned.contains(r)) {
        assert!(list(&case["next_hops"]).contains(&json!(route.1)), "{route:?}: the hop is not allowed");
        let inside = protected.iter().any(|block| AddrSet::from(route.0).is_subset(block));
        assert!(!inside, "{route:?}: in a protected block");
    }
}

/// The longest match and its hop.
fn longest<A: Address>(table: &[(Prefix<A>, String)], addr: A) -> Option<(u8, &str)> {
    let matching = table.iter().filter(|(p, _)| p.contains(Prefix::host(addr)));
    matching.max_by_key(|(p, _)| p.len()).map(|(p, hop)| (p.len(), hop.as_str()))
}

/// One family's part of everything.
struct Family<A: Address> {
    wished: Vec<(Prefix<A>, String)>,
    system: Vec<(Prefix<A>, String)>,
    routes: Vec<(Prefix<A>, String)>,
    weights: Vec<(Interval<A>, u128)>,
    default_weight: u128,
    free: IntervalSet<A>,
}

impl<A: Address> Family<A> {
    /// The cost of all misrouted addresses, or `None` if one is that may never be.
    fn cost(&self, case: &Value, plain: bool) -> Option<Count> {
        let mut starts = BTreeSet::from([A::MIN]);
        let mut cut = |interval: Interval<A>| {
            starts.extend([Some(interval.first()), interval.last().succ()].into_iter().flatten())
        };
        [&self.wished, &self.system, &self.routes]
            .iter()
            .for_each(|t| t.iter().for_each(|r| cut(r.0.interval())));
        self.weights.iter().for_each(|w| cut(w.0));
        self.free.intervals().iter().for_each(|&i| cut(i));
        let starts: Vec<A> = starts.into_iter().collect();
        let mut sum = Count::default();
        for (at, &first) in starts.iter().enumerate() {
            let last = starts.get(at + 1).map_or(A::MAX, |next| next.pred().unwrap());
            if self.free.contains(first) {
                continue;
            }
            let wish = longest(&self.wished, first).map_or("-", |m| m.1);
            // Of equal length the table's route wins, so it stands last.
            let both = [longest(&self.system, first), longest(&self.routes, first)];
            let got = both.into_iter().flatten().max_by_key(|m| m.0).map_or("-", |m| m.1);
            if wish == got {
                continue;
            }
            let mismatch = match &case["mismatch"][wish].get(got) {
                Some(Value::Null) if !plain => return None,
                Some(cost) if !plain => number(cost),
                _ => 1,
            };
            let weight =
                self.weights.iter().find(|w| w.0.contains(first)).map_or(self.default_weight, |w| w.1);
            let piece = IntervalSet::from(Interval::new(first, last).unwrap()).count();
            sum += piece.checked_mul(weight).unwrap().checked_mul(mismatch).unwrap();
        }
        Some(sum)
    }
}

type Of<A> = Vec<(Prefix<A>, String)>;

fn split(table: Table) -> (Of<u32>, Of<u128>) {
    let (mut v4, mut v6) = (Vec::new(), Vec::new());
    for (prefix, hop) in table {
        match prefix {
            IpPrefix::V4(p) => v4.push((p, hop)),
            IpPrefix::V6(p) => v6.push((p, hop)),
        }
    }
    (v4, v6)
}

/// What a table costs; with `plain` 1 for every misrouted address.
fn cost(case: &Value, routes: &Table, plain: bool) -> Option<Count> {
    let (wished_v4, wished_v6) = split(table(&case["routes"]));
    let (system_v4, system_v6) = split(table(&case["system"]));
    let (routes_v4, routes_v6) = split(routes.clone());
    let free = set(&case["dont_care"]).union(&set(&case["protected"]));
    let (mut weights_v4, mut weights_v6) = (Vec::new(), Vec::new());
    for block in list(&case["weights"]).iter().filter(|_| !plain) {
        match entry(&block["cidr"]) {
            Entry::V4(interval) => weights_v4.push((interval, number(&block["w"]))),
            Entry::V6(interval) => weights_v6.push((interval, number(&block["w"]))),
        }
    }
    let default = |family: &str| if plain { 1 } else { number(&case["default_weight"][family]) };
    let v4 = Family {
        wished: wished_v4,
        system: system_v4,
        routes: routes_v4,
        weights: weights_v4,
        default_weight: default("v4"),
        free: free.v4,
    };
    let v6 = Family {
        wished: wished_v6,
        system: system_v6,
        routes: routes_v6,
        weights: weights_v6,
        default_weight: default("v6"),
        free: free.v6,
    };
    Some(v4.cost(case, plain)? + v6.cost(case, plain)?)
}

pub(crate) fn judge(case: &Value, answer: &Value) {
    let expect = &case["expect"];
    assert_eq!(answer["exact"].is_null(), expect["min_routes"].is_null(), "is there a table?");
    if !answer["exact"].is_null() {
        let routes = table(&answer["exact"]);
        assert_valid(case, &routes);
        assert_eq!(cost(case, &routes, true), Some(Count::default()), "not the same effect");
        assert_eq!(routes.len(), index(&expect["min_routes"]));
    }
    for (expected, answer) in paired(&expect["lossy"], &answer["lossy"], "k") {
        if is_infeasible(expected, answer) {
            continue;
        }
        let routes = table(&answer["routes"]);
        assert_valid(case, &routes);
        assert!(routes.len() <= index(&expected["k"]));
        assert_eq!(cost(case, &routes, false), Some(number(&expected["cost"])));
    }
}
