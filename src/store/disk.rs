//! [`Store`]: snapshots on disk, each once, told apart by what is in them.
//!
//! ```text
//! STORE/public/file/DIGEST.json.zst    the published bytes; `zstdcat` shows them
//! STORE/public/file/DIGEST.meta.json   where from, when, and what is in it
//! STORE/public/file/current            the digest that `latest` means
//! STORE/public/refused/…               what was not taken, for a look
//! ```
//!
//! Data is written before its description, and both by renaming, so that an entry is whole or not there.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::damage::{Flaw, Unusable};
use super::entry::{Kind, META, Origin, StoredSnapshot, entry_of, pretty, read_entry};
use super::{LoadError, atomic, plain, unpack};
use crate::redact;
use crate::tags::{Cloud, Snapshot};
use crate::text::sha256_hex;

/// Snapshots on disk. Opening one touches nothing; the first write makes the folders.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
}

/// What [`Store::add`] did.
#[derive(Debug, Clone)]
pub struct Added {
    /// The entry as it is now.
    pub entry: StoredSnapshot,
    /// Whether the content was not there before.
    pub new: bool,
}

/// What is in a store.
#[derive(Debug, Default)]
pub struct Listing {
    /// The entries, oldest first.
    pub entries: Vec<StoredSnapshot>,
    /// Descriptions that cannot be read, and why.
    pub broken: Vec<(PathBuf, Unusable)>,
}

/// What [`Store::prune`] leaves. What `latest` means always stays.
#[derive(Debug, Clone, Copy, Default)]
pub struct Keep {
    /// At most so many of each cloud and kind.
    pub number: Option<usize>,
    /// None that was last seen longer ago.
    pub age: Option<SignedDuration>,
}

/// Data that was not taken, as it lies under `refused/` for a look.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Refusal {
    /// When it came.
    pub at: Timestamp,
    /// Where from.
    pub from: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// Why it was not taken.
    pub reasons: Vec<String>,
}

/// Why the store could not do something.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The system refused.
    #[error("{path}: {error}")]
    Io {
        /// The file or folder.
        path: String,
        /// What the system said.
        error: io::Error,
    },
    /// An entry is there, but not what its name says.
    #[error("{path}: the stored snapshot is damaged: {why}; remove it and fetch again")]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong with it.
        why: Flaw,
    },
}

/// What of a store is passed over where the last good data is asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Damage {
    /// The file that names the current snapshot.
    #[error("{}: {why}", path.display())]
    Current {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: Unusable,
    },
    /// A snapshot.
    #[error(transparent)]
    Snapshot(StoreError),
}

impl StoreError {
    fn io(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
        let path = path.display().to_string();
        move |error| StoreError::Io { path, error }
    }
}

/// How many refused bodies are kept for each cloud.
const REFUSED_KEPT: usize = 10;

impl Store {
    /// The store in the folder `root`, which need not be there yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Store { root: root.into() }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Takes the store's lock, waiting for whoever has it. It ends with the value, or with the process. Then sweeps away
    /// what killed runs left behind.
    ///
    /// # Errors
    /// [`StoreError::Io`] if the folder cannot be made or written.
    pub fn lock(&self) -> Result<File, StoreError> {
        fs::create_dir_all(&self.root).map_err(StoreError::io(&self.root))?;
        let path = self.root.join(".lock");
        let file = plain::open_lock(&path).map_err(StoreError::io(&path))?;
        file.lock().map_err(StoreError::io(&path))?;
        for cloud in Cloud::ALL {
            atomic::sweep(&self.refused(cloud));
            Kind::ALL.into_iter().for_each(|kind| atomic::sweep(&self.folder(cloud, kind)));
        }
        Ok(file)
    }

    /// Every entry, oldest first. An empty or missing folder has none.
    ///
    /// # Errors
    /// [`StoreError::Io`]; entries that cannot be read are in [`Listing::broken`] instead.
    pub fn list(&self) -> Result<Listing, StoreError> {
        let mut listing = Listing::default();
        for cloud in Cloud::ALL {
            for kind in Kind::ALL {
                self.list_into(cloud, kind, &mut listing)?;
            }
        }
        Ok(listing)
    }

    /// The entries of one cloud and kind, oldest first.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn entries(&self, cloud: Cloud, kind: Kind) -> Result<Vec<StoredSnapshot>, StoreError> {
        let mut listing = Listing::default();
        self.list_into(cloud, kind, &mut listing)?;
        Ok(listing.entries)
    }

    fn list_into(&self, cloud: Cloud, kind: Kind, listing: &mut Listing) -> Result<(), StoreError> {
        let folder = self.folder(cloud, kind);
        let files = match fs::read_dir(&folder) {
            Ok(files) => files,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(StoreError::io(&folder)(error)),
        };
        let start = listing.entries.len();
        for file in files {
            let path = file.map_err(StoreError::io(&folder))?.path();
            if !path.to_string_lossy().ends_with(META) {
                continue;
            }
            match read_entry(&path, cloud, kind) {
                Ok(entry) => listing.entries.push(entry),
                Err(why) => listing.broken.push((path, why.into())),
            }
        }
        listing.broken.extend(self.named(cloud, kind).err());
        listing.entries[start..]
            .sort_by(|a, b| (a.day(), a.fetched_at, &a.digest).cmp(&(b.day(), b.fetched_at, &b.digest)));
        Ok(())
    }

    /// What `latest` means: the entry last made current, or else the newest.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn current(&self, cloud: Cloud, kind: Kind) -> Result<Option<StoredSnapshot>, StoreError> {
        match self.named(cloud, kind) {
            Ok(Some(entry)) => Ok(Some(entry)),
            // What is wrong with it is told by whoever lists the store or takes the last good data.
            Ok(None) | Err(_) => Ok(self.entries(cloud, kind)?.pop()),
        }
    }

    /// The entry that was last made current, if there is one; or what is wrong with the file that names it.
    fn named(&self, cloud: Cloud, kind: Kind) -> Result<Option<StoredSnapshot>, (PathBuf, Unusable)> {
        let path = self.folder(cloud, kind).join("current");
        let text = match plain::read_text(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err((path, Unusable::Current(error))),
            Ok(text) => text,
        };
        let digest = text.trim();
        if digest.is_empty() || !digest.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err((path, Unusable::NoDigest));
        }
        let meta = meta_path(&self.folder(cloud, kind), digest);
        read_entry(&meta, cloud, kind)
            .map(Some)
            .map_err(|why| (path, Unusable::Named { digest: digest.to_owned(), why }))
    }

    /// Makes `entry` the one that `latest` means.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn set_current(&self, cloud: Cloud, entry: &StoredSnapshot) -> Result<(), StoreError> {
        let path = self.folder(cloud, entry.kind).join("current");
        if plain::read_text(&path).is_ok_and(|text| text.trim() == entry.digest) {
            return Ok(());
        }
        atomic::write(&path, format!("{}\n", entry.digest).as_bytes()).map_err(StoreError::io(&path))
    }

    /// The current snapshot, or else the newest that can still be read; damaged ones are told of in the list.
    ///
    /// # Errors
    /// [`StoreError::Io`] if the folder cannot be read.
    pub fn last_good(&self, cloud: Cloud, kind: Kind) -> Result<LastGood, StoreError> {
        let told = |(path, why)| Damage::Current { path, why };
        let mut damaged: Vec<Damage> = self.named(cloud, kind).err().map(told).into_iter().collect();
        let others = || self.entries(cloud, kind).map(|list| list.into_iter().rev().collect::<Vec<_>>());
        let Some(first) = self.current(cloud, kind)? else { return Ok((None, damaged)) };
        match self.load(&first) {
            Ok(snapshot) => return Ok((Some((first, snapshot)), damaged)),
            Err(error) => damaged.push(Damage::Snapshot(error)),
        }
        for entry in others()?.into_iter().filter(|e| e.digest != first.digest) {
            match self.load(&entry) {
                Ok(snapshot) => return Ok((Some((entry, snapshot)), damaged)),
                Err(error) => damaged.push(Damage::Snapshot(error)),
            }
        }
        Ok((None, damaged))
    }

    /// Reads a stored snapshot, and makes sure that it is what its name says.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn load(&self, entry: &StoredSnapshot) -> Result<Snapshot, StoreError> {
        let path = self.data_path(entry);
        let damaged = |why: Flaw| StoreError::Damaged { path: path.display().to_string(), why };
        let packed = match plain::read(&path) {
            Err(error) if [io::ErrorKind::Other, io::ErrorKind::NotFound].contains(&error.kind()) => {
                return Err(damaged(error.into()));
            }
            other => other.map_err(StoreError::io(&path))?,
        };
        let json = unpack(packed).map_err(|(_, error)| damaged(error.into()))?;
        let snapshot = Snapshot::parse(&json).map_err(|error| damaged(error.into()))?;
        if snapshot.digest() != entry.digest {
            return Err(damaged(Flaw::Digest(snapshot.digest().to_owned())));
        }
        Ok(snapshot)
    }

    /// Keeps `snapshot`, whose published form is `json`. The same content again only gets its description renewed.
    ///
    /// # Errors
    /// [`StoreError::Io`]; then nothing has changed.
    pub fn add(
        &self,
        snapshot: &Snapshot,
        json: &[u8],
        origin: &Origin,
        notes: &[String],
    ) -> Result<Added, StoreError> {
        let folder = self.folder(snapshot.cloud(), origin.kind);
        fs::create_dir_all(&folder).map_err(StoreError::io(&folder))?;
        let meta_path = meta_path(&folder, snapshot.digest());
        let old = read_entry(&meta_path, snapshot.cloud(), origin.kind).ok();
        let entry = entry_of(snapshot, json, origin, notes, old.as_ref());
        let data_path = self.data_path(&entry);
        // Bytes that are damaged are made up for by the same content.
        if old.is_none() || self.load(&entry).is_err() {
            let packed = zstd::stream::encode_all(json, 3).map_err(StoreError::io(&data_path))?;
            atomic::write(&data_path, &packed).map_err(StoreError::io(&data_path))?;
        }
        if old.as_ref() != Some(&entry) {
            atomic::write(&meta_path, &pretty(&entry)).map_err(StoreError::io(&meta_path))?;
        }
        Ok(Added { entry, new: old.is_none() })
    }

    /// Notes that a source still has `entry` as its newest.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn seen(&self, cloud: Cloud, entry: &StoredSnapshot, at: Timestamp) -> Result<(), StoreError> {
        let path = meta_path(&self.folder(cloud, entry.kind), &entry.digest);
        let entry = StoredSnapshot { seen_at: at, ..entry.clone() };
        atomic::write(&path, &pretty(&entry)).map_err(StoreError::io(&path))
    }

    /// Lays data that was not taken aside, with the reasons. Gives the path of the data.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn set_aside(
        &self,
        cloud: Cloud,
        bytes: &[u8],
        origin: &Origin,
        reasons: &[String],
    ) -> Result<PathBuf, StoreError> {
        let folder = self.refused(cloud);
        fs::create_dir_all(&folder).map_err(StoreError::io(&folder))?;
        let sha256 = sha256_hex(bytes);
        let stamp = origin.at.strftime("%Y%m%dT%H%M%SZ");
        let path = folder.join(format!("{stamp}-{}.zst", &sha256[..12]));
        let refusal =
            Refusal { at: origin.at, from: redact::address(&origin.from), sha256, reasons: reasons.to_vec() };
        let packed = zstd::stream::encode_all(bytes, 3).map_err(StoreError::io(&path))?;
        atomic::write(&path, &packed).map_err(StoreError::io(&path))?;
        let why = path.with_extension("why.json");
        atomic::write(&why, &pretty(&refusal)).map_err(StoreError::io(&why))?;
        remove_oldest(&folder, REFUSED_KEPT * 2);
        Ok(path)
    }

    /// Removes what `keep` does not keep, and what killed runs left behind. Gives the removed entries.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn prune(&self, keep: Keep, now: Timestamp) -> Result<Vec<StoredSnapshot>, StoreError> {
        let mut removed = Vec::new();
        for cloud in Cloud::ALL {
            for kind in Kind::ALL {
                self.prune_kind(cloud, kind, keep, now, &mut removed)?;
            }
        }
        Ok(removed)
    }

    fn prune_kind(
        &self,
        cloud: Cloud,
        kind: Kind,
        keep: Keep,
        now: Timestamp,
        removed: &mut Vec<StoredSnapshot>,
    ) -> Result<(), StoreError> {
        let entries = self.entries(cloud, kind)?;
        let current = self.current(cloud, kind)?.map(|entry| entry.digest);
        let too_many = entries.len().saturating_sub(keep.number.unwrap_or(usize::MAX));
        for (at, entry) in entries.iter().enumerate() {
            let too_old = keep.age.is_some_and(|age| now.duration_since(entry.seen_at) > age);
            if (at < too_many || too_old) && current.as_ref() != Some(&entry.digest) {
                self.remove(cloud, entry)?;
                removed.push(entry.clone());
            }
        }
        let folder = self.folder(cloud, kind);
        atomic::sweep(&folder);
        self.remove_orphans(&folder);
        Ok(())
    }

    fn remove(&self, cloud: Cloud, entry: &StoredSnapshot) -> Result<(), StoreError> {
        // The description goes first: without it the data is not an entry any more.
        let meta = meta_path(&self.folder(cloud, entry.kind), &entry.digest);
        fs::remove_file(&meta).map_err(StoreError::io(&meta))?;
        let data = self.data_path(entry);
        match fs::remove_file(&data) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::io(&data)(error)),
            _ => Ok(()),
        }
    }

    /// Data without a description: a run was killed between the two.
    fn remove_orphans(&self, folder: &Path) {
        let Ok(files) = fs::read_dir(folder) else { return };
        for path in files.flatten().map(|f| f.path()) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if let Some(digest) = name.strip_suffix(".json.zst")
                && !meta_path(folder, digest).exists()
            {
                let _ = fs::remove_file(&path);
            }
        }
    }

    fn refused(&self, cloud: Cloud) -> PathBuf {
        self.root.join(cloud.name()).join("refused")
    }

    fn folder(&self, cloud: Cloud, kind: Kind) -> PathBuf {
        self.root.join(cloud.name()).join(kind.name())
    }

    /// Where the published bytes of an entry lie.
    pub fn data_path(&self, entry: &StoredSnapshot) -> PathBuf {
        self.root.join(&entry.cloud).join(entry.kind.name()).join(format!("{}.json.zst", entry.digest))
    }
}

/// The description of the data with this digest.
fn meta_path(folder: &Path, digest: &str) -> PathBuf {
    folder.join(format!("{digest}{META}"))
}

/// The last good snapshot with its entry, if there is one, and what is wrong with newer ones.
pub type LastGood = (Option<(StoredSnapshot, Snapshot)>, Vec<Damage>);

/// Keeps the `most` files whose names sort last.
fn remove_oldest(folder: &Path, most: usize) {
    let Ok(files) = fs::read_dir(folder) else { return };
    let mut paths: Vec<PathBuf> = files.flatten().map(|f| f.path()).collect();
    paths.sort();
    for path in paths.iter().take(paths.len().saturating_sub(most)) {
        let _ = fs::remove_file(path);
    }
}

impl From<StoreError> for LoadError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Io { path, error } => LoadError::Io { file: path, error },
            StoreError::Damaged { path, why } => LoadError::Io { file: path, error: io::Error::other(why) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(number: u64, prefix: &str) -> Vec<u8> {
        format!(
            r#"{{"changeNumber": {number}, "cloud": "Public", "values": [{{"name": "A",
               "properties": {{"region": "", "addressPrefixes": ["{prefix}"]}}}}]}}"#
        )
        .into_bytes()
    }

    fn origin(date: &str, at: i64) -> Origin {
        Origin {
            kind: Kind::File,
            from: "test".to_owned(),
            date: Some(date.parse().unwrap()),
            etag: None,
            last_modified: None,
            at: Timestamp::from_second(at * 86_400).unwrap(),
            accepted: Vec::new(),
        }
    }

    fn put(store: &Store, number: u64, prefix: &str, date: &str, at: i64) -> Added {
        let bytes = json(number, prefix);
        store.add(&Snapshot::parse(&bytes).unwrap(), &bytes, &origin(date, at), &[]).unwrap()
    }

    #[test]
    fn content_is_kept_once_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path());
        assert!(store.list().unwrap().entries.is_empty());
        let first = put(&store, 7, "192.0.2.0/24", "2026-06-08", 1);
        let again = put(&store, 8, "192.0.2.0/24", "2026-06-15", 2);
        assert!(first.new && !again.new);
        assert_eq!(again.entry.dates.len(), 2);
        let listing = store.list().unwrap();
        assert_eq!(listing.entries.len(), 1);
        assert_eq!(store.load(&listing.entries[0]).unwrap().digest(), first.entry.digest);
    }

    #[test]
    fn latest_is_what_was_made_current_else_the_newest() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path());
        let old = put(&store, 7, "192.0.2.0/24", "2026-06-08", 1).entry;
        let new = put(&store, 8, "198.51.100.0/24", "2026-06-15", 2).entry;
        let current = |s: &Store| s.current(Cloud::Public, Kind::File).unwrap().unwrap().digest;
        assert_eq!(current(&store), new.digest);
        store.set_current(Cloud::Public, &old).unwrap();
        assert_eq!(current(&store), old.digest);
    }

    #[test]
    fn damage_is_noticed_and_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path());
        let old = put(&store, 7, "192.0.2.0/24", "2026-06-08", 1).entry;
        let new = put(&store, 8, "198.51.100.0/24", "2026-06-15", 2).entry;
        fs::write(store.data_path(&new), b"\x28\xb5\x2f\xfdnonsense").unwrap();
        let (good, damaged) = store.last_good(Cloud::Public, Kind::File).unwrap();
        assert_eq!(good.unwrap().0.digest, old.digest);
        assert!(damaged[0].to_string().contains("damaged"), "{damaged:?}");
    }

    #[test]
    fn pruning_keeps_the_current_one_and_clears_what_crashes_left() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path());
        let first = put(&store, 1, "192.0.2.0/24", "2026-06-01", 1).entry;
        for (n, date) in (2..6).zip(["2026-06-08", "2026-06-15", "2026-06-22", "2026-06-29"]) {
            put(&store, n, &format!("198.51.100.{n}/32"), date, n as i64);
        }
        store.set_current(Cloud::Public, &first).unwrap();
        let orphan = folder.path().join("public/file/00.json.zst");
        fs::write(&orphan, b"x").unwrap();
        let keep = Keep { number: Some(2), age: None };
        let removed = store.prune(keep, Timestamp::from_second(0).unwrap()).unwrap();
        assert_eq!(removed.len(), 2);
        assert!(!orphan.exists());
        let left = store.list().unwrap().entries;
        assert_eq!(left.iter().map(|e| e.change_number).collect::<Vec<_>>(), [1, 4, 5]);
        let age = Keep { number: None, age: Some(SignedDuration::from_hours(24)) };
        store.prune(age, Timestamp::from_second(6 * 86_400).unwrap()).unwrap();
        assert_eq!(store.list().unwrap().entries.len(), 2);
    }
}
