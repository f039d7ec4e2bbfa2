//! [`Classes`]: the values of one dimension, grouped by the sets they lie in.

use super::bits::BitRows;
use super::hash::FastMap;
use crate::addr::{Address, Count, Interval, IntervalSet};

/// A partition of a dimension: two values are of one class exactly if they lie in the same of the given sets.
///
/// Classes are numbered by their lowest value, so the numbers depend on the sets alone.
#[derive(Debug)]
pub(super) struct Classes<A> {
    /// The lowest value of each class, ascending.
    pub(super) first: Vec<A>,
    /// How many values each class has; never zero.
    pub(super) size: Vec<Count>,
    /// For each class, the sets that hold it.
    pub(super) members: BitRows,
}

impl<A: Address> Classes<A> {
    /// Sweeps the boundaries of `sets`. `O(n log n + n * sets / 64)` for `n` intervals in all.
    pub(super) fn of(sets: &[&IntervalSet<A>]) -> Self {
        let mut builder = Builder::new(sets.len());
        sweep(sets, |interval, inside| builder.add(interval, inside));
        builder.classes
    }

    /// How many classes there are; at least one.
    pub(super) fn len(&self) -> usize {
        self.first.len()
    }
}

/// Visits the pieces into which the boundaries of `sets` cut the space, ascending, each with the sets that hold it.
pub(super) fn sweep<A: Address>(sets: &[&IntervalSet<A>], mut visit: impl FnMut(Interval<A>, &[u64])) {
    let mut inside = vec![0_u64; sets.len().div_ceil(64)];
    let mut from = A::MIN;
    for &(at, set) in &edges(sets) {
        if at != from {
            visit(Interval::from_ordered(from, at.pred().expect("above `from`")), &inside);
            from = at;
        }
        inside[set as usize / 64] ^= 1 << (set % 64);
    }
    visit(Interval::from_ordered(from, A::MAX), &inside);
}

/// What is in each of the `classes` of `sets`.
pub(super) fn sets_of_classes<A: Address>(
    classes: &Classes<A>,
    sets: &[&IntervalSet<A>],
) -> Vec<IntervalSet<A>> {
    let numbers: FastMap<&[u64], usize> = (0..classes.len()).map(|c| (classes.members.row(c), c)).collect();
    let mut pieces = vec![Vec::new(); classes.len()];
    sweep(sets, |interval, inside| pieces[numbers[inside]].push(interval));
    pieces.into_iter().map(IntervalSet::from_intervals).collect()
}

/// Where each set begins or has ended, ascending. Intervals of a set never touch, so each entry flips the
/// membership of its set; a set that reaches the top has no end.
fn edges<A: Address>(sets: &[&IntervalSet<A>]) -> Vec<(A, u32)> {
    let intervals = sets.iter().map(|set| set.intervals().len()).sum::<usize>();
    let mut edges = Vec::with_capacity(2 * intervals);
    for (number, set) in (0_u32..).zip(sets) {
        for interval in set.intervals() {
            edges.push((interval.first(), number));
            edges.extend(interval.last().succ().map(|after| (after, number)));
        }
    }
    // Stable, because that sort merges runs, and every set is one.
    edges.sort();
    edges
}

struct Builder<A> {
    classes: Classes<A>,
    by_members: FastMap<Box<[u64]>, u32>,
}

impl<A: Address> Builder<A> {
    fn new(sets: usize) -> Self {
        let members = BitRows::with_bits(sets);
        let classes = Classes { first: Vec::new(), size: Vec::new(), members };
        Builder { classes, by_members: FastMap::default() }
    }

    fn add(&mut self, interval: Interval<A>, members: &[u64]) {
        let size = Count::from_distance(interval.last().to_u128() - interval.first().to_u128());
        if let Some(&class) = self.by_members.get(members) {
            self.classes.size[class as usize] += size;
            return;
        }
        self.by_members.insert(members.into(), self.classes.first.len() as u32);
        self.classes.first.push(interval.first());
        self.classes.size.push(size);
        self.classes.members.push(members);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::bits::ones;

    fn set(ranges: &[(u8, u8)]) -> IntervalSet<u8> {
        IntervalSet::from_intervals(ranges.iter().map(|&(a, b)| Interval::new(a, b).unwrap()).collect())
    }

    #[test]
    fn classes_partition_the_small_universe() {
        let sets =
            [set(&[(0, 9), (250, 255)]), set(&[(5, 20)]), set(&[]), set(&[(0, 255)]), set(&[(15, 20)])];
        let classes = Classes::of(&sets.iter().collect::<Vec<_>>());
        let mut size = vec![0_u64; classes.len()];
        for value in 0..=u8::MAX {
            let inside: Vec<usize> = (0..sets.len()).filter(|&s| sets[s].contains(value)).collect();
            let class = (0..classes.len())
                .find(|&c| ones(classes.members.row(c).iter().copied()).eq(inside.iter().copied()))
                .unwrap();
            assert!(classes.first[class] <= value);
            size[class] += 1;
        }
        assert_eq!(classes.size, size.into_iter().map(Count::from).collect::<Vec<_>>());
        assert_eq!(classes.first, [0, 5, 10, 15, 21]);
    }

    #[test]
    fn no_sets_make_one_class() {
        let classes = Classes::<u128>::of(&[]);
        assert_eq!(classes.len(), 1);
        assert_eq!(classes.size[0], IntervalSet::<u128>::all().count());
    }
}
