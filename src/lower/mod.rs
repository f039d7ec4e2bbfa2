//! Policy into plan: each target's own semantics, field rules and limits.
//!
//! A flow becomes its native tag where the target takes the tag, else exact prefixes; what a target cannot say is
//! listed as a gap. Nothing is cut short and nothing widened silently: what does not fit a limit is widened by the
//! fewest extra addresses if the policy has a budget for them, declared in the plan; else it is refused.

mod attempt;
mod chunked;
mod coarsen;
mod endpoints;
mod fewest;
mod firewall;
mod flows;
mod gaps;
mod group;
mod lists;
mod names;
mod nat;
mod nsg;
mod pack;
mod priority;
mod rules;
mod table;
mod tally;
mod udr;

pub use attempt::{Measure, Templates};
pub use pack::Weigh;
pub use priority::assign as assign_priorities;
pub use tally::count_files;

use attempt::{Scene, attempt};
use chunked::Cut;

use crate::plan::{Limits, OverLimit, Plan, Previous};
use crate::policy::Policy;

/// Lowers `policy` for every target that it has a use for.
///
/// Long lists are cut so that a change stays small; where that takes more pieces than a limit allows, into the fewest
/// pieces, and the plan's notes say so.
///
/// What still holds of `previous` keeps its name, priority and place.
///
/// # Errors
/// [`OverLimit`] with every limit that cannot be kept, what is needed, and the way out.
pub fn lower(
    policy: &Policy,
    limits: &Limits,
    previous: &Previous,
    measure: Measure<'_>,
) -> Result<Plan, OverLimit> {
    let mut scene = Scene { policy, limits, previous, measure, cut: Cut::Steady };
    let (mut exact, mut over) = attempt(&scene, Vec::new());
    if over.iter().any(coarsen::is_of_firewall) {
        // Pieces with room to grow are more than are needed.
        scene.cut = Cut::Fewest;
        (exact, over) = attempt(&scene, Vec::new());
        for exceeded in over.iter_mut().filter(|e| coarsen::is_of_firewall(e)) {
            exceeded.remedy += "; long lists are counted in the fewest pieces already";
        }
    }
    if over.is_empty() {
        return Ok(exact);
    }
    let (extras, fewest_extra) = coarsen::fit(&scene, &exact, over)?;
    let (plan, over) = attempt(&scene, extras);
    if over.is_empty() { Ok(Plan { fewest_extra, ..plan }) } else { Err(OverLimit { over }) }
}
