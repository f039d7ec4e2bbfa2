//! The answer to what becomes of packets.

use serde::Serialize;

use crate::analyse::said::{PacketSaid, RegionSaid};
use crate::read::live::Place;

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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Who decided, in order.
    pub steps: Vec<StepSaid>,
    /// `direct`, `firewall`, `inside`, `peer`, `gateway` or `none`.
    pub way: &'static str,
    /// Where it stops.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stops_at: Option<&'static str>,
    /// What the verdict hangs on.
    #[serde(rename = "if")]
    pub hangs_on: Vec<String>,
    /// Assumptions without which it would be another, by name.
    pub assumptions: Vec<String>,
    /// What they are, in words.
    pub assumed: Vec<String>,
    /// What would have to change so that it passes.
    pub changes: Vec<String>,
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
    pub fn who(&self) -> String {
        let place =
            self.place.as_ref().map_or_else(String::new, |place| format!(" ({}:{})", place.file, place.line));
        let name = &self.name;
        let what = match self.at {
            _ if name.starts_with("the ") => name.replacen("the ", "The ", 1),
            "nsg" => format!("Group {name}"),
            "route" if self.place.is_none() => "Routes".to_owned(),
            "route" => format!("Route table {name}"),
            "firewall" | "dnat" => "Firewall".to_owned(),
            "admin" => "Network manager".to_owned(),
            "outbound" => format!("Way out of {name}"),
            _ => format!("Network {name}"),
        };
        let kind = if self.at == "route" { "route" } else { "rule" };
        match &self.rule {
            Some(rule) if self.at != "route" || self.place.is_some() => {
                format!("{what}, {kind} {rule}{place}")
            }
            _ => what,
        }
    }

    /// Who asks for it, and where that is documented, if that is known.
    pub fn asked_for(&self) -> Option<String> {
        let who = match self.workload.as_deref()? {
            "policy" => "The policy".to_owned(),
            workload => format!("The workload {workload}"),
        };
        let row = self.row.as_deref().filter(|row| !row.is_empty());
        let row = row.map_or_else(String::new, |row| format!(", {row}"));
        let source = self.source.as_ref().map_or_else(String::new, |source| format!(" (source: {source})"));
        Some(format!("{who} asks for it{row}{source}"))
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
    #[serde(rename = "if")]
    pub hangs_on: Vec<String>,
    /// What would have to change so that it passes.
    pub changes: Vec<String>,
}
