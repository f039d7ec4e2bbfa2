//! [`MadeEnvironment`]: what became of one environment of a batch.

use serde::{Deserialize, Serialize};

use crate::emit::Artefact;
use crate::limits::LimitKey;
use crate::report::{MANIFEST, POLICY_COPY};
use crate::text::sha256_hex;

/// How an environment ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It was not there before.
    New,
    /// Rules, routes or lists differ from before.
    Changed,
    /// Only what tells of it differs: the data that the same rules come from, the report, the copy of the policy.
    Refreshed,
    /// It is there already.
    Unchanged,
    /// It is not made; what was there before still is.
    Failed,
}

/// What became of one environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MadeEnvironment {
    /// The environment.
    pub name: String,
    /// Its file, or the file and row of a table.
    pub from: String,
    /// How it ended.
    pub status: Status,
    /// The exit code that `generate` gives for it alone.
    pub exit_code: u8,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Artefacts that differ from before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<String>,
    /// Why it differs from before: tags that changed since, `the policy`, `the catalogue`, `the program`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<String>,
    /// What is worth saying.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What it is now, unless it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<Facts>,
}

/// What an environment is, from its files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// The cloud.
    pub cloud: String,
    /// Azure's name of the region.
    pub region: String,
    /// Digest of the service tags that it is made from.
    pub data: String,
    /// SHA-256 of the policy, written out as one file.
    pub policy: String,
    /// SHA-256 of its manifest, which has those of all artefacts.
    pub manifest: String,
    /// How many files it has.
    pub files: usize,
    /// How many needs some target cannot say.
    pub gaps: usize,
    /// Whether no address is admitted that was not asked for.
    pub exact: bool,
    /// The limit of which least is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headroom: Option<Headroom>,
    /// The tags that it uses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

/// How near a limit is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Headroom {
    /// Name of the limit.
    pub limit: String,
    /// The resource that is counted.
    pub of: String,
    /// How much of it is used.
    pub have: u64,
    /// The figure that applies.
    pub most: u64,
    /// What is left, in percent rounded down.
    pub percent: i64,
}

/// What the manifest of an environment says, as far as a batch looks at it.
#[derive(Debug, Deserialize)]
pub(super) struct Manifest {
    pub(super) tagwall: String,
    cloud: String,
    region: String,
    pub(super) snapshot: Snapshot,
    pub(super) catalog: Catalog,
    pub(super) artefacts: Vec<Listed>,
    limits: Limits,
    gaps: Vec<serde::de::IgnoredAny>,
    precision: Precision,
}

#[derive(Debug, Deserialize)]
pub(super) struct Snapshot {
    pub(super) sha256: String,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Catalog {
    pub(super) version: String,
    pub(super) as_of: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Listed {
    pub(super) name: String,
    pub(super) sha256: String,
}

#[derive(Debug, Deserialize)]
struct Limits {
    usage: Vec<Usage>,
}

#[derive(Debug, Deserialize)]
struct Usage {
    key: String,
    of: String,
    have: u64,
    limit: u64,
    headroom: i64,
}

#[derive(Debug, Deserialize)]
struct Precision {
    exact: bool,
}

/// The files of an environment with what its manifest says; `None` where that cannot be read.
#[derive(Debug)]
pub(super) struct Folder<'a> {
    pub(super) files: &'a [Artefact],
    pub(super) manifest: Manifest,
    bytes: &'a [u8],
}

impl<'a> Folder<'a> {
    pub(super) fn read(files: &'a [Artefact]) -> Option<Folder<'a>> {
        let bytes = file(files, MANIFEST)?;
        Some(Folder { files, manifest: serde_json::from_slice(bytes).ok()?, bytes })
    }

    /// Whether every file is there as the manifest has it.
    pub(super) fn is_whole(&self) -> bool {
        let same = |listed: &Listed| {
            file(self.files, &listed.name).is_some_and(|bytes| sha256_hex(bytes) == listed.sha256)
        };
        self.manifest.artefacts.iter().all(same)
    }

    pub(super) fn policy(&self) -> Option<&'a [u8]> {
        file(self.files, POLICY_COPY)
    }

    /// What it is; the tags are not in the files.
    pub(super) fn facts(&self, tags: Vec<String>) -> Facts {
        let Manifest { cloud, region, snapshot, limits, gaps, precision, .. } = &self.manifest;
        // Lengths of texts are chosen to fit; they do not grow with the data.
        let grows = limits.usage.iter().filter(|usage| !usage.key.parse().is_ok_and(LimitKey::is_length));
        let least = grows.min_by_key(|usage| usage.headroom);
        Facts {
            cloud: cloud.clone(),
            region: region.clone(),
            data: snapshot.sha256.clone(),
            policy: self.policy().map(sha256_hex).unwrap_or_default(),
            manifest: sha256_hex(self.bytes),
            files: self.files.len(),
            gaps: gaps.len(),
            exact: precision.exact,
            headroom: least.map(|usage| Headroom {
                limit: usage.key.clone(),
                of: usage.of.clone(),
                have: usage.have,
                most: usage.limit,
                percent: usage.headroom,
            }),
            tags,
        }
    }
}

/// The bytes of a file.
pub(super) fn file<'a>(files: &'a [Artefact], name: &str) -> Option<&'a [u8]> {
    files.iter().find(|file| file.name == name).map(|file| file.bytes.as_slice())
}

/// Whether a file is not deployed: it tells of the others, or of what they are made from.
pub(super) fn only_tells(name: &str) -> bool {
    let catalog = name.starts_with("catalog-") && name.ends_with(".toml");
    name == MANIFEST || name == POLICY_COPY || name.starts_with("report.") || name == "plan.json" || catalog
}

/// The names of files that differ, came or went.
pub(super) fn differing(before: &[Artefact], now: &[Artefact]) -> Vec<String> {
    let gone = before.iter().filter(|old| file(now, &old.name).is_none());
    let other = now.iter().filter(|new| file(before, &new.name) != Some(new.bytes.as_slice()));
    let mut names: Vec<String> = gone.chain(other).map(|file| file.name.clone()).collect();
    names.sort();
    names
}
