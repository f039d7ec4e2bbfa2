//! The lists of addresses that count against the limits of one problem, and their best covers together.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::fit::Fit;
use crate::addr::{AddrSet, Certificate, Count, CoverError, CoverRequest, IpPrefix, Prefix, cheapest_within};
use crate::lower::names::remote_part;
use crate::lower::udr::meets;
use crate::packet::Direction;
use crate::plan::{
    Destination, Extra, Fewest, FirewallRules, LimitKey, NsgRule, PlanParts, Side, WidenedList,
};
use crate::policy::Policy;
use crate::target::Target;

pub(super) fn set_of(prefixes: impl IntoIterator<Item = IpPrefix>) -> AddrSet {
    prefixes.into_iter().collect()
}

/// The lists of addresses that count against the limits of one problem.
pub(super) struct Lists<'a> {
    pub(super) policy: &'a Policy,
    pub(super) limit: LimitKey,
    pub(super) target: Target,
    /// Lists of the generation before that are kept.
    pub(super) before: &'a [WidenedList],
    /// Entries that cannot be widened.
    pub(super) fixed: usize,
    /// IP groups that cannot be.
    pub(super) fixed_groups: usize,
    /// What can be.
    pub(super) lists: BTreeMap<Key, List>,
}

/// Which lists are one: those of the same addresses, of one family, written the same way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) asked: AddrSet,
    pub(super) grouped: bool,
}

/// Addresses that some flows ask for.
#[derive(Default)]
pub(super) struct List {
    /// How often each prefix of the list counts.
    pub(super) times: usize,
    pub(super) flows: Vec<String>,
    /// What is covered: what is asked for, and of the list before what still holds some of it.
    pub(super) base: AddrSet,
    /// The remotes that the list has IP groups for.
    pub(super) names: BTreeSet<String>,
}

impl<'a> Lists<'a> {
    /// Counts one side of all rules. The remote side, where it lists what a flow asks for, can be widened.
    pub(super) fn add_nsg(&mut self, plan: &PlanParts, remote: Direction) {
        let side = |rule: &'_ NsgRule| match remote {
            Direction::Inbound => rule.source.clone(),
            Direction::Outbound => rule.destination.clone(),
        };
        for rule in plan.nsg_rules() {
            match (side(rule), rule.flows.as_slice()) {
                (Side::Prefixes(list), [flow, others @ ..]) if rule.direction == remote => {
                    let v4 = list[0].is_v4();
                    self.add(flow, v4, 1, list.len());
                    others.iter().for_each(|other| self.also(other, v4));
                }
                (Side::Prefixes(list), _) => self.fixed += list.len(),
                (Side::Any | Side::Tag(_), _) => self.fixed += 1,
            }
        }
    }

    /// Counts what all network rules list: in pairs of source and destination, or each list once for each rule. A flow
    /// can have several rules, each with a piece of the list.
    pub(super) fn add_firewall(&mut self, plan: &PlanParts, pairs: bool) {
        let mut pieces: BTreeMap<(&String, bool), (usize, usize)> = BTreeMap::new();
        let mut listed: BTreeSet<&String> = BTreeSet::new();
        for collection in plan.rule_collections() {
            let FirewallRules::Network(rules) = &collection.rules else { continue };
            for rule in rules {
                let sources = if pairs { rule.sources.len() } else { 1 };
                match (&rule.destination, rule.flows.as_slice()) {
                    (Destination::Prefixes(list), [flow]) => {
                        pieces.entry((flow, false)).or_insert((sources, 0)).1 += list.len();
                    }
                    (Destination::Groups(list), [flow]) => {
                        pieces.entry((flow, true)).or_insert((sources, 0)).1 += list.len();
                        if self.policy.listed(flow).is_some() {
                            listed.extend(list);
                        }
                    }
                    (Destination::Prefixes(list), _) => self.fixed += sources * list.len(),
                    (Destination::Any, _) => self.fixed += sources,
                    (Destination::Tags(list) | Destination::Groups(list) | Destination::Fqdns(list), _) => {
                        self.fixed += sources * list.len();
                    }
                }
            }
        }
        self.fixed_groups = plan.ip_groups.iter().filter(|group| !listed.contains(&group.name)).count();
        for ((flow, grouped), (sources, entries)) in pieces {
            self.add_as(flow, true, grouped, sources, entries);
        }
    }

    pub(super) fn add(&mut self, flow: &str, v4: bool, times: usize, entries: usize) {
        self.add_as(flow, v4, false, times, entries);
    }

    /// Notes that another flow has the same list in the same rule.
    fn also(&mut self, flow: &str, v4: bool) {
        if self.policy.listed(flow).is_some() {
            self.add_as(flow, v4, false, 0, 0);
        }
    }

    fn add_as(&mut self, flow: &str, v4: bool, grouped: bool, times: usize, entries: usize) {
        let Some(asked) = self.policy.listed(flow) else {
            self.fixed += times * entries;
            return;
        };
        let asked = match v4 {
            true => AddrSet { v4: asked.v4, ..AddrSet::empty() },
            false => AddrSet { v6: asked.v6, ..AddrSet::empty() },
        };
        let before = self
            .before
            .iter()
            .find(|list| list.target == self.target && list.flows.iter().any(|id| id == flow));
        let base = before.map_or_else(|| asked.clone(), |list| self.still_holding(&asked, &list.prefixes));
        let list = self.lists.entry(Key { asked, grouped }).or_default();
        list.base = list.base.union(&base);
        list.times += times;
        list.flows.push(flow.to_owned());
        if let Some(flow) = self.policy.flows.iter().find(|f| f.id == *flow).filter(|_| grouped) {
            list.names.insert(remote_part(flow).into_owned());
        }
    }

    /// `asked`, and those of `prefixes` whole that hold some of it and nothing that is never let through.
    fn still_holding(&self, asked: &AddrSet, prefixes: &[IpPrefix]) -> AddrSet {
        let never = self.policy.never_extra().difference(asked);
        let kept = prefixes.iter().filter(|&&prefix| meets(asked, prefix) && !meets(&never, prefix));
        asked.union(&kept.copied().collect())
    }

    /// How many addresses all lists ask for.
    pub(super) fn asked(&self) -> Count {
        self.lists.keys().map(|key| key.asked.count()).sum()
    }

    /// What each list may not hold. What is asked for is no extra, wherever it lies.
    pub(super) fn never(&self) -> Vec<AddrSet> {
        let never = self.policy.never_extra();
        self.lists.keys().map(|key| never.difference(&key.asked)).collect()
    }

    pub(super) fn requests<'b>(&'b self, never: &'b [AddrSet]) -> Vec<CoverRequest<'b>> {
        let lists = self.lists.iter().zip(never);
        lists.map(|((_, list), never)| CoverRequest::new(&list.base).never(never).times(list.times)).collect()
    }

    /// The fewest extra addresses with which all entries together are at most `most`.
    pub(super) fn fit(&self, most: usize) -> Fit {
        let never = self.never();
        let requests = self.requests(&never);
        let room = most.saturating_sub(self.fixed);
        match cheapest_within(&requests, room) {
            Ok(covers) if most >= self.fixed => Fit::Widened {
                extras: self.extras(covers.covers.into_iter().map(set_of)),
                asked: self.asked(),
            },
            // No list is in the way: what cannot be widened is too much by itself.
            Ok(_) => self.impossible(&Certificate { anchors: Vec::new() }),
            Err(CoverError::TooFew { certificate, .. }) => self.impossible(&certificate),
            Err(CoverError::Conflict { .. }) => unreachable!("nothing asked for is kept out"),
        }
    }

    /// What `covers`, one of each list, hold beyond what is asked for.
    pub(super) fn extras(&self, covers: impl Iterator<Item = AddrSet>) -> Vec<Extra> {
        let mut extras = Vec::new();
        for ((Key { asked, .. }, list), covered) in self.lists.iter().zip(covers) {
            let addresses = covered.difference(asked);
            if addresses.is_empty() {
                continue;
            }
            extras.push(Extra {
                target: self.target,
                remote: remote_of(self.policy, &list.flows),
                flows: list.flows.clone(),
                addresses,
                exact: asked.prefixes().count(),
                written: covered.prefixes().count(),
                limit: Some(self.limit),
            });
        }
        extras
    }

    pub(super) fn impossible(&self, certificate: &Certificate) -> Fit {
        let smallest = certificate.smallest();
        let blocks = blocks(self.policy, certificate);
        let why = Fewest::Entries { fixed: self.fixed, lists: !self.lists.is_empty(), blocks };
        Fit::Impossible { key: self.limit, smallest: self.fixed + smallest, why }
    }
}

/// The remotes of some flows, each once.
fn remote_of(policy: &Policy, flows: &[String]) -> String {
    let named = policy.flows.iter().filter(|flow| flows.iter().any(|id| flow.id == **id));
    let mut names: Vec<String> = named.map(|flow| flow.remote.to_string()).collect();
    names.sort();
    names.dedup();
    names.join(", ")
}

/// The ranges that stand in the way, most frequent first, and where each comes from.
fn blocks(policy: &Policy, certificate: &Certificate) -> Vec<(IpPrefix, &'static str)> {
    let sources = [
        ("precision.never", policy.precision.never.clone()),
        ("`except` of a need", policy.precision.excepted.clone()),
        ("the network's own addresses", policy.network.space.clone()),
        ("a special range", crate::policy::never_extra()),
    ];
    let mut counts: BTreeMap<(IpPrefix, &'static str), usize> = BTreeMap::new();
    for forbidden in certificate.anchors.iter().filter_map(|anchor| anchor.forbidden) {
        let forbidden: AddrSet = match forbidden {
            IpAddr::V4(addr) => IpPrefix::V4(Prefix::host(addr.into())).into(),
            IpAddr::V6(addr) => IpPrefix::V6(Prefix::host(addr.into())).into(),
        };
        let found = sources.iter().find_map(|(name, set)| {
            let block = set.prefixes().find(|&prefix| forbidden.is_subset(&prefix.into()))?;
            Some((block, *name))
        });
        *counts.entry(found.expect("a forbidden address comes from one of them")).or_default() += 1;
    }
    let mut named: Vec<_> = counts.into_iter().collect();
    named.sort_by_cached_key(|((block, _), count)| (Reverse(*count), block.to_string()));
    named.into_iter().map(|(block, _)| block).collect()
}
