//! JSON as it stands: nothing is lost while reading. Members that are there twice are errors, and every name knows its
//! line.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt::{self, Display};

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::error::{ReadError, utf8};
use super::passing::{Name, Names, Passing, twice};

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
    /// A long list of objects that stay in the document; only where [`Strings::in_place`] asks for it.
    Objects(Box<Objects<'a>>),
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
            Tree::Objects(objects) => Tree::List(objects.iter().map(Tree::opened).collect()),
            Tree::List(items) => Tree::List(items.into_iter().map(Tree::opened).collect()),
            Tree::Map(members) => {
                Tree::Map(members.into_iter().map(|(name, value)| (name, value.opened())).collect())
            }
            other => other,
        }
    }

    /// The value with a value for each object of its long lists; lists of texts stay in place.
    pub(super) fn unfolded(self) -> Self {
        match self {
            Tree::Objects(objects) => Tree::List(objects.iter().map(Tree::unfolded).collect()),
            Tree::List(items) => Tree::List(items.into_iter().map(Tree::unfolded).collect()),
            Tree::Map(members) => {
                Tree::Map(members.into_iter().map(|(name, value)| (name, value.unfolded())).collect())
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

/// A long list of objects, of which only is known where each begins in the document. Each is read when it is asked for and
/// forgotten after that: as values many small rules would take several times the memory of their text.
#[derive(Debug, Clone)]
pub(super) struct Objects<'a> {
    document: &'a str,
    /// Offsets of the braces that open them.
    starts: Box<[u32]>,
    strings: Strings,
}

impl<'a> Objects<'a> {
    /// The objects in order, each read anew.
    pub(super) fn iter(&self) -> impl Iterator<Item = Tree<'a>> {
        self.starts.iter().map(|&start| self.read(start as usize))
    }

    fn read(&self, start: usize) -> Tree<'a> {
        // It was gone through when the list was found, so that there is no error.
        value_at(self.document, start, self.strings).map_or(Tree::Null, |(tree, _)| tree)
    }

    pub(super) fn len(&self) -> usize {
        self.starts.len()
    }

    /// The document from the first object to the end of the last.
    pub(super) fn text(&self) -> &'a str {
        let (Some(&first), Some(&last)) = (self.starts.first(), self.starts.last()) else { return "" };
        let (first, last) = (first as usize, last as usize);
        let rest = self.document.get(last..).unwrap_or_default();
        let mut reader = serde_json::Deserializer::from_str(rest).into_iter::<de::IgnoredAny>();
        let length = reader.next().map_or(rest.len(), |_| reader.byte_offset());
        self.document.get(first..last + length).unwrap_or_default()
    }

    /// Where the first one begins.
    pub(super) fn start(&self) -> &'a str {
        self.starts.first().and_then(|&start| self.document.get(start as usize..)).unwrap_or_default()
    }
}

impl PartialEq for Objects<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

/// Members that hold long lists of small objects, in lower case without separators: rules and routes, resources of templates
/// and of Terraform, and those of pages.
const LONG: [&str; 22] = [
    "securityrules",
    "securityrule",
    "effectivesecurityrules",
    "routes",
    "route",
    "rules",
    "rule",
    "rulecollections",
    "networkrulecollections",
    "networkrulecollection",
    "applicationrulecollections",
    "applicationrulecollection",
    "natrulecollections",
    "natrulecollection",
    "subnets",
    "resources",
    "resourcechanges",
    "instances",
    "value",
    "data",
    "rows",
    "results",
];

/// The objects of a list that are held as values before the list stays in the document.
const MANY: usize = 64;

/// How the strings of a document are taken.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Strings {
    /// Whether lists of texts stay where they are, as [`Texts`], and long lists of objects, as [`Objects`].
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
pub(super) fn parse<'a>(text: &'a str, place: impl Display, strings: Strings) -> Result<Tree<'a>, ReadError> {
    let tree = value_at(text, 0, strings).and_then(|(tree, mut rest)| rest.end().map(|()| tree));
    tree.map_err(|error| ReadError::new(place, error))
}

type TextReader<'a> = serde_json::Deserializer<serde_json::de::StrRead<'a>>;

/// The value that begins at an offset of a document, and the reader behind it.
fn value_at(text: &str, start: usize, strings: Strings) -> serde_json::Result<(Tree<'_>, TextReader<'_>)> {
    let is_odd = Cell::new(false);
    let from = |strings: Strings| {
        let mut reader = serde_json::Deserializer::from_str(text.get(start..).unwrap_or_default());
        // A bare list of rules is a whole document.
        let reading = Reading { strings, text, is_long: strings.in_place, is_odd: &is_odd };
        reading.deserialize(&mut reader).map(|tree| (tree, reader))
    };
    let found = from(strings)?;
    if is_odd.get() { from(Strings { in_place: false, ..strings }) } else { Ok(found) }
}

/// Whether a name is `key`, which is in lower case without separators: `securityRules`, `security_rules` and
/// `SecurityRules` are one.
pub(super) fn same(name: &str, key: &str) -> bool {
    let letters = name.bytes().filter(|byte| !matches!(byte, b'_' | b'-')).map(|b| b.to_ascii_lowercase());
    letters.eq(key.bytes())
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
pub(super) fn cut(text: Cow<'_, str>, front: usize, back: usize) -> Cow<'_, str> {
    let end = text.len() - back;
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.get(front..end).unwrap_or_default()),
        Cow::Owned(text) => Cow::Owned(text.get(front..end).unwrap_or_default().to_owned()),
    }
}

/// A document that is being read.
#[derive(Clone, Copy)]
struct Reading<'de, 'r> {
    strings: Strings,
    text: &'de str,
    /// Whether the value is that of a member which holds long lists.
    is_long: bool,
    /// Set where a long list of objects goes on with something else, so that it cannot stay in place.
    is_odd: &'r Cell<bool>,
}

impl<'de> Reading<'de, '_> {
    /// Where an object begins, by its first name.
    fn brace(self, name: &str) -> Option<u32> {
        let at = (name.as_ptr() as usize).checked_sub(self.text.as_ptr() as usize)?;
        let before = self.text.as_bytes().get(..at)?.strip_suffix(b"\"")?;
        let brace = before.iter().rposition(|byte| !byte.is_ascii_whitespace())?;
        u32::try_from(brace).ok().filter(|_| before[brace] == b'{')
    }

    /// Where each of the values begins, if all are objects.
    fn braces(self, items: &[Tree<'de>]) -> Option<Vec<u32>> {
        let one = |item: &Tree<'de>| match item {
            Tree::Map(members) => match members.first()? {
                (Cow::Borrowed(name), _) => self.brace(name),
                _ => None,
            },
            _ => None,
        };
        items.iter().map(one).collect()
    }

    /// The rest of a long list of objects, of which those that were read begin at `starts`.
    fn objects<A: SeqAccess<'de>>(self, mut starts: Vec<u32>, mut from: A) -> Result<Tree<'de>, A::Error> {
        while let Some(first) = from.next_element_seed(Passing { any_case: self.strings.any_case })? {
            match first.and_then(|name| self.brace(name)) {
                Some(start) => starts.push(start),
                None => self.is_odd.set(true),
            }
        }
        let objects = Objects { document: self.text, starts: starts.into(), strings: self.strings };
        Ok(Tree::Objects(Box::new(objects)))
    }

    /// What lies between the begin of one piece of the document and the end of another.
    fn between(self, first: &'de str, last: &'de str) -> Option<Texts<'de>> {
        let start = (first.as_ptr() as usize).checked_sub(self.text.as_ptr() as usize)?;
        let end = (last.as_ptr() as usize).checked_sub(self.text.as_ptr() as usize)? + last.len();
        self.text.get(start..end).map(Texts)
    }
}

impl<'de> DeserializeSeed<'de> for Reading<'de, '_> {
    type Value = Tree<'de>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Tree<'de>, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reading<'de, '_> {
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
        let inner = Reading { is_long: false, ..self };
        while let Some(item) = from.next_element_seed(inner)? {
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
            if self.is_long
                && items.len() == MANY
                && let Some(starts) = self.braces(&items)
            {
                drop(items);
                return self.objects(starts, from);
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
        let mut names = Names::new(self.strings.any_case);
        while let Some(name) = from.next_key_seed(Name)? {
            if names.is_there(members.iter().map(|(other, _)| other), &name) {
                return Err(twice(&name));
            }
            let is_long = self.strings.in_place && LONG.iter().any(|key| same(&name, key));
            let value = from.next_value_seed(Reading { is_long, ..self })?;
            members.push((name, value));
        }
        members.shrink_to_fit();
        Ok(Tree::Map(members))
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

    /// Long lists of objects say the same whether they stay in the document or not, and hold the same pieces of it.
    #[test]
    fn long_lists_of_objects_stay_in_place() {
        let in_place = Strings { in_place: true, ..Strings::default() };
        let rules = |from: usize, to: usize| {
            let one = |at| {
                format!(
                    "{{ \"name\" : \"r{at}\", \"properties\":{{\"to\":[\"a\", \"b\"], \"rules\": [{{\"x\": {at}}}]}} }}"
                )
            };
            (from..to).map(one).collect::<Vec<_>>().join(",\n")
        };
        let most = rules(0, MANY);
        for (text, stays) in [
            (format!("[{most}]"), true),
            (format!("[ {most},{} ]", rules(MANY, 3 * MANY)), true),
            (format!("[{}]", rules(0, MANY - 1)), false),
            (format!("[{most}, {{}}]"), false),
            (format!("[{most}, null, {most}]"), false),
            (format!("[{most}, \"System.Object\"]"), false),
            (format!("[{most}, {{\"\\u0061\": 1}}]"), false),
            (format!("[{{}}, {most}]"), false),
        ] {
            for key in ["securityRules", "security_rule", "Routes", "value"] {
                let text = format!("{{\"{key}\": {text}, \"rest\": [1]}}");
                let tree = parse(&text, "t", in_place).unwrap();
                let list = tree.get(key).unwrap();
                assert_eq!(matches!(list, Tree::Objects(_)), stays, "{text}");
                assert_eq!(tree.opened(), parse(&text, "t", Strings::default()).unwrap(), "{text}");
            }
            let elsewhere = format!("{{\"things\": {text}}}");
            let tree = parse(&elsewhere, "t", in_place).unwrap();
            assert!(matches!(tree.get("things"), Some(Tree::List(_))), "{elsewhere}");
        }
        let text = format!("\n[{most}, {{\"name\": \"last [\"}} ]  ");
        let Tree::Objects(objects) = parse(&text, "t", in_place).unwrap() else { panic!("it does not stay") };
        assert_eq!(objects.len(), MANY + 1);
        assert_eq!(objects.text(), text.trim().trim_matches(['[', ']']).trim());
        let Some(Tree::Map(members)) = objects.iter().nth(3) else { panic!("no object") };
        let Cow::Borrowed(name) = members[0].0 else { panic!("it is copied") };
        assert_eq!(line_of(&text, name), Some(5));
    }

    /// What is wrong in what stays in place is found where it stands.
    #[test]
    fn long_lists_have_the_errors_of_others() {
        let good = "{\"a\": 1},\n".repeat(2 * MANY);
        for bad in [
            "{\"a\": 1, \"a\": 2}",
            "{\"a\": [{\"b\": 1, \"b\": 1}]}",
            "{\"a\" 1}",
            "{\"a\": 1e999}",
            "{\"a\": ",
            "{\"a\": tru}",
        ] {
            let text = format!("{{\"rules\": [{good}{bad}]}}");
            let error = |strings| parse(&text, "t", strings).map(|_| ()).unwrap_err().to_string();
            let in_place = Strings { in_place: true, ..Strings::default() };
            assert_eq!(error(in_place), error(Strings::default()));
            assert!(error(in_place).contains("line 129 "), "{}", error(in_place));
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
