//! [`NameProblem`]: names in catalogue files that stand for nothing, or twice.

use crate::text::{Joined, did_you_mean};

/// What is wrong with a name. Its parts are those of the files.
#[derive(Debug, thiserror::Error)]
pub(super) enum NameProblem<'a> {
    /// Two things of one kind have the name.
    #[error("{what} `{name}` occurs twice")]
    Twice { what: &'static str, name: &'a str },
    #[error("no workload `{name}`{}; a new one needs `title` and `summary`", did_you_mean(.near))]
    Workload { name: &'a str, near: Vec<String> },
    #[error("`include`: no other workload `{name}`{}", did_you_mean(.near))]
    Include { name: &'a str, near: Vec<String> },
    #[error("`include`: `{0}` includes workloads itself, which is not followed")]
    IncludeOfInclude(&'a str),
    #[error("`remotes-of`: row `{0}` takes its own from another row; name that one")]
    RemotesOf(&'a str),
    #[error("`{key}`: no row `{name}`{}", did_you_mean(.near))]
    Row { key: &'static str, name: &'a str, near: Vec<String> },
    #[error("option `{0}` stands for ports, so its kind is port or ports")]
    PortsOption(&'a str),
    /// An option that a text or a condition names; `text` is what names it.
    #[error("`{text}`: no option `{name}`{}", did_you_mean(.near))]
    Option { text: &'a str, name: &'a str, near: Vec<String> },
    #[error("`when`: `{name}` is never `{value}`; it is one of {}", Joined(.known, ", "))]
    Never { name: &'a str, value: &'a str, known: Vec<&'a str> },
    #[error("`source`: no key `{key}` in [sources]{}", did_you_mean(.near))]
    Source { key: &'a str, near: Vec<String> },
    #[error("`risks`: no risk `{id}`{}", did_you_mean(.near))]
    Risk { id: &'a str, near: Vec<String> },
}
