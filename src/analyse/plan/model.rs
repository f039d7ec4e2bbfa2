//! Operations that bring what is there to what is wanted.

use serde::Serialize;
use serde_json::Value;

use crate::read::live::part_of_id;

/// One operation on one resource or child of a resource.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Operation {
    /// `put` makes or replaces, `delete` removes.
    pub op: &'static str,
    /// `security-rule`, `route`, `ip-group`, `rule-collection-group`, or `firewall` for all rules of one without a policy.
    pub kind: &'static str,
    /// The group, table or policy that it is in; for IP groups their own name.
    pub resource: String,
    /// Resource group of that, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_group: Option<String>,
    /// Name of the rule, route or group.
    pub name: String,
    /// What is put, as the API has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
}

/// Why there is no order that is safe at each step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{resource}: no order of operations is safe at each step: {why}")]
pub struct NoSafeOrder {
    /// The group, table or firewall.
    pub resource: String,
    /// What is in the way.
    pub why: String,
}

/// The resource group in an id.
pub(super) fn resource_group(id: Option<&str>) -> Option<String> {
    part_of_id(id?, "resourceGroups").map(str::to_owned)
}
