//! Bars: how much of each limit is used, and how long prefixes are.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::map::asked;
use crate::catalog::Date;
use crate::plan::Usage;
use crate::report::Made;
use crate::text::markup;

/// The most limits that have a bar.
const BARS: usize = 14;

/// The limits that are used most, as bars against the figure that applies.
pub(super) fn limits(made: &Made<'_>, out: &mut String) {
    let mut usage: Vec<&Usage> =
        made.plan.usage.iter().filter(|usage| usage.limit > 0 && !usage.key.is_length()).collect();
    usage.sort_by(|a, b| Usage::by_share(b, a));
    usage.truncate(BARS);
    if usage.is_empty() {
        return;
    }
    let reached: Vec<Option<Date>> =
        usage.iter().map(|usage| made.told.and_then(|told| told.reached(usage))).collect();
    // Only a pace that is known needs room for a day.
    let (width, when) = match made.told.filter(|_| reached.iter().any(Option::is_some)) {
        None => (760, String::new()),
        Some(told) => (
            900,
            format!(
                " The day is that on which it is reached at the pace of the last {} weeks.",
                told.weeks()
            ),
        ),
    };
    let height = usage.len() * 26 + 8;
    write!(
        out,
        "<h2>How close the limits are</h2>\n<figure><figcaption>Share of each limit that is used, the tightest first; the line is the \
         limit.{when}</figcaption>\n<svg role=\"img\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\"><title>{}</title>\n",
        markup(&told(&usage, &reached))
    )
    .expect("memory does not fail");
    for (at, (usage, reached)) in usage.iter().zip(&reached).enumerate() {
        bar(out, at, usage, *reached);
    }
    out.push_str("</svg></figure>\n");
}

fn told(usage: &[&Usage], reached: &[Option<Date>]) -> String {
    let each: Vec<String> = usage
        .iter()
        .zip(reached)
        .map(|(u, day)| format!("{} of {}: {} of {}{}", u.key, u.of, u.have, u.limit, about(*day)))
        .collect();
    format!("Use of limits. {}.", each.join("; "))
}

/// The day on which a limit is reached, behind its figures.
fn about(day: Option<Date>) -> String {
    day.map_or(String::new(), |day| format!(", full about {day}"))
}

fn bar(out: &mut String, at: usize, usage: &Usage, reached: Option<Date>) {
    const LEFT: f64 = 330.0;
    const WIDTH: f64 = 260.0;
    let share = usage.have as f64 / usage.limit as f64;
    let y = at * 26 + 4;
    let text = format!("{} of {}", usage.key, usage.of);
    let text: String =
        if text.chars().count() > 52 { text.chars().take(51).chain(['…']).collect() } else { text };
    let class = if share > 0.9 { "extra" } else { "asked" };
    // What is over the limit goes a bit beyond the line.
    let width = WIDTH * share.min(1.15);
    writeln!(
        out,
        "<text x=\"{0}\" y=\"{1}\" text-anchor=\"end\">{2}</text><rect class=\"frame\" x=\"{LEFT}\" y=\"{y}\" width=\"{WIDTH}\" \
         height=\"18\"/><rect class=\"{class}\" x=\"{LEFT}\" y=\"{y}\" width=\"{width:.1}\" height=\"18\"/><path class=\"rule\" \
         d=\"M{3} {y}v18\"/><text x=\"{4}\" y=\"{1}\">{5} of {6}{7}</text>",
        LEFT - 8.0,
        y + 14,
        markup(&text),
        LEFT + WIDTH,
        LEFT + WIDTH * 1.15 + 8.0,
        usage.have,
        usage.limit,
        about(reached)
    )
    .expect("memory does not fail");
}

/// IPv6 by the length of prefixes: how many of each there are.
pub(super) fn lengths(made: &Made<'_>, out: &mut String) {
    let mut counts: BTreeMap<u8, usize> = BTreeMap::new();
    for prefix in asked(made).v6.prefixes() {
        *counts.entry(prefix.len()).or_default() += 1;
    }
    let Some(most) = counts.values().max().copied() else { return };
    let height = counts.len() * 20 + 8;
    let told: Vec<String> = counts.iter().map(|(len, count)| format!("/{len}: {count}")).collect();
    write!(
        out,
        "<h2>IPv6 by length of prefix</h2>\n<figure><figcaption>How many prefixes of each length are asked for.</figcaption>\n\
         <svg role=\"img\" viewBox=\"0 0 560 {height}\" width=\"560\" height=\"{height}\"><title>IPv6 prefixes. {}.</title>\n",
        told.join("; ")
    )
    .expect("memory does not fail");
    for (at, (len, count)) in counts.iter().enumerate() {
        let (y, width) = (at * 20 + 4, 420.0 * *count as f64 / most as f64);
        writeln!(
            out,
            "<text x=\"48\" y=\"{0}\" text-anchor=\"end\">/{len}</text><rect class=\"asked\" x=\"56\" y=\"{y}\" width=\"{width:.1}\" \
             height=\"14\"/><text x=\"{1:.1}\" y=\"{0}\">{count}</text>",
            y + 12,
            width + 62.0
        )
        .expect("memory does not fail");
    }
    out.push_str("</svg></figure>\n");
}
