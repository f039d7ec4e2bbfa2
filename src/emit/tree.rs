//! [`Tree`]: a value of several formats, with members in the order in which they are to be written.

use serde::ser::{Serialize, SerializeMap, Serializer};

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tree {
    Text(String),
    /// An expression of the format's own language.
    Code(String),
    Number(u32),
    Bool(bool),
    List(Vec<Tree>),
    Map(Vec<(&'static str, Tree)>),
}

impl Tree {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Tree::Text(text.into())
    }

    pub(super) fn texts<T: ToString>(items: &[T]) -> Self {
        Tree::List(items.iter().map(|item| Tree::Text(item.to_string())).collect())
    }
}

/// The members of a map while it is made; it can leave out empty lists.
#[derive(Debug, Clone, Default)]
pub(super) struct Members(Vec<(&'static str, Tree)>);

impl Members {
    pub(super) fn with(mut self, key: &'static str, value: Tree) -> Self {
        self.0.push((key, value));
        self
    }

    pub(super) fn text(self, key: &'static str, value: impl Into<String>) -> Self {
        self.with(key, Tree::text(value))
    }

    /// `key` unless `list` is empty.
    pub(super) fn filled(self, key: &'static str, list: Vec<Tree>) -> Self {
        if list.is_empty() { self } else { self.with(key, Tree::List(list)) }
    }

    pub(super) fn texts<T: ToString>(self, key: &'static str, list: &[T]) -> Self {
        self.filled(key, list.iter().map(|item| Tree::Text(item.to_string())).collect())
    }

    /// `one` where there is one value, else `many`.
    pub(super) fn one_or_many(self, one: &'static str, many: &'static str, list: &[String]) -> Self {
        match list {
            [single] => self.text(one, single.clone()),
            list => self.with(many, Tree::texts(list)),
        }
    }

    /// `key` if there is a value.
    pub(super) fn optional(self, key: &'static str, value: Option<Tree>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    pub(super) fn map(self) -> Tree {
        Tree::Map(self.0)
    }
}

/// As JSON. Expressions become strings; formats in which that is wrong do not use this.
impl Serialize for Tree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Tree::Text(text) | Tree::Code(text) => serializer.serialize_str(text),
            Tree::Number(number) => serializer.serialize_u32(*number),
            Tree::Bool(switch) => serializer.serialize_bool(*switch),
            Tree::List(items) => serializer.collect_seq(items),
            Tree::Map(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (key, value) in members {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}
