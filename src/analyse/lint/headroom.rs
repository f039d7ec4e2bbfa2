//! Limits that are nearly reached, and when: TW050.

use jiff::ToSpan;
use jiff::civil::Date;

use super::finding::{Finding, Severity};
use super::message::Message;
use super::stale::origin_of;
use crate::addr::{AddrSet, IpPrefix};
use crate::plan::{LimitKey, Limits};
use crate::read::live::{Live, LiveGroup};
use crate::tags::Timeline;

/// From this share of a limit on, in percent, it is told of.
const TOLD: u64 = 80;

/// Figures of a resource: key of the limit, how much there is, lists that grow with it.
struct Figure<'a> {
    key: LimitKey,
    have: u64,
    lists: Vec<&'a [String]>,
}

/// What is found of limits.
pub(super) fn headroom(live: &Live, timeline: Option<&Timeline>, found: &mut Vec<Finding>) {
    for group in live.groups.iter().filter(|group| !group.effective) {
        for figure in of_group(group) {
            if let Some(message) = told(&figure, timeline) {
                found.push(graded(Finding::new("TW050", &group.name, None, &group.place, message), &figure));
            }
        }
    }
    for table in live.tables.iter().filter(|table| !table.effective) {
        let figure =
            Figure { key: LimitKey::RoutesPerTable, have: table.routes.len() as u64, lists: Vec::new() };
        if let Some(message) = told(&figure, timeline) {
            found.push(graded(Finding::new("TW050", &table.name, None, &table.place, message), &figure));
        }
    }
}

/// Over the limit is more than little headroom.
fn graded(finding: Finding, figure: &Figure<'_>) -> Finding {
    let over = figure.have > Limits::default().get(figure.key);
    if over { finding.rated(Severity::Warning) } else { finding }
}

fn of_group(group: &LiveGroup) -> [Figure<'_>; 3] {
    let sum = |key, side: fn(&LiveGroup) -> Vec<&[String]>| {
        let lists = side(group);
        let counted =
            |list: &&[String]| list.iter().filter(|text| IpPrefix::parse(text, true).is_ok()).count() as u64;
        Figure { key, have: lists.iter().map(counted).sum(), lists }
    };
    [
        Figure { key: LimitKey::NsgRules, have: group.rules.len() as u64, lists: Vec::new() },
        sum(LimitKey::NsgSourcePrefixes, |g| g.rules.iter().map(|r| r.rule.sources.as_slice()).collect()),
        sum(LimitKey::NsgDestinationPrefixes, |g| {
            g.rules.iter().map(|r| r.rule.destinations.as_slice()).collect()
        }),
    ]
}

fn told(figure: &Figure<'_>, timeline: Option<&Timeline>) -> Option<Message> {
    let limit = Limits::default().get(figure.key);
    if figure.have.checked_mul(100)? < limit.checked_mul(TOLD)? {
        return None;
    }
    let reached =
        timeline.filter(|_| figure.have < limit).and_then(|timeline| reached(figure, limit, timeline));
    Some(Message::Headroom { have: figure.have, limit, key: figure.key, reached })
}

/// The day on which the limit is reached if the tags that lists are go on growing as they did over the stored weeks.
fn reached(figure: &Figure<'_>, limit: u64, timeline: &Timeline) -> Option<Date> {
    let newest = timeline.newest()?;
    let (first, last) = (timeline.date(0), timeline.date(newest));
    let days = last.since(first).ok()?.get_days();
    let mut grown = 0.0;
    for list in &figure.lists {
        let set: AddrSet = list.iter().filter_map(|text| IpPrefix::parse(text, true).ok()).collect();
        let Some(tag) =
            origin_of(&set, timeline).and_then(|origin| timeline.tag(origin.tags.first()?.tag.as_str()))
        else {
            continue;
        };
        let family = usize::from(set.v4.is_empty());
        let count = |week| tag.run_at(week).map_or(0.0, |run| f64::from(run.prefixes[family]));
        grown += count(newest) - count(tag.runs.first()?.from);
    }
    if days < 1 || grown <= 0.0 {
        return None;
    }
    let left = (limit - figure.have) as f64 / (grown / f64::from(days));
    last.checked_add((left.min(36_500.0) as i64).days()).ok()
}
