//! Documents as Markdown, as GitHub and Azure DevOps read it: CommonMark with tables.

use super::block::{Block, Item};
use super::line::{Inline, Line, one_line};
use super::table::{Column, Table};

/// The blocks in Markdown, with an empty line between two of them.
pub(crate) fn markdown(blocks: &[Block]) -> String {
    let mut out = String::new();
    for (at, block) in blocks.iter().enumerate() {
        if at > 0 {
            out.push('\n');
        }
        write_block(block, &mut out);
    }
    out
}

fn write_block(block: &Block, out: &mut String) {
    match block {
        Block::Section(anchor) => write_heading(2, &anchor.title.into(), out),
        Block::Heading(level, line) => write_heading(*level, line, out),
        Block::Paragraph(line) => {
            out.push_str(&flowing(line, 0));
            out.push('\n');
        }
        Block::Bullets(items) => items.iter().for_each(|item| write_item("- ", item, out)),
        Block::Numbers(items) => {
            (1..).zip(items).for_each(|(number, item)| write_item(&format!("{number}. "), item, out));
        }
        Block::Table(table) => write_table(table, out),
    }
}

fn write_heading(level: u8, line: &Line, out: &mut String) {
    out.extend(std::iter::repeat_n('#', usize::from(level)));
    out.push(' ');
    // Number signs at the end would be taken for its close.
    out.push_str(&Place::Heading.written(line));
    out.push('\n');
}

fn write_item(mark: &str, item: &Item, out: &mut String) {
    out.push_str(mark);
    out.push_str(&flowing(&item.line, mark.len()));
    out.push('\n');
    // Under the text of the item, or it is no part of it.
    for line in &item.under {
        out.extend(std::iter::repeat_n(' ', mark.len()));
        out.push_str("- ");
        out.push_str(&flowing(line, mark.len() + 2));
        out.push('\n');
    }
}

fn write_table(table: &Table, out: &mut String) {
    out.push('|');
    for Column { title, .. } in &table.columns {
        out.push(' ');
        if !title.is_empty() {
            out.push_str(&Place::Cell.written(&Line::from(title)));
            out.push(' ');
        }
        out.push('|');
    }
    out.push_str("\n|");
    table.columns.iter().for_each(|column| out.push_str(if column.numbers { "--:|" } else { "---|" }));
    out.push('\n');
    for row in &table.rows {
        out.push('|');
        for cell in row {
            out.push(' ');
            out.push_str(&Place::Cell.written(cell));
            out.push_str(" |");
        }
        out.push('\n');
    }
}

/// The text of a paragraph or item of which each further line has so many spaces before it.
fn flowing(line: &Line, indent: usize) -> String {
    Place::Flow { indent }.written(line)
}

/// Where a line stands, which decides on what has a meaning there.
#[derive(Clone, Copy)]
enum Place {
    Flow { indent: usize },
    Heading,
    Cell,
}

impl Place {
    fn written(self, line: &Line) -> String {
        let mut out = Text { out: String::new(), place: self, starts: !matches!(self, Place::Cell) };
        out.line(line);
        out.out
    }
}

/// Text of one line of the document as it grows.
struct Text {
    out: String,
    place: Place,
    /// Whether the next character begins a line, so that it might begin a block.
    starts: bool,
}

impl Text {
    fn line(&mut self, line: &Line) {
        for inline in &line.0 {
            match inline {
                Inline::Text(text) => self.words(text),
                Inline::Code(code) => self.code(code),
                Inline::Strong(line) => self.between("**", line),
                Inline::Aside(line) => self.between("_", line),
                Inline::Reference(to) => self.between("*", &to.title.into()),
                Inline::Break => self.next_line(),
            }
        }
    }

    fn next_line(&mut self) {
        match self.place {
            Place::Flow { indent } => {
                // Two spaces before it would make it a break of another kind.
                self.out.truncate(self.out.trim_end_matches(' ').len());
                self.out.push('\n');
                self.out.extend(std::iter::repeat_n(' ', indent));
                self.starts = true;
            }
            Place::Heading | Place::Cell => self.out.push(' '),
        }
    }

    /// A line between two marks, which count only where they touch a word.
    fn between(&mut self, mark: &str, line: &Line) {
        let mut inner = Text { out: String::new(), place: self.place, starts: false };
        inner.line(line);
        let inner = inner.out.trim();
        if !inner.is_empty() {
            self.out.push_str(mark);
            self.out.push_str(inner);
            self.out.push_str(mark);
            self.starts = false;
        }
    }

    fn words(&mut self, text: &str) {
        let text = one_line(text);
        // White space before a paragraph could make code of it.
        let text = if self.starts { text.trim_start() } else { &*text };
        let mut rest = if std::mem::take(&mut self.starts) { self.begin(text) } else { text };
        while let Some(at) = rest.find(may_mean_something) {
            let (before, found) = rest.split_at(at);
            self.out.push_str(before);
            let mut after = found.chars();
            let c = after.next().expect("it was found");
            rest = after.as_str();
            self.character(c, rest);
        }
        self.out.push_str(rest);
    }

    /// Writes what begins a line so that it begins no block; returns what is left.
    fn begin<'a>(&mut self, text: &'a str) -> &'a str {
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, rest) = text.split_at(digits);
        self.out.push_str(number);
        let mut after = rest.chars();
        let Some(c) = after.next() else { return rest };
        let next = after.clone().next();
        // `7. ` and `7) ` begin a list.
        let ends = matches!(c, '.' | ')') && next.is_none_or(char::is_whitespace);
        let begins = if number.is_empty() { begins_block(c, next) } else { ends };
        if !begins {
            return rest;
        }
        self.out.push('\\');
        self.out.push(c);
        after.as_str()
    }

    fn character(&mut self, c: char, rest: &str) {
        let next = rest.chars().next();
        let escape = match c {
            // Not as an escape, which some readers leave before it.
            '<' => return self.out.push_str("&lt;"),
            '&' if names_character(rest) => return self.out.push_str("&amp;"),
            '\\' | '|' | '*' | '`' | '~' => true,
            '_' => !(self.out.ends_with(char::is_alphanumeric) && next.is_some_and(char::is_alphanumeric)),
            // A link, or what links are told by.
            ']' => matches!(next, Some('(' | '[' | ':')),
            '#' => matches!(self.place, Place::Heading),
            _ => false,
        };
        if escape {
            self.out.push('\\');
        }
        self.out.push(c);
    }

    fn code(&mut self, code: &str) {
        let mut code = one_line(code);
        let in_cell = matches!(self.place, Place::Cell);
        // A bar that ends no cell has a backslash before it; where there is one already, it cannot be said in code.
        if code.trim().is_empty() || (in_cell && code.contains("\\|")) {
            return self.words(&code);
        }
        if in_cell {
            code = code.replace('|', "\\|").into();
        }
        let longest = code.split(|c| c != '`').map(str::len).max().unwrap_or_default();
        self.starts = false;
        let marks = "`".repeat(longest + 1);
        // One space at either end is taken away.
        let space = if longest > 0 || (code.starts_with(' ') && code.ends_with(' ')) { " " } else { "" };
        [&marks, space, &code, space, &marks].into_iter().for_each(|part| self.out.push_str(part));
    }
}

/// Whether a character at the beginning of a line could begin a block: a heading, a list, a quotation, a task.
fn begins_block(c: char, next: Option<char>) -> bool {
    match c {
        '#' | '>' | '=' | '[' => true,
        '-' | '+' => next.is_none_or(|next| next == c || !next.is_alphanumeric()),
        _ => false,
    }
}

/// Whether what follows an ampersand makes it the name or number of a character.
fn names_character(rest: &str) -> bool {
    rest.chars().find(|c| !c.is_ascii_alphanumeric() && *c != '#') == Some(';')
}

/// Whether a character inside of a line means something at some place.
fn may_mean_something(c: char) -> bool {
    matches!(c, '<' | '&' | '\\' | '|' | '*' | '`' | '~' | '_' | ']' | '#')
}
