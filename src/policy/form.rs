//! The form of the policy file, as JSON Schema, and what of it a key takes.

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::intent::Intent;

/// The JSON Schema of a policy that stands for itself: what the reader checks.
pub(super) fn schema() -> &'static Value {
    static SCHEMA: LazyLock<Value> = LazyLock::new(|| schemars::schema_for!(Intent).to_value());
    &SCHEMA
}

/// The JSON Schema of the policy file, for editors: with `extends` and `without`, and nothing that a file has to say
/// which extends another one.
pub fn published_schema() -> &'static Value {
    static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
        let mut form = schema().clone();
        let required = form["required"].take();
        form.as_object_mut().map(|form| form.remove("required"));
        form["anyOf"] = json!([{ "required": ["extends"] }, { "required": required }]);
        form["properties"]["extends"] = json!({
            "type": "string",
            "description": "Policy file that this one stands upon, relative to this one. Tables merge by key, entries \
                of `[[allow]]` and the like come after those of that file, and everything else takes the place of \
                what it says.",
        });
        form["properties"]["without"] = json!({
            "type": ["string", "array"],
            "items": { "type": "string" },
            "description": "Keys of the file in `extends` that are taken out: `network.firewall`, `subnets.gpu`, or an \
                entry by its id or workload: `allow.dns`.",
        });
        form
    });
    &SCHEMA
}

/// The forms among which a node chooses; itself where it does not.
fn choices(node: &'static Value) -> Vec<&'static Value> {
    let node = follow(node);
    match node["anyOf"].as_array() {
        Some(options) => options.iter().flat_map(choices).collect(),
        None => vec![node],
    }
}

/// What a reference stands for.
fn follow(node: &'static Value) -> &'static Value {
    match node["$ref"].as_str().and_then(|r| r.strip_prefix("#/$defs/")) {
        Some(name) => &schema()["$defs"][name],
        None => node,
    }
}

/// The form of what `key` of a table stands for.
pub(super) fn child(node: &'static Value, key: &str) -> Option<&'static Value> {
    choices(node).into_iter().find_map(|node| {
        let named = node["properties"].get(key);
        named.or_else(|| node.get("additionalProperties").filter(|more| more.is_object()))
    })
}

/// The form of a list's items.
pub(super) fn items(node: &'static Value) -> Option<&'static Value> {
    choices(node).into_iter().find_map(|node| node.get("items"))
}

/// Whether a value of this kind fits.
pub(super) fn takes(node: &'static Value, kind: &str) -> bool {
    choices(node).into_iter().any(|node| match &node["type"] {
        Value::String(one) => one == kind,
        Value::Array(many) => many.iter().any(|one| one == kind),
        // Words of an enumeration.
        _ => kind == "string",
    })
}

#[cfg(feature = "store")]
/// The form of what stands at `keys`; entries of lists are one step of it. `None` where a policy has no such key.
pub(crate) fn at(keys: &[String]) -> Option<&'static Value> {
    let mut node = schema();
    for key in keys {
        node = match items(node).filter(|_| !has_properties(node)) {
            Some(items) => items,
            None => child(node, key)?,
        };
    }
    Some(node)
}

#[cfg(feature = "store")]
fn has_properties(node: &'static Value) -> bool {
    choices(node).into_iter().any(|node| node["properties"].is_object())
}

#[cfg(feature = "store")]
/// The keys of a policy's top, for suggestions.
pub(crate) fn top_keys() -> impl Iterator<Item = &'static str> {
    schema()["properties"].as_object().into_iter().flatten().map(|(key, _)| key.as_str())
}
