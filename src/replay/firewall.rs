//! [`Firewall`]: rules of Azure Firewall as it decides by them: DNAT, then network rules, then application rules; what
//! none of them takes is denied. IPv4.
//!
//! Source of the order: rule-processing.md, 2025-05-07.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::error::ReplayError;
use super::hosts::HostKey;
use super::matched::{MatchKind, Matched, Translation, firewall_rule, read_rule};
use super::resolver::Resolver;
use crate::read::resources::{FirewallRule, Resources, RuleCollection, RuleCollectionGroup};
use crate::rules::{Access, Decision, Packet, Region, Rule, RuleList, differences};

/// The rules of a firewall, in the order in which it tries them.
#[derive(Debug, Clone, Default)]
pub struct Firewall {
    rules: Vec<Matched>,
}

/// What a firewall does with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirewallDecision<'a> {
    /// A DNAT rule sends it elsewhere and lets it pass.
    Translated(&'a Translation, &'a Rule),
    /// A rule lets it pass.
    Allowed(&'a Rule),
    /// A rule stops it, or the default if there is none.
    Denied(Option<&'a Rule>),
}

/// Packets that two firewalls treat differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirewallDifference {
    /// What is different.
    pub kind: FirewallDifferenceKind,
    /// The packets.
    pub region: Region,
}

/// In what two firewalls differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FirewallDifferenceKind {
    /// Only one of them translates to this place.
    Translation(Translation),
    /// One lets pass by address alone what the other denies.
    Address,
    /// One lets pass for this name what the other denies. The name stands for all that the same patterns match.
    Host(HostKey),
}

impl Firewall {
    /// Reads rule collection groups, with classic rules as one group more.
    ///
    /// # Errors
    /// The first collection or rule that is not understood or that Azure would refuse.
    pub fn read(resources: &Resources, resolver: &mut Resolver<'_>) -> Result<Self, ReplayError> {
        Firewall::of_groups(&all_groups(resources), resolver)
    }

    /// Reads rule collection groups. Priorities order the rules of one kind only: all DNAT rules come before all network
    /// rules, and these before all application rules.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn of_groups(
        groups: &[RuleCollectionGroup],
        resolver: &mut Resolver<'_>,
    ) -> Result<Self, ReplayError> {
        Firewall::of_policies(&[groups], resolver)
    }

    /// Reads the rule collection groups of policies that inherit from each other, parents first: of each kind of rules
    /// those of a parent come before those of its child, whatever their priorities.
    ///
    /// Source: policy-rule-sets.md, 2023-05-09; rule-processing.md, 2025-05-07.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn of_policies(
        policies: &[&[RuleCollectionGroup]],
        resolver: &mut Resolver<'_>,
    ) -> Result<Self, ReplayError> {
        let mut order: Vec<(Stage, usize, &RuleCollectionGroup, &RuleCollection)> = Vec::new();
        for (level, groups) in policies.iter().enumerate() {
            for group in *groups {
                for collection in &group.collections {
                    order.push((stage(collection)?, level, group, collection));
                }
            }
        }
        order.sort_by_key(|(stage, level, group, c)| (*stage, *level, group.priority, c.priority));
        let mut rules: Vec<Matched> = Vec::new();
        for (stage, level, group, collection) in order {
            let access = access(collection, stage)?;
            for rule in &collection.rules {
                let before = rules.len();
                let read = read_rule(rule, access, resolver, &mut rules);
                read.map_err(|error| error.in_rule(rule.name()))?;
                let origin: Arc<str> =
                    firewall_rule(level, &group.name, &collection.name, rule.name()).into();
                rules[before..].iter_mut().for_each(|matched| matched.origin = origin.clone());
            }
        }
        Ok(Firewall { rules })
    }

    /// All rules in the order in which they are tried.
    pub(crate) fn matched(&self) -> &[Matched] {
        &self.rules
    }

    /// The rules that match by address, DNAT left out.
    pub(crate) fn network(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(|m| matches!(m.kind, MatchKind::Network)).map(|m| &m.rule)
    }

    /// The rules that match by name.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = (&HostKey, &Rule)> {
        self.rules
            .iter()
            .filter_map(|m| if let MatchKind::Host(key) = &m.kind { Some((key, &m.rule)) } else { None })
    }

    /// What the firewall does with a packet; `name` is what it is for, where that is known. Looks at the rules one after
    /// another.
    pub fn evaluate(&self, packet: &Packet, name: Option<&HostKey>) -> FirewallDecision<'_> {
        let taken = self.rules.iter().find(|matched| {
            let named = match &matched.kind {
                MatchKind::Nat(_) | MatchKind::Network => true,
                MatchKind::Host(key) => name.is_some_and(|name| key.covers(name)),
            };
            named && matched.rule.matches(packet)
        });
        match taken {
            None => FirewallDecision::Denied(None),
            Some(Matched { kind: MatchKind::Nat(to), rule, .. }) => FirewallDecision::Translated(to, rule),
            Some(Matched { rule, .. }) if rule.access.is_allow() => FirewallDecision::Allowed(rule),
            Some(Matched { rule, .. }) => FirewallDecision::Denied(Some(rule)),
        }
    }

    /// All that `self` and `other` do differently: first where DNAT sends packets, then what passes by address alone,
    /// then what passes for each host, FQDN tag, URL and web category that either names. Names and priorities play no part as such, and neither does how rules are cut into groups.
    ///
    /// # Cost
    /// That of [`differences`] for each class of names.
    pub fn difference(&self, other: &Self) -> Vec<FirewallDifference> {
        let mut found = Vec::new();
        for to in self.translations().chain(other.translations()).collect::<BTreeSet<_>>() {
            let kind = || FirewallDifferenceKind::Translation(to.clone());
            let regions = differences(&self.translating(Some(to)), &other.translating(Some(to)));
            found.extend(regions.into_iter().map(|region| FirewallDifference { kind: kind(), region }));
        }
        let by_address = differences(&self.passing(None), &other.passing(None));
        let kind = FirewallDifferenceKind::Address;
        found.extend(by_address.into_iter().map(|region| FirewallDifference { kind: kind.clone(), region }));
        let names: BTreeSet<HostKey> =
            self.hosts().chain(other.hosts()).map(|(key, _)| key.example()).collect();
        for name in names {
            let regions = differences(&self.passing(Some(&name)), &other.passing(Some(&name)));
            let kind = || FirewallDifferenceKind::Host(name.clone());
            found.extend(regions.into_iter().map(|region| FirewallDifference { kind: kind(), region }));
        }
        found
    }

    /// Where DNAT rules send packets.
    pub(crate) fn translations(&self) -> impl Iterator<Item = &Translation> {
        self.rules.iter().filter_map(|m| if let MatchKind::Nat(to) = &m.kind { Some(to) } else { None })
    }

    /// Where DNAT rules send a packet, in words that follow it.
    pub(crate) fn translation_in_words(&self, packet: &Packet) -> Goes {
        Goes(self.rules.iter().find_map(|matched| match &matched.kind {
            MatchKind::Nat(to) if matched.rule.matches(packet) => {
                Some((to.clone(), matched.rule.name.clone()))
            }
            _ => None,
        }))
    }

    /// The rules that translate, those of one translation allowing and the others not; all of them allowing if none is
    /// given.
    pub(crate) fn translating(&self, only: Option<&Translation>) -> RuleList {
        in_order(self.rules.iter().filter_map(|matched| match &matched.kind {
            MatchKind::Nat(to) => {
                let access = if only.is_none_or(|only| only == to) { Access::Allow } else { Access::Deny };
                Some(Rule { access, ..matched.rule.clone() })
            }
            MatchKind::Network | MatchKind::Host(_) => None,
        }))
    }

    /// What passes for a name, or by address alone; what DNAT takes passes.
    pub(crate) fn passing(&self, name: Option<&HostKey>) -> RuleList {
        let own = self.rules.iter().filter(|matched| match &matched.kind {
            MatchKind::Nat(_) | MatchKind::Network => true,
            MatchKind::Host(key) => name.is_some_and(|name| key.covers(name)),
        });
        in_order(own.map(|matched| matched.rule.clone()))
    }
}

/// `rules` in the order given; what none of them takes is denied.
pub(crate) fn in_order(rules: impl IntoIterator<Item = Rule>) -> RuleList {
    let numbered = rules.into_iter().zip(0..).map(|(rule, priority)| Rule { priority, ..rule });
    RuleList::new(numbered.collect(), Access::Deny).expect("each rule has a number of its own")
}

/// Rule collection groups, and the collections of firewalls without a policy as if they were one group each: that they
/// belong to no group changes nothing in what comes before what.
pub(crate) fn all_groups(resources: &Resources) -> Vec<RuleCollectionGroup> {
    let classic = resources.firewalls.iter().map(|firewall| RuleCollectionGroup {
        name: firewall.name.clone(),
        priority: 100,
        collections: firewall.collections.clone(),
    });
    resources.groups.iter().cloned().chain(classic).collect()
}

/// When the firewall tries rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Nat,
    Network,
    Application,
}

/// When the firewall tries the rules of a collection, which are all of one kind.
fn stage(collection: &RuleCollection) -> Result<Stage, ReplayError> {
    let of = |rule: &FirewallRule| match rule {
        FirewallRule::Nat(_) => Stage::Nat,
        FirewallRule::Network(_) => Stage::Network,
        FirewallRule::Application(_) => Stage::Application,
    };
    let stage = collection.rules.first().map_or(Stage::Network, of);
    match collection.rules.iter().all(|rule| of(rule) == stage) {
        true => Ok(stage),
        false => Err(ReplayError::Kinds(collection.name.clone())),
    }
}

fn access(collection: &RuleCollection, stage: Stage) -> Result<Access, ReplayError> {
    match (collection.action.to_ascii_lowercase().as_str(), stage == Stage::Nat) {
        ("allow", false) | ("dnat", true) => Ok(Access::Allow),
        ("deny", false) => Ok(Access::Deny),
        (other, _) => {
            Err(ReplayError::Action { collection: collection.name.clone(), action: other.to_owned() })
        }
    }
}

/// Where a packet is sent, and by which rule; nowhere if no DNAT rule takes it. Its words follow those of the packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Goes(Option<(Translation, String)>);

impl fmt::Display for Goes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some((to, rule)) => write!(f, "goes to {to} by {rule}"),
            None => f.write_str("is not translated"),
        }
    }
}

/// The name of the rule that decided, or a word for the default.
pub(crate) fn decided_by<'a>(decision: &Decision<'a>) -> &'a str {
    decision.rule.map_or("the default", |rule| rule.name.as_str())
}
