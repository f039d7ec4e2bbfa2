//! The answer of a check for drift.

use std::borrow::Cow;
use std::fmt;

use jiff::civil::Date;
use serde::{Serialize, Serializer};

use crate::addr::{Count, IpPrefix};
use crate::analyse::ReadResource;
use crate::analyse::hanging::Hanging;
use crate::analyse::plan::Operation;
use crate::analyse::said::{PacketSaid, as_text_if, as_texts};
use crate::packet::Direction;
use crate::plan::FlowId;
use crate::read::live::Place;
use crate::replay::{HostKey, Translation};
use crate::tags::TagName;
use crate::text::joined;

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
    pub assumptions: Vec<&'static str>,
    /// What the answer hangs on, and what could not be judged.
    #[serde(rename = "if")]
    pub hangs_on: Vec<Hanging>,
    /// The week of which all that is there is a generation of our own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation: Option<Date>,
    /// Operations that mend it, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanSaid>,
}

/// The service tags.
#[derive(Debug, Clone, Serialize)]
pub struct SnapshotSaid {
    /// Cloud.
    pub cloud: &'static str,
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
    pub id: NeedId,
    /// `nsg`, `route-table` or `firewall`.
    pub target: &'static str,
    /// How much of it there is.
    pub state: Have,
    /// Remote addresses that do not get through as they should.
    #[serde(serialize_with = "as_texts")]
    pub missing: Vec<IpPrefix>,
    /// A packet that should get through and does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packet: Option<PacketSaid>,
    /// The first of the stored weeks, without a break up to now, in which the need asked for any of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Date>,
    /// The tag that it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<TagName>,
    /// The host that it is for.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_text_if")]
    pub host: Option<HostKey>,
    /// The rule that is in its way, or the default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped_by: Option<Cow<'static, str>>,
    /// What it is for.
    #[serde(skip_serializing_if = "Purpose::is_empty")]
    pub why: Purpose,
}

/// What a need is called.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NeedId {
    /// A flow of the policy.
    #[error("{0}")]
    Flow(FlowId),
    /// A route that the policy makes.
    #[error("route {0}")]
    Route(String),
    /// What comes in and goes on to this place.
    #[error("dnat to {0}")]
    Dnat(Translation),
    /// What the policy lets through beside its needs.
    #[error("beside the needs, {}", .0.name())]
    Beside(Direction),
}

impl Serialize for NeedId {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// What a need is for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Purpose {
    /// As the policy or its workload says; empty if neither does.
    Said(String),
    /// A route of these prefixes by this hop.
    Route(Vec<String>, Cow<'static, str>),
    /// What [`NeedId::Dnat`] is for.
    Dnat,
    /// What [`NeedId::Beside`] is for.
    Beside,
}

impl Purpose {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        matches!(self, Purpose::Said(words) if words.is_empty())
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Purpose::Said(words) => f.write_str(words),
            Purpose::Route(prefixes, hop) => write!(f, "{} by {hop}", joined(prefixes, ", ")),
            Purpose::Dnat => f.write_str("what comes in at the firewall goes on to this place"),
            Purpose::Beside => f.write_str("what the policy lets through beside its needs"),
        }
    }
}

impl Serialize for Purpose {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
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

/// What made a rule that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// A generation of ours, from the file of this week.
    Week(Date),
    /// Somebody edited it since.
    ByHand,
}

impl fmt::Display for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Made::Week(date) => date.fmt(f),
            Made::ByHand => f.write_str("edited by hand"),
        }
    }
}

impl Serialize for Made {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
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
    #[serde(serialize_with = "as_texts")]
    pub excess: Vec<IpPrefix>,
    /// Whose they are, the worst that any of them is: `azure`, `outside`, `same-service`, `private`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<&'static str>,
    /// How many addresses there are of each class.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<(&'static str, Count)>,
    /// A packet of the excess.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packet: Option<PacketSaid>,
    /// The week of the generation of ours that it is of, or `edited by hand`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation: Option<Made>,
    /// Where it stands.
    pub place: Place,
}
