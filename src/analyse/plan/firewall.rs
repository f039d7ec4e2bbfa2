//! Operations on a firewall: IP groups before the rules that name them, rule collection groups one after another. A firewall
//! without a policy is one resource, all rules of which are put at once.

use super::body::{classic, collection_group, ip_group, new_ip_group};
use super::judge::{Change, Judge, are_priorities_unique, content, ip_groups, wanted_groups};
use super::model::{NoSafeOrder, Operation, resource_group};
use super::top;
use crate::analyse::compare::pairs;
use crate::analyse::open::{Unit, units};
use crate::read::live::{Live, LiveCollectionGroup, LiveFirewall, last_part};
use crate::tags::Snapshot;

/// The operations on all firewalls that both sides have.
pub(super) fn plan(wanted: &Live, live: &Live, snapshot: &Snapshot) -> Result<Vec<Operation>, NoSafeOrder> {
    let (of_wanted, of_live) = (units(wanted), units(live));
    let mut operations = Vec::new();
    for pair in pairs(&of_wanted, &of_live, |_| None, |unit: &Unit<'_>| &unit.name) {
        let (Some(one), Some(other)) = pair else { continue };
        let (wanted, live) = (one.alone(wanted), other.alone(live));
        let judge = Judge { wanted: &wanted, live: &live, snapshot };
        operations.extend(one_firewall(&judge, one, other)?);
    }
    Ok(operations)
}

fn one_firewall(
    judge: &Judge<'_>,
    wanted: &Unit<'_>,
    live: &Unit<'_>,
) -> Result<Vec<Operation>, NoSafeOrder> {
    if judge.is_done(judge.live) {
        return Ok(Vec::new());
    }
    let refused = |why: &str| Err(NoSafeOrder { resource: live.name.clone(), why: why.to_owned() });
    if wanted.is_classic() != live.is_classic() {
        return refused(match live.is_classic() {
            true => {
                "it has rules of its own, and the policy file asks for a firewall policy; move it to one first"
            }
            false => "it follows a firewall policy, and the policy file asks for rules of the firewall's own",
        });
    }
    let order = match one_by_one(needed(changes(judge, live), judge), judge) {
        Some(order) => order,
        None => match top::over_the_top(judge, live) {
            Some(order) => order,
            None if live.has_parents() => {
                return refused(
                    "rules of the policy above it decide too; what it needs cannot be had below them",
                );
            }
            None => {
                return refused(
                    "groups of rules and IP groups change in ways that only work together, and there is no room for \
                     another group above them",
                );
            }
        },
    };
    Ok(order.iter().map(|change| operation(change, judge.live, live)).collect())
}

/// Of all changes those without which it would not be as wanted; what goes is tried first.
fn needed(mut changes: Vec<Change>, judge: &Judge<'_>) -> Vec<Change> {
    for at in (0..changes.len()).rev() {
        let others = changes.iter().enumerate().filter(|(own, _)| *own != at).map(|(_, change)| change);
        let left = others.fold(judge.live.clone(), |live, change| change.done(&live));
        if judge.is_done(&left) {
            changes.remove(at);
        }
    }
    changes
}

/// The changes in an order in which each is safe, found step by step; none where it ends in between.
fn one_by_one(mut changes: Vec<Change>, judge: &Judge<'_>) -> Option<Vec<Change>> {
    let (mut now, mut order) = (judge.live.clone(), Vec::new());
    while !changes.is_empty() {
        let next = (0..changes.len()).find(|&at| {
            let then = changes[at].done(&now);
            are_priorities_unique(&then) && judge.is_safe(&then)
        })?;
        let change = changes.remove(next);
        now = change.done(&now);
        order.push(change);
    }
    judge.is_done(&now).then_some(order)
}

fn changes(judge: &Judge<'_>, live: &Unit<'_>) -> Vec<Change> {
    let mut changes = ip_groups(judge);
    if live.is_classic() {
        let own = judge.live.firewalls.iter().find(|own| !own.collections.is_empty());
        let wanted = judge.wanted.firewalls.iter().find(|own| !own.collections.is_empty());
        changes.extend(own.zip(wanted).map(|(own, wanted)| {
            Change::Classic(LiveFirewall { collections: wanted.collections.clone(), ..own.clone() })
        }));
        return changes;
    }
    let wanted: Vec<LiveCollectionGroup> = wanted_groups(judge, live).collect();
    let there = || judge.live.collection_groups.iter().filter(|group| live.owns(group));
    for group in &wanted {
        let own = there().find(|own| own.name.eq_ignore_ascii_case(&group.name));
        if own.is_none_or(|own| content(own) != content(group)) {
            changes.push(Change::Rules(group.clone()));
        }
    }
    let gone = there().filter(|own| !wanted.iter().any(|group| group.name.eq_ignore_ascii_case(&own.name)));
    changes.extend(gone.map(|group| Change::NoRules(group.name.clone())));
    changes
}

fn operation(change: &Change, live: &Live, unit: &Unit<'_>) -> Operation {
    let there = |name: &str| live.ip_groups.iter().find(|own| own.name.eq_ignore_ascii_case(name));
    let own =
        live.collection_groups.iter().filter(|group| unit.owns(group)).find_map(|group| group.id.as_deref());
    let classic_id = || live.firewalls.iter().find_map(|firewall| firewall.id.as_deref());
    let group_of_all = resource_group(own.or_else(classic_id));
    // What is to be made comes to where the rules are.
    let id_of = |name: &str| {
        let known = there(name).and_then(|own| own.id.clone());
        known.or_else(|| Some(new_ip_group(group_of_all.as_deref()?, last_part(name))))
    };
    let of_policy = || unit.policy().unwrap_or_else(|| "$POLICY".to_owned());
    let put = |kind, resource: String, name: &str, body| Operation {
        op: "put",
        kind,
        resource,
        resource_group: group_of_all.clone(),
        name: name.to_owned(),
        body: Some(body),
    };
    match change {
        Change::Addresses(group) => {
            let known = there(&group.name).and_then(|own| own.location.as_deref());
            let body = ip_group(group, known.or(group.location.as_deref()));
            Operation {
                resource_group: resource_group(id_of(&group.name).as_deref()),
                ..put("ip-group", group.name.clone(), &group.name, body)
            }
        }
        Change::Rules(group) => {
            put("rule-collection-group", of_policy(), &group.name, collection_group(group, &id_of))
        }
        Change::NoRules(name) => Operation {
            op: "delete",
            kind: "rule-collection-group",
            resource: of_policy(),
            resource_group: group_of_all.clone(),
            name: name.clone(),
            body: None,
        },
        Change::Classic(firewall) => {
            put("firewall", firewall.name.clone(), &firewall.name, classic(firewall, &id_of))
        }
    }
}
