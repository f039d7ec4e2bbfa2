//! One file per command.

pub(super) mod adopt;
pub(super) mod batch;
pub(super) mod catalog;
pub(super) mod check;
pub(super) mod compare;
pub(super) mod completions;
pub(super) mod diff;
pub(super) mod expand;
pub(super) mod explain;
#[cfg(feature = "fetch")]
pub(super) mod fetch;
pub(super) mod generate;
pub(super) mod history;
#[cfg(feature = "fetch")]
mod hooks;
pub(super) mod init;
pub(super) mod lint;
pub(super) mod lookup;
pub(super) mod man;
pub(super) mod minimize;
#[cfg(feature = "fetch")]
pub(super) mod refresh;
pub(super) mod replay;
pub(super) mod rollback;
pub(super) mod routes;
pub(super) mod schema;
#[cfg(feature = "serve")]
pub(super) mod serve;
pub(super) mod set;
pub(super) mod site;
pub(super) mod snapshots;
pub(super) mod tags;
pub(super) mod verify;
pub(super) mod workloads;
