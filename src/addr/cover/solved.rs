//! Programmes that have run, as the outside sees them: in whole addresses, whatever type they ran in.

use std::hash::Hash;
use std::sync::Arc;

use super::amount::{Amount, Priced};
use super::part::{Family, Part, Total};
use super::program::Program;
use super::savings::Savings;
use super::tree::Tree;
use crate::addr::{Count, IpPrefix, Prefix};

/// A tree with its finished programme; costs are in units of `2^shift`.
pub(super) struct Solved<A, C> {
    pub(super) tree: Arc<Tree<A>>,
    pub(super) program: Program<C>,
    pub(super) shift: u32,
}

/// A tree with what can be saved of its exact cover; costs are in units of `2^shift`.
pub(super) struct Saved<A, C> {
    pub(super) tree: Arc<Tree<A>>,
    pub(super) savings: Savings<C>,
    pub(super) shift: u32,
}

/// The way into the type that a programme runs in, and back.
pub(super) trait Widen: Amount + Hash {
    /// In units of `2^shift`, rounded down; no total of a component is above its bound, so that it fits.
    fn narrow(total: Total, shift: u32) -> Self;
    fn widen(self, shift: u32) -> Total;
}

macro_rules! plain {
    ($($ty:ty)*) => {$(
        impl Widen for $ty {
            fn narrow(total: Total, shift: u32) -> Self {
                let wide = total.cost.shifted_down(shift).to_u128();
                wide.and_then(|wide| wide.try_into().ok()).expect("not above the bound")
            }
            fn widen(self, shift: u32) -> Total {
                let cost = Count::from(self).shifted_up(shift);
                Total { cost, extra: cost, fresh: 0 }
            }
        }
    )*};
}
plain!(u32 u64 u128);

impl Widen for Priced<u64> {
    fn narrow(total: Total, shift: u32) -> Self {
        let word = |count: Count| count.shifted_down(shift).to_u64().expect("not above the bound");
        Priced { cost: word(total.cost), extra: word(total.extra), fresh: total.fresh }
    }
    fn widen(self, shift: u32) -> Total {
        let wide = |n: u64| Count::from(n).shifted_up(shift);
        Total { cost: wide(self.cost), extra: wide(self.extra), fresh: self.fresh }
    }
}

impl Widen for Priced<Count> {
    fn narrow(total: Total, shift: u32) -> Self {
        let Total { cost, extra, fresh } = total;
        Priced { cost: cost.shifted_down(shift), extra: extra.shifted_down(shift), fresh }
    }
    fn widen(self, shift: u32) -> Total {
        let Priced { cost, extra, fresh } = self;
        Total { cost: cost.shifted_up(shift), extra: extra.shifted_up(shift), fresh }
    }
}

fn prefixes<A: Family>(list: Vec<Prefix<A>>) -> Vec<IpPrefix> {
    list.into_iter().map(A::prefix).collect()
}

impl<A: Family, C: Widen> Part for Solved<A, C> {
    fn start(&self) -> usize {
        self.program.least(&self.tree)
    }

    fn curve(&self) -> Vec<Total> {
        match self.tree.root() {
            None => vec![Total::ZERO],
            Some(_) => self.program.curve(&self.tree).iter().map(|c| c.widen(self.shift)).collect(),
        }
    }

    fn cover(&self, count: usize) -> Vec<IpPrefix> {
        let mut out = Vec::with_capacity(count);
        if let Some(root) = self.tree.root() {
            self.program.cover(&self.tree, root, count, &mut out);
        }
        prefixes(out)
    }
}

impl<A: Family, C: Widen> Part for Saved<A, C> {
    fn start(&self) -> usize {
        let most = self.savings.of_root(&self.tree).map(|(low, cells)| low + cells.len() - 1);
        most.map_or(0, |most| self.tree.leaves().len() - most)
    }

    fn curve(&self) -> Vec<Total> {
        match self.savings.of_root(&self.tree) {
            None => vec![Total::ZERO],
            Some((_, cells)) => cells.iter().rev().map(|c| c.widen(self.shift)).collect(),
        }
    }

    fn cover(&self, count: usize) -> Vec<IpPrefix> {
        let mut out = Vec::with_capacity(count);
        if let Some(root) = self.tree.root() {
            let saved = self.tree.leaves().len() - count;
            self.savings.cover(&self.tree, root, saved, &mut out);
        }
        prefixes(out)
    }
}
