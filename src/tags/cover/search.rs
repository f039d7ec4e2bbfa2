//! Branch and bound over one part of a covering problem.

use super::CoverGoal;
use super::model::Model;
use crate::addr::Count;

/// What the search may still look at.
pub(super) struct Effort {
    left: u64,
    spent: bool,
}

impl Effort {
    pub(super) fn new(total: u64) -> Self {
        Effort { left: total, spent: false }
    }

    /// Whether more was asked for than there was.
    pub(super) fn is_spent(&self) -> bool {
        self.spent
    }

    fn take(&mut self, amount: usize) -> bool {
        match self.left.checked_sub(amount as u64) {
            Some(left) => self.left = left,
            None => self.spent = true,
        }
        !self.spent
    }
}

/// The tags chosen in one part, by their numbers there, ascending.
pub(super) struct Solved {
    pub(super) tags: Vec<usize>,
    pub(super) extra: Count,
}

/// Two quantities, the more important first.
type Score = (Count, Count);

/// The best cover of `part`; the best that was found where the effort runs out.
pub(super) fn solve(part: &Model, goal: CoverGoal, effort: &mut Effort) -> Solved {
    let mut search = Search::new(part, goal, effort);
    let mut best = search.greedy();
    let mut limit = search.score_of(&best);
    while let Some(better) = search.below(limit) {
        limit = search.score_of(&better);
        best = better;
    }
    let tags = search.first_by_name(best, limit);
    let extra = search.extra_of(&tags);
    Solved { tags, extra }
}

/// A partial choice, and what it leaves to do.
struct Search<'a> {
    part: &'a Model,
    goal: CoverGoal,
    effort: &'a mut Effort,
    /// How many chosen tags hold each cell of the target, and each cell beyond it.
    held: Vec<u32>,
    paid: Vec<u32>,
    /// Tags that are not to be chosen any more.
    banned: Vec<bool>,
    chosen: Vec<usize>,
    missing: usize,
    extra: Count,
    /// Memberships that one look at everything goes through.
    size: usize,
}

impl<'a> Search<'a> {
    fn new(part: &'a Model, goal: CoverGoal, effort: &'a mut Effort) -> Self {
        Search {
            part,
            goal,
            effort,
            held: vec![0; part.cells.len()],
            paid: vec![0; part.prices.len()],
            banned: vec![false; part.tags.len()],
            chosen: Vec::new(),
            missing: part.cells.len(),
            extra: Count::ZERO,
            size: part.tags.iter().map(|tag| tag.needed.len() * (1 + tag.beyond.len())).sum(),
        }
    }

    fn score(&self, tags: usize, extra: Count) -> Score {
        let tags = Count::from(tags as u64);
        if self.goal == CoverGoal::Tight { (extra, tags) } else { (tags, extra) }
    }

    fn extra_of(&self, tags: &[usize]) -> Count {
        let mut beyond: Vec<usize> = tags.iter().flat_map(|&t| &self.part.tags[t].beyond).copied().collect();
        beyond.sort_unstable();
        beyond.dedup();
        beyond.into_iter().map(|cell| self.part.prices[cell]).sum()
    }

    fn score_of(&self, tags: &[usize]) -> Score {
        self.score(tags.len(), self.extra_of(tags))
    }

    fn choose(&mut self, tag: usize) {
        for &cell in &self.part.tags[tag].needed {
            self.missing -= usize::from(self.held[cell] == 0);
            self.held[cell] += 1;
        }
        for &cell in &self.part.tags[tag].beyond {
            if self.paid[cell] == 0 {
                self.extra += self.part.prices[cell];
            }
            self.paid[cell] += 1;
        }
        self.chosen.push(tag);
    }

    fn undo(&mut self) {
        let tag = self.chosen.pop().expect("undone after a choice");
        for &cell in &self.part.tags[tag].needed {
            self.held[cell] -= 1;
            self.missing += usize::from(self.held[cell] == 0);
        }
        for &cell in &self.part.tags[tag].beyond {
            self.paid[cell] -= 1;
            if self.paid[cell] == 0 {
                self.extra = self.extra.checked_sub(self.part.prices[cell]).expect("it was added");
            }
        }
    }

    /// How many missing cells a tag would hold.
    fn gain(&self, tag: usize) -> usize {
        self.part.tags[tag].needed.iter().filter(|&&cell| self.held[cell] == 0).count()
    }

    /// What choosing a tag would add to the extra addresses.
    fn price(&self, tag: usize) -> Count {
        let unpaid = self.part.tags[tag].beyond.iter().filter(|&&cell| self.paid[cell] == 0);
        unpaid.map(|&cell| self.part.prices[cell]).sum()
    }

    /// A good cover at once: always the tag that adds most, or costs least; then without what it made needless.
    fn greedy(&mut self) -> Vec<usize> {
        while self.missing > 0 {
            let useful = (0..self.part.tags.len()).filter(|&tag| self.gain(tag) > 0);
            let rank = |&tag: &usize| {
                let (lost, price) =
                    (Count::from((self.part.cells.len() - self.gain(tag)) as u64), self.price(tag));
                if self.goal == CoverGoal::Tight { (price, lost, tag) } else { (lost, price, tag) }
            };
            let tag = useful.min_by_key(rank).expect("every cell is held by a tag");
            self.choose(tag);
        }
        let mut tags = std::mem::take(&mut self.chosen);
        for at in (0..tags.len()).rev() {
            let needless = self.part.tags[tags[at]].needed.iter().all(|&cell| self.held[cell] > 1);
            if needless {
                let tag = tags.remove(at);
                self.part.tags[tag].needed.iter().for_each(|&cell| self.held[cell] -= 1);
            }
        }
        self.reset();
        tags.sort_unstable();
        tags
    }

    fn reset(&mut self) {
        self.held.fill(0);
        self.paid.fill(0);
        self.chosen.clear();
        self.missing = self.part.cells.len();
        self.extra = Count::ZERO;
    }

    /// Any way to complete the choice with a score below `limit`; `None` also where the effort is spent.
    fn below(&mut self, limit: Score) -> Option<Vec<usize>> {
        if self.missing == 0 {
            let found = self.score(self.chosen.len(), self.extra) < limit;
            return found.then(|| self.sorted_choice());
        }
        if !self.effort.take(self.size) || self.bound() >= limit {
            return None;
        }
        let options = self.options();
        let mut found = None;
        for (at, &tag) in options.iter().enumerate() {
            self.choose(tag);
            found = self.below(limit);
            self.undo();
            if found.is_some() || self.effort.is_spent() {
                options[..at].iter().for_each(|&tag| self.banned[tag] = false);
                return found;
            }
            // Whatever contains this tag has been seen.
            self.banned[tag] = true;
        }
        options.iter().for_each(|&tag| self.banned[tag] = false);
        found
    }

    fn sorted_choice(&self) -> Vec<usize> {
        let mut tags = self.chosen.clone();
        tags.sort_unstable();
        tags
    }

    fn open<'s>(&'s self, cell: usize) -> impl Iterator<Item = usize> + 's {
        self.part.cells[cell].iter().copied().filter(|&tag| !self.banned[tag])
    }

    /// The tags for the missing cell that has fewest, the most promising first.
    fn options(&self) -> Vec<usize> {
        let missing = (0..self.held.len()).filter(|&cell| self.held[cell] == 0);
        let rarest = missing.min_by_key(|&cell| self.open(cell).count()).expect("a cell is missing");
        let mut options: Vec<usize> = self.open(rarest).collect();
        let most = self.part.cells.len();
        options.sort_by_cached_key(|&tag| {
            let (lost, price) = (Count::from((most - self.gain(tag)) as u64), self.price(tag));
            if self.goal == CoverGoal::Tight { (price, lost, tag) } else { (lost, price, tag) }
        });
        options
    }

    /// No way to complete the choice scores less.
    ///
    /// Cells without a common tag need a tag each. Likewise each cell costs at least its cheapest tag's addresses,
    /// counting only cells beyond the target that no cell before could have paid for.
    fn bound(&self) -> Score {
        let mut order: Vec<usize> = (0..self.held.len()).filter(|&cell| self.held[cell] == 0).collect();
        order.sort_by_cached_key(|&cell| self.open(cell).count());
        let (mut used, mut counted) = (self.banned.clone(), vec![false; self.paid.len()]);
        let (mut tags, mut extra) = (self.chosen.len(), self.extra);
        for cell in order {
            if self.open(cell).all(|tag| !used[tag]) {
                tags += 1;
                self.open(cell).for_each(|tag| used[tag] = true);
            }
            let unpaid = |tag: usize| {
                let beyond = self.part.tags[tag].beyond.iter().copied();
                beyond.filter(|&cell| self.paid[cell] == 0)
            };
            let price = |tag| unpaid(tag).filter(|&c| !counted[c]).map(|c| self.part.prices[c]).sum();
            extra += self.open(cell).map(price).min().unwrap_or(Count::ZERO);
            self.open(cell).for_each(|tag| unpaid(tag).for_each(|c| counted[c] = true));
        }
        self.score(tags, extra)
    }

    /// Of the covers that score `best`, the one whose names come first; `known` is any of them.
    fn first_by_name(&mut self, mut known: Vec<usize>, best: Score) -> Vec<usize> {
        let just_above = (best.0, best.1 + Count::from(1_u64));
        for tag in 0..self.part.tags.len() {
            if self.missing == 0 || self.effort.is_spent() {
                break;
            }
            if known.binary_search(&tag).is_ok() {
                self.choose(tag);
                continue;
            }
            // In a best cover every tag holds a cell that the others leave out.
            if self.gain(tag) > 0 {
                self.choose(tag);
                if let Some(found) = self.below(just_above) {
                    known = found;
                    continue;
                }
                self.undo();
            }
            self.banned[tag] = true;
        }
        known
    }
}
