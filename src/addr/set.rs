//! [`IntervalSet`]: a canonical set of addresses of one family.

use std::fmt;

use super::count::Count;
use super::family::Address;
use super::interval::Interval;
use super::prefix::Prefix;
use super::sort::{apart, canonical, push_joined};
use super::words::{Words, canonical_of_words};

/// A set of addresses as sorted closed intervals.
///
/// Invariant: ascending, disjoint and not touching. So two values are `==` exactly when they hold the same
/// addresses, whatever they were built from.
///
/// | operation | cost, for `a` and `b` intervals |
/// |---|---|
/// | build from a list | `O(n)` if sorted already, else `O(n log n)` |
/// | union, intersection, difference, symmetric difference, complement | `O(a + b)` |
/// | `contains` | `O(log a)` |
/// | prefixes | `O(prefixes)` |
///
/// ```
/// use tagwall::addr::{IntervalSet, Prefix};
/// let half = |t: &str| -> IntervalSet<u32> { IntervalSet::from(t.parse::<Prefix<u32>>().unwrap()) };
/// let both = half("203.0.113.0/25").union(&half("203.0.113.128/25"));
/// assert_eq!(both, half("203.0.113.0/24"));
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IntervalSet<A> {
    intervals: Vec<Interval<A>>,
}

impl<A> Default for IntervalSet<A> {
    fn default() -> Self {
        IntervalSet { intervals: Vec::new() }
    }
}

impl<A: Address> IntervalSet<A> {
    /// The empty set.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Every address of the family.
    pub fn all() -> Self {
        IntervalSet { intervals: vec![Interval::all()] }
    }

    /// The union of `intervals`, which may be in any order and overlap.
    pub fn from_intervals(intervals: Vec<Interval<A>>) -> Self {
        Self::from_canonical(canonical(intervals))
    }

    /// The union of the prefixes of many lists.
    pub(super) fn from_words(parts: Vec<Words<A>>) -> Self {
        Self::from_canonical(canonical_of_words(parts))
    }

    /// For callers that have kept the invariant themselves.
    pub(crate) fn from_canonical(intervals: Vec<Interval<A>>) -> Self {
        debug_assert!(intervals.windows(2).all(|w| apart(w[0], w[1])), "not canonical: {intervals:?}");
        IntervalSet { intervals }
    }

    /// The intervals, ascending, disjoint and not touching.
    pub fn intervals(&self) -> &[Interval<A>] {
        &self.intervals
    }

    /// Whether the set holds no address.
    pub fn is_empty(&self) -> bool {
        self.intervals.is_empty()
    }

    /// Whether the set holds every address of the family.
    pub fn is_all(&self) -> bool {
        self.intervals == [Interval::all()]
    }

    /// How many addresses the set holds.
    pub fn count(&self) -> Count {
        self.intervals.iter().map(|i| Count::from_distance(i.last().to_u128() - i.first().to_u128())).sum()
    }

    /// The lowest address, or `None` if the set is empty.
    pub fn first(&self) -> Option<A> {
        self.intervals.first().map(|i| i.first())
    }

    /// The fewest prefixes whose union is exactly the set, ascending. The list is unique.
    pub fn prefixes(&self) -> impl Iterator<Item = Prefix<A>> + '_ {
        self.intervals.iter().flat_map(|i| i.prefixes())
    }

    /// Whether the set holds `addr`.
    pub fn contains(&self, addr: A) -> bool {
        let at = self.intervals.partition_point(|i| i.last() < addr);
        self.intervals.get(at).is_some_and(|i| i.contains(addr))
    }

    /// Whether the set holds every address of `interval`.
    pub fn contains_interval(&self, interval: Interval<A>) -> bool {
        let at = self.intervals.partition_point(|i| i.last() < interval.first());
        self.intervals.get(at).is_some_and(|i| i.contains(interval.first()) && i.contains(interval.last()))
    }

    /// Whether the set holds no address of `interval`.
    pub fn is_clear_of(&self, interval: Interval<A>) -> bool {
        self.first_in(interval).is_none()
    }

    /// The lowest address of the set that lies in `interval`, or `None` if there is none.
    pub fn first_in(&self, interval: Interval<A>) -> Option<A> {
        let at = self.intervals.partition_point(|i| i.last() < interval.first());
        let found = self.intervals.get(at)?.first().max(interval.first());
        interval.contains(found).then_some(found)
    }

    /// Whether every address of `self` is in `other`.
    pub fn is_subset(&self, other: &Self) -> bool {
        self.intervals.iter().all(|&i| other.contains_interval(i))
    }

    /// Whether no address is in both.
    pub fn is_disjoint(&self, other: &Self) -> bool {
        let (mut a, mut b) = (self.intervals.as_slice(), other.intervals.as_slice());
        while let ([x, rest_a @ ..], [y, rest_b @ ..]) = (a, b) {
            if x.last() < y.first() {
                a = rest_a;
            } else if y.last() < x.first() {
                b = rest_b;
            } else {
                return false;
            }
        }
        true
    }

    /// The addresses in `self`, in `other` or in both.
    pub fn union(&self, other: &Self) -> Self {
        let (mut a, mut b) = (self.intervals.as_slice(), other.intervals.as_slice());
        let mut out = Vec::with_capacity(a.len() + b.len());
        loop {
            let next = match (a, b) {
                ([x, rest @ ..], [y, ..]) if x <= y => {
                    a = rest;
                    *x
                }
                (_, [y, rest @ ..]) => {
                    b = rest;
                    *y
                }
                ([x, rest @ ..], []) => {
                    a = rest;
                    *x
                }
                ([], []) => break,
            };
            push_joined(&mut out, next);
        }
        Self::from_canonical(out)
    }

    /// The addresses in both sets.
    pub fn intersection(&self, other: &Self) -> Self {
        let (mut a, mut b) = (self.intervals.as_slice(), other.intervals.as_slice());
        let mut out = Vec::new();
        while let ([x, rest_a @ ..], [y, rest_b @ ..]) = (a, b) {
            // Two canonical sets never yield touching pieces: a gap in one of them lies between.
            let (first, last) = (x.first().max(y.first()), x.last().min(y.last()));
            if first <= last {
                out.push(Interval::from_ordered(first, last));
            }
            if x.last() < y.last() {
                a = rest_a;
            } else {
                b = rest_b;
            }
        }
        Self::from_canonical(out)
    }

    /// The addresses in `self` that are not in `other`.
    pub fn difference(&self, other: &Self) -> Self {
        let mut out = Vec::new();
        let mut cuts = other.intervals.as_slice();
        for &piece in &self.intervals {
            let mut from = piece.first();
            // Cuts that end before this piece cannot touch a later one either.
            while let [cut, rest @ ..] = cuts
                && cut.last() < from
            {
                cuts = rest;
            }
            let mut open = true;
            let mut ahead = cuts;
            while let [cut, rest @ ..] = ahead
                && cut.first() <= piece.last()
            {
                if from < cut.first() {
                    out.push(Interval::from_ordered(
                        from,
                        cut.first().pred().expect("from lies below the cut"),
                    ));
                }
                match cut.last().succ() {
                    Some(next) if next <= piece.last() => from = next,
                    _ => {
                        open = false;
                        break;
                    }
                }
                ahead = rest;
            }
            // The cut that ended this piece may reach into the next one, so it stays.
            cuts = ahead;
            if open {
                out.push(Interval::from_ordered(from, piece.last()));
            }
        }
        Self::from_canonical(out)
    }

    /// The addresses in exactly one of the sets.
    pub fn symmetric_difference(&self, other: &Self) -> Self {
        self.difference(other).union(&other.difference(self))
    }

    /// The addresses of the family that are not in the set.
    pub fn complement(&self) -> Self {
        let mut out = Vec::with_capacity(self.intervals.len() + 1);
        let mut from = Some(A::MIN);
        for i in &self.intervals {
            if let (Some(from), Some(before)) = (from, i.first().pred())
                && from <= before
            {
                out.push(Interval::from_ordered(from, before));
            }
            from = i.last().succ();
        }
        if let Some(from) = from {
            out.push(Interval::from_ordered(from, A::MAX));
        }
        Self::from_canonical(out)
    }
}

impl<A: Address> From<Interval<A>> for IntervalSet<A> {
    fn from(interval: Interval<A>) -> Self {
        IntervalSet { intervals: vec![interval] }
    }
}

impl<A: Address> From<Prefix<A>> for IntervalSet<A> {
    fn from(prefix: Prefix<A>) -> Self {
        prefix.interval().into()
    }
}

impl<A: Address> FromIterator<Interval<A>> for IntervalSet<A> {
    fn from_iter<I: IntoIterator<Item = Interval<A>>>(intervals: I) -> Self {
        Self::from_intervals(intervals.into_iter().collect())
    }
}

impl<A: Address> FromIterator<Prefix<A>> for IntervalSet<A> {
    fn from_iter<I: IntoIterator<Item = Prefix<A>>>(prefixes: I) -> Self {
        prefixes.into_iter().map(Prefix::interval).collect()
    }
}

impl<A: Address> fmt::Debug for IntervalSet<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(&self.intervals).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The set of a bit mask over the 16 lowest addresses of `u8`, moved to the top where `high`.
    fn of_mask(mask: u16, high: bool) -> IntervalSet<u8> {
        let base = if high { 240 } else { 0 };
        (0..16_u8).filter(|i| mask >> i & 1 == 1).map(|i| Prefix::host(base + i)).collect()
    }

    #[test]
    fn algebra_against_bit_masks() {
        // Every pair of an 8-bit sample of masks, at the bottom and at the top of the space.
        let masks: Vec<u16> =
            (0..=u16::MAX).step_by(257).chain([1, 0x8000, 0xffff, 0x5555, 0xaaaa]).collect();
        for high in [false, true] {
            for &a in &masks {
                for &b in &masks {
                    let (x, y) = (of_mask(a, high), of_mask(b, high));
                    assert_eq!(x.union(&y), of_mask(a | b, high));
                    assert_eq!(x.intersection(&y), of_mask(a & b, high));
                    assert_eq!(x.difference(&y), of_mask(a & !b, high));
                    assert_eq!(x.symmetric_difference(&y), of_mask(a ^ b, high));
                    assert_eq!(x.is_subset(&y), a & !b == 0);
                    assert_eq!(x.is_disjoint(&y), a & b == 0);
                    assert_eq!(x.complement().union(&x), IntervalSet::all());
                    assert!(x.complement().is_disjoint(&x));
                    assert_eq!(x.complement().complement(), x);
                }
            }
        }
    }

    #[test]
    fn the_top_of_the_space_is_not_widened() {
        let top: IntervalSet<u32> =
            ["255.255.255.254/32"].iter().map(|t| t.parse::<Prefix<u32>>().unwrap()).collect();
        assert_eq!(top.prefixes().map(|p| p.to_string()).collect::<Vec<_>>(), ["255.255.255.254/32"]);
        let both: IntervalSet<u128> =
            [Prefix::host(u128::MAX), Prefix::host(u128::MAX - 1)].into_iter().collect();
        assert_eq!(both.prefixes().count(), 1);
        assert_eq!(IntervalSet::<u128>::all().complement(), IntervalSet::empty());
        assert_eq!(IntervalSet::<u128>::empty().complement(), IntervalSet::all());
    }
}
