//! The trie with one node for every bit on the way: a route at any of them, siblings included, may be the best
//! use of the last one that a budget allows.

use super::trie::{Hop, Node, Trie, half, side};
use crate::addr::{Address, Prefix};

/// A node of the plain trie; children come before parents.
pub(super) struct PlainNode<A> {
    pub(super) prefix: Prefix<A>,
    /// The lower and the upper half; `None` if the block is uniform.
    pub(super) halves: Option<[u32; 2]>,
    /// The wish of a uniform block.
    pub(super) wish: Hop,
    pub(super) pinned: Option<Hop>,
    pub(super) system: Option<Hop>,
}

/// All nodes, the root last.
pub(super) fn spread<A: Address>(trie: &Trie<A>) -> Vec<PlainNode<A>> {
    let mut out = Vec::with_capacity(trie.nodes.len() * 4);
    spread_node(trie, &trie.nodes[0], &mut out);
    out
}

fn push<A>(out: &mut Vec<PlainNode<A>>, node: PlainNode<A>) -> u32 {
    out.push(node);
    u32::try_from(out.len() - 1).expect("fewer than 2^32 nodes")
}

fn spread_node<A: Address>(trie: &Trie<A>, node: &Node<A>, out: &mut Vec<PlainNode<A>>) -> u32 {
    let uniform = node.is_leaf() && node.marks.pinned.is_none();
    // A pinned place is taken, so its two halves are where it can be corrected.
    let halves =
        (!uniform && node.prefix.len() < A::BITS).then(|| [0, 1].map(|s| spread_half(trie, node, s, out)));
    let (pinned, system) = (node.marks.pinned, node.marks.system);
    push(out, PlainNode { prefix: node.prefix, halves, wish: node.wish, pinned, system })
}

fn spread_half<A: Address>(trie: &Trie<A>, node: &Node<A>, at: usize, out: &mut Vec<PlainNode<A>>) -> u32 {
    let bare = |prefix, halves| PlainNode { prefix, halves, wish: node.wish, pinned: None, system: None };
    let Some(kid) = node.kids[at] else { return push(out, bare(half(node.prefix, at), None)) };
    let kid = &trie.nodes[kid.get() as usize];
    let mut below = spread_node(trie, kid, out);
    for len in (node.prefix.len() + 1..kid.prefix.len()).rev() {
        let place = Prefix::new_relaxed(kid.prefix.first(), len).expect("shorter than the kid's");
        let towards = side(place, kid.prefix);
        let sibling = push(out, bare(half(place, 1 - towards), None));
        let halves = if towards == 0 { [below, sibling] } else { [sibling, below] };
        below = push(out, bare(place, Some(halves)));
    }
    below
}
