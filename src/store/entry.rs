//! [`StoredSnapshot`]: what is known of a stored snapshot without opening it.

use std::ffi::OsStr;
use std::path::Path;

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::plain;
use crate::redact;
use crate::tags::{Cloud, Snapshot};
use crate::text::sha256_hex;

/// What kind of source a snapshot is from. The two are never mixed: the API lags behind the file and leaves out tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The weekly published file.
    File,
    /// The Service Tag Discovery API.
    Api,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 2] = [Kind::File, Kind::Api];

    /// `file` or `api`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::File => "file",
            Kind::Api => "api",
        }
    }
}

/// Where a snapshot is from, and when it came.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Kind of source.
    pub kind: Kind,
    /// Address or path that it was read from; what may be a secret in it is never kept.
    pub from: String,
    /// The date in the published file's name, or else that of its last change.
    pub date: Option<Date>,
    /// The server's `ETag`.
    pub etag: Option<String>,
    /// The server's `Last-Modified`.
    pub last_modified: Option<String>,
    /// When it was read.
    pub at: Timestamp,
    /// Names of the guard's rules that somebody overrode for it.
    pub accepted: Vec<String>,
}

/// What the store knows of one snapshot without opening it: the content of its `.meta.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredSnapshot {
    /// Version of this form; 1.
    pub schema: u32,
    /// Digest of the content, which is also the file's name.
    pub digest: String,
    /// Name of the cloud.
    pub cloud: String,
    /// Kind of source.
    pub kind: Kind,
    /// The file's own number; a label only.
    pub change_number: u64,
    /// Dates under which this content was published, ascending: the same content comes again at times.
    pub dates: Vec<Date>,
    /// Address or path it was last read from.
    pub from: String,
    /// When it was read first.
    pub fetched_at: Timestamp,
    /// When a source last had it as its newest.
    pub seen_at: Timestamp,
    /// The server's `ETag`.
    pub etag: Option<String>,
    /// The server's `Last-Modified`.
    pub last_modified: Option<String>,
    /// SHA-256 of the published bytes.
    pub sha256: String,
    /// Length of the published bytes.
    pub bytes: usize,
    /// How many tags there are.
    pub tags: usize,
    /// How many IPv4 prefixes there are over all tags.
    pub prefixes_ipv4: usize,
    /// How many IPv6 prefixes there are over all tags.
    pub prefixes_ipv6: usize,
    /// What was remarkable about it when it came.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Names of the guard's rules that somebody overrode for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted: Vec<String>,
}

impl StoredSnapshot {
    /// The newest date of publication.
    pub fn date(&self) -> Option<Date> {
        self.dates.last().copied()
    }

    /// The day by which entries are ordered: of publication, or else of arrival.
    pub fn day(&self) -> Date {
        self.date().unwrap_or_else(|| self.fetched_at.to_zoned(jiff::tz::TimeZone::UTC).date())
    }

    /// The digest as far as people need it.
    pub fn short(&self) -> &str {
        self.digest.get(..12).unwrap_or(&self.digest)
    }
}

/// The date in the name of a service-tags file: `ServiceTags_Public_20260622.json` and what browsers and other programs
/// make of it for a second copy or an unfinished download.
///
/// ```
/// use tagwall::store::date_in_name;
/// for name in ["https://host/x/ServiceTags_Public_20260622.json", "ServiceTags_Public_20260622 (1).json.download"] {
///     assert_eq!(date_in_name(name).unwrap().to_string(), "2026-06-22");
/// }
/// assert_eq!(date_in_name("tags.json"), None);
/// ```
pub fn date_in_name(name: &str) -> Option<Date> {
    let file = name.rsplit(['/', '\\']).next()?;
    // The date stands behind the last `_` that eight digits follow, and no further ones.
    file.rmatch_indices('_').find_map(|(at, _)| {
        let rest = &file[at + 1..];
        let digits = rest.get(..8).filter(|_| !rest[8..].starts_with(|c: char| c.is_ascii_digit()))?;
        Date::strptime("%Y%m%d", digits).ok()
    })
}

pub(super) fn entry_of(
    snapshot: &Snapshot,
    json: &[u8],
    origin: &Origin,
    notes: &[String],
    old: Option<&StoredSnapshot>,
) -> StoredSnapshot {
    let (prefixes_ipv4, prefixes_ipv6) = snapshot.prefix_counts();
    let mut dates: Vec<Date> = old.map(|e| e.dates.clone()).unwrap_or_default();
    dates.extend(origin.date);
    dates.sort_unstable();
    dates.dedup();
    let mut all_notes = old.map(|e| e.notes.clone()).unwrap_or_default();
    all_notes.extend(notes.iter().filter(|n| !all_notes.contains(n)).cloned().collect::<Vec<_>>());
    let mut accepted: Vec<String> = old.map(|e| e.accepted.clone()).unwrap_or_default();
    accepted
        .extend(origin.accepted.iter().filter(|rule| !accepted.contains(rule)).cloned().collect::<Vec<_>>());
    // The stored bytes stay those that came first, so their sum and length do too.
    let (sha256, bytes) = old.map_or_else(|| (sha256_hex(json), json.len()), |e| (e.sha256.clone(), e.bytes));
    StoredSnapshot {
        schema: 1,
        digest: snapshot.digest().to_owned(),
        cloud: snapshot.cloud().name().to_owned(),
        kind: origin.kind,
        change_number: snapshot.change_number(),
        dates,
        from: redact::address(&origin.from),
        fetched_at: old.map_or(origin.at, |e| e.fetched_at),
        seen_at: origin.at,
        etag: origin.etag.clone(),
        last_modified: origin.last_modified.clone(),
        sha256,
        bytes,
        tags: snapshot.tags().len(),
        prefixes_ipv4,
        prefixes_ipv6,
        notes: all_notes,
        accepted,
    }
}

/// How the name of a description ends, behind the digest.
pub(super) const META: &str = ".meta.json";

/// Why the description of a snapshot is not used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoredError {
    /// It cannot be read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// It is no description.
    #[error(transparent)]
    Form(#[from] serde_json::Error),
    /// It is that of other data.
    #[error("its digest is not that of its name")]
    Digest,
    /// It is that of another place.
    #[error("its schema, cloud or kind is not that of its place")]
    Place,
}

/// Reads the description of a snapshot of `cloud` and `kind`, which has to be what its name and place say.
pub(super) fn read_entry(path: &Path, cloud: Cloud, kind: Kind) -> Result<StoredSnapshot, StoredError> {
    let bytes = plain::read(path)?;
    let mut entry: StoredSnapshot = serde_json::from_slice(&bytes)?;
    // Earlier versions kept whole addresses.
    entry.from = redact::address(&entry.from);
    let name = path.file_name().and_then(OsStr::to_str).and_then(|name| name.strip_suffix(META));
    if name != Some(entry.digest.as_str()) {
        return Err(StoredError::Digest);
    }
    if (entry.schema, entry.cloud.as_str(), entry.kind) != (1, cloud.name(), kind) {
        return Err(StoredError::Place);
    }
    Ok(entry)
}

pub(super) fn pretty<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(value).expect("texts and numbers always serialise");
    bytes.push(b'\n');
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_browsers_and_others_give() {
        for end in [
            ".json",
            " (1).json",
            "(2).json",
            "[1].json",
            ".json.download",
            ".json.1",
            " - Copy.json",
            " copy.json",
            "%20(1).json",
            ".json.gz",
            " (1).json.xz",
            "_old.json",
            ".json?raw=true",
            "",
        ] {
            let name = format!("/downloads/2026/ServiceTags_Public_20260622{end}");
            assert_eq!(date_in_name(&name).map(|d| d.to_string()).as_deref(), Some("2026-06-22"), "{name}");
        }
        assert_eq!(
            date_in_name("Copy of ServiceTags_China_20260713.json").unwrap().to_string(),
            "2026-07-13"
        );
        for name in [
            "ServiceTags_Public_202606221.json",
            "ServiceTags_Public_2026062.json",
            "x_20261332.json",
            "x_ä.json",
        ] {
            assert_eq!(date_in_name(name), None, "{name}");
        }
    }
}
