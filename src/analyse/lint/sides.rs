//! Texts of rules as sets, with what is not known apart.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::addr::{AddrSet, Entry, IntervalSet, IpPrefix};
use crate::packet::{Ports, Protocol};
use crate::read::live::{Live, LiveNetwork, is_same_resource};
use crate::tags::{Snapshot, Symbol, Symbols};

/// Space that is private wherever nothing else is said of a network.
const PRIVATE: [&str; 4] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"];

/// One side of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RuleSide {
    /// What is known of it.
    pub(super) set: Arc<AddrSet>,
    /// What is not: names of application security groups, tags of no file, expressions; in lower case.
    pub(super) atoms: Vec<String>,
    /// Whether it is written as addresses only, without any name.
    pub(super) is_list: bool,
}

impl RuleSide {
    pub(super) fn is_known(&self) -> bool {
        self.atoms.is_empty()
    }
}

/// What texts mean in one virtual network.
pub(super) struct Sides<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) symbols: Symbols,
    all: Arc<AddrSet>,
    names: Mutex<HashMap<String, Option<Arc<AddrSet>>>>,
}

impl<'a> Sides<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, inside: &AddrSet) -> Self {
        let symbols = Symbols::new(inside, &AddrSet::empty());
        Sides { snapshot, symbols, all: Arc::new(AddrSet::all()), names: Mutex::default() }
    }

    pub(super) fn all(&self) -> Arc<AddrSet> {
        self.all.clone()
    }

    /// A tag or symbol by its name.
    fn named(&self, name: &str) -> Option<Arc<AddrSet>> {
        let key = name.to_ascii_lowercase();
        let mut names = self.names.lock().expect("nobody panics while holding it");
        let find = || match Symbol::find(name) {
            Some(symbol) => Some(self.symbols.get(symbol)),
            None => self.snapshot.tag(name).map(|tag| tag.set().clone()),
        };
        names.entry(key).or_insert_with(|| find().map(Arc::new)).clone()
    }

    /// A side: prefixes, ranges, tags, `*`, and ids of what only has names.
    pub(super) fn side(&self, texts: &[String], ids: &[String]) -> RuleSide {
        let mut sets = Vec::new();
        let mut atoms: Vec<String> = ids.iter().map(|id| id.to_ascii_lowercase()).collect();
        let mut entries = Vec::new();
        for text in texts.iter().filter(|text| !text.is_empty()) {
            if is_any(text) {
                sets.push(self.all());
            } else if let Some(entry) = address(text) {
                entries.push(entry);
            } else if let Some(set) = self.named(text) {
                sets.push(set);
            } else {
                atoms.push(text.to_ascii_lowercase());
            }
        }
        if sets.is_empty() && entries.is_empty() && atoms.is_empty() {
            atoms.push("nothing is named".to_owned());
        }
        let is_list = sets.is_empty() && atoms.is_empty();
        let set = match (sets.as_slice(), entries.is_empty()) {
            ([one], true) => one.clone(),
            _ => {
                sets.push(Arc::new(entries.into_iter().collect::<AddrSet>()));
                Arc::new(AddrSet::union_of(sets.iter().map(AsRef::as_ref)))
            }
        };
        RuleSide { set, atoms, is_list }
    }
}

pub(super) fn is_any(text: &str) -> bool {
    text == "*" || text.eq_ignore_ascii_case("any") || text.eq_ignore_ascii_case("all")
}

/// An address, prefix or range; host bits are cleared.
pub(super) fn address(text: &str) -> Option<Entry> {
    Entry::parse(text, true).ok()
}

/// Ports as a set; `None` where some are not known.
pub(super) fn ports(texts: &[String]) -> Option<Ports> {
    let texts: Vec<&String> = texts.iter().filter(|text| !text.is_empty()).collect();
    if texts.is_empty() {
        return None;
    }
    let one = |text: &&String| if is_any(text) { Ports::parse_one("*") } else { Ports::parse_one(text) };
    texts.iter().map(one).collect::<Result<IntervalSet<u16>, _>>().ok().map(Ports::new)
}

/// A protocol; `None` where it is not known.
pub(super) fn protocol(text: &str) -> Option<Protocol> {
    if text.eq_ignore_ascii_case("all") { Some(Protocol::Any) } else { text.parse().ok() }
}

/// The addresses inside the networks that `wanted` takes, peers among them; private space where there is none.
pub(super) fn inside(live: &Live, wanted: impl Fn(&LiveNetwork) -> bool) -> AddrSet {
    let networks = live.networks.iter().filter(|network| wanted(network));
    let texts = networks.flat_map(|network| network.space.iter().chain(&network.peers));
    let set: AddrSet = texts.filter_map(|text| IpPrefix::parse(text, true).ok()).collect();
    if set.is_empty() {
        PRIVATE.iter().map(|text| text.parse::<IpPrefix>().expect("a constant")).collect()
    } else {
        set
    }
}

/// Whether two references are to one resource.
pub(super) fn same(a: Option<&str>, b: Option<&str>) -> bool {
    matches!((a, b), (Some(a), Some(b)) if is_same_resource(a, b))
}
