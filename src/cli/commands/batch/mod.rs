//! `tagwall batch`

mod list;
mod merge;
mod plan;
mod progress;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use serde::Serialize;

use progress::Progress;

use crate::cli::args::{Batch, BatchAction};
use crate::cli::{Failure, output, select};
use crate::environment::{Fleet, FleetError, TextError};
use crate::site::batch::{
    self, Counts, Dated, Destination, DestinationError, Folder, INDEX, Index, MadeEnvironment, SUMMARY,
    Shard, ShardError, Status, part_name,
};
use crate::site::output::OutputFolder;
use crate::tags::Cloud;

/// What a batch did, as JSON.
#[derive(Serialize)]
struct BatchDone<'a> {
    schema: u32,
    out: &'a str,
    /// Which part it was, where it was one.
    shard: Option<String>,
    /// The result with every environment.
    index: String,
    counts: Counts,
    exit_code: u8,
    failed: Vec<&'a MadeEnvironment>,
    gone: &'a [String],
}

pub(in crate::cli) fn run(args: &Batch) -> Result<ExitCode, Failure> {
    match &args.action {
        Some(BatchAction::Merge(args)) => return merge::run(args),
        Some(BatchAction::Plan(args)) => return plan::run(args).map(|()| ExitCode::SUCCESS),
        None => {}
    }
    let shard = args.shard.as_deref().map(|text| shard_of(text, args.shards)).transpose()?;
    if shard.is_some() && !args.list && matches!(args.data.snapshot.as_str(), "latest" | "latest-api") {
        let text = "shards of one batch take the same service tags: name them by their digest (`tagwall batch plan` \
                    does, and `tagwall snapshots` lists them), a date or a file, not `latest`";
        return Err(Failure::Input(text.to_owned()));
    }
    let mut fleet = Fleet::read(&args.inputs, args.template.as_deref(), select::limits())?;
    fleet.notes.iter().for_each(|note| output::say(note));
    if let Some(Shard { shard, shards }) = shard {
        fleet.keep_shard(shard, shards);
    }
    if args.list {
        return list::run(args, &fleet);
    }
    let data = data(args, &fleet)?;
    if args.out.contains("://") {
        remote(args, &fleet, &data, shard)
    } else {
        folder(args, &fleet, &data, shard)
    }
}

fn shard_of(text: &str, shards: Option<u32>) -> Result<Shard, Failure> {
    if text == "auto" {
        return Ok(batch::detect(|name| std::env::var(name).ok(), shards)?);
    }
    let shard: Shard = text.parse()?;
    match shards {
        Some(shards) if shards != shard.shards => {
            Err(Failure::Input(format!("--shard {shard} is not one of --shards {shards}")))
        }
        _ => Ok(shard),
    }
}

/// The service tags of every cloud that environments need, each read once.
fn data(args: &Batch, fleet: &Fleet) -> Result<BTreeMap<Cloud, Dated>, Failure> {
    let clouds: BTreeSet<Cloud> = fleet.clouds();
    let mut data = BTreeMap::new();
    for cloud in clouds {
        match select::dated_snapshot(&args.data, Some(cloud)) {
            Ok((snapshot, day)) => {
                data.insert(snapshot.cloud(), Dated { snapshot: Arc::new(snapshot), day });
            }
            // One file is of one cloud; environments of others say that they have no data.
            Err(failure) if data.is_empty() => return Err(failure),
            Err(failure) => output::say(&format!("warning: {failure}")),
        }
    }
    Ok(data)
}

fn folder(
    args: &Batch,
    fleet: &Fleet,
    data: &BTreeMap<Cloud, Dated>,
    shard: Option<Shard>,
) -> Result<ExitCode, Failure> {
    let out = OutputFolder::new(&args.out);
    let place = Folder::new(&out, shard.map(|s| (s.shard, s.shards)))?;
    to(&place, args, fleet, data, shard)
}

#[cfg(feature = "fetch")]
fn remote(
    args: &Batch,
    fleet: &Fleet,
    data: &BTreeMap<Cloud, Dated>,
    shard: Option<Shard>,
) -> Result<ExitCode, Failure> {
    let known = ["AZURE_", "AWS_", "GOOGLE_"];
    let options = std::env::vars().filter(|(name, _)| known.iter().any(|start| name.starts_with(start)));
    let options = options.map(|(name, value)| (name.to_lowercase(), value));
    if !args.out.starts_with("file:") {
        crate::cli::online::check_proxies()?;
    }
    let place =
        batch::RemoteFleet::new(&args.out, options).map_err(|error| Failure::Input(error.to_string()))?;
    to(&place, args, fleet, data, shard)
}

#[cfg(not(feature = "fetch"))]
fn remote(
    args: &Batch,
    _: &Fleet,
    _: &BTreeMap<Cloud, Dated>,
    _: Option<Shard>,
) -> Result<ExitCode, Failure> {
    Err(Failure::Input(format!("{}: this build knows no object stores; name a folder", args.out)))
}

/// Makes the batch, and says what became of it.
fn to<D: Destination>(
    place: &D,
    args: &Batch,
    fleet: &Fleet,
    data: &BTreeMap<Cloud, Dated>,
    shard: Option<Shard>,
) -> Result<ExitCode, Failure> {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let job = batch::Batch {
        fleet,
        data,
        as_of: args.facts.as_of,
        shard,
        jobs: args.jobs.unwrap_or_else(cores),
        force: args.force,
        keep_going: !args.fail_fast,
    };
    let mut progress = Progress::new(fleet.len(), args.quiet);
    place.take_notes().iter().for_each(|note| progress.say(note));
    let index = batch::run(&job, place, &mut |entry| {
        place.take_notes().iter().for_each(|note| progress.say(note));
        progress.told(entry);
    });
    progress.end();
    let index = index?;
    print(args, &index, shard)?;
    Ok(ExitCode::from(index.exit_code))
}

fn print(args: &Batch, index: &Index, shard: Option<Shard>) -> Result<(), Failure> {
    let file = shard.map_or(INDEX.to_owned(), |s| part_name(s.shard, s.shards));
    let failed: Vec<&MadeEnvironment> =
        index.environments.iter().filter(|e| e.status == Status::Failed).collect();
    let outcome = BatchDone {
        schema: 1,
        out: &args.out,
        shard: shard.map(|shard| shard.to_string()),
        index: format!("{}/{file}", args.out.trim_end_matches('/')),
        counts: index.counts,
        exit_code: index.exit_code,
        failed,
        gone: &index.gone,
    };
    output::print(&args.printing, &outcome, |out| write_outcome(out, &outcome, index))
}

fn write_outcome(out: &mut dyn Write, outcome: &BatchDone<'_>, index: &Index) -> std::io::Result<()> {
    let part = outcome.shard.as_ref().map_or(String::new(), |shard| format!("shard {shard}, "));
    let count = outcome.counts.environments;
    writeln!(out, "{}: {part}{count} environments: {}", outcome.out, index.headline())?;
    match &outcome.shard {
        Some(_) => writeln!(out, "  {}", outcome.index),
        None => writeln!(out, "  {}\n  {}/{SUMMARY}", outcome.index, outcome.out.trim_end_matches('/')),
    }
}

impl From<FleetError> for Failure {
    fn from(error: FleetError) -> Self {
        match error {
            FleetError::Text(TextError::Io { .. }) | FleetError::Io { .. } => Failure::Io(error.to_string()),
            _ => Failure::Input(error.to_string()),
        }
    }
}

impl From<ShardError> for Failure {
    fn from(error: ShardError) -> Self {
        Failure::Input(error.to_string())
    }
}

impl From<DestinationError> for Failure {
    fn from(error: DestinationError) -> Self {
        if error.exit_code() == 2 {
            Failure::Input(error.to_string())
        } else {
            Failure::Io(error.to_string())
        }
    }
}
