//! Network security groups: first match by priority, against what the policy allows.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use super::difference::Differs;
use super::extra::with_extra;
use super::given::{Findings, Given};
use super::report::FailureKind;
use crate::addr::{AddrSet, IpPrefix};
use crate::packet::{Direction, Ports, Protocol};
use crate::plan::{Association, nsg_priorities};
use crate::policy::intent::{HostUse, Passage};
use crate::policy::{Flow, GroupScope, Managed, Policy, Remote};
use crate::read::resources::{Nsg, SecurityRule};
use crate::replay::{self, Resolver, default_rules, in_order};
use crate::rules::{Access, Rule, RuleList};
use crate::tags::{Snapshot, Symbol, Symbols};
use crate::target::Target;
use crate::text::says;

/// Proves of each group that it lets through what the flows of its subnets ask for, but for gaps, with what is declared
/// as extra, and nothing else; and that every subnet has the group that is meant for it.
pub(super) fn check(
    given: &Given<'_>,
    (nsgs, placed): (&[Nsg], &[Association]),
    snapshot: &Snapshot,
    findings: &mut Findings<'_>,
) {
    let scopes = given.policy.group_scopes();
    let mut met: HashSet<&str> = HashSet::new();
    for scope in &scopes {
        let names: BTreeSet<Option<&str>> = placed
            .iter()
            .filter(|association| scope.subnets.contains(&association.subnet))
            .map(|association| association.nsg.as_deref())
            .collect();
        let only = names.first().copied().flatten().filter(|_| names.len() == 1);
        let Some(nsg) = only.and_then(|name| nsgs.iter().find(|nsg| nsg.name == name)) else {
            findings.fail(FailureKind::Missing, Differs::NoGroup(scope.subnets.clone()));
            continue;
        };
        if !met.insert(&nsg.name) {
            findings.invalid(Differs::SharedGroup(nsg.name.clone()));
        }
        check_group(given, (nsg, scope, scopes.len() > 1), snapshot, findings);
    }
    let served: HashSet<&String> = scopes.iter().flat_map(|scope| &scope.subnets).collect();
    for wrong in placed.iter().filter(|a| a.nsg.is_some() && !served.contains(&a.subnet)) {
        findings.invalid(Differs::NeedlessGroup(wrong.subnet.clone()));
    }
    for nsg in nsgs.iter().filter(|nsg| !met.contains(nsg.name.as_str())) {
        findings.invalid(Differs::UnusedGroup(nsg.name.clone()));
    }
}

fn check_group(
    given: &Given<'_>,
    (nsg, scope, several): (&Nsg, &GroupScope, bool),
    snapshot: &Snapshot,
    findings: &mut Findings<'_>,
) {
    // As wide as Azure may take `VirtualNetwork`: a default route on a subnet makes it everything.
    let diverted = scope.subnets.iter().any(|subnet| given.policy.is_diverted(subnet));
    let routed = if diverted { AddrSet::all() } else { AddrSet::empty() };
    let symbols = Symbols::new(&given.policy.network.virtual_network(), &routed);
    let resolver = &mut Resolver::new(snapshot, &symbols);
    for differs in field_errors(nsg) {
        findings.invalid(differs);
    }
    for differs in missing_managed(given.policy, nsg, scope) {
        findings.fail(FailureKind::Missing, differs);
    }
    let own = Nsg { rules: own_rules(given.policy, nsg), ..nsg.clone() };
    let replayed = match replay::Nsg::read(&own, resolver) {
        Ok(replayed) => replayed,
        Err(error) => return findings.invalid(error),
    };
    let elsewhere = scope.any_local.then(|| {
        let own = scope.subnets.iter().map(|subnet| given.policy.network.addresses_of(subnet));
        Arc::new(AddrSet::union_of(&own.collect::<Vec<_>>()).complement())
    });
    for direction in [Direction::Inbound, Direction::Outbound] {
        let wanted = match wanted(given, scope, direction, resolver) {
            Ok(wanted) => wanted,
            Err(differs) => {
                findings.invalid(differs);
                continue;
            }
        };
        let emitted = replayed.rules(direction);
        let part = (direction, several.then_some(nsg.name.as_str()));
        match &elsewhere {
            None => compare(&in_order(wanted), emitted, part, findings),
            Some(elsewhere) => {
                // The group is on these subnets alone, so that other addresses on their side never meet it.
                let without = |rules: Vec<Rule>| {
                    in_order([not_here(direction, elsewhere, resolver)].into_iter().chain(rules))
                };
                let (wanted, emitted) = (without(wanted), without(emitted.rules().to_vec()));
                compare(&wanted, &emitted, part, findings);
            }
        }
    }
}

/// The rules of services that are not there as the service gives them: Azure looks for the rules, not for their effect.
fn missing_managed(policy: &Policy, nsg: &Nsg, scope: &GroupScope) -> Vec<Differs> {
    let own = |rule: &&Managed| rule.subnets.iter().any(|subnet| scope.subnets.contains(subnet));
    let is_side = |texts: &[String], remote: &Remote| match (remote, texts) {
        (Remote::Addresses(set), texts) => {
            let prefixes: Vec<IpPrefix> = set.prefixes().collect();
            prefixes.len() == texts.len()
                && texts.iter().zip(prefixes).all(|(text, prefix)| says(text, prefix))
        }
        (other, [text]) => says(text, other),
        _ => false,
    };
    let same = |kept: &Managed, rule: &SecurityRule| {
        rule.name == kept.name
            && rule.priority == i64::from(kept.priority)
            && rule.direction.eq_ignore_ascii_case(kept.direction.name())
            && rule.access.eq_ignore_ascii_case("allow")
            && rule.protocol.parse() == Ok(kept.protocol)
            && is_side(&rule.sources, &kept.source)
            && is_side(&rule.destinations, &kept.destination)
            && rule.destination_ports == kept.ports.ranges()
    };
    let missing =
        policy.managed.iter().filter(own).filter(|kept| !nsg.rules.iter().any(|rule| same(kept, rule)));
    missing
        .map(|kept| Differs::NotAsKept {
            what: "rule",
            name: kept.name.clone(),
            keeper: kept.workload.clone(),
        })
        .collect()
}

/// The rules that tagwall answers for: those of others that the policy keeps are no part of the proof.
fn own_rules(policy: &Policy, nsg: &Nsg) -> Vec<SecurityRule> {
    let managed = |name: &str| policy.managed.iter().any(|rule| rule.name == name);
    nsg.rules.iter().filter(|rule| managed(&rule.name) || !policy.keeps(&rule.name)).cloned().collect()
}

/// A rule that takes everything whose near side is not in the subnets of the group.
fn not_here(direction: Direction, elsewhere: &Arc<AddrSet>, resolver: &Resolver<'_>) -> Rule {
    let (src, dst) = match direction {
        Direction::Inbound => (resolver.all(), elsewhere.clone()),
        Direction::Outbound => (elsewhere.clone(), resolver.all()),
    };
    rule("other subnets", Access::Deny, (src, dst), (Protocol::Any, Ports::all()))
}

fn rule(
    name: &str,
    access: Access,
    (src, dst): (Arc<AddrSet>, Arc<AddrSet>),
    (protocol, dport): (Protocol, Ports),
) -> Rule {
    Rule { name: name.to_owned(), priority: 0, access, protocol, src, dst, sport: Ports::all(), dport }
}

/// Where the rules that are there decide otherwise than those that are wanted; `group` where there are several.
fn compare(
    wanted: &RuleList,
    emitted: &RuleList,
    (direction, group): (Direction, Option<&str>),
    findings: &mut Findings<'_>,
) {
    findings.compare(wanted, emitted, Some(direction), None);
    let (way, rules, needs) = (direction.name(), emitted.rules().len(), wanted.rules().len());
    match group {
        Some(group) => findings.proven(format_args!("{way} of {group}"), rules, needs),
        None => findings.proven(way, rules, needs),
    }
}

/// What Azure would refuse about the rules' fields.
///
/// Source: network-security-groups-overview.md, 2025-07-15; resource-name-rules.md, 2020-02-11.
fn field_errors(nsg: &Nsg) -> Vec<Differs> {
    let mut errors = Vec::new();
    let mut names = HashSet::new();
    let mut priorities = HashSet::new();
    for rule in &nsg.rules {
        let name = &rule.name;
        if !names.insert(name.to_ascii_lowercase()) {
            errors.push(Differs::Twice("rules", name.clone()));
        }
        if !super::names::legal_name(name) {
            errors.push(Differs::IllegalName(name.clone()));
        }
        let range = super::names::out_of_range(rule.priority, &nsg_priorities());
        errors.extend(range.map(|wrong| Differs::In(name.clone(), Box::new(wrong))));
        if !priorities.insert((rule.direction.to_ascii_lowercase(), rule.priority)) {
            let (direction, priority) = (rule.direction.clone(), rule.priority);
            errors.push(Differs::SamePriority { name: name.clone(), direction, priority });
        }
        errors.extend(super::names::long_description(name, &rule.description));
    }
    errors
}

/// The rules that would say just what the policy asks: what a service keeps in the group, what is denied, every flow as one
/// rule, then what a group ends in.
fn wanted(
    given: &Given<'_>,
    scope: &GroupScope,
    direction: Direction,
    resolver: &mut Resolver<'_>,
) -> Result<Vec<Rule>, Differs> {
    let Given { policy, gaps, extras } = given;
    let own = |flow: &&Flow| flow.direction == direction && scope.subnets.contains(&flow.subnet);
    let mut rules: Vec<Rule> = Vec::new();
    let managed = policy.managed.iter().filter(|rule| rule.direction == direction);
    for kept in managed.filter(|rule| rule.subnets.iter().any(|subnet| scope.subnets.contains(subnet))) {
        rules.push(managed_rule(kept, resolver));
    }
    let meaning = policy.symbols();
    for flow in policy.denies.iter().filter(own).filter(|flow| !gaps.contains(flow.id.as_str())) {
        if let Some(remote) = flow.remote_set(&meaning) {
            rules.push(deny_rule(flow, Arc::new(remote), resolver));
        }
    }
    for flow in policy.flows_with(gaps).filter(own) {
        match remote_of(policy, flow, &meaning) {
            Some(remote) if !gaps.contains(flow.id.as_str()) => {
                rules.push(flow_rule(flow, with_extra(remote, extras, Target::Nsg, flow.id.as_str())));
            }
            Some(_) if !matches!(flow.remote, Remote::Fqdn(_) | Remote::FqdnTag(_) | Remote::Url(_)) => {
                check_gap(policy, flow)?;
            }
            _ => {}
        }
    }
    if policy.nsg.deny_rest {
        rules.extend(closing(policy, direction, resolver));
    } else {
        rules.extend(default_rules(direction, resolver)?);
    }
    Ok(rules)
}

/// A rule that a service keeps: its tags mean what they mean for Azure.
fn managed_rule(kept: &Managed, resolver: &Resolver<'_>) -> Rule {
    let side = |remote: &Remote| match remote {
        Remote::Tag(tag) | Remote::Outside(tag) => Arc::new(tag.set().clone()),
        Remote::Symbol(symbol) => Arc::new(resolver.symbols().get(*symbol)),
        Remote::Addresses(set) => Arc::new(set.clone()),
        _ => resolver.all(),
    };
    let sides = (side(&kept.source), side(&kept.destination));
    rule(&kept.name, Access::Allow, sides, (kept.protocol, kept.ports.clone()))
}

/// A deny; those of platform tags are for every machine behind the group.
fn deny_rule(flow: &Flow, remote: Arc<AddrSet>, resolver: &Resolver<'_>) -> Rule {
    let denied = Rule { access: Access::Deny, ..flow_rule(flow, remote) };
    match flow.remote {
        Remote::Symbol(symbol) if symbol.is_platform() => Rule { src: resolver.all(), ..denied },
        _ => denied,
    }
}

/// A flow of addresses may be a gap only if it has none here, or is a platform tag on the wrong side.
fn check_gap(policy: &Policy, flow: &Flow) -> Result<(), Differs> {
    let empty = flow.remote_set(&policy.symbols()).is_none_or(|set| set.is_empty());
    // The platform's own traffic passes by itself.
    let platform = matches!(flow.remote, Remote::Symbol(symbol) if symbol.is_platform());
    // Whether a group takes a tag that no file holds is not for the proof to say.
    let outside = matches!(flow.remote, Remote::Outside(_));
    if empty || outside || platform {
        return Ok(());
    }
    Err(Differs::NoGap(flow.id.clone()))
}

/// The addresses a flow needs here: for host names the whole Internet where the policy opens it to a subnet behind a
/// firewall, else nothing.
fn remote_of(policy: &Policy, flow: &Flow, symbols: &Symbols) -> Option<AddrSet> {
    match flow.remote_set(symbols) {
        Some(set) => Some(set),
        None if policy.nsg.hosts == HostUse::Internet && policy.is_diverted(&flow.subnet) => {
            Some(symbols.get(Symbol::Internet))
        }
        None => None,
    }
}

fn flow_rule(flow: &Flow, remote: Arc<AddrSet>) -> Rule {
    let local = Arc::new(flow.local.clone());
    let (src, dst) = match flow.direction {
        Direction::Inbound => (remote, local),
        Direction::Outbound => (local, remote),
    };
    Rule {
        name: flow.id.to_string(),
        priority: 0,
        access: Access::Allow,
        protocol: flow.protocol,
        src,
        dst,
        sport: Ports::all(),
        dport: flow.ports.clone(),
    }
}

fn closing(policy: &Policy, direction: Direction, resolver: &Resolver<'_>) -> Vec<Rule> {
    let allow = |name, src, dst| rule(name, Access::Allow, (src, dst), (Protocol::Any, Ports::all()));
    let mut rules = Vec::new();
    if policy.nsg.vnet == Passage::Allow {
        let space = Arc::new(policy.network.space.clone());
        rules.push(allow("traffic inside the virtual network", space.clone(), space));
    }
    if policy.nsg.load_balancer == Passage::Allow && direction == Direction::Inbound {
        let probes = Arc::new(resolver.symbols().get(Symbol::AzureLoadBalancer));
        rules.push(allow("health probes", probes, resolver.all()));
    }
    rules
}
