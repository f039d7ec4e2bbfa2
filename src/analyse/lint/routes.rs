//! Route tables, and what they do together with security groups: TW022, TW030 to TW037.

use std::net::{IpAddr, Ipv4Addr};

use super::finding::{Finding, Severity};
use super::message::Message;
use super::sides::{Sides, address, inside, is_any, same};
use super::texts::is_intent;
use crate::addr::{AddrSet, IpPrefix};
use crate::catalog::is_kept_by_service;
use crate::packet::NextHop;
use crate::read::live::{Live, LiveGroup, LiveRoute, LiveSubnet, LiveTable};
use crate::read::resources::{Route, RouteTable};
use crate::replay::{Resolver, RouteMap};
use crate::tags::Symbol;

/// Above this many pairs of routes and prefixes routes without effect are not looked for.
const PAIRS: usize = 4_000_000;

/// What is found in all route tables.
pub(super) fn tables(live: &Live, sides: &Sides<'_>, found: &mut Vec<Finding>) {
    for table in live.tables.iter().filter(|table| !table.effective && table.incomplete.is_empty()) {
        let subnets: Vec<&LiveSubnet> = live.subnets.iter().filter(|s| has_table(s, table)).collect();
        hops(table, &subnets, found);
        tags(table, sides, found);
        past_the_firewall(table, sides, found);
        without_effect(live, table, sides, found);
        for subnet in subnets {
            if let Some(group) = live.groups.iter().find(|group| has_group(subnet, group)) {
                together(table, group, subnet, sides, found);
            }
        }
    }
    subnets(live, found);
}

fn has_table(subnet: &LiveSubnet, table: &LiveTable) -> bool {
    same(subnet.table.as_deref(), table.id.as_deref().or(Some(&table.name)))
        || table.applied_to.iter().any(|id| same(Some(id), subnet.id.as_deref()))
}

pub(super) fn has_group(subnet: &LiveSubnet, group: &LiveGroup) -> bool {
    same(subnet.group.as_deref(), group.id.as_deref().or(Some(&group.name)))
        || group.applied_to.iter().any(|id| same(Some(id), subnet.id.as_deref()))
}

fn finding(id: &str, table: &LiveTable, route: &LiveRoute, message: Message) -> Finding {
    Finding::new(id, &table.name, Some(&route.name), &route.place, message)
}

fn is_appliance(route: &LiveRoute) -> bool {
    route.next_hop_type.eq_ignore_ascii_case("VirtualAppliance")
}

/// The route that sends all of IPv4 to an appliance.
fn default_to_appliance(table: &LiveTable) -> Option<&LiveRoute> {
    let all = |route: &&LiveRoute| route.prefixes.iter().any(|prefix| prefix == "0.0.0.0/0");
    table.routes.iter().filter(|route| is_appliance(route)).find(all)
}

/// The address of Azure's own services.
const PLATFORM: IpAddr = IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16));

/// TW033: appliances that cannot be where a route leads.
fn hops(table: &LiveTable, subnets: &[&LiveSubnet], found: &mut Vec<Finding>) {
    for route in table.routes.iter().filter(|route| is_appliance(route)) {
        let Some(hop) = route.next_hop_address.as_deref() else { continue };
        let Ok(hop) = hop.parse::<IpAddr>() else { continue };
        if hop == PLATFORM || hop.is_loopback() || hop.is_unspecified() || hop.is_multicast() {
            found.push(finding("TW033", table, route, Message::NoAppliance(hop)));
        }
        let own = subnets.iter().find(|subnet| set(&subnet.prefixes).contains(hop));
        if let Some(subnet) = own {
            found.push(finding("TW033", table, route, Message::Loop { hop, subnet: subnet.name.clone() }));
        }
    }
}

fn set(prefixes: &[String]) -> AddrSet {
    prefixes.iter().filter_map(|text| IpPrefix::parse(text, true).ok()).collect()
}

/// TW022: tags that no route can have.
fn tags(table: &LiveTable, sides: &Sides<'_>, found: &mut Vec<Finding>) {
    for route in &table.routes {
        for name in
            route.prefixes.iter().filter(|text| address(text).is_none() && !text.contains(['[', '$', ' ']))
        {
            match sides.snapshot.tag(name) {
                // What a service has put there itself Azure takes, whatever the file says.
                Some(_) if is_kept_by_service(&route.name) => {}
                Some(tag) if tag.features().is_stated() && !tag.features().has("UDR") => {
                    found.push(finding("TW022", table, route, Message::NoRouteTakes(name.clone())));
                }
                Some(_) => {}
                None => {
                    let near = sides.snapshot.nearest(name);
                    let message = Message::NoDestination { name: name.clone(), near };
                    found.push(finding("TW022", table, route, message));
                }
            }
        }
    }
}

/// TW031: routes that lead public addresses past the appliance.
fn past_the_firewall(table: &LiveTable, sides: &Sides<'_>, found: &mut Vec<Finding>) {
    let Some(default) = default_to_appliance(table) else { return };
    let public = sides.symbols.get(Symbol::Internet);
    for route in table.routes.iter().filter(|route| route.next_hop_type.eq_ignore_ascii_case("Internet")) {
        let tag = route.prefixes.iter().find(|text| sides.snapshot.tag(text).is_some());
        let is_public = !set(&route.prefixes).is_disjoint(&public);
        if tag.is_none() && !is_public {
            continue;
        }
        let what = tag.map_or_else(|| route.prefixes.clone(), |tag| vec![tag.clone()]);
        let message = Message::PastFirewall { what, default: default.name.clone() };
        // An address or a narrow tag is mostly meant; shared services are a way out for data.
        let shared = tag.is_some_and(|tag| tag.starts_with("Storage") || tag.starts_with("AzureCloud"));
        let severity = if shared { Severity::Warning } else { Severity::Info };
        found.push(finding("TW031", table, route, message).rated(severity));
    }
}

/// A table as the replay reads it, with one route for each prefix; hops of the kind `change` become `Internet`.
fn table_of(table: &LiveTable, leave_out: Option<usize>, change: bool) -> RouteTable {
    let mut routes = Vec::new();
    for (at, route) in table.routes.iter().enumerate() {
        if Some(at) == leave_out {
            continue;
        }
        let none = route.next_hop_type.eq_ignore_ascii_case("None");
        let hop = if change && none { "Internet".to_owned() } else { route.next_hop_type.to_string() };
        routes.extend(route.prefixes.iter().map(|prefix| Route {
            name: route.name.clone(),
            address_prefix: prefix.clone(),
            next_hop_type: hop.clone(),
            next_hop_address: route.next_hop_address.clone(),
        }));
    }
    RouteTable { name: table.name.clone(), routes, ..RouteTable::default() }
}

/// TW036: routes that change nothing.
fn without_effect(live: &Live, table: &LiveTable, sides: &Sides<'_>, found: &mut Vec<Finding>) {
    let resolver = Resolver::new(sides.snapshot, &sides.symbols);
    // Without a network nothing is known of the system's routes inside it.
    let system = RouteMap::system(&inside(live, |_| true));
    let read = |leave_out| system.clone().with_table(&table_of(table, leave_out, false), &resolver).ok();
    let Some(whole) = read(None) else { return };
    let prefixes: usize = table
        .routes
        .iter()
        .flat_map(|r| &r.prefixes)
        .map(|p| sides.snapshot.tag(p).map_or(1, |t| t.v4().len() + t.v6().len()))
        .sum();
    if prefixes.saturating_mul(table.routes.len()) > PAIRS {
        return;
    }
    for (at, route) in table.routes.iter().enumerate() {
        let private = sides.symbols.get(Symbol::Internet).is_disjoint(&set(&route.prefixes));
        if live.networks.is_empty() && private {
            continue;
        }
        if read(Some(at)).is_some_and(|without| whole.difference(&without).is_empty()) {
            found.push(finding("TW036", table, route, Message::WithoutEffect).fix("remove it"));
        }
    }
}

/// What table and group of one subnet do together: TW030, TW032, TW034.
fn together(
    table: &LiveTable,
    group: &LiveGroup,
    subnet: &LiveSubnet,
    sides: &Sides<'_>,
    found: &mut Vec<Finding>,
) {
    if let Some(default) = default_to_appliance(table) {
        let names_network = |texts: &[String]| texts.iter().any(|t| t.eq_ignore_ascii_case("VirtualNetwork"));
        // What a service puts back whatever is done to it, nobody can mend.
        let named = group.rules.iter().filter(|rule| !is_intent(rule)).find(|rule| {
            rule.rule.access.eq_ignore_ascii_case("allow")
                && (names_network(&rule.rule.sources) || names_network(&rule.rule.destinations))
        });
        if let Some(rule) = named {
            let message = Message::NetworkIsAll { subnet: subnet.name.clone(), route: default.name.clone() };
            let found_here = Finding::new("TW030", &group.name, Some(&rule.rule.name), &rule.place, message);
            found.push(found_here.fix("write the address space of the network in place of the tag"));
        }
        // Of the Internet, what has no way back of its own.
        let returned = sides.symbols.get(Symbol::Internet).intersection(&to_appliances(table, sides));
        let own = set(&subnet.prefixes);
        let from_outside = group.rules.iter().find(|rule| {
            let side = sides.side(&rule.rule.sources, &rule.source_groups);
            let local = sides.side(&rule.rule.destinations, &rule.destination_groups);
            rule.rule.direction.eq_ignore_ascii_case("inbound")
                && rule.rule.access.eq_ignore_ascii_case("allow")
                && side.is_known()
                && !side.set.is_disjoint(&returned)
                && (own.is_empty() || !local.is_known() || !local.set.is_disjoint(&own))
                && rule.rule.sources.iter().any(|text| !is_any(text))
        });
        if let Some(rule) = from_outside {
            let message = Message::Asymmetric {
                subnet: subnet.name.clone(),
                route: default.name.clone(),
                hop: default.next_hop_address.clone().unwrap_or_default(),
            };
            found.push(Finding::new("TW032", &group.name, Some(&rule.rule.name), &rule.place, message));
        }
    }
    dropped(table, group, subnet, sides, found);
}

/// The addresses that a table leads to appliances; none where it is not understood, of which other findings tell.
fn to_appliances(table: &LiveTable, sides: &Sides<'_>) -> AddrSet {
    let resolver = Resolver::new(sides.snapshot, &sides.symbols);
    let map = RouteMap::system(&AddrSet::empty()).with_table(&table_of(table, None, false), &resolver);
    let classes = map.map(|map| map.classes()).unwrap_or_default();
    let led = classes.iter().filter(|class| matches!(class.hop, NextHop::Appliance(_)));
    AddrSet::union_of(led.map(|class| &class.addresses))
}

/// TW034: what the group lets out and the table drops.
fn dropped(
    table: &LiveTable,
    group: &LiveGroup,
    subnet: &LiveSubnet,
    sides: &Sides<'_>,
    found: &mut Vec<Finding>,
) {
    let resolver = Resolver::new(sides.snapshot, &sides.symbols);
    let system = RouteMap::system(&AddrSet::empty());
    let read = |change| system.clone().with_table(&table_of(table, None, change), &resolver).ok();
    let (Some(with), Some(without)) = (read(false), read(true)) else { return };
    let dropped = with.difference(&without);
    let dropped =
        AddrSet::union_of(dropped.iter().filter(|d| d.first == NextHop::None).map(|d| &d.addresses));
    if dropped.is_empty() {
        return;
    }
    for rule in &group.rules {
        let side = sides.side(&rule.rule.destinations, &rule.destination_groups);
        let lets_out = rule.rule.direction.eq_ignore_ascii_case("outbound")
            && rule.rule.access.eq_ignore_ascii_case("allow");
        if lets_out && side.is_known() && !side.set.is_empty() && side.set.is_subset(&dropped) {
            let message = Message::Dropped { subnet: subnet.name.clone(), table: table.name.clone() };
            found.push(Finding::new("TW034", &group.name, Some(&rule.rule.name), &rule.place, message));
        }
    }
}

/// Subnets that Azure keeps for itself, and whether they may have a group, a table.
const RESERVED: [(&str, bool, bool); 5] = [
    ("GatewaySubnet", false, true),
    ("AzureFirewallSubnet", false, true),
    ("AzureFirewallManagementSubnet", false, true),
    ("AzureBastionSubnet", true, false),
    ("RouteServerSubnet", false, false),
];

/// TW035 and TW037.
fn subnets(live: &Live, found: &mut Vec<Finding>) {
    let reserved = |subnet: &LiveSubnet| RESERVED.iter().find(|row| row.0.eq_ignore_ascii_case(&subnet.name));
    for subnet in &live.subnets {
        let Some(&(_, group, table)) = reserved(subnet) else { continue };
        let refused = [(group, &subnet.group, "security group"), (table, &subnet.table, "route table")];
        for (_, _, what) in refused.into_iter().filter(|(may, has, _)| !may && has.is_some()) {
            found.push(Finding::new("TW037", &subnet.name, None, &subnet.place, Message::Refused(what)));
        }
    }
    let ordinary: Vec<&LiveSubnet> =
        live.subnets.iter().filter(|subnet| reserved(subnet).is_none()).collect();
    for subnet in &ordinary {
        let siblings: Vec<&&LiveSubnet> = ordinary
            .iter()
            .filter(|other| other.network == subnet.network && other.name != subnet.name)
            .collect();
        type Has = fn(&LiveSubnet) -> bool;
        let kinds: [(&str, Has); 2] =
            [("security group", |s| s.group.is_some()), ("route table", |s| s.table.is_some())];
        for (what, has) in kinds {
            let with = siblings.iter().filter(|other| has(other)).count();
            if !has(subnet) && siblings.len() >= 3 && with * 4 >= siblings.len() * 3 {
                let message = Message::Lacks { what, with, of: siblings.len() };
                found.push(Finding::new("TW035", &subnet.name, None, &subnet.place, message));
            }
        }
    }
}
