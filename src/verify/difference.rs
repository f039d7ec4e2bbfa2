//! What differs between files and what was asked, as values. Here alone stand the sentences.

use std::fmt;
use std::net::IpAddr;

use serde::{Serialize, Serializer};

use super::refusal::Refusal;
use super::work_why::{Remedy, WorkWhy};
use crate::addr::{AddrSet, Count, IpPrefix, PrefixError};
use crate::packet::{Direction, NextHop};
use crate::policy::{FlowId, short_list};
use crate::read::ReadError;
use crate::read::resources::Word;
use crate::replay::{Goes, HostKey, ReplayError};
use crate::rules::{Decision, Packet};

/// What differs: a value that is shown as one sentence, with a packet where there is one. JSON has the sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference(pub(super) Differs);

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Difference {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&self.0)
    }
}

/// Every kind of difference, with what it is about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Differs {
    // What cannot be read or replayed.
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Replay(#[from] ReplayError),
    #[error(transparent)]
    Kept(#[from] KeptError),
    #[error("{0}: no format has such a file")]
    StrangeFile(String),
    #[error("no file of a known format is there")]
    NoFile,
    #[error("{0} is reported as not expressible, but it is")]
    NoGap(FlowId),

    // Packets.
    #[error("{packet} must pass for {need}, but {rule} denies it")]
    Denied { packet: Box<Tried>, need: By, rule: By },
    #[error("{packet} passes by {rule}, but nothing asks for it")]
    Passes { packet: Box<Tried>, rule: By },
    #[error("{packet} {goes}, but nothing asks for it")]
    Translated { packet: Packet, goes: Goes },
    #[error("{}{address} must go to {wanted}, but goes to {hop} by {by}", From(from))]
    Misrouted { from: Option<String>, address: IpAddr, wanted: NextHop, hop: NextHop, by: String },
    #[error(
        "{need} works nowhere for subnet {subnet}: {}; {}, leave the need out (`without`), or set `accept-missing = true`",
        Or(why, "it does not arrive"),
        Or(remedy, "see to that")
    )]
    Nowhere { need: String, subnet: String, why: Option<Box<WorkWhy>>, remedy: Option<Box<Remedy>> },
    #[error(
        "outbound {packet} of subnet {subnet} goes past the firewall by the service endpoint {service}, and no need asks for \
         it: let the group pass less, ask for it by an `[[allow]]` or a `[[route]]` to its tag with \
         `next-hop = \"internet\"`, or leave the endpoint out of `service-endpoints`"
    )]
    EndpointBypass { packet: Packet, subnet: String, service: String },
    #[error(
        "outbound {packet} of subnet {subnet} goes to the Internet past the firewall, and no route of that subnet asks for it"
    )]
    Bypass { packet: Packet, subnet: String },

    // Names and fields that Azure would refuse.
    #[error("{0}: {1}")]
    In(String, Box<Differs>),
    #[error("group {0}: {1}")]
    InGroup(String, Box<Differs>),
    #[error("{0} is no legal name")]
    IllegalName(String),
    #[error("{0} is no legal name, or taken")]
    IllegalOrTaken(String),
    #[error("{0:?} is no legal name of a collection")]
    IllegalCollection(String),
    #[error("two {0} are called {1}")]
    Twice(&'static str, String),
    #[error("two collections of {group} are called {name}")]
    CollectionTwice { group: String, name: String },
    #[error("{name}: the description is longer than {most} characters")]
    LongDescription { name: String, most: usize },
    #[error("priority {priority} is not from {first} to {last}")]
    OutOfRange { priority: i64, first: u32, last: u32 },
    #[error("collection {name}: priority {priority} is out of range or taken")]
    CollectionPriority { name: String, priority: i64 },
    #[error("{name}: another {direction} rule has priority {priority}")]
    SamePriority { name: String, direction: Word, priority: i64 },
    #[error("{name}: another route has the prefix {prefix}")]
    SamePrefix { name: String, prefix: String },
    #[error("{0}: an address of the next hop goes with VirtualAppliance, and only with it")]
    HopAddress(String),
    #[error("{0}: it lists nothing")]
    EmptyDefinition(String),
    #[error("{name}: {id} does not go with the service {service}")]
    WrongService { name: String, id: String, service: String },
    #[error(transparent)]
    Refused(Box<Refusal>),

    // What is called otherwise than the policy calls it.
    #[error("it is called {found}, not {wanted}", wanted = wanted.join(" or "))]
    Called { found: String, wanted: Vec<String> },
    #[error("the policy asks for none, and {0} resources are there")]
    NotAsked(usize),
    #[error("{0}: these are not the rules that are made here for the subnets of one group")]
    OwnRules(String),
    #[error("{place}: it is {value}, not {expected}")]
    Setting { place: String, value: String, expected: String },
    #[error("{name} has the priority {found}, not {wanted}")]
    Priority { name: String, found: i64, wanted: i64 },
    #[error("{0} is the policy of no subnet")]
    PolicyOfNone(String),
    #[error("the group {name} is not called {wanted} or that with a number")]
    GroupName { name: String, wanted: String },
    #[error("the IP group {name} is not one of {environment}")]
    IpGroupOfOther { name: String, environment: String },
    #[error("{0} is the name of no collection")]
    NoCollection(String),

    // What is put on subnets, and what is not.
    #[error("the associations are not those of the policy's subnets, each once")]
    Associations,
    #[error("the prefixes of subnet {0} are not those of the policy")]
    Prefixes(String),
    #[error("what is put on the subnets is not what is declared")]
    NotDeclared,
    #[error("an association names subnet {0}, which the policy has not")]
    StrangeSubnet(String),
    #[error("no one group is there for {subnets}", subnets = .0.join(", "))]
    NoGroup(Vec<String>),
    #[error("{0} is on subnets that cannot share a group")]
    SharedGroup(String),
    #[error("subnet {0} has a group, but takes none")]
    NeedlessGroup(String),
    #[error("{0} is a group that no subnet has")]
    UnusedGroup(String),
    #[error("no table is there for subnet {0}")]
    NoTable(String),
    #[error("subnet {subnet} has the table {table}, but needs none")]
    NeedlessTable { subnet: String, table: String },
    #[error("{0} is a table that no subnet has")]
    UnusedTable(String),
    #[error("no policy is there for subnet {0}")]
    NoPolicy(String),
    #[error("nothing asks for the policy {0}")]
    UnusedPolicy(String),

    // What is there or not.
    #[error("the {what} {name} that {keeper} keeps is not there as it is")]
    NotAsKept { what: &'static str, name: String, keeper: String },
    #[error("NAT collection {collection} of {group} is not there as it was")]
    NatGone { collection: String, group: String },
    #[error("{routes} must be {}", if *off { "kept off, but are taken" } else { "taken, but are kept off" })]
    Learned { routes: &'static str, off: bool },
    #[error("classic rules, but those of a firewall policy are asked for")]
    Classic,
    #[error("classic rules of {0} firewalls, not of one")]
    SeveralFirewalls(usize),
    #[error("rule collection groups, but classic rules are asked for")]
    NotClassic,
    #[error("no rule names the IP group {0}, so that nothing says what it has to hold")]
    UnnamedIpGroup(String),
    #[error("{name} does not list {id} of {service}")]
    NotListed { name: String, id: String, service: String },
    #[error("{name} lists {id} of {service}, but nothing asks for it")]
    Listed { name: String, id: String, service: String },

    // Lists of addresses.
    #[error("{0:?} is no name of a list, or that of two")]
    ListName(String),
    #[error("{0}: its remarks are not in the form that its firewall reads")]
    ListRemarks(String),
    #[error("{name}: it is in the table {table}, not in that of {environment}")]
    ListTable { name: String, table: String, environment: String },
    #[error("{0}: {1}")]
    List(String, Fault),
    #[error("{name}: {one} of {remote} is missing")]
    ListLess { name: String, one: IpPrefix, remote: String },
    #[error("{name}: {} is not one of {remote}", Or(one, ""))]
    ListMore { name: String, one: Option<IpPrefix>, remote: String },
    #[error("{name}: by what it holds it is the list of {remote}, which is called {wanted}")]
    ListOfOther { name: String, remote: String, wanted: String },
    #[error("{0}: no remote is called so, or has just these addresses")]
    ListOfNone(String),
    #[error("no list holds the addresses of {0}")]
    NoList(String),

    // What is declared to be let through beyond what was asked for.
    #[error("{total} extra addresses are declared, but precision.max-extra is {most}")]
    TooMuchExtra { total: Count, most: Count },
    #[error("extra for {remote} holds {}, which is never let through", short_list(both))]
    ExtraNever { remote: String, both: AddrSet },
    #[error("extra for {0} belongs to no need")]
    ExtraOfNone(String),
    #[error("extra for {0} in lists that no firewall fetches")]
    ExtraInLists(String),
    #[error("{0} has no list of addresses that could be widened")]
    NotWidened(String),
    #[error("{flow} asks for other addresses than {first}, but shares its extra")]
    OtherExtra { flow: String, first: String },
    #[error("{} is asked for, but goes to {to} as an extra", short_list(both))]
    ExtraTaken { both: AddrSet, to: String },
}

/// What is declared to be kept cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeptError {
    /// Its text cannot be read.
    #[error("{name}: {error}")]
    Read {
        /// The collection.
        name: String,
        /// Why.
        error: ReadError,
    },
    /// Its rules cannot be replayed.
    #[error(transparent)]
    Replay(#[from] ReplayError),
}

/// What is wrong with the entries of a list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("{text}: {error}")]
    Prefix { text: String, error: PrefixError },
    #[error("{0} is of the other family")]
    Family(String),
    #[error("its entries are not in order")]
    Order,
    #[error("it holds nothing, which some firewalls take for no list")]
    Empty,
    #[error("entries overlap")]
    Overlap,
}

/// A packet that was tried: in one direction, or for a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tried {
    pub(super) way: Option<Direction>,
    pub(super) packet: Packet,
    pub(super) host: Option<HostKey>,
}

impl fmt::Display for Tried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(way) = self.way {
            write!(f, "{} ", way.name())?;
        }
        self.packet.fmt(f)?;
        match &self.host {
            Some(host) => write!(f, " for {host}"),
            None => Ok(()),
        }
    }
}

/// What decided: a rule by its name, or the default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct By(Option<String>);

impl By {
    pub(super) fn of(decision: &Decision<'_>) -> Self {
        By(decision.rule.map(|rule| rule.name.clone()))
    }
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_deref().unwrap_or("the default"))
    }
}

/// The subnet that a packet comes from, where there are several.
struct From<'a>(&'a Option<String>);

impl fmt::Display for From<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_ref().map_or(Ok(()), |subnet| write!(f, "from {subnet}: "))
    }
}

/// A value, or words where there is none.
struct Or<'a, T>(&'a Option<T>, &'static str);

impl<T: fmt::Display> fmt::Display for Or<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(value) => value.fmt(f),
            None => f.write_str(self.1),
        }
    }
}
