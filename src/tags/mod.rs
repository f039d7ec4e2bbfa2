//! Service tags: the published file, its names, regions and content.

mod cover;
mod delta;
mod features;
mod graph;
mod index;
mod name;
mod quick;
mod region;
pub mod sample;
mod snapshot;
mod wire;

pub use cover::{NoTagCover, TagCover, TagGoal};
pub use delta::{Delta, FamilyCounts, FeatureChange, Move, SetChange};
pub use features::Features;
pub use graph::Containment;
pub use index::{Overlap, TagIndex};
pub use name::{Cloud, Symbol, TagName};
pub use region::{Region, Regions};
pub use snapshot::{Problem, Snapshot, SnapshotError, Tag};
