//! [`Delta`]: what changed between two collections of tags.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::index::{Lines, number, sets_of};
use super::name::TagName;
use super::snapshot::{Snapshot, Tag};
use crate::addr::{AddrSet, Count, IpPrefix};

/// The differences between two snapshots, or any two collections of named sets, as sets of addresses.
///
/// A tag that is absent counts as empty; a set that is written differently is no change. Everything is in order of
/// names and addresses. Serializes with the names of its fields.
///
/// ```
/// use std::collections::BTreeMap;
/// use tagwall::addr::{AddrSet, IpPrefix};
/// use tagwall::tags::{Delta, TagName};
/// let set = |t: &str| AddrSet::from(t.parse::<IpPrefix>().unwrap());
/// let before = BTreeMap::from([(TagName::new("Sql"), set("192.0.2.0/24"))]);
/// let after = BTreeMap::from([(TagName::new("Sql"), set("192.0.2.0/25")), (TagName::new("Storage"), set("192.0.2.128/25"))]);
/// let delta = Delta::between(&before, &after);
/// assert_eq!(delta.tags_added, [TagName::new("Storage")]);
/// assert_eq!(delta.tags[&TagName::new("Sql")].removed_addresses().v4.to_string(), "128");
/// assert!(delta.all.is_empty());
/// let moved = &delta.moved[0];
/// assert_eq!((moved.from.as_str(), moved.to.as_str(), moved.addresses.to_string().as_str()), ("Sql", "Storage", "128"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Delta {
    /// Names that only the later collection has.
    pub tags_added: Vec<TagName>,
    /// Names that only the earlier collection has.
    pub tags_removed: Vec<TagName>,
    /// The tags whose addresses changed.
    pub tags: BTreeMap<TagName, SetChange>,
    /// The tags in both snapshots that Azure now takes by name elsewhere than before. Only snapshots have these.
    pub features: BTreeMap<TagName, FeatureChange>,
    /// Change of the union of all tags.
    pub all: SetChange,
    /// Addresses that left one tag and joined another.
    pub moved: Vec<Move>,
}

/// What a set gained and lost. Serializes as `added` and `removed`, lists of the fewest prefixes, and
/// `added_addresses` and `removed_addresses`, each with `v4` and `v6`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SetChange {
    /// Addresses that it holds now and did not.
    pub added: AddrSet,
    /// Addresses that it held and does not now.
    pub removed: AddrSet,
}

/// A number of addresses for each family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct FamilyCounts {
    /// IPv4 addresses.
    pub v4: Count,
    /// IPv6 addresses.
    pub v6: Count,
}

/// A change of `networkFeatures`; both lists ascending. A file without the field says nothing, so neither the
/// coming nor the going of the field itself is a change.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct FeatureChange {
    /// Features that the tag has now and had not.
    pub added: Vec<String>,
    /// Features that the tag had and has not now.
    pub removed: Vec<String>,
}

/// Addresses that left the tag `from` and joined the tag `to`, another one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Move {
    /// The tag that held them.
    pub from: TagName,
    /// The tag that holds them now.
    pub to: TagName,
    /// How many, both families together.
    pub addresses: Count,
}

impl Delta {
    /// The differences between two snapshots.
    ///
    /// A name that is spelt with other capitals is the same tag, as Azure has it, and goes by its later spelling.
    ///
    /// # Cost
    /// Linear in the prefixes of both for the tags and the union, and one sweep over what changed.
    pub fn of(before: &Snapshot, after: &Snapshot) -> Self {
        let later =
            |name: &TagName| after.tag(name.as_str()).map_or_else(|| name.clone(), |t| t.name().clone());
        let old = sets_of(before).map(|(name, set)| (later(&name), set)).collect();
        let mut delta = Self::compare(&old, &sets_of(after).collect());
        for tag in before.tags() {
            if let Some(now) = after.tag(tag.name().as_str())
                && let Some(change) = feature_change(tag, now)
            {
                delta.features.insert(now.name().clone(), change);
            }
        }
        delta
    }

    /// The differences between two maps from names to addresses.
    pub fn between(before: &BTreeMap<TagName, AddrSet>, after: &BTreeMap<TagName, AddrSet>) -> Self {
        Self::compare(&by_reference(before), &by_reference(after))
    }

    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn compare(before: &Sets<'_>, after: &Sets<'_>) -> Self {
        let absent = AddrSet::empty();
        let names: BTreeSet<&TagName> = before.keys().chain(after.keys()).collect();
        let mut tags = BTreeMap::new();
        for name in names {
            let old = before.get(name).copied().unwrap_or(&absent);
            let new = after.get(name).copied().unwrap_or(&absent);
            if old != new {
                tags.insert(name.clone(), SetChange::between(old, new));
            }
        }
        let union = |sets: &Sets<'_>| AddrSet::union_of(sets.values().copied());
        Delta {
            tags_added: after.keys().filter(|n| !before.contains_key(n)).cloned().collect(),
            tags_removed: before.keys().filter(|n| !after.contains_key(n)).cloned().collect(),
            moved: moves(&tags),
            all: SetChange::between(&union(before), &union(after)),
            tags,
            features: BTreeMap::new(),
        }
    }
}

type Sets<'a> = BTreeMap<TagName, &'a AddrSet>;

fn by_reference(map: &BTreeMap<TagName, AddrSet>) -> Sets<'_> {
    map.iter().map(|(name, set)| (name.clone(), set)).collect()
}

/// What was left and what was joined, laid over each other: tags that lost addresses have even numbers, tags that
/// gained some odd ones.
fn moves(tags: &BTreeMap<TagName, SetChange>) -> Vec<Move> {
    let names: Vec<&TagName> = tags.keys().collect();
    let sides = tags.values().enumerate().flat_map(|(at, change)| {
        let at = 2 * number(at);
        [(at, &change.removed), (at + 1, &change.added)]
    });
    let lines = Lines::build(sides);
    let mut moved: BTreeMap<(u32, u32), Count> = BTreeMap::new();
    for (group, count) in lines.groups.all().zip(lines.sizes()) {
        for &from in group.iter().filter(|&&id| id % 2 == 0) {
            for &to in group.iter().filter(|&&id| id % 2 == 1) {
                *moved.entry((from / 2, to / 2)).or_default() += count;
            }
        }
    }
    let name = |id: u32| names[id as usize].clone();
    moved
        .into_iter()
        .map(|((from, to), addresses)| Move { from: name(from), to: name(to), addresses })
        .collect()
}

fn feature_change(before: &Tag, after: &Tag) -> Option<FeatureChange> {
    let (old, new) = (before.features(), after.features());
    if !old.is_stated() || !new.is_stated() {
        return None;
    }
    let change = FeatureChange {
        added: new.names().filter(|n| !old.has(n)).map(str::to_owned).collect(),
        removed: old.names().filter(|n| !new.has(n)).map(str::to_owned).collect(),
    };
    (change != FeatureChange::default()).then_some(change)
}

impl SetChange {
    /// The change from one set to another.
    pub fn between(before: &AddrSet, after: &AddrSet) -> Self {
        SetChange { added: after.difference(before), removed: before.difference(after) }
    }

    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }

    /// How many addresses were added.
    pub fn added_addresses(&self) -> FamilyCounts {
        FamilyCounts::of(&self.added)
    }

    /// How many addresses were removed.
    pub fn removed_addresses(&self) -> FamilyCounts {
        FamilyCounts::of(&self.removed)
    }
}

impl FamilyCounts {
    /// The size of a set.
    pub fn of(set: &AddrSet) -> Self {
        FamilyCounts { v4: set.v4.count(), v6: set.v6.count() }
    }
}

impl fmt::Display for FamilyCounts {
    /// `1 IPv4 address`, `256 IPv4 and 16 IPv6 addresses`, `no addresses`. The two are never added up: beside one IPv6
    /// prefix any number of IPv4 addresses is nothing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |count: Count| if count == Count::from(1_u64) { "address" } else { "addresses" };
        match (self.v4.is_zero(), self.v6.is_zero()) {
            (true, true) => f.write_str("no addresses"),
            (false, true) => write!(f, "{} IPv4 {}", self.v4, plural(self.v4)),
            (true, false) => write!(f, "{} IPv6 {}", self.v6, plural(self.v6)),
            (false, false) => write!(f, "{} IPv4 and {} IPv6 {}", self.v4, self.v6, plural(self.v6)),
        }
    }
}

impl Serialize for SetChange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("SetChange", 4)?;
        fields.serialize_field("added", &Cidrs(&self.added))?;
        fields.serialize_field("removed", &Cidrs(&self.removed))?;
        fields.serialize_field("added_addresses", &self.added_addresses())?;
        fields.serialize_field("removed_addresses", &self.removed_addresses())?;
        fields.end()
    }
}

/// A set as the list of its fewest prefixes.
struct Cidrs<'a>(&'a AddrSet);

impl Serialize for Cidrs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.prefixes().map(|prefix: IpPrefix| prefix.to_string()))
    }
}
