//! What emitted files say, in the words of Azure's resources: every reader of a format gives these.
//!
//! Fields hold text as it stands in the file. What the text means is the business of the replay.

use std::borrow::Cow;

/// The resources of one or several files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resources {
    /// Network security groups.
    pub nsgs: Vec<Nsg>,
    /// Route tables.
    pub route_tables: Vec<RouteTable>,
    /// Rule collection groups of firewall policies.
    pub groups: Vec<RuleCollectionGroup>,
    /// Firewalls with classic rules.
    pub firewalls: Vec<ClassicFirewall>,
    /// IP groups.
    pub ip_groups: Vec<IpGroup>,
    /// Service endpoint policies.
    pub endpoint_policies: Vec<EndpointPolicy>,
    /// What is put on which subnet, where the format says it.
    pub associations: Vec<Association>,
    /// What the files take where nobody says otherwise; only of files that tagwall wrote.
    pub settings: Vec<Setting>,
}

/// The default of a parameter or variable that says where something is made or which resource is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Where it stands.
    pub place: String,
    /// What it says.
    pub kind: SettingKind,
    /// The default.
    pub value: String,
}

/// What a [`Setting`] says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingKind {
    /// The environment.
    Environment,
    /// The resource group that everything is made in.
    ResourceGroup,
    /// The region that resources are made in.
    Location,
    /// The firewall policy that groups of rules are made in.
    FirewallPolicy,
    /// The firewall that classic rules are put into.
    Firewall,
    /// The collection of network rules that is replaced in it.
    NetworkCollection,
    /// The collection of application rules that is replaced in it.
    ApplicationCollection,
    /// Name of the classic collection of network rules that deny.
    NetworkDenies,
    /// The same of application rules.
    ApplicationDenies,
    /// Whether groups of rules are put into the draft of the firewall policy or are in force at once.
    Draft,
    /// The version of Azure's network API that the members are written in.
    ApiVersion,
    /// How the names begin of the rules that a script takes for tagwall's, and deletes where it makes them no more: a line
    /// each.
    OwnRules,
    /// Patterns of rules that a script leaves alone: a line each.
    KeptRules,
}

impl Resources {
    /// Adds the resources of another file.
    pub fn extend(&mut self, other: Resources) {
        self.nsgs.extend(other.nsgs);
        self.route_tables.extend(other.route_tables);
        self.groups.extend(other.groups);
        self.firewalls.extend(other.firewalls);
        self.ip_groups.extend(other.ip_groups);
        self.endpoint_policies.extend(other.endpoint_policies);
        self.associations.extend(other.associations);
        self.settings.extend(other.settings);
    }

    /// The rule collections of firewalls, in a policy or classic.
    pub fn rule_collections(&self) -> impl Iterator<Item = &RuleCollection> {
        let of_policies = self.groups.iter().flat_map(|g| &g.collections);
        of_policies.chain(self.firewalls.iter().flat_map(|f| &f.collections))
    }
}

/// What a subnet has of the resources that are made: names of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Association {
    /// Name of the subnet.
    pub subnet: String,
    /// Its prefixes.
    pub prefixes: Vec<String>,
    /// Name of its network security group.
    pub nsg: Option<String>,
    /// Name of its route table.
    pub route_table: Option<String>,
    /// Name of its service endpoint policy.
    pub service_endpoint_policy: Option<String>,
    /// What the subnet is for, where it is no ordinary one.
    pub reserved: Option<String>,
}

/// A network security group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Nsg {
    /// Name.
    pub name: String,
    /// Rules in order of the file.
    pub rules: Vec<SecurityRule>,
}

/// A text of a field that nearly always holds one of few: those take no memory of their own.
pub type Word = Cow<'static, str>;

/// Direction, access, protocol, next hop and origin as clients write them.
const WORDS: [&str; 24] = [
    "Inbound",
    "Outbound",
    "Allow",
    "Deny",
    "Tcp",
    "Udp",
    "*",
    "Icmp",
    "Esp",
    "Ah",
    "TCP",
    "UDP",
    "All",
    "Any",
    "ICMP",
    "AlwaysAllow",
    "VirtualAppliance",
    "Internet",
    "None",
    "VnetLocal",
    "VNetLocal",
    "VirtualNetworkGateway",
    "Default",
    "User",
];

/// A text as a [`Word`], exactly as it is.
///
/// ```
/// use tagwall::read::resources::word;
/// assert_eq!(word("Inbound"), "Inbound");
/// assert_eq!(word("inbound?"), "inbound?");
/// ```
pub fn word(text: &str) -> Word {
    match WORDS.iter().find(|known| **known == text) {
        Some(known) => Cow::Borrowed(known),
        None => Cow::Owned(text.to_owned()),
    }
}

/// A rule of a network security group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecurityRule {
    /// Name.
    pub name: String,
    /// Description.
    pub description: String,
    /// Priority.
    pub priority: i64,
    /// `Inbound` or `Outbound`.
    pub direction: Word,
    /// `Allow` or `Deny`.
    pub access: Word,
    /// `Tcp`, `Udp`, `Icmp`, `Esp`, `Ah` or `*`.
    pub protocol: Word,
    /// Addresses, prefixes, one tag or `*`.
    pub sources: Vec<String>,
    /// The same for the other side.
    pub destinations: Vec<String>,
    /// Ports and ranges of the source.
    pub source_ports: Vec<String>,
    /// Ports and ranges of the destination.
    pub destination_ports: Vec<String>,
}

/// A route table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RouteTable {
    /// Name.
    pub name: String,
    /// Whether routes learned by a gateway are kept off; Azure takes them where the file does not say.
    pub disable_bgp: Option<bool>,
    /// Whether the routes of peerings are kept off; Azure takes them where the file does not say.
    pub disable_peering_route: Option<bool>,
    /// Routes in order of the file.
    pub routes: Vec<Route>,
}

/// A route.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Route {
    /// Name.
    pub name: String,
    /// Prefix or service tag.
    pub address_prefix: String,
    /// `VirtualAppliance`, `Internet`, `None`, `VnetLocal`, `VirtualNetworkGateway`.
    pub next_hop_type: String,
    /// Address of the appliance.
    pub next_hop_address: Option<String>,
}

/// An IP group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IpGroup {
    /// Name.
    pub name: String,
    /// Full id, where the file gives one: rules of other resource groups name the IP group by it.
    pub id: Option<String>,
    /// Addresses, prefixes and ranges.
    pub addresses: Vec<String>,
}

/// A service endpoint policy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndpointPolicy {
    /// Name.
    pub name: String,
    /// The subnet that the policy is for, where the format says it.
    pub subnet: Option<String>,
    /// Definitions in order of the file.
    pub definitions: Vec<EndpointDefinition>,
}

/// A definition of a service endpoint policy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndpointDefinition {
    /// Name.
    pub name: String,
    /// Description.
    pub description: String,
    /// `Microsoft.Storage` or `Global`.
    pub service: String,
    /// Ids of resources, or aliases.
    pub resources: Vec<String>,
}

/// A list of addresses of one family.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressList {
    /// Name of the file or set.
    pub name: String,
    /// Whether the list is for IPv6, by its name or type.
    pub v6: bool,
    /// What stands beside the entries.
    pub remarks: Remarks,
    /// The table that a set is in, where the format has tables.
    pub table: Option<String>,
    /// Addresses and prefixes in order of the file.
    pub entries: Vec<String>,
}

/// What stands beside the entries of a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Remarks {
    /// Nothing.
    #[default]
    None,
    /// A line at the top that begins with `#`.
    Head,
    /// The same text behind each entry.
    Entries,
}

/// A rule collection group of a firewall policy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleCollectionGroup {
    /// Name, without that of the policy.
    pub name: String,
    /// Priority.
    pub priority: i64,
    /// Collections in order of the file.
    pub collections: Vec<RuleCollection>,
}

/// A firewall with classic rules: collections of its own, without a policy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClassicFirewall {
    /// Name.
    pub name: String,
    /// Collections of all kinds, in order of the file. Each priority is that of one collection of a kind.
    pub collections: Vec<RuleCollection>,
}

/// A rule collection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleCollection {
    /// Name.
    pub name: String,
    /// Priority.
    pub priority: i64,
    /// `Allow` or `Deny`; `DNAT` where the rules are [`FirewallRule::Nat`].
    pub action: String,
    /// Rules in order of the file, which is the order they are tried in.
    pub rules: Vec<FirewallRule>,
}

/// A rule of a firewall policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FirewallRule {
    /// Matched by address or exact host.
    Network(NetworkRule),
    /// Matched by the host in HTTP or TLS.
    Application(ApplicationRule),
    /// Sends what comes to an address of the firewall elsewhere; tried before all others.
    Nat(NatRule),
}

impl FirewallRule {
    /// The rule's name.
    pub fn name(&self) -> &str {
        match self {
            FirewallRule::Network(rule) => &rule.name,
            FirewallRule::Application(rule) => &rule.name,
            FirewallRule::Nat(rule) => &rule.name,
        }
    }
}

/// A DNAT rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NatRule {
    /// Name.
    pub name: String,
    /// `TCP`, `UDP`.
    pub protocols: Vec<String>,
    /// Source addresses and prefixes.
    pub sources: Vec<String>,
    /// Names of source IP groups, or whole ids of those elsewhere.
    pub source_groups: Vec<String>,
    /// Addresses of the firewall.
    pub destinations: Vec<String>,
    /// Destination ports and ranges.
    pub ports: Vec<String>,
    /// The address or host that matching traffic goes to.
    pub translated: String,
    /// The port that it goes to.
    pub translated_port: String,
}

/// A network rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetworkRule {
    /// Name.
    pub name: String,
    /// `TCP`, `UDP`, `ICMP`, `Any`.
    pub protocols: Vec<String>,
    /// Source addresses and prefixes.
    pub sources: Vec<String>,
    /// Names of source IP groups, or whole ids of those elsewhere.
    pub source_groups: Vec<String>,
    /// Destination addresses, prefixes and service tags.
    pub destinations: Vec<String>,
    /// Names of destination IP groups, or whole ids of those elsewhere.
    pub destination_groups: Vec<String>,
    /// Destination hosts.
    pub fqdns: Vec<String>,
    /// Destination ports and ranges.
    pub ports: Vec<String>,
}

/// An application rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApplicationRule {
    /// Name.
    pub name: String,
    /// Source addresses and prefixes.
    pub sources: Vec<String>,
    /// Names of source IP groups, or whole ids of those elsewhere.
    pub source_groups: Vec<String>,
    /// `Http` or `Https`, with the port.
    pub protocols: Vec<(String, u16)>,
    /// Hosts, `*` at the left allowed.
    pub fqdns: Vec<String>,
    /// URLs.
    pub urls: Vec<String>,
    /// FQDN tags.
    pub fqdn_tags: Vec<String>,
    /// Web categories.
    pub web_categories: Vec<String>,
    /// Whether TLS is inspected.
    pub terminate_tls: bool,
}
