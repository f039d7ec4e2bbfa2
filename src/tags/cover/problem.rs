//! The set cover problem behind a cover by tags, and what can be dropped from it.

use std::collections::{BTreeMap, BTreeSet};

use super::goal::TagGoal;
use crate::addr::Count;

/// Elements to be covered and extra addresses to be paid, each as the candidates it belongs to.
///
/// Candidates are places in `tags`; rows are ascending lists of them, and distinct.
#[derive(Debug, Clone)]
pub(super) struct TagProblem {
    pub(super) tags: Vec<u32>,
    pub(super) goal: TagGoal,
    /// One of each row has to be chosen.
    pub(super) needs: BTreeSet<Vec<usize>>,
    /// What any of a row costs, once.
    pub(super) charges: BTreeMap<Vec<usize>, Count>,
}

impl TagProblem {
    pub(super) fn new(tags: Vec<u32>, goal: TagGoal) -> Self {
        TagProblem { tags, goal, needs: BTreeSet::new(), charges: BTreeMap::new() }
    }

    /// At least one of `row` is needed.
    pub(super) fn need(&mut self, row: Vec<usize>) {
        self.needs.insert(row);
    }

    /// Any of `row` brings `extra` addresses.
    pub(super) fn charge(&mut self, row: Vec<usize>, extra: Count) {
        *self.charges.entry(row).or_default() += extra;
    }

    /// The problem without the candidates and needs that others imply. Its best answers are best ones here too.
    pub(super) fn reduced(&self) -> Self {
        let kept = self.undominated();
        let place: BTreeMap<usize, usize> = kept.iter().enumerate().map(|(new, &old)| (old, new)).collect();
        let moved =
            |row: &Vec<usize>| -> Vec<usize> { row.iter().filter_map(|c| place.get(c).copied()).collect() };
        let mut problem = TagProblem::new(kept.iter().map(|&c| self.tags[c]).collect(), self.goal);
        self.needs.iter().for_each(|row| problem.need(moved(row)));
        for (row, extra) in &self.charges {
            let row = moved(row);
            if !row.is_empty() {
                problem.charge(row, *extra);
            }
        }
        problem.needs = minimal(&problem.needs);
        problem
    }

    /// The candidates that no other one can stand in for: one that covers as much and costs no more.
    fn undominated(&self) -> Vec<usize> {
        let covers = columns(self.tags.len(), self.needs.iter());
        let costs = columns(self.tags.len(), self.charges.keys());
        let replaces = |b: usize, a: usize| {
            let at_least = is_subset(&covers[a], &covers[b]) && is_subset(&costs[b], &costs[a]);
            at_least && (b < a || covers[a] != covers[b] || costs[a] != costs[b])
        };
        let all = 0..self.tags.len();
        all.clone().filter(|&a| !all.clone().any(|b| b != a && replaces(b, a))).collect()
    }
}

/// The rows that hold no other row: what covers those covers the rest.
fn minimal(rows: &BTreeSet<Vec<usize>>) -> BTreeSet<Vec<usize>> {
    let mut by_size: Vec<&Vec<usize>> = rows.iter().collect();
    by_size.sort_by_key(|row| row.len());
    let mut kept: Vec<&Vec<usize>> = Vec::new();
    for row in by_size {
        if !kept.iter().any(|k| is_subset(k, row)) {
            kept.push(row);
        }
    }
    kept.into_iter().cloned().collect()
}

/// For each candidate the places of the rows that hold it, ascending.
pub(super) fn columns<'a>(candidates: usize, rows: impl Iterator<Item = &'a Vec<usize>>) -> Vec<Vec<usize>> {
    let mut columns = vec![Vec::new(); candidates];
    for (at, row) in rows.enumerate() {
        row.iter().for_each(|&c| columns[c].push(at));
    }
    columns
}

/// Whether all of an ascending list is in another one.
fn is_subset(small: &[usize], large: &[usize]) -> bool {
    if small.len() > large.len() {
        return false;
    }
    let mut rest = large.iter();
    small.iter().all(|wanted| rest.by_ref().find(|&have| have >= wanted) == Some(wanted))
}
