//! The sections of a report, each with its heading and the name by which others lead to it.

use super::document::{Anchor, Block};

pub(super) const VERDICT: Anchor = Anchor { id: "verdict", title: "Verdict" };
pub(super) const CHANGED: Anchor = Anchor { id: "changed", title: "What changed since last time" };
pub(super) const STEPS: Anchor = Anchor { id: "steps", title: "What to do next" };
pub(super) const ALLOWED: Anchor = Anchor { id: "allowed", title: "What is allowed, and why" };
pub(super) const ROUTES: Anchor = Anchor { id: "routes", title: "Where traffic goes" };
pub(super) const ENDPOINTS: Anchor = Anchor { id: "endpoints", title: "Service endpoints" };
pub(super) const EXTRA: Anchor = Anchor { id: "extra", title: "Admitted beyond what was asked for" };
pub(super) const GAPS: Anchor = Anchor { id: "gaps", title: "Not expressed" };
pub(super) const BROKEN: Anchor = Anchor { id: "broken", title: "What does not work" };
pub(super) const STORAGE: Anchor = Anchor { id: "storage", title: "Storage: service endpoint policy" };
pub(super) const RISKS: Anchor = Anchor { id: "risks", title: "Risks" };
pub(super) const NOTES: Anchor = Anchor { id: "notes", title: "Notes" };
pub(super) const UNUSED: Anchor = Anchor { id: "unused", title: "Rows of the workloads that were not used" };
pub(super) const HELD: Anchor = Anchor { id: "preconditions", title: "Preconditions that hold" };
pub(super) const LINT: Anchor = Anchor { id: "lint", title: "Lint" };
pub(super) const LIMITS: Anchor = Anchor { id: "limits", title: "Azure's limits" };
pub(super) const PROOF: Anchor = Anchor { id: "proof", title: "Proof" };
pub(super) const SOURCES: Anchor = Anchor { id: "sources", title: "Sources" };

/// A section: what stands under a heading up to the next of the same level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) anchor: Anchor,
    pub(super) blocks: Vec<Block>,
}

impl Section {
    pub(super) fn new(anchor: Anchor, blocks: impl IntoIterator<Item = Block>) -> Self {
        Section { anchor, blocks: blocks.into_iter().collect() }
    }

    /// The heading and what stands under it.
    pub(super) fn into_blocks(self) -> impl Iterator<Item = Block> {
        std::iter::once(Block::Section(self.anchor)).chain(self.blocks)
    }
}
