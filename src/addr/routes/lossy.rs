//! The cheapest table of at most so many routes: a dynamic programme over (node, inherited hop, number of routes).

use super::plain::{PlainNode, spread};
use super::trie::{ANY, Hop, NOWHERE, Trie};
use crate::addr::cover::{Amount, Total, combine, first_split};
use crate::addr::{Address, Count, IpPrefix, Prefix, PriceMap};

/// What sending an address the wrong way costs, by interned hops; `None` is never.
pub(super) struct Penalties {
    /// Row: wished hop; column: the hop it gets.
    rows: Vec<Vec<Option<u64>>>,
    most: u64,
}

impl Penalties {
    pub(super) fn new(rows: Vec<Vec<Option<u64>>>) -> Self {
        let most = rows.iter().flatten().filter_map(|&p| p).max().unwrap_or(0);
        Penalties { rows, most }
    }

    fn of(&self, wish: Hop, got: Hop) -> Option<u64> {
        if wish == ANY { Some(0) } else { self.rows[usize::from(wish)][usize::from(got)] }
    }
}

/// A cost, or "never" as the largest value. Totals are checked to stay below that before the programme runs, so
/// the capped sums are exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Capped<N>(N);

trait Number: Copy + Ord + Send + Sync + 'static {
    const ZERO: Self;
    /// Stands for "never".
    const MOST: Self;
    /// The sum; [`MOST`](Self::MOST) with anything stays that.
    fn capped_add(self, other: Self) -> Self;
    /// The number, or `None` if it is not below [`MOST`](Self::MOST).
    fn narrow(count: Count) -> Option<Self>;
    fn widen(self) -> Count;
}

macro_rules! number {
    ($ty:ty) => {
        impl Number for $ty {
            const ZERO: Self = 0;
            const MOST: Self = <$ty>::MAX;
            #[inline]
            fn capped_add(self, other: Self) -> Self {
                self.saturating_add(other)
            }
            fn narrow(count: Count) -> Option<Self> {
                count.to_u128()?.try_into().ok().filter(|&n| n < Self::MAX)
            }
            fn widen(self) -> Count {
                self.into()
            }
        }
    };
}
number!(u64);
number!(u128);

impl Number for Count {
    const ZERO: Self = Count::ZERO;
    const MOST: Self = Count::MOST;
    #[inline]
    fn capped_add(self, other: Self) -> Self {
        self.checked_add(other).unwrap_or(Count::MOST)
    }
    fn narrow(count: Count) -> Option<Self> {
        (count < Count::MOST).then_some(count)
    }
    fn widen(self) -> Count {
        self
    }
}

impl<N: Number> Amount for Capped<N> {
    const ZERO: Self = Capped(N::ZERO);
    const MOST: Self = Capped(N::MOST);
    #[inline]
    fn plus(self, other: Self) -> Self {
        Capped(self.0.capped_add(other.0))
    }
}

/// One family's problem before its programme has run.
pub(super) struct Pending<A> {
    nodes: Vec<PlainNode<A>>,
    /// The price of all addresses of each uniform block.
    weights: Vec<Count>,
    /// No total is more; `None` if it does not fit.
    pub(super) bound: Option<Count>,
}

impl<A: Address> Pending<A> {
    pub(super) fn new(trie: &Trie<A>, prices: &PriceMap<A>, penalties: &Penalties) -> Self {
        let nodes = spread(trie);
        let counts = |node: &PlainNode<A>| node.halves.is_none() && node.wish != ANY;
        let weight = |node| if counts(node) { prices.total(node.prefix.interval()) } else { Count::ZERO };
        let weights: Vec<Count> = nodes.iter().map(weight).collect();
        let mut all = weights.iter().try_fold(Count::ZERO, |sum, &w| sum.checked_add(w));
        all = all.and_then(|sum| sum.checked_mul(penalties.most.into())).filter(|&sum| sum < Count::MOST);
        Pending { nodes, weights, bound: all }
    }

    /// Runs the programme for at most `cap` routes. The bound must have been checked.
    pub(super) fn run(self, penalties: &Penalties, allowed: &[Hop], cap: usize) -> Box<dyn Solved>
    where
        Prefix<A>: Into<IpPrefix>,
    {
        let shift = self.weights.iter().map(|w| w.trailing_zeros()).min().unwrap_or(0).min(127);
        let bound = self.bound.expect("checked by the caller").shifted_down(shift);
        if u64::narrow(bound).is_some() {
            Box::new(Program::<A, u64>::run(self, penalties, allowed, cap, shift))
        } else if u128::narrow(bound).is_some() {
            Box::new(Program::<A, u128>::run(self, penalties, allowed, cap, shift))
        } else {
            Box::new(Program::<A, Count>::run(self, penalties, allowed, cap, shift))
        }
    }
}

/// The finished programme. Costs are in units of `2^shift`.
struct Program<A, N> {
    nodes: Vec<PlainNode<A>>,
    shift: u32,
    hops: usize,
    allowed: Vec<Hop>,
    /// For each node and inherited hop where its cells lie: the least cost of at most 0, 1, ... routes, cut where
    /// more routes do not help.
    spans: Vec<Span>,
    cells: Vec<Capped<N>>,
    /// The same for uniform blocks without any route of theirs.
    bare: Vec<Capped<N>>,
}

#[derive(Clone, Copy)]
struct Span {
    start: usize,
    len: usize,
}

impl<A: Address, N: Number> Program<A, N> {
    fn run(pending: Pending<A>, penalties: &Penalties, allowed: &[Hop], cap: usize, shift: u32) -> Self {
        let hops = penalties.rows.len();
        let mut program = Program {
            nodes: pending.nodes,
            shift,
            hops,
            allowed: allowed.to_vec(),
            spans: Vec::new(),
            cells: Vec::new(),
            bare: Vec::new(),
        };
        let mut inner: Vec<Vec<Capped<N>>> = vec![Vec::new(); hops];
        for at in 0..program.nodes.len() {
            let weight = pending.weights[at];
            for hop in 0..hops as Hop {
                let penalty = penalties.of(program.nodes[at].wish, hop);
                program.bare.push(penalty.map_or(Capped::MOST, |p| {
                    let cost = weight.shifted_down(shift).checked_mul(p.into()).and_then(N::narrow);
                    Capped(cost.expect("not above the bound"))
                }));
            }
            program.settle(at, cap, &mut inner);
        }
        program
    }

    /// Computes the cells of one node; `inner` is scratch space for what holds below a given hop.
    fn settle(&mut self, at: usize, cap: usize, inner: &mut [Vec<Capped<N>>]) {
        for (hop, cells) in inner.iter_mut().enumerate() {
            self.below(at, hop as Hop, cap, cells);
        }
        if let Some(pinned) = self.nodes[at].pinned {
            let mut cells = vec![Capped::MOST];
            cells.extend_from_slice(&inner[usize::from(pinned)]);
            cells.truncate(cap + 1);
            return self.store_shared(&cells);
        }
        let mut placed: Vec<Capped<N>> = vec![Capped::MOST];
        for &hop in &self.allowed {
            let cells = &inner[usize::from(hop)];
            if placed.len() < (cells.len() + 1).min(cap + 1) {
                let tail = *placed.last().expect("never empty");
                placed.resize((cells.len() + 1).min(cap + 1), tail);
            }
            for (k, cell) in placed.iter_mut().enumerate().skip(1) {
                *cell = at_most(cells, k - 1).min(*cell);
            }
        }
        let with = |cells: &[Capped<N>]| -> Vec<Capped<N>> {
            let len = cells.len().max(placed.len());
            (0..len).map(|k| at_most(cells, k).min(at_most(&placed, k))).collect()
        };
        match self.nodes[at].system {
            Some(system) => self.store_shared(&with(&inner[usize::from(system)])),
            None => inner.iter().for_each(|cells| self.store(&with(cells))),
        }
    }

    /// The least cost below a node, no route at it, with `hop` in force there.
    fn below(&self, at: usize, hop: Hop, cap: usize, out: &mut Vec<Capped<N>>) {
        out.clear();
        match self.nodes[at].halves {
            None => out.push(self.bare[at * self.hops + usize::from(hop)]),
            Some([left, right]) => {
                let (left, right) = (self.cells(left, hop), self.cells(right, hop));
                out.resize((left.len() + right.len() - 1).min(cap + 1), Capped::MOST);
                combine(left, right, out);
            }
        }
    }

    /// Keeps `cells` up to the last one that improves.
    fn store(&mut self, cells: &[Capped<N>]) {
        let last = cells[cells.len() - 1];
        let len = cells.partition_point(|&cell| cell > last) + 1;
        self.spans.push(Span { start: self.cells.len(), len });
        self.cells.extend_from_slice(&cells[..len]);
    }

    /// The same cells whatever is inherited.
    fn store_shared(&mut self, cells: &[Capped<N>]) {
        self.store(cells);
        let span = self.spans[self.spans.len() - 1];
        self.spans.extend((1..self.hops).map(|_| span));
    }

    fn cells(&self, at: u32, hop: Hop) -> &[Capped<N>] {
        let Span { start, len } = self.spans[at as usize * self.hops + usize::from(hop)];
        &self.cells[start..start + len]
    }

    /// The value of exactly that split of [`below`](Self::below), one cell only.
    fn below_cell(&self, at: usize, hop: Hop, routes: usize) -> Capped<N> {
        match self.nodes[at].halves {
            None => self.bare[at * self.hops + usize::from(hop)],
            Some([left, right]) => {
                let (left, right) = (self.cells(left, hop), self.cells(right, hop));
                let routes = routes.min(left.len() + right.len() - 2);
                let least = (routes + 1).saturating_sub(right.len());
                let costs = (least..left.len().min(routes + 1)).map(|i| left[i].plus(right[routes - i]));
                costs.min().expect("some split exists")
            }
        }
    }

    /// Appends the routes at and below a node: no route where that is as good, else the lowest hop; the fewest
    /// routes, and those on the right.
    fn place(&self, at: usize, inherited: Hop, routes: usize, out: &mut Vec<(Prefix<A>, Hop)>) {
        let node = &self.nodes[at];
        let cells = self.cells(at as u32, inherited);
        let wanted = at_most(cells, routes);
        let routes = cells.partition_point(|&cell| cell > wanted);
        if let Some(pinned) = node.pinned {
            out.push((node.prefix, pinned));
            return self.place_below(at, pinned, routes - 1, out);
        }
        let hop = node.system.unwrap_or(inherited);
        if self.below_cell(at, hop, routes) == wanted {
            return self.place_below(at, hop, routes, out);
        }
        let better = |&&hop: &&Hop| self.below_cell(at, hop, routes - 1) == wanted;
        let &hop = self.allowed.iter().find(better).expect("the value was made from one of them");
        out.push((node.prefix, hop));
        self.place_below(at, hop, routes - 1, out);
    }

    fn place_below(&self, at: usize, hop: Hop, routes: usize, out: &mut Vec<(Prefix<A>, Hop)>) {
        let Some([left, right]) = self.nodes[at].halves else { return };
        let (cells_left, cells_right) = (self.cells(left, hop), self.cells(right, hop));
        let routes = routes.min(cells_left.len() + cells_right.len() - 2);
        let wanted = self.below_cell(at, hop, routes);
        let on_left = first_split(cells_left, cells_right, routes, wanted);
        self.place(left as usize, hop, on_left, out);
        self.place(right as usize, hop, routes - on_left, out);
    }

    fn root(&self) -> usize {
        self.nodes.len() - 1
    }
}

/// The cost of at most `routes` routes, from cells that may end before.
fn at_most<N: Number>(cells: &[Capped<N>], routes: usize) -> Capped<N> {
    cells[routes.min(cells.len() - 1)]
}

/// A finished programme as the joint budget sees it.
pub(super) trait Solved: Send + Sync {
    /// The smallest number of routes that can do and the least cost from there on, or `None` if the limit is
    /// below it.
    fn curve(&self) -> Option<(usize, Vec<Total>)>;
    /// The cheapest table of at most `routes` routes, by prefix.
    fn table(&self, routes: usize) -> Vec<(IpPrefix, Hop)>;
}

impl<A: Address, N: Number> Solved for Program<A, N>
where
    Prefix<A>: Into<IpPrefix>,
{
    fn curve(&self) -> Option<(usize, Vec<Total>)> {
        let cells = self.cells(self.root() as u32, NOWHERE);
        let least = cells.iter().position(|&cell| cell < Capped::MOST)?;
        let widen = |cell: &Capped<N>| {
            let cost = cell.0.widen().shifted_up(self.shift);
            Total { cost, extra: cost, fresh: 0 }
        };
        Some((least, cells[least..].iter().map(widen).collect()))
    }

    fn table(&self, routes: usize) -> Vec<(IpPrefix, Hop)> {
        let mut out = Vec::with_capacity(routes);
        self.place(self.root(), NOWHERE, routes, &mut out);
        out.sort_unstable();
        out.into_iter().map(|(prefix, hop)| (prefix.into(), hop)).collect()
    }
}
