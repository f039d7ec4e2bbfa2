//! [`Reason`], [`ChoiceWhy`] and [`NotByName`]: why a target cannot say a flow, or says it otherwise than by name, as values
//! whose sentences stand here alone.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::addr::Count;
use crate::limits::LimitKey;
use crate::packet::{Ports, Protocol};
use crate::tags::{Symbol, TagName};

/// Why a target cannot say a flow. Its sentence, without full stop, is made where it is shown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// Azure takes no route table on the subnet.
    #[error("Azure takes no route table on this subnet, so that nothing leads its traffic to the firewall")]
    NoRouteTable,
    /// What comes in goes past the firewall.
    #[error("inbound traffic does not pass the firewall: a service tag can only be a destination there")]
    Inbound,
    /// What comes from inside does so too.
    #[error("it comes from the network, a peered one or private space, not from the Internet")]
    FromInside,
    /// Replies have no route.
    #[error("no route leads its replies back: the system's own drops them")]
    RepliesDropped,
    /// The default route of a family has no appliance to lead to.
    #[error("network.firewall has no address of this family")]
    NoAppliance,
    /// A list without addresses of the subnet's families.
    #[error("it has no address of a family that the subnet has")]
    NoAddress,
    /// The same, of IPv4.
    #[error("it has no IPv4 address")]
    NoV4,
    /// Groups let the platform's traffic pass.
    #[error("the platform's own traffic passes every security group unless a rule denies the tag")]
    PlatformPasses,
    /// The platform's traffic takes another way.
    #[error("{0} is the platform's own traffic, which does not pass a firewall")]
    PastFirewall(Symbol),
    /// A tag of no file that groups do not take.
    #[error("security groups do not take {0} by name, and no file says what it holds")]
    OutsideGroups(TagName),
    /// A tag of no file that these rules of a firewall do not take.
    #[error("these firewall rules do not take {0} by name, and no file says what it holds")]
    OutsideFirewall(TagName),
    /// Security groups of applications are inside.
    #[error("application security groups are inside the network, whose traffic does not pass a firewall")]
    SecurityGroup,
    /// Groups know addresses only.
    #[error("a security group knows no host names")]
    HostName,
    /// The firewall knows IPv4 only.
    #[error("Azure Firewall takes IPv4 only outside its dual-stack preview")]
    V4Only,
    /// A protocol without a word in rules of a firewall.
    #[error("firewall rules know no {0}")]
    Protocol(Protocol),
    /// Port 0, alone.
    #[error("rules of a firewall take ports from 1 on")]
    PortZero,
    /// Port 0, among others.
    #[error("rules of a firewall take ports from 1 on, so that port 0 is left out")]
    WithoutPortZero,
    /// UDP to a host.
    #[error("an application rule carries TCP only, so UDP to these ports is not let through")]
    TcpOnly,
    /// Something that application rules do not carry.
    #[error("{0}")]
    NotWeb(NotWeb),
    /// The same, and network rules do not take the host either.
    #[error("{0}, and {1}")]
    NoHostRule(NotWeb, NoHostRule),
    /// Paths in classic rules.
    #[error("classic rules know no paths")]
    ClassicPath,
    /// Paths without inspection.
    #[error("a path needs the premium tier with TLS inspection")]
    Path,
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// Why no application rule carries all of a flow.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum NotWeb {
    /// The protocol is not TCP.
    #[error("an application rule carries no {0}")]
    Protocol(Protocol),
    /// The ports are not those of the Web.
    #[error("an application rule carries HTTP on 80 and 8080 and HTTPS on 443 and 8443, not ports {0}")]
    Ports(Ports),
}

/// Why no network rule names a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum NoHostRule {
    /// It is a wildcard.
    #[error("a network rule takes no wildcard")]
    Wildcard,
    /// The tier does not take it.
    #[error("the basic tier takes no host name in a network rule")]
    Basic,
    /// The proxy is off.
    #[error("a host name in a network rule needs the DNS proxy")]
    NoProxy,
}

/// Why a flow or route has the form that it has, where that is not the plain one.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChoiceWhy {
    /// Why it is in that form.
    pub because: Option<Because>,
    /// By how many addresses its list is wider than was asked for, and for which limit.
    pub widened: Option<(Count, Option<LimitKey>)>,
}

impl ChoiceWhy {
    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.because.is_none() && self.widened.is_none()
    }
}

impl From<Because> for ChoiceWhy {
    fn from(because: Because) -> Self {
        ChoiceWhy { because: Some(because), widened: None }
    }
}

impl fmt::Display for ChoiceWhy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(because) = &self.because {
            write!(f, "{because}")?;
        }
        let Some((count, limit)) = &self.widened else { return Ok(()) };
        let join = if self.because.is_some() { "; " } else { "" };
        let limit = limit.map_or("", LimitKey::name);
        write!(f, "{join}widened by {count} addresses, since {limit} does not take the exact list")
    }
}

/// Why a remote side is in another form than it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[non_exhaustive]
pub enum Because {
    /// A tag that is not named.
    #[error("{0}")]
    NotByName(NotByName),
    /// What is excepted takes a list.
    #[error("addresses are excepted, so the rest is listed")]
    Excepted,
    /// Rules of a firewall know no symbols.
    #[error("firewall rules know no symbolic tags")]
    NoSymbols,
    /// Hosts in network rules.
    #[error("needs the DNS proxy on, and clients that resolve through it")]
    DnsProxy,
    /// `VirtualNetwork` behind routes; whether peered networks and those behind a gateway are named in the policy.
    #[error("VirtualNetwork would also hold the prefixes of the subnet's routes{}", left_out(*.peers, *.on_premises))]
    NetworkGrows {
        /// Whether peered networks are named.
        peers: bool,
        /// Whether networks behind a gateway are.
        on_premises: bool,
    },
    /// `Internet` behind a default route.
    #[error("with a default route, VirtualNetwork takes addresses away from Internet")]
    InternetShrinks,
    /// A host behind a firewall.
    #[error("opened to the Internet, since the firewall judges the name")]
    Opened,
    /// More tags than a table takes.
    #[error("a table takes {0} routes by tag")]
    RoutesByTag(usize),
    /// A route that is not needed.
    #[error("the default leads there too")]
    DefaultLeads,
    /// A route as it is written.
    #[error("as it is written")]
    AsWritten,
}

fn left_out(peers: bool, on_premises: bool) -> &'static str {
    match (peers, on_premises) {
        (false, false) => {
            "; peered networks and those behind a gateway are left out: name them in network.peers and network.on-premises"
        }
        (false, true) => "; peered networks are left out: name them in network.peers",
        (true, false) => "; networks behind a gateway are left out: name them in network.on-premises",
        (true, true) => "",
    }
}

/// Why a target gets the prefixes of a tag, not its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum NotByName {
    /// The policy says so.
    #[error("the policy asks for prefixes")]
    Asked,
    /// The file says nothing of targets.
    #[error("the file does not say which targets take the tag")]
    Unstated,
    /// The file does not name this target.
    #[error("the file does not list {0} among the tag's features")]
    Unlisted(&'static str),
}
