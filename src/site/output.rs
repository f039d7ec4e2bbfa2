//! [`OutputFolder`]: the folder that `generate` writes to, one folder in it for each environment.
//!
//! A folder is replaced as a whole, so that no reader finds half of one; what tagwall did not make in it is taken along.
//! Names that begin with `.tagwall-` are those of a run that is under way:
//!
//! ```text
//! OUT/.tagwall-new-X/      a folder that is being written, or removed
//! OUT/.tagwall-old-X/      for a moment the finished one, and then that whose place it took
//! OUT/.tagwall-kept-X/     files that two programs changed at the same time; nothing ever removes it
//! ```

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::loaded;
use super::staged::{NEW, OLD, failed, manifest_of, not_a_folder, own_of, place, put_all, settle};
pub use super::staged::{OutputError, Staged};
use crate::emit::Artefact;
use crate::store::carry::{self, Found, Own};
use crate::store::{atomic, plain};
use crate::text::sha256_hex;

/// The folder that holds a folder for each environment.
#[derive(Debug, Clone)]
pub struct OutputFolder {
    out: PathBuf,
}

/// An environment's folder as it is.
#[derive(Debug, Default)]
struct Present {
    listed: BTreeMap<String, String>,
    found: Found,
}

/// How the names of the files begin by which shards keep themselves apart.
const LOCK: &str = ".tagwall-lock-";

/// How often another run is waited for, and how long each time: a minute in all.
const WAITS: (usize, Duration) = (600, Duration::from_millis(100));

impl OutputFolder {
    /// The folder `out`, which need not be there yet.
    pub fn new(out: impl Into<PathBuf>) -> Self {
        OutputFolder { out: out.into() }
    }

    /// The folder.
    pub fn out(&self) -> &Path {
        &self.out
    }

    /// The files that tagwall made for the environment `name` earlier; none if it has no folder yet.
    ///
    /// # Errors
    /// [`OutputError`] if the folder is not one of tagwall's for this environment. It is not written to then either.
    pub fn earlier(&self, name: &str) -> Result<Vec<Artefact>, OutputError> {
        let Some(present) = self.look(name)? else { return Ok(Vec::new()) };
        let root = self.out.join(name);
        let read = |path: &PathBuf| {
            let bytes = plain::read(&root.join(path)).map_err(failed(&root.join(path)))?;
            Ok(Artefact::new(portable(path), bytes))
        };
        present.found.own.iter().map(read).collect()
    }

    /// Writes the folders of environments, each by name and files: all of them, or none if anything fails before the
    /// last byte is written. Gives what is worth saying.
    ///
    /// # Errors
    /// [`OutputError`].
    pub fn write(&self, made: &[(&str, &[Artefact])]) -> Result<Vec<String>, OutputError> {
        let mut notes = self.put(made)?;
        for (name, files) in made {
            notes.extend(loaded::notes(&self.out.join(name), files.iter().map(|file| file.name.as_str())));
        }
        Ok(notes)
    }

    fn put(&self, made: &[(&str, &[Artefact])]) -> Result<Vec<String>, OutputError> {
        let mut due = false;
        for (name, files) in made {
            due |= !self.is_written(name, files, &self.look(name)?);
        }
        if !due && !self.has_leftovers() {
            return Ok(Vec::new());
        }
        let writing = self.begin(None)?;
        let mut staged = Vec::new();
        for (name, files) in made {
            staged.extend(writing.stage(name, files)?);
        }
        writing.commit(staged)?.into_iter().collect::<Result<(), OutputError>>()?;
        Ok(writing.into_notes())
    }

    /// Takes the folder for this run, and sweeps away what killed runs left. Waits for others; shards of one run work
    /// side by side, each but once.
    ///
    /// # Errors
    /// [`OutputError`] if the folder cannot be made, or others do not end.
    pub fn begin(&self, shard: Option<(u32, u32)>) -> Result<Writing<'_>, OutputError> {
        match (fs::metadata(&self.out), fs::symlink_metadata(&self.out)) {
            (Ok(found), _) if !found.is_dir() => {
                let text = format!("is {}, not a folder", plain::kind(found.file_type()));
                return Err(failed(&self.out)(io::Error::other(text)));
            }
            (Err(_), Ok(_)) => {
                return Err(failed(&self.out)(io::Error::other("is a link that leads nowhere")));
            }
            _ => fs::create_dir_all(&self.out).map_err(failed(&self.out))?,
        }
        let mark = shard.map(|(shard, shards)| format!("s{shard}of{shards}-")).unwrap_or_default();
        let mut locks = vec![self.lock(shard.is_some())?];
        if shard.is_some() {
            let path = self.out.join(format!("{LOCK}{}", mark.trim_end_matches('-')));
            let file = plain::open_lock(&path).map_err(failed(&path))?;
            self.wait_for(file.try_lock(), || file.try_lock())?;
            locks.push(file);
        } else {
            self.remove_shard_locks();
        }
        let mut notes = Vec::new();
        self.sweep(&mark, &mut notes);
        Ok(Writing { folder: self, mark, _locks: locks, notes: Mutex::new(notes) })
    }

    /// What is in the folder of `name`; nothing if there is none, or nothing in it.
    fn look(&self, name: &str) -> Result<Option<Present>, OutputError> {
        let root = self.out.join(name);
        match fs::symlink_metadata(&root) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                return Err(failed(&self.out)(io::Error::other("is a file, not a folder")));
            }
            Err(error) => return Err(failed(&root)(error)),
            Ok(found) if !found.is_dir() => return Err(not_a_folder(&root, found.file_type())),
            Ok(_) => {}
        }
        let Some(listed) = manifest_of(&root)? else { return Ok(None) };
        if listed.name != name {
            let path = root.display().to_string();
            return Err(OutputError::OtherName { path, other: listed.name });
        }
        let found = carry::look(&root, &own_of(&root, &listed))?;
        if let Some(lock) = found.others.iter().find(|other| other.is_state_lock()) {
            return Err(OutputError::InUse(root.join(&lock.path).display().to_string()));
        }
        Ok(Some(Present { listed: listed.artefacts, found }))
    }

    /// Whether the folder holds just these files, beside what others put there.
    fn is_written(&self, name: &str, files: &[Artefact], present: &Option<Present>) -> bool {
        let Some(present) = present else { return false };
        let root = self.out.join(name);
        let own = &present.found.own;
        own.len() == files.len()
            && files.iter().all(|file| {
                let path = root.join(&file.name);
                own.contains(Path::new(&file.name))
                    && (!atomic::is_script(&path) || may_run(&path))
                    && plain::read(&path).is_ok_and(|bytes| bytes == file.bytes)
            })
    }

    /// Waits for a while until no other run is at work on the folder, and keeps others out until the value is dropped
    /// or the process ends; all others, or all that do not share it.
    fn lock(&self, shared: bool) -> Result<File, OutputError> {
        let take = |file: &File| if shared { file.try_lock_shared() } else { file.try_lock() };
        // The folder itself, so that nothing is left in it; a file where the system locks none.
        let file = match File::open(&self.out).map(|folder| (take(&folder), folder)) {
            Ok((Ok(()), folder)) => return Ok(folder),
            Ok((Err(TryLockError::WouldBlock), folder)) => folder,
            _ => {
                let path = self.out.join(".lock");
                plain::open_lock(&path).map_err(failed(&path))?
            }
        };
        self.wait_for(take(&file), || take(&file))?;
        Ok(file)
    }

    fn wait_for(
        &self,
        first: Result<(), TryLockError>,
        again: impl Fn() -> Result<(), TryLockError>,
    ) -> Result<(), OutputError> {
        let mut last = first;
        for _ in 0..WAITS.0 {
            match last {
                Ok(()) => return Ok(()),
                Err(TryLockError::WouldBlock) => std::thread::sleep(WAITS.1),
                Err(TryLockError::Error(error)) => return Err(failed(&self.out)(error)),
            }
            last = again();
        }
        Err(OutputError::Busy(self.out.display().to_string()))
    }

    /// The files by which shards keep themselves apart; whoever has the whole folder removes them.
    fn remove_shard_locks(&self) {
        let Ok(entries) = fs::read_dir(&self.out) else { return };
        for entry in entries.flatten().filter(|e| e.file_name().to_string_lossy().starts_with(LOCK)) {
            // What cannot be removed does no harm.
            let _ = fs::remove_file(entry.path());
        }
    }

    /// What killed runs left; with a mark, only what a shard of that mark did.
    fn leftovers(&self, mark: &str) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(&self.out) else { return Vec::new() };
        let left = |name: &str| {
            let rest = name.strip_prefix(NEW).or_else(|| name.strip_prefix(OLD));
            rest.is_some_and(|rest| rest.starts_with(mark))
        };
        let entries = entries.flatten().filter(|e| left(&e.file_name().to_string_lossy()));
        // A file with such a name is one that was to be written beside the folders.
        let own = entries.filter(|e| e.file_type().is_ok_and(|found| found.is_dir() || found.is_file()));
        own.map(|e| e.path()).collect()
    }

    fn has_leftovers(&self) -> bool {
        !self.leftovers("").is_empty()
    }

    /// Removes what a killed run left behind, and puts back what it had moved aside.
    fn sweep(&self, mark: &str, notes: &mut Vec<String>) {
        for path in self.leftovers(mark) {
            if fs::remove_file(&path).is_ok() {
                continue; // no folder, which cannot be removed so
            }
            let old = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(OLD));
            let listed = match manifest_of(&path) {
                _ if !old => None,
                Ok(listed) => listed,
                Err(error) => {
                    notes.push(format!("left by a killed run, and not removed: {error}"));
                    continue;
                }
            };
            match listed.map(|listed| self.out.join(listed.name)) {
                Some(target) if fs::symlink_metadata(&target).is_err() => {
                    if fs::rename(&path, &target).is_ok() {
                        let place = target.display();
                        notes.push(format!("{place}: is put back, which a killed run had moved aside"));
                    }
                }
                Some(target) => settle(&path, &target, notes),
                // What cannot be removed does no harm.
                None => drop(atomic::remove_tree(&path)),
            }
        }
    }
}

/// A run that has the folder.
#[derive(Debug)]
pub struct Writing<'a> {
    folder: &'a OutputFolder,
    /// How the names of its own begun folders go on: empty, or that of a shard.
    mark: String,
    _locks: Vec<File>,
    notes: Mutex<Vec<String>>,
}

impl Writing<'_> {
    /// Writes a folder beside the one whose place it is to take; nothing where that one holds just these files.
    ///
    /// # Errors
    /// [`OutputError`].
    pub fn stage(&self, name: &str, files: &[Artefact]) -> Result<Option<Staged>, OutputError> {
        let folder = self.folder;
        let present = folder.look(name)?;
        if folder.is_written(name, files, &present) {
            return Ok(None);
        }
        let present = present.unwrap_or_default();
        let target = folder.out.join(name);
        let own: Own = files.iter().map(|file| &file.name).collect();
        let made = |path: &Path| files.iter().find(|file| Path::new(&file.name) == path);
        let same = |path: &Path| {
            let bytes = plain::read(&target.join(path));
            made(path).is_some_and(|file| bytes.is_ok_and(|bytes| bytes == file.bytes))
        };
        if let Some(other) = present.found.in_the_way(&own, same) {
            return Err(OutputError::InTheWay {
                path: target.join(&other.path).display().to_string(),
                what: other.what(),
                name: own.needs(&other.path),
            });
        }
        self.note(present.changed_by_hand(&target, files));
        let mut builder = tempfile::Builder::new();
        let prefix = format!("{NEW}{}", self.mark);
        let fresh = atomic::with_mode(builder.prefix(&prefix), 0o777).tempdir_in(&folder.out);
        let mut staged =
            Staged { fresh: fresh.map_err(failed(&folder.out))?.keep(), target, files: Vec::new() };
        let mut made = staged.fresh.clone();
        for file in files {
            let inner = place(&file.name)?;
            let path = staged.fresh.join(inner);
            // Names come in order, so that those of one folder follow each other.
            if let Some(above) = path.parent().filter(|above| *above != made) {
                fs::create_dir_all(above).map_err(failed(above))?;
                made = above.to_owned();
            }
            atomic::write_new(&path, &file.bytes).map_err(failed(&path))?;
            staged.files.push(inner.to_owned());
        }
        if staged.target.exists() {
            present.found.carry(&staged.target, &staged.fresh)?;
        }
        Ok(Some(staged))
    }

    /// Puts folders in their places, none before all of them are on the disk. Gives what came of each.
    ///
    /// # Errors
    /// [`OutputError`] if they cannot be brought down to the disk; then none has its place.
    pub fn commit(&self, group: Vec<Staged>) -> Result<Vec<Result<(), OutputError>>, OutputError> {
        let mut notes = Vec::new();
        let done = put_all(&self.folder.out, &group, &mut notes);
        self.note(notes);
        done
    }

    /// Writes a file of the run's own beside the folders: whole, or not at all.
    ///
    /// # Errors
    /// [`OutputError`].
    pub fn write_beside(&self, name: &str, bytes: &[u8]) -> Result<(), OutputError> {
        let path = self.folder.out.join(place(name)?);
        // Under a name that says whose it is, so that it is swept if this run is killed.
        let prefix = format!("{NEW}{}", self.mark);
        atomic::write_as(&prefix, &path, bytes).map_err(failed(&path))
    }

    /// Looks what others put beside files that have their places, and notes what that means.
    pub fn look_beside(&self, places: &[(PathBuf, Vec<PathBuf>)]) {
        for (target, files) in places {
            self.note(loaded::notes(target, files.iter().filter_map(|file| file.to_str())));
        }
    }

    fn note(&self, notes: Vec<String>) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).extend(notes);
    }

    /// What is worth saying and was not said yet.
    pub fn take_notes(&self) -> Vec<String> {
        std::mem::take(&mut self.notes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What is worth saying.
    pub fn into_notes(self) -> Vec<String> {
        self.notes.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Present {
    /// What people changed in files that are about to be replaced.
    fn changed_by_hand(&self, target: &Path, files: &[Artefact]) -> Vec<String> {
        let changed = |(name, sum): (&String, &String)| {
            let bytes = plain::read(&target.join(name)).ok()?;
            let same = files.iter().any(|file| file.name == *name && file.bytes == bytes);
            let path = target.join(name);
            (!same && sha256_hex(&bytes) != *sum)
                .then(|| format!("{}: was changed after tagwall made it; it is made anew", path.display()))
        };
        let own = |name: &&String| self.found.own.contains(Path::new(name.as_str()));
        self.listed.iter().filter(|(name, _)| own(name)).filter_map(changed).collect()
    }
}

/// A path of a file that tagwall made, with `/` between folders.
fn portable(path: &Path) -> String {
    path.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
}

#[cfg(unix)]
fn may_run(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::symlink_metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn may_run(_: &Path) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_written_once_and_read_back() {
        let out = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| Artefact::new(name, text);
        let manifest = r#"{"schema": 1, "name": "e", "artefacts": [{"name": "lists/a.txt", "sha256": "0"}]}"#;
        let files = [file("lists/a.txt", "1"), file("manifest.json", manifest)];
        let folder = OutputFolder::new(out.path());
        assert!(folder.earlier("e").unwrap().is_empty());
        assert!(folder.write(&[("e", &files)]).unwrap().is_empty());
        assert_eq!(folder.earlier("e").unwrap(), files);
        fs::write(out.path().join("e/lists/mine.txt"), "x").unwrap();
        assert_eq!(folder.earlier("e").unwrap(), files, "those of others are not read");
        assert!(folder.write(&[("e", &files[1..])]).unwrap()[0].contains("lists/a.txt: was changed"));
        assert!(!out.path().join("e/lists/a.txt").exists() && out.path().join("e/lists/mine.txt").exists());
    }
}
