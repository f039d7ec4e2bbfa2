//! One firewall between what is there and what is wanted: what changes, and whether a step is safe.

use std::collections::BTreeSet;

use crate::analyse::open::{
    Atoms, OpenFirewall, OpenList, OpenResolver, Unit, intersection, some_answers, space_of, units,
};
use crate::read::live::{Live, LiveCollectionGroup, LiveFirewall, LiveIpGroup};
use crate::replay::{HostKey, Translation};
use crate::rules::{Access, Region, differences};
use crate::tags::Snapshot;

/// A change of one resource.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Addresses(LiveIpGroup),
    Rules(LiveCollectionGroup),
    NoRules(String),
    Classic(LiveFirewall),
}

impl Change {
    pub(super) fn done(&self, live: &Live) -> Live {
        let mut live = live.clone();
        let is = |own: &str, name: &str| own.eq_ignore_ascii_case(name);
        match self {
            Change::Addresses(group) => {
                match live.ip_groups.iter_mut().find(|own| is(&own.name, &group.name)) {
                    Some(own) => own.addresses.clone_from(&group.addresses),
                    None => live.ip_groups.push(group.clone()),
                }
            }
            Change::Rules(group) => {
                match live
                    .collection_groups
                    .iter_mut()
                    .find(|own| is_own(own, group) && is(&own.name, &group.name))
                {
                    Some(own) => *own = group.clone(),
                    None => live.collection_groups.push(group.clone()),
                }
            }
            Change::NoRules(name) => live.collection_groups.retain(|own| !is(&own.name, name)),
            Change::Classic(firewall) => {
                for own in live.firewalls.iter_mut().filter(|own| is(&own.name, &firewall.name)) {
                    own.collections.clone_from(&firewall.collections);
                }
            }
        }
        live
    }
}

/// Whether two groups are of one policy.
fn is_own(a: &LiveCollectionGroup, b: &LiveCollectionGroup) -> bool {
    let name = |group: &LiveCollectionGroup| group.policy.clone().unwrap_or_default().to_ascii_lowercase();
    name(a) == name(b)
}

/// One firewall: what is there and what is wanted, each with nothing of others.
pub(super) struct Judge<'j> {
    pub(super) wanted: &'j Live,
    pub(super) live: &'j Live,
    pub(super) snapshot: &'j Snapshot,
}

impl Judge<'_> {
    /// What the only firewall among files does.
    fn rules_of(&self, live: &Live, atoms: &mut Atoms) -> OpenFirewall {
        let space = space_of(self.live).or_else(|| space_of(self.wanted));
        let mut meaning = OpenResolver::new(live, Some(self.snapshot), space, "the firewall");
        units(live).first().map(|unit| unit.open(&mut meaning, atoms)).unwrap_or_default()
    }

    /// Whether every packet and every name is decided as by what is there or as it is wanted: it passes, or goes to where
    /// DNAT sends it, or is denied.
    pub(super) fn is_safe(&self, now: &Live) -> bool {
        let mut atoms = Atoms::default();
        let all = [now, self.live, self.wanted].map(|side| self.rules_of(side, &mut atoms));
        let all = [&all[0], &all[1], &all[2]];
        let translated: Vec<[OpenList; 3]> =
            translations(all).iter().map(|to| all.map(|firewall| firewall.translating(to))).collect();
        let hosts: BTreeSet<HostKey> = all.iter().flat_map(|firewall| firewall.hosts()).collect();
        std::iter::once(None).chain(hosts.iter().map(Some)).all(|host| {
            let straight = all.map(|firewall| firewall.passing_straight(host));
            let lists: Vec<&[OpenList; 3]> = translated.iter().chain([&straight]).collect();
            let own: Vec<&OpenList> = lists.iter().flat_map(|lists| lists.iter()).collect();
            some_answers(&own).iter().all(|answers| {
                let yes = |question: u32| answers.iter().any(|&(number, yes)| number == question && yes);
                is_either(&lists, &yes)
            })
        })
    }

    pub(super) fn is_done(&self, now: &Live) -> bool {
        let mut atoms = Atoms::default();
        let all = [now, self.wanted].map(|side| self.rules_of(side, &mut atoms));
        lists([&all[0], &all[1], &all[1]])
            .iter()
            .all(|[now, wanted, _]| crate::analyse::open::compare_open(now, wanted).is_equal())
    }
}

/// Whether no packet is decided differently both from what is there and from what is wanted. Of each of `lists` the first
/// is what is now, and they allow what has one outcome.
fn is_either(lists: &[&[OpenList; 3]], yes: &dyn Fn(u32) -> bool) -> bool {
    let strays = |other: usize| -> Vec<Region> {
        let of = |lists: &&[OpenList; 3]| differences(&lists[0].closed(yes), &lists[other].closed(yes));
        // Which outcome it is that differs plays no part.
        lists.iter().flat_map(of).map(|region| Region { first: Access::Allow, ..region }).collect()
    };
    let from_live = strays(1);
    from_live.is_empty() || intersection(&from_live, &strays(2)).is_empty()
}

/// Where DNAT sends packets.
fn translations(all: [&OpenFirewall; 3]) -> BTreeSet<Translation> {
    all.iter().flat_map(|firewall| firewall.translations().cloned()).collect()
}

/// All lists that decide: where DNAT sends packets, what passes by address, and for each name.
fn lists(all: [&OpenFirewall; 3]) -> Vec<[OpenList; 3]> {
    let hosts: BTreeSet<HostKey> = all.iter().flat_map(|firewall| firewall.hosts()).collect();
    let mut lists: Vec<[OpenList; 3]> =
        translations(all).iter().map(|to| all.map(|firewall| firewall.translating(to))).collect();
    lists.push(all.map(|firewall| firewall.passing(None)));
    lists.extend(hosts.iter().map(|host| all.map(|firewall| firewall.passing(Some(host)))));
    lists
}

/// Azure takes each priority once among the groups of a policy.
pub(super) fn are_priorities_unique(live: &Live) -> bool {
    let mut taken = BTreeSet::new();
    let key = |g: &LiveCollectionGroup| (g.policy.clone().map(|name| name.to_ascii_lowercase()), g.priority);
    live.collection_groups.iter().all(|group| group.priority.is_none() || taken.insert(key(group)))
}

/// What two groups of rules do and where.
pub(super) fn content(group: &LiveCollectionGroup) -> impl PartialEq {
    (group.priority, group.collections.iter().map(|c| c.collection.clone()).collect::<Vec<_>>())
}

/// The wanted groups of rules as groups of the policy that is there.
pub(super) fn wanted_groups<'w>(
    judge: &'w Judge<'_>,
    live: &Unit<'_>,
) -> impl Iterator<Item = LiveCollectionGroup> + 'w {
    let policy = live.policy();
    judge
        .wanted
        .collection_groups
        .iter()
        .map(move |group| LiveCollectionGroup { policy: policy.clone(), ..group.clone() })
}

/// The IP groups that are not as wanted. Those that nobody wants may be of others, and stay.
pub(super) fn ip_groups(judge: &Judge<'_>) -> Vec<Change> {
    let sorted = |texts: &[String]| texts.iter().cloned().collect::<BTreeSet<_>>();
    let differs = |group: &&LiveIpGroup| {
        let own = judge.live.ip_groups.iter().find(|own| own.name.eq_ignore_ascii_case(&group.name));
        own.is_none_or(|own| sorted(&own.addresses) != sorted(&group.addresses))
    };
    judge.wanted.ip_groups.iter().filter(differs).cloned().map(Change::Addresses).collect()
}
