//! What published files usually hold, for a file before which nothing is known.

use std::sync::LazyLock;

use jiff::civil::Date;

use crate::tags::{Cloud, Snapshot};

/// How many tags and prefixes a published file of some day had.
#[derive(Debug, Clone, Copy)]
struct Size {
    cloud: Cloud,
    date: Date,
    tags: f64,
    prefixes: f64,
}

/// A file is unusual with less than this part of what was usual at its time, or with more than so many times that.
const LEAST: f64 = 0.6;
const MOST: f64 = 2.0;
/// By what part files may grow further each year after the last one that is known.
const YEARLY: f64 = 0.5;

static SIZES: LazyLock<Vec<Size>> = LazyLock::new(|| {
    const DATA: &str = include_str!("../../../data/usual-sizes.csv");
    let rows = DATA.lines().filter(|line| !line.starts_with('#')).skip(1);
    rows.map(|line| {
        let cells: Vec<&str> = line.split(',').collect();
        let [cloud, date, tags, prefixes] = cells[..] else { panic!("four cells: {line}") };
        Size {
            cloud: Cloud::find(cloud).expect("the table names clouds"),
            date: date.parse().expect("the table has days"),
            tags: tags.parse().expect("the table has numbers"),
            prefixes: prefixes.parse().expect("the table has numbers"),
        }
    })
    .collect()
});

/// How `snapshot`, published on `date`, differs from what files of its cloud usually held at that time; `None` if it
/// does not. A file without a date is held against the newest that are known.
pub(super) fn unusual(snapshot: &Snapshot, date: Option<Date>) -> Option<String> {
    let (least, most) = usual(snapshot.cloud(), date)?;
    let (v4, v6) = snapshot.prefix_counts();
    let figures = [
        ("tags", snapshot.tags().len() as f64, least.tags, most.tags),
        ("prefixes", (v4 + v6) as f64, least.prefixes, most.prefixes),
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

/// The least and the most of a file of `cloud` at `date`: between two days that are known, on the line between them.
fn usual(cloud: Cloud, date: Option<Date>) -> Option<(Size, Size)> {
    let own: Vec<Size> = SIZES.iter().copied().filter(|size| size.cloud == cloud).collect();
    let last = *own.last()?;
    let date = date.unwrap_or(last.date);
    let days = |from: Date, to: Date| f64::from((to - from).get_days());
    let scaled = |size: Size, by: f64| Size { tags: size.tags * by, prefixes: size.prefixes * by, ..size };
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
    Size { tags: mix(a.tags, b.tags), prefixes: mix(a.prefixes, b.prefixes), ..a }
}
