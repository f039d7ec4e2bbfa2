//! The prefixes of an interval: the blocks that it falls into.

use super::family::Address;
use super::interval::Interval;
use super::prefix::Prefix;

impl<A: Address> Interval<A> {
    /// The fewest prefixes whose union is the interval, ascending; at most `2 * BITS - 2`.
    ///
    /// ```
    /// use tagwall::addr::Interval;
    /// let list: Vec<String> = Interval::new(1_u8, 6).unwrap().prefixes().map(|p| p.to_string()).collect();
    /// assert_eq!(list, ["1/8", "2/7", "4/7", "6/8"]);
    /// ```
    pub fn prefixes(self) -> Prefixes<A> {
        Prefixes { next: Some(self.first), last: self.last }
    }

    /// The single prefix that equals the interval, if there is one.
    pub fn as_prefix(self) -> Option<Prefix<A>> {
        let host = self.first ^ self.last;
        let len = host.leading_zeros();
        let aligned = host == A::host_mask(len) && self.first & host == A::MIN;
        aligned.then(|| Prefix::from_aligned(self.first, len))
    }
}

/// The prefixes of one interval, made one after another; see [`Interval::prefixes`].
#[derive(Debug, Clone)]
pub struct Prefixes<A> {
    next: Option<A>,
    last: A,
}

impl<A: Address> Iterator for Prefixes<A> {
    type Item = Prefix<A>;

    #[inline]
    fn next(&mut self) -> Option<Prefix<A>> {
        let first = self.next?;
        // `first` is zero behind bit `aligned`; it shares its first `shared` bits with `last`.
        let aligned = A::BITS - first.trailing_zeros();
        let shared = (first ^ self.last).leading_zeros();
        // The largest block at `first` that is aligned and ends at or before `last`: the common block itself
        // if `last` is its end, else one bit longer, since there `first` has a zero where `last` has a one.
        let host = A::host_mask(shared);
        let fits = if self.last & host == host { shared } else { shared + 1 };
        let len = aligned.max(fits);
        let prefix = Prefix::from_aligned(first, len);
        self.next = if prefix.last() >= self.last { None } else { prefix.last().succ() };
        Some(prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The slow twin: grow a block as long as it stays aligned and inside.
    fn obvious(first: u8, last: u8) -> Vec<Prefix<u8>> {
        let mut out = Vec::new();
        let mut at = u16::from(first);
        while at <= u16::from(last) {
            let len = (0..=8_u8)
                .find(|&len| {
                    let size = 1_u16 << (8 - len);
                    at % size == 0 && at + size - 1 <= u16::from(last)
                })
                .unwrap();
            out.push(Prefix::new(at as u8, len).unwrap());
            at += 1 << (8 - len);
        }
        out
    }

    #[test]
    fn every_interval_of_the_small_universe() {
        for first in 0..=u8::MAX {
            for last in first..=u8::MAX {
                let interval = Interval::new(first, last).unwrap();
                let list: Vec<_> = interval.prefixes().collect();
                assert_eq!(list, obvious(first, last), "{interval}");
                assert!(list.len() <= 14);
                assert_eq!(interval.as_prefix(), (list.len() == 1).then(|| list[0]));
            }
        }
    }

    #[test]
    fn both_ends_of_both_families() {
        assert_eq!(Interval::<u32>::all().prefixes().collect::<Vec<_>>(), [Prefix::all()]);
        assert_eq!(Interval::<u128>::all().prefixes().collect::<Vec<_>>(), [Prefix::all()]);
        let top = Interval::new(u32::MAX - 1, u32::MAX).unwrap();
        assert_eq!(top.prefixes().map(|p| p.to_string()).collect::<Vec<_>>(), ["255.255.255.254/31"]);
        let nearly = Interval::new(1, u32::MAX - 1).unwrap();
        assert_eq!(nearly.prefixes().count(), 62);
        let nearly = Interval::new(1, u128::MAX - 1).unwrap();
        assert_eq!(nearly.prefixes().count(), 254);
    }
}
