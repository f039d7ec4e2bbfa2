//! Pages for people: made here, whole, and the same for the server and as files. They need no script; the one there is adds
//! buttons that copy and fields that narrow tables down.

mod environments;
mod explain;
mod lookup;
mod plot;
mod tags;

use std::fmt::{self, Display, Formatter, Write};

use askama::Template;

use super::answer::{Answer, HTML};
use super::body::Body;
use super::changes::Subject;
use super::world::World;
use crate::addr::IpPrefix;
use crate::text::joined;

/// The style of the pages, at `assets/style.css`.
pub const STYLE: &str = include_str!("../../../assets/style.css");
/// Their script, at `assets/page.js`.
pub const SCRIPT: &str = include_str!("../../../assets/page.js");

/// What is around every page.
#[derive(Debug, Clone, Copy)]
struct Frame<'w> {
    title: Title<'w>,
    /// What changed in that which the page is of, as a feed.
    atom: Option<Subject<'w>>,
    world: &'w World,
    medium: Medium,
}

/// What a page is called.
#[derive(Debug, Clone, Copy)]
enum Title<'w> {
    /// As this, or as what has this name.
    Name(&'w str),
    /// What is known of one address or prefix.
    Found(IpPrefix),
    /// What passes in this environment.
    Passes(&'w str),
}

impl Display for Title<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Title::Name(name) => f.write_str(name),
            Title::Found(prefix) => write!(f, "{prefix} – look up"),
            Title::Passes(name) => write!(f, "{name} – what passes"),
        }
    }
}

/// Where pages are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Medium {
    /// Behind a server that answers questions.
    Served,
    /// As files, so many folders below the first page.
    Files(usize),
}

impl<'w> Frame<'w> {
    fn new(world: &'w World, medium: Medium, title: &'w str) -> Self {
        Frame { title: Title::Name(title), atom: None, world, medium }
    }

    /// The way to the first page.
    fn root(&self) -> impl Display {
        let medium = self.medium;
        fmt::from_fn(move |f| match medium {
            Medium::Served => f.write_str("/"),
            Medium::Files(0) => f.write_str("./"),
            Medium::Files(depth) => (0..depth).try_for_each(|_| f.write_str("../")),
        })
    }

    /// Whether the pages are files, with nobody behind them who could answer.
    fn fixed(&self) -> bool {
        self.medium != Medium::Served
    }

    /// Of which data the page is.
    fn data(&self) -> impl Display {
        let clouds = self.world.clouds().map(|(cloud, feed)| {
            let (week, cloud) = (feed.history().current(), cloud.name());
            fmt::from_fn(move |f| {
                let (date, number) = (week.date, week.change_number);
                write!(f, "Service tags of {cloud} of {date} (change number {number})")
            })
        });
        let clouds: Vec<_> = clouds.collect();
        let generation = self.world.published().map(|p| p.record().number);
        fmt::from_fn(move |f| {
            write!(f, "{}", joined(&clouds, ", "))?;
            if let Some(number) = generation {
                write!(f, "; generation {number}")?;
            }
            write!(f, ". tagwall {}.", env!("CARGO_PKG_VERSION"))
        })
    }
}

/// A page as an answer.
fn page(template: &impl Template) -> Answer {
    match template.render() {
        Ok(text) => Answer::good(HTML, Body::new(text.into_bytes())),
        // Only writing can fail, and memory does not.
        Err(error) => Answer::unavailable(format_args!("the page cannot be made: {error}"), 60),
    }
}

/// What is shown as a part of an address of the web.
fn encode(shown: impl Display) -> impl Display {
    fmt::from_fn(move |f| write!(Encoded(f), "{shown}"))
}

/// Escapes what is written on the way to where it is written.
struct Encoded<'a, W>(&'a mut W);

impl<W: fmt::Write> fmt::Write for Encoded<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.bytes().try_for_each(|byte| {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                self.0.write_char(char::from(byte))
            } else {
                write!(self.0, "%{byte:02X}")
            }
        })
    }
}

/// The style or the script of the pages.
pub fn asset(name: &str) -> Answer {
    let (media, text) = match name {
        "style.css" => ("text/css; charset=utf-8", STYLE),
        "page.js" => ("text/javascript; charset=utf-8", SCRIPT),
        other => return Answer::unknown(format_args!("there is no asset `{other}`")),
    };
    Answer::good(media, Body::new(text.as_bytes()))
}
