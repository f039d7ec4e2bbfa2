//! JSON as it stands: nothing is lost while reading. Members that are there twice are errors, and every name knows its
//! line.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::error::{ReadError, utf8};

/// A value of a document.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Tree<'a> {
    Null,
    Bool(bool),
    Number(i64),
    /// A number that is not whole, or too large.
    Fraction(f64),
    Text(Cow<'a, str>),
    /// An expression, which is worked out where the document is used.
    Code(Cow<'a, str>),
    List(Vec<Tree<'a>>),
    /// A list of texts alone, as it stands in the document; only where [`Strings::in_place`] asks for it.
    Texts(Texts<'a>),
    /// Members in order of the document, each name once.
    Map(Vec<(Cow<'a, str>, Tree<'a>)>),
}

impl<'a> Tree<'a> {
    pub(super) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Tree::Text(text.into())
    }

    pub(super) fn code(code: impl Into<Cow<'a, str>>) -> Self {
        Tree::Code(code.into())
    }

    pub(super) fn map<K: Into<Cow<'a, str>>>(members: impl IntoIterator<Item = (K, Tree<'a>)>) -> Self {
        Tree::Map(members.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }

    /// The value with a value for each item of its lists, so that lists that say the same are equal.
    pub(super) fn opened(self) -> Self {
        match self {
            Tree::Texts(texts) => Tree::List(texts.list()),
            Tree::List(items) => Tree::List(items.into_iter().map(Tree::opened).collect()),
            Tree::Map(members) => {
                Tree::Map(members.into_iter().map(|(name, value)| (name, value.opened())).collect())
            }
            other => other,
        }
    }

    /// The member of that name, if this is an object and has one.
    #[cfg(test)]
    pub(super) fn get(&self, key: &str) -> Option<&Tree<'a>> {
        let Tree::Map(members) = self else { return None };
        members.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }
}

/// A list of texts that lies in the document from the first text to the end of the last. It takes no memory for its
/// items: of long lists of addresses the document itself is the list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Texts<'a>(&'a str);

impl<'a> Texts<'a> {
    /// The texts in order.
    pub(super) fn iter(self) -> impl Iterator<Item = &'a str> {
        // No text has an escape, so no quote either: each stands between two, and what separates them between others.
        self.0.split('"').step_by(2)
    }

    /// The document from the first text on.
    pub(super) fn start(self) -> &'a str {
        self.0
    }

    /// The list with a value for each item.
    pub(super) fn list(self) -> Vec<Tree<'a>> {
        self.iter().map(Tree::text).collect()
    }
}

/// How the strings of a document are taken.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Strings {
    /// Whether lists of texts stay where they are, as [`Texts`].
    pub(super) in_place: bool,
    /// Whether those in brackets are expressions, as in templates. One that begins with two brackets is none.
    pub(super) expressions: bool,
    /// Whether names that differ in case alone are the same, as for Azure.
    pub(super) any_case: bool,
}

/// Reads a document; `place` is what errors call it.
///
/// # Errors
/// [`ReadError`] with line and column where it is no JSON, or an object has a member twice.
pub(super) fn parse<'a>(text: &'a str, place: &str, strings: Strings) -> Result<Tree<'a>, ReadError> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let seed = Reading { strings, text };
    let tree = seed.deserialize(&mut reader).and_then(|tree| reader.end().map(|()| tree));
    tree.map_err(|error| ReadError::new(place, error.to_string()))
}

/// The line of `text` in which `part`, a piece of it, begins; `None` where it is no piece of it.
pub(super) fn line_of(text: &str, part: &str) -> Option<usize> {
    let start = (part.as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
    let before = text.as_bytes().get(..start).filter(|_| start < text.len())?;
    Some(1 + before.iter().filter(|byte| **byte == b'\n').count())
}

impl Strings {
    fn tree<'a>(self, text: Cow<'a, str>) -> Tree<'a> {
        if !(self.expressions && text.starts_with('[') && text.ends_with(']')) {
            return Tree::Text(text);
        }
        // `[[x]` is the literal `[x]`; in `[]` the brackets are two.
        if text.starts_with("[[") { Tree::Text(cut(text, 1, 0)) } else { Tree::Code(cut(text, 1, 1)) }
    }
}

/// Without so many bytes at both ends.
fn cut(text: Cow<'_, str>, front: usize, back: usize) -> Cow<'_, str> {
    let end = text.len() - back;
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.get(front..end).unwrap_or_default()),
        Cow::Owned(text) => Cow::Owned(text.get(front..end).unwrap_or_default().to_owned()),
    }
}

/// A document that is being read.
#[derive(Clone, Copy)]
struct Reading<'de> {
    strings: Strings,
    text: &'de str,
}

impl<'de> Reading<'de> {
    /// What lies between the begin of one piece of the document and the end of another.
    fn between(self, first: &'de str, last: &'de str) -> Option<Texts<'de>> {
        let start = (first.as_ptr() as usize).checked_sub(self.text.as_ptr() as usize)?;
        let end = (last.as_ptr() as usize).checked_sub(self.text.as_ptr() as usize)? + last.len();
        self.text.get(start..end).map(Texts)
    }
}

impl<'de> DeserializeSeed<'de> for Reading<'de> {
    type Value = Tree<'de>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Tree<'de>, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reading<'de> {
    type Value = Tree<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Tree<'de>, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E>(self, on: bool) -> Result<Tree<'de>, E> {
        Ok(Tree::Bool(on))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Tree<'de>, E> {
        Ok(Tree::Number(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Tree<'de>, E> {
        Ok(i64::try_from(number).map_or(Tree::Fraction(number as f64), Tree::Number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Tree<'de>, E> {
        Ok(Tree::Fraction(number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Tree<'de>, E> {
        Ok(self.strings.tree(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Tree<'de>, E> {
        Ok(self.strings.tree(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Tree<'de>, A::Error> {
        let mut items = Vec::new();
        // The first and the last of texts that lie in the document, as long as there is nothing else.
        let mut texts: Option<(&'de str, &'de str)> = None;
        while let Some(item) = from.next_element_seed(self)? {
            match item {
                Tree::Text(Cow::Borrowed(text)) if self.strings.in_place && items.is_empty() => {
                    texts = Some((texts.map_or(text, |(first, _)| first), text));
                }
                item => {
                    if let Some((first, last)) = texts.take() {
                        items = self.between(first, last).map(Texts::list).unwrap_or_default();
                    }
                    items.push(item);
                }
            }
        }
        if let Some(texts) = texts.and_then(|(first, last)| self.between(first, last)) {
            return Ok(Tree::Texts(texts));
        }
        items.shrink_to_fit();
        Ok(Tree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Tree<'de>, A::Error> {
        let mut members: Vec<(Cow<'de, str>, Tree<'de>)> = Vec::new();
        let mut names = Names { any_case: self.strings.any_case, many: HashSet::new() };
        while let Some(name) = from.next_key_seed(Name)? {
            if names.is_there(&members, &name) {
                return Err(de::Error::custom(format_args!("the member `{name}` is there twice")));
            }
            let value = from.next_value_seed(self)?;
            members.push((name, value));
        }
        members.shrink_to_fit();
        Ok(Tree::Map(members))
    }
}

/// The names of an object so far; looked up one by one while there are few.
struct Names {
    any_case: bool,
    many: HashSet<String>,
}

/// More members than any object of a rule has.
const FEW: usize = 24;

impl Names {
    fn is_there(&mut self, members: &[(Cow<'_, str>, Tree<'_>)], name: &str) -> bool {
        let same = |other: &str| if self.any_case { other.eq_ignore_ascii_case(name) } else { other == name };
        if members.len() < FEW {
            return members.iter().any(|(other, _)| same(other));
        }
        let any_case = self.any_case;
        let key = |name: &str| if any_case { name.to_ascii_lowercase() } else { name.to_owned() };
        if self.many.is_empty() {
            self.many = members.iter().map(|(other, _)| key(other)).collect();
        }
        !self.many.insert(key(name))
    }
}

/// The name of a member.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Cow<'de, str>, D::Error> {
        from.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

/// Makes sure that no object of a JSON document has a member twice.
pub(crate) fn no_member_twice(place: &str, bytes: &[u8]) -> Result<(), ReadError> {
    parse(utf8(place, bytes)?, place, Strings::default()).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: Strings = Strings { expressions: true, any_case: false, in_place: false };

    #[test]
    fn members_that_are_there_twice_are_errors() {
        let error = |text: &str, strings| parse(text, "t", strings).unwrap_err().to_string();
        let twice = "t: the member `b` is there twice at line 2 column ";
        assert!(error("{ \"a\": 1, \"b\": 2,\n\"b\": 2 }", Strings::default()).starts_with(twice));
        // Also where one of the names is written with an escape, or another is far away.
        assert!(error(r#"{ "b": 1, "\u0062": 1 }"#, TEMPLATE).contains("`b` is there twice"));
        let many: String = (0..40).map(|i| format!("\"m{i}\": 1, ")).collect();
        assert!(error(&format!("{{ {many}\"m3\": 1 }}"), TEMPLATE).contains("`m3` is there twice"));
        assert!(error(&format!("{{ {many}\"x\": 1, \"x\": 1 }}"), TEMPLATE).contains("`x` is there twice"));
        assert!(parse(r#"{ "a": 1, "A": 1 }"#, "t", TEMPLATE).is_ok());
        let any_case = Strings { any_case: true, ..TEMPLATE };
        assert!(error(r#"{ "a": 1, "A": 1 }"#, any_case).contains("`A` is there twice"));
        assert!(error(&format!("{{ {many}\"M3\": 1 }}"), any_case).contains("`M3` is there twice"));
    }

    #[test]
    fn expressions_are_none_of_the_texts() {
        fn read(text: &str) -> Tree<'_> {
            parse(text, "t", TEMPLATE).unwrap()
        }
        assert_eq!(read(r#""[a()]""#), Tree::code("a()"));
        assert_eq!(read(r#""[[a]""#), Tree::text("[a]"));
        assert_eq!(read(r#""[a] b""#), Tree::text("[a] b"));
        assert_eq!(read(r#""[""#), Tree::text("["));
        assert_eq!(read(r#""[]""#), Tree::code(""));
        assert_eq!(parse(r#""[a()]""#, "t", Strings::default()).unwrap(), Tree::text("[a()]"));
        assert_eq!(
            read("[1, 1.5, -2, 18446744073709551615, null]"),
            Tree::List(vec![
                Tree::Number(1),
                Tree::Fraction(1.5),
                Tree::Number(-2),
                Tree::Fraction(18446744073709551615.0),
                Tree::Null,
            ])
        );
    }

    /// Lists of texts say the same whether they stay in the document or not.
    #[test]
    fn lists_of_texts_stay_in_place() {
        let in_place = Strings { in_place: true, ..Strings::default() };
        for (text, stays) in [
            (r#"["a", "b"]"#, true),
            (r#"[ "" , "a","" ,	"" ]"#, true),
            (r#"["é, [x]"]"#, true),
            ("[]", false),
            (r#"["a\"b", "c"]"#, false),
            (r#"["a", "\u0022", "c"]"#, false),
            (r#"["a", 1]"#, false),
            (r#"["a", ["b"]]"#, false),
        ] {
            let tree = parse(text, "t", in_place).unwrap();
            assert_eq!(matches!(tree, Tree::Texts(_)), stays, "{text}: {tree:?}");
            assert_eq!(tree.opened(), parse(text, "t", Strings::default()).unwrap(), "{text}");
        }
    }

    #[test]
    fn names_know_their_lines() {
        let text = "{\n  \"a\": {\n    \"b\": 1 } }";
        let tree = parse(text, "t", TEMPLATE).unwrap();
        let Tree::Map(members) = tree.get("a").unwrap() else { panic!("{tree:?}") };
        let Cow::Borrowed(name) = members[0].0 else { panic!("it is copied") };
        assert_eq!(line_of(text, name), Some(3));
        assert_eq!(line_of(text, "elsewhere"), None);
    }
}
