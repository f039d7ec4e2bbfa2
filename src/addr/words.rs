//! Prefixes as words of their family: half the memory of intervals, and sorted as plain numbers.
//!
//! A word is the prefix without its first bit, then a one, then zeros. So a word stands in the middle of its prefix:
//! below it are the words of all prefixes in the lower half, above it those of the upper half. The first bit says in
//! which of two lists it is.

use rayon::prelude::*;

use super::family::Address;
use super::interval::Interval;
use super::midpoint::MidpointKey;
use super::prefix::Prefix;
use super::sort::{Group, SCATTER_FROM, Scattered, join_borders, merge_sorted, push_joined, scatter};

/// From here on two threads beat one; below, waking them costs more than they save.
const PARALLEL_FROM: usize = 1 << 17;

/// Words in the order in which they came, those of the lower half of the space apart from those of the upper.
#[derive(Default)]
struct Halves<W>([Vec<W>; 2]);

impl<W: MidpointKey> Halves<W> {
    #[inline]
    fn push(&mut self, first: W, last: W) {
        self.0[usize::from(first.is_upper())].push(W::of(first, last));
    }

    fn len(&self) -> usize {
        self.0.iter().map(Vec::len).sum()
    }
}

/// Prefixes of one family as words: those that short words are enough for, and all others.
pub(super) struct Words<A: Address> {
    short: Halves<A::Short>,
    long: Halves<A>,
}

impl<A: Address> Default for Words<A> {
    fn default() -> Self {
        Words { short: Halves::default(), long: Halves::default() }
    }
}

impl<A: Address> Words<A> {
    /// Makes room for so many more.
    pub(super) fn reserve(&mut self, additional: usize) {
        self.short.0.iter_mut().for_each(|half| half.reserve(additional));
    }

    /// Appends a prefix other than the whole space, which has no first bit.
    #[inline]
    pub(super) fn push(&mut self, prefix: Prefix<A>) {
        debug_assert!(prefix.len() > 0);
        let (first, last) = (prefix.first(), prefix.last());
        if prefix.len() <= A::Short::WIDTH {
            self.short.push(first.shortened(), last.shortened());
        } else {
            self.long.push(first, last);
        }
    }

    /// How many prefixes there are.
    pub(super) fn len(&self) -> usize {
        self.short.len() + self.long.len()
    }
}

/// The union of the prefixes of many lists: ascending, disjoint, not touching.
pub(super) fn canonical_of_words<A: Address>(parts: Vec<Words<A>>) -> Vec<Interval<A>> {
    let (short, long): (Vec<_>, Vec<_>) = parts.into_iter().map(|part| (part.short, part.long)).unzip();
    let mut list =
        canonical_of(short, |first, last| Interval::from_ordered(A::ends_of(first).0, A::ends_of(last).1));
    merge_into(&mut list, canonical_of(long, Interval::from_ordered));
    list
}

/// The intervals of a word of the lower or the upper half.
#[inline]
fn ends<W: MidpointKey>(word: W, upper: bool) -> (W, W) {
    (word.lower_end().behind(upper), word.upper_end().behind(upper))
}

fn canonical_of<A: Address, W: MidpointKey>(
    parts: Vec<Halves<W>>,
    interval: impl Fn(W, W) -> Interval<A> + Sync,
) -> Vec<Interval<A>> {
    let len: usize = parts.iter().map(Halves::len).sum();
    let parallel = len >= PARALLEL_FROM && rayon::current_num_threads() > 1;
    let half = |upper: usize| -> Vec<&[W]> { parts.iter().map(|part| part.0[upper].as_slice()).collect() };
    let halves = [half(0), half(1)];
    if halves.iter().all(|words| in_order(words)) {
        let mut out = Vec::with_capacity(len);
        for (words, upper) in halves.into_iter().zip([false, true]) {
            for &word in words.into_iter().flatten() {
                let (first, last) = ends(word, upper);
                push_joined(&mut out, interval(first, last));
            }
        }
        return out;
    }
    let [lower, upper] = &halves;
    let halves = if parallel {
        rayon::join(|| in_buckets(lower), || in_buckets(upper)).into()
    } else {
        [in_buckets(lower), in_buckets(upper)]
    };
    drop(parts);
    joined(halves, if parallel { rayon::current_num_threads() * 4 } else { 1 }, interval)
}

/// Whether the first addresses of the prefixes ascend.
fn in_order<W: MidpointKey>(words: &[&[W]]) -> bool {
    words.iter().copied().flatten().is_sorted_by_key(|word| word.lower_end())
}

fn in_buckets<W: MidpointKey>(words: &[&[W]]) -> Scattered<W> {
    let len = words.iter().map(|part| part.len()).sum();
    if len < SCATTER_FROM {
        return Scattered { items: words.concat(), ends: vec![len] };
    }
    scatter(words, |&word| word)
}

/// Sorts the buckets of both halves, in so many groups each, and joins what overlaps or touches.
fn joined<A: Address, W: MidpointKey>(
    mut halves: [Scattered<W>; 2],
    number: usize,
    interval: impl Fn(W, W) -> Interval<A> + Sync,
) -> Vec<Interval<A>> {
    let mut shares = Vec::with_capacity(2 * number);
    for (scattered, upper) in halves.iter_mut().zip([false, true]) {
        let share = |group| Share { group, upper, kept: 0, runs: 0 };
        shares.extend(scattered.groups(number).into_iter().map(share));
    }
    each(&mut shares, number > 1, Share::settle);
    // Made of zeros: memory that is not there before it is written to.
    let mut out = vec![(A::MIN, A::MIN); shares.iter().map(|share| share.runs).sum()];
    let (mut rooms, mut rest) = (Vec::with_capacity(shares.len()), out.as_mut_slice());
    for share in &shares {
        let (room, after) = rest.split_at_mut(share.runs);
        rooms.push((share, room));
        rest = after;
    }
    each(&mut rooms, number > 1, |(share, room)| share.write(room, &interval));
    let runs: Vec<usize> = shares.iter().map(|share| share.runs).collect();
    let mut out = out.into_iter().map(|(first, last)| Interval::from_ordered(first, last)).collect();
    join_borders(&mut out, &runs);
    out
}

fn each<T: Send>(items: &mut [T], parallel: bool, work: impl Fn(&mut T) + Send + Sync) {
    if parallel { items.par_iter_mut().for_each(work) } else { items.iter_mut().for_each(work) }
}

/// Some buckets of one half, one behind the other.
struct Share<'a, W> {
    group: Group<'a, W>,
    upper: bool,
    /// So many words stay, at the front.
    kept: usize,
    /// So many intervals are what stays.
    runs: usize,
}

impl<W: MidpointKey> Share<'_, W> {
    /// Sorts, and keeps of each prefix that lies in another only the other.
    fn settle(&mut self) {
        let (mut kept, mut covered) = (0, W::default());
        self.group.each_bucket(|words, bucket| {
            words[bucket.clone()].sort_unstable();
            for at in bucket {
                let word = words[at];
                // Where the last one ends below this word and above its lower end, it lies in its lower half.
                while covered < word && covered > word.lower_end() {
                    kept -= 1;
                    covered = if kept > 0 { words[kept - 1].upper_end() } else { W::default() };
                }
                // Else it holds this one or ends before it begins.
                words[kept] = word;
                kept += usize::from(word > covered);
                covered = covered.max(word.upper_end());
            }
        });
        let words = &self.group.items[..kept];
        let gaps = words.windows(2).filter(|pair| gap(pair[0], pair[1])).count();
        (self.kept, self.runs) = (kept, gaps + usize::from(kept > 0));
    }

    /// Writes what is kept as intervals that do not touch.
    fn write<A: Address>(&self, out: &mut [(A, A)], interval: impl Fn(W, W) -> Interval<A>) {
        let words = &self.group.items[..self.kept];
        let mut from = 0;
        for room in out {
            let more = words[from..].windows(2).take_while(|pair| !gap(pair[0], pair[1])).count();
            let (first, last) = (ends(words[from], self.upper).0, ends(words[from + more], self.upper).1);
            let interval = interval(first, last);
            *room = (interval.first(), interval.last());
            from += more + 1;
        }
    }
}

/// Whether there are addresses between the prefixes of two words of one half, the first before the second.
#[inline]
fn gap<W: MidpointKey>(word: W, next: W) -> bool {
    word.upper_end().next() != next.lower_end()
}

/// Adds the intervals of one canonical list to another.
fn merge_into<A: Address>(list: &mut Vec<Interval<A>>, more: Vec<Interval<A>>) {
    if list.is_empty() || more.is_empty() {
        list.extend(more);
        return;
    }
    // From behind, in the room of the list, which may be large.
    let mut from = list.len();
    list.extend_from_slice(&more);
    let mut to = list.len();
    for next in more.into_iter().rev() {
        while from > 0 && list[from - 1].first() > next.first() {
            (from, to) = (from - 1, to - 1);
            list[to] = list[from];
        }
        to -= 1;
        list[to] = next;
    }
    merge_sorted(list);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::addr::IntervalSet;

    /// The slow twin: intervals, compared and joined one after another.
    fn obvious<A: Address>(prefixes: &[Prefix<A>]) -> IntervalSet<A> {
        prefixes.iter().copied().collect()
    }

    fn words<A: Address>(prefixes: &[Prefix<A>]) -> Words<A> {
        let mut words = Words::default();
        prefixes.iter().for_each(|&prefix| words.push(prefix));
        words
    }

    /// In so many groups, of buckets of so many leading bits, however few the words are.
    fn in_groups(prefixes: &[Prefix<u8>], number: usize, width: u8) -> Vec<Interval<u8>> {
        let halves = words(prefixes).short.0.map(|mut items| {
            items.sort_by_key(|word| word.bits_at(0, width));
            let end = |at| items.partition_point(|word| word.bits_at(0, width) <= at);
            let ends = (0..1 << width).map(end).collect();
            Scattered { items, ends }
        });
        joined(halves, number, Interval::from_ordered)
    }

    #[test]
    fn words_are_in_the_middle_of_their_prefixes() {
        for len in 1..=8 {
            for addr in 0..=u8::MAX {
                let prefix = Prefix::<u8>::new_relaxed(addr, len).unwrap();
                let word = <u8 as MidpointKey>::of(prefix.first(), prefix.last());
                assert_eq!(ends(word, addr.is_upper()), (prefix.first(), prefix.last()));
                assert_eq!(word.trailing_zeros(), 8 - u32::from(len));
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn merged_lists_as_the_slow_twin(a in prop::collection::vec(any::<u16>(), 0..20), b in prop::collection::vec(any::<u16>(), 0..20)) {
            let set = |numbers: Vec<u16>| -> IntervalSet<u8> {
                numbers.iter().map(|n| { let [a, b] = n.to_be_bytes(); Interval::from_ordered(a.min(b), a.max(b)) })
                    .map(|i| Interval::from_ordered(i.first(), i.last().min(i.first().saturating_add(9)))).collect()
            };
            let (a, b) = (set(a), set(b));
            let mut list = a.intervals().to_vec();
            merge_into(&mut list, b.intervals().to_vec());
            let expect = a.union(&b);
            prop_assert_eq!(list, expect.intervals());
        }

        #[test]
        fn few_addresses_in_many_groups(
            numbers in prop::collection::vec(any::<u16>(), 0..40), number in 1..20_usize, width in 1..8_u8,
        ) {
            let small = |n: u16| Prefix::<u8>::new_relaxed(n as u8, (n >> 8) as u8 % 8 + 1).unwrap();
            let prefixes: Vec<_> = numbers.into_iter().map(small).collect();
            let expect = obvious(&prefixes);
            prop_assert_eq!(in_groups(&prefixes, number, width), expect.intervals());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn large_lists_as_the_slow_twin(
            prefixes in prop::collection::vec((any::<u32>(), 1..33_u8, 0..24_u8), 2000..9000),
            long: bool, mixed in 1..4_u8,
        ) {
            let v4: Vec<Prefix<u32>> = prefixes.iter()
                .map(|&(addr, len, shift)| Prefix::new_relaxed(addr >> shift, if long { len.max(20) } else { len }).unwrap())
                .collect();
            let parts = v4.chunks(v4.len() / 3).map(words).collect();
            let expect = obvious(&v4);
            prop_assert_eq!(canonical_of_words(parts), expect.intervals());
            let v6: Vec<Prefix<u128>> = v4.iter()
                .map(|p| Prefix::new_relaxed(u128::from(p.first()) << 90 | 0xff, p.len() * mixed + 6).unwrap())
                .collect();
            let expect = obvious(&v6);
            prop_assert_eq!(canonical_of_words(vec![words(&v6)]), expect.intervals());
        }
    }

    #[test]
    fn many_on_threads() {
        let mut state = 7_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 32) as u32
        };
        for longest in [12, 32] {
            let prefixes: Vec<Prefix<u32>> = (0..PARALLEL_FROM + 1)
                .map(|_| {
                    Prefix::new_relaxed(next(), longest - (next() >> 20).trailing_zeros().min(11) as u8)
                        .unwrap()
                })
                .collect();
            let parts = prefixes.chunks(1 << 10).map(words).collect();
            assert_eq!(canonical_of_words(parts), obvious(&prefixes).intervals());
        }
    }

    #[test]
    fn lists_in_order() {
        let hosts: Vec<Prefix<u32>> = (0..300_000).map(|i| Prefix::host(i * 3 + (1 << 30))).collect();
        let parts = |list: &[Prefix<u32>]| list.chunks(70_000).map(words).collect();
        assert_eq!(canonical_of_words(parts(&hosts)), obvious(&hosts).intervals());
        let halves = [Prefix::new(1 << 31, 1).unwrap(), Prefix::new(0, 1).unwrap()];
        assert_eq!(canonical_of_words(parts(&halves)), [Interval::<u32>::all()]);
        assert_eq!(canonical_of_words::<u32>(vec![]), []);
    }
}
