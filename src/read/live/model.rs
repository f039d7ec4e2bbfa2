//! What was read of files that others made: resources with their places, and what of them is not known.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::adopt::join;
use super::place::Place;
use crate::read::resources::{RuleCollection, SecurityRule, Word};

/// Something to be said of a place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Note {
    /// Where.
    pub place: Place,
    /// What.
    pub text: String,
}

impl Note {
    /// What is to be said of a place; only here it becomes text.
    pub(super) fn new(place: Place, what: impl fmt::Display) -> Self {
        Note { place, text: what.to_string() }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}

/// What files hold, in any dialect.
///
/// Texts stand as in the file. Values that are not known (an expression of a template without its parameters, what
/// Terraform knows after it has applied) are texts too; they are no address and no tag, so that nobody takes them for
/// one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Live {
    /// Network security groups.
    pub groups: Vec<LiveGroup>,
    /// Route tables, and routes in effect.
    pub tables: Vec<LiveTable>,
    /// Rule collection groups of firewall policies.
    pub collection_groups: Vec<LiveCollectionGroup>,
    /// Firewalls, with classic rules or the policy that they follow.
    pub firewalls: Vec<LiveFirewall>,
    /// Firewall policies, for which is above which.
    pub policies: Vec<LiveFirewallPolicy>,
    /// IP groups.
    pub ip_groups: Vec<LiveIpGroup>,
    /// Virtual networks.
    pub networks: Vec<LiveNetwork>,
    /// Subnets, those of the networks among them.
    pub subnets: Vec<LiveSubnet>,
    /// Network interfaces.
    pub interfaces: Vec<LiveInterface>,
    /// Security admin rules of a network manager.
    pub admin_rules: Vec<LiveAdminRule>,
    /// Recorded flows.
    pub flows: Vec<FlowTuple>,
    /// What Azure answered to questions after a packet.
    pub answers: Vec<RecordedAnswer>,
    /// What was passed over, each with its reason.
    pub passed_over: Vec<Note>,
    /// What is known to be missing: pages that have a next one, lists that are not resolved. Nothing is proven of files
    /// that have any.
    pub incomplete: Vec<Note>,
}

impl Live {
    /// Whether no resource was found.
    pub fn is_empty(&self) -> bool {
        self.resources().next().is_none()
            && self.admin_rules.is_empty()
            && self.flows.is_empty()
            && self.answers.is_empty()
    }

    /// Kind, name and place of every resource, in order of the kinds and of the files.
    pub fn resources(&self) -> impl Iterator<Item = (&'static str, &str, &Place)> {
        let groups = self.groups.iter().map(|g| ("nsg", g.name.as_str(), &g.place));
        let tables = self.tables.iter().map(|t| ("route-table", t.name.as_str(), &t.place));
        let collections =
            self.collection_groups.iter().map(|g| ("rule-collection-group", g.name.as_str(), &g.place));
        let firewalls = self.firewalls.iter().map(|f| ("firewall", f.name.as_str(), &f.place));
        let policies = self.policies.iter().map(|p| ("firewall-policy", p.name.as_str(), &p.place));
        let ip_groups = self.ip_groups.iter().map(|g| ("ip-group", g.name.as_str(), &g.place));
        let networks = self.networks.iter().map(|n| ("vnet", n.name.as_str(), &n.place));
        let subnets = self.subnets.iter().map(|s| ("subnet", s.name.as_str(), &s.place));
        let interfaces = self.interfaces.iter().map(|i| ("nic", i.name.as_str(), &i.place));
        groups
            .chain(tables)
            .chain(collections)
            .chain(firewalls)
            .chain(policies)
            .chain(ip_groups)
            .chain(networks)
            .chain(subnets)
            .chain(interfaces)
    }

    /// Adds what another file holds.
    pub fn extend(&mut self, other: Live) {
        join(&mut self.groups, other.groups);
        join(&mut self.tables, other.tables);
        join(&mut self.collection_groups, other.collection_groups);
        join(&mut self.firewalls, other.firewalls);
        join(&mut self.policies, other.policies);
        join(&mut self.ip_groups, other.ip_groups);
        join(&mut self.networks, other.networks);
        join(&mut self.subnets, other.subnets);
        join(&mut self.interfaces, other.interfaces);
        join(&mut self.admin_rules, other.admin_rules);
        join(&mut self.flows, other.flows);
        join(&mut self.answers, other.answers);
        join(&mut self.passed_over, other.passed_over);
        join(&mut self.incomplete, other.incomplete);
    }
}

/// A network security group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LiveGroup {
    /// Name.
    pub name: String,
    /// Whole id, where the file gives one.
    pub id: Option<String>,
    /// Rules of people, in order of the file; Azure's own are not among them.
    pub rules: Vec<LiveRule>,
    /// How many of Azure's own rules the file lists.
    pub defaults: usize,
    /// What the group is put on, as the file says: ids of subnets and interfaces. For rules in effect, the association.
    pub applied_to: Vec<String>,
    /// Whether these are rules in effect on an interface, and not what was configured.
    pub effective: bool,
    /// Where it stands.
    pub place: Place,
    /// Why its rules are not all known; empty where they are.
    pub incomplete: Vec<Note>,
}

/// A rule of a network security group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LiveRule {
    /// Its fields as texts. A side that names application security groups has them in the next two.
    pub rule: SecurityRule,
    /// Ids of application security groups of the source.
    pub source_groups: Vec<String>,
    /// Ids of application security groups of the destination.
    pub destination_groups: Vec<String>,
    /// Fields that the file lacks or does not resolve, of those without which a rule says nothing: priority, direction,
    /// access, protocol.
    pub unknown: Vec<&'static str>,
    /// Where it stands.
    pub place: Place,
}

/// A route table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LiveTable {
    /// Name.
    pub name: String,
    /// Whole id, where the file gives one.
    pub id: Option<String>,
    /// Whether routes of gateways are kept off.
    pub disable_bgp: Option<bool>,
    /// Whether routes of peerings are kept off.
    pub disable_peering_route: Option<bool>,
    /// Routes in order of the file.
    pub routes: Vec<LiveRoute>,
    /// Ids of the subnets that it is put on, as the file says.
    pub applied_to: Vec<String>,
    /// Whether these are routes in effect, the system's among them.
    pub effective: bool,
    /// Where it stands.
    pub place: Place,
    /// Why its routes are not all known; empty where they are.
    pub incomplete: Vec<Note>,
}

/// A route.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LiveRoute {
    /// Name; empty where there is none.
    pub name: String,
    /// Prefixes, or one service tag. Routes in effect have several.
    pub prefixes: Vec<String>,
    /// Type of the next hop, as text.
    pub next_hop_type: Word,
    /// Address of the appliance.
    pub next_hop_address: Option<String>,
    /// `Default`, `User`, `VirtualNetworkGateway`, for routes in effect.
    pub source: Option<Word>,
    /// Where it stands.
    pub place: Place,
}

/// A rule collection group of a firewall policy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LiveCollectionGroup {
    /// Name, without that of the policy.
    pub name: String,
    /// Whole id, where the file gives one.
    pub id: Option<String>,
    /// Name of the policy, where the file gives it.
    pub policy: Option<String>,
    /// Priority; `None` where it is not known.
    pub priority: Option<i64>,
    /// Collections in order of the file.
    pub collections: Vec<LiveCollection>,
    /// Where it stands.
    pub place: Place,
    /// Why its rules are not all known; empty where they are.
    pub incomplete: Vec<Note>,
}

/// A rule collection with the places of its rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LiveCollection {
    /// What it holds.
    pub collection: RuleCollection,
    /// The place of each rule.
    pub places: Vec<Place>,
    /// Whether the priority is known.
    pub has_priority: bool,
}

/// A firewall.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LiveFirewall {
    /// Name.
    pub name: String,
    /// Whole id, where the file gives one.
    pub id: Option<String>,
    /// Id or name of the policy that it follows.
    pub policy: Option<String>,
    /// Its private addresses.
    pub addresses: Vec<String>,
    /// Collections of its own, without a policy.
    pub collections: Vec<LiveCollection>,
    /// Where it stands.
    pub place: Place,
    /// Why its rules are not all known; empty where they are.
    pub incomplete: Vec<Note>,
}

/// A firewall policy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LiveFirewallPolicy {
    /// Name.
    pub name: String,
    /// Id or name of the policy whose rules come first.
    pub base: Option<String>,
    /// Where it stands.
    pub place: Place,
}

/// An IP group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LiveIpGroup {
    /// Name.
    pub name: String,
    /// Whole id, where the file gives one.
    pub id: Option<String>,
    /// Addresses, prefixes and ranges.
    pub addresses: Vec<String>,
    /// The region that it is in, where that is known.
    pub location: Option<String>,
    /// Where it stands.
    pub place: Place,
}

/// A virtual network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LiveNetwork {
    /// Name.
    pub name: String,
    /// Whole id, where the file gives one.
    pub id: Option<String>,
    /// Address space.
    pub space: Vec<String>,
    /// Address spaces of peered networks.
    pub peers: Vec<String>,
    /// The region that it is in, as the file spells it.
    pub location: Option<String>,
    /// DNS servers of its own.
    pub dns: Vec<String>,
    /// Where it stands.
    pub place: Place,
}

/// A subnet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LiveSubnet {
    /// Name.
    pub name: String,
    /// Whole id, where the file gives one.
    pub id: Option<String>,
    /// Name of the network, where it is known.
    pub network: Option<String>,
    /// Prefixes.
    pub prefixes: Vec<String>,
    /// Id or name of its network security group.
    pub group: Option<String>,
    /// Id or name of its route table.
    pub table: Option<String>,
    /// Service endpoints.
    pub endpoints: Vec<String>,
    /// Services that it is delegated to.
    pub delegations: Vec<String>,
    /// Whether it has a NAT gateway.
    pub nat: bool,
    /// Whether it has default outbound access; `None` where the file does not say.
    pub default_outbound: Option<bool>,
    /// Where it stands.
    pub place: Place,
}

/// A network interface.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LiveInterface {
    /// Name.
    pub name: String,
    /// Whole id, where the file gives one.
    pub id: Option<String>,
    /// Private addresses.
    pub addresses: Vec<String>,
    /// Ids of the subnets of its addresses.
    pub subnets: Vec<String>,
    /// Id or name of its network security group.
    pub group: Option<String>,
    /// Ids of its application security groups.
    pub security_groups: Vec<String>,
    /// Whether it has a public address.
    pub is_public: bool,
    /// Where it stands.
    pub place: Place,
}

/// A security admin rule of a network manager: tried before security groups.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LiveAdminRule {
    /// The rule; its access is `Allow`, `Deny` or `AlwaysAllow`.
    pub rule: SecurityRule,
    /// Where it stands.
    pub place: Place,
}

/// One line of a flow log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FlowTuple {
    /// When, in milliseconds since 1970.
    pub time_ms: i64,
    /// Source address.
    pub source: String,
    /// Destination address.
    pub destination: String,
    /// Source port.
    pub source_port: u16,
    /// Destination port.
    pub destination_port: u16,
    /// Protocol number.
    pub protocol: u8,
    /// Whether the flow came from outside.
    pub inbound: bool,
    /// `A` allowed or `D` denied in network security group logs; `B`egin, `C`ontinuing, `E`nd, `D`enied in those of
    /// virtual networks.
    pub state: char,
    /// The rule that decided, as the log names it; the lines of one list share it.
    pub rule: Arc<str>,
    /// The resource whose rules decided.
    pub resource: Arc<str>,
    /// Bytes both ways, where the log counts them.
    pub bytes: Option<u64>,
}

impl FlowTuple {
    /// Whether the flow was let through.
    pub fn is_allowed(&self) -> bool {
        self.state != 'D'
    }
}

/// What Azure answered to the question after a packet: network diagnostics.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordedAnswer {
    /// What was asked: source, destination, protocol, destination port, direction.
    pub asked: [String; 5],
    /// For each list in order: what it is, its resource, the rule that matched, the action.
    pub steps: Vec<[String; 4]>,
    /// `Allow` or `Deny`.
    pub verdict: String,
    /// Where it stands.
    pub place: Place,
}
