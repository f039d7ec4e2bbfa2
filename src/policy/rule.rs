//! [`PolicyParts`]: what a policy file means once every name in it is resolved. Neutral as to targets.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use super::held_why::HeldWhy;
use super::intent::{
    CatalogIntent, FirewallIntent, LimitsIntent, LintIntent, NamesIntent, NsgIntent, OutputIntent,
    RouteTableIntent,
};
use super::network::Network;
use super::note::{Note, TagNeed};
use super::short::{short_list, without};
use crate::addr::{AddrSet, Count, IntervalSet};
use crate::catalog::{Date, DatedFact, Fqdn, Risk, SkipWhy};
use crate::packet::{Direction, NextHop, Ports, Protocol};
use crate::plan::FlowId;
use crate::tags::{Cloud, Region, Symbol, Symbols, Tag};

/// What a policy is made of, not held to anything yet.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PolicyParts {
    /// Name of the environment.
    pub name: String,
    /// Cloud.
    pub cloud: Cloud,
    /// The day whose facts of the catalogue are taken.
    pub as_of: Date,
    /// Region of the environment.
    pub region: Arc<Region>,
    /// The virtual network and its subnets.
    pub network: Network,
    /// What must pass, in order of [`Flow::id`].
    pub flows: Vec<Flow>,
    /// What may never pass, before every flow, in order of [`Flow::id`].
    pub denies: Vec<Flow>,
    /// Routes that must hold beside the default, in order of [`RouteNeed::id`].
    pub routes: Vec<RouteNeed>,
    /// Default routes of single subnets, by name and family (IPv6 if set), in place of that of the route table.
    pub defaults: BTreeMap<(String, bool), NextHop>,
    /// Rules that a service keeps in the group of its subnets, in order of their names.
    pub managed: Vec<Managed>,
    /// Routes that a service keeps in the table of a subnet, in order of subnets and names; each is among `routes` too.
    pub managed_routes: Vec<ManagedRoute>,
    /// Priorities that no rule made here takes.
    pub reserved: IntervalSet<u16>,
    /// Names of resources, where the policy gives them.
    pub names: NamesIntent,
    /// Whether needs that work nowhere are accepted.
    pub accept_missing: bool,
    /// Service endpoint policies, at most one of a subnet, in order of subnets.
    pub endpoints: Vec<EndpointNeed>,
    /// How exact the rules must be.
    pub precision: Precision,
    /// Settings of the network security group.
    pub nsg: NsgIntent,
    /// Settings of the route table.
    pub route_table: RouteTableIntent,
    /// Settings of the firewall.
    pub firewall: FirewallIntent,
    /// Profile and single figures of the limits.
    pub limits: LimitSettings,
    /// Files of the user's catalogue.
    pub catalog: CatalogIntent,
    /// What to write.
    pub output: OutputIntent,
    /// What is not told again of what `lint` finds.
    pub lint: LintIntent,
    /// What the reader of the report must know.
    pub remarks: Remarks,
}

/// How exact rules must be.
///
/// Rules are exact as long as they fit the limits. Where they do not, lists of prefixes are widened to as few prefixes
/// as fit, by the fewest extra addresses; but only as far as the budget allows.
#[derive(Debug, Clone, Default)]
pub struct Precision {
    /// How many extra addresses may be admitted in the whole environment: the sum over its targets and directions,
    /// and in each over the distinct sets of addresses that are widened. A set that several rules of a target list
    /// counts once; an address that is added to two sets counts twice, and so does one that two targets add. Routes
    /// count each address that goes another way than asked. An IPv6 address counts as much as an IPv4 one.
    pub max_extra: Count,
    /// Addresses that may never be admitted as extra, beside [`never_extra`](crate::tags::never_extra) and the network's own.
    pub never: AddrSet,
    /// Addresses that some need excepts. They are no extra of any need, whether or not they are in what it names.
    pub excepted: AddrSet,
}

/// Profile and single figures of the limits, as the policy has them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LimitSettings {
    /// Name of the profile.
    pub profile: Option<String>,
    /// The day of the figures.
    pub date: Option<String>,
    /// Where the figures are from.
    pub source: Option<String>,
    /// Single figures.
    pub overrides: BTreeMap<String, u64>,
}

impl LimitSettings {
    pub(super) fn of(given: &LimitsIntent) -> Self {
        let LimitsIntent { profile, date, source, overrides } = given.clone();
        LimitSettings { profile, date, source, overrides }
    }
}

/// One need that must pass: the local side, the remote side, protocol and ports, and why.
#[derive(Debug, Clone)]
pub struct Flow {
    /// Names the flow for ever.
    pub id: FlowId,
    /// Whether the flow only stands in for host names, where a target cannot say them: a tag that hosts took the
    /// place of.
    pub stand_in: bool,
    /// Which side opens the connection.
    pub direction: Direction,
    /// Name of the subnet.
    pub subnet: String,
    /// The subnet's addresses.
    pub local: AddrSet,
    /// The other side.
    pub remote: Remote,
    /// Addresses taken out of the remote side.
    pub except: AddrSet,
    /// IP protocol.
    pub protocol: Protocol,
    /// Ports of the destination. With [`Protocol::Any`] and not all ports, TCP and UDP only.
    pub ports: Ports,
    /// Where the need comes from; at least one.
    pub causes: Vec<Cause>,
    /// Name of the group that a list of addresses stands in. Names made from it outlive changes of the list.
    pub group: Option<String>,
}

impl Flow {
    /// Whether the catalogue says that what lets this flow through lets `other` through too.
    pub fn covers(&self, other: &Flow) -> bool {
        self.subnet == other.subnet
            && self.direction == other.direction
            && self.id != other.id
            && other.causes.iter().any(|cause| {
                self.causes
                    .iter()
                    .any(|own| own.workload == cause.workload && cause.covered_by.contains(&own.row))
            })
    }

    /// The need as one for `tag`.
    pub(super) fn tag_need(&self, tag: &Tag) -> TagNeed {
        TagNeed {
            direction: self.direction,
            tag: tag.name().clone(),
            protocol: self.protocol,
            ports: self.ports.clone(),
            subnet: self.subnet.clone(),
        }
    }

    /// The remote addresses, where the remote side is one of addresses: a tag, prefixes, a symbol, anything. Only
    /// the families that the local side has, without what is excepted.
    pub fn remote_set(&self, symbols: &Symbols) -> Option<AddrSet> {
        let set = self.remote.addresses(symbols)?;
        Some(only_families_of(&set.difference(&self.except), &self.local))
    }
}

/// `set` without the families that `like` has no address of.
pub fn only_families_of(set: &AddrSet, like: &AddrSet) -> AddrSet {
    let mut out = AddrSet::empty();
    if !like.v4.is_empty() {
        out.v4 = set.v4.clone();
    }
    if !like.v6.is_empty() {
        out.v6 = set.v6.clone();
    }
    out
}

/// The far side of a flow.
#[derive(Debug, Clone)]
pub enum Remote {
    /// A service tag of the snapshot.
    Tag(Arc<Tag>),
    /// A service tag that no published file holds, by name: what it stands for is not known, and not proven.
    Outside(Arc<Tag>),
    /// A tag that Azure resolves by itself.
    Symbol(Symbol),
    /// Literal addresses.
    Addresses(AddrSet),
    /// A host name, exact or with a wildcard as its leftmost label.
    Fqdn(Fqdn),
    /// A named set of hosts that Azure Firewall knows.
    FqdnTag(String),
    /// A host with a path.
    Url(String),
    /// Anything.
    Any,
}

impl Remote {
    /// Its addresses, where it is one of addresses: a tag, prefixes, a symbol, anything.
    pub fn addresses(&self, symbols: &Symbols) -> Option<AddrSet> {
        Some(match self {
            Remote::Tag(tag) | Remote::Outside(tag) => tag.set().clone(),
            Remote::Addresses(set) => set.clone(),
            Remote::Symbol(symbol) => symbols.get(*symbol),
            Remote::Any => AddrSet::all(),
            Remote::Fqdn(_) | Remote::FqdnTag(_) | Remote::Url(_) => return None,
        })
    }
}

impl Remote {
    /// What kind of remote this is, one word for reports.
    pub fn kind(&self) -> &'static str {
        match self {
            Remote::Tag(_) => "tag",
            Remote::Outside(_) => "tag outside the file",
            Remote::Symbol(_) => "symbolic tag",
            Remote::Addresses(_) => "addresses",
            Remote::Fqdn(_) => "host",
            Remote::FqdnTag(_) => "FQDN tag",
            Remote::Url(_) => "URL",
            Remote::Any => "anything",
        }
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Remote::Tag(tag) | Remote::Outside(tag) => f.pad(tag.name().as_str()),
            Remote::Symbol(symbol) => symbol.fmt(f),
            Remote::Addresses(set) => f.pad(&short_list(set).to_string()),
            Remote::Fqdn(host) => f.pad(host.as_str()),
            Remote::FqdnTag(name) => write!(f, "FQDN tag {name}"),
            Remote::Url(url) => f.pad(url),
            Remote::Any => f.pad("*"),
        }
    }
}

/// Where a need comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cause {
    /// The workload, or `policy` for a need written by hand.
    pub workload: String,
    /// The workload's row, or the place in the policy file.
    pub row: String,
    /// What it is for.
    pub why: String,
    /// Where the fact is documented; empty for a need written by hand.
    pub source: String,
    /// Ids of rows whose rules cover this need on targets that cannot say it.
    pub covered_by: Vec<String>,
    /// Whether the workload fails without it.
    pub required: bool,
    /// The row of the catalogue; none for a need written by hand.
    pub origin: Option<Origin>,
}

impl Cause {
    /// Of a need written by hand.
    pub(super) fn by_hand(why: Option<&str>) -> Self {
        Cause {
            workload: FlowId::BY_HAND.to_owned(),
            row: String::new(),
            why: why.unwrap_or_default().to_owned(),
            source: String::new(),
            covered_by: Vec::new(),
            required: true,
            origin: None,
        }
    }
}

/// A row as the catalogue names it: without the region that its workload is asked for in, and without what tells the
/// parts of a row apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// The workload.
    pub workload: String,
    /// The row.
    pub row: String,
}

/// A route that must hold beside the default.
#[derive(Debug, Clone)]
pub struct RouteNeed {
    /// Names the route for ever.
    pub id: String,
    /// Where the route leads to, as a tag or addresses.
    pub to: Remote,
    /// Addresses taken out of that: this route is not for them, whatever others are.
    pub except: AddrSet,
    /// Its next hop.
    pub next_hop: NextHop,
    /// Whether its prefixes stand in the table as they are written: lines by hand, and what an appliance inspects inside
    /// the network.
    pub as_written: bool,
    /// What narrower lines by hand take of it, by the subnets whose table has both.
    pub nested: BTreeMap<String, AddrSet>,
    /// Names of the subnets whose table has it.
    pub subnets: BTreeSet<String>,
    /// What takes fewer routes, where the workload has an option for that.
    pub narrower: Option<String>,
    /// Where the need comes from; at least one.
    pub causes: Vec<Cause>,
}

impl RouteNeed {
    /// What a route is called: `to` in words, what is taken out of it, and the next hop.
    pub(super) fn id_for(to: impl fmt::Display, except: &AddrSet, next_hop: NextHop) -> String {
        format!("{to}{} -> {next_hop}", without(except))
    }

    /// `set`, addresses of this route, without what narrower lines take in the table of `subnet`.
    pub(super) fn unless_nested(&self, set: AddrSet, subnet: &str) -> AddrSet {
        match self.nested.get(subnet) {
            Some(nested) => set.difference(nested),
            None => set,
        }
    }
}

/// The resources that a subnet may reach through service endpoints, and no others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointNeed {
    /// Name of the subnet.
    pub subnet: String,
    /// Ids of resources or aliases, by service.
    pub definitions: BTreeMap<String, BTreeSet<String>>,
    /// Where the need comes from; the row is that whose tag is narrowed.
    pub causes: Vec<Cause>,
}

/// A service endpoint policy that could be made if the policy named the resources.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EndpointOffer {
    /// The workload, with its region where that is not the environment's.
    pub workload: String,
    /// Name of the subnet.
    pub subnet: String,
    /// The option that names the resources.
    pub option: &'static str,
    /// What it is for.
    pub purpose: String,
    /// Where this is written.
    pub source: String,
}

/// What must hold before a workload can work.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Precondition {
    /// The workload that says so.
    pub workload: String,
    /// The sentence.
    pub text: String,
    /// Whether it holds.
    pub held: Held,
}

/// Whether a precondition holds, by what the policy says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Held {
    /// It does, with why.
    Yes(HeldWhy),
    /// It does not, with why. What can never work is refused and is in no policy.
    No(HeldWhy),
    /// The policy does not say; with what would let it say so, where anything would.
    Unsaid(Option<HeldWhy>),
}

/// What the report says beside the rules.
#[derive(Debug, Clone, Default)]
pub struct Remarks {
    /// What must hold before the workloads can work, and whether it does as far as the policy says.
    pub preconditions: Vec<Precondition>,
    /// Risks, each once, with the flows or rows that it arises from.
    pub risks: Vec<(Risk, Vec<String>)>,
    /// Rows of workloads that make no rule, with the reason.
    pub skipped: Vec<SkippedRow>,
    /// Service endpoint policies that lack the ids of their resources.
    pub offers: Vec<EndpointOffer>,
    /// Spellings that were corrected, and other things to know.
    pub notes: Vec<Note>,
    /// What begins or ends near the day whose facts are taken, in order.
    pub dated: Vec<DatedFact>,
    /// What was asked for and has ended.
    pub retired: Vec<String>,
    /// What can be done and is hardly meant, each with its line of the policy file, in order of lines.
    pub warnings: Vec<String>,
}

impl Remarks {
    /// Notes a risk that arises from `from`; the same risk is listed once.
    pub(super) fn risk(&mut self, risk: &Risk, from: impl fmt::Display) {
        let from = from.to_string();
        match self.risks.iter_mut().find(|(known, _)| known.id == risk.id) {
            Some((_, places)) => places.push(from),
            None => self.risks.push((risk.clone(), vec![from])),
        }
    }

    /// The same remarks in an order that does not depend on that of the policy, each once.
    pub(super) fn in_order(mut self) -> Self {
        self.preconditions.sort();
        self.preconditions.dedup();
        self.risks.sort_by(|a, b| a.0.id.cmp(&b.0.id));
        for (_, places) in &mut self.risks {
            places.sort();
            places.dedup();
        }
        // By their texts, whatever kinds of reasons there are.
        self.skipped
            .sort_by_cached_key(|row| (row.workload.clone(), row.row.clone(), row.reason.to_string()));
        self.skipped.dedup();
        self.offers.sort();
        self.offers.dedup();
        // By their texts, which may be the same of lists that are not.
        self.notes.sort_by_cached_key(Note::to_string);
        self.notes.dedup_by_key(|note| note.to_string());
        self.dated.sort();
        self.dated.dedup();
        self.retired.sort();
        self.retired.dedup();
        self
    }
}

/// Why a row of a workload makes no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unmade {
    /// What the catalogue says of it here.
    #[error(transparent)]
    Row(#[from] SkipWhy),
    /// It is a way around a default route, and there is none to go around.
    #[error("a route is needed only where a default route leads to a firewall or appliance")]
    NotDiverted,
    /// The exceptions of the policy hold all of a route.
    #[error("nothing is left of the route to {0}: `except` takes all of it")]
    NothingLeft(
        /// Where the route would lead to.
        String,
    ),
}

/// A row of a workload that makes no rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedRow {
    /// The workload.
    pub workload: String,
    /// The row.
    pub row: String,
    /// Why.
    pub reason: Unmade,
    /// Whether the workload fails without it and nothing else covers it.
    pub required: bool,
}

/// A rule that a service puts into the group of its delegated subnets, and that Azure demands there: a template that
/// leaves it out is refused, or ends the service.
#[derive(Debug, Clone)]
pub struct Managed {
    /// The workload whose service it is.
    pub workload: String,
    /// Its subnets.
    pub subnets: BTreeSet<String>,
    /// Name of the rule, as the service gives it.
    pub name: String,
    /// Whether the name is another one for each subnet, so that each has a group of its own.
    pub of_subnet: bool,
    /// Priority, as the service gives it.
    pub priority: u32,
    /// Which side opens the connection.
    pub direction: Direction,
    /// Where packets come from.
    pub source: Remote,
    /// Where packets go to.
    pub destination: Remote,
    /// IP protocol.
    pub protocol: Protocol,
    /// Ports of the destination.
    pub ports: Ports,
    /// Description, as the service gives it.
    pub description: String,
    /// Where this is written.
    pub documented: String,
}

/// A route that a service puts into the table of its delegated subnet, and that Azure demands there under this name.
#[derive(Debug, Clone)]
pub struct ManagedRoute {
    /// The workload whose service it is.
    pub workload: String,
    /// The subnet.
    pub subnet: String,
    /// Name of the route, as the service gives it.
    pub name: String,
    /// Where it leads to: a tag, or the subnet's own prefix.
    pub to: Remote,
    /// Its next hop.
    pub next_hop: NextHop,
    /// Where this is written.
    pub documented: String,
}

impl ManagedRoute {
    /// What the route matches, as it stands in a table.
    pub fn matches(&self) -> String {
        self.to.to_string()
    }
}
