//! `tagwall generate`

use std::collections::BTreeMap;
use std::path::Path;

use rayon::prelude::*;
use serde::Serialize;

use crate::addr::{AddrSet, Count};
use crate::catalog::Date;
use crate::cli::args::Generate;
use crate::cli::{Failure, output, select};
use crate::environment::Environment;
use crate::pipeline::Generation;
use crate::site::output::{OutputFolder, Staged, Writing};
use crate::tags::{Cloud, FamilyCounts, Snapshot};

/// The outcome of one policy, as JSON.
#[derive(Serialize)]
struct Generated {
    policy: String,
    name: String,
    dir: String,
    files: Vec<String>,
    flows: usize,
    not_expressed: usize,
    /// As text: it can be more than 2^53.
    extra_addresses: Count,
    /// How many different ones: `extra_addresses` counts one once for each list that admits it.
    extra_distinct: FamilyCounts,
    proven: bool,
}

pub(in crate::cli) fn run(args: &Generate) -> Result<(), Failure> {
    let folder = OutputFolder::new(&args.out);
    let environments = args.policies.par_iter().map(|path| select::environment(path)).collect::<Vec<_>>();
    let environments = environments.into_iter().collect::<Result<Vec<_>, _>>()?;
    let mut snapshots: BTreeMap<Cloud, (Snapshot, Option<Date>)> = BTreeMap::new();
    for environment in &environments {
        let cloud = environment.cloud();
        if let std::collections::btree_map::Entry::Vacant(free) = snapshots.entry(cloud) {
            free.insert(select::dated_snapshot(&args.data, Some(cloud))?);
        }
    }
    let many = Many { args, folder: &folder, snapshots: &snapshots };
    let outcomes = match environments.as_slice() {
        [one] => {
            let generation = many.generation(one)?;
            generation.notes.iter().for_each(|note| output::say(note));
            let files = [(generation.name.as_str(), generation.files.as_slice())];
            folder.write(&files)?.iter().for_each(|note| output::say(note));
            vec![outcome(one.file().to_owned(), &args.out, &generation)]
        }
        environments => many.write(environments)?,
    };
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
                let distinct = o.extra_distinct;
                writeln!(
                    out,
                    "  {count} addresses are admitted that were not asked for: see report.md; summed over the lists \
                     (different ones: {distinct})"
                )?;
            }
            Ok(())
        })
    })
}

/// What the environments of one run have in common.
struct Many<'a> {
    args: &'a Generate,
    folder: &'a OutputFolder,
    snapshots: &'a BTreeMap<Cloud, (Snapshot, Option<Date>)>,
}

/// One of several environments, written beside its place.
struct Ready {
    outcome: Generated,
    notes: Vec<String>,
    staged: Option<Staged>,
}

impl Many<'_> {
    fn generation(&self, environment: &Environment) -> Result<Generation, Failure> {
        let (snapshot, day) = &self.snapshots[&environment.cloud()];
        let environment = environment.clone().at(self.args.facts.as_of.or(*day))?;
        Ok(upon_earlier(environment, self.folder)?.generate(snapshot)?)
    }

    /// Makes all of them on all cores. One that is wrong leaves no half of a run: all are written beside their places,
    /// and get these together.
    fn write(&self, environments: &[Environment]) -> Result<Vec<Generated>, Failure> {
        let mut names: BTreeMap<&str, &str> = BTreeMap::new();
        for environment in environments {
            let (name, file) = (environment.name(), environment.file());
            if let Some(other) = names.insert(name, file) {
                return Err(Failure::Input(format!(
                    "{file} and {other} are both called {name}; give one another name"
                )));
            }
        }
        let known = self.args.out.exists();
        let writing = self.folder.begin(None)?;
        let ready = environments.par_iter().with_max_len(1).map(|one| self.ready(&writing, one));
        let ready: Vec<Result<Ready, Failure>> = ready.collect();
        let (mut outcomes, mut group, mut failure) = (Vec::new(), Vec::new(), None);
        for one in ready {
            match one {
                Ok(Ready { outcome, notes, staged }) if failure.is_none() => {
                    notes.iter().for_each(|note| output::say(note));
                    outcomes.push(outcome);
                    group.extend(staged);
                }
                Ok(_) => {}
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        if let Some(failure) = failure {
            drop((group, writing));
            if !known {
                // Only where nothing is in it.
                let _ = std::fs::remove_dir(&self.args.out);
            }
            return Err(failure);
        }
        let places: Vec<_> = group.iter().map(Staged::place).collect();
        writing.commit(group)?.into_iter().collect::<Result<(), _>>()?;
        writing.look_beside(&places);
        writing.into_notes().iter().for_each(|note| output::say(note));
        Ok(outcomes)
    }

    fn ready(&self, writing: &Writing<'_>, environment: &Environment) -> Result<Ready, Failure> {
        let made = self.generation(environment)?;
        let outcome = outcome(environment.file().to_owned(), &self.args.out, &made);
        let staged = writing.stage(&made.name, &made.files)?;
        Ok(Ready { outcome, notes: made.notes, staged })
    }
}

/// The environment upon what stands in the place of the new files: what still holds keeps its name, priority and place.
fn upon_earlier(environment: Environment, folder: &OutputFolder) -> Result<Environment, Failure> {
    let name = environment.name();
    // The name is not checked yet: one that leads to another folder is refused later, and not followed before.
    if name.is_empty() || name.contains(['/', '\\']) || name.starts_with('.') {
        return Ok(environment);
    }
    let files = folder.earlier(name)?;
    let files: Vec<(&str, &[u8])> = files.iter().map(|f| (f.name.as_str(), f.bytes.as_slice())).collect();
    Ok(environment.upon(&files))
}

fn outcome(policy: String, out: &Path, generation: &Generation) -> Generated {
    Generated {
        policy,
        name: generation.name.clone(),
        dir: out.join(&generation.name).display().to_string(),
        files: generation.files.iter().map(|f| f.name.clone()).collect(),
        flows: generation.policy.flows.len(),
        not_expressed: generation.plan.gaps.iter().filter(|g| g.covered_by.is_empty()).count(),
        extra_addresses: generation.plan.extras.iter().map(|extra| extra.addresses.count()).sum(),
        extra_distinct: FamilyCounts::of(&AddrSet::union_of(
            generation.plan.extras.iter().map(|extra| &extra.addresses),
        )),
        proven: generation.proof.is_success(),
    }
}
