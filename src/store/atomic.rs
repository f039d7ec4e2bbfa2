//! Files that are whole or not there, also after a crash.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Writes `bytes` to `path`: to a temporary file beside it, down to the disk, then renamed into place.
///
/// A reader finds the old content or the new, never a part; so does the next start after a crash.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_as(".new-", path, bytes)
}

/// The same with a temporary file whose name begins with `prefix`.
pub(crate) fn write_as(prefix: &str, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = with_mode(tempfile::Builder::new().prefix(prefix), 0o666).tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|e| e.error)?;
    sync_folder(folder)
}

/// Makes renames and new names in `folder` last over a crash.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    // Folders cannot be opened as files everywhere; where they cannot, the system has no such step.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Brings down to the disk all that waits to be written to the file system of `folder`. False where the system cannot.
pub(crate) fn sync_system(folder: &Path) -> io::Result<bool> {
    #[cfg(target_os = "linux")]
    {
        rustix::fs::syncfs(&File::open(folder)?)?;
        Ok(true)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = folder;
        Ok(false)
    }
}

/// Removes what a killed run left in `folder`, where nobody but tagwall has anything to write.
pub(crate) fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(".new-") {
            // Whoever still writes it holds the lock that the caller has, so nobody does. What cannot be removed does
            // no harm.
            let path = entry.path();
            let _ = match entry.file_type().is_ok_and(|found| found.is_dir()) {
                true => remove_tree(&path),
                false => fs::remove_file(&path),
            };
        }
    }
}

/// What is made has the rights that `umask` leaves of `mode`, as the files of other programs have.
#[cfg(unix)]
pub(crate) fn with_mode<'a, 'p, 's>(
    builder: &'a mut tempfile::Builder<'p, 's>,
    mode: u32,
) -> &'a mut tempfile::Builder<'p, 's> {
    use std::os::unix::fs::PermissionsExt;
    builder.permissions(fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
pub(crate) fn with_mode<'a, 'p, 's>(
    builder: &'a mut tempfile::Builder<'p, 's>,
    _: u32,
) -> &'a mut tempfile::Builder<'p, 's> {
    builder
}

/// Writes a new file; a script so that whoever may read it may run it, as far as `umask` lets them.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if is_script(path) {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o777);
    }
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    Ok(file)
}

/// Whether a file is to be run.
pub(crate) fn is_script(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "sh")
}

/// Removes a folder with all that is in it, also where its folders may not be written to.
pub(crate) fn remove_tree(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            open_up(path);
            fs::remove_dir_all(path)
        }
        other => other,
    }
}

/// Makes every folder below one that its owner may write to.
fn open_up(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // What cannot be opened cannot be removed, which whoever tries is told.
        let _ = fs::set_permissions(path, fs::Permissions::from_mode(0o700));
    }
    let Ok(entries) = fs::read_dir(path) else { return };
    for entry in entries.flatten() {
        if entry.file_type().is_ok_and(|found| found.is_dir()) {
            open_up(&entry.path());
        }
    }
}
