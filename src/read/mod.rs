//! Readers: the bytes of a format back into [`Resources`]. They share no code with
//! the emitters.

mod arm;
mod azcli;
mod beside;
mod bicep;
mod csv;
mod error;
mod hcl;
mod json;
mod lists;
pub mod live;
mod node;
mod passing;
pub mod resources;
mod terraform;
mod tree;

pub use arm::{Export, read_arm};
pub(crate) use arm::{NatFound, nat_found, read_nat_text};
#[cfg(feature = "store")]
pub(crate) use beside::is_values;
pub use beside::{Beside, BesideChange, Configuration, is_loaded};
pub(crate) use error::Files;
pub use error::ReadError;
pub use node::{READ_ONLY, Remark};
pub(crate) use tree::no_member_twice;

use crate::target::FormatName;
use resources::{AddressList, Resources};

/// A format that carries rules, and how its files are read.
pub(crate) struct Reader {
    pub(crate) format: FormatName,
    /// Whether a file of this name belongs to the format.
    pub(crate) takes: fn(&str) -> bool,
    /// Reads all files of the format together: some name what stands in another. Whatever tagwall would not have
    /// written there is an error.
    pub(crate) read: fn(&Files<'_>) -> Result<Resources, ReadError>,
}

impl Reader {
    /// Reads files of an earlier generation for the names in them. What people changed in a template does not keep it
    /// from being read.
    pub(crate) fn read_earlier(&self, files: &Files<'_>) -> Result<Resources, ReadError> {
        match self.format {
            FormatName::Arm => arm::read_changed(files),
            _ => (self.read)(files),
        }
    }
}

/// A format of lists of addresses, and how its files are read.
pub(crate) struct ListReader {
    pub(crate) format: FormatName,
    pub(crate) takes: fn(&str) -> bool,
    pub(crate) read: fn(&Files<'_>) -> Result<Vec<AddressList>, ReadError>,
}

/// Every format that carries rules.
pub(crate) const READERS: [Reader; 7] = [
    Reader { format: FormatName::Arm, takes: |name| is_numbered(name, ".arm.json"), read: arm::read },
    Reader { format: FormatName::Bicep, takes: |name| is_numbered(name, ".bicep"), read: bicep::read },
    Reader { format: FormatName::Terraform, takes: |name| name.ends_with(".tf"), read: terraform::read },
    Reader {
        format: FormatName::TerraformJson,
        takes: |name| name.ends_with(".tf.json"),
        read: terraform::read_json,
    },
    Reader {
        format: FormatName::Azcli,
        takes: |name| is_numbered(name, ".sh") || azcli::is_list(name),
        read: azcli::read,
    },
    Reader { format: FormatName::Csv, takes: |name| name.ends_with(".csv"), read: csv::read },
    Reader { format: FormatName::Json, takes: |name| name == "plan.json", read: json::read },
];

/// Every format that carries lists.
pub(crate) const LIST_READERS: [ListReader; 4] = [
    ListReader {
        format: FormatName::Lists,
        takes: |name| name.starts_with("lists/"),
        read: lists::read_plain,
    },
    ListReader { format: FormatName::Edl, takes: |name| name.starts_with("edl/"), read: lists::read_edl },
    ListReader { format: FormatName::Nftables, takes: |name| name.ends_with(".nft"), read: lists::read_nft },
    ListReader { format: FormatName::Json, takes: |name| name == "plan.json", read: json::read_lists },
];

/// Reads the files of one format back, without proving anything; files of other formats are passed over.
///
/// # Errors
/// [`ReadError`] with file and place, where something is missing, not understood or contradicts itself; and for formats
/// that carry no rules.
///
/// ```
/// use tagwall::{read, target::FormatName};
/// let files = [("ip-groups.csv", "ipGroup,ipAddress\na,203.0.113.0/24\n".as_bytes())];
/// let found = read::read_files(FormatName::Csv, &files)?;
/// assert_eq!(found.ip_groups[0].addresses, ["203.0.113.0/24"]);
/// # Ok::<(), read::ReadError>(())
/// ```
pub fn read_files(format: FormatName, files: &[(&str, &[u8])]) -> Result<Resources, ReadError> {
    let reader = READERS.iter().find(|reader| reader.format == format);
    let reader = reader.ok_or_else(|| ReadError::new(format.name(), "the format carries no rules"))?;
    let own: Vec<(&str, &[u8])> = files.iter().filter(|(name, _)| (reader.takes)(name)).copied().collect();
    (reader.read)(&own)
}

/// What files of resources are called, in the order in which they are deployed.
const STAGES: [&str; 6] =
    ["ip-groups", "firewall", "nsg", "service-endpoint-policy", "route-table", "associations"];

/// Whether a file holds the resources of one stage, or some of several files of it, `ip-groups-1` and so on.
fn is_numbered(name: &str, ending: &str) -> bool {
    let Some(stem) = name.strip_suffix(ending) else { return false };
    let number = |text: &str| !text.starts_with('0') && text.parse::<u32>().is_ok();
    STAGES.contains(&stem)
        || stem.rsplit_once('-').is_some_and(|(stem, n)| STAGES.contains(&stem) && number(n))
}

/// When a file of resources is deployed among those of its format: its stage, and its number where there are several.
/// Other files come in any order.
pub(crate) fn place_in_order(name: &str) -> Option<(usize, u32)> {
    let stem = name.split('.').next().unwrap_or(name);
    let stage = |stem: &str| STAGES.iter().position(|stage| *stage == stem);
    let numbered = || {
        let (stem, number) = stem.rsplit_once('-')?;
        Some((stage(stem)?, number.parse().ok()?))
    };
    stage(stem).map(|stage| (stage, 0)).or_else(numbered)
}

/// The format that a file of this name is one of.
pub(crate) fn format_of(name: &str) -> Option<FormatName> {
    let of_rules = READERS.iter().find(|reader| (reader.takes)(name)).map(|reader| reader.format);
    let of_lists = || LIST_READERS.iter().find(|reader| (reader.takes)(name)).map(|reader| reader.format);
    of_rules.or_else(of_lists)
}
