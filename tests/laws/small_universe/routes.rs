//! Route tables, exact and lossy.

use std::collections::BTreeMap;

use tagwall::addr::{AddrSet, Count, IpPrefix, Mismatch, Prefix, Prices, Route, RouteProblem};

use super::{Numbers, Space};

const HOPS: [&str; 2] = ["a", "b"];

/// One way to fill the space: two bits for the hop of every address, 0 for no route, else place in `HOPS` plus one.
type Effect = u32;

/// The hop of one address.
fn hop_at(effect: Effect, offset: u32) -> usize {
    (effect >> (2 * offset) & 3) as usize
}

/// The effect of sending a set of addresses, given as a bit mask, to one hop.
fn all_to(mask: u32, hop: u8) -> Effect {
    (0..16).filter(|i| mask >> i & 1 == 1).fold(0, |effect, i| effect | u32::from(hop) << (2 * i))
}

/// What is given beside the wish.
#[derive(Clone, Default)]
struct Given {
    /// By place in the list of prefixes.
    pinned: BTreeMap<usize, u8>,
    system: BTreeMap<usize, u8>,
    protected: Vec<usize>,
    free: u32,
}

/// The fewest routes of every effect that some table has, by trying all tables.
fn every_table(space: Space, given: &Given, allowed: &[u8]) -> BTreeMap<Effect, usize> {
    let masks: Vec<u32> = space.prefixes().iter().map(|p| p.1).collect();
    let choices: Vec<Vec<Choice>> = (0..masks.len()).map(|at| choices(&masks, given, allowed, at)).collect();
    let mut fewest = vec![usize::MAX; 1 << (2 * space.size())];
    fill(&choices, 0, 0, &mut fewest);
    let reached = fewest.into_iter().enumerate().filter(|&(_, count)| count < usize::MAX);
    reached.map(|(effect, count)| (effect as Effect, count)).collect()
}

/// What may be done at one prefix: which hops are overwritten, by what, and how many routes that takes.
struct Choice {
    clear: Effect,
    set: Effect,
    routes: usize,
}

fn choices(masks: &[u32], given: &Given, allowed: &[u8], at: usize) -> Vec<Choice> {
    let send = |hop: u8, routes| Choice { clear: all_to(masks[at], 3), set: all_to(masks[at], hop), routes };
    if let Some(&hop) = given.pinned.get(&at) {
        return vec![send(hop, 1)];
    }
    let nothing = given.system.get(&at).map_or(Choice { clear: 0, set: 0, routes: 0 }, |&hop| send(hop, 0));
    let closed = given.protected.iter().any(|&p| masks[p] & masks[at] == masks[at]);
    let routes = allowed.iter().filter(|_| !closed).map(|&hop| send(hop, 1));
    std::iter::once(nothing).chain(routes).collect()
}

/// Wider prefixes come first, so that later ones overwrite.
fn fill(choices: &[Vec<Choice>], effect: Effect, count: usize, fewest: &mut [usize]) {
    let Some((here, later)) = choices.split_first() else {
        fewest[effect as usize] = fewest[effect as usize].min(count);
        return;
    };
    for choice in here {
        fill(later, effect & !choice.clear | choice.set, count + choice.routes, fewest);
    }
}

/// The problem that wishes for `wish`; outside the space anything goes.
fn problem(space: Space, wish: Effect, given: &Given, allowed: &[u8]) -> RouteProblem<&'static str> {
    let prefixes = space.prefixes();
    let hop = |hop: u8| HOPS[usize::from(hop) - 1];
    let routes = |map: &BTreeMap<usize, u8>| {
        map.iter().map(|(&at, &h)| Route { prefix: prefixes[at].0.into(), hop: hop(h) }).collect::<Vec<_>>()
    };
    let wished = (0..space.size()).filter(|&i| hop_at(wish, i) > 0);
    let wished = wished.map(|i| Route { prefix: space.host(i), hop: HOPS[hop_at(wish, i) - 1] }).collect();
    let outside = AddrSet::from(IpPrefix::V4(prefixes[0].0)).complement();
    RouteProblem::new(wished)
        .next_hops(allowed.iter().map(|&h| hop(h)).collect())
        .pinned(routes(&given.pinned))
        .system(routes(&given.system))
        .protected(given.protected.iter().map(|&at| prefixes[at].0.into()).collect())
        .free(space.set(given.free).union(&outside))
}

/// The effect of a table that the library made, worked out address by address.
fn effect(space: Space, given: &Given, routes: &[Route<&'static str>]) -> Effect {
    let prefixes = space.prefixes();
    let longest = |addr: u32| -> u8 {
        let table = routes.iter().map(|r| match r.prefix {
            IpPrefix::V4(p) => (p, 1, r.hop),
            IpPrefix::V6(_) => panic!("no IPv6 route was asked for"),
        });
        let system = given.system.iter().map(|(&at, &h)| (prefixes[at].0, 0, HOPS[usize::from(h) - 1]));
        let matching = table.chain(system).filter(|(p, ..)| p.contains(Prefix::host(addr)));
        let hop = matching.max_by_key(|&(p, own, _)| (p.len(), own)).map(|(.., hop)| hop);
        hop.map_or(0, |hop| HOPS.iter().position(|&h| h == hop).unwrap() as u8 + 1)
    };
    (0..space.size()).fold(0, |effect, i| effect | all_to(1 << i, longest(Space::BASE + i)))
}

/// Whether two effects agree wherever it matters.
fn agree(a: Effect, b: Effect, free: u32) -> bool {
    (a ^ b) & !all_to(free, 3) == 0
}

#[test]
fn every_wish_of_eight_addresses() {
    let space = Space { bits: 3 };
    let given = Given::default();
    // Two hops and no route at all: every wish there is can be had.
    let best = every_table(space, &given, &[1, 2]);
    assert_eq!(best.len(), 3_usize.pow(8));
    for (&wish, &fewest) in &best {
        let routes = problem(space, wish, &given, &[1, 2]).minimise().unwrap();
        assert_eq!(routes.len(), fewest, "{wish:b}");
        assert_eq!(effect(space, &given, &routes), wish);
    }
}

/// A random problem over four addresses: pins, system routes, protected and free blocks.
fn random_given(space: Space, numbers: &mut Numbers) -> Given {
    let places = space.prefixes().len();
    let mut given = Given::default();
    for at in 0..places {
        match numbers.below(10) {
            0 => drop(given.pinned.insert(at, 1 + numbers.below(2) as u8)),
            1 => drop(given.system.insert(at, 1 + numbers.below(2) as u8)),
            2 if numbers.below(2) == 0 => given.protected.push(at),
            _ => {}
        }
    }
    if numbers.below(2) == 0 {
        given.free = numbers.below(1 << space.size()) as u32 & numbers.below(1 << space.size()) as u32;
    }
    given
}

#[test]
fn given_routes_and_closed_blocks() {
    let space = Space { bits: 2 };
    let mut numbers = Numbers(3);
    for round in 0..1500 {
        let given = random_given(space, &mut numbers);
        let allowed: &[u8] = [&[1, 2][..], &[1], &[]][numbers.below(3) as usize];
        let tables = every_table(space, &given, allowed);
        let closed = given.protected.iter().fold(given.free, |mask, &at| mask | space.prefixes()[at].1);
        let wish = (0..space.size()).fold(0, |wish, i| wish | all_to(1 << i, numbers.below(3) as u8));
        let fewest = tables.iter().filter(|&(&e, _)| agree(e, wish, closed)).map(|(_, &n)| n).min();
        let problem = problem(space, wish, &given, allowed);
        let exact = problem.minimise().ok();
        assert_eq!(exact.as_ref().map(Vec::len), fewest, "round {round}");
        if let Some(routes) = exact {
            assert!(agree(effect(space, &given, &routes), wish, closed), "round {round}");
        }
        lossy(space, &given, closed, wish, &problem, &tables, &mut numbers);
    }
}

/// Every budget of one problem, with a random price for each pair of hops.
fn lossy(
    space: Space,
    given: &Given,
    closed: u32,
    wish: Effect,
    problem: &RouteProblem<&'static str>,
    tables: &BTreeMap<Effect, usize>,
    numbers: &mut Numbers,
) {
    let mut prices = [[Some(0_u64); 3]; 3];
    let mut mismatch = Mismatch::new();
    let name = |hop: usize| hop.checked_sub(1).map(|at| HOPS[at]);
    for (wished, row) in prices.iter_mut().enumerate() {
        for (got, price) in row.iter_mut().enumerate().filter(|(got, _)| *got != wished) {
            *price = [Some(1), Some(2), Some(20), None][numbers.below(4) as usize];
            match *price {
                Some(price) => mismatch.set(name(wished), name(got), price),
                None => mismatch.forbid(name(wished), name(got)),
            }
        }
    }
    let cost = |effect: Effect| -> Option<u64> {
        let counted = (0..space.size()).filter(|i| closed >> i & 1 == 0);
        counted.map(|i| prices[hop_at(wish, i)][hop_at(effect, i)]).sum()
    };
    let curve = problem.curve(&Prices::default(), &mismatch, None).unwrap();
    for k in 0..=8 {
        let best = tables.iter().filter(|&(_, &n)| n <= k).filter_map(|(&effect, _)| cost(effect)).min();
        let found = curve.at_most(k).ok();
        assert_eq!(found.as_ref().map(|f| f.cost), best.map(Count::from), "k = {k}");
        let Some(found) = found else { continue };
        assert!(found.routes.len() <= k);
        assert_eq!(cost(effect(space, given, &found.routes)), best);
        // A limit that was given in advance changes nothing up to there.
        let limited = problem.curve(&Prices::default(), &mismatch, Some(k)).unwrap();
        assert_eq!(limited.at_most(k).unwrap(), found);
    }
    let first = (0..20).find(|&k| tables.iter().any(|(&e, &n)| n <= k && cost(e).is_some()));
    assert_eq!(curve.smallest(), first);
    assert_eq!(problem.curve(&Prices::default(), &mismatch, Some(0)).unwrap().smallest(), first);
}
