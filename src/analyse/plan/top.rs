//! The way that works where groups of rules cannot be changed one after another: all wanted rules come in above the others
//! first, with addresses in place of IP groups; then what is not wanted goes from the bottom up, the wanted ones come in
//! their own places, and those above go again.
//!
//! Each packet is then decided as it is wanted wherever a wanted rule takes it, and else as by what is there or by the
//! default, which is what is wanted.

use super::judge::{Change, Judge, are_priorities_unique, content, ip_groups, wanted_groups};
use crate::analyse::open::Unit;
use crate::read::live::{Live, LiveCollection, LiveCollectionGroup, LiveFirewall, is_same_resource};
use crate::read::resources::FirewallRule;

/// The name of the group that stands above all others for a while.
const NAME: &str = "tagwall-step";
/// Azure's first priority of groups and of collections.
///
/// Source: rule-processing.md, 2025-05-07.
const FIRST: i64 = 100;

/// The changes in order, each proven; none where it does not work out.
pub(super) fn over_the_top(judge: &Judge<'_>, live: &Unit<'_>) -> Option<Vec<Change>> {
    if live.is_classic() {
        return proven(classic(judge)?, judge);
    }
    // Groups that stay as they are need not go; where that does not work out, they do.
    [true, false].into_iter().find_map(|keep| proven(groups(judge, live, keep)?, judge))
}

fn proven(order: Vec<Change>, judge: &Judge<'_>) -> Option<Vec<Change>> {
    let mut now = judge.live.clone();
    for change in &order {
        now = change.done(&now);
        if !are_priorities_unique(&now) || !judge.is_safe(&now) {
            return None;
        }
    }
    judge.is_done(&now).then_some(order)
}

/// All rules of a firewall are put at once: first with addresses in place of IP groups, then as they are wanted.
fn classic(judge: &Judge<'_>) -> Option<Vec<Change>> {
    let own = judge.live.firewalls.iter().find(|own| !own.collections.is_empty())?;
    let wanted = judge.wanted.firewalls.iter().find(|own| !own.collections.is_empty())?;
    let put = |collections: Vec<LiveCollection>| Change::Classic(LiveFirewall { collections, ..own.clone() });
    let plain =
        wanted.collections.iter().map(|own| with_addresses(own, judge.wanted)).collect::<Option<_>>()?;
    let mut order = vec![put(plain)];
    order.extend(ip_groups(judge));
    order.push(put(wanted.collections.clone()));
    Some(order)
}

fn groups(judge: &Judge<'_>, live: &Unit<'_>, keep: bool) -> Option<Vec<Change>> {
    let wanted: Vec<LiveCollectionGroup> = wanted_groups(judge, live).collect();
    let mut there: Vec<LiveCollectionGroup> =
        judge.live.collection_groups.iter().filter(|group| live.owns(group)).cloned().collect();
    there.sort_by_key(|group| group.priority);
    let mut order = make_room(&mut there)?;
    let first = there.first().and_then(|group| group.priority).unwrap_or(FIRST + 1) - 1;
    order.push(Change::Rules(above(&wanted, judge.wanted, live.policy(), first)?));
    let stays = |group: &LiveCollectionGroup| {
        keep && wanted
            .iter()
            .any(|own| own.name.eq_ignore_ascii_case(&group.name) && content(own) == content(group))
    };
    // Of each kind the last first: what is decided before them stays decided.
    let mut left: Vec<LiveCollectionGroup> = there.iter().filter(|group| !stays(group)).cloned().collect();
    for stage in [2, 1, 0] {
        for group in left.iter_mut().rev() {
            let before = group.collections.len();
            group.collections.retain(|own| stage_of(own) != stage);
            match (group.collections.len() < before, group.collections.is_empty()) {
                (true, false) => order.push(Change::Rules(group.clone())),
                (true, true) => order.push(Change::NoRules(group.name.clone())),
                (false, _) => {}
            }
        }
    }
    order.extend(ip_groups(judge));
    let comes = wanted.iter().filter(|group| {
        let kept = there.iter().any(|own| own.name.eq_ignore_ascii_case(&group.name) && stays(own));
        !kept
    });
    order.extend(comes.cloned().map(Change::Rules));
    order.push(Change::NoRules(NAME.to_owned()));
    Some(order)
}

/// Frees a priority above all groups: those before the first gap move down by one, the last of them first.
fn make_room(there: &mut [LiveCollectionGroup]) -> Option<Vec<Change>> {
    let mut order = Vec::new();
    if there.first().is_none_or(|group| group.priority > Some(FIRST)) {
        return Some(order);
    }
    let follows = |pair: &[LiveCollectionGroup]| pair[1].priority == pair[0].priority.map(|own| own + 1);
    let run = 1 + there.windows(2).take_while(|pair| follows(pair)).count();
    for group in there[..run].iter_mut().rev() {
        group.priority = Some(group.priority? + 1);
        order.push(Change::Rules(group.clone()));
    }
    Some(order)
}

/// When the firewall tries a collection.
fn stage_of(collection: &LiveCollection) -> u8 {
    match collection.collection.rules.first() {
        Some(FirewallRule::Nat(_)) => 0,
        Some(FirewallRule::Application(_)) => 2,
        _ => 1,
    }
}

/// One group with all wanted rules in their order.
fn above(
    wanted: &[LiveCollectionGroup],
    files: &Live,
    policy: Option<String>,
    priority: i64,
) -> Option<LiveCollectionGroup> {
    let all = wanted.iter().flat_map(|group| group.collections.iter().map(move |own| (group, own)));
    let mut all: Vec<_> = all.collect();
    all.sort_by_key(|(group, own)| (stage_of(own), group.priority, own.collection.priority));
    let numbered = all.into_iter().zip(FIRST..).map(|((group, own), priority)| {
        let mut own = with_addresses(own, files)?;
        own.collection.name = format!("{}-{}", group.name, own.collection.name);
        own.collection.priority = priority;
        Some(own)
    });
    Some(LiveCollectionGroup {
        name: NAME.to_owned(),
        policy,
        priority: Some(priority),
        collections: numbered.collect::<Option<_>>()?,
        ..LiveCollectionGroup::default()
    })
}

/// A collection with the addresses of IP groups in their place, so that the groups can change under it; none where a group
/// is not among the files.
fn with_addresses(collection: &LiveCollection, files: &Live) -> Option<LiveCollection> {
    let mut collection = collection.clone();
    let put = |groups: &mut Vec<String>, addresses: &mut Vec<String>| {
        for id in groups.drain(..) {
            let found = files.ip_groups.iter().find(|own| {
                own.id.as_deref().is_some_and(|own| is_same_resource(own, &id))
                    || is_same_resource(&own.name, &id)
            })?;
            addresses.extend(found.addresses.iter().cloned());
        }
        Some(())
    };
    for rule in &mut collection.collection.rules {
        match rule {
            FirewallRule::Network(rule) => {
                put(&mut rule.source_groups, &mut rule.sources)?;
                put(&mut rule.destination_groups, &mut rule.destinations)?;
            }
            FirewallRule::Application(rule) => put(&mut rule.source_groups, &mut rule.sources)?,
            FirewallRule::Nat(rule) => put(&mut rule.source_groups, &mut rule.sources)?,
        }
    }
    Some(collection)
}
