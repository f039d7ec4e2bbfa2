//! What is said of rules that are taken over.

use serde::Serialize;

use crate::tags::Cloud;

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
    /// What a policy cannot say, a sentence each.
    pub inexpressible: Vec<String>,
    /// What could be better, each by itself.
    pub proposals: Vec<Proposal>,
}

/// What a rule is, in the administrator's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleMeaning {
    /// The resource.
    pub resource: String,
    /// The rule.
    pub rule: String,
    /// What its other side is made of.
    pub is: Vec<Meaning>,
}

/// A part of what a rule leads to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Meaning {
    /// Of what kind it is.
    pub kind: MeaningKind,
    /// The tag, or the texts of the rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The first stored week in which the tag was so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The last such week.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Addresses that the tag had then and the rule lacks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<u64>,
    /// Addresses of the rule that the tag did not have then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excess: Option<u64>,
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
    pub rule: String,
    /// What to do.
    pub proposal: String,
    /// How many addresses that would let through beside.
    pub adds: String,
    /// How many it would no longer let through.
    pub drops: String,
}
