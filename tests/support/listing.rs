//! A plan as one line for each rule, for golden listings.

use std::fmt::Write;

use tagwall::pipeline::Generation;
use tagwall::plan::{AppTarget, Destination, FirewallRules, PlanParts, RouteTo, Side};

fn side(side: &Side) -> String {
    match side {
        Side::Any => "*".to_owned(),
        Side::Tag(name) => name.clone(),
        Side::Prefixes(list) if list.len() <= 3 => {
            list.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
        }
        Side::Prefixes(list) => format!("{} prefixes from {}", list.len(), list[0]),
    }
}

pub fn listing(made: &Generation) -> String {
    let mut out = String::new();
    let PlanParts { nsgs, route_tables, ip_groups, gaps, .. } = &*made.plan;
    for rule in nsgs.iter().flat_map(|n| &n.rules).filter(|r| !r.flows.is_empty()) {
        let (from, to) = (side(&rule.source), side(&rule.destination));
        writeln!(out, "nsg {} {} {} {from} -> {to}", rule.direction.name(), rule.protocol, rule.ports)
            .unwrap();
    }
    for route in route_tables.iter().flat_map(|t| &t.routes) {
        if let RouteTo::Tag(_) = route.to {
            writeln!(out, "route {} -> {}", route.to, route.next_hop).unwrap();
        }
    }
    let prefixes =
        route_tables.iter().flat_map(|t| &t.routes).filter(|r| matches!(r.to, RouteTo::Prefix(_))).count();
    writeln!(out, "route {prefixes} by prefix").unwrap();
    for collection in made.plan.firewall.iter().flat_map(|f| &f.groups).flat_map(|g| &g.collections) {
        match &collection.rules {
            FirewallRules::Network(rules) => {
                for rule in rules {
                    let to = match &rule.destination {
                        Destination::Any => "*".to_owned(),
                        Destination::Tags(names) | Destination::Fqdns(names) => names.join(","),
                        Destination::Groups(names) => format!("group {}", names.join(",")),
                        Destination::Prefixes(list) => format!("{} prefixes from {}", list.len(), list[0]),
                    };
                    writeln!(out, "network {:?} {} -> {to}", rule.protocols, rule.ports).unwrap();
                }
            }
            FirewallRules::Application(rules) => {
                for rule in rules {
                    let to = match &rule.to {
                        AppTarget::Fqdns(list) | AppTarget::Urls(list) => list.join(","),
                        AppTarget::FqdnTags(list) => format!("FQDN tag {}", list.join(",")),
                    };
                    writeln!(out, "application {:?} -> {to}", rule.protocols).unwrap();
                }
            }
        }
    }
    for group in ip_groups {
        writeln!(out, "group {} of {}", group.name, group.prefixes.len()).unwrap();
    }
    for gap in gaps {
        let by: Vec<String> = gap.covered_by.iter().map(ToString::to_string).collect();
        let by = if by.is_empty() { "nothing".to_owned() } else { by.join(", ") };
        let part = if gap.partial { " in part" } else { "" };
        writeln!(out, "not on {}{part}: {} ({}); covered by {by}", gap.target, gap.flow, gap.reason).unwrap();
    }
    out
}
