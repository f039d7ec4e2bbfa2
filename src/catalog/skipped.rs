//! [`Skipped`]: a row that was not taken, and [`SkipWhy`]: why not.

use super::dated::Away;
use super::when::Condition;
use crate::packet::PortsError;
use crate::tags::Cloud;
use crate::text::Joined;

/// A row that was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The row's id.
    pub id: String,
    /// Why.
    pub why: SkipWhy,
    /// Whether the workload fails without it where it applies; with [`SkipReason::OptionMissing`] or
    /// [`SkipReason::Without`] the administrator has something to do.
    pub required: bool,
    /// The rows that cover it, where there are some.
    pub covered_by: Vec<String>,
}

/// Kinds of reasons for leaving a row out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SkipReason {
    /// The policy says so.
    Without,
    /// A condition on an option does not hold.
    Condition,
    /// The policy has to ask for it.
    OnRequest,
    /// An option that it is made of is not given.
    OptionMissing,
    /// It begins later, or has ended.
    Date,
    /// The cloud or region has nothing of the kind.
    NotHere,
    /// Tags were preferred to hosts, or hosts to tags.
    Style,
}

/// Why a row is left out; prints as a part of a sentence.
///
/// ```
/// use tagwall::catalog::{SkipReason, SkipWhy};
/// let why = SkipWhy::Option("storage-accounts".to_owned());
/// assert_eq!(why.to_string(), "option `storage-accounts` is not given");
/// assert_eq!(why.reason(), SkipReason::OptionMissing);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SkipWhy {
    /// The policy switches it off.
    #[error("switched off by `without`{}", if *.needed { ", although the workload needs it" } else { "" })]
    Without {
        /// Whether the workload fails without it.
        needed: bool,
    },
    /// A condition on an option, the cloud or the style does not hold.
    #[error("only where {0}")]
    Condition(Condition),
    /// The policy has to name the row.
    #[error("only on request: with = [\"{0}\"]")]
    OnRequest(
        /// The row.
        String,
    ),
    /// An option that it is made of is not given.
    #[error("option `{0}` is not given")]
    Option(
        /// The option.
        String,
    ),
    /// An option makes no ports.
    #[error(transparent)]
    Ports(#[from] PortsError),
    /// It begins later, or has ended.
    #[error("{away}: with = [\"{row}\"] takes it")]
    Date {
        /// When it begins or ended.
        away: Away,
        /// The row.
        row: String,
    },
    /// The catalogue says why the cloud does not have it.
    #[error("{0}")]
    Absent(
        /// What it says.
        String,
    ),
    /// The catalogue has nothing for the region.
    #[error("nothing is known for {region} in cloud {cloud}")]
    NothingHere {
        /// The region's location.
        region: String,
        /// The cloud.
        cloud: Cloud,
    },
    /// It is about the paired region, and none is known.
    #[error("{}no paired region of {region} is documented", beside(.text.as_deref()))]
    NoPair {
        /// What would be filled in, as the catalogue has it, where that is said.
        text: Option<String>,
        /// The region, as people write it.
        region: String,
    },
    /// It stands in for rows that are left out.
    #[error("alternative to {}, which is left out", Joined(.0, ", "))]
    Alternative(
        /// These rows.
        Vec<String>,
    ),
    /// Rows of tags cover it.
    #[error("covered by {}", Joined(.0, ", "))]
    Covered(
        /// These rows.
        Vec<String>,
    ),
    /// Hosts are preferred to tags.
    #[error("hosts are preferred: {}", Joined(.0, ", "))]
    Hosts(
        /// The rows of hosts.
        Vec<String>,
    ),
}

impl SkipWhy {
    /// The kind of reason.
    pub fn reason(&self) -> SkipReason {
        match self {
            SkipWhy::Without { .. } => SkipReason::Without,
            SkipWhy::Condition(_) => SkipReason::Condition,
            SkipWhy::OnRequest(_) => SkipReason::OnRequest,
            SkipWhy::Option(_) | SkipWhy::Ports(_) => SkipReason::OptionMissing,
            SkipWhy::Date { .. } => SkipReason::Date,
            SkipWhy::Absent(_) | SkipWhy::NothingHere { .. } | SkipWhy::NoPair { .. } => SkipReason::NotHere,
            SkipWhy::Alternative(_) | SkipWhy::Covered(_) | SkipWhy::Hosts(_) => SkipReason::Style,
        }
    }
}

/// What would be filled in, before the words that nothing is.
fn beside(text: Option<&str>) -> impl std::fmt::Display + '_ {
    std::fmt::from_fn(move |f| text.map_or(Ok(()), |text| write!(f, "{text}: ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_its_sentence_and_kind() {
        let rows = || vec!["a".to_owned(), "b".to_owned()];
        for (why, sentence, kind) in [
            (SkipWhy::Without { needed: false }, "switched off by `without`", SkipReason::Without),
            (
                SkipWhy::Without { needed: true },
                "switched off by `without`, although the workload needs it",
                SkipReason::Without,
            ),
            (SkipWhy::OnRequest("a".to_owned()), "only on request: with = [\"a\"]", SkipReason::OnRequest),
            (
                SkipWhy::NothingHere { region: "northcentralus".to_owned(), cloud: Cloud::Public },
                "nothing is known for northcentralus in cloud public",
                SkipReason::NotHere,
            ),
            (
                SkipWhy::NoPair { text: None, region: "West US".to_owned() },
                "no paired region of West US is documented",
                SkipReason::NotHere,
            ),
            (
                SkipWhy::NoPair { text: Some("Sql.{pair}".to_owned()), region: "West US".to_owned() },
                "Sql.{pair}: no paired region of West US is documented",
                SkipReason::NotHere,
            ),
            (SkipWhy::Alternative(rows()), "alternative to a, b, which is left out", SkipReason::Style),
            (SkipWhy::Covered(rows()), "covered by a, b", SkipReason::Style),
            (SkipWhy::Hosts(rows()), "hosts are preferred: a, b", SkipReason::Style),
        ] {
            assert_eq!((why.to_string().as_str(), why.reason()), (sentence, kind));
        }
    }
}
