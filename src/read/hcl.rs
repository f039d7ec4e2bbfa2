//! HashiCorp's configuration language, as far as our own files use it: blocks, literals, lists, objects, references.
//! Both syntaxes give the same blocks. Whatever else the language has, such as functions, conditions, heredocs and
//! texts with interpolation, is refused at its line.

use std::borrow::Cow;
use std::fmt::Display;
use std::rc::Rc;

use super::error::{Line, ReadError, Wrong};
use super::tree::{self, Strings, Tree};
use hcl_edit::expr::{Expression, ObjectKey, Traversal, TraversalOperator};
use hcl_edit::structure::Structure;
use hcl_edit::template::{Element, Strip, Template};
use hcl_edit::{Span, parser, structure};

/// A block with its labels.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) kind: String,
    pub(super) labels: Vec<String>,
    pub(super) blocks: Vec<Block>,
    attributes: Vec<Attribute>,
    place: Place,
}

#[derive(Debug)]
struct Attribute {
    key: String,
    value: Term,
    /// Counted from 1; of no use in JSON.
    line: usize,
}

#[derive(Debug)]
enum Place {
    Line(Rc<str>, usize),
    /// Members from the top, in JSON.
    Path(String),
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Term {
    Text(String),
    Number(i64),
    Bool(bool),
    /// A reference, or in the native syntax a keyword.
    Name(String),
    List(Vec<Term>),
    Object(Vec<(String, Term)>),
    /// `null` in JSON.
    Absent,
}

impl Block {
    pub(super) fn error(&self, message: impl Display) -> ReadError {
        match &self.place {
            Place::Line(file, line) => ReadError::new(Line(file, *line), message),
            Place::Path(path) => ReadError::new(path, message),
        }
    }

    /// An error about an attribute, at its own place.
    pub(super) fn error_at(&self, key: &str, message: impl Display) -> ReadError {
        match (&self.place, self.attribute(key)) {
            (Place::Line(file, _), Some(attribute)) => ReadError::new(Line(file, attribute.line), message),
            (Place::Path(path), Some(_)) => ReadError::new(format_args!("{path}.{key}"), message),
            (_, None) => self.error(message),
        }
    }

    fn attribute(&self, key: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.key == key)
    }

    /// Refuses whatever the block holds beside attributes and blocks of these names.
    pub(super) fn only(&self, attributes: &[&str], blocks: &[&str]) -> Result<(), ReadError> {
        let stranger = |name, what| Wrong::Stranger { name, what, of: &self.kind };
        if let Some(found) = self.attributes.iter().find(|a| !attributes.contains(&a.key.as_str())) {
            let key = &found.key;
            return Err(self.error_at(key, stranger(key, "argument")));
        }
        let strange = |b: &&Block| !blocks.contains(&b.kind.as_str()) || !b.labels.is_empty();
        match self.blocks.iter().find(strange) {
            Some(found) => Err(found.error(stranger(&found.kind, "block"))),
            None => Ok(()),
        }
    }

    /// The value of an attribute that may be left out or `null`.
    pub(super) fn optional(&self, key: &str) -> Option<&Term> {
        self.attribute(key).map(|a| &a.value).filter(|value| **value != Term::Absent)
    }

    pub(super) fn term(&self, key: &str) -> Result<&Term, ReadError> {
        self.optional(key).ok_or_else(|| self.error(Wrong::Missing(key)))
    }

    pub(super) fn text(&self, key: &str) -> Result<String, ReadError> {
        match self.term(key)? {
            Term::Text(text) => Ok(text.clone()),
            _ => Err(self.error_at(key, Wrong::Must(key, "be a string"))),
        }
    }

    pub(super) fn optional_text(&self, key: &str) -> Result<Option<String>, ReadError> {
        self.optional(key).map(|_| self.text(key)).transpose()
    }

    pub(super) fn number(&self, key: &str) -> Result<i64, ReadError> {
        match self.term(key)? {
            Term::Number(number) => Ok(*number),
            _ => Err(self.error_at(key, Wrong::Must(key, "be a number"))),
        }
    }

    pub(super) fn switch(&self, key: &str) -> Result<Option<bool>, ReadError> {
        match self.optional(key) {
            None => Ok(None),
            Some(Term::Bool(switch)) => Ok(Some(*switch)),
            Some(_) => Err(self.error_at(key, Wrong::Must(key, "be true or false"))),
        }
    }

    pub(super) fn items(&self, key: &str) -> Result<&[Term], ReadError> {
        match self.optional(key) {
            None => Ok(&[]),
            Some(Term::List(items)) => Ok(items),
            Some(_) => Err(self.error_at(key, Wrong::Must(key, "be a list"))),
        }
    }

    pub(super) fn texts(&self, key: &str) -> Result<Vec<String>, ReadError> {
        let text = |term: &Term| match term {
            Term::Text(text) if text.trim() == text => Ok(text.clone()),
            _ => Err(self.error_at(key, Wrong::Must(key, "hold strings without blanks around them"))),
        };
        self.items(key)?.iter().map(text).collect()
    }

    /// The value of the singular argument or those of the plural one; the provider takes one of them only.
    pub(super) fn one_or_many(&self, one: &str, many: &str) -> Result<Vec<String>, ReadError> {
        match (self.optional_text(one)?, self.texts(many)?) {
            (Some(single), _) if single.trim() != single => {
                Err(self.error_at(one, format_args!("`{one}` has blanks around it")))
            }
            (Some(single), list) if list.is_empty() && self.optional(many).is_none() => Ok(vec![single]),
            (None, list) if !list.is_empty() => Ok(list),
            _ => Err(self.error(format_args!("one of `{one}` and `{many}` is to be given"))),
        }
    }

    /// A word that the language itself reads: in JSON it stands between quotes as any text does.
    pub(super) fn word<'a>(&self, term: &'a Term) -> Option<&'a str> {
        match (&self.place, term) {
            (Place::Line(..), Term::Name(word)) | (Place::Path(_), Term::Text(word)) => Some(word),
            _ => None,
        }
    }
}

/// Reads the native syntax.
pub(super) fn native(name: &str, text: &str) -> Result<Vec<Block>, ReadError> {
    let body = parser::parse_body(text)
        .map_err(|error| ReadError::new(Line(name, error.location().line()), error.message()))?;
    let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let source = Source { name: Rc::from(name), text, starts };
    let block = |structure| match structure {
        Structure::Block(block) => source.block(block),
        Structure::Attribute(attribute) => {
            Err(source.error(source.line(attribute.span()), "an argument outside of blocks is not read"))
        }
    };
    body.into_iter().map(block).collect()
}

/// A text with the beginnings of its lines.
struct Source<'a> {
    name: Rc<str>,
    text: &'a str,
    starts: Vec<usize>,
}

type Bytes = std::ops::Range<usize>;

impl Source<'_> {
    fn line(&self, span: Option<Bytes>) -> usize {
        self.starts.partition_point(|&start| start <= span.as_ref().map_or(0, |span| span.start))
    }

    fn error(&self, line: usize, message: impl Display) -> ReadError {
        ReadError::new(Line(&self.name, line), message)
    }

    fn block(&self, found: structure::Block) -> Result<Block, ReadError> {
        let line = self.line(found.span());
        let (mut attributes, mut blocks) = (Vec::new(), Vec::new());
        for structure in found.body {
            match structure {
                Structure::Block(inner) => blocks.push(self.block(inner)?),
                Structure::Attribute(attribute) => {
                    let line = self.line(attribute.span());
                    let value = self.term(attribute.value, line)?;
                    attributes.push(Attribute { key: attribute.key.into_value().into_string(), value, line });
                }
            }
        }
        Ok(Block {
            kind: found.ident.into_value().into_string(),
            labels: found.labels.into_iter().map(label).collect(),
            blocks,
            attributes,
            place: Place::Line(Rc::clone(&self.name), line),
        })
    }

    /// The value of an argument that begins at a line.
    fn term(&self, expression: Expression, line: usize) -> Result<Term, ReadError> {
        let line = expression.span().map_or(line, |span| self.line(Some(span)));
        match expression {
            Expression::String(text) => {
                // The language ends such a line with an error, the parser does not.
                let inside = text.span().and_then(|span| self.text.get(span));
                if inside.is_none_or(|inside| inside.contains('\n')) {
                    return Err(self.error(line, "a string does not end on its line"));
                }
                Ok(Term::Text(text.into_value()))
            }
            Expression::Number(number) => {
                let whole = number.value().as_i64().filter(|_| !number.value().is_f64());
                whole.map(Term::Number).ok_or_else(|| self.error(line, "a whole number is expected"))
            }
            Expression::Bool(switch) => Ok(Term::Bool(switch.into_value())),
            Expression::Array(items) => {
                items.into_iter().map(|item| self.term(item, line)).collect::<Result<_, _>>().map(Term::List)
            }
            Expression::Object(members) => {
                let member = |(key, value): (ObjectKey, hcl_edit::expr::ObjectValue)| {
                    let ObjectKey::Ident(key) = key else {
                        return Err(self.error(line, "an object has a key that is no name"));
                    };
                    Ok((key.into_value().into_string(), self.term(value.into_expr(), line)?))
                };
                members.into_iter().map(member).collect::<Result<_, _>>().map(Term::Object)
            }
            other => match reference(&other) {
                Some(name) => Ok(Term::Name(name)),
                None => Err(self.error(line, format_args!("{} is not read", called(&other)))),
            },
        }
    }
}

/// The text of a label, which stands between quotes or without.
fn label(label: structure::BlockLabel) -> String {
    match label {
        structure::BlockLabel::Ident(name) => name.into_value().into_string(),
        structure::BlockLabel::String(text) => text.into_value(),
    }
}

/// The words of a reference such as `azurerm_ip_group.a.id`, or of a name alone.
fn reference(expression: &Expression) -> Option<String> {
    match expression {
        Expression::Variable(name) => Some(name.to_string()),
        Expression::Traversal(path) => {
            let Traversal { expr: Expression::Variable(first), operators, .. } = &**path else { return None };
            let mut words = vec![first.as_str()];
            for operator in operators {
                let TraversalOperator::GetAttr(name) = operator.value() else { return None };
                words.push(name.as_str());
            }
            Some(words.join("."))
        }
        _ => None,
    }
}

fn called(expression: &Expression) -> &'static str {
    match expression {
        Expression::Null(_) => "`null`",
        Expression::StringTemplate(_) => "a string with interpolation",
        Expression::HeredocTemplate(_) => "a heredoc",
        Expression::Parenthesis(_) => "an expression in parentheses",
        Expression::Conditional(_) => "a condition",
        Expression::FuncCall(_) => "a call of a function",
        Expression::UnaryOp(_) | Expression::BinaryOp(_) => "an operation",
        Expression::ForExpr(_) => "a `for` expression",
        Expression::Traversal(_) => "a reference with an index",
        _ => "this expression",
    }
}

/// What every file of ours says at its top.
const REMARK: &str = "Written by tagwall: change the policy, not this file.";

/// Reads the JSON syntax.
pub(super) fn json(name: &str, text: &str) -> Result<Vec<Block>, ReadError> {
    let mut blocks = Vec::new();
    for (kind, value) in object(tree::parse(text, name, Strings::default())?, name)? {
        let labels = match &*kind {
            "//" if value == Tree::text(REMARK) => continue,
            "terraform" => 0,
            "provider" | "variable" => 1,
            "resource" => 2,
            _ => return Err(ReadError::new(name, format_args!("`{kind}` at the top is not read"))),
        };
        let place = format!("{name}: {kind}");
        json_labelled(&kind, labels, value, (&mut Vec::new(), place), &mut blocks)?;
    }
    Ok(blocks)
}

type Members<'a> = Vec<(Cow<'a, str>, Tree<'a>)>;

/// The blocks of a kind, below as many more labels.
fn json_labelled(
    kind: &str,
    labels: usize,
    value: Tree<'_>,
    (above, place): (&mut Vec<String>, String),
    blocks: &mut Vec<Block>,
) -> Result<(), ReadError> {
    let members = object(value, &place)?;
    if labels == 0 {
        let mut block = json_block(kind.to_owned(), members, place)?;
        block.labels.clone_from(above);
        blocks.push(block);
        return Ok(());
    }
    if members.is_empty() {
        return Err(ReadError::new(place, "it holds nothing"));
    }
    for (label, inner) in members {
        let place = format!("{place}.{label}");
        above.push(label.into_owned());
        json_labelled(kind, labels - 1, inner, (above, place), blocks)?;
        above.pop();
    }
    Ok(())
}

fn object<'a>(value: Tree<'a>, place: &str) -> Result<Members<'a>, ReadError> {
    match value {
        Tree::Map(members) => Ok(members),
        _ => Err(ReadError::new(place, "an object is expected")),
    }
}

fn json_block(kind: String, members: Members<'_>, place: String) -> Result<Block, ReadError> {
    let (mut attributes, mut blocks) = (Vec::new(), Vec::new());
    for (key, value) in members {
        let key = key.into_owned();
        match value {
            Tree::List(list) if !list.is_empty() && list.iter().all(|item| matches!(item, Tree::Map(_))) => {
                for (index, inner) in list.into_iter().enumerate() {
                    let place = format!("{place}.{key}[{index}]");
                    let members = object(inner, &place)?;
                    blocks.push(json_block(key.clone(), members, place)?);
                }
            }
            Tree::Null => attributes.push(Attribute { key, value: Term::Absent, line: 0 }),
            value => {
                let value =
                    json_term(value).map_err(|error| ReadError::new(format_args!("{place}.{key}"), error))?;
                attributes.push(Attribute { key, value, line: 0 });
            }
        }
    }
    Ok(Block { kind, labels: Vec::new(), blocks, attributes, place: Place::Path(place) })
}

fn json_term(value: Tree<'_>) -> Result<Term, &'static str> {
    match value {
        Tree::Text(text) if text.contains("${") || text.contains("%{") => template(&text),
        Tree::Text(text) => Ok(Term::Text(text.into_owned())),
        Tree::Number(number) => Ok(Term::Number(number)),
        Tree::Bool(switch) => Ok(Term::Bool(switch)),
        Tree::Texts(texts) => {
            texts.list().into_iter().map(json_term).collect::<Result<_, _>>().map(Term::List)
        }
        Tree::Objects(_) => json_term(value.unfolded()),
        Tree::List(items) => items.into_iter().map(json_term).collect::<Result<_, _>>().map(Term::List),
        Tree::Map(members) => {
            let member = |(key, value): (Cow<'_, str>, _)| Ok((key.into_owned(), json_term(value)?));
            members.into_iter().map(member).collect::<Result<_, _>>().map(Term::Object)
        }
        Tree::Fraction(_) | Tree::Code(_) => Err("a whole number is expected"),
        Tree::Null => Err("null is not read"),
    }
}

/// A text that is a reference and nothing else, or that stands for itself once `$${` and `%%{` are undone.
fn template(text: &str) -> Result<Term, &'static str> {
    const OTHER: &str = "a string with interpolation is not read";
    let found: Template = parser::parse_template(text).map_err(|_| OTHER)?;
    if let Some(Element::Interpolation(inner)) = found.as_single_element() {
        let plain = inner.strip == Strip::None;
        return reference(&inner.expr).filter(|_| plain).map(Term::Name).ok_or(OTHER);
    }
    let literal = |element| match element {
        Element::Literal(text) => Some(text.into_value()),
        _ => None,
    };
    found.into_iter().map(literal).collect::<Option<String>>().map(Term::Text).ok_or(OTHER)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Result<Term, ReadError> {
        let blocks = native("t", &format!("a \"b\" {{\n  x = {text}\n}}\n"))?;
        Ok(blocks[0].term("x").unwrap().clone())
    }

    fn text(text: &str) -> Result<Term, ReadError> {
        Ok(Term::Text(text.to_owned()))
    }

    #[test]
    fn strings_are_read() {
        assert_eq!(value(r#""a \"b\" \\ \n é \u0007""#), text("a \"b\" \\ \n é \u{7}"));
        assert_eq!(value(r#""$${a} %%{b} $c $$d""#), text("${a} %{b} $c $$d"));
        assert_eq!(value(r#""\u0024{a}""#), text("${a}"));
        assert_eq!(value(r#""it's $$${x}""#), text("it's $${x}"));
        assert!(value(r#""open"#).is_err());
        assert_eq!(value("\"a\nb\"").unwrap_err().to_string(), "t line 2: a string does not end on its line");
    }

    #[test]
    fn what_is_more_than_a_literal_or_a_reference_is_refused_at_its_line() {
        let refused = [
            ("\"x ${var.a}\"", "a string with interpolation"),
            ("\"${var.a}\"", "a string with interpolation"),
            ("\"%{ if true }x%{ endif }\"", "a string with interpolation"),
            ("<<E\nx\nE", "a heredoc"),
            ("lower(\"X\")", "a call of a function"),
            ("var.a ? 1 : 2", "a condition"),
            ("(1)", "an expression in parentheses"),
            ("1 + 1", "an operation"),
            ("!true", "an operation"),
            ("[for a in var.b : a]", "a `for` expression"),
            ("var.a[0]", "a reference with an index"),
            ("var.a.*.b", "a reference with an index"),
            ("null", "`null`"),
            ("{ (x) = 1 }", "a key that is no name"),
            ("1.5", "a whole number is expected"),
        ];
        for (given, expected) in refused {
            let error = value(given).unwrap_err().to_string();
            assert!(error.starts_with("t line 2: ") && error.contains(expected), "{given}: {error}");
            let inside = value(&format!("[\n{given}\n]")).unwrap_err().to_string();
            assert!(inside.starts_with("t line 3: ") && inside.contains(expected), "{given}: {inside}");
        }
        assert_eq!(value("[a.b, c, -1, true]"), {
            let name = |name: &str| Term::Name(name.to_owned());
            Ok(Term::List(vec![name("a.b"), name("c"), Term::Number(-1), Term::Bool(true)]))
        });
        assert_eq!(native("t", "\nx = 1\n").unwrap_err().to_string().split(':').next(), Some("t line 2"));
    }

    #[test]
    fn arguments_that_stand_twice_and_endless_depth_are_refused() {
        let error = native("t", "a {\n  x = 1\n  x = 1\n}\n").unwrap_err().to_string();
        assert!(error.starts_with("t line 3") && error.contains("redefined"), "{error}");
        assert!(value("{ a = 1, a = 2 }").unwrap_err().message.contains("redefined"));
        for open in ["[", "{ x = ", "(", "-", "\"${", "%{ if ", "a("] {
            assert!(value(&open.repeat(100_000)).is_err(), "{open}");
        }
        let error = native("t", &"a {\n".repeat(100_000)).unwrap_err();
        assert!(error.message.contains("nest"), "{error}");
    }

    #[test]
    fn the_json_syntax_gives_the_same_blocks() {
        let read = |value: &str| {
            let document = format!(r#"{{ "resource": {{ "k": {{ "l": {{ "x": {value} }} }} }} }}"#);
            json("t", &document).map(|blocks| blocks[0].optional("x").cloned())
        };
        let name = |name: &str| Ok(Some(Term::Name(name.to_owned())));
        let text = |text: &str| Ok(Some(Term::Text(text.to_owned())));
        assert_eq!(read(r#""${var.a}""#), name("var.a"));
        assert_eq!(read(r#""var.a""#), text("var.a"));
        assert_eq!(read(r#""$${a} %%{b} $c \\n""#), text("${a} %{b} $c \\n"));
        assert_eq!(read("null"), Ok(None));
        for other in
            ["${var.a} x", "${lower(var.a)}", "${~ var.a}", "%{ if true }x%{ endif }", "${", "${\"x\"}"]
        {
            let error = read(&serde_json::to_string(other).unwrap()).unwrap_err().to_string();
            assert!(error.starts_with("t: resource.k.l.x: a string with interpolation"), "{other}: {error}");
        }
        for other in ["1.5", "[null]", "[1e3]"] {
            assert!(read(other).is_err(), "{other}");
        }
        for top in ["module", "data", "locals", "output", "Resource", "moved", "check"] {
            let error = json("t", &format!(r#"{{ "{top}": {{}} }}"#)).unwrap_err();
            assert_eq!(error.to_string(), format!("t: `{top}` at the top is not read"));
        }
        for wrong in
            [r#"{ "resource": [] }"#, r#"{ "resource": { "k": { "l": [{}] } } }"#, r#"{ "//": {} }"#, "[]"]
        {
            assert!(json("t", wrong).is_err(), "{wrong}");
        }
    }
}
