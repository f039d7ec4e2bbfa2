//! What files of somebody else's do to a Terraform configuration that they lie beside. Terraform and OpenTofu take up
//! more than the files that are named: whatever has a certain ending, what is laid over the rest, and values of
//! variables.
//!
//! Source: developer.hashicorp.com/terraform, language/files, language/files/override and language/values/variables,
//! 2026; opentofu.org/docs/language/files, 2026.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use hcl_edit::expr::Expression;
use hcl_edit::parser;
use hcl_edit::structure::Structure;
use serde_json::Value;

use super::error::{ReadError, utf8};
use super::hcl;
use super::tree::no_member_twice;
use crate::text::says;

/// What a file does to the configuration that it lies beside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Beside {
    /// Nothing: it is not read there, or only says where the state is kept.
    Nothing,
    /// It gives these variables the values that the configuration leaves open.
    Sets(Vec<String>),
    /// It can make something else of the configuration.
    Changes(BesideChange),
}

/// How a file can make something else of the configuration that it lies beside. Shown, it says what to do, in words that
/// go on from the name of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BesideChange {
    /// It stands for this file of ours.
    StandsFor(String),
    /// Terraform reads it, and there is nothing of ours with it.
    Alone,
    /// It is laid over the rest.
    LaidOver,
    /// It is read with the rest.
    ReadWith,
    /// It is to hold values, and cannot be read.
    Unreadable(String),
    /// It sets a variable that the policy has set.
    Sets {
        /// The variable.
        variable: String,
        /// What it sets.
        value: String,
        /// What the policy says.
        default: String,
    },
    /// It sets this variable to something that is no text.
    NoText(String),
}

impl fmt::Display for BesideChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BesideChange::StandsFor(own) => {
                write!(f, "OpenTofu reads it in place of {own}, which is then not used; give it another name")
            }
            BesideChange::Alone => {
                f.write_str("Terraform makes of it what nothing here proves; keep it in a folder of its own")
            }
            BesideChange::LaidOver => f.write_str(
                "Terraform lays it over the files that tagwall made, and makes something else of them; say in the \
                 policy what is to be",
            ),
            BesideChange::ReadWith => f.write_str(
                "Terraform reads it with the files that tagwall made, and what it makes of both is not proven; keep it \
                 in a folder of its own, and name what is made here by `data` blocks",
            ),
            BesideChange::Unreadable(why) => write!(f, "Terraform cannot read it, and stops there: {why}"),
            BesideChange::Sets { variable, value, default } => write!(
                f,
                "it sets {variable} to {value:?}, where the policy says {default:?}; say it in the policy"
            ),
            BesideChange::NoText(variable) => write!(f, "it sets {variable} to something else than a text"),
        }
    }
}

/// The files of a configuration that tagwall made, as far as they decide what others beside them do.
#[derive(Debug, Clone, Default)]
pub struct Configuration {
    names: BTreeSet<String>,
    /// The variables with their defaults.
    variables: BTreeMap<String, Option<String>>,
}

/// Endings of the files of a configuration.
const ENDINGS: [&str; 4] = [".tf", ".tf.json", ".tofu", ".tofu.json"];

/// Whether Terraform or OpenTofu reads a file of this name wherever it works in the file's folder.
///
/// ```
/// use tagwall::read::is_loaded;
/// for name in ["main.tf", "x_override.tf.json", "nsg.tofu", "terraform.tfvars", "ours.auto.tfvars.json"] {
///     assert!(is_loaded(name), "{name}");
/// }
/// for name in ["terraform.tfstate", ".terraform.lock.hcl", "ours.tfvars", ".hidden.tf", "main.tf.bak", "x.tftest.hcl"] {
///     assert!(!is_loaded(name), "{name}");
/// }
/// ```
pub fn is_loaded(name: &str) -> bool {
    is_values(name) || (!name.starts_with('.') && ENDINGS.iter().any(|ending| name.ends_with(ending)))
}

/// Whether a file of this name holds values of variables that are taken without being asked for.
pub(crate) fn is_values(name: &str) -> bool {
    let name = name.strip_suffix(".json").unwrap_or(name);
    name == "terraform.tfvars" || name.ends_with(".auto.tfvars")
}

impl Configuration {
    /// That of these files, by their names in the folder; those of other formats are passed over.
    pub fn of<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        let mut configuration = Configuration::default();
        for (name, bytes) in files.into_iter().filter(|(name, _)| ENDINGS.iter().any(|e| name.ends_with(e))) {
            configuration.names.insert(name.to_owned());
            if name == "main.tf" || name == "main.tf.json" {
                configuration.declare(name, bytes);
            }
        }
        configuration
    }

    /// Takes note of the variables. Where they cannot be read the proof says so.
    fn declare(&mut self, name: &str, bytes: &[u8]) {
        let read = if name.ends_with(".json") { hcl::json } else { hcl::native };
        let blocks = std::str::from_utf8(bytes).ok().and_then(|text| read(name, text).ok());
        for block in blocks.iter().flatten().filter(|block| block.kind == "variable") {
            if let ([name], Ok(default)) = (block.labels.as_slice(), block.optional_text("default")) {
                self.variables.insert(name.clone(), default);
            }
        }
    }

    /// What a file of this name, which tagwall did not make, does beside them.
    ///
    /// ```
    /// use tagwall::read::{Beside, Configuration};
    /// let main = "variable \"location\" {\n  default = \"westeurope\"\n}\nvariable \"resource_group_name\" {\n}\n";
    /// let ours = Configuration::of([("main.tf", main.as_bytes()), ("nsg.tf", b"".as_slice())]);
    /// let backend = b"terraform {\n  backend \"azurerm\" {\n    key = \"ml-prod.tfstate\"\n  }\n}\n";
    /// assert_eq!(ours.beside("backend.tf", backend), Beside::Nothing);
    /// assert_eq!(ours.beside("terraform.tfstate", b"{}"), Beside::Nothing);
    /// let values = b"resource_group_name = \"net\"\n";
    /// assert_eq!(ours.beside("terraform.tfvars", values), Beside::Sets(vec!["resource_group_name".to_owned()]));
    /// for (name, text) in [
    ///     ("a.auto.tfvars", "location = \"northeurope\"\n"),
    ///     ("nsg_override.tf", "resource \"azurerm_route\" \"r\" {\n}\n"),
    ///     ("nsg.tofu", ""),
    /// ] {
    ///     assert!(matches!(ours.beside(name, text.as_bytes()), Beside::Changes(_)), "{name}");
    /// }
    /// ```
    pub fn beside(&self, name: &str, bytes: &[u8]) -> Beside {
        if self.names.is_empty() && is_values(name) || !is_loaded(name) {
            return Beside::Nothing;
        }
        if is_values(name) {
            return self.sets(name, bytes);
        }
        if let Some(own) = self.stands_for(name) {
            return Beside::Changes(BesideChange::StandsFor(own.clone()));
        }
        if keeps_state(name, bytes) {
            return Beside::Nothing;
        }
        let stem = name.split('.').next().unwrap_or(name);
        let laid_over = stem == "override" || stem.ends_with("_override");
        Beside::Changes(if self.names.is_empty() {
            BesideChange::Alone
        } else if laid_over {
            BesideChange::LaidOver
        } else {
            BesideChange::ReadWith
        })
    }

    /// The file that OpenTofu passes over where there is one of this name.
    fn stands_for(&self, name: &str) -> Option<&String> {
        let (stem, json) = match name.strip_suffix(".json") {
            Some(stem) => (stem.strip_suffix(".tofu")?, ".json"),
            None => (name.strip_suffix(".tofu")?, ""),
        };
        self.names.iter().find(|own| says(own, format_args!("{stem}.tf{json}")))
    }

    /// What values do. Those of variables that nobody declares are passed over with a warning.
    fn sets(&self, name: &str, bytes: &[u8]) -> Beside {
        let values = match values(name, bytes) {
            Ok(values) => values,
            Err(error) => return Beside::Changes(BesideChange::Unreadable(error.message)),
        };
        let mut open = Vec::new();
        for (variable, value) in values {
            match (self.variables.get(&variable), value) {
                (None, _) => {}
                (Some(None), Some(_)) => open.push(variable),
                (Some(Some(default)), Some(value)) if *default == value => {}
                (Some(Some(default)), Some(value)) => {
                    let default = default.clone();
                    return Beside::Changes(BesideChange::Sets { variable, value, default });
                }
                (Some(_), None) => return Beside::Changes(BesideChange::NoText(variable)),
            }
        }
        Beside::Sets(open)
    }
}

/// The values in a file, those that are plain texts as such.
fn values(name: &str, bytes: &[u8]) -> Result<Vec<(String, Option<String>)>, ReadError> {
    let text = utf8(name, bytes)?;
    if name.ends_with(".json") {
        let members: serde_json::Map<String, Value> =
            serde_json::from_str(text).map_err(|error| ReadError::new(name, error))?;
        no_member_twice(name, bytes)?;
        let plain = |value: Value| match value {
            Value::String(text) if !text.contains("${") && !text.contains("%{") => Some(text),
            _ => None,
        };
        return Ok(members.into_iter().map(|(key, value)| (key, plain(value))).collect());
    }
    let body = parser::parse_body(text).map_err(|error| ReadError::new(name, error.message()))?;
    let value = |structure| match structure {
        Structure::Attribute(attribute) => {
            let key = attribute.key.into_value().into_string();
            let text =
                if let Expression::String(text) = attribute.value { Some(text.into_value()) } else { None };
            Ok((key, text))
        }
        Structure::Block(block) => {
            let text = format_args!("`{}` is a block, not a value", block.ident.as_str());
            Err(ReadError::new(name, text))
        }
    };
    body.into_iter().map(value).collect()
}

/// What a block `terraform` may hold that says where and how the state is kept.
const STATE: [&str; 3] = ["backend", "cloud", "encryption"];

/// Whether a file holds nothing but `terraform` blocks about the state: it changes no rule.
fn keeps_state(name: &str, bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    if name.ends_with(".json") {
        let Ok(Value::Object(members)) = serde_json::from_str(text) else { return false };
        let of_state = |key: &String| key == "//" || STATE.contains(&key.as_str());
        let settings = |value: &Value| match value {
            Value::Object(settings) => settings.keys().all(of_state),
            Value::Array(all) => all.iter().all(|s| s.as_object().is_some_and(|s| s.keys().all(of_state))),
            _ => false,
        };
        let whole = members.iter().all(|(key, value)| key == "//" || (key == "terraform" && settings(value)));
        return whole && no_member_twice(name, bytes).is_ok();
    }
    let Ok(body) = parser::parse_body(text) else { return false };
    body.into_iter().all(|structure| {
        let Structure::Block(block) = structure else { return false };
        let of_state =
            |inner: &Structure| inner.as_block().is_some_and(|block| STATE.contains(&block.ident.as_str()));
        block.ident.as_str() == "terraform" && block.labels.is_empty() && block.body.iter().all(of_state)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIN: &str = "variable \"location\" {\n  type    = string\n  default = \"westeurope\"\n}\nvariable \
                        \"firewall_policy_id\" {\n  type = string\n}\n";

    fn beside(name: &str, text: &str) -> Beside {
        let ours = Configuration::of([("main.tf", MAIN.as_bytes()), ("nsg.tf", b""), ("nsg.csv", b"")]);
        ours.beside(name, text.as_bytes())
    }

    #[test]
    fn what_is_laid_over_or_stands_for_ours_changes_them() {
        let resource = "resource \"azurerm_route\" \"r\" {\n}\n";
        for (name, text, words) in [
            ("more.tf", resource, "reads it with the files"),
            ("more.tf", "locals {\n}\n", "reads it with the files"),
            ("more.tf", "terraform {\n  required_version = \">= 1\"\n}\n", "reads it with the files"),
            ("more.tf", "not { a [ language", "reads it with the files"),
            ("more.tofu", resource, "reads it with the files"),
            ("more.tf.json", "{\"resource\": {}}", "reads it with the files"),
            ("more.tofu.json", "{\"terraform\": {\"required_version\": \"1\"}}", "reads it with the files"),
            ("override.tf", resource, "lays it over"),
            ("override.tf.json", "{\"locals\": {}}", "lays it over"),
            ("nsg_override.tofu", resource, "lays it over"),
            ("nsg.tofu", "", "in place of nsg.tf"),
            ("main.tofu", "terraform {\n  backend \"local\" {\n  }\n}\n", "in place of main.tf"),
        ] {
            match beside(name, text) {
                Beside::Changes(why) => assert!(why.to_string().contains(words), "{name}: {why}"),
                other => panic!("{name}: {other:?}"),
            }
        }
        for (name, text) in [
            ("backend.tf", "# remark\nterraform {\n  cloud {\n  }\n}\n"),
            ("override.tf", "terraform {\n  backend \"local\" {\n    path = \"x\"\n  }\n}\n"),
            ("backend.tf.json", "{\"//\": \"x\", \"terraform\": {\"backend\": {\"local\": {}}}}"),
            ("backend.tofu.json", "{\"terraform\": [{\"encryption\": {}}]}"),
            ("nsg.tofu.json", "{}"),
            ("nsg.tfvars", "location = \"x\"\n"),
            ("terraform.tfstate.backup", "{}"),
        ] {
            assert_eq!(beside(name, text), Beside::Nothing, "{name}");
        }
    }

    #[test]
    fn values_set_what_is_left_open_and_nothing_else() {
        let sets = |names: &[&str]| Beside::Sets(names.iter().map(|n| (*n).to_owned()).collect());
        assert_eq!(beside("terraform.tfvars", "firewall_policy_id = \"x\"\n"), sets(&["firewall_policy_id"]));
        assert_eq!(
            beside("a.auto.tfvars.json", "{\"firewall_policy_id\": \"x\"}"),
            sets(&["firewall_policy_id"])
        );
        assert_eq!(beside("terraform.tfvars", "location = \"westeurope\"\nother = 1\n"), sets(&[]));
        for (name, text, words) in [
            ("terraform.tfvars", "location = \"northeurope\"\n", "location to \"northeurope\""),
            ("terraform.tfvars.json", "{\"location\": \"northeurope\"}", "location to \"northeurope\""),
            ("terraform.tfvars.json", "{\"location\": \"${1}\"}", "something else than a text"),
            ("z.auto.tfvars", "location = null\n", "something else than a text"),
            ("z.auto.tfvars", "location = upper(\"x\")\n", "something else than a text"),
            ("z.auto.tfvars", "location {\n}\n", "is a block"),
            ("z.auto.tfvars", "location = \n", "cannot read it"),
            ("z.auto.tfvars.json", "{\"location\": \"westeurope\", \"location\": \"x\"}", "cannot read it"),
            ("z.auto.tfvars.json", "[]", "cannot read it"),
        ] {
            match beside(name, text) {
                Beside::Changes(why) => assert!(why.to_string().contains(words), "{text}: {why}"),
                other => panic!("{text}: {other:?}"),
            }
        }
        assert_eq!(Configuration::default().beside("terraform.tfvars", b"location = 1\n"), Beside::Nothing);
    }
}
