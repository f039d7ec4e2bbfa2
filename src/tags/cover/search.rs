//! Branch and bound over the tags that can take part.

use super::goal::TagGoal;
use super::problem::{TagProblem, columns};
use crate::addr::Count;

/// With more tags left than this the greedy list is the answer.
pub(super) const MOST_CANDIDATES: usize = 128;
/// After so many steps the best list so far is the answer.
pub(super) const MOST_STEPS: u32 = 50_000;

/// Chosen tags, ascending, and whether nothing better exists.
pub(super) struct Found {
    pub(super) tags: Vec<u32>,
    pub(super) optimal: bool,
}

/// The best answer to a reduced problem.
pub(super) fn best(problem: &TagProblem) -> Found {
    let mut search = Search::new(problem);
    let mut best = search.greedy();
    let mut optimal = problem.tags.len() <= MOST_CANDIDATES;
    if optimal {
        if let Some(better) = search.better_than(&best) {
            best = better;
        }
        optimal = search.steps > 0;
    }
    if optimal {
        best = search.first_by_names(best);
    }
    best.sort_unstable();
    Found { tags: best.into_iter().map(|c| problem.tags[c]).collect(), optimal }
}

/// What is minimised, in the order of the goal.
type Key = (Count, Count);

struct Search<'a> {
    problem: &'a TagProblem,
    /// The candidates of each need, the shortest rows first.
    needs: Vec<&'a Vec<usize>>,
    charges: Vec<Count>,
    covers: Vec<Vec<usize>>,
    costs: Vec<Vec<usize>>,
    /// How many of the chosen cover each need, and share each charge.
    covered: Vec<u32>,
    charged: Vec<u32>,
    chosen: Vec<usize>,
    banned: Vec<bool>,
    extra: Count,
    steps: u32,
    /// Only answers with a key below this are looked for.
    limit: Option<Key>,
    /// Whether an answer at the limit is good enough, and the first one ends the search.
    any: bool,
    best: Option<Vec<usize>>,
}

impl<'a> Search<'a> {
    fn new(problem: &'a TagProblem) -> Self {
        let mut needs: Vec<&Vec<usize>> = problem.needs.iter().collect();
        needs.sort_by_key(|row| row.len());
        let count = problem.tags.len();
        Search {
            covers: columns(count, needs.iter().copied()),
            costs: columns(count, problem.charges.keys()),
            covered: vec![0; needs.len()],
            charged: vec![0; problem.charges.len()],
            charges: problem.charges.values().copied().collect(),
            needs,
            problem,
            chosen: Vec::new(),
            banned: vec![false; count],
            extra: Count::ZERO,
            steps: MOST_STEPS,
            limit: None,
            any: false,
            best: None,
        }
    }

    fn choose(&mut self, candidate: usize) {
        self.extra += self.added_extra(candidate);
        self.covers[candidate].iter().for_each(|&need| self.covered[need] += 1);
        self.costs[candidate].iter().for_each(|&charge| self.charged[charge] += 1);
        self.chosen.push(candidate);
    }

    fn unchoose(&mut self, candidate: usize) {
        self.chosen.retain(|&c| c != candidate);
        self.covers[candidate].iter().for_each(|&need| self.covered[need] -= 1);
        self.costs[candidate].iter().for_each(|&charge| self.charged[charge] -= 1);
        let freed = self.added_extra(candidate);
        self.extra = self.extra.checked_sub(freed).expect("it was added before");
    }

    fn added_extra(&self, candidate: usize) -> Count {
        let open = self.costs[candidate].iter().filter(|&&charge| self.charged[charge] == 0);
        open.map(|&charge| self.charges[charge]).sum()
    }

    fn newly_covered(&self, candidate: usize) -> usize {
        self.covers[candidate].iter().filter(|&&need| self.covered[need] == 0).count()
    }

    fn key(&self, more_tags: usize, more_extra: Count) -> Key {
        let tags = Count::from((self.chosen.len() + more_tags) as u64);
        let extra = self.extra + more_extra;
        match self.problem.goal {
            TagGoal::Fewest => (tags, extra),
            TagGoal::Exact | TagGoal::Tight => (extra, tags),
        }
    }

    fn key_of(&mut self, answer: &[usize]) -> Key {
        self.clear();
        answer.iter().for_each(|&c| self.choose(c));
        let key = self.key(0, Count::ZERO);
        self.clear();
        key
    }

    fn clear(&mut self) {
        while let Some(&last) = self.chosen.last() {
            self.unchoose(last);
        }
    }

    /// Always the candidate that does most for its price, then without those that turn out not to be needed.
    fn greedy(&mut self) -> Vec<usize> {
        while self.covered.contains(&0) {
            let all = (0..self.problem.tags.len()).filter(|&c| self.newly_covered(c) > 0);
            let next = all.reduce(|a, b| if self.is_greedier(b, a) { b } else { a });
            self.choose(next.expect("every need has a candidate"));
        }
        for candidate in self.chosen.clone().into_iter().rev() {
            if self.covers[candidate].iter().all(|&need| self.covered[need] > 1) {
                self.unchoose(candidate);
            }
        }
        let answer = self.chosen.clone();
        self.clear();
        answer
    }

    fn is_greedier(&self, b: usize, a: usize) -> bool {
        let (new_a, new_b) = (self.newly_covered(a), self.newly_covered(b));
        let (extra_a, extra_b) = (self.added_extra(a), self.added_extra(b));
        if self.problem.goal == TagGoal::Fewest {
            return (new_b, extra_a) > (new_a, extra_b);
        }
        // extra_b / new_b < extra_a / new_a, in whole numbers.
        let price_b = extra_b.checked_mul(new_a as u128);
        let price_a = extra_a.checked_mul(new_b as u128);
        (price_a, new_b) > (price_b, new_a)
    }

    /// The best answer if it is better than `bound`; nothing is proven once the steps are used up.
    fn better_than(&mut self, bound: &[usize]) -> Option<Vec<usize>> {
        self.limit = Some(self.key_of(bound));
        self.any = false;
        self.best = None;
        self.descend();
        self.best.take()
    }

    /// Of the answers as good as `answer` the first by names: each tag in turn is taken if some of them has it.
    fn first_by_names(&mut self, mut answer: Vec<usize>) -> Vec<usize> {
        self.limit = Some(self.key_of(&answer));
        self.any = true;
        self.steps = MOST_STEPS;
        for candidate in 0..self.problem.tags.len() {
            if !self.covered.contains(&0) || self.steps == 0 {
                break;
            }
            self.choose(candidate);
            if !answer.contains(&candidate) {
                self.best = None;
                self.descend();
                match self.best.take() {
                    Some(other) => answer = other,
                    None => {
                        self.unchoose(candidate);
                        self.banned[candidate] = true;
                    }
                }
            }
        }
        answer
    }

    fn descend(&mut self) {
        if self.steps == 0 || (self.any && self.best.is_some()) {
            return;
        }
        self.steps -= 1;
        let Some((tags, extra)) = self.still_needed() else { return };
        if !self.is_welcome(self.key(tags, extra)) {
            return;
        }
        let Some(need) = self.rarest_need() else {
            self.limit = Some(self.key(0, Count::ZERO));
            self.best = Some(self.chosen.clone());
            return;
        };
        let mut open: Vec<usize> = self.needs[need].iter().copied().filter(|&c| !self.banned[c]).collect();
        open.sort_by_key(|&c| (std::cmp::Reverse(self.newly_covered(c)), self.added_extra(c), c));
        for &candidate in &open {
            self.choose(candidate);
            self.descend();
            self.unchoose(candidate);
            // What this one leads to has been seen.
            self.banned[candidate] = true;
        }
        open.iter().for_each(|&candidate| self.banned[candidate] = false);
    }

    fn is_welcome(&self, key: Key) -> bool {
        self.limit.is_none_or(|limit| key < limit || (self.any && key == limit))
    }

    /// The open need with the fewest candidates left.
    fn rarest_need(&self) -> Option<usize> {
        let open = (0..self.needs.len()).filter(|&need| self.covered[need] == 0);
        open.min_by_key(|&need| self.needs[need].iter().filter(|&&c| !self.banned[c]).count())
    }

    /// At least so many more tags and extra addresses are needed; `None` if some need has no candidate left.
    ///
    /// Needs without a common candidate take a tag each, and the dearest need has to be met by its cheapest tag.
    fn still_needed(&self) -> Option<(usize, Count)> {
        let mut taken = vec![false; self.problem.tags.len()];
        let (mut tags, mut extra) = (0, Count::ZERO);
        for need in (0..self.needs.len()).filter(|&need| self.covered[need] == 0) {
            let open = || self.needs[need].iter().copied().filter(|&c| !self.banned[c]);
            extra = extra.max(open().map(|c| self.added_extra(c)).min()?);
            if !open().any(|c| taken[c]) {
                tags += 1;
                open().for_each(|c| taken[c] = true);
            }
        }
        Some((tags, extra))
    }
}
