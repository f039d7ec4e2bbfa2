//! The plan itself as JSON: a stable form for programs that make something else of it.
//!
//! Members that are lists are always there, also when empty; `null` stands for a target that the plan has nothing for.

use serde::Serialize;

use super::words::{self, AppDestination, NetworkDestination};
use super::{Artefact, Format, Options};
use crate::plan::{
    Action, AddressList, ApplicationRule, Association, ClassicFirewall, CoveredBy, EndpointPolicy, Firewall,
    FirewallRules, Gap, IpGroup, NetworkRule, Nsg, NsgRule, PlanParts, Reason, Route, RouteTable,
    RuleCollection, Side,
};

/// `plan.json`; docs/formats.md describes its members.
#[derive(Debug, Clone, Copy)]
pub struct Json;

impl Format for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn render(&self, plan: &PlanParts, options: &Options) -> Vec<Artefact> {
        let document = Document {
            schema: 1,
            name: &plan.name,
            location: &options.location,
            nsg: only(&plan.nsgs).map(nsg_out),
            route_table: only(&plan.route_tables).map(table_out),
            nsgs: several(&plan.nsgs).iter().map(nsg_out).collect(),
            route_tables: several(&plan.route_tables).iter().map(table_out).collect(),
            associations: &plan.associations,
            firewall: plan.firewall.as_ref().map(firewall_out),
            classic_firewall: plan.classic_firewall.as_ref().map(classic_out),
            ip_groups: plan.ip_groups.iter().map(ip_group_out).collect(),
            service_endpoint_policies: plan.endpoint_policies.iter().map(endpoint_out).collect(),
            lists: plan.lists.iter().map(list_out).collect(),
            gaps: plan.gaps.iter().map(gap_out).collect(),
        };
        let mut text = serde_json::to_string_pretty(&document).expect("texts and numbers always serialise");
        text.push('\n');
        vec![Artefact::new("plan.json", text)]
    }
}

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    name: &'a str,
    location: &'a str,
    nsg: Option<NsgOut<'a>>,
    route_table: Option<TableOut<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    nsgs: Vec<NsgOut<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    route_tables: Vec<TableOut<'a>>,
    associations: &'a [Association],
    firewall: Option<FirewallOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    classic_firewall: Option<ClassicOut<'a>>,
    ip_groups: Vec<IpGroupOut<'a>>,
    service_endpoint_policies: Vec<EndpointOut<'a>>,
    lists: Vec<ListOut<'a>>,
    gaps: Vec<GapOut<'a>>,
}

/// The one resource, where there is one.
fn only<T>(all: &[T]) -> Option<&T> {
    if let [one] = all { Some(one) } else { None }
}

/// The resources, where there are several.
fn several<T>(all: &[T]) -> &[T] {
    if all.len() > 1 { all } else { &[] }
}

#[derive(Serialize)]
struct NsgOut<'a> {
    name: &'a str,
    rules: Vec<RuleOut<'a>>,
}

#[derive(Serialize)]
struct RuleOut<'a> {
    name: &'a str,
    direction: &'static str,
    priority: u32,
    action: &'static str,
    protocol: &'static str,
    source: SideOut<'a>,
    destination: SideOut<'a>,
    ports: Vec<String>,
    description: &'a str,
    flows: &'a [String],
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum SideOut<'a> {
    Any(bool),
    Tag(&'a str),
    Prefixes(Vec<String>),
}

#[derive(Serialize)]
struct TableOut<'a> {
    name: &'a str,
    disable_bgp: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    disable_peering_route: bool,
    routes: Vec<RouteOut<'a>>,
}

#[derive(Serialize)]
struct RouteOut<'a> {
    name: &'a str,
    to: String,
    next_hop: &'static str,
    next_hop_address: Option<String>,
}

#[derive(Serialize)]
struct FirewallOut<'a> {
    policy_name: &'a str,
    groups: Vec<GroupOut<'a>>,
}

#[derive(Serialize)]
struct ClassicOut<'a> {
    name: &'a str,
    collections: Vec<CollectionOut<'a>>,
}

#[derive(Serialize)]
struct GroupOut<'a> {
    name: &'a str,
    priority: u32,
    collections: Vec<CollectionOut<'a>>,
}

#[derive(Serialize)]
struct CollectionOut<'a> {
    name: &'a str,
    priority: u32,
    action: &'static str,
    #[serde(flatten)]
    rules: RulesOut<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum RulesOut<'a> {
    NetworkRules(Vec<NetworkOut<'a>>),
    ApplicationRules(Vec<ApplicationOut<'a>>),
}

#[derive(Serialize)]
struct NetworkOut<'a> {
    name: &'a str,
    protocols: Vec<&'static str>,
    sources: Vec<String>,
    destinations: Vec<String>,
    ip_groups: Vec<String>,
    fqdns: Vec<String>,
    ports: Vec<String>,
    description: &'a str,
    flows: &'a [String],
}

#[derive(Serialize)]
struct ApplicationOut<'a> {
    name: &'a str,
    protocols: Vec<AppProtocolOut>,
    sources: Vec<String>,
    fqdns: Vec<String>,
    urls: Vec<String>,
    fqdn_tags: Vec<String>,
    description: &'a str,
    flows: &'a [String],
}

#[derive(Serialize)]
struct AppProtocolOut {
    protocol: &'static str,
    port: u16,
}

#[derive(Serialize)]
struct IpGroupOut<'a> {
    name: &'a str,
    prefixes: Vec<String>,
}

#[derive(Serialize)]
struct EndpointOut<'a> {
    name: &'a str,
    subnet: &'a str,
    definitions: Vec<DefinitionOut<'a>>,
}

#[derive(Serialize)]
struct DefinitionOut<'a> {
    name: &'a str,
    service: &'a str,
    resources: &'a [String],
    description: &'a str,
}

#[derive(Serialize)]
struct ListOut<'a> {
    name: &'a str,
    remote: &'a str,
    prefixes: Vec<String>,
}

#[derive(Serialize)]
struct GapOut<'a> {
    target: &'static str,
    flow: &'a str,
    remote: &'a str,
    partial: bool,
    reason: &'a Reason,
    remedy: &'a str,
    covered_by: &'a [CoveredBy],
}

fn nsg_out(nsg: &Nsg) -> NsgOut<'_> {
    NsgOut { name: &nsg.name, rules: nsg.rules.iter().map(rule_out).collect() }
}

fn rule_out(rule: &NsgRule) -> RuleOut<'_> {
    RuleOut {
        name: &rule.name,
        direction: rule.direction.name(),
        priority: rule.priority,
        action: match rule.action {
            crate::plan::Action::Allow => "allow",
            crate::plan::Action::Deny => "deny",
        },
        protocol: rule.protocol.name(),
        source: side_out(&rule.source),
        destination: side_out(&rule.destination),
        ports: rule.ports.ranges(),
        description: &rule.description,
        flows: &rule.flows,
    }
}

fn side_out(side: &Side) -> SideOut<'_> {
    match side {
        Side::Any => SideOut::Any(true),
        Side::Tag(name) => SideOut::Tag(name),
        Side::Prefixes(list) => SideOut::Prefixes(words::texts(list)),
    }
}

fn table_out(table: &RouteTable) -> TableOut<'_> {
    let route = |route: &'_ Route| -> (String, &'static str, Option<String>) {
        let (next_hop, address) = words::next_hop(route.next_hop);
        (route.to.to_string(), next_hop, address)
    };
    let routes = table.routes.iter().map(|r| {
        let (to, next_hop, next_hop_address) = route(r);
        RouteOut { name: &r.name, to, next_hop, next_hop_address }
    });
    TableOut {
        name: &table.name,
        disable_bgp: table.disable_bgp,
        disable_peering_route: table.disable_peering_route,
        routes: routes.collect(),
    }
}

fn firewall_out(firewall: &Firewall) -> FirewallOut<'_> {
    let groups = firewall.groups.iter().map(|group| GroupOut {
        name: &group.name,
        priority: group.priority,
        collections: group.collections.iter().map(collection_out).collect(),
    });
    FirewallOut { policy_name: &firewall.policy_name, groups: groups.collect() }
}

fn classic_out(firewall: &ClassicFirewall) -> ClassicOut<'_> {
    ClassicOut {
        name: &firewall.name,
        collections: firewall.collections.iter().map(collection_out).collect(),
    }
}

fn collection_out(collection: &RuleCollection) -> CollectionOut<'_> {
    CollectionOut {
        name: &collection.name,
        priority: collection.priority,
        action: if collection.action == Action::Allow { "allow" } else { "deny" },
        rules: match &collection.rules {
            FirewallRules::Network(rules) => RulesOut::NetworkRules(rules.iter().map(network_out).collect()),
            FirewallRules::Application(rules) => {
                RulesOut::ApplicationRules(rules.iter().map(application_out).collect())
            }
        },
    }
}

fn network_out(rule: &NetworkRule) -> NetworkOut<'_> {
    let destination = NetworkDestination::of(rule);
    NetworkOut {
        name: &rule.name,
        protocols: rule.protocols.iter().map(|&p| words::network_protocol(p)).collect(),
        sources: words::texts(&rule.sources),
        destinations: destination.addresses,
        ip_groups: destination.groups,
        fqdns: destination.fqdns,
        ports: rule.ports.ranges(),
        description: &rule.description,
        flows: &rule.flows,
    }
}

fn application_out(rule: &ApplicationRule) -> ApplicationOut<'_> {
    let destination = AppDestination::of(&rule.to);
    let protocol = |&(protocol, port)| AppProtocolOut { protocol: words::app_protocol(protocol), port };
    ApplicationOut {
        name: &rule.name,
        protocols: rule.protocols.iter().map(protocol).collect(),
        sources: words::texts(&rule.sources),
        fqdns: destination.fqdns,
        urls: destination.urls,
        fqdn_tags: destination.tags,
        description: &rule.description,
        flows: &rule.flows,
    }
}

fn ip_group_out(group: &IpGroup) -> IpGroupOut<'_> {
    IpGroupOut { name: &group.name, prefixes: words::texts(&group.prefixes) }
}

fn endpoint_out(policy: &EndpointPolicy) -> EndpointOut<'_> {
    let definitions = policy.definitions.iter().map(|d| DefinitionOut {
        name: &d.name,
        service: &d.service,
        resources: &d.resources,
        description: &d.description,
    });
    EndpointOut { name: &policy.name, subnet: &policy.subnet, definitions: definitions.collect() }
}

fn list_out(list: &AddressList) -> ListOut<'_> {
    ListOut { name: &list.name, remote: &list.title, prefixes: words::texts(&list.prefixes) }
}

fn gap_out(gap: &Gap) -> GapOut<'_> {
    GapOut {
        target: gap.target.name(),
        flow: &gap.flow,
        remote: &gap.remote,
        partial: gap.partial,
        reason: &gap.reason,
        remedy: &gap.remedy,
        covered_by: &gap.covered_by,
    }
}
