//! What changed from week to week and from generation to generation, as JSON and as Atom.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use jiff::Timestamp;
use serde::Serialize;

use super::answer::{ATOM, Answer};
use super::body::Body;
use super::cloud::CloudFeed;
use super::history::Week;
use super::publication::{EnvironmentChange, Publication};
use crate::addr::{AddrSet, Count, IpPrefix};
use crate::tags::{Cloud, Delta, FamilyCounts, SetChange, Tag};
use crate::text::{markup, sha256_hex};

/// The most steps that are told of.
const MOST: usize = 100;

/// Between two snapshots: as `tagwall diff --format json` has it.
#[derive(Debug, Serialize)]
pub struct Difference<'a> {
    schema: u32,
    cloud: &'static str,
    before: &'a Week,
    after: &'a Week,
    #[serde(flatten)]
    delta: Delta,
}

/// What changed from week `from` to week `to`.
pub fn difference(feed: &CloudFeed, from: usize, to: usize) -> Difference<'_> {
    let history = feed.history();
    Difference {
        schema: 1,
        cloud: feed.snapshot().cloud().name(),
        before: &history.weeks()[from],
        after: &history.weeks()[to],
        delta: history.between(from, to),
    }
}

/// One step of a feed, for people and for programs.
#[derive(Debug, Serialize)]
struct Step {
    at: Timestamp,
    title: String,
    summary: String,
    /// Where more is said.
    link: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<SetChange>,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<EnvironmentChange>,
}

/// A feed of changes.
#[derive(Debug, Serialize)]
pub struct ChangeFeed {
    schema: u32,
    title: String,
    /// Path without its ending.
    #[serde(skip)]
    path: String,
    changes: Vec<Step>,
}

impl ChangeFeed {
    /// What changed in a whole cloud.
    pub fn cloud(feed: &CloudFeed) -> Self {
        let cloud = feed.snapshot().cloud();
        let steps = feed.history().changes().rev().take(MOST).map(|(before, week, delta)| Step {
            at: week.first_published,
            title: format!("Service tags of {}, {}", cloud.name(), week.date),
            summary: summary(delta),
            link: format!("/v1/diff/{}/{}?cloud={}", before.short(), week.short(), cloud.name()),
            change: None,
            environment: None,
        });
        ChangeFeed {
            schema: 1,
            title: format!("Service tags of the cloud {cloud}"),
            path: format!("/v1/changes/{}", cloud.name()),
            changes: steps.collect(),
        }
    }

    /// What changed in one tag.
    pub fn tag(feed: &CloudFeed, tag: &Tag) -> Self {
        let cloud = feed.snapshot().cloud();
        let (name, weeks) = (tag.name(), feed.history().weeks());
        let steps = feed.history().changes_of(name).rev().take(MOST).map(|(at, change)| Step {
            at: weeks[at].first_published,
            title: format!("{name}, {}", weeks[at].date),
            summary: summary_of(change),
            link: format!("/tags/{}/{name}", cloud.name()),
            change: Some(change.clone()),
            environment: None,
        });
        ChangeFeed {
            schema: 1,
            title: format!("Service tag {name} of the cloud {cloud}"),
            path: format!("/v1/changes/{}/{name}", cloud.name()),
            changes: steps.collect(),
        }
    }

    /// What changed in one environment.
    pub fn environment(publication: &Publication, name: &str) -> Self {
        let own = publication.changes().iter().filter(|change| change.environment == name).take(MOST);
        let steps = own.map(|change| Step {
            at: change.at,
            title: format!("{name}, generation {}", change.generation),
            summary: rules_summary(change),
            link: format!("/environments/{name}"),
            change: None,
            environment: Some(change.clone()),
        });
        ChangeFeed {
            schema: 1,
            title: format!("Rules of {name}"),
            path: format!("/v1/changes/environments/{name}"),
            changes: steps.collect(),
        }
    }

    /// As JSON.
    pub fn json(&self) -> Answer {
        self.dated(Answer::json(self))
    }

    /// As an Atom feed (RFC 4287).
    pub fn atom(&self) -> Answer {
        self.dated(Answer::good(ATOM, Body::new(self.atom_text().into_bytes())))
    }

    fn dated(&self, answer: Answer) -> Answer {
        Answer { modified: self.changes.first().map(|step| step.at), ..answer }
    }

    fn atom_text(&self) -> String {
        let mut out = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
        let updated = self.changes.first().map_or(Timestamp::UNIX_EPOCH, |step| step.at);
        let (title, path) = (markup(&self.title), markup(&self.path));
        let mut line = |text: String| {
            out.push_str(&text);
            out.push('\n');
        };
        line("<feed xmlns=\"http://www.w3.org/2005/Atom\">".to_owned());
        line(format!("  <id>{}</id>\n  <title>{title}</title>", id(&self.path)));
        line(format!("  <updated>{updated}</updated>\n  <author><name>tagwall</name></author>"));
        line(format!("  <link rel=\"self\" href=\"{path}.atom\"/>"));
        for step in &self.changes {
            let key = format!("{} {} {}", self.path, step.at, step.title);
            line(format!("  <entry>\n    <id>{}</id>\n    <title>{}</title>", id(&key), markup(&step.title)));
            line(format!("    <updated>{}</updated>\n    <link href=\"{}\"/>", step.at, markup(&step.link)));
            line(format!("    <summary>{}</summary>\n  </entry>", markup(&step.summary)));
        }
        line("</feed>".to_owned());
        out
    }
}

/// A name that stays: a UUID of version 8 out of a digest.
fn id(of: &str) -> String {
    let hex = sha256_hex(of.as_bytes());
    format!("urn:uuid:{}-{}-8{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32])
}

/// A step of a cloud in a sentence or two.
pub fn summary(delta: &Delta) -> String {
    let tags = |n: usize| if n == 1 { "1 tag".to_owned() } else { format!("{n} tags") };
    let mut text = match delta.tags.len() {
        0 => "No tag changed its addresses".to_owned(),
        n => format!("{} changed", tags(n)),
    };
    if !delta.all.is_empty() {
        write!(text, "; over all tags {}", summary_of(&delta.all)).expect("memory does not fail");
    }
    for (names, word) in [(&delta.tags_added, "New"), (&delta.tags_removed, "Gone")] {
        if !names.is_empty() {
            let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
            write!(text, ". {word}: {}", names.join(", ")).expect("as above");
        }
    }
    text
}

/// What a set gained and lost, in words.
pub fn summary_of(change: &SetChange) -> String {
    match (change.added.is_empty(), change.removed.is_empty()) {
        (true, true) => "nothing changed".to_owned(),
        (false, true) => format!("gained {}", size(&change.added)),
        (true, false) => format!("lost {}", size(&change.removed)),
        (false, false) => format!("gained {}, lost {}", size(&change.added), size(&change.removed)),
    }
}

/// How large a set is, in words: IPv6 in networks of 64 bits, which people can read, where it is more than one of them.
pub(super) fn size(set: &AddrSet) -> String {
    let counts = FamilyCounts::of(set);
    let networks = counts.v6.to_u128().map_or(u128::MAX, |count| count >> 64);
    if networks == 0 {
        return counts.to_string();
    }
    let v6 = format!("{networks} IPv6 networks (/64)");
    if counts.v4.is_zero() { v6 } else { format!("{} and {v6}", FamilyCounts { v6: Count::ZERO, ..counts }) }
}

/// A step of an environment in a sentence.
pub(super) fn rules_summary(change: &EnvironmentChange) -> String {
    let count = change.rules.len();
    let rules = if count == 1 {
        "1 rule or list changed".to_owned()
    } else {
        format!("{count} rules and lists changed")
    };
    match change.tags.is_empty() {
        true => rules,
        false => format!("{rules}, since {} changed", change.tags.join(", ")),
    }
}

/// What a client lacks that has the data of an earlier week.
#[derive(Debug, Serialize)]
pub struct Catching {
    schema: u32,
    cloud: &'static str,
    /// Stays as long as serials mean the same.
    session: String,
    /// Stands for the data; only whether it is the same is of account.
    serial: String,
    /// Whether `added` is everything, since what the client has is not known.
    reset: bool,
    added: Lines,
    removed: Lines,
}

impl Catching {
    /// Whether it is everything.
    pub fn is_reset(&self) -> bool {
        self.reset
    }
}

/// Lines of the merged lists of tags, by tag.
type Lines = BTreeMap<String, Vec<String>>;

/// The lines of the merged lists of all tags that a client lacks or has too many, given what it had last. The same session and
/// serial mean the same data on every server and after every restart.
pub fn catch_up(feed: &CloudFeed, session: Option<&str>, serial: Option<&str>) -> Catching {
    let (snapshot, history) = (feed.snapshot(), feed.history());
    let own = session_of(snapshot.cloud());
    let known = serial.filter(|_| session == Some(own.as_str()));
    let known = known.filter(|serial| serial.len() == 64).and_then(|serial| history.find(serial));
    let (mut added, mut removed) = (Lines::new(), Lines::new());
    match known {
        None => {
            let all = snapshot.tags().iter().map(|tag| (tag.name().to_string(), texts(tag.set().prefixes())));
            added.extend(all);
        }
        Some(week) => {
            let names = history.between(week, history.weeks().len() - 1).tags.into_keys();
            for name in names {
                let now = snapshot.tag(name.as_str()).map(|tag| tag.set().clone()).unwrap_or_default();
                let before = history.at(&name, &now, week);
                lines_changed(name.as_str(), (&before, &now), (&mut added, &mut removed));
            }
        }
    }
    let serial = history.current().digest.clone();
    Catching {
        schema: 1,
        cloud: snapshot.cloud().name(),
        session: own,
        serial,
        reset: known.is_none(),
        added,
        removed,
    }
}

fn session_of(cloud: Cloud) -> String {
    format!("{}-1", cloud.name())
}

fn texts(prefixes: impl Iterator<Item = IpPrefix>) -> Vec<String> {
    prefixes.map(|prefix| prefix.to_string()).collect()
}

fn lines_changed(tag: &str, (before, now): (&AddrSet, &AddrSet), (added, removed): (&mut Lines, &mut Lines)) {
    let (old, new): (BTreeSet<_>, BTreeSet<_>) = (before.prefixes().collect(), now.prefixes().collect());
    for (into, lines) in [(added, new.difference(&old)), (removed, old.difference(&new))] {
        let lines = texts(lines.copied());
        if !lines.is_empty() {
            into.insert(tag.to_owned(), lines);
        }
    }
}
