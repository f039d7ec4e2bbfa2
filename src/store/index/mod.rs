//! [`timeline`]: what every tag held in every stored week, from an index that is kept beside the store's snapshots.
//!
//! The index is a SQLite file, `index.sqlite` in the folder of the store. It is made from the snapshots and holds nothing
//! that they do not: it may be removed at any time, and is made anew where it does not fit them. Its tables are
//! documented in `docs/history.md`, for people who ask with tools of their own.

mod fault;
mod rows;
mod schema;

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::civil::Date;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::disk::Store;
use super::entry::{Kind, StoredSnapshot};
use crate::tags::{Cloud, Timeline, Week};

use fault::Fault;
pub use fault::IndexError;

/// Name of the file in the folder of the store.
pub const INDEX: &str = "index.sqlite";

/// How long one run waits for another that is making the index.
const PATIENCE: Duration = Duration::from_secs(120);

/// The timeline of a store, and what was remarkable on the way.
#[derive(Debug, Clone)]
pub struct Indexed {
    /// What every tag held in every week.
    pub timeline: Timeline,
    /// Snapshots that cannot be read and are left out, and why nothing could be kept.
    pub warnings: Vec<String>,
}

/// A week that the index ought to hold.
struct Planned<'a> {
    date: Date,
    entry: &'a StoredSnapshot,
}

/// What every tag held in every week of one cloud and kind that the store has. Brings the index up to date first; where
/// it cannot be written, all is read from the snapshots.
///
/// # Errors
/// [`IndexError`]; a damaged index is none, since it is made again.
///
/// # Cost
/// Where the index is up to date, linear in its rows. Else each new snapshot is read once.
pub fn timeline(store: &Store, cloud: Cloud, kind: Kind) -> Result<Indexed, IndexError> {
    let entries = store.entries(cloud, kind)?;
    let mut plan: Vec<Planned<'_>> = entries.iter().flat_map(weeks_of).collect();
    plan.sort_by_key(|week| (week.date, week.entry.fetched_at));
    if plan.is_empty() {
        return Ok(Indexed { timeline: Timeline::default(), warnings: Vec::new() });
    }
    let path = store.root().join(INDEX);
    let work = Work { store, series: (cloud, kind), plan: &plan };
    match work.in_file(&path) {
        Err(Fault::Unwritable(why)) => {
            let mut indexed = work.in_memory(Timeline::default());
            indexed.warnings.push(format!("the index {} is not kept: {why}", path.display()));
            Ok(indexed)
        }
        Err(Fault::Broken(_)) => {
            remove(&path)?;
            work.in_file(&path).map_err(|fault| fault.at(&path))
        }
        Err(fault @ (Fault::Sql(_) | Fault::Stop(_))) => Err(fault.at(&path)),
        Ok(indexed) => Ok(indexed),
    }
}

/// Every day on which the content was published, or else that of its arrival.
fn weeks_of(entry: &StoredSnapshot) -> impl Iterator<Item = Planned<'_>> {
    let dates = if entry.dates.is_empty() { vec![entry.day()] } else { entry.dates.clone() };
    dates.into_iter().map(move |date| Planned { date, entry })
}

/// The timeline of one cloud and kind, to be made.
struct Work<'a> {
    store: &'a Store,
    series: (Cloud, Kind),
    plan: &'a [Planned<'a>],
}

impl Work<'_> {
    fn in_file(&self, path: &Path) -> Result<Indexed, Fault> {
        let mut connection = open(path)?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
        schema::check(&transaction)?;
        let known = rows::read_weeks(&transaction, self.series)?;
        if self.starts_with(&known) && known.len() == self.plan.len() {
            let timeline = rows::read(&transaction, self.series)?;
            return Ok(Indexed { timeline, warnings: Vec::new() });
        }
        drop(transaction);
        self.bring_up_to_date(&mut connection)
    }

    /// Adds the weeks that are not there, or makes all anew where the first ones are others.
    fn bring_up_to_date(&self, connection: &mut Connection) -> Result<Indexed, Fault> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Somebody else may have done the work since.
        let known = rows::read_weeks(&transaction, self.series)?;
        let start = if self.starts_with(&known) {
            rows::read(&transaction, self.series)?
        } else {
            rows::clear(&transaction, self.series)?;
            Timeline::default()
        };
        let first = start.weeks().len();
        let (indexed, changed) = self.continued(start);
        rows::write(&transaction, self.series, &indexed.timeline, first, &changed)?;
        transaction.commit()?;
        Ok(indexed)
    }

    fn in_memory(&self, start: Timeline) -> Indexed {
        self.continued(start).0
    }

    /// The timeline with the weeks of the plan that it lacks, and the places of the tags that changed.
    fn continued(&self, start: Timeline) -> (Indexed, Vec<u32>) {
        let mut indexed = Indexed { timeline: start, warnings: Vec::new() };
        let mut changed = Vec::new();
        for week in &self.plan[indexed.timeline.weeks().len()..] {
            match self.store.load(week.entry) {
                Ok(snapshot) => {
                    changed.extend(indexed.timeline.push(Week::of(week.date, &snapshot), &snapshot));
                }
                Err(error) => indexed.warnings.push(error.to_string()),
            }
        }
        changed.sort_unstable();
        changed.dedup();
        (indexed, changed)
    }

    /// Whether the plan begins with these weeks.
    fn starts_with(&self, known: &[Week]) -> bool {
        let same = |(week, planned): (&Week, &Planned<'_>)| {
            week.date == planned.date && week.digest == planned.entry.digest
        };
        known.len() <= self.plan.len() && known.iter().zip(self.plan).all(same)
    }
}

/// Opens the index, making it where there is none.
fn open(path: &Path) -> Result<Connection, Fault> {
    if let Some(what) = in_the_way(path) {
        let path = path.display().to_string();
        return Err(Fault::Stop(IndexError::InTheWay { path, what }));
    }
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    schema::make(&connection)?;
    Ok(connection)
}

/// What lies at `path`, if it is something else than a plain file: no link is followed, no pipe waited for.
fn in_the_way(path: &Path) -> Option<&'static str> {
    let kind = std::fs::symlink_metadata(path).ok()?.file_type();
    (!kind.is_file()).then(|| super::plain::kind(kind))
}

/// Removes the index with what SQLite keeps beside it.
fn remove(path: &Path) -> Result<(), IndexError> {
    let beside = |ending: &str| PathBuf::from(format!("{}{ending}", path.display()));
    for path in [path.to_owned(), beside("-journal"), beside("-wal"), beside("-shm")] {
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(IndexError::Io { path: path.display().to_string(), error });
            }
            _ => {}
        }
    }
    Ok(())
}

/// Writes a copy of the whole index to a new file.
///
/// # Errors
/// [`IndexError`], also where the file is there already.
pub fn copy_to(store: &Store, target: &Path) -> Result<(), IndexError> {
    let path = store.root().join(INDEX);
    let sql = |error| IndexError::Sql { path: path.display().to_string(), error };
    let connection = open(&path).map_err(|fault| fault.at(&path))?;
    connection.execute("VACUUM INTO ?1", [target.to_string_lossy()]).map_err(sql)?;
    Ok(())
}
