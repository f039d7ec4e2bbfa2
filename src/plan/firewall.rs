//! What Azure Firewall gets: rules in a policy or in the firewall itself, and IP groups.

use super::nsg::Action;
use crate::addr::IpPrefix;
use crate::packet::Ports;

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
    /// The collections that have rules, network rules first, of each kind what denies before what allows; names and
    /// priorities are unique.
    pub collections: Vec<RuleCollection>,
    /// The name of the collection of network rules, whether or not there are any.
    pub network_name: String,
    /// The same for application rules.
    pub application_name: String,
}

impl ClassicFirewall {
    /// The collections of network rules: the one that denies, if there is one, then the one that allows.
    pub fn network(&self) -> Vec<&RuleCollection> {
        self.collections.iter().filter(|c| matches!(c.rules, FirewallRules::Network(_))).collect()
    }

    /// The same of application rules.
    pub fn application(&self) -> Vec<&RuleCollection> {
        self.collections.iter().filter(|c| matches!(c.rules, FirewallRules::Application(_))).collect()
    }

    /// The names of the collections of network rules that are made here, one of which may have no rules now.
    pub fn network_names(&self) -> Vec<&str> {
        names_of(&self.network(), &self.network_name)
    }

    /// The same of application rules.
    pub fn application_names(&self) -> Vec<&str> {
        names_of(&self.application(), &self.application_name)
    }
}

/// The name that always is there, and those of what denies besides.
fn names_of<'a>(collections: &[&'a RuleCollection], allowing: &'a str) -> Vec<&'a str> {
    let denying = collections.iter().map(|c| c.name.as_str()).filter(|name| *name != allowing);
    std::iter::once(allowing).chain(denying).collect()
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

/// A rule collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleCollection {
    /// Name, unique in the group.
    pub name: String,
    /// 100 to 65000, unique in the group.
    pub priority: u32,
    /// Whether what matches passes.
    pub action: Action,
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
