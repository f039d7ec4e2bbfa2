//! The plan as JSON.

use serde::Deserialize;

use super::{Files, ReadError};
use crate::verify::resources::{self, FirewallRule, Resources};

#[derive(Deserialize)]
struct Document {
    schema: u32,
    nsg: Option<Nsg>,
    route_table: Option<RouteTable>,
    firewall: Option<Firewall>,
    classic_firewall: Option<ClassicFirewall>,
    ip_groups: Vec<IpGroup>,
    service_endpoint_policies: Vec<EndpointPolicy>,
    lists: Vec<List>,
}

#[derive(Deserialize)]
struct Nsg {
    name: String,
    rules: Vec<SecurityRule>,
}

#[derive(Deserialize)]
struct SecurityRule {
    name: String,
    direction: String,
    priority: i64,
    action: String,
    protocol: String,
    source: Side,
    destination: Side,
    ports: Vec<String>,
    description: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Side {
    Any(bool),
    Tag(String),
    Prefixes(Vec<String>),
}

#[derive(Deserialize)]
struct RouteTable {
    name: String,
    disable_bgp: bool,
    routes: Vec<Route>,
}

#[derive(Deserialize)]
struct Route {
    name: String,
    to: String,
    next_hop: String,
    next_hop_address: Option<String>,
}

#[derive(Deserialize)]
struct Firewall {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct ClassicFirewall {
    name: String,
    collections: Vec<Collection>,
}

#[derive(Deserialize)]
struct Group {
    name: String,
    priority: i64,
    collections: Vec<Collection>,
}

#[derive(Deserialize)]
struct Collection {
    name: String,
    priority: i64,
    action: String,
    #[serde(default)]
    network_rules: Vec<NetworkRule>,
    #[serde(default)]
    application_rules: Vec<ApplicationRule>,
}

#[derive(Deserialize)]
struct NetworkRule {
    name: String,
    protocols: Vec<String>,
    sources: Vec<String>,
    destinations: Vec<String>,
    ip_groups: Vec<String>,
    fqdns: Vec<String>,
    ports: Vec<String>,
}

#[derive(Deserialize)]
struct ApplicationRule {
    name: String,
    protocols: Vec<AppProtocol>,
    sources: Vec<String>,
    fqdns: Vec<String>,
    urls: Vec<String>,
    fqdn_tags: Vec<String>,
}

#[derive(Deserialize)]
struct AppProtocol {
    protocol: String,
    port: u16,
}

#[derive(Deserialize)]
struct IpGroup {
    name: String,
    prefixes: Vec<String>,
}

#[derive(Deserialize)]
struct EndpointPolicy {
    name: String,
    definitions: Vec<Definition>,
}

#[derive(Deserialize)]
struct Definition {
    name: String,
    service: String,
    resources: Vec<String>,
    description: String,
}

#[derive(Deserialize)]
struct List {
    name: String,
    prefixes: Vec<String>,
}

pub(super) fn read(files: &Files<'_>) -> Result<Resources, ReadError> {
    let mut resources = Resources::default();
    for (name, bytes) in files {
        resources.extend(of(document(name, bytes)?)?);
    }
    Ok(resources)
}

/// The lists of the plan, each family apart.
pub(super) fn read_lists(files: &Files<'_>) -> Result<Vec<resources::AddressList>, ReadError> {
    let mut lists = Vec::new();
    for (name, bytes) in files {
        for list in document(name, bytes)?.lists {
            let (v6, v4): (Vec<String>, Vec<String>) =
                list.prefixes.into_iter().partition(|p| p.contains(':'));
            for (v6, entries) in [(false, v4), (true, v6)] {
                if !entries.is_empty() {
                    lists.push(resources::AddressList { name: list.name.clone(), v6, entries });
                }
            }
        }
    }
    Ok(lists)
}

fn document(name: &str, bytes: &[u8]) -> Result<Document, ReadError> {
    let document: Document =
        serde_json::from_slice(bytes).map_err(|error| ReadError::new(name, error.to_string()))?;
    match document.schema {
        1 => Ok(document),
        other => Err(ReadError::new(name, format!("schema {other} is not known"))),
    }
}

fn of(document: Document) -> Result<Resources, ReadError> {
    let nsgs = document.nsg.into_iter().map(|nsg| {
        let rules = nsg.rules.into_iter().map(security_rule).collect::<Result<_, _>>()?;
        Ok(resources::Nsg { name: nsg.name, rules })
    });
    Ok(Resources {
        nsgs: nsgs.collect::<Result<_, ReadError>>()?,
        route_tables: each(document.route_table, route_table),
        groups: each(document.firewall.into_iter().flat_map(|f| f.groups), group),
        firewalls: each(document.classic_firewall, classic_firewall),
        ip_groups: each(document.ip_groups, ip_group),
        endpoint_policies: each(document.service_endpoint_policies, endpoint_policy),
    })
}

/// All of `items` in the words of the other formats.
fn each<T, U>(items: impl IntoIterator<Item = T>, one: fn(T) -> U) -> Vec<U> {
    items.into_iter().map(one).collect()
}

fn security_rule(rule: SecurityRule) -> Result<resources::SecurityRule, ReadError> {
    let side = |side: Side| match side {
        Side::Any(true) => Ok(vec!["*".to_owned()]),
        Side::Any(false) => Err(ReadError::new(&rule.name, "a side that is not any must say what it is")),
        Side::Tag(name) => Ok(vec![name]),
        Side::Prefixes(list) => Ok(list),
    };
    Ok(resources::SecurityRule {
        sources: side(rule.source)?,
        destinations: side(rule.destination)?,
        name: rule.name,
        description: rule.description,
        priority: rule.priority,
        direction: rule.direction,
        access: rule.action,
        protocol: rule.protocol,
        source_ports: vec!["*".to_owned()],
        destination_ports: rule.ports,
    })
}

fn route_table(table: RouteTable) -> resources::RouteTable {
    let (name, disable_bgp) = (table.name, Some(table.disable_bgp));
    resources::RouteTable { name, disable_bgp, routes: each(table.routes, route) }
}

fn route(route: Route) -> resources::Route {
    resources::Route {
        name: route.name,
        address_prefix: route.to,
        next_hop_type: route.next_hop,
        next_hop_address: route.next_hop_address,
    }
}

fn ip_group(group: IpGroup) -> resources::IpGroup {
    resources::IpGroup { name: group.name, addresses: group.prefixes }
}

fn classic_firewall(firewall: ClassicFirewall) -> resources::ClassicFirewall {
    let collections = each(firewall.collections, collection);
    resources::ClassicFirewall { name: firewall.name, collections }
}

fn group(group: Group) -> resources::RuleCollectionGroup {
    let (name, priority) = (group.name, group.priority);
    resources::RuleCollectionGroup { name, priority, collections: each(group.collections, collection) }
}

fn collection(collection: Collection) -> resources::RuleCollection {
    let mut rules = each(collection.network_rules, network_rule);
    rules.extend(each(collection.application_rules, application_rule));
    let Collection { name, priority, action, .. } = collection;
    resources::RuleCollection { name, priority, action, rules }
}

fn network_rule(rule: NetworkRule) -> FirewallRule {
    FirewallRule::Network(resources::NetworkRule {
        name: rule.name,
        protocols: rule.protocols,
        sources: rule.sources,
        source_groups: Vec::new(),
        destinations: rule.destinations,
        destination_groups: rule.ip_groups,
        fqdns: rule.fqdns,
        ports: rule.ports,
    })
}

fn application_rule(rule: ApplicationRule) -> FirewallRule {
    FirewallRule::Application(resources::ApplicationRule {
        name: rule.name,
        sources: rule.sources,
        source_groups: Vec::new(),
        protocols: rule.protocols.into_iter().map(|p| (p.protocol, p.port)).collect(),
        // The plan makes rules with paths only where TLS is inspected.
        terminate_tls: !rule.urls.is_empty(),
        fqdns: rule.fqdns,
        urls: rule.urls,
        fqdn_tags: rule.fqdn_tags,
        web_categories: Vec::new(),
    })
}

fn endpoint_policy(policy: EndpointPolicy) -> resources::EndpointPolicy {
    resources::EndpointPolicy { name: policy.name, definitions: each(policy.definitions, definition) }
}

fn definition(definition: Definition) -> resources::EndpointDefinition {
    let Definition { name, description, service, resources } = definition;
    resources::EndpointDefinition { name, description, service, resources }
}
