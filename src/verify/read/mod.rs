//! Readers: the bytes of a format back into [`Resources`](super::resources::Resources). They share no code with
//! the emitters.

mod arm;

pub use arm::read_arm;

use super::resources::Resources;

/// A reader of one format.
type Reader = fn(&[u8]) -> Result<Resources, ReadError>;

/// Every format that carries rules: its name, the ending of its files, and its reader.
pub(super) const READERS: [(&str, &str, Reader); 1] = [("arm", ".arm.json", read_arm)];

/// Why a file cannot be read back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct ReadError {
    /// Where in the file.
    pub place: String,
    /// What is wrong there.
    pub message: String,
}
