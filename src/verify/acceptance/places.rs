//! Groups and tables where Azure does not take them, and next hops that lead nowhere.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::site::{Found, Site};
use crate::addr::{AddrSet, IpPrefix};
use crate::replay::way::{Role, Subnet};
use crate::tags::special_ranges;
use crate::target::Target;

pub(super) fn reserved_group(site: &Site<'_>) -> Vec<Found> {
    let none = [Role::Gateway, Role::Firewall, Role::FirewallManagement, Role::RouteServer];
    let own = site.grouped().filter(|(subnet, _)| none.contains(&subnet.role));
    own.map(|(subnet, group)| {
        let text = format!("{} is put on subnet {}, which takes no group", group.name, subnet.name);
        Found::new(Target::Nsg, &group.name, None, text)
    })
    .collect()
}

pub(super) fn reserved_table(site: &Site<'_>) -> Vec<Found> {
    let none = [Role::Bastion, Role::RouteServer];
    let own = site.tabled().filter(|(subnet, _)| none.contains(&subnet.role));
    own.map(|(subnet, table)| {
        let text = format!("{} is put on subnet {}, which takes no route table", table.name, subnet.name);
        Found::new(Target::RouteTable, &table.name, None, text)
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
                let text = format!(
                    "{} of {} leads {} of subnet {} to {}",
                    route.name, table.name, route.address_prefix, subnet.name, route.next_hop_type
                );
                found.push(Found::new(Target::RouteTable, &table.name, Some(&route.name), text));
            }
        }
    }
    found
}

/// The appliances that routes lead to, with the table and the route.
fn hops<'a>(site: &'a Site<'_>) -> impl Iterator<Item = (&'a str, &'a str, IpAddr)> {
    site.resources.route_tables.iter().flat_map(|table| {
        let mut seen = BTreeSet::new();
        let hops = table.routes.iter().filter_map(|route| {
            let hop = route.next_hop_address.as_ref()?.parse().ok()?;
            Some((table.name.as_str(), route.name.as_str(), hop))
        });
        hops.filter(move |(_, _, hop)| seen.insert(*hop)).collect::<Vec<_>>()
    })
}

fn at(table: &str, route: &str, text: String) -> Found {
    Found::new(Target::RouteTable, table, Some(route), text)
}

pub(super) fn hop_private(site: &Site<'_>) -> Vec<Found> {
    let private = special_ranges();
    let network = &site.environment.network;
    let known = AddrSet::union_of([&network.space, &network.peers, &network.on_premises.space(), &private]);
    let platform = ["168.63.129.16", "169.254.169.254"];
    hops(site)
        .filter(|(_, _, hop)| !known.contains(*hop) || platform.contains(&hop.to_string().as_str()))
        .map(|(table, route, hop)| {
            at(
                table,
                route,
                format!("{route} of {table} leads to {hop}, which is no private address of a machine"),
            )
        })
        .collect()
}

pub(super) fn hop_reserved(site: &Site<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (table, route, hop) in hops(site) {
        for subnet in &site.environment.subnets {
            if kept(subnet).any(|kept| kept.contains(hop)) {
                let text = format!(
                    "{route} of {table} leads to {hop}, an address that Azure keeps in subnet {}",
                    subnet.name
                );
                found.push(at(table, route, text));
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
        for (name, route, hop) in hops(site).filter(|(name, _, _)| *name == table.name) {
            if subnet.prefixes.contains(hop) {
                let text = format!(
                    "{route} of {name} leads to {hop}, which is inside subnet {} that has this table: a loop",
                    subnet.name
                );
                found.push(at(name, route, text));
            }
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
            let text = format!("subnet {name} has the prefix {prefix}, which is too small for a subnet");
            found.push(Found::new(Target::Nsg, name, None, text));
        }
    }
    found
}

pub(super) fn reserved_size(site: &Site<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (name, subnet) in &site.environment.subnets.iter().map(|s| (&s.name, s)).collect::<Vec<_>>() {
        let most = match subnet.role {
            Role::Gateway => 27,
            Role::Firewall | Role::FirewallManagement | Role::Bastion | Role::RouteServer => 26,
            _ => continue,
        };
        let small =
            subnet.prefixes.prefixes().any(|prefix| matches!(prefix, IpPrefix::V4(p) if p.len() > most));
        if small {
            let text = format!("subnet {name} is smaller than /{most}");
            found.push(Found::new(Target::Nsg, name, None, text));
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
                let text = format!(
                    "{}: another route of {} has the prefix {}",
                    route.name, table.name, route.address_prefix
                );
                found.push(at(&table.name, &route.name, text));
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
                let text = format!("subnet {} is to have {name}, which is not there", subnet.name);
                found.push(Found::new(target, name, None, text));
            }
        }
    }
    found
}
