//! Reading from folders that others may have changed: plain files only, never through a link, never waiting for a pipe.

use std::fs::{self, File, FileType, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Longer files are none that tagwall wrote.
const MOST: u64 = 256 << 20;

/// The bytes of a plain file.
///
/// # Errors
/// What the system says; and that the path is something else, such as a link or a named pipe, which would have to be
/// waited for.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(MOST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST {
        return Err(io::Error::other(format!("is longer than {} MiB", MOST >> 20)));
    }
    Ok(bytes)
}

/// The text of a plain file.
pub(crate) fn read_text(path: &Path) -> io::Result<String> {
    String::from_utf8(read(path)?).map_err(|_| io::Error::other("is not text in UTF-8"))
}

/// The bytes of the plain file `name` below `root`, with `/` between folders; none of these may be a link.
pub(crate) fn read_below(root: &Path, name: &str) -> io::Result<Vec<u8>> {
    read(&place_below(root, name)?)
}

/// Where `name` lies below `root`, which it never leaves: neither by its parts nor through a link.
fn place_below(root: &Path, name: &str) -> io::Result<PathBuf> {
    let mut path = root.to_owned();
    let mut parts = name.split('/').peekable();
    while let Some(part) = parts.next() {
        if part.is_empty() || part == "." || part == ".." || part.contains(['\\', '\0']) {
            return Err(io::Error::other("is no name for a file in this folder"));
        }
        path.push(part);
        if parts.peek().is_some() {
            let found = fs::symlink_metadata(&path)?.file_type();
            if !found.is_dir() {
                return Err(io::Error::other(format!("{part} is {}, not a folder", kind(found))));
            }
        }
    }
    Ok(path)
}

/// Opens a plain file to read it.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    // Looked at first, since merely to open a device can do something.
    plain(fs::symlink_metadata(path)?.file_type())?;
    let file = careful(File::options().read(true)).open(path)?;
    plain(file.metadata()?.file_type())?;
    Ok(file)
}

/// Opens a file that is only there to be locked, and makes it if it is not there.
pub(crate) fn open_lock(path: &Path) -> io::Result<File> {
    match fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() => {
            let kind = kind(found.file_type());
            return Err(io::Error::other(format!(
                "is {kind}, not the file by which runs wait for each other; remove it"
            )));
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let file = careful(File::options().create(true).truncate(false).write(true)).open(path)?;
    plain(file.metadata()?.file_type())?;
    Ok(file)
}

/// Neither follows a link nor waits for the other end of a pipe, should one have come since the look.
#[cfg(unix)]
fn careful(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    options.custom_flags(flags.bits().cast_signed())
}

#[cfg(not(unix))]
fn careful(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

fn plain(found: FileType) -> io::Result<()> {
    match found.is_file() {
        true => Ok(()),
        false => Err(io::Error::other(format!("is {}, not a file", kind(found)))),
    }
}

/// What something in a folder is, for people.
pub(crate) fn kind(found: FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if found.is_fifo() {
            return "a named pipe";
        }
        if found.is_socket() {
            return "a socket";
        }
        if found.is_block_device() || found.is_char_device() {
            return "a device";
        }
    }
    match (found.is_dir(), found.is_symlink(), found.is_file()) {
        (true, ..) => "a folder",
        (_, true, _) => "a link",
        (.., true) => "a file",
        _ => "something else",
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_plain_files_are_read_and_nothing_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("file"), "text").unwrap();
        fs::create_dir(at("folder")).unwrap();
        fs::write(at("folder/file"), "inner").unwrap();
        symlink("file", at("link")).unwrap();
        symlink("nowhere", at("dangling")).unwrap();
        symlink("folder", at("linked")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, at("pipe"), rustix::fs::Mode::RUSR).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        assert_eq!(read(&at("file")).unwrap(), b"text");
        assert_eq!(read_below(folder.path(), "folder/file").unwrap(), b"inner");
        let why = |name: &str| read_below(folder.path(), name).unwrap_err().to_string();
        for (name, words) in [
            ("folder", "is a folder, not a file"),
            ("link", "is a link, not a file"),
            ("dangling", "is a link, not a file"),
            ("pipe", "is a named pipe, not a file"),
            ("socket", "is a socket, not a file"),
            ("linked/file", "linked is a link, not a folder"),
            ("../x", "is no name for a file in this folder"),
            ("/etc/passwd", "is no name for a file in this folder"),
        ] {
            assert_eq!(why(name), words, "{name}");
            if let Some((kind, _)) = words.split_once(',').filter(|_| !name.contains('/')) {
                let error = open_lock(&at(name)).unwrap_err().to_string();
                assert!(error.starts_with(kind) && error.ends_with("; remove it"), "{name}: {error}");
            }
        }
        assert_eq!(read(Path::new("/dev/zero")).unwrap_err().to_string(), "is a device, not a file");
        assert!(!at("nowhere").exists());
    }
}
