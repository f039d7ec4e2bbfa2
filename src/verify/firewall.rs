//! Azure Firewall: DNAT, then network rules by address, then hosts, against what the policy lets out. IPv4.

use std::collections::{BTreeSet, HashSet};

use super::difference::Differs;
use super::dnat::{self, KeptNat};
use super::given::{Findings, Given};
use super::wanted::{denied_hosts, is_platform, outbound, wanted_hosts, wanted_rules, without_zero};
use crate::packet::Protocol;
use crate::plan::firewall_priorities;
use crate::policy::intent::RulesHolder;
use crate::policy::{FlowId, Policy};
use crate::read::resources::{FirewallRule, Resources, RuleCollectionGroup};
use crate::replay::{Firewall, HostKey, MatchKind, Resolver, all_groups, in_order};
use crate::rules::{Access, Rule};

/// Proves that the rules let out what the flows of the policy ask for, but for gaps, with what is declared as extra,
/// and nothing else; that they stand where the policy wants them; and that DNAT rules are those that are declared.
pub(super) fn check(
    given: &Given<'_>,
    resources: &Resources,
    nat: &[KeptNat],
    resolver: &mut Resolver<'_>,
    findings: &mut Findings<'_>,
) {
    if let Err(differs) = holder(given.policy, resources) {
        return findings.invalid(differs);
    }
    let groups = &dnat::take_declared(&all_groups(resources), nat, findings);
    for name in unnamed(resources) {
        findings.invalid(Differs::UnnamedIpGroup(name.clone()));
    }
    for differs in field_errors(groups) {
        findings.invalid(differs);
    }
    let emitted = match Firewall::of_groups(groups, resolver) {
        Ok(emitted) => emitted,
        Err(error) => return findings.invalid(error),
    };
    if let Some(id) = wrong_gap(given) {
        return findings.invalid(Differs::NoGap(id));
    }
    dnat::refuse(&emitted, findings);
    network(given, &emitted, findings);
    hosts(given, &emitted, findings);
}

/// Rules must be where the policy wants them, and classic ones in one firewall.
fn holder(policy: &Policy, resources: &Resources) -> Result<(), Differs> {
    let (groups, firewalls) = (resources.groups.len(), resources.firewalls.len());
    match (policy.firewall.rules, groups, firewalls) {
        (RulesHolder::Policy, _, 0) | (RulesHolder::Classic, 0, 0 | 1) => Ok(()),
        (RulesHolder::Policy, ..) => Err(Differs::Classic),
        (RulesHolder::Classic, 0, _) => Err(Differs::SeveralFirewalls(firewalls)),
        (RulesHolder::Classic, ..) => Err(Differs::NotClassic),
    }
}

/// The IP groups that no rule names: of what a group holds, the rules that name it are the proof.
fn unnamed(resources: &Resources) -> impl Iterator<Item = &String> {
    let groups = all_groups(resources);
    let rules = groups.iter().flat_map(|group| &group.collections).flat_map(|collection| &collection.rules);
    let named = rules.flat_map(|rule| match rule {
        FirewallRule::Network(rule) => [&rule.source_groups[..], &rule.destination_groups[..]].concat(),
        FirewallRule::Application(rule) => rule.source_groups.clone(),
        FirewallRule::Nat(rule) => rule.source_groups.clone(),
    });
    let named: HashSet<String> = named.map(|name| name.to_ascii_lowercase()).collect();
    let names = resources.ip_groups.iter().map(|group| &group.name);
    names.filter(move |name| !named.contains(&name.to_ascii_lowercase()))
}

/// What Azure would refuse. Source: rule-processing.md, 2025-05-07; resource-name-rules.md, 2020-02-11.
fn field_errors(groups: &[RuleCollectionGroup]) -> Vec<Differs> {
    let mut errors = Vec::new();
    let all = firewall_priorities();
    for group in groups {
        let wrong = super::names::out_of_range(group.priority, &all);
        errors.extend(wrong.map(|wrong| Differs::InGroup(group.name.clone(), Box::new(wrong))));
        let (mut seen, mut called) = (HashSet::new(), HashSet::new());
        for collection in &group.collections {
            let (priority, name) = (collection.priority, || collection.name.clone());
            if !called.insert(collection.name.to_ascii_lowercase()) {
                errors.push(Differs::CollectionTwice { group: group.name.clone(), name: name() });
            }
            if super::names::out_of_range(priority, &all).is_some() || !seen.insert(priority) {
                errors.push(Differs::CollectionPriority { name: name(), priority });
            }
            let mut taken = HashSet::new();
            for name in collection.rules.iter().map(FirewallRule::name) {
                if !super::names::legal_name(name) || !taken.insert(name.to_ascii_lowercase()) {
                    errors.push(Differs::IllegalOrTaken(name.to_owned()));
                }
            }
        }
    }
    errors
}

/// A gap is allowed only where the firewall truly cannot say a flow.
fn wrong_gap(given: &Given<'_>) -> Option<FlowId> {
    let symbols = given.policy.symbols();
    let declared = |f: &&crate::policy::Flow| given.gaps.contains(f.id.as_str()) && !f.local.v4.is_empty();
    let wrong = outbound(given).filter(declared).find(|flow| {
        let none_v4 = flow.remote_set(&symbols).is_none_or(|set| set.v4.is_empty());
        // Whether a firewall takes a tag that no file holds is not for the proof to say.
        let outside = matches!(flow.remote, crate::policy::Remote::Outside(_));
        let no_port = without_zero(&flow.ports).set().is_empty();
        !(is_platform(flow)
            || outside
            || no_port
            || none_v4
            || matches!(flow.protocol, Protocol::Esp | Protocol::Ah))
    });
    wrong.map(|flow| flow.id.clone())
}

fn network(given: &Given<'_>, emitted: &Firewall, findings: &mut Findings<'_>) {
    let (wanted, rules) = (in_order(wanted_rules(given)), in_order(emitted.network().cloned()));
    findings.compare(&wanted, &rules, None, None);
    findings.proven("network rules", rules.rules().len(), wanted.rules().len());
}

/// Names fall into classes by the patterns that match them: each exact name, and for each wildcard a name below it
/// that nothing else names. For one name of each class the rules are compared like any others.
fn hosts(given: &Given<'_>, emitted: &Firewall, findings: &mut Findings<'_>) {
    let (denied, wanted) = (denied_hosts(given), wanted_hosts(given));
    let mut names = BTreeSet::new();
    for key in denied.iter().chain(&wanted).map(|(key, _)| key).chain(emitted.hosts().map(|(key, _)| key)) {
        names.insert(key.example());
    }
    // Network rules come first: what one of them denies no application rule lets pass. Where none denies, those that
    // allow are the same on both sides, and need not be looked at once more for each name.
    let denies = emitted.network().any(|rule| rule.access == Access::Deny);
    let by_address = if denies { wanted_rules(given) } else { Vec::new() };
    for name in &names {
        let own = |list: &[(HostKey, Rule)]| -> Vec<Rule> {
            list.iter().filter(|(key, _)| key.covers(name)).map(|(_, rule)| rule.clone()).collect()
        };
        let need = own(&denied).into_iter().chain(by_address.iter().cloned()).chain(own(&wanted));
        let need = in_order(need);
        let tried = emitted.matched().iter().filter(|matched| match &matched.kind {
            MatchKind::Nat(_) => false,
            MatchKind::Network => denies,
            MatchKind::Host(key) => key.covers(name),
        });
        let rules = in_order(tried.map(|matched| matched.rule.clone()));
        findings.compare(&need, &rules, None, Some(name));
    }
    if !names.is_empty() {
        findings.proven("hosts", emitted.hosts().count(), denied.len() + wanted.len());
    }
}
