//! What changed from week to week and from generation to generation, as JSON and as Atom.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display, Write};

use jiff::Timestamp;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::answer::{ATOM, Answer, Cidr};
use super::body::Body;
use super::cloud::CloudFeed;
use super::history::Week;
use super::publication::{EnvironmentChange, Publication};
use crate::addr::{AddrSet, Count};
use crate::tags::{Cloud, Delta, FamilyCounts, SetChange, Tag, TagName};
use crate::text::{joined, marked, sha256_hex};

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

/// What a feed of changes is of.
#[derive(Debug, Clone, Copy)]
pub(super) enum Subject<'a> {
    Cloud(Cloud),
    Tag(Cloud, &'a TagName),
    Environment(&'a str),
}

impl Subject<'_> {
    fn title(self) -> impl Display {
        fmt::from_fn(move |f| match self {
            Subject::Cloud(cloud) => write!(f, "Service tags of the cloud {cloud}"),
            Subject::Tag(cloud, name) => write!(f, "Service tag {name} of the cloud {cloud}"),
            Subject::Environment(name) => write!(f, "Rules of {name}"),
        })
    }

    /// Path below the first page, without its ending.
    pub(super) fn path(self) -> impl Display {
        fmt::from_fn(move |f| match self {
            Subject::Cloud(cloud) => write!(f, "v1/changes/{}", cloud.name()),
            Subject::Tag(cloud, name) => write!(f, "v1/changes/{}/{name}", cloud.name()),
            Subject::Environment(name) => write!(f, "v1/changes/environments/{name}"),
        })
    }
}

/// One step of a feed, for people and for programs.
#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    /// Of a cloud, from one week to the next.
    Week { cloud: Cloud, before: &'a Week, week: &'a Week, delta: &'a Delta },
    /// Of a tag, in a week.
    Tag { cloud: Cloud, name: &'a TagName, week: &'a Week, change: &'a SetChange },
    /// Of an environment.
    Rules(&'a EnvironmentChange),
}

impl Step<'_> {
    fn at(self) -> Timestamp {
        match self {
            Step::Week { week, .. } | Step::Tag { week, .. } => week.first_published,
            Step::Rules(change) => change.at,
        }
    }

    fn title(self) -> impl Display {
        fmt::from_fn(move |f| match self {
            Step::Week { cloud, week, .. } => write!(f, "Service tags of {}, {}", cloud.name(), week.date),
            Step::Tag { name, week, .. } => write!(f, "{name}, {}", week.date),
            Step::Rules(change) => write!(f, "{}, generation {}", change.environment, change.generation),
        })
    }

    fn summary(self) -> impl Display {
        fmt::from_fn(move |f| match self {
            Step::Week { delta, .. } => summary(delta).fmt(f),
            Step::Tag { change, .. } => summary_of(change).fmt(f),
            Step::Rules(change) => rules_summary(change).fmt(f),
        })
    }

    /// Where more is said.
    fn link(self) -> impl Display {
        fmt::from_fn(move |f| match self {
            Step::Week { cloud, before, week, .. } => {
                write!(f, "/v1/diff/{}/{}?cloud={}", before.short(), week.short(), cloud.name())
            }
            Step::Tag { cloud, name, .. } => write!(f, "/tags/{}/{name}", cloud.name()),
            Step::Rules(change) => write!(f, "/environments/{}", change.environment),
        })
    }
}

impl Serialize for Step<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let more = usize::from(!matches!(self, Step::Week { .. }));
        let mut fields = serializer.serialize_struct("Step", 4 + more)?;
        fields.serialize_field("at", &self.at())?;
        fields.serialize_field("title", &format_args!("{}", self.title()))?;
        fields.serialize_field("summary", &format_args!("{}", self.summary()))?;
        fields.serialize_field("link", &format_args!("{}", self.link()))?;
        match self {
            Step::Week { .. } => {}
            Step::Tag { change, .. } => fields.serialize_field("change", change)?,
            Step::Rules(change) => fields.serialize_field("environment", change)?,
        }
        fields.end()
    }
}

/// A feed of changes.
#[derive(Debug)]
pub struct ChangeFeed<'a> {
    subject: Subject<'a>,
    changes: Vec<Step<'a>>,
}

impl Serialize for ChangeFeed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("ChangeFeed", 3)?;
        fields.serialize_field("schema", &1)?;
        fields.serialize_field("title", &format_args!("{}", self.subject.title()))?;
        fields.serialize_field("changes", &self.changes)?;
        fields.end()
    }
}

impl<'a> ChangeFeed<'a> {
    /// What changed in a whole cloud.
    pub fn cloud(feed: &'a CloudFeed) -> Self {
        let cloud = feed.snapshot().cloud();
        let steps = feed.history().changes().rev().take(MOST);
        let steps = steps.map(|(before, week, delta)| Step::Week { cloud, before, week, delta });
        ChangeFeed { subject: Subject::Cloud(cloud), changes: steps.collect() }
    }

    /// What changed in one tag.
    pub fn tag(feed: &'a CloudFeed, tag: &'a Tag) -> Self {
        let cloud = feed.snapshot().cloud();
        let (name, weeks) = (tag.name(), feed.history().weeks());
        let steps = feed.history().changes_of(name).rev().take(MOST);
        let steps = steps.map(|(at, change)| Step::Tag { cloud, name, week: &weeks[at], change });
        ChangeFeed { subject: Subject::Tag(cloud, name), changes: steps.collect() }
    }

    /// What changed in one environment.
    pub fn environment(publication: &'a Publication, name: &'a str) -> Self {
        let own = publication.changes().iter().filter(|change| change.environment == name).take(MOST);
        ChangeFeed { subject: Subject::Environment(name), changes: own.map(Step::Rules).collect() }
    }

    /// As JSON.
    pub fn json(&self) -> Answer {
        self.dated(Answer::json(self))
    }

    /// As an Atom feed (RFC 4287).
    pub fn atom(&self) -> Answer {
        let mut text = String::new();
        self.write_atom(&mut text).expect("memory does not fail");
        self.dated(Answer::good(ATOM, Body::new(text.into_bytes())))
    }

    fn dated(&self, answer: Answer) -> Answer {
        Answer { modified: self.changes.first().map(|step| step.at()), ..answer }
    }

    fn write_atom(&self, out: &mut String) -> fmt::Result {
        let updated = self.changes.first().map_or(Timestamp::UNIX_EPOCH, |step| step.at());
        let (title, path) = (self.subject.title(), self.subject.path());
        let path = fmt::from_fn(|f| write!(f, "/{path}"));
        writeln!(out, "<?xml version=\"1.0\" encoding=\"utf-8\"?>")?;
        writeln!(out, "<feed xmlns=\"http://www.w3.org/2005/Atom\">")?;
        writeln!(out, "  <id>{}</id>\n  <title>{}</title>", id(&path), marked(title))?;
        writeln!(out, "  <updated>{updated}</updated>\n  <author><name>tagwall</name></author>")?;
        writeln!(out, "  <link rel=\"self\" href=\"{}.atom\"/>", marked(&path))?;
        for step in &self.changes {
            let (at, title) = (step.at(), step.title());
            let id = id(&fmt::from_fn(|f| write!(f, "{path} {at} {title}")));
            writeln!(out, "  <entry>\n    <id>{id}</id>\n    <title>{}</title>", marked(&title))?;
            writeln!(out, "    <updated>{at}</updated>\n    <link href=\"{}\"/>", marked(step.link()))?;
            writeln!(out, "    <summary>{}</summary>\n  </entry>", marked(step.summary()))?;
        }
        writeln!(out, "</feed>")
    }
}

/// A name that stays: a UUID of version 8 out of a digest.
fn id(of: &dyn Display) -> impl Display + use<> {
    let hex = sha256_hex(of.to_string().as_bytes());
    fmt::from_fn(move |f| {
        let [a, b, c, d, e] = [&hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32]];
        write!(f, "urn:uuid:{a}-{b}-8{c}-8{d}-{e}")
    })
}

/// A step of a cloud in a sentence or two.
pub fn summary(delta: &Delta) -> impl Display {
    fmt::from_fn(move |f| {
        match delta.tags.len() {
            0 => write!(f, "No tag changed its addresses")?,
            1 => write!(f, "1 tag changed")?,
            n => write!(f, "{n} tags changed")?,
        }
        if !delta.all.is_empty() {
            write!(f, "; over all tags {}", summary_of(&delta.all))?;
        }
        for (names, word) in [(&delta.tags_added, "New"), (&delta.tags_removed, "Gone")] {
            if !names.is_empty() {
                write!(f, ". {word}: {}", joined(names, ", "))?;
            }
        }
        Ok(())
    })
}

/// What a set gained and lost, in words.
pub fn summary_of(change: &SetChange) -> impl Display {
    fmt::from_fn(move |f| match (change.added.is_empty(), change.removed.is_empty()) {
        (true, true) => write!(f, "nothing changed"),
        (false, true) => write!(f, "gained {}", size(&change.added)),
        (true, false) => write!(f, "lost {}", size(&change.removed)),
        (false, false) => write!(f, "gained {}, lost {}", size(&change.added), size(&change.removed)),
    })
}

/// How large a set is, in words: IPv6 in networks of 64 bits, which people can read, where it is more than one of them.
pub(super) fn size(set: &AddrSet) -> impl Display {
    let counts = FamilyCounts::of(set);
    let networks = counts.v6.to_u128().map_or(u128::MAX, |count| count >> 64);
    fmt::from_fn(move |f| match (networks, counts.v4.is_zero()) {
        (0, _) => counts.fmt(f),
        (_, true) => write!(f, "{networks} IPv6 networks (/64)"),
        (_, false) => {
            let v4 = FamilyCounts { v6: Count::ZERO, v4: counts.v4 };
            write!(f, "{v4} and {networks} IPv6 networks (/64)")
        }
    })
}

/// A step of an environment in a sentence.
pub(super) fn rules_summary(change: &EnvironmentChange) -> impl Display {
    fmt::from_fn(move |f| {
        match change.rules.len() {
            1 => write!(f, "1 rule or list changed")?,
            count => write!(f, "{count} rules and lists changed")?,
        }
        match change.tags.is_empty() {
            true => Ok(()),
            false => write!(f, ", since {} changed", joined(&change.tags, ", ")),
        }
    })
}

/// What a client lacks that has the data of an earlier week.
#[derive(Debug, Serialize)]
pub struct Catching<'a> {
    schema: u32,
    cloud: &'static str,
    /// Stays as long as serials mean the same.
    session: Session,
    /// Stands for the data; only whether it is the same is of account.
    serial: &'a str,
    /// Whether `added` is everything, since what the client has is not known.
    reset: bool,
    added: Lines,
    removed: Lines,
}

impl Catching<'_> {
    /// Whether it is everything.
    pub fn is_reset(&self) -> bool {
        self.reset
    }
}

/// What stays as long as serials mean the same: it is of a cloud, and of the form of the lines.
#[derive(Debug)]
struct Session(Cloud);

impl Session {
    /// What follows the name of the cloud.
    const FORM: &'static str = "-1";

    fn is(&self, text: &str) -> bool {
        text.strip_suffix(Self::FORM) == Some(self.0.name())
    }
}

impl Serialize for Session {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}{}", self.0.name(), Self::FORM))
    }
}

/// Lines of the merged lists of tags, by tag.
type Lines = BTreeMap<TagName, Vec<Cidr>>;

/// The lines of the merged lists of all tags that a client lacks or has too many, given what it had last. The same session and
/// serial mean the same data on every server and after every restart.
pub fn catch_up<'a>(feed: &'a CloudFeed, session: Option<&str>, serial: Option<&str>) -> Catching<'a> {
    let (snapshot, history) = (feed.snapshot(), feed.history());
    let own = Session(snapshot.cloud());
    let known = serial.filter(|_| session.is_some_and(|session| own.is(session)));
    let known = known.filter(|serial| serial.len() == 64).and_then(|serial| history.find(serial));
    let (mut added, mut removed) = (Lines::new(), Lines::new());
    match known {
        None => {
            let lines = |tag: &Tag| tag.set().prefixes().map(Cidr).collect();
            added.extend(snapshot.tags().iter().map(|tag| (tag.name().clone(), lines(tag))));
        }
        Some(week) => {
            let names = history.between(week, history.weeks().len() - 1).tags.into_keys();
            for name in names {
                let now = snapshot.tag(name.as_str()).map(|tag| tag.set().clone()).unwrap_or_default();
                let before = history.at(&name, &now, week);
                lines_changed(&name, (&before, &now), (&mut added, &mut removed));
            }
        }
    }
    Catching {
        schema: 1,
        cloud: snapshot.cloud().name(),
        session: own,
        serial: &history.current().digest,
        reset: known.is_none(),
        added,
        removed,
    }
}

fn lines_changed(
    tag: &TagName,
    (before, now): (&AddrSet, &AddrSet),
    (added, removed): (&mut Lines, &mut Lines),
) {
    let (old, new): (BTreeSet<_>, BTreeSet<_>) = (before.prefixes().collect(), now.prefixes().collect());
    for (into, lines) in [(added, new.difference(&old)), (removed, old.difference(&new))] {
        let lines: Vec<Cidr> = lines.copied().map(Cidr).collect();
        if !lines.is_empty() {
            into.insert(tag.clone(), lines);
        }
    }
}
