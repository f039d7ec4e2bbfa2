//! [`Atoms`]: what is not known, by name: application security groups, tags of no file, expressions.

use std::collections::HashMap;
use std::fmt;

/// Where in a rule something unknown stands: whether a packet's source is in it is one question, whether its
/// destination is, another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum At {
    /// The source address.
    Source,
    /// The destination address.
    Destination,
    /// The source port.
    SourcePort,
    /// The destination port.
    DestinationPort,
    /// The protocol.
    Protocol,
    /// Whether the rule allows.
    Access,
    /// Whether the rule stands where it seems to.
    Order,
}

impl At {
    fn words(self) -> &'static str {
        match self {
            At::Source => "the source is in",
            At::Destination => "the destination is in",
            At::SourcePort => "the source port is in",
            At::DestinationPort => "the destination port is in",
            At::Protocol => "the protocol is",
            At::Access => "access is Allow by",
            At::Order => "the priority is as it seems by",
        }
    }
}

/// One yes-or-no question on which a decision may hang.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Atom {
    pub(crate) at: At,
    /// What is not known, in words: `application security group web`, `tag CorpNet`.
    pub(crate) what: String,
}

impl fmt::Display for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.at.words(), self.what)
    }
}

/// Numbers for atoms; the same question has one number in both of two lists.
#[derive(Debug, Default)]
pub(crate) struct Atoms {
    list: Vec<Atom>,
    numbers: HashMap<Atom, u32>,
}

impl Atoms {
    /// The number of a question.
    pub(crate) fn number(&mut self, at: At, what: impl Into<String>) -> u32 {
        let atom = Atom { at, what: what.into() };
        let next = u32::try_from(self.list.len()).expect("fewer atoms than addresses");
        *self.numbers.entry(atom).or_insert_with_key(|atom| {
            self.list.push(atom.clone());
            next
        })
    }

    pub(crate) fn get(&self, number: u32) -> &Atom {
        &self.list[number as usize]
    }
}
