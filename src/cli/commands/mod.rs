//! One file per command.

pub(super) mod completions;
pub(super) mod expand;
#[cfg(feature = "fetch")]
pub(super) mod fetch;
pub(super) mod generate;
pub(super) mod init;
pub(super) mod lookup;
pub(super) mod minimize;
pub(super) mod schema;
pub(super) mod snapshots;
pub(super) mod tags;
pub(super) mod workloads;
