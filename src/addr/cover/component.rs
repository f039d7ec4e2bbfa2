//! One set of one family: its tree, what its nodes cost, and the programme over it.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;

use super::amount::{Amount, Priced};
use super::narrow::Narrowing;
use super::part::{Family, Join, Narrow, Part, Pending, Total};
use super::price::PriceMap;
use super::program::{Program, Terms, least_prefixes};
use super::savings::Savings;
use super::solved::{Saved, Solved, Widen};
use super::tree::Tree;
use crate::addr::{Address, Count, IntervalSet, Prefix};

pub(super) struct Component<'a, A> {
    tree: Arc<Tree<A>>,
    never: Option<&'a IntervalSet<A>>,
    /// `None` where every address costs 1.
    prices: Option<&'a PriceMap<A>>,
    previous: Option<HashSet<Prefix<A>>>,
    /// How many addresses the leaves before each leaf have together, modulo the size of the space; one more at the
    /// end. What a node adds is always less than the space, so that the difference of two of them is exact.
    sizes: Vec<A>,
    /// The same of their prices; empty where every address costs 1.
    paid: Vec<Count>,
    least: Vec<u32>,
}

impl<'a, A: Family> Component<'a, A> {
    pub(super) fn new(
        required: &IntervalSet<A>,
        never: Option<&'a IntervalSet<A>>,
        prices: Option<&'a PriceMap<A>>,
        previous: Option<HashSet<Prefix<A>>>,
    ) -> Self {
        let tree = Arc::new(Tree::new(required));
        let prices = prices.filter(|prices| !prices.is_plain());
        let mut sizes = Vec::with_capacity(tree.leaves().len() + 1);
        sizes.push(A::MIN);
        let mut paid = Vec::new();
        for leaf in tree.leaves() {
            sizes.push(modulo(sizes[sizes.len() - 1].to_u128().wrapping_add(size(*leaf))));
            if let Some(prices) = prices {
                let before = paid.last().copied().unwrap_or(Count::ZERO);
                paid.push(before + prices.total(leaf.interval()));
            }
        }
        let mut component = Component { tree, never, prices, previous, sizes, paid, least: Vec::new() };
        component.least = least_prefixes(&component.tree, |index| component.is_free(index));
        component
    }

    /// Whether an inner node holds no forbidden address.
    fn is_free(&self, index: usize) -> bool {
        self.never.is_none_or(|never| never.is_clear_of(self.tree.inner_prefix(index).interval()))
    }

    /// The number of extra addresses of an inner node.
    fn extra(&self, index: usize) -> u128 {
        let leaves = self.tree.leaves_below(index);
        let required = self.sizes[leaves.end].to_u128().wrapping_sub(self.sizes[leaves.start].to_u128());
        modulo::<A>(size(self.tree.inner_prefix(index)).wrapping_sub(required)).to_u128()
    }

    /// What the addresses of an inner node cost that are not required.
    fn cost(&self, index: usize) -> Count {
        let Some(prices) = self.prices else { return self.extra(index).into() };
        let leaves = self.tree.leaves_below(index);
        let before = leaves.start.checked_sub(1).map_or(Count::ZERO, |at| self.paid[at]);
        let all = prices.total(self.tree.inner_prefix(index).interval());
        let less = |all: Count, part| all.checked_sub(part).expect("a part is not more than the whole");
        less(all, less(self.paid[leaves.end - 1], before))
    }

    /// What taking an inner node whole costs, or `None` where it holds a forbidden address.
    fn whole(&self, index: usize) -> Option<Total> {
        self.is_free(index).then(|| Total {
            cost: self.cost(index),
            extra: self.extra(index).into(),
            fresh: self.fresh(self.tree.inner_prefix(index)),
        })
    }

    /// 1 if the previous generation is known and had the prefix not.
    fn fresh(&self, prefix: Prefix<A>) -> u32 {
        self.previous.as_ref().map_or(0, |list| u32::from(!list.contains(&prefix)))
    }

    /// What each leaf costs by itself; a single value if it is the same for all.
    fn leaf_costs<C: Amount>(&self, narrow: impl Fn(Total) -> C) -> Vec<C> {
        let of = |fresh| narrow(Total { fresh, ..Total::ZERO });
        match self.previous {
            None => vec![of(0)],
            Some(_) => self.tree.leaves().iter().map(|&leaf| of(self.fresh(leaf))).collect(),
        }
    }

    /// The maximal nodes without a forbidden address, ascending.
    fn maximal_free(&self) -> Vec<u32> {
        let mut out = Vec::new();
        let mut pending: Vec<u32> = self.tree.root().into_iter().collect();
        while let Some(node) = pending.pop() {
            match self.tree.inner_index(node) {
                Some(i) if !self.is_free(i) => {
                    let inner = self.tree.inner()[i];
                    pending.extend([inner.right, inner.left]);
                }
                _ => out.push(node),
            }
        }
        out
    }

    fn wholes(&self) -> impl Iterator<Item = Option<Total>> + '_ {
        (0..self.tree.inner().len()).map(|index| self.whole(index))
    }

    /// The units that the programmes count in.
    fn units(&self) -> Units {
        let bound = self.bound();
        if self.is_plain() && bound.to_u64().is_some_and(|bound| u32::try_from(bound).is_ok()) {
            return Units { kind: Kind::Short, shift: 0 };
        }
        // The power of two that divides every cost, so that IPv6 costs fit a machine word.
        let zeros = |t: Total| t.cost.trailing_zeros().min(t.extra.trailing_zeros());
        let shift = self.wholes().flatten().map(zeros).min().unwrap_or(0).min(127);
        let bound = bound.shifted_down(shift);
        let kind = match (self.is_plain(), bound.to_u64(), bound.to_u128()) {
            (true, Some(_), _) => Kind::Word,
            (true, None, Some(_)) => Kind::Wide,
            (false, Some(_), _) => Kind::Priced,
            _ => Kind::PricedWide,
        };
        Units { kind, shift }
    }

    fn start<C: Widen>(&self, cap: usize, shift: u32) -> Solved<A, C> {
        let narrow = |total| C::narrow(total, shift);
        let whole = self.wholes().map(|whole| whole.map(narrow)).collect();
        let terms = Terms { whole, leaf: self.leaf_costs(narrow), least: self.least.clone() };
        Solved { program: Program::run(&self.tree, terms, cap), tree: Arc::clone(&self.tree), shift }
    }

    fn start_back<C: Widen>(&self, most: Count, shift: u32, work: &mut u64) -> Option<Box<dyn Part>> {
        let narrow = |total| C::narrow(total, shift);
        // No cost is above the bound, so that a greater budget need not fit the type.
        let cost = most.min(self.bound());
        let most = narrow(Total { cost, extra: Count::ZERO, fresh: 0 });
        let whole = |index| self.whole(index).map(narrow);
        let savings = Savings::run(&self.tree, whole, &self.leaf_costs(narrow), most, work)?;
        Some(Box::new(Saved { tree: Arc::clone(&self.tree), savings, shift }))
    }

    fn narrowing<C: Widen + Into<u64>>(&self, times: usize, (shift, unit): (u32, u32)) -> Box<dyn Narrow> {
        let whole = self.wholes().map(|whole| whole.map(|total| C::narrow(total, shift))).collect();
        let (tree, above) = (Arc::clone(&self.tree), shift.saturating_sub(unit));
        Box::new(Narrowing { tree, whole, shift, above, times: times as i128, lean: Vec::new() })
    }
}

fn size<A: Address>(prefix: Prefix<A>) -> u128 {
    (prefix.last().to_u128() - prefix.first().to_u128()).wrapping_add(1)
}

fn modulo<A: Address>(number: u128) -> A {
    A::from_u128(number & A::MAX.to_u128()).expect("the bits of the family")
}

/// In what a programme counts: a type, and the power of two that a unit stands for.
struct Units {
    kind: Kind,
    shift: u32,
}

/// The types a programme can run in: as small as holds every total, with as many components as matter.
enum Kind {
    Short,
    Word,
    Wide,
    Priced,
    PricedWide,
}

impl<A: Family> Pending for Component<'_, A> {
    fn least(&self) -> usize {
        self.least.last().map_or(self.tree.leaves().len(), |&l| l as usize)
    }

    fn leaves(&self) -> usize {
        self.tree.leaves().len()
    }

    fn is_plain(&self) -> bool {
        self.prices.is_none() && self.previous.is_none()
    }

    fn bound(&self) -> Count {
        let whole = |node| self.tree.inner_index(node).and_then(|index| self.whole(index));
        self.maximal_free().into_iter().filter_map(whole).map(|t| t.cost.max(t.extra)).sum()
    }

    fn anchors(&self) -> Vec<(IpAddr, Option<IpAddr>)> {
        let first = |&node: &u32| self.tree.leaves()[self.tree.first_leaf(node) as usize].first();
        let anchors: Vec<A> = self.maximal_free().iter().map(first).collect();
        let between = |at: usize| {
            let (a, b) = (anchors[at], *anchors.get(at + 1)?);
            let common = Prefix::new_relaxed(a, (a ^ b).leading_zeros()).expect("no longer than the family");
            self.never?.first_in(common.interval()).map(A::address)
        };
        anchors.iter().enumerate().map(|(at, &a)| (a.address(), between(at))).collect()
    }

    fn for_each_join(&self, each: &mut dyn FnMut(Join)) {
        for (index, inner) in self.tree.inner().iter().enumerate() {
            if !self.is_free(index) {
                continue;
            }
            let of = |node| self.tree.inner_index(node).map_or(Count::ZERO, |child| self.cost(child));
            let cost = self.cost(index);
            let below = of(inner.left) + of(inner.right);
            each(Join { cost, more: cost.checked_sub(below).expect("not cheaper than its children") });
        }
    }

    fn run(&self, cap: usize) -> Box<dyn Part> {
        let Units { kind, shift } = self.units();
        match kind {
            Kind::Short => Box::new(self.start::<u32>(cap, shift)),
            Kind::Word => Box::new(self.start::<u64>(cap, shift)),
            Kind::Wide => Box::new(self.start::<u128>(cap, shift)),
            Kind::Priced => Box::new(self.start::<Priced<u64>>(cap, shift)),
            Kind::PricedWide => Box::new(self.start::<Priced<Count>>(cap, shift)),
        }
    }

    fn run_back(&self, most: Count, work: &mut u64) -> Option<Box<dyn Part>> {
        let Units { kind, shift } = self.units();
        match kind {
            Kind::Short => self.start_back::<u32>(most, shift, work),
            Kind::Word => self.start_back::<u64>(most, shift, work),
            Kind::Wide => self.start_back::<u128>(most, shift, work),
            Kind::Priced => self.start_back::<Priced<u64>>(most, shift, work),
            Kind::PricedWide => self.start_back::<Priced<Count>>(most, shift, work),
        }
    }

    fn shift(&self) -> Option<u32> {
        self.wholes().flatten().next().map(|_| self.units().shift)
    }

    fn narrow(&self, times: usize, unit: u32) -> Option<Box<dyn Narrow>> {
        // What costs are in the unit of all.
        let fits = self.bound().shifted_down(unit).to_u64().is_some();
        let Units { kind, shift } = self.units();
        match kind {
            _ if !fits => None,
            Kind::Short => Some(self.narrowing::<u32>(times, (shift, unit))),
            Kind::Word => Some(self.narrowing::<u64>(times, (shift, unit))),
            Kind::Wide | Kind::Priced | Kind::PricedWide => None,
        }
    }
}
