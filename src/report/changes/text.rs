//! Changes as Markdown, for the message, the ticket or the pull request that people read.

use std::fmt::Write;

use super::{Changes, Event, RuleChange, SetChange, SnapshotMark};
use crate::addr::Count;

/// The most prefixes of one change that are written out; `changes.json` has all.
const SHOWN: usize = 20;

pub(super) fn markdown(changes: &Changes) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = write_all(&mut out, changes);
    out
}

fn write_all(out: &mut String, changes: &Changes) -> std::fmt::Result {
    let Changes { name, before, now, tags, rules } = changes;
    writeln!(out, "# {name}: what changed\n")?;
    match before {
        Some(before) if before == now => writeln!(out, "The service tags are the same: {}.\n", mark(now))?,
        Some(before) => writeln!(out, "Service tags before: {}. Now: {}.\n", mark(before), mark(now))?,
        None => writeln!(out, "First generation. Service tags: {}.\n", mark(now))?,
    }
    if rules.is_empty() {
        writeln!(out, "No rule changed: nothing has to be deployed.\n")?;
    } else {
        writeln!(out, "{} changed.\n", many(rules.len(), "rule"))?;
    }
    if !tags.is_empty() {
        writeln!(out, "## Tags in use that changed\n\n| tag | gained | lost |\n|---|---|---|")?;
        for tag in tags {
            let (gained, lost) = (
                cell(&tag.delta.gained, tag.delta.addresses_gained),
                cell(&tag.delta.lost, tag.delta.addresses_lost),
            );
            writeln!(out, "| {} | {gained} | {lost} |", tag.name)?;
        }
        writeln!(out)?;
        if rules.is_empty() {
            writeln!(out, "The rules name these tags, and Azure applies the change by itself.\n")?;
        }
    }
    let mut place = None;
    for rule in rules {
        let here = Some((&rule.target, &rule.resource));
        if place != here {
            writeln!(out, "## {}: {}\n", rule.target, rule.resource)?;
            place = here;
        }
        write_rule(out, rule)?;
    }
    Ok(())
}

fn write_rule(out: &mut String, rule: &RuleChange) -> std::fmt::Result {
    let event = match rule.event {
        Event::Added => "new",
        Event::Removed => "gone",
        Event::Changed => "changed",
    };
    let because = if rule.because.is_empty() {
        String::new()
    } else {
        format!(", because {} changed", rule.because.join(", "))
    };
    writeln!(out, "- **{}** {event}{because} ({})", rule.rule, rule.settings)?;
    if let Some(before) = &rule.settings_before {
        writeln!(out, "  - was: {before}")?;
    }
    let lists = [
        ("gains", &rule.delta.gained, Some(rule.delta.addresses_gained)),
        ("gains", &rule.names_gained, None),
        ("loses", &rule.delta.lost, Some(rule.delta.addresses_lost)),
        ("loses", &rule.names_lost, None),
    ];
    for (verb, list, count) in lists.into_iter().filter(|(_, list, _)| !list.is_empty()) {
        let count = count.map_or(String::new(), |n| format!(" ({})", addresses(n)));
        writeln!(out, "  - {verb} {}{count}", some_of(list))?;
    }
    Ok(())
}

fn mark(mark: &SnapshotMark) -> String {
    let digest = mark.sha256.get(..12).unwrap_or(&mark.sha256);
    format!("{} number {} (content {digest})", mark.cloud, mark.change_number)
}

fn cell(list: &[String], count: Count) -> String {
    if list.is_empty() { "–".to_owned() } else { format!("{} ({})", some_of(list), addresses(count)) }
}

fn addresses(count: Count) -> String {
    if count == Count::from(1_u64) { "1 address".to_owned() } else { format!("{count} addresses") }
}

fn some_of(list: &[String]) -> String {
    let shown = list[..list.len().min(SHOWN)].join(", ");
    match list.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn many(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

impl SetChange {
    /// The change in a few words: `+3 prefixes, 768 addresses; -1 prefix, 256 addresses`.
    pub fn summary(&self) -> String {
        let part = |sign: &str, list: &[String], count: Count| {
            let prefixes = if list.len() == 1 { "prefix" } else { "prefixes" };
            (!list.is_empty()).then(|| format!("{sign}{} {prefixes}, {}", list.len(), addresses(count)))
        };
        let parts =
            [part("+", &self.gained, self.addresses_gained), part("-", &self.lost, self.addresses_lost)];
        parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
    }
}
