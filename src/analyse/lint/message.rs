//! [`Message`] and [`Fix`]: what findings say, as values whose sentences stand here alone.

use std::fmt::{self, Display};
use std::net::IpAddr;

use jiff::civil::Date;
use serde::{Serialize, Serializer};

use crate::addr::{Count, IpPrefix};
use crate::plan::LimitKey;
use crate::tags::TagName;
use crate::text::{did_you_mean, joined};

/// What a finding says. Its sentence, without subject and full stop, is made where it is shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Message {
    /// No packet is one that the rule could take.
    #[error("no packet can match it: its protocol has no ports, or a side holds no address")]
    NeverMatches,
    /// These rules take all of its packets.
    #[error("never decides a packet: {} before it", taken_by(.0))]
    Dead(Vec<String>),
    /// The same, and some of the packets fare otherwise than by the rule.
    #[error("never gets to {word} anything: {} before it, in part with the other action", taken_by(.by), word = if *.allows { "allow" } else { "deny" })]
    DeadContrary {
        /// Whether the rule allows.
        allows: bool,
        /// The rules before it.
        by: Vec<String>,
    },
    /// A rule of Azure's is dead.
    #[error("the rule that Azure adds never decides a packet: {} before it", taken_by(.0))]
    DeadDefault(Vec<String>),
    /// A rule of a group is redundant.
    #[error("decides nothing that later rules and those of Azure would not decide alike{}", if *.hangs { ", as long as VirtualNetwork is what it is taken for here" } else { "" })]
    Redundant {
        /// Whether that hangs on what `VirtualNetwork` is.
        hangs: bool,
    },
    /// A rule of a firewall is redundant.
    #[error("decides nothing that later rules and the default would not decide alike")]
    RedundantInFirewall,
    /// A part is decided the other way before it.
    #[error("a part of what it takes is {} before it by {}", if *.allows { "denied" } else { "allowed" }, joined(.by, ", "))]
    Shadowed {
        /// Whether the rule allows.
        allows: bool,
        /// The rules before it.
        by: Vec<String>,
    },
    /// Two rules that one can stand for.
    #[error("differs from {with} in its {field} only: one rule can say both")]
    Mergeable {
        /// The other rule.
        with: String,
        /// What differs.
        field: &'static str,
    },
    /// Ports that the Internet reaches.
    #[error("{} open to {reach}{}", open(.ports), together(*.rules))]
    Open {
        /// The ports, those first that everybody tries first, and what they are for.
        ports: Vec<(u16, &'static str)>,
        /// Who reaches them.
        reach: Reach,
        /// How many rules do it together; none where it is the rule alone.
        rules: Option<usize>,
    },
    /// Everything gets out.
    #[error("every connection to the Internet passes")]
    AllOut,
    /// Source ports are limited.
    #[error("asks for source port {}: clients choose theirs at random, attackers do not", joined(.0, ", "))]
    SourcePorts(Vec<String>),
    /// Ports of any protocol.
    #[error("is for any protocol and port {}: only TCP and UDP have ports", joined(.0, ", "))]
    AnyProtocol(Vec<String>),
    /// The name is of another rule.
    #[error("by its name it {0}")]
    Name(&'static str),
    /// A tag that groups do not take.
    #[error("{side} {tag}: Azure takes this tag in no security group")]
    NoGroupTakes {
        /// `source` or `destination`.
        side: &'static str,
        /// The tag as it is written.
        tag: String,
    },
    /// A name of no tag in a group.
    #[error("{side} {name} is no tag of the service tags that are used{}", did_you_mean(.near))]
    NoTag {
        /// `source` or `destination`.
        side: &'static str,
        /// What is written.
        name: String,
        /// The names most like it.
        near: Vec<String>,
    },
    /// A tag that routes do not take.
    #[error("{0}: Azure takes this tag in no route")]
    NoRouteTakes(String),
    /// A name of no tag in a route.
    #[error("{name} is neither a prefix nor a tag of the service tags that are used{}", did_you_mean(.near))]
    NoDestination {
        /// What is written.
        name: String,
        /// The names most like it.
        near: Vec<String>,
    },
    /// Trust in machines that anyone can rent.
    #[error("lets in {0}: anyone can rent machines in it")]
    LetsIn(String),
    /// A way out to what all customers keep.
    #[error("lets out to {0}: what is sent there may go to an account of anybody")]
    LetsOut(String),
    /// Host bits beside a length.
    #[error("{side} {text} has host bits: it is {prefix}")]
    HostBits {
        /// `source` or `destination`.
        side: &'static str,
        /// What is written.
        text: String,
        /// What it is.
        prefix: IpPrefix,
    },
    /// A prefix that begins like private space and holds more.
    #[error("{side} {text} reaches beyond private space; is {private} meant?")]
    BeyondPrivate {
        /// `source` or `destination`.
        side: &'static str,
        /// What is written.
        text: String,
        /// The private block.
        private: &'static str,
    },
    /// Entries that other entries hold.
    #[error("{side} has {}{}", joined(.odd.iter().take(3), ", "), more(.odd.len(), 3))]
    Nested {
        /// `source` or `destination`.
        side: &'static str,
        /// The entries.
        odd: Vec<Nested>,
    },
    /// A rule of a network intent policy.
    #[error("a service owns this rule and puts it back; leave it as it is")]
    Intent,
    /// An address that no appliance has.
    #[error("no appliance can be at {0}")]
    NoAppliance(IpAddr),
    /// An appliance in a subnet that is routed to it.
    #[error("the appliance {hop} stands in subnet {subnet}, which the table is put on: a loop")]
    Loop {
        /// The appliance.
        hop: IpAddr,
        /// The subnet.
        subnet: String,
    },
    /// A route past the firewall.
    #[error("leads {} to the Internet, past the appliance of {default}", joined(.what, ", "))]
    PastFirewall {
        /// The tag or the prefixes.
        what: Vec<String>,
        /// The default route.
        default: String,
    },
    /// A route that changes nothing.
    #[error("every address goes where it would go without this route")]
    WithoutEffect,
    /// `VirtualNetwork` behind a default route.
    #[error(
        "subnet {subnet}: {route} sends 0.0.0.0/0 to an appliance, so that VirtualNetwork holds every address here"
    )]
    NetworkIsAll {
        /// The subnet.
        subnet: String,
        /// The default route.
        route: String,
    },
    /// Replies by another way.
    #[error(
        "subnet {subnet}: lets connections in from outside, and {route} sends what goes back to the appliance {hop}"
    )]
    Asymmetric {
        /// The subnet.
        subnet: String,
        /// The default route.
        route: String,
        /// The appliance's address as it is written.
        hop: String,
    },
    /// What the group lets out and the table drops.
    #[error("subnet {subnet}: lets out what route table {table} drops")]
    Dropped {
        /// The subnet.
        subnet: String,
        /// The route table.
        table: String,
    },
    /// What Azure refuses on a reserved subnet.
    #[error("Azure refuses a {0} on this subnet")]
    Refused(&'static str),
    /// A subnet without what its siblings have.
    #[error("has no {what}, and {with} of its {of} siblings have one")]
    Lacks {
        /// What it lacks.
        what: &'static str,
        /// How many have one.
        with: usize,
        /// Of how many.
        of: usize,
    },
    /// An IP group without addresses.
    #[error("IP group {0} holds no address")]
    EmptyGroup(String),
    /// An IP group that is not there.
    #[error("IP group {0} is not among the files: nothing is said of it")]
    MissingGroup(String),
    /// An application rule that is never tried.
    #[error("is never tried: {} decide all its packets by address", joined(.0, ", "))]
    Masked(Vec<String>),
    /// Little headroom.
    #[error("{have} of {limit} ({key}) are used{}", at_growth(*.reached))]
    Headroom {
        /// How much is used.
        have: u64,
        /// How much there is.
        limit: u64,
        /// Of which limit.
        key: LimitKey,
        /// When it is reached, where that can be told.
        reached: Option<Date>,
    },
    /// A list that is a tag as it was.
    #[error("{list}; today {} of the tag's addresses are missing", joined(.missing, " and "))]
    Stale {
        /// The list.
        list: OldList,
        /// How much of the tag is missing, by family.
        missing: Vec<Share>,
    },
    /// A list with addresses that left its tag.
    #[error("{list}; {addresses} addresses are no longer in it: {owners}")]
    Left {
        /// The list.
        list: OldList,
        /// How many addresses left.
        addresses: Count,
        /// Whose they are now.
        owners: Owners,
    },
}

impl Serialize for Message {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// Who reaches an open port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Reach {
    /// Nearly all of public IPv4.
    #[error("the Internet")]
    Internet,
    /// So many public addresses of IPv4.
    #[error("{0} public IPv4 addresses")]
    V4(Count),
    /// So many of IPv6.
    #[error("{0} public IPv6 addresses")]
    V6(Count),
}

/// An entry of a list that another one holds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Nested {
    /// It is there twice.
    #[error("{0} twice")]
    Twice(String),
    /// It lies in the second one.
    #[error("{0} in {1}")]
    In(String, String),
}

/// A tag as of some weeks that a list is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TagMatch {
    /// The tag.
    pub tag: TagName,
    /// The first stored week in which it fits so well.
    pub from: Date,
    /// The last such week.
    pub to: Date,
    /// Addresses that the tag had and the list lacks.
    pub missing: Count,
    /// Addresses of the list that the tag did not have.
    pub excess: Count,
    /// Addresses of the tag today that the list lacks.
    pub missing_today: Count,
    /// Addresses of the list that were the tag's and are no longer.
    pub left: Count,
}

impl Display for TagMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TagMatch { tag, from, to, .. } = self;
        if from == to {
            write!(f, "{tag} as published on {from}")
        } else {
            write!(f, "{tag} as published from {from} to {to}")
        }
    }
}

/// A list that is a tag, or nearly is, as of some weeks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldList {
    /// How many entries it has.
    pub entries: usize,
    /// Whether it is the tags to the letter.
    pub is_exact: bool,
    /// The tags.
    pub tags: Vec<TagMatch>,
    /// Whether it is all of them together, and not any one of them.
    pub is_union: bool,
    /// How many prefixes it has that no tag ever had.
    pub own: usize,
}

impl Display for OldList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = if self.is_exact { "are" } else { "are nearly" };
        let tags = joined(&self.tags, if self.is_union { " together with " } else { " or " });
        write!(f, "its {} entries {fits} {tags}", self.entries)?;
        match self.own {
            0 => Ok(()),
            1 => f.write_str(", with 1 prefix of its own beside"),
            n => write!(f, ", with {n} prefixes of its own beside"),
        }
    }
}

/// How much of what tags hold today is missing in a list, of one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Addresses that are missing.
    pub missing: Count,
    /// Addresses that there are.
    pub of: Count,
    /// Whether they are of IPv6.
    pub is_v6: bool,
}

impl Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} %", 100.0 * self.missing.to_f64() / self.of.to_f64())?;
        if self.is_v6 { f.write_str(" (IPv6)") } else { Ok(()) }
    }
}

/// Whose addresses are today.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owners {
    /// Tags that hold most of them, with how many.
    pub tags: Vec<(Count, TagName)>,
    /// How many none of these holds.
    pub rest: Count,
}

impl Display for Owners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.tags.is_empty() && !self.rest.is_zero() {
            return f.write_str("today in no tag, outside of what Microsoft publishes");
        }
        write!(f, "today {}", joined(self.tags.iter().map(owner), ", "))?;
        if self.rest.is_zero() { Ok(()) } else { write!(f, ", and {} in none of these", self.rest) }
    }
}

fn owner((addresses, tag): &(Count, TagName)) -> impl Display {
    fmt::from_fn(move |f| write!(f, "{addresses} {tag}"))
}

/// What to do about a finding.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fix {
    /// What is always to be done about such a finding.
    #[error("{0}")]
    Do(&'static str),
    /// One rule for two.
    #[error("add its {field} to {to} and remove it")]
    Merge {
        /// What to add.
        field: &'static str,
        /// The other rule.
        to: String,
    },
}

impl Serialize for Fix {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// Who takes all that a dead rule could take.
fn taken_by(names: &[String]) -> impl Display {
    let verb = if names.len() == 1 { "takes" } else { "take" };
    fmt::from_fn(move |f| write!(f, "{} {verb} all that it could take", joined(names, ", ")))
}

/// `port 22 (SSH) is`, of many the first three.
fn open(ports: &[(u16, &'static str)]) -> impl Display {
    let shown = joined(ports.iter().take(3).map(port), ", ");
    fmt::from_fn(move |f| match ports.len() {
        1 => write!(f, "port {shown} is"),
        2 | 3 => write!(f, "ports {shown} are"),
        _ => write!(f, "ports {shown}{} are", more(ports.len(), 3)),
    })
}

fn port(&(port, name): &(u16, &'static str)) -> impl Display {
    fmt::from_fn(move |f| write!(f, "{port} ({name})"))
}

fn together(rules: Option<usize>) -> impl Display {
    fmt::from_fn(move |f| match rules {
        Some(rules) => write!(f, ", by {rules} rules together"),
        None => Ok(()),
    })
}

/// How many there are beside those that are shown.
fn more(all: usize, shown: usize) -> impl Display {
    fmt::from_fn(move |f| if all > shown { write!(f, " and {} more", all - shown) } else { Ok(()) })
}

fn at_growth(day: Option<Date>) -> impl Display {
    fmt::from_fn(move |f| match day {
        Some(day) => write!(f, "; at the growth of its tags the limit is reached about {day}"),
        None => Ok(()),
    })
}
