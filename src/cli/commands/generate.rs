//! `tagwall generate`

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Serialize;

use crate::addr::Count;
use crate::catalog::Catalog;
use crate::cli::args::Generate;
use crate::cli::{Failure, output, select, write};
use crate::pipeline::{self, Generation};
use crate::plan::Previous;
use crate::policy::{PolicySource, cloud_of};
use crate::report;
use crate::tags::{Cloud, Snapshot};
use crate::verify;

/// The outcome of one policy, as JSON.
#[derive(Serialize)]
struct Outcome {
    policy: String,
    name: String,
    dir: String,
    files: Vec<String>,
    flows: usize,
    not_expressed: usize,
    /// As text: it can be more than 2^53.
    extra_addresses: Count,
    proven: bool,
}

pub(in crate::cli) fn run(args: &Generate) -> Result<(), Failure> {
    // Everything is made before anything is written: one wrong policy among several leaves no half of a run.
    let mut snapshots: BTreeMap<Cloud, Snapshot> = BTreeMap::new();
    let mut made: Vec<(String, Generation)> = Vec::new();
    for path in &args.policies {
        let source = read_policy(path)?;
        let cloud = cloud_of(&source.intent);
        let snapshot = match snapshots.entry(cloud) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(free) => {
                free.insert(select::snapshot(&args.data, Some(cloud))?)
            }
        };
        let catalog_texts = catalog_texts(path, &source)?;
        let catalog = extended(&source, &catalog_texts)?;
        let previous = earlier(&args.out, &source.intent.name);
        let mut generation = pipeline::generate(&source, &catalog, snapshot, Some(&previous))?;
        generation.files.extend(report::policy_copies(&source, &catalog_texts));
        generation.files.sort_by(|a, b| a.name.cmp(&b.name));
        previous.notes.iter().chain(&generation.notes).for_each(|note| output::say(note));
        if let Some((other, _)) = made.iter().find(|(_, g)| g.name == generation.name) {
            let (name, path) = (&generation.name, path.display());
            return Err(Failure::Input(format!(
                "{path} and {other} are both called {name}; give one another name"
            )));
        }
        made.push((path.display().to_string(), generation));
    }
    let mut outcomes = Vec::new();
    for (policy, generation) in made {
        write::replace_folder(&args.out, &generation.name, &generation.files)?;
        outcomes.push(outcome(policy, &args.out, &generation));
    }
    output::print(&args.printing, &outcomes, |out| {
        outcomes.iter().try_for_each(|o| {
            writeln!(out, "{}: proven, {} flows, {} files", o.dir, o.flows, o.files.len())?;
            o.files.iter().try_for_each(|f| writeln!(out, "  {f}"))?;
            if o.not_expressed > 0 {
                writeln!(
                    out,
                    "  {} needs are not expressed on every target: see report.md",
                    o.not_expressed
                )?;
            }
            if !o.extra_addresses.is_zero() {
                let count = o.extra_addresses;
                writeln!(out, "  {count} addresses are admitted that were not asked for: see report.md")?;
            }
            Ok(())
        })
    })
}

/// What stands in the place of the new files: it keeps names, priorities and places where they still hold.
fn earlier(out: &Path, name: &str) -> Previous {
    // The name is not checked yet: one that leads to another folder is refused later, and not followed before.
    if name.contains(['/', '\\']) || name.starts_with('.') {
        return Previous::default();
    }
    let files = write::read_folder(out, name);
    let files: Vec<(&str, &[u8])> = files.iter().map(|f| (f.name.as_str(), f.bytes.as_slice())).collect();
    verify::earlier(name, &files)
}

fn outcome(policy: String, out: &Path, generation: &Generation) -> Outcome {
    Outcome {
        policy,
        name: generation.name.clone(),
        dir: out.join(&generation.name).display().to_string(),
        files: generation.files.iter().map(|f| f.name.clone()).collect(),
        flows: generation.policy.flows.len(),
        not_expressed: generation.plan.gaps.iter().filter(|g| g.covered_by.is_empty()).count(),
        extra_addresses: generation.plan.extras.iter().map(|extra| extra.addresses.count()).sum(),
        proven: generation.proof.is_success(),
    }
}

pub(in crate::cli) fn read_policy(path: &Path) -> Result<PolicySource, Failure> {
    Ok(PolicySource::read(&path.display().to_string(), &read_text(path)?)?)
}

/// The built-in catalogue with the policy's own files, which are named relative to the policy.
pub(in crate::cli) fn catalog_of(path: &Path, source: &PolicySource) -> Result<Catalog, Failure> {
    extended(source, &catalog_texts(path, source)?)
}

/// The catalogue files that a policy names, which are found beside it.
pub(in crate::cli) fn catalog_texts(path: &Path, source: &PolicySource) -> Result<Vec<String>, Failure> {
    let folder = path.parent().unwrap_or(Path::new(""));
    source.intent.catalog.files.iter().map(|name| read_text(&folder.join(name))).collect()
}

/// The built-in catalogue with the texts of the policy's own files.
pub(in crate::cli) fn extended(source: &PolicySource, texts: &[String]) -> Result<Catalog, Failure> {
    let named = source.intent.catalog.files.iter().cloned().zip(texts.iter().cloned());
    Ok(Catalog::builtin().extended(&named.collect::<Vec<_>>())?)
}

pub(in crate::cli) fn read_text(path: &Path) -> Result<String, Failure> {
    let bytes = fs::read(path).map_err(|error| Failure::Io(format!("{}: {error}", path.display())))?;
    String::from_utf8(bytes)
        .map_err(|_| Failure::Input(format!("{}: not a text file in UTF-8", path.display())))
}
