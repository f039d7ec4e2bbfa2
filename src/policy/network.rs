//! [`Network`]: the virtual network of an environment, and what each of its subnets is.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::addr::AddrSet;
pub(super) use crate::subnet::Announced;
pub use crate::subnet::{Outbound, Role};

/// The virtual network of an environment.
#[derive(Debug, Clone, Default)]
pub struct Network {
    /// Address space.
    pub space: AddrSet,
    /// Address spaces of peered networks.
    pub peers: AddrSet,
    /// What a gateway announces of the networks behind it.
    pub on_premises: Announced,
    /// The network's own name resolvers, in the order in which they are asked.
    pub dns: Vec<IpAddr>,
    /// Private addresses of the firewall or appliance, at most one of a family.
    pub firewall: Vec<IpAddr>,
    /// Subnets by name.
    pub subnets: BTreeMap<String, Subnet>,
}

impl Network {
    /// The firewall's address of one family.
    pub fn firewall_v4(&self) -> Option<IpAddr> {
        self.firewall.iter().copied().find(IpAddr::is_ipv4)
    }

    /// The firewall's IPv6 address.
    pub fn firewall_v6(&self) -> Option<IpAddr> {
        self.firewall.iter().copied().find(IpAddr::is_ipv6)
    }

    /// The addresses of all subnets.
    pub fn subnet_space(&self) -> AddrSet {
        AddrSet::union_of(self.subnets.values().map(|subnet| &subnet.prefixes))
    }

    /// The addresses of one subnet; empty where there is none of that name.
    pub fn addresses_of(&self, subnet: &str) -> AddrSet {
        self.subnets.get(subnet).map_or_else(AddrSet::empty, |subnet| subnet.prefixes.clone())
    }

    /// What `VirtualNetwork` stands for without regard to routes: the network, its peers, and what a gateway
    /// announces.
    pub fn virtual_network(&self) -> AddrSet {
        AddrSet::union_of([&self.space, &self.peers, &self.on_premises.space()])
    }
}

/// A subnet of the network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subnet {
    /// Its addresses.
    pub prefixes: AddrSet,
    /// What it is for.
    pub role: Role,
    /// By what it reaches the Internet where no route leads elsewhere; `None` where the policy does not say.
    pub outbound: Option<Outbound>,
    /// Whether it has no default outbound access; `None` where the policy does not say.
    pub private: Option<bool>,
    /// How many nodes it has to hold.
    pub nodes: Option<u32>,
    /// Its service endpoints, by name.
    pub endpoints: Vec<SubnetEndpoint>,
}

impl Subnet {
    /// What its service endpoints take past the route table.
    pub fn endpoint_set(&self) -> AddrSet {
        AddrSet::union_of(self.endpoints.iter().map(|endpoint| &endpoint.addresses))
    }
}

/// A service endpoint of a subnet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubnetEndpoint {
    /// Its name, as in `Microsoft.Storage`.
    pub service: String,
    /// The addresses that it takes.
    pub addresses: AddrSet,
    /// Whether a service endpoint policy that is made lets only what it lists through.
    pub narrowed: bool,
    /// Whether the policy file says it; else a service endpoint policy needs it.
    pub said: bool,
}
