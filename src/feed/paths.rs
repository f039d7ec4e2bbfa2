//! What each path answers, given a [`World`].

use serde::Serialize;

use super::answer::{Answer, GENERATION};
use super::changes::{ChangeFeed, catch_up, difference};
use super::cloud::{CloudFeed, Whole};
use super::consumer::{Consumer, Part, View};
use super::history::Week;
use super::list::{Family, title};
use super::lookup::{Found, MOST, look_up, look_up_hosts};
use super::publication::Publication;
use super::world::World;
use crate::tags::{Cloud, Containment, FamilyCounts, SetChange, Tag, TagName};
use crate::text::{did_you_mean, joined, nearest};

/// What stands behind the `?` of an address, read.
#[derive(Debug, Clone, Default)]
pub struct Query(Vec<(String, String)>);

/// An answer, or that which is said in its place.
pub type Asked<T> = Result<T, Box<Answer>>;

impl Query {
    /// The names with their values, in the order in which they stand there.
    pub fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        Query(pairs.into_iter().collect())
    }

    /// The first value of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// Every value of a name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    fn number(&self, name: &str) -> Asked<Option<usize>> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let wrong = || Box::new(Answer::wrong(format_args!("{name}={text} is no number of entries")));
        text.parse().map(Some).map_err(|_| wrong())
    }

    /// The things that a look-up asks for, one by one: separated by commas, semicolons, blanks or line ends.
    pub fn things<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.all(name)
            .flat_map(|text| text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';')))
            .filter(|text| !text.is_empty())
    }
}

/// The answer, whichever it is.
fn said(answer: Asked<Answer>) -> Answer {
    answer.unwrap_or_else(|refusal| *refusal)
}

/// What `/v1/lookup` says.
#[derive(Serialize)]
struct LookUp<'w> {
    schema: u32,
    data: Vec<DataOf<'w>>,
    results: Vec<Found<'w>>,
}

#[derive(Serialize)]
struct DataOf<'w> {
    cloud: &'static str,
    #[serde(flatten)]
    week: &'w Week,
}

/// What `/v1/tags` says.
#[derive(Serialize)]
struct Tags<'w> {
    schema: u32,
    data: DataOf<'w>,
    tags: Vec<TagLine<'w>>,
}

#[derive(Serialize)]
struct TagLine<'w> {
    name: &'w str,
    region: Option<String>,
    service: &'w str,
    prefixes_ipv4: usize,
    prefixes_ipv6: usize,
    addresses: FamilyCounts,
    /// Where Azure takes the tag by name.
    features: Vec<&'w str>,
}

/// What `/v1/history/{tag}` says.
#[derive(Serialize)]
struct TagHistory<'w> {
    schema: u32,
    cloud: &'static str,
    tag: TagName,
    /// Whether the data that is served has it.
    present: bool,
    /// The tags that hold all of it.
    lies_in: Vec<&'w str>,
    weeks: Vec<TagWeek<'w>>,
}

#[derive(Serialize)]
struct TagWeek<'w> {
    #[serde(flatten)]
    week: &'w Week,
    prefixes_ipv4: usize,
    prefixes_ipv6: usize,
    addresses: FamilyCounts,
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<&'w SetChange>,
}

impl World {
    /// The cloud with this name.
    ///
    /// # Errors
    /// The answer for a name that is none, or of no cloud that is served.
    pub fn find_cloud(&self, name: &str) -> Asked<&CloudFeed> {
        let found = Cloud::find(name).and_then(|cloud| self.cloud(cloud));
        found.ok_or_else(|| {
            let near = nearest(name, self.clouds().map(|(cloud, _)| cloud.name()));
            let known: Vec<&str> = self.clouds().map(|(cloud, _)| cloud.name()).collect();
            Box::new(Answer::unknown(format_args!(
                "there is no data of a cloud `{name}`{}; served are {}",
                did_you_mean(&near),
                joined(&known, ", ")
            )))
        })
    }

    /// The cloud that a query names, or else the usual one.
    pub(super) fn cloud_of(&self, query: &Query) -> Asked<&CloudFeed> {
        match query.get("cloud") {
            Some(name) => self.find_cloud(name),
            None => {
                let none = || Box::new(Answer::unavailable("there are no service tags yet", 30));
                self.usual().and_then(|cloud| self.cloud(cloud)).ok_or_else(none)
            }
        }
    }

    /// `/v1/feeds/{cloud}/{tag}.{v4|v6|mixed}.txt`
    pub fn list(&self, cloud: &str, file: &str, query: &Query) -> Answer {
        let answer = || -> Asked<Answer> {
            let feed = self.find_cloud(cloud)?;
            let (name, family) =
                file.strip_suffix(".txt").and_then(tag_and_family).ok_or_else(|| no_list(file))?;
            let (place, tag) = feed.tag(name).map_err(|unknown| Box::new(Answer::unknown(unknown)))?;
            let title = title(tag, family);
            let generation = feed.history().current().short();
            Ok(feed.list(place, family).answer(title, generation, query.number("max")?))
        };
        said(answer())
    }

    /// `/v1/edl/{consumer}/{cloud}/…`
    pub fn edl(&self, consumer: &str, cloud: &str, file: &str, query: &Query) -> Answer {
        let answer = || -> Asked<Answer> {
            let consumer = Consumer::find(consumer).ok_or_else(|| {
                let names = Consumer::ALL.map(Consumer::name);
                let hint = did_you_mean(&nearest(consumer, names));
                Box::new(Answer::unknown(format_args!(
                    "there is no view for `{consumer}`{hint}; there are {}",
                    joined(names, ", ")
                )))
            })?;
            let feed = self.find_cloud(cloud)?;
            let wanted = Wanted::read(file).ok_or_else(|| no_list(file))?;
            let view = View { consumer, tag: wanted.tag, family: wanted.family, max: query.number("max")? };
            Ok(match wanted.what {
                ListPart::Whole => view.whole(feed),
                ListPart::Parts => view.parts(feed),
                ListPart::Part(part) => view.part(feed, part),
            })
        };
        said(answer())
    }

    /// `/v1/lookup?ip=…&host=…`
    pub fn look_up(&self, query: &Query) -> Answer {
        let answer = || -> Asked<Answer> {
            let cloud = query.get("cloud").map(|name| self.find_cloud(name)).transpose()?;
            let cloud = cloud.map(|feed| feed.snapshot().cloud());
            let texts: Vec<&str> = query.things("ip").take(MOST + 1).collect();
            let hosts: Vec<&str> = query.things("host").take(MOST + 1).collect();
            if texts.is_empty() && hosts.is_empty() {
                let text = "name an address or prefix, or a host: /v1/lookup?ip=192.0.2.7, /v1/lookup?host=example.org";
                return Err(Box::new(Answer::wrong(text)));
            }
            if texts.len() + hosts.len() > MOST {
                let text = format_args!("more than {MOST} are asked for at once; ask in several steps");
                return Err(Box::new(Answer::too_large(text)));
            }
            let mut results = look_up(self, cloud, texts);
            results.extend(look_up_hosts(self, cloud, hosts));
            let data = self.clouds().filter(|(name, _)| cloud.is_none_or(|only| only == *name));
            Ok(Answer::json(&LookUp {
                schema: 1,
                data: data.map(|(_, feed)| data_of(feed)).collect(),
                results,
            }))
        };
        said(answer())
    }

    /// `/v1/tags`
    pub fn tags(&self, query: &Query) -> Answer {
        said(self.cloud_of(query).map(|feed| feed.whole(Whole::Tags, || tags(feed))))
    }

    /// `/v1/history/{tag}`
    pub fn history_of(&self, tag: &str, query: &Query) -> Answer {
        said(self.cloud_of(query).and_then(|feed| history(feed, tag)))
    }

    /// `/v1/diff/{a}/{b}`: weeks by their digest, its beginning, their date, or `current`.
    pub fn diff(&self, from: &str, to: &str, query: &Query) -> Answer {
        let answer = || -> Asked<Answer> {
            let feed = self.cloud_of(query)?;
            let week = |name: &str| {
                feed.history().find(name).ok_or_else(|| {
                    let first = feed.history().weeks()[0].date;
                    Box::new(Answer::unknown(format_args!(
                        "no snapshot {name} is stored; name a date (the first is {first}), a digest, or current"
                    )))
                })
            };
            let (from, to) = (week(from)?, week(to)?);
            Ok(Answer::json(&difference(feed, from, to))
                .modified(feed.history().weeks()[from.max(to)].first_published))
        };
        said(answer())
    }

    /// `/v1/delta?session=…&serial=…`
    pub fn delta(&self, query: &Query) -> Answer {
        said(self.cloud_of(query).map(|feed| {
            let everything = || feed.whole(Whole::Everything, || Answer::json(&catch_up(feed, None, None)));
            match (query.get("session"), query.get("serial")) {
                (Some(session), Some(serial)) => {
                    let catching = catch_up(feed, Some(session), Some(serial));
                    if catching.is_reset() { everything() } else { Answer::json(&catching) }
                }
                _ => everything(),
            }
        }))
    }

    /// `/v1/changes.{atom|json}`, with `cloud=`, `tag=` or `environment=`.
    pub fn changes(&self, ending: &str, query: &Query) -> Answer {
        let answer = || -> Asked<Answer> {
            let feed = match (query.get("environment"), query.get("tag")) {
                (Some(name), _) => self.changes_of_environment(name)?,
                (None, Some(tag)) => changes_of_tag(self.cloud_of(query)?, tag)?,
                (None, None) => ChangeFeed::cloud(self.cloud_of(query)?),
            };
            as_ending(&feed, ending)
        };
        said(answer())
    }

    /// `/v1/changes/{cloud}.{atom|json}`
    pub fn changes_of_cloud(&self, file: &str) -> Answer {
        let answer = || -> Asked<Answer> {
            let (cloud, ending) = file.rsplit_once('.').ok_or_else(|| no_feed(file))?;
            as_ending(&ChangeFeed::cloud(self.find_cloud(cloud)?), ending)
        };
        said(answer())
    }

    /// `/v1/changes/{cloud}/{tag}.{atom|json}` and `/v1/changes/environments/{name}.{atom|json}`
    pub fn changes_in(&self, whose: &str, file: &str) -> Answer {
        let answer = || -> Asked<Answer> {
            let (name, ending) = file.rsplit_once('.').ok_or_else(|| no_feed(file))?;
            let feed = match whose {
                "environments" => self.changes_of_environment(name)?,
                cloud => changes_of_tag(self.find_cloud(cloud)?, name)?,
            };
            as_ending(&feed, ending)
        };
        said(answer())
    }

    fn changes_of_environment<'a>(&'a self, name: &'a str) -> Asked<ChangeFeed<'a>> {
        let published = self.publication()?;
        published.environment(name)?;
        Ok(ChangeFeed::environment(published, name))
    }

    /// What is published; or that nothing is yet.
    ///
    /// # Errors
    /// The answer for that.
    pub fn publication(&self) -> Asked<&Publication> {
        self.published().ok_or_else(|| Box::new(Answer::unavailable("nothing is published yet", 30)))
    }

    /// `/v1/environments`
    pub fn environments(&self) -> Answer {
        said(self.publication().map(|published| {
            let all: Vec<_> = published.environments().values().collect();
            let record = published.record();
            let list = serde_json::json!({
                "schema": 1, "generation": record.number, "published_at": record.published_at, "environments": all,
            });
            Answer::json(&list).modified(record.published_at).with(GENERATION, record.number)
        }))
    }

    /// `/v1/environments/{name}`
    pub fn environment(&self, name: &str) -> Answer {
        let answer = || -> Asked<Answer> {
            let published = self.publication()?;
            let number = published.record().number;
            Ok(Answer::json(published.environment(name)?).with(GENERATION, number))
        };
        said(answer())
    }

    /// `/v1/environments/{name}/{file}`
    pub fn environment_file(&self, name: &str, file: &str) -> Answer {
        said(self.publication().map(|published| published.file(name, file)))
    }
}

fn as_ending(feed: &ChangeFeed<'_>, ending: &str) -> Asked<Answer> {
    match ending {
        "atom" => Ok(feed.atom()),
        "json" => Ok(feed.json()),
        other => Err(no_feed(other)),
    }
}

fn changes_of_tag<'a>(feed: &'a CloudFeed, name: &str) -> Asked<ChangeFeed<'a>> {
    let (_, tag) = feed.tag(name).map_err(|unknown| Box::new(Answer::unknown(unknown)))?;
    Ok(ChangeFeed::tag(feed, tag))
}

fn no_list(file: &str) -> Box<Answer> {
    Box::new(Answer::unknown(format_args!(
        "there is no list `{file}`; lists are called like Storage.v4.txt, Storage.v6.txt and Storage.mixed.txt"
    )))
}

fn no_feed(file: &str) -> Box<Answer> {
    Box::new(Answer::unknown(format_args!("there is no feed `{file}`; feeds end in .atom or .json")))
}

fn tag_and_family(name: &str) -> Option<(&str, Family)> {
    let (tag, family) = name.rsplit_once('.')?;
    Some((tag, Family::find(family)?))
}

/// What the name of a file of a consumer's view asks for.
struct Wanted<'a> {
    tag: &'a str,
    family: Family,
    what: ListPart<'a>,
}

enum ListPart<'a> {
    Whole,
    Parts,
    Part(Part<'a>),
}

impl<'a> Wanted<'a> {
    fn read(file: &'a str) -> Option<Self> {
        if let Some(name) = file.strip_suffix(".parts.json") {
            let (tag, family) = tag_and_family(name)?;
            return Some(Wanted { tag, family, what: ListPart::Parts });
        }
        let name = file.strip_suffix(".txt")?;
        if let Some((tag, family)) = tag_and_family(name) {
            return Some(Wanted { tag, family, what: ListPart::Whole });
        }
        let (rest, numbers) = name.rsplit_once('.')?;
        let (number, of) = numbers.split_once("-of-")?;
        let (rest, generation) = rest.rsplit_once('.')?;
        let (tag, family) = tag_and_family(rest)?;
        let part = Part { generation, number: number.parse().ok()?, of: of.parse().ok()? };
        Some(Wanted { tag, family, what: ListPart::Part(part) })
    }
}

fn data_of(feed: &CloudFeed) -> DataOf<'_> {
    DataOf { cloud: feed.snapshot().cloud().name(), week: feed.history().current() }
}

fn tags(feed: &CloudFeed) -> Answer {
    let line = |tag: &'_ std::sync::Arc<Tag>| -> (usize, usize, FamilyCounts) {
        let set = tag.set();
        (set.v4.prefixes().count(), set.v6.prefixes().count(), FamilyCounts::of(set))
    };
    let lines = feed.snapshot().tags().iter().map(|tag| {
        let (prefixes_ipv4, prefixes_ipv6, addresses) = line(tag);
        TagLine {
            name: tag.name().as_str(),
            region: tag.region().map(|region| region.location()),
            service: tag.system_service(),
            prefixes_ipv4,
            prefixes_ipv6,
            addresses,
            features: tag.features().names().collect(),
        }
    });
    let answer = Answer::json(&Tags { schema: 1, data: data_of(feed), tags: lines.collect() });
    answer
        .modified(feed.history().current().first_published)
        .with(GENERATION, feed.history().current().short())
}

fn history(feed: &CloudFeed, name: &str) -> Asked<Answer> {
    let history = feed.history();
    let gone = TagName::new(name);
    let (tag, set, present) = match feed.tag(name) {
        Ok((_, tag)) => (tag.name().clone(), tag.set().clone(), true),
        Err(_) if history.changes_of(&gone).next().is_some() => (gone, Default::default(), false),
        Err(unknown) => return Err(Box::new(Answer::unknown(unknown))),
    };
    let changed: std::collections::HashMap<usize, &SetChange> = history.changes_of(&tag).collect();
    let mut now = set;
    let mut weeks = Vec::new();
    for (at, week) in history.weeks().iter().enumerate().rev() {
        let change = changed.get(&at).copied();
        weeks.push(TagWeek {
            week,
            prefixes_ipv4: now.v4.prefixes().count(),
            prefixes_ipv6: now.v6.prefixes().count(),
            addresses: FamilyCounts::of(&now),
            change,
        });
        now = change.map_or(now.clone(), |change| now.difference(&change.added).union(&change.removed));
    }
    weeks.reverse();
    let lies_in = lies_in(feed, &tag);
    let cloud = feed.snapshot().cloud().name();
    Ok(Answer::json(&TagHistory { schema: 1, cloud, tag, present, lies_in, weeks }))
}

/// The tags that hold all of a tag.
pub(super) fn lies_in<'w>(feed: &'w CloudFeed, tag: &TagName) -> Vec<&'w str> {
    supersets_and_subsets(feed, tag).0
}

/// The tags that hold all of a tag, and those that it holds wholly.
pub(super) fn supersets_and_subsets<'w>(feed: &'w CloudFeed, tag: &TagName) -> (Vec<&'w str>, Vec<&'w str>) {
    let index = feed.index();
    let Some(number) = index.find(tag.as_str()) else { return Default::default() };
    let containment = feed.containment(|| Containment::of(index));
    let names = |list: &[u32]| {
        let others = list.iter().filter(|&&other| other != number);
        others.map(|&other| index.name(other).as_str()).collect()
    };
    (names(containment.supersets(number)), names(containment.subsets(number)))
}
