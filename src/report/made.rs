//! [`Made`]: what reports tell of.

use super::changes::Told;
use crate::emit::Artefact;
use crate::plan::Plan;
use crate::policy::Policy;
use crate::tags::Snapshot;
use crate::verify::Report;

/// Everything there is to say about one environment.
pub struct Made<'a> {
    /// What was resolved.
    pub policy: &'a Policy,
    /// The tags.
    pub snapshot: &'a Snapshot,
    /// What was made of it.
    pub plan: &'a Plan,
    /// What was proven.
    pub proof: &'a Report,
    /// The files, in order of deployment.
    pub artefacts: &'a [Artefact],
    /// Makes the plan's templates, for those who read rules where the files are of other formats.
    pub templates: &'a dyn Fn() -> Vec<Artefact>,
    /// What was before, where that is known.
    pub told: Option<&'a Told>,
}
