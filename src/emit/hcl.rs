//! A small writer of HashiCorp's configuration language, native syntax and JSON, laid out as `terraform fmt` does.

use std::fmt::Write;

use serde_json::{Map, Value as Json};

use super::layout::{enclosed, indent, push_escaped};

/// A block with its labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) kind: &'static str,
    pub(super) labels: Vec<String>,
    pub(super) body: Body,
}

/// What stands in a block, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Body(Vec<Item>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    Attribute(&'static str, Value),
    Block(Block),
}

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Number(u32),
    Bool(bool),
    /// An expression, such as `var.location`.
    Expression(String),
    /// A name that the language itself reads: a type, a resource to wait for.
    Name(String),
    List(Vec<Value>),
    Object(Vec<(&'static str, Value)>),
    /// Nothing. In JSON some blocks of the provider must say so; the native syntax leaves it out.
    Absent,
}

impl Body {
    pub(super) fn set(mut self, key: &'static str, value: Value) -> Self {
        self.0.push(Item::Attribute(key, value));
        self
    }

    pub(super) fn text(self, key: &'static str, text: impl Into<String>) -> Self {
        self.set(key, Value::Text(text.into()))
    }

    pub(super) fn expression(self, key: &'static str, text: impl Into<String>) -> Self {
        self.set(key, Value::Expression(text.into()))
    }

    /// `key` unless `list` is empty.
    pub(super) fn texts<T: ToString>(self, key: &'static str, list: &[T]) -> Self {
        if list.is_empty() { self } else { self.set(key, texts(list)) }
    }

    /// `one` where there is one value, else `many`; the other is absent.
    pub(super) fn one_or_many(self, one: &'static str, many: &'static str, list: &[String]) -> Self {
        match list {
            [single] => self.text(one, single.clone()).set(many, Value::Absent),
            list => self.set(one, Value::Absent).set(many, texts(list)),
        }
    }

    /// [`one_or_many`](Self::one_or_many); of an empty list neither.
    pub(super) fn one_many_or_none(self, one: &'static str, many: &'static str, list: &[String]) -> Self {
        match list {
            [] => self.set(one, Value::Absent).set(many, Value::Absent),
            list => self.one_or_many(one, many, list),
        }
    }

    pub(super) fn block(mut self, kind: &'static str, body: Body) -> Self {
        self.0.push(Item::Block(Block { kind, labels: Vec::new(), body }));
        self
    }

    /// All of `bodies` as blocks of one kind.
    pub(super) fn blocks(self, kind: &'static str, bodies: impl IntoIterator<Item = Body>) -> Self {
        bodies.into_iter().fold(self, |body, block| body.block(kind, block))
    }

    /// The resources that this one waits for.
    pub(super) fn after(self, resources: impl IntoIterator<Item = String>) -> Self {
        let names: Vec<Value> = resources.into_iter().map(Value::Name).collect();
        if names.is_empty() { self } else { self.set("depends_on", Value::List(names)) }
    }
}

fn texts<T: ToString>(list: &[T]) -> Value {
    Value::List(list.iter().map(|item| Value::Text(item.to_string())).collect())
}

/// The blocks as a `.tf` file.
pub(super) fn native(remark: &str, blocks: &[Block]) -> String {
    let mut out = format!("# {remark}\n");
    for block in blocks {
        out.push('\n');
        write_block(block, 0, &mut out);
    }
    out
}

fn write_block(block: &Block, depth: usize, out: &mut String) {
    indent(depth, out);
    out.push_str(block.kind);
    for label in &block.labels {
        write!(out, " {}", quoted(label)).expect("writing to a string does not fail");
    }
    if block.body.0.is_empty() {
        out.push_str(" {}\n");
        return;
    }
    out.push_str(" {\n");
    let mut items = block.body.0.as_slice();
    let mut first = true;
    while let Some(item) = items.first() {
        if let Item::Block(inner) = item {
            if !first {
                out.push('\n');
            }
            write_block(inner, depth + 1, out);
            items = &items[1..];
        } else {
            let attribute = |item: &Item| matches!(item, Item::Attribute(..));
            let run = items.iter().position(|item| !attribute(item)).unwrap_or(items.len());
            let pairs = items[..run].iter().filter_map(|item| match item {
                Item::Attribute(_, Value::Absent) | Item::Block(_) => None,
                Item::Attribute(key, value) => Some((*key, value)),
            });
            if !first {
                out.push('\n');
            }
            write_attributes(pairs.collect(), depth + 1, out);
            items = &items[run..];
        }
        first = false;
    }
    indent(depth, out);
    out.push_str("}\n");
}

/// Attributes in adjacent lines have their `=` in one column; a value of several lines ends such a run.
fn write_attributes(pairs: Vec<(&'static str, &Value)>, depth: usize, out: &mut String) {
    let mut rest = pairs.as_slice();
    while let Some((key, value)) = rest.first() {
        let run = rest.iter().position(|(_, v)| v.is_tall()).unwrap_or(rest.len());
        let width = rest[..run].iter().map(|(k, _)| k.len()).max().unwrap_or(0);
        for (key, value) in &rest[..run] {
            indent(depth, out);
            write!(out, "{key:width$} = ").expect("writing to a string does not fail");
            write_value(value, depth, out);
            out.push('\n');
        }
        if run > 0 {
            rest = &rest[run..];
            continue;
        }
        indent(depth, out);
        write!(out, "{key} = ").expect("writing to a string does not fail");
        write_value(value, depth, out);
        out.push('\n');
        rest = &rest[1..];
    }
}

impl Value {
    /// Whether it takes several lines.
    fn is_tall(&self) -> bool {
        match self {
            Value::List(items) => items.len() > 1,
            Value::Object(members) => !members.is_empty(),
            _ => false,
        }
    }
}

fn write_value(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Text(text) => out.push_str(&quoted(text)),
        Value::Number(number) => write!(out, "{number}").expect("writing to a string does not fail"),
        Value::Bool(switch) => out.push_str(if *switch { "true" } else { "false" }),
        Value::Expression(code) | Value::Name(code) => out.push_str(code),
        Value::Absent => out.push_str("null"),
        Value::List(items) if value.is_tall() => enclosed(['[', ']'], items, depth, out, |item, out| {
            write_value(item, depth + 1, out);
            out.push(',');
        }),
        Value::List(items) => {
            out.push('[');
            items.iter().for_each(|item| write_value(item, depth, out));
            out.push(']');
        }
        Value::Object(members) => {
            out.push_str("{\n");
            write_attributes(members.iter().map(|(key, value)| (*key, value)).collect(), depth + 1, out);
            indent(depth, out);
            out.push('}');
        }
    }
}

/// A quoted template that stands for `text` alone.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in literal(text).chars() {
        push_escaped(c, '"', |code| format!("\\u{code:04x}"), &mut out);
    }
    out.push('"');
    out
}

/// `text` without anything that opens an interpolation or directive.
fn literal(text: &str) -> String {
    text.replace("${", "$${").replace("%{", "%%{")
}

/// The blocks as a `.tf.json` file.
pub(super) fn json(remark: &str, blocks: &[Block]) -> String {
    let mut top = Map::new();
    top.insert("//".to_owned(), Json::String(remark.to_owned()));
    for block in blocks {
        place(&mut top, block);
    }
    let mut text =
        serde_json::to_string_pretty(&Json::Object(top)).expect("texts and numbers always serialise");
    text.push('\n');
    text
}

/// Puts a block of the top level below its kind and labels.
fn place(top: &mut Map<String, Json>, block: &Block) {
    let mut below = top;
    let path: Vec<&str> =
        std::iter::once(block.kind).chain(block.labels.iter().map(String::as_str)).collect();
    let (last, folders) = path.split_last().expect("a block has a kind");
    for step in folders {
        let next = below.entry(*step).or_insert_with(|| Json::Object(Map::new()));
        below = next.as_object_mut().expect("only blocks without labels hold values");
    }
    below.insert((*last).to_owned(), json_body(&block.body, false));
}

/// A body; inside another one, what is absent is written as `null`.
fn json_body(body: &Body, inner: bool) -> Json {
    let mut map = Map::new();
    for item in &body.0 {
        match item {
            Item::Attribute(_, Value::Absent) if !inner => {}
            Item::Attribute(key, value) => {
                map.insert((*key).to_owned(), json_value(value));
            }
            Item::Block(block) => {
                let list = map.entry(block.kind).or_insert_with(|| Json::Array(Vec::new()));
                list.as_array_mut()
                    .expect("a block and an attribute differ in name")
                    .push(json_body(&block.body, true));
            }
        }
    }
    Json::Object(map)
}

fn json_value(value: &Value) -> Json {
    match value {
        Value::Text(text) => Json::String(literal(text)),
        Value::Number(number) => Json::from(*number),
        Value::Bool(switch) => Json::Bool(*switch),
        Value::Expression(code) => Json::String(format!("${{{code}}}")),
        Value::Name(name) => Json::String(name.clone()),
        Value::Absent => Json::Null,
        Value::List(items) => Json::Array(items.iter().map(json_value).collect()),
        Value::Object(members) => {
            Json::Object(members.iter().map(|(key, value)| ((*key).to_owned(), json_value(value))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped() {
        assert_eq!(quoted(r#"a "b" \ c"#), r#""a \"b\" \\ c""#);
        assert_eq!(quoted("${a} %{b} $c"), r#""$${a} %%{b} $c""#);
        assert_eq!(quoted("a\nb\u{7}"), r#""a\nb\u0007""#);
    }

    #[test]
    fn attributes_are_aligned_as_fmt_does() {
        let body = Body::default()
            .text("name", "x")
            .text("location", "y")
            .set("list", texts(&["a", "b"]))
            .text("z", "z")
            .block("rule", Body::default().texts("one", &["a"]));
        let block = Block { kind: "resource", labels: vec!["t".to_owned(), "l".to_owned()], body };
        let text = native("r", &[block]);
        let expected = "# r\n\nresource \"t\" \"l\" {\n  name     = \"x\"\n  location = \"y\"\n  list = [\n    \"a\",\n    \
                        \"b\",\n  ]\n  z = \"z\"\n\n  rule {\n    one = [\"a\"]\n  }\n}\n";
        assert_eq!(text, expected);
    }
}
