//! [`Association`]: what is put on a subnet.

use serde::{Serialize, Serializer};

use crate::addr::IpPrefix;

/// What one subnet has of the resources that are made: names of them, or nothing. Plan and manifest say it in this form.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Association {
    /// Name of the subnet.
    pub subnet: String,
    /// Its prefixes, ascending.
    #[serde(serialize_with = "as_texts")]
    pub prefixes: Vec<IpPrefix>,
    /// Name of its network security group.
    pub nsg: Option<String>,
    /// Name of its route table.
    pub route_table: Option<String>,
    /// Name of its service endpoint policy.
    pub service_endpoint_policy: Option<String>,
    /// What Azure reserves it for, where it is no ordinary one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reserved: Option<String>,
}

fn as_texts<S: Serializer>(prefixes: &[IpPrefix], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(prefixes.iter().map(ToString::to_string))
}
