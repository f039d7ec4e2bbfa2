//! [`Error`]: one error around those of the stages, with the exit code that the command gives for it.

use crate::addr::{CoverError, ListErrors, PriceError, RouteError};
use crate::catalog::CatalogError;
use crate::plan::{OverLimit, PlanError};
use crate::policy::PolicyErrors;
use crate::tags::{NoTagCover, SnapshotError};
use crate::verify::Report;

/// Whatever went wrong on the way from policy and snapshot to proven artefacts.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The policy file is wrong.
    #[error(transparent)]
    Policy(#[from] PolicyErrors),
    /// A catalogue file is wrong.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The service-tags file is wrong.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// A list of addresses is wrong.
    #[error(transparent)]
    List(#[from] ListErrors),
    /// Prices of extra addresses are wrong.
    #[error(transparent)]
    Price(#[from] PriceError),
    /// There is no such cover.
    #[error(transparent)]
    Cover(#[from] CoverError),
    /// There is no such route table.
    #[error(transparent)]
    Route(#[from] RouteError),
    /// The plan does not fit Azure's limits.
    #[error(transparent)]
    Limit(#[from] OverLimit),
    /// What was made is not as every plan should be.
    #[error("the plan breaks its promise, so nothing was written: {0}")]
    Plan(#[from] PlanError),
    /// No tags cover a list of addresses.
    #[error(transparent)]
    TagCover(#[from] NoTagCover),
    /// What was made is not what was asked.
    #[error("the proof failed, so nothing was written:\n{0}")]
    Proof(Report),
}

impl Error {
    /// The exit code of the command: 2 wrong input, 3 not possible within the limits or with the tags, 4 failed proof.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Policy(_) | Error::Catalog(_) | Error::Snapshot(_) | Error::List(_) | Error::Price(_) => 2,
            Error::Cover(CoverError::TooFew { .. }) => 3,
            Error::Cover(CoverError::Conflict { .. }) => 2,
            Error::Route(RouteError::TooFew { .. } | RouteError::Impossible { .. }) => 3,
            Error::Route(_) => 2,
            Error::Limit(_) | Error::TagCover(_) => 3,
            Error::Plan(_) | Error::Proof(_) => 4,
        }
    }
}
