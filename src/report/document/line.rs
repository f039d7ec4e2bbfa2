//! [`Line`]: words, code and so on in a row.

use std::borrow::Cow;
use std::fmt::{Display, Write};

use crate::text::{is_plain, visible};

/// A heading that other places of the document lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Anchor {
    /// What it is called in addresses: lower-case letters and hyphens.
    pub(crate) id: &'static str,
    /// The heading itself.
    pub(crate) title: &'static str,
}

/// What stands in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Inline {
    /// Words as they are.
    Text(String),
    /// What is typed somewhere, or stands in a file.
    Code(String),
    /// What must not be missed.
    Strong(Line),
    /// What is said by the way.
    Aside(Line),
    /// Another place of the document, by its heading.
    Reference(Anchor),
    /// The end of a line inside a paragraph or item.
    Break,
}

/// Words, code and so on in a row: a paragraph, a heading, an item or a cell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Line(pub(super) Vec<Inline>);

impl Line {
    /// An empty line, to be added to.
    pub(crate) fn new() -> Self {
        Line::default()
    }

    /// A line of prose, as [`Line::prose`] takes it.
    pub(crate) fn of(prose: &str) -> Self {
        Line::new().prose(prose)
    }

    /// Adds words as they are.
    pub(crate) fn text(mut self, text: impl Display) -> Self {
        // What follows a word decides on how it is written, so that words are kept together.
        if let Some(Inline::Text(before)) = self.0.last_mut() {
            write!(before, "{text}").expect("writing to a string does not fail");
        } else {
            self.0.push(Inline::Text(text.to_string()));
        }
        self
    }

    /// Adds prose: what stands between two backticks is code, as in the texts of the catalogue. A backtick without another
    /// is a character like others.
    pub(crate) fn prose(mut self, prose: &str) -> Self {
        let mut rest = prose;
        while let Some((before, code, after)) = first_code(rest) {
            self = if before.is_empty() { self } else { self.text(before) }.code(code);
            rest = after;
        }
        if rest.is_empty() { self } else { self.text(rest) }
    }

    /// Adds code.
    pub(crate) fn code(mut self, code: impl Into<String>) -> Self {
        // The mark between two codes would be taken for a part of them.
        if let Some(Inline::Code(before)) = self.0.last_mut() {
            before.push_str(&code.into());
        } else {
            self.0.push(Inline::Code(code.into()));
        }
        self
    }

    /// Adds what must not be missed.
    pub(crate) fn strong(mut self, line: impl Into<Line>) -> Self {
        self.0.push(Inline::Strong(line.into()));
        self
    }

    /// Adds what is said by the way.
    pub(crate) fn aside(mut self, line: impl Into<Line>) -> Self {
        self.0.push(Inline::Aside(line.into()));
        self
    }

    /// Adds the name of another place of the document, which leads there.
    pub(crate) fn reference(mut self, to: Anchor) -> Self {
        self.0.push(Inline::Reference(to));
        self
    }

    /// Goes on in a new line of the same paragraph or item.
    pub(crate) fn next_line(mut self) -> Self {
        self.0.push(Inline::Break);
        self
    }

    /// Adds another line.
    pub(crate) fn then(self, other: Line) -> Self {
        other.0.into_iter().fold(self, |mut line, inline| match inline {
            Inline::Text(text) => line.text(text),
            Inline::Code(code) => line.code(code),
            other => {
                line.0.push(other);
                line
            }
        })
    }

    /// Several lines as one, with words between them.
    pub(crate) fn joined(lines: impl IntoIterator<Item = Line>, between: &str) -> Self {
        let mut lines = lines.into_iter();
        let first = lines.next().unwrap_or_default();
        lines.fold(first, |all, line| all.text(between).then(line))
    }

    /// Whether nothing stands there.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What stands before the first code of a prose, the code, and what stands behind it.
fn first_code(prose: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = prose.split_once('`')?;
    let (code, after) = rest.split_once('`')?;
    (!code.is_empty()).then_some((before, code, after))
}

impl<T: Display> From<T> for Line {
    fn from(text: T) -> Self {
        Line::new().text(text)
    }
}

/// Text as every writer takes it: in one line, and what is not seen or turns other text around is written out.
pub(super) fn one_line(text: &str) -> Cow<'_, str> {
    // As nearly every text is.
    if is_plain(text) {
        return Cow::Borrowed(text);
    }
    let text = text.replace("\r\n", " ").replace(['\n', '\r', '\t'], " ");
    Cow::Owned(visible(&text).into_owned())
}
