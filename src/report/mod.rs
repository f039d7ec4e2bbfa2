//! What goes with the artefacts: `manifest.json` for programs, `report.md` for people.

pub mod changes;
mod deploy;
mod extra;
mod manifest;
mod markdown;
mod storage;

use crate::emit::Artefact;
use crate::plan::Plan;
use crate::policy::Policy;
use crate::tags::Snapshot;
use crate::verify::Report;

/// Adds manifest and report to the artefacts of one environment; all files in order of their names.
pub fn complete(
    artefacts: Vec<Artefact>,
    policy: &Policy,
    snapshot: &Snapshot,
    plan: &Plan,
    proof: &Report,
) -> Vec<Artefact> {
    let made = Made { policy, snapshot, plan, proof, artefacts: &artefacts };
    let report = Artefact { name: "report.md".to_owned(), bytes: markdown::report(&made).into_bytes() };
    let manifest = Artefact { name: "manifest.json".to_owned(), bytes: manifest::manifest(&made, &report) };
    let mut files = artefacts;
    files.extend([manifest, report]);
    files.sort_by(|a, b| a.name.cmp(&b.name));
    files
}

/// Everything there is to say about one environment.
struct Made<'a> {
    policy: &'a Policy,
    snapshot: &'a Snapshot,
    plan: &'a Plan,
    proof: &'a Report,
    artefacts: &'a [Artefact],
}
