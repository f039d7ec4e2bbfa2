//! Files that are whole or not there, also after a crash.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Writes `bytes` to `path`: to a temporary file beside it, down to the disk, then renamed into place.
///
/// A reader finds the old content or the new, never a part; so does the next start after a crash.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(folder)?;
    file.write_all(bytes)?;
    set_plain_mode(file.as_file())?;
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

/// Removes temporary files that a killed run left in `folder`.
pub(crate) fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(".new-") {
            // Whoever still writes it holds the lock that the caller has, so nobody does.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Temporary files are for their owner only; what is kept may be read by whoever may read beside it.
#[cfg(unix)]
fn set_plain_mode(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn set_plain_mode(_: &File) -> io::Result<()> {
    Ok(())
}
