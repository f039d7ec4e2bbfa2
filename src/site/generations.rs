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
//! published, and something that the next run sweeps away. What others put into a generation is in `others.rs`.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::error::{SiteError, failed};
use super::sign::SignError;
use super::staged::FEW;
use crate::store::{atomic, plain};
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
pub type Sign<'a> = dyn Fn(&[u8], u64) -> Result<Vec<u8>, SignError> + 'a;

pub(super) const GENERATIONS: &str = ".generations";
/// The list of what a generation has from those before it; absent where there is nothing.
pub(super) const CARRIED: &str = ".carried.json";
pub(super) const CURRENT: &str = "current";
pub(super) const RECORD: &str = "record.json";
/// The signature of the record, where there is one.
pub(super) const SIGNATURE: &str = "record.json.minisig";

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
        match fs::symlink_metadata(&folder) {
            Ok(found) if !found.is_dir() => return Err(SiteError::InTheWay(folder.display().to_string())),
            _ => fs::create_dir_all(&folder).map_err(failed(&folder))?,
        }
        let path = self.out.join(".lock");
        let file = plain::open_lock(&path).map_err(failed(&path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(SiteError::Busy(self.out.display().to_string())),
            Err(fs::TryLockError::Error(error)) => return Err(failed(&path)(error)),
        }
        self.sweep();
        Ok(file)
    }

    fn sweep(&self) {
        // What cannot be removed does no harm.
        let fresh = self.fresh_link();
        if fs::symlink_metadata(&fresh).is_ok_and(|found| found.is_symlink()) {
            let _ = fs::remove_file(&fresh);
        }
        atomic::sweep(&self.out.join(GENERATIONS));
    }

    fn fresh_link(&self) -> PathBuf {
        self.out.join(format!(".new-{CURRENT}"))
    }

    /// The number of the published generation, if there is one.
    ///
    /// # Errors
    /// [`SiteError::InTheWay`] if what has the name of the link is none of tagwall's.
    pub fn current_number(&self) -> Result<Option<u64>, SiteError> {
        let link = self.out.join(CURRENT);
        match fs::symlink_metadata(&link) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(&link)(error)),
            Ok(meta) if !meta.is_symlink() => return Err(SiteError::InTheWay(link.display().to_string())),
            Ok(_) => {}
        }
        let target = fs::read_link(&link).map_err(failed(&link))?;
        let number = target.file_name().and_then(|name| number_of(&name.to_string_lossy()));
        // Any other path with a number at its end is not ours, whatever is there.
        let ours = number.filter(|number| {
            let own = Path::new(GENERATIONS).join(number.to_string());
            target == own || target == self.out.join(own)
        });
        let text = || format!("{} (which leads to {})", link.display(), target.display());
        ours.map(Some).ok_or_else(|| SiteError::InTheWay(text()))
    }

    /// The record of the published generation, if there is one.
    ///
    /// # Errors
    /// [`SiteError`] if the link leads to something that is no generation, or to one whose record cannot be read.
    pub fn current(&self) -> Result<Option<Record>, SiteError> {
        self.current_number()?.map(|number| self.record(number)).transpose()
    }

    /// The record of one generation.
    ///
    /// # Errors
    /// [`SiteError::NoSuchGeneration`] or [`SiteError::Unusable`].
    pub fn record(&self, number: u64) -> Result<Record, SiteError> {
        if !self.numbers().contains(&number) {
            let have: Vec<String> = self.numbers().iter().map(ToString::to_string).collect();
            let have = if have.is_empty() { "none".to_owned() } else { have.join(", ") };
            let text = format!("there is no generation {number}; there are {have}");
            return Err(SiteError::NoSuchGeneration(text));
        }
        let unusable = |what: String| SiteError::Unusable {
            number,
            what: format!("{RECORD}: {what}"),
            remedy: self.remedy(number),
        };
        let bytes = self.read_file(number, RECORD).map_err(|error| unusable(error.to_string()))?;
        let record: Record = serde_json::from_slice(&bytes).map_err(|error| unusable(error.to_string()))?;
        match (record.schema, record.number == number) {
            (1, true) => Ok(record),
            (1, false) => Err(unusable(format!("it is that of generation {}", record.number))),
            (other, _) => Err(unusable(format!("schema {other} is not known to this version"))),
        }
    }

    /// What can be done where a generation cannot be used.
    pub(super) fn remedy(&self, number: u64) -> String {
        let out = self.out.display();
        match self.numbers().into_iter().rfind(|&earlier| earlier < number) {
            Some(earlier) => format!(
                "Bring the file back from a backup, or publish the generation before it: tagwall rollback --out {out} \
                 --to {earlier}"
            ),
            None => format!(
                "Bring the file back from a backup. Or remove {out}/{CURRENT}: the next run then publishes anew, \
                 without what only this generation knew (names, priorities, removed prefixes that are held)"
            ),
        }
    }

    /// Makes sure that every file of a generation is what its record says.
    ///
    /// # Errors
    /// [`SiteError::Damaged`] naming the first file that is not.
    pub fn check(&self, record: &Record) -> Result<(), SiteError> {
        for (name, sum) in &record.files {
            let what = match self.read_file(record.number, name) {
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
        self.read_file(number, name).ok()
    }

    pub(super) fn read_file(&self, number: u64, name: &str) -> io::Result<Vec<u8>> {
        plain::read_below(&self.out, &format!("{GENERATIONS}/{number}/{name}"))
    }

    /// The folder of a generation.
    pub fn folder(&self, number: u64) -> PathBuf {
        self.out.join(GENERATIONS).join(number.to_string())
    }

    /// The numbers of all generations, ascending.
    pub fn numbers(&self) -> Vec<u64> {
        self.numbered(|entry| entry.file_type().is_ok_and(|found| found.is_dir()))
    }

    /// The numbers that entries of the folder have which `wanted` names.
    fn numbered(&self, wanted: impl Fn(&fs::DirEntry) -> bool) -> Vec<u64> {
        let Ok(entries) = fs::read_dir(self.out.join(GENERATIONS)) else { return Vec::new() };
        let entries = entries.flatten().filter(wanted);
        let mut numbers: Vec<u64> =
            entries.filter_map(|e| number_of(&e.file_name().to_string_lossy())).collect();
        numbers.sort_unstable();
        numbers
    }

    /// Publishes a generation in the place of the present one, signed by `sign` if there is one.
    ///
    /// # Errors
    /// [`SiteError`]; then what was published before still is.
    pub fn publish(&self, new: &NewGeneration, sign: Option<&Sign<'_>>) -> Result<Record, SiteError> {
        self.publish_tree(new, sign, false)
    }

    /// The same, but files that have not changed are those of the generation before under a further name (hard links), so that
    /// only what changed is written, and what did not keeps its time. For files that nobody works on in place.
    ///
    /// # Errors
    /// [`SiteError`]; then what was published before still is.
    pub fn publish_sharing(&self, new: &NewGeneration) -> Result<Record, SiteError> {
        self.publish_tree(new, None, true)
    }

    fn publish_tree(
        &self,
        new: &NewGeneration,
        sign: Option<&Sign<'_>>,
        share: bool,
    ) -> Result<Record, SiteError> {
        self.free_places(new)?;
        let previous = self.current_number()?;
        // What is no generation has its name as well.
        let number = self.numbered(|_| true).last().map_or(1, |last| last + 1);
        let (others, carried) = self.others_for(previous, new)?;
        let mut files = new.files.clone();
        files.extend(carried.map(|list| (CARRIED.to_owned(), list)));
        let record = Record {
            schema: 1,
            number,
            previous,
            published_at: new.at,
            tagwall: env!("CARGO_PKG_VERSION").to_owned(),
            inputs: new.inputs.clone(),
            snapshots: new.snapshots.clone(),
            rules_changed: new.rules_changed,
            files: files.iter().map(|(name, bytes)| (name.clone(), sha256_hex(bytes))).collect(),
        };
        let parent = self.out.join(GENERATIONS);
        let mut builder = tempfile::Builder::new();
        let staging =
            atomic::with_mode(builder.prefix(".new-"), 0o777).tempdir_in(&parent).map_err(failed(&parent))?;
        let before = previous.filter(|_| share).map(|number| self.folder(number));
        write_tree(staging.path(), &files, &own_files(&record, sign)?, before.as_deref())?;
        for (from, found) in &others {
            found.carry(&self.folder(*from), staging.path())?;
        }
        let place = self.folder(number);
        fs::rename(staging.path(), &place).map_err(failed(&place))?;
        atomic::sync_folder(&parent).map_err(failed(&parent))?;
        self.link(number)?;
        self.carry_late(previous, number);
        self.settle();
        Ok(record)
    }

    /// Looks before anything is written whether the names of the environments are free.
    fn free_places(&self, new: &NewGeneration) -> Result<(), SiteError> {
        for name in top_names(new.files.keys()) {
            let path = self.out.join(&name);
            let own = fs::read_link(&path).is_ok_and(|target| target == Path::new(CURRENT).join(&name));
            if name == CURRENT || (!own && fs::symlink_metadata(&path).is_ok()) {
                return Err(SiteError::InTheWay(path.display().to_string()));
            }
        }
        Ok(())
    }

    /// The one step that publishes: a new link takes the name of the old one.
    pub(super) fn link(&self, number: u64) -> Result<(), SiteError> {
        let link = self.out.join(CURRENT);
        let fresh = self.fresh_link();
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
            // An environment that is not published any more is left with what others put there.
            if own && !names.contains(&name) && !path.exists() {
                let _ = fs::remove_file(&path);
            }
        }
    }

    /// Removes old generations: all but the newest `keep`, the published one and that before it. Gives what is worth
    /// saying.
    ///
    /// # Errors
    /// [`SiteError::Io`].
    pub fn prune(&self, keep: usize) -> Result<Vec<String>, SiteError> {
        let current = self.current()?;
        let kept: Vec<u64> = current.iter().flat_map(|r| [Some(r.number), r.previous]).flatten().collect();
        let numbers = self.numbers();
        let mut notes = Vec::new();
        for &number in numbers.iter().take(numbers.len().saturating_sub(keep.max(1))) {
            if kept.contains(&number) || !self.save_others(number, &mut notes)? {
                continue;
            }
            // Under its own name a half-removed generation could be rolled back to.
            let aside = self.out.join(GENERATIONS).join(format!(".new-removed-{number}"));
            fs::rename(self.folder(number), &aside).map_err(failed(&aside))?;
            atomic::remove_tree(&aside).map_err(failed(&aside))?;
        }
        Ok(notes)
    }
}

/// The number that a name is.
fn number_of(name: &str) -> Option<u64> {
    name.parse().ok().filter(|number: &u64| number.to_string() == name)
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
    before: Option<&Path>,
) -> Result<(), SiteError> {
    let mut folders = vec![root.to_owned()];
    let mut paths = Vec::new();
    for (name, bytes) in files.iter().chain(own) {
        let path = root.join(name);
        let folder = path.parent().unwrap_or(root).to_owned();
        // Names come in order, so that those of one folder follow each other.
        if folders.last() != Some(&folder) {
            fs::create_dir_all(&folder).map_err(failed(&folder))?;
            folders.push(folder);
        }
        let same =
            before.map(|before| before.join(name)).filter(|old| plain::read(old).is_ok_and(|b| b == *bytes));
        if same.is_some_and(|old| fs::hard_link(old, &path).is_ok()) {
            continue;
        }
        atomic::write_new(&path, bytes).map_err(failed(&path))?;
        paths.push(path);
    }
    // All are written before the first is waited for, so that the system can bring them down together; many of them with
    // all else that waits.
    if paths.len() > FEW && atomic::sync_system(root).map_err(failed(root))? {
        return Ok(());
    }
    for path in &paths {
        File::open(path).and_then(|file| file.sync_all()).map_err(failed(path))?;
    }
    for folder in folders.iter().rev() {
        atomic::sync_folder(folder).map_err(failed(folder))?;
    }
    Ok(())
}

#[cfg(unix)]
pub(super) fn symlink(target: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(windows)]
pub(super) fn symlink(target: &Path, link: &Path) -> io::Result<()> {
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
        let done = site.rollback(None).unwrap();
        assert_eq!((done.from, done.record.number), (2, 1));
        assert_eq!((text(&site, "ml/x"), text(&site, "old/x")), ("1".into(), "1".into()));
        assert!(site.is_rolled_back("b").unwrap() && !site.is_rolled_back("a").unwrap());
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
