//! The fewest routes with exactly the wished effect: optimal routing table construction (ORTC; Draves, King,
//! Venkatachary, Zill, INFOCOM 1999), extended by routes that are given, blocks that are closed and hops that
//! cannot be routed to.

use super::trie::{ANY, Hop, NOWHERE, Node, Trie, half};
use crate::addr::{Address, Prefix};

/// A set of hops as a bit mask of `W` words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HopSet<const W: usize>([u64; W]);

impl<const W: usize> HopSet<W> {
    const ALL: Self = HopSet([u64::MAX; W]);

    fn of(hop: Hop) -> Self {
        let mut words = [0; W];
        words[usize::from(hop) / 64] = 1 << (hop % 64);
        HopSet(words)
    }

    fn has(&self, hop: Hop) -> bool {
        self.0[usize::from(hop) / 64] >> (hop % 64) & 1 == 1
    }

    fn and(&self, other: &Self) -> Self {
        HopSet(std::array::from_fn(|i| self.0[i] & other.0[i]))
    }

    fn or(&self, other: &Self) -> Self {
        HopSet(std::array::from_fn(|i| self.0[i] | other.0[i]))
    }

    fn is_empty(&self) -> bool {
        self.0.iter().all(|&word| word == 0)
    }

    /// The lowest hop of a set that is not empty.
    fn first(&self) -> Hop {
        let word = self.0.iter().position(|&word| word != 0).expect("the set is not empty");
        (word * 64) as Hop + self.0[word].trailing_zeros() as Hop
    }
}

/// What the part of the table below a place needs.
#[derive(Debug, Clone, Copy)]
struct Need<const W: usize> {
    /// The hops which, inherited, make do with the fewest routes; every other takes exactly one more.
    hops: HopSet<W>,
    /// `hops` is a single one and no other is possible at all: it cannot be routed to, and must be inherited.
    forced: bool,
    /// That fewest number; a route at the place itself included.
    routes: u32,
}

/// Why no table has the wished effect.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Impossible<A> {
    /// Where it cannot be had.
    pub(super) at: Prefix<A>,
    /// The hop that some address in there needs and that no route may name.
    pub(super) needed: Hop,
    /// The other hop that stands against it.
    pub(super) against: Hop,
}

impl<const W: usize> Need<W> {
    /// A block without anything below that wishes for one hop.
    fn leaf(wish: Hop, allowed: &HopSet<W>) -> Self {
        match wish {
            ANY => Self::open(0),
            wish => Need { hops: HopSet::of(wish), forced: !allowed.has(wish), routes: 0 },
        }
    }

    /// Whatever is inherited is as good.
    fn open(routes: u32) -> Self {
        Need { hops: HopSet::ALL, forced: false, routes }
    }

    /// The number of routes with `hop` inherited, or the forced hop that stands against it.
    fn with(&self, hop: Hop) -> Result<u32, Hop> {
        match (self.hops.has(hop), self.forced) {
            (true, _) => Ok(self.routes),
            (false, false) => Ok(self.routes + 1),
            (false, true) => Err(self.hops.first()),
        }
    }

    /// Two halves under one place; two different forced hops are the error.
    fn join(self, other: Self) -> Result<Self, (Hop, Hop)> {
        if self.forced || other.forced {
            let (forced, rest) = if self.forced { (self, other) } else { (other, self) };
            let hop = forced.hops.first();
            let more = rest.with(hop).map_err(|against| (hop, against))?;
            return Ok(Need { routes: forced.routes + more, ..forced });
        }
        let routes = self.routes + other.routes;
        let shared = self.hops.and(&other.hops);
        Ok(if shared.is_empty() {
            Need { hops: self.hops.or(&other.hops), forced: false, routes: routes + 1 }
        } else {
            Need { hops: shared, forced: false, routes }
        })
    }

    /// Goes up `steps` bits past siblings that are all like `sibling`.
    fn climb(mut self, sibling: Self, steps: u32) -> Result<Self, (Hop, Hop)> {
        // Twice is enough to arrive at the sibling's own set, where nothing changes any more. Only under a
        // forced hop does every sibling take a route of its own.
        for _ in 0..steps.min(2) {
            self = self.join(sibling)?;
        }
        if self.forced && steps > 2 {
            self.routes += (steps - 2) * u32::from(!sibling.hops.has(self.hops.first()));
        }
        Ok(self)
    }
}

/// The fewest routes besides the pinned ones, in no particular order.
pub(super) fn minimise<A: Address, const W: usize>(
    trie: &Trie<A>,
    allowed: &[Hop],
) -> Result<Vec<(Prefix<A>, Hop)>, Impossible<A>> {
    let allowed = allowed.iter().fold(HopSet([0; W]), |set, &hop| set.or(&HopSet::of(hop)));
    let mut solver = Solver { trie, allowed, inside: vec![Need::open(0); trie.nodes.len()], out: Vec::new() };
    for &at in trie.preorder().iter().rev() {
        solver.inside[at as usize] = solver.settle(at as usize)?;
    }
    if let Err(needed) = solver.upwards(0)?.with(NOWHERE) {
        return Err(Impossible { at: Prefix::all(), needed, against: NOWHERE });
    }
    solver.place(0, NOWHERE);
    Ok(solver.out)
}

struct Solver<'a, A, const W: usize> {
    trie: &'a Trie<A>,
    allowed: HopSet<W>,
    /// What each node needs, a route at it included, before what is given there shields it from above.
    inside: Vec<Need<W>>,
    out: Vec<(Prefix<A>, Hop)>,
}

impl<A: Address, const W: usize> Solver<'_, A, W> {
    fn leaf(&self, wish: Hop) -> Need<W> {
        Need::leaf(wish, &self.allowed)
    }

    fn settle(&self, at: usize) -> Result<Need<W>, Impossible<A>> {
        let node = &self.trie.nodes[at];
        let Some(pinned) = node.marks.pinned else {
            return if node.is_leaf() { Ok(self.leaf(node.wish)) } else { self.join_halves(node) };
        };
        // The place is taken: where the pin is wrong, the halves have to correct it.
        let parts = if node.prefix.len() == A::BITS {
            let alone = Need { forced: node.wish != ANY, ..self.leaf(node.wish) };
            vec![alone]
        } else {
            vec![self.half(node, 0)?, self.half(node, 1)?]
        };
        let refuse = |needed| Impossible { at: node.prefix, needed, against: pinned };
        let below = parts.iter().map(|part| part.with(pinned)).sum::<Result<u32, Hop>>().map_err(refuse)?;
        Ok(Need::open(below + 1))
    }

    fn join_halves(&self, node: &Node<A>) -> Result<Need<W>, Impossible<A>> {
        let refuse = |(needed, against)| Impossible { at: node.prefix, needed, against };
        self.half(node, 0)?.join(self.half(node, 1)?).map_err(refuse)
    }

    /// What one half of `node` needs.
    fn half(&self, node: &Node<A>, side: usize) -> Result<Need<W>, Impossible<A>> {
        let sibling = self.leaf(node.wish);
        let Some(kid) = node.kids[side] else { return Ok(sibling) };
        let steps = self.trie.nodes[kid.get() as usize].prefix.len() - node.prefix.len() - 1;
        let refuse = |(needed, against)| Impossible { at: half(node.prefix, side), needed, against };
        self.upwards(kid.get() as usize)?.climb(sibling, steps.into()).map_err(refuse)
    }

    /// What the node needs as seen from above: nothing in particular if something given shields it.
    fn upwards(&self, at: usize) -> Result<Need<W>, Impossible<A>> {
        let (need, node) = (self.inside[at], &self.trie.nodes[at]);
        match node.marks.system {
            Some(system) if node.marks.pinned.is_none() => {
                let refuse = |needed| Impossible { at: node.prefix, needed, against: system };
                need.with(system).map(Need::open).map_err(refuse)
            }
            _ => Ok(need),
        }
    }

    /// Places the routes of a node and below, with `hop` inherited.
    fn place(&mut self, at: usize, mut hop: Hop) {
        let node = self.trie.nodes[at];
        match node.marks.pinned {
            Some(pinned) => hop = pinned,
            None => hop = self.place_one(node.prefix, self.inside[at], node.marks.system.unwrap_or(hop)),
        }
        let uniform = node.is_leaf() && node.marks.pinned.is_none();
        if uniform || node.prefix.len() == A::BITS {
            return;
        }
        for side in 0..2 {
            match node.kids[side] {
                Some(kid) => self.place_down(&node, side, kid.get() as usize, hop),
                None => drop(self.place_one(half(node.prefix, side), self.leaf(node.wish), hop)),
            }
        }
    }

    /// Places a route at `prefix` unless what is inherited will do; returns what holds below.
    fn place_one(&mut self, prefix: Prefix<A>, need: Need<W>, inherited: Hop) -> Hop {
        if need.hops.has(inherited) {
            return inherited;
        }
        let hop = need.hops.first();
        self.out.push((prefix, hop));
        hop
    }

    /// Walks from one half of `node` down to its child, past the siblings that branch off between.
    fn place_down(&mut self, node: &Node<A>, side: usize, kid: usize, mut hop: Hop) {
        let below = self.trie.nodes[kid].prefix;
        let sibling = self.leaf(node.wish);
        let need = self.upwards(kid).ok().expect("settled on the way up");
        let mut place = half(node.prefix, side);
        while place.len() < below.len() {
            let steps = u32::from(below.len() - place.len());
            let need_here = need.climb(sibling, steps).expect("settled on the way up");
            hop = self.place_one(place, need_here, hop);
            let towards = super::trie::side(place, below);
            self.place_one(half(place, 1 - towards), sibling, hop);
            place = half(place, towards);
        }
        self.place(kid, hop);
    }
}
