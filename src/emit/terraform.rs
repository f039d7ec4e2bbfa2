//! Terraform configuration for the provider azurerm, in both syntaxes.
//!
//! Argument names: the provider's documentation, version 4. One folder is one configuration, so that the two
//! syntaxes of one plan cannot lie beside each other.

use std::collections::{BTreeMap, BTreeSet};

use super::hcl::{self, Block, Body, Value};
use super::words::{self, AppDestination, NSG, NetworkDestination, ROUTE_TABLE, identifiers, one_or_named};
use super::{Artefact, Format, Options};
use crate::plan::{
    Action, ApplicationRule, ClassicFirewall, EndpointPolicy, Firewall, FirewallRules, IpGroup, NetworkRule,
    Nsg, NsgRule, PlanParts, Route, RouteTable, RuleCollection, Side,
};
use crate::target::{Part, TerraformStyle};
use crate::text::sha256_hex;

const REMARK: &str = "Written by tagwall: change the policy, not this file.";

/// How long the provider waits for Azure to change resources of a firewall.
const TIMEOUT: &str = "2h";

/// `main.tf`, `ip-groups.tf`, `firewall.tf`, `nsg.tf`, `service-endpoint-policy.tf`, `route-table.tf`.
#[derive(Debug, Clone, Copy)]
pub struct Terraform;

/// The same as `main.tf.json` and so on.
#[derive(Debug, Clone, Copy)]
pub struct TerraformJson;

impl Format for Terraform {
    fn name(&self) -> &'static str {
        "terraform"
    }

    fn render(&self, plan: &PlanParts, options: &Options) -> Vec<Artefact> {
        let file = |(part, blocks): (Part, Vec<Block>)| {
            Artefact::of_part(part, None, ".tf", hcl::native(REMARK, &blocks))
        };
        files(plan, options).into_iter().map(file).collect()
    }
}

impl Format for TerraformJson {
    fn name(&self) -> &'static str {
        "terraform-json"
    }

    fn render(&self, plan: &PlanParts, options: &Options) -> Vec<Artefact> {
        let file = |(part, blocks): (Part, Vec<Block>)| {
            Artefact::of_part(part, None, ".tf.json", hcl::json(REMARK, &blocks))
        };
        files(plan, options).into_iter().map(file).collect()
    }
}

/// The blocks of each file.
fn files(plan: &PlanParts, options: &Options) -> Vec<(Part, Vec<Block>)> {
    let style = options.terraform_style;
    let mut files = Vec::new();
    let groups = identifiers("ip_", plan.ip_groups.iter().map(|g| g.name.as_str()));
    if !plan.ip_groups.is_empty() {
        files.push((Part::IpGroups, ip_groups(&plan.ip_groups, &groups)));
    }
    let firewall = plan.firewall.as_ref().filter(|f| !f.groups.is_empty());
    if let Some(firewall) = firewall {
        files.push((Part::Firewall, rule_collection_groups(firewall, &plan.ip_groups, &groups)));
    }
    let classic = plan.classic_firewall.as_ref().filter(|f| !f.collections.is_empty());
    if let Some(firewall) = classic {
        files.push((Part::Firewall, classic_collections(firewall, &plan.ip_groups, &groups)));
    }
    if !plan.nsgs.is_empty() {
        let labels = one_or_named(NSG, plan.nsgs.iter().map(|nsg| nsg.name.as_str()));
        let several = plan.nsgs.len() > 1;
        let groups = plan.nsgs.iter().zip(&labels);
        let ids = security_group_ids(plan);
        files.push((
            Part::Nsg,
            groups.flat_map(|(nsg, label)| security_group(nsg, (label, several), style, &ids)).collect(),
        ));
    }
    if !plan.endpoint_policies.is_empty() {
        files.push((Part::ServiceEndpointPolicy, endpoint_policies(&plan.endpoint_policies)));
    }
    if !plan.route_tables.is_empty() {
        let labels = one_or_named(ROUTE_TABLE, plan.route_tables.iter().map(|table| table.name.as_str()));
        let several = plan.route_tables.len() > 1;
        let tables = plan.route_tables.iter().zip(&labels);
        files.push((
            Part::RouteTable,
            tables.flat_map(|(t, label)| route_table(t, (label, several), style)).collect(),
        ));
    }
    if options.associations {
        let before = files.iter().filter(|(part, _)| *part == Part::Firewall).flat_map(|(_, blocks)| blocks);
        let before = before.last().map(address);
        let blocks = associations(plan, before);
        if !blocks.is_empty() {
            files.push((Part::Associations, blocks));
        }
    }
    if !files.is_empty() {
        let mut head = main(options, firewall.is_some(), classic);
        head.extend(security_group_ids(plan).into_iter().map(|(group, name)| {
            variable(&name, &format!("Id of the application security group {group}."), None)
        }));
        if options.associations {
            head.extend(
                subnet_ids(plan)
                    .into_iter()
                    .map(|(subnet, name)| variable(&name, &format!("Id of the subnet {subnet}."), None)),
            );
        }
        files.insert(0, (Part::Main, head));
    }
    files
}

/// How other blocks name a resource.
fn address(block: &Block) -> String {
    block.labels.join(".")
}

/// The application security groups that rules name, each with the variable of its id: files of a configuration know no
/// ids of what they do not make.
fn security_group_ids(plan: &PlanParts) -> BTreeMap<&str, String> {
    let rules = plan.nsgs.iter().flat_map(|nsg| &nsg.rules);
    let sides = rules.flat_map(|rule| [&rule.source, &rule.destination]);
    let groups: BTreeSet<&str> = sides.filter_map(Side::security_group).collect();
    let names = identifiers("asg_id_", groups.iter().copied());
    groups.into_iter().zip(names).collect()
}

/// The subnets that something is put on, each with the variable of its id.
fn subnet_ids(plan: &PlanParts) -> Vec<(&str, String)> {
    let put = plan.associations.iter().filter(|a| a.nsg.is_some() || a.route_table.is_some());
    let subnets: Vec<&str> = put.map(|a| a.subnet.as_str()).collect();
    let names = identifiers("subnet_id_", subnets.iter().copied());
    subnets.into_iter().zip(names).collect()
}

/// What is put on the subnets: resources of their own, so that all else of a subnet stays whose it is. A table is put on
/// its subnet after the group and after the rules of the firewall, which `rules` is the last of.
fn associations(plan: &PlanParts, rules: Option<String>) -> Vec<Block> {
    let nsgs = one_or_named(NSG, plan.nsgs.iter().map(|nsg| nsg.name.as_str()));
    let tables = one_or_named(ROUTE_TABLE, plan.route_tables.iter().map(|table| table.name.as_str()));
    let mut blocks = Vec::new();
    for (subnet, variable) in subnet_ids(plan) {
        let put = plan.associations.iter().find(|a| a.subnet == subnet).expect("it is one of them");
        let label = variable.strip_prefix("subnet_id_").unwrap_or(&variable).to_owned();
        let label = format!("on_{label}");
        let body = || Body::default().expression("subnet_id", format!("var.{variable}"));
        let mut before: Vec<String> = rules.iter().cloned().collect();
        if let Some(at) = put.nsg.as_ref().and_then(|n| plan.nsgs.iter().position(|nsg| nsg.name == *n)) {
            let id = format!("azurerm_network_security_group.{}.id", nsgs[at]);
            let kind = "azurerm_subnet_network_security_group_association";
            blocks.push(resource(kind, &label, body().expression("network_security_group_id", id)));
            before.push(format!("{kind}.{label}"));
        }
        if let Some(at) =
            put.route_table.as_ref().and_then(|n| plan.route_tables.iter().position(|t| t.name == *n))
        {
            let id = format!("azurerm_route_table.{}.id", tables[at]);
            let body = body().expression("route_table_id", id).after(before);
            blocks.push(resource("azurerm_subnet_route_table_association", &label, body));
        }
    }
    blocks
}

fn main(options: &Options, firewall: bool, classic: Option<&ClassicFirewall>) -> Vec<Block> {
    let provider =
        Value::Object(vec![("source", text("hashicorp/azurerm")), ("version", text(">= 4.0, < 6.0"))]);
    let providers = Body::default().set("azurerm", provider);
    let terraform = Body::default().text("required_version", ">= 1.0").block("required_providers", providers);
    let mut blocks = vec![
        Block { kind: "terraform", labels: Vec::new(), body: terraform },
        labelled("provider", &["azurerm"], Body::default().block("features", Body::default())),
        variable(
            "resource_group_name",
            "Resource group of the resources.",
            options.resource_group.as_deref(),
        ),
        variable("location", "Location of the resources.", Some(&options.location)),
    ];
    if firewall {
        let what = "Id of the existing firewall policy that the rule collection groups belong to.";
        blocks.push(variable("firewall_policy_id", what, None));
    }
    if let Some(firewall) = classic {
        blocks.push(variable("firewall_name", "Name of the existing firewall.", Some(&firewall.name)));
    }
    blocks
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn labelled(kind: &'static str, labels: &[&str], body: Body) -> Block {
    Block { kind, labels: labels.iter().map(|l| (*l).to_owned()).collect(), body }
}

fn variable(name: &str, description: &str, default: Option<&str>) -> Block {
    let body = Body::default().text("description", description).set("type", Value::Name("string".to_owned()));
    let body = default.into_iter().fold(body, |body, default| body.text("default", default));
    labelled("variable", &[name], body)
}

fn resource(kind: &str, label: &str, body: Body) -> Block {
    labelled("resource", &[kind, label], body)
}

/// Name, location and resource group, which most resources begin with.
fn placed(name: &str) -> Body {
    Body::default()
        .text("name", name)
        .expression("location", "var.location")
        .expression("resource_group_name", "var.resource_group_name")
}

/// Labels for what belongs to one of several resources: names there may be the same, so that each ends in a digest.
fn inner_labels<'a>(
    prefix: &str,
    (owner, several): (&str, bool),
    names: impl Iterator<Item = &'a str> + Clone,
) -> Vec<String> {
    let labels = identifiers(prefix, names.clone());
    if !several {
        return labels;
    }
    let digest = |name: &str| sha256_hex(format!("{owner}/{name}").as_bytes())[..8].to_owned();
    let plain = |name: &str| identifiers(prefix, [name]).remove(0);
    names.map(|name| format!("{}_{}", plain(name), digest(name))).collect()
}

fn security_group(
    nsg: &Nsg,
    (own, several): (&str, bool),
    style: TerraformStyle,
    ids: &BTreeMap<&str, String>,
) -> Vec<Block> {
    let kind = "azurerm_network_security_group";
    match style {
        TerraformStyle::Inline => {
            let rules = nsg
                .rules
                .iter()
                .map(|rule| security_rule(Body::default().text("name", &rule.name), rule, ids));
            vec![resource(kind, own, placed(&nsg.name).blocks("security_rule", rules))]
        }
        TerraformStyle::Resources => {
            let labels =
                inner_labels("rule_", (&nsg.name, several), nsg.rules.iter().map(|r| r.name.as_str()));
            let rule = |(rule, label): (&NsgRule, &String)| {
                let body = Body::default()
                    .text("name", &rule.name)
                    .expression("resource_group_name", "var.resource_group_name")
                    .expression("network_security_group_name", format!("{kind}.{own}.name"));
                resource("azurerm_network_security_rule", label, security_rule(body, rule, ids))
            };
            let rules = nsg.rules.iter().zip(&labels).map(rule);
            std::iter::once(resource(kind, own, placed(&nsg.name))).chain(rules).collect()
        }
    }
}

fn security_rule(body: Body, rule: &NsgRule, ids: &BTreeMap<&str, String>) -> Body {
    let addresses =
        |side: &Side| if side.security_group().is_some() { Vec::new() } else { words::side(side) };
    let groups = |side: &Side| match side.security_group() {
        Some(name) => Value::List(vec![Value::Expression(format!("var.{}", ids[name]))]),
        None => Value::Absent,
    };
    body.text("description", &rule.description)
        .set("priority", Value::Number(rule.priority))
        .text("direction", words::direction(rule.direction))
        .text("access", words::access(rule.action))
        .text("protocol", words::protocol(rule.protocol))
        .text("source_port_range", "*")
        .set("source_port_ranges", Value::Absent)
        .one_many_or_none("source_address_prefix", "source_address_prefixes", &addresses(&rule.source))
        .one_or_many("destination_port_range", "destination_port_ranges", &rule.ports.ranges())
        .one_many_or_none(
            "destination_address_prefix",
            "destination_address_prefixes",
            &addresses(&rule.destination),
        )
        .set("source_application_security_group_ids", groups(&rule.source))
        .set("destination_application_security_group_ids", groups(&rule.destination))
}

fn route_table(table: &RouteTable, (own, several): (&str, bool), style: TerraformStyle) -> Vec<Block> {
    let kind = "azurerm_route_table";
    // The other way round than in the resource manager.
    let body = placed(&table.name).set("bgp_route_propagation_enabled", Value::Bool(!table.disable_bgp));
    match style {
        TerraformStyle::Inline => {
            let routes = table.routes.iter().map(|r| route(Body::default().text("name", &r.name), r));
            vec![resource(kind, own, body.blocks("route", routes))]
        }
        TerraformStyle::Resources => {
            let names = table.routes.iter().map(|r| r.name.as_str());
            let labels = inner_labels("route_", (&table.name, several), names);
            let one = |(r, label): (&Route, &String)| {
                let body = Body::default()
                    .text("name", &r.name)
                    .expression("resource_group_name", "var.resource_group_name")
                    .expression("route_table_name", format!("{kind}.{own}.name"));
                resource("azurerm_route", label, route(body, r))
            };
            let routes = table.routes.iter().zip(&labels).map(one);
            std::iter::once(resource(kind, own, body)).chain(routes).collect()
        }
    }
}

fn route(body: Body, route: &Route) -> Body {
    let (kind, address) = words::next_hop(route.next_hop);
    let body = body.text("address_prefix", route.to.to_string()).text("next_hop_type", kind);
    body.set("next_hop_in_ip_address", address.map_or(Value::Absent, Value::Text))
}

fn ip_groups(groups: &[IpGroup], labels: &[String]) -> Vec<Block> {
    // The provider changes groups in parallel, and Azure refuses more than so many at once.
    let first = std::iter::repeat_n(None, words::GROUPS_AT_ONCE);
    let before = first.chain(labels.iter().map(|l| Some(format!("azurerm_ip_group.{l}"))));
    let one = |((group, label), before): ((&IpGroup, &String), _)| {
        let body = placed(&group.name).texts("cidrs", &group.prefixes).after(before);
        resource("azurerm_ip_group", label, patient(body))
    };
    groups.iter().zip(labels).zip(before).map(one).collect()
}

/// A resource of a firewall, for which the provider's own half an hour is not always enough: Azure is slow to change
/// large groups, and takes the firewalls of a policy with it.
fn patient(body: Body) -> Body {
    let long = ["create", "update", "delete"].into_iter().fold(Body::default(), |b, k| b.text(k, TIMEOUT));
    body.block("timeouts", long)
}

fn endpoint_policies(policies: &[EndpointPolicy]) -> Vec<Block> {
    let labels = identifiers("policy_", policies.iter().map(|p| p.name.as_str()));
    let one = |(policy, label): (&EndpointPolicy, &String)| {
        let definitions = policy.definitions.iter().map(|definition| {
            Body::default()
                .text("name", &definition.name)
                .text("description", &definition.description)
                .text("service", &definition.service)
                .texts("service_resources", &definition.resources)
        });
        let body = placed(&policy.name).blocks("definition", definitions);
        resource("azurerm_subnet_service_endpoint_storage_policy", label, body)
    };
    policies.iter().zip(&labels).map(one).collect()
}

/// The IP groups for which no other one waits: when they are made, all are.
fn last_made(labels: &[String]) -> Vec<String> {
    let last = labels.len().saturating_sub(words::GROUPS_AT_ONCE);
    labels[last..].iter().map(|label| format!("azurerm_ip_group.{label}")).collect()
}

/// The expression for the id of an IP group.
fn id_of(ip_groups: &[IpGroup], labels: &[String], name: &str) -> String {
    let at = ip_groups.iter().position(|g| g.name == name).expect("a plan holds the groups it names");
    format!("azurerm_ip_group.{}.id", labels[at])
}

const NETWORK_COLLECTION: &str = "azurerm_firewall_network_rule_collection";
const APPLICATION_COLLECTION: &str = "azurerm_firewall_application_rule_collection";

/// Classic collections, one after another, the first after all IP groups: each changes the firewall as a whole.
fn classic_collections(
    firewall: &ClassicFirewall,
    ip_groups: &[IpGroup],
    ip_labels: &[String],
) -> Vec<Block> {
    let id = |name: &str| id_of(ip_groups, ip_labels, name);
    let mut before = last_made(ip_labels);
    let mut blocks = Vec::new();
    for collection in &firewall.collections {
        let (kind, allowing) = match &collection.rules {
            FirewallRules::Network(_) => (NETWORK_COLLECTION, "network"),
            FirewallRules::Application(_) => (APPLICATION_COLLECTION, "application"),
        };
        // What allows keeps its label whether or not anything is denied; what denies is called by its name.
        let label = match collection.action {
            Action::Allow => allowing.to_owned(),
            Action::Deny => identifiers(&format!("{allowing}_"), [collection.name.as_str()]).remove(0),
        };
        let body = Body::default()
            .text("name", &collection.name)
            .expression("azure_firewall_name", "var.firewall_name")
            .expression("resource_group_name", "var.resource_group_name")
            .set("priority", Value::Number(collection.priority))
            .text("action", words::access(collection.action));
        let body = match &collection.rules {
            FirewallRules::Network(rules) => body.blocks("rule", rules.iter().map(|r| network_rule(r, &id))),
            FirewallRules::Application(rules) => {
                body.blocks("rule", rules.iter().map(classic_application_rule))
            }
        };
        blocks.push(resource(kind, &label, patient(body.after(before))));
        before = vec![format!("{kind}.{label}")];
    }
    blocks
}

/// Some arguments have other names than in a policy.
fn classic_application_rule(rule: &ApplicationRule) -> Body {
    let destination = AppDestination::of(&rule.to);
    Body::default()
        .text("name", &rule.name)
        .text("description", &rule.description)
        .texts("source_addresses", &rule.sources)
        .texts("target_fqdns", &destination.fqdns)
        .texts("fqdn_tags", &destination.tags)
        .blocks("protocol", app_protocols(rule))
}

fn app_protocols(rule: &ApplicationRule) -> impl Iterator<Item = Body> {
    rule.protocols.iter().map(|&(protocol, port)| {
        Body::default().text("type", words::app_protocol(protocol)).set("port", Value::Number(port.into()))
    })
}

/// The groups of the policy, one after another, the first after all IP groups.
fn rule_collection_groups(firewall: &Firewall, ip_groups: &[IpGroup], ip_labels: &[String]) -> Vec<Block> {
    const KIND: &str = "azurerm_firewall_policy_rule_collection_group";
    let id = |name: &str| id_of(ip_groups, ip_labels, name);
    let labels = identifiers("group_", firewall.groups.iter().map(|g| g.name.as_str()));
    let before =
        std::iter::once(last_made(ip_labels)).chain(labels.iter().map(|l| vec![format!("{KIND}.{l}")]));
    let mut blocks = Vec::new();
    for ((group, label), before) in firewall.groups.iter().zip(&labels).zip(before) {
        let body = Body::default()
            .text("name", &group.name)
            .expression("firewall_policy_id", "var.firewall_policy_id")
            .set("priority", Value::Number(group.priority));
        let body = group.collections.iter().fold(body, |body, c| {
            let kind = match &c.rules {
                FirewallRules::Network(_) => "network_rule_collection",
                FirewallRules::Application(_) => "application_rule_collection",
            };
            body.block(kind, collection(c, &id))
        });
        blocks.push(resource(KIND, label, patient(body.after(before))));
    }
    blocks
}

fn collection(collection: &RuleCollection, id: &dyn Fn(&str) -> String) -> Body {
    let body = Body::default()
        .text("name", &collection.name)
        .set("priority", Value::Number(collection.priority))
        .text("action", words::access(collection.action));
    match &collection.rules {
        FirewallRules::Network(rules) => body.blocks("rule", rules.iter().map(|r| network_rule(r, id))),
        FirewallRules::Application(rules) => body.blocks("rule", rules.iter().map(application_rule)),
    }
}

fn network_rule(rule: &NetworkRule, id: &dyn Fn(&str) -> String) -> Body {
    let destination = NetworkDestination::of(rule);
    let protocols: Vec<&str> = rule.protocols.iter().map(|&p| words::network_protocol(p)).collect();
    let groups: Vec<Value> = destination.groups.iter().map(|name| Value::Expression(id(name))).collect();
    let body = Body::default()
        .text("name", &rule.name)
        .text("description", &rule.description)
        .texts("protocols", &protocols)
        .texts("source_addresses", &rule.sources)
        .texts("destination_addresses", &destination.addresses);
    let body = if groups.is_empty() { body } else { body.set("destination_ip_groups", Value::List(groups)) };
    body.texts("destination_fqdns", &destination.fqdns).texts("destination_ports", &rule.ports.ranges())
}

fn application_rule(rule: &ApplicationRule) -> Body {
    let destination = AppDestination::of(&rule.to);
    let body = Body::default()
        .text("name", &rule.name)
        .text("description", &rule.description)
        .texts("source_addresses", &rule.sources)
        .texts("destination_fqdns", &destination.fqdns)
        .texts("destination_urls", &destination.urls)
        .texts("destination_fqdn_tags", &destination.tags);
    // A path is seen only where TLS is inspected.
    let body = if destination.urls.is_empty() { body } else { body.set("terminate_tls", Value::Bool(true)) };
    body.blocks("protocols", app_protocols(rule))
}
