//! Parameters of ARM templates.

use serde::Serialize;

use crate::emit::azure;

#[derive(Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Parameters {
    #[serde(skip_serializing_if = "Option::is_none")]
    firewall_name: Option<Parameter>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<Parameter>,
    #[serde(skip_serializing_if = "Option::is_none")]
    firewall_policy_name: Option<Parameter>,
    #[serde(skip_serializing_if = "Option::is_none")]
    zones: Option<Parameter>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Parameter>,
    #[serde(skip_serializing_if = "Option::is_none")]
    firewall_properties: Option<Parameter>,
    #[serde(skip_serializing_if = "Option::is_none")]
    other_network_rule_collections: Option<Parameter>,
    #[serde(skip_serializing_if = "Option::is_none")]
    other_application_rule_collections: Option<Parameter>,
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Parameter {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata>,
}

#[derive(Clone, Serialize)]
struct Metadata {
    description: &'static str,
}

impl Parameter {
    fn text(default: String) -> Self {
        Parameter { kind: "string", default_value: Some(default), metadata: None }
    }

    /// One that whoever deploys must give.
    fn needed((_, kind, description): (&str, &'static str, &'static str)) -> Self {
        Parameter { kind, default_value: None, metadata: Some(Metadata { description }) }
    }
}

impl Parameters {
    pub(super) fn place() -> Self {
        let location = Parameter::text("[resourceGroup().location]".to_owned());
        Parameters { location: Some(location), ..Parameters::default() }
    }

    pub(super) fn policy(name: &str) -> Self {
        Parameters { firewall_policy_name: Some(Parameter::text(literal(name))), ..Parameters::default() }
    }

    /// What an existing firewall has beside the rules that are made here. Without a default, so that nothing of it is
    /// lost by leaving it out.
    pub(super) fn firewall(name: &str) -> Self {
        let [zones, tags, properties, network, application] = azure::KEPT.map(Parameter::needed);
        Parameters {
            firewall_name: Some(Parameter::text(literal(name))),
            zones: Some(zones),
            tags: Some(tags),
            firewall_properties: Some(properties),
            other_network_rule_collections: Some(network),
            other_application_rule_collections: Some(application),
            ..Parameters::place()
        }
    }
}

/// A literal string of a template.
pub(super) fn literal(text: &str) -> String {
    if needs_escape(text) { format!("[{text}") } else { text.to_owned() }
}

/// Whether a literal string needs a bracket before it: one that begins with `[` and ends with `]` would be read as an
/// expression. Any other is not to be escaped. Source: template-expressions.md.
pub(super) fn needs_escape(text: &str) -> bool {
    text.starts_with('[') && text.ends_with(']')
}
