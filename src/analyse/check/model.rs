//! The answer of a check for drift.

use serde::Serialize;

use crate::analyse::ReadResource;
use crate::analyse::plan::Operation;
use crate::analyse::said::PacketSaid;
use crate::read::live::Place;

/// What is there, held against what a policy asks for.
#[derive(Debug, Clone, Serialize)]
pub struct Drift {
    /// Whether anything is missing or in excess.
    pub drift: bool,
    /// The service tags that the policy is resolved with.
    pub snapshot: SnapshotSaid,
    /// Every need of the policy.
    pub needs: Vec<NeedState>,
    /// Every rule and route that is there.
    pub live: Vec<LiveState>,
    /// What was read.
    pub read: Vec<ReadResource>,
    /// Readings that play a part in it, in words.
    pub assumptions: Vec<String>,
    /// What the answer hangs on, and what could not be judged.
    #[serde(rename = "if")]
    pub hangs_on: Vec<String>,
    /// The week of which all that is there is a generation of our own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation: Option<String>,
    /// Operations that mend it, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanSaid>,
}

/// The service tags.
#[derive(Debug, Clone, Serialize)]
pub struct SnapshotSaid {
    /// Cloud.
    pub cloud: String,
    /// Change number.
    pub change_number: u64,
    /// Digest of the content.
    pub sha256: String,
    /// The day of publication, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
}

/// Operations in the order in which each of them is safe.
#[derive(Debug, Clone, Serialize)]
pub struct PlanSaid {
    /// One after another.
    pub operations: Vec<Operation>,
}

/// How much of a need there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Have {
    /// All of it.
    Ok,
    /// A part.
    Part,
    /// None of it.
    Missing,
}

/// A need of the policy.
#[derive(Debug, Clone, Serialize)]
pub struct NeedState {
    /// Its name.
    pub id: String,
    /// `nsg`, `route-table` or `firewall`.
    pub target: &'static str,
    /// How much of it there is.
    pub state: Have,
    /// Remote addresses that do not get through as they should.
    pub missing: Vec<String>,
    /// A packet that should get through and does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packet: Option<PacketSaid>,
    /// The first of the stored weeks, without a break up to now, in which the need asked for any of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// The tag that it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// The host that it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The rule that is in its way, or the default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped_by: Option<String>,
    /// What it is for.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub why: String,
}

/// What a rule that is there is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Use {
    /// All that it decides is as wanted.
    Needed,
    /// It lets through what is needed, and more.
    Part,
    /// It is one of our own, and nothing of it is needed any more.
    Excess,
    /// Nothing of it is needed, and it is not ours.
    Foreign,
}

/// A rule or route that is there.
#[derive(Debug, Clone, Serialize)]
pub struct LiveState {
    /// The group, table or firewall.
    pub resource: String,
    /// The rule or route.
    pub rule: String,
    /// What it is for.
    pub state: Use,
    /// Remote addresses that it lets through, or sends elsewhere, though nothing asks for it.
    pub excess: Vec<String>,
    /// Whose they are, the worst that any of them is: `azure`, `outside`, `same-service`, `private`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<&'static str>,
    /// How many addresses there are of each class.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<(&'static str, String)>,
    /// A packet of the excess.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packet: Option<PacketSaid>,
    /// The week of the generation of ours that it is of, or `edited by hand`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation: Option<String>,
    /// Where it stands.
    pub place: Place,
}
