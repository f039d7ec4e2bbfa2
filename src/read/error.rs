//! [`ReadError`], and the bytes of files as text.

use crate::text::visible;

/// Names and contents of the files of one format.
pub(crate) type Files<'a> = [(&'a str, &'a [u8])];

/// Why a file cannot be read back. Shown, it has no hidden characters of the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}", visible(place), visible(message))]
pub struct ReadError {
    /// Where in the file.
    pub place: String,
    /// What is wrong there.
    pub message: String,
}

impl ReadError {
    pub(super) fn new(place: impl Into<String>, message: impl Into<String>) -> Self {
        ReadError { place: place.into(), message: message.into() }
    }
}

/// The text of a file.
pub(super) fn utf8<'a>(name: &str, bytes: &'a [u8]) -> Result<&'a str, ReadError> {
    std::str::from_utf8(bytes).map_err(|error| ReadError::new(name, error.to_string()))
}
