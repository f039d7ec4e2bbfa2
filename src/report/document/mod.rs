//! A text for people as a value: blocks of lines, which [`markdown`] and [`html`] write.
//!
//! Whoever builds one says what stands there, not how it is written, so that nobody but the two writers escapes anything:
//! no text, whoever wrote it, gets out of the cell, the paragraph or the code that it is put into.

mod block;
mod html;
mod line;
mod markdown;
mod table;

pub(crate) use block::{Block, Item};
pub(crate) use html::html;
pub(crate) use line::{Anchor, Line};
pub(crate) use markdown::markdown;
pub(crate) use table::{Column, Table};

#[cfg(test)]
mod tests;
