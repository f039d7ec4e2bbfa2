//! The cheapest ways to have each of several lists in few pieces, where pieces count against two limits at once.

use std::collections::BTreeMap;

use crate::addr::Count;

/// One choice for a list: so many pieces, and what that costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) units: usize,
    pub(super) cost: Count,
}

/// The choices for one list, ascending in pieces, and what each piece counts.
#[derive(Debug, Clone)]
pub(super) struct Ladder {
    pub(super) steps: Vec<Step>,
    pub(super) groups: usize,
    pub(super) pairs: usize,
}

/// A choice for every list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) cost: Count,
    /// Pieces by list.
    pub(super) units: Vec<usize>,
}

/// All ways within the rooms for groups and pairs that no other way beats in all three, cheapest first; of those that
/// are alike, one, always the same. None if not even the fewest pieces fit.
///
/// Exact: every choice of every list is tried upon every way so far that is not beaten. Their number stays below the
/// product of the two rooms.
pub(super) fn ways(ladders: &[Ladder], rooms: (usize, usize)) -> Vec<Way> {
    let mut ways: BTreeMap<(usize, usize), Way> =
        BTreeMap::from([((0, 0), Way { cost: Count::ZERO, units: Vec::new() })]);
    for ladder in ladders {
        let mut next: BTreeMap<(usize, usize), Way> = BTreeMap::new();
        for (&(groups, pairs), way) in &ways {
            for step in &ladder.steps {
                let place = (groups + step.units * ladder.groups, pairs + step.units * ladder.pairs);
                if place.0 > rooms.0 || place.1 > rooms.1 {
                    break;
                }
                let cost = way.cost + step.cost;
                if next.get(&place).is_none_or(|known| cost < known.cost) {
                    let units = way.units.iter().copied().chain([step.units]).collect();
                    next.insert(place, Way { cost, units });
                }
            }
        }
        ways = unbeaten(next);
    }
    let mut ways: Vec<((usize, usize), Way)> = ways.into_iter().collect();
    ways.sort_by_key(|(place, way)| (way.cost, *place));
    ways.into_iter().map(|(_, way)| way).collect()
}

/// Without those that another one beats or equals in groups, pairs and cost.
fn unbeaten(ways: BTreeMap<(usize, usize), Way>) -> BTreeMap<(usize, usize), Way> {
    // Groups ascend, so that only the pairs and cost of what came before matter: costs fall as pairs rise.
    let mut stairs: BTreeMap<usize, Count> = BTreeMap::new();
    let mut kept = BTreeMap::new();
    for ((groups, pairs), way) in ways {
        if stairs.range(..=pairs).next_back().is_some_and(|(_, &cost)| cost <= way.cost) {
            continue;
        }
        let beaten: Vec<usize> =
            stairs.range(pairs..).take_while(|&(_, &cost)| cost >= way.cost).map(|(&at, _)| at).collect();
        for at in beaten {
            stairs.remove(&at);
        }
        stairs.insert(pairs, way.cost);
        kept.insert((groups, pairs), way);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every choice of three lists, without thinking.
    fn every(ladders: &[Ladder]) -> Vec<(usize, usize, Count)> {
        let mut all = vec![(0, 0, Count::ZERO)];
        for ladder in ladders {
            let more = all.iter().flat_map(|&(groups, pairs, cost)| {
                ladder.steps.iter().map(move |s| {
                    (groups + s.units * ladder.groups, pairs + s.units * ladder.pairs, cost + s.cost)
                })
            });
            all = more.collect();
        }
        all
    }

    #[test]
    fn the_cheapest_of_all_ways_for_every_room() {
        let ladder = |groups, pairs, costs: &[u64]| Ladder {
            steps: costs
                .iter()
                .enumerate()
                .map(|(at, &cost)| Step { units: at + 1, cost: Count::from(cost) })
                .collect(),
            groups,
            pairs,
        };
        let ladders =
            [ladder(1, 2, &[90, 40, 39, 0]), ladder(0, 3, &[25, 7, 6, 1, 0]), ladder(2, 1, &[64, 63, 5, 0])];
        let all = every(&ladders);
        for groups in 0..14 {
            for pairs in 0..30 {
                let fit = all.iter().filter(|way| way.0 <= groups && way.1 <= pairs);
                let best = fit.map(|way| way.2).min();
                let found = ways(&ladders, (groups, pairs));
                assert_eq!(found.first().map(|way| way.cost), best, "{groups} {pairs}");
                assert!(found.windows(2).all(|pair| pair[0].cost <= pair[1].cost));
                // None takes as much as another one in all three.
                let takes = |way: &Way, of: fn(&Ladder) -> usize| -> usize {
                    ladders.iter().zip(&way.units).map(|(ladder, units)| of(ladder) * units).sum()
                };
                let beaten = |a: &Way, b: &Way| {
                    a != b
                        && a.cost <= b.cost
                        && takes(a, |l| l.groups) <= takes(b, |l| l.groups)
                        && takes(a, |l| l.pairs) <= takes(b, |l| l.pairs)
                };
                assert!(found.iter().all(|way| !found.iter().any(|other| beaten(other, way))), "{found:?}");
            }
        }
    }
}
