//! Texts of a table's cells in the places of a policy: `${NAME}` in its texts, and values of the kind that a key takes.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value as Schema;
use toml::Value;

use super::form;
use super::place::Path;
use super::tree::{Item, Node, Said, Table};

/// The names in `${…}` of a policy's texts, each with its first place.
pub(super) fn variables(root: &Table) -> BTreeMap<String, Path> {
    let mut found = BTreeMap::new();
    in_table(root, &Path::top(), &mut |text, place| {
        for name in parts(text).into_iter().filter_map(Part::name) {
            found.entry(name.to_owned()).or_insert_with(|| place.clone());
        }
    });
    found
}

fn in_table(table: &Table, place: &Path, see: &mut dyn FnMut(&str, &Path)) {
    table.iter().for_each(|(key, item)| in_item(item, &place.at(key.as_str()), see));
}

fn in_item(item: &Item, place: &Path, see: &mut dyn FnMut(&str, &Path)) {
    match &item.node {
        Node::Table(table) => in_table(table, place, see),
        Node::List(items) => {
            items.iter().enumerate().for_each(|(at, item)| in_item(item, &place.at(at), see));
        }
        Node::Value(Value::String(text)) => see(text, place),
        Node::Value(_) => {}
    }
}

/// A piece of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part<'t> {
    Plain(&'t str),
    Name(&'t str),
}

impl<'t> Part<'t> {
    fn name(self) -> Option<&'t str> {
        match self {
            Part::Name(name) => Some(name),
            Part::Plain(_) => None,
        }
    }
}

/// A text in pieces; `$${` stands for `${` itself.
fn parts(text: &str) -> Vec<Part<'_>> {
    let (mut found, mut rest) = (Vec::new(), text);
    while let Some(at) = rest.find("${") {
        if rest[..at].ends_with('$') {
            found.push(Part::Plain(&rest[..at - 1]));
            found.push(Part::Plain("${"));
            rest = &rest[at + 2..];
            continue;
        }
        let Some(end) = rest[at..].find('}') else { break };
        found.push(Part::Plain(&rest[..at]));
        found.push(Part::Name(&rest[at + 2..at + end]));
        rest = &rest[at + end + 1..];
    }
    found.push(Part::Plain(rest));
    found.retain(|part| *part != Part::Plain(""));
    found
}

/// Puts texts in the places of their names; those with a place stand there in the text `source`.
pub(super) fn fill(table: &mut Table, texts: &[(String, String, Option<Range<usize>>)], source: usize) {
    let variables = texts.iter().map(|(name, text, span)| (name.as_str(), (text.as_str(), span.as_ref())));
    let filler = Filler { variables: variables.collect(), source };
    filler.table(table, Some(form::schema()));
}

struct Filler<'a> {
    variables: BTreeMap<&'a str, (&'a str, Option<&'a Range<usize>>)>,
    source: usize,
}

impl Filler<'_> {
    fn table(&self, table: &mut Table, form: Option<&'static Schema>) {
        table.retain(|key, item| {
            let below = form.and_then(|form| form::child(form, key));
            self.item(item, below)
        });
    }

    /// Fills an item; false where it is nothing but a name whose cell is empty.
    fn item(&self, item: &mut Item, form: Option<&'static Schema>) -> bool {
        match &mut item.node {
            Node::Table(table) => self.table(table, form),
            Node::List(items) => {
                let below = form.and_then(form::items);
                items.retain_mut(|item| self.item(item, below));
            }
            Node::Value(Value::String(text)) if text.contains("${") => {
                let Some(new) = self.text(&text.clone(), &item.said, form) else { return false };
                *item = new;
            }
            Node::Value(_) => {}
        }
        true
    }

    fn text(&self, text: &str, said: &Said, form: Option<&'static Schema>) -> Option<Item> {
        let parts = parts(text);
        if let [Part::Name(name)] = parts.as_slice() {
            let (text, span) = self.variables.get(name)?;
            let own = |span: &&Range<usize>| Said {
                source: self.source,
                span: (*span).clone(),
                key: (*span).clone(),
            };
            let said = span.as_ref().map_or_else(|| said.clone(), own);
            return Some(Item { node: Node::Value(typed(text, form)), said });
        }
        let mut whole = String::new();
        for part in parts {
            match part {
                Part::Plain(text) => whole.push_str(text),
                Part::Name(name) => whole.push_str(self.variables.get(name).map_or("", |(text, _)| text)),
            }
        }
        Some(Item { node: Node::Value(Value::String(whole)), said: said.clone() })
    }
}

/// The value that the text of a cell stands for, where `form` says what the key takes. Several values are separated by
/// blanks, `;`, `|` or commas; anything else than what the key takes stays a text, and is refused as such.
pub(crate) fn typed(text: &str, form: Option<&'static Schema>) -> Value {
    let text = text.trim();
    let Some(form) = form else { return Value::String(text.to_owned()) };
    let takes = |kind: &str| form::takes(form, kind);
    let separator = |c: char| c.is_whitespace() || matches!(c, ';' | '|' | ',');
    let several = text.contains(separator);
    if takes("array") && (several || !takes("string")) {
        let below = form::items(form);
        let items = text.split(separator).filter(|part| !part.is_empty());
        return Value::Array(items.map(|part| typed(part, below)).collect());
    }
    if takes("boolean") && (text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false")) {
        return Value::Boolean(text.eq_ignore_ascii_case("true"));
    }
    if takes("integer")
        && let Ok(number) = text.parse::<i64>()
        && number.to_string() == text
    {
        return Value::Integer(number);
    }
    Value::String(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_taken_apart_at_names() {
        assert_eq!(parts("a"), [Part::Plain("a")]);
        assert_eq!(parts("${a}"), [Part::Name("a")]);
        assert_eq!(
            parts("x-${a}.${b}y"),
            [Part::Plain("x-"), Part::Name("a"), Part::Plain("."), Part::Name("b"), Part::Plain("y")]
        );
        assert_eq!(parts("$${a} ${"), [Part::Plain("${"), Part::Plain("a} ${")]);
    }

    #[test]
    fn cells_become_what_their_key_takes() {
        let at = |keys: &[&str]| keys.iter().try_fold(form::schema(), |form, key| form::child(form, key));
        let value = |text: &str, keys: &[&str]| typed(text, at(keys));
        let list =
            |texts: &[&str]| Value::Array(texts.iter().map(|t| Value::String((*t).to_owned())).collect());
        assert_eq!(value("10.0.0.0/8", &["network", "address-space"]), list(&["10.0.0.0/8"]));
        assert_eq!(
            value("10.0.0.0/8; 10.1.0.0/16", &["network", "address-space"]),
            list(&["10.0.0.0/8", "10.1.0.0/16"])
        );
        assert_eq!(value("10.0.0.4", &["network", "firewall"]), Value::String("10.0.0.4".into()));
        assert_eq!(value("TRUE", &["nsg", "deny-rest"]), Value::Boolean(true));
        assert_eq!(value("400", &["limits", "routes-per-table"]), Value::Integer(400));
        assert_eq!(value("400", &["name"]), Value::String("400".into()));
        assert_eq!(value("maybe", &["nsg", "deny-rest"]), Value::String("maybe".into()));
    }
}
