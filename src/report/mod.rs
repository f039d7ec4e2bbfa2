//! What goes with the artefacts: `manifest.json` for programs, `report.md` and `report.html` for people.

mod allowed;
pub mod changes;
mod closing;
mod compute;
mod copies;
mod deploy;
pub(crate) mod document;
mod extra;
mod gaps;
mod html;
mod limits;
mod lint;
mod listed;
mod made;
mod manifest;
mod notes;
mod preconditions;
mod risks;
mod routes;
mod section;
mod sections;
mod service_endpoints;
mod since;
mod sources;
mod steps;
mod storage;
mod summary;
mod verdict;

pub use copies::{POLICY_COPY, catalog_copy, policy_copies};
pub use html::churn_of;
pub use lint::dismissal_of;
pub use listed::{Listed, ListedError};
pub use manifest::{MANIFEST, Manifest};

pub use made::Made;

use section::Section;

use crate::emit::Artefact;
use crate::target::{MediaType, ReportForm};

/// Manifest and reports of one environment, to be put beside its artefacts.
pub fn of(made: &Made<'_>) -> Vec<Artefact> {
    let sections = sections::all(made);
    let forms = &made.policy.output.report;
    let page = forms.contains(&ReportForm::Html).then(|| html::report(made, &sections));
    let text = forms.contains(&ReportForm::Markdown).then(|| {
        let all = sections.into_iter().flat_map(Section::into_blocks);
        document::markdown(&std::iter::once(sections::title(made)).chain(all).collect::<Vec<_>>())
    });
    let mut files: Vec<Artefact> = text
        .into_iter()
        .map(|text| Artefact::typed(manifest::REPORTS[0], text, MediaType::Markdown))
        .collect();
    files.extend(page.map(|page| Artefact::typed(manifest::REPORTS[1], page, MediaType::Html)));
    files.push(Artefact::typed(MANIFEST, manifest::manifest(made, &files), MediaType::Json));
    files
}
