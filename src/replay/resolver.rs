//! [`Resolver`]: what the texts in rules mean: addresses, tags, ports, protocols.

use std::collections::HashMap;
use std::sync::Arc;

use super::error::ReplayError;
use crate::addr::{AddrSet, Count, Entry, IntervalSet, IpPrefix};
use crate::packet::{Ports, Protocol};
use crate::read::resources::IpGroup;
use crate::tags::{Snapshot, Symbol, Symbols};

/// Resolves the texts of rules with one snapshot and one environment's symbols; each set is made once and shared.
pub struct Resolver<'a> {
    snapshot: &'a Snapshot,
    symbols: &'a Symbols,
    all: Arc<AddrSet>,
    tags: HashMap<String, Arc<AddrSet>>,
    groups: HashMap<String, Arc<AddrSet>>,
    /// Whether rules may name what is not there; see [`Resolver::tolerant`].
    is_tolerant: bool,
}

impl<'a> Resolver<'a> {
    /// A resolver that knows no IP group yet.
    pub fn new(snapshot: &'a Snapshot, symbols: &'a Symbols) -> Self {
        Resolver {
            snapshot,
            symbols,
            all: Arc::new(AddrSet::all()),
            tags: HashMap::new(),
            groups: HashMap::new(),
            is_tolerant: false,
        }
    }

    /// The same for files of which some may be missing: a firewall's rule that names an IP group or a tag that is not
    /// there hangs on it, where else it is an error.
    pub(crate) fn tolerant(self) -> Self {
        Resolver { is_tolerant: true, ..self }
    }

    /// Whether rules may name what is not there.
    pub(super) fn is_tolerant(&self) -> bool {
        self.is_tolerant
    }

    /// A resolver that knows `groups`.
    ///
    /// # Errors
    /// The first group that is not understood or whose name is taken.
    pub fn with_groups(
        snapshot: &'a Snapshot,
        symbols: &'a Symbols,
        groups: &[IpGroup],
    ) -> Result<Self, ReplayError> {
        let mut resolver = Resolver::new(snapshot, symbols);
        groups.iter().try_for_each(|group| resolver.add_group(group))?;
        Ok(resolver)
    }

    /// The tags that it knows.
    pub(super) fn snapshot(&self) -> &'a Snapshot {
        self.snapshot
    }

    /// What symbolic tags stand for.
    pub(crate) fn symbols(&self) -> &'a Symbols {
        self.symbols
    }

    /// Every address.
    pub(crate) fn all(&self) -> Arc<AddrSet> {
        self.all.clone()
    }

    /// Makes an IP group known: by its id, if it has one, which rules everywhere name it by, else by its name in its
    /// resource group.
    ///
    /// # Errors
    /// An entry that is no IPv4 address, prefix or range; or a name that is taken.
    pub fn add_group(&mut self, group: &IpGroup) -> Result<(), ReplayError> {
        let entry = |text: &String| match Entry::parse(text, false) {
            Ok(Entry::V4(interval)) => Ok(interval),
            Ok(Entry::V6(_)) => Err(ReplayError::GroupFamily(text.clone())),
            Err(error) => Err(ReplayError::Entry { text: text.clone(), error }),
        };
        let v4 = group.addresses.iter().map(entry).collect::<Result<IntervalSet<u32>, _>>();
        let v4 =
            v4.map_err(|error| ReplayError::Group { group: group.name.clone(), error: Box::new(error) })?;
        let set = Arc::new(AddrSet { v4, ..AddrSet::empty() });
        // With an id its name alone says nothing: it may be that of another in another resource group.
        let key = group.id.as_ref().unwrap_or(&group.name);
        match self.groups.insert(key.to_ascii_lowercase(), set) {
            None => Ok(()),
            Some(_) => Err(ReplayError::GroupTwice(key.clone())),
        }
    }

    /// The addresses of an IP group.
    pub(super) fn group(&self, name: &str) -> Result<Arc<AddrSet>, ReplayError> {
        let found = self.groups.get(&name.to_ascii_lowercase()).cloned();
        found.ok_or_else(|| ReplayError::NoGroup(name.to_owned()))
    }

    /// The addresses of a service tag or symbolic tag.
    pub(super) fn tag(&mut self, name: &str) -> Result<Arc<AddrSet>, ReplayError> {
        let key = name.to_ascii_lowercase();
        if let Some(set) = self.tags.get(&key) {
            return Ok(set.clone());
        }
        let set = match (Symbol::find(name), self.snapshot.tag(name)) {
            (Some(symbol), _) => self.symbols.get(symbol),
            (None, Some(tag)) => tag.set().clone(),
            (None, None) => return Err(ReplayError::Tag(name.to_owned())),
        };
        Ok(self.tags.entry(key).or_insert_with(|| Arc::new(set)).clone())
    }

    /// One side of a rule of a network security group, as Azure's field rules allow it: `*`, one tag, or prefixes of one
    /// family none of which overlap.
    pub(super) fn side(&mut self, texts: &[String]) -> Result<Arc<AddrSet>, ReplayError> {
        match texts {
            [single] if single == "*" => Ok(self.all()),
            [single] if is_name(single) => self.tag(single),
            texts => disjoint_prefixes(texts).map(Arc::new),
        }
    }
}

/// A tag, or an application security group, `asg:NAME`.
fn is_name(text: &str) -> bool {
    text.starts_with("asg:")
        || text.starts_with(|c: char| c.is_ascii_alphabetic())
            && !text.contains(':')
            && text.parse::<IpPrefix>().is_err()
}

fn disjoint_prefixes(texts: &[String]) -> Result<AddrSet, ReplayError> {
    let parse = |text: &String| {
        text.parse::<IpPrefix>().map_err(|error| ReplayError::Prefix { text: text.clone(), error })
    };
    let prefixes = texts.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
    if prefixes.iter().any(|p| p.is_v4() != prefixes[0].is_v4()) {
        return Err(ReplayError::Families);
    }
    let count = prefixes.iter().map(|p| AddrSet::from(*p).count()).sum::<Count>();
    let set: AddrSet = prefixes.into_iter().collect();
    if set.count() == count { Ok(set) } else { Err(ReplayError::Overlap) }
}

/// Reads a list of ports and ranges.
pub(super) fn ports(texts: &[String]) -> Result<Ports, ReplayError> {
    let set = texts.iter().map(|text| Ports::parse_one(text)).collect::<Result<IntervalSet<u16>, _>>()?;
    Ok(Ports::new(set))
}

/// Reads a protocol of a rule.
pub(super) fn protocol(text: &str) -> Result<Protocol, ReplayError> {
    Ok(text.parse()?)
}
