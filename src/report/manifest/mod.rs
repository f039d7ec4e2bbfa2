//! `manifest.json`: what a generation says of itself, as it is written and as it is read back.

mod read;
mod write;

pub(super) use read::REPORTS;
pub use read::{MANIFEST, Manifest};
pub(super) use write::manifest;
