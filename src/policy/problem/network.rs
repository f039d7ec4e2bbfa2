//! [`NetworkProblem`]: networks, subnets and addresses that Azure does not take, or that contradict each other.

use std::net::{IpAddr, Ipv4Addr};

use crate::addr::{EntryError, IpPrefix};
use crate::subnet::Role;
use crate::text::did_you_mean;

/// What is wrong with the network of a policy.
#[derive(Debug, thiserror::Error)]
pub(in crate::policy) enum NetworkProblem {
    #[error("{text}: {error}")]
    Prefix { text: String, error: PrefixError },
    #[error("{text}: {error}")]
    Entry { text: String, error: EntryError },
    #[error("{0}: not an IP address")]
    Address(String),
    #[error("{text}: IPv4-mapped IPv6 address; if {address} is meant, write that")]
    Mapped { text: String, address: Ipv4Addr },
    #[error("{0}: a second address of the same family")]
    SecondAddress(String),
    #[error("{address}: {error}")]
    Hop { address: IpAddr, error: HopProblem },
    #[error(
        "{0} is in network.address-space, whose routes come first: what a gateway announces there has no effect; leave it out"
    )]
    Announced(IpPrefix),
    #[error("{prefix} is in network.address-space; `{key}` are the networks beside it")]
    Beside { prefix: IpPrefix, key: &'static str },
    #[error(
        "`{name}` is no name that Azure takes for a subnet: 1 to {most} letters, digits, `-`, `_` or `.`, the first a letter or digit, the last one too or `_`"
    )]
    SubnetName { name: String, most: usize },
    #[error("Azure reserves the name {name} for the role {role}")]
    ReservedName { name: String, role: Role },
    #[error("a subnet of the role {0} has to be called {0}")]
    RoleName(Role),
    #[error("unknown role `{text}`{}", roles(.nearest))]
    UnknownRole { text: String, nearest: Vec<String> },
    #[error("subnet {0} needs at least one prefix")]
    NoPrefix(String),
    #[error("{0} is outside network.address-space")]
    Outside(IpPrefix),
    #[error("{prefix} is also in subnet {other}")]
    Shared { prefix: IpPrefix, other: String },
    #[error("{0} is no prefix of a subnet: Azure takes IPv4 subnets from /29 on and IPv6 subnets of /64")]
    Length(IpPrefix),
    #[error(
        "{nodes} nodes do not fit: the subnet has room for {room}, since Azure keeps {kept} addresses of each prefix"
    )]
    Nodes { nodes: u32, room: u64, kept: u64 },
    #[error("{text}: the subnet has {other} already, and takes one of both")]
    Endpoints { text: String, other: &'static str },
    #[error("{service}: the service tags hold no {tag} of {region}, so that nobody knows what it takes")]
    EndpointTag { service: &'static str, tag: &'static str, region: String },
}

/// Why a text is no prefix of a network.
#[derive(Debug, thiserror::Error)]
pub(in crate::policy) enum PrefixError {
    #[error(transparent)]
    Form(#[from] EntryError),
    #[error(
        "an address without a length; write the network's prefix, or {address}/{host} if one address is meant"
    )]
    NoLength { address: IpAddr, host: u8 },
    #[error("a prefix is expected here, not a range")]
    Range,
}

/// Why a route cannot lead to an appliance.
#[derive(Debug, thiserror::Error)]
pub(in crate::policy) enum HopProblem {
    #[error(
        "a route leads to a private address in the network or in one that is peered with it, never to a public one"
    )]
    Public,
    #[error("Azure keeps this address of {prefix} (subnet {subnet}) for itself")]
    Kept { prefix: IpPrefix, subnet: String },
}

/// The roles that are near, or all there are.
fn roles(nearest: &[String]) -> String {
    if nearest.is_empty() {
        "; roles are ordinary, application-gateway, delegated:SERVICE and Azure's reserved names".to_owned()
    } else {
        did_you_mean(nearest)
    }
}
