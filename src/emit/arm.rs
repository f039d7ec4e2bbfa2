//! ARM templates in JSON.
//!
//! Shapes: Azure/azure-resource-manager-schemas, `Microsoft.Network.NRP.json` of the API version emitted.

mod parameters;

use serde::Serialize;

use super::azure;
use super::format::numbers;
use super::tree::Tree;
use super::words;
use super::{Artefact, Format, Options};
use crate::plan::{
    ClassicFirewall, Destination, EndpointPolicy, FileCaps, Firewall, FirewallRules, IpGroup, Nsg, PlanParts,
    RouteTable, RuleCollection, RuleCollectionGroup,
};
use crate::target::{ApiVersion, Part};
use parameters::{Parameters, literal, needs_escape};

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
            files.push(classic_file(firewall, version));
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
    text.len() + ids * (LONGEST_ID - expression(&ip_group_id("")).len())
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
    let whole = file(part, None, &Template::of(parameters.clone(), &resources));
    if count <= 1 || (whole.bytes.len() <= caps.bytes && count <= caps.resources) {
        return vec![whole];
    }
    let bytes = |resources: &[Resource]| bytes_of(&Template::of(parameters.clone(), resources)).len();
    let bare = bytes(&[]);
    let mut groups: Vec<Vec<Resource>> = Vec::new();
    let mut room = 0;
    for mut resource in resources {
        let size = bytes(std::slice::from_ref(&resource)) - bare + 2;
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
    let numbered = |(number, resources): (_, &Vec<Resource>)| {
        file(part, number, &Template::of(parameters.clone(), resources))
    };
    numbers(groups.len()).zip(&groups).map(numbered).collect()
}

fn file(part: Part, number: Option<usize>, template: &Template<'_>) -> Artefact {
    Artefact::of_part(part, number, ".arm.json", bytes_of(template)).holding(template.resources.len())
}

fn bytes_of(template: &Template<'_>) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(template).expect("strings and numbers always serialise");
    bytes.push(b'\n');
    bytes
}

#[derive(Serialize)]
struct Template<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    #[serde(rename = "contentVersion")]
    content_version: &'static str,
    parameters: Parameters,
    #[serde(skip_serializing_if = "Option::is_none")]
    variables: Option<Variables>,
    resources: &'a [Resource],
}

impl<'a> Template<'a> {
    fn of(parameters: Parameters, resources: &'a [Resource]) -> Self {
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

/// What a resource has of its own.
#[derive(Clone, Serialize)]
#[serde(untagged)]
enum Properties {
    Tree(Tree),
    Group {
        priority: u32,
        #[serde(rename = "ruleCollections")]
        rule_collections: Vec<Collection>,
    },
}

impl From<Tree> for Properties {
    fn from(tree: Tree) -> Self {
        Properties::Tree(written(tree))
    }
}

/// A collection that is made here, or one kept from an earlier template.
#[derive(Clone, Serialize)]
#[serde(untagged)]
enum Collection {
    Own(Tree),
    Kept(serde_json::Value),
}

fn resource(kind: &'static str, name: String, properties: impl Into<Properties>) -> Resource {
    Resource {
        kind,
        api_version: ApiVersion::default().name(),
        name,
        location: Some("[parameters('location')]"),
        zones: None,
        tags: None,
        depends_on: Vec::new(),
        properties: properties.into(),
    }
}

/// The resources in a version of the API.
fn at(version: ApiVersion, mut resources: Vec<Resource>) -> Vec<Resource> {
    resources.iter_mut().for_each(|resource| resource.api_version = version.name());
    resources
}

fn nsg_resource(nsg: &Nsg) -> Resource {
    resource("Microsoft.Network/networkSecurityGroups", literal(&nsg.name), azure::nsg(nsg))
}

fn table_resource(table: &RouteTable) -> Resource {
    resource("Microsoft.Network/routeTables", literal(&table.name), azure::route_table(table))
}

fn endpoint_policy_resource(policy: &EndpointPolicy) -> Resource {
    let name = literal(&policy.name);
    resource("Microsoft.Network/serviceEndpointPolicies", name, azure::endpoint_policy(policy))
}

fn ip_group_resources(groups: &[IpGroup]) -> Vec<Resource> {
    let mut resources: Vec<Resource> = Vec::new();
    for group in groups {
        let name = literal(&group.name);
        let mut next = resource("Microsoft.Network/ipGroups", name, azure::ip_group(group));
        // Azure refuses to change more than so many groups at once, so each waits for the one so many before.
        let before = resources.len().checked_sub(words::GROUPS_AT_ONCE).map(|at| &resources[at]);
        next.depends_on.extend(before.map(|before| expression(&ip_group_id(&before.name))));
        resources.push(next);
    }
    resources
}

/// The expression for the id of an IP group.
fn ip_group_id(name: &str) -> String {
    format!("resourceId('Microsoft.Network/ipGroups', '{}')", name.replace('\'', "''"))
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
    let own = group.collections.iter().map(|collection| {
        let tree = written(azure::collection(collection, &ip_group_id));
        (collection.priority, Collection::Own(tree))
    });
    let kept = group.nat.iter().map(|nat| {
        let value = serde_json::from_str(&nat.json).expect("it was read from JSON");
        (nat.priority, Collection::Kept(value))
    });
    let mut ordered: Vec<(u32, Collection)> = own.chain(kept).collect();
    ordered.sort_by_key(|(priority, _)| *priority);
    let rule_collections = ordered.into_iter().map(|(_, collection)| collection).collect();
    Properties::Group { priority: group.priority, rule_collections }
}

/// The firewall as it is, but for the collections that are made here. Lists inside are not merged by `union`: the later
/// ones are taken.
const WITH_CLASSIC: &str = "union(parameters('firewallProperties'), createObject(\
     'networkRuleCollections', concat(parameters('otherNetworkRuleCollections'), \
     variables('networkRuleCollections')), \
     'applicationRuleCollections', concat(parameters('otherApplicationRuleCollections'), \
     variables('applicationRuleCollections'))))";

fn classic_file(firewall: &ClassicFirewall, version: ApiVersion) -> Artefact {
    let all = |collections: Vec<&RuleCollection>| {
        Tree::List(collections.iter().map(|c| written(azure::classic_collection(c, &ip_group_id))).collect())
    };
    let resource = Resource {
        zones: Some("[parameters('zones')]"),
        tags: Some("[parameters('tags')]"),
        ..resource(
            "Microsoft.Network/azureFirewalls",
            "[parameters('firewallName')]".to_owned(),
            Tree::Code(WITH_CLASSIC.to_owned()),
        )
    };
    let resources = at(version, vec![resource]);
    let template = Template {
        variables: Some(Variables {
            network_rule_collections: all(firewall.network()),
            application_rule_collections: all(firewall.application()),
        }),
        ..Template::of(Parameters::firewall(&firewall.name), &resources)
    };
    file(Part::Firewall, None, &template)
}

/// A tree as it stands in a template: its texts as literals, its expressions between brackets.
fn written(mut tree: Tree) -> Tree {
    write(&mut tree);
    tree
}

fn write(tree: &mut Tree) {
    match tree {
        Tree::Text(text) if needs_escape(text) => text.insert(0, '['),
        Tree::Code(code) => *code = expression(code),
        Tree::List(items) => items.iter_mut().for_each(write),
        Tree::Map(members) => members.iter_mut().for_each(|(_, value)| write(value)),
        Tree::Text(_) | Tree::Number(_) | Tree::Bool(_) => {}
    }
}

fn expression(code: &str) -> String {
    format!("[{code}]")
}
