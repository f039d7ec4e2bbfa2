//! DNAT rules of Azure Firewall: they come before all others, and what they match passes where they send it.

use std::collections::HashSet;

use super::difference::{Differs, KeptError};
use super::given::{Findings, Given};
use super::report::FailureKind;
use super::wanted::wanted_rules;
use crate::plan::{Extra, NatCollection};
use crate::policy::Policy;
use crate::read::read_nat_text;
use crate::read::resources::{Resources, RuleCollection, RuleCollectionGroup};
use crate::replay::{Firewall, Resolver, in_order};
use crate::rules::{Access, Rule, first_difference};
use crate::tags::Snapshot;
use crate::target::FormatName;

/// A collection of DNAT rules that is to stand in a group, read back from what is declared.
pub(super) struct KeptNat {
    group: String,
    collection: RuleCollection,
}

/// Reads what is declared to be kept.
pub(super) fn declared(kept: &[NatCollection]) -> Result<Vec<KeptNat>, KeptError> {
    let one = |nat: &NatCollection| {
        let collection =
            read_nat_text(&nat.json).map_err(|error| KeptError::Read { name: nat.name.clone(), error })?;
        Ok(KeptNat { group: nat.group.clone(), collection })
    };
    kept.iter().map(one).collect()
}

/// The groups without the DNAT collections that are declared for them. A declared one that templates do not have just
/// as it is declared is a failure; other formats carry none.
pub(super) fn take_declared(
    groups: &[RuleCollectionGroup],
    declared: &[KeptNat],
    findings: &mut Findings<'_>,
) -> Vec<RuleCollectionGroup> {
    let mut groups = groups.to_vec();
    let mut rules = 0;
    let mut whole = true;
    for KeptNat { group, collection } in declared {
        let own = groups.iter_mut().find(|g| g.name == *group);
        let at = own.as_ref().and_then(|g| g.collections.iter().position(|c| c == collection));
        match (own, at) {
            (Some(own), Some(at)) => rules += own.collections.remove(at).rules.len(),
            _ if findings.format == FormatName::Arm.name() => {
                whole = false;
                let (collection, group) = (collection.name.clone(), group.clone());
                findings.fail(FailureKind::Missing, Differs::NatGone { collection, group });
            }
            _ => {}
        }
    }
    if whole && rules > 0 {
        let needs = declared.iter().map(|d| d.collection.rules.len()).sum();
        findings.proven("kept DNAT rules", rules, needs);
    }
    groups
}

/// Fails where a DNAT rule takes any packet: the policy asks for none.
pub(super) fn refuse(emitted: &Firewall, findings: &mut Findings<'_>) {
    let found = first_difference(&in_order([]), &emitted.translating(None));
    if let Some(packet) = found.excess {
        let goes = emitted.translation_in_words(&packet);
        findings.fail(FailureKind::Excess, Differs::Translated { packet, goes });
    }
}

/// Says which packets that `policy` asks for are taken by the DNAT rules of `kept`, with one packet as an example, and
/// where it goes; empty if none is. Rules name addresses, so that no tags are needed, but IP groups of the source are
/// looked for in `resources`.
///
/// # Errors
/// Which collection or rule cannot be understood.
pub(crate) fn needs_taken(
    policy: &Policy,
    snapshot: &Snapshot,
    kept: &[NatCollection],
    extras: &[Extra],
    resources: &Resources,
) -> Result<Vec<String>, KeptError> {
    let symbols = policy.symbols();
    let mut resolver = Resolver::with_groups(snapshot, &symbols, &resources.ip_groups)?;
    let group =
        |d: KeptNat| RuleCollectionGroup { name: d.group, priority: 100, collections: vec![d.collection] };
    let groups: Vec<RuleCollectionGroup> = declared(kept)?.into_iter().map(group).collect();
    let emitted = Firewall::of_groups(&groups, &mut resolver)?;
    let wanted = wanted_rules(&Given { policy, gaps: HashSet::new(), extras });
    let taking = emitted.matched().iter().map(|m| Rule { access: Access::Deny, ..m.rule.clone() });
    let left = in_order(taking.chain(wanted.iter().cloned()));
    let wanted = in_order(wanted);
    let Some(packet) = first_difference(&wanted, &left).missing else { return Ok(Vec::new()) };
    let need = wanted.evaluate(&packet).rule.map_or(String::new(), |rule| rule.name.clone());
    let goes = emitted.translation_in_words(&packet);
    Ok(vec![format!("DNAT comes first: {packet}, which {need} asks for, {goes}")])
}
