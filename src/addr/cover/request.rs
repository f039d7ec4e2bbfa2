//! [`CoverRequest`]: what is asked for one set.

use std::collections::HashSet;

use super::component::Component;
use super::part::Pending;
use super::price::Prices;
use crate::addr::{AddrSet, IpPrefix, Prefix};

/// One set to cover: what is required, what is forbidden, what extra addresses cost.
///
/// ```
/// use tagwall::addr::{AddrSet, CoverCurve, CoverRequest, IpPrefix};
/// let required: AddrSet = ["20.33.16.0/31", "20.33.16.2/32", "20.33.16.8/32"]
///     .iter()
///     .map(|t| t.parse::<IpPrefix>().unwrap())
///     .collect();
/// let curve = CoverCurve::new(CoverRequest::new(&required), None)?;
/// let best = curve.at_most(2)?;
/// let list: Vec<String> = best.covers[0].iter().map(|p| p.to_string()).collect();
/// assert_eq!(list, ["20.33.16.0/30", "20.33.16.8/32"]);
/// assert_eq!(best.extra.to_string(), "1");
/// # Ok::<(), tagwall::addr::CoverError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct CoverRequest<'a> {
    pub(super) required: &'a AddrSet,
    pub(super) never: Option<&'a AddrSet>,
    pub(super) prices: Option<&'a Prices>,
    pub(super) previous: Option<&'a [IpPrefix]>,
    pub(super) times: usize,
}

impl<'a> CoverRequest<'a> {
    /// Nothing forbidden, every extra address costs 1.
    pub fn new(required: &'a AddrSet) -> Self {
        CoverRequest { required, never: None, prices: None, previous: None, times: 1 }
    }

    /// How often the cover is written, as where several rules name the same addresses: each prefix counts so often
    /// against the budget, each extra address is paid for once. A number of 0 is taken as 1.
    ///
    /// ```
    /// use tagwall::addr::{AddrSet, CoverCurve, CoverRequest, IpPrefix};
    /// let set = |texts: &[&str]| -> AddrSet { texts.iter().map(|t| t.parse::<IpPrefix>().unwrap()).collect() };
    /// let (shared, own) = (set(&["20.33.16.0", "20.33.16.3"]), set(&["20.40.1.0", "20.40.1.2"]));
    /// // Six entries with the shared list in two rules. Widening that list saves two of them.
    /// let requests = [CoverRequest::new(&shared).times(2), CoverRequest::new(&own)];
    /// let best = CoverCurve::joint(&requests, None)?.at_most(4)?;
    /// assert_eq!((best.covers[0].len(), best.covers[1].len(), best.prefixes), (1, 2, 4));
    /// # Ok::<(), tagwall::addr::CoverError>(())
    /// ```
    #[must_use]
    pub fn times(mut self, times: usize) -> Self {
        self.times = times.max(1);
        self
    }

    /// Addresses that no prefix may hold, at any price.
    #[must_use]
    pub fn never(mut self, forbidden: &'a AddrSet) -> Self {
        self.never = Some(forbidden);
        self
    }

    /// What an extra address costs, by where it lies.
    #[must_use]
    pub fn prices(mut self, prices: &'a Prices) -> Self {
        self.prices = Some(prices);
        self
    }

    /// The cover of last time: among equally good ones, the one that keeps most of it is taken.
    #[must_use]
    pub fn previous(mut self, prefixes: &'a [IpPrefix]) -> Self {
        self.previous = Some(prefixes);
        self
    }

    /// The two families as separate components, IPv4 first.
    pub(super) fn components(&self) -> [Box<dyn Pending + 'a>; 2] {
        let (never, prices) = (self.never, self.prices);
        let (old_v4, old_v6) = self.previous.map(by_family).unzip();
        let v4 = Component::new(&self.required.v4, never.map(|n| &n.v4), prices.map(|p| &p.v4), old_v4);
        let v6 = Component::new(&self.required.v6, never.map(|n| &n.v6), prices.map(|p| &p.v6), old_v6);
        [Box::new(v4), Box::new(v6)]
    }
}

fn by_family(list: &[IpPrefix]) -> (HashSet<Prefix<u32>>, HashSet<Prefix<u128>>) {
    let (mut v4, mut v6) = (HashSet::new(), HashSet::new());
    for &prefix in list {
        match prefix {
            IpPrefix::V4(p) => drop(v4.insert(p)),
            IpPrefix::V6(p) => drop(v6.insert(p)),
        }
    }
    (v4, v6)
}
