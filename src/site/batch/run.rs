//! [`run`]: all environments of a fleet, group by group.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::entry::{MadeEnvironment, Status};
use super::index::{Before, Data, INDEX, Index, Part, SUMMARY, TagMark, part_name};
use super::make::{Dated, Made, Maker};
use super::place::{Destination, DestinationError};
use super::shard::Shard;
use crate::catalog::Date;
use crate::environment::{Fleet, shard_of};
use crate::tags::{Cloud, Snapshot};

/// So many environments get their places together: enough that waiting for the disk is shared, and few enough that a
/// killed run has little to do again.
const GROUP: usize = 128;

/// What a batch works on.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    /// The environments.
    pub fleet: &'a Fleet,
    /// The service tags of each cloud that they need.
    pub data: &'a BTreeMap<Cloud, Dated>,
    /// The day whose facts are taken; that of the data where none is given.
    pub as_of: Option<Date>,
    /// Which part of the fleet this is, where it is one. The fleet holds that part alone.
    pub shard: Option<Shard>,
    /// How many work at the same time.
    pub jobs: usize,
    /// Make also what is there already.
    pub force: bool,
    /// Go on with the others where one fails.
    pub keep_going: bool,
}

/// Makes all environments of a batch and writes its result beside them: `index.json` with a summary, or the part of a
/// shard. `told` is called for each environment in order of the names, once it has its place.
///
/// # Errors
/// [`DestinationError`] if a group or the result cannot be written; what has its place by then keeps it. What is wrong
/// with single environments is in the result.
pub fn run<D: Destination>(
    batch: &Batch<'_>,
    place: &D,
    told: &mut dyn FnMut(&MadeEnvironment),
) -> Result<Index, DestinationError> {
    let before = place.beside(INDEX).and_then(|bytes| Index::read(&bytes));
    let changed: BTreeMap<Cloud, BTreeSet<String>> = batch
        .data
        .iter()
        .filter_map(|(cloud, data)| Some((*cloud, before.as_ref()?.changed_tags(*cloud, &data.snapshot))))
        .collect();
    let maker = Maker {
        fleet: batch.fleet,
        data: batch.data,
        as_of: batch.as_of,
        force: batch.force,
        place,
        before: before.as_ref(),
        changed: &changed,
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(batch.jobs.max(1)).build();
    let pool =
        pool.map_err(|error| DestinationError::Remote(format!("no threads can be started: {error}")))?;
    let all: Vec<usize> = (0..batch.fleet.len()).collect();
    let mut entries = Vec::with_capacity(all.len());
    let mut waiting: Vec<Made<D::Staged>> = Vec::new();
    for group in all.chunks(GROUP).map(Some).chain([None]) {
        // While a group gets its places the next one is made.
        let (made, done) = std::thread::scope(|scope| {
            let commit = scope.spawn(|| commit(place, std::mem::take(&mut waiting)));
            let made: Vec<Made<D::Staged>> = pool.install(|| {
                group.unwrap_or_default().par_iter().with_max_len(1).map(|&index| maker.make(index)).collect()
            });
            (made, commit.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        });
        let done = done?;
        done.iter().for_each(&mut *told);
        let stop =
            !batch.keep_going && done.iter().chain(made.iter().map(|m| &m.entry)).any(|e| e.exit_code > 0);
        entries.extend(done);
        waiting = made;
        if stop {
            let rest = commit(place, waiting)?;
            rest.iter().for_each(&mut *told);
            entries.extend(rest);
            break;
        }
    }
    let index = result(batch, before.as_ref(), entries);
    write(batch, place, &index)?;
    Ok(index)
}

/// Puts a group in its places.
fn commit<D: Destination>(
    place: &D,
    made: Vec<Made<D::Staged>>,
) -> Result<Vec<MadeEnvironment>, DestinationError> {
    let (mut entries, mut staged, mut owners) = (Vec::new(), Vec::new(), Vec::new());
    for Made { entry, staged: own } in made {
        if let Some(own) = own {
            staged.push(own);
            owners.push(entries.len());
        }
        entries.push(entry);
    }
    let done = if staged.is_empty() { Vec::new() } else { place.commit(staged)? };
    for (owner, one) in owners.into_iter().zip(done) {
        if let Err(error) = one {
            let entry = &mut entries[owner];
            entry.status = Status::Failed;
            entry.exit_code = error.exit_code();
            entry.error = Some(error.to_string());
            entry.made = None;
            entry.changed.clear();
            entry.because.clear();
        }
    }
    Ok(entries)
}

/// The result of a batch.
fn result(batch: &Batch<'_>, before: Option<&Index>, entries: Vec<MadeEnvironment>) -> Index {
    let mut used: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for made in entries.iter().filter_map(|entry| entry.made.as_ref()) {
        used.entry(&made.cloud).or_default().extend(made.tags.iter().map(String::as_str));
    }
    let data = batch.data.iter().map(|(cloud, data)| {
        let before = before.and_then(|index| index.data.get(cloud.name()));
        let tags = used.remove(cloud.name()).unwrap_or_default();
        (cloud.name().to_owned(), data_of(&data.snapshot, &tags, before))
    });
    let data = data.collect();
    let mine = |name: &str| batch.shard.is_none_or(|s| shard_of(name, s.shards) == s.shard);
    let known: BTreeSet<&str> = batch.fleet.names().collect();
    let gone = before.into_iter().flat_map(|index| &index.environments);
    let gone = gone.filter(|entry| !known.contains(entry.name.as_str()) && mine(&entry.name));
    let gone = gone.map(|entry| entry.name.clone()).collect();
    Index::new(batch.fleet.digest().to_owned(), data, entries, gone)
}

fn data_of(snapshot: &Snapshot, tags: &BTreeSet<&str>, before: Option<&Data>) -> Data {
    let mark = |name: &&str| {
        let mut mark = TagMark::of(snapshot, name)?;
        let old = before.and_then(|data| data.tags.get(*name));
        mark.prefixes_before = old.filter(|old| old.sha256 != mark.sha256).map(|old| old.prefixes);
        Some(((*name).to_owned(), mark))
    };
    Data {
        change_number: snapshot.change_number(),
        sha256: snapshot.digest().to_owned(),
        before: before.map(|data| Before { change_number: data.change_number, sha256: data.sha256.clone() }),
        tags: tags.iter().filter_map(mark).collect(),
    }
}

fn write<D: Destination>(batch: &Batch<'_>, place: &D, index: &Index) -> Result<(), DestinationError> {
    match batch.shard {
        Some(Shard { shard, shards }) => {
            let part = Part { shard, shards, index: index.clone() };
            place.write_beside(&part_name(shard, shards), &part.bytes())
        }
        None => {
            place.write_beside(SUMMARY, index.summary().as_bytes())?;
            place.write_beside(INDEX, &index.bytes())
        }
    }
}
