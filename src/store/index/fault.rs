//! Why the index could not be read or made.

use std::path::Path;

use crate::store::disk::StoreError;

/// Why there is no timeline.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// The database refused.
    #[error("{path}: {error}")]
    Sql {
        /// The file.
        path: String,
        /// What it said.
        error: rusqlite::Error,
    },
    /// What stands in the index cannot have been written by this program.
    #[error("{path}: the index is damaged: {why}; remove the file, it is made again")]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong.
        why: String,
    },
    /// Something else lies where the index is kept.
    #[error("{path}: {what} lies where the index of the store is kept; remove it")]
    InTheWay {
        /// The file.
        path: String,
        /// What lies there.
        what: &'static str,
    },
    /// The file cannot be removed or written.
    #[error("{path}: {error}")]
    Io {
        /// The file.
        path: String,
        /// What the system said.
        error: std::io::Error,
    },
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why the file did not do.
pub(super) enum Fault {
    /// It is no index, or one of another version, or damaged.
    Broken(String),
    /// It cannot be written.
    Unwritable(String),
    /// It is held by others, or the machine fails.
    Sql(rusqlite::Error),
    /// Nothing helps.
    Stop(IndexError),
}

impl Fault {
    pub(super) fn at(self, path: &Path) -> IndexError {
        let path = path.display().to_string();
        match self {
            Fault::Broken(why) | Fault::Unwritable(why) => IndexError::Damaged { path, why },
            Fault::Sql(error) => IndexError::Sql { path, error },
            Fault::Stop(error) => error,
        }
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{
            CannotOpen, DatabaseBusy, DatabaseLocked, DiskFull, FileLockingProtocolFailed,
            OperationInterrupted, OutOfMemory, PermissionDenied, ReadOnly, SystemIoFailure,
        };
        match error.sqlite_error_code() {
            Some(CannotOpen | DiskFull | FileLockingProtocolFailed | PermissionDenied | ReadOnly) => {
                Fault::Unwritable(error.to_string())
            }
            Some(DatabaseBusy | DatabaseLocked | OperationInterrupted | OutOfMemory | SystemIoFailure) => {
                Fault::Sql(error)
            }
            _ => Fault::Broken(error.to_string()),
        }
    }
}
