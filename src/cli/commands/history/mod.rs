//! `tagwall history`

mod answer;
mod export;
mod held;
#[cfg(feature = "export-parquet")]
mod parquet;
mod print;

use crate::addr::{AddrSet, Entry, EntryError, IpPrefix};
use crate::cli::args::{History, HistoryFormat};
use crate::cli::{Failure, output, select};
use crate::store::Kind;
use crate::store::index::{self, Indexed};
use crate::tags::{Cloud, TagHistory, Timeline};
use answer::{OfPrefix, OfTag, Span, TagWeek, find};

pub(in crate::cli) fn run(args: &History) -> Result<(), Failure> {
    let cloud = args.cloud.as_deref().map_or(Ok(Cloud::Public), select::find_cloud)?;
    let timeline = load(args, cloud)?;
    if let Some(format) = args.export {
        return export::run(args, format, &timeline);
    }
    let what = args.what.as_deref().unwrap_or_default();
    match read_prefix(what)? {
        Some(prefix) => {
            let found = of_prefix(&timeline, cloud, prefix);
            if args.format == HistoryFormat::Svg {
                return Err(Failure::Input("--format svg draws the addresses of a tag".to_owned()));
            }
            print::prefix(args.format, &found)
        }
        None => {
            let tag = find(&timeline, what)?;
            print::tag(args.format, &of_tag(&timeline, cloud, tag))
        }
    }
}

/// The stored weeks; there have to be some.
fn load(args: &History, cloud: Cloud) -> Result<Timeline, Failure> {
    let store = select::store(&args.place)?;
    let Indexed { timeline, warnings } = index::timeline(&store, cloud, Kind::File)?;
    warnings.iter().for_each(|text| output::say(&format!("warning: {text}")));
    if timeline.weeks().is_empty() {
        return Err(Failure::Input(format!(
            "{} holds no snapshot of the cloud {cloud}: `tagwall fetch` gets the newest, `tagwall snapshots add FILE` \
             keeps one that was downloaded",
            store.root().display()
        )));
    }
    Ok(timeline)
}

/// The prefix that is meant, if it is one: tags begin with a letter.
fn read_prefix(text: &str) -> Result<Option<IpPrefix>, Failure> {
    match IpPrefix::parse(text, true) {
        Ok(prefix) => Ok(Some(prefix)),
        Err(error) if text.contains([':', '/']) || text.starts_with(|c: char| c.is_ascii_digit()) => {
            // What is wrong is known better where lists are read.
            let error = Entry::parse(text, true).err().unwrap_or(EntryError::Prefix(error));
            Err(Failure::Input(format!("{text}: {error}")))
        }
        Err(_) => Ok(None),
    }
}

fn of_tag(timeline: &Timeline, cloud: Cloud, tag: &TagHistory) -> OfTag {
    let mut before = AddrSet::empty();
    let weeks = timeline.weeks().iter().zip(0..).map(|(week, at)| {
        let run = tag.run_at(at);
        let now = tag.set_at(at);
        let (added, removed) = (texts(&now.difference(&before)), texts(&before.difference(&now)));
        before = now;
        let [v4, v6] = run.map_or([0, 0], |run| run.prefixes);
        let [addresses_v4, addresses_v6] = run.map(|run| run.addresses).unwrap_or_default();
        TagWeek {
            date: week.date.to_string(),
            change_number: week.change_number,
            present: run.is_some(),
            v4,
            v6,
            addresses_v4: addresses_v4.to_string(),
            addresses_v6: addresses_v6.to_string(),
            added,
            removed,
        }
    });
    OfTag { tag: tag.name.to_string(), cloud: cloud.name(), weeks: weeks.collect() }
}

fn texts(set: &AddrSet) -> Vec<String> {
    set.prefixes().map(|prefix| prefix.to_string()).collect()
}

fn of_prefix(timeline: &Timeline, cloud: Cloud, prefix: IpPrefix) -> OfPrefix {
    let spans = timeline.spans_of(prefix).into_iter().map(|span| Span {
        tag: span.tag.to_string(),
        from: timeline.date(span.from).to_string(),
        to: timeline.date(span.last).to_string(),
        whole: span.whole,
        current: Some(span.last) == timeline.newest(),
    });
    OfPrefix { prefix: prefix.to_string(), cloud: cloud.name(), spans: spans.collect() }
}
