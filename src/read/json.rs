//! The plan as JSON.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::error::{Files, Line, ReadError};
use crate::read::resources::{self, FirewallRule, Resources, Setting, SettingKind};
use crate::text::says;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    schema: u32,
    name: String,
    location: String,
    nsg: Option<Nsg>,
    route_table: Option<RouteTable>,
    #[serde(default)]
    nsgs: Vec<Nsg>,
    #[serde(default)]
    route_tables: Vec<RouteTable>,
    #[serde(default)]
    associations: Vec<Association>,
    firewall: Option<Firewall>,
    #[serde(default)]
    classic_firewall: Option<ClassicFirewall>,
    ip_groups: Vec<IpGroup>,
    service_endpoint_policies: Vec<EndpointPolicy>,
    lists: Vec<List>,
    #[serde(rename = "gaps")]
    _gaps: Vec<Gap>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Association {
    subnet: String,
    prefixes: Vec<String>,
    #[serde(deserialize_with = "Option::deserialize")]
    nsg: Option<String>,
    #[serde(deserialize_with = "Option::deserialize")]
    route_table: Option<String>,
    #[serde(deserialize_with = "Option::deserialize")]
    service_endpoint_policy: Option<String>,
    #[serde(default)]
    reserved: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nsg {
    name: String,
    rules: Vec<SecurityRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SecurityRule {
    name: String,
    direction: String,
    priority: i64,
    action: String,
    protocol: String,
    source: SideForm,
    destination: SideForm,
    #[serde(deserialize_with = "words")]
    ports: Vec<String>,
    description: String,
    #[serde(rename = "flows")]
    _flows: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum SideForm {
    Any(bool),
    Tag(String),
    Prefixes(Vec<String>),
}

/// Texts without blanks around them.
fn words<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let words = Vec::<String>::deserialize(from)?;
    match words.iter().find(|word| word.trim() != *word) {
        None => Ok(words),
        Some(word) => Err(D::Error::custom(format_args!("{word:?} has blanks around it"))),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RouteTable {
    name: String,
    disable_bgp: bool,
    /// Left out where it is not on.
    #[serde(default)]
    disable_peering_route: bool,
    routes: Vec<Route>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Route {
    name: String,
    to: String,
    next_hop: String,
    next_hop_address: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Firewall {
    policy_name: String,
    groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClassicFirewall {
    name: String,
    collections: Vec<Collection>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    name: String,
    priority: i64,
    collections: Vec<Collection>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Collection {
    name: String,
    priority: i64,
    action: String,
    network_rules: Option<Vec<NetworkRule>>,
    application_rules: Option<Vec<ApplicationRule>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NetworkRule {
    name: String,
    protocols: Vec<String>,
    sources: Vec<String>,
    destinations: Vec<String>,
    ip_groups: Vec<String>,
    fqdns: Vec<String>,
    #[serde(deserialize_with = "words")]
    ports: Vec<String>,
    #[serde(rename = "description")]
    _description: String,
    #[serde(rename = "flows")]
    _flows: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ApplicationRule {
    name: String,
    protocols: Vec<AppProtocol>,
    sources: Vec<String>,
    fqdns: Vec<String>,
    urls: Vec<String>,
    fqdn_tags: Vec<String>,
    #[serde(rename = "description")]
    _description: String,
    #[serde(rename = "flows")]
    _flows: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AppProtocol {
    protocol: String,
    port: u16,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IpGroup {
    name: String,
    prefixes: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EndpointPolicy {
    name: String,
    subnet: String,
    definitions: Vec<Definition>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Definition {
    name: String,
    service: String,
    resources: Vec<String>,
    description: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    name: String,
    #[serde(rename = "remote")]
    _remote: String,
    prefixes: Vec<String>,
}

/// What a target cannot say; the manifest has it too, and there it is held against the files.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the members are named so that no other is there")]
struct Gap {
    target: String,
    flow: String,
    remote: String,
    partial: bool,
    reason: String,
    remedy: String,
    covered_by: Vec<String>,
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
                    let name = list.name.clone();
                    lists.push(resources::AddressList { name, v6, entries, ..Default::default() });
                }
            }
        }
    }
    Ok(lists)
}

/// The error of a file at its line.
fn at_line(name: &str, error: &serde_json::Error) -> ReadError {
    let text = error.to_string();
    // The place stands before the message, and not behind it too.
    let place =
        |at: &usize| says(&text[*at..], format_args!(" at line {} column {}", error.line(), error.column()));
    let message = text.rfind(" at line ").filter(place).map_or(text.as_str(), |at| &text[..at]);
    ReadError::new(Line(name, error.line()), message)
}

fn document(name: &str, bytes: &[u8]) -> Result<Document, ReadError> {
    // Of members that it knows, the crate refuses two of one name by itself.
    let document: Document = serde_json::from_slice(bytes).map_err(|error| at_line(name, &error))?;
    if document.schema != 1 {
        return Err(ReadError::new(name, format_args!("schema {} is not known", document.schema)));
    }
    let groups = document.firewall.iter().flat_map(|firewall| &firewall.groups);
    let classic = document.classic_firewall.iter().flat_map(|firewall| &firewall.collections);
    for collection in groups.flat_map(|group| &group.collections).chain(classic) {
        if collection.network_rules.is_some() == collection.application_rules.is_some() {
            let text = format_args!("collection {}: rules of one kind are expected", collection.name);
            return Err(ReadError::new(name, text));
        }
    }
    Ok(document)
}

fn of(document: Document) -> Result<Resources, ReadError> {
    let setting = |kind, value| Setting { place: "plan.json".to_owned(), kind, value };
    let policy = document.firewall.as_ref().map(|firewall| firewall.policy_name.clone());
    let settings = [(SettingKind::Environment, document.name), (SettingKind::Location, document.location)];
    let settings = settings.into_iter().chain(policy.map(|name| (SettingKind::FirewallPolicy, name)));
    let settings = settings.map(|(kind, value)| setting(kind, value)).collect();
    let nsgs = document.nsg.into_iter().chain(document.nsgs).map(|nsg| {
        let rules = nsg.rules.into_iter().map(security_rule).collect::<Result<_, _>>()?;
        Ok(resources::Nsg { name: nsg.name, rules })
    });
    Ok(Resources {
        nsgs: nsgs.collect::<Result<_, ReadError>>()?,
        route_tables: each(document.route_table.into_iter().chain(document.route_tables), route_table),
        associations: each(document.associations, association),
        groups: each(document.firewall.into_iter().flat_map(|f| f.groups), group),
        firewalls: each(document.classic_firewall, classic_firewall),
        ip_groups: each(document.ip_groups, ip_group),
        endpoint_policies: each(document.service_endpoint_policies, endpoint_policy),
        settings,
    })
}

fn association(found: Association) -> resources::Association {
    let Association { subnet, prefixes, nsg, route_table, service_endpoint_policy, reserved } = found;
    resources::Association { subnet, prefixes, nsg, route_table, service_endpoint_policy, reserved }
}

/// All of `items` in the words of the other formats.
fn each<T, U>(items: impl IntoIterator<Item = T>, one: fn(T) -> U) -> Vec<U> {
    items.into_iter().map(one).collect()
}

fn security_rule(rule: SecurityRule) -> Result<resources::SecurityRule, ReadError> {
    let side = |side: SideForm| match side {
        SideForm::Any(true) => Ok(vec!["*".to_owned()]),
        SideForm::Any(false) => Err(ReadError::new(&rule.name, "a side that is not any must say what it is")),
        SideForm::Tag(name) => Ok(vec![name]),
        SideForm::Prefixes(list) => Ok(list),
    };
    Ok(resources::SecurityRule {
        sources: side(rule.source)?,
        destinations: side(rule.destination)?,
        name: rule.name,
        description: rule.description,
        priority: rule.priority,
        direction: rule.direction.into(),
        access: rule.action.into(),
        protocol: rule.protocol.into(),
        source_ports: vec!["*".to_owned()],
        destination_ports: rule.ports,
    })
}

fn route_table(table: RouteTable) -> resources::RouteTable {
    let (disable_bgp, disable_peering_route) = (Some(table.disable_bgp), Some(table.disable_peering_route));
    let routes = each(table.routes, route);
    resources::RouteTable { name: table.name, disable_bgp, disable_peering_route, routes }
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
    resources::IpGroup { name: group.name, id: None, addresses: group.prefixes }
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
    let mut rules = each(collection.network_rules.into_iter().flatten(), network_rule);
    rules.extend(each(collection.application_rules.into_iter().flatten(), application_rule));
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
    let definitions = each(policy.definitions, definition);
    resources::EndpointPolicy { name: policy.name, subnet: Some(policy.subnet), definitions }
}

fn definition(definition: Definition) -> resources::EndpointDefinition {
    let Definition { name, description, service, resources } = definition;
    resources::EndpointDefinition { name, description, service, resources }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: &str = r#"{ "schema": 1, "name": "e", "location": "westeurope", "nsg": null, "route_table": null,
  "firewall": null, "ip_groups": [{ "name": "a", "prefixes": ["203.0.113.0/24"] }],
  "service_endpoint_policies": [],
  "lists": [{ "name": "l", "remote": "r", "prefixes": ["203.0.113.0/24"] }], "gaps": [] }"#;

    #[test]
    fn members_that_are_not_known_or_stand_twice_are_refused_at_their_line() {
        let read = |text: &str| read(&[("plan.json", text.as_bytes())]).map_err(|error| error.to_string());
        assert_eq!(read(PLAN).unwrap().ip_groups[0].name, "a");
        for (from, to, expected) in [
            ("\"lists\"", "\"rules\": [], \"lists\"", "line 4: unknown field `rules`"),
            ("\"lists\"", "\"Nsg\": null, \"lists\"", "line 4: unknown field `Nsg`"),
            ("\"lists\"", "\"nsg\": null, \"lists\"", "line 4: duplicate field `nsg`"),
            ("{ \"name\": \"a\"", "{ \"name\": \"b\", \"name\": \"a\"", "line 2: duplicate field `name`"),
            ("\"remote\"", "\"except\": [], \"remote\"", "line 4: unknown field `except`"),
            ("\"schema\": 1", "\"schema\": 2", "schema 2 is not known"),
            ("\"gaps\": []", "\"gaps\": [{}]", "line 4: missing field `target`"),
        ] {
            let error = read(&PLAN.replace(from, to)).unwrap_err();
            assert!(error.starts_with("plan.json") && error.contains(expected), "{to}: {error}");
        }
    }
}
