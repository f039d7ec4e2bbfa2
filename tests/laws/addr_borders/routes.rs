//! Tables of many hops, of given routes, and of few routes.

use tagwall::addr::{Count, IpPrefix, Mismatch, Prices, Route, RouteError, RouteProblem};

use super::{Numbers, entry, p};

fn route(prefix: &str, hop: &str) -> Route<String> {
    Route { prefix: p(prefix), hop: hop.into() }
}

/// Where an address goes.
fn goes<'a>(table: &'a [Route<String>], address: &str) -> Option<&'a str> {
    let at = p(address);
    let holds = |prefix: IpPrefix| match (prefix, at) {
        (IpPrefix::V4(a), IpPrefix::V4(b)) => a.contains(b),
        (IpPrefix::V6(a), IpPrefix::V6(b)) => a.contains(b),
        _ => false,
    };
    let length = |prefix: IpPrefix| match prefix {
        IpPrefix::V4(a) => a.len(),
        IpPrefix::V6(a) => a.len(),
    };
    table.iter().filter(|r| holds(r.prefix)).max_by_key(|r| length(r.prefix)).map(|r| r.hop.as_str())
}

#[test]
fn tables_of_many_hops() {
    for blocks in [3_usize, 21, 22, 40, 200] {
        let mut wished = Vec::new();
        let name = |n: usize| format!("h{n:04}");
        for at in 0..blocks {
            // Two hops of which the lower is first, and one that both halves have.
            for (quarter, hop) in [(0, 3 * at), (64, 3 * at + 1), (128, 3 * at + 1), (192, 3 * at + 2)] {
                wished.push(route(&format!("10.{at}.{quarter}.0/18"), &name(hop)));
            }
        }
        let table = RouteProblem::new(wished.clone()).minimise().unwrap();
        for wish in &wished {
            assert_eq!(
                goes(&table, wish.prefix.to_string().split('/').next().unwrap()),
                Some(wish.hop.as_str()),
                "{blocks}: {}",
                wish.prefix
            );
        }
        assert_eq!(goes(&table, "9.255.255.255"), None);
        assert_eq!(goes(&table, "11.0.0.0"), None);
        assert_eq!(table.len(), 3 * blocks);
    }
}

#[test]
fn a_route_that_must_be_there_is_corrected_below() {
    let problem = RouteProblem::new(vec![route("10.0.0.0/8", "a")]).pinned(vec![route("10.0.0.0/8", "b")]);
    assert_eq!(
        problem.minimise().unwrap(),
        [route("10.0.0.0/8", "b"), route("10.0.0.0/9", "a"), route("10.128.0.0/9", "a")]
    );
    let problem = RouteProblem::new(vec![route("10.0.0.1/32", "a")]).pinned(vec![route("10.0.0.1/32", "a")]);
    assert_eq!(problem.minimise().unwrap(), [route("10.0.0.1/32", "a")]);
}

#[test]
fn a_route_on_the_way_down_serves_all_that_branches_off() {
    let problem = RouteProblem::new(vec![
        route("10.0.0.0/8", "b"),
        route("10.0.0.0/12", "c"),
        route("10.128.0.0/9", "a"),
    ]);
    let table = problem.minimise().unwrap();
    for (address, hop) in
        [("10.0.0.1", "c"), ("10.16.0.0", "b"), ("10.32.0.0", "b"), ("10.64.0.0", "b"), ("10.128.0.0", "a")]
    {
        assert_eq!(goes(&table, address), Some(hop));
    }
    assert_eq!(table.len(), 3, "{table:?}");
}

#[test]
fn costs_of_wide_blocks_are_summed_in_full() {
    // The single address keeps the unit at 1.
    let wished = vec![
        route("2603::/33", "a"),
        route("2603:0:8000::/33", "b"),
        route("2603:1::/128", "c"),
        route("10.0.0.0/32", "a"),
    ];
    for (cost, bits) in [(1_u64, 95), (1 << 20, 115), (1 << 50, 145)] {
        let mut mismatch = Mismatch::new();
        for (a, b) in [("a", "b"), ("b", "a"), ("c", "a"), ("c", "b"), ("a", "c"), ("b", "c")] {
            mismatch.set(Some(a.to_owned()), Some(b.to_owned()), cost);
        }
        for hop in ["a", "b", "c"] {
            mismatch.forbid(Some(hop.to_owned()), None);
        }
        for hop in ["a", "b", "c"] {
            mismatch.forbid(None, Some(hop.to_owned()));
        }
        for hop in ["a", "b", "c"] {
            mismatch.set(None, Some(hop.to_owned()), 0);
        }
        let curve = RouteProblem::new(wished.clone()).curve(&Prices::default(), &mismatch, Some(9)).unwrap();
        let two = curve.at_most(2).unwrap();
        let wide = Count::from(1_u64).checked_mul(1 << 95).unwrap().checked_mul(cost.into()).unwrap();
        assert_eq!(two.cost, wide + Count::from(cost), "{bits}");
        let all = curve.at_most(4).unwrap();
        assert_eq!(all.cost, Count::ZERO);
    }
}

#[test]
fn two_hops_for_one_prefix() {
    let (a, b) = (route("10.0.0.0/8", "a"), route("10.0.0.0/8", "b"));
    let both = || vec![a.clone(), b.clone()];
    for problem in [
        RouteProblem::new(both()),
        RouteProblem::new(vec![a.clone()]).pinned(both()),
        RouteProblem::new(vec![a.clone()]).system(both()),
    ] {
        assert!(matches!(problem.minimise(), Err(RouteError::Contradiction { .. })));
    }
}

#[test]
fn numbers_of_hops_at_a_border() {
    for hops in [62, 63, 64, 65, 510, 511, 512, 513] {
        let wished: Vec<_> = (0..hops)
            .map(|n| route(&format!("10.{}.{}.0/24", n / 256, n % 256), &format!("h{n:04}")))
            .collect();
        let table = RouteProblem::new(wished.clone()).minimise().unwrap();
        assert_eq!(table.len(), hops, "{hops}");
        for wish in &wished {
            assert_eq!(
                goes(&table, wish.prefix.to_string().split('/').next().unwrap()),
                Some(wish.hop.as_str())
            );
        }
    }
}

#[test]
fn both_families_have_their_routes() {
    let wished = vec![
        route("2603::/16", "b"),
        route("2603:1::/32", "a"),
        route("10.0.0.0/8", "b"),
        route("10.0.0.0/9", "a"),
    ];
    let table = RouteProblem::new(wished.clone()).minimise().unwrap();
    assert_eq!(
        table,
        [
            route("10.0.0.0/8", "a"),
            route("10.128.0.0/9", "b"),
            route("2603::/16", "b"),
            route("2603:1::/32", "a")
        ]
    );
    let best = RouteProblem::new(wished)
        .curve(&Prices::default(), &Mismatch::new(), Some(5))
        .unwrap()
        .at_most(4)
        .unwrap();
    assert_eq!((best.cost, best.routes.len()), (Count::ZERO, 4));
}

#[test]
fn equal_tables_of_few_routes() {
    let quarter = Count::from(1_u64 << 21);
    for (kid, right) in [("10.0.0.0/11", "10.32.0.0/11"), ("10.32.0.0/11", "10.32.0.0/11")] {
        let problem = RouteProblem::new(vec![route("10.0.0.0/10", "a"), route(kid, "b")]);
        let curve = problem.curve(&Prices::default(), &Mismatch::new(), Some(3)).unwrap();
        let none = curve.at_most(0).unwrap();
        assert_eq!((none.routes.len(), none.cost), (0, quarter + quarter));
        let one = curve.at_most(1).unwrap();
        assert_eq!(one.cost, quarter);
        assert_eq!(one.routes[0].prefix, p(right), "{:?}", one.routes);
        assert_eq!(curve.at_most(2).unwrap().cost, Count::ZERO);
    }
    // Any hop that is as good: the lowest, in whatever order they are given.
    let mut mismatch = Mismatch::new();
    mismatch.set(Some("w".to_owned()), Some("b".to_owned()), 3);
    mismatch.set(Some("w".to_owned()), Some("c".to_owned()), 3);
    mismatch.set(Some("w".to_owned()), None, 7);
    for hops in [["b", "c"], ["c", "b"]] {
        let problem =
            RouteProblem::new(vec![route("10.0.0.0/8", "w")]).next_hops(hops.map(String::from).to_vec());
        let one = problem.curve(&Prices::default(), &mismatch, None).unwrap().at_most(1).unwrap();
        assert_eq!((one.routes, one.cost), (vec![route("10.0.0.0/8", "b")], Count::from(3_u64 << 24)));
    }
}

/// The least cost of at most 0, 1 and 2 routes, by trying all tables.
fn cheapest_tables(
    wishes: &[usize; 8],
    weights: &[u64; 8],
    costs: &dyn Fn(usize, usize) -> Option<u64>,
) -> [Option<u64>; 3] {
    let mut nodes = Vec::new();
    for len in 29..=32_u32 {
        for at in 0..1_usize << (len - 29) {
            nodes.push((len, at));
        }
    }
    let routes: Vec<(u32, usize, usize)> =
        nodes.iter().flat_map(|&(len, at)| (1..4).map(move |hop| (len, at, hop))).collect();
    let cost = |table: &[(u32, usize, usize)]| -> Option<u64> {
        (0..8)
            .map(|address| {
                let got = table
                    .iter()
                    .filter(|(len, at, _)| address >> (32 - len) == *at)
                    .max_by_key(|r| r.0)
                    .map_or(0, |r| r.2);
                Some(weights[address] * costs(wishes[address], got)?)
            })
            .sum()
    };
    let least = |a: Option<u64>, b: Option<u64>| [a, b].into_iter().flatten().min();
    let mut best = [cost(&[]); 3];
    for (i, one) in routes.iter().enumerate() {
        best[1] = least(best[1], cost(&[*one]));
        for other in &routes[..i] {
            if (other.0, other.1) != (one.0, one.1) {
                best[2] = least(best[2], cost(&[*one, *other]));
            }
        }
    }
    best[2] = least(best[2], best[1]);
    best
}

#[test]
fn curves_of_tables_against_all_tables() {
    let mut numbers = Numbers(23);
    let names = ["", "a", "b", "c"];
    for _ in 0..60 {
        let wishes: [usize; 8] = std::array::from_fn(|_| 1 + numbers.below(3) as usize);
        let weights: [u64; 8] = std::array::from_fn(|_| [0, 1, 2, 5, 1000][numbers.below(5) as usize]);
        let table: Vec<Option<u64>> =
            (0..16).map(|_| [None, Some(1), Some(1), Some(2), Some(9)][numbers.below(5) as usize]).collect();
        let mut mismatch = Mismatch::new();
        let hop = |n: usize| (n > 0).then(|| names[n].to_owned());
        for wish in 0..4 {
            for got in 0..4 {
                match table[4 * wish + got] {
                    _ if wish == 0 => mismatch.forbid(None, hop(got)),
                    Some(cost) => mismatch.set(hop(wish), hop(got), cost),
                    None => mismatch.forbid(hop(wish), hop(got)),
                }
            }
        }
        let costs = |wish: usize, got: usize| if wish == got { Some(0) } else { table[4 * wish + got] };
        let wished = (0..8).map(|at| route(&format!("20.0.0.{at}/32"), names[wishes[at]])).collect();
        let blocks = (0..8).map(|at| (entry(&format!("20.0.0.{at}")), u128::from(weights[at])));
        let prices = Prices::new(1, 1, blocks).unwrap();
        let curve = RouteProblem::new(wished).curve(&prices, &mismatch, Some(2)).unwrap();
        let best = cheapest_tables(&wishes, &weights, &costs);
        for (routes, best) in best.into_iter().enumerate() {
            let found = curve.at_most(routes).ok();
            assert_eq!(
                found.as_ref().map(|t| t.cost),
                best.map(Count::from),
                "{wishes:?} {weights:?} {table:?}: {routes}"
            );
            let Some(found) = found else { continue };
            assert!(found.routes.len() <= routes);
            let paid: u64 = (0..8)
                .map(|at| {
                    let got = goes(&found.routes, &format!("20.0.0.{at}"))
                        .map_or(0, |name| names.iter().position(|n| *n == name).unwrap());
                    weights[at] * costs(wishes[at], got).unwrap()
                })
                .sum();
            assert_eq!(Count::from(paid), found.cost);
        }
    }
}

#[test]
fn hops_are_named_where_no_table_will_do() {
    let problem = RouteProblem::new(vec![route("10.0.0.0/8", "appliance")]).next_hops(vec!["other".into()]);
    let error = problem.minimise().unwrap_err().to_string();
    assert!(error.contains("appliance") && error.contains("no route"), "{error}");
}
