//! [`Supply`]: from a source into the store, past the guard.

use std::collections::BTreeSet;
use std::path::PathBuf;

use jiff::{Timestamp, tz::TimeZone};

use super::guard::{self, Dated, Guard, Rule, Thresholds, Verdict};
use super::source::{Answer, Body, FetchError, Http, Known, Source, Validators};
use super::{Damage, Origin, Store, StoreError, StoredSnapshot, date_in_name, unpack};
use crate::tags::{Cloud, Snapshot};

/// What data must hold to.
#[derive(Debug, Clone)]
pub struct Terms {
    /// How much may change.
    pub thresholds: Thresholds,
    /// Rules that somebody has overridden.
    pub accepted: Vec<Rule>,
    /// The present moment.
    pub now: Timestamp,
}

/// How the data of a cloud stands after a look at its source.
#[derive(Debug, Clone)]
pub struct Acquired {
    /// What happened.
    pub status: Status,
    /// The data that is good now.
    pub entry: StoredSnapshot,
    /// The same, where it has been read already.
    pub snapshot: Option<Snapshot>,
    /// What is remarkable about it.
    pub notes: Vec<String>,
}

/// What a look at a source brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// New content.
    New,
    /// The same content as before, sent again.
    Same,
    /// The server said that nothing has changed.
    NotModified,
}

/// Why there is no new data. What was good before is still there in each case.
#[derive(Debug, thiserror::Error)]
pub enum AcquireError {
    /// The source gave nothing.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The guard refused what came.
    #[error(transparent)]
    Refused(Box<Refused>),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Data that the guard refused.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", self.text())]
pub struct Refused {
    /// The cloud.
    pub cloud: Cloud,
    /// Where it came from.
    pub from: String,
    /// Why.
    pub reasons: Vec<String>,
    /// Where it lies for a look.
    pub aside: Option<PathBuf>,
    /// What stays in use.
    pub last_good: Option<StoredSnapshot>,
}

impl Refused {
    fn text(&self) -> String {
        let mut text = format!("new data of the cloud {} is refused: {}", self.cloud, self.from);
        self.reasons.iter().for_each(|reason| text += &format!("\n  {reason}"));
        if let Some(path) = &self.aside {
            text += &format!("\n  it lies aside in {}", path.display());
        }
        match &self.last_good {
            Some(entry) => {
                text + &format!("\n  the last good data stays: {} of {}", entry.short(), entry.day())
            }
            None => text + "\n  there was no data before, and there is none now",
        }
    }
}

/// A store and the source that it is filled from.
#[derive(Debug, Clone, Copy)]
pub struct Supply<'a> {
    /// Where the data goes.
    pub store: &'a Store,
    /// Where it comes from.
    pub source: &'a Source,
}

impl Supply<'_> {
    /// Gets the newest data of `cloud` and makes it current in the store, if the guard lets it.
    ///
    /// `used` says which tags are in use by some data. It is asked for the last good and for the new data, and only where
    /// there is new data.
    ///
    /// # Errors
    /// [`AcquireError`]; then what was current before still is.
    pub async fn acquire(
        &self,
        http: &Http,
        cloud: Cloud,
        terms: &Terms,
        used: impl Fn(&Snapshot) -> BTreeSet<String>,
    ) -> Result<Acquired, AcquireError> {
        let Supply { store, source } = *self;
        let current = store.current(cloud, source.kind())?.filter(|entry| store.data_path(entry).exists());
        let known = current.as_ref().map(known_of).unwrap_or_default();
        let today = terms.now.to_zoned(TimeZone::UTC).date();
        match source.fetch(http, cloud, &known, today).await? {
            Answer::Body(body) => self.take(cloud, terms, body, used),
            Answer::Unchanged => {
                let _lock = store.lock()?;
                // Nothing known can be unchanged only if it is there, and still is: another run may have removed it.
                let Some(entry) = current.filter(|entry| store.data_path(entry).exists()) else {
                    let attempts = vec![
                        "nothing changed, it says, but what was known is not there; try again".to_owned(),
                    ];
                    return Err(FetchError { cloud, attempts }.into());
                };
                store.seen(cloud, &entry, terms.now)?;
                store.set_current(cloud, &entry)?;
                Ok(Acquired { status: Status::NotModified, entry, snapshot: None, notes: Vec::new() })
            }
        }
    }

    /// Past the guard and into the store.
    fn take(
        &self,
        cloud: Cloud,
        terms: &Terms,
        body: Body,
        used: impl Fn(&Snapshot) -> BTreeSet<String>,
    ) -> Result<Acquired, AcquireError> {
        let Supply { store, source } = *self;
        let _lock = store.lock()?;
        let (last, damaged) = store.last_good(cloud, source.kind())?;
        let published = is_published(source, &body.from, cloud);
        let mut arrival = Arrival { store, cloud, last, origin: origin(source, &body, terms.now), published };
        let (json, snapshot) = arrival.read(body.bytes)?;
        let verdict = arrival.judge(&snapshot, terms, used)?;
        if !verdict.is_accepted() {
            return Err(arrival.refuse(&json, verdict.reasons()));
        }
        arrival.origin.accepted = verdict.overridden.iter().map(|rule| rule.name().to_owned()).collect();
        let added = store.add(&snapshot, &json, &arrival.origin, &verdict.notes)?;
        store.set_current(cloud, &added.entry)?;
        let same = arrival.last.is_some_and(|(entry, _)| entry.digest == added.entry.digest);
        let status = if same { Status::Same } else { Status::New };
        let notes = damaged.iter().map(Damage::to_string).chain(verdict.notes).collect();
        Ok(Acquired { status, entry: added.entry, snapshot: Some(snapshot), notes })
    }
}

fn known_of(entry: &StoredSnapshot) -> Known {
    Known {
        from: entry.from.clone(),
        date: entry.date(),
        validators: Validators { etag: entry.etag.clone(), last_modified: entry.last_modified.clone() },
    }
}

fn origin(source: &Source, body: &Body, at: Timestamp) -> Origin {
    Origin {
        kind: source.kind(),
        from: body.from.clone(),
        date: body.date,
        etag: body.validators.etag.clone(),
        last_modified: body.validators.last_modified.clone(),
        at,
        accepted: Vec::new(),
    }
}

/// Whether data comes as the published file does: from Microsoft, or under the name of a published file of the cloud.
fn is_published(source: &Source, from: &str, cloud: Cloud) -> bool {
    let name = from.rsplit(['/', '\\']).next().unwrap_or(from);
    let named =
        name.starts_with(&format!("ServiceTags_{}_", cloud.file_code())) && date_in_name(name).is_some();
    named || matches!(source, Source::Microsoft { .. } | Source::Api(_))
}

/// Which of the stored entries, oldest first, growth is held against beside the last good one: the newest that is old
/// enough, or else the oldest. None from before somebody accepted growth: that was looked at.
fn earlier_of<'e>(
    stored: &'e [StoredSnapshot],
    last: &StoredSnapshot,
    new: Option<jiff::civil::Date>,
) -> Option<&'e StoredSnapshot> {
    if guard::is_earlier(last.date(), new) {
        return None;
    }
    let grown = Rule::UsedTagGrown.name();
    let from = stored.iter().rposition(|entry| entry.accepted.iter().any(|rule| rule == grown)).unwrap_or(0);
    let older = |entry: &&StoredSnapshot| {
        entry.digest != last.digest && entry.date() <= last.date() && entry.date().is_some()
    };
    let mut known = stored[from..].iter().filter(older);
    let old_enough = known.clone().rev().find(|entry| guard::is_earlier(entry.date(), new));
    old_enough.or_else(|| known.next())
}

/// Data that has come, before it is known what it is.
struct Arrival<'a> {
    store: &'a Store,
    cloud: Cloud,
    last: Option<(StoredSnapshot, Snapshot)>,
    origin: Origin,
    published: bool,
}

impl Arrival<'_> {
    /// The bytes, unpacked, as a snapshot of the cloud.
    fn read(&self, bytes: Vec<u8>) -> Result<(Vec<u8>, Snapshot), AcquireError> {
        let json = unpack(bytes.clone()).map_err(|(format, error)| {
            self.refuse(&bytes, vec![format!("it cannot be unpacked as {format}: {error}")])
        })?;
        let snapshot =
            guard::read(&json, self.cloud).map_err(|why| self.refuse(&json, vec![why.to_string()]))?;
        Ok((json, snapshot))
    }

    fn judge(
        &self,
        snapshot: &Snapshot,
        terms: &Terms,
        used: impl Fn(&Snapshot) -> BTreeSet<String>,
    ) -> Result<Verdict, StoreError> {
        let stored = self.store.entries(self.cloud, self.origin.kind)?;
        let seen =
            stored.iter().find(|entry| entry.digest == snapshot.digest()).and_then(StoredSnapshot::date);
        let new = Dated { snapshot, date: self.origin.date, seen };
        let old =
            self.last.as_ref().map(|(entry, snapshot)| Dated { snapshot, date: entry.date(), seen: None });
        // By the new data other tags may be in use: that of a region that has got one.
        let used: BTreeSet<String> =
            old.iter().flat_map(|old| used(old.snapshot)).chain(used(snapshot)).collect();
        let last = self.last.as_ref().filter(|_| !used.is_empty());
        let earlier = last.and_then(|(last, _)| earlier_of(&stored, last, new.date));
        // What cannot be read any more is no measure.
        let earlier = earlier.and_then(|entry| Some((entry.date(), self.store.load(entry).ok()?)));
        let earlier = earlier.as_ref().map(|(date, snapshot)| Dated { snapshot, date: *date, seen: None });
        let (thresholds, accepted) = (&terms.thresholds, terms.accepted.as_slice());
        let guard = Guard { thresholds, accepted, used: &used, earlier, published: self.published };
        Ok(guard.judge(old, new))
    }

    /// Lays the bytes aside and says why.
    fn refuse(&self, bytes: &[u8], reasons: Vec<String>) -> AcquireError {
        // A disk that is too full for the refused bytes must not hide why they were refused.
        let aside = self.store.set_aside(self.cloud, bytes, &self.origin, &reasons).ok();
        let last_good = self.last.as_ref().map(|(entry, _)| entry.clone());
        let from = self.origin.from.clone();
        AcquireError::Refused(Box::new(Refused { cloud: self.cloud, from, reasons, aside, last_good }))
    }
}
