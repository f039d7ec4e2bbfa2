//! Service tags: the published file, its names, regions and content.

mod name;
mod region;
pub mod sample;
mod snapshot;
mod wire;

pub use name::{Cloud, Symbol, TagName};
pub use region::{Region, Regions};
pub use snapshot::{Features, Problem, Snapshot, SnapshotError, Tag};
