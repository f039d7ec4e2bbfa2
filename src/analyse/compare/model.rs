//! The answer of a comparison.

use serde::Serialize;

use crate::analyse::said::{Answer, PacketSaid, RegionSaid};
use crate::read::live::Place;

/// How two sets of rules differ.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// Whether they do the same.
    pub equal: Answer,
    /// What was read.
    pub read: BothRead,
    /// What was compared with what, each direction of a group by itself.
    pub parts: Vec<Part>,
    /// Readings that play a part in it, by their names.
    pub assumptions: Vec<&'static str>,
    /// What the readings are, in words.
    pub assumed: Vec<String>,
    /// Why the answer cannot be yes, apart from what the parts say.
    #[serde(rename = "if")]
    pub hangs_on: Vec<String>,
}

/// The resources of both sides.
#[derive(Debug, Clone, Default, Serialize)]
pub struct BothRead {
    /// Of the first.
    pub a: Vec<ReadResource>,
    /// Of the second.
    pub b: Vec<ReadResource>,
}

/// A resource that was read.
#[derive(Debug, Clone, Serialize)]
pub struct ReadResource {
    /// `nsg`, `route-table` and so on.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub place: Place,
}

/// Two resources that belong together, and how they differ.
#[derive(Debug, Clone, Serialize)]
pub struct Part {
    /// `nsg`, `route-table`, `firewall` or `way`.
    pub kind: &'static str,
    /// Name of the first; none where there is only the second.
    pub name_a: Option<String>,
    /// Name of the second; none where there is only the first.
    pub name_b: Option<String>,
    /// `Inbound` or `Outbound`, of groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<&'static str>,
    /// Whether the two do the same.
    pub equal: Answer,
    /// What the first lets through and the second does not, whatever the unknown is.
    pub only_a: Vec<Difference>,
    /// What the second lets through and the first does not, whatever the unknown is.
    pub only_b: Vec<Difference>,
    /// Addresses that go elsewhere, of route tables.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<RouteDifferenceSaid>,
    /// Packets that both let through, by different ways.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ways: Vec<WayDifferenceSaid>,
    /// What is different only if something holds that is not known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditional: Vec<Difference>,
    /// What the answer hangs on.
    #[serde(rename = "if")]
    pub hangs_on: Vec<String>,
}

/// Packets that one lets through and the other does not.
#[derive(Debug, Clone, Serialize)]
pub struct Difference {
    /// All of them.
    pub region: RegionSaid,
    /// One of them.
    pub packet: PacketSaid,
    /// The rule of the first that decides it; none where the first has no such resource.
    pub rule_a: Option<String>,
    /// The rule of the second that decides it.
    pub rule_b: Option<String>,
    /// Where the rule of the first stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place_a: Option<Place>,
    /// Where the rule of the second stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place_b: Option<Place>,
    /// The host, FQDN tag, URL or category that the packets are for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Where DNAT sends them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub translated: Option<String>,
    /// Which of the two lets them through, of conditional differences.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passes: Option<&'static str>,
    /// What must hold, of conditional differences.
    #[serde(rename = "if", skip_serializing_if = "Vec::is_empty")]
    pub hangs_on: Vec<String>,
    /// The command that shows it in Azure.
    pub test: String,
}

/// Addresses that two tables send elsewhere.
#[derive(Debug, Clone, Serialize)]
pub struct RouteDifferenceSaid {
    /// All of them, as few prefixes as there can be.
    pub prefixes: Vec<String>,
    /// The tag that they are exactly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Where the first sends them.
    pub hop_a: String,
    /// Where the second sends them.
    pub hop_b: String,
    /// The route of the first; none for the system's.
    pub route_a: Option<String>,
    /// The route of the second.
    pub route_b: Option<String>,
    /// One of them.
    pub address: String,
    /// How many there are.
    pub addresses: String,
    /// The command that shows it in Azure.
    pub test: String,
}

/// Packets that arrive on both sides, by different ways.
#[derive(Debug, Clone, Serialize)]
pub struct WayDifferenceSaid {
    /// All of them.
    pub region: RegionSaid,
    /// One of them.
    pub packet: PacketSaid,
    /// `direct`, `firewall`, `inside`, `peer` or `gateway`.
    pub way_a: &'static str,
    /// The same of the second.
    pub way_b: &'static str,
    /// The command that shows what the group says of it.
    pub test: String,
}
