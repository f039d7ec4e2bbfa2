//! [`read_text`]: files that people write.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::text::to_utf8;

/// The most bytes of a policy, catalogue or table. The largest that a person writes has some ten thousand; a table of a
/// hundred thousand environments some ten million.
const MOST: u64 = 64 << 20;

/// Why a text is not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// The system refused.
    #[error("{}: {error}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// It is too long.
    #[error("{}: more than 64 MiB, so this is no policy", .0.display())]
    Long(PathBuf),
    /// It is no text.
    #[error("{}: not a text file in UTF-8 or UTF-16", .0.display())]
    NoText(PathBuf),
}

/// The text of a file, in UTF-8 or UTF-16.
///
/// # Errors
/// [`TextError`].
pub fn read_text(path: &Path) -> Result<String, TextError> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MOST + 1).read_to_end(&mut bytes));
    read.map_err(|error| TextError::Io { path: path.to_path_buf(), error })?;
    if bytes.len() as u64 > MOST {
        return Err(TextError::Long(path.to_path_buf()));
    }
    String::from_utf8(to_utf8(&bytes).into_owned()).map_err(|_| TextError::NoText(path.to_path_buf()))
}
