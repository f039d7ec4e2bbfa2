//! Sorting intervals into a canonical list.

use std::ops::Range;

use rayon::prelude::*;

use super::family::Address;
use super::interval::Interval;
use super::words::Word;

/// From here on scattering by leading bits beats comparing: below, the list is in the cache anyway.
pub(super) const SCATTER_FROM: usize = 1 << 12;
/// From here on two threads beat one; below, waking them costs more than they save.
const PARALLEL_FROM: usize = 1 << 17;
/// Intervals that one bucket should hold on average: few enough to be sorted in the first-level cache.
const BUCKET: usize = 1 << 4;

/// Sorts and joins: ascending, disjoint, not touching. The order of the input does not matter.
pub(super) fn canonical<A: Address>(mut list: Vec<Interval<A>>) -> Vec<Interval<A>> {
    if list.is_sorted_by_key(|i| i.first()) {
        merge_sorted(&mut list);
        return list;
    }
    if list.len() < SCATTER_FROM {
        list.sort_unstable_by_key(|i| i.first());
        merge_sorted(&mut list);
        return list;
    }
    let scattered = scatter(&[&list], |i| i.first());
    // What the buckets join to takes the place of the list.
    list.clear();
    sorted(scattered, list)
}

/// Sorts what is scattered; `room` is used if one thread is enough.
fn sorted<A: Address>(mut scattered: Scattered<Interval<A>>, mut room: Vec<Interval<A>>) -> Vec<Interval<A>> {
    if scattered.items.len() < PARALLEL_FROM || rayon::current_num_threads() == 1 {
        scattered.groups(1).into_iter().for_each(|group| sort_buckets(group, &mut room));
        return room;
    }
    drop(room);
    join_parts(parallel_buckets(scattered))
}

/// A list in buckets of ascending keys, each bucket in any order.
pub(super) struct Scattered<T> {
    pub(super) items: Vec<T>,
    /// Where each bucket ends.
    pub(super) ends: Vec<usize>,
}

/// Some buckets one behind the other.
pub(super) struct Group<'a, T> {
    pub(super) items: &'a mut [T],
    /// Where each bucket ends in the whole list, in which `items` begin at `start`.
    ends: &'a [usize],
    start: usize,
}

/// Distributes by the leading bits in which the keys differ; one pass to count, one to move.
///
/// # Panics
/// If there are no items.
pub(super) fn scatter<T: Copy, W: Word>(parts: &[&[T]], key: impl Fn(&T) -> W) -> Scattered<T> {
    let all = || parts.iter().copied().flatten();
    let len: usize = parts.iter().map(|part| part.len()).sum();
    let any = *all().next().expect("lists that are scattered have many items");
    let skip = W::common_bits(all().map(&key));
    let width = (len / BUCKET).ilog2().clamp(1, 14) as u8;
    // Where all are alike, any bit will do.
    let (skip, width) = if skip == W::WIDTH { (0, 1) } else { (skip, width.min(W::WIDTH - skip)) };
    let bucket = |item: &T| key(item).bits_at(skip, width);
    let mut next = vec![0_usize; 1 << width];
    all().for_each(|item| next[bucket(item)] += 1);
    let mut sum = 0;
    for count in &mut next {
        sum += std::mem::replace(count, sum);
    }
    let mut items = vec![any; len];
    all().for_each(|item| {
        let place = &mut next[bucket(item)];
        items[*place] = *item;
        *place += 1;
    });
    // Each cursor has moved on to the end of its bucket.
    Scattered { items, ends: next }
}

impl<T> Scattered<T> {
    /// About `number` groups of similar size.
    pub(super) fn groups(&mut self, number: usize) -> Vec<Group<'_, T>> {
        let share = self.items.len() / number + 1;
        let (ends, mut rest) = (self.ends.as_slice(), self.items.as_mut_slice());
        let (mut groups, mut start, mut first) = (Vec::with_capacity(number), 0, 0);
        while first < ends.len() {
            let last = ends.partition_point(|&end| end < start + share).clamp(first, ends.len() - 1);
            let (items, after) = rest.split_at_mut(ends[last] - start);
            groups.push(Group { items, ends: &ends[first..=last], start });
            (rest, start, first) = (after, ends[last], last + 1);
        }
        groups
    }
}

impl<T> Group<'_, T> {
    /// Hands out all items again and again, each time with the place of the next bucket.
    pub(super) fn each_bucket(&mut self, mut work: impl FnMut(&mut [T], Range<usize>)) {
        let mut from = 0;
        for end in self.ends {
            work(self.items, from..end - self.start);
            from = end - self.start;
        }
    }
}

/// Sorts bucket after bucket and appends what they join to.
fn sort_buckets<A: Address>(mut group: Group<'_, Interval<A>>, out: &mut Vec<Interval<A>>) {
    group.each_bucket(|items, bucket| {
        let bucket = &mut items[bucket];
        bucket.sort_unstable_by_key(|i| i.first());
        bucket.iter().for_each(|&next| push_joined(out, next));
    });
}

/// The joined lists of consecutive groups of buckets.
fn parallel_buckets<A: Address>(mut scattered: Scattered<Interval<A>>) -> Vec<Vec<Interval<A>>> {
    let groups = scattered.groups(rayon::current_num_threads() * 4);
    let joined = |group: Group<'_, Interval<A>>| {
        let mut out = Vec::with_capacity(group.items.len());
        sort_buckets(group, &mut out);
        out
    };
    groups.into_par_iter().map(joined).collect()
}

/// Puts lists behind each other whose borders may overlap or touch.
fn join_parts<A: Address>(parts: Vec<Vec<Interval<A>>>) -> Vec<Interval<A>> {
    let mut out: Vec<Interval<A>> = Vec::with_capacity(parts.iter().map(Vec::len).sum());
    for part in parts {
        let mut rest = part.as_slice();
        // A long interval may swallow many at the border; behind the first that stands apart all do.
        while let [next, after @ ..] = rest
            && out.last().is_some_and(|tail| !apart(*tail, *next))
        {
            push_joined(&mut out, *next);
            rest = after;
        }
        out.extend_from_slice(rest);
    }
    out
}

/// Whether a gap of at least one address lies between `a` and the later `b`.
#[inline]
pub(super) fn apart<A: Address>(a: Interval<A>, b: Interval<A>) -> bool {
    // `b` begins at or behind `a`, so the difference is meant as one, and no address behind the last is formed.
    a.last() < b.first() && b.first().pred() != Some(a.last())
}

/// Appends `next`, whose first address is not below that of the last interval in `out`, joining what overlaps
/// or touches.
#[inline]
pub(super) fn push_joined<A: Address>(out: &mut Vec<Interval<A>>, next: Interval<A>) {
    match out.last_mut() {
        Some(tail) if !apart(*tail, next) => {
            *tail = Interval::from_ordered(tail.first(), tail.last().max(next.last()));
        }
        _ => out.push(next),
    }
}

/// Joins overlapping and touching neighbours of a list sorted by first address, in place.
pub(super) fn merge_sorted<A: Address>(list: &mut Vec<Interval<A>>) {
    list.dedup_by(|next, tail| {
        let join = !apart(*tail, *next);
        if join {
            *tail = Interval::from_ordered(tail.first(), tail.last().max(next.last()));
        }
        join
    });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The slow twin: compare, then join one after another.
    fn obvious<A: Address>(mut list: Vec<Interval<A>>) -> Vec<Interval<A>> {
        list.sort();
        let mut out: Vec<Interval<A>> = Vec::new();
        for next in list {
            match out.last_mut() {
                Some(tail) if tail.last().succ().is_none_or(|after| after >= next.first()) => {
                    *tail = Interval::new(tail.first(), tail.last().max(next.last())).unwrap();
                }
                _ => out.push(next),
            }
        }
        out
    }

    /// Many intervals, clustered so that buckets of every size and long overlaps occur.
    fn spread(seed: u64, count: usize, bits: u32) -> Vec<Interval<u32>> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 32) as u32
        };
        let mut interval = || {
            let first = (next() >> (32 - bits)) | next() & 0x8000_0000;
            let size = next() >> (next() % 24 + 8);
            Interval::from_ordered(first, first.saturating_add(size))
        };
        (0..count).map(|_| interval()).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn large_lists_as_the_slow_twin(seed: u64, bits in 8..32_u32, count in 3000..9000_usize) {
            let list = spread(seed, count, bits);
            prop_assert_eq!(canonical(list.clone()), obvious(list));
        }

        #[test]
        fn threads_change_nothing(seed: u64, bits in 12..32_u32) {
            let list = spread(seed, 3000, bits);
            let wide: Vec<_> = list.iter().map(|i| Interval::from_ordered(u128::from(i.first()) << 80, u128::from(i.last()) << 80 | 0xff)).collect();
            prop_assert_eq!(join_parts(parallel_buckets(scatter(&[&wide], |i| i.first()))), obvious(wide));
        }
    }

    #[test]
    fn long_and_top_intervals() {
        let at = |first, last| Interval::new(first, last).unwrap();
        let mut list: Vec<Interval<u32>> =
            (0..PARALLEL_FROM as u32).rev().map(|i| at(i * 7, i * 7 + 3)).collect();
        list.push(at(0, u32::MAX));
        list.push(at(u32::MAX, u32::MAX));
        assert_eq!(canonical(list), [Interval::all()]);
    }
}
