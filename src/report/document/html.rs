//! Documents as HTML, without styles and scripts.

use super::block::{Block, Item};
use super::line::{Inline, Line, one_line};
use super::table::Table;
use crate::text::markup;

/// The blocks in HTML.
pub(crate) fn html(blocks: &[Block]) -> String {
    let mut out = String::new();
    blocks.iter().for_each(|block| write_block(block, &mut out));
    out
}

fn write_block(block: &Block, out: &mut String) {
    match block {
        Block::Section(anchor) => {
            push(out, &["<h2 id=\"", anchor.id, "\">", &markup(anchor.title), "</h2>\n"]);
        }
        Block::Heading(level, line) => {
            let level = level.to_string();
            push(out, &["<h", &level, ">", &written(line), "</h", &level, ">\n"]);
        }
        Block::Paragraph(line) => push(out, &["<p>", &written(line), "</p>\n"]),
        Block::Bullets(items) => write_list("ul", items, out),
        Block::Numbers(items) => write_list("ol", items, out),
        Block::Table(table) => write_table(table, out),
    }
}

fn push(out: &mut String, parts: &[&str]) {
    parts.iter().for_each(|part| out.push_str(part));
}

fn write_list(element: &str, items: &[Item], out: &mut String) {
    push(out, &["<", element, ">\n"]);
    for item in items {
        push(out, &["<li>", &written(&item.line)]);
        if !item.under.is_empty() {
            out.push_str("\n<ul>\n");
            item.under.iter().for_each(|line| push(out, &["<li>", &written(line), "</li>\n"]));
            out.push_str("</ul>\n");
        }
        out.push_str("</li>\n");
    }
    push(out, &["</", element, ">\n"]);
}

/// Wide tables are moved, not the page; and with the keyboard too.
fn write_table(table: &Table, out: &mut String) {
    let class = |at: usize| if table.columns[at].numbers { " class=\"right\"" } else { "" };
    out.push_str("<div class=\"table\" tabindex=\"0\"><table>");
    // A head without words is none, and a corner without a word heads no column.
    if table.columns.iter().any(|column| !column.title.is_empty()) {
        out.push_str("<thead><tr>");
        for (at, column) in table.columns.iter().enumerate() {
            let element = if column.title.is_empty() { "td" } else { "th" };
            push(out, &["<", element, class(at), ">", &markup(column.title), "</", element, ">"]);
        }
        out.push_str("</tr></thead>");
    }
    out.push_str("<tbody>\n");
    for row in &table.rows {
        out.push_str("<tr>");
        for (at, cell) in row.iter().enumerate() {
            push(out, &["<td", class(at), ">", &written(cell), "</td>"]);
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></div>\n");
}

fn written(line: &Line) -> String {
    line.0.iter().map(inline).collect()
}

fn inline(inline: &Inline) -> String {
    match inline {
        Inline::Text(text) => markup(&one_line(text)),
        Inline::Code(code) => within("code", markup(&one_line(code))),
        Inline::Strong(line) => within("strong", written(line)),
        Inline::Aside(line) => within("em", written(line)),
        Inline::Reference(to) => format!("<a href=\"#{}\"><em>{}</em></a>", to.id, markup(to.title)),
        Inline::Break => "\n".to_owned(),
    }
}

/// What is written in an element; there is none around nothing.
fn within(element: &str, written: String) -> String {
    if written.trim().is_empty() { written } else { format!("<{element}>{written}</{element}>") }
}
