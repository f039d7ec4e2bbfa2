//! What the texts in a rule mean: addresses, tags, ports, protocols.

use std::collections::HashMap;
use std::sync::Arc;

use crate::addr::{AddrSet, Entry, IpPrefix};
use crate::packet::{Ports, Protocol};
use crate::policy::Symbols;
use crate::tags::{Snapshot, Symbol};

/// Reads the texts of rules with one snapshot and one environment's symbols; each set is made once.
pub(super) struct Meaning<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) symbols: &'a Symbols,
    all: Arc<AddrSet>,
    tags: HashMap<String, Arc<AddrSet>>,
    groups: HashMap<String, Arc<AddrSet>>,
}

/// One side of a rule.
pub(super) enum SideText {
    /// `*`.
    Any,
    /// A service tag or symbolic tag.
    Tag(String),
    /// Addresses.
    Literal(AddrSet),
}

impl<'a> Meaning<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, symbols: &'a Symbols) -> Self {
        Meaning {
            snapshot,
            symbols,
            all: Arc::new(AddrSet::all()),
            tags: HashMap::new(),
            groups: HashMap::new(),
        }
    }

    pub(super) fn all(&self) -> Arc<AddrSet> {
        self.all.clone()
    }

    /// Makes an IP group known.
    pub(super) fn add_group(&mut self, name: &str, addresses: &[String]) -> Result<(), String> {
        let mut set = AddrSet::empty();
        let mut prefixes = Vec::new();
        for text in addresses {
            match Entry::parse(text, false).map_err(|e| format!("IP group {name}: {text}: {e}"))? {
                Entry::V4(i) => prefixes.push(i),
                Entry::V6(_) => return Err(format!("IP group {name}: {text}: IP groups hold IPv4 only")),
            }
        }
        set.v4 = prefixes.into_iter().collect();
        match self.groups.insert(name.to_ascii_lowercase(), Arc::new(set)) {
            None => Ok(()),
            Some(_) => Err(format!("two IP groups are called {name}")),
        }
    }

    pub(super) fn group(&self, name: &str) -> Result<Arc<AddrSet>, String> {
        self.groups
            .get(&name.to_ascii_lowercase())
            .cloned()
            .ok_or_else(|| format!("there is no IP group {name}"))
    }

    /// The addresses of a tag or symbolic tag.
    pub(super) fn tag(&mut self, name: &str) -> Result<Arc<AddrSet>, String> {
        let key = name.to_ascii_lowercase();
        if let Some(set) = self.tags.get(&key) {
            return Ok(set.clone());
        }
        let set = match (Symbol::find(name), self.snapshot.tag(name)) {
            (Some(symbol), _) => self.symbols.get(symbol),
            (None, Some(tag)) => tag.set().clone(),
            (None, None) => return Err(format!("{name} is no tag of the snapshot")),
        };
        Ok(self.tags.entry(key).or_insert_with(|| Arc::new(set)).clone())
    }

    /// One side of a rule of a network security group, as Azure's field rules allow it.
    pub(super) fn side(&mut self, texts: &[String]) -> Result<Arc<AddrSet>, String> {
        match side_text(texts)? {
            SideText::Any => Ok(self.all()),
            SideText::Tag(name) => self.tag(&name),
            SideText::Literal(set) => Ok(Arc::new(set)),
        }
    }
}

/// Sorts the texts of one side: `*`, one tag, or prefixes of one family none of which overlap.
pub(super) fn side_text(texts: &[String]) -> Result<SideText, String> {
    if let [single] = texts {
        if single == "*" {
            return Ok(SideText::Any);
        }
        if single.parse::<IpPrefix>().is_err()
            && single.starts_with(|c: char| c.is_ascii_alphabetic())
            && !single.contains(':')
        {
            return Ok(SideText::Tag(single.clone()));
        }
    }
    let mut prefixes = Vec::with_capacity(texts.len());
    for text in texts {
        prefixes
            .push(text.parse::<IpPrefix>().map_err(|e| format!("{text}: {e}; a list holds prefixes only"))?);
    }
    if prefixes.iter().any(|p| p.is_v4() != prefixes[0].is_v4()) {
        return Err("one side holds both families, which Azure refuses".to_owned());
    }
    let count = prefixes.iter().map(|p| AddrSet::from(*p).count()).sum::<crate::addr::Count>();
    let set: AddrSet = prefixes.into_iter().collect();
    if set.count() != count {
        return Err("prefixes of one side overlap, which Azure refuses".to_owned());
    }
    Ok(SideText::Literal(set))
}

/// Reads a list of ports and ranges.
pub(super) fn ports(texts: &[String]) -> Result<Ports, String> {
    texts
        .iter()
        .map(|text| Ports::parse_one(text).map_err(|e| e.to_string()))
        .collect::<Result<crate::addr::IntervalSet<u16>, _>>()
        .map(Ports::new)
}

/// Reads a protocol of a rule.
pub(super) fn protocol(text: &str) -> Result<Protocol, String> {
    text.parse::<Protocol>().map_err(|e| e.to_string())
}
