//! The form of a fleet file.

use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

/// A tagwall fleet: many environments from few files.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct FleetIntent {
    /// Version of this form; always 1.
    pub(super) schema: u32,
    /// Policies that stand for themselves: files, folders with `.toml` files in them, or names with one `*`.
    #[serde(default)]
    pub(super) policies: Vec<String>,
    /// Policy that every row of the table stands upon.
    #[serde(default)]
    pub(super) template: Option<String>,
    /// Table of environments, one a row: a file that ends in `.csv`, `.json` or `.toml`.
    #[serde(default)]
    pub(super) table: Option<String>,
    /// Columns of the table that are for other readers.
    #[serde(default)]
    pub(super) ignore: Vec<String>,
    /// Environments that are written here instead of in a table.
    #[serde(default)]
    pub(super) environment: Vec<Map<String, Value>>,
    /// Further templates with tables of their own.
    #[serde(default)]
    pub(super) group: Vec<GroupIntent>,
}

/// A template with the environments that stand upon it.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct GroupIntent {
    /// Policy that every row of the table stands upon.
    pub(super) template: String,
    /// Table of environments, one a row: a file that ends in `.csv`, `.json` or `.toml`.
    pub(super) table: String,
    /// Columns of the table that are for other readers.
    #[serde(default)]
    pub(super) ignore: Vec<String>,
}

/// The JSON Schema of fleet files, for editors.
pub fn schema() -> &'static Value {
    static SCHEMA: LazyLock<Value> = LazyLock::new(|| schemars::schema_for!(FleetIntent).to_value());
    &SCHEMA
}

/// Whether a text in TOML is that of a fleet, and not a policy.
pub(super) fn is_fleet(text: &str) -> bool {
    let table = text.parse::<toml::Table>().unwrap_or_default();
    ["template", "policies", "table", "group", "environment"].iter().any(|key| table.contains_key(*key))
}
