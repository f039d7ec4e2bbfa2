//! [`Trouble`]: data that is there and cannot be used.

use crate::store::{Damage, StoreError};
use crate::tags::Cloud;

/// What of the data cannot be used, and why.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Trouble {
    /// A published environment whose description cannot be used, which is not handed out.
    #[error("generation {generation}: {path}: {why}")]
    Environment {
        /// The published generation.
        generation: u64,
        /// The path of the description.
        path: String,
        /// What is wrong with it.
        why: NoEnvironment,
    },
    /// What is kept of the rules of this environment cannot be read, so that look-ups do not find them.
    #[error("{0}: what is kept of its rules cannot be read")]
    Rules(String),
    /// The data that is published is damaged in the store.
    #[error(transparent)]
    Published(StoreError),
    /// The data that is published is not in the store.
    #[error("the data {} of the cloud {cloud} that is published is not in the store", &.digest[..12.min(.digest.len())])]
    NotStored {
        /// Of this cloud.
        cloud: Cloud,
        /// Its digest.
        digest: String,
    },
    /// A stored snapshot is passed over for an older one.
    #[error(transparent)]
    Passed(#[from] Damage),
    /// A week of the history cannot be read.
    #[error("left out of the history: {0}")]
    Week(StoreError),
}

/// Why an environment cannot be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoEnvironment {
    /// Its description is not there, or cannot be read.
    #[error("it cannot be read")]
    Unreadable,
    /// The description is not as it was published.
    #[error("it was changed after it was published")]
    Changed,
    /// The description is not of the form that is known.
    #[error(transparent)]
    Form(#[from] serde_json::Error),
    /// It is the description of this other environment.
    #[error("it is that of {0}")]
    Other(String),
}
