//! ARM templates in JSON.
//!
//! Shapes: Azure/azure-resource-manager-schemas, `Microsoft.Network.NRP.json` of the API version emitted.

mod parameters;

use serde::Serialize;

use super::azure;
use super::format::numbers;
use super::tree::Tree;
use super::words::{self, AppDestination, NetworkDestination};
use super::{Artefact, Format, Options};
use crate::plan::{
    ApplicationRule, ClassicFirewall, Destination, EndpointPolicy, FileCaps, Firewall, FirewallRules,
    IpGroup, NetworkRule, Nsg, NsgRule, PlanParts, Route, RouteTable, RuleCollection, RuleCollectionGroup,
    Side,
};
use crate::target::{ApiVersion, Part};
use parameters::{Parameters, literal};

const SCHEMA: &str = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#";

/// ARM templates: `ip-groups.arm.json`, `firewall.arm.json`, `nsg.arm.json`, `service-endpoint-policy.arm.json`,
/// `route-table.arm.json`, deployed in this order. What is too large for one template becomes several with numbers,
/// `ip-groups-1.arm.json` and so on.
#[derive(Debug, Clone, Copy)]
pub struct Arm;

impl Format for Arm {
    fn name(&self) -> &'static str {
        "arm"
    }

    fn render(&self, plan: &PlanParts, options: &Options) -> Vec<Artefact> {
        let caps = plan.file_caps;
        let version = options.api_version;
        let mut files = Vec::new();
        if !plan.ip_groups.is_empty() {
            let resources = ip_group_resources(&plan.ip_groups);
            files.extend(templates(Part::IpGroups, Parameters::place(), at(version, resources), caps));
        }
        if let Some(firewall) = plan.firewall.as_ref().filter(|f| !f.groups.is_empty()) {
            let parameters = Parameters::policy(&firewall.policy_name);
            files.extend(templates(Part::Firewall, parameters, at(version, group_resources(firewall)), caps));
        }
        if let Some(firewall) = plan.classic_firewall.as_ref().filter(|f| !f.collections.is_empty()) {
            files.push(file(Part::Firewall, None, &classic_template(firewall, version)));
        }
        if !plan.nsgs.is_empty() {
            let resources = plan.nsgs.iter().map(nsg_resource).collect();
            files.extend(templates(Part::Nsg, Parameters::place(), at(version, resources), caps));
        }
        if !plan.endpoint_policies.is_empty() {
            let resources = plan.endpoint_policies.iter().map(endpoint_policy_resource).collect();
            files.extend(templates(
                Part::ServiceEndpointPolicy,
                Parameters::place(),
                at(version, resources),
                caps,
            ));
        }
        if !plan.route_tables.is_empty() {
            let resources = plan.route_tables.iter().map(table_resource).collect();
            files.extend(templates(Part::RouteTable, Parameters::place(), at(version, resources), caps));
        }
        files
    }
}

/// The bytes of one rule collection group alone, as compact JSON, with the ids of IP groups as long as they can be.
pub fn group_bytes(group: &RuleCollectionGroup) -> usize {
    #[derive(Serialize)]
    struct Body<'a> {
        name: &'a str,
        properties: Properties,
    }
    let body = Body { name: &group.name, properties: group_properties(group) };
    let text = serde_json::to_vec(&body).expect("strings and numbers always serialise");
    let ids: usize = group
        .collections
        .iter()
        .filter_map(|c| if let FirewallRules::Network(rules) = &c.rules { Some(rules) } else { None })
        .flatten()
        .map(|r| if let Destination::Groups(names) = &r.destination { names.len() } else { 0 })
        .sum();
    text.len() + ids * (LONGEST_ID - ip_group_id("").len())
}

/// Characters of the id of an IP group without its name: a subscription has 36, a resource group up to 90.
const LONGEST_ID: usize = "/subscriptions/".len()
    + 36
    + "/resourceGroups/".len()
    + 90
    + "/providers/Microsoft.Network/ipGroups/".len();

/// One file with all `resources`, or several in order of deployment where `caps` ask for it. In each as many
/// resources wait for none as in one.
fn templates(part: Part, parameters: Parameters, resources: Vec<Resource>, caps: FileCaps) -> Vec<Artefact> {
    let at_once = resources.iter().take_while(|resource| resource.depends_on.is_empty()).count();
    let count = resources.len();
    let whole = file(part, None, &Template::of(parameters.clone(), resources.clone()));
    if count <= 1 || (whole.bytes.len() <= caps.bytes && count <= caps.resources) {
        return vec![whole];
    }
    let bytes = |resources| bytes_of(&Template::of(parameters.clone(), resources)).len();
    let bare = bytes(Vec::new());
    let mut groups: Vec<Vec<Resource>> = Vec::new();
    let mut room = 0;
    for mut resource in resources {
        let size = bytes(vec![resource.clone()]) - bare + 2;
        match groups.last_mut().filter(|group| size <= room && group.len() < caps.resources) {
            Some(group) => {
                if group.len() < at_once {
                    resource.depends_on.clear();
                }
                group.push(resource);
            }
            None => {
                // The one before is in another file, which is deployed first.
                resource.depends_on.clear();
                room = caps.bytes.saturating_sub(bare);
                groups.push(vec![resource]);
            }
        }
        room = room.saturating_sub(size);
    }
    let numbered = |(number, resources)| file(part, number, &Template::of(parameters.clone(), resources));
    numbers(groups.len()).zip(groups).map(numbered).collect()
}

fn file(part: Part, number: Option<usize>, template: &Template) -> Artefact {
    Artefact::of_part(part, number, ".arm.json", bytes_of(template)).holding(template.resources.len())
}

fn bytes_of(template: &Template) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(template).expect("strings and numbers always serialise");
    bytes.push(b'\n');
    bytes
}

#[derive(Serialize)]
struct Template {
    #[serde(rename = "$schema")]
    schema: &'static str,
    #[serde(rename = "contentVersion")]
    content_version: &'static str,
    parameters: Parameters,
    #[serde(skip_serializing_if = "Option::is_none")]
    variables: Option<Variables>,
    resources: Vec<Resource>,
}

impl Template {
    fn of(parameters: Parameters, resources: Vec<Resource>) -> Self {
        Template { schema: SCHEMA, content_version: "1.0.0.0", parameters, variables: None, resources }
    }
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Variables {
    network_rule_collections: Tree,
    application_rule_collections: Tree,
}

#[derive(Clone, Serialize)]
struct Resource {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "apiVersion")]
    api_version: &'static str,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    zones: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<&'static str>,
    #[serde(rename = "dependsOn", skip_serializing_if = "Vec::is_empty")]
    depends_on: Vec<String>,
    properties: Properties,
}

#[derive(Clone, Serialize)]
#[serde(untagged)]
enum Properties {
    Nsg {
        #[serde(rename = "securityRules")]
        security_rules: Vec<Named<SecurityRule>>,
    },
    RouteTable {
        #[serde(rename = "disableBgpRoutePropagation")]
        disable_bgp: bool,
        #[serde(rename = "disablePeeringRoute", skip_serializing_if = "Option::is_none")]
        disable_peering_route: Option<&'static str>,
        routes: Vec<Named<RouteProperties>>,
    },
    IpGroup {
        #[serde(rename = "ipAddresses")]
        ip_addresses: Vec<String>,
    },
    EndpointPolicy {
        #[serde(rename = "serviceEndpointPolicyDefinitions")]
        definitions: Vec<Named<EndpointDefinitionProperties>>,
    },
    RuleCollectionGroup {
        priority: u32,
        #[serde(rename = "ruleCollections")]
        rule_collections: Vec<AnyCollection>,
    },
    Expression(&'static str),
}

fn resource(kind: &'static str, name: String, properties: Properties) -> Resource {
    Resource {
        kind,
        api_version: ApiVersion::default().name(),
        name,
        location: Some("[parameters('location')]"),
        zones: None,
        tags: None,
        depends_on: Vec::new(),
        properties,
    }
}

/// The resources in a version of the API.
fn at(version: ApiVersion, mut resources: Vec<Resource>) -> Vec<Resource> {
    resources.iter_mut().for_each(|resource| resource.api_version = version.name());
    resources
}

#[derive(Clone, Serialize)]
struct Named<T> {
    name: String,
    properties: T,
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct SecurityRule {
    description: String,
    priority: u32,
    direction: &'static str,
    access: &'static str,
    protocol: &'static str,
    #[serde(flatten)]
    source: SourceSide,
    source_port_range: &'static str,
    #[serde(flatten)]
    destination: DestinationSide,
    #[serde(flatten)]
    ports: PortSide,
}

/// A resource that is named by its id.
#[derive(Clone, Serialize)]
struct Id {
    id: String,
}

fn security_group(side: &Side) -> Option<[Id; 1]> {
    let name = side.security_group()?;
    Some([Id { id: format!("[{}]", words::security_group_id(name)) }])
}

#[derive(Clone, Serialize)]
enum SourceSide {
    #[serde(rename = "sourceAddressPrefix")]
    One(String),
    #[serde(rename = "sourceAddressPrefixes")]
    Many(Vec<String>),
    #[serde(rename = "sourceApplicationSecurityGroups")]
    Groups([Id; 1]),
}

#[derive(Clone, Serialize)]
enum DestinationSide {
    #[serde(rename = "destinationAddressPrefix")]
    One(String),
    #[serde(rename = "destinationAddressPrefixes")]
    Many(Vec<String>),
    #[serde(rename = "destinationApplicationSecurityGroups")]
    Groups([Id; 1]),
}

#[derive(Clone, Serialize)]
enum PortSide {
    #[serde(rename = "destinationPortRange")]
    One(String),
    #[serde(rename = "destinationPortRanges")]
    Many(Vec<String>),
}

fn nsg_resource(nsg: &Nsg) -> Resource {
    let security_rules = nsg.rules.iter().map(security_rule).collect();
    resource(
        "Microsoft.Network/networkSecurityGroups",
        literal(&nsg.name),
        Properties::Nsg { security_rules },
    )
}

fn security_rule(rule: &NsgRule) -> Named<SecurityRule> {
    let properties = SecurityRule {
        description: literal(&rule.description),
        priority: rule.priority,
        direction: words::direction(rule.direction),
        access: words::access(rule.action),
        protocol: words::protocol(rule.protocol),
        source: match security_group(&rule.source) {
            Some(group) => SourceSide::Groups(group),
            None => one_or_many(words::side(&rule.source), SourceSide::One, SourceSide::Many),
        },
        source_port_range: "*",
        destination: match security_group(&rule.destination) {
            Some(group) => DestinationSide::Groups(group),
            None => one_or_many(words::side(&rule.destination), DestinationSide::One, DestinationSide::Many),
        },
        ports: one_or_many(rule.ports.ranges(), PortSide::One, PortSide::Many),
    };
    Named { name: rule.name.clone(), properties }
}

fn one_or_many<T>(list: Vec<String>, one: impl Fn(String) -> T, many: impl Fn(Vec<String>) -> T) -> T {
    match <[String; 1]>::try_from(list) {
        Ok([single]) => one(single),
        Err(list) => many(list),
    }
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct RouteProperties {
    address_prefix: String,
    next_hop_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_hop_ip_address: Option<String>,
}

fn table_resource(table: &RouteTable) -> Resource {
    let routes = table.routes.iter().map(route).collect();
    let disable_peering_route = table.disable_peering_route.then_some("All");
    let properties = Properties::RouteTable { disable_bgp: table.disable_bgp, disable_peering_route, routes };
    resource("Microsoft.Network/routeTables", literal(&table.name), properties)
}

fn route(route: &Route) -> Named<RouteProperties> {
    let (next_hop_type, next_hop_ip_address) = words::next_hop(route.next_hop);
    let address_prefix = route.to.to_string();
    Named {
        name: route.name.clone(),
        properties: RouteProperties { address_prefix, next_hop_type, next_hop_ip_address },
    }
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct EndpointDefinitionProperties {
    description: String,
    service: String,
    service_resources: Vec<String>,
}

fn endpoint_policy_resource(policy: &EndpointPolicy) -> Resource {
    let definitions = policy.definitions.iter().map(|d| Named {
        name: d.name.clone(),
        properties: EndpointDefinitionProperties {
            description: literal(&d.description),
            service: d.service.clone(),
            service_resources: d.resources.iter().map(|r| literal(r)).collect(),
        },
    });
    resource(
        "Microsoft.Network/serviceEndpointPolicies",
        literal(&policy.name),
        Properties::EndpointPolicy { definitions: definitions.collect() },
    )
}

fn ip_group_resources(groups: &[IpGroup]) -> Vec<Resource> {
    let mut resources: Vec<Resource> = Vec::new();
    for group in groups {
        let ip_addresses = words::texts(&group.prefixes);
        let mut next = resource(
            "Microsoft.Network/ipGroups",
            literal(&group.name),
            Properties::IpGroup { ip_addresses },
        );
        // Azure refuses to change more than so many groups at once, so each waits for the one so many before.
        let before = resources.len().checked_sub(words::GROUPS_AT_ONCE).map(|at| &resources[at]);
        next.depends_on.extend(before.map(|before| ip_group_id(&before.name)));
        resources.push(next);
    }
    resources
}

fn ip_group_id(name: &str) -> String {
    format!("[resourceId('Microsoft.Network/ipGroups', '{}')]", name.replace('\'', "''"))
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Collection {
    rule_collection_type: &'static str,
    name: String,
    priority: u32,
    action: CollectionAction,
    rules: Vec<Rule>,
}

/// A collection that is made here, or one kept from an earlier template.
#[derive(Clone, Serialize)]
#[serde(untagged)]
enum AnyCollection {
    Own(Collection),
    Kept(serde_json::Value),
}

#[derive(Clone, Serialize)]
struct CollectionAction {
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Clone, Serialize)]
#[serde(tag = "ruleType", rename_all_fields = "camelCase")]
enum Rule {
    #[serde(rename = "NetworkRule")]
    Network {
        name: String,
        description: String,
        ip_protocols: Vec<&'static str>,
        source_addresses: Vec<String>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        destination_addresses: Vec<String>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        destination_ip_groups: Vec<String>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        destination_fqdns: Vec<String>,
        destination_ports: Vec<String>,
    },
    #[serde(rename = "ApplicationRule")]
    Application {
        name: String,
        description: String,
        protocols: Vec<RuleProtocol>,
        source_addresses: Vec<String>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        target_fqdns: Vec<String>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        target_urls: Vec<String>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        fqdn_tags: Vec<String>,
        #[serde(rename = "terminateTLS", skip_serializing_if = "std::ops::Not::not")]
        terminate_tls: bool,
    },
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct RuleProtocol {
    protocol_type: &'static str,
    port: u16,
}

fn group_resources(firewall: &Firewall) -> Vec<Resource> {
    let mut resources: Vec<Resource> = Vec::new();
    let mut before: Option<&str> = None;
    for group in &firewall.groups {
        let mut next = group_resource(group);
        // Groups of one policy must be deployed one after another.
        next.depends_on.extend(before.map(|name| {
            format!(
                "[resourceId('Microsoft.Network/firewallPolicies/ruleCollectionGroups', \
                 parameters('firewallPolicyName'), '{name}')]"
            )
        }));
        before = Some(&group.name);
        resources.push(next);
    }
    resources
}

fn group_resource(group: &RuleCollectionGroup) -> Resource {
    let name = format!(
        "[format('{{0}}/{{1}}', parameters('firewallPolicyName'), '{}')]",
        group.name.replace('\'', "''")
    );
    let kind = "Microsoft.Network/firewallPolicies/ruleCollectionGroups";
    Resource { location: None, ..resource(kind, name, group_properties(group)) }
}

fn group_properties(group: &RuleCollectionGroup) -> Properties {
    let own = group.collections.iter().map(|c| (c.priority, AnyCollection::Own(collection(c))));
    let kept = group.nat.iter().map(|nat| {
        let value = serde_json::from_str(&nat.json).expect("it was read from JSON");
        (nat.priority, AnyCollection::Kept(value))
    });
    let mut ordered: Vec<(u32, AnyCollection)> = own.chain(kept).collect();
    ordered.sort_by_key(|(priority, _)| *priority);
    let rule_collections = ordered.into_iter().map(|(_, collection)| collection).collect();
    Properties::RuleCollectionGroup { priority: group.priority, rule_collections }
}

fn collection(collection: &RuleCollection) -> Collection {
    let rules = match &collection.rules {
        FirewallRules::Network(rules) => rules.iter().map(network_rule).collect(),
        FirewallRules::Application(rules) => rules.iter().map(application_rule).collect(),
    };
    Collection {
        rule_collection_type: "FirewallPolicyFilterRuleCollection",
        name: collection.name.clone(),
        priority: collection.priority,
        action: CollectionAction { kind: words::access(collection.action) },
        rules,
    }
}

fn network_rule(rule: &NetworkRule) -> Rule {
    let NetworkDestination { addresses, groups, fqdns } = NetworkDestination::of(rule);
    Rule::Network {
        name: rule.name.clone(),
        description: literal(&rule.description),
        ip_protocols: rule.protocols.iter().map(|&p| words::network_protocol(p)).collect(),
        source_addresses: words::texts(&rule.sources),
        destination_addresses: addresses,
        destination_ip_groups: groups.iter().map(|name| ip_group_id(name)).collect(),
        destination_fqdns: fqdns,
        destination_ports: rule.ports.ranges(),
    }
}

fn application_rule(rule: &ApplicationRule) -> Rule {
    let AppDestination { fqdns, urls, tags } = AppDestination::of(&rule.to);
    let protocols = rule
        .protocols
        .iter()
        .map(|&(protocol, port)| RuleProtocol { protocol_type: words::app_protocol(protocol), port })
        .collect();
    Rule::Application {
        name: rule.name.clone(),
        description: literal(&rule.description),
        protocols,
        source_addresses: words::texts(&rule.sources),
        terminate_tls: !urls.is_empty(),
        target_fqdns: fqdns,
        target_urls: urls,
        fqdn_tags: tags,
    }
}

/// The firewall as it is, but for the collections that are made here. Lists inside are not merged by `union`: the later
/// ones are taken.
const WITH_CLASSIC: &str = "[union(parameters('firewallProperties'), createObject(\
     'networkRuleCollections', concat(parameters('otherNetworkRuleCollections'), \
     variables('networkRuleCollections')), \
     'applicationRuleCollections', concat(parameters('otherApplicationRuleCollections'), \
     variables('applicationRuleCollections'))))]";

fn classic_template(firewall: &ClassicFirewall, version: ApiVersion) -> Template {
    let all = |collections: Vec<&RuleCollection>| {
        Tree::List(collections.iter().map(|c| escaped(azure::classic_collection(c, &ip_group_id))).collect())
    };
    let resource = Resource {
        zones: Some("[parameters('zones')]"),
        tags: Some("[parameters('tags')]"),
        ..resource(
            "Microsoft.Network/azureFirewalls",
            "[parameters('firewallName')]".to_owned(),
            Properties::Expression(WITH_CLASSIC),
        )
    };
    Template {
        variables: Some(Variables {
            network_rule_collections: all(firewall.network()),
            application_rule_collections: all(firewall.application()),
        }),
        ..Template::of(Parameters::firewall(&firewall.name), at(version, vec![resource]))
    }
}

/// The texts of a tree as literals of a template.
fn escaped(tree: Tree) -> Tree {
    match tree {
        Tree::Text(text) => Tree::Text(literal(&text)),
        Tree::List(items) => Tree::List(items.into_iter().map(escaped).collect()),
        Tree::Map(members) => Tree::Map(members.into_iter().map(|(k, v)| (k, escaped(v))).collect()),
        other => other,
    }
}
