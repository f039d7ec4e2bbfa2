//! The path-compressed trie of everything that a route problem says about one family.

use crate::addr::{Address, Prefix};

/// The number of an interned next hop. [`NOWHERE`] stands for "no route".
pub(super) type Hop = u16;
/// The hop of addresses that no route matches.
pub(super) const NOWHERE: Hop = 0;
/// The wish of addresses for which any hop will do.
pub(super) const ANY: Hop = Hop::MAX;

/// What is said of one prefix.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Marks {
    /// The wished hop from here down.
    pub(super) wish: Option<Hop>,
    /// A route that must be in the result.
    pub(super) pinned: Option<Hop>,
    /// A route that is there for nothing, below the table.
    pub(super) system: Option<Hop>,
    /// Any hop will do here and below. A block that no route may touch needs nothing more: where any hop will do,
    /// a route at or below the block never helps, and none is placed without need.
    pub(super) free: bool,
}

impl Marks {
    /// Adds what `other` says of the same prefix; fails if they name different hops.
    fn merge(&mut self, other: Marks) -> bool {
        fn both(a: &mut Option<Hop>, b: Option<Hop>) -> bool {
            let agree = a.is_none() || b.is_none() || *a == b;
            *a = a.or(b);
            agree
        }
        self.free |= other.free;
        both(&mut self.wish, other.wish)
            & both(&mut self.pinned, other.pinned)
            & both(&mut self.system, other.system)
    }
}

/// A marked prefix, or the place where two of them part.
#[derive(Clone, Copy)]
pub(super) struct Node<A> {
    pub(super) prefix: Prefix<A>,
    pub(super) marks: Marks,
    /// What is wished where neither child reaches; [`ANY`] in free blocks.
    pub(super) wish: Hop,
    /// The nodes next below in the lower and the upper half.
    pub(super) kids: [Option<Kid>; 2],
}

/// The place of a node in the trie. The root is at 0 and nobody's child.
pub(super) type Kid = std::num::NonZeroU32;

/// Two routes of one kind give one prefix different hops.
#[derive(Clone, Copy)]
pub(super) struct RouteConflict<A>(pub(super) Prefix<A>);

/// The trie; its root is the whole space.
pub(super) struct Trie<A> {
    pub(super) nodes: Vec<Node<A>>,
}

impl<A: Address> Trie<A> {
    /// The trie over `marked`, in any order.
    ///
    /// # Errors
    /// [`RouteConflict`] with the prefix for which two hops of one kind are given.
    pub(super) fn new(mut marked: Vec<(Prefix<A>, Marks)>) -> Result<Self, RouteConflict<A>> {
        if !marked.is_sorted_by_key(|m| m.0) {
            marked.sort_unstable_by_key(|m| m.0);
        }
        let mut trie = Trie { nodes: Vec::with_capacity(marked.len() * 2 + 1) };
        trie.add(Prefix::all());
        let mut path = vec![0];
        for (prefix, marks) in marked {
            let at = trie.place(&mut path, prefix);
            if !trie.nodes[at].marks.merge(marks) {
                return Err(RouteConflict(prefix));
            }
        }
        trie.spread_wishes();
        Ok(trie)
    }

    fn add(&mut self, prefix: Prefix<A>) -> usize {
        let node = Node { prefix, marks: Marks::default(), wish: NOWHERE, kids: [None; 2] };
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// The node of `prefix`, made if need be. `path` leads from the root to the node before, in sorted order.
    fn place(&mut self, path: &mut Vec<usize>, prefix: Prefix<A>) -> usize {
        let mut passed = None;
        while let Some(&top) = path.last()
            && !self.nodes[top].prefix.contains(prefix)
        {
            passed = path.pop();
        }
        let above = *path.last().expect("the root holds everything");
        if self.nodes[above].prefix == prefix {
            return above;
        }
        let node = self.add(prefix);
        match passed.filter(|&old| {
            side(self.nodes[above].prefix, self.nodes[old].prefix) == side(self.nodes[above].prefix, prefix)
        }) {
            None => self.link(above, node),
            Some(old) => {
                let (a, b) = (self.nodes[old].prefix.first(), prefix.first());
                let common =
                    Prefix::new_relaxed(b, (a ^ b).leading_zeros()).expect("no longer than the family");
                let branch = self.add(common);
                self.link(above, branch);
                self.link(branch, old);
                self.link(branch, node);
                path.push(branch);
            }
        }
        path.push(node);
        node
    }

    fn link(&mut self, above: usize, below: usize) {
        let at = side(self.nodes[above].prefix, self.nodes[below].prefix);
        let kid =
            u32::try_from(below).ok().and_then(Kid::new).expect("fewer than 2^32 nodes, none above the root");
        self.nodes[above].kids[at] = Some(kid);
    }

    /// Tells every node what is wished for the addresses that its children leave.
    fn spread_wishes(&mut self) {
        let mut pending = vec![(0, NOWHERE)];
        while let Some((at, inherited)) = pending.pop() {
            let node = &mut self.nodes[at];
            let any = inherited == ANY || node.marks.free;
            node.wish = if any { ANY } else { node.marks.wish.unwrap_or(inherited) };
            let wish = node.wish;
            pending.extend(node.kids.iter().flatten().map(|kid| (kid.get() as usize, wish)));
        }
    }

    /// The places of all nodes, each before those below it.
    pub(super) fn preorder(&self) -> Vec<u32> {
        let mut order = Vec::with_capacity(self.nodes.len());
        let mut pending = vec![0];
        while let Some(at) = pending.pop() {
            order.push(at);
            pending.extend(self.nodes[at as usize].kids.iter().rev().flatten().map(|kid| kid.get()));
        }
        order
    }
}

impl<A: Address> Node<A> {
    /// Whether nothing is marked below.
    pub(super) fn is_leaf(&self) -> bool {
        self.kids == [None; 2]
    }
}

/// In which half of `above` the longer prefix `below` lies: 0 or 1.
pub(super) fn side<A: Address>(above: Prefix<A>, below: Prefix<A>) -> usize {
    let upper_half = above.first() | (A::host_mask(above.len()) & !A::host_mask(above.len() + 1));
    usize::from(below.first() >= upper_half)
}

/// The lower or upper half of a prefix that is not a single address.
pub(super) fn half<A: Address>(prefix: Prefix<A>, side: usize) -> Prefix<A> {
    let len = prefix.len() + 1;
    let bit = A::host_mask(prefix.len()) & !A::host_mask(len);
    Prefix::from_aligned(if side == 0 { prefix.first() } else { prefix.first() | bit }, len)
}
