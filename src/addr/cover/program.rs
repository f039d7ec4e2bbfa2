//! The dynamic programme over one tree: the least cost of every number of prefixes.

use super::amount::{Amount, combine, first_split};
use super::tree::Tree;
use crate::addr::{Address, Prefix};

/// The least cost of exactly `k` prefixes below every inner node, for every `k` that can be met.
///
/// Below a node every number from its smallest (maximal nodes free of forbidden addresses) to its number of
/// leaves can be met, and more prefixes never cost more: that is why no cell means "impossible".
pub(super) struct Program<C> {
    /// Where the cells of each inner node begin; one more at the end.
    starts: Vec<usize>,
    /// The smallest number of prefixes of each inner node, which its first cell stands for.
    least: Vec<u32>,
    cells: Vec<C>,
    /// What each leaf costs by itself; a single value if it is the same for all.
    leaf: Vec<C>,
}

/// What the programme needs to know of the tree's nodes.
pub(super) struct Terms<C> {
    /// The cost of taking each inner node whole, or `None` where that is forbidden.
    pub(super) whole: Vec<Option<C>>,
    /// What each leaf costs by itself; a single value if it is the same for all.
    pub(super) leaf: Vec<C>,
    /// The smallest number of prefixes below each inner node; see [`least_prefixes`].
    pub(super) least: Vec<u32>,
}

/// The smallest number of prefixes below each inner node; `free` says whether it may be taken whole.
pub(super) fn least_prefixes<A: Address>(tree: &Tree<A>, free: impl Fn(usize) -> bool) -> Vec<u32> {
    let mut least: Vec<u32> = Vec::with_capacity(tree.inner().len());
    for (index, inner) in tree.inner().iter().enumerate() {
        let of = |node| tree.inner_index(node).map_or(1, |i| least[i]);
        let number = if free(index) { 1 } else { of(inner.left) + of(inner.right) };
        least.push(number);
    }
    least
}

impl<C: Amount> Program<C> {
    /// Runs the programme for at most `cap` prefixes in all; `cap` is not below the root's smallest number.
    ///
    /// `O(n * cap)` time and at most `n * min(cap, depth)` cells for `n` leaves.
    pub(super) fn run<A: Address>(tree: &Tree<A>, terms: Terms<C>, cap: usize) -> Self {
        let Terms { whole, leaf, least } = terms;
        let spare = cap - least.last().map_or(1, |&l| l as usize).min(cap);
        let mut program = Program { starts: vec![0], least, cells: Vec::new(), leaf };
        for (index, inner) in tree.inner().iter().enumerate() {
            let least = program.least[index] as usize;
            // Whatever lies elsewhere takes at least its smallest number, so a node has only `spare` to add.
            let most = (inner.leaves as usize).min(least + spare);
            let start = program.cells.len();
            program.cells.resize(start + most - least + 1, C::MOST);
            program.starts.push(program.cells.len());
            let (done, new) = program.cells.split_at_mut(start);
            let below = Cells { starts: &program.starts, cells: done, leaf: &program.leaf };
            let (left, right) = (below.of(tree, inner.left), below.of(tree, inner.right));
            match whole[index] {
                None => combine(left, right, new),
                Some(cost) => {
                    new[0] = cost;
                    combine(left, right, &mut new[1..]);
                }
            }
        }
        program
    }

    /// The least cost by number of prefixes, from the root's smallest number on.
    pub(super) fn curve<A: Address>(&self, tree: &Tree<A>) -> &[C] {
        tree.root().map_or(&[], |root| self.cells_of(tree, root))
    }

    /// The smallest number of prefixes of the whole tree.
    pub(super) fn least<A: Address>(&self, tree: &Tree<A>) -> usize {
        tree.root().map_or(0, |root| self.least_of(tree, root))
    }

    /// Appends the cheapest `count` prefixes below `node`, ascending.
    ///
    /// Ties: a node whole if one prefix is asked for, else the fewest on the left.
    pub(super) fn cover<A: Address>(
        &self,
        tree: &Tree<A>,
        node: u32,
        count: usize,
        out: &mut Vec<Prefix<A>>,
    ) {
        let Some(index) = tree.inner_index(node).filter(|_| count > 1) else {
            out.push(tree.prefix(node));
            return;
        };
        let inner = tree.inner()[index];
        let wanted = self.cells_of(tree, node)[count - self.least[index] as usize];
        let (left, right) = (self.cells_of(tree, inner.left), self.cells_of(tree, inner.right));
        let (least_left, least_right) = (self.least_of(tree, inner.left), self.least_of(tree, inner.right));
        let on_left = least_left + first_split(left, right, count - least_left - least_right, wanted);
        self.cover(tree, inner.left, on_left, out);
        self.cover(tree, inner.right, count - on_left, out);
    }

    fn cells_of<A: Address>(&self, tree: &Tree<A>, node: u32) -> &[C] {
        Cells { starts: &self.starts, cells: &self.cells, leaf: &self.leaf }.of(tree, node)
    }

    fn least_of<A: Address>(&self, tree: &Tree<A>, node: u32) -> usize {
        tree.inner_index(node).map_or(1, |i| self.least[i] as usize)
    }
}

/// The finished cells, borrowed apart from those in the making.
struct Cells<'a, C> {
    starts: &'a [usize],
    cells: &'a [C],
    leaf: &'a [C],
}

impl<'a, C: Amount> Cells<'a, C> {
    fn of<A: Address>(&self, tree: &Tree<A>, node: u32) -> &'a [C] {
        match tree.inner_index(node) {
            Some(i) => &self.cells[self.starts[i]..self.starts[i + 1]],
            None if self.leaf.len() == 1 => self.leaf,
            None => std::slice::from_ref(&self.leaf[node as usize]),
        }
    }
}
