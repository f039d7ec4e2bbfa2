//! [`AddrSet`]: IPv4 and IPv6 addresses side by side.

use std::fmt;
use std::net::IpAddr;

use super::count::Count;
use super::entry::Entry;
use super::interval::Interval;
use super::prefix::{IpPrefix, Prefix};
use super::set::IntervalSet;

/// A set of addresses of both families, which never meet: no IPv4-mapped IPv6 address counts as IPv4.
///
/// ```
/// use tagwall::addr::{AddrSet, IpPrefix};
/// let set: AddrSet = ["2001:db8::/33", "192.0.2.0/24", "2001:db8:8000::/33"]
///     .iter()
///     .map(|t| t.parse::<IpPrefix>().unwrap())
///     .collect();
/// let list: Vec<String> = set.prefixes().map(|p| p.to_string()).collect();
/// assert_eq!(list, ["192.0.2.0/24", "2001:db8::/32"]);
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct AddrSet {
    /// The IPv4 addresses.
    pub v4: IntervalSet<u32>,
    /// The IPv6 addresses.
    pub v6: IntervalSet<u128>,
}

impl AddrSet {
    /// The empty set.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Every address of both families.
    pub fn all() -> Self {
        AddrSet { v4: IntervalSet::all(), v6: IntervalSet::all() }
    }

    /// Whether the set holds no address.
    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// Whether the set holds every address of both families.
    pub fn is_all(&self) -> bool {
        self.v4.is_all() && self.v6.is_all()
    }

    /// Whether `address` is in the set; logarithmic in the number of intervals.
    pub fn contains(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => self.v4.contains(address.into()),
            IpAddr::V6(address) => self.v6.contains(address.into()),
        }
    }

    /// How many addresses the set holds, both families together.
    pub fn count(&self) -> Count {
        self.v4.count() + self.v6.count()
    }

    /// The fewest prefixes whose union is exactly the set: IPv4 first, each family ascending.
    pub fn prefixes(&self) -> impl Iterator<Item = IpPrefix> + '_ {
        self.v4.prefixes().map(IpPrefix::V4).chain(self.v6.prefixes().map(IpPrefix::V6))
    }

    /// Whether every address of `self` is in `other`.
    pub fn is_subset(&self, other: &Self) -> bool {
        self.v4.is_subset(&other.v4) && self.v6.is_subset(&other.v6)
    }

    /// Whether no address is in both.
    pub fn is_disjoint(&self, other: &Self) -> bool {
        self.v4.is_disjoint(&other.v4) && self.v6.is_disjoint(&other.v6)
    }

    /// The addresses in `self`, in `other` or in both.
    pub fn union(&self, other: &Self) -> Self {
        AddrSet { v4: self.v4.union(&other.v4), v6: self.v6.union(&other.v6) }
    }

    /// The addresses in both sets.
    pub fn intersection(&self, other: &Self) -> Self {
        AddrSet { v4: self.v4.intersection(&other.v4), v6: self.v6.intersection(&other.v6) }
    }

    /// The addresses in `self` that are not in `other`.
    pub fn difference(&self, other: &Self) -> Self {
        AddrSet { v4: self.v4.difference(&other.v4), v6: self.v6.difference(&other.v6) }
    }

    /// The addresses in exactly one of the sets.
    pub fn symmetric_difference(&self, other: &Self) -> Self {
        AddrSet { v4: self.v4.symmetric_difference(&other.v4), v6: self.v6.symmetric_difference(&other.v6) }
    }

    /// The addresses of both families that are not in the set.
    pub fn complement(&self) -> Self {
        AddrSet { v4: self.v4.complement(), v6: self.v6.complement() }
    }

    /// The union of many sets; sorts once instead of merging one after another.
    pub fn union_of<'a>(sets: impl IntoIterator<Item = &'a AddrSet>) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for set in sets {
            v4.extend_from_slice(set.v4.intervals());
            v6.extend_from_slice(set.v6.intervals());
        }
        AddrSet { v4: IntervalSet::from_intervals(v4), v6: IntervalSet::from_intervals(v6) }
    }
}

impl From<IpPrefix> for AddrSet {
    fn from(prefix: IpPrefix) -> Self {
        match prefix {
            IpPrefix::V4(p) => AddrSet { v4: p.into(), v6: IntervalSet::empty() },
            IpPrefix::V6(p) => AddrSet { v4: IntervalSet::empty(), v6: p.into() },
        }
    }
}

impl From<Entry> for AddrSet {
    fn from(entry: Entry) -> Self {
        match entry {
            Entry::V4(i) => AddrSet { v4: i.into(), v6: IntervalSet::empty() },
            Entry::V6(i) => AddrSet { v4: IntervalSet::empty(), v6: i.into() },
        }
    }
}

impl FromIterator<Entry> for AddrSet {
    fn from_iter<I: IntoIterator<Item = Entry>>(entries: I) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for entry in entries {
            match entry {
                Entry::V4(i) => v4.push(i),
                Entry::V6(i) => v6.push(i),
            }
        }
        AddrSet { v4: IntervalSet::from_intervals(v4), v6: IntervalSet::from_intervals(v6) }
    }
}

impl FromIterator<IpPrefix> for AddrSet {
    fn from_iter<I: IntoIterator<Item = IpPrefix>>(prefixes: I) -> Self {
        let (mut v4, mut v6): (Vec<Interval<u32>>, Vec<Interval<u128>>) = (Vec::new(), Vec::new());
        for prefix in prefixes {
            match prefix {
                IpPrefix::V4(p) => v4.push(p.interval()),
                IpPrefix::V6(p) => v6.push(p.interval()),
            }
        }
        AddrSet { v4: IntervalSet::from_intervals(v4), v6: IntervalSet::from_intervals(v6) }
    }
}

impl FromIterator<Prefix<u32>> for AddrSet {
    fn from_iter<I: IntoIterator<Item = Prefix<u32>>>(prefixes: I) -> Self {
        AddrSet { v4: prefixes.into_iter().collect(), v6: IntervalSet::empty() }
    }
}

impl FromIterator<Prefix<u128>> for AddrSet {
    fn from_iter<I: IntoIterator<Item = Prefix<u128>>>(prefixes: I) -> Self {
        AddrSet { v4: IntervalSet::empty(), v6: prefixes.into_iter().collect() }
    }
}

impl fmt::Debug for AddrSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.v4.intervals()).entries(self.v6.intervals()).finish()
    }
}
