//! Histories as text, JSON, CSV and a plot.

use std::io::{self, Write};

use serde::Serialize;

use super::answer::{OfPrefix, OfTag, TagWeek};
use crate::cli::args::{HistoryFormat, OutputFormat, Printing};
use crate::cli::{Failure, output};
use crate::text::markup;

/// How many prefixes of a week are shown to people; programs get all.
const SHOWN: usize = 6;

pub(super) fn tag(format: HistoryFormat, history: &OfTag) -> Result<(), Failure> {
    print(format, history, |out| match format {
        HistoryFormat::Csv => tag_csv(history, out),
        HistoryFormat::Svg => svg(history, out),
        _ => tag_text(history, out),
    })
}

pub(super) fn prefix(format: HistoryFormat, history: &OfPrefix) -> Result<(), Failure> {
    print(format, history, |out| match format {
        HistoryFormat::Csv => prefix_csv(history, out),
        _ => prefix_text(history, out),
    })
}

fn print<T: Serialize>(
    format: HistoryFormat,
    data: &T,
    text: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Failure> {
    let json = format == HistoryFormat::Json;
    let printing = Printing { format: if json { OutputFormat::Json } else { OutputFormat::Text } };
    output::print(&printing, data, text)
}

fn tag_text(history: &OfTag, out: &mut dyn Write) -> io::Result<()> {
    let weeks = &history.weeks;
    let (first, last) = (&weeks[0].date, &weeks[weeks.len() - 1].date);
    let stored =
        if weeks.len() == 1 { "1 stored week".to_owned() } else { format!("{} stored weeks", weeks.len()) };
    writeln!(out, "{} (cloud {}), {stored} from {first} to {last}\n", history.tag, history.cloud)?;
    let mut table = output::table(&["date", "number", "IPv4", "IPv6", "IPv4 addresses", "gained", "lost"]);
    for week in shown(weeks) {
        let count = |n: u32| if week.present { n.to_string() } else { "-".to_owned() };
        table.add_row([
            week.date.clone(),
            week.change_number.to_string(),
            count(week.v4),
            count(week.v6),
            if week.present { week.addresses_v4.clone() } else { "not there".to_owned() },
            week.added.len().to_string(),
            week.removed.len().to_string(),
        ]);
    }
    output::write_table(out, &table)?;
    for week in shown(weeks).skip(1) {
        writeln!(out, "\n{}", week.date)?;
        prefixes(out, '+', &week.added)?;
        prefixes(out, '-', &week.removed)?;
    }
    Ok(())
}

/// The first week, and those in which something changed.
fn shown(weeks: &[TagWeek]) -> impl Iterator<Item = &TagWeek> {
    let changed = |week: &TagWeek| !week.added.is_empty() || !week.removed.is_empty();
    weeks.iter().enumerate().filter(move |(at, week)| *at == 0 || changed(week)).map(|(_, week)| week)
}

fn prefixes(out: &mut dyn Write, sign: char, list: &[String]) -> io::Result<()> {
    list.iter().take(SHOWN).try_for_each(|prefix| writeln!(out, "  {sign} {prefix}"))?;
    match list.len().saturating_sub(SHOWN) {
        0 => Ok(()),
        more => writeln!(out, "  {sign} … {more} more (--format json has all)"),
    }
}

fn tag_csv(history: &OfTag, out: &mut dyn Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record([
        "date",
        "change_number",
        "v4",
        "v6",
        "addresses_v4",
        "addresses_v6",
        "added",
        "removed",
    ])?;
    for week in &history.weeks {
        csv.write_record([
            &week.date,
            &week.change_number.to_string(),
            &week.v4.to_string(),
            &week.v6.to_string(),
            &week.addresses_v4,
            &week.addresses_v6,
            &week.added.join(" "),
            &week.removed.join(" "),
        ])?;
    }
    csv.flush()
}

fn prefix_text(history: &OfPrefix, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{} (cloud {})\n", history.prefix, history.cloud)?;
    if history.spans.is_empty() {
        return writeln!(out, "no stored week has it in a service tag");
    }
    let mut table = output::table(&["tag", "from", "to", ""]);
    for span in &history.spans {
        let until = if span.current { "today" } else { &span.to };
        table.add_row([span.tag.as_str(), &span.from, until, if span.whole { "" } else { "in part" }]);
    }
    output::write_table(out, &table)
}

fn prefix_csv(history: &OfPrefix, out: &mut dyn Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(["prefix", "tag", "from", "to", "whole"])?;
    for span in &history.spans {
        csv.write_record([&history.prefix, &span.tag, &span.from, &span.to, &span.whole.to_string()])?;
    }
    csv.flush()
}

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 240.0;
const MARGIN: f64 = 48.0;

/// Steps: what is published holds until the next week that is stored. IPv4 only, since IPv6 would flatten it.
fn svg(history: &OfTag, out: &mut dyn Write) -> io::Result<()> {
    let days: Vec<f64> = history.weeks.iter().map(|week| day(&week.date)).collect();
    let (first, last) = (days[0], days[days.len() - 1]);
    let counts: Vec<f64> =
        history.weeks.iter().map(|week| week.addresses_v4.parse().unwrap_or_default()).collect();
    let most = counts.iter().copied().fold(1.0, f64::max);
    let x = |day: f64| MARGIN + (WIDTH - 2.0 * MARGIN) * (day - first) / (last - first).max(1.0);
    let y = |count: f64| HEIGHT - MARGIN - (HEIGHT - 2.0 * MARGIN) * count / most;
    let mut path = format!("M{:.1} {:.1}", x(days[0]), y(counts[0]));
    for (day, count) in days.iter().zip(&counts).skip(1) {
        path.push_str(&format!("H{:.1}V{:.1}", x(*day), y(*count)));
    }
    let (right, bottom) = (WIDTH - MARGIN, HEIGHT - MARGIN);
    writeln!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="11">"#
    )?;
    let title = format!("IPv4 addresses of {}", markup(&history.tag));
    writeln!(out, r#"<title>{title}</title>"#)?;
    writeln!(out, r#"<path d="M{MARGIN} {MARGIN}V{bottom}H{right}" fill="none" stroke="gray"/>"#)?;
    writeln!(out, r##"<path d="{path}" fill="none" stroke="#0067b8" stroke-width="1.5"/>"##)?;
    let text = |out: &mut dyn Write, x: f64, y: f64, anchor: &str, text: &str| {
        writeln!(out, r#"<text x="{x}" y="{y}" text-anchor="{anchor}">{text}</text>"#)
    };
    text(out, MARGIN, MARGIN - 16.0, "start", &title)?;
    text(out, MARGIN + 4.0, MARGIN - 2.0, "start", &format!("{most}"))?;
    text(out, MARGIN, bottom + 16.0, "start", &history.weeks[0].date)?;
    text(out, right, bottom + 16.0, "end", &history.weeks[history.weeks.len() - 1].date)?;
    writeln!(out, "</svg>")
}

/// Days since a day long ago, of a date as this program writes it.
fn day(date: &str) -> f64 {
    let days = |date: jiff::civil::Date| date.since(jiff::civil::date(2000, 1, 1)).map(|s| s.get_days());
    date.parse().ok().and_then(|date| days(date).ok()).map_or(0.0, f64::from)
}
