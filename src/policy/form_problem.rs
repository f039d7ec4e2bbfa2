//! [`FormProblem`]: where a policy file has not the form that its schema gives.

use super::place::Path;
use crate::text::{Joined, did_you_mean};

/// What of the form is wrong. Its parts are those of the text that is read.
#[derive(Debug, thiserror::Error)]
pub(super) enum FormProblem<'a> {
    #[error("the text holds the character U+{:04X}, which is not shown; take it out", u32::from(*.0))]
    Hidden(char),
    #[error("unknown key `{name}`{hint}")]
    Key { name: &'a str, hint: KeyHint<'a> },
    #[error("`{name}` is missing{}{place}{}", beside(.place, " in `"), beside(.place, "`"))]
    Missing { name: &'a str, place: &'a Path },
    #[error("`{0}` needs at least one entry")]
    Empty(&'a Path),
    #[error("`{place}` must be {}, not {is}", Joined(.wanted, " or "))]
    Kind { place: &'a Path, wanted: &'a [&'static str], is: &'static str },
    #[error("`{place}` must be {}, not {is}", Range(*.min, *.max))]
    Number { place: &'a Path, min: Option<f64>, max: Option<f64>, is: &'a str },
    #[error("unknown value `{word}` for `{place}`{}", hint(.near, .all))]
    Word { word: &'a str, place: &'a Path, near: Vec<String>, all: &'a [&'a str] },
    #[error("`{place}` must be one of {}, not {is}", Joined(.all, ", "))]
    NoWord { place: &'a Path, all: &'a [&'a str], is: &'static str },
}

/// What somebody may have meant by a key that is not known.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeyHint<'a> {
    /// One of these, if there are any.
    #[error("{}", did_you_mean(.0))]
    Near(Vec<String>),
    #[error("; `{0}` belongs at the top of the file, before the first [section]")]
    Top(&'a str),
    #[error("; `{0}` belongs in [{1}]")]
    Section(&'a str, &'a str),
    #[error("; `{0}` belongs in [[{1}]]")]
    Entry(&'a str, &'a str),
}

/// A text beside a place, where that is not the top.
fn beside(place: &Path, text: &'static str) -> &'static str {
    if place.steps().is_empty() { "" } else { text }
}

fn hint(near: &[String], all: &[&str]) -> String {
    if near.is_empty() { format!("; one of {}", Joined(all, ", ")) } else { did_you_mean(near) }
}

/// The numbers that a key takes.
struct Range(Option<f64>, Option<f64>);

impl std::fmt::Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Range(Some(min), Some(max)) => write!(f, "from {min} to {max}"),
            Range(Some(min), None) => write!(f, "{min} or more"),
            Range(None, _) => f.write_str("in range"),
        }
    }
}
