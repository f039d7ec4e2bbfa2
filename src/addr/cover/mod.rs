//! The best cover with at most so many prefixes.
//!
//! The problem: given required addresses, addresses that may never be covered, a price for every other one and
//! a number `k`, find at most `k` prefixes that hold all of the first, none of the second, and the cheapest
//! choice of the rest. Only longest common prefixes of the required ones matter, so a dynamic programme over
//! their tree finds the optimum for every `k` in one run. Sums are exact; nothing saturates.

mod amount;
mod component;
mod joint;
mod price;
mod program;
mod tree;

use std::collections::HashSet;
use std::fmt;
use std::net::IpAddr;

use crate::addr::{AddrSet, Count, IpPrefix, Prefix};
pub(crate) use amount::{Amount, combine, first_split};
pub(crate) use component::Total;
use component::{Component, Part, Pending};
pub(crate) use joint::{Split, sums};
pub use price::{PriceError, PriceMap, Prices};

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
    required: &'a AddrSet,
    never: Option<&'a AddrSet>,
    prices: Option<&'a Prices>,
    previous: Option<&'a [IpPrefix]>,
    times: usize,
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
    fn components(&self) -> [Box<dyn Pending>; 2] {
        let empty = AddrSet::empty();
        let plain = Prices::default();
        let (never, prices) = (self.never.unwrap_or(&empty), self.prices.unwrap_or(&plain));
        let previous = self.previous.map(by_family);
        let (old_v4, old_v6) = previous.map_or((None, None), |(v4, v6)| (Some(v4), Some(v6)));
        [
            Box::new(Component::new(&self.required.v4, &never.v4, &prices.v4, old_v4.as_ref())),
            Box::new(Component::new(&self.required.v6, &never.v6, &prices.v6, old_v6.as_ref())),
        ]
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

/// The whole trade-off between number of prefixes and cost, of one set or of several under one budget.
///
/// | for `n` exact prefixes and `k` at most | cost |
/// |---|---|
/// | build | `O(n * k)` time, `n * min(k, depth)` cells; depth is at most 32 or 128 |
/// | a point of the curve | `O(1)` |
/// | the prefixes of one point | `O(n)` to `O(n * k)` |
pub struct CoverCurve {
    parts: Vec<Box<dyn Part>>,
    /// How often each part's cover is written.
    times: Vec<usize>,
    split: Box<dyn Split>,
    totals: Vec<Total>,
    smallest: usize,
    lossless: usize,
    certificate: Certificate,
}

/// One point of a [`CoverCurve`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CurvePoint {
    /// Number of prefixes.
    pub prefixes: usize,
    /// The least cost of so many.
    pub cost: Count,
    /// The fewest extra addresses at that cost.
    pub extra: Count,
}

/// Optimal covers, one for each set asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Covers {
    /// The prefixes of each set: IPv4 first, each family ascending, disjoint.
    pub covers: Vec<Vec<IpPrefix>>,
    /// Number of prefixes of all covers together, each as often as it is written.
    pub prefixes: usize,
    /// What all extra addresses cost together.
    pub cost: Count,
    /// Number of extra addresses; one that two covers add counts twice.
    pub extra: Count,
}

impl CoverCurve {
    /// The curve of one set, as far as `limit` prefixes (all of it if `None`).
    ///
    /// # Errors
    /// [`CoverError::Conflict`] if a required address is forbidden. A limit below the smallest number of
    /// prefixes is no error yet: [`at_most`](Self::at_most) says so.
    pub fn new(request: CoverRequest<'_>, limit: Option<usize>) -> Result<Self, CoverError> {
        Self::joint(&[request], limit)
    }

    /// The curve of several sets whose prefixes and costs add up: one budget, spent where it saves most.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    ///
    /// # Panics
    /// With more than 65,535 sets, for which sums might not fit.
    pub fn joint(requests: &[CoverRequest<'_>], limit: Option<usize>) -> Result<Self, CoverError> {
        assert!(requests.len() < 1 << 16, "at most 65,535 sets");
        for (set, request) in requests.iter().enumerate() {
            let both =
                request.never.map_or_else(AddrSet::empty, |never| request.required.intersection(never));
            if !both.is_empty() {
                return Err(CoverError::Conflict { set, addresses: both });
            }
        }
        let pending: Vec<Box<dyn Pending>> = requests.iter().flat_map(CoverRequest::components).collect();
        let times = requests.iter().flat_map(|request| [request.times; 2]).collect();
        Ok(Self::of(pending, times, limit))
    }

    fn of(pending: Vec<Box<dyn Pending>>, times: Vec<usize>, limit: Option<usize>) -> Self {
        let smallest: usize = pending.iter().zip(&times).map(|(p, t)| p.least() * t).sum();
        let lossless: usize = pending.iter().zip(&times).map(|(p, t)| p.leaves() * t).sum();
        let plain = pending.iter().all(|p| p.is_plain());
        let certificate = Certificate::new(&pending, &times);
        let cap = limit.unwrap_or(lossless).clamp(smallest, lossless);
        let (least, parts): (Vec<usize>, Vec<Box<dyn Part>>) = pending
            .into_iter()
            .zip(&times)
            .map(|(p, t)| (p.least(), p.least() + (cap - smallest) / t, p))
            .map(|(l, c, p)| (l, p.run(c)))
            .unzip();
        let curves = parts.iter().zip(&times).map(|(part, times)| stretched(part.curve(), *times));
        let least = least.into_iter().zip(&times).map(|(least, times)| least * times);
        let split = sums(least.zip(curves).collect(), plain, cap);
        let totals = split.total();
        CoverCurve { parts, times, split, totals, smallest, lossless, certificate }
    }

    /// The fewest prefixes that any cover without a forbidden address has.
    pub fn smallest(&self) -> usize {
        self.smallest
    }

    /// The number of prefixes that cover everything exactly, at no cost.
    pub fn lossless(&self) -> usize {
        self.lossless
    }

    /// Why fewer than [`smallest`](Self::smallest) prefixes cannot do.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Every number of prefixes at which the cost improves, ascending, as far as the limit.
    pub fn points(&self) -> impl Iterator<Item = CurvePoint> + '_ {
        let improves = |at: usize| at == 0 || self.totals[at].cost < self.totals[at - 1].cost;
        (0..self.totals.len()).filter(move |&at| improves(at)).map(|at| self.point(at))
    }

    /// The cheapest covers of at most `k` prefixes in all; among those, the fewest prefixes, then the fewest
    /// extra addresses, then the most prefixes of last time.
    ///
    /// # Errors
    /// [`CoverError::TooFew`] if `k` is below [`smallest`](Self::smallest).
    pub fn at_most(&self, k: usize) -> Result<Covers, CoverError> {
        let Some(spare) = k.checked_sub(self.smallest) else {
            return Err(CoverError::TooFew { wanted: k, certificate: self.certificate.clone() });
        };
        let cost = self.totals[spare.min(self.totals.len() - 1)].cost;
        Ok(self.covers(self.first_within(cost).expect("a cost of the curve")))
    }

    /// The point of fewest prefixes that costs at most `most`, or `None` if the limit ends the curve before.
    pub fn within_cost(&self, most: Count) -> Option<CurvePoint> {
        self.first_within(most).map(|at| self.point(at))
    }

    fn first_within(&self, most: Count) -> Option<usize> {
        let at = self.totals.partition_point(|t| t.cost > most);
        (at < self.totals.len()).then_some(at)
    }

    fn point(&self, at: usize) -> CurvePoint {
        let Total { cost, extra, .. } = self.totals[at];
        CurvePoint { prefixes: self.smallest + at, cost, extra }
    }

    fn covers(&self, at: usize) -> Covers {
        let CurvePoint { prefixes, cost, extra } = self.point(at);
        let shares: Vec<usize> = self
            .split
            .split(prefixes)
            .into_iter()
            .zip(&self.times)
            .map(|(share, times)| share / times)
            .collect();
        let covers = self
            .parts
            .chunks(2)
            .zip(shares.chunks(2))
            .map(|(parts, shares)| parts.iter().zip(shares).flat_map(|(p, &k)| p.cover(k)).collect())
            .collect();
        Covers { covers, prefixes, cost, extra }
    }
}

/// The curve of a cover that is written `times` times: between two numbers that it can be written in, the better
/// cover is still out of reach.
fn stretched(curve: Vec<Total>, times: usize) -> Vec<Total> {
    if times == 1 {
        return curve;
    }
    let last = curve.len().saturating_sub(1);
    let often = |at: usize| if at == last { 1 } else { times };
    curve.into_iter().enumerate().flat_map(|(at, total)| std::iter::repeat_n(total, often(at))).collect()
}

impl fmt::Debug for CoverCurve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.points()).finish()
    }
}

/// The fewest prefixes with cost at most `most`, for one set or several under one budget: the curve is worked
/// out only as far as needed, its length doubling.
///
/// # Errors
/// As [`CoverCurve::joint`]. A cost of 0 can always be met, so there is an answer.
pub fn fewest_within(requests: &[CoverRequest<'_>], most: Count) -> Result<Covers, CoverError> {
    let mut limit = 256;
    loop {
        let curve = CoverCurve::joint(requests, Some(limit))?;
        if let Some(at) = curve.first_within(most) {
            return Ok(curve.covers(at));
        }
        // The end of the whole curve costs nothing, so this stops there at the latest.
        limit = (limit * 2).max(curve.smallest() * 2);
    }
}

/// A proof that fewer prefixes cannot do: required addresses of which no prefix can hold two, because a
/// forbidden address lies between each and the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// One for each prefix that is needed, of each cover once.
    pub anchors: Vec<Anchor>,
}

/// A required address of a [`Certificate`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    /// The set, counted from 0, that requires the address.
    pub set: usize,
    /// The required address.
    pub required: IpAddr,
    /// A forbidden address that every prefix with this and the next anchor would hold; `None` where the next
    /// one belongs to another set or family.
    pub forbidden: Option<IpAddr>,
    /// How often the cover of its set is written, so that it stands for as many prefixes.
    pub times: usize,
}

impl Certificate {
    fn new(pending: &[Box<dyn Pending>], times: &[usize]) -> Self {
        let anchors = pending.iter().zip(times).enumerate().flat_map(|(at, (part, &times))| {
            let anchor = move |(required, forbidden)| Anchor { set: at / 2, required, forbidden, times };
            part.anchors().into_iter().map(anchor)
        });
        Certificate { anchors: anchors.collect() }
    }

    /// The number of prefixes that it proves necessary.
    pub fn smallest(&self) -> usize {
        self.anchors.iter().map(|anchor| anchor.times).sum()
    }
}

impl fmt::Display for Certificate {
    /// The first three places where a forbidden address stands in the way, and how many more there are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut blocks = self
            .anchors
            .windows(2)
            .filter_map(|pair| Some((pair[0].required, pair[1].required, pair[0].forbidden?)));
        for (index, (a, b, forbidden)) in blocks.by_ref().take(3).enumerate() {
            let join = if index == 0 { "" } else { "; " };
            write!(f, "{join}no prefix holds {a} and {b} without the forbidden {forbidden}")?;
        }
        match blocks.count() {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

/// Why there is no cover.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CoverError {
    /// Required addresses are forbidden.
    #[error("required and forbidden at once: {}", first_prefixes(.addresses))]
    Conflict {
        /// The set, counted from 0.
        set: usize,
        /// The addresses that are both.
        addresses: AddrSet,
    },
    /// Fewer prefixes than any cover needs.
    #[error("{wanted} prefixes cannot do: at least {} are needed; {certificate}", .certificate.smallest())]
    TooFew {
        /// The number asked for.
        wanted: usize,
        /// Why, and the number that is enough.
        certificate: Certificate,
    },
}

fn first_prefixes(set: &AddrSet) -> String {
    const SHOWN: usize = 5;
    let mut list: Vec<String> = set.prefixes().take(SHOWN).map(|p| p.to_string()).collect();
    let more = set.prefixes().skip(SHOWN).count();
    if more > 0 {
        list.push(format!("and {more} more"));
    }
    list.join(", ")
}
