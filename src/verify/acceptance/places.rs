//! Groups and tables where Azure does not take them, and next hops that lead nowhere.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use super::site::{Found, Site};
use crate::addr::{AddrSet, IpPrefix};
use crate::replay::way::{Role, Subnet};
use crate::tags::special_ranges;
use crate::target::Target;
use crate::verify::refusal::{Leads, Odd};

pub(super) fn reserved_group(site: &Site<'_>) -> Vec<Found> {
    let none = [Role::Gateway, Role::Firewall, Role::FirewallManagement, Role::RouteServer];
    let own = site.grouped().filter(|(subnet, _)| none.contains(&subnet.role));
    own.map(|(subnet, group)| {
        let odd = Odd::Reserved { what: "group", name: group.name.clone(), subnet: subnet.name.clone() };
        Found::new(Target::Nsg, &group.name, None, odd)
    })
    .collect()
}

pub(super) fn reserved_table(site: &Site<'_>) -> Vec<Found> {
    let none = [Role::Bastion, Role::RouteServer];
    let own = site.tabled().filter(|(subnet, _)| none.contains(&subnet.role));
    own.map(|(subnet, table)| {
        let odd =
            Odd::Reserved { what: "route table", name: table.name.clone(), subnet: subnet.name.clone() };
        Found::new(Target::RouteTable, &table.name, None, odd)
    })
    .collect()
}

pub(super) fn gateway_default(site: &Site<'_>) -> Vec<Found> {
    let own = [Role::Gateway, Role::Firewall, Role::FirewallManagement, Role::ApplicationGateway];
    defaults(site, |subnet| own.contains(&subnet.role), |hop| hop != "Internet")
}

pub(super) fn hop_none_managed(site: &Site<'_>) -> Vec<Found> {
    let managed = |subnet: &Subnet| match &subnet.role {
        Role::Delegated(service) => {
            let kept = ["Microsoft.Databricks/workspaces", "Microsoft.Sql/managedInstances"];
            kept.iter().any(|own| own.eq_ignore_ascii_case(service))
        }
        _ => false,
    };
    defaults(site, managed, |hop| hop == "None")
}

/// Default routes with a wrong next hop in the tables of some subnets.
fn defaults(site: &Site<'_>, of: impl Fn(&Subnet) -> bool, wrong: impl Fn(&str) -> bool) -> Vec<Found> {
    let mut found = Vec::new();
    for (subnet, table) in site.tabled().filter(|(subnet, _)| of(subnet)) {
        let everywhere = |prefix: &str| ["0.0.0.0/0", "::/0"].contains(&prefix);
        for route in table.routes.iter().filter(|route| everywhere(&route.address_prefix)) {
            if wrong(&route.next_hop_type) {
                let odd = Odd::Default {
                    route: route.name.clone(),
                    table: table.name.clone(),
                    prefix: route.address_prefix.clone(),
                    subnet: subnet.name.clone(),
                    hop: route.next_hop_type.clone(),
                };
                found.push(Found::new(Target::RouteTable, &table.name, Some(&route.name), odd));
            }
        }
    }
    found
}

/// The routes that lead to appliances, of each table one for each appliance.
fn hops<'a>(site: &'a Site<'_>) -> impl Iterator<Item = Leads> + use<'a> {
    site.resources.route_tables.iter().flat_map(|table| {
        let mut seen = BTreeSet::new();
        let hops = table.routes.iter().filter_map(move |route| {
            let hop = route.next_hop_address.as_ref()?.parse().ok().filter(|hop| seen.insert(*hop))?;
            Some(Leads { route: route.name.clone(), table: table.name.clone(), hop })
        });
        hops.collect::<Vec<_>>()
    })
}

/// Something odd of a route that leads to an appliance.
fn at(leads: Leads, odd: impl FnOnce(Leads) -> Odd) -> Found {
    let (table, route) = (leads.table.clone(), leads.route.clone());
    Found::new(Target::RouteTable, &table, Some(&route), odd(leads))
}

pub(super) fn hop_private(site: &Site<'_>) -> Vec<Found> {
    let private = special_ranges();
    let network = &site.environment.network;
    let known = AddrSet::union_of([&network.space, &network.peers, &network.on_premises.space(), &private]);
    let platform = [Ipv4Addr::new(168, 63, 129, 16), Ipv4Addr::new(169, 254, 169, 254)];
    hops(site)
        .filter(|leads| !known.contains(leads.hop) || platform.iter().any(|own| leads.hop == *own))
        .map(|leads| at(leads, Odd::NotPrivate))
        .collect()
}

pub(super) fn hop_reserved(site: &Site<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for leads in hops(site) {
        for subnet in &site.environment.subnets {
            if kept(subnet).any(|kept| kept.contains(leads.hop)) {
                let subnet = subnet.name.clone();
                found.push(at(leads.clone(), |leads| Odd::Kept { leads, subnet }));
            }
        }
    }
    found
}

/// The addresses that Azure keeps for itself in each prefix of a subnet: the first four and the last.
fn kept(subnet: &Subnet) -> impl Iterator<Item = AddrSet> {
    use crate::addr::{Interval, IntervalSet};
    subnet.prefixes.prefixes().filter_map(|prefix| match prefix {
        IpPrefix::V4(prefix) if prefix.len() <= 29 => {
            let (first, last) = (prefix.first(), prefix.last());
            let kept = [Interval::new(first, first + 3)?, Interval::new(last, last)?];
            Some(AddrSet { v4: IntervalSet::from_intervals(kept.to_vec()), ..AddrSet::empty() })
        }
        _ => None,
    })
}

pub(super) fn hop_loop(site: &Site<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (subnet, table) in site.tabled() {
        let own = |leads: &Leads| leads.table == table.name && subnet.prefixes.contains(leads.hop);
        for leads in hops(site).filter(own) {
            let subnet = subnet.name.clone();
            found.push(at(leads, |leads| Odd::Loop { leads, subnet }));
        }
    }
    found
}

pub(super) fn small_subnet(site: &Site<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (name, subnet) in &site.policy.network.subnets {
        let small = subnet.prefixes.prefixes().find(|prefix| match prefix {
            IpPrefix::V4(prefix) => prefix.len() > 29,
            IpPrefix::V6(prefix) => prefix.len() > 64,
        });
        if let Some(prefix) = small {
            found.push(Found::new(
                Target::Nsg,
                name,
                None,
                Odd::SmallPrefix { subnet: name.clone(), prefix },
            ));
        }
    }
    found
}

pub(super) fn reserved_size(site: &Site<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (name, subnet) in site.environment.subnets.iter().map(|subnet| (&subnet.name, subnet)) {
        let most = match subnet.role {
            Role::Gateway => 27,
            Role::Firewall | Role::FirewallManagement | Role::Bastion | Role::RouteServer => 26,
            _ => continue,
        };
        let small =
            subnet.prefixes.prefixes().any(|prefix| matches!(prefix, IpPrefix::V4(p) if p.len() > most));
        if small {
            let odd = Odd::SmallSubnet { subnet: name.clone(), most };
            found.push(Found::new(Target::Nsg, name, None, odd));
        }
    }
    found
}

pub(super) fn same_prefix(site: &Site<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for table in &site.resources.route_tables {
        let mut seen = BTreeSet::new();
        for route in &table.routes {
            if !seen.insert(route.address_prefix.to_ascii_lowercase()) {
                let odd = Odd::SamePrefix {
                    route: route.name.clone(),
                    table: table.name.clone(),
                    prefix: route.address_prefix.clone(),
                };
                found.push(Found::new(Target::RouteTable, &table.name, Some(&route.name), odd));
            }
        }
    }
    found
}

pub(super) fn there(site: &Site<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for subnet in &site.environment.subnets {
        let group = subnet
            .group
            .as_ref()
            .filter(|name| !site.resources.nsgs.iter().any(|own| own.name.eq_ignore_ascii_case(name)));
        let table = subnet.table.as_ref().filter(|name| {
            !site.resources.route_tables.iter().any(|own| own.name.eq_ignore_ascii_case(name))
        });
        for (target, name) in [(Target::Nsg, group), (Target::RouteTable, table)] {
            if let Some(name) = name {
                let odd = Odd::NotThere { subnet: subnet.name.clone(), name: name.clone() };
                found.push(Found::new(target, name, None, odd));
            }
        }
    }
    found
}
