//! [`Work`]: whether a need works.

use serde::{Deserialize, Serialize};

use super::work_why::{Remedy, WorkWhy};
use crate::rules::Packet;

/// Whether a need of a subnet works, over all artefacts together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Work {
    /// The row of the catalogue, or the remote as it was written.
    pub need: String,
    /// Name of the subnet.
    pub subnet: String,
    /// Whether it works.
    pub state: WorkState,
    /// Where it stops: `nsg`, `route`, `firewall` or `outbound`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stops_at: Option<&'static str>,
    /// Why, with a packet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<WorkWhy>,
    /// What the policy can say for it to work, where that is known.
    #[serde(skip)]
    pub remedy: Option<Remedy>,
    /// A packet that stops.
    #[serde(skip)]
    pub packet: Option<Packet>,
    /// The rule that stops it.
    #[serde(skip)]
    pub rule: Option<String>,
    /// Whether a target is declared not to say it, so that nothing is promised.
    #[serde(skip)]
    pub declared: bool,
    /// Whether it works in part.
    #[serde(skip)]
    pub in_part: bool,
    /// Whether it works if the packets come in by where their replies go, of which nobody here knows.
    #[serde(skip)]
    pub by_replies: bool,
}

/// Whether a need works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WorkState {
    /// It does not work: no target or way lets it through.
    Nowhere,
    /// A target does not say it, and it works by another, or by a way that others make.
    Elsewhere,
    /// It works from end to end, as every target says.
    Works,
}

impl Work {
    /// Whether it works nowhere though the files promise it.
    pub fn is_broken(&self) -> bool {
        self.state == WorkState::Nowhere && !self.declared && !self.in_part
    }
}

impl PartialOrd for Work {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Work {
    /// By subnet and need, the worst first.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let key =
            |work: &Work| (work.subnet.clone(), work.need.clone(), work.state, work.in_part, work.declared);
        let said = |work: &Work| work.why.as_ref().map(|why| why.to_string());
        key(self).cmp(&key(other)).then_with(|| said(self).cmp(&said(other)))
    }
}
