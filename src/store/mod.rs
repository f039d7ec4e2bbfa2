//! Where snapshots come from and where they are kept.
//!
//! [`load_file`] reads one file, [`Store`] keeps many, [`guard`] judges new data before it is taken. With the feature
//! `fetch`, `source` downloads and `Supply` leads from a source past the guard into the store.

#[cfg(feature = "fetch")]
mod acquire;
pub(crate) mod atomic;
pub(crate) mod carry;
mod damage;
mod disk;
mod entry;
pub mod guard;
pub mod index;
pub(crate) mod plain;
#[cfg(feature = "fetch")]
pub mod source;
mod unpack;

#[cfg(feature = "fetch")]
pub use acquire::{AcquireError, Acquired, Refused, Status, Supply, Terms};
pub use damage::{Flaw, Unusable};
pub use disk::{Added, Damage, Keep, LastGood, Listing, Refusal, Store, StoreError};
pub use entry::{Kind, Origin, StoredError, StoredSnapshot, date_in_name};
pub use unpack::{FileKind, LoadError, Packing, load_bytes, load_file, unpack};
