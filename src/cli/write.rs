//! Folders that are replaced as a whole.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::Failure;
use crate::emit::Artefact;

/// Writes `files` as the folder `out/name`, in place of the one that is there.
///
/// Everything is written beside it first and put in its place by renaming, so that no reader ever finds half of
/// it, and a full disk leaves the old folder as it was.
pub(super) fn replace_folder(out: &Path, name: &str, files: &[Artefact]) -> Result<(), Failure> {
    let target = out.join(name);
    let failed = |what: &Path, error: io::Error| Failure::Io(format!("{}: {error}", what.display()));
    fs::create_dir_all(out).map_err(|e| failed(out, e))?;
    if same_content(&target, files) {
        return Ok(());
    }
    let staging =
        tempfile::Builder::new().prefix(&format!(".{name}.")).tempdir_in(out).map_err(|e| failed(out, e))?;
    for file in files {
        let path = place(staging.path(), &file.name)?;
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|e| failed(folder, e))?;
        }
        write_synced(&path, &file.bytes).map_err(|e| failed(&path, e))?;
        if file.name.ends_with(".sh") {
            set_plain_mode(&path).map_err(|e| failed(&path, e))?;
        }
    }
    let fresh = staging.path().to_owned();
    set_plain_mode(&fresh).map_err(|e| failed(&fresh, e))?;
    swap(&fresh, &target).map_err(|e| failed(&target, e))?;
    // What is in the staging folder now is the old content, or nothing.
    drop(staging);
    Ok(())
}

/// Where an artefact of this name lies below `root`: in it, or in one folder in it, never elsewhere.
fn place(root: &Path, name: &str) -> Result<PathBuf, Failure> {
    let parts: Vec<&str> = name.split('/').collect();
    let plain = |part: &&str| !part.is_empty() && !part.starts_with('.') && !part.contains(['\\', '\0']);
    if parts.len() > 2 || !parts.iter().all(plain) {
        return Err(Failure::Io(format!("{name}: not a name for a file in the output folder")));
    }
    Ok(parts.iter().fold(root.to_owned(), |path, part| path.join(part)))
}

/// The files of the folder `out/name` and of the folders in it, in order of their names; none if there is no such
/// folder. A file that cannot be read is left out: whoever asks can do without.
pub(super) fn read_folder(out: &Path, name: &str) -> Vec<Artefact> {
    let root = out.join(name);
    let read = |name: String| Some(Artefact { bytes: fs::read(root.join(&name)).ok()?, name });
    file_names(&root).into_iter().filter_map(read).collect()
}

/// The names of the files in `root` and in the folders in it, sorted; what has no name in UTF-8 or cannot be read is
/// left out.
fn file_names(root: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for (name, is_folder) in entries(root) {
        if is_folder {
            let inner = entries(&root.join(&name));
            names.extend(inner.into_iter().filter(|(_, folder)| !folder).map(|(n, _)| format!("{name}/{n}")));
        } else {
            names.push(name);
        }
    }
    names.sort();
    names
}

/// The entries of a folder, each with whether it is a folder itself.
fn entries(folder: &Path) -> Vec<(String, bool)> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let entry = |e: fs::DirEntry| Some((e.file_name().into_string().ok()?, e.file_type().ok()?.is_dir()));
    entries.flatten().filter_map(entry).collect()
}

fn same_content(folder: &Path, files: &[Artefact]) -> bool {
    let mut wanted: Vec<&str> = files.iter().map(|f| f.name.as_str()).collect();
    wanted.sort_unstable();
    file_names(folder) == wanted
        && files.iter().all(|f| fs::read(folder.join(&f.name)).is_ok_and(|bytes| bytes == f.bytes))
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = fs::File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Temporary folders are for their owner only; a published one is for everyone that may read beside it, and a script
/// for everyone to run.
#[cfg(unix)]
fn set_plain_mode(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn set_plain_mode(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Puts `fresh` in the place of `target`; what was there is at `fresh` afterwards.
fn swap(fresh: &Path, target: &Path) -> io::Result<()> {
    if !target.exists() {
        return fs::rename(fresh, target);
    }
    exchange(fresh, target)
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

/// Two renames; if the second fails, the first is taken back.
fn exchange_in_steps(fresh: &Path, target: &Path) -> io::Result<()> {
    let aside = fresh.with_extension("old");
    fs::rename(target, &aside)?;
    if let Err(error) = fs::rename(fresh, target) {
        fs::rename(&aside, target)?;
        return Err(error);
    }
    fs::rename(&aside, fresh)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn artefacts_stay_in_their_folder() {
        let root = Path::new("root");
        assert!(place(root, "lists/a.txt").is_ok_and(|p| p.ends_with("lists/a.txt")));
        for name in ["../a", "a/../b", "/a", "a//b", "a/b/c", ".a", "a\\b", ""] {
            assert!(place(root, name).is_err(), "{name}");
        }
    }

    #[test]
    fn folders_are_compared_and_replaced_with_what_is_in_them() {
        let out = tempfile::tempdir().unwrap();
        let file = |name: &str| Artefact { name: name.to_owned(), bytes: name.as_bytes().to_vec() };
        let files = [file("lists/a.txt"), file("nsg.csv")];
        assert!(replace_folder(out.path(), "e", &files).is_ok());
        assert!(same_content(&out.path().join("e"), &files));
        assert_eq!(read_folder(out.path(), "e"), files);
        fs::write(out.path().join("e/lists/old.txt"), "x").unwrap();
        assert!(!same_content(&out.path().join("e"), &files));
        assert!(replace_folder(out.path(), "e", &files).is_ok());
        assert_eq!(read_folder(out.path(), "e"), files);
    }
}
