//! Lists of prefixes cut into chunks of a limited size, so that a small change stays small.
//!
//! Slicing every `limit` prefixes would move everything behind an insertion. Here borders depend on addresses, or
//! on where they were last time.

use std::collections::HashMap;

use super::family::Address;
use super::prefix::{IpPrefix, Prefix};

/// Cuts an ascending list into chunks of at most `limit` prefixes, from the list alone.
///
/// A list that is too long is cut where neighbours share the fewest leading bits, within its middle third (of
/// equals, at the lower address), and so on. An insertion or deletion seldom moves such a border. Every chunk but
/// a lone one is longer than a third of `limit`, so there are fewer than three times as many as must be.
///
/// Where the chunks of last time are known, [`stable_chunks`] keeps more of them and makes fewer.
///
/// Cost: `O(n log n)` at most.
///
/// # Panics
/// If `limit` is 0 and the list is not empty.
///
/// ```
/// use tagwall::addr::{IpPrefix, anchored_chunks};
/// let list: Vec<IpPrefix> = ["20.0.0.0/24", "20.0.2.0/24", "52.0.0.0/24", "52.0.4.0/24"]
///     .iter()
///     .map(|t| t.parse().unwrap())
///     .collect();
/// assert_eq!(anchored_chunks(&list, 3), [&list[..2], &list[2..]]);
/// ```
pub fn anchored_chunks(list: &[IpPrefix], limit: usize) -> Vec<&[IpPrefix]> {
    assert!(limit > 0 || list.is_empty(), "chunks of no prefixes hold none");
    debug_assert!(list.is_sorted(), "the list ascends");
    let mut chunks = Vec::new();
    bisect(list, limit, &mut chunks);
    chunks
}

fn bisect<'a>(list: &'a [IpPrefix], limit: usize, chunks: &mut Vec<&'a [IpPrefix]>) {
    if list.len() <= limit {
        chunks.extend((!list.is_empty()).then_some(list));
        return;
    }
    let third = list.len().div_ceil(3);
    let (left, right) = list.split_at(best_cut(list, third, list.len() - third));
    bisect(left, limit, chunks);
    bisect(right, limit, chunks);
}

/// Cuts an ascending list into chunks of at most `limit` prefixes, keeping as many chunks of last time as it can.
///
/// `old` are last time's chunks, in order; if there are none, this is [`roomy_chunks`].
///
/// The result is the best of all ways to cut the list in this order: fewest chunks that are not one of
/// `old`, then fewest chunks, then fewest chunks whose first prefix begins none of `old` (so that names made from
/// it stay), then the most even sizes. Nothing is new if the list is the old one, and at most two chunks a changed
/// prefix are. Only where deletions have left more than `2 * ceil(n / limit) + 1` chunks, neighbours that fit into
/// one are joined as well, until no more than that are left or none fit.
///
/// Cost: `O(n * limit)`.
///
/// # Panics
/// If `limit` is 0 and the list is not empty.
///
/// ```
/// use tagwall::addr::{IpPrefix, roomy_chunks, stable_chunks};
/// let list: Vec<IpPrefix> = (0..40).map(|i| format!("20.0.{}.0/24", 2 * i).parse().unwrap()).collect();
/// let old = roomy_chunks(&list, 10);
/// let mut grown = list.clone();
/// grown.insert(20, "20.0.39.0/24".parse()?);
/// let new = stable_chunks(&grown, 10, &old);
/// assert_eq!(new.iter().filter(|chunk| !old.contains(chunk)).count(), 1);
/// # Ok::<(), tagwall::addr::PrefixError>(())
/// ```
pub fn stable_chunks<'a, C: AsRef<[IpPrefix]>>(
    list: &'a [IpPrefix],
    limit: usize,
    old: &[C],
) -> Vec<&'a [IpPrefix]> {
    assert!(limit > 0 || list.is_empty(), "chunks of no prefixes hold none");
    debug_assert!(list.is_sorted(), "the list ascends");
    let old: HashMap<IpPrefix, &[IpPrefix]> =
        old.iter().rev().map(AsRef::as_ref).filter_map(|chunk| Some((*chunk.first()?, chunk))).collect();
    if old.is_empty() {
        return roomy_chunks(list, limit);
    }
    let mut chunks = Keeping { list, limit, old: &old }.cut();
    join_leftovers(list, limit, &mut chunks);
    chunks.into_iter().map(|chunk| &list[chunk]).collect()
}

type Range = std::ops::Range<usize>;

/// What a way to cut costs, most important first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Price {
    new: usize,
    chunks: usize,
    new_names: usize,
    /// Sum of the squares of the new chunks' sizes.
    unevenness: usize,
}

impl Price {
    fn with_chunk(self, new: bool, new_name: bool, size: usize) -> Self {
        Price {
            new: self.new + usize::from(new),
            chunks: self.chunks + 1,
            new_names: self.new_names + usize::from(new_name),
            unevenness: self.unevenness + if new { size * size } else { 0 },
        }
    }
}

/// The dynamic programme over the places where a chunk may end.
struct Keeping<'a> {
    list: &'a [IpPrefix],
    limit: usize,
    /// Last time's chunks by their first prefixes.
    old: &'a HashMap<IpPrefix, &'a [IpPrefix]>,
}

impl Keeping<'_> {
    fn cut(&self) -> Vec<Range> {
        let mut best: Vec<Option<(Price, usize)>> = vec![None; self.list.len() + 1];
        best[0] = Some((Price::default(), 0));
        for from in 0..self.list.len() {
            let (price, _) = best[from].expect("chunks of one prefix lead everywhere");
            let old = self.old.get(&self.list[from]).copied();
            let kept = old.filter(|old| old.len() <= self.limit && self.list[from..].starts_with(old));
            for (at, end) in best[from + 1..].iter_mut().take(self.limit).enumerate() {
                let is_kept = kept.is_some_and(|old| old.len() == at + 1);
                let next = price.with_chunk(!is_kept, old.is_none(), at + 1);
                // Of equal prices the first stays, which has the lower border.
                if end.is_none_or(|(known, _)| next < known) {
                    *end = Some((next, from));
                }
            }
        }
        let mut chunks = Vec::new();
        let mut to = self.list.len();
        while to > 0 {
            let (_, from) = best[to].expect("every place was reached");
            chunks.push(from..to);
            to = from;
        }
        chunks.reverse();
        chunks
    }
}

/// Joins neighbours that fit into one, from the lowest addresses on, while there are too many chunks.
fn join_leftovers(list: &[IpPrefix], limit: usize, chunks: &mut Vec<Range>) {
    let enough = 2 * list.len().div_ceil(limit.max(1)) + 1;
    let mut excess = chunks.len().saturating_sub(enough);
    chunks.dedup_by(|next, kept| {
        let join = excess > 0 && next.end - kept.start <= limit;
        if join {
            kept.end = next.end;
            excess -= 1;
        }
        join
    });
}

/// Cuts an ascending list into chunks of at most `limit` prefixes for the first time, with room to grow.
///
/// There are as many chunks as are 85 % full on average, cut near even places where neighbours share the fewest
/// leading bits (of equals, at the lower address); a list within `limit` is one chunk. The next time,
/// [`stable_chunks`] takes it from there.
///
/// Cost: `O(n log n)` at most.
///
/// # Panics
/// If `limit` is 0 and the list is not empty.
///
/// ```
/// use tagwall::addr::{IpPrefix, roomy_chunks};
/// let list: Vec<IpPrefix> = (0..40).map(|i| format!("20.0.{}.0/24", 2 * i).parse().unwrap()).collect();
/// let sizes: Vec<usize> = roomy_chunks(&list, 10).iter().map(|chunk| chunk.len()).collect();
/// assert_eq!(sizes, [8, 8, 8, 8, 8]);
/// ```
pub fn roomy_chunks(list: &[IpPrefix], limit: usize) -> Vec<&[IpPrefix]> {
    assert!(limit > 0 || list.is_empty(), "chunks of no prefixes hold none");
    debug_assert!(list.is_sorted(), "the list ascends");
    let mut chunks = Vec::new();
    if list.len() > limit {
        let number = list.len().div_ceil((limit * 17 / 20).max(1));
        cut_evenly(list, limit, number, &mut chunks);
    } else if !list.is_empty() {
        chunks.push(list);
    }
    chunks
}

/// Cuts an ascending list into the fewest chunks of at most `limit` prefixes, sizes as even as can be.
///
/// For when every chunk counts: there are `ceil(n / limit)`, whose sizes differ by one at most, the larger ones first.
/// Borders depend on nothing but positions, so an insertion may move all behind it.
///
/// Cost: `O(n / limit)`.
///
/// # Panics
/// If `limit` is 0 and the list is not empty.
///
/// ```
/// use tagwall::addr::{IpPrefix, balanced_chunks};
/// let list: Vec<IpPrefix> = (0..10).map(|i| format!("20.0.{}.0/24", 2 * i).parse().unwrap()).collect();
/// let sizes: Vec<usize> = balanced_chunks(&list, 4).iter().map(|chunk| chunk.len()).collect();
/// assert_eq!(sizes, [4, 3, 3]);
/// ```
pub fn balanced_chunks(list: &[IpPrefix], limit: usize) -> Vec<&[IpPrefix]> {
    assert!(limit > 0 || list.is_empty(), "chunks of no prefixes hold none");
    let number = list.len().div_ceil(limit.max(1));
    let mut chunks = Vec::with_capacity(number);
    let mut rest = list;
    for left in (1..=number).rev() {
        let (chunk, behind) = rest.split_at(rest.len().div_ceil(left));
        chunks.push(chunk);
        rest = behind;
    }
    chunks
}

/// Cuts into exactly `number` chunks, borders at most two fifths of a chunk from the even place.
fn cut_evenly<'a>(list: &'a [IpPrefix], limit: usize, number: usize, chunks: &mut Vec<&'a [IpPrefix]>) {
    if number == 1 {
        chunks.push(list);
        return;
    }
    let (len, left) = (list.len(), number / 2);
    let right = number - left;
    // What each side must and can hold comes first.
    let least = left.max(len.saturating_sub(right * limit));
    let most = (len - right).min(left * limit);
    let low = (len * (5 * left - 2)).div_ceil(5 * number).clamp(least, most);
    let high = (len * (5 * left + 2) / (5 * number)).clamp(low, most);
    let (first, second) = list.split_at(best_cut(list, low, high));
    cut_evenly(first, limit, left, chunks);
    cut_evenly(second, limit, right, chunks);
}

/// Where, from `low` to `high` inclusive, the prefixes before and behind share the fewest leading bits.
fn best_cut(list: &[IpPrefix], low: usize, high: usize) -> usize {
    (low..=high).min_by_key(|&at| shared_bits(list[at - 1], list[at])).expect("a place is left to cut")
}

/// How many leading bits two prefixes share, at most the length of the shorter; `None`, less than all, for two
/// families.
fn shared_bits(a: IpPrefix, b: IpPrefix) -> Option<u8> {
    fn of<A: Address>(a: Prefix<A>, b: Prefix<A>) -> u8 {
        (a.first() ^ b.first()).leading_zeros().min(a.len()).min(b.len())
    }
    match (a, b) {
        (IpPrefix::V4(a), IpPrefix::V4(b)) => Some(of(a, b)),
        (IpPrefix::V6(a), IpPrefix::V6(b)) => Some(of(a, b)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn host(number: u16) -> IpPrefix {
        // Uneven gaps, and both families.
        let spread = u32::from(number).wrapping_mul(0x9e37_79b1);
        if number.is_multiple_of(5) {
            Prefix::host(u128::from(spread) << 90).into()
        } else {
            Prefix::host(spread).into()
        }
    }

    fn list(numbers: &BTreeSet<u16>) -> Vec<IpPrefix> {
        let mut list: Vec<IpPrefix> = numbers.iter().map(|&number| host(number)).collect();
        list.sort_unstable();
        list
    }

    fn check(list: &[IpPrefix], limit: usize, chunks: &[&[IpPrefix]]) {
        assert_eq!(chunks.concat(), list);
        assert!(chunks.iter().all(|chunk| !chunk.is_empty() && chunk.len() <= limit));
        let least = list.len().div_ceil(limit);
        assert!(chunks.len() <= 3 * least, "{} chunks where {least} would do", chunks.len());
    }

    fn fresh(chunks: &[&[IpPrefix]], old: &[Vec<IpPrefix>]) -> usize {
        chunks.iter().filter(|chunk| !old.iter().any(|old| old == *chunk)).count()
    }

    /// Fewest new chunks, and fewest chunks at that, over all ways to cut: the slow twin.
    fn slow(list: &[IpPrefix], limit: usize, old: &[Vec<IpPrefix>]) -> (usize, usize) {
        let ways = 1_u32 << list.len().saturating_sub(1);
        let price = |way: u32| {
            let mut chunks = vec![Vec::new()];
            for (at, &prefix) in list.iter().enumerate() {
                chunks.last_mut().expect("never empty").push(prefix);
                if way >> at & 1 == 1 {
                    chunks.push(Vec::new());
                }
            }
            let fits = chunks.iter().all(|chunk| chunk.len() <= limit);
            let new = chunks.iter().filter(|chunk| !old.contains(chunk)).count();
            fits.then_some((new, chunks.len()))
        };
        (0..ways).filter_map(price).min().expect("single prefixes fit")
    }

    proptest! {
        #[test]
        fn best_of_all_cuts(
            before in prop::collection::btree_set(0..40_u16, 1..12),
            change in prop::collection::btree_set(0..40_u16, 0..4),
            limit in 1..6_usize,
        ) {
            let after = list(&before.symmetric_difference(&change).copied().collect());
            let before = list(&before);
            let old: Vec<Vec<IpPrefix>> =
                roomy_chunks(&before, limit).iter().map(|c| c.to_vec()).collect();
            let new = stable_chunks(&after, limit, &old);
            let cut = 2 * after.len().div_ceil(limit) + 1;
            if !after.is_empty() && new.len() < cut {
                prop_assert_eq!((fresh(&new, &old), new.len()), slow(&after, limit, &old));
            }
        }

        #[test]
        fn many_weeks(
            start in prop::collection::btree_set(0..500_u16, 0..120),
            weeks in prop::collection::vec(prop::collection::btree_set(0..500_u16, 0..60), 1..12),
            limit in 1..30_usize,
        ) {
            let mut now = start;
            let mut old: Vec<Vec<IpPrefix>> = Vec::new();
            for (week, change) in weeks.iter().enumerate() {
                let change: BTreeSet<u16> = if week % 3 == 2 {
                    // Deletions only.
                    change.intersection(&now).copied().collect()
                } else {
                    change.clone()
                };
                now = if week == 0 { now } else { now.symmetric_difference(&change).copied().collect() };
                let list = list(&now);
                let chunks = stable_chunks(&list, limit, &old);
                check(&list, limit, &chunks);
                if week > 0 && !old.is_empty() {
                    prop_assert!(fresh(&chunks, &old) <= 2 * change.len());
                }
                old = chunks.iter().map(|chunk| chunk.to_vec()).collect();
                prop_assert_eq!(stable_chunks(&list, limit, &old), chunks);
            }
        }

        #[test]
        fn from_the_list_alone(numbers in prop::collection::btree_set(0..500_u16, 0..150), limit in 1..30_usize) {
            let list = list(&numbers);
            check(&list, limit, &anchored_chunks(&list, limit));
            check(&list, limit, &roomy_chunks(&list, limit));
        }

        #[test]
        fn balanced_are_the_fewest_and_even(
            numbers in prop::collection::btree_set(0..500_u16, 0..150),
            limit in 1..30_usize,
        ) {
            let list = list(&numbers);
            let chunks = balanced_chunks(&list, limit);
            check(&list, limit, &chunks);
            prop_assert_eq!(chunks.len(), list.len().div_ceil(limit));
            let sizes = chunks.iter().map(|chunk| chunk.len());
            prop_assert!(sizes.clone().max().unwrap_or(0) <= sizes.min().unwrap_or(0) + 1);
        }
    }

    /// The whole price of a way to cut, by the words of [`stable_chunks`].
    fn whole_price(chunks: &[Vec<IpPrefix>], old: &[Vec<IpPrefix>]) -> (usize, usize, usize, usize) {
        let new: Vec<_> = chunks.iter().filter(|chunk| !old.contains(chunk)).collect();
        let names = chunks.iter().filter(|chunk| !old.iter().any(|old| old[0] == chunk[0])).count();
        (new.len(), chunks.len(), names, new.iter().map(|chunk| chunk.len() * chunk.len()).sum())
    }

    #[test]
    fn the_cheapest_by_names_and_evenness_too() {
        let all: Vec<IpPrefix> = list(&(0..8).collect());
        let mut told = 0;
        // Every way to have cut six of eight prefixes, and every prefix gone or none.
        for way in 0..1_usize << 5 {
            let mut old = vec![Vec::new()];
            for (at, &prefix) in all[1..7].iter().enumerate() {
                old.last_mut().expect("never empty").push(prefix);
                if at < 5 && way >> at & 1 == 1 {
                    old.push(Vec::new());
                }
            }
            for gone in 0..=all.len() {
                let now: Vec<IpPrefix> =
                    all.iter().enumerate().filter(|(at, _)| *at != gone).map(|(_, p)| *p).collect();
                let made: Vec<Vec<IpPrefix>> =
                    stable_chunks(&now, 4, &old).iter().map(|chunk| chunk.to_vec()).collect();
                let ways = (0..1_usize << (now.len() - 1)).filter_map(|way| {
                    let mut chunks = vec![Vec::new()];
                    for (at, &prefix) in now.iter().enumerate() {
                        chunks.last_mut().expect("never empty").push(prefix);
                        if way >> at & 1 == 1 {
                            chunks.push(Vec::new());
                        }
                    }
                    chunks.iter().all(|chunk| chunk.len() <= 4).then_some(chunks)
                });
                let best =
                    ways.map(|chunks| (whole_price(&chunks, &old), chunks)).min_by_key(|(price, _)| *price);
                let (price, _) = best.expect("single prefixes fit");
                // With more chunks than that, neighbours are joined at the price of new ones.
                if price.1 <= 2 * now.len().div_ceil(4) + 1 {
                    assert_eq!(whole_price(&made, &old), price, "{way} {gone}");
                    told += 1;
                }
            }
        }
        assert!(told > 200, "{told}");
    }

    #[test]
    fn leftovers_are_joined_from_the_lowest_on_and_no_more_than_needed() {
        let list: Vec<IpPrefix> = list(&(0..8).collect());
        let single: Vec<Vec<IpPrefix>> = list.iter().map(|&prefix| vec![prefix]).collect();
        let sizes = |limit| stable_chunks(&list, limit, &single).iter().map(|c| c.len()).collect::<Vec<_>>();
        // Chunks that are enough for eight prefixes: seven of up to three, nine of two, five of four, three of eight.
        assert_eq!(sizes(3), [2, 1, 1, 1, 1, 1, 1]);
        assert_eq!(sizes(2), [1; 8]);
        assert_eq!(sizes(4), [4, 1, 1, 1, 1]);
        assert_eq!(sizes(8), [6, 1, 1]);
    }

    #[test]
    fn cuts_lie_where_neighbours_share_the_least() {
        // Eleven prefixes of one network, then nine of another; the even place would be between the ninth and tenth.
        let net = |first: u8, count: u8| {
            (0..count)
                .map(move |i| Prefix::host(u32::from_be_bytes([first, 0, 0, 2 * i])))
                .map(IpPrefix::from)
        };
        let two: Vec<IpPrefix> = net(10, 11).chain(net(192, 9)).collect();
        let sizes = |chunks: Vec<&[IpPrefix]>| chunks.iter().map(|c| c.len()).collect::<Vec<_>>();
        assert_eq!(sizes(roomy_chunks(&two, 15)), [11, 9]);
        assert_eq!(sizes(anchored_chunks(&two, 12)), [11, 9]);
        // Two fifths of a chunk from the even place at most: from 6 to 14 of 20.
        for (left, cut) in [(5, 10), (6, 6), (14, 14), (15, 10)] {
            let list: Vec<IpPrefix> = net(10, left).chain(net(192, 20 - left)).collect();
            let made = sizes(roomy_chunks(&list, 16))[0];
            assert_eq!(made == usize::from(left), cut == left, "{left}: {made}");
        }
        // A third of the list stays on each side.
        let early: Vec<IpPrefix> = net(10, 6).chain(net(192, 14)).collect();
        assert_ne!(sizes(anchored_chunks(&early, 15))[0], 6);
        // Two families share nothing, less than any two of one.
        let mut both: Vec<IpPrefix> = vec![Prefix::host(1_u32).into(), Prefix::host(0x8000_0000_u32).into()];
        both.extend([1_u128, 2].map(Prefix::host).map(IpPrefix::from));
        assert_eq!(sizes(anchored_chunks(&both, 2)), [2, 2]);
        // Seventeen twentieths full: of 35 prefixes and a limit of 20, 18 would go into each of two, 17 into three.
        assert_eq!(roomy_chunks(&net(10, 34).collect::<Vec<_>>(), 20).len(), 2);
        assert_eq!(roomy_chunks(&net(10, 35).collect::<Vec<_>>(), 20).len(), 3);
    }

    #[test]
    fn shrinks_to_one_chunk() {
        let list: Vec<IpPrefix> = list(&(0..200).collect());
        let old = roomy_chunks(&list, 10);
        // One prefix of each chunk stays, so that no chunk does.
        let rest: Vec<IpPrefix> = old.iter().map(|chunk| chunk[0]).collect();
        assert_eq!(stable_chunks(&rest, 100, &old).len(), 1);
        // All chunks but every second one vanish: those left do not fit together, and all stay.
        let rest: Vec<IpPrefix> = old.iter().step_by(2).copied().flatten().copied().collect();
        assert_eq!(stable_chunks(&rest, 10, &old), old.iter().step_by(2).copied().collect::<Vec<_>>());
    }

    #[test]
    fn a_smaller_limit_cuts_what_no_longer_fits() {
        let list: Vec<IpPrefix> = list(&(0..100).collect());
        let old = roomy_chunks(&list, 50);
        check(&list, 20, &stable_chunks(&list, 20, &old));
        assert!(stable_chunks(&[], 0, &old).is_empty() && roomy_chunks(&[], 0).is_empty());
        assert!(anchored_chunks(&[], 0).is_empty());
    }
}
