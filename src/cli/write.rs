//! Folders that are replaced as a whole.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

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
        let path = staging.path().join(&file.name);
        write_synced(&path, &file.bytes).map_err(|e| failed(&path, e))?;
    }
    let fresh = staging.path().to_owned();
    set_plain_mode(&fresh).map_err(|e| failed(&fresh, e))?;
    swap(&fresh, &target).map_err(|e| failed(&target, e))?;
    // What is in the staging folder now is the old content, or nothing.
    drop(staging);
    Ok(())
}

/// The files of the folder `out/name`, in order of their names; none if there is no such folder. A file that cannot
/// be read is left out: whoever asks can do without.
pub(super) fn read_folder(out: &Path, name: &str) -> Vec<Artefact> {
    let Ok(entries) = fs::read_dir(out.join(name)) else { return Vec::new() };
    let read = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        Some(Artefact { name, bytes: fs::read(entry.path()).ok()? })
    };
    let mut files: Vec<Artefact> = entries.flatten().filter_map(read).collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    files
}

fn same_content(folder: &Path, files: &[Artefact]) -> bool {
    let Ok(entries) = fs::read_dir(folder) else { return false };
    entries.count() == files.len()
        && files.iter().all(|f| fs::read(folder.join(&f.name)).is_ok_and(|bytes| bytes == f.bytes))
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = fs::File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Temporary folders are for their owner only; a published one is for everyone that may read beside it.
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
