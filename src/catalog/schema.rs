//! The form of catalogue files as a JSON Schema, for editors. The reader reports more, such as names that do not exist.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use schemars::JsonSchema;
use serde_json::Value;

/// One text or a list of texts.
#[derive(JsonSchema)]
#[serde(untagged)]
#[allow(dead_code)] // only the form is of use
enum Texts {
    One(String),
    Many(Vec<String>),
}

/// A number, or the priority of an option and how many behind it.
#[derive(JsonSchema)]
#[serde(untagged)]
#[allow(dead_code)]
enum Priority {
    Number(u32),
    Behind(String),
}

/// Far sides: one text, a list, or a table by cloud, region or `other`.
#[derive(JsonSchema)]
#[serde(untagged)]
#[allow(dead_code)]
enum Sides {
    All(Texts),
    ByPlace(BTreeMap<String, Texts>),
}

/// A file of the catalogue of workloads.
#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[allow(dead_code)]
struct CatalogFile {
    /// Name of the workload, as policies give it.
    name: Option<String>,
    /// One line for lists; a new workload needs it.
    title: Option<String>,
    /// What the workload is; a new one needs it.
    summary: Option<String>,
    /// Whether it goes beyond the article on securing training environments; true unless it says false.
    beyond_article: Option<bool>,
    /// The clouds in which it exists; left out: all.
    clouds: Option<Texts>,
    /// Workloads whose rows, options and preconditions it has as well.
    include: Option<Texts>,
    /// Sentences that the report prints.
    preconditions: Option<Vec<Precondition>>,
    /// What a policy may set.
    option: Option<Vec<OptionForm>>,
    /// The needs.
    row: Option<Vec<RowForm>>,
    /// Rules that Azure keeps by itself.
    managed: Option<Vec<Managed>>,
    /// Service endpoint policies.
    endpoint_policy: Option<Vec<EndpointPolicy>>,
    /// Documents by a short key.
    sources: Option<BTreeMap<String, String>>,
    /// What may go wrong although every rule is right.
    risk: Option<Vec<Risk>>,
    /// Names of tags that documents misspell.
    alias: Option<Vec<Alias>>,
    /// Host names that documents misspell.
    host_alias: Option<Vec<Alias>>,
    /// Tags that a cloud lacks.
    absent: Option<Vec<Absent>>,
    /// What begins or ends on a day.
    event: Option<Vec<Event>>,
    /// Tags that no published file holds.
    outside: Option<Vec<Outside>>,
    /// FQDN tags of Azure Firewall.
    fqdn_tag: Option<Vec<FqdnTag>>,
}

/// A sentence, with the conditions under which it applies.
#[derive(JsonSchema)]
#[serde(untagged)]
#[allow(dead_code)]
enum Precondition {
    Always(String),
    Sometimes {
        when: Option<Texts>,
        text: String,
        /// What of it a policy can answer, such as `nodes` or `not-delegated`.
        check: Option<String>,
    },
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[allow(dead_code)]
struct OptionForm {
    name: String,
    /// bool, port, ports, text, list or choice.
    kind: String,
    /// The values of a choice.
    choices: Option<Texts>,
    default: Option<Value>,
    required: Option<bool>,
    help: String,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[allow(dead_code)]
struct RowForm {
    /// Unique in the workload.
    id: String,
    /// inbound or outbound; a route has none.
    direction: Option<String>,
    tags: Option<Sides>,
    hosts: Option<Sides>,
    urls: Option<Sides>,
    fqdn_tags: Option<Sides>,
    addresses: Option<Sides>,
    /// The row whose far sides this one shares.
    remotes_of: Option<String>,
    /// Protocol and ports, as in `tcp 443,8704-8710`; a route has none.
    flows: Option<Texts>,
    /// internet, firewall or none: makes the row a route.
    next_hop: Option<String>,
    required: Option<bool>,
    /// Taken only where a policy names the row in `with`.
    on_request: Option<bool>,
    /// Conditions that must all hold.
    when: Option<Texts>,
    /// Tag rows whose place these hosts can take.
    instead_of: Option<Texts>,
    /// The tag that is taken in the place of these hosts.
    covering_tag: Option<String>,
    /// Clouds that lack it, each with the reason.
    not_in: Option<BTreeMap<String, String>>,
    /// The first day on which the need is there, as 2026-03-31.
    from: Option<String>,
    /// The day on which it ends.
    until: Option<String>,
    announced: Option<String>,
    /// Whether the row is taken after its end as well.
    kept_after_end: Option<bool>,
    /// Where the days are written.
    dates_source: Option<Texts>,
    purpose: String,
    /// Keys of `sources`, or texts with a blank in them.
    source: Texts,
    /// Ids of risks.
    risks: Option<Texts>,
    notes: Option<Texts>,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[allow(dead_code)]
struct Managed {
    id: String,
    /// The name that the service gives the rule.
    name: Option<String>,
    /// The priority that the service gives it, with a name: a number, or `{option:NAME} + N`.
    priority: Option<Priority>,
    /// Of a rule.
    direction: Option<String>,
    /// Of a rule; `{subnet}` is the prefix of the subnet.
    from: Option<String>,
    /// `{subnet}` is the prefix of the subnet.
    to: String,
    /// Of a rule.
    flows: Option<Texts>,
    /// Makes it a route: internet or vnet.
    next_hop: Option<String>,
    when: Option<Texts>,
    purpose: String,
    source: String,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[allow(dead_code)]
struct EndpointPolicy {
    id: String,
    /// The rows whose storage tag it narrows.
    rows: Texts,
    purpose: String,
    source: String,
    definition: Vec<Definition>,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[allow(dead_code)]
struct Definition {
    service: String,
    resources: Texts,
}

#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct Risk {
    id: String,
    text: String,
    advice: String,
}

#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct Alias {
    /// `*` stands for any text.
    written: String,
    name: String,
    note: String,
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[allow(dead_code)]
struct Absent {
    cloud: String,
    tags: Texts,
    covered_by: Option<String>,
    note: String,
}

#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct Event {
    id: String,
    /// begins or ends.
    turn: String,
    date: String,
    announced: Option<String>,
    text: String,
    workloads: Option<Texts>,
    clouds: Option<Texts>,
    source: String,
}

#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct Outside {
    tags: Texts,
    clouds: Option<Texts>,
    /// nsg, firewall, both or neither.
    takes: Texts,
    note: String,
    source: String,
}

#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct FqdnTag {
    name: String,
    /// Other spellings.
    also: Option<Texts>,
    /// Names of its parts, such as `Office365.*`.
    products: Option<Texts>,
    note: String,
    source: String,
    hosts: Option<Vec<FqdnHosts>>,
}

#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct FqdnHosts {
    feature: String,
    clouds: Option<Texts>,
    flows: Option<String>,
    hosts: Option<Texts>,
    workload: Option<String>,
    rows: Option<Texts>,
    source: String,
}

/// The JSON Schema of catalogue files. TOML's own dates are texts in it.
pub fn schema() -> &'static Value {
    static SCHEMA: LazyLock<Value> = LazyLock::new(|| schemars::schema_for!(CatalogFile).to_value());
    &SCHEMA
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::builtin::FILES;

    /// The forms that a part of the schema allows, references followed.
    fn forms<'s>(schema: &'s Value, all: &'s Value) -> Vec<&'s Value> {
        if let Some(name) = schema["$ref"].as_str() {
            let name = name.rsplit('/').next().unwrap();
            return forms(&all["$defs"][name], all);
        }
        match schema["anyOf"].as_array() {
            Some(list) => list.iter().flat_map(|form| forms(form, all)).collect(),
            None => vec![schema],
        }
    }

    /// Whether some form takes the value: keys are known, and texts, lists, tables and switches stand where they may.
    fn fits(value: &toml::Value, schema: &Value, all: &Value) -> bool {
        forms(schema, all).into_iter().any(|form| {
            let is = |name: &str| match &form["type"] {
                Value::Null => form.as_bool() != Some(false) && form["properties"].is_null(),
                Value::String(one) => one == name,
                several => several.as_array().is_some_and(|list| list.iter().any(|one| one == name)),
            };
            match value {
                toml::Value::String(_) | toml::Value::Datetime(_) => is("string"),
                toml::Value::Boolean(_) => is("boolean"),
                toml::Value::Array(list) => {
                    is("array") && list.iter().all(|item| fits(item, &form["items"], all))
                }
                toml::Value::Table(table) => {
                    let own = |key: &String| form["properties"].get(key);
                    is("object")
                        && table.iter().all(|(key, value)| match own(key) {
                            Some(schema) => fits(value, schema, all),
                            None => {
                                form["additionalProperties"].is_object()
                                    && fits(value, &form["additionalProperties"], all)
                            }
                        })
                }
                _ => is("integer") || is("number"),
            }
        })
    }

    #[test]
    fn the_built_in_files_are_of_this_form() {
        for (name, text) in FILES {
            let table: toml::Table = text.parse().unwrap();
            for (key, value) in &table {
                let known = schema()["properties"].get(key).unwrap_or_else(|| panic!("{name}: {key}"));
                let parts = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
                for part in parts {
                    let whole =
                        if value.is_array() { toml::Value::Array(vec![part.clone()]) } else { part.clone() };
                    assert!(fits(&whole, known, schema()), "{name}: {key}: {part}");
                }
            }
        }
        let wrong: toml::Table = "row = [{ id = 'a', porpose = 'p' }]".parse().unwrap();
        assert!(!fits(&wrong["row"], &schema()["properties"]["row"], schema()));
    }
}
