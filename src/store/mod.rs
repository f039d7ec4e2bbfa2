//! Where snapshots come from and where they are kept.
//!
//! [`load_file`] reads one file, [`Store`] keeps many, [`guard`] judges new data before it is taken. With the feature
//! `fetch`, `source` downloads and `acquire` leads from a source past the guard into the store.

#[cfg(feature = "fetch")]
mod acquire;
mod atomic;
mod disk;
pub mod guard;
#[cfg(feature = "fetch")]
pub mod publish;
pub mod refresh;
pub mod site;
#[cfg(feature = "fetch")]
pub mod source;
mod unpack;

#[cfg(feature = "fetch")]
pub use acquire::{AcquireError, Acquired, Refused, Status, Terms, acquire};
pub use disk::{
    Added, Entry, Keep, Kind, LastGood, Listing, Origin, Refusal, Store, StoreError, date_in_name,
};
pub use unpack::{LoadError, load_file, unpack};
