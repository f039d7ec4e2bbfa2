//! The covering problem without addresses: which tags hold which cells of the target, and of what is beyond it.

use std::collections::{BTreeMap, BTreeSet};

use super::CoverGoal;
use crate::addr::{AddrSet, Address, Count, IntervalSet};
use crate::tags::index::{TagId, TagIndex};
use crate::tags::line::Line;

/// Tags, and cells of addresses that are in the same tags.
///
/// Tags are numbered in order of names. A cell of the target must be held by a chosen tag; a cell beyond the
/// target costs its addresses as soon as one is.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) tags: Vec<Candidate>,
    /// The tags that hold each cell of the target, ascending.
    pub(super) cells: Vec<Vec<usize>>,
    /// The addresses of each cell beyond the target.
    pub(super) prices: Vec<Count>,
}

/// A tag that may be chosen.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) id: TagId,
    /// The cells of the target that it holds, ascending.
    pub(super) needed: Vec<usize>,
    /// The cells beyond the target that it holds, ascending.
    pub(super) beyond: Vec<usize>,
}

/// What every cover must contain.
pub(super) struct Forced {
    pub(super) tags: Vec<TagId>,
    pub(super) extra: Count,
}

/// Members of a cell, and how much of it lies beyond the target.
struct Cell {
    members: Vec<TagId>,
    needed: bool,
    beyond: Count,
}

impl Model {
    /// The problem of covering `target`, reduced to tags that no other makes needless; `None` if an address of
    /// it is in no tag that may be chosen.
    pub(super) fn new(
        index: &TagIndex,
        target: &AddrSet,
        goal: CoverGoal,
        usable: impl Fn(TagId) -> bool,
    ) -> Option<Self> {
        let mut cells = weigh(&index.v4, &target.v4);
        cells.extend(weigh(&index.v6, &target.v6));
        let mut may = vec![false; index.names().len()];
        for cell in cells.iter().filter(|cell| cell.needed) {
            cell.members.iter().for_each(|&id| may[id.index()] = usable(id));
        }
        if goal == CoverGoal::Exact {
            for cell in cells.iter().filter(|cell| !cell.beyond.is_zero()) {
                cell.members.iter().for_each(|id| may[id.index()] = false);
            }
        }
        let model = Self::of_cells(&cells, &may)?;
        let kept = model.undominated(may.len());
        let mut model = Self::of_cells(&cells, &kept)?;
        model.keep_smallest_cells();
        Some(model)
    }

    fn of_cells(cells: &[Cell], may: &[bool]) -> Option<Self> {
        let numbers = numbers(may);
        let members = |cell: &Cell| -> Vec<usize> {
            let members = cell.members.iter().filter(|id| may[id.index()]);
            members.map(|id| numbers[id.index()]).collect()
        };
        let needed: BTreeSet<Vec<usize>> = cells.iter().filter(|c| c.needed).map(members).collect();
        if needed.first().is_some_and(Vec::is_empty) {
            return None;
        }
        let mut beyond: BTreeMap<Vec<usize>, Count> = BTreeMap::new();
        for cell in cells.iter().filter(|cell| !cell.beyond.is_zero()) {
            *beyond.entry(members(cell)).or_default() += cell.beyond;
        }
        let ids = (0..may.len()).filter(|&at| may[at]).map(TagId::at);
        let mut tags: Vec<Candidate> =
            ids.map(|id| Candidate { id, needed: Vec::new(), beyond: Vec::new() }).collect();
        for (cell, members) in needed.iter().enumerate() {
            members.iter().for_each(|&tag| tags[tag].needed.push(cell));
        }
        for (cell, members) in beyond.keys().enumerate() {
            members.iter().for_each(|&tag| tags[tag].beyond.push(cell));
        }
        Some(Model { tags, cells: needed.into_iter().collect(), prices: beyond.into_values().collect() })
    }

    /// By id, whether a tag is left once those that another one makes needless are gone.
    fn undominated(&self, tags: usize) -> Vec<bool> {
        let mut kept = vec![false; tags];
        for (at, tag) in self.tags.iter().enumerate() {
            // Whoever holds as much holds this cell too.
            let rarest = tag.needed.iter().min_by_key(|&&cell| self.cells[cell].len());
            let rivals = rarest.map_or(&[][..], |&cell| &self.cells[cell]);
            kept[tag.id.index()] = !rivals.iter().any(|&other| other != at && self.dominates(other, at));
        }
        kept
    }

    fn dominates(&self, other: usize, at: usize) -> bool {
        let (better, tag) = (&self.tags[other], &self.tags[at]);
        let alike = || better.needed.len() == tag.needed.len() && better.beyond.len() == tag.beyond.len();
        is_part(&tag.needed, &better.needed)
            && is_part(&better.beyond, &tag.beyond)
            && (other < at || !alike())
    }

    /// Drops cells of the target that are held wherever a smaller cell is.
    fn keep_smallest_cells(&mut self) {
        let mut order: Vec<Vec<usize>> = std::mem::take(&mut self.cells);
        order.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
        let mut by_first: Vec<Vec<usize>> = vec![Vec::new(); self.tags.len()];
        for cell in order {
            let implied = |&tag: &usize| by_first[tag].iter().any(|&c| is_part(&self.cells[c], &cell));
            if !cell.iter().any(implied) {
                by_first[cell[0]].push(self.cells.len());
                self.cells.push(cell);
            }
        }
        self.relink();
    }

    /// Takes the tags that alone hold a cell, and all cells they hold, out of the problem.
    pub(super) fn take_forced(&mut self) -> Forced {
        let mut forced: Vec<usize> = self.cells.iter().filter(|c| c.len() == 1).map(|c| c[0]).collect();
        forced.sort_unstable();
        forced.dedup();
        let mut extra = Count::ZERO;
        for &tag in &forced {
            for &cell in &self.tags[tag].beyond {
                extra += std::mem::take(&mut self.prices[cell]);
            }
        }
        self.cells.retain(|cell| !cell.iter().any(|tag| forced.binary_search(tag).is_ok()));
        let tags = forced.iter().map(|&tag| self.tags[tag].id).collect();
        self.relink();
        for tag in &mut self.tags {
            tag.beyond.retain(|&cell| !self.prices[cell].is_zero());
        }
        Forced { tags, extra }
    }

    /// Lists the cells of each tag anew.
    fn relink(&mut self) {
        self.tags.iter_mut().for_each(|tag| tag.needed.clear());
        for (at, cell) in self.cells.iter().enumerate() {
            cell.iter().for_each(|&tag| self.tags[tag].needed.push(at));
        }
    }

    /// Splits what is left into problems that share no tag and no cell. Tags without a cell of the target go.
    pub(super) fn parts(&self) -> Vec<Model> {
        let mut roots = Roots::new(self.tags.len());
        for cell in &self.cells {
            cell.iter().for_each(|&tag| roots.join(cell[0], tag));
        }
        let mut payer: Vec<Option<usize>> = vec![None; self.prices.len()];
        let takes_part = |tag: &usize| !self.tags[*tag].needed.is_empty();
        for tag in (0..self.tags.len()).filter(takes_part) {
            for &cell in &self.tags[tag].beyond {
                roots.join(*payer[cell].get_or_insert(tag), tag);
            }
        }
        let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for tag in (0..self.tags.len()).filter(takes_part) {
            groups.entry(roots.find(tag)).or_default().push(tag);
        }
        groups.into_values().map(|tags| self.part(&tags)).collect()
    }

    fn part(&self, chosen: &[usize]) -> Model {
        let place = |list: &[usize], item: usize| list.binary_search(&item).expect("all of a part is in it");
        let gather = |of: fn(&Candidate) -> &Vec<usize>| -> Vec<usize> {
            let all: BTreeSet<usize> = chosen.iter().flat_map(|&tag| of(&self.tags[tag])).copied().collect();
            all.into_iter().collect()
        };
        let (needed, beyond) = (gather(|tag| &tag.needed), gather(|tag| &tag.beyond));
        let tags = chosen.iter().map(|&tag| Candidate {
            id: self.tags[tag].id,
            needed: self.tags[tag].needed.iter().map(|&cell| place(&needed, cell)).collect(),
            beyond: self.tags[tag].beyond.iter().map(|&cell| place(&beyond, cell)).collect(),
        });
        let cells = needed.iter().map(|&cell| self.cells[cell].iter().map(|&t| place(chosen, t)).collect());
        let prices = beyond.iter().map(|&cell| self.prices[cell]);
        Model { tags: tags.collect(), cells: cells.collect(), prices: prices.collect() }
    }
}

/// One cell a group, those outside all tags and all targets aside.
fn weigh<A: Address>(line: &Line<A>, target: &IntervalSet<A>) -> Vec<Cell> {
    let mut total = vec![Count::ZERO; line.group_count()];
    let mut inside = vec![Count::ZERO; line.group_count()];
    line.segments().for_each(|(segment, group)| total[group as usize] += segment.count());
    for &interval in target.intervals() {
        line.within(interval).for_each(|(piece, group)| inside[group as usize] += piece.count());
    }
    let cells = (0..line.group_count()).map(|group| Cell {
        members: line.members(group as u32).to_vec(),
        needed: !inside[group].is_zero(),
        beyond: total[group].checked_sub(inside[group]).expect("a part is not more than the whole"),
    });
    cells.filter(|cell| cell.needed || !cell.members.is_empty()).collect()
}

/// The place of each true entry among the true ones.
fn numbers(may: &[bool]) -> Vec<usize> {
    let counts = may.iter().scan(0, |next, &may| {
        let number = *next;
        *next += usize::from(may);
        Some(number)
    });
    counts.collect()
}

/// Whether every item of `part` is in `whole`; both ascend.
fn is_part(part: &[usize], whole: &[usize]) -> bool {
    part.len() <= whole.len() && part.iter().all(|item| whole.binary_search(item).is_ok())
}

/// Groups of tags that hang together; the root is the first of them.
struct Roots(Vec<usize>);

impl Roots {
    fn new(len: usize) -> Self {
        Roots((0..len).collect())
    }

    fn find(&mut self, mut at: usize) -> usize {
        while self.0[at] != at {
            self.0[at] = self.0[self.0[at]];
            at = self.0[at];
        }
        at
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.find(a), self.find(b));
        self.0[a.max(b)] = a.min(b);
    }
}
