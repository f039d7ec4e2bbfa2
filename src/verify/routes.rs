//! Route tables: longest-prefix match with Azure's precedence, over the whole address space.
//!
//! Source of the precedence: virtual-networks-udr-overview.md, 2023-05-27.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::difference::Differs;
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
use crate::text::says;

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
                findings.fail(FailureKind::Missing, Differs::NoTable(subnet.clone()));
            }
            (false, Some(name), _) => {
                let (subnet, table) = (subnet.clone(), name.to_owned());
                findings.invalid(Differs::NeedlessTable { subnet, table });
            }
            (false, None, _) => {}
        }
    }
    for table in all {
        let Some(subnets) = subnets_of.get(table.name.as_str()) else {
            findings.invalid(Differs::UnusedTable(table.name.clone()));
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
    for differs in field_errors(table) {
        findings.invalid(differs);
    }
    for differs in missing_managed(policy, table, subnets) {
        findings.fail(FailureKind::Missing, differs);
    }
    for (routes, found, off) in [
        ("routes learned by a gateway", table.disable_bgp, policy.route_table.disable_bgp),
        ("routes of peerings", table.disable_peering_route, policy.route_table.disable_peering_route),
    ] {
        if found.unwrap_or(false) != off {
            findings.fail(FailureKind::Misrouted, Differs::Learned { routes, off });
        }
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
            let from = (subnets.len() > 1 || several).then(|| (*subnet).to_owned());
            findings.fail(FailureKind::Misrouted, misrouted(from, found));
        }
        seen.push(asked);
    }
    let defaults = subnets.iter().any(|subnet| policy.default_hop_of(subnet, false).is_some());
    let needs: BTreeSet<&str> =
        subnets.iter().flat_map(|subnet| policy.routes_of(subnet)).map(|need| need.id.as_str()).collect();
    let (rules, needs) = (table.routes.len(), needs.len() + usize::from(defaults));
    match several {
        true => findings.proven(format_args!("routes of {}", table.name), rules, needs),
        false => findings.proven("routes", rules, needs),
    }
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
fn missing_managed(policy: &Policy, table: &RouteTable, subnets: &[&str]) -> Vec<Differs> {
    let there = |kept: &ManagedRoute| {
        table.routes.iter().any(|route| {
            route.name == kept.name
                && route.address_prefix.eq_ignore_ascii_case(&kept.matches())
                && says(&route.next_hop_type, kept.next_hop)
        })
    };
    let all = subnets.iter().flat_map(|subnet| policy.managed_routes_of(subnet));
    let missing = all.filter(|kept| !there(kept));
    missing
        .map(|kept| Differs::NotAsKept {
            what: "route",
            name: kept.name.clone(),
            keeper: kept.workload.clone(),
        })
        .collect()
}

fn field_errors(table: &RouteTable) -> Vec<Differs> {
    let mut errors = Vec::new();
    let (mut names, mut prefixes) = (HashSet::new(), HashSet::new());
    for route in &table.routes {
        let name = &route.name;
        if !names.insert(name.to_ascii_lowercase()) {
            errors.push(Differs::Twice("routes", name.clone()));
        }
        if !super::names::legal_name(name) {
            errors.push(Differs::IllegalName(name.clone()));
        }
        if !prefixes.insert(route.address_prefix.to_ascii_lowercase()) {
            let prefix = route.address_prefix.clone();
            errors.push(Differs::SamePrefix { name: name.clone(), prefix });
        }
        let appliance = route.next_hop_type == "VirtualAppliance";
        if appliance != route.next_hop_address.is_some() {
            errors.push(Differs::HopAddress(name.clone()));
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

/// An address that goes another way than asked; `from` names the subnet where there are several.
fn misrouted(from: Option<String>, found: &Stray<'_>) -> Differs {
    let Stray { address, wanted, decision } = found;
    let by = decision.route.unwrap_or("no route").to_owned();
    Differs::Misrouted { from, address: *address, wanted: *wanted, hop: decision.hop, by }
}
