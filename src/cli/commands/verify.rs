//! `tagwall verify`

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;

use crate::cli::args::Verify;
use crate::cli::{Failure, output, select};
use crate::environment::{Environment, read_text};
use crate::policy::PolicySource;
use crate::report::{MANIFEST, Manifest};
use crate::site::published::{Published, PublishedEnvironment, PublishedError};
use crate::site::refresh::{HELD, held_in};
use crate::site::sign::{PublicKey, check_signature};
use crate::tags::{Cloud, Snapshot, sample};
use crate::verify::{Failure as Failed, Proven};

/// What became of one environment, as JSON.
#[derive(Serialize)]
struct Verdict {
    dir: String,
    name: String,
    proven: bool,
    files: usize,
    policy: Option<String>,
    snapshot: Option<Data>,
    signature: Option<Signature>,
    proof: Vec<Proven>,
    problems: Vec<EnvironmentProblem>,
    /// What the proof found, each with what shows it.
    failures: Vec<Failed>,
    /// What lies there too, was not made by tagwall and cannot be deployed.
    beside: Vec<String>,
    /// The variables of Terraform that some of those set.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    sets: BTreeMap<String, Vec<String>>,
}

#[derive(Serialize)]
struct Data {
    cloud: &'static str,
    change_number: u64,
    sha256: String,
    /// Prefixes that the data had dropped and that were let through for a while.
    held: usize,
}

#[derive(Serialize)]
struct Signature {
    file: &'static str,
    good: bool,
    /// What was signed with the file: generation and time.
    comment: Option<String>,
}

#[derive(Serialize)]
struct EnvironmentProblem {
    /// `file`, `signature`, `manifest` or `proof`.
    kind: &'static str,
    text: String,
}

pub(in crate::cli) fn run(args: &Verify) -> Result<ExitCode, Failure> {
    let key = args.public_key.as_deref().map(public_key).transpose()?;
    let published = Published::read(&args.dir)?;
    let mut given = BTreeMap::new();
    for path in &args.policy {
        let asked = select::environment(path)?;
        given.insert(asked.name().to_owned(), asked);
    }
    let mut verdicts = Vec::new();
    for environment in published.environments() {
        verdicts.push(verdict(args, &published, &environment, &mut given, key.as_ref())?);
    }
    if let Some((name, asked)) = given.first_key_value() {
        let text =
            format!("{} is for {name}, and {} has no such environment", asked.file(), args.dir.display());
        return Err(Failure::Input(text));
    }
    output::print(&args.printing, &verdicts, |out| verdicts.iter().try_for_each(|v| write_verdict(out, v)))?;
    Ok(ExitCode::from(if verdicts.iter().all(|v| v.proven) { 0 } else { 4 }))
}

fn verdict(
    args: &Verify,
    published: &Published,
    environment: &PublishedEnvironment<'_>,
    given: &mut BTreeMap<String, Environment>,
    key: Option<&PublicKey>,
) -> Result<Verdict, Failure> {
    let given = given.remove(environment.name);
    let mut verdict = Verdict {
        dir: environment.folder.display().to_string(),
        name: environment.name.to_owned(),
        proven: false,
        files: environment.files.len(),
        policy: None,
        snapshot: None,
        signature: None,
        proof: Vec::new(),
        problems: Vec::new(),
        failures: Vec::new(),
        beside: environment.beside.iter().map(|&name| name.to_owned()).collect(),
        sets: environment.sets.iter().map(|(&name, sets)| (name.to_owned(), sets.to_vec())).collect(),
    };
    // What is wrong with the files of another environment is told there.
    let of_other = |text: &String| {
        let other = published.environments().find(|e| text.starts_with(&format!("{}/", e.name)));
        other.is_some_and(|other| other.name != environment.name)
    };
    verdict.extend("file", published.differences().into_iter().filter(|text| !of_other(text)));
    verdict.signature = signature(published, environment, key, &mut verdict.problems);
    let manifest = environment.files.get(MANIFEST).ok_or_else(|| format!("{MANIFEST}: is missing"));
    match manifest.and_then(|bytes| Manifest::read(bytes).map_err(|error| error.to_string())) {
        Ok(claims) => {
            let own = environment.own_names();
            let found = claims.file_differences(&environment.files, &own);
            verdict.extend("file", found.into_iter().map(|text| format!("{}/{text}", environment.name)));
            let asked = given.map_or_else(|| own_policy(environment), Ok);
            let proven = asked.and_then(|asked| {
                let data = data(args, published, environment, &claims)?;
                prove(environment, &claims, &asked, data, &mut verdict)
            });
            // Where the files are not what they were, they may well name a policy or data that is not there.
            match proven {
                Err(failure) if verdict.problems.is_empty() => return Err(failure),
                Err(failure) => verdict.extend("proof", [format!("not tried: {failure}")]),
                Ok(()) => {}
            }
        }
        Err(text) => verdict.extend("manifest", [text]),
    }
    verdict.problems.dedup_by(|a, b| a.text == b.text);
    verdict.proven = verdict.problems.is_empty();
    Ok(verdict)
}

impl Verdict {
    fn extend(&mut self, kind: &'static str, texts: impl IntoIterator<Item = String>) {
        self.problems.extend(texts.into_iter().map(|text| EnvironmentProblem { kind, text }));
    }
}

/// The proof of one environment, from the bytes that lie there, with the data and how many held prefixes are in it.
fn prove(
    environment: &PublishedEnvironment<'_>,
    claims: &Manifest,
    asked: &Environment,
    (snapshot, held): (Snapshot, usize),
    verdict: &mut Verdict,
) -> Result<(), Failure> {
    let files: Vec<(&str, &[u8])> = environment.files.iter().map(|(name, bytes)| (*name, *bytes)).collect();
    let found = asked.reprove(&snapshot, claims, &files)?;
    verdict.policy = Some(asked.file().to_owned());
    verdict.snapshot = Some(Data {
        cloud: snapshot.cloud().name(),
        change_number: snapshot.change_number(),
        sha256: snapshot.digest().to_owned(),
        held,
    });
    verdict.extend("manifest", found.differences);
    verdict.extend("proof", found.proof.failures.iter().map(ToString::to_string));
    verdict.proof = found.proof.proven;
    verdict.failures = found.proof.failures;
    Ok(())
}

/// The copy of the policy that lies with what was made from it.
fn own_policy(environment: &PublishedEnvironment<'_>) -> Result<Environment, Failure> {
    let Some((policy, catalogs)) = environment.policy() else {
        let text =
            format!("{} holds no copy of its policy: name it with --policy", environment.folder.display());
        return Err(Failure::Input(text));
    };
    let from = environment.folder.join(crate::report::POLICY_COPY).display().to_string();
    let text = |bytes: &[u8]| {
        String::from_utf8(bytes.to_vec())
            .map_err(|_| Failure::Input(format!("{from}: not a text file in UTF-8")))
    };
    let source = PolicySource::read(&from, &text(policy)?)?;
    let catalogs = catalogs.into_iter().map(text).collect::<Result<Vec<_>, _>>()?;
    Ok(Environment::new(source, catalogs)?)
}

/// The data that an environment was made from, and how many held prefixes are in it.
fn data(
    args: &Verify,
    published: &Published,
    environment: &PublishedEnvironment<'_>,
    claims: &Manifest,
) -> Result<(Snapshot, usize), Failure> {
    let cloud = select::find_cloud(claims.cloud())?;
    let held = published.file(HELD).map(|bytes| held_in(bytes, environment.name)).transpose();
    let held = held.map_err(|error| Failure::Input(error.to_string()))?.unwrap_or_default();
    // With held prefixes the manifest's digest is that of the tags with them, the record's that of the data alone.
    let recorded = published.record().and_then(|record| record.snapshots.get(cloud.name()));
    let digest = recorded.filter(|_| !held.is_empty()).map_or(claims.data(), String::as_str);
    let snapshot = match &args.snapshot {
        Some(name) => select::find_snapshot(name, &args.place, Some(cloud))?,
        None => known(digest, cloud, args)?,
    };
    let count = held.values().map(Vec::len).sum();
    Ok((if held.is_empty() { snapshot } else { snapshot.with_held(&held) }, count))
}

/// Data by its digest: of the store, or built in.
fn known(digest: &str, cloud: Cloud, args: &Verify) -> Result<Snapshot, Failure> {
    let sample = sample::sample_json(cloud).and_then(|json| Snapshot::parse(&json).ok());
    match sample.filter(|sample| sample.digest() == digest) {
        Some(sample) => Ok(sample),
        None => select::find_snapshot(digest, &args.place, Some(cloud)).map_err(|failure| match failure {
            Failure::Input(text) => Failure::Input(format!("{text}; name the data with --snapshot")),
            other => other,
        }),
    }
}

fn signature(
    published: &Published,
    environment: &PublishedEnvironment<'_>,
    key: Option<&PublicKey>,
    problems: &mut Vec<EnvironmentProblem>,
) -> Option<Signature> {
    let key = key?;
    let signed = published.signed(environment);
    let checked = match (signed.bytes, signed.signature) {
        (Some(bytes), Some(signature)) => {
            check_signature(key, signature, bytes).map_err(|error| format!("{}: {error}", signed.name))
        }
        (_, None) => Err(format!("{0} is not signed: there is no {0}.minisig", signed.name)),
        (None, _) => Err(format!("{}: is missing", signed.name)),
    };
    let good = checked.is_ok();
    let comment = checked.map_err(|text| problems.push(EnvironmentProblem { kind: "signature", text })).ok();
    Some(Signature { file: signed.name, good, comment })
}

/// A public key: a file with it, or its text.
fn public_key(text: &str) -> Result<PublicKey, Failure> {
    let own = if Path::new(text).is_file() { read_text(Path::new(text))? } else { text.to_owned() };
    PublicKey::read(&own).map_err(|error| {
        Failure::Input(format!("{text} is neither a file nor the text of a public key: {error}"))
    })
}

fn write_verdict(out: &mut dyn Write, verdict: &Verdict) -> io::Result<()> {
    let Verdict { dir, files, problems, .. } = verdict;
    if !verdict.proven {
        writeln!(out, "{dir}: not proven")?;
        return problems.iter().try_for_each(|problem| writeln!(out, "  {}: {}", problem.kind, problem.text));
    }
    writeln!(out, "{dir}: proven, {} proofs, {files} files", verdict.proof.len())?;
    if let Some(data) = &verdict.snapshot {
        let short = data.sha256.get(..12).unwrap_or_default();
        write!(out, "  data {} number {} ({short})", data.cloud, data.change_number)?;
        match data.held {
            0 => writeln!(out)?,
            held => writeln!(out, ", with {held} removed prefixes that are held")?,
        }
    }
    if let Some(policy) = &verdict.policy {
        writeln!(out, "  policy {policy}")?;
    }
    if let Some(Signature { file, comment: Some(comment), .. }) = &verdict.signature {
        writeln!(out, "  {file} is signed: {comment}")?;
    }
    match verdict.beside.as_slice() {
        [] => Ok(()),
        beside => writeln!(out, "  beside it, not made by tagwall: {}", beside.join(", ")),
    }?;
    verdict.sets.iter().filter(|(_, sets)| !sets.is_empty()).try_for_each(|(name, sets)| {
        writeln!(out, "  {name} says what the files leave open: {}", sets.join(", "))
    })
}

impl From<PublishedError> for Failure {
    fn from(error: PublishedError) -> Self {
        match error {
            PublishedError::Io { error: ref cause, .. } if cause.kind() != io::ErrorKind::NotFound => {
                Failure::Io(error.to_string())
            }
            _ => Failure::Input(error.to_string()),
        }
    }
}
