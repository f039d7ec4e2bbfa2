//! [`List`]: one list of addresses, as a file.

use std::fmt::{self, Display};
use std::sync::Arc;

use jiff::Timestamp;

use super::answer::{Answer, ENTRIES, GENERATION, TEXT};
use super::body::Body;
use crate::addr::{AddrSet, IpPrefix, TextBuffer};
use crate::tags::Tag;

/// Which addresses a list holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
    /// Both, IPv4 first.
    Mixed,
}

impl Family {
    /// Every family.
    pub const ALL: [Family; 3] = [Family::V4, Family::V6, Family::Mixed];

    /// The name in paths.
    pub fn name(self) -> &'static str {
        match self {
            Family::V4 => "v4",
            Family::V6 => "v6",
            Family::Mixed => "mixed",
        }
    }

    /// The family with this name in paths.
    pub fn find(name: &str) -> Option<Family> {
        Self::ALL.into_iter().find(|family| family.name() == name)
    }

    /// The addresses of `set` that are of this family.
    pub fn of(self, set: &AddrSet) -> AddrSet {
        let mut set = set.clone();
        match self {
            Family::V4 => set.v6 = Default::default(),
            Family::V6 => set.v4 = Default::default(),
            Family::Mixed => {}
        }
        set
    }

    /// Whether two sets differ in this family.
    pub fn is_empty_in(self, set: &AddrSet) -> bool {
        (self == Family::V6 || set.v4.is_empty()) && (self == Family::V4 || set.v6.is_empty())
    }
}

/// A list of addresses, ready to be sent.
#[derive(Debug, Clone)]
pub struct List {
    /// The text: a prefix a line.
    pub body: Arc<Body>,
    /// How many prefixes there are.
    pub entries: usize,
    /// When this content was first published.
    pub modified: Timestamp,
}

impl List {
    /// The list of the fewest prefixes of `set`.
    pub fn new(set: &AddrSet, modified: Timestamp) -> Self {
        let mut lines = TextBuffer::new();
        let mut entries = 0;
        for prefix in set.prefixes() {
            lines.push_line(prefix);
            entries += 1;
        }
        List { body: Arc::new(Body::new(lines.as_bytes().to_vec())), entries, modified }
    }

    /// The list as an answer; `name` is for people, `generation` says of which data it is. An empty list is no answer: who
    /// takes it would let all or nothing through.
    pub fn answer(&self, name: impl Display, generation: &str, max: Option<usize>) -> Answer {
        if self.entries == 0 {
            return empty(name);
        }
        if let Some(refused) = over(&name, self.entries, max) {
            return refused;
        }
        Answer::good(TEXT, self.body.clone())
            .modified(self.modified)
            .with(ENTRIES, self.entries)
            .with(GENERATION, generation)
    }
}

/// What people call the list of a tag.
pub(super) fn title(tag: &Tag, family: Family) -> impl Display {
    fmt::from_fn(move |f| write!(f, "{}.{}", tag.name(), family.name()))
}

/// Why an empty list is not sent.
pub(super) fn empty(name: impl Display) -> Answer {
    let text = format_args!(
        "{name} has no addresses of this family. An empty list is not sent, since a firewall would take it for a policy: \
         keep what you have, or ask for another family"
    );
    Answer::unavailable(text, 3600)
}

/// Why a list is not sent that is longer than its reader takes.
pub(super) fn over(name: impl Display, entries: usize, max: Option<usize>) -> Option<Answer> {
    let max = max.filter(|&max| entries > max)?;
    Some(Answer::too_large(format_args!(
        "{name} has {entries} entries, and at most {max} are taken. Nothing is cut off: fetch it in parts (…parts.json of \
         the consumer's view says how many), or take a smaller tag"
    )))
}

/// The prefixes as lines of text.
pub(super) fn lines(prefixes: &[IpPrefix]) -> Vec<u8> {
    let mut lines = TextBuffer::new();
    prefixes.iter().for_each(|&prefix| lines.push_line(prefix));
    lines.as_bytes().to_vec()
}
