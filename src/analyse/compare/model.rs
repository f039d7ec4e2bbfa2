//! The answer of a comparison.

use std::fmt;
use std::net::IpAddr;

use serde::{Serialize, Serializer};

use crate::addr::{Count, IpPrefix};
use crate::analyse::hanging::Hanging;
use crate::analyse::open::Hop;
use crate::analyse::said::{Answer, PacketSaid, RegionSaid, Test, as_text, as_text_if, as_texts};
use crate::read::live::{Note, Place};
use crate::replay::way::Way;
use crate::replay::{HostKey, Translation};
use crate::tags::TagName;

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
    pub assumed: Vec<&'static str>,
    /// Why the answer cannot be yes, apart from what the parts say.
    #[serde(rename = "if", serialize_with = "as_texts")]
    pub hangs_on: Vec<Note>,
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
    pub hangs_on: Vec<Hanging>,
}

/// Packets that one lets through and the other does not.
#[derive(Debug, Clone, Serialize)]
pub struct Difference {
    /// All of them.
    pub region: RegionSaid,
    /// One of them.
    pub packet: PacketSaid,
    /// The rule of the first that decides it; none where the first has no such resource.
    pub rule_a: Option<Decider>,
    /// The rule of the second that decides it.
    pub rule_b: Option<Decider>,
    /// Where the rule of the first stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place_a: Option<Place>,
    /// Where the rule of the second stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place_b: Option<Place>,
    /// The host, FQDN tag, URL or category that the packets are for.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_text_if")]
    pub host: Option<HostKey>,
    /// Where DNAT sends them.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_text_if")]
    pub translated: Option<Translation>,
    /// Which of the two lets them through, of conditional differences.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passes: Option<&'static str>,
    /// What must hold, of conditional differences.
    #[serde(rename = "if", skip_serializing_if = "Vec::is_empty")]
    pub hangs_on: Vec<Hanging>,
    /// The command that shows it in Azure.
    pub test: Test,
}

/// What decides packets on one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decider {
    /// A rule, as the files call it.
    Rule(String),
    /// What is done where no rule decides.
    Default(&'static str),
    /// A step of a way at which it ends, and the rule of it or why it does.
    Step(String, String),
    /// A way to the end, and the last rule on it.
    Way(Way, Option<(String, String)>),
    /// A way without steps.
    Nothing,
}

impl fmt::Display for Decider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Decider::Rule(name) => f.write_str(name),
            Decider::Default(words) => f.write_str(words),
            Decider::Step(name, rule) => write!(f, "{name}: {rule}"),
            Decider::Way(way, None) => write!(f, "way: {}", way.name()),
            Decider::Way(way, Some((name, rule))) => write!(f, "way: {}, {name}: {rule}", way.name()),
            Decider::Nothing => Ok(()),
        }
    }
}

impl Serialize for Decider {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// Addresses that two tables send elsewhere.
#[derive(Debug, Clone, Serialize)]
pub struct RouteDifferenceSaid {
    /// All of them, as few prefixes as there can be.
    #[serde(serialize_with = "as_texts")]
    pub prefixes: Vec<IpPrefix>,
    /// The tag that they are exactly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<TagName>,
    /// Where the first sends them.
    #[serde(serialize_with = "as_text")]
    pub hop_a: Hop,
    /// Where the second sends them.
    #[serde(serialize_with = "as_text")]
    pub hop_b: Hop,
    /// The route of the first; none for the system's.
    pub route_a: Option<String>,
    /// The route of the second.
    pub route_b: Option<String>,
    /// One of them.
    pub address: IpAddr,
    /// How many there are.
    pub addresses: Count,
    /// The command that shows it in Azure.
    pub test: Test,
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
    pub test: Test,
}
