//! `report.html`: the report for people as one file that needs no network and no script, with pictures.
//!
//! Its words are those of `report.md`, so that the two never say different things: the sections are the same, in the order in
//! which somebody in a hurry wants them. Everything else in it is made here, and all text is escaped.

mod history;
mod map;
mod pictures;
mod tradeoff;

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

pub use history::churn_of;

use super::document::{self, Anchor};
use super::section::{BROKEN, CHANGED, EXTRA, GAPS, RISKS, STEPS, Section, VERDICT};
use super::{Made, sections};
use crate::text::markup;

const STYLE: &str = include_str!("style.css");

/// Sections that come first, in this order; the others follow as they stand in the report, behind the pictures.
const FIRST: [Anchor; 7] = [VERDICT, CHANGED, BROKEN, GAPS, EXTRA, RISKS, STEPS];

/// The report as a page.
pub(super) fn report(made: &Made<'_>, all: &[Section]) -> String {
    let mut out = String::new();
    head(&mut out, &made.policy.name);
    out.push_str(&document::html(&[sections::title(made)]));
    let first = FIRST.iter().flat_map(|anchor| all.iter().filter(move |section| section.anchor == *anchor));
    first.for_each(|section| write_section(section, &mut out));
    pictures::limits(made, &mut out);
    history::churn(made, &mut out);
    tradeoff::curves(made, &mut out);
    map::addresses(made, &mut out);
    pictures::lengths(made, &mut out);
    let later = all.iter().filter(|section| !FIRST.contains(&section.anchor));
    later.for_each(|section| write_section(section, &mut out));
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

fn write_section(section: &Section, out: &mut String) {
    out.push_str(&document::html(&section.clone().into_blocks().collect::<Vec<_>>()));
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
