//! What a subnet is for ([`Role`]), by what it reaches the Internet ([`Outbound`]), and what the gateway beside it
//! announces ([`Announced`]).

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::addr::{AddrSet, IpPrefix};
use crate::text::nearest;

/// What a gateway announces by BGP of the networks behind it: each prefix as it comes, since Azure weighs them one by one
/// against other routes.
///
/// ```
/// use tagwall::subnet::Announced;
/// let announced = Announced::from_iter(["10.0.0.0/8".parse().unwrap(), "0.0.0.0/0".parse().unwrap()]);
/// assert_eq!(announced.space().prefixes().next().unwrap().to_string(), "10.0.0.0/8");
/// assert!(announced.has_default(false) && !announced.has_default(true));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Announced {
    prefixes: Vec<IpPrefix>,
}

impl Announced {
    /// The prefixes, in order, each once.
    pub fn prefixes(&self) -> &[IpPrefix] {
        &self.prefixes
    }

    /// The addresses behind the gateway: all that is announced but a default route, which says that the rest of the world
    /// is reached that way and not that it is there.
    pub fn space(&self) -> AddrSet {
        self.prefixes.iter().copied().filter(|prefix| prefix.len() > 0).collect()
    }

    /// Whether a default route of the family is announced: forced tunnelling without a route table.
    pub fn has_default(&self, v6: bool) -> bool {
        self.prefixes.iter().any(|prefix| prefix.len() == 0 && prefix.is_v4() != v6)
    }

    /// Whether nothing is announced.
    pub fn is_empty(&self) -> bool {
        self.prefixes.is_empty()
    }
}

impl FromIterator<IpPrefix> for Announced {
    fn from_iter<I: IntoIterator<Item = IpPrefix>>(prefixes: I) -> Self {
        let mut prefixes: Vec<IpPrefix> = prefixes.into_iter().collect();
        prefixes.sort_unstable();
        prefixes.dedup();
        Announced { prefixes }
    }
}

/// What a subnet is for, which decides what may be put on it.
///
/// Source: vpn-gateway-about-vpn-gateway-settings.md, firewall-faq, bastion-nsg.md, route-server-faq,
/// application-gateway configuration-infrastructure.md; each page as of 2026.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// For machines of any kind.
    #[default]
    Ordinary,
    /// For virtual network gateways.
    Gateway,
    /// For Azure Firewall.
    Firewall,
    /// For the management traffic of Azure Firewall.
    FirewallManagement,
    /// For Azure Bastion.
    Bastion,
    /// For Azure Route Server.
    RouteServer,
    /// For Application Gateway.
    ApplicationGateway,
    /// Delegated to a service, such as `Microsoft.Databricks/workspaces`.
    Delegated(String),
}

impl Role {
    const NAMED: [Role; 7] = [
        Role::Ordinary,
        Role::Gateway,
        Role::Firewall,
        Role::FirewallManagement,
        Role::Bastion,
        Role::RouteServer,
        Role::ApplicationGateway,
    ];

    /// The role that a name of a subnet reserves, ignoring case, as Azure does.
    ///
    /// ```
    /// use tagwall::subnet::Role;
    /// assert_eq!(Role::reserved("gatewaysubnet"), Some(Role::Gateway));
    /// assert_eq!(Role::reserved("training"), None);
    /// ```
    pub fn reserved(name: &str) -> Option<Role> {
        Role::NAMED[1..6].iter().find(|role| role.word().eq_ignore_ascii_case(name)).cloned()
    }

    /// Reads a role as a policy writes it.
    ///
    /// # Errors
    /// The nearest names.
    ///
    /// ```
    /// use tagwall::subnet::Role;
    /// assert_eq!(Role::parse("application-gateway"), Ok(Role::ApplicationGateway));
    /// assert_eq!(Role::parse("delegated:Microsoft.Web/serverFarms").unwrap().to_string(), "delegated:Microsoft.Web/serverFarms");
    /// assert_eq!(Role::parse("AzureBastonSubnet").unwrap_err(), ["AzureBastionSubnet", "AzureFirewallSubnet"]);
    /// ```
    pub fn parse(text: &str) -> Result<Role, Vec<String>> {
        if let Some(service) = text.strip_prefix("delegated:").map(str::trim).filter(|s| is_service(s)) {
            return Ok(Role::Delegated(service.to_owned()));
        }
        match Role::NAMED.iter().find(|role| role.word().eq_ignore_ascii_case(text)) {
            Some(role) => Ok(role.clone()),
            None => Err(nearest(text, Role::NAMED.iter().map(Role::word))),
        }
    }

    /// The word for it in policies; of a delegated subnet, without the service.
    fn word(&self) -> &'static str {
        match self {
            Role::Ordinary => "ordinary",
            Role::Gateway => "GatewaySubnet",
            Role::Firewall => "AzureFirewallSubnet",
            Role::FirewallManagement => "AzureFirewallManagementSubnet",
            Role::Bastion => "AzureBastionSubnet",
            Role::RouteServer => "RouteServerSubnet",
            Role::ApplicationGateway => "application-gateway",
            Role::Delegated(_) => "delegated",
        }
    }

    /// Whether Azure reserves a name for subnets of this role, where no machines of the user's stand.
    pub fn is_reserved(&self) -> bool {
        matches!(
            self,
            Role::Gateway | Role::Firewall | Role::FirewallManagement | Role::Bastion | Role::RouteServer
        )
    }

    /// Whether a network security group may be put on it.
    pub fn takes_group(&self) -> bool {
        !self.is_reserved() || *self == Role::Bastion
    }

    /// Whether a route table may be put on it.
    pub fn takes_table(&self) -> bool {
        !matches!(self, Role::Bastion | Role::RouteServer)
    }

    /// Whether a default route away from the Internet may be in that table.
    pub fn takes_default(&self) -> bool {
        matches!(self, Role::Ordinary | Role::Delegated(_))
    }
}

/// A rule of TCP that Azure looks for in a group, by its tag, before it takes the group on subnets of some role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demand {
    /// Whether it lets in; else it lets out.
    pub inbound: bool,
    /// The tag of the far side.
    pub tag: &'static str,
    /// The first and the last of its ports.
    pub ports: (u16, u16),
    /// Whether the tag of a region will do.
    pub regional: bool,
}

impl Demand {
    /// Whether a rule with this tag is one that is looked for.
    pub fn is_tag(&self, name: &str) -> bool {
        let base = name.split_once('.').filter(|_| self.regional).map_or(name, |(base, _)| base);
        base.eq_ignore_ascii_case(self.tag)
    }
}

const fn demand(inbound: bool, tag: &'static str, first: u16, last: u16) -> Demand {
    Demand { inbound, tag, ports: (first, last), regional: false }
}

/// Source: bastion-nsg.md, 2025-03-31; azure-docs issue 80806, 2021-09.
const BASTION: [Demand; 9] = [
    demand(true, "Internet", 443, 443),
    demand(true, "GatewayManager", 443, 443),
    demand(true, "VirtualNetwork", 8080, 8080),
    demand(true, "VirtualNetwork", 5701, 5701),
    demand(false, "VirtualNetwork", 22, 22),
    demand(false, "VirtualNetwork", 3389, 3389),
    demand(false, "VirtualNetwork", 8080, 8080),
    demand(false, "VirtualNetwork", 5701, 5701),
    demand(false, "AzureCloud", 443, 443),
];

/// Source: application-gateway/configuration-infrastructure.md, 2025-03-01.
const APPLICATION_GATEWAY: [Demand; 1] =
    [Demand { regional: true, ..demand(true, "GatewayManager", 65200, 65535) }];

impl Role {
    /// The rules without which Azure refuses a group on subnets of this role.
    ///
    /// ```
    /// use tagwall::subnet::Role;
    /// assert_eq!(Role::ApplicationGateway.demands()[0].ports, (65200, 65535));
    /// assert!(Role::Ordinary.demands().is_empty());
    /// ```
    pub fn demands(&self) -> &'static [Demand] {
        match self {
            Role::Bastion => &BASTION,
            Role::ApplicationGateway => &APPLICATION_GATEWAY,
            _ => &[],
        }
    }
}

impl fmt::Display for Demand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = if self.inbound { "in from" } else { "out to" };
        match self.ports {
            (first, last) if first == last => write!(f, "TCP {first} {way} {}", self.tag),
            (first, last) => write!(f, "TCP {first}-{last} {way} {}", self.tag),
        }
    }
}

/// A provider and a type: `Microsoft.Databricks/workspaces`.
fn is_service(text: &str) -> bool {
    let parts: Vec<&str> = text.split('/').collect();
    let word = |part: &&str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))
    };
    parts.len() >= 2 && parts.iter().all(word)
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Role::Delegated(service) => write!(f, "delegated:{service}"),
            named => f.pad(named.word()),
        }
    }
}

/// A way out of a subnet to the Internet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "OutboundName")]
pub enum Outbound {
    /// A NAT gateway on the subnet.
    Nat,
    /// A public address of each node.
    PublicIp,
    /// An outbound rule of a load balancer.
    LoadBalancer,
    /// The firewall, and no way of its own.
    Firewall,
    /// Azure's default outbound access.
    Default,
    /// None at all.
    None,
}

impl Outbound {
    /// The name that policies use.
    pub fn name(self) -> &'static str {
        match self {
            Outbound::Nat => "nat",
            Outbound::PublicIp => "public-ip",
            Outbound::LoadBalancer => "load-balancer",
            Outbound::Firewall => "firewall",
            Outbound::Default => "default",
            Outbound::None => "none",
        }
    }
}
