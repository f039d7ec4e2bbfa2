//! Batches: thousands of environments made in one run, on all cores, with flat memory, and put in their places in groups.
//!
//! ```text
//! fleet -> group of environments -> made on all cores, each written beside its place -> one sync -> renames -> one sync
//!            while the group before gets its places
//! ```
//!
//! What is there already from the same policy, data and program is left as it is: so a run that was killed goes on where
//! it ended, and keeps no list of what it did. An environment that fails keeps no other from being made.

mod entry;
mod index;
mod make;
mod place;
#[cfg(feature = "fetch")]
mod remote;
mod run;
mod shard;
mod summary;

pub use entry::{Facts, Headroom, MadeEnvironment, Status};
pub use index::{Before, Counts, Data, INDEX, Index, MergeError, Part, SUMMARY, TagMark, merge, part_name};
pub use make::{Dated, Fault};
pub use place::{Destination, DestinationError, Folder};
#[cfg(feature = "fetch")]
pub use remote::RemoteFleet;
pub use run::{Batch, run};
pub use shard::{Shard, ShardError, detect};
