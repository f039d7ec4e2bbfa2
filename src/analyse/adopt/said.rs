//! What is said of rules that are taken over.

use std::borrow::Cow;
use std::fmt::{self, Display};

use jiff::civil::Date;
use serde::{Serialize, Serializer};

use crate::addr::{Count, IpPrefix};
use crate::analyse::lint::Fix;
use crate::read::live::{Note, Place};
use crate::tags::{Cloud, TagName};
use crate::text::joined;

/// What of a policy files do not say.
#[derive(Debug, Clone)]
pub struct Naming {
    /// Name of the environment.
    pub name: String,
    /// Azure location.
    pub region: String,
    /// The cloud.
    pub cloud: Cloud,
}

/// A policy for rules that are there, and how it came about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Adopted {
    /// The text of the policy.
    pub policy: String,
    /// What each rule is.
    pub rules: Vec<RuleMeaning>,
    /// What a policy cannot say.
    pub inexpressible: Vec<Inexpressible>,
    /// What could be better, each by itself.
    pub proposals: Vec<Proposal>,
}

/// A rule or route, with what it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleName {
    /// The resource, and the collection where there is one; nothing where the resource is named beside it.
    pub of: Vec<String>,
    /// Its own name; `None` where all of the resource is meant.
    pub rule: Option<String>,
}

impl Display for RuleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule = self.rule.as_deref().unwrap_or("all of it");
        write!(f, "{}", joined(self.of.iter().map(String::as_str).chain([rule]), " / "))
    }
}

/// Where something of the policy is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) rule: RuleName,
    pub(super) place: Place,
}

impl Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}:{}", self.rule, self.place.file, self.place.line)
    }
}

/// What a policy cannot say. Its sentence, without full stop, is made where it is shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Inexpressible {
    /// More than one environment.
    #[error("{} security groups ({}): a policy makes one environment; adopt them one by one", .0.len(), joined(.0, ", "))]
    Groups(Vec<String>),
    /// Nothing that could be a subnet.
    #[error("no rule has a side of its own that could be a subnet, and no subnet is among the files")]
    NoSubnet,
    /// A service endpoint of unknown addresses.
    #[error("subnet {subnet}: nobody knows which addresses the service endpoint {service} takes")]
    Endpoint {
        /// The subnet.
        subnet: String,
        /// The endpoint's service.
        service: String,
    },
    /// A group of which not all is known.
    #[error("{group}: its rules are not all known: {note}")]
    Rules {
        /// The group.
        group: String,
        /// What is not known.
        note: Note,
    },
    /// A route table of which not all is known.
    #[error("{table}: its routes are not all known: {note}")]
    Routes {
        /// The table.
        table: String,
        /// What is not known.
        note: Note,
    },
    /// A group that denies the rest one way only.
    #[error("{0}: the rest is denied one way only; a policy denies it both ways or not at all")]
    OneWay(String),
    /// A rule with source ports.
    #[error("{rule}: source ports {}", joined(.ports, ", "))]
    SourcePorts {
        /// The rule.
        rule: RuleName,
        /// The ports.
        ports: Vec<String>,
    },
    /// A rule whose own side is no subnet.
    #[error("{rule}: its {side} is {what}; a policy's needs are of subnets")]
    Side {
        /// The rule.
        rule: RuleName,
        /// `source` or `destination`.
        side: &'static str,
        /// What it is in place of a subnet.
        what: NoSubnet,
    },
    /// A next hop that policies do not know.
    #[error("{route}: next hop {hop}")]
    NextHop {
        /// The route.
        route: RuleName,
        /// The hop as it is written.
        hop: Cow<'static, str>,
    },
    /// A rule that translates destinations.
    #[error("{0}: DNAT by hand; a policy makes it for workloads only")]
    Dnat(RuleName),
    /// A rule with web categories.
    #[error("{0}: web categories")]
    WebCategories(RuleName),
}

/// What stands where a subnet should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoSubnet {
    /// An application security group.
    SecurityGroup,
    /// These texts.
    Texts(Vec<String>),
}

impl Display for NoSubnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoSubnet::SecurityGroup => f.write_str("an application security group"),
            NoSubnet::Texts(texts) => write!(f, "{}", joined(texts, ", ")),
        }
    }
}

/// The other side of a need, as policies write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remote {
    /// Addresses or a tag, as the rule has them.
    Text(String),
    /// An application security group.
    SecurityGroup(String),
    /// A host.
    Fqdn(String),
    /// A host with a path.
    Url(String),
    /// A named set of hosts.
    FqdnTag(String),
}

impl Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Remote::Text(text) => f.write_str(text),
            Remote::SecurityGroup(name) => write!(f, "asg:{name}"),
            Remote::Fqdn(host) => write!(f, "fqdn:{host}"),
            Remote::Url(url) => write!(f, "url:{url}"),
            Remote::FqdnTag(tag) => write!(f, "fqdn-tag:{tag}"),
        }
    }
}

/// What a rule is, in the administrator's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleMeaning {
    /// The resource.
    pub resource: Cow<'static, str>,
    /// The rule.
    #[serde(serialize_with = "as_text")]
    pub rule: RuleName,
    /// What its other side is made of.
    pub is: Vec<Meaning>,
}

/// A part of what a rule leads to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Meaning {
    /// Of what kind it is.
    pub kind: MeaningKind,
    /// The tag, or the texts of the rule.
    #[serde(serialize_with = "as_text")]
    pub name: Named,
    /// The first stored week in which the tag was so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Date>,
    /// The last such week.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Date>,
    /// Addresses that the tag had then and the rule lacks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<u64>,
    /// Addresses of the rule that the tag did not have then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excess: Option<u64>,
}

fn as_text<S: Serializer>(shown: &impl Display, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(shown)
}

/// What a part of a rule is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// A tag.
    Tag(TagName),
    /// As the rule has it.
    Texts(Vec<Remote>),
    /// Prefixes that are no tag's.
    Prefixes(Vec<IpPrefix>),
}

impl Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Named::Tag(tag) => tag.fmt(f),
            Named::Texts(texts) => write!(f, "{}", joined(texts, ", ")),
            Named::Prefixes(prefixes) => write!(f, "{}", joined(prefixes, ", ")),
        }
    }
}

/// What the texts of a rule are where they are more than they seem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct More(pub(super) Vec<Meaning>);

impl Display for More {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", joined(self.0.iter().map(more), ", "))
    }
}

fn more(part: &Meaning) -> impl Display {
    fmt::from_fn(move |f| match (part.kind, part.from, part.to) {
        (MeaningKind::TagAt | MeaningKind::Union, Some(from), Some(to)) => {
            write!(f, "{} as published from {from} to {to}", part.name)
        }
        _ => write!(f, "exactly {} of today", part.name),
    })
}

/// What a part of a rule is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MeaningKind {
    /// A tag by its name, or exactly what it holds today.
    Tag,
    /// A tag as it was.
    TagAt,
    /// One of two tags that make it up together.
    Union,
    /// Addresses of one's own.
    Own,
}

/// A change that would make rules better, with its price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proposal {
    /// The resource and rule.
    #[serde(serialize_with = "as_text")]
    pub rule: RuleName,
    /// What to do.
    #[serde(serialize_with = "as_text")]
    pub proposal: Advice,
    /// How many addresses that would let through beside.
    pub adds: Count,
    /// How many it would no longer let through.
    pub drops: Count,
}

/// What to do that rules are better.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Advice {
    /// A rule that does nothing.
    #[error("remove it: it changes nothing")]
    Remove,
    /// What lint says.
    #[error("{0}")]
    Fix(Fix),
    /// A list that is tags.
    #[error("name {} in place of the list", joined(.0, " and "))]
    Tags(Vec<TagName>),
    /// A rule that a service keeps and a workload knows.
    #[error(
        "a service keeps it: take the workload {0} for its subnet in place of this need, so that it keeps name and priority"
    )]
    Workload(String),
    /// A rule that a service keeps.
    #[error("a service keeps it: leave it out of the policy and name it in nsg.keep")]
    Keep,
}
