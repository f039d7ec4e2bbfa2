//! One set of one family as the joint budget sees it, before and after its programme has run.

use std::net::IpAddr;

use super::amount::Priced;
use crate::addr::{Address, Count, IpPrefix, Prefix};

/// A cost in the type that holds every total.
pub(crate) type Total = Priced<Count>;

/// An address family as the outside sees it.
pub(super) trait Family: Address {
    fn address(self) -> IpAddr;
    fn prefix(prefix: Prefix<Self>) -> IpPrefix;
}

impl Family for u32 {
    fn address(self) -> IpAddr {
        IpAddr::V4(self.into())
    }
    fn prefix(prefix: Prefix<Self>) -> IpPrefix {
        IpPrefix::V4(prefix)
    }
}

impl Family for u128 {
    fn address(self) -> IpAddr {
        IpAddr::V6(self.into())
    }
    fn prefix(prefix: Prefix<Self>) -> IpPrefix {
        IpPrefix::V6(prefix)
    }
}

/// A component whose curve is known, or the end of it that a budget needs.
pub(super) trait Part: Send + Sync {
    /// The number of prefixes that the curve begins with.
    fn start(&self) -> usize;
    /// The least cost by number of prefixes, from [`start`](Self::start) on.
    fn curve(&self) -> Vec<Total>;
    /// The cheapest `count` prefixes.
    fn cover(&self, count: usize) -> Vec<IpPrefix>;
}

/// A component before its programme has run, when only the smallest number of prefixes is known.
pub(super) trait Pending {
    /// The smallest number of prefixes that can do.
    fn least(&self) -> usize;
    /// The number of prefixes that cover the set exactly.
    fn leaves(&self) -> usize;
    /// Whether cost and number of extra addresses are the same thing.
    fn is_plain(&self) -> bool;
    /// An upper bound of every cost on the curve.
    fn bound(&self) -> Count;
    /// Required addresses of which no prefix can hold two, with a forbidden address between each and the next.
    fn anchors(&self) -> Vec<(IpAddr, Option<IpAddr>)>;
    /// The cost of each inner node that may be taken whole, children before parents, and what of it its children
    /// would cost taken whole. No node is cheaper than its children together.
    fn for_each_join(&self, each: &mut dyn FnMut(Join));
    /// Runs the programme from the smallest number of prefixes on, as far as `cap` of them.
    fn run(&self, cap: usize) -> Box<dyn Part>;
    /// Runs the programme from the exact cover down, as far as `most` is not passed; `None` if that takes more than
    /// `work` steps, of which those it took are taken off.
    fn run_back(&self, most: Count, work: &mut u64) -> Option<Box<dyn Part>>;
    /// The power of two that divides every cost, as far as the programmes count in units of it; `None` if nothing can
    /// be saved.
    fn shift(&self) -> Option<u32>;
    /// What a part of the curve is narrowed down with, for a cover that is written `times` times and costs in units of
    /// `2^unit`; `None` if cost and extra addresses differ, or totals do not fit a machine word.
    fn narrow(&self, times: usize, unit: u32) -> Option<Box<dyn Narrow>>;
}

/// Two neighbours of the tree of prefixes become one: a prefix less.
#[derive(Debug, Clone, Copy)]
pub(super) struct Join {
    /// The cost of the node whole.
    pub(super) cost: Count,
    /// What that is more than its two children whole.
    pub(super) more: Count,
}

/// What a saved prefix is worth: `per_prefix / per_cost` of a unit of cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Price {
    pub(crate) per_prefix: i128,
    pub(crate) per_cost: i128,
}

/// A number of saved prefixes and its cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Point {
    pub(crate) saved: i128,
    pub(crate) cost: i128,
}

impl Price {
    /// What a point costs less what it is worth.
    pub(crate) fn value(self, point: Point) -> i128 {
        self.per_cost * point.cost - self.per_prefix * point.saved
    }
}

/// A component whose costs fit a machine word, before its programme has run.
pub(crate) trait Narrow {
    /// Finds the lean covers at a price; the one that saves most.
    fn lean(&mut self, price: Price) -> Point;
    /// How many prefixes a lean cover saves that saves `wanted` or little more, or as many as any does if those are less.
    fn fill(&self, wanted: i128) -> i128;
    /// Runs the programme for covers that are not more than `gap` above the lean ones; `None` if that takes more than
    /// `work` steps, of which those it took are taken off.
    fn run(&self, price: Price, gap: i128, work: &mut u64) -> Option<Box<dyn Part>>;
}
