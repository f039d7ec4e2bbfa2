//! [`reprove`]: files that were made earlier, proven again as they lie there.

use crate::catalog::Catalog;
use crate::error::Error;
use crate::policy::{self, Policy, PolicySource};
use crate::read;
use crate::report::Manifest;
use crate::tags::Snapshot;
use crate::target::Target;
use crate::verify::{self, Declared, Report};

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
/// them. Digests are not looked at; see [`Manifest::file_differences`].
///
/// # Errors
/// [`Error::Policy`] if the policy does not resolve with these tags.
///
/// # Cost
/// That of the proof in [`generate`](super::generate).
///
/// ```
/// use tagwall::{catalog::Catalog, pipeline, policy::PolicySource, report::Manifest, tags::{Cloud, Snapshot, sample}};
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
/// let claims = Manifest::read(&bytes("manifest.json")).unwrap();
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
    claims: &Manifest,
    files: &[(&str, &[u8])],
) -> Result<Reproof, Error> {
    // Facts of the day that they were made of: what began or ended since is no difference.
    let then = claims.as_of().map(|day| catalog.at(day));
    let policy = policy::expand(source, then.as_ref().unwrap_or(catalog), snapshot)?;
    let targets: Vec<Target> = Target::ALL.into_iter().filter(|&t| policy.wants(t)).collect();
    let (inexpressible, extras, nat) = (claims.inexpressible(), claims.extras(), claims.nat());
    let associations = claims.associations();
    let declared =
        Declared { inexpressible: &inexpressible, extras: &extras, nat: &nat, associations: &associations };
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
