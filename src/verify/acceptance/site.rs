//! What rows of the data are held against.

use crate::packet::{Ports, Protocol};
use crate::policy::Policy;
use crate::read::resources::{Nsg, Resources, RouteTable, SecurityRule};
use crate::replay::way::{Environment, Subnet};
use crate::target::Target;

/// Files, where they are put, and what the policy says of the subnets.
pub(super) struct Site<'a> {
    pub(super) policy: &'a Policy,
    pub(super) environment: &'a Environment,
    pub(super) resources: &'a Resources,
}

/// Something that is not as Azure takes it.
pub(super) struct Found {
    pub(super) target: Target,
    pub(super) resource: String,
    pub(super) rule: Option<String>,
    pub(super) text: String,
}

impl Found {
    pub(super) fn new(target: Target, resource: &str, rule: Option<&str>, text: String) -> Self {
        Found { target, resource: resource.to_owned(), rule: rule.map(str::to_owned), text }
    }
}

impl<'a> Site<'a> {
    /// The subnets that have a group, with it.
    pub(super) fn grouped(&self) -> impl Iterator<Item = (&'a Subnet, &'a Nsg)> {
        let groups = &self.resources.nsgs;
        self.environment.subnets.iter().filter_map(move |subnet| {
            let name = subnet.group.as_ref()?;
            Some((subnet, groups.iter().find(|group| group.name.eq_ignore_ascii_case(name))?))
        })
    }

    /// The subnets that have a route table, with it.
    pub(super) fn tabled(&self) -> impl Iterator<Item = (&'a Subnet, &'a RouteTable)> {
        let tables = &self.resources.route_tables;
        self.environment.subnets.iter().filter_map(move |subnet| {
            let name = subnet.table.as_ref()?;
            Some((subnet, tables.iter().find(|table| table.name.eq_ignore_ascii_case(name))?))
        })
    }
}

/// Whether a rule lets one port of TCP pass in a direction from or to just this tag.
pub(super) fn lets(rule: &SecurityRule, inbound: bool, tag: &str, port: u16) -> bool {
    let way = if inbound { "inbound" } else { "outbound" };
    let side = if inbound { &rule.sources } else { &rule.destinations };
    let protocol = matches!(rule.protocol.parse(), Ok(Protocol::Any | Protocol::Tcp));
    rule.access.eq_ignore_ascii_case("allow")
        && rule.direction.eq_ignore_ascii_case(way)
        && protocol
        && side.iter().any(|own| own.eq_ignore_ascii_case(tag))
        && holds(&rule.destination_ports, port)
}

/// Whether texts of ports hold one.
pub(super) fn holds(texts: &[String], port: u16) -> bool {
    texts.iter().filter_map(|text| text.parse::<Ports>().ok()).any(|own| own.set().contains(port))
}

/// Whether texts of ports are all of them.
pub(super) fn are_all(texts: &[String]) -> bool {
    !texts.is_empty() && texts.iter().all(|text| text.parse::<Ports>().is_ok_and(|ports| ports.is_all()))
}
