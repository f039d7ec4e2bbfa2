//! What goes with the artefacts: `manifest.json` for programs, `report.md` and `report.html` for people.

mod cells;
pub mod changes;
mod claims;
mod closing;
mod compute;
mod copies;
mod deploy;
mod extra;
mod html;
mod lint;
mod listed;
mod made;
mod manifest;
mod markdown;
mod notes;
mod preconditions;
mod risks;
mod storage;
mod verdict;

pub use claims::{Claims, MANIFEST};
pub use copies::{POLICY_COPY, catalog_copy, policy_copies};
pub use listed::{Listed, ListedError};

use made::Made;

use crate::emit::Artefact;
use crate::plan::Plan;
use crate::policy::Policy;
use crate::tags::Snapshot;
use crate::target::{MediaType, ReportForm};
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
    let text = markdown::report(&made);
    let forms = &policy.output.report;
    let page = forms.contains(&ReportForm::Html).then(|| html::report(&made, &text));
    let text = forms.contains(&ReportForm::Markdown).then_some(text);
    let mut reports: Vec<Artefact> =
        text.into_iter().map(|text| Artefact::typed(claims::REPORTS[0], text, MediaType::Markdown)).collect();
    reports.extend(page.map(|page| Artefact::typed(claims::REPORTS[1], page, MediaType::Html)));
    let manifest = Artefact::typed(MANIFEST, manifest::manifest(&made, &reports), MediaType::Json);
    let mut files = artefacts;
    files.push(manifest);
    files.extend(reports);
    files.sort_by(|a, b| a.name.cmp(&b.name));
    files
}
