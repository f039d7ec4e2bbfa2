//! Rules held against rules: where two of them differ, in words and with packets.

pub mod adopt;
mod check;
mod compare;
mod explain;
mod firewalls;
mod hanging;
pub mod lint;
mod open;
mod plan;
mod said;

pub use check::{
    Drift, Have, LiveState, Made, Need, NeedId, NeedState, PlanSaid, Purpose, SnapshotSaid, Use, Week, check,
    needs_of,
};
pub use compare::{
    BothRead, Comparison, Decider, Difference, Part, ReadResource, RouteDifferenceSaid, WayDifferenceSaid,
    compare,
};
pub use explain::{Asked, Change, Door, Explained, ExplainedSet, Explainer, Far, FateSaid, NoFar, StepSaid};
pub use firewalls::{FirewallContrast, compare_firewalls};
pub use hanging::{Hanging, Kind, Which};
pub use open::{Answered, Hop, Incomplete, UnknownRoute};
pub use plan::{NoSafeOrder, Operation, az_script, plan};
pub use said::{Answer, PacketSaid, RegionSaid, Test};
#[cfg(feature = "cli")]
pub(crate) use said::{region_in_words, side_in_words};
