//! [`Told`]: a generation held against the [`Past`].

use super::step::{self, Step};
use super::summary::RuleSummary;
use super::told::Changes;
use crate::catalog::Date;
use crate::limits::Usage;
use crate::plan::Plan;
use crate::policy::Policy;
use crate::tags::Snapshot;

/// So many generations are remembered.
const REMEMBERED: usize = 30;

/// Of each, the use of so many limits: the tightest.
const LIMITS: usize = 8;

/// What a generation is made after.
#[derive(Debug, Clone, Copy)]
pub struct Past<'a> {
    /// The rules before it, if there are any.
    pub before: Option<&'a RuleSummary>,
    /// The data as published, without what is let through for a while yet.
    pub data: &'a Snapshot,
    /// The present day.
    pub day: Date,
}

/// What a generation tells those after it, and of what was before it.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// Its rules, with the steps up to it.
    pub summary: RuleSummary,
    /// How they differ from those before.
    pub changes: Changes,
}

impl Told {
    /// Holds what was made now against what was before.
    pub fn new(policy: &Policy, plan: &Plan, past: &Past<'_>) -> Self {
        let mut summary = RuleSummary::new(policy, plan, past.data);
        let changes = Changes::between(past.before, &summary);
        summary.past = past.before.map_or_else(Vec::new, |before| before.past.clone());
        summary.past.push(step_of(&changes, &plan.usage, past.day));
        let over = summary.past.len().saturating_sub(REMEMBERED);
        summary.past.drain(..over);
        Told { summary, changes }
    }

    /// How many whole weeks the remembered generations span.
    pub fn weeks(&self) -> i32 {
        step::span(&self.summary.past) / 7
    }

    /// Whether enough weeks are known to tell a pace.
    pub fn has_pace(&self) -> bool {
        step::have_pace(&self.summary.past)
    }

    /// The day on which a limit is reached if what counts against it goes on growing as it did over the remembered
    /// generations (a line of least squares through what they used). `None` before there are eight weeks of them, where
    /// nothing grows, and beyond ten years.
    pub fn reached(&self, usage: &Usage) -> Option<Date> {
        step::reached(&self.summary.past, usage)
    }
}

fn step_of(changes: &Changes, usage: &[Usage], day: Date) -> Step {
    let mut tightest: Vec<&Usage> =
        usage.iter().filter(|usage| usage.limit > 0 && !usage.key.is_length()).collect();
    tightest.sort_by(|a, b| Usage::by_share(b, a));
    let used = tightest.into_iter().take(LIMITS).map(|usage| (step::name(usage), usage.have)).collect();
    // All of a first generation is new, and nothing of it changed.
    let (rules, lists) = if changes.before.is_some() { changes.counts() } else { (0, 0) };
    let rule_changes = if changes.before.is_some() { changes.rules.as_slice() } else { &[] };
    Step {
        day,
        change_number: changes.now.change_number,
        rules,
        lists,
        gained: rule_changes.iter().map(|rule| rule.delta.gained.len() + rule.names_gained.len()).sum(),
        lost: rule_changes.iter().map(|rule| rule.delta.lost.len() + rule.names_lost.len()).sum(),
        used,
    }
}
