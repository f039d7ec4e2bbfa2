//! Which way the traffic of each subnet goes, and which subnets share a security group.

use std::collections::BTreeMap;

use super::intent::DefaultRoute;
use super::network::Role;
use super::rule::{Flow, ManagedRoute, Remote, RouteNeed, only_families_of};
use super::whole::Policy;
use crate::addr::AddrSet;
use crate::packet::NextHop;
use crate::tags::{Symbol, Symbols};
use crate::text::fits_in_any_case;

/// The subnets that share a security group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupScope {
    /// What sets the group apart from that of the environment: the name of a subnet or of the service that keeps rules
    /// in it. `None` for the one that all other subnets share.
    pub label: Option<String>,
    /// Names of the subnets, in order.
    pub subnets: Vec<String>,
    /// Whether Azure looks for rules to or from anywhere in the group, as for Bastion and Application Gateway: the
    /// subnet's own side is `*` there.
    pub any_local: bool,
}

impl Policy {
    /// What symbolic tags mean in a need: `VirtualNetwork` is the network's own address space, that of its peers and
    /// what a gateway announces.
    pub fn symbols(&self) -> Symbols {
        Symbols::new(&self.network.virtual_network(), &AddrSet::empty())
    }

    /// Whether a default route takes traffic of some subnet off its way to the Internet.
    pub fn has_default_route(&self) -> bool {
        self.network.subnets.keys().any(|subnet| self.is_diverted(subnet))
    }

    /// Whether a default route takes traffic of `subnet` off its way to the Internet: one of its table, or one that a
    /// gateway announces.
    pub fn is_diverted(&self, subnet: &str) -> bool {
        let hops = [false, true].into_iter().filter_map(|v6| self.default_way_of(subnet, v6));
        hops.into_iter().any(|hop| hop != NextHop::Internet)
    }

    /// The next hop that the policy gives to traffic without a more specific route, per family; `None` where no route
    /// table is asked for or the family has no appliance. Which subnets have it says [`Policy::default_hop_of`].
    pub fn default_hop(&self, v6: bool) -> Option<NextHop> {
        let appliance = if v6 { self.network.firewall_v6() } else { self.network.firewall_v4() };
        match self.route_table.default_route {
            Some(DefaultRoute::Firewall) => appliance.map(NextHop::Appliance),
            Some(DefaultRoute::Internet) => Some(NextHop::Internet),
            Some(DefaultRoute::None) => Some(NextHop::None),
            Some(DefaultRoute::Gateway) => Some(NextHop::Gateway),
            None => appliance.map(NextHop::Appliance),
        }
    }

    /// The default route in the table of `subnet`, per family; `None` where its table has none or it has no table.
    pub fn default_hop_of(&self, subnet: &str, v6: bool) -> Option<NextHop> {
        if let Some(hop) = self.defaults.get(&(subnet.to_owned(), v6)) {
            return Some(*hop);
        }
        let takes = self.network.subnets.get(subnet).is_some_and(|found| found.role.takes_default());
        self.default_hop(v6).filter(|_| takes && self.is_routed(subnet))
    }

    /// The default route in effect on `subnet`, per family: that of its table, else the one that a gateway announces and
    /// the table does not keep off. `None` where there is only the system's, to the Internet.
    pub fn default_way_of(&self, subnet: &str, v6: bool) -> Option<NextHop> {
        let kept_off = || self.route_table.disable_bgp && self.is_routed(subnet);
        let learnt = || self.network.on_premises.has_default(v6) && !kept_off();
        self.default_hop_of(subnet, v6).or_else(|| learnt().then_some(NextHop::Gateway))
    }

    /// Whether a route table can lead what `subnet` sends to a firewall: Azure takes none on some subnets.
    pub fn may_be_routed(&self, subnet: &str) -> bool {
        self.network.subnets.get(subnet).is_some_and(|found| found.role.takes_table())
    }

    /// Whether `subnet` has a route table: one that asks for nothing outside of the network and for no route has none.
    pub fn is_routed(&self, subnet: &str) -> bool {
        let Some(found) = self.network.subnets.get(subnet) else { return false };
        let own_default =
            || [false, true].into_iter().any(|v6| self.defaults.contains_key(&(subnet.to_owned(), v6)));
        let default = || [false, true].into_iter().any(|v6| self.default_hop(v6).is_some());
        let leaves = || self.flows.iter().any(|flow| flow.subnet == subnet && self.leaves(flow));
        found.role.takes_table()
            && (self.routes_of(subnet).next().is_some()
                || own_default()
                || (found.role.takes_default() && default() && leaves()))
    }

    /// The routes that the table of `subnet` has beside its default.
    pub fn routes_of<'a>(&'a self, subnet: &'a str) -> impl Iterator<Item = &'a RouteNeed> {
        self.routes.iter().filter(move |need| need.subnets.contains(subnet))
    }

    /// The routes that a service keeps in the table of `subnet`.
    pub fn managed_routes_of<'a>(&'a self, subnet: &'a str) -> impl Iterator<Item = &'a ManagedRoute> {
        self.managed_routes.iter().filter(move |route| route.subnet == subnet)
    }

    /// Whether a need leads out of the network, its peers and what a gateway announces, which have routes of their own.
    fn leaves(&self, flow: &Flow) -> bool {
        let network = &self.network;
        let inside = match (self.private_to_firewall(), self.route_table.disable_peering_route) {
            (true, _) => network.space.clone(),
            (false, true) => network.space.union(&network.on_premises.space()),
            (false, false) => network.virtual_network(),
        };
        match &flow.remote {
            Remote::Addresses(set) => !set.difference(&flow.except).is_subset(&inside),
            Remote::Symbol(symbol) => *symbol == Symbol::Internet,
            Remote::Outside(tag) => !tag.is_security_group(),
            Remote::Tag(_) | Remote::Fqdn(_) | Remote::FqdnTag(_) | Remote::Url(_) | Remote::Any => true,
        }
    }

    /// The addresses that the table of `subnet` leads by a route: of the families that subnets of the network have, and
    /// inside the network neither what is the subnet's own nor what a longer prefix of the system takes.
    pub fn route_set(&self, need: &RouteNeed, subnet: &str) -> AddrSet {
        let set = match &need.to {
            Remote::Tag(tag) | Remote::Outside(tag) => tag.set().clone(),
            Remote::Addresses(set) => set.clone(),
            _ => AddrSet::empty(),
        };
        let set = only_families_of(&set.difference(&need.except), &self.network.subnet_space());
        if !need.as_written {
            return set;
        }
        let set = need.unless_nested(set, subnet);
        let space = &self.network.space;
        let inside: AddrSet = set.prefixes().filter(|&p| AddrSet::from(p).is_subset(space)).collect();
        let own = self.network.addresses_of(subnet);
        set.difference(space).union(&inside.difference(&own))
    }

    /// The subnets that have a security group, by the group that they share. Those that take none are left out, and so
    /// are subnets that Azure reserves and that nothing is asked for.
    pub fn group_scopes(&self) -> Vec<GroupScope> {
        let mut scopes: BTreeMap<Option<String>, GroupScope> = BTreeMap::new();
        for (name, subnet) in &self.network.subnets {
            let asked = || self.flows.iter().chain(&self.denies).any(|flow| flow.subnet == *name);
            if !subnet.role.takes_group() || (subnet.role.is_reserved() && !asked()) {
                continue;
            }
            let any_local = matches!(subnet.role, Role::Bastion | Role::ApplicationGateway);
            let single = || self.managed.iter().any(|rule| rule.of_subnet && rule.subnets.contains(name));
            let label = if self.nsg.per_subnet || any_local || single() {
                Some(name.clone())
            } else {
                self.service_of(name, &subnet.role)
            };
            let scope = scopes.entry(label.clone()).or_insert_with(|| GroupScope {
                label,
                subnets: Vec::new(),
                any_local,
            });
            scope.subnets.push(name.clone());
        }
        scopes.into_values().collect()
    }

    /// Whether a rule of a security group is one of others that `nsg.keep` names.
    pub fn keeps(&self, rule: &str) -> bool {
        self.nsg.keep.as_slice().iter().any(|pattern| fits_in_any_case(pattern, rule))
    }

    /// The service whose rules the group of a subnet carries, or to which it is delegated.
    fn service_of(&self, subnet: &str, role: &Role) -> Option<String> {
        let keeping = self.managed.iter().find(|rule| rule.subnets.contains(subnet));
        let delegated = || match role {
            Role::Delegated(service) => service.rsplit('/').next().map(str::to_owned),
            _ => None,
        };
        keeping.map(|rule| rule.workload.clone()).or_else(delegated)
    }
}
