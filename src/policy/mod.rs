//! Policies: what the user asked, and what it means once every name is resolved.

mod endpoints;
mod expand;
mod flows;
pub mod intent;
mod read;
mod resolve;
mod rule;
mod special;
mod suggest;

pub use expand::{cloud_of, expand};
pub use intent::Intent;
pub use read::{Path, PolicyErrors, PolicyProblem, PolicySource, Step, schema};
pub use rule::{
    Cause, EndpointNeed, EndpointOffer, Flow, LimitSettings, Network, Policy, Precision, Remarks, Remote,
    RouteNeed, SYSTEM_NONE, SkippedRow, Symbols, only_families_of, short_list,
};
pub use special::{never_extra, special_ranges};
