//! One file per command.

pub(super) mod completions;
pub(super) mod diff;
pub(super) mod expand;
#[cfg(feature = "fetch")]
pub(super) mod fetch;
pub(super) mod generate;
#[cfg(feature = "fetch")]
mod hooks;
pub(super) mod init;
pub(super) mod lookup;
pub(super) mod minimize;
#[cfg(feature = "fetch")]
pub(super) mod refresh;
pub(super) mod rollback;
pub(super) mod routes;
pub(super) mod schema;
pub(super) mod set;
pub(super) mod snapshots;
pub(super) mod tags;
pub(super) mod verify;
pub(super) mod workloads;
