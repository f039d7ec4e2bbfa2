//! One refresh: policies and data in, a proven generation published, and what it changes said.
//!
//! Nothing is made where the same inputs have been published already. Files, but no clock and no network: the time
//! and the data come in as arguments.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rayon::prelude::*;
use serde::Serialize;

use super::error::SiteError;
use super::generations::{NewGeneration, Record, Sign, Site};
use super::loaded;
use super::memory::{Forgotten, Held, HeldByName, Memory, by_tag, hold, kept, state_of};
pub use super::memory::{HELD, KeptError, held_in};
use crate::environment::Environment;
use crate::plan::Previous;
use crate::report::changes::{Changes, Past, RuleSummary, Told};
use crate::tags::{Cloud, Snapshot};
use crate::text::sha256_hex;
use crate::verify;

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
    /// The generation that was rolled back and would be made again: it is held back until something changes.
    pub held_back: Option<u64>,
    /// How many removed address blocks the published generation lets through for a while yet.
    pub held_prefixes: usize,
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
        error: Box<crate::Error>,
    },
    /// Two policies have the same name.
    #[error("{0} and {1} are both called {2}; give one another name")]
    SameName(String, String, String),
    /// The policy has a name that is the program's own.
    #[error("{0} is called {1}, which is the name of a file of tagwall's own; give it another name")]
    OwnName(String, String),
    /// What was let through for a while cannot be known any more.
    #[error(transparent)]
    Held(#[from] Forgotten),
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
    load: impl FnMut(Cloud) -> Result<Snapshot, RefreshError>,
) -> Result<Refreshed, RefreshError> {
    let mut refreshed = renew(job, load)?;
    refreshed.notes.extend(loaded::notes_of(job.site, &refreshed.record));
    Ok(refreshed)
}

fn renew(
    job: &Job<'_>,
    mut load: impl FnMut(Cloud) -> Result<Snapshot, RefreshError>,
) -> Result<Refreshed, RefreshError> {
    let current = job.site.current()?;
    let times: Vec<_> = job.environments.iter().map(|e| (e.name(), e.hold())).collect();
    let memory = match &current {
        Some(record) => Memory::of(job.site, record, &times, job.force)?,
        None => Memory::default(),
    };
    let inputs = inputs_of(job);
    let mut notes = memory.damage.clone();
    if let Some(record) = &current
        && !job.force
    {
        let over = memory.still_held(&times, job.now) != memory.held;
        if record.inputs == inputs && !over {
            match job.site.check(record) {
                Ok(()) => {
                    job.site.settle();
                    return Ok(Refreshed {
                        held_prefixes: count(&memory.held),
                        ..done(RefreshStatus::Unchanged, record, notes)
                    });
                }
                Err(damage) => notes.push(format!("{damage}; it is made anew")),
            }
        } else if job.site.is_rolled_back(&inputs)? {
            job.site.settle();
            let text = "the same inputs were rolled back; they are published again with --force, or once data or \
                        policies change";
            notes.push(text.to_owned());
            return Ok(Refreshed {
                held_back: made_from(job.site, &inputs),
                held_prefixes: count(&memory.held),
                ..done(RefreshStatus::RolledBack, record, notes)
            });
        }
    }
    let (record, changes) = make(job, current.as_ref(), &memory, &mut notes, &mut load)?;
    // What is published is published: a folder that cannot be tidied is no reason to call it a failure.
    match job.site.prune(job.keep) {
        Ok(more) => notes.extend(more),
        Err(error) => notes.push(format!("old generations are not removed: {error}")),
    }
    let held_prefixes = held_prefixes(job.site, &record);
    Ok(Refreshed { changes, held_prefixes, ..done(RefreshStatus::Published, &record, notes) })
}

fn done(status: RefreshStatus, record: &Record, notes: Vec<String>) -> Refreshed {
    let record = record.clone();
    Refreshed { status, record, changes: Vec::new(), notes, held_back: None, held_prefixes: 0 }
}

/// How many removed prefixes a generation lets through for a while yet; none where that cannot be read.
#[must_use]
pub fn held_prefixes(site: &Site, record: &Record) -> usize {
    count(&kept(site, record, HELD).ok().flatten().unwrap_or_default())
}

fn count(held: &HeldByName) -> usize {
    held.values().map(Vec::len).sum()
}

/// The newest generation that was made from `inputs`.
fn made_from(site: &Site, inputs: &str) -> Option<u64> {
    let records = site.numbers().into_iter().rev().filter_map(|number| site.record(number).ok());
    records.filter(|record| record.inputs == inputs).map(|r| r.number).next()
}

/// Makes, proves and publishes a generation.
fn make(
    job: &Job<'_>,
    current: Option<&Record>,
    memory: &Memory,
    notes: &mut Vec<String>,
    load: &mut impl FnMut(Cloud) -> Result<Snapshot, RefreshError>,
) -> Result<(Record, Vec<Changes>), RefreshError> {
    let names = distinct_names(job.environments)?;
    let clouds: BTreeSet<Cloud> = job.environments.iter().map(Environment::cloud).collect();
    let snapshots = clouds
        .into_iter()
        .map(|cloud| Ok((cloud, load(cloud)?)))
        .collect::<Result<BTreeMap<_, _>, RefreshError>>()?;
    let (site, now) = (job.site, job.now);
    let one = |environment: &Environment| {
        let name = environment.name();
        let before = memory.summaries.get(name);
        let known = memory.held.get(name).map_or(&[][..], Vec::as_slice);
        let placed = current.map(|record| placed(site, record, name)).unwrap_or_default();
        let context = Before { summary: before, held: known };
        let environment = environment.clone().upon_previous(placed);
        make_one(&environment, &snapshots[&environment.cloud()], &context, now)
    };
    let made: Vec<Result<Made, RefreshError>> =
        job.environments.par_iter().with_max_len(1).map(one).collect();
    let (mut files, mut changes, mut held) = (BTreeMap::new(), Vec::new(), HeldByName::new());
    for (environment, made) in job.environments.iter().zip(made) {
        let (name, made) = (environment.name(), made?);
        notes.extend(made.notes);
        if !made.held.is_empty() {
            notes.push(format!(
                "{name}: {} removed prefixes are let through for a while yet",
                made.held.len()
            ));
            held.insert(name.to_owned(), made.held);
        }
        files.insert(state_of(name), json(&made.summary));
        files.extend(made.files);
        changes.push(made.changes);
    }
    files.insert(HELD.to_owned(), json(&held));
    files.insert("changes.json".to_owned(), json(&changes));
    let text: Vec<String> = changes.iter().map(Changes::markdown).collect();
    files.insert("changes.md".to_owned(), text.join("\n").into_bytes());
    let snapshots =
        job.digests.iter().map(|(cloud, digest)| (cloud.name().to_owned(), digest.clone())).collect();
    let rules_changed = changes.iter().any(|c| !c.is_empty());
    let new = NewGeneration { at: job.now, inputs: inputs_of(job), snapshots, rules_changed, files };
    let published = job.site.publish(&new, job.sign)?;
    note_gone(job.site, current, &names, notes);
    Ok((published, changes))
}

/// What the published generation says of an environment.
struct Before<'a> {
    summary: Option<&'a RuleSummary>,
    held: &'a [Held],
}

/// One environment of a generation.
struct Made {
    notes: Vec<String>,
    summary: RuleSummary,
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
    let held = hold(environment.hold(), before.summary, before.held, snapshot, now);
    let past = Past { before: before.summary, data: snapshot, day: now.to_zoned(TimeZone::UTC).date() };
    let made = if held.is_empty() {
        environment.generate_after(snapshot, Some(&past))
    } else {
        environment.generate_after(&snapshot.with_held(&by_tag(&held)), Some(&past))
    };
    let made = made.map_err(|error| RefreshError::Stage {
        file: environment.file().to_owned(),
        error: Box::new(error),
    })?;
    let Told { summary, changes } = made.told.expect("it was asked for");
    let name = &made.name;
    let notes = made.notes.iter().map(|note| format!("{name}: {note}")).collect();
    let files = made.files.into_iter().map(|file| (format!("{name}/{}", file.name), file.bytes)).collect();
    Ok(Made { notes, summary, changes, held, files })
}

/// The names of all environments; no two may be the same.
fn distinct_names(environments: &[Environment]) -> Result<BTreeMap<String, String>, RefreshError> {
    let mut names = BTreeMap::new();
    for environment in environments {
        let (file, name) = (environment.file().to_owned(), environment.name().to_owned());
        if state_of(&name) == HELD {
            return Err(RefreshError::OwnName(file, name));
        }
        if let Some(other) = names.insert(name.clone(), file.clone()) {
            return Err(RefreshError::SameName(file, other, name));
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
        let left = match place.exists() {
            true => "; what tagwall did not make stays there",
            false => "",
        };
        let place = place.display();
        notes.push(format!("{place} is not published any more: no policy of that name was named{left}"));
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
            format!("{} {} {data}\n", e.name(), e.sha256())
        })
        .collect();
    // The order in which policies are named is of no account.
    lines.sort();
    text.extend(lines);
    sha256_hex(text.as_bytes())
}

fn json<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(value).expect("texts and numbers always serialise");
    bytes.push(b'\n');
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::PolicySource;

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
        Environment::new(PolicySource::read("e.toml", POLICY).unwrap(), Vec::new()).unwrap()
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
        let text = place.environments[0].source().text().replacen(
            "network.address-space",
            "network.firewall = \"10.20.255.4\"\nnetwork.address-space",
            1,
        );
        place.environments[0] =
            Environment::new(PolicySource::read("e.toml", &text).unwrap(), Vec::new()).unwrap();
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

    #[test]
    fn reports_tell_what_changed_and_when_a_limit_is_reached() {
        let mut place = Place::new();
        let text = format!(
            "output.report = [\"markdown\", \"html\"]\nlimits.nsg-destination-prefixes = 305\n{POLICY}"
        );
        place.environments[0] =
            Environment::new(PolicySource::read("e.toml", &text).unwrap(), Vec::new()).unwrap();
        let file = |name: &str| std::fs::read_to_string(place.site.out().join("e").join(name)).unwrap();
        // Ten prefixes more each week, none next to another.
        let week = |count: usize| {
            let prefixes: Vec<String> =
                (0..count * 10).map(|n| format!("198.{}.{}.0/24", 18 + n / 128, n % 128 * 2)).collect();
            data(&prefixes.iter().map(String::as_str).collect::<Vec<_>>())
        };
        place.run(&week(1), 7, false);
        assert!(
            file("report.md").contains("## What changed since last time\n\nThis is the first generation")
        );
        assert!(!file("report.html").contains("What the weeks changed"));
        for count in 2..9 {
            place.run(&week(count), 7 * count as i64, false);
        }
        let (text, page) = (file("report.md"), file("report.html"));
        assert!(text.contains("follows 1 of the generation of 1970-02-19; **1 rule changed.**"), "{text}");
        assert!(text.contains("+10 IPv4 prefixes, 2560 addresses"), "{text}");
        assert!(!text.contains("reaches its limit"), "seven weeks are no pace");
        assert!(
            page.contains("7 generations from 1970-01-15 to 1970-02-26: 70 entries came, 0 went"),
            "{page}"
        );
        place.run(&week(9), 63, false);
        let (text, page) = (file("report.md"), file("report.html"));
        // 95 of 305 after nine weeks at 10 a week: 21 weeks to go.
        let day = jiff::civil::date(1970, 1, 1) + jiff::Span::new().days((9 + 21) * 7);
        let said = format!("reaches its limit about the week of {day}.");
        assert!(text.contains("At the pace of the last 8 weeks") && text.contains(&said), "{day}: {text}");
        assert!(page.contains(&format!("full about {day}")), "{page}");
        let at = |title: &str| page.find(&format!("\">{title}</h2>"));
        let (verdict, changed) = (at("Verdict"), at("What changed since last time"));
        assert!(verdict.is_some() && verdict < changed && changed < at("What to do next"));
        // Without anything new the same bytes stay, and a rollback goes on from what it goes back to.
        assert_eq!(place.run(&week(9), 70, false).status, RefreshStatus::Unchanged);
        assert_eq!(file("report.html"), page);
        place.site.rollback(None).unwrap();
        place.run(&week(10), 77, false);
        assert!(file("report.html").contains("8 generations from 1970-01-15"), "{}", file("report.html"));
    }
}
