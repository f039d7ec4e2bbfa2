//! Longest-prefix match over the whole space: [`LongestMatch`] answers ascending addresses, [`pieces`] and
//! [`by_answer`] cut the space by what it answers.

use super::{Address, Interval, IntervalSet, Prefix};

/// Longest-prefix match for ascending addresses: nested prefixes form a stack whose top is the narrowest one, the
/// highest in rank among equals.
///
/// # Cost
/// `O(n log n)` for `n` entries to begin with; then each entry is opened and closed once.
#[derive(Debug)]
pub(crate) struct LongestMatch<'a, A: Address, E> {
    order: Vec<(Prefix<A>, &'a E)>,
    next: usize,
    open: Vec<(Prefix<A>, &'a E)>,
}

impl<'a, A: Address, E> LongestMatch<'a, A, E> {
    /// A match among `entries`, of which `key` says the prefix and the rank among those with the same one; of two that
    /// are alike in both the later wins.
    pub(crate) fn new<R: Ord>(entries: &'a [E], key: impl Fn(&E) -> (Prefix<A>, R)) -> Self {
        let mut order: Vec<(Prefix<A>, R, &E)> = entries
            .iter()
            .map(|entry| {
                let (prefix, rank) = key(entry);
                (prefix, rank, entry)
            })
            .collect();
        order.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
        let order = order.into_iter().map(|(prefix, _, entry)| (prefix, entry)).collect();
        LongestMatch { order, next: 0, open: Vec::new() }
    }

    /// What `address` goes by, which is not below any that was asked for before.
    pub(crate) fn at(&mut self, address: A) -> Option<&'a E> {
        while let Some(&entry) = self.order.get(self.next).filter(|(prefix, _)| prefix.first() <= address) {
            self.close_before(entry.0.first());
            self.open.push(entry);
            self.next += 1;
        }
        self.close_before(address);
        self.open.last().map(|(_, entry)| *entry)
    }

    fn close_before(&mut self, address: A) {
        while self.open.last().is_some_and(|(prefix, _)| prefix.last() < address) {
            self.open.pop();
        }
    }
}

/// The whole space, ascending, cut at both ends of every interval.
pub(crate) fn pieces<A: Address>(intervals: impl Iterator<Item = Interval<A>>) -> Vec<Interval<A>> {
    let mut starts: Vec<A> = vec![A::MIN];
    for interval in intervals {
        starts.push(interval.first());
        starts.extend(interval.last().succ());
    }
    starts.sort_unstable();
    starts.dedup();
    let last = |at: usize| starts.get(at + 1).and_then(|next| next.pred()).unwrap_or(A::MAX);
    let piece = |(at, &first): (usize, &A)| Interval::new(first, last(at)).expect("starts ascend");
    starts.iter().enumerate().map(piece).collect()
}

/// The pieces sorted out by what `answer` says of the first address of each; answers in the order they are met.
///
/// # Cost
/// The pieces times the different answers, of which there are few.
pub(crate) fn by_answer<A: Address, K: PartialEq>(
    pieces: &[Interval<A>],
    mut answer: impl FnMut(A) -> K,
) -> Vec<(K, IntervalSet<A>)> {
    let mut found: Vec<(K, Vec<Interval<A>>)> = Vec::new();
    for piece in pieces {
        let said = answer(piece.first());
        match found.iter_mut().find(|(known, _)| *known == said) {
            Some((_, list)) => list.push(*piece),
            None => found.push((said, vec![*piece])),
        }
    }
    found.into_iter().map(|(said, list)| (said, IntervalSet::from_intervals(list))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every address at both ends of the space, against looking at every entry.
    #[test]
    fn the_narrowest_and_highest_wins_at_every_address() {
        let mut random = 0x9E37_79B9_u32;
        let mut next = |below: u32| {
            random ^= random << 13;
            random ^= random >> 17;
            random ^= random << 5;
            random % below
        };
        let ends = || (0..0x100_u16).chain(0xFF00..=0xFFFF);
        for _ in 0..200 {
            let entries: Vec<(Prefix<u16>, u32, usize)> = (0..next(12) as usize)
                .map(|number| {
                    let length = next(7) as u8 + 10;
                    let end = [0, 0xFF00][next(2) as usize];
                    let bits = end | (next(64) as u16) << (16 - length) & 0xFF;
                    (Prefix::new(bits, length).expect("no host bits"), next(3), number)
                })
                .collect();
            let mut longest = LongestMatch::new(&entries, |e| (e.0, e.1));
            for address in ends() {
                let holding = entries.iter().filter(|e| e.0.interval().contains(address));
                let best = holding.max_by_key(|e| (e.0.len(), e.1));
                assert_eq!(longest.at(address), best, "{address} in {entries:?}");
            }
            let cut = pieces(entries.iter().map(|e| e.0.interval()));
            assert!(cut.windows(2).all(|w| w[0].last().succ() == Some(w[1].first())));
            assert_eq!((cut[0].first(), cut[cut.len() - 1].last()), (0, u16::MAX));
            let mut longest = LongestMatch::new(&entries, |e| (e.0, e.1));
            let all = by_answer(&cut, |a| longest.at(a).map(|e| e.2));
            for (answer, set) in &all {
                let mut alone = LongestMatch::new(&entries, |e| (e.0, e.1));
                for address in ends() {
                    let here = alone.at(address).map(|e| e.2) == *answer;
                    assert_eq!(set.contains(address), here, "{address} in {entries:?}");
                }
            }
        }
    }
}
