//! Rules that Azure refuses, and rules that it demands.

use std::collections::BTreeMap;

use super::site::{Found, Site, are_all, holds, lets};
use crate::catalog::is_kept_by_service;
use crate::packet::{Ports, Protocol};
use crate::read::resources::{FirewallRule, SecurityRule};
use crate::replay::way::Role;
use crate::tags::Symbol;
use crate::target::Target;

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
                && rule.destinations.iter().any(platform)
                && rule.sources == ["*"]
                && matches!(rule.protocol.parse(), Ok(Protocol::Any))
                && are_all(&rule.source_ports)
                && are_all(&rule.destination_ports);
            if !form {
                let text =
                    format!("{}: {tag} stands in a rule that is no plain deny of all outbound", rule.name);
                found.push(Found::new(Target::Nsg, &group.name, Some(&rule.name), text));
            }
        }
    }
    found
}

/// What a rule of Bastion lets pass: inbound or not, the tag, the port.
const BASTION: [(bool, &str, u16); 9] = [
    (true, "Internet", 443),
    (true, "GatewayManager", 443),
    (true, "VirtualNetwork", 8080),
    (true, "VirtualNetwork", 5701),
    (false, "VirtualNetwork", 22),
    (false, "VirtualNetwork", 3389),
    (false, "VirtualNetwork", 8080),
    (false, "VirtualNetwork", 5701),
    (false, "AzureCloud", 443),
];

pub(super) fn bastion_rules(site: &Site<'_>) -> Vec<Found> {
    demanded(site, &BASTION, |role| *role == Role::Bastion)
}

pub(super) fn application_gateway_ports(site: &Site<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (subnet, group) in site.grouped().filter(|(subnet, _)| subnet.role == Role::ApplicationGateway) {
        let there = group.rules.iter().any(|rule| {
            lets(rule, true, "GatewayManager", 65200)
                && holds(&rule.destination_ports, 65535)
                && rule.destinations == ["*"]
        });
        if !there {
            let text = format!(
                "the group of subnet {} has no rule that lets TCP 65200-65535 in from GatewayManager to any address",
                subnet.name
            );
            found.push(Found::new(Target::Nsg, &group.name, None, text));
        }
    }
    found
}

pub(super) fn api_management(site: &Site<'_>) -> Vec<Found> {
    let demands = [(true, "ApiManagement", 3443), (true, "AzureLoadBalancer", 6390)];
    demanded(site, &demands, |role| is_service(role, "Microsoft.ApiManagement/service"))
}

/// Rules by tag and port that the group of subnets of some role has to have.
fn demanded(site: &Site<'_>, demands: &[(bool, &str, u16)], of: impl Fn(&Role) -> bool) -> Vec<Found> {
    let mut found = Vec::new();
    for (subnet, group) in site.grouped().filter(|(subnet, _)| of(&subnet.role)) {
        for (inbound, tag, port) in demands {
            if !group.rules.iter().any(|rule| lets(rule, *inbound, tag, *port)) {
                let way = if *inbound { "in from" } else { "out to" };
                let text = format!(
                    "the group of subnet {} has no rule that lets TCP {port} {way} {tag}",
                    subnet.name
                );
                found.push(Found::new(Target::Nsg, &group.name, None, text));
            }
        }
    }
    found
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
                let text = format!(
                    "the group of subnet {} has no rule {} with priority {}, which {} keeps there",
                    subnet.name, managed.name, managed.priority, managed.workload
                );
                found.push(Found::new(Target::Nsg, &group.name, Some(&managed.name), text));
            }
        }
    }
    for (subnet, table) in site.tabled() {
        for kept in site.policy.managed_routes_of(&subnet.name) {
            if !table.routes.iter().any(|route| route.name.eq_ignore_ascii_case(&kept.name)) {
                let text = format!(
                    "the table of subnet {} has no route {}, which {} keeps there",
                    subnet.name, kept.name, kept.workload
                );
                found.push(Found::new(Target::RouteTable, &table.name, Some(&kept.name), text));
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
        let mut seen: BTreeMap<Remote<'_>, &str> = BTreeMap::new();
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
                let text = format!("{first} and {} say the ports of one remote in two rules", rule.name);
                found.push(Found::new(Target::Nsg, &group.name, Some(&rule.name), text));
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
            if let Some(ports) = wrong(rule) {
                let text = format!("{}: port {ports} is none that such a rule takes", rule.name());
                found.push(Found::new(Target::Firewall, &collection.name, Some(rule.name()), text));
            }
        }
    }
    found
}
