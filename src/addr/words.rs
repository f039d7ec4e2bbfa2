//! Prefixes as words of their family: half the memory of intervals, and sorted as plain numbers.
//!
//! A word is the prefix without its first bit, then a one, then zeros. So a word stands in the middle of its prefix:
//! below it are the words of all prefixes in the lower half, above it those of the upper half. The first bit says in
//! which of two lists it is.

use rayon::prelude::*;

use super::family::Address;
use super::interval::Interval;
use super::prefix::Prefix;
use super::sort::{Group, SCATTER_FROM, Scattered, apart, push_joined, scatter};

/// From here on two threads beat one; below, waking them costs more than they save.
const PARALLEL_FROM: usize = 1 << 17;

/// Prefixes in the order in which they came, those of the lower half of the space apart from those of the upper.
#[derive(Default)]
pub(super) struct Words<A> {
    halves: [Vec<A>; 2],
}

impl<A: Address> Words<A> {
    /// Makes room for so many more in either half.
    pub(super) fn reserve(&mut self, additional: usize) {
        self.halves.iter_mut().for_each(|half| half.reserve(additional));
    }

    /// Appends a prefix other than the whole space, which has no first bit.
    #[inline]
    pub(super) fn push(&mut self, prefix: Prefix<A>) {
        debug_assert!(prefix.len() > 0);
        let (first, last) = (prefix.first(), prefix.last());
        self.halves[first.bits_at(0, 1)].push(A::word(first, last));
    }

    /// How many prefixes there are.
    pub(super) fn len(&self) -> usize {
        self.halves.iter().map(Vec::len).sum()
    }
}

/// The addresses of a word of the lower or the upper half.
#[inline]
fn interval<A: Address>(word: A, upper: bool) -> Interval<A> {
    Interval::from_ordered(word.lowest_cleared().behind(upper), word.lowest_filled().behind(upper))
}

/// The union of the prefixes of many lists: ascending, disjoint, not touching.
pub(super) fn canonical_of_words<A: Address>(parts: Vec<Words<A>>) -> Vec<Interval<A>> {
    let len: usize = parts.iter().map(Words::len).sum();
    let parallel = len >= PARALLEL_FROM && rayon::current_num_threads() > 1;
    let half =
        |upper: usize| -> Vec<&[A]> { parts.iter().map(|part| part.halves[upper].as_slice()).collect() };
    let (lower, upper) = (half(0), half(1));
    if in_order(&lower) && in_order(&upper) {
        let mut out = Vec::with_capacity(len);
        lower.into_iter().flatten().for_each(|&word| push_joined(&mut out, interval(word, false)));
        upper.into_iter().flatten().for_each(|&word| push_joined(&mut out, interval(word, true)));
        return out;
    }
    let halves = if parallel {
        rayon::join(|| in_buckets(&lower), || in_buckets(&upper)).into()
    } else {
        [in_buckets(&lower), in_buckets(&upper)]
    };
    drop(parts);
    joined(halves, if parallel { rayon::current_num_threads() * 4 } else { 1 })
}

/// Whether the first addresses of the prefixes ascend.
fn in_order<A: Address>(words: &[&[A]]) -> bool {
    words.iter().copied().flatten().is_sorted_by_key(|word| word.lowest_cleared())
}

fn in_buckets<A: Address>(words: &[&[A]]) -> Scattered<A> {
    let len = words.iter().map(|part| part.len()).sum();
    if len < SCATTER_FROM {
        return Scattered { items: words.concat(), ends: vec![len] };
    }
    scatter(words, |&word| word)
}

/// Sorts the buckets of both halves, in so many groups each, and joins what overlaps or touches.
fn joined<A: Address>(mut halves: [Scattered<A>; 2], number: usize) -> Vec<Interval<A>> {
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
    each(&mut rooms, number > 1, |(share, room)| share.write(room));
    let runs: Vec<usize> = shares.iter().map(|share| share.runs).collect();
    let mut out = out.into_iter().map(|(first, last)| Interval::from_ordered(first, last)).collect();
    join_borders(&mut out, &runs);
    out
}

fn each<T: Send>(items: &mut [T], parallel: bool, work: impl Fn(&mut T) + Send + Sync) {
    if parallel { items.par_iter_mut().for_each(work) } else { items.iter_mut().for_each(work) }
}

/// Some buckets of one half, one behind the other.
struct Share<'a, A> {
    group: Group<'a, A>,
    upper: bool,
    /// So many words stay, at the front.
    kept: usize,
    /// So many intervals are what stays.
    runs: usize,
}

impl<A: Address> Share<'_, A> {
    /// Sorts, and keeps of each prefix that lies in another only the other.
    fn settle(&mut self) {
        let (mut kept, mut covered) = (0, A::MIN);
        self.group.each_bucket(|words, bucket| {
            words[bucket.clone()].sort_unstable();
            for at in bucket {
                let word = words[at];
                // Where the last one ends below this word and above its lower end, it lies in its lower half.
                while covered < word && covered > word.lowest_cleared() {
                    kept -= 1;
                    covered = if kept > 0 { words[kept - 1].lowest_filled() } else { A::MIN };
                }
                // Else it holds this one or ends before it begins.
                words[kept] = word;
                kept += usize::from(word > covered);
                covered = covered.max(word.lowest_filled());
            }
        });
        let words = &self.group.items[..kept];
        let gaps = words.windows(2).filter(|pair| gap(pair[0], pair[1])).count();
        (self.kept, self.runs) = (kept, gaps + usize::from(kept > 0));
    }

    /// Writes what is kept as intervals that do not touch.
    fn write(&self, out: &mut [(A, A)]) {
        let (mut at, mut before) = (0, None);
        for &word in &self.group.items[..self.kept] {
            let interval = interval(word, self.upper);
            if before.is_some_and(|before| gap(before, word)) {
                at += 1;
            }
            if before.is_none_or(|before| gap(before, word)) {
                out[at].0 = interval.first();
            }
            out[at].1 = interval.last();
            before = Some(word);
        }
    }
}

/// Whether there are addresses between the prefixes of two words of one half, the first before the second.
#[inline]
fn gap<A: Address>(word: A, next: A) -> bool {
    word.lowest_filled().succ() != Some(next.lowest_cleared())
}

/// Joins what overlaps or touches at the borders of lists of these lengths, each of which has no such places within.
fn join_borders<A: Address>(list: &mut Vec<Interval<A>>, lengths: &[usize]) {
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

    /// In as many groups as may be, and as few.
    fn in_groups<A: Address>(prefixes: &[Prefix<A>], number: usize, width: usize) -> Vec<Interval<A>> {
        let halves = words(prefixes).halves.map(|half| {
            // Buckets of the leading bits, however few the words are.
            let bucket = |word: &A| word.bits_at(0, 8) >> (8 - width);
            let mut items = half;
            items.sort_by_key(bucket);
            let ends = (0..1 << width).map(|at| items.partition_point(|word| bucket(word) <= at)).collect();
            // Any order within.
            Scattered { items, ends }
        });
        joined(halves, number)
    }

    fn small(number: u16) -> Prefix<u8> {
        Prefix::new_relaxed(number as u8, (number >> 8) as u8 % 8 + 1).unwrap()
    }

    #[test]
    fn words_are_in_the_middle_of_their_prefixes() {
        for len in 1..=8 {
            for addr in 0..=u8::MAX {
                let prefix = Prefix::new_relaxed(addr, len).unwrap();
                let word = u8::word(prefix.first(), prefix.last());
                assert_eq!(interval(word, addr >> 7 == 1), prefix.interval());
                assert_eq!(word.trailing_zeros(), 8 - u32::from(len));
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn few_addresses_in_many_groups(
            numbers in prop::collection::vec(any::<u16>(), 0..40), number in 1..20_usize, width in 1..8_usize,
        ) {
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
            long: bool,
        ) {
            let v4: Vec<Prefix<u32>> = prefixes.iter()
                .map(|&(addr, len, shift)| Prefix::new_relaxed(addr >> shift, if long { len.max(20) } else { len }).unwrap())
                .collect();
            let parts = v4.chunks(v4.len() / 3).map(words).collect();
            let expect = obvious(&v4);
            prop_assert_eq!(canonical_of_words(parts), expect.intervals());
            let v6: Vec<Prefix<u128>> = v4.iter()
                .map(|p| Prefix::new_relaxed(u128::from(p.first()) << 90 | 0xff, p.len() + 6).unwrap())
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
