//! What is wrong with what a store holds.

use std::io;

use super::entry::StoredError;
use crate::tags::SnapshotError;

/// Why stored data is not what its name says.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Flaw {
    /// It cannot be read or unpacked.
    #[error(transparent)]
    Bytes(#[from] io::Error),
    /// It is no snapshot.
    #[error(transparent)]
    Form(#[from] SnapshotError),
    /// It is another snapshot: the one with this digest.
    #[error("its content has the digest {0}")]
    Digest(String),
}

/// Why a description, or the file that names the current one, cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unusable {
    /// The description is not that of a snapshot of its place.
    #[error(transparent)]
    Description(#[from] StoredError),
    /// The file `current` cannot be read.
    #[error("{0}{INSTEAD}")]
    Current(io::Error),
    /// It holds no digest.
    #[error("holds no digest{INSTEAD}")]
    NoDigest,
    /// What it names cannot be used.
    #[error("it names {digest}.meta.json, which cannot be used: {why}{INSTEAD}")]
    Named {
        /// The digest that it holds.
        digest: String,
        /// What is wrong with that.
        why: StoredError,
    },
}

/// What follows from a file `current` that cannot be used, and the way out.
const INSTEAD: &str =
    "; the newest snapshot that can be read is taken instead, and `tagwall fetch` sets it right";
