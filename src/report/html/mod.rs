//! `report.html`: the report for people as one file that needs no network and no script, with pictures.
//!
//! Its words are those of `report.md`, so that the two never say different things: the sections are read from there and put in the
//! order in which somebody in a hurry wants them. Everything else in it is made here, and all text is escaped.

mod history;
mod map;
mod pictures;
mod tradeoff;

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};
use sha2::{Digest, Sha256};

pub use history::churn_of;

use super::Made;
use crate::text::markup;

const STYLE: &str = include_str!("style.css");

/// Sections that come first, in this order; the others follow as they stand in the report, behind the pictures.
const FIRST: [&str; 7] = [
    "Verdict",
    "What changed since last time",
    "What does not work",
    "Not expressed",
    "Admitted beyond what was asked for",
    "Risks",
    "What to do next",
];

/// The report as a page; `markdown` is that of `report.md`.
pub(super) fn report(made: &Made<'_>, markdown: &str) -> String {
    let sections = sections(markdown);
    let mut out = String::new();
    head(&mut out, &made.policy.name);
    // The heading and the table of what it was made from.
    let (summary, rest) =
        sections.split_first().map_or(("", &[][..]), |(first, rest)| (first.html.as_str(), rest));
    push(&mut out, &[summary]);
    for name in FIRST {
        rest.iter()
            .filter(|section| section.title == name)
            .for_each(|section| push(&mut out, &[&section.html]));
    }
    pictures::limits(made, &mut out);
    history::churn(made, &mut out);
    tradeoff::curves(made, &mut out);
    map::addresses(made, &mut out);
    pictures::lengths(made, &mut out);
    let later = rest.iter().filter(|section| !FIRST.contains(&section.title.as_str()));
    later.for_each(|section| push(&mut out, &[&section.html]));
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

fn push(out: &mut String, parts: &[&str]) {
    parts.iter().for_each(|part| out.push_str(part));
}

fn head(out: &mut String, name: &str) {
    let name = markup(name);
    // No style but this one is taken, not even one that stands in a text.
    let style = format!("\n{STYLE}");
    let digest = STANDARD.encode(Sha256::digest(style.as_bytes()));
    write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; \
         form-action 'none'\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{name} – rules</title>\n<style>{style}</style>\n</head>\n<body>\n<main>\n"
    )
    .expect("memory does not fail");
}

/// A section of the report.
struct Section {
    title: String,
    html: String,
}

/// The sections of a text in Markdown: what stands before the first heading of the second level, and then each of those. HTML in the
/// text is shown as text.
fn sections(markdown: &str) -> Vec<Section> {
    let mut sections: Vec<(String, Vec<Event<'_>>)> = vec![(String::new(), Vec::new())];
    let mut in_title = false;
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        let event = match event {
            Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
            other => other,
        };
        match &event {
            Event::Start(Tag::Heading { level: HeadingLevel::H2, .. }) => {
                sections.push((String::new(), Vec::new()));
                in_title = true;
            }
            Event::End(TagEnd::Heading(HeadingLevel::H2)) => in_title = false,
            Event::Text(text) | Event::Code(text) if in_title => {
                if let Some(last) = sections.last_mut() {
                    last.0.push_str(text);
                }
            }
            _ => {}
        }
        if let Some(last) = sections.last_mut() {
            last.1.push(event);
        }
    }
    sections.into_iter().map(|(title, events)| Section { title, html: rendered(events) }).collect()
}

fn rendered(events: Vec<Event<'_>>) -> String {
    let mut out = String::new();
    html::push_html(&mut out, events.into_iter());
    // Wide tables are moved, not the page; and with the keyboard too.
    let out = out.replace(" style=\"text-align: right\"", " class=\"right\"");
    // A head without words is none, and a corner without a word heads no column.
    let out = out.replace("<thead><tr><th></th><th></th></tr></thead>", "").replace("<th></th>", "<td></td>");
    out.replace("<table>", "<div class=\"table\" tabindex=\"0\"><table>")
        .replace("</table>", "</table></div>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_told_apart_and_html_in_them_is_text() {
        let found = sections(
            "# T\n\n| a |\n|---|\n| b |\n\n## One `x`\n\n<script>alert(1)</script>\n\ntext <b>c</b>\n\n## Two\n",
        );
        let titles: Vec<&str> = found.iter().map(|section| section.title.as_str()).collect();
        assert_eq!(titles, ["", "One x", "Two"]);
        assert!(
            found[0].html.contains("<h1>T</h1>") && found[0].html.contains("tabindex"),
            "{}",
            found[0].html
        );
        let one = &found[1].html;
        assert!(one.contains("&lt;script&gt;") && !one.contains("<script") && !one.contains("<b>"), "{one}");
    }
}
