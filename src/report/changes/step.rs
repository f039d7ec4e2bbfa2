//! [`Step`]: what a generation's successors remember of it, and by when a limit is reached at that pace.

use std::collections::BTreeMap;

use jiff::ToSpan;
use serde::{Deserialize, Serialize};

use crate::catalog::Date;
use crate::limits::Usage;

/// From so many days on a pace is told: eight weeks.
const PACE: i32 = 56;

/// A limit that is reached only after so many days is none to speak of: ten years.
const FAR: f64 = 3_652.0;

/// One generation as those after it remember it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The day on which it was made.
    pub day: Date,
    /// Number of the file of service tags; a label only.
    pub change_number: u64,
    /// How many rules came, went or changed. A first generation has none before it, so that all its counts are 0.
    pub rules: usize,
    /// How many lists came, went or changed.
    pub lists: usize,
    /// How many prefixes, tags and hosts the remote sides of rules and lists gained.
    pub gained: usize,
    /// How many they lost.
    pub lost: usize,
    /// What it uses of its tightest limits, by key and resource.
    pub used: BTreeMap<String, u64>,
}

/// How a step names a limit.
pub(super) fn name(usage: &Usage) -> String {
    format!("{} {}", usage.key, usage.of)
}

fn days(from: Date, to: Date) -> i32 {
    to.since(from).map_or(0, |span| span.get_days())
}

/// Whether enough weeks are known to tell a pace.
pub(super) fn have_pace(steps: &[Step]) -> bool {
    span(steps) >= PACE
}

/// The days from the first step to the last.
pub(super) fn span(steps: &[Step]) -> i32 {
    steps.first().zip(steps.last()).map_or(0, |(first, last)| days(first.day, last.day))
}

/// The day on which a limit is reached at the pace of `steps`.
pub(super) fn reached(steps: &[Step], usage: &Usage) -> Option<Date> {
    let name = name(usage);
    let known: Vec<(Date, u64)> =
        steps.iter().filter_map(|step| Some((step.day, *step.used.get(&name)?))).collect();
    let ((first, _), (last, _)) = (*known.first()?, *known.last()?);
    if days(first, last) < PACE || usage.have >= usage.limit {
        return None;
    }
    let points: Vec<(f64, f64)> =
        known.iter().map(|&(day, have)| (f64::from(days(first, day)), have as f64)).collect();
    let count = points.len() as f64;
    let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0 / count, y + point.1 / count));
    let (over, under) = points.iter().fold((0.0, 0.0), |(over, under), point| {
        (over + (point.0 - x) * (point.1 - y), under + (point.0 - x).powi(2))
    });
    let left = (usage.limit - usage.have) as f64 / (over / under);
    // Also where nothing grows: then this is no number, infinite or below zero.
    (left > 0.0 && left <= FAR).then(|| last.checked_add((left.round() as i64).days()).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{LimitKey, Limits};

    fn step(day: i32, have: u64) -> Step {
        let usage = usage(have);
        let day = jiff::civil::date(2026, 1, 5).checked_add(day.days()).unwrap();
        Step {
            day,
            change_number: 1,
            rules: 0,
            lists: 0,
            gained: 0,
            lost: 0,
            used: BTreeMap::from([(name(&usage), have)]),
        }
    }

    fn usage(have: u64) -> Usage {
        Limits::default().usage(LimitKey::NsgRules, "g", have)
    }

    fn weekly(values: &[u64]) -> Option<Date> {
        let steps: Vec<Step> = (0..).zip(values).map(|(week, have)| step(week * 7, *have)).collect();
        reached(&steps, &usage(*values.last().unwrap()))
    }

    #[test]
    fn a_limit_is_reached_on_the_line_through_what_was_used() {
        // 10 a week, 80 weeks to go.
        let values: Vec<u64> = (0..9).map(|week| usage(0).limit - 880 + 10 * week).collect();
        assert_eq!(weekly(&values), jiff::civil::date(2026, 1, 5).checked_add(((8 + 80) * 7).days()).ok());
        // The same pace with an uneven way to it.
        let uneven: Vec<u64> =
            values.iter().enumerate().map(|(at, v)| if at % 2 == 1 { v + 4 } else { *v }).collect();
        assert_eq!(weekly(&uneven), weekly(&values));
    }

    #[test]
    fn no_day_is_named_without_a_pace() {
        assert_eq!(weekly(&[100, 110, 120, 130, 140, 150, 160, 170]), None, "seven weeks");
        assert_eq!(weekly(&[100; 12]), None, "as it was");
        assert_eq!(weekly(&[900, 800, 700, 600, 500, 400, 300, 200, 100]), None, "it shrinks");
        assert_eq!(weekly(&[100, 100, 100, 100, 100, 100, 100, 100, 100, 101]), None, "beyond ten years");
        let full: Vec<u64> = (0..9).map(|week| usage(0).limit - 80 + 10 * week).collect();
        assert_eq!(weekly(&full), None, "it is reached");
        let same_day = [step(0, 100), step(0, 900)];
        assert_eq!(reached(&same_day, &usage(900)), None);
        let other: Vec<Step> = (0..9)
            .map(|week| Step { used: BTreeMap::from([("other".to_owned(), 1)]), ..step(week * 7, 0) })
            .collect();
        assert_eq!(reached(&other, &usage(10)), None, "nothing is known of this one");
    }
}
