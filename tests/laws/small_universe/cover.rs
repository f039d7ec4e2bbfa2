//! Covers within a budget.

use rayon::prelude::*;
use tagwall::addr::{
    AddrSet, Count, CoverCurve, CoverError, CoverRequest, Entry, Interval, IpPrefix, Prefix, Prices,
    cheapest_within, fewest_within,
};

use super::{Numbers, Space};

/// The least cost for each number of prefixes from 0 to the space's size, by trying every set of addresses.
/// `None` where no set will do.
fn obvious(space: Space, fewest: &[u32], required: u32, never: u32, costs: &[u64]) -> Vec<Option<u64>> {
    let mut best = vec![None; space.size() as usize + 1];
    let open = !required & !never & (costs.len() as u32 - 1);
    // All subsets of what may be added.
    let mut extra = open;
    loop {
        let count = fewest[(required | extra) as usize] as usize;
        let cost = costs[extra as usize];
        if best[count].is_none_or(|old| cost < old) {
            best[count] = Some(cost);
        }
        if extra == 0 {
            break;
        }
        extra = (extra - 1) & open;
    }
    for k in 1..best.len() {
        best[k] = [best[k - 1], best[k]].into_iter().flatten().min();
    }
    best
}

/// What every set of addresses costs.
fn costs(space: Space, weights: &[u64]) -> Vec<u64> {
    let cost =
        |mask: u32| (0..space.size()).filter(|i| mask >> i & 1 == 1).map(|i| weights[i as usize]).sum();
    (0..1 << space.size()).map(cost).collect()
}

/// Holds every point of the curve against the exhaustive answer.
fn check(space: Space, required: u32, never: u32, prices: &Prices, costs: &[u64], best: &[Option<u64>]) {
    let (required_set, never_set) = (space.set(required), space.set(never));
    let request = CoverRequest::new(&required_set).never(&never_set).prices(prices);
    let curve = CoverCurve::new(request, None).unwrap();
    for (k, &best) in best.iter().enumerate() {
        let found = match curve.at_most(k) {
            Ok(found) => found,
            Err(CoverError::TooFew { certificate, .. }) => {
                assert_eq!(best, None, "{required:b} {never:b} {k}");
                assert_eq!(certificate.smallest(), curve.smallest());
                assert_eq!(
                    cheapest_within(&[request], k),
                    Err(CoverError::TooFew { wanted: k, certificate })
                );
                continue;
            }
            Err(error) => panic!("{error}"),
        };
        assert_eq!(Some(found.cost), best.map(Count::from), "{required:b} {never:b} {k}");
        let cover = &found.covers[0];
        let covered = space.mask(cover);
        assert_eq!(covered & required, required);
        assert_eq!(covered & never, 0);
        assert!(cover.len() <= k && cover.len() == found.prefixes);
        let cost = costs[(covered & !required) as usize];
        assert_eq!(found.cost, Count::from(cost));
        assert!(cover.is_sorted());
        // The dual: so many prefixes are the fewest at that cost.
        assert_eq!(curve.within_cost(found.cost).unwrap().prefixes, cover.len());
        // Without the curve, worked out from whichever end is nearer.
        assert_eq!(cheapest_within(&[request], k).unwrap(), found);
        if found.prefixes == k {
            assert_eq!(fewest_within(&[request], found.cost).unwrap(), found);
        }
    }
}

#[test]
fn every_set_of_sixteen_addresses() {
    let space = Space { bits: 4 };
    let fewest = space.fewest();
    let costs = costs(space, &[1; 16]);
    (0..1_u32 << 16).into_par_iter().for_each(|required| {
        let best = obvious(space, &fewest, required, 0, &costs);
        let interesting = fewest[required as usize] as usize + 2;
        check(space, required, 0, &Prices::default(), &costs, &best[..interesting.min(best.len())]);
    });
}

#[test]
fn every_set_of_eight_addresses_with_every_never() {
    let space = Space { bits: 3 };
    let fewest = space.fewest();
    let costs = costs(space, &[1; 8]);
    for required in 0..1_u32 << 8 {
        for never in (0..1_u32 << 8).filter(|never| never & required == 0) {
            let best = obvious(space, &fewest, required, never, &costs);
            check(space, required, never, &Prices::default(), &costs, &best);
        }
    }
}

#[test]
fn every_set_of_eight_addresses_with_prices() {
    let space = Space { bits: 3 };
    let fewest = space.fewest();
    let mut numbers = Numbers(7);
    for required in 0..1_u32 << 8 {
        let weights: Vec<u64> = (0..8).map(|_| [0, 1, 3, 1000][numbers.below(4) as usize]).collect();
        let costs = costs(space, &weights);
        let never = numbers.below(256) as u32 & numbers.below(256) as u32 & !required;
        let block = |(i, &w): (usize, &u64)| {
            let addr = Space::BASE + i as u32;
            (Entry::V4(Interval::new(addr, addr).unwrap()), u128::from(w))
        };
        let prices = Prices::new(5, 1, weights.iter().enumerate().map(block)).unwrap();
        let best = obvious(space, &fewest, required, never, &costs);
        check(space, required, never, &prices, &costs, &best);
    }
}

#[test]
fn joint_budgets_against_every_split() {
    let space = Space { bits: 3 };
    let mut numbers = Numbers(11);
    for _ in 0..200 {
        let sets: Vec<_> = (0..3).map(|_| space.set(numbers.below(256) as u32)).collect();
        let requests: Vec<_> = sets.iter().map(CoverRequest::new).collect();
        let joint = CoverCurve::joint(&requests, None).unwrap();
        let single: Vec<_> = requests.iter().map(|&r| CoverCurve::new(r, None).unwrap()).collect();
        let cost = |at: usize, k: usize| single[at].at_most(k).ok().map(|c| c.cost);
        for k in 0..=12 {
            let splits = (0..=k).flat_map(|a| (0..=k - a).map(move |b| [a, b, k - a - b]));
            let best = splits.filter_map(|[a, b, c]| Some(cost(0, a)? + cost(1, b)? + cost(2, c)?)).min();
            let found = joint.at_most(k);
            assert_eq!(found.as_ref().ok().map(|f| f.cost), best);
            let Ok(found) = found else { continue };
            assert_eq!(found.covers.iter().map(Vec::len).sum::<usize>(), found.prefixes);
            assert!(found.covers.iter().zip(&sets).all(|(cover, set)| holds(cover, set)));
        }
    }
}

#[test]
fn covers_that_are_written_several_times_against_every_split() {
    let space = Space { bits: 3 };
    let mut numbers = Numbers(17);
    for _ in 0..200 {
        let sets: Vec<_> = (0..3).map(|_| space.set(numbers.below(256) as u32)).collect();
        let times: Vec<usize> = (0..3).map(|_| 1 + numbers.below(3) as usize).collect();
        let never: Vec<_> =
            sets.iter().map(|set| space.set(numbers.below(256) as u32).difference(set)).collect();
        let single: Vec<_> =
            sets.iter().zip(&never).map(|(set, never)| CoverRequest::new(set).never(never)).collect();
        let requests: Vec<_> = single.iter().zip(&times).map(|(r, &times)| r.times(times)).collect();
        let limit = [None, Some(4), Some(9)][numbers.below(3) as usize];
        let joint = CoverCurve::joint(&requests, limit).unwrap();
        let single: Vec<_> = single.iter().map(|&r| CoverCurve::new(r, None).unwrap()).collect();
        let cost = |at: usize, k: usize| single[at].at_most(k / times[at]).ok().map(|c| c.cost);
        for k in 0..=limit.unwrap_or(36) {
            let splits = (0..=k).flat_map(|a| (0..=k - a).map(move |b| [a, b, k - a - b]));
            let best = splits.filter_map(|[a, b, c]| Some(cost(0, a)? + cost(1, b)? + cost(2, c)?)).min();
            let found = joint.at_most(k);
            assert_eq!(found.as_ref().ok().map(|f| f.cost), best, "{k} of {times:?}");
            let Ok(found) = found else {
                assert!(k < joint.smallest() && joint.certificate().smallest() == joint.smallest());
                continue;
            };
            let written: usize =
                found.covers.iter().zip(&times).map(|(cover, times)| cover.len() * times).sum();
            assert_eq!(written, found.prefixes);
            assert!(written <= k);
            let extra = found.covers.iter().zip(&sets).map(|(cover, set)| {
                cover.iter().copied().collect::<tagwall::addr::AddrSet>().difference(set).count()
            });
            assert_eq!(extra.sum::<Count>(), found.extra);
            assert!(found.covers.iter().zip(&sets).all(|(cover, set)| holds(cover, set)));
            assert_eq!(fewest_within(&requests, found.cost).unwrap(), found);
            assert_eq!(cheapest_within(&requests, k).unwrap(), found);
        }
    }
}

/// Some hundred prefixes of both families: pairs, runs with gaps, lone ones.
fn scattered(numbers: &mut Numbers, count: u64) -> AddrSet {
    let mut prefixes = Vec::new();
    while (prefixes.len() as u64) < count {
        let at = numbers.below(1 << 20) as u32;
        let run = 1 + numbers.below(12) as u32;
        let step = 1 << numbers.below(3);
        let v6 = numbers.below(4) == 0;
        prefixes.extend((0..run).map(|i| match v6 {
            false => IpPrefix::V4(Prefix::host(0x0a00_0000 + at + i * step)),
            true => {
                let block = (u128::from(at) + u128::from(i * step)) << 64;
                IpPrefix::V6(Prefix::new((0x2001_0db8 << 96) | block, 64).unwrap())
            }
        }));
    }
    prefixes.into_iter().collect()
}

/// The programme from the exact cover down against the one from the smallest up, the curve.
#[test]
fn either_end_finds_the_same() {
    let mut numbers = Numbers(23);
    for round in 0..12 {
        let sets: Vec<AddrSet> =
            (0..1 + round % 3).map(|_| scattered(&mut numbers, 40 + round * 15)).collect();
        let never = scattered(&mut numbers, 30).difference(&AddrSet::union_of(&sets));
        let dear = (0..3).map(|_| (numbers.below(3), Space::BASE + (numbers.below(1 << 20) as u32 & !0xff)));
        let mut blocks: Vec<_> = dear.collect();
        blocks.sort_by_key(|block| block.1);
        blocks.dedup_by_key(|block| block.1);
        let blocks = blocks
            .into_iter()
            .map(|(price, at)| (Entry::V4(Interval::new(at, at + 0xff).unwrap()), u128::from(price) * 7));
        let prices = Prices::new(1, 3, blocks).unwrap();
        let previous: Vec<IpPrefix> =
            CoverCurve::new(CoverRequest::new(&sets[0]), None).unwrap().at_most(60).unwrap().covers.remove(0);
        let request = |set| {
            let request = CoverRequest::new(set).times(1 + (round / 3) as usize % 3);
            let request = if round % 2 == 0 { request } else { request.never(&never) };
            let request = if round % 4 < 2 { request } else { request.prices(&prices) };
            if round % 5 < 3 { request } else { request.previous(&previous) }
        };
        let requests: Vec<CoverRequest<'_>> = sets.iter().map(request).collect();
        let curve = CoverCurve::joint(&requests, None).unwrap();
        let (smallest, exact) = (curve.smallest(), curve.lossless());
        for k in
            (smallest..=exact).step_by((exact / 12).max(1)).chain([smallest, exact - 1, exact, exact + 5])
        {
            let best = curve.at_most(k).unwrap();
            assert_eq!(cheapest_within(&requests, k).unwrap(), best, "{round}, {k} of {smallest} to {exact}");
            assert_eq!(fewest_within(&requests, best.cost).unwrap(), best, "{round}, {k}");
            // A little more than is needed, and a little less.
            let more = best.cost + Count::from(1_u64);
            let point = curve.within_cost(more).unwrap();
            let found = fewest_within(&requests, more).unwrap();
            assert_eq!((found.prefixes, found.cost, found.extra), (point.prefixes, point.cost, point.extra));
        }
    }
}

fn holds(cover: &[IpPrefix], set: &tagwall::addr::AddrSet) -> bool {
    set.is_subset(&cover.iter().copied().collect())
}

#[test]
fn a_previous_cover_is_kept_where_it_is_as_good() {
    let space = Space { bits: 4 };
    // Either pair may be joined at the same cost; the one that was joined last time is joined again.
    let required = space.set(0b0101_0000_0000_0101);
    let plain = CoverCurve::new(CoverRequest::new(&required), None).unwrap().at_most(3).unwrap().covers;
    let space_prefix = |text: &str| text.parse::<IpPrefix>().unwrap();
    let low = [space_prefix("10.0.0.0/30"), space_prefix("10.0.0.12/32"), space_prefix("10.0.0.14/32")];
    let high = [space_prefix("10.0.0.0/32"), space_prefix("10.0.0.2/32"), space_prefix("10.0.0.12/30")];
    for previous in [&low, &high] {
        let request = CoverRequest::new(&required).previous(previous);
        let kept = CoverCurve::new(request, None).unwrap().at_most(3).unwrap();
        assert_eq!(kept.covers[0], previous);
        assert_eq!(kept.cost, Count::from(2_u64));
    }
    assert_eq!(plain[0], low);
}

#[test]
fn a_conflict_is_named() {
    let space = Space { bits: 3 };
    let (required, never) = (space.set(0b0111), space.set(0b1110));
    let error = CoverCurve::new(CoverRequest::new(&required).never(&never), None).unwrap_err();
    assert_eq!(error.to_string(), "required and forbidden at once: 10.0.0.1/32, 10.0.0.2/32");
}

#[test]
fn a_budget_too_small_is_proven_to_be() {
    let space = Space { bits: 3 };
    let (required, never) = (space.set(0b1000_1001), space.set(0b0001_0000));
    let curve = CoverCurve::new(CoverRequest::new(&required).never(&never), None).unwrap();
    let error = curve.at_most(1).unwrap_err();
    assert_eq!(
        error.to_string(),
        "1 prefixes cannot do: at least 2 are needed; \
         no prefix holds 10.0.0.0 and 10.0.0.7 without the forbidden 10.0.0.4"
    );
}
