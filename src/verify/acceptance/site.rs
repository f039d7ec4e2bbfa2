//! What rows of the data are held against.

use crate::addr::{Interval, IntervalSet};
use crate::packet::{Ports, Protocol};
use crate::policy::Policy;
use crate::read::resources::{Nsg, Resources, RouteTable, SecurityRule};
use crate::replay::way::{Environment, Subnet};
use crate::subnet::Demand;
use crate::target::Target;
use crate::verify::refusal::Odd;

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
    pub(super) odd: Odd,
}

impl Found {
    pub(super) fn new(target: Target, resource: &str, rule: Option<&str>, odd: Odd) -> Self {
        Found { target, resource: resource.to_owned(), rule: rule.map(str::to_owned), odd }
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

/// Whether a rule lets what is demanded pass, from or to the tag or that of a region.
pub(super) fn lets(rule: &SecurityRule, demand: &Demand) -> bool {
    let side = if demand.inbound { &rule.sources } else { &rule.destinations };
    rule.access.eq_ignore_ascii_case("allow")
        && is_way(rule, demand.inbound)
        && matches!(rule.protocol.parse(), Ok(Protocol::Any | Protocol::Tcp))
        && side.iter().any(|own| demand.is_tag(own))
        && all_of(demand).is_subset(&ports_of(&rule.destination_ports))
}

pub(super) fn is_way(rule: &SecurityRule, inbound: bool) -> bool {
    rule.direction.eq_ignore_ascii_case(if inbound { "inbound" } else { "outbound" })
}

/// The ports that texts name.
pub(super) fn ports_of(texts: &[String]) -> IntervalSet<u16> {
    let named = texts.iter().filter_map(|text| text.parse::<Ports>().ok());
    named.fold(IntervalSet::empty(), |all, ports| all.union(ports.set()))
}

/// The ports of a demand.
pub(super) fn all_of(demand: &Demand) -> IntervalSet<u16> {
    let (first, last) = demand.ports;
    Interval::new(first, last).into_iter().collect()
}

/// Whether texts of ports are all of them.
pub(super) fn are_all(texts: &[String]) -> bool {
    !texts.is_empty() && texts.iter().all(|text| text.parse::<Ports>().is_ok_and(|ports| ports.is_all()))
}
