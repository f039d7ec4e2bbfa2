//! Changes of any JSON document: what is done to its values, whatever they mean.

use serde_json::{Map, Value, json};

use super::Change;

/// Stands for a member that is there already.
const TWICE: &str = "\u{1}";

/// Every place of a document by its pointer, but of many items that look the same only the first and the last.
pub(super) fn places(document: &Value) -> Vec<String> {
    let mut all = Vec::new();
    walk(document, String::new(), &mut all);
    let shape = |place: &str| {
        let plain = |part: &str| if part.parse::<usize>().is_ok() { "*".to_owned() } else { part.to_owned() };
        place.split('/').map(plain).collect::<Vec<_>>().join("/")
    };
    let shapes: Vec<String> = all.iter().map(|place| shape(place)).collect();
    let keep = |index: usize| {
        let (before, after) = (&shapes[..index], &shapes[index + 1..]);
        !before.contains(&shapes[index]) || !after.contains(&shapes[index])
    };
    (0..all.len()).filter(|index| keep(*index)).map(|index| all[index].clone()).collect()
}

fn walk(value: &Value, place: String, out: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, v)| {
                walk(v, format!("{place}/{}", key.replace('~', "~0").replace('/', "~1")), out)
            });
        }
        Value::Array(list) => list.iter().enumerate().for_each(|(i, v)| walk(v, format!("{place}/{i}"), out)),
        _ => {}
    }
    out.push(place);
}

/// The bytes of a document in which members may be twice.
pub(super) fn bytes(document: &Value) -> Vec<u8> {
    let text = serde_json::to_string_pretty(document).expect("JSON is JSON");
    // The mark is escaped in text, and stands before a name.
    (text.replace("\\u0001", "") + "\n").into_bytes()
}

/// `document` with what `change` does to the value at a place.
pub(super) fn with(document: &Value, place: &str, change: impl FnOnce(&mut Value)) -> Value {
    let mut changed = document.clone();
    change(changed.pointer_mut(place).expect("the place is there"));
    changed
}

/// All changes of `document` that need no knowledge of what it says.
pub(super) fn changes(file: &str, document: &Value) -> Vec<Change> {
    let mut all = Vec::new();
    let mut add = |kind: &'static str, place: String, changed: &Value| {
        all.push(Change::new(kind, format!("{file} {place}"), file, bytes(changed)));
    };
    for place in places(document) {
        match document.pointer(&place).expect("the place is there") {
            Value::Object(members) => {
                for key in members.keys() {
                    let at = format!("{place}/{key}");
                    for (kind, member) in members_of(key, &members[key]) {
                        add(
                            kind,
                            at.clone(),
                            &with(document, &place, |v| member(v.as_object_mut().expect("a map"))),
                        );
                    }
                }
                let unknown = json!({ "tagwallNeverHeardOfIt": true });
                add("unknown member", place.clone(), &with(document, &place, |v| merge(v, &unknown)));
            }
            Value::Array(items) => {
                for (kind, changed) in lists_of(items) {
                    add(kind, place.clone(), &with(document, &place, |v| *v = changed));
                }
            }
            _ => {}
        }
        let value = document.pointer(&place).expect("the place is there");
        for (kind, other) in values_of(value).into_iter().filter(|(_, other)| other != value) {
            add(kind, format!("{place} to {other}"), &with(document, &place, |v| *v = other));
        }
    }
    all
}

/// Puts members into an object.
pub(super) fn merge(value: &mut Value, more: &Value) {
    let more = more.as_object().expect("members");
    value.as_object_mut().expect("an object").extend(more.clone());
}

type MemberChange = Box<dyn Fn(&mut Map<String, Value>)>;

/// What is done to a member: gone, there twice, in another case, with another value first or last.
fn members_of(key: &str, value: &Value) -> Vec<(&'static str, MemberChange)> {
    let name = key.to_owned();
    let twice = format!("{TWICE}{key}");
    let (same, other) = (value.clone(), json!(null));
    let mut list: Vec<(&'static str, MemberChange)> = Vec::new();
    {
        let name = name.clone();
        list.push(("member dropped", Box::new(move |m| _ = m.remove(&name))));
    }
    {
        let twice = twice.clone();
        list.push(("member twice, the same", Box::new(move |m| _ = m.insert(twice.clone(), same.clone()))));
    }
    list.push(("member twice, another", Box::new(move |m| _ = m.insert(twice.clone(), other.clone()))));
    let recased = recase(key);
    if recased != key {
        list.push((
            "member in other case",
            Box::new(move |m| {
                let value = m.remove(&name).expect("it is there");
                m.insert(recased.clone(), value);
            }),
        ));
        let (recased, emptied) = (recase(key), emptied(value));
        list.push((
            "member beside itself in other case",
            Box::new(move |m| _ = m.insert(recased.clone(), emptied.clone())),
        ));
    }
    list
}

/// The other case of the first letter.
fn recase(key: &str) -> String {
    let mut chars = key.chars();
    let first = chars
        .next()
        .map(|c| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() });
    first.into_iter().chain(chars).collect()
}

fn emptied(value: &Value) -> Value {
    match value {
        Value::String(_) => json!("*"),
        Value::Array(_) => json!(["*"]),
        Value::Object(_) => json!({}),
        Value::Bool(on) => json!(!on),
        _ => json!(100),
    }
}

fn lists_of(items: &[Value]) -> Vec<(&'static str, Value)> {
    let mut list = Vec::new();
    let without = |skip: usize| -> Value {
        items.iter().enumerate().filter(|(i, _)| *i != skip).map(|(_, v)| v.clone()).collect()
    };
    for skip in [0, items.len().wrapping_sub(1)].iter().take(items.len()) {
        list.push(("item dropped", without(*skip)));
    }
    if let Some(first) = items.first() {
        let mut twice = items.to_vec();
        twice.push(first.clone());
        list.push(("item twice", twice.into()));
        list.push(("list emptied", json!([])));
    }
    if items.len() > 1 {
        list.push(("list reversed", items.iter().rev().cloned().collect()));
    }
    for strange in [json!(null), json!("*"), json!({}), json!(["*"])] {
        let mut more = items.to_vec();
        more.push(strange);
        list.push(("strange item", more.into()));
    }
    list
}

fn values_of(value: &Value) -> Vec<(&'static str, Value)> {
    match value {
        Value::String(text) => {
            let mut list = vec![
                ("text to list", json!([text])),
                ("text to object", json!({ "value": text })),
                ("text to null", json!(null)),
                ("text to number", json!(7)),
                ("text longer", json!(format!("{text}x"))),
                ("text with space", json!(format!(" {text} "))),
                ("text emptied", json!("")),
                ("text to expression", json!("[parameters('location')]")),
                ("text in expression", json!(format!("[concat('{}', '')]", text.replace('\'', "''")))),
            ];
            let swapped: String = text
                .chars()
                .map(|c| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
                .collect();
            if swapped != *text {
                list.push(("text in other case", json!(swapped)));
            }
            list
        }
        Value::Number(number) => vec![
            ("number to text", json!(number.to_string())),
            ("number to fraction", json!(number.as_f64().expect("small") + 0.5)),
            ("number negative", json!(-number.as_i64().expect("small"))),
            ("number larger", json!(number.as_i64().expect("small") + 1)),
            ("number to null", json!(null)),
            ("number to expression", json!("[add(1, 2)]")),
        ],
        Value::Bool(on) => vec![
            ("switch turned", json!(!on)),
            ("switch to text", json!(on.to_string())),
            ("switch to number", json!(u8::from(*on))),
            ("switch to null", json!(null)),
            ("switch to expression", json!("[not(true())]")),
        ],
        Value::Array(items) => {
            let mut list = vec![
                ("list to object", json!({ "0": items })),
                ("list to null", json!(null)),
                ("list in list", json!([items])),
                ("list to expression", json!("[variables('list')]")),
            ];
            list.extend(items.first().map(|first| ("list to its item", first.clone())));
            list
        }
        Value::Object(members) => vec![
            ("object in list", json!([members])),
            ("object emptied", json!({})),
            ("object to null", json!(null)),
            ("object to expression", json!("[createObject('a', 1)]")),
        ],
        Value::Null => Vec::new(),
    }
}
