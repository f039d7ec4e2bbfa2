//! Whose addresses are let through without need.

use std::cell::OnceCell;

use crate::addr::{AddrSet, Count, IpPrefix};
use crate::tags::{SYSTEM_NONE, Snapshot, TagName, special_ranges};

/// Sets that say whose an address is; made when the first is asked for, since all tags together are more than most checks
/// look at.
pub(super) struct Classes<'s> {
    snapshot: &'s Snapshot,
    /// The names without regions of the tags that the needs are for.
    bases: Vec<String>,
    sets: OnceCell<Sets>,
}

struct Sets {
    private: AddrSet,
    service: AddrSet,
    azure: AddrSet,
}

impl<'s> Classes<'s> {
    /// `tags` are those that the needs are for.
    pub(super) fn new<'t>(tags: impl Iterator<Item = &'t TagName>, snapshot: &'s Snapshot) -> Self {
        let bases = tags.map(|tag| tag.base().to_ascii_lowercase()).collect();
        Classes { snapshot, bases, sets: OnceCell::new() }
    }

    fn sets(&self) -> Sets {
        let (snapshot, bases) = (self.snapshot, &self.bases);
        let of_service = snapshot
            .tags()
            .iter()
            .filter(|tag| bases.contains(&tag.name().base().to_ascii_lowercase()))
            .map(|tag| tag.set());
        let private: AddrSet = SYSTEM_NONE.iter().filter_map(|text| text.parse::<IpPrefix>().ok()).collect();
        Sets {
            private: private.union(&special_ranges()),
            service: AddrSet::union_of(of_service),
            azure: AddrSet::union_of(snapshot.tags().iter().map(|tag| tag.set())),
        }
    }

    /// How many addresses of a set are of each class, the worst first: other customers of Azure, outside of Microsoft,
    /// the same service, private.
    pub(super) fn of(&self, set: &AddrSet) -> Vec<(&'static str, Count)> {
        if set.is_empty() {
            return Vec::new();
        }
        let known = self.sets.get_or_init(|| self.sets());
        let private = set.intersection(&known.private);
        let rest = set.difference(&known.private);
        let service = rest.intersection(&known.service);
        let rest = rest.difference(&known.service);
        let azure = rest.intersection(&known.azure);
        let outside = rest.difference(&known.azure);
        let all = [("azure", azure), ("outside", outside), ("same-service", service), ("private", private)];
        all.into_iter().filter(|(_, set)| !set.is_empty()).map(|(name, set)| (name, set.count())).collect()
    }
}
