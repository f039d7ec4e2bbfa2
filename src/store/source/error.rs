//! [`SourceError`]: why one way to the data, or to a token, led nowhere.

use std::io;
use std::path::{Path, PathBuf};

use super::http::{HttpError, Stray};
use crate::tags::{Cloud, Snapshot};

/// What [`Url`](reqwest::Url) says of a text that is none.
pub(super) type UrlError = <reqwest::Url as std::str::FromStr>::Err;

/// Why a source gave nothing. Addresses in it are as they may be shown.
#[derive(Debug, thiserror::Error)]
pub(super) enum SourceError {
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error("{place}: {why}")]
    Address { place: String, why: UrlError },
    #[error("the next page {to} is not followed: {why}")]
    NextPage { to: String, why: Stray },
    #[error("{at}: the pages go round in circles")]
    Circles { at: String },
    #[error("the list changed while it was read: {before} became {now}; try again")]
    Changed { before: String, now: String },
    #[error("no token: {0}")]
    NoToken(HttpError),
    // What came is not quoted: it may be a token in a form that is not understood.
    #[error("no token: the answer is not understood")]
    OddToken,
    #[error("the token holds characters that no token has")]
    TokenCharacters,
    #[error("the identity header is not a legal one")]
    IdentityHeader,
    #[error("{}: {error}", .path.display())]
    File { path: PathBuf, error: io::Error },
    #[error("{}: is {kind}, not a file", .path.display())]
    NoFile { path: PathBuf, kind: &'static str },
    #[error("{}: no file ServiceTags_{}_YYYYMMDD.json", .folder.display(), .cloud.file_code())]
    NoneOfCloud { folder: PathBuf, cloud: Cloud },
    #[error("{}: more than {} MiB, which is never read", .0.display(), Snapshot::MAX_BYTES >> 20)]
    TooLarge(PathBuf),
}

impl SourceError {
    /// For what the system says of a file.
    pub(super) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |error| SourceError::File { path, error }
    }
}
