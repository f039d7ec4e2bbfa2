//! [`ReadError`], what the readers of our own files find wrong, and the bytes of files as text.

use std::fmt::{self, Display};

use crate::target::ApiVersion;
use crate::text::visible;

/// Names and contents of the files of one format.
pub(crate) type Files<'a> = [(&'a str, &'a [u8])];

/// Why a file cannot be read back. Shown, it has no hidden characters of the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}", visible(place), visible(message))]
pub struct ReadError {
    /// Where in the file.
    pub place: String,
    /// What is wrong there.
    pub message: String,
}

impl ReadError {
    /// The error of a place, most often a [`Line`], with what is wrong there, most often one of [`Wrong`]. Only here
    /// either becomes text.
    pub(super) fn new(place: impl Display, message: impl Display) -> Self {
        ReadError { place: place.to_string(), message: message.to_string() }
    }
}

/// A line of a file, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line<'a>(pub(super) &'a str, pub(super) usize);

impl Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} line {}", self.0, self.1)
    }
}

/// What can be wrong in files of several formats, or at several places of one. The words of the file are borrowed: most
/// of what is looked at is right.
#[derive(Debug, Clone, Copy, thiserror::Error)]
pub(super) enum Wrong<'a> {
    /// This text has to stand here.
    #[error("`{0}` is expected")]
    Expected(&'a str),
    /// Something has to stand here between these texts.
    #[error("`{0}…{1}` is expected")]
    Between(&'a str, &'a str),
    /// A member or argument is not there.
    #[error("`{0}` is missing")]
    Missing(&'a str),
    /// A member or argument is not what it has to be.
    #[error("`{0}` must {1}")]
    Must(&'a str, &'static str),
    /// Something is there twice.
    #[error("{0} is there twice")]
    Twice(&'a str),
    /// A member is there twice.
    #[error("the member `{0}` is there twice")]
    MemberTwice(&'a str),
    /// A name is declared twice.
    #[error("{0} is declared twice")]
    DeclaredTwice(&'a str),
    /// A name is used that is not declared.
    #[error("{0} is not declared")]
    Undeclared(&'a str),
    /// A text is not of the kind that it has to be.
    #[error("{0} is no {1}")]
    IsNo(&'a str, &'static str),
    /// The same of a text that may be empty or end in blanks.
    #[error("{0:?} is no {1}")]
    QuotedIsNo(&'a str, &'static str),
    /// A text is none of a few words.
    #[error("{0} is none of {words}", words = .1.join(", "))]
    NoneOf(&'a str, &'a [&'a str]),
    /// What is named is not there: its kind and its name.
    #[error("there is no {0} {1}")]
    NoSuch(&'static str, &'a str),
    /// A resource that is named by type and label is not there.
    #[error("there is no {0}.{1}")]
    NoResource(&'a str, &'a str),
    /// Resources, rules or collections of a type that no reader knows.
    #[error("{0} of type {1} are not read")]
    Type(&'static str, &'a str),
    /// The same of a type that others may read.
    #[error("{0} of type {1} are not read here")]
    TypeHere(&'static str, &'a str),
    /// A thing with its name that no reader knows.
    #[error("the {0} {1} is not read here")]
    NotReadHere(&'static str, &'a str),
    /// An argument or block that a block of this kind has not.
    #[error("`{name}` is no {what} of {of} that is read here")]
    Stranger {
        /// What it is called.
        name: &'a str,
        /// An argument or a block.
        what: &'static str,
        /// The kind of the block that holds it.
        of: &'a str,
    },
    /// A label that does not follow from the name.
    #[error("the label {0} is not {1}")]
    Label(&'a str, fmt::Arguments<'a>),
    /// An option of a command.
    #[error("--{0} {1}")]
    Option(&'a str, &'static str),
    /// A version of the API under which members may mean something else than they are taken for.
    #[error("API version {0} is none of {versions}", versions = ApiVersion::ALL.map(ApiVersion::name).join(", "))]
    Version(&'a str),
    /// A document that the shell would not pass on as it stands.
    #[error("the shell would change {0}")]
    Shell(&'a str),
    /// A variable that holds an id which nothing makes use of.
    #[error("a variable holds the id of {what} {name}, and {unused}")]
    UnusedId {
        /// What has the id.
        what: &'static str,
        /// Its name.
        name: &'a str,
        /// What nobody does.
        unused: &'static str,
    },
}

/// The text of a file.
pub(super) fn utf8<'a>(name: &str, bytes: &'a [u8]) -> Result<&'a str, ReadError> {
    std::str::from_utf8(bytes).map_err(|error| ReadError::new(name, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said_once() {
        for (wrong, text) in [
            (Wrong::Expected("x"), "`x` is expected"),
            (Wrong::Between("a='", "'"), "`a='…'` is expected"),
            (Wrong::Missing("x"), "`x` is missing"),
            (Wrong::Must("x", "be a list"), "`x` must be a list"),
            (Wrong::Twice("x"), "x is there twice"),
            (Wrong::MemberTwice("x"), "the member `x` is there twice"),
            (Wrong::DeclaredTwice("x"), "x is declared twice"),
            (Wrong::Undeclared("x"), "x is not declared"),
            (Wrong::IsNo("x", "name"), "x is no name"),
            (Wrong::QuotedIsNo("", "prefix"), "\"\" is no prefix"),
            (Wrong::NoneOf("x", &["Allow", "Deny"]), "x is none of Allow, Deny"),
            (Wrong::NoSuch("list", "x"), "there is no list x"),
            (Wrong::NoResource("azurerm_route", "x"), "there is no azurerm_route.x"),
            (Wrong::Type("rules", "X"), "rules of type X are not read"),
            (Wrong::TypeHere("resources", "x"), "resources of type x are not read here"),
            (Wrong::NotReadHere("provider", "x"), "the provider x is not read here"),
            (
                Wrong::Stranger { name: "x", what: "block", of: "rule" },
                "`x` is no block of rule that is read here",
            ),
            (Wrong::Label("x", format_args!("y")), "the label x is not y"),
            (Wrong::Option("x", "is missing"), "--x is missing"),
            (Wrong::Shell("$x"), "the shell would change $x"),
            (
                Wrong::UnusedId { what: "subnet", name: "s", unused: "nothing is put on it" },
                "a variable holds the id of subnet s, and nothing is put on it",
            ),
        ] {
            assert_eq!(wrong.to_string(), text);
        }
        let version = Wrong::Version("2001-01-01").to_string();
        assert!(version.starts_with("API version 2001-01-01 is none of 20"), "{version}");
        assert_eq!(
            ReadError::new(Line("a.csv", 3), Wrong::Missing("x")).to_string(),
            "a.csv line 3: `x` is missing"
        );
    }
}
