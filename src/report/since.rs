//! What changed since the generation before: in the report of a refresh, which knows it.

use std::fmt::Write;

use super::Made;
use super::cells::cell;
use super::changes::{Changes, Event, RuleChange, SnapshotMark, Told};

/// The most rules and tags that are named; `changes.md` has all.
const SHOWN: usize = 12;

/// The section, where it is known what was before.
pub(super) fn section(made: &Made<'_>, out: &mut String) {
    if let Some(told) = made.told {
        // Writing to a string does not fail.
        let _ = write_section(&told.changes, told.book.past.iter().rev().nth(1).map(|step| step.day), out);
    }
}

fn write_section(changes: &Changes, day: Option<crate::catalog::Date>, out: &mut String) -> std::fmt::Result {
    writeln!(out, "## What changed since last time\n")?;
    let Some(before) = &changes.before else {
        return writeln!(out, "This is the first generation: there is none before it.\n");
    };
    let since = day.map_or(String::new(), |day| format!(" of {day}"));
    writeln!(out, "{}\n", first(changes, before, &since))?;
    for mark in &changes.dated {
        writeln!(out, "- {}", cell(&mark.text))?;
    }
    if !changes.dated.is_empty() {
        writeln!(out)?;
    }
    if !changes.tags.is_empty() {
        writeln!(out, "| Tag in use | What changed | Who applies it |\n|---|---|---|")?;
        for tag in changes.tags.iter().take(SHOWN) {
            let who = if tag.named { "Azure, where a rule names it" } else { "whoever deploys" };
            writeln!(out, "| `{}` | {} | {who} |", cell(&tag.name), tag.delta.summary())?;
        }
        writeln!(out)?;
    }
    for rule in changes.rules.iter().take(SHOWN) {
        writeln!(out, "- {}", rule_line(rule))?;
    }
    let hidden = changes.rules.len().saturating_sub(SHOWN) + changes.tags.len().saturating_sub(SHOWN);
    if !changes.rules.is_empty() {
        writeln!(out)?;
    }
    match hidden {
        0 => writeln!(out, "`changes.md` beside the environments has every prefix of it.\n"),
        n => writeln!(out, "{n} more, and every prefix, are in `changes.md` beside the environments.\n"),
    }
}

fn first(changes: &Changes, before: &SnapshotMark, since: &str) -> String {
    let data = if *before == changes.now {
        "The service tags are the same as in".to_owned()
    } else {
        format!(
            "Change number {} of the service tags follows {} of",
            changes.now.change_number, before.change_number
        )
    };
    let many = |count: usize, what: &str| {
        if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
    };
    let what = match changes.counts() {
        (0, 0) => "**no rule changed: nothing has to be deployed.**".to_owned(),
        (rules, 0) => format!("**{} changed.**", many(rules, "rule")),
        (0, lists) => format!("**{} changed**, and no other rule.", many(lists, "list")),
        (rules, lists) => format!("**{} and {} changed.**", many(rules, "rule"), many(lists, "list")),
    };
    format!("{data} the generation{since}; {what}")
}

fn rule_line(rule: &RuleChange) -> String {
    let event = match rule.event {
        Event::Added => "is new",
        Event::Removed => "is gone",
        Event::Changed => "changed",
    };
    let because = match rule.because.as_slice() {
        [] => String::new(),
        tags => format!(", because {} changed", tags.join(", ")),
    };
    let delta = match rule.delta.summary() {
        text if text.is_empty() => String::new(),
        text => format!(": {text}"),
    };
    format!("{} of {} {event}{because}{delta}", cell(&rule.rule), cell(&rule.resource))
}

/// When limits are reached at the pace of the weeks before, as sentences; none before a pace is known.
pub(super) fn forecast(made: &Made<'_>, told: &Told) -> Vec<String> {
    if !told.has_pace() {
        return Vec::new();
    }
    let pace = format!("At the pace of the last {} weeks", told.weeks());
    let mut reached: Vec<_> =
        made.plan.usage.iter().filter_map(|usage| told.reached(usage).map(|day| (day, usage))).collect();
    reached.sort_by(|a, b| (a.0, &a.1.key, &a.1.of).cmp(&(b.0, &b.1.key, &b.1.of)));
    if reached.is_empty() {
        return vec![format!("{pace} none of the tightest limits is reached within ten years.")];
    }
    let each = reached.into_iter();
    each.map(|(day, usage)| {
        format!("{pace} {} of {} reaches its limit about the week of {day}.", usage.key, usage.of)
    })
    .collect()
}
