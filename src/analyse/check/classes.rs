//! Whose addresses are let through without need.

use crate::addr::{AddrSet, IpPrefix};
use crate::tags::{SYSTEM_NONE, Snapshot, special_ranges};

/// Sets that say whose an address is.
pub(super) struct Classes {
    private: AddrSet,
    service: AddrSet,
    azure: AddrSet,
}

impl Classes {
    /// `tags` are those that the needs are for.
    pub(super) fn new<'t>(tags: impl Iterator<Item = &'t str>, snapshot: &Snapshot) -> Self {
        let bases: Vec<String> =
            tags.map(|tag| tag.split('.').next().unwrap_or(tag).to_ascii_lowercase()).collect();
        let of_service = snapshot
            .tags()
            .iter()
            .filter(|tag| bases.contains(&tag.name().base().to_ascii_lowercase()))
            .map(|tag| tag.set());
        let private: AddrSet = SYSTEM_NONE.iter().filter_map(|text| text.parse::<IpPrefix>().ok()).collect();
        Classes {
            private: private.union(&special_ranges()),
            service: AddrSet::union_of(of_service),
            azure: AddrSet::union_of(snapshot.tags().iter().map(|tag| tag.set())),
        }
    }

    /// How many addresses of a set are of each class, the worst first: other customers of Azure, outside of Microsoft,
    /// the same service, private.
    pub(super) fn of(&self, set: &AddrSet) -> Vec<(&'static str, String)> {
        let private = set.intersection(&self.private);
        let rest = set.difference(&self.private);
        let service = rest.intersection(&self.service);
        let rest = rest.difference(&self.service);
        let azure = rest.intersection(&self.azure);
        let outside = rest.difference(&self.azure);
        let all = [("azure", azure), ("outside", outside), ("same-service", service), ("private", private)];
        all.into_iter()
            .filter(|(_, set)| !set.is_empty())
            .map(|(name, set)| (name, set.count().to_string()))
            .collect()
    }
}
