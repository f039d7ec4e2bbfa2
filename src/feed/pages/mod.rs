//! Pages for people: made here, whole, and the same for the server and as files. They need no script; the one there is adds
//! buttons that copy and fields that narrow tables down.

mod environments;
mod explain;
mod lookup;
mod plot;
mod tags;

use askama::Template;

use super::answer::{Answer, HTML};
use super::body::Body;
use super::world::World;

/// The style of the pages, at `assets/style.css`.
pub const STYLE: &str = include_str!("../../../assets/style.css");
/// Their script, at `assets/page.js`.
pub const SCRIPT: &str = include_str!("../../../assets/page.js");

/// What is around every page.
#[derive(Debug, Clone)]
struct Frame {
    title: String,
    /// The way to the first page.
    root: String,
    /// Path of a feed below that.
    atom: Option<String>,
    /// Of which data the page is.
    data: String,
    /// Whether the pages are files, with nobody behind them who could answer.
    fixed: bool,
}

/// Where pages are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Medium {
    /// Behind a server that answers questions.
    Served,
    /// As files, so many folders below the first page.
    Files(usize),
}

impl Frame {
    fn new(world: &World, medium: Medium, title: &str) -> Self {
        let (root, fixed) = match medium {
            Medium::Served => ("/".to_owned(), false),
            Medium::Files(0) => ("./".to_owned(), true),
            Medium::Files(depth) => ("../".repeat(depth), true),
        };
        Frame { title: title.to_owned(), root, atom: None, data: data(world), fixed }
    }
}

fn data(world: &World) -> String {
    let clouds: Vec<String> = world
        .clouds()
        .map(|(cloud, feed)| {
            let week = feed.history().current();
            format!(
                "Service tags of {} of {} (change number {})",
                cloud.name(),
                week.date,
                week.change_number
            )
        })
        .collect();
    let generation = world.published().map(|p| format!("; generation {}", p.record().number));
    format!("{}{}. tagwall {}.", clouds.join(", "), generation.unwrap_or_default(), env!("CARGO_PKG_VERSION"))
}

/// A page as an answer.
fn page(template: &impl Template) -> Answer {
    match template.render() {
        Ok(text) => Answer::good(HTML, Body::new(text.into_bytes())),
        // Only writing can fail, and memory does not.
        Err(error) => Answer::unavailable(&format!("the page cannot be made: {error}"), 60),
    }
}

/// A text as a part of an address of the web.
fn encode(text: &str) -> String {
    use std::fmt::Write;
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("memory does not fail");
        }
        out
    })
}

/// The style or the script of the pages.
pub fn asset(name: &str) -> Answer {
    let (media, text) = match name {
        "style.css" => ("text/css; charset=utf-8", STYLE),
        "page.js" => ("text/javascript; charset=utf-8", SCRIPT),
        other => return Answer::unknown(&format!("there is no asset `{other}`")),
    };
    Answer::good(media, Body::new(text.as_bytes()))
}
