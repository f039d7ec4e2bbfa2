//! Rules held against rules: where two of them differ, in words and with packets.

pub mod adopt;
mod check;
mod compare;
mod explain;
mod firewalls;
pub mod lint;
mod open;
mod plan;
mod said;

pub use check::{
    Drift, Have, LiveState, Need, NeedState, PlanSaid, SnapshotSaid, Use, Week, check, needs_of,
};
pub use compare::{
    BothRead, Comparison, Difference, Part, ReadResource, RouteDifferenceSaid, WayDifferenceSaid, compare,
};
pub use explain::{Asked, Explained, ExplainedSet, Explainer, Far, FateSaid, NoFar, StepSaid};
pub use firewalls::{FirewallContrast, compare_firewalls};
pub use plan::{NoSafeOrder, Operation, az_script, plan};
pub use said::{Answer, PacketSaid, RegionSaid};
#[cfg(feature = "cli")]
pub(crate) use said::{region_in_words, side_in_words};
