//! [`NameError`]: why a name of a policy stands for nothing.

use std::sync::Arc;

use crate::catalog::{AbsentWhy, RemoteError};
use crate::tags::{Cloud, Region, TagName};
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
    EmptyTag(TagName),
    /// It is known why the file has no such tag.
    #[error("{file}, has no tag `{name}`: {why}")]
    Absent { file: TagFile, name: String, why: AbsentWhy },
    /// The tag is there, but not for this region.
    #[error("{file}, has no tag {base} for {}; the tag without a region is {tag}", .region.display())]
    NotForRegion { file: TagFile, base: String, region: Arc<Region>, tag: TagName },
    #[error("{file}, has no tag `{name}`{}", did_you_mean(.nearest))]
    NoTag { file: TagFile, name: String, nearest: Vec<String> },
}

/// The published file in which a name was looked up.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the {cloud} file, change number {change_number}")]
pub(super) struct TagFile {
    pub(super) cloud: Cloud,
    pub(super) change_number: u64,
}

impl NameError {
    /// The same of a name in a group.
    pub(super) fn in_group(self, group: &str) -> Self {
        NameError::InGroup { group: group.to_owned(), error: Box::new(self) }
    }
}
