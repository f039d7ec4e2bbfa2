//! [`lower`]: a plan within all limits, those of what is written among them.

use super::attempt::{Measure, Scene, attempt};
use super::chunked::Cut;
use super::coarsen;
use super::pack::Weigh;
use super::tally::count_files;
use crate::plan::{Limits, OverLimit, PlanParts, Previous, TemplateSize};
use crate::policy::Policy;

/// How plans are written, as far as limits count what is written; only the emitters know.
pub struct Writing<'a, T> {
    /// Bytes of a rule collection group.
    pub group: Weigh,
    /// Writes a plan.
    pub write: &'a dyn Fn(&PlanParts) -> T,
    /// The templates among what was written.
    pub templates: &'a dyn Fn(&T) -> Vec<TemplateSize>,
}

/// Lowers `policy` for every target that it has a use for, and writes it.
///
/// Long lists are cut so that a change stays small; where that takes more pieces than a limit allows, into the fewest
/// pieces, and the plan's notes say so. What still holds of `previous` keeps its name, priority and place.
///
/// # Errors
/// [`OverLimit`] with every limit that cannot be kept, what is needed, and the way out.
///
/// # Cost
/// Writing every template costs more than all else. A plan that fits is written once; only one whose templates are too
/// large is written again and again, for lists that are widened by as little as will do.
pub fn lower<T>(
    policy: &Policy,
    limits: &Limits,
    previous: &Previous,
    writing: &Writing<'_, T>,
) -> Result<(PlanParts, T), OverLimit> {
    let unwritten = Measure { group: writing.group, templates: None };
    let counted = |mut plan: PlanParts| {
        let written = (writing.write)(&plan);
        count_files(&mut plan, limits, &(writing.templates)(&written)).map(|()| (plan, written))
    };
    match in_limits(policy, limits, previous, unwritten) {
        Ok(plan) => {
            if let Ok(made) = counted(plan) {
                return Ok(made);
            }
        }
        Err(over) => {
            // The budget that it names must be enough for the templates too.
            let Some(max_extra) = over.max_extra() else { return Err(over) };
            match in_limits(&policy.with_budget(max_extra), limits, previous, unwritten) {
                Ok(plan) if counted(plan.clone()).is_err() => {}
                _ => return Err(over),
            }
        }
    }
    let templates = |plan: &PlanParts| (writing.templates)(&(writing.write)(plan));
    let plan = in_limits(policy, limits, previous, Measure { templates: Some(&templates), ..unwritten })?;
    let written = (writing.write)(&plan);
    Ok((plan, written))
}

/// A plan within the limits that `measure` can tell of.
fn in_limits(
    policy: &Policy,
    limits: &Limits,
    previous: &Previous,
    measure: Measure<'_>,
) -> Result<PlanParts, OverLimit> {
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
    if over.is_empty() { Ok(PlanParts { fewest_extra, ..plan }) } else { Err(OverLimit { over }) }
}
