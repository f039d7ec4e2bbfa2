//! [`Interval`]: a closed range of addresses.

use std::fmt;

use super::family::Address;

/// The addresses from `first` to `last`, both inclusive. Invariant: `first <= last`.
///
/// Ends are closed so that the top of the space needs no address behind it: `last + 1` is never formed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval<A> {
    pub(super) first: A,
    pub(super) last: A,
}

impl<A: Address> Interval<A> {
    /// The interval, or `None` if `first > last`.
    pub fn new(first: A, last: A) -> Option<Self> {
        (first <= last).then_some(Interval { first, last })
    }

    #[inline]
    pub(crate) fn from_ordered(first: A, last: A) -> Self {
        debug_assert!(first <= last);
        Interval { first, last }
    }

    /// Every address of the family.
    pub fn all() -> Self {
        Interval { first: A::MIN, last: A::MAX }
    }

    /// The lowest address.
    #[inline]
    pub fn first(self) -> A {
        self.first
    }

    /// The highest address, inclusive.
    #[inline]
    pub fn last(self) -> A {
        self.last
    }

    /// Whether `addr` lies in the interval.
    #[inline]
    pub fn contains(self, addr: A) -> bool {
        self.first <= addr && addr <= self.last
    }
}

impl<A: Address> fmt::Display for Interval<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.first.write(f)?;
        if self.first != self.last {
            f.write_str("-")?;
            self.last.write(f)?;
        }
        Ok(())
    }
}

impl<A: Address> fmt::Debug for Interval<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
