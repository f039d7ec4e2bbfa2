//! [`Atoms`]: what is not known, by name: application security groups, tags of no file, expressions.

use std::collections::HashMap;
use std::fmt;

use crate::text::joined;

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
    fn words(self, yes: bool) -> &'static str {
        match self {
            At::Source if !yes => "the source is not in",
            At::Source => "the source is in",
            At::Destination if !yes => "the destination is not in",
            At::Destination => "the destination is in",
            At::SourcePort if !yes => "the source port is not in",
            At::SourcePort => "the source port is in",
            At::DestinationPort if !yes => "the destination port is not in",
            At::DestinationPort => "the destination port is in",
            At::Protocol => "the protocol is",
            At::Access => "access is Allow by",
            At::Order => "the priority is as it seems by",
        }
    }
}

/// One yes-or-no question on which a decision may hang.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Atom {
    pub(crate) at: At,
    /// What is not known.
    pub(crate) what: Unknown,
}

/// Something that is not known.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Unknown {
    /// The members of an application security group.
    SecurityGroup(String),
    /// The addresses of a tag that no file holds.
    Tag(String),
    /// The addresses of an IP group.
    IpGroup(String),
    /// Something of one side, apart from what is not known of the other by the same text.
    Own(What, &'static str),
}

/// What is not known of one side.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum What {
    /// Texts that are not understood.
    Texts(Vec<String>),
    /// What a rule does.
    Rule(String),
    /// A field of a rule.
    Field(&'static str, String),
    /// What a collection does.
    Collection(String),
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unknown::SecurityGroup(name) => write!(f, "application security group {name}"),
            Unknown::Tag(name) => write!(f, "tag {name}"),
            Unknown::IpGroup(name) => write!(f, "IP group {name}"),
            Unknown::Own(What::Texts(texts), side) => write!(f, "{} of {side}", joined(texts, ", ")),
            Unknown::Own(What::Rule(rule), side) => write!(f, "rule {rule} of {side}"),
            Unknown::Own(What::Field(field, rule), side) => write!(f, "{field} of rule {rule} of {side}"),
            Unknown::Own(What::Collection(name), side) => write!(f, "collection {name} of {side}"),
        }
    }
}

/// A question with its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    pub(super) atom: Atom,
    pub(super) yes: bool,
}

impl fmt::Display for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.atom.at.words(self.yes), self.atom.what)
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
    pub(crate) fn number(&mut self, at: At, what: Unknown) -> u32 {
        let atom = Atom { at, what };
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
