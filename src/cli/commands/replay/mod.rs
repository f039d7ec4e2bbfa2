//! `tagwall replay`

mod log;

use std::io::{self, Write};
use std::process::ExitCode;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use crate::analyse::lint::{Changed, FlowReplay, PlannedWay, Replayed, Used};
use crate::cli::args::Replay;
use crate::cli::commands::explain;
use crate::cli::reading::{Tags, load_all};
use crate::cli::{Failure, output, select};
use crate::read::live::FlowTuple;
use crate::store::Kind;
use crate::tags::{Cloud, Snapshot};

/// What came of it, as JSON.
#[derive(Serialize)]
struct Answer {
    /// Moments of the first and the last line.
    from: Option<String>,
    to: Option<String>,
    /// Content digest of the service tags that were used, and their day where it is known.
    snapshot: String,
    snapshot_date: Option<String>,
    /// Lines that were not understood.
    odd: u64,
    #[serde(flatten)]
    replayed: Replayed,
}

pub(in crate::cli) fn run(args: &Replay) -> Result<ExitCode, Failure> {
    let mut tags = Tags::new(&args.data);
    // What a policy says of its network is known only where it is alone.
    let (live, policy) = match args.against.as_slice() {
        [one] => explain::what(one, &mut tags).map(|(live, policy, _)| (live, policy))?,
        parts => (load_all(&parts.iter().map(String::as_str).collect::<Vec<_>>(), &mut tags)?, None),
    };
    let (snapshot, date) = week_of(args, &mut tags)?;
    let refused = |text: &str| Failure::Input(format!("{}: {text}", args.against.join(", ")));
    let way = PlannedWay::of(&live, &snapshot, policy.as_ref());
    let mut replay = FlowReplay::new(&live, &snapshot);
    if let Some(way) = &way {
        way.notes.iter().for_each(|note| output::say(&format!("assumed: {note}")));
        replay = replay.along(way, &snapshot).map_err(|error| refused(&error.to_string()))?;
    }
    if replay.is_empty() {
        return Err(refused("no security group whose rules are all known, no route table and no firewall"));
    }
    let (mut first, mut last) = (i64::MAX, i64::MIN);
    let mut odd = 0;
    for name in &args.logs {
        odd += log::read(name, &mut |tuple: FlowTuple| {
            (first, last) = (first.min(tuple.time_ms), last.max(tuple.time_ms));
            replay.take(&tuple);
        })?;
    }
    let moment = |ms: i64| Timestamp::from_millisecond(ms).ok().map(|moment| moment.to_string());
    let answer = Answer {
        from: moment(first),
        to: moment(last),
        snapshot: snapshot.digest().to_owned(),
        snapshot_date: date.map(|date| date.to_string()),
        odd,
        replayed: replay.finish(),
    };
    output::print(&args.printing, &answer, |out| text(&answer, out))?;
    Ok(if answer.replayed.breaks.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(4) })
}

/// The service tags of the stored week nearest to the first line of the logs, unless others are named.
fn week_of(args: &Replay, tags: &mut Tags<'_>) -> Result<(Snapshot, Option<Date>), Failure> {
    let given = |tags: &mut Tags<'_>| {
        let (snapshot, day) = tags.dated(None)?;
        Ok((snapshot.clone(), day))
    };
    if args.data.snapshot != "latest" || args.logs.iter().any(|name| name == "-") {
        return given(tags);
    }
    let cloud = args.data.cloud.as_deref().map_or(Ok(Cloud::Public), select::find_cloud)?;
    let store = select::store(&args.data.place)?;
    let entries = store.entries(cloud, Kind::File)?;
    let Some(day) = first_day(&args.logs)? else { return given(tags) };
    let distance = |date: Date| date.since(day).map_or(i32::MAX, |span| span.get_days().abs());
    let nearest = entries.iter().flat_map(|entry| {
        let dates = if entry.dates.is_empty() { vec![entry.day()] } else { entry.dates.clone() };
        dates.into_iter().map(move |date| (date, entry))
    });
    match nearest.min_by_key(|(date, _)| (distance(*date), *date)) {
        Some((date, entry)) => Ok((store.load(entry)?, Some(date))),
        None => given(tags),
    }
}

/// The day of the first line of the first log.
fn first_day(logs: &[String]) -> Result<Option<Date>, Failure> {
    let moment = log::first_moment(&logs[0])?.and_then(|ms| Timestamp::from_millisecond(ms).ok());
    Ok(moment.map(|moment| moment.to_zoned(jiff::tz::TimeZone::UTC).date()))
}

/// How many kinds of changes are shown to people; programs get all.
const SHOWN: usize = 40;

fn text(answer: &Answer, out: &mut dyn Write) -> io::Result<()> {
    let done = &answer.replayed;
    let span = match (&answer.from, &answer.to) {
        (Some(from), Some(to)) => format!(", {from} to {to}"),
        _ => String::new(),
    };
    writeln!(out, "{} flows in {} lines{span}", done.flows, done.tuples)?;
    if let Some(date) = &answer.snapshot_date {
        writeln!(out, "service tags as of {date}")?;
    }
    writeln!(
        out,
        "{}",
        if done.along_the_way {
            "judged along the way: groups, routes, firewall, way out"
        } else {
            "judged by groups alone: no route table and no firewall are among what is planned"
        }
    )?;
    for (count, what) in [
        (answer.odd, "lines are not understood"),
        (done.without_group, "flows are of no group among the planned ones"),
        (done.without_subnet, "flows are of no subnet that is known, and are not followed further"),
        (done.unknown, "flows hang on what is not known, such as application security groups"),
    ] {
        if count > 0 {
            writeln!(out, "{count} {what}")?;
        }
    }
    changes(out, "would break", "nothing would break", &done.breaks)?;
    changes(out, "would be let through, and was stopped", "nothing more would be let through", &done.opens)?;
    hangs(out, done)?;
    for (kind, what) in [
        ("nsg", "rules that no flow needed"),
        ("route-table", "routes that no flow took"),
        ("firewall", "rules of the firewall that no flow met"),
    ] {
        named(out, what, done.unused.iter().filter(|used| used.kind == kind))?;
    }
    named(out, "what flows may have needed, which no log shows", done.perhaps_used.iter())
}

/// Flows of which it is not known what becomes of them, and why.
fn hangs(out: &mut dyn Write, done: &Replayed) -> io::Result<()> {
    for (count, what) in [
        (done.may_break, "that were let through would be, or not"),
        (done.may_open, "that were stopped would be let through, or not"),
    ] {
        if count > 0 {
            writeln!(out, "\n{count} flows {what}.")?;
        }
    }
    if !done.hangs.is_empty() {
        writeln!(out, "It hangs on whether")?;
    }
    for hangs in done.hangs.iter().take(SHOWN) {
        writeln!(out, "  {} ({} flows)", hangs.on, hangs.flows)?;
    }
    match done.hangs.len().saturating_sub(SHOWN) {
        0 => Ok(()),
        more => writeln!(out, "  … and {more} more (--format json has all)"),
    }
}

fn named<'u>(out: &mut dyn Write, what: &str, list: impl Iterator<Item = &'u Used>) -> io::Result<()> {
    for (at, used) in list.enumerate() {
        if at == 0 {
            writeln!(out, "\n{what}:")?;
        }
        writeln!(out, "  {} / {}", used.resource, used.rule)?;
    }
    Ok(())
}

/// Where along the way something stops, in words.
fn in_words(at: &str) -> &str {
    match at {
        "nsg" => "group",
        "admin" => "network manager",
        "dnat" => "firewall",
        "outbound" => "no way out",
        other => other,
    }
}

fn changes(out: &mut dyn Write, some: &str, none: &str, list: &[Changed]) -> io::Result<()> {
    if list.is_empty() {
        return writeln!(out, "\n{none}");
    }
    let flows: u64 = list.iter().map(|changed| changed.flows).sum();
    writeln!(out, "\n{flows} flows {some}:")?;
    let mut table =
        output::table(&["  flows", "way", "other side", "port", "at", "decided by", "then by", "first"]);
    for changed in list.iter().take(SHOWN) {
        let port = changed.port.map_or(String::new(), |port| format!("/{port}"));
        table.add_row([
            format!("  {}", changed.flows),
            changed.direction.to_owned(),
            changed.tag.clone(),
            format!("{}{port}", changed.protocol),
            in_words(changed.at).to_owned(),
            format!("{} / {}", changed.resource, changed.rule),
            changed.recorded_rule.clone(),
            changed.packet.to_string(),
        ]);
    }
    output::write_table(out, &table)?;
    match list.len().saturating_sub(SHOWN) {
        0 => Ok(()),
        more => writeln!(out, "  … and {more} more kinds (--format json has all)"),
    }
}
