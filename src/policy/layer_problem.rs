//! [`LayerProblem`]: where texts do not make one policy.

use super::tree::Unknown;
use crate::text::{Joined, did_you_mean, nearest};

/// So many files may stand one upon the other.
pub(super) const MOST_LAYERS: usize = 32;

/// Why a file cannot be read that another one extends.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct NotLoaded(pub String);

/// What is wrong between the texts that a policy is put together from.
#[derive(Debug, thiserror::Error)]
pub(super) enum LayerProblem {
    /// The text is no TOML; what the parser says.
    #[error("{0}")]
    Syntax(String),
    #[error("`{key}` is not of `[limits]`, and {file} holds the limits of all policies beside it alone")]
    NotLimits { key: String, file: String },
    #[error("limits that several policies share must say their `{0}` in `[limits]`")]
    LimitsUnsaid(&'static str),
    #[error("the table has no column `{name}`{}", did_you_mean(.nearest))]
    NoColumn { name: String, nearest: Vec<String> },
    #[error("`extends` must be a text: the name of one file")]
    Extends,
    #[error(transparent)]
    NotLoaded(#[from] NotLoaded),
    #[error("the files extend each other in a circle: {} extends {}", Joined(.0, " extends "), .0[0])]
    Circle(Vec<String>),
    #[error("more than {MOST_LAYERS} files stand one upon the other")]
    TooMany,
    #[error("`without` is a list of keys, such as \"allow.dns\"")]
    Without,
    #[error("`{0}` is no key, as `network.firewall` or `allow.NAME` is one")]
    NoKey(String),
    #[error("`{text}`: there is no `{}` in what this extends{}", .unknown.name, instead(.unknown))]
    NotThere { text: String, unknown: Unknown },
}

/// What may have been meant, or what there is.
fn instead(unknown: &Unknown) -> String {
    let Unknown { name, known } = unknown;
    let near = nearest(name, known.iter().map(String::as_str));
    match (near.is_empty(), known.is_empty()) {
        (false, _) => did_you_mean(&near),
        (true, true) => String::new(),
        (true, false) => format!("; there are {}", Joined(&known[..known.len().min(12)], ", ")),
    }
}
