//! The pages of tags, and of what changed in them.

use askama::Template;

use super::{Frame, Medium, page, plot};
use crate::feed::answer::Answer;
use crate::feed::changes::{size, summary, summary_of};
use crate::feed::cloud::CloudFeed;
use crate::feed::paths::{lies_in, supersets_and_subsets};
use crate::feed::world::World;
use crate::tags::{Cloud, Tag};

/// The most weeks that a page tells of.
const WEEKS: usize = 30;

/// The most tags of one week, and of one list of tags.
const ROWS: usize = 400;

#[derive(Template)]
#[template(path = "tags.html")]
struct TagsPage<'w> {
    frame: Frame,
    clouds: Vec<CloudTable<'w>>,
}

struct CloudTable<'w> {
    name: &'static str,
    date: String,
    json: String,
    tags: Vec<TagRow<'w>>,
}

struct TagRow<'w> {
    name: &'w str,
    region: String,
    service: &'w str,
    v4: usize,
    v6: usize,
}

#[derive(Template)]
#[template(path = "tag.html")]
struct TagPage<'w> {
    frame: Frame,
    cloud: &'static str,
    name: &'w str,
    verdict: String,
    taken: String,
    inside: Vec<&'w str>,
    holds: Vec<&'w str>,
    more: usize,
    history: String,
    plot: String,
    changes: Vec<Change>,
    json: String,
    lists: Vec<ShownList>,
}

struct Change {
    date: String,
    text: String,
}

struct ShownList {
    title: &'static str,
    family: &'static str,
    lines: Vec<String>,
}

#[derive(Template)]
#[template(path = "changes.html")]
struct ChangesPage {
    frame: Frame,
    clouds: Vec<CloudChanges>,
}

struct CloudChanges {
    name: &'static str,
    weeks: Vec<Week>,
}

struct Week {
    date: String,
    summary: String,
    tags: Vec<ChangedTag>,
}

struct ChangedTag {
    name: String,
    text: String,
}

impl World {
    /// Every tag of every cloud.
    pub fn tags_page(&self, medium: Medium) -> Answer {
        let tables = self.clouds().map(|(cloud, feed)| CloudTable {
            name: cloud.name(),
            date: feed.history().current().date.to_string(),
            json: json_of(cloud, medium),
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
            Err(unknown) => Answer::unknown(&unknown.to_string()),
        }
    }

    fn tag<'w>(&self, feed: &'w CloudFeed, tag: &'w Tag, medium: Medium) -> TagPage<'w> {
        let cloud = feed.snapshot().cloud();
        let name = tag.name().as_str();
        let mut holds = supersets_and_subsets(feed, tag.name()).1;
        let more = holds.len().saturating_sub(20);
        holds.truncate(20);
        let weeks = feed.history().weeks();
        let changes: Vec<Change> = feed
            .history()
            .changes_of(tag.name())
            .rev()
            .take(WEEKS)
            .map(|(at, change)| Change { date: weeks[at].date.to_string(), text: summary_of(change) })
            .collect();
        let mut frame = Frame::new(self, medium, name);
        frame.atom = Some(format!("v1/changes/{}/{name}.atom", cloud.name()));
        TagPage {
            frame,
            cloud: cloud.name(),
            name,
            verdict: verdict(tag),
            taken: taken(tag),
            inside: lies_in(feed, tag.name()),
            holds,
            more,
            history: told(feed, changes.len()),
            plot: plot_of(feed, tag),
            changes,
            json: json_of(cloud, medium),
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
                .map(|(_, week, delta)| Week {
                    date: week.date.to_string(),
                    summary: summary(delta),
                    tags: delta
                        .tags
                        .iter()
                        .take(ROWS)
                        .map(|(name, change)| ChangedTag { name: name.to_string(), text: summary_of(change) })
                        .collect(),
                })
                .collect(),
        });
        page(&ChangesPage { frame: Frame::new(self, medium, "What changed"), clouds: clouds.collect() })
    }
}

/// What stands behind the address of a table in JSON: the cloud, for a server; files stand for the usual one.
fn json_of(cloud: Cloud, medium: Medium) -> String {
    match medium {
        Medium::Served => format!("?cloud={}", cloud.name()),
        Medium::Files(_) => format!(".{}.json", cloud.name()),
    }
}

fn row(tag: &Tag, v4: usize, v6: usize) -> TagRow<'_> {
    let region = tag.region().map(|region| region.location()).unwrap_or_default();
    TagRow { name: tag.name().as_str(), region, service: tag.system_service(), v4, v6 }
}

fn verdict(tag: &Tag) -> String {
    let place =
        tag.region().map_or("in every region".to_owned(), |region| format!("in {}", region.display()));
    let service = tag.system_service();
    let service = if service.is_empty() { String::new() } else { format!(" of {service}") };
    format!("{}{service}, {place}.", size(tag.set()))
}

fn taken(tag: &Tag) -> String {
    if !tag.features().is_stated() {
        return "The file does not say where Azure takes this tag by name.".to_owned();
    }
    let of = |feature: &str| match feature {
        "NSG" => "network security groups".to_owned(),
        "UDR" => "route tables".to_owned(),
        "FW" => "Azure Firewall".to_owned(),
        "API" => "the discovery API".to_owned(),
        "VSE" => "service endpoints".to_owned(),
        other => other.to_owned(),
    };
    let names: Vec<String> = tag.features().names().map(of).collect();
    match names.is_empty() {
        true => "Azure takes this tag by name nowhere.".to_owned(),
        false => format!("Azure takes this tag by name in {}.", names.join(", ")),
    }
}

fn told(feed: &CloudFeed, changes: usize) -> String {
    let weeks = feed.history().weeks();
    let first = weeks[0].date;
    match (weeks.len(), changes) {
        (1, _) => "Only one snapshot is stored.".to_owned(),
        (_, 0) => format!("Not changed since {first}, the first of {} stored snapshots.", weeks.len()),
        (n, 1) => format!("One change since {first}, over {n} stored snapshots."),
        (n, c) => format!("{c} changes since {first}, over {n} stored snapshots."),
    }
}

/// How many IPv4 prefixes the merged list had in each stored week.
fn plot_of(feed: &CloudFeed, tag: &Tag) -> String {
    let history = feed.history();
    let mut now = tag.set().clone();
    let changed: std::collections::HashMap<usize, _> = history.changes_of(tag.name()).collect();
    let mut points = Vec::new();
    for (at, week) in history.weeks().iter().enumerate().rev() {
        points.push((week.date.to_string(), now.v4.prefixes().count() as f64));
        if let Some(change) = changed.get(&at) {
            now = now.difference(&change.added).union(&change.removed);
        }
    }
    points.reverse();
    let (first, last) = (&points[0], &points[points.len() - 1]);
    let told =
        format!("IPv4 prefixes of the merged list: {} on {}, {} on {}.", first.1, first.0, last.1, last.0);
    plot::line(&points, &told)
}

fn lists(tag: &Tag) -> Vec<ShownList> {
    let set = tag.set();
    let list = |title, family, lines: Vec<String>| ShownList { title, family, lines };
    let lists = [
        list("IPv4", "v4", set.v4.prefixes().map(|p| p.to_string()).collect()),
        list("IPv6", "v6", set.v6.prefixes().map(|p| p.to_string()).collect()),
    ];
    lists.into_iter().filter(|list| !list.lines.is_empty()).collect()
}
