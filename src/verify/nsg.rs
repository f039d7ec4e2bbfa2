//! Network security groups: first match by priority, against what the policy allows.

use std::collections::HashSet;
use std::sync::Arc;

use super::extra::with_extra;
use super::meaning::{self, Meaning};
use super::report::{FailureKind, Proven, Report};
use super::resources::{Nsg, SecurityRule};
use super::rules::{Access, Rule, RuleList, first_difference};
use crate::addr::AddrSet;
use crate::packet::{Direction, Ports, Protocol};
use crate::plan::Extra;
use crate::policy::intent::{HostUse, Passage};
use crate::policy::{Flow, Policy, Remote};
use crate::tags::Symbol;
use crate::target::Target;

/// Proves that `nsg` lets through what the flows of `policy` ask for, but for gaps, with what is declared as extra, and
/// nothing else.
pub(super) fn check(
    policy: &Policy,
    nsg: &Nsg,
    (gaps, extras): (&HashSet<&str>, &[Extra]),
    format: &str,
    meaning: &mut Meaning<'_>,
    report: &mut Report,
) {
    for text in field_errors(nsg) {
        report.fail(Target::Nsg, format, FailureKind::Invalid, text);
    }
    for direction in [Direction::Inbound, Direction::Outbound] {
        let wanted = wanted(policy, direction, gaps, extras, meaning);
        match replayed(nsg, direction, meaning).and_then(|emitted| Ok((emitted, wanted?))) {
            Ok((emitted, wanted)) => compare(&wanted, &emitted, direction, format, report),
            Err(text) => report.fail(Target::Nsg, format, FailureKind::Invalid, text),
        }
    }
}

fn compare(wanted: &RuleList, emitted: &RuleList, direction: Direction, format: &str, report: &mut Report) {
    let way = direction.name();
    let differences = first_difference(wanted, emitted);
    let rule_of = |list: &RuleList, packet| {
        list.evaluate(packet).rule.map_or("the default".to_owned(), |r| r.name.clone())
    };
    if let Some(packet) = &differences.missing {
        let (need, rule) = (rule_of(wanted, packet), rule_of(emitted, packet));
        let text = format!("{way} {packet} must pass for {need}, but {rule} denies it");
        report.fail(Target::Nsg, format, FailureKind::Missing, text);
    }
    if let Some(packet) = &differences.excess {
        let text = format!("{way} {packet} passes by {}, but nothing asks for it", rule_of(emitted, packet));
        report.fail(Target::Nsg, format, FailureKind::Excess, text);
    }
    report.proven.push(Proven {
        target: Target::Nsg.name().to_owned(),
        format: format.to_owned(),
        part: way.to_owned(),
        rules: emitted.rules().len(),
        needs: wanted.rules().len(),
    });
}

/// What Azure would refuse about the rules' fields.
///
/// Source: network-security-groups-overview.md, 2025-07-15; resource-name-rules.md, 2020-02-11.
fn field_errors(nsg: &Nsg) -> Vec<String> {
    let mut errors = Vec::new();
    let mut names = HashSet::new();
    let mut priorities = HashSet::new();
    for rule in &nsg.rules {
        let name = &rule.name;
        if !names.insert(name.to_ascii_lowercase()) {
            errors.push(format!("two rules are called {name}"));
        }
        if !super::legal_name(name) {
            errors.push(format!("{name} is no legal name"));
        }
        if !(100..=4096).contains(&rule.priority) {
            errors.push(format!("{name}: priority {} is not from 100 to 4096", rule.priority));
        }
        if !priorities.insert((rule.direction.to_ascii_lowercase(), rule.priority)) {
            errors.push(format!("{name}: another {} rule has priority {}", rule.direction, rule.priority));
        }
        if rule.description.chars().count() > 140 {
            errors.push(format!("{name}: the description is longer than 140 characters"));
        }
    }
    errors
}

fn replayed(nsg: &Nsg, direction: Direction, meaning: &mut Meaning<'_>) -> Result<RuleList, String> {
    let mut rules = Vec::new();
    for rule in &nsg.rules {
        if direction_of(rule)? == direction {
            rules.push(replay_rule(rule, meaning).map_err(|error| format!("rule {}: {error}", rule.name))?);
        }
    }
    rules.extend(default_rules(direction, meaning)?);
    RuleList::new(rules, Access::Deny).map_err(|e| e.to_string())
}

fn direction_of(rule: &SecurityRule) -> Result<Direction, String> {
    match rule.direction.to_ascii_lowercase().as_str() {
        "inbound" => Ok(Direction::Inbound),
        "outbound" => Ok(Direction::Outbound),
        other => Err(format!("rule {}: direction {other} is not known", rule.name)),
    }
}

fn replay_rule(rule: &SecurityRule, meaning: &mut Meaning<'_>) -> Result<Rule, String> {
    Ok(Rule {
        name: rule.name.clone(),
        priority: u32::try_from(rule.priority).map_err(|_| "the priority is negative".to_owned())?,
        access: match rule.access.to_ascii_lowercase().as_str() {
            "allow" => Access::Allow,
            "deny" => Access::Deny,
            other => return Err(format!("access {other} is not known")),
        },
        protocol: meaning::protocol(&rule.protocol)?,
        src: meaning.side(&rule.sources)?,
        dst: meaning.side(&rule.destinations)?,
        sport: meaning::ports(&rule.source_ports)?,
        dport: meaning::ports(&rule.destination_ports)?,
    })
}

/// The rules that Azure adds below the user's. Source: network-security-groups-overview.md, 2025-07-15.
fn default_rules(direction: Direction, meaning: &mut Meaning<'_>) -> Result<Vec<Rule>, String> {
    let mut rule = |name: &str, priority, source: &str, destination: &str| -> Result<Rule, String> {
        Ok(Rule {
            name: name.to_owned(),
            priority,
            access: Access::Allow,
            protocol: Protocol::Any,
            src: meaning.side(&[source.to_owned()])?,
            dst: meaning.side(&[destination.to_owned()])?,
            sport: Ports::all(),
            dport: Ports::all(),
        })
    };
    match direction {
        Direction::Inbound => Ok(vec![
            rule("AllowVNetInBound", 65000, "VirtualNetwork", "VirtualNetwork")?,
            rule("AllowAzureLoadBalancerInBound", 65001, "AzureLoadBalancer", "*")?,
        ]),
        Direction::Outbound => Ok(vec![
            rule("AllowVnetOutBound", 65000, "VirtualNetwork", "VirtualNetwork")?,
            rule("AllowInternetOutBound", 65001, "*", "Internet")?,
        ]),
    }
}

/// The list that would say just what the policy asks: every flow as one rule, then what a group ends in.
fn wanted(
    policy: &Policy,
    direction: Direction,
    gaps: &HashSet<&str>,
    extras: &[Extra],
    meaning: &mut Meaning<'_>,
) -> Result<RuleList, String> {
    let mut rules: Vec<Rule> = Vec::new();
    for flow in policy.flows_with(gaps).filter(|f| f.direction == direction) {
        match remote_of(policy, flow) {
            Some(remote) if !gaps.contains(flow.id.as_str()) => {
                rules.push(flow_rule(flow, with_extra(remote, extras, Target::Nsg, &flow.id)));
            }
            Some(_) if !matches!(flow.remote, Remote::Fqdn(_) | Remote::FqdnTag(_) | Remote::Url(_)) => {
                check_gap(policy, flow)?;
            }
            _ => {}
        }
    }
    if policy.nsg.deny_rest {
        rules.extend(closing(policy, direction, meaning));
    } else {
        rules.extend(default_rules(direction, meaning)?);
    }
    for (priority, rule) in rules.iter_mut().enumerate() {
        rule.priority = priority as u32;
    }
    RuleList::new(rules, Access::Deny).map_err(|e| e.to_string())
}

/// A flow of addresses may be a gap only if it has none here, or is a platform tag on the wrong side.
fn check_gap(policy: &Policy, flow: &Flow) -> Result<(), String> {
    let empty = flow.remote_set(&policy.symbols()).is_none_or(|set| set.is_empty());
    let platform = matches!(
        flow.remote,
        Remote::Symbol(Symbol::AzurePlatformDns | Symbol::AzurePlatformImds | Symbol::AzurePlatformLkm)
    );
    if empty || (platform && flow.direction == Direction::Inbound) {
        return Ok(());
    }
    Err(format!("{} is reported as not expressible, but it is", flow.id))
}

/// The addresses a flow needs here: for host names the whole Internet where the policy opens it, else nothing.
fn remote_of(policy: &Policy, flow: &Flow) -> Option<AddrSet> {
    let symbols = policy.symbols();
    match flow.remote_set(&symbols) {
        Some(set) => Some(set),
        None if policy.nsg.hosts == HostUse::Internet => Some(symbols.get(Symbol::Internet)),
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
        name: flow.id.clone(),
        priority: 0,
        access: Access::Allow,
        protocol: flow.protocol,
        src,
        dst,
        sport: Ports::all(),
        dport: flow.ports.clone(),
    }
}

fn closing(policy: &Policy, direction: Direction, meaning: &mut Meaning<'_>) -> Vec<Rule> {
    let allow = |name: &str, src: Arc<AddrSet>, dst: Arc<AddrSet>| Rule {
        name: name.to_owned(),
        priority: 0,
        access: Access::Allow,
        protocol: Protocol::Any,
        src,
        dst,
        sport: Ports::all(),
        dport: Ports::all(),
    };
    let mut rules = Vec::new();
    if policy.nsg.vnet == Passage::Allow {
        let space = Arc::new(policy.network.space.clone());
        rules.push(allow("traffic inside the virtual network", space.clone(), space));
    }
    if policy.nsg.load_balancer == Passage::Allow && direction == Direction::Inbound {
        let probes = Arc::new(meaning.symbols.get(Symbol::AzureLoadBalancer));
        rules.push(allow("health probes", probes, meaning.all()));
    }
    rules
}
