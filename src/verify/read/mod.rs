//! Readers: the bytes of a format back into [`Resources`](super::resources::Resources). They share no code with
//! the emitters.

mod arm;
mod azcli;
mod bicep;
mod csv;
mod hcl;
mod json;
mod lists;
mod terraform;

pub use arm::read_arm;
pub(super) use arm::{NatFound, nat_found, read_nat_text};

use super::resources::{AddressList, Resources};
use crate::target::FormatName;

/// Names and contents of the files of one format.
pub(super) type Files<'a> = [(&'a str, &'a [u8])];

/// A format that carries rules, and how its files are read.
pub(super) struct Reader {
    pub(super) format: FormatName,
    /// Whether a file of this name belongs to the format.
    pub(super) takes: fn(&str) -> bool,
    /// Reads all files of the format together: some name what stands in another.
    pub(super) read: fn(&Files<'_>) -> Result<Resources, ReadError>,
}

/// A format of lists of addresses, and how its files are read.
pub(super) struct ListReader {
    pub(super) format: FormatName,
    pub(super) takes: fn(&str) -> bool,
    pub(super) read: fn(&Files<'_>) -> Result<Vec<AddressList>, ReadError>,
}

/// Every format that carries rules.
pub(super) const READERS: [Reader; 7] = [
    Reader { format: FormatName::Arm, takes: |name| name.ends_with(".arm.json"), read: arm::read },
    Reader { format: FormatName::Bicep, takes: |name| name.ends_with(".bicep"), read: bicep::read },
    Reader { format: FormatName::Terraform, takes: |name| name.ends_with(".tf"), read: terraform::read },
    Reader {
        format: FormatName::TerraformJson,
        takes: |name| name.ends_with(".tf.json"),
        read: terraform::read_json,
    },
    Reader {
        format: FormatName::Azcli,
        takes: |name| name.ends_with(".sh") || name.starts_with("azcli/"),
        read: azcli::read,
    },
    Reader { format: FormatName::Csv, takes: |name| name.ends_with(".csv"), read: csv::read },
    Reader { format: FormatName::Json, takes: |name| name == "plan.json", read: json::read },
];

/// Every format that carries lists.
pub(super) const LIST_READERS: [ListReader; 4] = [
    ListReader {
        format: FormatName::Lists,
        takes: |name| name.starts_with("lists/"),
        read: lists::read_plain,
    },
    ListReader { format: FormatName::Edl, takes: |name| name.starts_with("edl/"), read: lists::read_edl },
    ListReader { format: FormatName::Nftables, takes: |name| name.ends_with(".nft"), read: lists::read_nft },
    ListReader { format: FormatName::Json, takes: |name| name == "plan.json", read: json::read_lists },
];

/// Why a file cannot be read back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct ReadError {
    /// Where in the file.
    pub place: String,
    /// What is wrong there.
    pub message: String,
}

impl ReadError {
    fn new(place: impl Into<String>, message: impl Into<String>) -> Self {
        ReadError { place: place.into(), message: message.into() }
    }
}

/// The text of a file.
fn utf8<'a>(name: &str, bytes: &'a [u8]) -> Result<&'a str, ReadError> {
    std::str::from_utf8(bytes).map_err(|error| ReadError::new(name, error.to_string()))
}
