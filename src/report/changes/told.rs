//! What is said of a step from one generation to the next.

use serde::Serialize;

use super::summary::{DatedMark, SnapshotMark};
use crate::addr::AddrSet;
use crate::tags::FamilyCounts;

/// What changed in one environment between two generations.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Changes {
    /// Name of the environment.
    pub name: String,
    /// The data before; `None` for a first generation.
    pub before: Option<SnapshotMark>,
    /// The data now.
    pub now: SnapshotMark,
    /// Tags in use whose addresses changed, by name.
    pub tags: Vec<TagChange>,
    /// Needs and events that begin or end, and were not told of before: they came near, or their day has passed.
    pub dated: Vec<DatedMark>,
    /// Rules that came, went or changed; by target, resource and name.
    pub rules: Vec<RuleChange>,
}

/// A tag in use whose addresses changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TagChange {
    /// Its name.
    pub name: String,
    /// Whether a rule names it, so that Azure applies the change by itself there.
    pub named: bool,
    /// What it gained and lost.
    #[serde(flatten)]
    pub delta: SetChange,
}

/// What a set of addresses gained and lost, as the fewest prefixes.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct SetChange {
    /// Prefixes that came.
    pub gained: Vec<String>,
    /// Prefixes that went.
    pub lost: Vec<String>,
    /// How many addresses came, for each family.
    pub addresses_gained: FamilyCounts,
    /// How many addresses went, for each family.
    pub addresses_lost: FamilyCounts,
}

impl SetChange {
    pub(super) fn between(before: &AddrSet, now: &AddrSet) -> Self {
        let (gained, lost) = (now.difference(before), before.difference(now));
        SetChange {
            gained: gained.prefixes().map(|p| p.to_string()).collect(),
            lost: lost.prefixes().map(|p| p.to_string()).collect(),
            addresses_gained: FamilyCounts::of(&gained),
            addresses_lost: FamilyCounts::of(&lost),
        }
    }

    /// Whether nothing came or went.
    pub fn is_empty(&self) -> bool {
        self.gained.is_empty() && self.lost.is_empty()
    }
}

/// What happened to a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It admits other addresses, or is set otherwise.
    Changed,
}

/// A rule or list that came, went or changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleChange {
    /// What happened.
    pub event: Event,
    /// `nsg`, `route-table` or `firewall`; `lists`, `edl` or `nftables`, the format, for a list.
    pub target: String,
    /// The resource that it is in.
    pub resource: String,
    /// Its name.
    pub rule: String,
    /// Names of tags whose change is behind this; empty where the policy or this program changed.
    pub because: Vec<String>,
    /// What its remote side gained and lost, where that is prefixes.
    #[serde(flatten)]
    pub delta: SetChange,
    /// Tags, hosts and the like that its remote side gained.
    pub names_gained: Vec<String>,
    /// Tags, hosts and the like that its remote side lost.
    pub names_lost: Vec<String>,
    /// Direction, protocol, ports and so on before, if they are not the same now.
    pub settings_before: Option<String>,
    /// The settings now.
    pub settings: String,
}
