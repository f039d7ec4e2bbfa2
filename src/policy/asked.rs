//! The parts of a policy file that say what the network is, what is denied, and which way traffic goes.

use schemars::JsonSchema;
use serde::Deserialize;

use super::words::{DirectionName, OneOrMany, PortsText};
use crate::subnet::Outbound;

/// The virtual network.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Network {
    /// Address space of the virtual network, as prefixes.
    pub address_space: Vec<String>,
    /// Private address of Azure Firewall or another appliance; one IPv4, one IPv6 address or both. Leave out if
    /// there is none.
    #[serde(default)]
    pub firewall: OneOrMany,
    /// Address spaces of peered networks, as prefixes: part of `VirtualNetwork`.
    #[serde(default)]
    pub peers: Vec<String>,
    /// What a gateway announces of the networks behind it, as prefixes: part of `VirtualNetwork`. `0.0.0.0/0` is a default
    /// route that it announces: what no route table leads elsewhere then goes to the gateway.
    #[serde(default)]
    pub on_premises: Vec<String>,
    /// The network's own name resolvers, as addresses. Left out: Azure's.
    #[serde(default)]
    pub dns: OneOrMany,
}

/// A subnet that rules are made for.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Subnet {
    /// The subnet's prefixes, inside the network's address space.
    pub prefixes: Vec<String>,
    /// What the subnet is for: `ordinary`, `GatewaySubnet`, `AzureFirewallSubnet`, `AzureFirewallManagementSubnet`,
    /// `AzureBastionSubnet`, `RouteServerSubnet`, `application-gateway` or `delegated:SERVICE` such as
    /// `delegated:Microsoft.Databricks/workspaces`. Azure's reserved names say it by themselves.
    #[serde(default)]
    pub role: Option<String>,
    /// By what the subnet reaches the Internet where no route leads elsewhere.
    #[serde(default)]
    pub outbound: Option<Outbound>,
    /// Whether the subnet has no default outbound access, as in networks made since 2026-03-31.
    #[serde(default)]
    pub private: Option<bool>,
    /// The service endpoints that the subnet has, such as `Microsoft.Storage`: what goes to their services leaves by
    /// Azure's own route, whatever the route table says. Azure refuses some of them together.
    #[serde(default)]
    pub service_endpoints: OneOrMany,
    /// How many nodes the subnet has to hold; Azure keeps five addresses of each prefix.
    #[serde(default)]
    pub nodes: Option<u32>,
}

/// What may never pass, whatever is allowed.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Deny {
    /// The subnet or subnets; if left out, all but those that Azure reserves for its own services.
    #[serde(default)]
    pub subnet: OneOrMany,
    /// Which side opens the connection. Outbound with `to`, inbound with `from`.
    #[serde(default)]
    pub direction: Option<DirectionName>,
    /// Remotes, as in `allow`. `AzurePlatformDNS`, `AzurePlatformIMDS` and `AzurePlatformLKM` can only be denied, and
    /// only whole.
    #[serde(default)]
    pub to: OneOrMany,
    /// Remotes that open connections.
    #[serde(default)]
    pub from: OneOrMany,
    /// Addresses that are taken out of the remotes.
    #[serde(default)]
    pub except: OneOrMany,
    /// `tcp`, `udp`, `icmp`, `esp`, `ah` or `any`; one or several. Any if left out.
    #[serde(default)]
    pub protocol: OneOrMany,
    /// Ports of the destination. All if left out.
    #[serde(default)]
    pub ports: PortsText,
    /// Why; goes into descriptions and the report.
    #[serde(default)]
    pub why: Option<String>,
}

/// A line of the route tables of some subnets.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RouteLine {
    /// Where the route leads to: service tags, prefixes, `group:NAME`.
    pub to: OneOrMany,
    /// Addresses that are taken out of that.
    #[serde(default)]
    pub except: OneOrMany,
    /// `firewall`, `internet`, `gateway`, `none`, `vnet`, or the private address of another appliance.
    pub next_hop: String,
    /// The subnet or subnets; if left out, all ordinary ones.
    #[serde(default)]
    pub subnet: OneOrMany,
    /// Why; goes into the report.
    #[serde(default)]
    pub why: Option<String>,
}

/// Names of Azure resources. Where several resources of a kind are made, the name of a subnet follows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct NamesIntent {
    /// The network security group.
    pub nsg: Option<String>,
    /// The route table.
    pub route_table: Option<String>,
    /// The firewall policy that rules belong to.
    pub firewall_policy: Option<String>,
    /// The firewall that classic rules belong to.
    pub firewall: Option<String>,
    /// The service endpoint policy; the name of the subnet follows.
    pub service_endpoint_policy: Option<String>,
}
