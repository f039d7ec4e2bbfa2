//! [`Made`]: what reports tell of.

use crate::emit::Artefact;
use crate::plan::Plan;
use crate::policy::Policy;
use crate::tags::Snapshot;
use crate::verify::Report;

/// Everything there is to say about one environment.
pub(super) struct Made<'a> {
    pub(super) policy: &'a Policy,
    pub(super) snapshot: &'a Snapshot,
    pub(super) plan: &'a Plan,
    pub(super) proof: &'a Report,
    pub(super) artefacts: &'a [Artefact],
}
