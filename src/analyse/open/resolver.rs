//! [`OpenResolver`]: what the texts of rules stand for, and what of them is not known.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::atoms::{At, Atoms, Unknown, What};
use crate::addr::{AddrSet, Entry, IntervalSet, IpPrefix};
use crate::packet::{Ports, Protocol};
use crate::read::live::{Live, is_same_resource, last_part};
use crate::tags::{Snapshot, Symbol, Symbols};

/// Space that is private wherever nothing else is said of a network.
const PRIVATE: [&str; 4] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"];

/// The address of the platform, which is of every virtual network.
///
/// Source: service-tags-overview.md, 2025-05-21: the virtual IP address of the host is part of `VirtualNetwork`.
const PLATFORM: &str = "168.63.129.16/32";

/// What texts mean for one of two sides: its networks, its IP groups, and the tags of a snapshot.
pub(crate) struct OpenResolver<'a> {
    pub(crate) snapshot: Option<&'a Snapshot>,
    pub(crate) symbols: Symbols,
    /// The address space of the networks among the files, with those of peers; `None` where there is none.
    pub(crate) space: Option<AddrSet>,
    live: &'a Live,
    /// Tells expressions of one side from those of the other.
    side: &'static str,
    all: Arc<AddrSet>,
    /// Names that application security groups of several resource groups have.
    twice: HashSet<String>,
    sets: HashMap<String, Option<Arc<AddrSet>>>,
    lists: HashMap<Vec<String>, (Arc<AddrSet>, Vec<Unknown>)>,
}

/// The address space of the virtual networks in files, with those of peers; `None` where there is none.
pub(crate) fn space_of(live: &Live) -> Option<AddrSet> {
    let texts = live.networks.iter().flat_map(|network| network.space.iter().chain(&network.peers));
    let set: AddrSet = texts.filter_map(|text| IpPrefix::parse(text, true).ok()).collect();
    (!set.is_empty()).then_some(set)
}

/// The names that several application security groups have.
fn names_of_several(live: &Live) -> HashSet<String> {
    let rules = live.groups.iter().flat_map(|group| &group.rules);
    let ids = rules.flat_map(|rule| rule.source_groups.iter().chain(&rule.destination_groups));
    let ids: HashSet<String> = ids.map(|id| id.to_ascii_lowercase()).collect();
    let mut seen = HashSet::new();
    ids.iter().map(|id| last_part(id).to_owned()).filter(|name| !seen.insert(name.clone())).collect()
}

fn constants(texts: &[&str]) -> AddrSet {
    texts.iter().map(|text| text.parse::<IpPrefix>().expect("a constant prefix")).collect()
}

impl<'a> OpenResolver<'a> {
    /// The meaning of texts in `live`. Where it holds no virtual network, `space` stands in, and where there is none
    /// either, private space does.
    pub(crate) fn new(
        live: &'a Live,
        snapshot: Option<&'a Snapshot>,
        space: Option<AddrSet>,
        side: &'static str,
    ) -> Self {
        let space = space_of(live).or(space);
        let inside = space.clone().unwrap_or_else(|| constants(&PRIVATE));
        OpenResolver {
            snapshot,
            symbols: Symbols::new(&inside, &constants(&[PLATFORM])),
            space,
            live,
            side,
            all: Arc::new(AddrSet::all()),
            twice: names_of_several(live),
            sets: HashMap::new(),
            lists: HashMap::new(),
        }
    }

    /// The same with `VirtualNetwork` as another set.
    pub(crate) fn with_network(&self, inside: &AddrSet) -> Self {
        OpenResolver {
            snapshot: self.snapshot,
            symbols: Symbols::new(inside, &AddrSet::empty()),
            space: self.space.clone(),
            live: self.live,
            side: self.side,
            all: self.all.clone(),
            twice: self.twice.clone(),
            sets: HashMap::new(),
            lists: HashMap::new(),
        }
    }

    pub(crate) fn all(&self) -> Arc<AddrSet> {
        self.all.clone()
    }

    /// What is not known of this side, apart from what is not known of the other by the same text.
    pub(super) fn own(&self, what: What) -> Unknown {
        Unknown::Own(what, self.side)
    }

    /// One text: a set, or `None` where it is not known.
    fn one(&mut self, text: &str) -> Option<Arc<AddrSet>> {
        if text == "*" || text.eq_ignore_ascii_case("any") || text.eq_ignore_ascii_case("all") {
            return Some(self.all());
        }
        if let Ok(entry) = Entry::parse(text, true) {
            return Some(Arc::new(entry.into()));
        }
        let key = text.to_ascii_lowercase();
        if let Some(known) = self.sets.get(&key) {
            return known.clone();
        }
        let set = match Symbol::find(text) {
            Some(symbol) => Some(self.symbols.get(symbol)),
            None => self.snapshot.and_then(|snapshot| snapshot.tag(text)).map(|tag| tag.set().clone()),
        };
        self.sets.entry(key).or_insert_with(|| set.map(Arc::new)).clone()
    }

    /// What a text is that is not known.
    fn unknown(&self, text: &str) -> Unknown {
        let is_name = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
        let own = text.to_owned();
        if is_name { Unknown::Tag(own) } else { self.own(What::Texts(vec![own])) }
    }

    /// One side of a rule: what is known of it, and the questions it hangs on.
    pub(crate) fn side(
        &mut self,
        texts: &[String],
        groups: &[String],
        at: At,
        atoms: &mut Atoms,
    ) -> (Arc<AddrSet>, Vec<u32>) {
        let (set, unknown) = match self.lists.get(texts) {
            Some(known) => known.clone(),
            None => {
                let read = self.list(texts);
                self.lists.insert(texts.to_vec(), read.clone());
                read
            }
        };
        let mut questions: Vec<u32> = unknown.into_iter().map(|what| atoms.number(at, what)).collect();
        questions.extend(groups.iter().map(|id| {
            let id = id.to_ascii_lowercase();
            // Two of one name in different resource groups are two.
            let name = if self.twice.contains(last_part(&id)) { id } else { last_part(&id).to_owned() };
            atoms.number(at, Unknown::SecurityGroup(name))
        }));
        questions.sort_unstable();
        questions.dedup();
        (set, questions)
    }

    fn list(&mut self, texts: &[String]) -> (Arc<AddrSet>, Vec<Unknown>) {
        let (mut sets, mut unknown) = (Vec::new(), Vec::new());
        for text in texts {
            match self.one(text) {
                Some(set) => sets.push(set),
                None => unknown.push(self.unknown(text)),
            }
        }
        let set = match sets.len() {
            1 => sets.remove(0),
            _ => Arc::new(AddrSet::union_of(sets.iter().map(AsRef::as_ref))),
        };
        (set, unknown)
    }

    /// The addresses of an IP group; a group that is not among the files is a question.
    pub(crate) fn ip_group(&mut self, id: &str, at: At, atoms: &mut Atoms) -> (Arc<AddrSet>, Vec<u32>) {
        let found = self.live.ip_groups.iter().find(|group| {
            group.id.as_deref().is_some_and(|own| is_same_resource(own, id))
                || is_same_resource(&group.name, id)
        });
        match found {
            Some(group) => self.side(&group.addresses.clone(), &[], at, atoms),
            None => {
                let name = last_part(id).to_ascii_lowercase();
                (Arc::new(AddrSet::empty()), vec![atoms.number(at, Unknown::IpGroup(name))])
            }
        }
    }

    /// Ports: what is known of them, and the question whether a port is in the rest.
    pub(crate) fn ports(&self, texts: &[String], at: At, atoms: &mut Atoms) -> (Ports, Option<u32>) {
        let mut known: Vec<crate::addr::Interval<u16>> = Vec::new();
        let mut unknown = Vec::new();
        for text in texts.iter().flat_map(|text| text.split(',')).map(str::trim) {
            match Ports::parse_one(if text.eq_ignore_ascii_case("any") { "*" } else { text }) {
                Ok(interval) => known.push(interval),
                Err(_) => unknown.push(text.to_owned()),
            }
        }
        let question = (!unknown.is_empty()).then(|| atoms.number(at, self.own(What::Texts(unknown))));
        (Ports::new(known.into_iter().collect::<IntervalSet<u16>>()), question)
    }

    /// A protocol, by name or number; `None` with a question where it is not known.
    pub(crate) fn protocol(&self, text: &str, atoms: &mut Atoms) -> (Protocol, Option<u32>) {
        let by_number = |text: &str| match text {
            "6" => Some(Protocol::Tcp),
            "17" => Some(Protocol::Udp),
            "1" => Some(Protocol::Icmp),
            "50" => Some(Protocol::Esp),
            "51" => Some(Protocol::Ah),
            "0" => Some(Protocol::Any),
            _ => None,
        };
        if text.eq_ignore_ascii_case("all") {
            return (Protocol::Any, None);
        }
        match text.parse::<Protocol>().ok().or_else(|| by_number(text)) {
            Some(protocol) => (protocol, None),
            None => (
                Protocol::Any,
                Some(atoms.number(At::Protocol, self.own(What::Texts(vec![text.to_owned()])))),
            ),
        }
    }
}
