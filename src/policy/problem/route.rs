//! [`RouteProblem`]: routes that Azure does not take, that lead nowhere, or that contradict each other.

use crate::addr::IpPrefix;
use crate::packet::NextHop;
use crate::policy::rule::Remote;
use crate::subnet::Role;
use crate::text::did_you_mean;

/// What is wrong with a route.
#[derive(Debug, thiserror::Error)]
pub(in crate::policy) enum RouteProblem {
    #[error("{0}: a route leads to prefixes or a service tag, and to nothing else")]
    Remote(Remote),
    #[error("{0} takes no route table: Azure refuses one there")]
    NoTable(String),
    #[error(
        "`{text}` is no next hop: firewall, internet, gateway, none, vnet or the private address of an appliance{}",
        did_you_mean(.nearest)
    )]
    NextHop { text: String, nearest: Vec<String> },
    #[error("the default route of {subnet} ({role}) can only lead to the Internet")]
    OnlyInternet { subnet: String, role: Role },
    #[error("the default route of {subnet} would have two next hops: {one} and {other}")]
    TwoDefaults { subnet: String, one: NextHop, other: NextHop },
    #[error("the route to {0} leads into the network, whose address space does not hold it")]
    NotInside(Remote),
    #[error(
        "{a} and {b} reach each other through different appliances ({there} and {back}): one that keeps state drops the half of a connection that it did not see begin"
    )]
    BothWays { a: String, b: String, there: NextHop, back: NextHop },
    #[error(
        "the route to {0} holds 168.63.129.16, the platform's own address, which is never routed; take it out with `except` or narrower prefixes"
    )]
    Platform(Remote),
    #[error("the route to {0} would take a part of the virtual network out of it")]
    PartOfNetwork(Remote),
    #[error(
        "the route to {to} would take {prefix} out of the virtual network; inside it a route leads to an appliance or stays"
    )]
    OutOfNetwork { to: Remote, prefix: IpPrefix },
    #[error(
        "{prefix} would have two next hops: {} by the route to {}, {} by the route to {}",
        .one.0, .one.1, .other.0, .other.1
    )]
    TwoHops { prefix: IpPrefix, one: (NextHop, Remote), other: (NextHop, Remote) },
}
