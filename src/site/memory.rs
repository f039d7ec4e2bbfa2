//! What a generation keeps for the one after it: its rules, and which removed prefixes are held.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::generations::{Record, Site};
use crate::addr::{AddrSet, IpPrefix};
use crate::report::changes::RuleSummary;
use crate::tags::Snapshot;
use crate::text::sha256_hex;

/// An address block that a tag lost and that is let through for a while yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Held {
    tag: String,
    prefix: String,
    since: Timestamp,
}

/// Where a generation says what it lets through although the data had dropped it.
pub const HELD: &str = ".state/held.json";

pub(super) type HeldByName = BTreeMap<String, Vec<Held>>;

/// The rules of an environment in a generation, as far as they can be read.
pub(super) fn summary_of(site: &Site, record: &Record, name: &str) -> Option<RuleSummary> {
    serde_json::from_slice(&site.read(record.number, &format!(".state/{name}.json"))?).ok()
}

/// What a generation keeps for the one after it.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) summaries: BTreeMap<String, RuleSummary>,
    pub(super) held: HeldByName,
    /// What of it cannot be read, though it can be done without.
    pub(super) damage: Vec<String>,
}

/// A file by which it is known what was removed cannot be used.
#[derive(Debug, thiserror::Error)]
#[error(
    "generation {number} is damaged: {what}. Without it, it is not known which prefixes are removed now and have to be \
     held. Nothing was changed. {remedy}. Or go on without them with --force"
)]
pub struct Forgotten {
    number: u64,
    what: String,
    remedy: String,
}

/// The environments of a run: their names, and how long each holds what was removed.
pub(super) type Times<'a> = [(&'a str, SignedDuration)];

impl Memory {
    /// Reads it. Where something that is held could be lost with a damaged file, that is an error unless it is `forced`.
    pub(super) fn of(
        site: &Site,
        record: &Record,
        times: &Times<'_>,
        forced: bool,
    ) -> Result<Memory, Forgotten> {
        let mut memory = Memory::default();
        let number = record.number;
        let mut damaged = |text: &str, what: &KeptError| {
            memory.damage.push(format!("generation {number} is damaged: {what}: {text}"));
        };
        match kept(site, record, HELD) {
            Ok(held) => memory.held = held.unwrap_or_default(),
            // The summaries have what is held too, though not since when.
            Err(what) => damaged("the time for which removed prefixes are held begins anew", &what),
        }
        for (name, time) in times {
            match kept(site, record, &state_of(name)) {
                Ok(summary) => memory.summaries.extend(summary.map(|summary| ((*name).to_owned(), summary))),
                Err(what) if time.is_zero() => damaged("all rules count as changed", &what),
                Err(what) if forced => {
                    damaged("what was removed since is not held, and all rules count as changed", &what);
                }
                Err(what) => {
                    return Err(Forgotten { number, what: what.to_string(), remedy: site.remedy(number) });
                }
            }
        }
        Ok(memory)
    }

    /// What was held, without that whose time is over.
    pub(super) fn still_held(&self, times: &Times<'_>, now: Timestamp) -> HeldByName {
        let mut still = HeldByName::new();
        for (name, time) in times {
            let held = self.held.get(*name).into_iter().flatten();
            let list: Vec<Held> = held.filter(|h| now.duration_since(h.since) < *time).cloned().collect();
            if !list.is_empty() {
                still.insert((*name).to_owned(), list);
            }
        }
        still
    }
}

/// Where a generation keeps what it says of an environment.
pub(super) fn state_of(name: &str) -> String {
    format!(".state/{name}.json")
}

/// Why what a generation keeps for the next cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// The system refused to read.
    #[error("{0}: {1}")]
    Io(String, std::io::Error),
    /// It is not as it was published.
    #[error("{0}: was changed after it was published")]
    Changed(String),
    /// It is not what it should be.
    #[error("{0}: {1}")]
    Form(String, serde_json::Error),
}

/// A file that a generation keeps for the next, if it has it: only as it was published.
pub(super) fn kept<T: DeserializeOwned>(
    site: &Site,
    record: &Record,
    name: &str,
) -> Result<Option<T>, KeptError> {
    let Some(sum) = record.files.get(name) else { return Ok(None) };
    let bytes = site.read_file(record.number, name).map_err(|error| KeptError::Io(name.to_owned(), error))?;
    if sha256_hex(&bytes) != *sum {
        return Err(KeptError::Changed(name.to_owned()));
    }
    serde_json::from_slice(&bytes).map(Some).map_err(|error| KeptError::Form(name.to_owned(), error))
}

/// What the environment `name` of a generation lets through although the data had dropped it, by tag; `bytes` are those
/// of the generation's file [`HELD`].
///
/// # Errors
/// [`KeptError::Form`].
pub fn held_in(bytes: &[u8], name: &str) -> Result<BTreeMap<String, Vec<IpPrefix>>, KeptError> {
    let held: HeldByName =
        serde_json::from_slice(bytes).map_err(|error| KeptError::Form(HELD.to_owned(), error))?;
    Ok(by_tag(held.get(name).map_or(&[][..], Vec::as_slice)))
}

/// What is to be let through although the data has dropped it: what the rules before had and the data lacks now.
pub(super) fn hold(
    time: SignedDuration,
    before: Option<&RuleSummary>,
    known: &[Held],
    snapshot: &Snapshot,
    now: Timestamp,
) -> Vec<Held> {
    if time.is_zero() {
        return Vec::new();
    }
    let mut held = Vec::new();
    let tags = before.map(|summary| &summary.tags);
    let names: BTreeSet<&String> =
        tags.iter().flat_map(|tags| tags.keys()).chain(known.iter().map(|held| &held.tag)).collect();
    for name in names {
        let Some(tag) = snapshot.tag(name) else { continue };
        let prefixes = tags.and_then(|tags| tags.get(name)).map_or(&[][..], Vec::as_slice);
        let old: AddrSet = prefixes.iter().filter_map(|p| p.parse::<IpPrefix>().ok()).collect();
        let mut known_set = AddrSet::empty();
        for item in known.iter().filter(|h| h.tag == *name) {
            let Ok(prefix) = item.prefix.parse::<IpPrefix>() else { continue };
            let set = AddrSet::from(prefix);
            let back = set.is_subset(tag.set());
            // One whose time is over is known too, so that it is not held anew.
            known_set = known_set.union(&set);
            if !back && now.duration_since(item.since) < time {
                held.push(item.clone());
            }
        }
        let lost = old.difference(tag.set()).difference(&known_set);
        held.extend(lost.prefixes().map(|p| Held { tag: name.clone(), prefix: p.to_string(), since: now }));
    }
    held
}

pub(super) fn by_tag(held: &[Held]) -> BTreeMap<String, Vec<IpPrefix>> {
    let mut by_tag: BTreeMap<String, Vec<IpPrefix>> = BTreeMap::new();
    for item in held {
        by_tag.entry(item.tag.clone()).or_default().extend(item.prefix.parse::<IpPrefix>());
    }
    by_tag
}
