//! [`TagSets`]: tags as far as addresses matter.

use std::borrow::Cow;

use super::name::TagName;
use super::snapshot::Snapshot;
use crate::addr::AddrSet;

/// Names and their addresses, in order of names, each name once.
///
/// What the index, the containment graph, covers and differences work on: a whole [`Snapshot`], or any map from
/// names to sets. Here names are compared as they are spelled. Of entries with the same name, the union counts.
///
/// ```
/// use tagwall::addr::{AddrSet, IpPrefix};
/// use tagwall::tags::{TagName, TagSets};
/// let set = |text: &str| AddrSet::from(text.parse::<IpPrefix>().unwrap());
/// let tags: TagSets = [
///     (TagName::new("Storage"), set("192.0.2.0/25")),
///     (TagName::new("Sql"), set("198.51.100.0/24")),
///     (TagName::new("Storage"), set("192.0.2.128/25")),
/// ]
/// .into_iter()
/// .collect();
/// assert_eq!(tags.len(), 2);
/// assert_eq!(tags.get("Storage"), Some(&set("192.0.2.0/24")));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TagSets<'a> {
    entries: Vec<(TagName, Cow<'a, AddrSet>)>,
}

impl<'a> TagSets<'a> {
    fn new(mut entries: Vec<(TagName, Cow<'a, AddrSet>)>) -> Self {
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        entries.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 = Cow::Owned(kept.1.union(&next.1));
            }
            same
        });
        TagSets { entries }
    }

    /// How many names there are, those without addresses included.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no name.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Names and sets in order of names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&TagName, &AddrSet)> {
        self.entries.iter().map(|(name, set)| (name, set.as_ref()))
    }

    /// The addresses of `name`, spelled exactly so.
    pub fn get(&self, name: &str) -> Option<&AddrSet> {
        let at = self.entries.binary_search_by(|(n, _)| n.as_str().cmp(name)).ok()?;
        Some(&self.entries[at].1)
    }

    /// The union of all sets.
    pub fn union(&self) -> AddrSet {
        AddrSet::union_of(self.entries.iter().map(|(_, set)| set.as_ref()))
    }
}

impl<'a> From<&'a Snapshot> for TagSets<'a> {
    /// All tags of the snapshot, sets borrowed.
    fn from(snapshot: &'a Snapshot) -> Self {
        snapshot.tags().iter().map(|tag| (tag.name().clone(), tag.set())).collect()
    }
}

impl FromIterator<(TagName, AddrSet)> for TagSets<'_> {
    fn from_iter<I: IntoIterator<Item = (TagName, AddrSet)>>(tags: I) -> Self {
        Self::new(tags.into_iter().map(|(name, set)| (name, Cow::Owned(set))).collect())
    }
}

impl<'a> FromIterator<(TagName, &'a AddrSet)> for TagSets<'a> {
    fn from_iter<I: IntoIterator<Item = (TagName, &'a AddrSet)>>(tags: I) -> Self {
        Self::new(tags.into_iter().map(|(name, set)| (name, Cow::Borrowed(set))).collect())
    }
}
