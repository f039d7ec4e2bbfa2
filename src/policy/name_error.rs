//! [`NameError`]: why a name of a policy stands for nothing.

use crate::catalog::RemoteError;
use crate::text::did_you_mean;

/// Why a name stands for no remote.
#[derive(Debug, thiserror::Error)]
pub(super) enum NameError {
    /// It is not written as one.
    #[error(transparent)]
    Form(#[from] RemoteError),
    #[error("there is no group `{name}`{}", did_you_mean(.nearest))]
    NoGroup { name: String, nearest: Vec<String> },
    /// One of the names in a group.
    #[error("group {group}: {error}")]
    InGroup { group: String, error: Box<NameError> },
    #[error("group {group} names group {inner}; a group holds remotes only")]
    GroupInGroup { group: String, inner: String },
    #[error("group {0} is empty")]
    EmptyGroup(String),
    #[error("a group cannot stand here: {0}")]
    GroupHere(String),
    #[error("an application security group cannot stand here: {0}")]
    AsgHere(String),
    #[error("there is no FQDN tag `{name}`{} (`tagwall tags --fqdn` lists them)", did_you_mean(.nearest))]
    NoFqdnTag { name: String, nearest: Vec<String> },
    #[error("the tag {0} has no prefixes in this snapshot, so nothing would be allowed")]
    EmptyTag(String),
    /// It is known why the file has no such tag.
    #[error("{file}, has no tag `{name}`: {why}")]
    Absent { file: String, name: String, why: String },
    /// The tag is there, but not for this region.
    #[error("{file}, has no tag {base} for {region}; the tag without a region is {tag}")]
    NotForRegion { file: String, base: String, region: String, tag: String },
    #[error("{file}, has no tag `{name}`{}", did_you_mean(.nearest))]
    NoTag { file: String, name: String, nearest: Vec<String> },
}

impl NameError {
    /// The same of a name in a group.
    pub(super) fn in_group(self, group: &str) -> Self {
        NameError::InGroup { group: group.to_owned(), error: Box::new(self) }
    }
}
