//! Route tables: longest-prefix match with Azure's precedence, over the whole address space.
//!
//! Source of the precedence: virtual-networks-udr-overview.md, 2023-05-27.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::given::{Findings, Given};
use super::report::FailureKind;
use crate::addr::{AddrSet, IntervalSet, IpPrefix};
use crate::packet::NextHop;
use crate::plan::{Association, Extra, extra_of};
use crate::policy::{ManagedRoute, Policy, Remote, RouteNeed, SYSTEM_NONE};
use crate::read::resources::{Route, RouteTable};
use crate::replay::{Resolver, RouteMap, Stray, WantedHops};
use crate::tags::Tag;
use crate::target::Target;

/// Proves of the table of each subnet that it sends every address where the policy wants it for that subnet, those declared
/// as extra with the routes that they are extra of; and that a subnet that needs no table has none.
pub(super) fn check(
    given: &Given<'_>,
    (all, placed): (&[RouteTable], &[Association]),
    resolver: &Resolver<'_>,
    findings: &mut Findings<'_>,
) {
    let policy = given.policy;
    let mut subnets_of: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for subnet in policy.network.subnets.keys() {
        let association = placed.iter().find(|association| association.subnet == *subnet);
        let name = association.and_then(|association| association.route_table.as_deref());
        let table = name.and_then(|name| all.iter().find(|table| table.name == name));
        match (policy.is_routed(subnet), name, table) {
            (true, _, Some(table)) => subnets_of.entry(&table.name).or_default().push(subnet),
            (true, _, None) => {
                findings.fail(FailureKind::Missing, format!("no table is there for subnet {subnet}"))
            }
            (false, Some(name), _) => {
                findings.invalid(format!("subnet {subnet} has the table {name}, but needs none"));
            }
            (false, None, _) => {}
        }
    }
    for table in all {
        let Some(subnets) = subnets_of.get(table.name.as_str()) else {
            findings.invalid(format!("{} is a table that no subnet has", table.name));
            continue;
        };
        check_table(given, (table, subnets, all.len() > 1), resolver, findings);
    }
}

fn check_table(
    given: &Given<'_>,
    (table, subnets, several): (&RouteTable, &[&str], bool),
    resolver: &Resolver<'_>,
    findings: &mut Findings<'_>,
) {
    let policy = given.policy;
    for text in field_errors(table) {
        findings.invalid(text);
    }
    for text in missing_managed(policy, table, subnets) {
        findings.fail(FailureKind::Missing, text);
    }
    if table.disable_bgp.unwrap_or(false) != policy.route_table.disable_bgp {
        let text = if policy.route_table.disable_bgp {
            "routes learned by a gateway must be kept off, but are taken"
        } else {
            "routes learned by a gateway must be taken, but are kept off"
        };
        findings.fail(FailureKind::Misrouted, text);
    }
    if table.disable_peering_route.unwrap_or(false) != policy.route_table.disable_peering_route {
        let text = if policy.route_table.disable_peering_route {
            "routes of peerings must be kept off, but are taken"
        } else {
            "routes of peerings must be taken, but are kept off"
        };
        findings.fail(FailureKind::Misrouted, text);
    }
    let routes = match RouteMap::system(&policy.network.space).with_table(table, resolver) {
        Ok(routes) => routes,
        Err(error) => return findings.invalid(error),
    };
    let mut seen: Vec<Asked> = Vec::new();
    for subnet in subnets {
        let asked = Asked::of(policy, subnet);
        if seen.contains(&asked) {
            continue;
        }
        for found in routes.first_stray(&wanted((policy, subnet), table, given.extras)).iter().flatten() {
            let from = if subnets.len() > 1 || several { format!("from {subnet}: ") } else { String::new() };
            findings.fail(FailureKind::Misrouted, format!("{from}{}", stray(found)));
        }
        seen.push(asked);
    }
    let defaults = subnets.iter().any(|subnet| policy.default_hop_of(subnet, false).is_some());
    let needs: BTreeSet<&str> =
        subnets.iter().flat_map(|subnet| policy.routes_of(subnet)).map(|need| need.id.as_str()).collect();
    let part = if several { format!("routes of {}", table.name) } else { "routes".to_owned() };
    findings.proven(&part, table.routes.len(), needs.len() + usize::from(defaults));
}

/// All that decides where the addresses of one subnet are to go.
#[derive(PartialEq, Eq)]
struct Asked {
    defaults: [Option<NextHop>; 2],
    needs: Vec<String>,
    /// Its own addresses, where a line inside the network may hold them.
    own: Option<AddrSet>,
}

impl Asked {
    fn of(policy: &Policy, subnet: &str) -> Self {
        let needs: Vec<&RouteNeed> = policy.routes_of(subnet).collect();
        let inside = needs.iter().any(|need| need.as_written);
        Asked {
            defaults: [false, true].map(|v6| policy.default_hop_of(subnet, v6)),
            needs: needs.iter().map(|need| need.id.clone()).collect(),
            own: inside.then(|| policy.network.addresses_of(subnet)),
        }
    }
}

/// The routes of services that are not there as the service gives them.
fn missing_managed(policy: &Policy, table: &RouteTable, subnets: &[&str]) -> Vec<String> {
    let there = |kept: &ManagedRoute| {
        table.routes.iter().any(|route| {
            route.name == kept.name
                && route.address_prefix.eq_ignore_ascii_case(&kept.matches())
                && route.next_hop_type == kept.next_hop.to_string()
        })
    };
    let all = subnets.iter().flat_map(|subnet| policy.managed_routes_of(subnet));
    let missing = all.filter(|kept| !there(kept));
    missing
        .map(|kept| format!("the route {} that {} keeps is not there as it is", kept.name, kept.workload))
        .collect()
}

fn field_errors(table: &RouteTable) -> Vec<String> {
    let mut errors = Vec::new();
    let (mut names, mut prefixes) = (HashSet::new(), HashSet::new());
    for route in &table.routes {
        let name = &route.name;
        if !names.insert(name.to_ascii_lowercase()) {
            errors.push(format!("two routes are called {name}"));
        }
        if !super::names::legal_name(name) {
            errors.push(format!("{name} is no legal name"));
        }
        if !prefixes.insert(route.address_prefix.to_ascii_lowercase()) {
            errors.push(format!("{name}: another route has the prefix {}", route.address_prefix));
        }
        let appliance = route.next_hop_type == "VirtualAppliance";
        if appliance != route.next_hop_address.is_some() {
            errors.push(format!(
                "{name}: an address of the next hop goes with VirtualAppliance, and only with it"
            ));
        }
    }
    errors
}

/// Where each address is to go from a subnet: lines as they are written, the network itself, what is asked for, what is
/// declared as extra, the rest.
fn wanted((policy, subnet): (&Policy, &str), table: &RouteTable, extras: &[Extra]) -> WantedHops {
    let mut wanted = WantedHops::default();
    for need in policy.routes_of(subnet).filter(|need| need.as_written) {
        wanted.then(policy.route_set(need, subnet), need.next_hop);
    }
    wanted.then(policy.network.space.clone(), NextHop::VnetLocal);
    for need in policy.routes_of(subnet).filter(|need| !need.as_written) {
        let by_name = |tag: &Tag| {
            let named = |route: &Route| route.address_prefix.eq_ignore_ascii_case(tag.name().as_str());
            table.routes.iter().any(named)
        };
        // A route by a tag's name takes both families, whichever the subnets have.
        let set = match &need.to {
            Remote::Tag(tag) | Remote::Outside(tag) if by_name(tag) => tag.set().difference(&need.except),
            _ => policy.route_set(need, subnet),
        };
        wanted.then(set, need.next_hop);
    }
    for need in policy.routes_of(subnet) {
        wanted.then(extra_of(extras, Target::RouteTable, &need.id), need.next_hop);
    }
    let subnets = policy.network.subnet_space();
    if !policy.private_to_firewall() {
        let private = SYSTEM_NONE.iter().filter_map(|t| t.parse::<IpPrefix>().ok()).collect();
        wanted.then(private, NextHop::None);
    }
    let default =
        |v6, none: bool| policy.default_hop_of(subnet, v6).filter(|_| !none).unwrap_or(NextHop::Internet);
    wanted.v4.push((IntervalSet::all(), default(false, subnets.v4.is_empty())));
    wanted.v6.push((IntervalSet::all(), default(true, subnets.v6.is_empty())));
    wanted
}

fn stray(found: &Stray<'_>) -> String {
    let by = found.decision.route.unwrap_or("no route");
    format!("{} must go to {}, but goes to {} by {by}", found.address, found.wanted, found.decision.hop)
}
