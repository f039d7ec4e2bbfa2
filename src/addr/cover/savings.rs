//! The dynamic programme from the other end: how many prefixes of the exact cover can be saved within a budget.

use std::collections::HashMap;
use std::collections::hash_map::{DefaultHasher, Entry};
use std::hash::{BuildHasher, BuildHasherDefault, Hash};

use super::amount::{Amount, combine, combine_convex, combine_within, last_split};
use super::tree::Tree;
use crate::addr::{Address, Prefix};

/// The least cost of saving exactly `s` prefixes below every inner node, for every `s` within a budget.
///
/// `s` saved of `n` is `n - s` prefixes, so this is the programme of [`Program`](super::program::Program) read from
/// the exact end. What differs is where it stops: a cost that passes the budget is of no use to any node above, and
/// costs only rise with `s`. So a list ends there, and most nodes of a large tree have the list of a leaf: nothing can
/// be saved below them.
///
/// Subtrees that look alike save alike. Each list of costs is a class that is worked out once, and so is each pair of
/// classes that meet at a node of a certain cost.
pub(super) struct Savings<C> {
    /// The class of each inner node, and of each leaf, which is one for all if they cost the same.
    inner: Vec<u32>,
    leaf: Vec<u32>,
    classes: Classes<C>,
}

/// The lists that occur, each once.
struct Classes<C> {
    /// How many prefixes the first cell of each class saves: none, unless lists are narrowed.
    lows: Vec<u32>,
    /// Where the cells of each class begin; one more at the end.
    starts: Vec<usize>,
    cells: Vec<C>,
    /// Where a list with that hash is. Two lists of one hash are two classes: only speed depends on it.
    known: Map<u64, u32>,
    /// What two classes below a node make.
    made: Map<Below<C>, u32>,
}

/// Two classes below a node, and what the node saves and costs whole, if it may be taken so.
type Below<C> = (u32, u32, Option<(usize, C)>);

/// Which part of a list is kept: what is at most `gap` above the least value.
pub(super) struct Keep<'a, C> {
    /// The value of saving so many at such a cost.
    pub(super) value: &'a dyn Fn(usize, C) -> i128,
    pub(super) gap: i128,
}

/// Always the same hash function, so that the same input takes the same steps.
type Map<K, V> = HashMap<K, V, BuildHasherDefault<DefaultHasher>>;

impl<C: Amount + Hash> Savings<C> {
    /// Runs the programme as far as the cost `most`; `whole` says what an inner node costs, `leaf` what each leaf
    /// does or all of them do. `None` if it takes more than `work` additions; those it took are taken off.
    ///
    /// For `n` leaves, a budget of `e` and `d` bits in an address: `O(n * min(e, n))` additions and at most
    /// `n * min(e, d)` cells. Without prices of 0 an extra prefix costs at least 1, so that `e` bounds each list.
    pub(super) fn run<A: Address>(
        tree: &Tree<A>,
        whole: impl Fn(usize) -> Option<C>,
        leaf: &[C],
        most: C,
        work: &mut u64,
    ) -> Option<Self> {
        let mut classes = Classes::new();
        let leaf = leaf.iter().map(|&cost| classes.add(0, &[cost])).collect();
        let mut savings = Savings { inner: Vec::with_capacity(tree.inner().len()), leaf, classes };
        for (index, node) in tree.inner().iter().enumerate() {
            let (left, right) = (savings.class(tree, node.left), savings.class(tree, node.right));
            // No node is cheaper than both its children whole, so it can be within the budget only if they are.
            let can_be = savings.has_whole(tree, node.left) && savings.has_whole(tree, node.right);
            let whole = if can_be { whole(index).filter(|cost| cost.is_within(most)) } else { None };
            let whole = whole.map(|cost| (node.leaves as usize - 1, cost));
            let class = savings.classes.meet(left, right, whole, most, work)?;
            savings.inner.push(class);
        }
        Some(savings)
    }

    /// The same for leaves that cost nothing, of the numbers of saved prefixes alone that `keep` keeps at each node.
    ///
    /// What an optimum has below a node must be kept. Other cells may cost more than the least, never less: so none of
    /// them can be taken for a part of an optimum of the most saved prefixes.
    pub(super) fn narrowed<A: Address>(
        tree: &Tree<A>,
        whole: impl Fn(usize) -> Option<C>,
        keep: &Keep<'_, C>,
        work: &mut u64,
    ) -> Option<Self>
    where
        C: Into<u64>,
    {
        let mut classes = Classes::new();
        let leaf = vec![classes.add(0, &[C::ZERO])];
        let mut savings = Savings { inner: Vec::with_capacity(tree.inner().len()), leaf, classes };
        for (index, node) in tree.inner().iter().enumerate() {
            let (left, right) = (savings.class(tree, node.left), savings.class(tree, node.right));
            let whole = whole(index).map(|cost| (node.leaves as usize - 1, cost));
            let class = savings.classes.meet_narrowly((left, right), whole, keep, work)?;
            savings.inner.push(class);
        }
        Some(savings)
    }

    /// The least cost by number of prefixes saved, and from what number on; `None` without any prefix.
    pub(super) fn of_root<A: Address>(&self, tree: &Tree<A>) -> Option<(usize, &[C])> {
        tree.root().map(|root| (self.low(tree, root), self.cells(tree, root)))
    }

    /// Appends the cheapest prefixes below `node`, so many `saved`, ascending.
    ///
    /// Ties as in [`Program::cover`](super::program::Program::cover): a node whole if one prefix is left, else the
    /// fewest on the left, where as many as can be are saved.
    pub(super) fn cover<A: Address>(
        &self,
        tree: &Tree<A>,
        node: u32,
        saved: usize,
        out: &mut Vec<Prefix<A>>,
    ) {
        let Some(index) = tree.inner_index(node).filter(|_| saved > 0) else {
            out.extend_from_slice(tree.leaves_of(node));
            return;
        };
        if saved + 1 == tree.leaves_below(index).len() {
            out.push(tree.prefix(node));
            return;
        }
        let inner = tree.inner()[index];
        let wanted = self.cells(tree, node)[saved - self.low(tree, node)];
        let (left, right) = (self.low(tree, inner.left), self.low(tree, inner.right));
        let (on_left, on_right) = (self.cells(tree, inner.left), self.cells(tree, inner.right));
        let on_left = left + last_split(on_left, on_right, saved - left - right, wanted);
        self.cover(tree, inner.left, on_left, out);
        self.cover(tree, inner.right, saved - on_left, out);
    }

    fn class<A: Address>(&self, tree: &Tree<A>, node: u32) -> u32 {
        match tree.inner_index(node) {
            Some(index) => self.inner[index],
            None if self.leaf.len() == 1 => self.leaf[0],
            None => self.leaf[node as usize],
        }
    }

    fn low<A: Address>(&self, tree: &Tree<A>, node: u32) -> usize {
        self.classes.lows[self.class(tree, node) as usize] as usize
    }

    fn cells<A: Address>(&self, tree: &Tree<A>, node: u32) -> &[C] {
        self.classes.cells(self.class(tree, node))
    }

    /// Whether everything below `node` can be saved but one prefix, within the budget.
    fn has_whole<A: Address>(&self, tree: &Tree<A>, node: u32) -> bool {
        self.cells(tree, node).len() == tree.leaves_of(node).len()
    }
}

impl<C: Amount + Hash> Classes<C> {
    fn new() -> Self {
        Classes {
            lows: Vec::new(),
            starts: vec![0],
            cells: Vec::new(),
            known: Map::default(),
            made: Map::default(),
        }
    }

    #[inline]
    fn cells(&self, class: u32) -> &[C] {
        &self.cells[self.starts[class as usize]..self.starts[class as usize + 1]]
    }

    /// The class of a node above two others.
    fn meet(
        &mut self,
        left: u32,
        right: u32,
        whole: Option<(usize, C)>,
        most: C,
        work: &mut u64,
    ) -> Option<u32> {
        let nothing = [C::ZERO];
        if whole.is_none() && self.cells(left) == nothing {
            return Some(right);
        }
        if whole.is_none() && self.cells(right) == nothing {
            return Some(left);
        }
        if let Some(&class) = self.made.get(&(left, right, whole)) {
            return Some(class);
        }
        let (a, b) = (self.cells(left), self.cells(right));
        *work = work.checked_sub(a.len() as u64 * b.len() as u64)?;
        let mut cells = combine_within(a, b, most);
        if let Some((saved, cost)) = whole {
            debug_assert_eq!(cells.len(), saved, "what is below costs no more");
            cells.push(cost);
        }
        let class = self.add(0, &cells);
        self.made.insert((left, right, whole), class);
        Some(class)
    }

    /// The class of a node above two others, narrowed to what is kept.
    fn meet_narrowly(
        &mut self,
        (left, right): (u32, u32),
        whole: Option<(usize, C)>,
        keep: &Keep<'_, C>,
        work: &mut u64,
    ) -> Option<u32>
    where
        C: Into<u64>,
    {
        if let Some(&class) = self.made.get(&(left, right, whole)) {
            return Some(class);
        }
        let (a, b) = (self.cells(left), self.cells(right));
        *work = work.checked_sub((a.len() + b.len()) as u64)?;
        let mut low = (self.lows[left as usize] + self.lows[right as usize]) as usize;
        let mut cells = match combine_convex(a, b) {
            Some(cells) => cells,
            None => {
                *work = work.checked_sub(a.len() as u64 * b.len() as u64)?;
                let mut cells = vec![C::MOST; a.len() + b.len() - 1];
                combine(a, b, &mut cells);
                cells
            }
        };
        let value = |low: usize, at: usize, cell: C| (keep.value)(low + at, cell);
        let values = cells.iter().enumerate().map(|(at, &cell)| value(low, at, cell));
        let parts = values.min().expect("lists are not empty");
        if let Some((saved, cost)) = whole {
            let whole = (keep.value)(saved, cost);
            if whole.saturating_add(keep.gap) < parts {
                (low, cells) = (saved, vec![cost]);
            } else if whole <= parts.saturating_add(keep.gap) {
                // Whoever wants fewer saved than the node whole saves may pay for that.
                *work = work.checked_sub((saved - low) as u64)?;
                cells.resize(saved - low, cost);
                cells.push(cost);
            }
        }
        for at in (1..cells.len()).rev() {
            cells[at - 1] = cells[at - 1].min(cells[at]);
        }
        let values = || cells.iter().enumerate().map(|(at, &cell)| value(low, at, cell));
        let most = values().min().expect("lists are not empty").saturating_add(keep.gap);
        let first = values().position(|value| value <= most).expect("the least is kept");
        let last = values().rposition(|value| value <= most).expect("the least is kept");
        let class = self.add((low + first) as u32, &cells[first..=last]);
        self.made.insert((left, right, whole), class);
        Some(class)
    }

    /// The class with these cells, of which the first saves `low`.
    fn add(&mut self, low: u32, cells: &[C]) -> u32 {
        let new = (self.starts.len() - 1) as u32;
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one((low, cells));
        match self.known.entry(hash) {
            Entry::Vacant(place) => drop(place.insert(new)),
            Entry::Occupied(place) => {
                let class = *place.get() as usize;
                let same = self.cells[self.starts[class]..self.starts[class + 1]] == *cells;
                if same && self.lows[class] == low {
                    return class as u32;
                }
            }
        }
        self.lows.push(low);
        self.cells.extend_from_slice(cells);
        self.starts.push(self.cells.len());
        new
    }
}
