//! Collections of DNAT rules, which people put into templates of ours.

use serde_json::Value;

use super::super::error::{ReadError, utf8};
use super::super::node::{Document, Mode, Node};
use super::super::tree::{self, Strings};
use super::firewall::{NAT_COLLECTION, rule_collection};
use super::resource::last_name;
use crate::read::resources::RuleCollection;

/// A collection of DNAT rules as it stands in a template.
pub(crate) struct NatFound {
    pub(crate) group: String,
    pub(crate) name: String,
    pub(crate) json: String,
    /// Its priority; or why the collection cannot stand in another template.
    pub(crate) usable: Result<i64, ReadError>,
}

/// How the strings of a template are taken.
const TEMPLATE: Strings = Strings { expressions: true, any_case: false, in_place: false };

/// All collections of DNAT rules of a template, also where the rest of it cannot be read.
pub(crate) fn nat_found(bytes: &[u8]) -> Vec<NatFound> {
    let Ok(document) = serde_json::from_slice::<Value>(bytes) else { return Vec::new() };
    // Where a member is there twice, `document` has one of them.
    let whole = utf8("template", bytes).and_then(|text| tree::parse(text, "template", TEMPLATE).map(drop));
    let list = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    let mut found = Vec::new();
    for resource in list(&document, "resources") {
        for value in list(&resource["properties"], "ruleCollections") {
            if value["ruleCollectionType"] == NAT_COLLECTION {
                let json = value.to_string();
                let read = whole.clone().and_then(|()| read_nat_text(&json));
                found.push(NatFound {
                    group: last_name(text(&resource["name"])).into_owned(),
                    name: text(&value["name"]).to_owned(),
                    json,
                    usable: read.map(|collection| collection.priority),
                });
            }
        }
    }
    found
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Reads a collection of DNAT rules alone, which may name nothing else of its template. It has no member that is not
/// read: what it does in another template must be known.
pub(crate) fn read_nat_text(json: &str) -> Result<RuleCollection, ReadError> {
    let document = Document::new("collection", json, Mode::Own);
    let tree = tree::parse(json, "collection", TEMPLATE)?;
    rule_collection(&Node::top(&document, &tree))
}
