//! One refresh: policies and data in, a proven generation published, and what it changes said.
//!
//! Nothing is made where the same inputs have been published already. Files, but no clock and no network: the time
//! and the data come in as arguments.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::guard::Thresholds;
use super::site::{NewGeneration, Record, Sign, Site, SiteError};
use crate::addr::{AddrSet, IpPrefix};
use crate::catalog::Catalog;
use crate::pipeline::{self, Generation};
use crate::plan::Previous;
use crate::policy::{self, PolicySource, Remote, cloud_of};
use crate::report::{
    self,
    changes::{Changes, RuleBook},
};
use crate::tags::{Cloud, Snapshot};
use crate::text::sha256_hex;
use crate::verify;

/// A policy with all that belongs to it, read.
#[derive(Debug, Clone)]
pub struct Environment {
    /// The file, as named.
    pub file: String,
    /// The policy.
    pub source: PolicySource,
    /// The catalogue, with the policy's own files.
    pub catalog: Catalog,
    /// The texts of those files, in the order in which the policy names them.
    pub catalog_texts: Vec<String>,
}

impl Environment {
    /// The cloud whose data it needs.
    pub fn cloud(&self) -> Cloud {
        cloud_of(&self.source.intent)
    }

    /// The tags that it uses, by the data in `snapshot`. None where it does not resolve there: then there is nothing
    /// to hold new data against, and making its rules says what is wrong.
    pub fn tags_in_use(&self, snapshot: &Snapshot) -> BTreeSet<String> {
        let Ok(policy) = policy::expand(&self.source, &self.catalog, snapshot) else {
            return BTreeSet::new();
        };
        let remotes = policy.flows.iter().map(|f| &f.remote).chain(policy.routes.iter().map(|r| &r.to));
        let tag = |remote: &Remote| match remote {
            Remote::Tag(tag) => Some(tag.name().to_string()),
            _ => None,
        };
        remotes.filter_map(tag).collect()
    }

    /// The thresholds that it asks for.
    pub fn thresholds(&self) -> Thresholds {
        let refresh = &self.source.intent.refresh;
        Thresholds {
            tags_lost: refresh.max_tags_lost,
            addresses_lost: refresh.max_addresses_lost,
            growth_per_week: refresh.max_growth,
            used_tag_lost: refresh.max_tag_lost,
        }
    }

    /// Digest of the policy's text and of its catalogue files.
    fn sha256(&self) -> String {
        let texts = std::iter::once(self.source.text()).chain(self.catalog_texts.iter().map(String::as_str));
        let sums: Vec<String> = texts.map(|text| sha256_hex(text.as_bytes())).collect();
        sha256_hex(sums.concat().as_bytes())
    }

    fn hold(&self) -> SignedDuration {
        SignedDuration::from_hours(24 * i64::from(self.source.intent.refresh.hold_removed_days))
    }
}

/// An address block that a tag lost and that is let through for a while yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Held {
    tag: String,
    prefix: String,
    since: Timestamp,
}

/// Where a generation says what it lets through although the data had dropped it.
pub const HELD: &str = ".state/held.json";

type HeldByName = BTreeMap<String, Vec<Held>>;

/// What a refresh works on.
pub struct Job<'a> {
    /// Where it publishes. The caller has its lock.
    pub site: &'a Site,
    /// The policies.
    pub environments: &'a [Environment],
    /// Digest of the data of each cloud.
    pub digests: &'a BTreeMap<Cloud, String>,
    /// The present moment.
    pub now: Timestamp,
    /// How many generations are kept.
    pub keep: usize,
    /// Publish also what was published or rolled back already.
    pub force: bool,
    /// Signs what is published.
    pub sign: Option<&'a Sign<'a>>,
}

/// How a refresh ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefreshStatus {
    /// The same inputs are published already.
    Unchanged,
    /// The same inputs were rolled back, so they are not published again.
    RolledBack,
    /// A new generation is published.
    Published,
}

/// What a refresh did.
#[derive(Debug, Clone)]
pub struct Refreshed {
    /// How it ended.
    pub status: RefreshStatus,
    /// The generation that is published now.
    pub record: Record,
    /// What it changes, for each environment; empty where nothing was made.
    pub changes: Vec<Changes>,
    /// What is worth saying.
    pub notes: Vec<String>,
}

/// Why a refresh published nothing; what was published before still is.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// A stage of the way from policy to proven artefacts refused.
    #[error("{file}: {error}")]
    Stage {
        /// The policy.
        file: String,
        /// What refused.
        error: crate::Error,
    },
    /// Two policies have the same name.
    #[error("{0} and {1} are both called {2}; give one another name")]
    SameName(String, String, String),
    /// The folder refused.
    #[error(transparent)]
    Site(#[from] SiteError),
    /// The data of a cloud cannot be read.
    #[error("{0}")]
    Data(String),
}

/// Does one refresh. `load` reads the data of a cloud, and is only asked where something has to be made.
///
/// # Errors
/// [`RefreshError`].
pub fn refresh(
    job: &Job<'_>,
    mut load: impl FnMut(Cloud) -> Result<Snapshot, RefreshError>,
) -> Result<Refreshed, RefreshError> {
    let current = job.site.current()?;
    let held_before = current.as_ref().map(|record| held_of(job.site, record)).unwrap_or_default();
    let inputs = inputs_of(job);
    let mut notes = Vec::new();
    if let Some(record) = &current
        && !job.force
    {
        let over = still_held(job, &held_before) != held_before;
        if record.inputs == inputs && !over {
            match job.site.check(record) {
                Ok(()) => {
                    job.site.settle();
                    return Ok(done(RefreshStatus::Unchanged, record.clone(), Vec::new(), notes));
                }
                Err(damage) => notes.push(format!("{damage}; it is made anew")),
            }
        } else if job.site.is_rolled_back(&inputs) {
            job.site.settle();
            let text = "the same inputs were rolled back; they are published again with --force, or once data or \
                        policies change";
            notes.push(text.to_owned());
            return Ok(done(RefreshStatus::RolledBack, record.clone(), Vec::new(), notes));
        }
    }
    let (record, changes) = make(job, current.as_ref(), &held_before, &mut notes, &mut load)?;
    // What is published is published: a folder that cannot be tidied is no reason to call it a failure.
    if let Err(error) = job.site.prune(job.keep) {
        notes.push(format!("old generations are not removed: {error}"));
    }
    Ok(done(RefreshStatus::Published, record, changes, notes))
}

fn done(status: RefreshStatus, record: Record, changes: Vec<Changes>, notes: Vec<String>) -> Refreshed {
    Refreshed { status, record, changes, notes }
}

/// Makes, proves and publishes a generation.
fn make(
    job: &Job<'_>,
    current: Option<&Record>,
    held_before: &HeldByName,
    notes: &mut Vec<String>,
    load: &mut impl FnMut(Cloud) -> Result<Snapshot, RefreshError>,
) -> Result<(Record, Vec<Changes>), RefreshError> {
    let names = distinct_names(job.environments)?;
    let clouds: BTreeSet<Cloud> = job.environments.iter().map(Environment::cloud).collect();
    let snapshots = clouds
        .into_iter()
        .map(|cloud| Ok((cloud, load(cloud)?)))
        .collect::<Result<BTreeMap<_, _>, RefreshError>>()?;
    let (mut files, mut changes, mut held) = (BTreeMap::new(), Vec::new(), HeldByName::new());
    for environment in job.environments {
        let name = &environment.source.intent.name;
        let before = current.and_then(|record| book_of(job.site, record, name));
        let known = held_before.get(name).map_or(&[][..], Vec::as_slice);
        let placed = current.map(|record| placed(job.site, record, name)).unwrap_or_default();
        let context = Before { book: before.as_ref(), held: known, placed: &placed };
        let made = make_one(environment, &snapshots[&environment.cloud()], &context, job.now)?;
        notes.extend(made.notes);
        if !made.held.is_empty() {
            notes.push(format!(
                "{name}: {} removed prefixes are let through for a while yet",
                made.held.len()
            ));
            held.insert(name.clone(), made.held);
        }
        files.insert(format!(".state/{name}.json"), json(&made.book));
        files.extend(made.files);
        changes.push(made.changes);
    }
    note_gone(job.site, current, &names, notes);
    files.insert(HELD.to_owned(), json(&held));
    files.insert("changes.json".to_owned(), json(&changes));
    let text: Vec<String> = changes.iter().map(Changes::markdown).collect();
    files.insert("changes.md".to_owned(), text.join("\n").into_bytes());
    let snapshots =
        job.digests.iter().map(|(cloud, digest)| (cloud.name().to_owned(), digest.clone())).collect();
    let rules_changed = changes.iter().any(|c| !c.is_empty());
    let new = NewGeneration { at: job.now, inputs: inputs_of(job), snapshots, rules_changed, files };
    Ok((job.site.publish(&new, job.sign)?, changes))
}

/// What the published generation says of an environment.
struct Before<'a> {
    book: Option<&'a RuleBook>,
    held: &'a [Held],
    placed: &'a Previous,
}

/// One environment of a generation.
struct Made {
    notes: Vec<String>,
    book: RuleBook,
    changes: Changes,
    held: Vec<Held>,
    files: Vec<(String, Vec<u8>)>,
}

fn make_one(
    environment: &Environment,
    snapshot: &Snapshot,
    before: &Before<'_>,
    now: Timestamp,
) -> Result<Made, RefreshError> {
    let held = hold(environment, before.book, before.held, snapshot, now);
    let made = if held.is_empty() {
        generate(environment, snapshot, before.placed)?
    } else {
        generate(environment, &snapshot.with_held(&by_tag(&held)), before.placed)?
    };
    let book = RuleBook::new(&made.policy, &made.plan, snapshot);
    let changes = Changes::between(before.book, &book);
    let name = &made.name;
    let notes = before.placed.notes.iter().chain(&made.notes).map(|note| format!("{name}: {note}")).collect();
    let copies = report::policy_copies(&environment.source, &environment.catalog_texts);
    let files = made.files.into_iter().chain(copies);
    let files = files.map(|file| (format!("{name}/{}", file.name), file.bytes)).collect();
    Ok(Made { notes, book, changes, held, files })
}

/// The names of all environments; no two may be the same.
fn distinct_names(environments: &[Environment]) -> Result<BTreeMap<String, String>, RefreshError> {
    let mut names = BTreeMap::new();
    for Environment { file, source, .. } in environments {
        if let Some(other) = names.insert(source.intent.name.clone(), file.clone()) {
            return Err(RefreshError::SameName(file.clone(), other, source.intent.name.clone()));
        }
    }
    Ok(names)
}

/// Where things stand in the published generation, so that what still holds stays where it is.
fn placed(site: &Site, record: &Record, name: &str) -> Previous {
    let start = format!("{name}/");
    let own = record.files.keys().filter_map(|path| Some((path.strip_prefix(&start)?, path)));
    let files: Vec<(&str, Vec<u8>)> =
        own.filter_map(|(file, path)| Some((file, site.read(record.number, path)?))).collect();
    // Nobody asks for DNAT rules, so that those of files which are not what was published would come from anybody.
    let changed = files.iter().any(|(file, bytes)| {
        file.ends_with(".arm.json") && record.files.get(&format!("{start}{file}")) != Some(&sha256_hex(bytes))
    });
    let files: Vec<(&str, &[u8])> = files.iter().map(|(file, bytes)| (*file, bytes.as_slice())).collect();
    let mut previous = verify::earlier(name, &files);
    if changed {
        previous.drop_nat("a template was changed after it was published");
    }
    previous
}

fn generate(
    environment: &Environment,
    snapshot: &Snapshot,
    placed: &Previous,
) -> Result<Generation, RefreshError> {
    pipeline::generate(&environment.source, &environment.catalog, snapshot, Some(placed))
        .map_err(|error| RefreshError::Stage { file: environment.file.clone(), error })
}

fn note_gone(
    site: &Site,
    current: Option<&Record>,
    names: &BTreeMap<String, String>,
    notes: &mut Vec<String>,
) {
    let Some(record) = current else { return };
    let states = record.files.keys().filter_map(|f| f.strip_prefix(".state/")?.strip_suffix(".json"));
    for name in states.filter(|name| *name != "held" && !names.contains_key(*name)) {
        let place = site.out().join(name);
        notes
            .push(format!("{} is not published any more: no policy of that name was named", place.display()));
    }
}

/// A digest of program, policies and data: everything that decides what a generation holds, but what is held in it.
fn inputs_of(job: &Job<'_>) -> String {
    let mut text = format!("tagwall {}\n", env!("CARGO_PKG_VERSION"));
    let mut lines: Vec<String> = job
        .environments
        .iter()
        .map(|e| {
            let data = job.digests.get(&e.cloud()).map_or("none", String::as_str);
            format!("{} {} {data}\n", e.source.intent.name, e.sha256())
        })
        .collect();
    // The order in which policies are named is of no account.
    lines.sort();
    text.extend(lines);
    sha256_hex(text.as_bytes())
}

fn book_of(site: &Site, record: &Record, name: &str) -> Option<RuleBook> {
    serde_json::from_slice(&site.read(record.number, &format!(".state/{name}.json"))?).ok()
}

fn held_of(site: &Site, record: &Record) -> HeldByName {
    let bytes = site.read(record.number, HELD).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

/// What the environment `name` of a generation lets through although the data had dropped it, by tag; `bytes` are those
/// of the generation's file [`HELD`].
///
/// # Errors
/// A line that says what is wrong with the file.
pub fn held_in(bytes: &[u8], name: &str) -> Result<BTreeMap<String, Vec<IpPrefix>>, String> {
    let held: HeldByName = serde_json::from_slice(bytes).map_err(|error| format!("{HELD}: {error}"))?;
    Ok(by_tag(held.get(name).map_or(&[][..], Vec::as_slice)))
}

/// What was held, without that whose time is over.
fn still_held(job: &Job<'_>, held: &HeldByName) -> HeldByName {
    let mut still = HeldByName::new();
    for environment in job.environments {
        let name = &environment.source.intent.name;
        let list: Vec<Held> = held
            .get(name)
            .into_iter()
            .flatten()
            .filter(|h| job.now.duration_since(h.since) < environment.hold())
            .cloned()
            .collect();
        if !list.is_empty() {
            still.insert(name.clone(), list);
        }
    }
    still
}

/// What is to be let through although the data has dropped it: what the rules before had and the data lacks now.
fn hold(
    environment: &Environment,
    before: Option<&RuleBook>,
    known: &[Held],
    snapshot: &Snapshot,
    now: Timestamp,
) -> Vec<Held> {
    let time = environment.hold();
    let Some(before) = before.filter(|_| !time.is_zero()) else { return Vec::new() };
    let mut held = Vec::new();
    for (name, prefixes) in &before.tags {
        let Some(tag) = snapshot.tag(name) else { continue };
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

fn by_tag(held: &[Held]) -> BTreeMap<String, Vec<IpPrefix>> {
    let mut by_tag: BTreeMap<String, Vec<IpPrefix>> = BTreeMap::new();
    for item in held {
        by_tag.entry(item.tag.clone()).or_default().extend(item.prefix.parse::<IpPrefix>());
    }
    by_tag
}

fn json<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(value).expect("texts and numbers always serialise");
    bytes.push(b'\n');
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str = r#"
        schema = 1
        name = "e"
        region = "westeurope"
        network.address-space = ["10.20.0.0/16"]
        subnets.a.prefixes = ["10.20.1.0/24"]
        nsg.tags = "expand"
        refresh.hold-removed-days = 7
        [[allow]]
        to = "Storage"
        protocol = "tcp"
        ports = 443
    "#;

    fn environment() -> Environment {
        let source = PolicySource::read("e.toml", POLICY).unwrap();
        let catalog = Catalog::builtin().clone();
        Environment { file: "e.toml".into(), source, catalog, catalog_texts: Vec::new() }
    }

    fn data(prefixes: &[&str]) -> Snapshot {
        let tag =
            serde_json::json!({"name": "Storage", "properties": {"region": "", "addressPrefixes": prefixes}});
        let file = serde_json::json!({"changeNumber": 1, "cloud": "Public", "values": [tag]});
        Snapshot::parse(file.to_string().as_bytes()).unwrap()
    }

    struct Place {
        _folder: tempfile::TempDir,
        site: Site,
        environments: Vec<Environment>,
    }

    impl Place {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let site = Site::new(folder.path());
            drop(site.lock().unwrap());
            Place { _folder: folder, site, environments: vec![environment()] }
        }

        fn run(&self, snapshot: &Snapshot, day: i64, force: bool) -> Refreshed {
            let digests = BTreeMap::from([(Cloud::Public, snapshot.digest().to_owned())]);
            let now = Timestamp::from_second(day * 86_400).unwrap();
            let (site, environments) = (&self.site, self.environments.as_slice());
            let job = Job { site, environments, digests: &digests, now, keep: 5, force, sign: None };
            refresh(&job, |_| Ok(snapshot.clone())).unwrap()
        }

        fn rules(&self) -> String {
            std::fs::read_to_string(self.site.out().join("e/nsg.arm.json")).unwrap()
        }
    }

    #[test]
    fn the_same_inputs_are_published_once() {
        let place = Place::new();
        let week = data(&["192.0.2.0/25"]);
        assert_eq!(place.run(&week, 1, false).status, RefreshStatus::Published);
        assert_eq!(place.run(&week, 2, false).status, RefreshStatus::Unchanged);
        std::fs::write(place.site.out().join("e/nsg.arm.json"), "{}").unwrap();
        let healed = place.run(&week, 3, false);
        assert_eq!(healed.status, RefreshStatus::Published);
        assert!(
            healed.notes[0].contains("e/nsg.arm.json was changed after it was published"),
            "{:?}",
            healed.notes
        );
        assert!(!healed.record.rules_changed);
    }

    #[test]
    fn dnat_rules_put_into_what_was_published_are_not_published_again() {
        let mut place = Place::new();
        let text = place.environments[0].source.text().replacen(
            "network.address-space",
            "network.firewall = \"10.20.255.4\"\nnetwork.address-space",
            1,
        );
        place.environments[0].source = PolicySource::read("e.toml", &text).unwrap();
        let week = data(&["192.0.2.0/25"]);
        let first = place.run(&week, 1, false);
        let path = place.site.folder(first.record.number).join("e/firewall.arm.json");
        let before = std::fs::read_to_string(&path).unwrap();
        let mut firewall: serde_json::Value = serde_json::from_str(&before).unwrap();
        let group = &mut firewall["resources"][0]["properties"]["ruleCollections"];
        group.as_array_mut().unwrap().push(serde_json::json!({
            "ruleCollectionType": "FirewallPolicyNatRuleCollection", "name": "nat", "priority": 100,
            "action": { "type": "DNAT" }, "rules": [{
                "ruleType": "NatRule", "name": "n", "ipProtocols": ["TCP"], "sourceAddresses": ["*"],
                "destinationAddresses": ["203.0.113.4"], "destinationPorts": ["22"],
                "translatedAddress": "10.20.1.4", "translatedPort": "22" }]
        }));
        std::fs::write(&path, firewall.to_string()).unwrap();
        let healed = place.run(&week, 2, false);
        assert_eq!(healed.status, RefreshStatus::Published);
        let after = std::fs::read_to_string(place.site.out().join("e/firewall.arm.json")).unwrap();
        assert_eq!(after, before);
        assert!(healed.notes.iter().any(|n| n.contains("NAT collection nat") && n.contains("DELETES")));
    }

    #[test]
    fn what_was_rolled_back_stays_away_until_something_changes() {
        let place = Place::new();
        place.run(&data(&["192.0.2.0/25"]), 1, false);
        let bad = data(&["192.0.2.128/25"]);
        place.run(&bad, 2, false);
        place.site.rollback(None).unwrap();
        assert_eq!(place.run(&bad, 3, false).status, RefreshStatus::RolledBack);
        assert_eq!(place.run(&data(&["192.0.2.0/24"]), 4, false).status, RefreshStatus::Published);
        place.site.rollback(None).unwrap();
        assert_eq!(place.run(&data(&["192.0.2.0/24"]), 5, true).status, RefreshStatus::Published);
    }

    #[test]
    fn removed_prefixes_are_held_for_their_time_and_no_longer() {
        let place = Place::new();
        place.run(&data(&["192.0.2.0/25", "198.51.100.0/24"]), 1, false);
        let week = data(&["192.0.2.0/25"]);
        let held = place.run(&week, 2, false);
        assert!(place.rules().contains("198.51.100.0/24"));
        assert!(held.notes[0].contains("1 removed prefixes"), "{:?}", held.notes);
        assert_eq!(place.run(&week, 5, false).status, RefreshStatus::Unchanged);
        let over = place.run(&week, 9, false);
        assert_eq!(over.status, RefreshStatus::Published);
        assert!(!place.rules().contains("198.51.100.0/24"));
        assert_eq!(over.changes[0].rules[0].delta.lost, ["198.51.100.0/24"]);
        assert_eq!(place.run(&week, 10, false).status, RefreshStatus::Unchanged);
    }
}
