//! What people are told of a plan: what a target cannot say, what it admits beyond what was asked for, how each flow
//! became rules.

use std::borrow::Cow;
use std::fmt;

use super::flow_id::CoveredBy;
use super::why::{ChoiceWhy, Reason};
use crate::addr::AddrSet;
use crate::limits::LimitKey;
use crate::target::Target;

/// A flow that a target cannot say, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gap {
    /// The target.
    pub target: Target,
    /// Id of the flow or route.
    pub flow: String,
    /// The remote side.
    pub remote: String,
    /// Whether the rest of the flow is said, so that only a part of it is missing.
    pub partial: bool,
    /// Why the target cannot say it.
    pub reason: Reason,
    /// What lets it through there all the same; empty if nothing does.
    pub covered_by: Vec<CoveredBy>,
    /// What to do about it.
    pub remedy: Cow<'static, str>,
}

/// Addresses that a target admits beyond what was asked for, since the exact list would not fit a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extra {
    /// The target.
    pub target: Target,
    /// Ids of the flows or routes whose list of addresses is widened; those of rules ask for the same addresses.
    pub flows: Vec<String>,
    /// The remote side, or the next hop that routes are widened for.
    pub remote: String,
    /// The extra addresses, none of which was asked for.
    pub addresses: AddrSet,
    /// How many prefixes or routes the exact list takes.
    pub exact: usize,
    /// How many are written in their place.
    pub written: usize,
    /// The limit that the exact list does not fit; `None` where that is not told.
    pub limit: Option<LimitKey>,
}

impl Extra {
    /// Name of the limit that the exact list does not fit; empty where that is not told.
    pub fn limit_name(&self) -> &'static str {
        self.limit.map_or("", LimitKey::name)
    }
}

/// The extra addresses in `extras` that `target` admits for the flow or route called `id`.
pub fn extra_of(extras: &[Extra], target: Target, id: &str) -> AddrSet {
    let own = extras.iter().filter(|e| e.target == target && e.flows.iter().any(|flow| flow == id));
    AddrSet::union_of(own.map(|e| &e.addresses))
}

/// How one flow became rules of one target.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Choice {
    /// The target.
    pub target: Target,
    /// Id of the flow or route.
    pub flow: String,
    /// What was done.
    pub how: How,
    /// Why, where it was not the plain way.
    pub why: ChoiceWhy,
}

/// The form that the remote side took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// By its tag's name; Azure keeps it current.
    NativeTag,
    /// As this many prefixes.
    Prefixes(usize),
    /// As this many prefixes in IP groups.
    IpGroup(usize),
    /// By host name in a network rule.
    NetworkFqdn,
    /// By host name, FQDN tag or URL in an application rule.
    Application,
    /// As every address.
    Any,
}

impl How {
    /// What it is, without numbers that change from week to week.
    pub fn kind(self) -> &'static str {
        match self {
            How::NativeTag => "tag",
            How::Prefixes(_) => "as prefixes",
            How::IpGroup(_) => "as IP group",
            How::NetworkFqdn => "host name in a network rule",
            How::Application => "application rule",
            How::Any => "any address",
        }
    }
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            How::NativeTag => f.pad("tag"),
            How::Prefixes(1) => f.pad("1 prefix"),
            How::Prefixes(n) => f.pad(&format!("{n} prefixes")),
            How::IpGroup(n) => f.pad(&format!("IP group, {n} prefixes")),
            How::NetworkFqdn => f.pad("host name in a network rule"),
            How::Application => f.pad("application rule"),
            How::Any => f.pad("any address"),
        }
    }
}
