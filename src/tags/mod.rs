//! Service tags: the published file, its names, regions and content.

mod name;
mod region;
mod snapshot;
mod wire;

pub use name::{Cloud, Symbol, TagName};
pub use region::{Region, Regions};
pub use snapshot::{Features, Problem, Snapshot, SnapshotError, Tag};
