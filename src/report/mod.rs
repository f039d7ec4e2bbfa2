//! What goes with the artefacts: `manifest.json` for programs, `report.md` for people.

pub mod changes;
mod claims;
mod deploy;
mod extra;
mod manifest;
mod markdown;
mod notes;
mod storage;

pub use claims::{Claims, MANIFEST};

use crate::emit::Artefact;
use crate::plan::Plan;
use crate::policy::{Policy, PolicySource};
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
    let manifest = Artefact { name: MANIFEST.to_owned(), bytes: manifest::manifest(&made, &report) };
    let mut files = artefacts;
    files.extend([manifest, report]);
    files.sort_by(|a, b| a.name.cmp(&b.name));
    files
}

/// Name of the copy of a policy in the folder of what was made from it.
pub const POLICY_COPY: &str = "policy.toml";

/// Name of the copy of the `index`-th catalogue file that a policy names, counted from 0.
pub fn catalog_copy(index: usize) -> String {
    format!("catalog-{}.toml", index + 1)
}

/// Copies of the policy and of the catalogue files that it names, for the folder of what is made from them: with them
/// whoever finds the folder can prove it again. They are no artefacts; order and comments of a policy play no part in
/// those.
///
/// ```
/// use tagwall::{policy::PolicySource, report};
/// let text = "schema = 1\nname = \"e\"\nregion = \"westeurope\"\nnetwork.address-space = [\"10.20.0.0/16\"]\n\
///     subnets.a.prefixes = [\"10.20.1.0/24\"]\n";
/// let source = PolicySource::read("e.toml", text).unwrap();
/// let copies = report::policy_copies(&source, &["# ours".to_owned()]);
/// let names: Vec<&str> = copies.iter().map(|c| c.name.as_str()).collect();
/// assert_eq!(names, ["policy.toml", "catalog-1.toml"]);
/// ```
pub fn policy_copies(source: &PolicySource, catalog_texts: &[String]) -> Vec<Artefact> {
    let copy = |name: String, text: &str| Artefact { name, bytes: text.as_bytes().to_vec() };
    let policy = copy(POLICY_COPY.to_owned(), source.text());
    let catalogs = catalog_texts.iter().enumerate().map(|(index, text)| copy(catalog_copy(index), text));
    std::iter::once(policy).chain(catalogs).collect()
}

/// Everything there is to say about one environment.
struct Made<'a> {
    policy: &'a Policy,
    snapshot: &'a Snapshot,
    plan: &'a Plan,
    proof: &'a Report,
    artefacts: &'a [Artefact],
}
