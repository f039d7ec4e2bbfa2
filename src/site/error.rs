//! [`SiteError`]: why nothing is published.

use super::sign::SignError;
use std::io;
use std::path::Path;

use crate::store::carry;

/// Why a folder cannot be published to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SiteError {
    /// The system refused; what was published before still is.
    #[error("{path}: {error}")]
    Io {
        /// The file or folder.
        path: String,
        /// What the system said.
        error: io::Error,
    },
    /// The record cannot be signed.
    #[error("generation {0} cannot be signed: {1}")]
    Sign(u64, SignError),
    /// Another run is at work on the folder.
    #[error("{0}: another run is at work on this folder; this one changed nothing")]
    Busy(String),
    /// Something stands where a link has to be.
    #[error(
        "{0} is in the way: it was not made by `tagwall refresh`; move it away, or publish to another folder"
    )]
    InTheWay(String),
    /// There is no such generation.
    #[error("{0}")]
    NoSuchGeneration(String),
    /// Something that others made has the place of a file that has to be published.
    #[error(
        "{path} is in the way: tagwall did not make this {what}, and has to publish {name}. Move it away; nothing was \
         published"
    )]
    OthersFile {
        /// What is in the way.
        path: String,
        /// What it is.
        what: &'static str,
        /// What has to be published.
        name: String,
    },
    /// What the program itself keeps there cannot be used.
    #[error("generation {number} is damaged: {what}. Nothing was changed. {remedy}")]
    Unusable {
        /// Its number.
        number: u64,
        /// The file, and what is wrong with it.
        what: String,
        /// What can be done.
        remedy: String,
    },
    /// The list of what was rolled back cannot be used.
    #[error(
        "{0}. Without it data that somebody rolled back could be published again. Nothing was changed. Remove the file \
         to have the newest data published, or roll back anew afterwards"
    )]
    RolledBack(String),
    /// A generation is not what its record says.
    #[error("generation {number} is damaged: {what}")]
    Damaged {
        /// Its number.
        number: u64,
        /// What is wrong with it.
        what: String,
    },
}

pub(super) fn failed(path: &Path) -> impl FnOnce(io::Error) -> SiteError {
    let path = path.display().to_string();
    move |error| SiteError::Io { path, error }
}

impl From<carry::PathError> for SiteError {
    fn from(carry::PathError { path, error }: carry::PathError) -> Self {
        SiteError::Io { path: path.display().to_string(), error }
    }
}
