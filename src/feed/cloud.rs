//! [`CloudFeed`]: the tags of one cloud, with their lists and their history.

use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use rayon::prelude::*;

use super::answer::Answer;
use super::history::{History, Since, Week};
use super::list::{Family, List};
use super::trouble::Trouble;
use crate::addr::AddrSet;
use crate::catalog::{AbsentWhy, Catalog};
use crate::store::{Kind, Store, StoreError, StoredSnapshot};
use crate::tags::{Cloud, Containment, Delta, Snapshot, Tag, TagIndex};
use crate::text::did_you_mean;

/// The tags of one cloud.
#[derive(Debug)]
pub struct CloudFeed {
    snapshot: Snapshot,
    index: TagIndex,
    history: History,
    /// By the place of the tag in the snapshot; each is made when it is first asked for.
    lists: Vec<[OnceLock<Arc<List>>; 3]>,
    /// Answers about the whole cloud, which take long to make: the table of tags, and everything for who has nothing.
    whole: [OnceLock<Answer>; 2],
    containment: OnceLock<Containment>,
    counts: OnceLock<Vec<[usize; 2]>>,
    seen_at: jiff::Timestamp,
}

/// An answer about a whole cloud.
#[derive(Debug, Clone, Copy)]
pub(super) enum Whole {
    Tags,
    Everything,
}

/// Why a cloud cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum CloudError {
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nothing is stored.
    #[error("no snapshot of the cloud {0} that can be read is in {root}", root = .1.display())]
    Nothing(Cloud, PathBuf),
}

impl CloudFeed {
    /// The tags of `snapshot`, the last of the weeks of `history`.
    pub fn new(snapshot: Snapshot, history: History) -> Self {
        let lists = snapshot.tags().iter().map(|_| Default::default()).collect();
        CloudFeed {
            index: TagIndex::of(&snapshot),
            seen_at: history.current().first_published,
            snapshot,
            history,
            lists,
            whole: Default::default(),
            containment: OnceLock::new(),
            counts: OnceLock::new(),
        }
    }

    /// Reads the stored weeks of a cloud, at most `most` of them, up to that with the digest `wanted`, or else the last good
    /// one. Says what cannot be read.
    ///
    /// # Errors
    /// [`CloudError`].
    pub fn load(
        store: &Store,
        cloud: Cloud,
        wanted: Option<&str>,
        most: usize,
    ) -> Result<(Self, Vec<Trouble>), CloudError> {
        let mut troubles = Vec::new();
        let entries = store.entries(cloud, Kind::File)?;
        let (entry, snapshot) = served(store, cloud, wanted, &entries, &mut troubles)?;
        let place = entries.iter().position(|e| e.digest == entry.digest).unwrap_or(entries.len());
        let earlier = &entries[place.saturating_sub(most.saturating_sub(1))..place];
        let (weeks, deltas) = read_weeks(store, earlier, (&entry, &snapshot), &mut troubles);
        let history = History::new(weeks, deltas, &snapshot);
        let feed = CloudFeed { seen_at: entry.seen_at, ..CloudFeed::new(snapshot, history) };
        Ok((feed, troubles))
    }

    /// The data.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Which tags hold an address.
    pub fn index(&self) -> &TagIndex {
        &self.index
    }

    /// The stored weeks.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// A tag by any spelling of its name, with its place.
    ///
    /// # Errors
    /// A line with the nearest names.
    pub fn tag(&self, name: &str) -> Result<(usize, &Tag), UnknownTag> {
        let found = self.snapshot.tag(name).or_else(|| {
            let (base, ending) = name.split_once('.')?;
            self.snapshot.tag(&self.snapshot.regions().find(ending)?.tag_name(base))
        });
        let place = found.and_then(|tag| {
            self.snapshot.tags().binary_search_by(|other| other.name().as_str().cmp(tag.name().as_str())).ok()
        });
        match place {
            Some(place) => Ok((place, &self.snapshot.tags()[place])),
            None => Err(self.unknown(name)),
        }
    }

    fn unknown(&self, name: &str) -> UnknownTag {
        let cloud = self.snapshot.cloud();
        let why = Catalog::builtin().why_absent(cloud, name);
        let hint = why.map_or_else(|| Hint::Near(self.snapshot.nearest(name)), Hint::Absent);
        UnknownTag { cloud, name: name.to_owned(), hint }
    }

    /// The list of a tag, by its place.
    ///
    /// # Panics
    /// If there are not so many tags.
    pub fn list(&self, place: usize, family: Family) -> Arc<List> {
        let tag = &self.snapshot.tags()[place];
        let make = || Arc::new(List::new(&family.of(tag.set()), self.modified(tag, family)));
        self.lists[place][family as usize].get_or_init(make).clone()
    }

    /// How many entries the list of each tag has, IPv4 and IPv6; counted once.
    pub fn entries(&self) -> impl Iterator<Item = (&str, [usize; 2])> {
        let count = |tag: &Arc<Tag>| [tag.set().v4.prefixes().count(), tag.set().v6.prefixes().count()];
        let counts = self.counts.get_or_init(|| self.snapshot.tags().iter().map(count).collect());
        self.snapshot.tags().iter().map(|tag| tag.name().as_str()).zip(counts.iter().copied())
    }

    /// When a source last had the data as its newest.
    pub fn seen_at(&self) -> jiff::Timestamp {
        self.seen_at
    }

    /// An answer about the whole cloud, made once.
    pub(super) fn whole(&self, which: Whole, make: impl FnOnce() -> Answer) -> Answer {
        self.whole[which as usize].get_or_init(make).clone()
    }

    /// Which tags lie in which, made by `make` when it is first asked for.
    pub(super) fn containment(&self, make: impl FnOnce() -> Containment) -> &Containment {
        self.containment.get_or_init(make)
    }

    /// When what a list holds was first published.
    fn modified(&self, tag: &Tag, family: Family) -> jiff::Timestamp {
        let touched = |change: &crate::tags::SetChange| {
            !family.is_empty_in(&change.added) || !family.is_empty_in(&change.removed)
        };
        let since = self.history.since(tag.name(), touched);
        self.history.weeks()[since.week].first_published
    }

    /// Since when a tag has held all of these addresses.
    pub fn since(&self, tag: &Tag, asked: &AddrSet) -> Since {
        self.history.since(tag.name(), |change| !change.added.is_disjoint(asked))
    }
}

/// A name that is not that of a tag.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the cloud {cloud} has no tag `{name}`{hint}")]
pub struct UnknownTag {
    cloud: Cloud,
    name: String,
    hint: Hint,
}

/// What helps who named a tag that is none.
#[derive(Debug, Clone)]
enum Hint {
    /// Why there is none of this name.
    Absent(AbsentWhy),
    /// The names that are like it.
    Near(Vec<String>),
}

impl Display for Hint {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Hint::Absent(why) => write!(f, ": {why}"),
            Hint::Near(names) => f.write_str(&did_you_mean(names)),
        }
    }
}

/// The snapshot that is served.
fn served(
    store: &Store,
    cloud: Cloud,
    wanted: Option<&str>,
    entries: &[StoredSnapshot],
    troubles: &mut Vec<Trouble>,
) -> Result<(StoredSnapshot, Snapshot), CloudError> {
    if let Some(digest) = wanted {
        match entries.iter().find(|entry| entry.digest == digest).map(|entry| (entry, store.load(entry))) {
            Some((entry, Ok(snapshot))) => return Ok((entry.clone(), snapshot)),
            Some((_, Err(error))) => troubles.push(Trouble::Published(error)),
            None => troubles.push(Trouble::NotStored { cloud, digest: digest.to_owned() }),
        }
    }
    let (good, damaged) = store.last_good(cloud, Kind::File)?;
    troubles.extend(damaged.into_iter().map(Trouble::Passed));
    good.ok_or_else(|| CloudError::Nothing(cloud, store.root().to_path_buf()))
}

/// The weeks up to the last one, which is read already, and what changed between them. At most two snapshots a thread
/// are in memory at a time.
fn read_weeks(
    store: &Store,
    earlier: &[StoredSnapshot],
    last: (&StoredSnapshot, &Snapshot),
    troubles: &mut Vec<Trouble>,
) -> (Vec<Week>, Vec<Delta>) {
    let threads = rayon::current_num_threads().max(1);
    let size = earlier.len().div_ceil(threads).max(1);
    let runs: Vec<Run> = earlier.par_chunks(size).map(|entries| Run::read(store, entries)).collect();
    let (mut weeks, mut deltas) = (Vec::new(), Vec::new());
    let mut before: Option<Snapshot> = None;
    for run in runs {
        troubles.extend(run.troubles);
        let Some((first, end)) = run.ends else { continue };
        if let Some(before) = &before {
            deltas.push(Delta::of(before, &first));
        }
        weeks.extend(run.weeks);
        deltas.extend(run.deltas);
        before = Some(end.unwrap_or(first));
    }
    deltas.extend(before.map(|before| Delta::of(&before, last.1)));
    weeks.push(Week::of(last.0));
    (weeks, deltas)
}

/// Weeks that follow each other, read by one thread.
#[derive(Default)]
struct Run {
    weeks: Vec<Week>,
    deltas: Vec<Delta>,
    /// The first of them, and the last where that is another.
    ends: Option<(Snapshot, Option<Snapshot>)>,
    troubles: Vec<Trouble>,
}

impl Run {
    fn read(store: &Store, entries: &[StoredSnapshot]) -> Run {
        let mut run = Run::default();
        for entry in entries {
            match store.load(entry) {
                Ok(snapshot) => run.add(entry, snapshot),
                Err(error) => run.troubles.push(Trouble::Week(error)),
            }
        }
        run
    }

    fn add(&mut self, entry: &StoredSnapshot, snapshot: Snapshot) {
        self.weeks.push(Week::of(entry));
        match &mut self.ends {
            None => self.ends = Some((snapshot, None)),
            Some((first, last)) => {
                self.deltas.push(Delta::of(last.as_ref().unwrap_or(first), &snapshot));
                *last = Some(snapshot);
            }
        }
    }
}
