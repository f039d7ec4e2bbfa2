//! [`Walk`]: decides one row of cells for both lists at once.

use super::bits::{clear, fill, lowest, ones};
use super::grid::{Family, Side};
use super::hash::FastMap;
use crate::addr::Count;

/// Where the two lists differ in one row of cells: all inner classes under one service class and outer class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Outcome {
    /// The lowest inner class that the first list allows and the second denies.
    pub(super) first_missing: Option<usize>,
    /// The lowest inner class that the first list denies and the second allows.
    pub(super) first_excess: Option<usize>,
    /// The addresses of all classes of the first kind; zero if nothing is counted.
    pub(super) missing: Count,
    /// The addresses of all classes of the second kind; zero if nothing is counted.
    pub(super) excess: Count,
}

/// Stands between the outlines of the two lists in a key.
const BORDER: u32 = u32::MAX;

/// Decides rows, remembering the ones already met.
///
/// What a row decides depends on its active rules only through their *outline*: which inner set each has, and
/// whether it allows. In the outline, rules that cannot matter are left out and runs of one access are sorted, so
/// many rows come to the same; two lists with equal outlines need no bit sets at all.
pub(super) struct Walk<'a, A> {
    inner: &'a Side<A>,
    /// Rules below this number are the first list's.
    split: usize,
    /// For each rule, whether it allows.
    allows: &'a [bool],
    /// For each list, whether its default allows.
    defaults: [bool; 2],
    counting: bool,
    memo: FastMap<Box<[u32]>, Outcome>,
    /// For each inner set, the last outline that it was seen in.
    seen: Vec<u64>,
    outlines: u64,
    lists: [Vec<u32>; 2],
    key: Vec<u32>,
    decided: [Vec<u64>; 2],
    undecided: Vec<u64>,
}

impl<'a, A: Family> Walk<'a, A> {
    pub(super) fn new(
        inner: &'a Side<A>,
        split: usize,
        allows: &'a [bool],
        defaults: [bool; 2],
        counting: bool,
    ) -> Self {
        Walk {
            inner,
            split,
            allows,
            defaults,
            counting,
            memo: FastMap::default(),
            seen: vec![0; inner.rows.len()],
            outlines: 0,
            lists: Default::default(),
            key: Vec::new(),
            decided: Default::default(),
            undecided: Vec::new(),
        }
    }

    /// Where the lists differ if exactly the rules `active`, in ascending order, take packets of the row.
    pub(super) fn outcome(&mut self, active: impl Iterator<Item = usize>) -> Outcome {
        self.outline(active);
        let [a, b] = &self.lists;
        if a == b && self.defaults[0] == self.defaults[1] {
            return Outcome::default();
        }
        self.key.clear();
        self.key.extend_from_slice(a);
        self.key.push(BORDER);
        self.key.extend_from_slice(b);
        if let Some(&known) = self.memo.get(self.key.as_slice()) {
            return known;
        }
        let outcome = self.decide();
        self.memo.insert(self.key.as_slice().into(), outcome);
        outcome
    }

    /// Sets `lists` to the outlines of both lists.
    fn outline(&mut self, active: impl Iterator<Item = usize>) {
        self.lists.iter_mut().for_each(Vec::clear);
        let mut ended = [false; 2];
        let mut list = 0;
        self.outlines += 1;
        for rule in active {
            if rule >= self.split && list == 0 {
                list = 1;
                self.outlines += 1;
            }
            let set = self.inner.set_of[rule];
            // A set that came before in the list has nothing left to decide.
            if ended[list] || std::mem::replace(&mut self.seen[set as usize], self.outlines) == self.outlines
            {
                continue;
            }
            let allows = u32::from(self.allows[rule]);
            ended[list] = self.inner.whole[set as usize];
            if ended[list] {
                drop_last_run(&mut self.lists[list], allows);
            }
            self.lists[list].push(set << 1 | allows);
        }
        for (list, &default) in self.lists.iter_mut().zip(&self.defaults) {
            // What the default does anyway needs no rule at the end.
            drop_last_run(list, default.into());
            list.chunk_by_mut(|a, b| a & 1 == b & 1).for_each(<[u32]>::sort_unstable);
        }
    }

    /// Decides every inner class by both outlines.
    fn decide(&mut self) -> Outcome {
        let classes = self.inner.classes.len();
        for ((codes, decided), &default) in self.lists.iter().zip(&mut self.decided).zip(&self.defaults) {
            clear(decided, classes);
            fill(&mut self.undecided, classes);
            for code in codes {
                let row = self.inner.rows.row((code >> 1) as usize);
                let allows = if code & 1 != 0 { u64::MAX } else { 0 };
                for ((open, allowed), set) in self.undecided.iter_mut().zip(decided.iter_mut()).zip(row) {
                    *allowed |= *open & set & allows;
                    *open &= !set;
                }
            }
            if default {
                decided.iter_mut().zip(&self.undecided).for_each(|(allowed, open)| *allowed |= open);
            }
        }
        let [a, b] = &self.decided;
        let missing = || a.iter().zip(b).map(|(a, b)| a & !b);
        let excess = || a.iter().zip(b).map(|(a, b)| b & !a);
        let size = &self.inner.classes.size;
        let sum = |at: &mut dyn Iterator<Item = usize>| at.map(|class| size[class]).sum::<Count>();
        Outcome {
            first_missing: lowest(missing()),
            first_excess: lowest(excess()),
            missing: if self.counting { sum(&mut ones(missing())) } else { Count::ZERO },
            excess: if self.counting { sum(&mut ones(excess())) } else { Count::ZERO },
        }
    }
}

/// Removes the rules with access `allows` from the end of an outline.
fn drop_last_run(list: &mut Vec<u32>, allows: u32) {
    let keep = list.iter().rposition(|code| code & 1 != allows).map_or(0, |last| last + 1);
    list.truncate(keep);
}
