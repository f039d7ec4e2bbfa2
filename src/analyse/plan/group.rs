//! Operations on the rules of a network security group.

use std::collections::HashSet;

use super::body::security_rule;
use super::model::{NoSafeOrder, Operation, resource_group};
use crate::analyse::open::{Atoms, OpenList, OpenResolver, intersection, open_group, some_answers};
use crate::packet::Direction;
use crate::read::live::{LiveGroup, LiveRule};
use crate::rules::differences;

/// A change of one rule.
#[derive(Debug, Clone)]
enum Change {
    Put(Box<LiveRule>),
    Delete(String),
}

impl Change {
    /// The group after it.
    fn done(&self, group: &LiveGroup) -> LiveGroup {
        let mut group = group.clone();
        match self {
            Change::Put(rule) => match group.rules.iter_mut().find(|own| is_called(own, &rule.rule.name)) {
                Some(own) => *own = (**rule).clone(),
                None => group.rules.push((**rule).clone()),
            },
            Change::Delete(name) => group.rules.retain(|own| !is_called(own, name)),
        }
        group
    }
}

fn is_called(rule: &LiveRule, name: &str) -> bool {
    rule.rule.name.eq_ignore_ascii_case(name)
}

/// Whether two rules say the same, descriptions aside.
fn is_same(a: &LiveRule, b: &LiveRule) -> bool {
    let side = |texts: &[String]| texts.iter().map(|text| text.to_ascii_lowercase()).collect::<HashSet<_>>();
    let lists = |rule: &LiveRule| {
        let r = &rule.rule;
        [&r.sources, &r.destinations, &r.source_ports, &r.destination_ports].map(|list| side(list))
    };
    let words = |rule: &LiveRule| {
        let r = &rule.rule;
        [&r.direction, &r.access, &r.protocol].map(|text| text.to_ascii_lowercase())
    };
    a.rule.priority == b.rule.priority
        && words(a) == words(b)
        && lists(a) == lists(b)
        && side(&a.source_groups) == side(&b.source_groups)
        && side(&a.destination_groups) == side(&b.destination_groups)
}

/// Judges what comes between what is there and what is wanted.
struct Judge<'j, 'a> {
    wanted: &'j LiveGroup,
    live: &'j LiveGroup,
    meanings: &'j mut [OpenResolver<'a>; 2],
}

const BOTH: [Direction; 2] = [Direction::Inbound, Direction::Outbound];

impl Judge<'_, '_> {
    /// Lists of a direction: what is wanted, what is there, and what is between. Wanted rules mean what they mean in the
    /// policy's files, all others what they mean in the live ones; both know the same tags.
    fn lists(&mut self, between: &LiveGroup, direction: Direction) -> [OpenList; 3] {
        let mut atoms = Atoms::default();
        let [of_wanted, of_live] = &mut *self.meanings;
        [
            open_group(self.wanted, direction, of_wanted, &mut atoms),
            open_group(self.live, direction, of_live, &mut atoms),
            open_group(between, direction, of_live, &mut atoms),
        ]
    }

    /// Whether every packet is decided as by one of the two, and Azure takes the priorities.
    fn is_safe(&mut self, between: &LiveGroup) -> bool {
        let mut taken = HashSet::new();
        let unique = between
            .rules
            .iter()
            .all(|rule| taken.insert((rule.rule.direction.to_ascii_lowercase(), rule.rule.priority)));
        unique
            && BOTH.into_iter().all(|direction| {
                let [wanted, live, now] = self.lists(between, direction);
                some_answers(&[&wanted, &live, &now]).iter().all(|answers| {
                    let yes = |question: u32| answers.iter().any(|&(number, yes)| number == question && yes);
                    let [wanted, live, now] = [&wanted, &live, &now].map(|list| list.closed(&yes));
                    let beside_live = differences(&now, &live);
                    beside_live.is_empty()
                        || intersection(&beside_live, &differences(&now, &wanted)).is_empty()
                })
            })
    }

    /// Whether a group does what is wanted.
    fn is_done(&mut self, group: &LiveGroup) -> bool {
        BOTH.into_iter().all(|direction| {
            let [wanted, _, now] = self.lists(group, direction);
            crate::analyse::open::compare_open(&wanted, &now).is_equal()
        })
    }
}

/// Up to so many changes it is tried whether each of them is needed.
const FEW: usize = 60;

/// The operations on one group.
pub(super) fn plan(
    wanted: &LiveGroup,
    live: &LiveGroup,
    meanings: &mut [OpenResolver<'_>; 2],
) -> Result<Vec<Operation>, NoSafeOrder> {
    let mut judge = Judge { wanted, live, meanings };
    if judge.is_done(live) {
        return Ok(Vec::new());
    }
    let changes = needed(changes(wanted, live), &mut judge);
    let order = match one_by_one(&changes, &mut judge) {
        Some(order) => order,
        None => over_the_top(&mut judge)?,
    };
    Ok(order.iter().map(|change| operation(change, live)).collect())
}

/// All that is different: wanted rules from the top down, then what goes, the last first.
fn changes(wanted: &LiveGroup, live: &LiveGroup) -> Vec<Change> {
    let mut puts: Vec<&LiveRule> = wanted
        .rules
        .iter()
        .filter(|rule| !live.rules.iter().any(|own| is_called(own, &rule.rule.name) && is_same(own, rule)))
        .collect();
    puts.sort_by_key(|rule| rule.rule.priority);
    let mut gone: Vec<&LiveRule> = live
        .rules
        .iter()
        .filter(|own| !wanted.rules.iter().any(|rule| is_called(rule, &own.rule.name)))
        .collect();
    gone.sort_by_key(|rule| std::cmp::Reverse(rule.rule.priority));
    let puts = puts.into_iter().map(|rule| Change::Put(Box::new(rule.clone())));
    puts.chain(gone.into_iter().map(|rule| Change::Delete(rule.rule.name.clone()))).collect()
}

fn after<'c>(group: &LiveGroup, changes: impl IntoIterator<Item = &'c Change>) -> LiveGroup {
    changes.into_iter().fold(group.clone(), |group, change| change.done(&group))
}

/// Of all changes those without which it would not be as wanted; deletions are tried first.
fn needed(mut changes: Vec<Change>, judge: &mut Judge<'_, '_>) -> Vec<Change> {
    if changes.len() > FEW {
        return changes;
    }
    let live = judge.live.clone();
    for at in (0..changes.len()).rev() {
        let without = changes.iter().enumerate().filter(|(own, _)| *own != at).map(|(_, change)| change);
        let left = after(&live, without);
        if judge.is_done(&left) {
            changes.remove(at);
        }
    }
    changes
}

/// The changes in an order in which each is safe, found step by step; none where it ends in between.
fn one_by_one(changes: &[Change], judge: &mut Judge<'_, '_>) -> Option<Vec<Change>> {
    let mut left: Vec<&Change> = changes.iter().collect();
    let (mut now, mut order) = (judge.live.clone(), Vec::new());
    while !left.is_empty() {
        let next = (0..left.len()).find(|&at| judge.is_safe(&left[at].done(&now)))?;
        let change = left.remove(next);
        now = change.done(&now);
        order.push(change.clone());
    }
    judge.is_done(&now).then_some(order)
}

/// The way that always works where there is room: copies of all wanted rules above all others, from the top down; then
/// the others go, the wanted ones come in their own places, and the copies go, from the bottom up.
fn over_the_top(judge: &mut Judge<'_, '_>) -> Result<Vec<Change>, NoSafeOrder> {
    let (wanted, live) = (judge.wanted.clone(), judge.live.clone());
    let mut copies = Vec::new();
    for direction in BOTH {
        copies.extend(above(&wanted, &live, direction)?);
    }
    let name = |rule: &LiveRule| Change::Delete(rule.rule.name.clone());
    let mut order: Vec<Change> = copies.iter().cloned().map(Box::new).map(Change::Put).collect();
    order.extend(live.rules.iter().map(name));
    let mut own: Vec<&LiveRule> = wanted.rules.iter().collect();
    own.sort_by_key(|rule| rule.rule.priority);
    order.extend(own.into_iter().cloned().map(Box::new).map(Change::Put));
    order.extend(copies.iter().rev().map(name));
    let mut now = live.clone();
    for change in &order {
        now = change.done(&now);
        if !judge.is_safe(&now) {
            let why = format!("{change:?}").chars().take(60).collect::<String>();
            return Err(NoSafeOrder { resource: live.name.clone(), why: format!("at the step {why}") });
        }
    }
    Ok(order)
}

/// Copies of the wanted rules of a direction at free priorities above all that is there.
fn above(wanted: &LiveGroup, live: &LiveGroup, direction: Direction) -> Result<Vec<LiveRule>, NoSafeOrder> {
    let of = |group: &LiveGroup| -> Vec<LiveRule> {
        let own =
            group.rules.iter().filter(|rule| rule.rule.direction.eq_ignore_ascii_case(direction.name()));
        own.cloned().collect()
    };
    let (mut own, there) = (of(wanted), of(live));
    own.sort_by_key(|rule| rule.rule.priority);
    let first = there.iter().map(|rule| rule.rule.priority).min().unwrap_or(4097);
    let used: HashSet<i64> = own.iter().map(|rule| rule.rule.priority).collect();
    let free: Vec<i64> = (100..first.min(4097)).filter(|priority| !used.contains(priority)).collect();
    if free.len() < own.len() {
        return Err(NoSafeOrder {
            resource: live.name.clone(),
            why: format!(
                "{} rules must stand above priority {first} for a while, and {} priorities are free there; move the \
                 rules that are there down first",
                own.len(),
                free.len()
            ),
        });
    }
    let copy = |(mut rule, priority): (LiveRule, &i64)| {
        let name: String = rule.rule.name.chars().take(70).collect();
        rule.rule.name = format!("{name}-new");
        rule.rule.priority = *priority;
        rule
    };
    Ok(own.into_iter().zip(&free).map(copy).collect())
}

fn operation(change: &Change, live: &LiveGroup) -> Operation {
    let (op, name, body) = match change {
        Change::Put(rule) => ("put", rule.rule.name.clone(), Some(security_rule(rule))),
        Change::Delete(name) => ("delete", name.clone(), None),
    };
    Operation {
        op,
        kind: "security-rule",
        resource: live.name.clone(),
        resource_group: resource_group(live.id.as_deref()),
        name,
        body,
    }
}
