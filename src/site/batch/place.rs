//! [`Destination`]: where the environments of a batch are put.

use std::path::Path;

use crate::emit::Artefact;
use crate::site::output::{OutputError, OutputFolder, Staged, Writing};
use crate::store::plain;

/// Where the environments of a batch are put. Nobody finds half of one there.
pub trait Destination: Sync {
    /// An environment that is written, or held, until it gets its place with others.
    type Staged: Send;

    /// The files of an environment as they are; none where it is not there.
    ///
    /// # Errors
    /// [`DestinationError`].
    fn earlier(&self, name: &str) -> Result<Vec<Artefact>, DestinationError>;

    /// Gets an environment ready; nothing where it is there just so.
    ///
    /// # Errors
    /// [`DestinationError`].
    fn stage(&self, name: &str, files: Vec<Artefact>) -> Result<Option<Self::Staged>, DestinationError>;

    /// Puts environments in their places, each whole and none before all of it is safe. Gives what came of each.
    ///
    /// # Errors
    /// [`DestinationError`] if none got its place.
    fn commit(&self, group: Vec<Self::Staged>)
    -> Result<Vec<Result<(), DestinationError>>, DestinationError>;

    /// A file of the batch itself, such as the result before.
    fn beside(&self, name: &str) -> Option<Vec<u8>>;

    /// Writes a file of the batch itself, whole.
    ///
    /// # Errors
    /// [`DestinationError`].
    fn write_beside(&self, name: &str, bytes: &[u8]) -> Result<(), DestinationError>;

    /// What is worth saying and was not said yet.
    fn take_notes(&self) -> Vec<String>;
}

/// Why something is not put in its place; what was there still is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DestinationError {
    /// A folder.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// An object store.
    #[error("{0}")]
    Remote(String),
}

impl DestinationError {
    /// The exit code: 2 where what is there is at fault, 1 where the system is.
    pub fn exit_code(&self) -> u8 {
        match self {
            DestinationError::Output(error) if error.is_input() => 2,
            _ => 1,
        }
    }
}

/// A folder with one folder for each environment.
#[derive(Debug)]
pub struct Folder<'a> {
    folder: &'a OutputFolder,
    writing: Writing<'a>,
}

impl<'a> Folder<'a> {
    /// Takes the folder for this run; `shard` where others work on other parts of it.
    ///
    /// # Errors
    /// [`OutputError`].
    pub fn new(folder: &'a OutputFolder, shard: Option<(u32, u32)>) -> Result<Self, OutputError> {
        Ok(Folder { folder, writing: folder.begin(shard)? })
    }
}

impl Destination for Folder<'_> {
    type Staged = Staged;

    fn earlier(&self, name: &str) -> Result<Vec<Artefact>, DestinationError> {
        Ok(self.folder.earlier(name)?)
    }

    fn stage(&self, name: &str, files: Vec<Artefact>) -> Result<Option<Staged>, DestinationError> {
        Ok(self.writing.stage(name, &files)?)
    }

    fn commit(&self, group: Vec<Staged>) -> Result<Vec<Result<(), DestinationError>>, DestinationError> {
        let places: Vec<_> = group.iter().map(Staged::place).collect();
        let done = self.writing.commit(group)?;
        self.writing.look_beside(&places);
        Ok(done.into_iter().map(|one| one.map_err(DestinationError::from)).collect())
    }

    fn beside(&self, name: &str) -> Option<Vec<u8>> {
        plain::read(&Path::new(self.folder.out()).join(name)).ok()
    }

    fn write_beside(&self, name: &str, bytes: &[u8]) -> Result<(), DestinationError> {
        Ok(self.writing.write_beside(name, bytes)?)
    }

    fn take_notes(&self) -> Vec<String> {
        self.writing.take_notes()
    }
}
