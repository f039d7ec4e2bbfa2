//! The data path as one short function: policy and snapshot in, proven artefacts out.

mod notes;
mod reprove;
mod settings;

pub use reprove::{Reproof, reprove};

use crate::catalog::Catalog;
use crate::emit::{self, Artefact};
use crate::error::Error;
use crate::lower::{self, Writing};
use crate::plan::{Limits, OverLimit, Plan, PlanParts, Previous};
use crate::policy::{self, Policy, PolicySource};
use crate::report::changes::{Past, Told};
use crate::report::{self, Made};
use crate::tags::Snapshot;
use crate::target::{FormatName, Target};
use crate::verify::{self, Declared, Inexpressible, Report};

/// One environment's artefacts, proven, with manifest and report.
#[derive(Debug, Clone)]
pub struct Generation {
    /// The environment's name, which is also that of its folder.
    pub name: String,
    /// All files, in order of their names.
    pub files: Vec<Artefact>,
    /// What was resolved.
    pub policy: Policy,
    /// What was made of it.
    pub plan: Plan,
    /// What was proven.
    pub proof: Report,
    /// What the earlier generation makes necessary beside deploying the files, and warnings of what has ended.
    pub notes: Vec<String>,
    /// How it differs from what was before, where that was given.
    pub told: Option<Told>,
}

/// Makes everything that `source` asks for, from the tags of `snapshot`.
///
/// What still holds of `previous`, an earlier generation that [`verify::earlier`] reads, keeps its name, priority and
/// place; without one everything is placed anew.
///
/// Pure: no file, clock or environment is read, and the same input gives the same bytes.
///
/// # Errors
/// [`Error::Policy`] for names and settings that are wrong, [`Error::Limit`] where the limits cannot be kept,
/// [`Error::Proof`] if the artefacts do not do what was asked; then nothing may be published.
///
/// ```
/// use tagwall::{catalog::Catalog, pipeline, policy::PolicySource, tags::{Cloud, Snapshot, sample}};
/// let text = r#"
///     schema = 1
///     name = "demo"
///     region = "westeurope"
///     network.address-space = ["10.20.0.0/16"]
///     subnets.training.prefixes = ["10.20.1.0/24"]
///     [[allow]]
///     to = "Storage.westeurope"
///     protocol = "tcp"
///     ports = 443
/// "#;
/// let snapshot = Snapshot::parse(&sample::sample_json(Cloud::Public).unwrap())?;
/// let made = pipeline::generate(&PolicySource::read("demo.toml", text)?, Catalog::builtin(), &snapshot, None)?;
/// let names: Vec<_> = made.files.iter().map(|f| f.name.as_str()).collect();
/// assert_eq!(names, ["manifest.json", "nsg.arm.json", "report.md"]);
/// # Ok::<(), tagwall::Error>(())
/// ```
pub fn generate(
    source: &PolicySource,
    catalog: &Catalog,
    snapshot: &Snapshot,
    previous: Option<&Previous>,
) -> Result<Generation, Error> {
    generate_after(source, catalog, snapshot, previous, None)
}

/// The same for a generation that follows others: what it changes, and what those before it used of the limits, stands in
/// its report and in [`Generation::told`].
///
/// # Errors
/// Those of [`generate`].
pub fn generate_after(
    source: &PolicySource,
    catalog: &Catalog,
    snapshot: &Snapshot,
    previous: Option<&Previous>,
    past: Option<&Past<'_>>,
) -> Result<Generation, Error> {
    let policy = policy::expand(source, catalog, snapshot)?; // names become sets
    let limits = settings::limits(source)?;
    let previous = previous.cloned().unwrap_or_default();
    let (mut parts, artefacts) = write(&policy, &limits, &previous)?; // sets become rules within limits, and bytes
    let outside = policy.outside();
    let known = (!outside.is_empty()).then(|| snapshot.with_outside(outside)); // names that no file holds
    let known = known.as_ref().unwrap_or(snapshot);
    let proof = prove(&policy, known, &parts, &artefacts)?; // and the bytes are proven
    notes::of_kept_nat(&mut parts, &policy, known);
    let plan = Plan::new(parts)?;
    let told = past.map(|past| Told::new(&policy, &plan, past));
    let templates = || emit::render(&plan, &[FormatName::Arm], &settings::options(&policy));
    let made = Made {
        policy: &policy,
        snapshot,
        plan: &plan,
        proof: &proof,
        artefacts: &artefacts,
        templates: &templates,
        told: told.as_ref(),
    };
    let reports = report::of(&made);
    let notes = notes::of_generation(&policy, &plan, &previous);
    let mut files = artefacts;
    files.extend(reports);
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Generation { name: policy.name.clone(), files, policy, plan, proof, notes, told })
}

/// What [`generate`] would write for rules, without a proof: for telling whether something was made of earlier tags, which
/// is beside every answer. Nothing of it may be published.
#[cfg(feature = "cli")]
pub(crate) fn unproven(
    source: &PolicySource,
    catalog: &Catalog,
    snapshot: &Snapshot,
) -> Result<Vec<Artefact>, Error> {
    let policy = policy::expand(source, catalog, snapshot)?;
    Ok(write(&policy, &settings::limits(source)?, &Previous::default())?.1)
}

fn write(
    policy: &Policy,
    limits: &Limits,
    previous: &Previous,
) -> Result<(PlanParts, Vec<Artefact>), OverLimit> {
    let options = settings::options(policy);
    let write = |plan: &PlanParts| emit::render(plan, &policy.output.formats, &options);
    let templates = |files: &Vec<Artefact>| emit::template_sizes(files);
    let writing = Writing { group: emit::group_bytes, write: &write, templates: &templates };
    lower::lower(policy, limits, previous, &writing)
}

/// Reads the artefacts of each format back and holds them against the policy.
fn prove(
    policy: &Policy,
    snapshot: &Snapshot,
    plan: &PlanParts,
    artefacts: &[Artefact],
) -> Result<Report, Error> {
    let whole = plan.gaps.iter().filter(|gap| !gap.partial);
    let inexpressible: Vec<Inexpressible<'_>> =
        whole.map(|gap| Inexpressible { target: gap.target, flow: &gap.flow }).collect();
    let targets: Vec<Target> = Target::ALL.into_iter().filter(|&t| policy.wants(t)).collect();
    let files: Vec<(&str, &[u8])> = artefacts.iter().map(|a| (a.name.as_str(), a.bytes.as_slice())).collect();
    let nat = plan.kept_nat();
    let declared = Declared {
        inexpressible: &inexpressible,
        extras: &plan.extras,
        nat: &nat,
        associations: &plan.associations,
    };
    let report = verify::check_files(policy, snapshot, &files, declared, &targets);
    if report.is_success() { Ok(report) } else { Err(Error::Proof(report)) }
}
