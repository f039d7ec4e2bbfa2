//! What a route table gets.

use std::fmt;

use crate::addr::IpPrefix;
use crate::packet::NextHop;

/// A route table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteTable {
    /// Name of the resource.
    pub name: String,
    /// Names of the subnets that it is for, in order.
    pub subnets: Vec<String>,
    /// Whether routes learned by a gateway are kept off.
    pub disable_bgp: bool,
    /// Whether the routes of peerings are kept off.
    pub disable_peering_route: bool,
    /// Routes in order of their names.
    pub routes: Vec<Route>,
}

/// One user-defined route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Name, unique in the table ignoring case.
    pub name: String,
    /// Where it leads to.
    pub to: RouteTo,
    /// Its next hop.
    pub next_hop: NextHop,
}

/// What a route matches.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum RouteTo {
    /// One prefix.
    Prefix(IpPrefix),
    /// The published prefixes of a service tag.
    Tag(String),
}

impl fmt::Display for RouteTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RouteTo::Prefix(prefix) => prefix.fmt(f),
            RouteTo::Tag(name) => f.write_str(name),
        }
    }
}
