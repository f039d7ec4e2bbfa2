//! [`Rank`]: which of two routes with the same prefix wins.

use crate::tags::Tag;

/// Which of two routes with the same prefix wins; higher wins.
///
/// Source: virtual-networks-udr-overview.md, 2023-05-27.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    System,
    Gateway,
    CloudTag,
    RegionalCloudTag,
    GlobalTag,
    RegionalTag,
    Explicit,
}

impl Rank {
    /// The rank of a route to a tag.
    pub(crate) fn of_tag(tag: &Tag) -> Self {
        match (tag.name().base() == "AzureCloud", tag.region().is_some()) {
            (true, false) => Rank::CloudTag,
            (true, true) => Rank::RegionalCloudTag,
            (false, false) => Rank::GlobalTag,
            (false, true) => Rank::RegionalTag,
        }
    }
}
