//! What lies in a folder beside the files that tagwall made there, and how it gets into the folder that takes its place:
//! Terraform's state and settings, notes, signatures.
//!
//! Files are linked, not moved: until the old folder is removed they are in both, so that nobody who is killed between
//! two steps loses one, and what a program still writes to one of them is in both.

use std::collections::BTreeSet;
use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::{atomic, plain};

/// A path, and what the system said about it.
#[derive(Debug, thiserror::Error)]
#[error("{}: {error}", path.display())]
pub(crate) struct PathError {
    pub(crate) path: PathBuf,
    pub(crate) error: io::Error,
}

/// For `map_err`: names the path with the error.
pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> PathError {
    move |error| PathError { path: path.to_owned(), error }
}

/// The files that tagwall made in a folder, by their paths below it.
#[derive(Debug, Default)]
pub(crate) struct Own {
    files: BTreeSet<PathBuf>,
    folders: BTreeSet<PathBuf>,
}

impl<S: AsRef<Path>> FromIterator<S> for Own {
    fn from_iter<I: IntoIterator<Item = S>>(names: I) -> Self {
        let mut own = Own::default();
        for name in names {
            let name = name.as_ref();
            let above = name.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
            own.folders.extend(above.map(Path::to_owned));
            own.files.insert(name.to_owned());
        }
        own
    }
}

impl Own {
    /// The first of the files that have to lie at or below `path`.
    pub(crate) fn needs(&self, path: &Path) -> String {
        let file = self.files.iter().find(|file| file.starts_with(path));
        file.map_or(path, PathBuf::as_path).display().to_string()
    }
}

/// Something that tagwall did not make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Other {
    /// Where it lies, below the folder.
    pub(crate) path: PathBuf,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Folder,
    File,
    Link,
    Special,
}

impl Kind {
    fn of(found: &Metadata) -> Kind {
        match (found.is_dir(), found.is_file(), found.is_symlink()) {
            (true, ..) => Kind::Folder,
            (_, true, _) => Kind::File,
            (.., true) => Kind::Link,
            _ => Kind::Special,
        }
    }
}

impl Other {
    /// What it is, for people.
    pub(crate) fn what(&self) -> &'static str {
        match self.kind {
            Kind::Folder => "folder",
            Kind::File => "file",
            Kind::Link => "link",
            Kind::Special => "pipe, socket or device",
        }
    }

    pub(crate) fn is_folder(&self) -> bool {
        self.kind == Kind::Folder
    }

    /// Whether Terraform is at work: it makes this file beside a state that it holds, and removes it at the end.
    pub(crate) fn is_state_lock(&self) -> bool {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with('.') && name.ends_with(".lock.info")
    }
}

/// What lies in a folder.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// What tagwall did not make, each folder before what is in it.
    pub(crate) others: Vec<Other>,
    /// The plain files that tagwall made.
    pub(crate) own: BTreeSet<PathBuf>,
    /// The folders that hold them, without the outermost.
    own_folders: Vec<PathBuf>,
}

/// Looks through a folder. Follows no link; what has the name of an own file and is none is another's.
pub(crate) fn look(root: &Path, own: &Own) -> Result<Found, PathError> {
    let mut found = Found::default();
    let mut folders = vec![PathBuf::new()];
    let top = fs::symlink_metadata(root).map_err(at(root))?;
    while let Some(folder) = folders.pop() {
        let place = root.join(&folder);
        for entry in fs::read_dir(&place).map_err(at(&place))? {
            let path = folder.join(entry.map_err(at(&place))?.file_name());
            let place = root.join(&path);
            let meta = match fs::symlink_metadata(&place) {
                // Somebody else is at work here, and took it away.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                other => other.map_err(at(&place))?,
            };
            let kind = Kind::of(&meta);
            if kind == Kind::Folder {
                if is_mounted(&meta, &top) {
                    let text = "is another file system, which cannot be taken along: mount it elsewhere";
                    return Err(at(&place)(io::Error::other(text)));
                }
                folders.push(path.clone());
            }
            match kind {
                Kind::Folder if own.folders.contains(&path) => found.own_folders.push(path),
                Kind::File if own.files.contains(&path) => {
                    found.own.insert(path);
                }
                _ => found.others.push(Other { path, kind }),
            }
        }
    }
    found.others.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

impl Found {
    /// The first of the others that stands where a file of `own` or a folder for one has to be, and what it is. A plain
    /// file of `root` that is what it has to be, as `same` says, is in nobody's way.
    pub(crate) fn in_the_way(&self, own: &Own, same: impl Fn(&Path) -> bool) -> Option<&Other> {
        self.others.iter().find(|other| match other.kind {
            Kind::Folder => own.files.contains(&other.path),
            Kind::File if own.files.contains(&other.path) => !same(&other.path),
            _ => own.files.contains(&other.path) || own.folders.contains(&other.path),
        })
    }

    /// Brings the others from the folder `from` into the folder `to`, where some may be already, and gives the folders
    /// of `to` the rights that they have there.
    pub(crate) fn carry(&self, from: &Path, to: &Path) -> Result<(), PathError> {
        let mut folders = vec![PathBuf::new()];
        for other in &self.others {
            let (source, place) = (from.join(&other.path), to.join(&other.path));
            if let Some(above) = place.parent() {
                // A folder that was tagwall's, and in which it has nothing any more.
                fs::create_dir_all(above).map_err(at(above))?;
            }
            if other.is_folder() {
                match fs::create_dir(&place) {
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                        return Err(at(&place)(error));
                    }
                    _ => folders.push(other.path.clone()),
                }
            } else if fs::symlink_metadata(&place).is_err() {
                bring(&source, &place, other.kind).map_err(at(&source))?;
            }
        }
        folders.extend(self.own_folders.iter().filter(|folder| to.join(folder).is_dir()).cloned());
        folders.sort();
        // A folder that may not be written to gets its rights when all is in it.
        for folder in folders.iter().rev() {
            let (source, place) = (from.join(folder), to.join(folder));
            atomic::sync_folder(&place).map_err(at(&place))?;
            same_rights(&source, &place).map_err(at(&place))?;
        }
        Ok(())
    }
}

/// Brings one thing from one folder into another: as the same file where the system can have it in two places.
fn bring(source: &Path, place: &Path, kind: Kind) -> io::Result<()> {
    let refused = match fs::hard_link(source, place) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
        Err(error) if fs::symlink_metadata(source).is_ok() => error,
        // Done, or taken away by somebody since the look.
        _ => return Ok(()),
    };
    match kind {
        Kind::File => copy(source, place),
        #[cfg(unix)]
        Kind::Link => std::os::unix::fs::symlink(fs::read_link(source)?, place),
        _ => Err(refused),
    }
}

fn copy(source: &Path, place: &Path) -> io::Result<()> {
    let mut from = plain::open(source)?;
    let mut to = File::options().write(true).create_new(true).open(place)?;
    io::copy(&mut from, &mut to)?;
    let meta = from.metadata()?;
    to.set_modified(meta.modified()?)?;
    if !same_owner(&meta, place)? {
        return Err(io::Error::other(
            "belongs to another user and cannot be linked: run as that user, or move it out of this folder",
        ));
    }
    to.set_permissions(meta.permissions())?;
    to.sync_all()
}

fn same_rights(source: &Path, place: &Path) -> io::Result<()> {
    let meta = match fs::symlink_metadata(source) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    // Only some users may give a folder away; the others have it in their own name.
    let _ = same_owner(&meta, place)?;
    fs::set_permissions(place, meta.permissions())
}

/// Gives `place` to the owner of `meta`. Says whether it is theirs.
#[cfg(unix)]
fn same_owner(meta: &Metadata, place: &Path) -> io::Result<bool> {
    use std::os::unix::fs::{MetadataExt, lchown};
    let have = fs::symlink_metadata(place)?;
    let same = (have.uid(), have.gid()) == (meta.uid(), meta.gid());
    Ok(same || lchown(place, Some(meta.uid()), Some(meta.gid())).is_ok() || have.uid() == meta.uid())
}

#[cfg(not(unix))]
fn same_owner(_: &Metadata, _: &Path) -> io::Result<bool> {
    Ok(true)
}

/// Whether two paths are one file, or two plain ones with the same content.
pub(crate) fn same_file(one: &Path, other: &Path) -> bool {
    if let (Ok(a), Ok(b)) = (fs::symlink_metadata(one), fs::symlink_metadata(other)) {
        if is_one(&a, &b) {
            return true;
        }
        if a.is_symlink() && b.is_symlink() {
            return fs::read_link(one).ok() == fs::read_link(other).ok();
        }
        return a.is_file() && b.is_file() && a.len() == b.len() && same_bytes(one, other).unwrap_or(false);
    }
    false
}

#[cfg(unix)]
fn is_one(a: &Metadata, b: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

/// Whether a folder is on another file system than the one it lies in.
#[cfg(unix)]
fn is_mounted(folder: &Metadata, top: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    folder.dev() != top.dev()
}

#[cfg(not(unix))]
fn is_mounted(_: &Metadata, _: &Metadata) -> bool {
    false
}

#[cfg(not(unix))]
fn is_one(_: &Metadata, _: &Metadata) -> bool {
    false
}

/// Block by block: a plugin of Terraform has hundreds of megabytes.
fn same_bytes(one: &Path, other: &Path) -> io::Result<bool> {
    use std::io::{BufRead, BufReader};
    let (mut a, mut b) = (BufReader::new(plain::open(one)?), BufReader::new(plain::open(other)?));
    loop {
        let (left, right) = (a.fill_buf()?, b.fill_buf()?);
        let most = left.len().min(right.len());
        if most == 0 || left[..most] != right[..most] {
            return Ok(left.is_empty() && right.is_empty());
        }
        a.consume(most);
        b.consume(most);
    }
}
