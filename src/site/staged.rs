//! [`Staged`]: a folder of an environment that is written and waits to take the place of another, and groups of them.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::report::{Listed, MANIFEST, POLICY_COPY};
use crate::store::carry::{self, Own, PathError};
use crate::store::{atomic, plain};

/// Why a folder is not written. What was there still is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutputError {
    /// The system refused.
    #[error("{path}: {error}")]
    Io {
        /// The file or folder.
        path: String,
        /// What the system said.
        error: io::Error,
    },
    /// Another run writes to the folder.
    #[error("{0}: another run is at work on this folder; this one changed nothing")]
    Busy(String),
    /// Terraform has the state in the folder.
    #[error(
        "{0}: Terraform is at work in this folder, which cannot be replaced now; run again when it is done. If none is \
         at work any more, `terraform force-unlock` or removing this file ends it"
    )]
    InUse(String),
    /// Something else stands where the folder has to be.
    #[error(
        "{path} is {what}, not a folder that tagwall made: move it away, or write to another folder with --out"
    )]
    NotAFolder {
        /// The place.
        path: String,
        /// What it is.
        what: &'static str,
    },
    /// The folder is somebody else's.
    #[error(
        "{0} holds files, but no {MANIFEST}: tagwall did not make it, and would have to guess which of them it may \
         replace. Move it away, or write to another folder with --out"
    )]
    Foreign(String),
    /// The manifest does not say which files tagwall made.
    #[error(
        "{path}: {why}, so that it is not known which files tagwall made. Bring the file back, or move the folder away: \
         then names and priorities start anew, and Terraform's state, if it is there, has to be taken along by hand"
    )]
    Manifest {
        /// The manifest.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// The folder is that of another environment.
    #[error("{path} holds the environment {other}: move it away, or write to another folder with --out")]
    OtherName {
        /// The folder.
        path: String,
        /// The name in its manifest.
        other: String,
    },
    /// A file that is to be made has the name of somebody else's.
    #[error("{path} is in the way: tagwall did not make this {what}, and has to write {name}. Move it away")]
    InTheWay {
        /// What is in the way.
        path: String,
        /// What it is.
        what: &'static str,
        /// What has to be written.
        name: String,
    },
}

impl OutputError {
    /// Whether the folder is at fault, and not the system.
    pub fn is_input(&self) -> bool {
        !matches!(self, OutputError::Io { .. } | OutputError::Busy(_) | OutputError::InUse(_))
    }
}

impl From<PathError> for OutputError {
    fn from(PathError { path, error }: PathError) -> Self {
        OutputError::Io { path: path.display().to_string(), error }
    }
}

pub(super) fn failed(path: &Path) -> impl FnOnce(io::Error) -> OutputError {
    move |error| carry::at(path)(error).into()
}

pub(super) const NEW: &str = ".tagwall-new-";
pub(super) const OLD: &str = ".tagwall-old-";
pub(super) const KEPT: &str = ".tagwall-kept-";

/// A folder that is written and waits to be put in its place. Removed if it never is.
#[derive(Debug)]
pub struct Staged {
    pub(super) fresh: PathBuf,
    pub(super) target: PathBuf,
    /// The files in it, below it.
    pub(super) files: Vec<PathBuf>,
}

impl Staged {
    /// Puts the folder in its place. Gives where the one lies that was there, which has to be settled.
    fn put(&self) -> Result<Option<PathBuf>, OutputError> {
        let target = &self.target;
        if fs::symlink_metadata(target).is_err() {
            return fs::rename(&self.fresh, target).map(|()| None).map_err(failed(target));
        }
        let name = self.fresh.file_name().unwrap_or_default().to_string_lossy().replacen(NEW, OLD, 1);
        let old = self.fresh.with_file_name(name);
        fs::rename(&self.fresh, &old).map_err(failed(&self.fresh))?;
        if let Err(error) = exchange(&old, target) {
            drop(atomic::remove_tree(&old));
            return Err(failed(target)(error));
        }
        Ok(Some(old))
    }

    /// Where it belongs, and the files that tagwall made in it.
    pub fn place(&self) -> (PathBuf, Vec<PathBuf>) {
        (self.target.clone(), self.files.clone())
    }

    /// Brings the files, and their names, down to the disk.
    fn sync(&self) -> Result<(), OutputError> {
        let mut folders = vec![self.fresh.clone()];
        for file in &self.files {
            let path = self.fresh.join(file);
            File::open(&path).and_then(|file| file.sync_all()).map_err(failed(&path))?;
            let folder = path.parent().unwrap_or(&self.fresh).to_owned();
            if !folders.contains(&folder) {
                folders.push(folder);
            }
        }
        folders.iter().rev().try_for_each(|folder| atomic::sync_folder(folder).map_err(failed(folder)))
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // Where it was put in its place nothing has this name any more.
        let _ = atomic::remove_tree(&self.fresh);
    }
}

/// So many files are brought down to the disk one by one; more of them together with all else that waits to be written
/// to that file system.
pub(super) const FEW: usize = 64;

/// Puts folders in their places: all are on the disk before the first has its name, and all have their names on the
/// disk before what was there is removed. Gives what came of each.
pub(super) fn put_all(
    out: &Path,
    group: &[Staged],
    notes: &mut Vec<String>,
) -> Result<Vec<Result<(), OutputError>>, OutputError> {
    if group.is_empty() {
        return Ok(Vec::new());
    }
    let files: usize = group.iter().map(|staged| staged.files.len()).sum();
    if files <= FEW || !atomic::sync_system(out).map_err(failed(out))? {
        group.iter().try_for_each(Staged::sync)?;
    }
    let mut done = Vec::new();
    let mut old = Vec::new();
    for staged in group {
        match staged.put() {
            Ok(before) => {
                old.extend(before.map(|before| (before, staged.target.as_path())));
                done.push(Ok(()));
            }
            Err(error) => done.push(Err(error)),
        }
    }
    atomic::sync_folder(out).map_err(failed(out))?;
    old.iter().for_each(|(old, target)| settle(old, target, notes));
    Ok(done)
}

/// Removes a folder that has been replaced. What others put into it or changed in it while it was is saved first.
pub(super) fn settle(old: &Path, target: &Path, notes: &mut Vec<String>) {
    let named = |start: &str| {
        let name = old.file_name().unwrap_or_default().to_string_lossy().replacen(OLD, start, 1);
        old.with_file_name(name)
    };
    if matches!(save(old, target), Ok(true)) {
        // Half removed it could not be told from one in which something has to be saved: so it gets the name of those in
        // which nothing has. What cannot be removed does no harm.
        let going = named(NEW);
        let _ = fs::rename(old, &going).and_then(|()| atomic::remove_tree(&going));
        return;
    }
    let kept = named(KEPT);
    if fs::rename(old, &kept).is_ok() {
        let (kept, target) = (kept.display(), target.display());
        notes.push(format!(
            "{target}: files were changed there while the folder was replaced; as they were they are kept in {kept}"
        ));
    }
}

/// Moves what is in `old`, was not made by tagwall and is not in `target`, to `target`. Says whether nothing of the kind
/// is left.
fn save(old: &Path, target: &Path) -> Result<bool, OutputError> {
    let Some(listed) = manifest_of(old)? else { return Ok(true) };
    let found = carry::look(old, &own_of(old, &listed))?;
    let mut all = true;
    for other in &found.others {
        let (source, place) = (old.join(&other.path), target.join(&other.path));
        match (fs::symlink_metadata(&place), other.is_folder()) {
            (Ok(there), true) => all &= there.is_dir(),
            (Ok(_), false) => all &= carry::same_file(&source, &place),
            (Err(_), true) => fs::create_dir(&place).map_err(failed(&place))?,
            // Terraform's own lock ends with the run that made it.
            (Err(_), false) if other.is_state_lock() => {}
            (Err(_), false) => fs::rename(&source, &place).map_err(failed(&place))?,
        }
    }
    Ok(all)
}

pub(super) fn not_a_folder(path: &Path, found: fs::FileType) -> OutputError {
    OutputError::NotAFolder { path: path.display().to_string(), what: plain::kind(found) }
}

/// The manifest of a folder; none if the folder is empty.
pub(super) fn manifest_of(root: &Path) -> Result<Option<Listed>, OutputError> {
    let path = root.join(MANIFEST);
    match plain::read(&path) {
        Ok(bytes) => match Listed::read(&bytes) {
            Ok(listed) => Ok(Some(listed)),
            Err(error) => {
                Err(OutputError::Manifest { path: path.display().to_string(), why: error.to_string() })
            }
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            match fs::read_dir(root).map_err(failed(root))?.next() {
                None => Ok(None),
                Some(_) => Err(OutputError::Foreign(root.display().to_string())),
            }
        }
        Err(error) if error.kind() == io::ErrorKind::Other => {
            Err(OutputError::Manifest { path: path.display().to_string(), why: error.to_string() })
        }
        Err(error) => Err(failed(&path)(error)),
    }
}

pub(super) fn own_of(root: &Path, listed: &Listed) -> Own {
    let policy = plain::read(&root.join(POLICY_COPY)).ok();
    listed.names(policy.as_deref()).into_iter().collect()
}

/// Where an artefact of this name lies in its folder: in it, or in one folder in it, never elsewhere.
pub(super) fn place(name: &str) -> Result<&Path, OutputError> {
    let parts: Vec<&str> = name.split('/').collect();
    let plain = |part: &&str| !part.is_empty() && !part.starts_with('.') && !part.contains(['\\', '\0']);
    if parts.len() > 2 || !parts.iter().all(plain) {
        let error = io::Error::other("not a name for a file in the output folder");
        return Err(OutputError::Io { path: name.to_owned(), error });
    }
    Ok(Path::new(name))
}

#[cfg(target_os = "linux")]
fn exchange(fresh: &Path, target: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    match renameat_with(CWD, fresh, CWD, target, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(()),
        // Some file systems cannot exchange.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => exchange_in_steps(fresh, target),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
fn exchange(fresh: &Path, target: &Path) -> io::Result<()> {
    exchange_in_steps(fresh, target)
}

/// The same by renaming three times. Whoever is killed in between leaves the old folder under a name from which the
/// next run puts it back.
fn exchange_in_steps(fresh: &Path, target: &Path) -> io::Result<()> {
    let name = fresh.file_name().unwrap_or_default().to_string_lossy().replacen(OLD, NEW, 1);
    let staging = fresh.with_file_name(name);
    fs::rename(fresh, &staging)?;
    fs::rename(target, fresh)?;
    if let Err(error) = fs::rename(&staging, target) {
        fs::rename(fresh, target)?;
        return Err(error);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn artefacts_stay_in_their_folder() {
        assert!(place("lists/a.txt").is_ok());
        for name in ["../a", "a/../b", "/a", "a//b", "a/b/c", ".a", "a\\b", ""] {
            assert!(place(name).is_err(), "{name}");
        }
    }

    #[test]
    fn folders_are_exchanged_in_steps_where_the_system_cannot() {
        let out = tempfile::tempdir().unwrap();
        let at = |name: &str| out.path().join(name);
        for (name, text) in [(".tagwall-old-x", "new"), ("e", "old")] {
            fs::create_dir(at(name)).unwrap();
            fs::write(at(name).join("f"), text).unwrap();
        }
        exchange_in_steps(&at(".tagwall-old-x"), &at("e")).unwrap();
        let text = |name: &str| fs::read_to_string(at(name).join("f")).unwrap();
        assert_eq!((text("e"), text(".tagwall-old-x")), ("new".to_owned(), "old".to_owned()));
        assert!(!at(".tagwall-new-x").exists());
        fs::remove_dir_all(at("e")).unwrap();
        assert!(exchange_in_steps(&at(".tagwall-old-x"), &at("e")).is_err());
    }
}
