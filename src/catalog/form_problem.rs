//! [`FormProblem`]: where a catalogue file has not the form of one.

use std::fmt::{self, Display};

use jiff::civil::Date;

use crate::text::{Joined, did_you_mean, nearest};

/// What of the form is wrong. Its parts are those of the text that is read.
#[derive(Debug, thiserror::Error)]
pub(super) enum FormProblem<'a> {
    /// A value is of another kind than it should be; TOML's name of its kind.
    #[error("{what} is {wanted}, not {}", article(.is))]
    Kind { what: What<'a>, wanted: &'static str, is: &'static str },
    #[error("{what} holds the character U+{:04X}, which is not shown", u32::from(*.character))]
    Hidden { what: What<'a>, character: char },
    #[error("`{0}` is written [[{0}]], once for each")]
    NoTables(&'a str),
    #[error("`{0}` is missing")]
    Missing(&'static str),
    #[error("`{0}` is true or false, without quotes")]
    NoFlag(&'static str),
    #[error("`{0}` is a day, as in 2026-03-31")]
    NoDay(&'static str),
    #[error("unknown key `{key}`{}", key_hint(.key, .known))]
    UnknownKey { key: &'a str, known: &'a [&'static str] },
    #[error("no cloud `{0}`")]
    Cloud(&'a str),
    #[error("`until` {until} is not after `from` {from}")]
    Dates { from: Date, until: Date },
    #[error("no target `{0}`{near}; nsg, firewall or route", near = did_you_mean(&nearest(.0, ["nsg", "firewall", "route"])))]
    Target(&'a str),
    #[error("no turn `{0}`: begins or ends")]
    Turn(&'a str),
}

/// What a value is called in messages.
#[derive(Debug, Clone, Copy)]
pub(super) enum What<'a> {
    /// By its key.
    Key(&'a str),
    /// In other words.
    Words(&'a str),
}

impl Display for What<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::Key(key) => write!(f, "`{key}`"),
            What::Words(words) => f.write_str(words),
        }
    }
}

fn article(kind: &str) -> impl Display + '_ {
    let article = if matches!(kind, "array" | "integer") { "an" } else { "a" };
    fmt::from_fn(move |f| write!(f, "{article} {kind}"))
}

fn key_hint(key: &str, known: &[&'static str]) -> impl Display {
    let near = nearest(key, known.iter().copied());
    fmt::from_fn(move |f| match near.is_empty() {
        true => write!(f, "; known are {}", Joined(known, ", ")),
        false => f.write_str(&did_you_mean(&near)),
    })
}
