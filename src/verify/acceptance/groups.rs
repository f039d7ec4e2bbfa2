//! Rules that Azure refuses, and rules that it demands.

use std::collections::BTreeMap;

use super::site::{Found, Site, all_of, are_all, is_way, lets, ports_of};
use crate::catalog::is_kept_by_service;
use crate::packet::{Ports, Protocol};
use crate::read::resources::{FirewallRule, SecurityRule};
use crate::replay::way::Role;
use crate::subnet::Demand;
use crate::tags::Symbol;
use crate::target::Target;
use crate::verify::refusal::Odd;

pub(super) fn platform_tags(site: &Site<'_>) -> Vec<Found> {
    let platform = |text: &String| {
        matches!(
            Symbol::find(text),
            Some(Symbol::AzurePlatformDns | Symbol::AzurePlatformImds | Symbol::AzurePlatformLkm)
        )
    };
    let mut found = Vec::new();
    for group in &site.resources.nsgs {
        for rule in &group.rules {
            let named = rule.sources.iter().chain(&rule.destinations).find(|text| platform(text));
            let Some(tag) = named else { continue };
            let form = rule.access.eq_ignore_ascii_case("deny")
                && rule.direction.eq_ignore_ascii_case("outbound")
                && rule.destinations.len() == 1
                && rule.sources == ["*"]
                && matches!(rule.protocol.parse(), Ok(Protocol::Any))
                && are_all(&rule.source_ports)
                && are_all(&rule.destination_ports);
            if !form {
                let odd = Odd::PlatformTag { rule: rule.name.clone(), tag: tag.clone() };
                found.push(Found::new(Target::Nsg, &group.name, Some(&rule.name), odd));
            }
        }
    }
    found
}

pub(super) fn bastion_rules(site: &Site<'_>) -> Vec<Found> {
    demanded(site, Role::Bastion.demands(), |role| *role == Role::Bastion)
}

/// What the page on Bastion asks for besides; whether Azure looks for it is not known.
const BASTION_ADVISED: [Demand; 2] = [
    Demand { inbound: true, tag: "AzureLoadBalancer", ports: (443, 443), regional: false },
    Demand { inbound: false, tag: "Internet", ports: (80, 80), regional: false },
];

pub(super) fn bastion_advised(site: &Site<'_>) -> Vec<Found> {
    demanded(site, &BASTION_ADVISED, |role| *role == Role::Bastion)
}

/// The rule has to let all its ports pass to any address, and no rule that denies may come before it.
pub(super) fn application_gateway_ports(site: &Site<'_>) -> Vec<Found> {
    let role = Role::ApplicationGateway;
    let mut found = demanded(site, role.demands(), |own| *own == role);
    for (subnet, group) in site.grouped().filter(|(subnet, _)| subnet.role == role) {
        for demand in role.demands() {
            let met = group.rules.iter().filter(|rule| lets(rule, demand));
            let Some(first) = met.min_by_key(|rule| rule.priority) else { continue };
            if first.destinations != ["*"] {
                let odd = Odd::InPart { rule: first.name.clone(), subnet: subnet.name.clone() };
                found.push(Found::new(Target::Nsg, &group.name, Some(&first.name), odd));
            }
            let before = group.rules.iter().filter(|rule| rule.priority < first.priority);
            if let Some(denies) = before.into_iter().find(|rule| denies_first(rule, demand)) {
                let (rule, lets) = (denies.name.clone(), first.name.clone());
                let odd = Odd::DeniedBefore { rule, lets, demand: *demand };
                found.push(Found::new(Target::Nsg, &group.name, Some(&denies.name), odd));
            }
        }
    }
    found
}

/// Whether a rule denies ports of a demand to its tag, or to what holds that.
fn denies_first(rule: &SecurityRule, demand: &Demand) -> bool {
    let side = if demand.inbound { &rule.sources } else { &rule.destinations };
    let wide = |text: &String| {
        ["*", "Internet", "0.0.0.0/0", "AzureCloud", demand.tag]
            .iter()
            .any(|own| own.eq_ignore_ascii_case(text))
    };
    rule.access.eq_ignore_ascii_case("deny")
        && is_way(rule, demand.inbound)
        && matches!(rule.protocol.parse(), Ok(Protocol::Any | Protocol::Tcp))
        && side.iter().any(wide)
        && !ports_of(&rule.destination_ports).is_disjoint(&all_of(demand))
}

/// What API Management needs to work; Azure takes the group all the same, and the service does not start.
const API_MANAGEMENT: [Demand; 7] = [
    Demand { inbound: true, tag: "ApiManagement", ports: (3443, 3443), regional: true },
    Demand { inbound: true, tag: "AzureLoadBalancer", ports: (6390, 6390), regional: true },
    Demand { inbound: false, tag: "Storage", ports: (443, 443), regional: true },
    Demand { inbound: false, tag: "Sql", ports: (1433, 1433), regional: true },
    Demand { inbound: false, tag: "AzureKeyVault", ports: (443, 443), regional: true },
    Demand { inbound: false, tag: "AzureMonitor", ports: (443, 443), regional: true },
    Demand { inbound: false, tag: "AzureMonitor", ports: (1886, 1886), regional: true },
];

pub(super) fn api_management(site: &Site<'_>) -> Vec<Found> {
    demanded(site, &API_MANAGEMENT, |role| is_service(role, "Microsoft.ApiManagement/service"))
}

/// Rules by tag and ports that the group of subnets of some role has to have. What goes out passes by Azure's own rule where
/// no rule of the group denies all of it, and nobody looks for rules of their own there.
fn demanded(site: &Site<'_>, demands: &[Demand], of: impl Fn(&Role) -> bool) -> Vec<Found> {
    let mut found = Vec::new();
    for (subnet, group) in site.grouped().filter(|(subnet, _)| of(&subnet.role)) {
        let open = !matches!(subnet.role, Role::Bastion | Role::ApplicationGateway)
            && !group.rules.iter().any(closes_outbound);
        for demand in demands.iter().filter(|demand| demand.inbound || !open) {
            if !group.rules.iter().any(|rule| lets(rule, demand)) {
                let odd = Odd::NoRule { subnet: subnet.name.clone(), demand: *demand };
                found.push(Found::new(Target::Nsg, &group.name, None, odd));
            }
        }
    }
    found
}

fn closes_outbound(rule: &SecurityRule) -> bool {
    rule.access.eq_ignore_ascii_case("deny")
        && is_way(rule, false)
        && rule.destinations == ["*"]
        && are_all(&rule.destination_ports)
}

fn is_service(role: &Role, service: &str) -> bool {
    matches!(role, Role::Delegated(own) if own.eq_ignore_ascii_case(service))
}

pub(super) fn managed_rules(site: &Site<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (subnet, group) in site.grouped() {
        for managed in site.policy.managed.iter().filter(|rule| rule.subnets.contains(&subnet.name)) {
            let there = group.rules.iter().any(|rule| {
                rule.name.eq_ignore_ascii_case(&managed.name) && rule.priority == i64::from(managed.priority)
            });
            if !there {
                let odd = Odd::NoKeptRule {
                    subnet: subnet.name.clone(),
                    rule: managed.name.clone(),
                    priority: managed.priority,
                    keeper: managed.workload.clone(),
                };
                found.push(Found::new(Target::Nsg, &group.name, Some(&managed.name), odd));
            }
        }
    }
    for (subnet, table) in site.tabled() {
        for kept in site.policy.managed_routes_of(&subnet.name) {
            if !table.routes.iter().any(|route| route.name.eq_ignore_ascii_case(&kept.name)) {
                let odd = Odd::NoKeptRoute {
                    subnet: subnet.name.clone(),
                    route: kept.name.clone(),
                    keeper: kept.workload.clone(),
                };
                found.push(Found::new(Target::RouteTable, &table.name, Some(&kept.name), odd));
            }
        }
    }
    found
}

/// Direction, protocol, sources and destinations: what rules of one remote share.
type Remote<'r> = (String, String, &'r [String], &'r [String]);

pub(super) fn managed_instance_ports(site: &Site<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    let own = site.grouped().filter(|(subnet, _)| is_service(&subnet.role, "Microsoft.Sql/managedInstances"));
    for (_, group) in own {
        let mut seen: BTreeMap<Remote<'_>, &String> = BTreeMap::new();
        // What the service keeps stands beside rules of people that say the same, such as that of the whole network.
        let own = |rule: &&SecurityRule| !is_kept_by_service(&rule.name);
        for rule in group.rules.iter().filter(own).filter(|rule| rule.access.eq_ignore_ascii_case("allow")) {
            let key = (
                rule.direction.to_ascii_lowercase(),
                rule.protocol.to_ascii_lowercase(),
                rule.sources.as_slice(),
                rule.destinations.as_slice(),
            );
            if let Some(first) = seen.insert(key, &rule.name) {
                let odd = Odd::TwoRules { first: first.clone(), second: rule.name.clone() };
                found.push(Found::new(Target::Nsg, &group.name, Some(&rule.name), odd));
            }
        }
    }
    found
}

pub(super) fn firewall_ports(site: &Site<'_>) -> Vec<Found> {
    of_firewall(site, |rule| match rule {
        FirewallRule::Network(rule) => rule.ports.iter().find(|text| names_zero(text)).cloned(),
        FirewallRule::Application(rule) => {
            rule.protocols.iter().find(|(_, port)| *port == 0).map(|(kind, _)| format!("{kind}:0"))
        }
        FirewallRule::Nat(_) => None,
    })
}

pub(super) fn dnat_ports(site: &Site<'_>) -> Vec<Found> {
    let beyond = |text: &String| {
        let ports = text.parse::<Ports>();
        ports.is_ok_and(|ports| ports.set().intervals().iter().any(|i| i.first() == 0 || i.last() > 63999))
    };
    of_firewall(site, |rule| match rule {
        FirewallRule::Nat(rule) => {
            rule.ports.iter().chain([&rule.translated_port]).find(|text| beyond(text)).cloned()
        }
        _ => None,
    })
}

fn names_zero(text: &str) -> bool {
    text != "*" && text.parse::<Ports>().is_ok_and(|ports| ports.set().contains(0))
}

/// Rules of the firewall with a port that is not taken.
fn of_firewall(site: &Site<'_>, wrong: impl Fn(&FirewallRule) -> Option<String>) -> Vec<Found> {
    let mut found = Vec::new();
    for collection in site.resources.rule_collections() {
        for rule in &collection.rules {
            if let Some(port) = wrong(rule) {
                let odd = Odd::Port { rule: rule.name().to_owned(), port };
                found.push(Found::new(Target::Firewall, &collection.name, Some(rule.name()), odd));
            }
        }
    }
    found
}
