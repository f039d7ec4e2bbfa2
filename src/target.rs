//! [`Target`]: the kinds of Azure resources that rules are made for, [`FormatName`]: what they are written as, and
//! [`Part`]: in which of its files.

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
    /// Lists that firewalls fetch. They follow from the formats that a policy asks for, not from its targets, and have
    /// no rules; only what a list admits beyond what was asked for belongs to this one.
    #[serde(skip)]
    Lists,
}

impl Target {
    /// Every target that has rules.
    pub const ALL: [Target; 4] =
        [Target::Nsg, Target::RouteTable, Target::Firewall, Target::ServiceEndpointPolicy];

    /// The name in files and reports: `nsg`, `route-table`, `firewall`, `service-endpoint-policy`.
    pub fn name(self) -> &'static str {
        match self {
            Target::Nsg => "nsg",
            Target::RouteTable => "route-table",
            Target::Firewall => "firewall",
            Target::ServiceEndpointPolicy => "service-endpoint-policy",
            Target::Lists => "lists",
        }
    }

    /// The name for people.
    pub fn title(self) -> &'static str {
        match self {
            Target::Nsg => "Network security group",
            Target::RouteTable => "Route table",
            Target::Firewall => "Azure Firewall",
            Target::ServiceEndpointPolicy => "Service endpoint policy",
            Target::Lists => "Lists that firewalls fetch",
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
#[serde(rename_all = "kebab-case")]
pub enum FormatName {
    /// ARM templates in JSON: `nsg.arm.json` and so on.
    Arm,
    /// Bicep files: `nsg.bicep` and so on.
    Bicep,
    /// Terraform configuration: `main.tf`, `nsg.tf` and so on.
    Terraform,
    /// Terraform configuration in its JSON syntax: `main.tf.json`, `nsg.tf.json` and so on.
    TerraformJson,
    /// Bash scripts that call the Azure command line: `nsg.sh` and so on, with long lists in `azcli/`.
    Azcli,
    /// Tables: `nsg.csv` and so on.
    Csv,
    /// Plain lists of prefixes per remote and family, in `lists/`.
    Lists,
    /// Lists of prefixes per remote and family for firewalls that fetch them, in `edl/`.
    Edl,
    /// Named sets per remote and family: `sets.nft`.
    Nftables,
    /// The plan itself: `plan.json`.
    Json,
}

impl FormatName {
    /// Every format.
    pub const ALL: [FormatName; 10] = [
        FormatName::Arm,
        FormatName::Bicep,
        FormatName::Terraform,
        FormatName::TerraformJson,
        FormatName::Azcli,
        FormatName::Csv,
        FormatName::Lists,
        FormatName::Edl,
        FormatName::Nftables,
        FormatName::Json,
    ];

    /// Whether it holds lists of addresses and no rules.
    pub fn is_list(self) -> bool {
        matches!(self, FormatName::Lists | FormatName::Edl | FormatName::Nftables)
    }

    /// The name in policies, manifests and proofs.
    pub fn name(self) -> &'static str {
        match self {
            FormatName::Arm => "arm",
            FormatName::Bicep => "bicep",
            FormatName::Terraform => "terraform",
            FormatName::TerraformJson => "terraform-json",
            FormatName::Azcli => "azcli",
            FormatName::Csv => "csv",
            FormatName::Lists => "lists",
            FormatName::Edl => "edl",
            FormatName::Nftables => "nftables",
            FormatName::Json => "json",
        }
    }

    /// What its files are, but for lists that lie beside scripts, which are text as these are.
    pub fn media_type(self) -> MediaType {
        match self {
            FormatName::Arm | FormatName::TerraformJson | FormatName::Json => MediaType::Json,
            FormatName::Csv => MediaType::Csv,
            _ => MediaType::Text,
        }
    }

    /// Whether its files hold lists of addresses only, and no rules.
    ///
    /// ```
    /// use tagwall::target::FormatName;
    /// assert!(FormatName::Edl.lists_only());
    /// assert!(!FormatName::Csv.lists_only());
    /// ```
    pub fn lists_only(self) -> bool {
        matches!(self, FormatName::Lists | FormatName::Edl | FormatName::Nftables)
    }
}

impl fmt::Display for FormatName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What the bytes of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MediaType {
    /// JSON.
    Json,
    /// A page.
    Html,
    /// Markdown.
    Markdown,
    /// A table.
    Csv,
    /// Any other text.
    #[default]
    Text,
}

impl MediaType {
    /// As `Content-Type` says it.
    ///
    /// ```
    /// use tagwall::target::{FormatName, MediaType};
    /// assert_eq!(FormatName::Arm.media_type().header(), "application/json");
    /// assert_eq!(MediaType::Csv.header(), "text/csv; charset=utf-8");
    /// ```
    pub const fn header(self) -> &'static str {
        match self {
            MediaType::Json => "application/json",
            MediaType::Html => "text/html; charset=utf-8",
            MediaType::Markdown => "text/markdown; charset=utf-8",
            MediaType::Csv => "text/csv; charset=utf-8",
            MediaType::Text => "text/plain; charset=utf-8",
        }
    }
}

/// The part of a plan that a file holds, in the order in which they are deployed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// What Terraform needs to be told once, beside the resources.
    Main,
    /// The IP groups that rules of the firewall name.
    IpGroups,
    /// The rules of the firewall.
    Firewall,
    /// Security groups.
    Nsg,
    /// Service endpoint policies.
    ServiceEndpointPolicy,
    /// Route tables.
    RouteTable,
    /// What is put on which subnet.
    Associations,
}

impl Part {
    /// How the names of its files begin.
    ///
    /// ```
    /// assert_eq!(tagwall::target::Part::IpGroups.name(), "ip-groups");
    /// ```
    pub fn name(self) -> &'static str {
        match self {
            Part::Main => "main",
            Part::IpGroups => "ip-groups",
            Part::Firewall => "firewall",
            Part::Nsg => "nsg",
            Part::ServiceEndpointPolicy => "service-endpoint-policy",
            Part::RouteTable => "route-table",
            Part::Associations => "associations",
        }
    }
}

/// A version of Azure's network API in which resources are written.
///
/// These are those in which every member that is written means the same; a cloud may not have the newest ones yet.
/// Source: Azure/azure-resource-manager-schemas, `Microsoft.Network.NRP.json` of each, commit a1454431 of 2026-08-16.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Deserialize, JsonSchema)]
pub enum ApiVersion {
    /// 2024-05-01.
    #[serde(rename = "2024-05-01")]
    V20240501,
    /// 2024-07-01.
    #[serde(rename = "2024-07-01")]
    V20240701,
    /// 2024-10-01.
    #[serde(rename = "2024-10-01")]
    V20241001,
    /// 2025-01-01.
    #[serde(rename = "2025-01-01")]
    V20250101,
    /// 2025-03-01.
    #[serde(rename = "2025-03-01")]
    V20250301,
    /// 2025-05-01.
    #[default]
    #[serde(rename = "2025-05-01")]
    V20250501,
    /// 2025-07-01, the first in which a route table can hide the routes of peerings.
    #[serde(rename = "2025-07-01")]
    V20250701,
}

impl ApiVersion {
    /// Every version, oldest first.
    pub const ALL: [ApiVersion; 7] = [
        ApiVersion::V20240501,
        ApiVersion::V20240701,
        ApiVersion::V20241001,
        ApiVersion::V20250101,
        ApiVersion::V20250301,
        ApiVersion::V20250501,
        ApiVersion::V20250701,
    ];

    /// As it stands in files: all are of one length.
    pub fn name(self) -> &'static str {
        match self {
            ApiVersion::V20240501 => "2024-05-01",
            ApiVersion::V20240701 => "2024-07-01",
            ApiVersion::V20241001 => "2024-10-01",
            ApiVersion::V20250101 => "2025-01-01",
            ApiVersion::V20250301 => "2025-03-01",
            ApiVersion::V20250501 => "2025-05-01",
            ApiVersion::V20250701 => "2025-07-01",
        }
    }

    /// The version that a file names, if it is one of these.
    pub fn find(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.name() == text)
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A form of the report for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReportForm {
    /// `report.md`.
    Markdown,
    /// `report.html`: one file with pictures, for a browser or a printer.
    Html,
}

/// How Terraform is told about rules and routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TerraformStyle {
    /// As blocks inside the security group and the route table, which then hold nothing else.
    #[default]
    Inline,
    /// As one resource for each rule and route; rules made elsewhere stay.
    Resources,
}

/// For which firewall lists are written; their rules on comments and sizes differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EdlDialect {
    /// What all of them take: one prefix on a line and nothing else.
    #[default]
    Common,
    /// Palo Alto external dynamic lists: a remark behind each entry.
    Panos,
    /// FortiGate threat feeds: remarks in lines of their own.
    Fortigate,
    /// Check Point network feeds: remarks in lines of their own.
    Checkpoint,
}
