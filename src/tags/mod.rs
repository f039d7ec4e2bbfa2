//! Service tags: the published file, its names, regions and content.

mod cover;
mod delta;
mod fast;
mod features;
mod graph;
mod index;
mod name;
mod near;
mod places;
mod region;
#[cfg(any(feature = "sample", test))]
pub mod sample;
mod snapshot;
mod special;
mod symbols;
mod timeline;
mod wire;

pub use cover::{NoTagCover, TagCover, TagGoal};
pub use delta::{Delta, FamilyCounts, FeatureChange, Move, SetChange};
pub use features::Features;
pub use graph::Containment;
pub use index::{Overlap, TagIndex};
pub use name::{Cloud, Symbol, TagName};
pub use places::{EdgeZone, FormerRegion};
pub use region::{Region, Regions, unknown_region};
pub use snapshot::{Problem, Snapshot, SnapshotError, Tag};
pub use special::{SpecialRange, never_extra, special_by_name, special_ranges};
pub use symbols::{SYSTEM_NONE, Symbols};
pub use timeline::{Fit, Piece, PrefixSpan, Run, TagHistory, Timeline, UnionFit, Week};
