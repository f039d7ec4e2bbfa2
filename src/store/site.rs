//! [`Site`]: a published folder. One rename puts a whole generation in the place of another.
//!
//! ```text
//! OUT/current            -> .generations/12        the one link that is replaced
//! OUT/ml-prod            -> current/ml-prod        stands still
//! OUT/changes.md         -> current/changes.md
//! OUT/.generations/12/   record.json, changes.*, and a folder for each environment
//! ```
//!
//! A generation is written beside the others under a name that nobody reads, brought down to the disk, renamed to its
//! number, and only then linked to. Whoever is killed between two steps leaves either the old or the new generation
//! published, and something that the next run sweeps away.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::atomic;
use crate::text::sha256_hex;

/// A published folder.
#[derive(Debug, Clone)]
pub struct Site {
    out: PathBuf,
}

/// What a generation was made from, and what is in it: its `record.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Version of this form; 1.
    pub schema: u32,
    /// Its number; later ones are higher.
    pub number: u64,
    /// The generation that it took the place of.
    pub previous: Option<u64>,
    /// When it was published.
    pub published_at: Timestamp,
    /// Version of the program.
    pub tagwall: String,
    /// Digest of all that it was made from: program, policies, data. The same inputs give the same generation.
    pub inputs: String,
    /// The service tags by cloud: digest of the content.
    pub snapshots: BTreeMap<String, String>,
    /// Whether it changed any rule against the one before.
    pub rules_changed: bool,
    /// SHA-256 of every file, by its path in the generation; this record is not among them.
    pub files: BTreeMap<String, String>,
}

/// A generation that is to be published.
#[derive(Debug, Clone)]
pub struct NewGeneration {
    /// As in [`Record::published_at`].
    pub at: Timestamp,
    /// As in [`Record::inputs`].
    pub inputs: String,
    /// As in [`Record::snapshots`].
    pub snapshots: BTreeMap<String, String>,
    /// As in [`Record::rules_changed`].
    pub rules_changed: bool,
    /// Content by path, with `/` between folders.
    pub files: BTreeMap<String, Vec<u8>>,
}

/// Signs a record, given its bytes and number.
pub type Sign<'a> = dyn Fn(&[u8], u64) -> Result<Vec<u8>, String> + 'a;

/// Why a folder cannot be published to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SiteError {
    /// The system refused; what was published before still is.
    #[error("{path}: {error}")]
    Io {
        /// The file or folder.
        path: String,
        /// What the system said.
        error: io::Error,
    },
    /// The record cannot be signed.
    #[error("generation {0} cannot be signed: {1}")]
    Sign(u64, String),
    /// Another run is at work on the folder.
    #[error("{0}: another run is at work on this folder; this one changed nothing")]
    Busy(String),
    /// Something stands where a link has to be.
    #[error(
        "{0} is in the way: it was not made by `tagwall refresh`; move it away, or publish to another folder"
    )]
    InTheWay(String),
    /// There is no such generation.
    #[error("{0}")]
    NoSuchGeneration(String),
    /// A generation is not what its record says.
    #[error("generation {number} is damaged: {what}")]
    Damaged {
        /// Its number.
        number: u64,
        /// What is wrong with it.
        what: String,
    },
}

const GENERATIONS: &str = ".generations";
pub(super) const CURRENT: &str = "current";
pub(super) const RECORD: &str = "record.json";
/// The signature of the record, where there is one.
pub(super) const SIGNATURE: &str = "record.json.minisig";
/// Holds the inputs of a generation that was rolled back, so that the next run does not publish it again.
const ROLLED_BACK: &str = "rolled-back";

fn failed(path: &Path) -> impl FnOnce(io::Error) -> SiteError {
    let path = path.display().to_string();
    move |error| SiteError::Io { path, error }
}

impl Site {
    /// The folder `out`, which need not be there yet.
    pub fn new(out: impl Into<PathBuf>) -> Self {
        Site { out: out.into() }
    }

    /// The folder.
    pub fn out(&self) -> &Path {
        &self.out
    }

    /// Takes the folder for this run alone. The lock ends with the value or with the process, however that ends.
    ///
    /// Then sweeps away what a killed run left behind.
    ///
    /// # Errors
    /// [`SiteError::Busy`] if another run has it, [`SiteError::Io`] if the folder cannot be made or written.
    pub fn lock(&self) -> Result<File, SiteError> {
        let folder = self.out.join(GENERATIONS);
        fs::create_dir_all(&folder).map_err(failed(&folder))?;
        let path = self.out.join(".lock");
        let options = || File::options().create(true).truncate(false).write(true).open(&path);
        let file = options().map_err(failed(&path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(SiteError::Busy(self.out.display().to_string())),
            Err(fs::TryLockError::Error(error)) => return Err(failed(&path)(error)),
        }
        self.sweep();
        Ok(file)
    }

    fn sweep(&self) {
        for folder in [self.out.clone(), self.out.join(GENERATIONS)] {
            let Ok(entries) = fs::read_dir(&folder) else { continue };
            for path in entries.flatten().map(|e| e.path()) {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                if name.starts_with(".new-") {
                    // One of the two fits; what cannot be removed does no harm.
                    let _ = fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path));
                }
            }
        }
    }

    /// The record of the published generation, if there is one.
    ///
    /// # Errors
    /// [`SiteError`] if the link leads to something that is no generation.
    pub fn current(&self) -> Result<Option<Record>, SiteError> {
        let link = self.out.join(CURRENT);
        match fs::symlink_metadata(&link) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(&link)(error)),
            Ok(meta) if !meta.is_symlink() => return Err(SiteError::InTheWay(link.display().to_string())),
            Ok(_) => {}
        }
        let target = fs::read_link(&link).map_err(failed(&link))?;
        let number = target.file_name().and_then(|n| n.to_string_lossy().parse().ok());
        let number =
            number.ok_or_else(|| SiteError::NoSuchGeneration(format!("{} leads nowhere", link.display())))?;
        self.record(number).map(Some)
    }

    /// The record of one generation.
    ///
    /// # Errors
    /// [`SiteError::NoSuchGeneration`] or [`SiteError::Damaged`].
    pub fn record(&self, number: u64) -> Result<Record, SiteError> {
        let path = self.folder(number).join(RECORD);
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let have: Vec<String> = self.numbers().iter().map(ToString::to_string).collect();
                let text = format!("there is no generation {number}; there are {}", have.join(", "));
                return Err(SiteError::NoSuchGeneration(text));
            }
            other => other.map_err(failed(&path))?,
        };
        serde_json::from_slice(&bytes)
            .map_err(|e| SiteError::Damaged { number, what: format!("{RECORD}: {e}") })
    }

    /// Makes sure that every file of a generation is what its record says.
    ///
    /// # Errors
    /// [`SiteError::Damaged`] naming the first file that is not.
    pub fn check(&self, record: &Record) -> Result<(), SiteError> {
        for (name, sum) in &record.files {
            let what = match fs::read(self.folder(record.number).join(name)) {
                Ok(bytes) if sha256_hex(&bytes) == *sum => continue,
                Ok(_) => format!("{name} was changed after it was published"),
                Err(error) => format!("{name}: {error}"),
            };
            return Err(SiteError::Damaged { number: record.number, what });
        }
        Ok(())
    }

    /// A file of a generation, if it is there.
    pub fn read(&self, number: u64, name: &str) -> Option<Vec<u8>> {
        fs::read(self.folder(number).join(name)).ok()
    }

    /// The folder of a generation.
    pub fn folder(&self, number: u64) -> PathBuf {
        self.out.join(GENERATIONS).join(number.to_string())
    }

    /// The numbers of all generations, ascending.
    pub fn numbers(&self) -> Vec<u64> {
        let Ok(entries) = fs::read_dir(self.out.join(GENERATIONS)) else { return Vec::new() };
        let mut numbers: Vec<u64> =
            entries.flatten().filter_map(|e| e.file_name().to_string_lossy().parse().ok()).collect();
        numbers.sort_unstable();
        numbers
    }

    /// Publishes a generation in the place of the present one, signed by `sign` if there is one.
    ///
    /// # Errors
    /// [`SiteError`]; then what was published before still is.
    pub fn publish(&self, new: &NewGeneration, sign: Option<&Sign<'_>>) -> Result<Record, SiteError> {
        self.free_places(new)?;
        let previous = self.current().ok().flatten().map(|record| record.number);
        let number = self.numbers().last().map_or(1, |last| last + 1);
        let record = Record {
            schema: 1,
            number,
            previous,
            published_at: new.at,
            tagwall: env!("CARGO_PKG_VERSION").to_owned(),
            inputs: new.inputs.clone(),
            snapshots: new.snapshots.clone(),
            rules_changed: new.rules_changed,
            files: new.files.iter().map(|(name, bytes)| (name.clone(), sha256_hex(bytes))).collect(),
        };
        let parent = self.out.join(GENERATIONS);
        let staging =
            tempfile::Builder::new().prefix(".new-").tempdir_in(&parent).map_err(failed(&parent))?;
        write_tree(staging.path(), &new.files, &own_files(&record, sign)?)?;
        let place = self.folder(number);
        fs::rename(staging.path(), &place).map_err(failed(&place))?;
        atomic::sync_folder(&parent).map_err(failed(&parent))?;
        self.link(number)?;
        self.settle();
        Ok(record)
    }

    /// Looks before anything is written whether the names of the environments are free.
    fn free_places(&self, new: &NewGeneration) -> Result<(), SiteError> {
        for name in top_names(new.files.keys()) {
            let path = self.out.join(&name);
            let taken = fs::symlink_metadata(&path).is_ok_and(|meta| !meta.is_symlink());
            if taken || name == CURRENT {
                return Err(SiteError::InTheWay(path.display().to_string()));
            }
        }
        Ok(())
    }

    /// The one step that publishes: a new link takes the name of the old one.
    fn link(&self, number: u64) -> Result<(), SiteError> {
        let link = self.out.join(CURRENT);
        let fresh = self.out.join(format!(".new-{CURRENT}"));
        let _ = fs::remove_file(&fresh);
        let target = Path::new(GENERATIONS).join(number.to_string());
        symlink(&target, &fresh).map_err(failed(&fresh))?;
        fs::rename(&fresh, &link).map_err(failed(&link))?;
        atomic::sync_folder(&self.out).map_err(failed(&self.out))
    }

    /// Makes the standing links of the published generation, and removes those of environments that it lacks. Done
    /// in every run, since a killed one may not have come to it.
    pub fn settle(&self) {
        let Ok(Some(record)) = self.current() else { return };
        let names = top_names(record.files.keys());
        for name in &names {
            let link = self.out.join(name);
            if fs::symlink_metadata(&link).is_err() {
                // Without it the files are still under `current`.
                let _ = symlink(&Path::new(CURRENT).join(name), &link);
            }
        }
        let Ok(entries) = fs::read_dir(&self.out) else { return };
        for path in entries.flatten().map(|e| e.path()) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let own = fs::read_link(&path).is_ok_and(|target| target == Path::new(CURRENT).join(&name));
            if own && !names.contains(&name) {
                let _ = fs::remove_file(&path);
            }
        }
    }

    /// Publishes an earlier generation again: `to`, or that before the present one.
    ///
    /// The one rolled back is remembered: as long as it would be made again from the same inputs, it is not published.
    ///
    /// # Errors
    /// [`SiteError`] if there is none, or if it is not whole any more.
    pub fn rollback(&self, to: Option<u64>) -> Result<(Record, Record), SiteError> {
        let now = self
            .current()?
            .ok_or_else(|| SiteError::NoSuchGeneration("nothing is published here yet".to_owned()))?;
        let earlier = self.numbers().into_iter().rfind(|&n| n < now.number);
        let known = now.previous.filter(|&n| self.folder(n).exists());
        let number = to.or(known).or(earlier).ok_or_else(|| {
            SiteError::NoSuchGeneration(format!("there is no generation before {}", now.number))
        })?;
        let record = self.record(number)?;
        self.check(&record)?;
        let mark = self.out.join(GENERATIONS).join(ROLLED_BACK);
        if number < now.number {
            atomic::write(&mark, format!("{}\n", now.inputs).as_bytes()).map_err(failed(&mark))?;
        }
        self.link(number)?;
        self.settle();
        Ok((now, record))
    }

    /// Whether a generation made from `inputs` was rolled back, and nothing was published since.
    pub fn is_rolled_back(&self, inputs: &str) -> bool {
        let mark = self.out.join(GENERATIONS).join(ROLLED_BACK);
        fs::read_to_string(mark).is_ok_and(|text| text.trim() == inputs)
    }

    /// Removes old generations: all but the newest `keep`, the published one and that before it.
    ///
    /// # Errors
    /// [`SiteError::Io`].
    pub fn prune(&self, keep: usize) -> Result<(), SiteError> {
        let current = self.current()?;
        let kept: Vec<u64> = current.iter().flat_map(|r| [Some(r.number), r.previous]).flatten().collect();
        let numbers = self.numbers();
        for &number in numbers.iter().take(numbers.len().saturating_sub(keep.max(1))) {
            if !kept.contains(&number) {
                // Under its own name a half-removed generation could be rolled back to.
                let aside = self.out.join(GENERATIONS).join(format!(".new-removed-{number}"));
                fs::rename(self.folder(number), &aside).map_err(failed(&aside))?;
                fs::remove_dir_all(&aside).map_err(failed(&aside))?;
            }
        }
        Ok(())
    }
}

/// The first part of each path, if nobody should overlook it: hidden ones are only read by the program.
fn top_names<'a>(paths: impl Iterator<Item = &'a String>) -> Vec<String> {
    let tops = paths.map(|path| path.split('/').next().unwrap_or(path)).filter(|top| !top.starts_with('.'));
    let mut names: Vec<String> = tops.map(str::to_owned).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The record, and its signature.
fn own_files(record: &Record, sign: Option<&Sign<'_>>) -> Result<BTreeMap<String, Vec<u8>>, SiteError> {
    let mut text = serde_json::to_vec_pretty(record).expect("texts and numbers always serialise");
    text.push(b'\n');
    let mut files = BTreeMap::new();
    if let Some(sign) = sign {
        let signature = sign(&text, record.number).map_err(|why| SiteError::Sign(record.number, why))?;
        files.insert(SIGNATURE.to_owned(), signature);
    }
    files.insert(RECORD.to_owned(), text);
    Ok(files)
}

fn write_tree(
    root: &Path,
    files: &BTreeMap<String, Vec<u8>>,
    own: &BTreeMap<String, Vec<u8>>,
) -> Result<(), SiteError> {
    let mut folders = vec![root.to_owned()];
    for (name, bytes) in files.iter().chain(own) {
        let path = root.join(name);
        let folder = path.parent().unwrap_or(root).to_owned();
        if !folders.contains(&folder) {
            fs::create_dir_all(&folder).map_err(failed(&folder))?;
            folders.push(folder);
        }
        let write = || {
            let mut file = File::create(&path)?;
            file.write_all(bytes)?;
            file.sync_all()
        };
        write().map_err(failed(&path))?;
    }
    for folder in folders.iter().rev() {
        atomic::sync_folder(folder).map_err(failed(folder))?;
    }
    set_plain_mode(root).map_err(failed(root))
}

/// Temporary folders are for their owner only; what is published may be read by whoever may read beside it.
#[cfg(unix)]
fn set_plain_mode(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn set_plain_mode(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn symlink(target: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(windows)]
fn symlink(target: &Path, link: &Path) -> io::Result<()> {
    std::os::windows::fs::symlink_dir(target, link)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generation(inputs: &str, files: &[(&str, &str)]) -> NewGeneration {
        NewGeneration {
            at: Timestamp::UNIX_EPOCH,
            inputs: inputs.to_owned(),
            snapshots: BTreeMap::new(),
            rules_changed: true,
            files: files.iter().map(|(n, t)| ((*n).to_owned(), t.as_bytes().to_vec())).collect(),
        }
    }

    fn text(site: &Site, name: &str) -> String {
        fs::read_to_string(site.out().join(name)).unwrap()
    }

    #[test]
    fn publishing_replaces_the_whole_and_rolling_back_brings_it_again() {
        let folder = tempfile::tempdir().unwrap();
        let site = Site::new(folder.path());
        let _lock = site.lock().unwrap();
        assert_eq!(site.current().unwrap(), None);
        site.publish(&generation("a", &[("ml/x", "1"), ("old/x", "1"), (".state/ml", "s")]), None).unwrap();
        site.publish(&generation("b", &[("ml/x", "2")]), None).unwrap();
        assert_eq!(text(&site, "ml/x"), "2");
        assert!(!site.out().join("old").exists(), "links of what is gone are removed");
        let (from, to) = site.rollback(None).unwrap();
        assert_eq!((from.number, to.number), (2, 1));
        assert_eq!((text(&site, "ml/x"), text(&site, "old/x")), ("1".into(), "1".into()));
        assert!(site.is_rolled_back("b") && !site.is_rolled_back("a"));
        site.publish(&generation("c", &[("ml/x", "3")]), None).unwrap();
        assert_eq!(site.current().unwrap().unwrap().previous, Some(1));
    }

    #[test]
    fn a_second_run_is_kept_out_and_leftovers_are_swept() {
        let folder = tempfile::tempdir().unwrap();
        let site = Site::new(folder.path());
        let lock = site.lock().unwrap();
        assert!(matches!(site.lock(), Err(SiteError::Busy(_))));
        drop(lock);
        fs::create_dir(folder.path().join(".generations/.new-x")).unwrap();
        let _lock = site.lock().unwrap();
        assert!(!folder.path().join(".generations/.new-x").exists());
    }

    #[test]
    fn foreign_folders_and_damage_are_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let site = Site::new(folder.path());
        let _lock = site.lock().unwrap();
        fs::create_dir(folder.path().join("ml")).unwrap();
        let error = site.publish(&generation("a", &[("ml/x", "1")]), None).unwrap_err();
        assert!(matches!(error, SiteError::InTheWay(_)));
        fs::remove_dir(folder.path().join("ml")).unwrap();
        let record = site.publish(&generation("a", &[("ml/x", "1")]), None).unwrap();
        site.check(&record).unwrap();
        fs::write(site.out().join("ml/x"), "2").unwrap();
        assert!(matches!(site.check(&record), Err(SiteError::Damaged { .. })));
        assert!(matches!(site.rollback(Some(7)), Err(SiteError::NoSuchGeneration(_))));
    }

    #[test]
    fn pruning_keeps_what_is_published() {
        let folder = tempfile::tempdir().unwrap();
        let site = Site::new(folder.path());
        let _lock = site.lock().unwrap();
        for n in 0..6 {
            site.publish(&generation(&n.to_string(), &[("ml/x", "1")]), None).unwrap();
        }
        site.rollback(Some(2)).unwrap();
        site.prune(2).unwrap();
        assert_eq!(site.numbers(), [1, 2, 5, 6]);
    }
}
