//! Changes as Markdown, for the message, the ticket or the pull request that people read.

use super::{Changes, Event, RuleChange, SetChange, SnapshotMark, TagChange};
use crate::addr::Count;
use crate::report::document::{self, Block, Column, Item, Line, Table};
use crate::tags::FamilyCounts;

/// The most prefixes of one change that are written out; `changes.json` has all.
const SHOWN: usize = 20;

pub(super) fn markdown(changes: &Changes) -> String {
    let mut blocks = head(changes);
    if !changes.dated.is_empty() {
        blocks.push(Block::Heading(2, "What begins or ends".into()));
    }
    blocks.extend(Block::bullets(changes.dated.iter().map(|mark| Line::of(&mark.text))));
    blocks.extend(tags_in_use(&changes.tags));
    let same_place = |a: &RuleChange, b: &RuleChange| (&a.target, &a.resource) == (&b.target, &b.resource);
    for rules in changes.rules.chunk_by(same_place) {
        let RuleChange { target, resource, .. } = &rules[0];
        blocks.push(Block::Heading(2, format_args!("{target}: {resource}").into()));
        blocks.push(Block::Bullets(rules.iter().map(of_rule).collect()));
    }
    document::markdown(&blocks)
}

/// What it was made from before and now, and how much that changed.
fn head(changes: &Changes) -> Vec<Block> {
    let Changes { name, before, now, .. } = changes;
    let data = match before {
        Some(before) if before == now => format!("The service tags are the same: {}.", mark(now)),
        Some(before) => format!("Service tags before: {}. Now: {}.", mark(before), mark(now)),
        None => format!("First generation. Service tags: {}.", mark(now)),
    };
    let count = match changes.counts() {
        (0, 0) => "No rule changed: nothing has to be deployed.".to_owned(),
        (rules, 0) => format!("{} changed.", many(rules, "rule")),
        (0, lists) => format!("{} changed, and no other rule.", many(lists, "list")),
        (rules, lists) => format!("{} and {} changed.", many(rules, "rule"), many(lists, "list")),
    };
    let title = Block::Heading(1, format_args!("{name}: what changed").into());
    vec![title, Block::paragraph(data), Block::paragraph(count)]
}

fn tags_in_use(tags: &[TagChange]) -> Vec<Block> {
    if tags.is_empty() {
        return Vec::new();
    }
    let rows = tags.iter().map(|tag| {
        let gained = cell(&tag.delta.gained, tag.delta.addresses_gained);
        let lost = cell(&tag.delta.lost, tag.delta.addresses_lost);
        [Line::from(&tag.name), gained.into(), lost.into()]
    });
    let table = Table::new(["tag", "gained", "lost"].map(Column::words)).with(rows);
    let mut blocks = vec![Block::Heading(2, "Tags in use that changed".into()), Block::Table(table)];
    let named: Vec<&str> = tags.iter().filter(|tag| tag.named).map(|tag| tag.name.as_str()).collect();
    if !named.is_empty() {
        let names = named.join(", ");
        let line = format_args!("Rules name {names}: there Azure applies the change by itself.").into();
        blocks.push(Block::Paragraph(line));
    }
    blocks
}

fn of_rule(rule: &RuleChange) -> Item {
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
    let line = Line::new().strong(&rule.rule).text(format_args!(" {event}{because} ({})", rule.settings));
    let was = rule.settings_before.iter().map(|before| Line::from(format_args!("was: {before}")));
    let lists = [
        ("gains", &rule.delta.gained, Some(rule.delta.addresses_gained)),
        ("gains", &rule.names_gained, None),
        ("loses", &rule.delta.lost, Some(rule.delta.addresses_lost)),
        ("loses", &rule.names_lost, None),
    ];
    let moved = lists.into_iter().filter(|(_, list, _)| !list.is_empty()).map(|(verb, list, count)| {
        let count = count.map_or(String::new(), |n| format!(" ({})", addresses(&n)));
        Line::from(format_args!("{verb} {}{count}", some_of(list)))
    });
    Item::with(line, was.chain(moved).collect())
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

/// `1 rule`, `2 rules`.
pub(in crate::report) fn many(count: usize, what: &str) -> String {
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
