//! [`FillError`]: what the values of options make that a row cannot be made of.

use super::remote::RemoteError;
use crate::limits::nsg_priorities;
use crate::packet::PortsError;

/// Why a filled-in text is no far side, no ports or no priority.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FillError {
    /// It names no remote.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// It has no ports.
    #[error(transparent)]
    Ports(#[from] PortsError),
    /// Addresses are meant, and it is something else.
    #[error("`{0}` is no address, prefix, range or *")]
    NoAddress(
        /// The text.
        String,
    ),
    /// No rule can have the priority.
    #[error(
        "the priority {first} + {plus} is none from {} to {}",
        nsg_priorities().start(),
        nsg_priorities().end()
    )]
    Priority {
        /// The priority that an option gives.
        first: String,
        /// How many come on top of it.
        plus: u32,
    },
    /// An option gives a list where one text is needed.
    #[error("`{0}` stands for one text, not for a list")]
    List(
        /// The text, with its places.
        String,
    ),
}
