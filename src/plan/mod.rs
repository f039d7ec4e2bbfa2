//! [`Plan`]: what each target gets, within its limits. No format, no policy.

mod limits;
mod previous;

use std::fmt;

pub use limits::{Limit, Limits, Profile, Usage};
pub(crate) use previous::lost_nat;
pub use previous::{Previous, WidenedList};

use crate::addr::{AddrSet, Count, IpPrefix};
use crate::packet::{Direction, NextHop, Ports, Protocol};
use crate::target::Target;

/// What each target gets. Within limits; names legal, priorities unique and in range.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Name of the environment.
    pub name: String,
    /// The network security group.
    pub nsg: Option<Nsg>,
    /// The route table.
    pub route_table: Option<RouteTable>,
    /// The firewall's rules, in a firewall policy.
    pub firewall: Option<Firewall>,
    /// The firewall's rules, in the firewall itself.
    pub classic_firewall: Option<ClassicFirewall>,
    /// The IP groups that the firewall's rules use.
    pub ip_groups: Vec<IpGroup>,
    /// Service endpoint policies, one of a subnet.
    pub endpoint_policies: Vec<EndpointPolicy>,
    /// Lists of addresses, in order of their names.
    pub lists: Vec<AddressList>,
    /// How large one emitted file may be.
    pub file_caps: FileCaps,
    /// What a target cannot say.
    pub gaps: Vec<Gap>,
    /// What is admitted beyond what was asked for; empty as long as exact rules fit the limits.
    pub extras: Vec<Extra>,
    /// The fewest extra addresses with which the rules fit. Lists that were widened before may take a few more.
    pub fewest_extra: Count,
    /// How each flow became rules.
    pub choices: Vec<Choice>,
    /// What people should know about the way it was made; ascending, each once.
    pub notes: Vec<String>,
    /// How much of each limit is used.
    pub usage: Vec<Usage>,
}

/// A network security group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nsg {
    /// Name of the resource.
    pub name: String,
    /// Rules, inbound before outbound, each by priority.
    pub rules: Vec<NsgRule>,
}

/// Whether matching traffic passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// It passes.
    Allow,
    /// It is stopped.
    Deny,
}

/// One rule of a network security group. The source port is always any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NsgRule {
    /// Name, unique in the group ignoring case.
    pub name: String,
    /// 100 to 4096, unique per direction; lower is tried first.
    pub priority: u32,
    /// Direction.
    pub direction: Direction,
    /// Whether matching traffic passes.
    pub action: Action,
    /// Protocol.
    pub protocol: Protocol,
    /// Source.
    pub source: Side,
    /// Destination.
    pub destination: Side,
    /// Destination ports.
    pub ports: Ports,
    /// At most 140 characters.
    pub description: String,
    /// Ids of the flows that the rule is for.
    pub flows: Vec<String>,
}

/// One side of a rule of a network security group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Side {
    /// Every address of both families.
    Any,
    /// One service tag or symbolic tag.
    Tag(String),
    /// Prefixes of one family, ascending, none overlapping another.
    Prefixes(Vec<IpPrefix>),
}

/// A route table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteTable {
    /// Name of the resource.
    pub name: String,
    /// Whether routes learned by a gateway are kept off.
    pub disable_bgp: bool,
    /// Routes in order of their names.
    pub routes: Vec<Route>,
}

/// One user-defined route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Name, unique in the table ignoring case.
    pub name: String,
    /// Where it leads to.
    pub to: RouteTo,
    /// Its next hop.
    pub next_hop: NextHop,
}

/// What a route matches.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum RouteTo {
    /// One prefix.
    Prefix(IpPrefix),
    /// The published prefixes of a service tag.
    Tag(String),
}

impl fmt::Display for RouteTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RouteTo::Prefix(prefix) => prefix.fmt(f),
            RouteTo::Tag(name) => f.write_str(name),
        }
    }
}

/// The rules of a firewall policy: one rule collection group of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Firewall {
    /// Default name of the firewall policy that the group belongs to.
    pub policy_name: String,
    /// Groups in order of deployment.
    pub groups: Vec<RuleCollectionGroup>,
}

/// Classic rules: collections of a firewall that has no policy. Others may stand beside them in the same firewall.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassicFirewall {
    /// Default name of the firewall.
    pub name: String,
    /// The collections that have rules, network rules first; names and priorities are unique.
    pub collections: Vec<RuleCollection>,
    /// The name of the collection of network rules, whether or not there are any.
    pub network_name: String,
    /// The same for application rules.
    pub application_name: String,
}

impl ClassicFirewall {
    /// The collection of network rules, if there are any.
    pub fn network(&self) -> Option<&RuleCollection> {
        self.collections.iter().find(|c| matches!(c.rules, FirewallRules::Network(_)))
    }

    /// The collection of application rules, if there are any.
    pub fn application(&self) -> Option<&RuleCollection> {
        self.collections.iter().find(|c| matches!(c.rules, FirewallRules::Application(_)))
    }
}

/// A rule collection group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleCollectionGroup {
    /// Name.
    pub name: String,
    /// 100 to 65000.
    pub priority: u32,
    /// Collections by priority.
    pub collections: Vec<RuleCollection>,
    /// DNAT collections that an earlier generation's template held, kept as they were; templates carry them.
    pub nat: Vec<NatCollection>,
}

/// A collection of DNAT rules, as it stood in the template of an earlier generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NatCollection {
    /// Name of its rule collection group.
    pub group: String,
    /// Name.
    pub name: String,
    /// 100 to 65000, unique in the group.
    pub priority: u32,
    /// All of it, as compact JSON in the words of templates.
    pub json: String,
}

impl NatCollection {
    /// How many rules it holds.
    ///
    /// ```
    /// let json = r#"{ "rules": [{}, {}] }"#.to_owned();
    /// let nat = tagwall::plan::NatCollection { group: "g".into(), name: "n".into(), priority: 100, json };
    /// assert_eq!(nat.rules(), 2);
    /// ```
    pub fn rules(&self) -> usize {
        let found: Option<serde_json::Value> = serde_json::from_str(&self.json).ok();
        found.and_then(|value| value["rules"].as_array().map(Vec::len)).unwrap_or(0)
    }
}

/// A rule collection; every one that is made here allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleCollection {
    /// Name, unique in the group.
    pub name: String,
    /// 100 to 65000, unique in the group.
    pub priority: u32,
    /// The rules, all of one kind.
    pub rules: FirewallRules,
}

/// Rules of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FirewallRules {
    /// Matched by address or exact host name, any protocol and port.
    Network(Vec<NetworkRule>),
    /// Matched by the host name in HTTP or TLS.
    Application(Vec<ApplicationRule>),
}

impl FirewallRules {
    /// How many rules there are.
    pub fn len(&self) -> usize {
        match self {
            FirewallRules::Network(rules) => rules.len(),
            FirewallRules::Application(rules) => rules.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rules' names, in their order.
    pub fn names(&self) -> impl Iterator<Item = &String> + Clone {
        let (network, application): (&[NetworkRule], &[ApplicationRule]) = match self {
            FirewallRules::Network(rules) => (rules, &[]),
            FirewallRules::Application(rules) => (&[], rules),
        };
        network.iter().map(|r| &r.name).chain(application.iter().map(|r| &r.name))
    }
}

/// A network rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkRule {
    /// Name, unique in the collection.
    pub name: String,
    /// Why the rule is there.
    pub description: String,
    /// Protocols; [`NetworkProtocol::Any`] alone, or some of the others.
    pub protocols: Vec<NetworkProtocol>,
    /// Source prefixes, IPv4.
    pub sources: Vec<IpPrefix>,
    /// Destination.
    pub destination: Destination,
    /// Destination ports.
    pub ports: Ports,
    /// Ids of the flows that the rule is for.
    pub flows: Vec<String>,
}

/// The protocols that network rules know. ESP and AH have no word there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NetworkProtocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// ICMP.
    Icmp,
    /// Every protocol; with a list of ports, TCP and UDP.
    Any,
}

/// The destination of a network rule: one kind only, since Azure has refused mixtures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// Every address.
    Any,
    /// Service tags.
    Tags(Vec<String>),
    /// Prefixes, IPv4.
    Prefixes(Vec<IpPrefix>),
    /// IP groups by name.
    Groups(Vec<String>),
    /// Exact host names.
    Fqdns(Vec<String>),
}

/// An application rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplicationRule {
    /// Name, unique in the collection.
    pub name: String,
    /// Why the rule is there.
    pub description: String,
    /// Protocols and ports.
    pub protocols: Vec<(AppProtocol, u16)>,
    /// Source prefixes, IPv4.
    pub sources: Vec<IpPrefix>,
    /// What the name must match.
    pub to: AppTarget,
    /// Ids of the flows that the rule is for.
    pub flows: Vec<String>,
}

/// Protocol of an application rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AppProtocol {
    /// Plain HTTP.
    Http,
    /// HTTP over TLS.
    Https,
}

/// What an application rule matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppTarget {
    /// Host names, with `*.` at the left allowed.
    Fqdns(Vec<String>),
    /// Named sets of hosts.
    FqdnTags(Vec<String>),
    /// Hosts with paths; TLS must be inspected.
    Urls(Vec<String>),
}

/// An IP group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IpGroup {
    /// Name of the resource.
    pub name: String,
    /// Entries, IPv4, ascending.
    pub prefixes: Vec<IpPrefix>,
}

/// A service endpoint policy: all that a subnet may reach of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointPolicy {
    /// Name of the resource.
    pub name: String,
    /// The subnet it is for.
    pub subnet: String,
    /// Definitions in order of their names.
    pub definitions: Vec<EndpointDefinition>,
}

/// The resources of one service in a service endpoint policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointDefinition {
    /// Name, unique in the policy.
    pub name: String,
    /// At most 140 characters.
    pub description: String,
    /// `Microsoft.Storage` for ids of resources, `Global` for aliases.
    pub service: String,
    /// Ids or aliases, ascending; never both.
    pub resources: Vec<String>,
}

/// The addresses of one remote, for targets that take lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressList {
    /// Name, legal as that of a file and unique ignoring case.
    pub name: String,
    /// The remote as people know it.
    pub title: String,
    /// The fewest prefixes, IPv4 before IPv6, ascending.
    pub prefixes: Vec<IpPrefix>,
    /// The same for firewalls that fetch it, where those take no list as long as the exact one.
    pub fetched: Option<Vec<IpPrefix>>,
}

impl AddressList {
    /// The prefixes of each family that has some, with the family's name: `ipv4`, `ipv6`.
    pub fn families(&self) -> impl Iterator<Item = (&'static str, &[IpPrefix])> {
        by_family(&self.prefixes)
    }

    /// The same of the list as firewalls fetch it.
    pub fn fetched_families(&self) -> impl Iterator<Item = (&'static str, &[IpPrefix])> {
        by_family(self.fetched.as_ref().unwrap_or(&self.prefixes))
    }
}

fn by_family(prefixes: &[IpPrefix]) -> impl Iterator<Item = (&'static str, &[IpPrefix])> {
    let (v4, v6) = prefixes.split_at(prefixes.partition_point(|p| p.is_v4()));
    [("ipv4", v4), ("ipv6", v6)].into_iter().filter(|(_, prefixes)| !prefixes.is_empty())
}

/// How large one template may be. A plan that needs more is written as several, deployed in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileCaps {
    /// Bytes.
    pub bytes: usize,
    /// Resources.
    pub resources: usize,
}

/// Name, bytes and number of resources of one template as it is written.
pub type TemplateSize = (String, usize, usize);

impl Default for FileCaps {
    fn default() -> Self {
        FileCaps::of(&Limits::default())
    }
}

impl FileCaps {
    /// The caps that `limits` set.
    pub fn of(limits: &Limits) -> Self {
        let figure = |key| usize::try_from(limits.get(key)).unwrap_or(usize::MAX);
        FileCaps { bytes: figure("arm-template-bytes"), resources: figure("arm-resources") }
    }
}

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
    pub reason: String,
    /// What lets it through there all the same: ids of flows; empty if nothing does.
    pub covered_by: Vec<String>,
    /// What to do about it.
    pub remedy: String,
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
    /// The limit that the exact list does not fit.
    pub limit: String,
}

impl Plan {
    /// The rule collections of the firewall, in a policy or classic.
    pub fn rule_collections(&self) -> impl Iterator<Item = &RuleCollection> {
        let of_policy = self.firewall.iter().flat_map(|f| &f.groups).flat_map(|g| &g.collections);
        of_policy.chain(self.classic_firewall.iter().flat_map(|f| &f.collections))
    }

    /// The DNAT collections that are kept from an earlier generation.
    pub fn kept_nat(&self) -> Vec<NatCollection> {
        self.firewall.iter().flat_map(|f| &f.groups).flat_map(|g| g.nat.iter().cloned()).collect()
    }

    /// The extra addresses that `target` admits for the flow or route called `id`.
    pub fn extra_of(&self, target: Target, id: &str) -> AddrSet {
        extra_of(&self.extras, target, id)
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
    pub why: String,
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

/// Why no plan can be made within the limits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .over.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct OverLimit {
    /// Every limit that is exceeded.
    pub over: Vec<Exceeded>,
}

impl OverLimit {
    /// The smallest `precision.max-extra` with which all limits are kept, if there is one.
    ///
    /// ```
    /// use tagwall::{Error, catalog::Catalog, pipeline, policy::PolicySource, tags::{Cloud, Snapshot, sample}};
    /// let text = r#"
    ///     schema = 1
    ///     name = "demo"
    ///     region = "westeurope"
    ///     network.address-space = ["10.20.0.0/16"]
    ///     subnets.training.prefixes = ["10.20.1.0/24"]
    ///     groups.list = ["20.33.16.0/31", "20.33.16.2"]
    ///     limits.nsg-destination-prefixes = 6 # five are for what every group ends in
    ///     [[allow]]
    ///     to = "group:list"
    ///     protocol = "tcp"
    ///     ports = 443
    /// "#;
    /// let snapshot = Snapshot::parse(&sample::sample_json(Cloud::Public).unwrap())?;
    /// let source = PolicySource::read("demo.toml", text)?;
    /// let Err(Error::Limit(over)) = pipeline::generate(&source, Catalog::builtin(), &snapshot, None) else {
    ///     panic!("two prefixes do not fit");
    /// };
    /// assert_eq!(over.max_extra().unwrap().to_string(), "1");
    /// # Ok::<(), tagwall::Error>(())
    /// ```
    pub fn max_extra(&self) -> Option<Count> {
        self.over.iter().map(|exceeded| exceeded.extra).sum()
    }
}

/// One limit that is exceeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exceeded {
    /// Limit, what is had, and of which resource.
    pub usage: Usage,
    /// The way out.
    pub remedy: String,
    /// How many extra addresses it takes to keep the limit, beside those that limits before it in the list take, the
    /// fewest that do; `None` if no number is enough.
    pub extra: Option<Count>,
}

impl fmt::Display for Exceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Usage { key, of, have, limit, .. } = &self.usage;
        write!(f, "{of}: {key} is {limit}, {have} are needed; {}", self.remedy)
    }
}
