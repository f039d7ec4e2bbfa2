//! One file per command.

pub(super) mod completions;
pub(super) mod expand;
pub(super) mod generate;
pub(super) mod init;
pub(super) mod lookup;
pub(super) mod minimize;
pub(super) mod routes;
pub(super) mod schema;
pub(super) mod set;
pub(super) mod tags;
pub(super) mod workloads;
