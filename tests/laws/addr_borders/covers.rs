//! Prices, ties, budgets, and why no cover is smaller.

use std::net::IpAddr;

use tagwall::addr::{
    AddrSet, Count, CoverCurve, CoverRequest, IpPrefix, Prefix, Prices, cheapest_within, fewest_within,
};

use super::{Numbers, entry, p, set};

fn texts(list: &[IpPrefix]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

#[test]
fn prices_that_are_not_one_are_paid() {
    let required = set(&["20.0.0.0", "20.0.0.2", "20.0.1.0", "20.0.1.3", "20.0.2.0", "20.0.2.3"]);
    for (default, first, second) in [
        (0, 1, 1),
        (1, 1, 10),
        (1, 10, 10),
        (1, 2, 1),
        (1, 2, 2),
        (1, 1, 2),
        (2, 1, 1),
        (3, 1, 1),
        (1, 10, 1),
        (0, 0, 0),
        (2, 2, 2),
        (1, 1, 1),
    ] {
        let prices =
            Prices::new(default, 1, [(entry("20.0.0.0/24"), first), (entry("20.0.1.0/24"), second)]).unwrap();
        let request = CoverRequest::new(&required).prices(&prices);
        let curve = CoverCurve::new(request, None).unwrap();
        for k in 1..=6 {
            let found = curve.at_most(k).unwrap();
            let cover: AddrSet = found.covers[0].iter().copied().collect();
            let extra = cover.difference(&required);
            let cost: Count = extra.v4.intervals().iter().map(|i| prices.v4.total(*i)).sum();
            assert_eq!((found.cost, found.extra), (cost, extra.count()), "{default} {first} {second}: {k}");
            // Five are reached by one pair, the cheapest.
            if k == 5 {
                assert_eq!(cost, Count::from(2 * default.min(first).min(second)));
            }
            assert_eq!(cheapest_within(&[request], k).unwrap(), found);
        }
    }
}

#[test]
fn a_priced_set_beside_one_that_is_not() {
    let (one, other) = (set(&["20.0.0.0", "20.0.0.2"]), set(&["20.1.0.0", "20.1.0.2"]));
    let prices = Prices::new(7, 7, []).unwrap();
    for requests in [
        [CoverRequest::new(&one).prices(&prices), CoverRequest::new(&other)],
        [CoverRequest::new(&other), CoverRequest::new(&one).prices(&prices)],
    ] {
        let curve = CoverCurve::joint(&requests, None).unwrap();
        for (k, cost, extra) in [(4, 0_u64, 0_u64), (3, 2, 2), (2, 16, 4)] {
            let found = curve.at_most(k).unwrap();
            assert_eq!((found.cost, found.extra), (Count::from(cost), Count::from(extra)), "{k}");
            assert_eq!(cheapest_within(&requests, k).unwrap(), found);
        }
    }
}

#[test]
fn ties_go_to_the_left_where_no_earlier_cover_is_known() {
    // Two pairs on the left or the three on the right: two prefixes fewer for four addresses either way.
    let required =
        set(&["20.0.0.0", "20.0.0.2", "20.0.0.16", "20.0.0.18", "20.0.0.128", "20.0.0.130", "20.0.0.132/31"]);
    let prices = Prices::new(2, 2, []).unwrap();
    let found =
        CoverCurve::new(CoverRequest::new(&required).prices(&prices), None).unwrap().at_most(5).unwrap();
    assert_eq!(
        texts(&found.covers[0]),
        ["20.0.0.0/30", "20.0.0.16/30", "20.0.0.128/32", "20.0.0.130/32", "20.0.0.132/31"]
    );
    assert_eq!(found.cost, Count::from(8_u64));
}

#[test]
fn a_budget_without_end_is_met_by_the_fewest() {
    let required = set(&["20.0.0.0", "20.0.0.2", "2603::/64", "2603:8000::/64"]);
    let most = Count::from(u128::MAX) + Count::from(1_u64);
    let found = fewest_within(&[CoverRequest::new(&required)], most).unwrap();
    assert_eq!(texts(&found.covers[0]), ["20.0.0.0/30", "2603::/16"]);
}

#[test]
fn what_many_joins_cost_alike_is_saved() {
    // All but 11 addresses of a block: whatever is joined with the first of them costs all of them, and no more.
    let block = set(&["20.0.0.0/20"]);
    let required = block.difference(&set(&["20.0.0.2/31", "20.0.0.4/30", "20.0.0.8/30", "20.0.0.31"]));
    let request = CoverRequest::new(&required);
    let curve = CoverCurve::new(request, None).unwrap();
    for most in 1..=curve.lossless() {
        assert_eq!(cheapest_within(&[request], most).unwrap(), curve.at_most(most).unwrap(), "{most}");
    }
}

#[test]
fn a_cover_is_written_once_at_least() {
    let required = set(&["20.0.0.0", "20.0.0.2"]);
    let never = CoverCurve::new(CoverRequest::new(&required).times(0), None).unwrap();
    let once = CoverCurve::new(CoverRequest::new(&required), None).unwrap();
    assert_eq!(never.at_most(1).unwrap(), once.at_most(1).unwrap());
    assert_eq!(never.lossless(), 2);
}

#[test]
fn anchors_have_something_forbidden_between_them() {
    let one = set(&["20.0.0.0", "20.0.0.2", "20.0.0.8/31", "2603::1", "2603::3"]);
    let other = set(&["20.0.0.1", "20.0.0.3"]);
    let third = set(&["20.0.0.4", "2603::5", "2603::7"]);
    let never_one = set(&["16.0.0.0", "20.0.0.1", "20.0.0.4", "2600::", "2603::2"]);
    let never = set(&["16.0.0.0", "20.0.0.2", "2600::", "2603::6"]);
    let requests = [
        CoverRequest::new(&one).never(&never_one),
        CoverRequest::new(&other).never(&never),
        CoverRequest::new(&third).never(&never).times(2),
    ];
    let curve = CoverCurve::joint(&requests, None).unwrap();
    let certificate = curve.certificate();
    assert_eq!(certificate.smallest(), curve.smallest());
    let sets: Vec<usize> = certificate.anchors.iter().map(|anchor| anchor.set).collect();
    assert_eq!(sets, [0, 0, 0, 0, 0, 1, 1, 2, 2, 2]);
    for pair in certificate.anchors.windows(2) {
        let Some(forbidden) = pair[0].forbidden else { continue };
        assert_eq!(pair[0].set, pair[1].set);
        let inside = |address| match address {
            IpAddr::V4(a) => u128::from(u32::from(a)) << 96,
            IpAddr::V6(a) => a.into(),
        };
        let (a, b, no) = (inside(pair[0].required), inside(pair[1].required), inside(forbidden));
        let shared = (a ^ b).leading_zeros();
        assert!((a ^ no).leading_zeros() >= shared, "{certificate}");
    }
    assert_eq!(certificate.anchors.iter().filter(|anchor| anchor.forbidden.is_some()).count(), 5);
    assert_eq!(
        certificate.to_string(),
        "no prefix holds 20.0.0.0 and 20.0.0.2 without the forbidden 20.0.0.1; no prefix holds 20.0.0.2 and 20.0.0.8 \
         without the forbidden 20.0.0.1; no prefix holds 2603::1 and 2603::3 without the forbidden 2603::2; and 2 more"
    );
}

#[test]
fn six_addresses_that_are_required_and_forbidden() {
    for (many, more) in [(5, ""), (6, ", and 1 more"), (7, ", and 2 more")] {
        let required: AddrSet = (0..many).map(|at| p(&format!("20.0.{at}.1"))).collect();
        let error =
            CoverCurve::new(CoverRequest::new(&required).never(&required), None).unwrap_err().to_string();
        assert!(error.ends_with(&format!("20.0.4.1/32{more}")), "{error}");
    }
}

#[test]
fn the_middle_of_sets_in_different_units() {
    // Costs of one are multiples of 2^64, of the other of 2^67; what both have together is narrowed down in one unit.
    let mut numbers = Numbers(3);
    let mut draw = |len: u8| -> AddrSet {
        let mut block = || (0x2603 << 112) | (u128::from(numbers.below(1 << 18)) << (128 - len));
        (0..4400).map(|_| IpPrefix::V6(Prefix::new(block(), len).unwrap())).collect()
    };
    let (one, other) = (draw(64), draw(61));
    let requests = [CoverRequest::new(&one), CoverRequest::new(&other)];
    let whole = CoverCurve::joint(&requests, Some(4200)).unwrap();
    assert_eq!(cheapest_within(&requests, 4200).unwrap(), whole.at_most(4200).unwrap());
}
