//! Rules that do nothing, or less than they say: TW001 to TW006.

use std::sync::Arc;

use super::finding::Finding;
use super::list::{Line, Lines, in_order};
use super::message::{Fix, Message};
use super::sides::RuleSide;
use crate::addr::AddrSet;
use crate::read::live::Place;
use crate::rules::{Access, Rule, analyze, compare};

/// How many pairs of one list are tried for one rule that stands for both.
const MERGES: usize = 300;

/// The list that is looked at, and what its findings are about.
pub(super) struct Looked<'a> {
    pub(super) resource: &'a str,
    pub(super) place: &'a Place,
    pub(super) lines: &'a Lines,
    /// Places of rules that nothing is said of.
    pub(super) silent: Vec<usize>,
}

impl Looked<'_> {
    fn finding(&self, id: &str, at: usize, message: Message) -> Finding {
        let line = &self.lines.lines[at];
        Finding::new(id, self.resource, Some(line.name()), &line.place, message)
    }

    /// Everything about rules that do nothing.
    pub(super) fn findings(&self, found: &mut Vec<Finding>) {
        let (dead, redundant) = self.verdicts();
        for at in 0..self.lines.lines.len() {
            let line = &self.lines.lines[at];
            if self.silent.contains(&at) {
                continue;
            }
            match (dead.contains(&at), line.origin.is_some()) {
                (true, true) => found.push(self.dead(at)),
                (true, false) => found.push(self.dead_default(at)),
                (false, true) => {
                    if redundant.contains(&at) {
                        found.push(self.redundant(at));
                    }
                    found.extend(self.shadowed(at));
                }
                (false, false) => {}
            }
        }
        self.mergeable(&dead, found);
    }

    /// Places of dead and of redundant rules.
    fn verdicts(&self) -> (Vec<usize>, Vec<usize>) {
        if self.lines.is_known() {
            let analysis = analyze(&self.lines.list());
            let mut dead = analysis.shadowed;
            dead.extend(analysis.never_matches);
            return (dead, analysis.redundant);
        }
        let all = 0..self.lines.lines.len();
        let dead: Vec<usize> = all.clone().filter(|&at| self.lines.own_packet(at).is_none()).collect();
        let redundant = all.filter(|at| !dead.contains(at) && self.lines.is_redundant(*at)).collect();
        (dead, redundant)
    }

    fn dead(&self, at: usize) -> Finding {
        let line = &self.lines.lines[at];
        let mut blockers = self.lines.blockers(at);
        let contrary = self.lines.contrary_packet(at);
        let id = if contrary.is_some() { "TW002" } else { "TW001" };
        if let Some(packet) = contrary {
            let other = |place: &usize| self.lines.lines[*place].rule.access != line.rule.access;
            if !blockers.iter().any(other) {
                let decides = |before: &usize| {
                    let earlier = &self.lines.lines[*before];
                    earlier.surely(line).is_some_and(|rule| rule.matches(&packet))
                };
                blockers.extend((0..at).find(decides));
                blockers.sort_unstable();
            }
        }
        let names = self.lines.names(blockers);
        let message = match (names.is_empty(), contrary.is_some()) {
            (true, _) => Message::NeverMatches,
            (false, false) => Message::Dead(names.clone()),
            (false, true) => Message::DeadContrary { allows: line.rule.access.is_allow(), by: names.clone() },
        };
        let fix =
            if contrary.is_some() { "put it before the rules named, or remove it" } else { "remove it" };
        self.finding(id, at, message).packet(contrary).blockers(names).fix(fix)
    }

    fn dead_default(&self, at: usize) -> Finding {
        let names = self.lines.names(self.lines.blockers(at));
        let line = &self.lines.lines[at];
        let message = Message::DeadDefault(names.clone());
        Finding::new("TW006", self.resource, Some(line.name()), self.place, message).blockers(names)
    }

    fn redundant(&self, at: usize) -> Finding {
        let message = Message::Redundant { hangs: self.hangs_on_network(at) };
        self.finding("TW004", at, message).fix("remove it")
    }

    /// Whether the rule would not be redundant if `VirtualNetwork` held all, or nothing, in the rules that Azure adds.
    fn hangs_on_network(&self, at: usize) -> bool {
        let default = |line: &Line| line.origin.is_none() && line.rule.name.starts_with("AllowVnet");
        let Some(place) = self.lines.lines.iter().position(default) else { return false };
        let mut wide = self.lines.clone();
        let rule = &mut wide.lines[place].rule;
        let all = Arc::new(AddrSet::all());
        (rule.src, rule.dst) = (all.clone(), all.clone());
        wide.lines[place].source.set = all.clone();
        wide.lines[place].destination.set = all;
        let mut none = self.lines.clone();
        none.lines.remove(place);
        !wide.is_redundant(at) || !none.is_redundant(at)
    }

    /// What of a rule that decides something is decided the other way before it.
    fn shadowed(&self, at: usize) -> Option<Finding> {
        let lines = &self.lines.lines;
        let line = &lines[at];
        let contrary = |earlier: &&Line| earlier.rule.access != line.rule.access;
        let against: Vec<&Line> =
            lines[..at].iter().filter(contrary).filter(|earlier| earlier.surely(line).is_some()).collect();
        // An exception before a general rule that denies is what such rules are for.
        let exception = |earlier: &&Line| {
            earlier.surely(line).is_some_and(|clipped| {
                clipped.src == earlier.rule.src
                    && clipped.dst == earlier.rule.dst
                    && clipped.dport == earlier.rule.dport
                    && clipped.sport == earlier.rule.sport
                    && clipped.protocol == earlier.rule.protocol
            })
        };
        if against.is_empty() || (line.rule.access == Access::Deny && against.iter().all(exception)) {
            return None;
        }
        let packet = self.lines.contrary_packet(at)?;
        let decides = |earlier: &&&Line| {
            earlier.surely(line).is_some_and(|rule| {
                let before = self.lines.decider(&packet);
                rule.matches(&packet) || before.is_some_and(|first| first.rule.name == earlier.rule.name)
            })
        };
        let by: Vec<String> = match against.iter().find(decides) {
            Some(first) => vec![first.rule.name.clone()],
            None => against.iter().map(|earlier| earlier.rule.name.clone()).collect(),
        };
        let message = Message::Shadowed { allows: line.rule.access.is_allow(), by: by.clone() };
        Some(self.finding("TW003", at, message).packet(Some(packet)).blockers(by))
    }

    /// Pairs of rules that one rule can stand for.
    fn mergeable(&self, dead: &[usize], found: &mut Vec<Finding>) {
        if !self.lines.is_known() {
            return;
        }
        let lines = &self.lines.lines;
        let able =
            |at: &usize| lines[*at].origin.is_some() && !dead.contains(at) && !self.silent.contains(at);
        let places: Vec<usize> = (0..lines.len()).filter(able).collect();
        let mut used = Vec::new();
        let mut tried = 0;
        for (n, &first) in places.iter().enumerate() {
            for &second in &places[n + 1..] {
                if used.contains(&second) || used.contains(&first) {
                    continue;
                }
                let Some((merged, field)) = merged(&lines[first], &lines[second]) else { continue };
                tried += 1;
                if tried > MERGES || !self.same_with(first, second, merged) {
                    continue;
                }
                used.push(second);
                let other = &lines[first].rule.name;
                let message = Message::Mergeable { with: other.clone(), field };
                let finding = self.finding("TW005", second, message).blockers(vec![other.clone()]);
                found.push(Finding { fix: Some(Fix::Merge { field, to: other.clone() }), ..finding });
            }
        }
    }

    /// Whether nothing changes with `merged` in place of the first of two rules, and without the second.
    fn same_with(&self, first: usize, second: usize, merged: Rule) -> bool {
        let mut rules: Vec<Rule> = self.lines.lines.iter().map(|line| line.rule.clone()).collect();
        rules[first] = merged;
        rules.remove(second);
        compare(&self.lines.list(), &in_order(rules, Access::Deny)).is_equivalent()
    }
}

/// One rule for two that differ in one field, and what the field is called. Sides that name tags do not merge: a rule has
/// one tag a side, and one family.
fn merged(a: &Line, b: &Line) -> Option<(Rule, &'static str)> {
    let (first, second) = (&a.rule, &b.rule);
    if first.access != second.access || first.protocol != second.protocol || first.sport != second.sport {
        return None;
    }
    let union = |one: &RuleSide, other: &RuleSide| {
        let of_one_family = one.set.v4.is_empty() == other.set.v4.is_empty()
            && one.set.v6.is_empty() == other.set.v6.is_empty()
            && (one.set.v4.is_empty() || one.set.v6.is_empty());
        (one.is_list && other.is_list && of_one_family).then(|| Arc::new(one.set.union(&other.set)))
    };
    match [first.src == second.src, first.dst == second.dst, first.dport == second.dport] {
        [true, true, false] => {
            Some((Rule { dport: first.dport.union(&second.dport), ..first.clone() }, "destination ports"))
        }
        [false, true, true] => {
            Some((Rule { src: union(&a.source, &b.source)?, ..first.clone() }, "source addresses"))
        }
        [true, false, true] => {
            let dst = union(&a.destination, &b.destination)?;
            Some((Rule { dst, ..first.clone() }, "destination addresses"))
        }
        _ => None,
    }
}
