//! A network security group as an [`OpenList`], Azure's own rules at the end.

use std::sync::Arc;

use super::atoms::{At, Atoms, What};
use super::list::{OpenList, OpenRule};
use super::resolver::OpenResolver;
use crate::addr::AddrSet;
use crate::packet::{Direction, Ports, Protocol};
use crate::read::live::{LiveGroup, LiveRule};
use crate::rules::{Access, Rule};

/// Where the rules that Azure adds begin among origins.
pub(crate) const DEFAULTS: usize = usize::MAX - 8;

/// The names of the rules that Azure adds, the one that denies last.
pub(crate) fn default_names(direction: Direction) -> [&'static str; 3] {
    match direction {
        Direction::Inbound => ["AllowVnetInBound", "AllowAzureLoadBalancerInBound", "DenyAllInBound"],
        Direction::Outbound => ["AllowVnetOutBound", "AllowInternetOutBound", "DenyAllOutBound"],
    }
}

/// The rules of one direction in order. The origin of each is its number in the group.
pub(crate) fn open_group(
    group: &LiveGroup,
    direction: Direction,
    meaning: &mut OpenResolver<'_>,
    atoms: &mut Atoms,
) -> OpenList {
    let mut order: Vec<(usize, &LiveRule)> =
        group.rules.iter().enumerate().filter(|(_, rule)| is_of(rule, direction)).collect();
    order.sort_by_key(|(_, rule)| rule.rule.priority);
    let mut rules: Vec<OpenRule> =
        order.into_iter().map(|(origin, rule)| open_rule(rule, origin, meaning, atoms)).collect();
    rules.extend(defaults(direction, meaning, atoms));
    OpenList { rules, v4_only: false }
}

/// Whether a rule is of that direction; one whose direction is not known is of both.
fn is_of(rule: &LiveRule, direction: Direction) -> bool {
    rule.unknown.contains(&"direction") || rule.rule.direction.eq_ignore_ascii_case(direction.name())
}

fn open_rule(live: &LiveRule, origin: usize, meaning: &mut OpenResolver<'_>, atoms: &mut Atoms) -> OpenRule {
    let rule = &live.rule;
    let (src, sources) = meaning.side(&rule.sources, &live.source_groups, At::Source, atoms);
    let (dst, destinations) =
        meaning.side(&rule.destinations, &live.destination_groups, At::Destination, atoms);
    let (sport, sport_question) = meaning.ports(&rule.source_ports, At::SourcePort, atoms);
    let (dport, dport_question) = meaning.ports(&rule.destination_ports, At::DestinationPort, atoms);
    let (protocol, protocol_question) = meaning.protocol(&rule.protocol, atoms);
    let access = match rule.access.to_ascii_lowercase().as_str() {
        "allow" => Ok(Access::Allow),
        "deny" => Ok(Access::Deny),
        _ => Err(atoms.number(At::Access, meaning.own(What::Rule(rule.name.clone())))),
    };
    let mut open = OpenRule {
        rule: Rule {
            name: rule.name.clone(),
            priority: 0,
            access: *access.as_ref().unwrap_or(&Access::Deny),
            protocol,
            src,
            dst,
            sport,
            dport,
        },
        sources,
        destinations,
        services: [sport_question, dport_question, protocol_question],
        access: access.err(),
        gate: None,
        origin,
    };
    lacking(live, &mut open, meaning, atoms);
    open
}

/// Fields that the export lacks are questions.
fn lacking(live: &LiveRule, open: &mut OpenRule, meaning: &OpenResolver<'_>, atoms: &mut Atoms) {
    let mut ask = |at: At, field| atoms.number(at, meaning.own(What::Field(field, live.rule.name.clone())));
    for &field in &live.unknown {
        match field {
            "sourceAddressPrefix" => open.sources.push(ask(At::Source, field)),
            "destinationAddressPrefix" => open.destinations.push(ask(At::Destination, field)),
            "sourcePortRange" => open.services[0] = Some(ask(At::SourcePort, field)),
            "destinationPortRange" => open.services[1] = Some(ask(At::DestinationPort, field)),
            "priority" | "direction" => open.gate = Some(ask(At::Order, field)),
            _ => {}
        }
    }
}

/// The rules that Azure adds; what none of them takes is denied.
///
/// Source: network-security-groups-overview.md, 2025-07-15.
fn defaults(direction: Direction, meaning: &mut OpenResolver<'_>, atoms: &mut Atoms) -> Vec<OpenRule> {
    let sides: [(&str, &str); 2] = match direction {
        Direction::Inbound => [("VirtualNetwork", "VirtualNetwork"), ("AzureLoadBalancer", "*")],
        Direction::Outbound => [("VirtualNetwork", "VirtualNetwork"), ("*", "Internet")],
    };
    let mut set = |text: &str, at| -> Arc<AddrSet> { meaning.side(&[text.to_owned()], &[], at, atoms).0 };
    let names = default_names(direction);
    let rows = sides.into_iter().zip(names).zip(DEFAULTS..);
    rows.map(|(((source, destination), name), origin)| {
        let rule = Rule {
            name: name.to_owned(),
            priority: 0,
            access: Access::Allow,
            protocol: Protocol::Any,
            src: set(source, At::Source),
            dst: set(destination, At::Destination),
            sport: Ports::all(),
            dport: Ports::all(),
        };
        OpenRule::known(rule, origin)
    })
    .collect()
}
