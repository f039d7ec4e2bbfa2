//! [`Target`]: the kinds of Azure resources that rules are made for, and [`FormatName`]: what they are written as.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;

/// Something in Azure that rules are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// Network security group.
    Nsg,
    /// Route table.
    RouteTable,
    /// Azure Firewall policy: rule collection groups, with the IP groups they use.
    Firewall,
    /// Service endpoint policy: the storage accounts that a subnet may reach.
    ServiceEndpointPolicy,
}

impl Target {
    /// Every target.
    pub const ALL: [Target; 4] =
        [Target::Nsg, Target::RouteTable, Target::Firewall, Target::ServiceEndpointPolicy];

    /// The name in files and reports: `nsg`, `route-table`, `firewall`, `service-endpoint-policy`.
    pub fn name(self) -> &'static str {
        match self {
            Target::Nsg => "nsg",
            Target::RouteTable => "route-table",
            Target::Firewall => "firewall",
            Target::ServiceEndpointPolicy => "service-endpoint-policy",
        }
    }

    /// The name for people.
    pub fn title(self) -> &'static str {
        match self {
            Target::Nsg => "Network security group",
            Target::RouteTable => "Route table",
            Target::Firewall => "Azure Firewall",
            Target::ServiceEndpointPolicy => "Service endpoint policy",
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A format of artefacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FormatName {
    /// ARM templates in JSON.
    Arm,
}
