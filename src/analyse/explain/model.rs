//! The answer to what becomes of packets.

use std::fmt::{self, Display};
use std::net::IpAddr;

use serde::{Serialize, Serializer};

use crate::analyse::said::{PacketSaid, RegionSaid, as_text_if, as_texts};
use crate::read::live::Place;
use crate::replay::HostKey;
use crate::replay::way::{Condition, OWN_ROUTES};
use crate::rules::Packet;

/// What becomes of one packet.
#[derive(Debug, Clone, Serialize)]
pub struct Explained {
    /// `allow`, `deny` or `if`.
    pub verdict: &'static str,
    /// The packet.
    pub packet: PacketSaid,
    /// The subnet that it is of.
    pub subnet: String,
    /// `inbound` or `outbound`.
    pub direction: &'static str,
    /// The host that it is for.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_text_if")]
    pub host: Option<HostKey>,
    /// Who decided, in order.
    pub steps: Vec<StepSaid>,
    /// `direct`, `firewall`, `inside`, `peer`, `gateway` or `none`.
    pub way: &'static str,
    /// Where it stops.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stops_at: Option<&'static str>,
    /// What the verdict hangs on.
    #[serde(rename = "if", serialize_with = "as_texts")]
    pub hangs_on: Vec<Condition>,
    /// Assumptions without which it would be another, by name.
    pub assumptions: Vec<&'static str>,
    /// What they are, in words.
    pub assumed: Vec<&'static str>,
    /// What would have to change so that it passes.
    pub changes: Vec<Change>,
}

/// One decision.
#[derive(Debug, Clone, Serialize)]
pub struct StepSaid {
    /// `nsg`, `route`, `firewall`, `dnat`, `network` and so on.
    pub at: &'static str,
    /// The resource.
    pub name: String,
    /// The rule or route; none where the default decides.
    pub rule: Option<String>,
    /// `allow`, `deny` or `if`.
    pub verdict: &'static str,
    /// Why.
    pub because: String,
    /// Where the rule stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// The tag that the rule names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// The workload that asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workload: Option<String>,
    /// The workload's row, or the place in the policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<String>,
    /// Where the fact is documented.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

impl StepSaid {
    /// Who decides, and by which rule: `Group ml-nsg, rule storage (nsg.arm.json:12)`.
    pub fn who(&self) -> impl Display {
        fmt::from_fn(move |f| {
            let name = &self.name;
            match self.at {
                _ if name.starts_with("the ") => write!(f, "The {}", &name["the ".len()..])?,
                "nsg" => write!(f, "Group {name}")?,
                "route" if self.place.is_none() => f.write_str("Routes")?,
                "route" => write!(f, "Route table {name}")?,
                "firewall" | "dnat" => f.write_str("Firewall")?,
                "admin" => f.write_str("Network manager")?,
                "outbound" => write!(f, "Way out of {name}")?,
                _ => write!(f, "Network {name}")?,
            }
            let kind = if self.at == "route" { "route" } else { "rule" };
            match (&self.rule, &self.place) {
                (Some(rule), Some(place)) => write!(f, ", {kind} {rule} ({}:{})", place.file, place.line),
                (Some(rule), None) if self.at != "route" => write!(f, ", {kind} {rule}"),
                _ => Ok(()),
            }
        })
    }

    /// Who asks for it, and where that is documented, if that is known.
    pub fn asked_for(&self) -> Option<impl Display> {
        let workload = self.workload.as_deref()?;
        Some(fmt::from_fn(move |f| {
            match workload {
                "policy" => f.write_str("The policy asks for it")?,
                workload => write!(f, "The workload {workload} asks for it")?,
            }
            if let Some(row) = self.row.as_deref().filter(|row| !row.is_empty()) {
                write!(f, ", {row}")?;
            }
            match &self.source {
                Some(source) => write!(f, " (source: {source})"),
                None => Ok(()),
            }
        }))
    }
}

/// A door of which something has to change so that a packet passes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Door {
    /// A security group, or the rules of a network manager.
    #[error("group {0}")]
    Group(String),
    /// The firewall.
    #[error("firewall")]
    Firewall,
}

/// What would have to change so that a packet passes. Its sentence, without full stop, is made where it is shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Change {
    /// A rule that hangs on something.
    #[error("{door}: a rule that allows {packet} in any case; with rule {rule} {because}")]
    InAnyCase {
        /// Where it is.
        door: Door,
        /// The packet.
        packet: Packet,
        /// The rule.
        rule: String,
        /// What it hangs on.
        because: String,
    },
    /// A rule that denies.
    #[error("{door}: a rule that allows {packet} before {rule}, or {rule} without it")]
    Before {
        /// Where it is.
        door: Door,
        /// The packet.
        packet: Packet,
        /// The rule.
        rule: String,
    },
    /// No rule of a group.
    #[error("group {0}: a rule that allows {1}; none does, and the default denies")]
    InGroup(String, Packet),
    /// No rule of the firewall.
    #[error("firewall: a rule that allows {0}; none does")]
    InFirewall(Packet),
    /// Replies that go elsewhere.
    #[error("{}{of}: a route back the way that the packet came; {because}", if .of == OWN_ROUTES { "" } else { "route table " })]
    Back {
        /// The route table, or what the routes are of.
        of: String,
        /// Where replies go.
        because: String,
    },
    /// A route that drops.
    #[error("route table {table}: a route for {to} that leads on; {route} drops it")]
    LeadsOn {
        /// The route table.
        table: String,
        /// Where the packet goes.
        to: IpAddr,
        /// The route.
        route: String,
    },
    /// No route.
    #[error("a route for {0}: the system drops it")]
    Route(IpAddr),
    /// A subnet without a way out.
    #[error("subnet {0}: a way out to the Internet (NAT gateway, public address)")]
    WayOut(String),
    /// An address without a machine.
    #[error("the network: nothing at that address answers")]
    Network,
}

impl Serialize for Change {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// What becomes of many packets.
#[derive(Debug, Clone, Serialize)]
pub struct ExplainedSet {
    /// The subnet that they are of.
    pub subnet: String,
    /// `inbound` or `outbound`.
    pub direction: &'static str,
    /// Every packet that was asked for is in one of these.
    pub fates: Vec<FateSaid>,
}

/// Packets with one fate.
#[derive(Debug, Clone, Serialize)]
pub struct FateSaid {
    /// `allow`, `deny` or `if`.
    pub verdict: &'static str,
    /// The way that they take.
    pub way: &'static str,
    /// All of them.
    pub region: RegionSaid,
    /// One of them.
    pub packet: PacketSaid,
    /// Who decided about that one.
    pub steps: Vec<StepSaid>,
    /// What the verdict hangs on.
    #[serde(rename = "if", serialize_with = "as_texts")]
    pub hangs_on: Vec<Condition>,
    /// What would have to change so that it passes.
    pub changes: Vec<Change>,
}
