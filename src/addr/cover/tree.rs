//! The tree of longest common prefixes over the leaves of a set.

use std::ops::Range;

use crate::addr::{Address, IntervalSet, Prefix};

/// A path-compressed binary trie over disjoint prefixes. A leaf has the number of its prefix; inner nodes are
/// numbered behind them, children before parents, so that the last one is the root.
pub(super) struct Tree<A> {
    leaves: Vec<Prefix<A>>,
    inner: Vec<Inner>,
}

/// Where two branches meet.
#[derive(Clone, Copy)]
pub(super) struct Inner {
    pub(super) left: u32,
    pub(super) right: u32,
    /// The leftmost leaf below, and how many there are.
    first_leaf: u32,
    pub(super) leaves: u32,
    len: u8,
}

impl<A: Address> Tree<A> {
    /// The tree over the minimal prefixes of `set`, in time linear in their number.
    ///
    /// # Panics
    /// If there are 2^31 prefixes or more.
    pub(super) fn new(set: &IntervalSet<A>) -> Self {
        let leaves: Vec<Prefix<A>> = set.prefixes().collect();
        assert!(leaves.len() < 1 << 31, "at most 2^31 prefixes");
        let mut tree = Tree { inner: Vec::with_capacity(leaves.len().saturating_sub(1)), leaves };
        // Finished subtrees that wait for their right side, with the length they share with what follows.
        let mut waiting: Vec<(u32, u8)> = Vec::new();
        for at in 1..tree.leaves.len() {
            let shared = (tree.leaves[at - 1].first() ^ tree.leaves[at].first()).leading_zeros();
            let node = tree.close(&mut waiting, at as u32 - 1, shared);
            waiting.push((node, shared));
        }
        if let Some(last) = tree.leaves.len().checked_sub(1) {
            tree.close(&mut waiting, last as u32, 0);
        }
        tree
    }

    /// Joins `node` with the waiting subtrees that share more than `shared` bits with it.
    fn close(&mut self, waiting: &mut Vec<(u32, u8)>, mut node: u32, shared: u8) -> u32 {
        let last = shared == 0 && node as usize + 1 == self.leaves.len();
        while let Some(&(left, len)) = waiting.last()
            && (len > shared || last)
        {
            waiting.pop();
            let leaves = self.size(left) + self.size(node);
            self.inner.push(Inner { left, right: node, first_leaf: self.first_leaf(left), leaves, len });
            node = (self.leaves.len() + self.inner.len() - 1) as u32;
        }
        node
    }

    pub(super) fn leaves(&self) -> &[Prefix<A>] {
        &self.leaves
    }

    pub(super) fn inner(&self) -> &[Inner] {
        &self.inner
    }

    /// The number of the root, or `None` without leaves.
    pub(super) fn root(&self) -> Option<u32> {
        (self.leaves.len() + self.inner.len()).checked_sub(1).map(|root| root as u32)
    }

    /// The place of `node` in [`inner`](Self::inner), or `None` if it is a leaf.
    #[inline]
    pub(super) fn inner_index(&self, node: u32) -> Option<usize> {
        (node as usize).checked_sub(self.leaves.len())
    }

    #[inline]
    fn size(&self, node: u32) -> u32 {
        self.inner_index(node).map_or(1, |i| self.inner[i].leaves)
    }

    #[inline]
    pub(super) fn first_leaf(&self, node: u32) -> u32 {
        self.inner_index(node).map_or(node, |i| self.inner[i].first_leaf)
    }

    /// The numbers of the leaves below an inner node.
    #[inline]
    pub(super) fn leaves_below(&self, index: usize) -> Range<usize> {
        let Inner { first_leaf, leaves, .. } = self.inner[index];
        first_leaf as usize..(first_leaf + leaves) as usize
    }

    /// The leaves below `node`, itself if it is one.
    #[inline]
    pub(super) fn leaves_of(&self, node: u32) -> &[Prefix<A>] {
        match self.inner_index(node) {
            Some(index) => &self.leaves[self.leaves_below(index)],
            None => std::slice::from_ref(&self.leaves[node as usize]),
        }
    }

    /// The longest prefix that holds everything below `node`.
    pub(super) fn prefix(&self, node: u32) -> Prefix<A> {
        self.inner_index(node).map_or_else(|| self.leaves[node as usize], |index| self.inner_prefix(index))
    }

    /// The longest prefix that holds everything below an inner node.
    #[inline]
    pub(super) fn inner_prefix(&self, index: usize) -> Prefix<A> {
        let Inner { first_leaf, len, .. } = self.inner[index];
        let addr = self.leaves[first_leaf as usize].first() & !A::host_mask(len);
        Prefix::from_aligned(addr, len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_is_the_common_prefix_of_its_leaves() {
        for mask in 1_u32..1 << 12 {
            let set: IntervalSet<u8> =
                (0..12_u8).filter(|i| mask >> i & 1 == 1).map(|i| Prefix::host(i * 21)).collect();
            let tree = Tree::new(&set);
            assert_eq!(tree.inner().len() + 1, tree.leaves().len());
            for (index, inner) in tree.inner().iter().enumerate() {
                let node = tree.prefix((tree.leaves().len() + index) as u32);
                let below = &tree.leaves()[inner.first_leaf as usize..][..inner.leaves as usize];
                let (first, last) = (below[0].first(), below[below.len() - 1].first());
                assert_eq!(node.len(), Address::leading_zeros(first ^ last));
                assert!(below.iter().all(|&leaf| node.contains(leaf)));
                assert!(tree.prefix(inner.left).last() < tree.prefix(inner.right).first());
            }
        }
    }
}
