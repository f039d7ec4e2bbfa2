//! Drift: what is there, held against what a policy asks for. [`check`] says for each need how much of it there is, and
//! for each rule that is there what it is for.

mod classes;
mod generations;
mod groups;
mod model;
mod needs;
mod others;

pub use generations::Week;
pub use model::{Drift, Have, LiveState, Made, NeedId, NeedState, PlanSaid, Purpose, SnapshotSaid, Use};
pub use needs::{Need, needs_of};

use super::hanging::Hanging;
use super::open::{OpenResolver, space_of};
use crate::read::live::Live;
use crate::tags::Snapshot;
use groups::Judged;

/// Holds `live` against `wanted`, what the policy makes with the tags of `snapshot`, and names the needs that suffer and
/// the rules that do too much. Only kinds of resources that are among the live files are judged: what the rest would say
/// is named in `if`.
///
/// The union of what is missing over all needs is what the policy lets through and live does not; the union of the excess
/// over all rules the other way round.
pub fn check(wanted: &Live, live: &Live, needs: &[Need], snapshot: &Snapshot) -> Drift {
    let space = space_of(live).or_else(|| space_of(wanted));
    let meanings = [
        OpenResolver::new(wanted, Some(snapshot), space.clone(), "the policy"),
        OpenResolver::new(live, Some(snapshot), space, "what is there"),
    ];
    let mut judged = Judged::new([wanted, live], meanings, needs, snapshot);
    judged.groups();
    judged.tables();
    judged.firewalls();
    let (needs, states, mut hangs_on) = judged.finish();
    hangs_on.extend(live.incomplete.iter().cloned().map(Hanging::Note));
    let drift = needs.iter().any(|need| need.state != Have::Ok)
        || states.iter().any(|state| !state.excess.is_empty());
    Drift {
        drift,
        snapshot: SnapshotSaid {
            cloud: snapshot.cloud().name(),
            change_number: snapshot.change_number(),
            sha256: snapshot.digest().to_owned(),
            date: None,
        },
        needs,
        live: states,
        read: super::compare::resources(live),
        assumptions: Vec::new(),
        hangs_on,
        generation: None,
        plan: None,
    }
}
