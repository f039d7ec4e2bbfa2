//! Terraform configuration for the provider azurerm, in both syntaxes.
//!
//! Argument names: the provider's documentation, version 4. One folder is one configuration, so that the two
//! syntaxes of one plan cannot lie beside each other.

use super::hcl::{self, Block, Body, Value};
use super::words::{self, AppDestination, NSG, NetworkDestination, ROUTE_TABLE, identifiers};
use super::{Artefact, Format, Options};
use crate::plan::{
    ApplicationRule, ClassicFirewall, EndpointPolicy, Firewall, FirewallRules, IpGroup, NetworkRule, Nsg,
    NsgRule, Plan, Route, RouteTable, RuleCollection,
};
use crate::target::TerraformStyle;

const REMARK: &str = "Written by tagwall: change the policy, not this file.";

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

    fn render(&self, plan: &Plan, options: &Options) -> Vec<Artefact> {
        let file = |(stem, blocks): (&str, Vec<Block>)| {
            Artefact::text(format!("{stem}.tf"), hcl::native(REMARK, &blocks))
        };
        files(plan, options).into_iter().map(file).collect()
    }
}

impl Format for TerraformJson {
    fn name(&self) -> &'static str {
        "terraform-json"
    }

    fn render(&self, plan: &Plan, options: &Options) -> Vec<Artefact> {
        let file = |(stem, blocks): (&str, Vec<Block>)| {
            Artefact::text(format!("{stem}.tf.json"), hcl::json(REMARK, &blocks))
        };
        files(plan, options).into_iter().map(file).collect()
    }
}

/// The blocks of each file.
fn files(plan: &Plan, options: &Options) -> Vec<(&'static str, Vec<Block>)> {
    let style = options.terraform_style;
    let mut files = Vec::new();
    let groups = identifiers("ip_", plan.ip_groups.iter().map(|g| g.name.as_str()));
    if !plan.ip_groups.is_empty() {
        files.push(("ip-groups", ip_groups(&plan.ip_groups, &groups)));
    }
    let firewall = plan.firewall.as_ref().filter(|f| !f.groups.is_empty());
    if let Some(firewall) = firewall {
        files.push(("firewall", rule_collection_groups(firewall, &plan.ip_groups, &groups)));
    }
    let classic = plan.classic_firewall.as_ref().filter(|f| !f.collections.is_empty());
    if let Some(firewall) = classic {
        files.push(("firewall", classic_collections(firewall, &plan.ip_groups, &groups)));
    }
    if let Some(nsg) = &plan.nsg {
        files.push(("nsg", security_group(nsg, style)));
    }
    if !plan.endpoint_policies.is_empty() {
        files.push(("service-endpoint-policy", endpoint_policies(&plan.endpoint_policies)));
    }
    if let Some(table) = &plan.route_table {
        files.push(("route-table", route_table(table, style)));
    }
    if !files.is_empty() {
        files.insert(0, ("main", main(options, firewall.is_some(), classic)));
    }
    files
}

fn main(options: &Options, firewall: bool, classic: Option<&ClassicFirewall>) -> Vec<Block> {
    let provider =
        Value::Object(vec![("source", text("hashicorp/azurerm")), ("version", text(">= 4.0, < 5.0"))]);
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

fn security_group(nsg: &Nsg, style: TerraformStyle) -> Vec<Block> {
    let kind = "azurerm_network_security_group";
    match style {
        TerraformStyle::Inline => {
            let rules =
                nsg.rules.iter().map(|rule| security_rule(Body::default().text("name", &rule.name), rule));
            vec![resource(kind, NSG, placed(&nsg.name).blocks("security_rule", rules))]
        }
        TerraformStyle::Resources => {
            let labels = identifiers("rule_", nsg.rules.iter().map(|r| r.name.as_str()));
            let rule = |(rule, label): (&NsgRule, &String)| {
                let body = Body::default()
                    .text("name", &rule.name)
                    .expression("resource_group_name", "var.resource_group_name")
                    .expression("network_security_group_name", format!("{kind}.{NSG}.name"));
                resource("azurerm_network_security_rule", label, security_rule(body, rule))
            };
            let rules = nsg.rules.iter().zip(&labels).map(rule);
            std::iter::once(resource(kind, NSG, placed(&nsg.name))).chain(rules).collect()
        }
    }
}

fn security_rule(body: Body, rule: &NsgRule) -> Body {
    body.text("description", &rule.description)
        .set("priority", Value::Number(rule.priority))
        .text("direction", words::direction(rule.direction))
        .text("access", words::access(rule.action))
        .text("protocol", words::protocol(rule.protocol))
        .text("source_port_range", "*")
        .set("source_port_ranges", Value::Absent)
        .one_or_many("source_address_prefix", "source_address_prefixes", &words::side(&rule.source))
        .one_or_many("destination_port_range", "destination_port_ranges", &rule.ports.ranges())
        .one_or_many(
            "destination_address_prefix",
            "destination_address_prefixes",
            &words::side(&rule.destination),
        )
        .set("source_application_security_group_ids", Value::Absent)
        .set("destination_application_security_group_ids", Value::Absent)
}

fn route_table(table: &RouteTable, style: TerraformStyle) -> Vec<Block> {
    let kind = "azurerm_route_table";
    // The other way round than in the resource manager.
    let body = placed(&table.name).set("bgp_route_propagation_enabled", Value::Bool(!table.disable_bgp));
    match style {
        TerraformStyle::Inline => {
            let routes = table.routes.iter().map(|r| route(Body::default().text("name", &r.name), r));
            vec![resource(kind, ROUTE_TABLE, body.blocks("route", routes))]
        }
        TerraformStyle::Resources => {
            let labels = identifiers("route_", table.routes.iter().map(|r| r.name.as_str()));
            let one = |(r, label): (&Route, &String)| {
                let body = Body::default()
                    .text("name", &r.name)
                    .expression("resource_group_name", "var.resource_group_name")
                    .expression("route_table_name", format!("{kind}.{ROUTE_TABLE}.name"));
                resource("azurerm_route", label, route(body, r))
            };
            let routes = table.routes.iter().zip(&labels).map(one);
            std::iter::once(resource(kind, ROUTE_TABLE, body)).chain(routes).collect()
        }
    }
}

fn route(body: Body, route: &Route) -> Body {
    let (kind, address) = words::next_hop(route.next_hop);
    let body = body.text("address_prefix", route.to.to_string()).text("next_hop_type", kind);
    body.set("next_hop_in_ip_address", address.map_or(Value::Absent, Value::Text))
}

fn ip_groups(groups: &[IpGroup], labels: &[String]) -> Vec<Block> {
    // The provider changes groups in parallel, which Azure has refused for groups of one firewall.
    let before = std::iter::once(None).chain(labels.iter().map(|l| Some(format!("azurerm_ip_group.{l}"))));
    let one = |((group, label), before): ((&IpGroup, &String), _)| {
        resource("azurerm_ip_group", label, placed(&group.name).texts("cidrs", &group.prefixes).after(before))
    };
    groups.iter().zip(labels).zip(before).map(one).collect()
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

/// The expression for the id of an IP group.
fn id_of(ip_groups: &[IpGroup], labels: &[String], name: &str) -> String {
    let at = ip_groups.iter().position(|g| g.name == name).expect("a plan holds the groups it names");
    format!("azurerm_ip_group.{}.id", labels[at])
}

/// Classic collections, one after another, the first after all IP groups: each changes the firewall as a whole.
fn classic_collections(
    firewall: &ClassicFirewall,
    ip_groups: &[IpGroup],
    ip_labels: &[String],
) -> Vec<Block> {
    let id = |name: &str| id_of(ip_groups, ip_labels, name);
    let mut before = ip_labels.last().map(|label| format!("azurerm_ip_group.{label}"));
    let mut blocks = Vec::new();
    for collection in &firewall.collections {
        let (kind, label) = match &collection.rules {
            FirewallRules::Network(_) => ("azurerm_firewall_network_rule_collection", "network"),
            FirewallRules::Application(_) => ("azurerm_firewall_application_rule_collection", "application"),
        };
        let body = Body::default()
            .text("name", &collection.name)
            .expression("azure_firewall_name", "var.firewall_name")
            .expression("resource_group_name", "var.resource_group_name")
            .set("priority", Value::Number(collection.priority))
            .text("action", "Allow");
        let body = match &collection.rules {
            FirewallRules::Network(rules) => body.blocks("rule", rules.iter().map(|r| network_rule(r, &id))),
            FirewallRules::Application(rules) => {
                body.blocks("rule", rules.iter().map(classic_application_rule))
            }
        };
        blocks.push(resource(kind, label, body.after(before)));
        before = Some(format!("{kind}.{label}"));
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
    let first = ip_labels.last().map(|label| format!("azurerm_ip_group.{label}"));
    let before = std::iter::once(first).chain(labels.iter().map(|l| Some(format!("{KIND}.{l}"))));
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
        blocks.push(resource(KIND, label, body.after(before)));
    }
    blocks
}

fn collection(collection: &RuleCollection, id: &dyn Fn(&str) -> String) -> Body {
    let body = Body::default()
        .text("name", &collection.name)
        .set("priority", Value::Number(collection.priority))
        .text("action", "Allow");
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
