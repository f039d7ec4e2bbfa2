//! `tagwall site`

use std::collections::BTreeMap;

use serde::Serialize;

use crate::cli::args::site::SiteArgs;
use crate::cli::{Failure, clock, output, select};
use crate::feed::{Consumer, Sources, Trouble, World, WorldError, export, inputs};
use crate::site::{NewGeneration, Site};
use crate::text::{did_you_mean, nearest};

/// What was done, as JSON.
#[derive(Serialize)]
struct Summary {
    schema: u32,
    out: String,
    /// `published` or `unchanged`.
    status: &'static str,
    generation: u64,
    files: usize,
    /// How many of the files differ from those before, or are new.
    changed: usize,
    notes: Vec<String>,
}

pub(in crate::cli) fn run(args: &SiteArgs) -> Result<(), Failure> {
    let consumers = args.consumer.iter().map(|name| consumer(name)).collect::<Result<Vec<_>, _>>()?;
    let sources = Sources {
        store: select::store(&args.place)?,
        site: args.site.as_ref().map(Site::new),
        clouds: args.cloud.iter().map(|name| select::find_cloud(name)).collect::<Result<_, _>>()?,
        weeks: args.weeks.max(1),
    };
    let world = World::load(&sources)?;
    let site = Site::new(&args.out);
    let _lock = site.lock()?;
    let before = site.current()?;
    let inputs = inputs(&world, &consumers);
    let mut notes: Vec<String> = world.troubles().iter().map(Trouble::to_string).collect();
    let summary = |status, generation, files, changed, notes| {
        let out = args.out.display().to_string();
        Summary { schema: 1, out, status, generation, files, changed, notes }
    };
    if let Some(record) = before.as_ref().filter(|record| record.inputs == inputs) {
        match site.check(record) {
            Ok(()) => {
                site.settle();
                return print(args, &summary("unchanged", record.number, record.files.len(), 0, notes));
            }
            Err(damage) => notes.push(format!("{damage}; it is made anew")),
        }
    }
    let snapshots =
        world.clouds().map(|(cloud, feed)| (cloud.name().to_owned(), feed.snapshot().digest().to_owned()));
    let new = NewGeneration {
        at: clock::now(),
        inputs,
        snapshots: snapshots.collect(),
        rules_changed: false,
        files: export(&world, &consumers),
    };
    let record = site.publish_sharing(&new)?;
    notes.extend(site.prune(args.keep)?);
    let old = before.map(|record| record.files).unwrap_or_default();
    let changed = differing(&record.files, &old);
    print(args, &summary("published", record.number, record.files.len(), changed, notes))
}

fn differing(now: &BTreeMap<String, String>, before: &BTreeMap<String, String>) -> usize {
    now.iter().filter(|(name, sum)| before.get(*name) != Some(sum)).count()
}

fn consumer(name: &str) -> Result<Consumer, Failure> {
    Consumer::find(name).ok_or_else(|| {
        let names = Consumer::ALL.map(Consumer::name);
        let hint = did_you_mean(&nearest(name, names));
        Failure::Input(format!("there is no view for `{name}`{hint}; there are {}", names.join(", ")))
    })
}

fn print(args: &SiteArgs, summary: &Summary) -> Result<(), Failure> {
    output::print(&args.printing, summary, |out| {
        let Summary { out: folder, status, generation, files, changed, notes, .. } = summary;
        writeln!(
            out,
            "{folder}: generation {generation}: {status}, {files} files, {changed} of them new or changed"
        )?;
        notes.iter().try_for_each(|note| writeln!(out, "  {note}"))
    })
}

impl From<WorldError> for Failure {
    fn from(error: WorldError) -> Self {
        match error {
            WorldError::Store(error) => error.into(),
            WorldError::Site(error) => error.into(),
            WorldError::Nothing(_) => Failure::Input(error.to_string()),
            other => Failure::Io(other.to_string()),
        }
    }
}
