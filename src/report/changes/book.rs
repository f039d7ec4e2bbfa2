//! [`RuleBook`]: what one environment's rules admit, in a form that outlives the plan.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use crate::addr::IpPrefix;
use crate::packet::{Direction, NextHop, Ports};
use crate::plan::{
    Action, AppTarget, Destination, FirewallRules, NetworkRule, NsgRule, Plan, RouteTo, RuleCollection, Side,
};
use crate::policy::{Policy, Remote};
use crate::tags::Snapshot;
use crate::target::Target;

/// The data that a generation was made from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SnapshotMark {
    /// Name of the cloud.
    pub cloud: String,
    /// The file's own number; a label only.
    pub change_number: u64,
    /// Digest of the content.
    pub sha256: String,
}

/// All rules of one environment, and the tags behind them. Serialises to the state that is kept with a generation.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RuleBook {
    /// Version of this form; 1.
    pub schema: u32,
    /// Name of the environment.
    pub name: String,
    /// The data.
    pub snapshot: SnapshotMark,
    /// The rules.
    pub rules: Vec<RuleView>,
    /// Prefixes of the tags in use, the fewest, by name.
    pub tags: BTreeMap<String, Vec<String>>,
}

/// One rule, IP group or bundle of routes with the same next hop.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleView {
    /// `nsg`, `route-table` or `firewall`.
    pub target: String,
    /// The resource that it is in.
    pub resource: String,
    /// Its name, unique in the resource.
    pub rule: String,
    /// All but the remote side, in words.
    pub settings: String,
    /// The remote side as prefixes.
    pub prefixes: Vec<String>,
    /// The remote side as names: tags, hosts, IP groups, `any`.
    pub names: Vec<String>,
    /// Tags that the rule is there for.
    pub tags: Vec<String>,
}

impl RuleView {
    /// Whether both let the same pass. How a set is cut into prefixes plays no part.
    pub(super) fn same_effect(&self, other: &RuleView) -> bool {
        self.settings == other.settings
            && self.names == other.names
            && (self.prefixes == other.prefixes
                || super::set_of(&self.prefixes) == super::set_of(&other.prefixes))
    }
}

impl RuleBook {
    /// The rules of `plan` with the tags that its flows are for.
    pub fn new(policy: &Policy, plan: &Plan, snapshot: &Snapshot) -> Self {
        let tags_of = TagsOf::new(policy);
        let mut rules = Vec::new();
        nsg_rules(plan, &tags_of, &mut rules);
        routes(plan, policy, &mut rules);
        firewall_rules(plan, &tags_of, &mut rules);
        endpoint_policies(plan, &mut rules);
        let remotes =
            policy.flows.iter().map(|f| &f.remote).chain(policy.routes.iter().map(|route| &route.to));
        let tags = remotes.filter_map(|remote| match remote {
            Remote::Tag(tag) => Some((tag.name().to_string(), texts(tag.set().prefixes()))),
            _ => None,
        });
        RuleBook {
            schema: 1,
            name: policy.name.clone(),
            snapshot: SnapshotMark {
                cloud: snapshot.cloud().name().to_owned(),
                change_number: snapshot.change_number(),
                sha256: snapshot.digest().to_owned(),
            },
            rules,
            tags: tags.collect(),
        }
    }
}

/// Which tag each flow is for.
struct TagsOf<'a>(HashMap<&'a str, String>);

impl<'a> TagsOf<'a> {
    fn new(policy: &'a Policy) -> Self {
        let named = policy.flows.iter().filter_map(|flow| match &flow.remote {
            Remote::Tag(tag) => Some((flow.id.as_str(), tag.name().to_string())),
            _ => None,
        });
        TagsOf(named.collect())
    }

    fn of(&self, flows: &[String]) -> Vec<String> {
        let mut tags: Vec<String> = flows.iter().filter_map(|id| self.0.get(id.as_str())).cloned().collect();
        tags.sort_unstable();
        tags.dedup();
        tags
    }
}

fn nsg_rules(plan: &Plan, tags_of: &TagsOf<'_>, into: &mut Vec<RuleView>) {
    let Some(nsg) = &plan.nsg else { return };
    for rule in &nsg.rules {
        let (remote, local) = match rule.direction {
            Direction::Outbound => (&rule.destination, &rule.source),
            Direction::Inbound => (&rule.source, &rule.destination),
        };
        let (prefixes, names) = side(remote);
        into.push(RuleView {
            target: Target::Nsg.name().to_owned(),
            resource: nsg.name.clone(),
            rule: rule.name.clone(),
            settings: nsg_settings(rule, local),
            prefixes,
            names,
            tags: tags_of.of(&rule.flows),
        });
    }
}

fn nsg_settings(rule: &NsgRule, local: &Side) -> String {
    let action = match rule.action {
        Action::Allow => "allow",
        Action::Deny => "deny",
    };
    let (prefixes, names) = side(local);
    let local = prefixes.into_iter().chain(names).collect::<Vec<_>>().join(", ");
    let ports = ports_text(&rule.ports);
    format!("{} {action} {} {ports}, local side {local}", rule.direction.name(), rule.protocol)
}

fn ports_text(ports: &Ports) -> String {
    if ports.is_all() { "all ports".to_owned() } else { format!("ports {}", ports.ranges().join(", ")) }
}

fn side(side: &Side) -> (Vec<String>, Vec<String>) {
    match side {
        Side::Any => (Vec::new(), vec!["any".to_owned()]),
        Side::Tag(name) => (Vec::new(), vec![name.clone()]),
        Side::Prefixes(list) => (texts(list.iter().copied()), Vec::new()),
    }
}

/// Routes by next hop: a single route for each prefix tells an administrator nothing.
fn routes(plan: &Plan, policy: &Policy, into: &mut Vec<RuleView>) {
    let Some(table) = &plan.route_table else { return };
    let mut by_hop: BTreeMap<String, (Vec<String>, Vec<String>, NextHop)> = BTreeMap::new();
    for route in &table.routes {
        let (prefixes, names, _) =
            by_hop.entry(route.next_hop.to_string()).or_insert((Vec::new(), Vec::new(), route.next_hop));
        match &route.to {
            RouteTo::Prefix(prefix) => prefixes.push(prefix.to_string()),
            RouteTo::Tag(name) => names.push(name.clone()),
        }
    }
    for (hop, (prefixes, names, next_hop)) in by_hop {
        let needs = policy.routes.iter().filter(|need| need.next_hop == next_hop);
        let tags = needs.filter_map(|need| match &need.to {
            Remote::Tag(tag) => Some(tag.name().to_string()),
            _ => None,
        });
        into.push(RuleView {
            target: Target::RouteTable.name().to_owned(),
            resource: table.name.clone(),
            rule: format!("routes to {hop}"),
            settings: format!("next hop {hop}"),
            prefixes,
            names,
            tags: tags.collect(),
        });
    }
}

fn endpoint_policies(plan: &Plan, into: &mut Vec<RuleView>) {
    for policy in &plan.endpoint_policies {
        into.extend(policy.definitions.iter().map(|definition| RuleView {
            target: "service-endpoint-policy".to_owned(),
            resource: policy.name.clone(),
            rule: definition.name.clone(),
            settings: format!("{} from subnet {}", definition.service, policy.subnet),
            prefixes: Vec::new(),
            names: definition.resources.clone(),
            tags: Vec::new(),
        }));
    }
}

fn firewall_rules(plan: &Plan, tags_of: &TagsOf<'_>, into: &mut Vec<RuleView>) {
    let of_policy = plan.firewall.as_ref().map(|f| f.policy_name.as_str());
    let classic = plan.classic_firewall.as_ref().map(|f| f.name.as_str());
    let Some(resource) = of_policy.or(classic) else { return };
    let mut of_group: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for collection in plan.rule_collections() {
        collection_rules(resource, collection, tags_of, into);
        if let FirewallRules::Network(rules) = &collection.rules {
            for rule in rules {
                if let Destination::Groups(groups) = &rule.destination {
                    groups
                        .iter()
                        .for_each(|g| of_group.entry(g).or_default().extend(tags_of.of(&rule.flows)));
                }
            }
        }
    }
    for group in &plan.ip_groups {
        let mut tags = of_group.remove(group.name.as_str()).unwrap_or_default();
        tags.sort_unstable();
        tags.dedup();
        into.push(RuleView {
            target: Target::Firewall.name().to_owned(),
            resource: group.name.clone(),
            rule: "IP group".to_owned(),
            settings: "IP group".to_owned(),
            prefixes: texts(group.prefixes.iter().copied()),
            names: Vec::new(),
            tags,
        });
    }
}

fn collection_rules(
    resource: &str,
    collection: &RuleCollection,
    tags_of: &TagsOf<'_>,
    into: &mut Vec<RuleView>,
) {
    let view = |name: &str, settings, (prefixes, names), flows: &[String]| RuleView {
        target: Target::Firewall.name().to_owned(),
        resource: resource.to_owned(),
        rule: format!("{}/{name}", collection.name),
        settings,
        prefixes,
        names,
        tags: tags_of.of(flows),
    };
    match &collection.rules {
        FirewallRules::Network(rules) => into.extend(
            rules.iter().map(|r| view(&r.name, network_settings(r), destination(&r.destination), &r.flows)),
        ),
        FirewallRules::Application(rules) => into.extend(rules.iter().map(|r| {
            let protocols: Vec<String> =
                r.protocols.iter().map(|(p, port)| format!("{p:?}:{port}")).collect();
            let from = texts(r.sources.iter().copied()).join(", ");
            let settings = format!("application {} from {from}", protocols.join(", "));
            let (AppTarget::Fqdns(names) | AppTarget::FqdnTags(names) | AppTarget::Urls(names)) = &r.to;
            view(&r.name, settings, (Vec::new(), names.clone()), &r.flows)
        })),
    }
}

fn network_settings(rule: &NetworkRule) -> String {
    let protocols: Vec<String> = rule.protocols.iter().map(|p| format!("{p:?}").to_lowercase()).collect();
    let ports = ports_text(&rule.ports);
    let from = texts(rule.sources.iter().copied()).join(", ");
    format!("network {} {ports} from {from}", protocols.join(", "))
}

fn destination(to: &Destination) -> (Vec<String>, Vec<String>) {
    match to {
        Destination::Any => (Vec::new(), vec!["any".to_owned()]),
        Destination::Tags(names) | Destination::Fqdns(names) => (Vec::new(), names.clone()),
        Destination::Groups(names) => (Vec::new(), names.iter().map(|n| format!("IP group {n}")).collect()),
        Destination::Prefixes(list) => (texts(list.iter().copied()), Vec::new()),
    }
}

fn texts(prefixes: impl Iterator<Item = IpPrefix>) -> Vec<String> {
    prefixes.map(|p| p.to_string()).collect()
}
