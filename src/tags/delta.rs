//! [`Delta`]: what changed between two snapshots.

use std::collections::HashMap;

use super::index::TagId;
use super::line::{GroupId, Line};
use super::name::TagName;
use super::named::TagSets;
use super::snapshot::{Features, Snapshot};
use crate::addr::{AddrSet, Address, Count, IntervalSet};

/// The difference between two snapshots, by addresses: the same set written in other prefixes is no change.
///
/// A tag that one side lacks counts as empty there. Everything is in order of names.
///
/// Cost: linear in all prefixes for the tags, plus a sort of what changed for the moves.
///
/// ```
/// use tagwall::addr::{AddrSet, IpPrefix};
/// use tagwall::tags::{Delta, TagName, TagSets};
/// let tags = |storage: &str, sql: &str| -> TagSets<'static> {
///     let set = |text: &str| AddrSet::from(text.parse::<IpPrefix>().unwrap());
///     [(TagName::new("Storage"), set(storage)), (TagName::new("Sql"), set(sql))].into_iter().collect()
/// };
/// let delta = Delta::between(&tags("192.0.2.0/24", "198.51.100.0/24"), &tags("192.0.2.0/25", "192.0.2.128/25"));
/// assert_eq!(delta.changed().len(), 2);
/// assert_eq!(delta.all().removed.prefixes().next().unwrap().to_string(), "198.51.100.0/24");
/// assert_eq!(delta.moves()[0].from.as_str(), "Storage");
/// assert_eq!(delta.moves()[0].to.as_str(), "Sql");
/// assert_eq!(delta.moves()[0].addresses.to_string(), "128");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Delta {
    tags_added: Vec<TagName>,
    tags_removed: Vec<TagName>,
    changed: Vec<TagDelta>,
    all: SetChange,
    moves: Vec<Move>,
    features: Vec<FeatureChange>,
}

/// How a set changed. The two parts share no address.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SetChange {
    /// The addresses that are new.
    pub added: AddrSet,
    /// The addresses that are gone.
    pub removed: AddrSet,
}

/// How the addresses of one tag changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagDelta {
    /// The tag's name; where only its case changed, the newer one.
    pub name: TagName,
    /// What it gained and lost; at least one of them is not empty.
    pub change: SetChange,
}

/// Addresses that left one tag and joined another.
///
/// Since tags overlap, one address can take part in several moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// The tag that held the addresses before and no longer does.
    pub from: TagName,
    /// The tag that holds them now and did not before.
    pub to: TagName,
    /// How many they are.
    pub addresses: Count,
}

/// A tag in both snapshots that Azure takes by name in other places than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeatureChange {
    /// The tag's name.
    pub name: TagName,
    /// Its features before.
    pub before: Features,
    /// Its features now.
    pub after: Features,
}

impl SetChange {
    /// What it takes to turn `before` into `after`.
    pub fn between(before: &AddrSet, after: &AddrSet) -> Self {
        if before == after {
            return Self::default();
        }
        SetChange { added: after.difference(before), removed: before.difference(after) }
    }

    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }
}

impl Delta {
    /// The difference between two maps of tags, names as they are spelled; features play no part.
    pub fn between(before: &TagSets<'_>, after: &TagSets<'_>) -> Self {
        let empty = AddrSet::empty();
        let mut delta = Delta::default();
        for (name, before, after) in side_by_side(before, after) {
            match (before, after) {
                (None, _) => delta.tags_added.push(name.clone()),
                (_, None) => delta.tags_removed.push(name.clone()),
                _ => {}
            }
            let change = SetChange::between(before.unwrap_or(&empty), after.unwrap_or(&empty));
            if !change.is_empty() {
                delta.changed.push(TagDelta { name: name.clone(), change });
            }
        }
        if !delta.changed.is_empty() {
            delta.all = SetChange::between(&before.union(), &after.union());
            delta.moves = moves(&delta.changed);
        }
        delta
    }

    /// The difference between two snapshots, features included. A name in other case is the same tag.
    pub fn of(before: &Snapshot, after: &Snapshot) -> Self {
        let renamed: TagSets<'_> = before
            .tags()
            .iter()
            .map(|tag| {
                let name = after.tag(tag.name().as_str()).map_or(tag.name(), |now| now.name());
                (name.clone(), tag.set())
            })
            .collect();
        let mut delta = Self::between(&renamed, &TagSets::from(after));
        delta.features = feature_changes(before, after);
        delta
    }

    /// Whether nothing changed: no tag, no address and no feature.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The names that are new, those without addresses included.
    pub fn tags_added(&self) -> &[TagName] {
        &self.tags_added
    }

    /// The names that are gone, those without addresses included.
    pub fn tags_removed(&self) -> &[TagName] {
        &self.tags_removed
    }

    /// Every tag that gained or lost addresses; new and vanished ones too, unless they are empty.
    pub fn changed(&self) -> &[TagDelta] {
        &self.changed
    }

    /// How the addresses of one tag changed, or `None` if they did not.
    pub fn tag(&self, name: &str) -> Option<&SetChange> {
        let at = self.changed.binary_search_by(|tag| tag.name.as_str().cmp(name)).ok()?;
        Some(&self.changed[at].change)
    }

    /// How the union of all tags changed.
    pub fn all(&self) -> &SetChange {
        &self.all
    }

    /// The moves, by the tag left and then by the tag joined.
    pub fn moves(&self) -> &[Move] {
        &self.moves
    }

    /// The tags in both snapshots whose features changed; none from [`between`](Self::between).
    pub fn features(&self) -> &[FeatureChange] {
        &self.features
    }
}

/// The names of both maps in order, each once, with the sets they have on either side.
fn side_by_side<'t>(
    before: &'t TagSets<'_>,
    after: &'t TagSets<'_>,
) -> impl Iterator<Item = (&'t TagName, Option<&'t AddrSet>, Option<&'t AddrSet>)> {
    let (mut old, mut new) = (before.iter().peekable(), after.iter().peekable());
    std::iter::from_fn(move || {
        let name = match (old.peek(), new.peek()) {
            (Some((a, _)), Some((b, _))) => *a.min(b),
            (Some((name, _)), None) | (None, Some((name, _))) => *name,
            (None, None) => return None,
        };
        let before = old.next_if(|(n, _)| *n == name).map(|(_, set)| set);
        let after = new.next_if(|(n, _)| *n == name).map(|(_, set)| set);
        Some((name, before, after))
    })
}

fn feature_changes(before: &Snapshot, after: &Snapshot) -> Vec<FeatureChange> {
    let changes = after.tags().iter().filter_map(|now| {
        let (old, new) = (before.tag(now.name().as_str())?.features(), now.features());
        (old != new).then(|| FeatureChange {
            name: now.name().clone(),
            before: old.clone(),
            after: new.clone(),
        })
    });
    changes.collect()
}

/// Where segments that some tags lost meet segments that some tags gained.
fn moves(changed: &[TagDelta]) -> Vec<Move> {
    let mut pairs = HashMap::new();
    count_moves(changed, |set| &set.v4, &mut pairs);
    count_moves(changed, |set| &set.v6, &mut pairs);
    let mut pairs: Vec<((TagId, TagId), Count)> = pairs.into_iter().collect();
    pairs.sort_unstable_by_key(|&(pair, _)| pair);
    let name = |id: TagId| changed[id.index()].name.clone();
    pairs
        .into_iter()
        .map(|((from, to), addresses)| Move { from: name(from), to: name(to), addresses })
        .collect()
}

fn count_moves<A: Address>(
    changed: &[TagDelta],
    family: impl Fn(&AddrSet) -> &IntervalSet<A>,
    pairs: &mut HashMap<(TagId, TagId), Count>,
) {
    let ids = || changed.iter().enumerate().map(|(at, tag)| (TagId::at(at), &tag.change));
    let left = Line::new(ids().map(|(id, change)| (id, family(&change.removed))));
    let joined = Line::new(ids().map(|(id, change)| (id, family(&change.added))));
    // Groups meet on many segments: add up first, multiply out to tags once.
    let mut met: HashMap<(GroupId, GroupId), Count> = HashMap::new();
    for (segment, from) in left.segments().filter(|&(_, group)| group != Line::<A>::NONE) {
        for (piece, to) in joined.within(segment).filter(|&(_, group)| group != Line::<A>::NONE) {
            *met.entry((from, to)).or_default() += piece.count();
        }
    }
    for ((from, to), count) in met {
        for &from in left.members(from) {
            for &to in joined.members(to) {
                *pairs.entry((from, to)).or_default() += count;
            }
        }
    }
}
