//! [`Environment`]: a virtual network with what decides about its packets, as resources that were read. No policy.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::assume::{Assumption, Assumptions};
use crate::addr::AddrSet;
use crate::read::resources::{IpGroup, Nsg, RouteTable, RuleCollectionGroup, SecurityRule};
use crate::subnet::Announced;
pub use crate::subnet::{Outbound, Role};

/// A virtual network and all that decides about the packets of its subnets, as far as it is known.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// The virtual network.
    pub network: Network,
    /// Its subnets, each name once.
    pub subnets: Vec<Subnet>,
    /// Security admin rules of a network manager, which come before every group. `access` is `Allow`, `Deny` or
    /// `AlwaysAllow`.
    pub admin: Vec<SecurityRule>,
    /// Network security groups, named by subnets.
    pub groups: Vec<Nsg>,
    /// Route tables, named by subnets.
    pub tables: Vec<RouteTable>,
    /// What stands at the address of the network's firewall.
    pub firewall: Middle,
    /// What is taken for granted.
    pub assumptions: Assumptions,
    /// Where rules and routes stand, by the names of their resource and their own; those of a firewall's rules are as
    /// [`firewall_rule`](crate::replay::firewall_rule) makes them, since rules of several collections share one name.
    pub places: BTreeMap<(String, String), Place>,
    /// Whether files may be missing: an IP group or a tag that a firewall's rule names and that is not there is then
    /// something that verdicts hang on, and no error.
    pub partial: bool,
}

/// The virtual network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Network {
    /// Address space.
    pub space: AddrSet,
    /// Address spaces of peered networks.
    pub peers: AddrSet,
    /// What a gateway announces.
    pub on_premises: Announced,
    /// Whether there are no other peered or announced spaces than these; else private space beyond them is unknown,
    /// not unreachable.
    pub closed: bool,
    /// Private addresses of the firewall, at most one of a family.
    pub firewall: Vec<IpAddr>,
}

/// A subnet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subnet {
    /// Name.
    pub name: String,
    /// Its prefixes.
    pub prefixes: AddrSet,
    /// What it is for.
    pub role: Role,
    /// Name of its network security group.
    pub group: Option<String>,
    /// Name of the group on the interfaces in it.
    pub interface_group: Option<String>,
    /// Name of its route table.
    pub table: Option<String>,
    /// Service endpoints: the name of each, and the addresses that it takes.
    pub endpoints: Vec<(String, AddrSet)>,
    /// Whether it is without default outbound access; `None` where that is not known.
    pub private: Option<bool>,
    /// How it reaches the Internet past the firewall; `None` where that is not known.
    pub outbound: Option<Outbound>,
}

/// What stands at the address of the network's firewall.
#[derive(Debug, Clone, Default)]
pub enum Middle {
    /// Nothing is known of it: it is taken to pass everything, as an [assumption](super::Assumption::AppliancePasses).
    #[default]
    Other,
    /// An Azure Firewall with rules, classic ones as one policy.
    Azure {
        /// The rule collection groups of its policies, parents first.
        policies: Vec<Vec<RuleCollectionGroup>>,
        /// The IP groups that rules name.
        ip_groups: Vec<IpGroup>,
    },
    /// An Azure Firewall whose rules are not among what was read.
    Missing,
}

/// Where a rule or route stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: Option<usize>,
    /// JSON pointer in the file.
    pub pointer: Option<String>,
}

impl Environment {
    /// The subnet called `name`, in any case.
    pub fn subnet(&self, name: &str) -> Option<&Subnet> {
        self.subnets.iter().find(|subnet| subnet.name.eq_ignore_ascii_case(name))
    }

    /// The addresses of all subnets.
    pub fn subnet_space(&self) -> AddrSet {
        AddrSet::union_of(self.subnets.iter().map(|subnet| &subnet.prefixes))
    }

    /// The same environment without one of its assumptions.
    pub fn without(&self, assumption: Assumption) -> Environment {
        let mut other = self.clone();
        other.assumptions.set(assumption, false);
        other
    }
}
