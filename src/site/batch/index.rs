//! [`Index`]: the result of a batch, `index.json`; [`Part`]: that of one shard of it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::entry::{MadeEnvironment, Status};
use crate::tags::{Cloud, Snapshot};
use crate::text::sha256_hex;

/// Name of the result.
pub const INDEX: &str = "index.json";
/// Name of the summary for people.
pub const SUMMARY: &str = "summary.md";

/// The result of a batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Index {
    /// Version of this form; 1.
    pub schema: u32,
    /// Version of the program.
    pub tagwall: String,
    /// Digest of the files that the fleet is read from.
    pub fleet: String,
    /// The service tags, by cloud.
    pub data: BTreeMap<String, Data>,
    /// How many environments ended how.
    pub counts: Counts,
    /// The exit code of the worst.
    pub exit_code: u8,
    /// What became of each, in order of the names.
    pub environments: Vec<MadeEnvironment>,
    /// Names of the result before that no policy has any more; their folders are left.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<String>,
}

/// The service tags of one cloud.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Data {
    /// The number of the file.
    pub change_number: u64,
    /// Digest of the content.
    pub sha256: String,
    /// Those of the result before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Before>,
    /// The tags that environments use.
    pub tags: BTreeMap<String, TagMark>,
}

/// The service tags of the result before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    /// The number of the file.
    pub change_number: u64,
    /// Digest of the content.
    pub sha256: String,
}

/// What a tag holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagMark {
    /// Digest of its addresses.
    pub sha256: String,
    /// How many prefixes it has.
    pub prefixes: usize,
    /// How many it had in the result before, where it held other addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefixes_before: Option<usize>,
}

impl TagMark {
    /// The mark of a tag; `None` where the data has no such tag.
    pub(super) fn of(snapshot: &Snapshot, name: &str) -> Option<TagMark> {
        let set = snapshot.tag(name)?.set();
        let prefixes: Vec<String> = set.prefixes().map(|prefix| prefix.to_string()).collect();
        let sha256 = sha256_hex(prefixes.join("\n").as_bytes())[..16].to_owned();
        Some(TagMark { sha256, prefixes: prefixes.len(), prefixes_before: None })
    }
}

/// How many environments ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// All.
    pub environments: usize,
    /// As [`Status::New`].
    pub new: usize,
    /// As [`Status::Changed`].
    pub changed: usize,
    /// As [`Status::Refreshed`].
    pub refreshed: usize,
    /// As [`Status::Unchanged`].
    pub unchanged: usize,
    /// As [`Status::Failed`].
    pub failed: usize,
}

impl Counts {
    /// Counts one more.
    pub fn add(&mut self, status: Status) {
        self.environments += 1;
        *match status {
            Status::New => &mut self.new,
            Status::Changed => &mut self.changed,
            Status::Refreshed => &mut self.refreshed,
            Status::Unchanged => &mut self.unchanged,
            Status::Failed => &mut self.failed,
        } += 1;
    }
}

/// The result of one shard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Which shard, from 1.
    pub shard: u32,
    /// Of how many.
    pub shards: u32,
    /// Its environments, as in the whole result.
    #[serde(flatten)]
    pub index: Index,
}

/// The name of a shard's result.
pub fn part_name(shard: u32, shards: u32) -> String {
    format!("shard-{shard}-of-{shards}.json")
}

impl Index {
    /// The result of environments, in order of their names.
    pub(super) fn new(
        fleet: String,
        data: BTreeMap<String, Data>,
        environments: Vec<MadeEnvironment>,
        gone: Vec<String>,
    ) -> Index {
        let mut counts = Counts::default();
        environments.iter().for_each(|entry| counts.add(entry.status));
        let exit_code = environments.iter().map(|entry| entry.exit_code).max().unwrap_or(0);
        let tagwall = env!("CARGO_PKG_VERSION").to_owned();
        Index { schema: 1, tagwall, fleet, data, counts, exit_code, environments, gone }
    }

    /// Reads a result; `None` where it is none of this version's.
    pub fn read(bytes: &[u8]) -> Option<Index> {
        serde_json::from_slice(bytes).ok().filter(|index: &Index| index.schema == 1)
    }

    /// The bytes of the file.
    pub fn bytes(&self) -> Vec<u8> {
        json(self)
    }

    /// The environment called `name`.
    pub fn entry(&self, name: &str) -> Option<&MadeEnvironment> {
        let found = self.environments.binary_search_by(|entry| entry.name.as_str().cmp(name));
        found.ok().map(|at| &self.environments[at])
    }

    /// The tags that hold other addresses in `snapshot`, or are gone.
    pub(super) fn changed_tags(&self, cloud: Cloud, snapshot: &Snapshot) -> BTreeSet<String> {
        let Some(data) = self.data.get(cloud.name()).filter(|data| data.sha256 != snapshot.digest()) else {
            return BTreeSet::new();
        };
        let differs = |(name, mark): &(&String, &TagMark)| {
            TagMark::of(snapshot, name).is_none_or(|now| now.sha256 != mark.sha256)
        };
        data.tags.iter().filter(differs).map(|(name, _)| name.clone()).collect()
    }
}

impl Part {
    /// The bytes of the file.
    pub fn bytes(&self) -> Vec<u8> {
        json(self)
    }
}

fn json<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(value).expect("texts and numbers always serialise");
    bytes.push(b'\n');
    bytes
}

/// Why the results of shards make no whole.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum MergeError {
    /// There are none.
    #[error("there is no shard-I-of-N.json in {0}")]
    None(String),
    /// One cannot be read.
    #[error("{0} is not the result of a shard of this version of tagwall")]
    Unreadable(String),
    /// Some are missing.
    #[error("of {shards} shards these are missing: {missing}; run them again")]
    Missing {
        /// How many there are.
        shards: u32,
        /// Those that are missing.
        missing: String,
    },
    /// One is there twice.
    #[error("shard {shard} of {shards} is there twice: {one} and {other}; take one of them away")]
    Twice {
        /// The shard.
        shard: u32,
        /// Of how many.
        shards: u32,
        /// Where it is.
        one: String,
        /// Where it is besides.
        other: String,
    },
    /// They are not of one run.
    #[error(
        "{one} and {other} are not of one run: {what} differs; run the shards again with the same files and data"
    )]
    Mixed {
        /// One result.
        one: String,
        /// Another.
        other: String,
        /// What differs.
        what: &'static str,
    },
}

/// Puts the results of shards together, each given by its file and content: the same as of one run over all.
///
/// # Errors
/// [`MergeError`] if shards are missing, there twice, or not of one run.
pub fn merge(parts: Vec<(String, Part)>) -> Result<Index, MergeError> {
    let Some((first_file, first)) = parts.first() else {
        return Err(MergeError::None("what was named".to_owned()));
    };
    let mut seen: BTreeMap<u32, &str> = BTreeMap::new();
    for (file, part) in &parts {
        if let Some(what) = difference(first, part) {
            return Err(MergeError::Mixed { one: first_file.clone(), other: file.clone(), what });
        }
        if let Some(one) = seen.insert(part.shard, file) {
            let (one, other) = (one.to_owned(), file.clone());
            return Err(MergeError::Twice { shard: part.shard, shards: part.shards, one, other });
        }
    }
    let shards = first.shards;
    let missing: Vec<String> =
        (1..=shards).filter(|shard| !seen.contains_key(shard)).map(|shard| shard.to_string()).collect();
    if !missing.is_empty() {
        return Err(MergeError::Missing { shards, missing: missing.join(", ") });
    }
    let fleet = first.index.fleet.clone();
    let mut data: BTreeMap<String, Data> = BTreeMap::new();
    let (mut environments, mut gone) = (Vec::new(), Vec::new());
    for (_, part) in parts {
        for (cloud, own) in part.index.data {
            match data.get_mut(&cloud) {
                Some(known) => known.tags.extend(own.tags),
                None => drop(data.insert(cloud, own)),
            }
        }
        environments.extend(part.index.environments);
        gone.extend(part.index.gone);
    }
    environments.sort_by(|a, b| a.name.cmp(&b.name));
    gone.sort();
    Ok(Index::new(fleet, data, environments, gone))
}

fn difference(one: &Part, other: &Part) -> Option<&'static str> {
    let data = || {
        let both =
            one.index.data.iter().filter_map(|(cloud, data)| Some((data, other.index.data.get(cloud)?)));
        both.into_iter().any(|(a, b)| a.sha256 != b.sha256 || a.before != b.before)
    };
    match () {
        () if one.shards != other.shards => Some("the number of shards"),
        () if one.index.tagwall != other.index.tagwall => Some("the version of tagwall"),
        () if one.index.fleet != other.index.fleet => Some("the fleet"),
        () if data() => Some("the service tags"),
        () => None,
    }
}
