//! Generations of environments in a published folder: made, kept, rolled back, signed, copied elsewhere.
//!
//! [`Site`] is the folder and its generations, [`refresh`] makes the next one from new data, [`published`] reads what lies
//! there, [`sign`] signs it. With the feature `fetch`, `publish` copies a generation to an object store.

pub mod batch;
mod error;
mod generations;
pub mod live;
mod loaded;
mod memory;
mod notice;
mod others;
pub mod output;
#[cfg(feature = "fetch")]
pub mod publish;
pub mod published;
pub mod refresh;
mod restore;
mod rollback;
pub mod sign;
mod staged;

pub use error::SiteError;
pub use generations::{NewGeneration, Record, Sign, Site};
pub use restore::changes_between;
pub use rollback::RollBack;
