//! Changes as Markdown, for the message, the ticket or the pull request that people read.

use std::fmt::Write;

use super::{Changes, Event, RuleChange, SetChange, SnapshotMark};
use crate::addr::Count;
use crate::tags::FamilyCounts;

/// The most prefixes of one change that are written out; `changes.json` has all.
const SHOWN: usize = 20;

pub(super) fn markdown(changes: &Changes) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = write_all(&mut out, changes);
    out
}

fn write_all(out: &mut String, changes: &Changes) -> std::fmt::Result {
    let Changes { name, before, now, tags, dated, rules } = changes;
    writeln!(out, "# {name}: what changed\n")?;
    match before {
        Some(before) if before == now => writeln!(out, "The service tags are the same: {}.\n", mark(now))?,
        Some(before) => writeln!(out, "Service tags before: {}. Now: {}.\n", mark(before), mark(now))?,
        None => writeln!(out, "First generation. Service tags: {}.\n", mark(now))?,
    }
    match changes.counts() {
        (0, 0) => writeln!(out, "No rule changed: nothing has to be deployed.\n")?,
        (rules, 0) => writeln!(out, "{} changed.\n", many(rules, "rule"))?,
        (0, lists) => writeln!(out, "{} changed, and no other rule.\n", many(lists, "list"))?,
        (rules, lists) => writeln!(out, "{} and {} changed.\n", many(rules, "rule"), many(lists, "list"))?,
    }
    if !dated.is_empty() {
        writeln!(out, "## What begins or ends\n")?;
        dated.iter().try_for_each(|mark| writeln!(out, "- {}", mark.text))?;
        writeln!(out)?;
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
        let named: Vec<&str> = tags.iter().filter(|tag| tag.named).map(|tag| tag.name.as_str()).collect();
        if !named.is_empty() {
            writeln!(out, "Rules name {}: there Azure applies the change by itself.\n", named.join(", "))?;
        }
    }
    let mut place = None;
    for rule in rules {
        let here = Some((&rule.target, &rule.resource));
        if place != here {
            // A heading right after a list is part of it to some readers.
            if place.is_some() {
                writeln!(out)?;
            }
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
        let count = count.map_or(String::new(), |n| format!(" ({})", addresses(&n)));
        writeln!(out, "  - {verb} {}{count}", some_of(list))?;
    }
    Ok(())
}

fn mark(mark: &SnapshotMark) -> String {
    let digest = mark.sha256.get(..12).unwrap_or(&mark.sha256);
    format!("{} number {} (content {digest})", mark.cloud, mark.change_number)
}

fn cell(list: &[String], count: FamilyCounts) -> String {
    if list.is_empty() { "–".to_owned() } else { format!("{} ({})", some_of(list), addresses(&count)) }
}

/// `256 IPv4 and 16 IPv6 addresses`: the two are never added up.
fn addresses(count: &FamilyCounts) -> String {
    count.to_string()
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
    /// The change in a few words, each family by itself: `+3 IPv4 prefixes, 768 addresses; -1 IPv6 prefix, 16 addresses`.
    pub fn summary(&self) -> String {
        let part = |sign: &str, list: &[String], family: &str, count: Count| {
            let of_family = |text: &&String| text.contains(':') == (family == "IPv6");
            let prefixes = match list.iter().filter(of_family).count() {
                0 => return None,
                1 => format!("1 {family} prefix"),
                n => format!("{n} {family} prefixes"),
            };
            let addresses = if count == Count::from(1_u64) { "address" } else { "addresses" };
            Some(format!("{sign}{prefixes}, {count} {addresses}"))
        };
        let (came, went) = (self.addresses_gained, self.addresses_lost);
        let parts = [
            part("+", &self.gained, "IPv4", came.v4),
            part("+", &self.gained, "IPv6", came.v6),
            part("-", &self.lost, "IPv4", went.v4),
            part("-", &self.lost, "IPv6", went.v6),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
    }
}
