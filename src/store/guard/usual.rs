//! What published files usually hold, for a file before which nothing is known.

use std::sync::LazyLock;

use jiff::civil::Date;

use super::used::sites;
use crate::addr::AddrSet;
use crate::tags::{Cloud, Snapshot, Tag};

/// How many tags and prefixes a published file of some day had, and how many addresses: of IPv6 the blocks of a /48.
#[derive(Debug, Clone, Copy)]
struct Size {
    cloud: Cloud,
    date: Date,
    tags: f64,
    prefixes: f64,
    v4: f64,
    v6: f64,
}

/// A file is unusual with less than this part of what was usual at its time, or with more than so many times that.
const LEAST: f64 = 0.6;
const MOST: f64 = 2.0;
/// By what part files may grow further each year after the last one that is known.
const YEARLY: f64 = 0.5;
/// The part of a file's IPv4 addresses that the tag of a service may have. In the archived history it was never more
/// than 0.013; of IPv6 it was 0.87 once.
const ONE_TAG: f64 = 0.1;

static SIZES: LazyLock<Vec<Size>> = LazyLock::new(|| {
    const DATA: &str = include_str!("../../../data/usual-sizes.csv");
    let rows = DATA.lines().filter(|line| !line.starts_with('#')).skip(1);
    rows.map(|line| {
        let cells: Vec<&str> = line.split(',').collect();
        let [cloud, date, ref numbers @ ..] = cells[..] else { panic!("six cells: {line}") };
        let [tags, prefixes, v4, v6] =
            std::array::from_fn(|at| numbers[at].parse().expect("the table has numbers"));
        let cloud = Cloud::find(cloud).expect("the table names clouds");
        Size { cloud, date: date.parse().expect("the table has days"), tags, prefixes, v4, v6 }
    })
    .collect()
});

/// How `snapshot`, which has the addresses `all` and was published on `date`, differs from what files of its cloud usually
/// held at that time; `None` if it does not. A file without a date is held against the newest that are known.
pub(super) fn unusual(snapshot: &Snapshot, all: &AddrSet, date: Option<Date>) -> Option<String> {
    let (least, most) = usual(snapshot.cloud(), date)?;
    let (v4, v6) = snapshot.prefix_counts();
    let figures = [
        ("tags", snapshot.tags().len() as f64, least.tags, most.tags),
        ("prefixes", (v4 + v6) as f64, least.prefixes, most.prefixes),
        ("IPv4 addresses", all.v4.count().to_f64(), least.v4, most.v4),
        // IPv6 came at once, with blocks of a /20: there is no least.
        ("IPv6 blocks of a /48", sites(&all.v6), 0.0, most.v6),
    ];
    let odd = figures.into_iter().find(|(_, have, least, most)| have < least || have > most);
    odd.map(|(what, have, least, most)| {
        format!(
            "the file has {have:.0} {what}, where a file of the cloud {} {} has between {least:.0} and {most:.0}",
            snapshot.cloud(),
            date.map_or_else(|| "of these days".to_owned(), |date| format!("of {date}"))
        )
    })
}

/// That `tag` has more of the addresses `all` of its file than the tag of a service ever had; `None` if it has not.
/// `AzureCloud` and its regions are all addresses by their meaning.
pub(super) fn outgrown(tag: &Tag, all: &AddrSet) -> Option<String> {
    let name = tag.name().as_str();
    let cloud = name.split_once('.').map_or(name, |(service, _)| service).eq_ignore_ascii_case("AzureCloud");
    let part = tag.set().v4.count().to_f64() / all.v4.count().to_f64().max(1.0);
    (!cloud && part > ONE_TAG).then(|| {
        format!(
            "the tag {name}, which a policy uses, holds {:.0} % of the file's IPv4 addresses, where at most {:.0} % \
             are usual",
            part * 100.0,
            ONE_TAG * 100.0
        )
    })
}

/// The least and the most of a file of `cloud` at `date`: between two days that are known, on the line between them.
fn usual(cloud: Cloud, date: Option<Date>) -> Option<(Size, Size)> {
    let own: Vec<Size> = SIZES.iter().copied().filter(|size| size.cloud == cloud).collect();
    let last = *own.last()?;
    let date = date.unwrap_or(last.date);
    let days = |from: Date, to: Date| f64::from((to - from).get_days());
    let scaled = |size: Size, by: f64| Size {
        tags: size.tags * by,
        prefixes: size.prefixes * by,
        v4: size.v4 * by,
        v6: size.v6 * by,
        ..size
    };
    let after = own.iter().position(|size| size.date >= date);
    let (size, years) = match after {
        None => (last, days(last.date, date) / 365.0),
        Some(0) => (own[0], 0.0),
        Some(at) => (between(own[at - 1], own[at], days(own[at - 1].date, date)), 0.0),
    };
    Some((scaled(size, LEAST), scaled(size, MOST + YEARLY * years)))
}

fn between(a: Size, b: Size, days: f64) -> Size {
    let part = days / f64::from((b.date - a.date).get_days()).max(1.0);
    let mix = |a: f64, b: f64| a + (b - a) * part;
    let (tags, prefixes) = (mix(a.tags, b.tags), mix(a.prefixes, b.prefixes));
    Size { tags, prefixes, v4: mix(a.v4, b.v4), v6: a.v6.max(b.v6), ..a }
}
