//! Service tags: the published file, its names, regions and content.

mod cover;
mod delta;
mod graph;
mod index;
mod line;
mod name;
mod named;
mod region;
pub mod sample;
mod snapshot;
mod wire;

pub use cover::{CoverGoal, TagCover};
pub use delta::{Delta, FeatureChange, Move, SetChange, TagDelta};
pub use graph::Containment;
pub use index::{Overlap, TagId, TagIndex};
pub use name::{Cloud, Symbol, TagName};
pub use named::TagSets;
pub use region::{Region, Regions};
pub use snapshot::{Features, Problem, Snapshot, SnapshotError, Tag};
