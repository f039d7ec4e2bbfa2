//! [`RouteMap`]: where Azure sends each address: longest prefix, then precedence.
//!
//! Source of the precedence: virtual-networks-udr-overview.md, 2023-05-27, 2024-10-30: of routes with one prefix those
//! of the user come before those that a gateway announces, and these before the system's; but the system's routes for
//! the network, its peerings and service endpoints come before a gateway's even where that is more specific, and those
//! of service endpoints are not overridden by a table.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use super::error::ReplayError;
use super::rank::Rank;
use super::resolver::Resolver;
use crate::addr::{AddrSet, Address, IntervalSet, IpPrefix, LongestMatch, Prefix, by_answer, pieces};
use crate::packet::NextHop;
use crate::read::resources::{Route, RouteTable};
use crate::tags::SYSTEM_NONE;

/// Whose a route is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RouteSource {
    /// Azure's own: to the Internet, or nowhere.
    System,
    /// Azure's own to the virtual network.
    Network,
    /// Azure's own to a peered network.
    Peering,
    /// Announced by a gateway.
    Gateway,
    /// A service endpoint's.
    Endpoint,
    /// The user's, in a route table.
    User,
}

/// One prefix with its next hop.
#[derive(Debug, Clone)]
struct PrefixHop<A: Address> {
    prefix: Prefix<A>,
    rank: Rank,
    source: RouteSource,
    hop: NextHop,
    name: Arc<str>,
}

/// All routes in effect on a subnet, the system's and those of its table: a map from addresses to next hops.
#[derive(Debug, Clone, Default)]
pub struct RouteMap {
    v4: Vec<PrefixHop<u32>>,
    v6: Vec<PrefixHop<u128>>,
    /// Addresses that go one way whatever other routes say.
    fixed: Vec<Fixed>,
}

/// Addresses for which no route table is asked.
#[derive(Debug, Clone)]
struct Fixed {
    name: Arc<str>,
    hop: NextHop,
    source: RouteSource,
    addresses: AddrSet,
}

/// What decides where an address goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteDecision<'a> {
    /// Where it goes; nowhere if no route holds it. The network itself for peered networks, the Internet for service
    /// endpoints: [`source`](Self::source) tells them apart.
    pub hop: NextHop,
    /// The route's name, or what the system's route is for.
    pub route: Option<&'a str>,
    /// Whose route it is.
    pub source: RouteSource,
    /// The route's prefix, of a tag that of its prefixes which holds the address; only where one address is asked for.
    pub prefix: Option<IpPrefix>,
}

/// Addresses that go one way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteClass {
    /// Where they go.
    pub hop: NextHop,
    /// By whose routes.
    pub source: RouteSource,
    /// The addresses.
    pub addresses: AddrSet,
}

/// Addresses that two maps send to different next hops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteDifference {
    /// The addresses.
    pub addresses: AddrSet,
    /// Where the first map sends them.
    pub first: NextHop,
    /// Where the second map sends them.
    pub second: NextHop,
}

impl RouteMap {
    /// The system's routes of a network with this address space: inside, to the Internet, and the private ranges that
    /// are dropped.
    pub fn system(space: &AddrSet) -> Self {
        let mut routes = RouteMap::default();
        let system = Origin { rank: Rank::System, source: RouteSource::System };
        for all in ["0.0.0.0/0", "::/0"] {
            routes.add(constant(all), system, NextHop::Internet, "the system's default");
        }
        for block in SYSTEM_NONE {
            routes.add(constant(block), system, NextHop::None, "the system's route for private space");
        }
        let network = Origin { source: RouteSource::Network, ..system };
        for prefix in space.prefixes() {
            routes.add(prefix, network, NextHop::VnetLocal, "the system's route for the virtual network");
        }
        routes
    }

    /// The system's routes to the address spaces of peered networks beside these.
    pub fn with_peers(mut self, spaces: &AddrSet) -> Self {
        let origin = Origin { rank: Rank::System, source: RouteSource::Peering };
        for prefix in spaces.prefixes() {
            self.add(prefix, origin, NextHop::VnetLocal, "the system's route for a peered network");
        }
        self
    }

    /// What a gateway announces beside these, prefix by prefix. Of that, what lies in the network or in a peered one has no effect; so
    /// these must be there before.
    pub fn with_gateway(mut self, announced: &[IpPrefix]) -> Self {
        let origin = Origin { rank: Rank::Gateway, source: RouteSource::Gateway };
        for prefix in
            announced.iter().copied().filter(|prefix| !self.is_preferred(prefix)).collect::<Vec<_>>()
        {
            self.add(prefix, origin, NextHop::Gateway, "a route that the gateway announces");
        }
        self
    }

    /// A service endpoint for these addresses beside these: no route table overrides it.
    pub fn with_endpoint(mut self, service: &str, addresses: AddrSet) -> Self {
        let name = format!("the service endpoint {service}").into();
        self.fixed.push(Fixed { name, hop: NextHop::Internet, source: RouteSource::Endpoint, addresses });
        self
    }

    /// The addresses of Azure's platform beside these, which a machine reaches on its own host: no table is asked.
    pub fn with_platform(mut self, addresses: AddrSet) -> Self {
        let (name, source) = ("the platform, on the machine's own host".into(), RouteSource::Network);
        self.fixed.push(Fixed { name, hop: NextHop::VnetLocal, source, addresses });
        self
    }

    /// Whether the system's own routes to the network or a peered one hold all of `prefix`.
    fn is_preferred(&self, prefix: &IpPrefix) -> bool {
        fn holds<A: Address>(entries: &[PrefixHop<A>], prefix: &Prefix<A>) -> bool {
            let own = |e: &&PrefixHop<A>| matches!(e.source, RouteSource::Network | RouteSource::Peering);
            entries.iter().filter(own).any(|e| {
                e.prefix.len() <= prefix.len() && e.prefix.interval().contains(prefix.interval().first())
            })
        }
        match prefix {
            IpPrefix::V4(prefix) => holds(&self.v4, prefix),
            IpPrefix::V6(prefix) => holds(&self.v6, prefix),
        }
    }

    /// The routes of `table` beside these.
    ///
    /// # Errors
    /// The first route whose destination or next hop is not understood.
    pub fn with_table(mut self, table: &RouteTable, resolver: &Resolver<'_>) -> Result<Self, ReplayError> {
        for route in &table.routes {
            self.add_route(route, resolver).map_err(|error| error.in_route(&route.name))?;
        }
        Ok(self)
    }

    /// Where an address goes, and by which route. Looks at every route.
    pub fn evaluate(&self, address: IpAddr) -> RouteDecision<'_> {
        if let Some(fixed) = self.fixed.iter().find(|fixed| fixed.addresses.contains(address)) {
            let Fixed { name, hop, source, .. } = fixed;
            return RouteDecision { hop: *hop, route: Some(name), source: *source, prefix: None };
        }
        match address {
            IpAddr::V4(address) => {
                let entry = decide(&self.v4, address.into());
                RouteDecision { prefix: entry.map(|e| e.prefix.into()), ..decision(entry) }
            }
            IpAddr::V6(address) => {
                let entry = decide(&self.v6, address.into());
                RouteDecision { prefix: entry.map(|e| e.prefix.into()), ..decision(entry) }
            }
        }
    }

    /// The addresses of each route, in no order.
    pub(super) fn sets(&self) -> impl Iterator<Item = AddrSet> {
        let v4 = self.v4.iter().map(|route| AddrSet::from(IpPrefix::from(route.prefix)));
        let v6 = self.v6.iter().map(|route| AddrSet::from(IpPrefix::from(route.prefix)));
        v4.chain(v6).chain(self.fixed.iter().map(|fixed| fixed.addresses.clone()))
    }

    /// All addresses, cut by where they go and by whose routes; no two classes hold one address.
    ///
    /// # Cost
    /// `O(n log n)` for `n` routes.
    ///
    /// ```
    /// use tagwall::addr::{AddrSet, IpPrefix};
    /// use tagwall::replay::{RouteMap, RouteSource};
    /// let set = |text: &str| AddrSet::from(text.parse::<IpPrefix>().unwrap());
    /// let map = RouteMap::system(&set("10.20.0.0/16")).with_peers(&set("10.0.0.0/22"));
    /// let peered = map.classes().into_iter().find(|class| class.source == RouteSource::Peering).unwrap();
    /// assert_eq!(peered.addresses, set("10.0.0.0/22"));
    /// ```
    pub fn classes(&self) -> Vec<RouteClass> {
        let mut found: Vec<RouteClass> = Vec::new();
        for ((hop, source), v4) in sorted_out(&self.v4) {
            found.push(RouteClass { hop, source, addresses: AddrSet { v4, ..AddrSet::empty() } });
        }
        for ((hop, source), v6) in sorted_out(&self.v6) {
            match found.iter_mut().find(|class| (class.hop, class.source) == (hop, source)) {
                Some(same) => same.addresses.v6 = v6,
                None => found.push(RouteClass { hop, source, addresses: AddrSet { v6, ..AddrSet::empty() } }),
            }
        }
        let mut before = AddrSet::empty();
        for Fixed { hop, source, addresses, .. } in &self.fixed {
            let own = addresses.difference(&before);
            found.iter_mut().for_each(|class| class.addresses = class.addresses.difference(&own));
            before = before.union(&own);
            match found.iter_mut().find(|class| (class.hop, class.source) == (*hop, *source)) {
                Some(same) => same.addresses = same.addresses.union(&own),
                None => found.push(RouteClass { hop: *hop, source: *source, addresses: own }),
            }
        }
        found.retain(|class| !class.addresses.is_empty());
        found
    }

    /// All addresses that the two maps send to different next hops, by pairs of hops in order. Service endpoints and
    /// the platform are not looked at.
    ///
    /// # Cost
    /// `O(n log n)` for `n` routes of both.
    ///
    /// ```
    /// use tagwall::addr::AddrSet;
    /// use tagwall::packet::NextHop;
    /// use tagwall::read::resources::{Route, RouteTable};
    /// use tagwall::replay::{Resolver, RouteMap};
    /// use tagwall::tags::{Cloud, Snapshot, Symbols, sample};
    ///
    /// let snapshot = Snapshot::parse(&sample::sample_json(Cloud::Public).unwrap())?;
    /// let symbols = Symbols::new(&AddrSet::empty(), &AddrSet::empty());
    /// let table = RouteTable {
    ///     routes: vec![Route {
    ///         name: "drop".to_owned(),
    ///         address_prefix: "203.0.113.0/24".to_owned(),
    ///         next_hop_type: "None".to_owned(),
    ///         next_hop_address: None,
    ///     }],
    ///     ..RouteTable::default()
    /// };
    /// let system = RouteMap::system(&AddrSet::empty());
    /// let routed = system.clone().with_table(&table, &Resolver::new(&snapshot, &symbols))?;
    /// assert_eq!(routed.evaluate("203.0.113.9".parse()?).route, Some("drop"));
    ///
    /// let found = system.difference(&routed);
    /// assert_eq!((found[0].first, found[0].second), (NextHop::Internet, NextHop::None));
    /// assert_eq!(found[0].addresses.prefixes().next().unwrap().to_string(), "203.0.113.0/24");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn difference(&self, other: &Self) -> Vec<RouteDifference> {
        let mut found: Vec<RouteDifference> = Vec::new();
        for (hops, set) in differing(&self.v4, &other.v4) {
            found.push(RouteDifference {
                addresses: AddrSet { v4: set, ..AddrSet::empty() },
                first: hops.0,
                second: hops.1,
            });
        }
        for ((first, second), set) in differing(&self.v6, &other.v6) {
            match found.iter_mut().find(|d| (d.first, d.second) == (first, second)) {
                Some(same) => same.addresses.v6 = set,
                None => found.push(RouteDifference {
                    addresses: AddrSet { v6: set, ..AddrSet::empty() },
                    first,
                    second,
                }),
            }
        }
        found
    }

    /// The first IPv4 or IPv6 address at which `wanted` names another next hop: the address, the hop that is wanted, and
    /// what decides here. `wanted` are sets in order of precedence; the last of each family holds the rest.
    pub(crate) fn first_stray<'a>(&'a self, wanted: &WantedHops) -> [Option<Stray<'a>>; 2] {
        [
            first_stray(&self.v4, &wanted.v4, |a| IpAddr::V4(Ipv4Addr::from(a))),
            first_stray(&self.v6, &wanted.v6, |a| IpAddr::V6(Ipv6Addr::from(a))),
        ]
    }

    fn add(&mut self, prefix: IpPrefix, origin: Origin, hop: NextHop, name: impl Into<Arc<str>>) {
        let (Origin { rank, source }, name) = (origin, name.into());
        match prefix {
            IpPrefix::V4(prefix) => self.v4.push(PrefixHop { prefix, rank, source, hop, name }),
            IpPrefix::V6(prefix) => self.v6.push(PrefixHop { prefix, rank, source, hop, name }),
        }
    }

    fn add_route(&mut self, route: &Route, resolver: &Resolver<'_>) -> Result<(), ReplayError> {
        let hop = next_hop(route)?;
        if let Ok(prefix) = route.address_prefix.parse::<IpPrefix>() {
            let origin = Origin { rank: Rank::Explicit, source: RouteSource::User };
            self.add(prefix, origin, hop, route.name.as_str());
            return Ok(());
        }
        let tag = resolver.snapshot().tag(&route.address_prefix);
        let tag = tag.ok_or_else(|| ReplayError::RouteTo(route.address_prefix.clone()))?;
        let rank = Rank::of_tag(tag);
        // The published prefixes compete, not the fewest that hold the same addresses.
        let name: Arc<str> = route.name.as_str().into();
        for prefix in tag.published() {
            self.add(prefix, Origin { rank, source: RouteSource::User }, hop, name.clone());
        }
        Ok(())
    }
}

/// Whose an entry is, and how it stands against others.
#[derive(Clone, Copy)]
struct Origin {
    rank: Rank,
    source: RouteSource,
}

/// Where each address is to go: sets in order of precedence, the last one of each family holding the rest.
#[derive(Debug, Clone, Default)]
pub(crate) struct WantedHops {
    pub(crate) v4: Vec<(IntervalSet<u32>, NextHop)>,
    pub(crate) v6: Vec<(IntervalSet<u128>, NextHop)>,
}

impl WantedHops {
    /// Sends `set` to `hop`, but for what was named before.
    pub(crate) fn then(&mut self, set: AddrSet, hop: NextHop) {
        self.v4.push((set.v4, hop));
        self.v6.push((set.v6, hop));
    }
}

/// An address that goes elsewhere than wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stray<'a> {
    pub(crate) address: IpAddr,
    pub(crate) wanted: NextHop,
    pub(crate) decision: RouteDecision<'a>,
}

fn constant(text: &str) -> IpPrefix {
    text.parse().expect("a constant prefix")
}

fn next_hop(route: &Route) -> Result<NextHop, ReplayError> {
    match (route.next_hop_type.to_ascii_lowercase().as_str(), &route.next_hop_address) {
        ("virtualappliance", Some(addr)) => {
            addr.parse().map(NextHop::Appliance).map_err(|_| ReplayError::HopAddress(addr.clone()))
        }
        ("virtualappliance", None) => Err(ReplayError::NoHopAddress),
        ("internet", _) => Ok(NextHop::Internet),
        ("none", _) => Ok(NextHop::None),
        ("vnetlocal", _) => Ok(NextHop::VnetLocal),
        ("virtualnetworkgateway", _) => Ok(NextHop::Gateway),
        (other, _) => Err(ReplayError::HopType(other.to_owned())),
    }
}

fn decision<A: Address>(entry: Option<&PrefixHop<A>>) -> RouteDecision<'_> {
    RouteDecision {
        hop: entry.map_or(NextHop::None, |e| e.hop),
        route: entry.map(|e| &*e.name),
        source: entry.map_or(RouteSource::System, |e| e.source),
        prefix: None,
    }
}

fn decide<A: Address>(entries: &[PrefixHop<A>], address: A) -> Option<&PrefixHop<A>> {
    let holding = entries.iter().filter(|e| e.prefix.interval().contains(address));
    holding.max_by_key(|e| (e.prefix.len(), e.rank))
}

/// A next hop, and whose routes lead there.
type Leads = (NextHop, RouteSource);

/// All addresses by where routes lead.
fn sorted_out<A: Address>(entries: &[PrefixHop<A>]) -> Vec<(Leads, IntervalSet<A>)> {
    let mut longest = longest(entries);
    by_answer(&pieces(entries.iter().map(|e| e.prefix.interval())), |start| {
        let decision = decision(longest.at(start));
        (decision.hop, decision.source)
    })
}

fn differing<A: Address>(
    first: &[PrefixHop<A>],
    second: &[PrefixHop<A>],
) -> Vec<((NextHop, NextHop), IntervalSet<A>)> {
    let [mut a, mut b] = [longest(first), longest(second)];
    let pieces = pieces(first.iter().chain(second).map(|e| e.prefix.interval()));
    let mut parts = by_answer(&pieces, |start| (decision(a.at(start)).hop, decision(b.at(start)).hop));
    parts.retain(|((a, b), _)| a != b);
    parts
}

fn first_stray<'a, A: Address>(
    routes: &'a [PrefixHop<A>],
    wanted: &[(IntervalSet<A>, NextHop)],
    show: impl Fn(A) -> IpAddr,
) -> Option<Stray<'a>> {
    let sets = wanted.iter().flat_map(|(set, _)| set.intervals().iter().copied());
    let mut matching = longest(routes);
    for piece in pieces(routes.iter().map(|e| e.prefix.interval()).chain(sets)) {
        let start = piece.first();
        let decision = decision(matching.at(start));
        let (_, hop) =
            wanted.iter().find(|(set, _)| set.contains(start)).expect("the last set holds every address");
        if decision.hop != *hop {
            return Some(Stray { address: show(start), wanted: *hop, decision });
        }
    }
    None
}

fn longest<A: Address>(entries: &[PrefixHop<A>]) -> LongestMatch<'_, A, PrefixHop<A>> {
    LongestMatch::new(entries, |e| (e.prefix, e.rank))
}
