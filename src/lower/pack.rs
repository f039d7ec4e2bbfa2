//! Rules into rule collection groups, each within the most bytes that Azure takes, moving as few as can be.
//!
//! What denies stands in the first group, before all others; every other rule allows, so which group holds it changes
//! nothing that passes. A rule stays in
//! the group where an earlier generation had it; a new one goes into the first group with room. Only if that takes
//! more groups than a policy may have is everything packed anew, largest first.

use std::collections::BTreeMap;

use super::names::name;
use super::nat;
use super::rules::Rules;
use super::tally::Tally;
use crate::plan::{
    Action, ApplicationRule, FirewallRules, LimitKey, NetworkRule, Previous, RuleCollection,
    RuleCollectionGroup,
};
use crate::policy::Policy;

/// Gives the bytes of a rule collection group as it is written.
pub type Weigh = fn(&RuleCollectionGroup) -> usize;

/// Priorities of the collections of the first group that deny.
const DENY_NETWORK: u32 = 110;
const DENY_APPLICATION: u32 = 120;
/// Priorities of the collections of every group.
const NETWORK: u32 = 200;
const APPLICATION: u32 = 300;
/// Between the priorities of neighbouring groups, so that others fit between.
const STEP: u64 = 10;

/// Packs `network` and `application` rules, both in order of their names, into groups in order of deployment.
pub(super) fn groups(
    policy: &Policy,
    (Rules { network, application }, denies): (Rules, Rules),
    previous: &Previous,
    weigh: Weigh,
    tally: &mut Tally<'_>,
) -> Vec<RuleCollectionGroup> {
    let denies = deny_collections(policy, denies);
    if network.is_empty() && application.is_empty() && denies.is_empty() {
        nat::keep(&mut [], previous, &mut tally.plan);
        return Vec::new();
    }
    let shell = Shell { policy, weigh };
    let of_denies = match denies.as_slice() {
        [] => 0,
        denies => weigh(&RuleCollectionGroup {
            collections: denies.to_vec(),
            ..shell.group(0, Vec::new(), Vec::new())
        }),
    };
    let items = shell.items(&network, &application, previous);
    let cap = tally.limits.room(LimitKey::FirewallGroupBytes);
    let most = tally.limits.room(LimitKey::FirewallRuleCollectionGroups);
    let room = cap.saturating_sub(shell.bare() + nat::most_bytes(previous) + of_denies);
    let bins = place(&items, room, most);
    let mut groups = shell.fill(network, application, &bins);
    if !denies.is_empty() {
        // Groups are tried in order of priority, and the first has the lowest.
        if groups.first().is_none_or(|group| group.name != shell.name(0)) {
            groups.insert(0, shell.group(0, Vec::new(), Vec::new()));
        }
        groups[0].collections.splice(0..0, denies);
    }
    nat::keep(&mut groups, previous, &mut tally.plan);
    for group in &groups {
        let remedy = "one rule alone is that large: set firewall.ip-groups = \"auto\" so that prefixes stay out of \
                      the rules, or allow fewer subnets in one environment";
        tally.count(LimitKey::FirewallGroupBytes, &group.name, weigh(group), remedy);
    }
    let highest = groups.iter().map(|g| g.priority as usize).max().unwrap_or(0);
    let remedy = "set firewall.priority lower: every group takes the next priority but nine";
    tally.count(LimitKey::FirewallPriority, &shell.name(0), highest, remedy);
    groups
}

/// The collections that deny, which come before all others of their kind.
pub(super) fn deny_collections(
    policy: &Policy,
    Rules { network, application }: Rules,
) -> Vec<RuleCollection> {
    let collection = |what: &str, priority, rules| RuleCollection {
        name: name(&[&policy.name, what]),
        priority,
        action: Action::Deny,
        rules,
    };
    let mut collections = Vec::new();
    if !network.is_empty() {
        collections.push(collection("deny-network", DENY_NETWORK, FirewallRules::Network(network)));
    }
    if !application.is_empty() {
        let rules = FirewallRules::Application(application);
        collections.push(collection("deny-application", DENY_APPLICATION, rules));
    }
    collections
}

/// The groups around the rules.
struct Shell<'a> {
    policy: &'a Policy,
    weigh: Weigh,
}

impl Shell<'_> {
    /// The name of a group by its number; the first has none.
    fn name(&self, bin: usize) -> String {
        let number = if bin == 0 { String::new() } else { (bin + 1).to_string() };
        name(&[&self.policy.name, "rules", &number])
    }

    fn number(&self, name: &str) -> Option<usize> {
        let rest = name.strip_prefix(&self.name(0))?;
        match rest.strip_prefix('-') {
            None => rest.is_empty().then_some(0),
            Some(number) => number.parse::<usize>().ok().filter(|n| *n > 1).map(|n| n - 1),
        }
    }

    fn group(
        &self,
        bin: usize,
        network: Vec<NetworkRule>,
        application: Vec<ApplicationRule>,
    ) -> RuleCollectionGroup {
        let collection = |what: &str, priority, rules| RuleCollection {
            name: name(&[&self.policy.name, what]),
            priority,
            action: Action::Allow,
            rules,
        };
        let mut collections = Vec::new();
        if !network.is_empty() {
            collections.push(collection("network", NETWORK, FirewallRules::Network(network)));
        }
        if !application.is_empty() {
            collections.push(collection("application", APPLICATION, FirewallRules::Application(application)));
        }
        let priority = u64::from(self.policy.firewall.priority) + bin as u64 * STEP;
        let priority = u32::try_from(priority).unwrap_or(u32::MAX);
        RuleCollectionGroup { name: self.name(bin), priority, collections, nat: Vec::new() }
    }

    /// The bytes of a group with both collections and no rule in them. The name is longest there.
    fn bare(&self) -> usize {
        let mut group = self.group(9_999, Vec::new(), Vec::new());
        for (what, rules) in [
            ("network", FirewallRules::Network(Vec::new())),
            ("application", FirewallRules::Application(Vec::new())),
        ] {
            let name = name(&[&self.policy.name, what]);
            group.collections.push(RuleCollection { name, priority: NETWORK, action: Action::Allow, rules });
        }
        (self.weigh)(&group)
    }

    /// What each rule adds to a group, its comma counted, and where it was.
    fn items(
        &self,
        network: &[NetworkRule],
        application: &[ApplicationRule],
        previous: &Previous,
    ) -> Vec<Item> {
        let alone = |rules: FirewallRules| {
            let collections =
                vec![RuleCollection { name: String::new(), priority: NETWORK, action: Action::Allow, rules }];
            let group =
                RuleCollectionGroup { name: String::new(), priority: 100, collections, nat: Vec::new() };
            (self.weigh)(&group)
        };
        let empty = alone(FirewallRules::Network(Vec::new()));
        let item = |rules, old: Option<&String>| Item {
            size: alone(rules).saturating_sub(empty) + 1,
            old: old.and_then(|group| self.number(group)),
        };
        let network = network
            .iter()
            .map(|r| item(FirewallRules::Network(vec![r.clone()]), previous.network_rules.get(&r.name)));
        let application = application.iter().map(|r| {
            item(FirewallRules::Application(vec![r.clone()]), previous.application_rules.get(&r.name))
        });
        network.chain(application).collect()
    }

    /// The groups that hold something. `bins` is by rule, network rules first.
    fn fill(
        &self,
        network: Vec<NetworkRule>,
        application: Vec<ApplicationRule>,
        bins: &[usize],
    ) -> Vec<RuleCollectionGroup> {
        let (of_network, of_application) = bins.split_at(network.len());
        let mut parts: BTreeMap<usize, (Vec<NetworkRule>, Vec<ApplicationRule>)> = BTreeMap::new();
        for (rule, bin) in network.into_iter().zip(of_network) {
            parts.entry(*bin).or_default().0.push(rule);
        }
        for (rule, bin) in application.into_iter().zip(of_application) {
            parts.entry(*bin).or_default().1.push(rule);
        }
        parts.into_iter().map(|(bin, (network, application))| self.group(bin, network, application)).collect()
    }
}

/// Something to be packed.
#[derive(Debug, Clone, Copy)]
struct Item {
    size: usize,
    /// The bin it was in.
    old: Option<usize>,
}

/// A bin for each item, at most `room` in one where no single item is larger.
///
/// # Cost
/// `O(items × bins)`; there are a few bins, and seldom more than one.
fn place(items: &[Item], room: usize, most: usize) -> Vec<usize> {
    let kept = keep(items, room);
    let used = |bins: &[usize]| bins.iter().collect::<std::collections::BTreeSet<_>>().len();
    if used(&kept) <= most {
        return kept;
    }
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by_key(|&at| std::cmp::Reverse(items[at].size));
    let mut bins = Bins::new(room);
    let mut anew = vec![0; items.len()];
    for at in order {
        anew[at] = bins.first_with_room(items[at].size);
    }
    if used(&anew) < used(&kept) { anew } else { kept }
}

/// Old places first, then the first bin with room.
fn keep(items: &[Item], room: usize) -> Vec<usize> {
    let mut bins = Bins::new(room);
    let placed: Vec<Option<usize>> = items
        .iter()
        .map(|item| {
            item.old.filter(|&old| bins.has_room(old, item.size)).inspect(|&old| bins.add(old, item.size))
        })
        .collect();
    let bin = |(item, kept): (&Item, Option<usize>)| kept.unwrap_or_else(|| bins.first_with_room(item.size));
    items.iter().zip(placed).map(bin).collect()
}

/// How full bins are. A bin that holds nothing takes any item.
struct Bins {
    room: usize,
    /// Sum of sizes of the items, by bin.
    used: BTreeMap<usize, usize>,
}

impl Bins {
    fn new(room: usize) -> Self {
        Bins { room, used: BTreeMap::new() }
    }

    fn has_room(&self, bin: usize, size: usize) -> bool {
        self.used.get(&bin).is_none_or(|used| used.saturating_add(size) <= self.room)
    }

    fn add(&mut self, bin: usize, size: usize) {
        *self.used.entry(bin).or_default() += size;
    }

    /// Puts an item into the first bin that has room.
    fn first_with_room(&mut self, size: usize) -> usize {
        let bin = (0..).find(|&bin| self.has_room(bin, size)).expect("bins do not run out");
        self.add(bin, size);
        bin
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sums(items: &[Item], bins: &[usize]) -> BTreeMap<usize, (usize, usize)> {
        let mut sums: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
        for (item, bin) in items.iter().zip(bins) {
            let sum = sums.entry(*bin).or_default();
            *sum = (sum.0 + item.size, sum.1 + 1);
        }
        sums
    }

    fn items() -> impl Strategy<Value = Vec<Item>> {
        let item = (1..40_usize, prop::option::of(0..5_usize)).prop_map(|(size, old)| Item { size, old });
        prop::collection::vec(item, 0..40)
    }

    proptest! {
        #[test]
        fn every_bin_is_within_its_room_or_holds_one_item(items in items(), room in 20..200_usize, most in 1..9_usize) {
            let bins = place(&items, room, most);
            prop_assert_eq!(bins.len(), items.len());
            for (sum, count) in sums(&items, &bins).into_values() {
                prop_assert!(sum <= room || count == 1);
            }
        }

        #[test]
        fn what_was_placed_stays(items in items(), room in 20..200_usize) {
            let first = place(&items, room, usize::MAX);
            let again: Vec<Item> =
                items.iter().zip(&first).map(|(item, bin)| Item { old: Some(*bin), ..*item }).collect();
            prop_assert_eq!(place(&again, room, usize::MAX), first);
        }

        #[test]
        fn one_new_item_moves_no_other(items in items(), size in 1..40_usize, room in 40..200_usize, at in 0..40_usize) {
            let first = place(&items, room, usize::MAX);
            let mut more: Vec<Item> =
                items.iter().zip(&first).map(|(item, bin)| Item { old: Some(*bin), ..*item }).collect();
            let at = at.min(more.len());
            more.insert(at, Item { size, old: None });
            let mut second = place(&more, room, usize::MAX);
            second.remove(at);
            prop_assert_eq!(second, first);
        }
    }

    #[test]
    fn packed_anew_only_where_bins_run_out() {
        // Old places waste bin 1; two bins are enough if all are packed anew.
        let items = [
            Item { size: 6, old: Some(0) },
            Item { size: 6, old: Some(1) },
            Item { size: 4, old: None },
            Item { size: 3, old: Some(2) },
        ];
        assert_eq!(place(&items, 10, 3), [0, 1, 0, 2]);
        assert_eq!(place(&items, 10, 2), [0, 1, 0, 1]);
        // Where that makes no fewer, all stay.
        let items = [Item { size: 6, old: Some(1) }, Item { size: 6, old: Some(0) }];
        assert_eq!(place(&items, 10, 1), [1, 0]);
    }
}
