//! Lists of addresses and service endpoint policies.

use crate::addr::IpPrefix;

/// A service endpoint policy: all that a subnet may reach of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointPolicy {
    /// Name of the resource.
    pub name: String,
    /// The subnet it is for.
    pub subnet: String,
    /// Definitions in order of their names.
    pub definitions: Vec<EndpointDefinition>,
}

/// The resources of one service in a service endpoint policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointDefinition {
    /// Name, unique in the policy.
    pub name: String,
    /// At most 140 characters.
    pub description: String,
    /// `Microsoft.Storage` for ids of resources, `Global` for aliases.
    pub service: String,
    /// Ids or aliases, ascending; never both.
    pub resources: Vec<String>,
}

/// The addresses of one remote, for targets that take lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressList {
    /// Name, legal as that of a file and unique ignoring case.
    pub name: String,
    /// The remote as people know it.
    pub title: String,
    /// The fewest prefixes, IPv4 before IPv6, ascending.
    pub prefixes: Vec<IpPrefix>,
    /// The same for firewalls that fetch it, where those take no list as long as the exact one.
    pub fetched: Option<Vec<IpPrefix>>,
}

impl AddressList {
    /// The prefixes of each family that has some, with the family's name: `ipv4`, `ipv6`.
    pub fn families(&self) -> impl Iterator<Item = (&'static str, &[IpPrefix])> {
        by_family(&self.prefixes)
    }

    /// The same of the list as firewalls fetch it.
    pub fn fetched_families(&self) -> impl Iterator<Item = (&'static str, &[IpPrefix])> {
        by_family(self.fetched.as_ref().unwrap_or(&self.prefixes))
    }
}

fn by_family(prefixes: &[IpPrefix]) -> impl Iterator<Item = (&'static str, &[IpPrefix])> {
    let (v4, v6) = prefixes.split_at(prefixes.partition_point(|p| p.is_v4()));
    [("ipv4", v4), ("ipv6", v6)].into_iter().filter(|(_, prefixes)| !prefixes.is_empty())
}
