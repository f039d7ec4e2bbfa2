//! The data path as one short function: policy and snapshot in, proven artefacts out.

use crate::catalog::Catalog;
use crate::emit::{self, Artefact};
use crate::error::Error;
use crate::lower::{self, Measure};
use crate::plan::{Limits, OverLimit, Plan, Previous};
use crate::policy::{self, Path, Policy, PolicyErrors, PolicySource};
use crate::read;
use crate::report::{self, Claims};
use crate::tags::Snapshot;
use crate::target::Target;
use crate::verify::{self, Declared, Report, Unsaid};

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
    let policy = policy::expand(source, catalog, snapshot)?; // names become sets
    let limits = limits_of(source)?;
    let previous = previous.cloned().unwrap_or_default();
    let (mut plan, artefacts) = write(&policy, &limits, &previous)?; // sets become rules within limits, and those bytes
    let outside = policy.outside();
    let known = (!outside.is_empty()).then(|| snapshot.with_outside(outside)); // names that no file holds
    let known = known.as_ref().unwrap_or(snapshot);
    let proof = prove(&policy, known, &plan, &artefacts)?; // and the bytes are proven
    note_taken(&mut plan, &policy, known);
    let files = report::complete(artefacts, &policy, snapshot, &plan, &proof);
    let mut notes = plan.left_behind(&previous);
    notes.extend(policy.remarks.retired.iter().map(|text| format!("warning: {text}")));
    notes.extend(policy.remarks.warnings.iter().map(|text| format!("warning: policy, {text}")));
    notes.extend(policy.outside().iter().filter(|tag| !tag.is_security_group()).map(|tag| {
        format!(
            "warning: {}: no published file holds this tag, so that nothing is proven of what it stands for",
            tag.name()
        )
    }));
    Ok(Generation { name: policy.name.clone(), files, policy, plan, proof, notes })
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
    Ok(write(&policy, &limits_of(source)?, &Previous::default())?.1)
}

/// What came of proving files again.
#[derive(Debug, Clone)]
pub struct Reproof {
    /// What was resolved.
    pub policy: Policy,
    /// The new proof.
    pub proof: Report,
    /// Where manifest, policy, data and files contradict each other, one line each.
    pub differences: Vec<String>,
}

impl Reproof {
    /// Whether the files do what the policy asks and are what the manifest says.
    pub fn is_success(&self) -> bool {
        self.differences.is_empty() && self.proof.is_success()
    }
}

/// Proves files that were made earlier, as they lie there, against the policy and the tags that they were made from.
/// Nothing is made anew: the bytes are read back and held against the needs, and so is what the manifest claims of
/// them. Digests are not looked at; see [`Claims::file_differences`].
///
/// # Errors
/// [`Error::Policy`] if the policy does not resolve with these tags.
///
/// # Cost
/// That of the proof in [`generate`].
///
/// ```
/// use tagwall::{catalog::Catalog, pipeline, policy::PolicySource, report::Claims, tags::{Cloud, Snapshot, sample}};
/// let text = r#"
///     schema = 1
///     name = "demo"
///     region = "westeurope"
///     network.address-space = ["10.20.0.0/16"]
///     subnets.training.prefixes = ["10.20.1.0/24"]
///     [[allow]]
///     to = "203.0.113.0/24"
///     protocol = "tcp"
///     ports = 443
/// "#;
/// let snapshot = Snapshot::parse(&sample::sample_json(Cloud::Public).unwrap())?;
/// let (source, catalog) = (PolicySource::read("demo.toml", text)?, Catalog::builtin());
/// let made = pipeline::generate(&source, catalog, &snapshot, None)?;
/// let bytes = |name: &str| made.files.iter().find(|f| f.name == name).unwrap().bytes.clone();
/// let claims = Claims::read(&bytes("manifest.json")).unwrap();
///
/// let nsg = bytes("nsg.arm.json");
/// assert!(pipeline::reprove(&source, catalog, &snapshot, &claims, &[("nsg.arm.json", &nsg)])?.is_success());
///
/// let wider = String::from_utf8(nsg).unwrap().replace("203.0.113.0/24", "203.0.112.0/23");
/// let found = pipeline::reprove(&source, catalog, &snapshot, &claims, &[("nsg.arm.json", wider.as_bytes())])?;
/// assert!(found.proof.to_string().contains("203.0.112."));
/// # Ok::<(), tagwall::Error>(())
/// ```
pub fn reprove(
    source: &PolicySource,
    catalog: &Catalog,
    snapshot: &Snapshot,
    claims: &Claims,
    files: &[(&str, &[u8])],
) -> Result<Reproof, Error> {
    // Facts of the day that they were made of: what began or ended since is no difference.
    let then = claims.as_of().map(|day| catalog.at(day));
    let policy = policy::expand(source, then.as_ref().unwrap_or(catalog), snapshot)?;
    let targets: Vec<Target> = Target::ALL.into_iter().filter(|&t| policy.wants(t)).collect();
    let (unsaid, extras, nat) = (claims.unsaid(), claims.extras(), claims.nat());
    let associations = claims.associations();
    let declared = Declared { unsaid: &unsaid, extras: &extras, nat: &nat, associations: &associations };
    let known = snapshot.with_outside(policy.outside());
    let proof = verify::check_files(&policy, &known, files, declared, &targets);
    let mut differences = claims.input_differences(&policy, snapshot);
    for &format in &policy.output.formats {
        // What cannot be read is a failure of the proof; formats that carry lists alone have no rules to count.
        if let Ok(found) = read::read_files(format, files) {
            differences.extend(claims.count_differences(format.name(), &found));
        }
    }
    differences.extend(claims.proof_differences(&proof).filter(|_| proof.is_success()));
    differences.extend(claims.work_differences(&proof).into_iter().filter(|_| proof.is_success()));
    Ok(Reproof { policy, proof, differences })
}

/// Sets become rules within limits, and rules become bytes: what the templates are too large for is known only then.
fn write(policy: &Policy, limits: &Limits, previous: &Previous) -> Result<(Plan, Vec<Artefact>), OverLimit> {
    let options = options_of(policy);
    let render = |plan: &Plan| emit::render(plan, &policy.output.formats, &options);
    let templates = |plan: &Plan| emit::template_sizes(&render(plan));
    let measure = Measure { group: emit::group_bytes, templates: None };
    let counted = |mut plan: Plan| {
        let artefacts = render(&plan);
        lower::count_files(&mut plan, limits, &emit::template_sizes(&artefacts)).map(|()| (plan, artefacts))
    };
    match lower::lower(policy, limits, previous, measure) {
        Ok(plan) => {
            if let Ok(made) = counted(plan) {
                return Ok(made);
            }
        }
        Err(over) => {
            // The budget that it names must be enough for the templates too.
            let Some(max_extra) = over.max_extra() else { return Err(over) };
            let mut policy = policy.clone();
            policy.precision.max_extra = max_extra;
            match lower::lower(&policy, limits, previous, measure) {
                Ok(plan) if counted(plan.clone()).is_err() => {}
                _ => return Err(over),
            }
        }
    }
    let measure = Measure { templates: Some(&templates), ..measure };
    let plan = lower::lower(policy, limits, previous, measure)?;
    let artefacts = render(&plan);
    Ok((plan, artefacts))
}

fn limits_of(source: &PolicySource) -> Result<Limits, PolicyErrors> {
    let limits = &source.intent.limits;
    Limits::new(limits.profile.as_deref(), &limits.overrides).map_err(|errors| {
        let place = Path::top().at("limits");
        source.errors(errors.into_iter().map(|(key, message)| (place.at(key.as_str()), message)))
    })
}

fn options_of(policy: &Policy) -> emit::Options {
    let output = &policy.output;
    emit::Options {
        location: policy.region.location(),
        resource_group: output.resource_group.clone(),
        terraform_style: output.terraform_style,
        edl: output.edl,
        associations: output.associations,
        firewall_draft: policy.firewall.draft,
        api_version: policy.api_version(),
    }
}

/// Notes what DNAT rules that are kept do to the needs: they come before every rule that is made here.
fn note_taken(plan: &mut Plan, policy: &Policy, snapshot: &Snapshot) {
    let nat = plan.kept_nat();
    if nat.is_empty() {
        return;
    }
    let ip_groups = plan.ip_groups.iter().map(|group| read::resources::IpGroup {
        name: group.name.clone(),
        id: None,
        addresses: group.prefixes.iter().map(ToString::to_string).collect(),
    });
    let resources = read::resources::Resources { ip_groups: ip_groups.collect(), ..Default::default() };
    let notes = verify::taken_needs(policy, snapshot, &nat, &plan.extras, &resources);
    plan.notes.extend(notes.unwrap_or_else(|error| {
        vec![format!("DNAT comes first, and whether it takes what is asked for is not known: {error}")]
    }));
    plan.notes.sort();
    plan.notes.dedup();
}

/// Reads the artefacts of each format back and holds them against the policy.
fn prove(policy: &Policy, snapshot: &Snapshot, plan: &Plan, artefacts: &[Artefact]) -> Result<Report, Error> {
    let whole = plan.gaps.iter().filter(|gap| !gap.partial);
    let unsaid: Vec<Unsaid<'_>> = whole.map(|gap| Unsaid { target: gap.target, flow: &gap.flow }).collect();
    let targets: Vec<Target> = Target::ALL.into_iter().filter(|&t| policy.wants(t)).collect();
    let files: Vec<(&str, &[u8])> = artefacts.iter().map(|a| (a.name.as_str(), a.bytes.as_slice())).collect();
    let nat = plan.kept_nat();
    let declared =
        Declared { unsaid: &unsaid, extras: &plan.extras, nat: &nat, associations: &plan.associations };
    let report = verify::check_files(policy, snapshot, &files, declared, &targets);
    if report.is_success() { Ok(report) } else { Err(Error::Proof(report)) }
}
