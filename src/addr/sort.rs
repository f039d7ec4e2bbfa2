//! Sorting intervals into a canonical list.

use std::ops::Range;

use rayon::prelude::*;

use super::family::Address;
use super::interval::Interval;
use super::midpoint::MidpointKey;

/// From here on scattering by leading bits beats comparing: below, the list is in the cache anyway.
pub(super) const SCATTER_FROM: usize = 1 << 12;
/// From here on two threads beat one; below, waking them costs more than they save.
const PARALLEL_FROM: usize = 1 << 17;
/// Intervals that one bucket should hold on average: few enough to be sorted in the first-level cache.
const BUCKET: usize = 1 << 4;

/// Sorts and joins: ascending, disjoint, not touching. The order of the input does not matter.
pub(super) fn canonical<A: Address>(mut list: Vec<Interval<A>>) -> Vec<Interval<A>> {
    if join_ordered(&mut list) {
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
    in_parts(scattered)
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
pub(super) fn scatter<T: Copy, W: MidpointKey>(parts: &[&[T]], key: impl Fn(&T) -> W) -> Scattered<T> {
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

/// Sorts groups of buckets on several threads.
fn in_parts<A: Address>(mut scattered: Scattered<Interval<A>>) -> Vec<Interval<A>> {
    let groups = scattered.groups(rayon::current_num_threads() * 4);
    let joined = |group: Group<'_, Interval<A>>| {
        let mut out = Vec::with_capacity(group.items.len());
        sort_buckets(group, &mut out);
        out
    };
    let parts: Vec<Vec<Interval<A>>> = groups.into_par_iter().map(joined).collect();
    let mut list = parts.concat();
    join_borders(&mut list, &parts.iter().map(Vec::len).collect::<Vec<_>>());
    list
}

/// Joins what overlaps or touches at the borders of lists of these lengths, each of which has no such places within.
pub(super) fn join_borders<A: Address>(list: &mut Vec<Interval<A>>, lengths: &[usize]) {
    // So many are joined, and so many looked at.
    let (mut len, mut seen) = (0, 0);
    for length in lengths {
        let (mut from, end) = (seen, seen + length);
        seen = end;
        if len > 0 && from < end && !apart(list[len - 1], list[from]) {
            let mut join = list[len - 1];
            // A wide one on either side may hold many on the other.
            while from < end && !apart(join, list[from]) {
                join = hull(join, list[from]);
                from += 1;
            }
            len -= 1;
            while len > 0 && !apart(list[len - 1], join) {
                len -= 1;
                join = hull(list[len], join);
            }
            list[len] = join;
            len += 1;
        }
        if len < from {
            list.copy_within(from..end, len);
        }
        len += end - from;
    }
    list.truncate(len);
}

/// The interval from the lower first to the higher last address.
fn hull<A: Address>(a: Interval<A>, b: Interval<A>) -> Interval<A> {
    Interval::from_ordered(a.first().min(b.first()), a.last().max(b.last()))
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
    let start = join_start(list);
    debug_assert_eq!(start.read, list.len(), "not sorted");
    list.truncate(start.kept);
}

/// The start of a list as [`join_start`] leaves it.
struct Start {
    /// So many intervals are what the start was joined to.
    kept: usize,
    /// So many it had before. The list from here on is as it was.
    read: usize,
}

/// Joins overlapping and touching neighbours at the start of a list, as far as it is sorted by first address.
fn join_start<A: Address>(list: &mut [Interval<A>]) -> Start {
    let Some(&Interval { first: mut before, mut last }) = list.first() else {
        return Start { kept: 0, read: 0 };
    };
    let (mut kept, mut read) = (1, 1);
    // Nothing lies before the first address; so what begins there is joined apart from the rest, in which the
    // address before is always one.
    while read < list.len() && list[read].first == A::MIN && before == A::MIN {
        last = last.max(list[read].last);
        read += 1;
    }
    while read < list.len() {
        let next = list[read];
        if next.first < before {
            break;
        }
        before = next.first;
        // Written in any case and counted where a gap lies between, so that nothing has to be guessed.
        list[kept - 1].last = last;
        list[kept].first = next.first;
        kept += usize::from(next.first.before() > last);
        last = last.max(next.last);
        read += 1;
    }
    list[kept - 1].last = last;
    Start { kept, read }
}

/// Whether the list is sorted by first address. If so, its neighbours are joined; if not, it has the same union as
/// before.
fn join_ordered<A: Address>(list: &mut Vec<Interval<A>>) -> bool {
    let (len, half) = (list.len(), list.len() / 2);
    let parallel = len >= PARALLEL_FROM && rayon::current_num_threads() > 1;
    let middle = if parallel && list[half - 1].first <= list[half].first { half } else { 0 };
    let (left, right) = list.split_at_mut(middle);
    let (left, right) = if middle > 0 {
        rayon::join(|| join_start(left), || join_start(right))
    } else {
        (join_start(left), join_start(right))
    };
    list.drain(middle + right.kept..middle + right.read);
    list.drain(left.kept..left.read);
    let ordered = left.read == middle && right.read == len - middle;
    if ordered {
        join_borders(list, &[left.kept, right.kept]);
    }
    ordered
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
            prop_assert_eq!(in_parts(scatter(&[&wide], |i| i.first())), obvious(wide));
        }
    }

    #[test]
    fn every_short_list_of_the_small_universe() {
        let all: Vec<Interval<u8>> =
            (0..4).flat_map(|first| (first..4).map(move |last| (first, last))).map(at_ends).collect();
        let mut lists: Vec<Vec<Interval<u8>>> = vec![vec![]];
        for _ in 0..4 {
            lists = lists
                .iter()
                .flat_map(|list| all.iter().map(move |&next| [list.as_slice(), &[next]].concat()))
                .collect();
            for list in &lists {
                let mut joined = list.clone();
                let ordered = join_ordered(&mut joined);
                assert_eq!(ordered, list.is_sorted_by_key(|i| i.first));
                let expect = obvious(list.clone());
                assert_eq!(if ordered { joined } else { obvious(joined) }, expect, "{list:?}");
            }
        }
    }

    /// Of four addresses, two at the bottom and two at the top of the space.
    fn at_ends((first, last): (u8, u8)) -> Interval<u8> {
        let at = |n: u8| if n < 2 { n } else { 252 + n };
        Interval::new(at(first), at(last)).unwrap()
    }

    #[test]
    fn sorted_lists_on_threads() {
        for (wide, at, swapped) in
            [(0, 1, 0), (7 << 17, 100, 0), (1, PARALLEL_FROM / 2 - 1, 0), (0, 1, 1), (0, 1, 90)]
        {
            let mut list = spread(wide + 1, PARALLEL_FROM + 5, 31);
            list.sort_by_key(|i| i.first);
            list[at].last = list[at].first.saturating_add(wide as u32 * 1000);
            let half = list.len() / 2;
            list.swap(half, half + swapped);
            assert_eq!(canonical(list.clone()), obvious(list));
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
