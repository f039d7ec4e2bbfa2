//! A firewall's rules in the order in which it tries them, as lists that may hang on what is not known.
//!
//! Unlike `replay`, which refuses what Azure would refuse, this takes what Azure gave: a rule that cannot match matches
//! nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::atoms::{At, Atoms, What};
use super::list::{OpenList, OpenRule};
use super::resolver::OpenResolver;
use crate::addr::AddrSet;
use crate::packet::{Ports, Protocol};
use crate::read::live::{Live, LiveCollection, LiveCollectionGroup, Note, last_part};
use crate::read::resources::{ApplicationRule, FirewallRule, NatRule, NetworkRule};
use crate::replay::{HostKey, Translation};
use crate::rules::{Access, Rule};

/// What a rule looks at or does beside its packets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OpenKind {
    /// Sends packets elsewhere.
    Nat(Translation),
    /// Matches by address.
    Network,
    /// Matches by name.
    Host(HostKey),
}

/// All rules of a firewall in order; the origin of each counts the rules of the files.
#[derive(Debug, Clone, Default)]
pub(crate) struct OpenFirewall {
    pub(crate) rules: Vec<(OpenKind, OpenRule)>,
    /// For each rule of the files: its name, with those of its group and collection, and where it stands.
    pub(crate) names: Vec<(String, crate::read::live::Place)>,
}

/// When the firewall tries a rule.
fn stage(rule: &FirewallRule) -> u8 {
    match rule {
        FirewallRule::Nat(_) => 0,
        FirewallRule::Network(_) => 1,
        FirewallRule::Application(_) => 2,
    }
}

/// A collection with what orders it: the policy's rank, the group's priority.
struct Ordered<'c> {
    key: (u8, usize, i64, i64),
    group: &'c str,
    collection: &'c LiveCollection,
}

impl OpenFirewall {
    /// Reads rule collection groups, each with the rank of its policy: those of parents come first, stage by stage.
    pub(crate) fn of_groups(
        groups: &[(usize, &LiveCollectionGroup)],
        meaning: &mut OpenResolver<'_>,
        atoms: &mut Atoms,
    ) -> Self {
        let mut order = Vec::new();
        for (rank, group) in groups {
            for collection in &group.collections {
                order.push((*rank, group.priority.unwrap_or_default(), group.name.as_str(), collection));
            }
        }
        Self::of(&order, meaning, atoms)
    }

    /// Reads classic collections.
    pub(crate) fn classic(
        collections: &[LiveCollection],
        meaning: &mut OpenResolver<'_>,
        atoms: &mut Atoms,
    ) -> Self {
        let order: Vec<_> = collections.iter().map(|collection| (0, 0, "", collection)).collect();
        Self::of(&order, meaning, atoms)
    }

    fn of(
        all: &[(usize, i64, &str, &LiveCollection)],
        meaning: &mut OpenResolver<'_>,
        atoms: &mut Atoms,
    ) -> Self {
        let mut order: Vec<Ordered<'_>> = all
            .iter()
            .map(|&(rank, priority, group, collection)| {
                let stage = collection.collection.rules.first().map_or(1, stage);
                Ordered { key: (stage, rank, priority, collection.collection.priority), group, collection }
            })
            .collect();
        order.sort_by_key(|ordered| ordered.key);
        let mut firewall = OpenFirewall::default();
        for ordered in &order {
            firewall.add(ordered, meaning, atoms);
        }
        firewall
    }

    fn add(&mut self, ordered: &Ordered<'_>, meaning: &mut OpenResolver<'_>, atoms: &mut Atoms) {
        let collection = &ordered.collection.collection;
        let action = collection.action.to_ascii_lowercase();
        for (rule, place) in collection.rules.iter().zip(&ordered.collection.places) {
            let origin = self.names.len();
            let parts = [ordered.group, &collection.name, rule.name()];
            let name = parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join("/");
            let access = match action.as_str() {
                "allow" | "dnat" => Ok(Access::Allow),
                "deny" => Ok(Access::Deny),
                _ => Err(atoms.number(At::Access, meaning.own(What::Collection(collection.name.clone())))),
            };
            let mut draft = Draft { name: &name, access, origin, meaning, atoms, rules: &mut self.rules };
            match rule {
                FirewallRule::Nat(rule) => draft.nat(rule),
                FirewallRule::Network(rule) => draft.network(rule),
                FirewallRule::Application(rule) => draft.application(rule),
            }
            self.names.push((name, place.clone()));
        }
    }

    /// Where DNAT rules send packets.
    pub(crate) fn translations(&self) -> impl Iterator<Item = &Translation> {
        self.rules.iter().filter_map(|(kind, _)| if let OpenKind::Nat(to) = kind { Some(to) } else { None })
    }

    /// The names that rules match, each as one that stands for all that only they match.
    pub(crate) fn hosts(&self) -> BTreeSet<HostKey> {
        let keys = self
            .rules
            .iter()
            .filter_map(|(kind, _)| if let OpenKind::Host(key) = kind { Some(key) } else { None });
        keys.map(HostKey::example).collect()
    }

    /// The rules that translate; those of one translation allow and the others do not.
    pub(crate) fn translating(&self, only: &Translation) -> OpenList {
        let own = self.rules.iter().filter_map(|(kind, open)| match kind {
            OpenKind::Nat(to) => {
                let access = if to == only { Access::Allow } else { Access::Deny };
                let mut open = open.clone();
                open.rule.access = access;
                Some(open)
            }
            _ => None,
        });
        OpenList { rules: own.collect(), v4_only: true }
    }

    /// What passes for a name, or by address alone, to where it is meant for: what DNAT takes does not.
    pub(crate) fn passing_straight(&self, name: Option<&HostKey>) -> OpenList {
        let mut list = OpenList { rules: Vec::new(), v4_only: true };
        for (kind, open) in &self.rules {
            let mut open = open.clone();
            match kind {
                OpenKind::Nat(_) => open.rule.access = Access::Deny,
                OpenKind::Host(key) if !name.is_some_and(|name| key.covers(name)) => continue,
                OpenKind::Network | OpenKind::Host(_) => {}
            }
            list.rules.push(open);
        }
        list
    }

    /// What passes for a name, or by address alone; what DNAT takes passes.
    pub(crate) fn passing(&self, name: Option<&HostKey>) -> OpenList {
        let own = self.rules.iter().filter(|(kind, _)| match kind {
            OpenKind::Nat(_) | OpenKind::Network => true,
            OpenKind::Host(key) => name.is_some_and(|name| key.covers(name)),
        });
        OpenList { rules: own.map(|(_, open)| open.clone()).collect(), v4_only: true }
    }
}

/// What the rules that one rule is read as have in common.
struct Draft<'r, 'm, 'a> {
    name: &'r str,
    access: Result<Access, u32>,
    origin: usize,
    meaning: &'m mut OpenResolver<'a>,
    atoms: &'m mut Atoms,
    rules: &'m mut Vec<(OpenKind, OpenRule)>,
}

/// A side with its questions.
type AskedSide = (Arc<AddrSet>, Vec<u32>);

impl Draft<'_, '_, '_> {
    /// Texts and IP groups together. The firewall takes IPv4 only.
    fn side(&mut self, texts: &[String], groups: &[String], at: At) -> AskedSide {
        let (first, mut questions) = self.meaning.side(texts, &[], at, self.atoms);
        let mut sets = vec![first];
        for id in groups {
            let (set, more) = self.meaning.ip_group(id, at, self.atoms);
            sets.push(set);
            questions.extend(more);
        }
        questions.sort_unstable();
        questions.dedup();
        let v4 = AddrSet::union_of(sets.iter().map(AsRef::as_ref)).v4;
        (Arc::new(AddrSet { v4, ..AddrSet::empty() }), questions)
    }

    fn push(
        &mut self,
        kind: OpenKind,
        protocol: (Protocol, Option<u32>),
        sides: (&AskedSide, &AskedSide),
        ports: &(Ports, Option<u32>),
    ) {
        let (src, dst) = sides;
        let rule = Rule {
            name: self.name.to_owned(),
            priority: 0,
            access: *self.access.as_ref().unwrap_or(&Access::Deny),
            protocol: protocol.0,
            src: src.0.clone(),
            dst: dst.0.clone(),
            sport: Ports::all(),
            dport: ports.0.clone(),
        };
        let mut open = OpenRule::known(rule, self.origin);
        open.sources = src.1.clone();
        open.destinations = dst.1.clone();
        open.services = [None, ports.1, protocol.1];
        open.access = self.access.err();
        self.rules.push((kind, open));
    }

    fn protocols(&mut self, texts: &[String]) -> Vec<(Protocol, Option<u32>)> {
        texts.iter().map(|text| self.meaning.protocol(text, self.atoms)).collect()
    }

    fn any(&self) -> AskedSide {
        let v4 = self.meaning.all().v4.clone();
        (Arc::new(AddrSet { v4, ..AddrSet::empty() }), Vec::new())
    }

    fn nat(&mut self, rule: &NatRule) {
        let src = self.side(&rule.sources, &rule.source_groups, At::Source);
        let dst = self.side(&rule.destinations, &[], At::Destination);
        let ports = self.meaning.ports(&rule.ports, At::DestinationPort, self.atoms);
        let to = Translation { to: rule.translated.to_ascii_lowercase(), port: rule.translated_port.clone() };
        for protocol in self.protocols(&rule.protocols) {
            self.push(OpenKind::Nat(to.clone()), protocol, (&src, &dst), &ports);
        }
    }

    fn network(&mut self, rule: &NetworkRule) {
        let src = self.side(&rule.sources, &rule.source_groups, At::Source);
        let dst = self.side(&rule.destinations, &rule.destination_groups, At::Destination);
        let by_address = !rule.destinations.is_empty() || !rule.destination_groups.is_empty();
        let ports = self.meaning.ports(&rule.ports, At::DestinationPort, self.atoms);
        for protocol in self.protocols(&rule.protocols) {
            if by_address {
                self.push(OpenKind::Network, protocol, (&src, &dst), &ports);
            }
            for host in &rule.fqdns {
                let any = self.any();
                let key = HostKey::Host(host.to_ascii_lowercase());
                self.push(OpenKind::Host(key), protocol, (&src, &any), &ports);
            }
        }
    }

    fn application(&mut self, rule: &ApplicationRule) {
        let src = self.side(&rule.sources, &rule.source_groups, At::Source);
        let any = self.any();
        let keys = rule.fqdns.iter().map(|h| match h.as_str() {
            "*" => HostKey::Host("*".to_owned()),
            host => HostKey::Host(host.to_ascii_lowercase()),
        });
        let keys = keys.chain(rule.fqdn_tags.iter().map(|t| HostKey::Tag(t.to_ascii_lowercase())));
        let keys = keys.chain(rule.web_categories.iter().map(|c| HostKey::Category(c.to_ascii_lowercase())));
        let keys: Vec<HostKey> =
            keys.chain(rule.urls.iter().map(|u| HostKey::Url(u.to_ascii_lowercase()))).collect();
        for key in keys {
            for (_, port) in &rule.protocols {
                let ports = (Ports::new(crate::addr::Prefix::host(*port).into()), None);
                self.push(OpenKind::Host(key.clone()), (Protocol::Tcp, None), (&src, &any), &ports);
            }
        }
    }
}

/// What is not known of a firewall.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Incomplete {
    /// What a file does not say.
    #[error("{0}")]
    Note(Note),
    /// A policy above without rules.
    #[error("the rules of the policy {parent} above {policy} are not among the files")]
    Above {
        /// The policy above.
        parent: String,
        /// The policy below.
        policy: String,
    },
}

/// One firewall among files: a policy with those above it, or classic rules.
pub(crate) struct Unit<'l> {
    pub(crate) name: String,
    /// Rule collection groups, each with the rank of its policy.
    groups: Vec<(usize, &'l LiveCollectionGroup)>,
    /// That of its own policy.
    rank: usize,
    classic: &'l [LiveCollection],
    pub(crate) incomplete: Vec<Incomplete>,
}

impl Unit<'_> {
    /// Whether its rules are those of the firewall itself.
    pub(crate) fn is_classic(&self) -> bool {
        !self.classic.is_empty()
    }

    /// Whether policies above it decide first.
    pub(crate) fn has_parents(&self) -> bool {
        self.groups.iter().any(|(rank, _)| *rank < self.rank)
    }

    /// The name of its policy, where the files give it.
    pub(crate) fn policy(&self) -> Option<String> {
        (!self.is_classic() && !self.name.is_empty()).then(|| self.name.clone())
    }

    /// Whether a group of rules is of its policy, and not of one above.
    pub(crate) fn owns(&self, group: &LiveCollectionGroup) -> bool {
        group.policy.as_deref().unwrap_or_default().eq_ignore_ascii_case(&self.name)
    }

    /// The files with no other firewall in them.
    pub(crate) fn alone(&self, live: &Live) -> Live {
        let mut live = live.clone();
        match self.is_classic() {
            true => {
                live.collection_groups.clear();
                live.policies.clear();
                live.firewalls.retain(|firewall| firewall.collections == self.classic);
            }
            false => {
                let own = |group: &LiveCollectionGroup| self.groups.iter().any(|(_, known)| *known == group);
                live.collection_groups.retain(own);
                live.firewalls.clear();
                let named = |name: &str| {
                    name.eq_ignore_ascii_case(&self.name)
                        || live.collection_groups.iter().any(|group| group.policy.as_deref() == Some(name))
                };
                live.policies.retain(|policy| named(&policy.name));
            }
        }
        live
    }

    /// Its rules in order.
    pub(crate) fn open(&self, meaning: &mut OpenResolver<'_>, atoms: &mut Atoms) -> OpenFirewall {
        match self.classic {
            [] => OpenFirewall::of_groups(&self.groups, meaning, atoms),
            classic => OpenFirewall::classic(classic, meaning, atoms),
        }
    }
}

/// The firewalls among files: each policy that is not only there for another, and each firewall with rules of its own.
pub(crate) fn units(live: &Live) -> Vec<Unit<'_>> {
    let of = |name: &str| live.policies.iter().find(|policy| policy.name.eq_ignore_ascii_case(name));
    let base = |name: &str| of(name).and_then(|policy| policy.base.as_deref()).map(last_part);
    let mut names: Vec<&str> = Vec::new();
    for group in &live.collection_groups {
        let name = group.policy.as_deref().unwrap_or_default();
        if !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            names.push(name);
        }
    }
    // A policy without groups of its own still has those of its base.
    for policy in live.policies.iter().filter(|policy| policy.base.is_some()) {
        if !names.iter().any(|known| known.eq_ignore_ascii_case(&policy.name)) {
            names.push(&policy.name);
        }
    }
    let is_base = |name: &str| {
        live.policies
            .iter()
            .any(|p| p.base.as_deref().is_some_and(|b| last_part(b).eq_ignore_ascii_case(name)))
    };
    let mut units = Vec::new();
    for name in names.iter().copied().filter(|name| !is_base(name)) {
        let mut chain = vec![name];
        // Azure allows two levels; a circle in a file ends.
        while let Some(above) = base(chain[chain.len() - 1]).filter(|_| chain.len() < 4) {
            chain.push(above);
        }
        let mut unit = Unit {
            name: name.to_owned(),
            groups: Vec::new(),
            rank: chain.len() - 1,
            classic: &[],
            incomplete: Vec::new(),
        };
        for (rank, policy) in chain.iter().rev().enumerate() {
            let groups: Vec<_> = groups_of(live, policy).collect();
            if groups.is_empty() && *policy != name {
                let (parent, policy) = ((*policy).to_owned(), name.to_owned());
                unit.incomplete.push(Incomplete::Above { parent, policy });
            }
            unit.incomplete.extend(groups.iter().flat_map(|g| &g.incomplete).cloned().map(Incomplete::Note));
            unit.groups.extend(groups.into_iter().map(|group| (rank, group)));
        }
        units.push(unit);
    }
    let classic = live.firewalls.iter().filter(|firewall| !firewall.collections.is_empty());
    units.extend(classic.map(|firewall| Unit {
        name: firewall.name.clone(),
        groups: Vec::new(),
        rank: 0,
        classic: &firewall.collections,
        incomplete: firewall.incomplete.iter().cloned().map(Incomplete::Note).collect(),
    }));
    units
}

/// The rule collection groups of a policy.
fn groups_of<'l>(live: &'l Live, policy: &str) -> impl Iterator<Item = &'l LiveCollectionGroup> {
    let groups = live.collection_groups.iter();
    groups.filter(move |group| group.policy.as_deref().unwrap_or_default().eq_ignore_ascii_case(policy))
}
