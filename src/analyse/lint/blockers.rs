//! The fewest rules that together take all packets of another.

use std::collections::BTreeSet;

use super::list::{Lines, uncovered};
use crate::rules::Rule;

/// Up to so many choices are looked through for the fewest; beyond, few are found, not always the fewest.
const CHOICES: usize = 200_000;

impl Lines {
    /// Places of the fewest rules before a dead one that take all of its packets.
    ///
    /// # Method
    /// A set of rules blocks if it meets, for every packet, the rules that take the packet. Packets are found one after
    /// another: the fewest rules that meet those known so far are tried, and a packet that they let through is one more
    /// to meet. What blocks in the end is smallest, since it had to meet only some of the packets.
    pub(super) fn blockers(&self, at: usize) -> Vec<usize> {
        let line = &self.lines[at];
        let candidates: Vec<(usize, Rule)> =
            (0..at).filter_map(|place| Some((place, self.lines[place].surely(line)?))).collect();
        let mut to_meet: Vec<BTreeSet<usize>> = Vec::new();
        loop {
            let chosen = fewest(&to_meet, candidates.len());
            match uncovered(&line.rule, chosen.iter().map(|&candidate| &candidates[candidate].1)) {
                None => return chosen.into_iter().map(|candidate| candidates[candidate].0).collect(),
                Some(packet) => {
                    let takes = |(_, rule): &(usize, Rule)| rule.matches(&packet);
                    let meets: BTreeSet<usize> =
                        (0..candidates.len()).filter(|&n| takes(&candidates[n])).collect();
                    if meets.is_empty() {
                        return Vec::new();
                    }
                    to_meet.push(meets);
                }
            }
        }
    }
}

/// The fewest numbers that every set has one of; of several, those that come first.
fn fewest(sets: &[BTreeSet<usize>], most: usize) -> Vec<usize> {
    let greedy = greedy(sets);
    let mut budget = CHOICES;
    for size in 0..greedy.len().min(most) {
        let mut chosen = Vec::new();
        if meet(sets, size, &mut chosen, &mut budget) {
            chosen.sort_unstable();
            return chosen;
        }
        if budget == 0 {
            break;
        }
    }
    greedy
}

/// Extends `chosen` by at most `left` numbers so that every set is met.
fn meet(sets: &[BTreeSet<usize>], left: usize, chosen: &mut Vec<usize>, budget: &mut usize) -> bool {
    let open = sets.iter().filter(|set| chosen.iter().all(|number| !set.contains(number)));
    let Some(smallest) = open.min_by_key(|set| set.len()) else { return true };
    if left == 0 || *budget == 0 {
        return false;
    }
    for &number in smallest {
        *budget = budget.saturating_sub(1);
        chosen.push(number);
        if meet(sets, left - 1, chosen, budget) {
            return true;
        }
        chosen.pop();
    }
    false
}

/// The number that most sets have, again and again.
fn greedy(sets: &[BTreeSet<usize>]) -> Vec<usize> {
    let mut open: Vec<&BTreeSet<usize>> = sets.iter().collect();
    let mut chosen = BTreeSet::new();
    while !open.is_empty() {
        let numbers: BTreeSet<usize> = open.iter().flat_map(|set| set.iter().copied()).collect();
        let met = |number: &usize| open.iter().filter(|set| set.contains(number)).count();
        let best = numbers.into_iter().rev().max_by_key(met).expect("sets are not empty");
        chosen.insert(best);
        open.retain(|set| !set.contains(&best));
    }
    chosen.into_iter().collect()
}
