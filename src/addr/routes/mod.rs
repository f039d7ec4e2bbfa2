//! The smallest route table under longest-prefix match.
//!
//! A route table is a function from addresses to next hops, not a set: a broad route with exceptions may need
//! fewer routes than any list of disjoint ones, and merging prefixes one hop at a time can send traffic elsewhere.
//! So the problem is stated as a wish per address, and the table is built anew from that.

mod exact;
mod lossy;
mod plain;
mod trie;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::addr::cover::{Split, Total, sums};
use crate::addr::{AddrSet, Address, Count, CurvePoint, IpPrefix, Prefix, Prices};
use lossy::{Penalties, Pending, Solved};
use trie::{Hop, Marks, NOWHERE, RouteConflict, Trie};

/// A route: where addresses of a prefix go, unless a longer one matches.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Route<H> {
    /// The addresses.
    pub prefix: IpPrefix,
    /// The next hop; what it means is the caller's business.
    pub hop: H,
}

/// What a route table has to do, of both families.
///
/// ```
/// use tagwall::addr::{Route, RouteProblem};
/// let route = |prefix: &str, hop| Route { prefix: prefix.parse().unwrap(), hop };
/// // A /16 less a /20 takes four prefixes, but as routes under a default the hole is one more route.
/// let wished = vec![route("0.0.0.0/0", "firewall"), route("20.33.0.0/16", "internet"), route("20.33.16.0/20", "firewall")];
/// let table = RouteProblem::new(wished).minimise()?;
/// assert_eq!(table.len(), 3);
/// # Ok::<(), tagwall::addr::RouteError>(())
/// ```
#[derive(Debug, Clone)]
pub struct RouteProblem<H> {
    wished: Vec<Route<H>>,
    next_hops: Option<Vec<H>>,
    pinned: Vec<Route<H>>,
    system: Vec<Route<H>>,
    protected: Vec<IpPrefix>,
    free: AddrSet,
}

impl<H: Ord + Clone + fmt::Display> RouteProblem<H> {
    /// A table that sends every address where the longest match among `wished` does, and matches none that
    /// `wished` does not match.
    pub fn new(wished: Vec<Route<H>>) -> Self {
        RouteProblem {
            wished,
            next_hops: None,
            pinned: Vec::new(),
            system: Vec::new(),
            protected: Vec::new(),
            free: AddrSet::empty(),
        }
    }

    /// The hops that routes of the result may name; without this, all that are wished for.
    #[must_use]
    pub fn next_hops(mut self, hops: Vec<H>) -> Self {
        self.next_hops = Some(hops);
        self
    }

    /// Routes that must be in the result, whatever they cost. They count.
    #[must_use]
    pub fn pinned(mut self, routes: Vec<Route<H>>) -> Self {
        self.pinned = routes;
        self
    }

    /// Routes that are there anyway and do not count. A route of the table at the same prefix wins over them.
    #[must_use]
    pub fn system(mut self, routes: Vec<Route<H>>) -> Self {
        self.system = routes;
        self
    }

    /// Blocks that no route may equal or lie inside (pinned ones aside); where their addresses go does not
    /// matter. Broader routes may hold them.
    #[must_use]
    pub fn protected(mut self, blocks: Vec<IpPrefix>) -> Self {
        self.protected = blocks;
        self
    }

    /// Addresses that may go anywhere.
    #[must_use]
    pub fn free(mut self, addresses: AddrSet) -> Self {
        self.free = addresses;
        self
    }

    /// The fewest routes with exactly the wished effect, IPv4 first, each family by prefix. Among tables of that
    /// size: a route as high as possible and only where needed, then the lowest hop.
    ///
    /// Linear in the number of routes once they are sorted, times the number of hops over 64.
    ///
    /// # Errors
    /// [`RouteError::Impossible`] if no table has that effect, [`RouteError::Contradiction`] if two routes of one
    /// kind name different hops for one prefix, [`RouteError::TooManyHops`].
    pub fn minimise(&self) -> Result<Vec<Route<H>>, RouteError> {
        let hops = Hops::new(self)?;
        let (v4, v6) = self.tries(&hops)?;
        let mut table: Vec<(IpPrefix, Hop)> = self.minimise_family(&v4, &hops)?;
        table.extend(self.minimise_family(&v6, &hops)?);
        Ok(hops.name(table))
    }

    fn minimise_family<A: Address>(
        &self,
        trie: &Trie<A>,
        hops: &Hops<'_, H>,
    ) -> Result<Vec<(IpPrefix, Hop)>, RouteError>
    where
        Prefix<A>: Into<IpPrefix>,
    {
        let found = match hops.names.len() + 1 {
            1..=64 => exact::minimise::<A, 1>(trie, &hops.allowed),
            65..=512 => exact::minimise::<A, 8>(trie, &hops.allowed),
            _ => exact::minimise::<A, { MOST_HOPS / 64 }>(trie, &hops.allowed),
        };
        let mut routes = found.map_err(|e| RouteError::Impossible {
            at: e.at.into(),
            needed: hops.display(e.needed),
            against: hops.display(e.against),
        })?;
        routes.extend(trie.nodes.iter().filter_map(|node| Some((node.prefix, node.marks.pinned?))));
        routes.sort_unstable();
        Ok(routes.into_iter().map(|(prefix, hop)| (prefix.into(), hop)).collect())
    }

    /// The cheapest tables of every number of routes, as far as `limit` (all of it if `None`). An address that
    /// does not go where it is wished to costs its price times the mismatch of the two hops.
    ///
    /// For `n` nodes of the trie with all bits on the way: `O(n * hops * limit)` at most, less where few routes
    /// lie below a node.
    ///
    /// # Errors
    /// [`RouteError::Contradiction`], [`RouteError::TooManyHops`], [`RouteError::TooLarge`] if a total could
    /// pass 2^192. A limit that is too small is no error yet: [`RouteCurve::at_most`] says so.
    pub fn curve(
        &self,
        prices: &Prices,
        mismatch: &Mismatch<H>,
        limit: Option<usize>,
    ) -> Result<RouteCurve<H>, RouteError> {
        let hops = Hops::new(self)?;
        let (v4, v6) = self.tries(&hops)?;
        let penalties = hops.penalties(mismatch);
        // More routes than that never help: one for each node of the plain trie.
        let all = v4.nodes.len() * 32 + v6.nodes.len() * 128;
        let mut cap = limit.unwrap_or(all).min(all);
        loop {
            let first = Pending::new(&v4, &prices.v4, &penalties);
            let second = Pending::new(&v6, &prices.v6, &penalties);
            let bound = first.bound.zip(second.bound).and_then(|(a, b)| a.checked_add(b));
            if bound.is_none_or(|sum| sum == Count::MOST) {
                return Err(RouteError::TooLarge);
            }
            let parts =
                [first.run(&penalties, &hops.allowed, cap), second.run(&penalties, &hops.allowed, cap)];
            let curves: Option<Vec<_>> = parts.iter().map(|part| part.curve()).collect();
            // Too low a limit: the smallest that can do is worth finding, since the error names it.
            if curves.is_none() && cap < all {
                cap = (cap * 2).clamp(64, all);
                continue;
            }
            return Ok(RouteCurve::new(parts, curves, cap, hops.names.into_iter().cloned().collect()));
        }
    }

    fn tries(&self, hops: &Hops<'_, H>) -> Result<(Trie<u32>, Trie<u128>), RouteError> {
        let mut marks = MarkLists { v4: Vec::with_capacity(self.wished.len()), v6: Vec::new() };
        let mut id = hops.reader();
        for route in &self.wished {
            marks.push(route.prefix, Marks { wish: Some(id(&route.hop)), ..Marks::default() });
        }
        for route in &self.pinned {
            marks.push(route.prefix, Marks { pinned: Some(id(&route.hop)), ..Marks::default() });
        }
        for route in &self.system {
            marks.push(route.prefix, Marks { system: Some(id(&route.hop)), ..Marks::default() });
        }
        for prefix in self.protected.iter().copied().chain(self.free.prefixes()) {
            marks.push(prefix, Marks { free: true, ..Marks::default() });
        }
        Ok((Trie::new(marks.v4)?, Trie::new(marks.v6)?))
    }
}

/// What is said of prefixes, by family.
struct MarkLists {
    v4: Vec<(Prefix<u32>, Marks)>,
    v6: Vec<(Prefix<u128>, Marks)>,
}

impl MarkLists {
    fn push(&mut self, prefix: IpPrefix, marks: Marks) {
        match prefix {
            IpPrefix::V4(p) => self.v4.push((p, marks)),
            IpPrefix::V6(p) => self.v6.push((p, marks)),
        }
    }
}

/// The most hops that one problem may name.
const MOST_HOPS: usize = 4096;

/// Hops by number: 0 is "no route", then all hops in order.
struct Hops<'a, H> {
    names: Vec<&'a H>,
    allowed: Vec<Hop>,
}

impl<'a, H: Ord + Clone + fmt::Display> Hops<'a, H> {
    fn new(problem: &'a RouteProblem<H>) -> Result<Self, RouteError> {
        let wished = distinct(problem.wished.iter().map(|r| &r.hop));
        let others = problem.pinned.iter().chain(&problem.system).map(|r| &r.hop);
        let allowed_names =
            problem.next_hops.as_ref().map_or_else(|| wished.clone(), |hops| hops.iter().collect());
        let all: BTreeSet<&H> =
            wished.into_iter().chain(others).chain(allowed_names.iter().copied()).collect();
        if all.len() >= MOST_HOPS {
            return Err(RouteError::TooManyHops(all.len()));
        }
        let mut hops = Hops { names: all.into_iter().collect(), allowed: Vec::new() };
        hops.allowed = allowed_names.into_iter().map(|hop| hops.id(hop)).collect();
        hops.allowed.sort_unstable();
        hops.allowed.dedup();
        Ok(hops)
    }

    fn id(&self, hop: &H) -> Hop {
        self.names.binary_search(&hop).expect("every hop was collected") as Hop + 1
    }

    /// [`id`](Self::id) that remembers the last answer: neighbours in a table often share their hop.
    fn reader(&self) -> impl FnMut(&'a H) -> Hop + '_ {
        let mut last: Option<(&H, Hop)> = None;
        move |hop| match last {
            Some((name, id)) if name == hop => id,
            _ => {
                let id = self.id(hop);
                last = Some((hop, id));
                id
            }
        }
    }

    fn display(&self, hop: Hop) -> String {
        if hop == NOWHERE { "no route".to_owned() } else { self.names[usize::from(hop) - 1].to_string() }
    }

    fn name(&self, table: Vec<(IpPrefix, Hop)>) -> Vec<Route<H>> {
        let route = |(prefix, hop)| Route { prefix, hop: self.names[usize::from(hop) - 1].clone() };
        table.into_iter().map(route).collect()
    }

    fn penalties(&self, mismatch: &Mismatch<H>) -> Penalties {
        let all: Vec<Option<&H>> =
            std::iter::once(None).chain(self.names.iter().map(|&hop| Some(hop))).collect();
        let row = |wish: &Option<&H>| all.iter().map(|got| mismatch.of(*wish, *got)).collect();
        Penalties::new(all.iter().map(row).collect())
    }
}

/// The distinct hops of many routes, without a look-up for runs of the same.
fn distinct<'a, H: Ord>(hops: impl Iterator<Item = &'a H>) -> BTreeSet<&'a H> {
    let mut all = BTreeSet::new();
    let mut last = None;
    for hop in hops {
        if last != Some(hop) {
            all.insert(hop);
            last = Some(hop);
        }
    }
    all
}

/// What it costs, per address and times its price, to get another hop than wished: 1 unless said otherwise.
/// `None` as a hop is "no route".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch<H> {
    costs: BTreeMap<(Option<H>, Option<H>), Option<u64>>,
}

impl<H: Ord + Clone> Mismatch<H> {
    /// Every mismatch costs 1.
    pub fn new() -> Self {
        Mismatch { costs: BTreeMap::new() }
    }

    /// Sets the cost of addresses that wish for one hop and get another.
    pub fn set(&mut self, wished: Option<H>, got: Option<H>, cost: u64) {
        self.costs.insert((wished, got), Some(cost));
    }

    /// Forbids that addresses that wish for one hop get another, at any price.
    pub fn forbid(&mut self, wished: Option<H>, got: Option<H>) {
        self.costs.insert((wished, got), None);
    }

    fn of(&self, wished: Option<&H>, got: Option<&H>) -> Option<u64> {
        if wished == got {
            return Some(0);
        }
        self.costs.get(&(wished.cloned(), got.cloned())).copied().unwrap_or(Some(1))
    }
}

impl<H: Ord + Clone> Default for Mismatch<H> {
    fn default() -> Self {
        Self::new()
    }
}

/// The trade-off between number of routes and cost of misrouted addresses.
pub struct RouteCurve<H> {
    parts: [Box<dyn Solved>; 2],
    hops: Vec<H>,
    /// The smallest number of routes, the cost from there on, and how to split routes between the families.
    tables: Option<(usize, Vec<Total>, Box<dyn Split>)>,
}

/// A table and what it costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteTable<H> {
    /// IPv4 first, each family by prefix; pinned routes included.
    pub routes: Vec<Route<H>>,
    /// What the misrouted addresses cost together.
    pub cost: Count,
}

impl<H: Clone> RouteCurve<H> {
    fn new(
        parts: [Box<dyn Solved>; 2],
        curves: Option<Vec<(usize, Vec<Total>)>>,
        cap: usize,
        hops: Vec<H>,
    ) -> Self {
        let tables = curves.map(|curves| {
            let smallest = curves.iter().map(|(least, _)| least).sum();
            let split = sums(curves, true, cap.max(smallest), None);
            let (smallest, totals) = split.total();
            (smallest, totals, split)
        });
        RouteCurve { parts, hops, tables }
    }

    /// The fewest routes that any table without a forbidden mismatch has, or `None` if there is no such table.
    pub fn smallest(&self) -> Option<usize> {
        self.tables.as_ref().map(|(smallest, ..)| *smallest)
    }

    /// Every number of routes at which the cost improves, ascending, as far as the limit; `extra` is the cost
    /// once more.
    pub fn points(&self) -> impl Iterator<Item = CurvePoint> + '_ {
        self.tables.iter().flat_map(|(smallest, totals, _)| {
            let improves = |at: usize| at == 0 || totals[at].cost < totals[at - 1].cost;
            let point = move |at: usize| CurvePoint {
                prefixes: smallest + at,
                cost: totals[at].cost,
                extra: totals[at].extra,
            };
            (0..totals.len()).filter(move |&at| improves(at)).map(point)
        })
    }

    /// The cheapest table of at most `routes` routes; of equally cheap ones one with the fewest.
    ///
    /// # Errors
    /// [`RouteError::TooFew`] below [`smallest`](Self::smallest).
    pub fn at_most(&self, routes: usize) -> Result<RouteTable<H>, RouteError> {
        let too_few = RouteError::TooFew { wanted: routes, smallest: self.smallest() };
        let Some((smallest, totals, split)) =
            self.tables.as_ref().filter(|(smallest, ..)| routes >= *smallest)
        else {
            return Err(too_few);
        };
        let cost = totals[(routes - smallest).min(totals.len() - 1)].cost;
        let fewest = smallest + totals.partition_point(|t| t.cost > cost);
        let shares = split.split(fewest);
        let named =
            |(prefix, hop): (IpPrefix, Hop)| Route { prefix, hop: self.hops[usize::from(hop) - 1].clone() };
        let tables = self.parts.iter().zip(shares).flat_map(|(part, share)| part.table(share));
        Ok(RouteTable { routes: tables.map(named).collect(), cost })
    }
}

impl<H> fmt::Debug for RouteCurve<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let costs = self
            .tables
            .iter()
            .flat_map(|(smallest, totals, _)| totals.iter().map(|t| t.cost).zip(*smallest..));
        f.debug_list().entries(costs.map(|(cost, routes)| (routes, cost))).finish()
    }
}

impl<A> From<RouteConflict<A>> for RouteError
where
    Prefix<A>: Into<IpPrefix>,
{
    fn from(conflict: RouteConflict<A>) -> Self {
        RouteError::Contradiction(conflict.0.into())
    }
}

/// Why there is no table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// Two routes of one kind give one prefix different hops.
    #[error("{0}: two different next hops")]
    Contradiction(IpPrefix),
    /// Some addresses need a hop that no route may name, and cannot inherit it.
    #[error("{at}: some addresses need `{needed}`, which routes may not name; `{against}` stands in the way")]
    Impossible {
        /// The block in which both meet.
        at: IpPrefix,
        /// The hop that can only be inherited.
        needed: String,
        /// What is inherited or needed there besides.
        against: String,
    },
    /// Fewer routes than any table needs.
    #[error("{wanted} routes cannot do: {}", smallest_text(*.smallest))]
    TooFew {
        /// The number asked for.
        wanted: usize,
        /// The number that is enough, if any is.
        smallest: Option<usize>,
    },
    /// More hops than bit masks are made for.
    #[error("{0} next hops are more than {most}", most = MOST_HOPS - 1)]
    TooManyHops(usize),
    /// Prices times mismatches could pass 2^192.
    #[error("prices and mismatches are too high to be added up exactly")]
    TooLarge,
}

fn smallest_text(smallest: Option<usize>) -> String {
    match smallest {
        Some(smallest) => format!("at least {smallest} are needed"),
        None => "no number is enough".to_owned(),
    }
}
