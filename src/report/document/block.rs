//! [`Block`]: a part of a document.

use super::line::{Anchor, Line};
use super::table::Table;

/// An item of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    pub(super) line: Line,
    pub(super) under: Vec<Line>,
}

impl Item {
    /// An item with others under it.
    pub(crate) fn with(line: Line, under: Vec<Line>) -> Self {
        Item { line, under }
    }
}

impl From<Line> for Item {
    fn from(line: Line) -> Self {
        Item { line, under: Vec::new() }
    }
}

/// A part of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Block {
    /// The heading of a section that other places lead to; it is of the second level.
    Section(Anchor),
    /// Any other heading, with its level from 1 on.
    Heading(u8, Line),
    /// A paragraph.
    Paragraph(Line),
    /// A list with bullets.
    Bullets(Vec<Item>),
    /// A list with numbers from 1 on.
    Numbers(Vec<Item>),
    /// A table.
    Table(Table),
}

impl Block {
    /// A paragraph.
    pub(crate) fn paragraph(line: impl Into<Line>) -> Self {
        Block::Paragraph(line.into())
    }

    /// A list with bullets; none where there are no items.
    pub(crate) fn bullets(items: impl IntoIterator<Item = Line>) -> Option<Self> {
        let items: Vec<Item> = items.into_iter().map(Item::from).collect();
        (!items.is_empty()).then_some(Block::Bullets(items))
    }

    /// A list with numbers.
    pub(crate) fn numbers(items: impl IntoIterator<Item = Line>) -> Self {
        Block::Numbers(items.into_iter().map(Item::from).collect())
    }
}
