//! [`RuleSummary`]: what one environment's rules admit, in a form that outlives the plan.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::step::Step;
use crate::addr::{AddrSet, IpPrefix};
use crate::catalog::{Date, DatedFact};
use crate::packet::{Direction, NextHop, Ports};
use crate::plan::{
    Action, AddressList, AppTarget, Destination, FirewallRules, NetworkRule, NsgRule, Plan, RouteTable,
    RouteTo, RuleCollection, Side,
};
use crate::policy::{Policy, Remote, RouteNeed};
use crate::tags::Snapshot;
use crate::target::{FormatName, Target};

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
pub struct RuleSummary {
    /// Version of this form; 1.
    pub schema: u32,
    /// Name of the environment.
    pub name: String,
    /// The data.
    pub snapshot: SnapshotMark,
    /// The day whose facts of the catalogue are taken; `None` in summaries from before facts had dates.
    #[serde(default)]
    pub as_of: Option<Date>,
    /// What begins or ends about that day.
    #[serde(default)]
    pub dated: Vec<DatedMark>,
    /// The rules.
    pub rules: Vec<RuleView>,
    /// Prefixes of the tags in use, the fewest, by name.
    pub tags: BTreeMap<String, Vec<String>>,
    /// This generation and those before it, the oldest first; empty in summaries that no refresh made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub past: Vec<Step>,
}

/// Something that begins or ends on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatedMark {
    /// The day.
    pub date: Date,
    /// `begins` or `ends`.
    pub turn: String,
    /// The row as `workload/row`, or the name of an event.
    pub subject: String,
    /// The whole as a sentence, as of the day of the summary.
    pub text: String,
}

impl DatedMark {
    fn new(fact: &DatedFact, as_of: Date) -> Self {
        DatedMark {
            date: fact.date,
            turn: fact.turn.name().to_owned(),
            subject: fact.subject.clone(),
            text: fact.sentence(as_of),
        }
    }
}

/// One rule, IP group, list of addresses or bundle of routes with the same next hop.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleView {
    /// `nsg`, `route-table` or `firewall`; `lists`, `edl` or `nftables`, the format, for a list.
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
    /// Whether it names `tag`, so that Azure applies what changes in that.
    pub(super) fn takes_by_name(&self, tag: &str) -> bool {
        self.names.iter().any(|name| name.eq_ignore_ascii_case(tag))
    }

    /// Whether both let the same pass. How a set is cut into prefixes plays no part.
    pub(super) fn same_effect(&self, other: &RuleView) -> bool {
        self.settings == other.settings
            && self.names == other.names
            && (self.prefixes == other.prefixes || set_of(&self.prefixes) == set_of(&other.prefixes))
    }
}

/// The addresses of a stored list. What is not understood adds nothing: the list was written by this program.
pub(super) fn set_of(prefixes: &[String]) -> AddrSet {
    prefixes.iter().filter_map(|text| text.parse::<IpPrefix>().ok()).collect()
}

impl RuleSummary {
    /// The rules of `plan` with the tags that its flows are for.
    pub fn new(policy: &Policy, plan: &Plan, snapshot: &Snapshot) -> Self {
        let tags_of = TagsOf::new(policy);
        let mut rules = Vec::new();
        // Rules that no file holds are nobody's rules.
        if policy.output.formats.iter().any(|format| !format.is_list()) {
            nsg_rules(plan, &tags_of, &mut rules);
            routes(plan, policy, &mut rules);
            firewall_rules(plan, &tags_of, &mut rules);
            endpoint_policies(plan, &mut rules);
        }
        lists(plan, policy, &mut rules);
        let remotes =
            policy.flows.iter().map(|f| &f.remote).chain(policy.routes.iter().map(|route| &route.to));
        let tags = remotes.filter_map(|remote| match remote {
            Remote::Tag(tag) => Some((tag.name().to_string(), texts(tag.set().prefixes()))),
            _ => None,
        });
        RuleSummary {
            schema: 1,
            name: policy.name.clone(),
            snapshot: SnapshotMark {
                cloud: snapshot.cloud().name().to_owned(),
                change_number: snapshot.change_number(),
                sha256: snapshot.digest().to_owned(),
            },
            as_of: Some(policy.as_of),
            dated: policy.remarks.dated.iter().map(|fact| DatedMark::new(fact, policy.as_of)).collect(),
            rules,
            tags: tags.collect(),
            past: Vec::new(),
        }
    }
}

/// The lists of each format that is asked for. Nobody but whoever loads the file applies what changes in one.
fn lists(plan: &Plan, policy: &Policy, into: &mut Vec<RuleView>) {
    let formats = FormatName::ALL.into_iter().filter(|format| format.is_list());
    for format in formats.filter(|format| policy.output.formats.contains(format)) {
        for list in &plan.lists {
            let prefixes = match (&list.fetched, format) {
                (Some(fetched), FormatName::Edl) => fetched,
                _ => &list.prefixes,
            };
            into.push(RuleView {
                target: format.name().to_owned(),
                resource: plan.name.clone(),
                rule: list.name.clone(),
                settings: format!("list of {}", list.title),
                prefixes: texts(prefixes.iter().copied()),
                names: Vec::new(),
                tags: tags_in(list, policy),
            });
        }
    }
}

/// The tag that a list is of, if it is of one.
fn tags_in(list: &AddressList, policy: &Policy) -> Vec<String> {
    let of =
        |tag: &str| list.title == tag || list.title.strip_prefix(tag).is_some_and(|end| end.starts_with(' '));
    let names = policy.flows.iter().filter_map(|flow| match &flow.remote {
        Remote::Tag(tag) => Some(tag.name().to_string()),
        _ => None,
    });
    let mut tags: Vec<String> = names.filter(|name| of(name)).collect();
    tags.sort_unstable();
    tags.dedup();
    tags
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
    for (nsg, rule) in plan.nsgs.iter().flat_map(|nsg| nsg.rules.iter().map(move |rule| (nsg, rule))) {
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

/// Routes by next hop: a single route for each prefix tells an administrator nothing. What is listed is what goes there
/// in the end, without the exceptions that narrower routes make inside broader ones.
fn routes(plan: &Plan, policy: &Policy, into: &mut Vec<RuleView>) {
    plan.route_tables.iter().for_each(|table| routes_of(table, policy, into));
}

fn routes_of(table: &RouteTable, policy: &Policy, into: &mut Vec<RuleView>) {
    let effective = effective(table);
    let mut by_hop: BTreeMap<String, (Vec<String>, NextHop)> = BTreeMap::new();
    for route in &table.routes {
        let (names, _) = by_hop.entry(route.next_hop.to_string()).or_insert((Vec::new(), route.next_hop));
        if let RouteTo::Tag(name) = &route.to {
            names.push(name.clone());
        }
    }
    for (hop, (names, next_hop)) in by_hop {
        let own = |need: &&RouteNeed| table.subnets.iter().any(|subnet| need.subnets.contains(subnet));
        let needs = policy.routes.iter().filter(|need| need.next_hop == next_hop).filter(own);
        let tags = needs.filter_map(|need| match &need.to {
            Remote::Tag(tag) => Some(tag.name().to_string()),
            _ => None,
        });
        into.push(RuleView {
            target: Target::RouteTable.name().to_owned(),
            resource: table.name.clone(),
            rule: format!("routes to {hop}"),
            settings: format!("next hop {hop}"),
            prefixes: effective.get(&hop).map(|set| texts(set.prefixes())).unwrap_or_default(),
            names,
            tags: tags.collect(),
        });
    }
}

/// The addresses that go to each next hop, by the longest prefix that holds them.
fn effective(table: &RouteTable) -> BTreeMap<String, AddrSet> {
    let mut by_length: BTreeMap<u8, Vec<(IpPrefix, String)>> = BTreeMap::new();
    for route in &table.routes {
        if let RouteTo::Prefix(prefix) = route.to {
            by_length.entry(prefix.len()).or_default().push((prefix, route.next_hop.to_string()));
        }
    }
    let mut sets: BTreeMap<String, AddrSet> = BTreeMap::new();
    // Prefixes of one length never overlap, so that those of a length can be laid over the shorter ones together.
    for routes in by_length.into_values() {
        let over: AddrSet = routes.iter().map(|(prefix, _)| *prefix).collect();
        sets.values_mut().for_each(|set| *set = set.difference(&over));
        let mut fresh: BTreeMap<String, Vec<IpPrefix>> = BTreeMap::new();
        routes.into_iter().for_each(|(prefix, hop)| fresh.entry(hop).or_default().push(prefix));
        for (hop, prefixes) in fresh {
            let set = sets.entry(hop).or_default();
            *set = set.union(&prefixes.into_iter().collect());
        }
    }
    sets
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Route;

    #[test]
    fn routes_are_counted_without_the_exceptions_inside_them() {
        let appliance = NextHop::Appliance("10.20.255.4".parse().unwrap());
        let route = |prefix: &str, next_hop| Route {
            name: prefix.to_owned(),
            to: RouteTo::Prefix(prefix.parse().unwrap()),
            next_hop,
        };
        let routes = vec![
            route("0.0.0.0/0", appliance),
            route("198.18.0.0/16", NextHop::Internet),
            route("198.18.4.0/24", appliance),
            route("198.18.4.8/32", NextHop::Internet),
            route("2001:db8::/32", NextHop::Internet),
        ];
        let table = RouteTable {
            name: "t".to_owned(),
            subnets: Vec::new(),
            disable_bgp: false,
            disable_peering_route: false,
            routes,
        };
        let effective = effective(&table);
        let internet = &effective[&NextHop::Internet.to_string()];
        assert_eq!(internet.v4.count().to_string(), (65_536 - 256 + 1).to_string());
        let default = &effective[&appliance.to_string()];
        assert!(internet.is_disjoint(default), "each address goes one way");
        assert_eq!((internet.v4.count() + default.v4.count()).to_string(), (1_u64 << 32).to_string());
    }
}
