//! [`Readable`]: the rules of a published environment, ready to be asked what they do.

use std::collections::BTreeMap;

use crate::catalog::Date;
use crate::environment::Environment;
use crate::policy::{self, Policy, PolicySource};
use crate::read::ReadError;
use crate::read::live::Live;
use crate::report::{POLICY_COPY, catalog_copy};
use crate::site::live::live_of;
use crate::tags::Snapshot;
use crate::text::joined;

/// What a published environment is made of, read once.
#[derive(Debug)]
pub(super) struct Readable {
    name: String,
    /// Digest of the tags that the policy is resolved with.
    tags: String,
    /// The rules as they are published.
    pub(super) live: Live,
    /// What they are from, where the published copy of the policy resolves with these tags.
    pub(super) policy: Option<Policy>,
}

/// Why an environment cannot be asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreadable {
    /// Its files cannot be read.
    #[error("{}", joined(.0, "; "))]
    Files(Vec<ReadError>),
    /// It has no rules.
    #[error("it is published as lists alone, which say nothing of what passes")]
    Lists,
}

impl From<Vec<ReadError>> for Unreadable {
    fn from(errors: Vec<ReadError>) -> Self {
        Unreadable::Files(errors)
    }
}

impl Readable {
    /// Reads the files of the environment `name`, by their paths below its folder.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub(super) fn read(
        name: &str,
        files: &BTreeMap<&str, &[u8]>,
        snapshot: &Snapshot,
        day: Option<Date>,
    ) -> Result<Self, Unreadable> {
        let live = live_of(name, files, &|file| format!("{name}/{file}"))?;
        let is_empty = live.groups.is_empty() && live.tables.is_empty();
        if is_empty && live.firewalls.is_empty() && live.collection_groups.is_empty() {
            return Err(Unreadable::Lists);
        }
        let policy = policy_of(files, snapshot, day);
        Ok(Readable { name: name.to_owned(), tags: snapshot.digest().to_owned(), live, policy })
    }

    pub(super) fn is_of(&self, name: &str, snapshot: &Snapshot) -> bool {
        self.name == name && self.tags == snapshot.digest()
    }
}

/// The published policy, resolved.
fn policy_of(files: &BTreeMap<&str, &[u8]>, snapshot: &Snapshot, day: Option<Date>) -> Option<Policy> {
    let text = |name: &str| std::str::from_utf8(files.get(name)?).ok();
    let source = PolicySource::read("policy.toml", text(POLICY_COPY)?).ok()?;
    let catalogs = (0..source.intent.catalog.files.len()).map(|at| Some(text(&catalog_copy(at))?.to_owned()));
    let environment = Environment::new(source, catalogs.collect::<Option<_>>()?).ok()?.at(day).ok()?;
    policy::expand(environment.source(), environment.catalog(), snapshot).ok()
}
