//! Which numbers of saved prefixes an optimum can have below each node, when a good part of a long list is saved.
//!
//! At a price for each prefix that is saved, the cheapest cover of a node is found in one step from those of its
//! children. Such a *lean* cover of the whole tree saves some number that nobody chose, but it bounds all others: whoever
//! saves `s` below a node pays at least what `s` costs more there than the lean cover does. A cover near the wanted number
//! bounds from the other side how much more an optimum can pay in all. So of each node's list only the numbers within
//! that gap are of use, which is a narrow part of it where many small choices add up.

use std::sync::Arc;

use super::part::{Family, Narrow, Part, Point, Price};
use super::savings::{Keep, Savings};
use super::solved::{Saved, Widen};
use super::tree::Tree;

/// A tree with what its nodes cost, in units of `2^shift`, which is `2^above` of the unit that all components share.
pub(super) struct Narrowing<A, C> {
    pub(super) tree: Arc<Tree<A>>,
    pub(super) whole: Vec<Option<C>>,
    pub(super) shift: u32,
    pub(super) above: u32,
    /// How often the cover is written.
    pub(super) times: i128,
    /// Of each inner node, as soon as there is a price.
    pub(super) lean: Vec<Lean>,
}

/// The lean covers below a node: their value, and the fewest and most prefixes that one of them saves.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Lean {
    value: i128,
    least: u32,
    most: u32,
}

impl<A: Family, C: Widen + Into<u64>> Narrowing<A, C> {
    fn lean_of(&self, node: u32) -> Lean {
        // A leaf saves nothing, at no cost.
        self.tree.inner_index(node).map_or_else(Lean::default, |index| self.lean[index])
    }

    fn cost(&self, cell: C) -> i128 {
        i128::from(cell.into()) << self.above
    }

    fn root(&self) -> Lean {
        self.tree.root().map_or_else(Lean::default, |root| self.lean_of(root))
    }

    /// So many saved below `node` by a lean cover, or the next number that is found.
    fn fill_below(&self, node: u32, wanted: u32) -> u32 {
        let lean = self.lean_of(node);
        if wanted <= lean.least || wanted >= lean.most {
            return wanted.clamp(lean.least, lean.most);
        }
        let inner = self.tree.inner()[self.tree.inner_index(node).expect("a leaf saves one number")];
        let (left, right) = (self.lean_of(inner.left), self.lean_of(inner.right));
        if wanted > left.most + right.most {
            return lean.most; // only the node whole saves so many
        }
        let on_left = self.fill_below(inner.left, wanted.saturating_sub(right.most).max(left.least));
        on_left + self.fill_below(inner.right, wanted.saturating_sub(on_left).max(right.least))
    }
}

impl<A: Family, C: Widen + Into<u64>> Narrow for Narrowing<A, C> {
    fn lean(&mut self, price: Price) -> Point {
        self.lean.clear();
        for (index, inner) in self.tree.inner().iter().enumerate() {
            let (left, right) = (self.lean_of(inner.left), self.lean_of(inner.right));
            let split = Lean {
                value: left.value + right.value,
                least: left.least + right.least,
                most: left.most + right.most,
            };
            let saved = inner.leaves - 1;
            let whole = self.whole[index].map(|cell| {
                price.value(Point { saved: i128::from(saved) * self.times, cost: self.cost(cell) })
            });
            let lean = match whole {
                Some(value) if value < split.value => Lean { value, least: saved, most: saved },
                Some(value) if value == split.value => Lean { most: saved, ..split },
                _ => split,
            };
            self.lean.push(lean);
        }
        let Lean { value, most, .. } = self.root();
        let saved = i128::from(most) * self.times;
        Point { saved, cost: (value + price.per_prefix * saved) / price.per_cost }
    }

    fn fill(&self, wanted: i128) -> i128 {
        let Some(root) = self.tree.root() else { return 0 };
        let each = (wanted.max(0) + self.times - 1) / self.times;
        i128::from(self.fill_below(root, u32::try_from(each).unwrap_or(u32::MAX))) * self.times
    }

    fn run(&self, price: Price, gap: i128, work: &mut u64) -> Option<Box<dyn Part>> {
        let value = |saved: usize, cell: C| {
            price.value(Point { saved: saved as i128 * self.times, cost: self.cost(cell) })
        };
        let keep = Keep { value: &value, gap };
        let savings = Savings::narrowed(&self.tree, |index| self.whole[index], &keep, work)?;
        Some(Box::new(Saved { tree: Arc::clone(&self.tree), savings, shift: self.shift }))
    }
}
