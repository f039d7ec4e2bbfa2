//! A value of a document, where it stands, and which of its members were read.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::fmt::{self, Display};

use super::error::{ReadError, Wrong};
use super::tree::{Tree, line_of};

/// How a reader treats what it does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Files that tagwall made: whatever it would not have written is an error.
    Own,
    /// Files of others: what is not known is passed over and told.
    Foreign,
}

/// Something in a file of others that was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// Where it stands.
    pub place: String,
    /// What it is.
    pub text: String,
}

impl Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}

/// Members that Azure fills in, in any resource: they say nothing of what rules do. Source: the properties marked
/// `readOnly` in azure-rest-api-specs, Microsoft.Network 2025-05-01.
pub const READ_ONLY: [&str; 14] = [
    "id",
    "type",
    "etag",
    "provisioningState",
    "resourceGuid",
    "systemData",
    "defaultSecurityRules",
    "networkInterfaces",
    "subnets",
    "flowLogs",
    "firewalls",
    "firewallPolicies",
    "size",
    "managedBy",
];

/// Members that describe a resource or say where it is, and change nothing in what its rules do.
const DESCRIBING: [&str; 5] = ["apiVersion", "location", "tags", "description", "comments"];

/// What the nodes of one document share.
pub(super) struct Document<'a> {
    /// What errors call the document.
    pub(super) place: &'a str,
    /// The text that the names of members are pieces of, for their lines.
    pub(super) text: &'a str,
    pub(super) mode: Mode,
    pub(super) remarks: RefCell<Vec<Remark>>,
}

impl<'a> Document<'a> {
    pub(super) fn new(place: &'a str, text: &'a str, mode: Mode) -> Self {
        Document { place, text, mode, remarks: RefCell::default() }
    }
}

#[derive(Clone, Copy)]
enum Step<'n> {
    Top,
    Member(&'n str),
    Item(usize),
}

/// Where a value stands: the members and items that lead to it, and the line of the last name among them.
pub(super) struct NodePlace<'n>(&'n Node<'n>);

impl NodePlace<'_> {
    /// Writes the way to a value, and gives the line of the last name on it.
    fn way(node: &Node<'_>, f: &mut fmt::Formatter<'_>) -> Result<Option<usize>, fmt::Error> {
        let line = match node.parent {
            Some(parent) => Self::way(parent, f)?,
            None => None,
        };
        match node.step {
            Step::Top => f.write_str(node.document.place)?,
            Step::Member(name) => {
                write!(f, ".{name}")?;
                return Ok(line_of(node.document.text, name).or(line));
            }
            Step::Item(index) => write!(f, "[{index}]")?,
        }
        Ok(line)
    }
}

impl Display for NodePlace<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Self::way(self.0, f)? {
            Some(line) => write!(f, " (line {line})"),
            None => Ok(()),
        }
    }
}

/// A value of a document and the way to it.
pub(super) struct Node<'n> {
    pub(super) document: &'n Document<'n>,
    pub(super) value: &'n Tree<'n>,
    parent: Option<&'n Node<'n>>,
    step: Step<'n>,
    /// A bit for each of the first members that was read; others count as not known.
    read: Cell<u128>,
}

impl<'n> Node<'n> {
    pub(super) fn top(document: &'n Document<'n>, value: &'n Tree<'n>) -> Self {
        Node { document, value, parent: None, step: Step::Top, read: Cell::new(0) }
    }

    fn child(&'n self, value: &'n Tree<'n>, step: Step<'n>) -> Self {
        Node { document: self.document, value, parent: Some(self), step, read: Cell::new(0) }
    }

    pub(super) fn is_own(&self) -> bool {
        self.document.mode == Mode::Own
    }

    /// Where the value stands, as it is shown.
    pub(super) fn place(&self) -> NodePlace<'_> {
        NodePlace(self)
    }

    pub(super) fn error(&self, message: impl Display) -> ReadError {
        ReadError::new(self.place(), message)
    }

    fn members(&self) -> &'n [(std::borrow::Cow<'n, str>, Tree<'n>)] {
        if let Tree::Map(members) = self.value { members } else { &[] }
    }

    /// Says that the `index`-th member was read.
    fn mark(&self, index: usize) {
        self.read.set(self.read.get() | 1u128.checked_shl(index as u32).unwrap_or(0));
    }

    /// The member of that name, which counts as read; in files of others in any case. `null` stands for a member that
    /// is not there, but in our own files nothing does.
    pub(super) fn optional(&'n self, key: &str) -> Option<Node<'n>> {
        let own = self.is_own();
        let same = |name: &str| name == key || (!own && name.eq_ignore_ascii_case(key));
        let index = self.members().iter().position(|(name, _)| same(name))?;
        self.mark(index);
        let (name, value) = &self.members()[index];
        if *value == Tree::Null && !own {
            return None;
        }
        Some(self.child(value, Step::Member(name)))
    }

    pub(super) fn member(&'n self, key: &str) -> Result<Node<'n>, ReadError> {
        self.optional(key).ok_or_else(|| self.error(Wrong::Missing(key)))
    }

    pub(super) fn items(&'n self) -> Result<Vec<Node<'n>>, ReadError> {
        let Tree::List(list) = self.value else { return Err(self.error("a list is expected")) };
        Ok(list.iter().enumerate().map(|(index, value)| self.child(value, Step::Item(index))).collect())
    }

    /// Reads an object and makes sure that all of it was read, but for what is there for people.
    pub(super) fn whole<T>(
        &'n self,
        read: impl FnOnce(&'n Node<'n>) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        if !matches!(self.value, Tree::Map(_)) {
            return Err(self.error("an object is expected"));
        }
        let found = read(self)?;
        self.close()?;
        Ok(found)
    }

    /// Members that were not read are errors in our own files, and remarks in those of others.
    pub(super) fn close(&self) -> Result<(), ReadError> {
        for (index, (name, value)) in self.members().iter().enumerate() {
            if self.read.get() & 1u128.checked_shl(index as u32).unwrap_or(0) != 0 {
                continue;
            }
            let at = || self.child(value, Step::Member(name));
            if self.is_own() {
                return Err(at().error("such a member is not written by tagwall"));
            }
            let known = READ_ONLY.iter().chain(&DESCRIBING).any(|known| name.eq_ignore_ascii_case(known));
            if !known && *value != Tree::Null {
                at().remark("the member is not known and may matter");
            }
        }
        Ok(())
    }

    /// Tells of something that was passed over.
    pub(super) fn remark(&self, what: impl Display) {
        let remark = Remark { place: self.place().to_string(), text: what.to_string() };
        self.document.remarks.borrow_mut().push(remark);
    }

    /// A string. An expression is none in our own files, and there is none without letters, or with spaces around it; in
    /// files of others expressions are given with their brackets.
    pub(super) fn text(&self) -> Result<String, ReadError> {
        match self.value {
            Tree::Text(text) if self.is_own() && (text.is_empty() || text.trim().len() != text.len()) => {
                Err(self.error("a string without spaces around it is expected"))
            }
            Tree::Text(text) => Ok(text.to_string()),
            Tree::Code(code) if !self.is_own() => Ok(format!("[{code}]")),
            Tree::Code(_) => Err(self.error("a string is expected, not an expression")),
            _ => Err(self.error("a string is expected")),
        }
    }

    /// The text of an expression without its brackets.
    pub(super) fn code(&self) -> Option<&'n str> {
        if let Tree::Code(code) = self.value { Some(code) } else { None }
    }

    /// One of the words that tagwall writes; in files of others any.
    pub(super) fn word(&self, words: &[&str]) -> Result<String, ReadError> {
        let text = self.text()?;
        if self.is_own() && !words.contains(&text.as_str()) {
            return Err(self.error(Wrong::NoneOf(&text, words)));
        }
        Ok(text)
    }

    /// Makes sure that the value is just this string.
    pub(super) fn is_text(&self, expected: &str) -> Result<(), ReadError> {
        match self.value {
            Tree::Text(text) if text == expected => Ok(()),
            _ => Err(self.error(Wrong::Expected(expected))),
        }
    }

    /// Makes sure that the value is just this expression.
    pub(super) fn is_code(&self, expected: &str) -> Result<(), ReadError> {
        match self.value {
            Tree::Code(code) if code == expected => Ok(()),
            _ => Err(self.error(format_args!("the expression `[{expected}]` is expected"))),
        }
    }

    pub(super) fn switch(&self) -> Result<bool, ReadError> {
        if let Tree::Bool(on) = self.value { Ok(*on) } else { Err(self.error("true or false is expected")) }
    }

    pub(super) fn number(&self) -> Result<i64, ReadError> {
        if let Tree::Number(number) = self.value {
            Ok(*number)
        } else {
            Err(self.error("a whole number is expected"))
        }
    }

    /// The strings of a list, in our own files each once; empty if there is no such member.
    pub(super) fn texts(&'n self, key: &str) -> Result<Vec<String>, ReadError> {
        let Some(list) = self.optional(key) else { return Ok(Vec::new()) };
        let texts = list.items()?.iter().map(Node::text).collect::<Result<Vec<_>, _>>()?;
        list.each_once(&texts)?;
        Ok(texts)
    }

    /// Makes sure that a list of ours holds nothing twice.
    pub(super) fn each_once(&self, texts: &[String]) -> Result<(), ReadError> {
        if !self.is_own() || texts.len() < 2 {
            return Ok(());
        }
        let mut seen = HashSet::with_capacity(texts.len());
        match texts.iter().find(|text| !seen.insert(text.as_str())) {
            Some(twice) => Err(self.error(Wrong::Twice(twice))),
            None => Ok(()),
        }
    }

    /// The words of a list, of those that tagwall writes; empty if there is no such member.
    pub(super) fn words(&'n self, key: &str, words: &[&str]) -> Result<Vec<String>, ReadError> {
        let Some(list) = self.optional(key) else { return Ok(Vec::new()) };
        let found = list.items()?.iter().map(|item| item.word(words)).collect::<Result<Vec<_>, _>>()?;
        list.each_once(&found)?;
        Ok(found)
    }

    /// The value of the singular member and those of the plural one, of which tagwall writes one.
    pub(super) fn one_and_many(&'n self, one: &str, many: &str) -> Result<Vec<String>, ReadError> {
        let mut values = self.texts(many)?;
        if let Some(single) = self.optional(one) {
            let text = single.text()?;
            if self.is_own() && self.optional(many).is_some() {
                return Err(self.error(format_args!("both `{one}` and `{many}` are given")));
            }
            if !text.is_empty() {
                values.push(text);
            }
        }
        if values.is_empty() {
            Err(self.error(format_args!("neither `{one}` nor `{many}` is given")))
        } else {
            Ok(values)
        }
    }

    /// A string that people wrote, also an expression, as long as it means the same in every template.
    pub(super) fn kept_text(&self) -> Result<String, ReadError> {
        let local = ["parameters(", "variables(", "reference(", "copyIndex("];
        match self.code() {
            Some(code) if local.iter().any(|word| code.contains(word)) && self.is_own() => {
                Err(self.error(format_args!("[{code}] means something in its template only")))
            }
            Some(code) => Ok(format!("[{code}]")),
            None => self.text(),
        }
    }

    /// The strings of a list that people wrote; empty if there is no such member.
    pub(super) fn kept_texts(&'n self, key: &str) -> Result<Vec<String>, ReadError> {
        match self.optional(key) {
            Some(list) => list.items()?.iter().map(Node::kept_text).collect(),
            None => Ok(Vec::new()),
        }
    }

    /// The text for people beside a rule; empty if there is none.
    pub(super) fn description(&'n self) -> Result<String, ReadError> {
        match self.optional("description") {
            None => Ok(String::new()),
            // It may be empty, and hold what people wrote.
            Some(node) => match node.value {
                Tree::Text(text) => Ok(text.to_string()),
                _ => node.text(),
            },
        }
    }
}
