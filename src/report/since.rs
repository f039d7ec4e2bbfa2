//! What changed since the generation before: in the report of a refresh, which knows it.

use super::Made;
use super::changes::{Changes, Event, RuleChange, SnapshotMark, TagChange, Told, many};
use super::document::{Block, Column, Line, Table};
use super::section::{CHANGED, Section};

/// The most rules and tags that are named; `changes.md` has all.
const SHOWN: usize = 12;

/// The section, where it is known what was before.
pub(super) fn section(made: &Made<'_>) -> Option<Section> {
    let told = made.told?;
    let day = told.summary.past.iter().rev().nth(1).map(|step| step.day);
    Some(Section::new(CHANGED, blocks(&told.changes, day)))
}

fn blocks(changes: &Changes, day: Option<crate::catalog::Date>) -> Vec<Block> {
    let Some(before) = &changes.before else {
        return vec![Block::paragraph("This is the first generation: there is none before it.")];
    };
    let since = day.map_or(String::new(), |day| format!(" of {day}"));
    let mut blocks = vec![Block::Paragraph(first(changes, before, &since))];
    blocks.extend(Block::bullets(changes.dated.iter().map(|mark| Line::of(&mark.text))));
    blocks.extend(tags(&changes.tags));
    blocks.extend(Block::bullets(changes.rules.iter().take(SHOWN).map(rule_line)));
    let hidden = changes.rules.len().saturating_sub(SHOWN) + changes.tags.len().saturating_sub(SHOWN);
    let last = match hidden {
        0 => Line::of("`changes.md` beside the environments has every prefix of it."),
        n => Line::from(n).prose(" more, and every prefix, are in `changes.md` beside the environments."),
    };
    blocks.push(Block::Paragraph(last));
    blocks
}

fn tags(tags: &[TagChange]) -> Option<Block> {
    let rows = tags.iter().take(SHOWN).map(|tag| {
        let who = if tag.named { "Azure, where a rule names it" } else { "whoever deploys" };
        [Line::new().code(&tag.name), tag.delta.summary().into(), who.into()]
    });
    let table = Table::new(["Tag in use", "What changed", "Who applies it"].map(Column::words)).with(rows);
    (!table.is_empty()).then_some(Block::Table(table))
}

fn first(changes: &Changes, before: &SnapshotMark, since: &str) -> Line {
    let data = if *before == changes.now {
        "The service tags are the same as in".to_owned()
    } else {
        format!(
            "Change number {} of the service tags follows {} of",
            changes.now.change_number, before.change_number
        )
    };
    let line = Line::new().text(format_args!("{data} the generation{since}; "));
    match changes.counts() {
        (0, 0) => line.strong("no rule changed: nothing has to be deployed."),
        (rules, 0) => line.strong(format_args!("{} changed.", many(rules, "rule"))),
        (0, lists) => {
            line.strong(format_args!("{} changed", many(lists, "list"))).text(", and no other rule.")
        }
        (rules, lists) => {
            line.strong(format_args!("{} and {} changed.", many(rules, "rule"), many(lists, "list")))
        }
    }
}

fn rule_line(rule: &RuleChange) -> Line {
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
    Line::from(format_args!("{} of {} {event}{because}{delta}", rule.rule, rule.resource))
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
