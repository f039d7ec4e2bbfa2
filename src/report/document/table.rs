//! [`Table`]: columns that say what they hold, and rows.

use super::line::Line;

/// A column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Column {
    /// What stands over it; nothing where the rows speak for themselves.
    pub(super) title: &'static str,
    /// Whether it holds numbers, which are compared by their last digits.
    pub(super) numbers: bool,
}

impl Column {
    /// A column of words.
    pub(crate) const fn words(title: &'static str) -> Self {
        Column { title, numbers: false }
    }

    /// A column of numbers.
    pub(crate) const fn numbers(title: &'static str) -> Self {
        Column { title, numbers: true }
    }
}

/// A table: every row has a cell for each column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Vec<Line>>,
}

impl Table {
    /// A table without rows.
    pub(crate) fn new(columns: impl Into<Vec<Column>>) -> Self {
        Table { columns: columns.into(), rows: Vec::new() }
    }

    /// Adds a row.
    pub(crate) fn push(&mut self, cells: impl Into<Vec<Line>>) {
        let mut cells = cells.into();
        debug_assert_eq!(cells.len(), self.columns.len(), "a cell for each column");
        cells.resize(self.columns.len(), Line::new());
        self.rows.push(cells);
    }

    /// The table with these rows.
    pub(crate) fn with<const N: usize>(mut self, rows: impl IntoIterator<Item = [Line; N]>) -> Self {
        rows.into_iter().for_each(|cells| self.push(cells));
        self
    }

    /// Whether it has no rows.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}
