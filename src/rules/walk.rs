//! [`Walk`]: decides one row of cells for both lists at once.

use super::bits::{filled, lowest, ones};
use super::grid::{Dimension, Family};
use super::hash::FastMap;
use crate::addr::Count;

/// Where the two lists differ in one row of cells: all inner classes under one service class and outer class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct RowDifference {
    /// The lowest inner class that the first list allows and the second denies.
    pub(super) first_missing: Option<usize>,
    /// The lowest inner class that the first list denies and the second allows.
    pub(super) first_excess: Option<usize>,
    /// The addresses of all classes of the first kind; zero if nothing is counted.
    pub(super) missing: Count,
    /// The addresses of all classes of the second kind; zero if nothing is counted.
    pub(super) excess: Count,
}

/// How many words of inner classes are decided at a time: so few stay in registers while all rules pass by.
const BLOCK: usize = 4;

/// Decides rows, remembering the ones already met.
///
/// What a row decides depends on its active rules only through their *outline*: which inner set each has, and
/// whether it allows. Rules that cannot matter are left out, so many rows come to the same; two lists whose outlines
/// are equal up to the order within runs of one access need no bit sets at all.
pub(super) struct Walk<'a, A> {
    inner: &'a Dimension<A>,
    /// Rules below this number are the first list's.
    split: usize,
    codes: Vec<Code>,
    /// For each list, whether its default allows.
    defaults: [bool; 2],
    counting: bool,
    memo: FastMap<Box<[Code]>, RowDifference>,
    /// For each inner set, the last outline that it was seen in.
    seen: Vec<u64>,
    outlines: u64,
    lists: [Vec<Code>; 2],
    key: Vec<Code>,
    /// For each list, the inner classes that it allows.
    allowed: [Vec<u64>; 2],
    /// All inner classes.
    every: Vec<u64>,
}

impl<'a, A: Family> Walk<'a, A> {
    pub(super) fn new(
        inner: &'a Dimension<A>,
        split: usize,
        allows: &[bool],
        defaults: [bool; 2],
        counting: bool,
    ) -> Self {
        let code = |(&set, &allows)| Code::new(set, inner.whole[set as usize], allows);
        Walk {
            inner,
            split,
            codes: inner.set_of.iter().zip(allows).map(code).collect(),
            defaults,
            counting,
            memo: FastMap::default(),
            seen: vec![0; inner.rows.len()],
            outlines: 0,
            lists: Default::default(),
            key: Vec::new(),
            allowed: Default::default(),
            every: filled(inner.classes.len()),
        }
    }

    /// Where the lists differ if exactly the rules `active`, in ascending order, take packets of the row.
    pub(super) fn outcome(&mut self, active: impl Iterator<Item = usize>) -> RowDifference {
        self.outline(active);
        let [a, b] = &mut self.lists;
        // What the default does anyway needs no rule at the end.
        drop_last_run(a, self.defaults[0]);
        drop_last_run(b, self.defaults[1]);
        if self.defaults[0] == self.defaults[1] && is_reordering(a, b) {
            return RowDifference::default();
        }
        self.key.clear();
        self.key.extend_from_slice(a);
        self.key.push(Code::BORDER);
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
        let first = self.outlines;
        self.outlines += 2;
        for rule in active {
            let list = usize::from(rule >= self.split);
            let outline = first + 1 + list as u64;
            let code = self.codes[rule];
            let seen = std::mem::replace(&mut self.seen[code.set()], outline);
            // A set that came before in the list has nothing left to decide, nor has what follows a whole one.
            if seen == outline || ended[list] {
                continue;
            }
            if code.is_whole() {
                ended[list] = true;
                drop_last_run(&mut self.lists[list], code.allows());
            }
            self.lists[list].push(code);
        }
    }

    /// Decides every inner class by both outlines.
    fn decide(&mut self) -> RowDifference {
        let words = self.inner.rows.words();
        for list in 0..2 {
            let mut allowed = std::mem::take(&mut self.allowed[list]);
            allowed.clear();
            while allowed.len() + BLOCK <= words {
                allowed.extend(self.allow::<BLOCK>(list, allowed.len()));
            }
            while allowed.len() < words {
                allowed.extend(self.allow::<1>(list, allowed.len()));
            }
            // Different defaults differ behind the last class too.
            allowed.iter_mut().zip(&self.every).for_each(|(word, every)| *word &= every);
            self.allowed[list] = allowed;
        }
        let [a, b] = &self.allowed;
        let missing = || a.iter().zip(b.iter()).map(|(a, b)| a & !b);
        let excess = || a.iter().zip(b.iter()).map(|(a, b)| b & !a);
        let size = &self.inner.classes.size;
        let sum = |at: &mut dyn Iterator<Item = usize>| at.map(|class| size[class]).sum::<Count>();
        RowDifference {
            first_missing: lowest(missing()),
            first_excess: lowest(excess()),
            missing: if self.counting { sum(&mut ones(missing())) } else { Count::ZERO },
            excess: if self.counting { sum(&mut ones(excess())) } else { Count::ZERO },
        }
    }

    /// Which inner classes an outline allows: a block of words that starts at word `at`. Goes from the last rule to
    /// the first, so that earlier rules overwrite later ones.
    fn allow<const N: usize>(&self, list: usize, at: usize) -> [u64; N] {
        let every = |allowed: bool| if allowed { u64::MAX } else { 0 };
        let mut allowed = [every(self.defaults[list]); N];
        for code in self.lists[list].iter().rev() {
            let row = self.inner.rows.row(code.set())[at..].first_chunk::<N>().expect("a block of the row");
            let allows = every(code.allows());
            allowed.iter_mut().zip(row).for_each(|(word, set)| *word = *word & !set | allows & set);
        }
        allowed
    }
}

/// One rule of an outline: its inner set, whether that holds the whole family, and whether the rule allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Code(u32);

impl Code {
    /// Stands between the outlines of the two lists in a key.
    const BORDER: Code = Code(u32::MAX);

    fn new(set: u32, whole: bool, allows: bool) -> Self {
        Code(set << 2 | u32::from(whole) << 1 | u32::from(allows))
    }

    fn set(self) -> usize {
        (self.0 >> 2) as usize
    }

    fn is_whole(self) -> bool {
        self.0 & 2 != 0
    }

    fn allows(self) -> bool {
        self.0 & 1 != 0
    }
}

/// Whether two outlines are equal up to the order within runs of one access. Sorts the runs if that is in doubt.
fn is_reordering(a: &mut [Code], b: &mut [Code]) -> bool {
    if a.len() != b.len() || a == b {
        return a.len() == b.len();
    }
    for list in [&mut *a, &mut *b] {
        list.chunk_by_mut(|a, b| a.allows() == b.allows()).for_each(<[Code]>::sort_unstable);
    }
    a == b
}

/// Removes the rules with access `allows` from the end of an outline.
fn drop_last_run(list: &mut Vec<Code>, allows: bool) {
    let keep = list.iter().rposition(|code| code.allows() != allows).map_or(0, |last| last + 1);
    list.truncate(keep);
}
