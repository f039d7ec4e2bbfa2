//! The pages of tags, and of what changed in them.

use std::fmt::{self, Display, Formatter};

use askama::Template;
use jiff::civil::Date;

use super::{Frame, Medium, page, plot};
use crate::addr::IpPrefix;
use crate::feed::answer::Answer;
use crate::feed::changes::{Subject, size, summary, summary_of};
use crate::feed::cloud::CloudFeed;
use crate::feed::history::Week;
use crate::feed::paths::{lies_in, supersets_and_subsets};
use crate::feed::world::World;
use crate::tags::{Cloud, Delta, SetChange, Tag, TagName};
use crate::text::joined;

/// The most weeks that a page tells of.
const WEEKS: usize = 30;

/// The most tags of one week, and of one list of tags.
const ROWS: usize = 400;

#[derive(Template)]
#[template(path = "tags.html")]
struct TagsPage<'w> {
    frame: Frame<'w>,
    clouds: Vec<CloudTable<'w>>,
}

struct CloudTable<'w> {
    name: &'static str,
    date: Date,
    json: Json,
    tags: Vec<TagRow<'w>>,
}

struct TagRow<'w> {
    name: &'w str,
    region: String,
    service: &'w str,
    v4: usize,
    v6: usize,
}

/// What stands behind the address of a table in JSON: the cloud, for a server; files stand for the usual one.
struct Json(Cloud, Medium);

impl Display for Json {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.1 {
            Medium::Served => write!(f, "?cloud={}", self.0.name()),
            Medium::Files(_) => write!(f, ".{}.json", self.0.name()),
        }
    }
}

#[derive(Template)]
#[template(path = "tag.html")]
struct TagPage<'w> {
    frame: Frame<'w>,
    feed: &'w CloudFeed,
    tag: &'w Tag,
    cloud: &'static str,
    name: &'w str,
    inside: Vec<&'w str>,
    holds: Vec<&'w str>,
    more: usize,
    plot: String,
    changes: Vec<Change<'w>>,
    json: Json,
    lists: Vec<ShownList>,
}

/// What a week changed in a tag.
struct Change<'w> {
    date: Date,
    change: &'w SetChange,
}

struct ShownList {
    title: &'static str,
    family: &'static str,
    lines: Vec<IpPrefix>,
}

#[derive(Template)]
#[template(path = "changes.html")]
struct ChangesPage<'w> {
    frame: Frame<'w>,
    clouds: Vec<CloudChanges<'w>>,
}

struct CloudChanges<'w> {
    name: &'static str,
    weeks: Vec<ChangedWeek<'w>>,
}

struct ChangedWeek<'w> {
    date: Date,
    delta: &'w Delta,
    tags: Vec<ChangedTag<'w>>,
}

struct ChangedTag<'w> {
    name: &'w TagName,
    change: &'w SetChange,
}

impl World {
    /// Every tag of every cloud.
    pub fn tags_page(&self, medium: Medium) -> Answer {
        let tables = self.clouds().map(|(cloud, feed)| CloudTable {
            name: cloud.name(),
            date: feed.history().current().date,
            json: Json(cloud, medium),
            tags: feed
                .snapshot()
                .tags()
                .iter()
                .zip(feed.entries())
                .map(|(tag, (_, [v4, v6]))| row(tag, v4, v6))
                .collect(),
        });
        page(&TagsPage { frame: Frame::new(self, medium, "Tags"), clouds: tables.collect() })
    }

    /// One tag.
    pub fn tag_page(&self, cloud: &str, name: &str, medium: Medium) -> Answer {
        let feed = match self.find_cloud(cloud) {
            Ok(feed) => feed,
            Err(refusal) => return *refusal,
        };
        match feed.tag(name) {
            Ok((_, tag)) => page(&self.tag(feed, tag, medium)),
            Err(unknown) => Answer::unknown(unknown),
        }
    }

    fn tag<'w>(&'w self, feed: &'w CloudFeed, tag: &'w Tag, medium: Medium) -> TagPage<'w> {
        let cloud = feed.snapshot().cloud();
        let name = tag.name().as_str();
        let mut holds = supersets_and_subsets(feed, tag.name()).1;
        let more = holds.len().saturating_sub(20);
        holds.truncate(20);
        let weeks = feed.history().weeks();
        let changes = feed.history().changes_of(tag.name()).rev().take(WEEKS);
        let atom = Some(Subject::Tag(cloud, tag.name()));
        TagPage {
            frame: Frame { atom, ..Frame::new(self, medium, name) },
            feed,
            tag,
            cloud: cloud.name(),
            name,
            inside: lies_in(feed, tag.name()),
            holds,
            more,
            plot: plot_of(feed, tag),
            changes: changes.map(|(at, change)| Change { date: weeks[at].date, change }).collect(),
            json: Json(cloud, medium),
            lists: lists(tag),
        }
    }

    /// What changed in every cloud.
    pub fn changes_page(&self, medium: Medium) -> Answer {
        let clouds = self.clouds().map(|(cloud, feed)| CloudChanges {
            name: cloud.name(),
            weeks: feed
                .history()
                .changes()
                .rev()
                .take(WEEKS)
                .map(|(_, week, delta)| changed_week(week, delta))
                .collect(),
        });
        page(&ChangesPage { frame: Frame::new(self, medium, "What changed"), clouds: clouds.collect() })
    }
}

impl TagPage<'_> {
    fn verdict(&self) -> impl Display {
        let tag = self.tag;
        fmt::from_fn(move |f| {
            size(tag.set()).fmt(f)?;
            if !tag.system_service().is_empty() {
                write!(f, " of {}", tag.system_service())?;
            }
            match tag.region() {
                None => write!(f, ", in every region."),
                Some(region) => write!(f, ", in {}.", region.display()),
            }
        })
    }

    /// Where Azure takes the tag by name.
    fn taken(&self) -> impl Display {
        let features = self.tag.features();
        let of = |feature| match feature {
            "NSG" => "network security groups",
            "UDR" => "route tables",
            "FW" => "Azure Firewall",
            "API" => "the discovery API",
            "VSE" => "service endpoints",
            other => other,
        };
        let names: Vec<&str> = features.names().map(of).collect();
        fmt::from_fn(move |f| match (features.is_stated(), names.as_slice()) {
            (false, _) => write!(f, "The file does not say where Azure takes this tag by name."),
            (true, []) => write!(f, "Azure takes this tag by name nowhere."),
            (true, names) => write!(f, "Azure takes this tag by name in {}.", joined(names, ", ")),
        })
    }

    /// How often it changed, of the changes that are shown.
    fn told(&self) -> impl Display {
        let weeks = self.feed.history().weeks();
        let (first, changes) = (weeks[0].date, self.changes.len());
        fmt::from_fn(move |f| match (weeks.len(), changes) {
            (1, _) => write!(f, "Only one snapshot is stored."),
            (n, 0) => write!(f, "Not changed since {first}, the first of {n} stored snapshots."),
            (n, 1) => write!(f, "One change since {first}, over {n} stored snapshots."),
            (n, c) => write!(f, "{c} changes since {first}, over {n} stored snapshots."),
        })
    }
}

impl Change<'_> {
    fn text(&self) -> impl Display {
        summary_of(self.change)
    }
}

impl ChangedWeek<'_> {
    fn summary(&self) -> impl Display {
        summary(self.delta)
    }
}

impl ChangedTag<'_> {
    fn text(&self) -> impl Display {
        summary_of(self.change)
    }
}

fn changed_week<'w>(week: &'w Week, delta: &'w Delta) -> ChangedWeek<'w> {
    let tags = delta.tags.iter().take(ROWS).map(|(name, change)| ChangedTag { name, change });
    ChangedWeek { date: week.date, delta, tags: tags.collect() }
}

fn row(tag: &Tag, v4: usize, v6: usize) -> TagRow<'_> {
    let region = tag.region().map(|region| region.location()).unwrap_or_default();
    TagRow { name: tag.name().as_str(), region, service: tag.system_service(), v4, v6 }
}

/// How many IPv4 prefixes the merged list had in each stored week.
fn plot_of(feed: &CloudFeed, tag: &Tag) -> String {
    let history = feed.history();
    let mut now = tag.set().clone();
    let changed: std::collections::HashMap<usize, _> = history.changes_of(tag.name()).collect();
    let mut points = Vec::new();
    for (at, week) in history.weeks().iter().enumerate().rev() {
        points.push((week.date, now.v4.prefixes().count() as f64));
        if let Some(change) = changed.get(&at) {
            now = now.difference(&change.added).union(&change.removed);
        }
    }
    points.reverse();
    let (first, last) = (&points[0], &points[points.len() - 1]);
    let told = format_args!(
        "IPv4 prefixes of the merged list: {} on {}, {} on {}.",
        first.1, first.0, last.1, last.0
    );
    plot::line(&points, told)
}

fn lists(tag: &Tag) -> Vec<ShownList> {
    let set = tag.set();
    let list = |title, family, lines: Vec<IpPrefix>| ShownList { title, family, lines };
    let lists = [
        list("IPv4", "v4", set.v4.prefixes().map(IpPrefix::V4).collect()),
        list("IPv6", "v6", set.v6.prefixes().map(IpPrefix::V6).collect()),
    ];
    lists.into_iter().filter(|list| !list.lines.is_empty()).collect()
}
