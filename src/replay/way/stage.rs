//! [`Stage`]: one list of rules on the way, and what it says of packets: yes, no, or if.

use std::fmt;
use std::sync::Arc;

use crate::replay::hosts::HostKey;
use crate::rules::{Access, Chain, Decided, Rule};

/// Where on the way something is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum At {
    /// By security admin rules of a network manager.
    Admin,
    /// By a network security group.
    Nsg,
    /// By the routes of a subnet.
    Route,
    /// By a DNAT rule of the firewall.
    Dnat,
    /// By network or application rules of the firewall.
    Firewall,
    /// By the subnet's way out to the Internet.
    Outbound,
    /// Inside the network.
    Network,
}

impl At {
    /// A short name that stays.
    pub fn name(self) -> &'static str {
        match self {
            At::Admin => "admin",
            At::Nsg => "nsg",
            At::Route => "route",
            At::Dnat => "dnat",
            At::Firewall => "firewall",
            At::Outbound => "outbound",
            At::Network => "network",
        }
    }
}

/// What becomes of a packet. Never folded into two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// It passes.
    Allow,
    /// It does not.
    Deny,
    /// It passes if something holds that the packet does not show.
    If,
}

impl Verdict {
    /// `allow`, `deny` or `if`.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Allow => "allow",
            Verdict::Deny => "deny",
            Verdict::If => "if",
        }
    }
}

impl From<Access> for Verdict {
    fn from(access: Access) -> Self {
        if access.is_allow() { Verdict::Allow } else { Verdict::Deny }
    }
}

/// What a verdict hangs on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// The host that the packet is for.
    Host(HostKey),
    /// Whether the machine is in an application security group.
    SecurityGroup(String),
    /// What a tag stands for that no file holds.
    Tag(String),
    /// Something that was not given.
    Missing(String),
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Condition::Host(HostKey::Host(host)) => write!(f, "the host is {host}"),
            Condition::Host(key) => write!(f, "the host is one of {key}"),
            Condition::SecurityGroup(name) => {
                write!(f, "the machine is in the application security group {name}")
            }
            Condition::Tag(name) => write!(f, "the tag {name}, which no file holds, has the address"),
            Condition::Missing(what) => f.write_str(what),
        }
    }
}

/// One list of rules on the way.
#[derive(Debug, Clone)]
pub(super) struct Stage {
    pub(super) at: At,
    /// Name of the resource.
    pub(super) resource: String,
    pub(super) chain: Chain,
    /// What a rule of the chain hangs on.
    conditions: Vec<Option<Condition>>,
    /// For admin rules: whether groups are not asked any more.
    always: Vec<bool>,
    /// For rules of a firewall: which of all it is, and whether it translates.
    origins: Vec<Option<(Arc<str>, bool)>>,
    /// Whether packets pass that no rule takes, and what that is called.
    default: (Access, String),
}

/// What a stage says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Judged {
    pub(super) verdict: Verdict,
    /// What it hangs on; empty unless the verdict is [`Verdict::If`].
    pub(super) conditions: Vec<Condition>,
    /// Which outcomes are possible: that it is denied, that no group is asked any more, that the next door is asked.
    pub(super) denies: bool,
    pub(super) always: bool,
    pub(super) goes_on: bool,
}

/// A rule that decides.
pub(super) struct Deciding<'s> {
    /// Its name.
    pub(super) name: &'s str,
    /// What it is called among all rules of the resource.
    pub(super) key: &'s str,
    /// Whether it sends packets elsewhere.
    pub(super) translates: bool,
}

impl Stage {
    /// A stage without rules.
    pub(super) fn new(at: At, resource: &str, default: Access, called: &str) -> Self {
        Stage {
            at,
            resource: resource.to_owned(),
            chain: Chain::default(),
            conditions: Vec::new(),
            always: Vec::new(),
            origins: Vec::new(),
            default: (default, called.to_owned()),
        }
    }

    /// A stage that is not there: everything passes.
    pub(super) fn open(at: At) -> Self {
        Stage::new(at, "", Access::Allow, "")
    }

    /// Whether it is there.
    pub(super) fn is_open(&self) -> bool {
        self.chain.rules().is_empty() && self.default.0.is_allow()
    }

    /// Adds a rule at the end, which takes what it matches if `condition` holds.
    pub(super) fn push(&mut self, rule: Rule, condition: Option<Condition>) {
        match condition {
            None => self.chain.push(rule),
            Some(_) => self.chain.push_maybe(rule),
        }
        self.conditions.push(condition);
        self.always.push(false);
        self.origins.push(None);
    }

    /// Says of the last rule which of all rules of a firewall it is, and whether it translates.
    pub(super) fn comes_from(&mut self, origin: Arc<str>, translates: bool) {
        if let Some(last) = self.origins.last_mut() {
            *last = Some((origin, translates));
        }
    }

    /// Says of the last rule that no group is asked after it.
    pub(super) fn always(&mut self) {
        if let Some(last) = self.always.last_mut() {
            *last = true;
        }
    }

    /// The rules with what they hang on.
    pub(super) fn rules(&self) -> impl Iterator<Item = (&Rule, &Option<Condition>)> {
        self.chain.rules().iter().zip(&self.conditions)
    }

    /// What becomes of packets that are decided so.
    pub(super) fn judge(&self, decided: &Decided) -> Judged {
        let at = |rule: Option<usize>| match rule {
            Some(rule) => (self.chain.rules()[rule].access, self.always[rule]),
            None => (self.default.0, false),
        };
        let last = at(decided.rule);
        // What would come to the same without them is no condition.
        let counting = decided.maybe.iter().rposition(|&rule| at(Some(rule)) != last).map_or(0, |n| n + 1);
        let mut conditions: Vec<Condition> =
            decided.maybe[..counting].iter().filter_map(|&rule| self.conditions[rule].clone()).collect();
        conditions.sort();
        conditions.dedup();
        let verdict = if conditions.is_empty() { last.0.into() } else { Verdict::If };
        let mut judged = Judged { verdict, conditions, denies: false, always: false, goes_on: false };
        let counted = decided.maybe[..counting].iter().map(|&rule| at(Some(rule)));
        for (access, always) in counted.chain([last]) {
            judged.denies |= !access.is_allow();
            judged.always |= access.is_allow() && always;
            judged.goes_on |= access.is_allow() && !always;
        }
        judged
    }

    /// The rule that is most to be named: that which takes the packets, or the first that may.
    pub(super) fn deciding(&self, decided: &Decided, judged: &Judged) -> Option<Deciding<'_>> {
        let first = decided.maybe.first().filter(|_| judged.verdict == Verdict::If).copied();
        first.or(decided.rule).map(|rule| {
            let name = self.chain.rules()[rule].name.as_str();
            let origin = self.origins[rule].as_ref();
            Deciding {
                name,
                key: origin.map_or(name, |(key, _)| key),
                translates: origin.is_some_and(|(_, translates)| *translates),
            }
        })
    }

    /// What a rule is called among all rules of the resource.
    pub(super) fn key_of(&self, rule: usize) -> &str {
        match &self.origins[rule] {
            Some((key, _)) => key,
            None => &self.chain.rules()[rule].name,
        }
    }

    /// What the default is called.
    pub(super) fn default_name(&self) -> &str {
        &self.default.1
    }
}
