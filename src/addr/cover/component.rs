//! One set of one family: its tree, what its nodes cost, and the programme over it.

use std::collections::HashSet;
use std::net::IpAddr;

use super::amount::{Amount, Priced};
use super::price::PriceMap;
use super::program::{Program, Terms, least_prefixes};
use super::tree::Tree;
use crate::addr::{Address, Count, IntervalSet, IpPrefix, Prefix};

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

/// A component whose curve is known.
pub(super) trait Part: Send + Sync {
    /// The least cost by number of prefixes, from the smallest number on.
    fn curve(&self) -> Vec<Total>;
    /// The cheapest `count` prefixes.
    fn cover(&self, count: usize) -> Vec<IpPrefix>;
}

/// A component before its programme has run, when only the smallest number of prefixes is known.
pub(super) trait Pending: Send + Sync {
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
    /// Runs the programme for at most `cap` prefixes.
    fn run(self: Box<Self>, cap: usize) -> Box<dyn Part>;
}

pub(super) struct Component<A> {
    tree: Tree<A>,
    never: IntervalSet<A>,
    /// What taking each inner node whole costs, or `None` where it holds a forbidden address.
    whole: Vec<Option<Total>>,
    least: Vec<u32>,
    /// For each leaf whether the previous generation had it not; a single 0 without one.
    fresh: Vec<u32>,
    plain: bool,
}

impl<A: Family> Component<A> {
    pub(super) fn new(
        required: &IntervalSet<A>,
        never: &IntervalSet<A>,
        prices: &PriceMap<A>,
        previous: Option<&HashSet<Prefix<A>>>,
    ) -> Self {
        let tree = Tree::new(required);
        let is_fresh = |p: Prefix<A>| previous.map_or(0, |list| u32::from(!list.contains(&p)));
        let fresh = match previous {
            Some(_) => tree.leaves().iter().map(|&p| is_fresh(p)).collect(),
            None => vec![0],
        };
        let mut whole: Vec<Option<Total>> = Vec::with_capacity(tree.inner().len());
        // Price and number of the required addresses below each inner node.
        let mut sums: Vec<(Count, Count)> = Vec::with_capacity(tree.inner().len());
        let plain_prices = prices.is_plain();
        let measure = |p: Prefix<A>| {
            let size = Count::from_distance(p.last().to_u128() - p.first().to_u128());
            (if plain_prices { size } else { prices.total(p.interval()) }, size)
        };
        for (index, inner) in tree.inner().iter().enumerate() {
            let of = |node: u32| match tree.inner_index(node) {
                Some(i) => sums[i],
                None => measure(tree.leaves()[node as usize]),
            };
            let (left, right) = (of(inner.left), of(inner.right));
            let required = (left.0 + right.0, left.1 + right.1);
            sums.push(required);
            let prefix = tree.prefix((tree.leaves().len() + index) as u32);
            let all = measure(prefix);
            let less = |all: Count, part| all.checked_sub(part).expect("a part is not more than the whole");
            whole.push(never.is_clear_of(prefix.interval()).then(|| Total {
                cost: less(all.0, required.0),
                extra: less(all.1, required.1),
                fresh: is_fresh(prefix),
            }));
        }
        let least = least_prefixes(&tree, |index| whole[index].is_some());
        let plain = plain_prices && previous.is_none();
        Component { tree, never: never.clone(), whole, least, fresh, plain }
    }

    /// The maximal nodes without a forbidden address, ascending.
    fn maximal_free(&self) -> Vec<u32> {
        let mut out = Vec::new();
        let mut pending: Vec<u32> = self.tree.root().into_iter().collect();
        while let Some(node) = pending.pop() {
            match self.tree.inner_index(node) {
                Some(i) if self.whole[i].is_none() => {
                    let inner = self.tree.inner()[i];
                    pending.extend([inner.right, inner.left]);
                }
                _ => out.push(node),
            }
        }
        out
    }

    /// The power of two that divides every cost, so that IPv6 costs fit a machine word.
    fn shift(&self) -> u32 {
        let zeros = |t: &Total| t.cost.trailing_zeros().min(t.extra.trailing_zeros());
        self.whole.iter().flatten().map(zeros).min().unwrap_or(0).min(127)
    }

    fn start<C: Amount>(self, cap: usize, shift: u32, narrow: impl Fn(Total) -> C) -> Solved<A, C> {
        let leaf = self.fresh.iter().map(|&fresh| narrow(Total { fresh, ..Total::ZERO })).collect();
        let whole = self.whole.iter().map(|w| w.map(&narrow)).collect();
        let program = Program::run(&self.tree, Terms { whole, leaf, least: self.least }, cap);
        Solved { tree: self.tree, program, shift }
    }
}

impl<A: Family> Pending for Component<A> {
    fn least(&self) -> usize {
        self.least.last().map_or(self.tree.leaves().len(), |&l| l as usize)
    }

    fn leaves(&self) -> usize {
        self.tree.leaves().len()
    }

    fn is_plain(&self) -> bool {
        self.plain
    }

    fn bound(&self) -> Count {
        let whole = |node| self.tree.inner_index(node).and_then(|i| self.whole[i]);
        self.maximal_free().into_iter().filter_map(whole).map(|t| t.cost.max(t.extra)).sum()
    }

    fn anchors(&self) -> Vec<(IpAddr, Option<IpAddr>)> {
        let first = |&node: &u32| self.tree.leaves()[self.tree.first_leaf(node) as usize].first();
        let anchors: Vec<A> = self.maximal_free().iter().map(first).collect();
        let between = |at: usize| {
            let (a, b) = (anchors[at], *anchors.get(at + 1)?);
            let common = Prefix::new_relaxed(a, (a ^ b).leading_zeros()).expect("no longer than the family");
            self.never.first_in(common.interval()).map(A::address)
        };
        anchors.iter().enumerate().map(|(at, &a)| (a.address(), between(at))).collect()
    }

    fn run(self: Box<Self>, cap: usize) -> Box<dyn Part> {
        let shift = self.shift();
        let bound = self.bound().shifted_down(shift);
        let word = |count: Count| count.shifted_down(shift).to_u64().expect("not above the bound");
        let wide = |count: Count| count.shifted_down(shift).to_u128().expect("not above the bound");
        match (self.plain, bound.to_u64(), bound.to_u128()) {
            (true, Some(_), _) => Box::new(self.start(cap, shift, |t| word(t.cost))),
            (true, None, Some(_)) => Box::new(self.start(cap, shift, |t| wide(t.cost))),
            (false, Some(_), _) => {
                let narrow = |t: Total| Priced { cost: word(t.cost), extra: word(t.extra), fresh: t.fresh };
                Box::new(self.start(cap, shift, narrow))
            }
            _ => {
                let narrow = |t: Total| Priced {
                    cost: t.cost.shifted_down(shift),
                    extra: t.extra.shifted_down(shift),
                    fresh: t.fresh,
                };
                Box::new(self.start(cap, shift, narrow))
            }
        }
    }
}

/// A tree with its finished programme; costs are in units of `2^shift`.
struct Solved<A, C> {
    tree: Tree<A>,
    program: Program<C>,
    shift: u32,
}

/// The way back from the type the programme ran in.
trait Widen: Amount {
    fn widen(self, shift: u32) -> Total;
}

impl Widen for u64 {
    fn widen(self, shift: u32) -> Total {
        let cost = Count::from(self).shifted_up(shift);
        Total { cost, extra: cost, fresh: 0 }
    }
}

impl Widen for u128 {
    fn widen(self, shift: u32) -> Total {
        let cost = Count::from(self).shifted_up(shift);
        Total { cost, extra: cost, fresh: 0 }
    }
}

impl Widen for Priced<u64> {
    fn widen(self, shift: u32) -> Total {
        let wide = |n: u64| Count::from(n).shifted_up(shift);
        Total { cost: wide(self.cost), extra: wide(self.extra), fresh: self.fresh }
    }
}

impl Widen for Priced<Count> {
    fn widen(self, shift: u32) -> Total {
        Total { cost: self.cost.shifted_up(shift), extra: self.extra.shifted_up(shift), fresh: self.fresh }
    }
}

impl<A: Family, C: Widen> Part for Solved<A, C> {
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
        out.into_iter().map(A::prefix).collect()
    }
}
