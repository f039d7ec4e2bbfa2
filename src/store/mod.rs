//! Where snapshots come from: files in any of the usual compressions.

mod source;

pub use source::{LoadError, load_file, unpack};
