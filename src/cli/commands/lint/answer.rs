//! What lint says, as JSON has it.

use serde::Serialize;

use crate::analyse::lint::Finding;
use crate::read::live::Place;

/// What was found, as JSON.
#[derive(Serialize)]
pub(super) struct Answer<'a> {
    pub(super) findings: &'a [Finding],
    pub(super) read: Vec<Resource<'a>>,
    pub(super) counts: Counts,
    /// What was not known, and what stood in for it.
    pub(super) assumptions: Vec<String>,
    /// What is known to be missing in the files.
    pub(super) incomplete: Vec<String>,
    /// Findings that are left out by --ignore, the baseline or a dismissal.
    pub(super) left_out: usize,
}

/// A resource that was read.
#[derive(Serialize)]
pub(super) struct Resource<'a> {
    pub(super) kind: &'static str,
    pub(super) name: &'a str,
    pub(super) place: &'a Place,
}

/// How many findings of each severity there are.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct Counts {
    pub(super) error: usize,
    pub(super) warning: usize,
    pub(super) info: usize,
}
