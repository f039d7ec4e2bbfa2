//! [`Node`]: a policy as a tree in which every value knows which text said it.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Value;
use toml::de::{DeTable, DeValue};

use super::place::{Path, Step};

/// Which text said something, and where in it.
#[derive(Debug, Clone, Default)]
pub(super) struct Said {
    /// The text, by its place among those that the policy is put together from.
    pub(super) source: usize,
    /// The value, as bytes of the text.
    pub(super) span: Range<usize>,
    /// The key before it; the value where there is none.
    pub(super) key: Range<usize>,
}

/// A value with the text that said it.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) said: Said,
    pub(super) node: Node,
}

/// A table: what it says by key.
pub(super) type Table = BTreeMap<String, Item>;

/// What stands in a policy.
#[derive(Debug, Clone)]
pub(super) enum Node {
    Table(Table),
    List(Vec<Item>),
    Value(Value),
}

/// The tree of a text that is well-formed; `source` is the text's place among the others.
pub(super) fn table_of(table: &DeTable<'_>, source: usize) -> Table {
    let entry = |(key, value): (&toml::Spanned<_>, &toml::Spanned<DeValue<'_>>)| {
        let key: &toml::Spanned<std::borrow::Cow<'_, str>> = key;
        let said = Said { source, span: value.span(), key: key.span() };
        (key.get_ref().to_string(), Item { said, node: node_of(value.get_ref(), source) })
    };
    table.iter().map(entry).collect()
}

/// The plain value of a TOML tree.
#[cfg(feature = "store")]
pub(crate) fn value_of(value: &DeValue<'_>) -> Value {
    node_of(value, 0).value()
}

fn node_of(value: &DeValue<'_>, source: usize) -> Node {
    match value {
        DeValue::Table(table) => Node::Table(table_of(table, source)),
        DeValue::Array(items) => {
            let item = |item: &toml::Spanned<DeValue<'_>>| Item {
                said: Said { source, span: item.span(), key: item.span() },
                node: node_of(item.get_ref(), source),
            };
            Node::List(items.iter().map(item).collect())
        }
        DeValue::String(text) => Node::Value(Value::String(text.to_string())),
        DeValue::Boolean(yes) => Node::Value(Value::Boolean(*yes)),
        DeValue::Datetime(day) => Node::Value(Value::Datetime(*day)),
        // A number that is too large stays a text, which no key that takes a number accepts.
        DeValue::Integer(number) => Node::Value(
            i64::from_str_radix(number.as_str(), number.radix())
                .map_or_else(|_| Value::String(number.to_string()), Value::Integer),
        ),
        DeValue::Float(number) => Node::Value(
            number.as_str().parse().map_or_else(|_| Value::String(number.as_str().to_owned()), Value::Float),
        ),
    }
}

impl Node {
    /// The text that it is.
    pub(super) fn as_str(&self) -> Option<&str> {
        match self {
            Node::Value(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// The plain value, without what said it.
    pub(super) fn value(&self) -> Value {
        match self {
            Node::Table(table) => Value::Table(plain(table)),
            Node::List(items) => Value::Array(items.iter().map(|item| item.node.value()).collect()),
            Node::Value(value) => value.clone(),
        }
    }

    /// Whether it is a list of tables, as `[[allow]]` is.
    fn is_entries(&self) -> bool {
        let Node::List(items) = self else { return false };
        !items.is_empty() && items.iter().all(|item| matches!(item.node, Node::Table(_)))
    }
}

/// The table without what said it.
pub(super) fn plain(table: &Table) -> toml::Table {
    table.iter().map(|(key, item)| (key.clone(), item.node.value())).collect()
}

/// Lays `upper` over `lower`: tables merge by key, entries as of `[[allow]]` come after those that are there, and
/// everything else takes the place of what is there.
pub(super) fn merge(lower: &mut Table, upper: Table) {
    for (key, item) in upper {
        let Some(there) = lower.get_mut(&key) else {
            lower.insert(key, item);
            continue;
        };
        let adds = there.node.is_entries() && item.node.is_entries();
        match (&mut there.node, item.node) {
            (Node::Table(old), Node::Table(new)) => {
                there.said = item.said;
                merge(old, new);
            }
            (Node::List(old), Node::List(new)) if adds => old.extend(new),
            (_, node) => *there = Item { said: item.said, node },
        }
    }
}

/// The names by which an entry of a list is called: its id, else what it is about.
pub(super) fn names_of(item: &Item) -> Vec<&str> {
    let Node::Table(table) = &item.node else { return Vec::new() };
    ["id", "name", "workload"].iter().filter_map(|key| table.get(*key)?.node.as_str()).collect()
}

/// Where no such thing is: what is there instead.
#[derive(Debug)]
pub(super) struct Unknown {
    pub(super) name: String,
    pub(super) known: Vec<String>,
}

fn unknown(table: &Table, name: &str) -> Unknown {
    Unknown { name: name.to_owned(), known: table.keys().cloned().collect() }
}

fn unknown_entry(items: &[Item], name: &str) -> Unknown {
    let known = items.iter().flat_map(names_of).map(str::to_owned).collect();
    Unknown { name: name.to_owned(), known }
}

/// Takes out what stands at `keys`: a key of a table, or the entries of a list that have that name.
pub(super) fn take_out(table: &mut Table, keys: &[String]) -> Result<(), Unknown> {
    let Some((key, rest)) = keys.split_first() else { return Ok(()) };
    let Some(item) = table.get_mut(key) else { return Err(unknown(table, key)) };
    if rest.is_empty() {
        table.remove(key);
        return Ok(());
    }
    match &mut item.node {
        Node::Table(inner) => take_out(inner, rest),
        Node::List(items) => {
            let name = &rest[0];
            if !items.iter().any(|item| names_of(item).contains(&name.as_str())) {
                return Err(unknown_entry(items, name));
            }
            if rest.len() == 1 {
                items.retain(|item| !names_of(item).contains(&name.as_str()));
                return Ok(());
            }
            named(items, name).try_for_each(|inner| take_out(inner, &rest[1..]))
        }
        Node::Value(_) => Err(Unknown { name: rest[0].clone(), known: Vec::new() }),
    }
}

/// Puts `item` at `keys`, and makes the tables on the way; entries of lists have to be there.
pub(super) fn put(table: &mut Table, keys: &[String], item: &Item) -> Result<(), Unknown> {
    let Some((key, rest)) = keys.split_first() else { return Ok(()) };
    if rest.is_empty() {
        table.insert(key.clone(), item.clone());
        return Ok(());
    }
    let inner = table
        .entry(key.clone())
        .or_insert_with(|| Item { said: item.said.clone(), node: Node::Table(Table::new()) });
    match &mut inner.node {
        Node::Table(inner) => put(inner, rest, item),
        Node::List(items) => {
            let name = &rest[0];
            if rest.len() == 1 || !items.iter().any(|item| names_of(item).contains(&name.as_str())) {
                return Err(unknown_entry(items, name));
            }
            named(items, name).try_for_each(|inner| put(inner, &rest[1..], item))
        }
        Node::Value(_) => Err(Unknown { name: rest[0].clone(), known: Vec::new() }),
    }
}

fn named<'a>(items: &'a mut [Item], name: &'a str) -> impl Iterator<Item = &'a mut Table> {
    let own = items.iter_mut().filter(move |item| names_of(item).contains(&name));
    own.filter_map(|item| match &mut item.node {
        Node::Table(table) => Some(table),
        _ => None,
    })
}

/// What said the value at `place`, or the nearest thing around it; `None` at the top.
pub(super) fn said_at(root: &Table, place: &Path) -> Option<(usize, Range<usize>)> {
    let mut here = Some(place.clone());
    while let Some(place) = here {
        if let Some(found) = find(root, place.steps()) {
            return Some(found);
        }
        here = place.parent();
    }
    None
}

fn find(root: &Table, steps: &[Step]) -> Option<(usize, Range<usize>)> {
    let (first, rest) = steps.split_first()?;
    let Step::Key(key) = first else { return None };
    let mut item = root.get(key)?;
    let mut by_key = true;
    for step in rest {
        (item, by_key) = match (step, &item.node) {
            (Step::Key(key), Node::Table(table)) => (table.get(key)?, true),
            (Step::Index(at), Node::List(items)) => (items.get(*at)?, false),
            _ => return None,
        };
    }
    let whole = by_key && matches!(item.node, Node::Table(_)) && !rest.is_empty();
    Some((item.said.source, if whole { item.said.key.clone() } else { item.said.span.clone() }))
}
