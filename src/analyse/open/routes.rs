//! [`OpenRoutes`]: where each address goes by a table beside the system's routes, and what of that is not known.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::resolver::OpenResolver;
use crate::addr::{AddrSet, Address, IntervalSet, IpPrefix, LongestMatch, Prefix, by_answer, pieces};
use crate::read::live::{LiveRoute, LiveTable};
use crate::replay::Rank;
use crate::tags::SYSTEM_NONE;

/// Where an address goes: a type of Azure's, with the address of an appliance.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hop {
    kind: Cow<'static, str>,
    address: Option<IpAddr>,
}

impl Hop {
    /// A hop by its type, in any of Azure's spellings.
    fn new(kind: &str, address: Option<&str>) -> Self {
        let known = [
            "VirtualAppliance",
            "Internet",
            "None",
            "VnetLocal",
            "VirtualNetworkGateway",
            "VNetPeering",
            "VNetGlobalPeering",
            "VirtualNetworkServiceEndpoint",
            "InterfaceEndpoint",
            "HyperNetGateway",
            "Null",
        ];
        let kind = kind.replace([' ', '_'], "");
        let kind = match known.iter().find(|known| known.eq_ignore_ascii_case(&kind)) {
            Some(&"Null") => Cow::Borrowed("None"),
            Some(known) => Cow::Borrowed(*known),
            None => Cow::Owned(kind),
        };
        // Only for an appliance does the address say anything.
        let address = address.and_then(|text| text.parse().ok()).filter(|_| kind == "VirtualAppliance");
        Hop { kind, address }
    }
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            Some(address) => write!(f, "{} {address}", self.kind),
            None => f.write_str(&self.kind),
        }
    }
}

#[derive(Debug, Clone)]
struct Route<A: Address> {
    prefix: Prefix<A>,
    rank: Rank,
    hop: usize,
    /// The number of the route in the table; none for the system's.
    origin: Option<usize>,
}

/// All routes in effect.
#[derive(Debug, Clone, Default)]
pub(crate) struct OpenRoutes {
    v4: Vec<Route<u32>>,
    v6: Vec<Route<u128>>,
    hops: Vec<Hop>,
    /// What is not known: routes to tags of no file, hops that are no hops.
    pub(crate) open: Vec<UnknownRoute>,
    names: Vec<String>,
}

/// A route of which not all is known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[non_exhaustive]
pub enum UnknownRoute {
    /// Its destination is not.
    #[error("route {0} leads to {1}, which is not known")]
    To(String, String),
    /// Its next hop is not.
    #[error("the next hop of route {0} is not known")]
    Hop(String),
}

/// Addresses that two tables send elsewhere.
#[derive(Debug, Clone)]
pub(crate) struct HopDifference {
    pub(crate) addresses: AddrSet,
    pub(crate) a: Hop,
    pub(crate) b: Hop,
}

impl OpenRoutes {
    /// The routes of a table beside the system's; of a list of routes in effect, these alone.
    pub(crate) fn of(table: Option<&LiveTable>, meaning: &OpenResolver<'_>) -> Self {
        let mut routes = OpenRoutes::default();
        if !table.is_some_and(|table| table.effective) {
            routes.system(meaning.space.as_ref());
        }
        for route in table.map(|table| table.routes.as_slice()).unwrap_or_default() {
            routes.add(route, meaning);
        }
        routes
    }

    fn system(&mut self, space: Option<&AddrSet>) {
        for all in ["0.0.0.0/0", "::/0"] {
            self.push(constant(all), Rank::System, Hop::new("Internet", None), None);
        }
        // Where the network is not known, private space is inside or dropped: the system decides.
        let private = if space.is_some() { "None" } else { "system" };
        for block in SYSTEM_NONE {
            self.push(constant(block), Rank::System, Hop::new(private, None), None);
        }
        for prefix in space.iter().flat_map(|space| space.prefixes()) {
            self.push(prefix, Rank::System, Hop::new("VnetLocal", None), None);
        }
    }

    fn push(&mut self, prefix: IpPrefix, rank: Rank, hop: Hop, origin: Option<usize>) {
        let hop = self.hops.iter().position(|known| *known == hop).unwrap_or_else(|| {
            self.hops.push(hop);
            self.hops.len() - 1
        });
        match prefix {
            IpPrefix::V4(prefix) => self.v4.push(Route { prefix, rank, hop, origin }),
            IpPrefix::V6(prefix) => self.v6.push(Route { prefix, rank, hop, origin }),
        }
    }

    fn add(&mut self, route: &LiveRoute, meaning: &OpenResolver<'_>) {
        let origin = Some(self.names.len());
        let name = if route.name.is_empty() { route.prefixes.join(", ") } else { route.name.clone() };
        self.names.push(name);
        let hop = Hop::new(&route.next_hop_type, route.next_hop_address.as_deref());
        if hop.kind.is_empty()
            || hop.kind.starts_with('[')
            || (hop.kind == "VirtualAppliance" && hop.address.is_none())
        {
            self.open.push(UnknownRoute::Hop(route.name.clone()));
        }
        let own = match route.source.as_deref().map(str::to_ascii_lowercase).as_deref() {
            Some("default") => Rank::System,
            Some("virtualnetworkgateway") => Rank::Gateway,
            _ => Rank::Explicit,
        };
        for text in &route.prefixes {
            if let Ok(prefix) = IpPrefix::parse(text, true) {
                self.push(prefix, own, hop.clone(), origin);
                continue;
            }
            let Some(tag) = meaning.snapshot.and_then(|snapshot| snapshot.tag(text)) else {
                self.open.push(UnknownRoute::To(route.name.clone(), text.clone()));
                continue;
            };
            let rank = Rank::of_tag(tag);
            // The published prefixes compete, not the fewest that hold the same addresses.
            for prefix in tag.published() {
                self.push(prefix, rank, hop.clone(), origin);
            }
        }
    }

    /// The route of the table that an address goes by; none where the system's decides.
    pub(crate) fn route_at(&self, address: IpAddr) -> Option<&str> {
        fn best<A: Address>(routes: &[Route<A>], address: A) -> Option<usize> {
            let holding = routes.iter().filter(|route| route.prefix.interval().contains(address));
            holding.max_by_key(|route| (route.prefix.len(), route.rank))?.origin
        }
        let origin = match address {
            IpAddr::V4(address) => best(&self.v4, u32::from(address)),
            IpAddr::V6(address) => best(&self.v6, u128::from(address)),
        };
        Some(&self.names[origin?])
    }

    /// The addresses that a route of the table decides.
    pub(crate) fn addresses_of(&self, origin: usize) -> AddrSet {
        fn own<A: Address>(routes: &[Route<A>], origin: usize) -> IntervalSet<A> {
            let marked: Vec<Route<A>> = routes
                .iter()
                .map(|route| Route { hop: usize::from(route.origin == Some(origin)), ..route.clone() })
                .collect();
            let found = by_hops(&marked, &[]).into_iter().find(|((hop, _), _)| *hop == Some(1));
            found.map_or_else(IntervalSet::empty, |(_, set)| set)
        }
        AddrSet { v4: own(&self.v4, origin), v6: own(&self.v6, origin) }
    }

    /// All addresses that two go elsewhere by, by pairs of hops.
    pub(crate) fn difference(&self, other: &Self) -> Vec<HopDifference> {
        let none = Hop::new("None", None);
        let mut found: Vec<HopDifference> = Vec::new();
        let mut add = |a: Option<usize>, b: Option<usize>, set: AddrSet| {
            let a = a.map_or(&none, |hop| &self.hops[hop]);
            let b = b.map_or(&none, |hop| &other.hops[hop]);
            if a == b {
                return;
            }
            match found.iter_mut().find(|d| d.a == *a && d.b == *b) {
                Some(same) => same.addresses = same.addresses.union(&set),
                None => found.push(HopDifference { addresses: set, a: a.clone(), b: b.clone() }),
            }
        };
        for ((a, b), v4) in by_hops(&self.v4, &other.v4) {
            add(a, b, AddrSet { v4, ..AddrSet::empty() });
        }
        for ((a, b), v6) in by_hops(&self.v6, &other.v6) {
            add(a, b, AddrSet { v6, ..AddrSet::empty() });
        }
        found.sort_by(|x, y| (&x.a, &x.b).cmp(&(&y.a, &y.b)));
        found
    }
}

fn constant(text: &str) -> IpPrefix {
    text.parse().expect("a constant prefix")
}

/// The numbers of the hops of two lists; none where no route leads anywhere.
type Hops = (Option<usize>, Option<usize>);

/// All addresses by the hops that two lists send them to.
fn by_hops<A: Address>(a: &[Route<A>], b: &[Route<A>]) -> Vec<(Hops, IntervalSet<A>)> {
    let [mut first, mut second] = [a, b].map(|list| LongestMatch::new(list, |r| (r.prefix, r.rank)));
    by_answer(&pieces(a.iter().chain(b).map(|route| route.prefix.interval())), |start| {
        (first.at(start).map(|r| r.hop), second.at(start).map(|r| r.hop))
    })
}

/// The lowest address of a set.
pub(crate) fn first_address(set: &AddrSet) -> Option<IpAddr> {
    let v4 = set.v4.first().map(|address| IpAddr::V4(Ipv4Addr::from(address)));
    v4.or_else(|| set.v6.first().map(|address| IpAddr::V6(Ipv6Addr::from(address))))
}
