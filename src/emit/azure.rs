//! The properties of Azure's resources as trees, in the shapes of the resource manager.
//!
//! Shapes: Azure/azure-resource-manager-schemas, `Microsoft.Network.NRP.json` of the versions in `ApiVersion`.

use super::tree::{Members, Tree};
use super::words::{self, AppDestination, NetworkDestination};
use crate::plan::{
    ApplicationRule, EndpointPolicy, FirewallRules, IpGroup, NetworkRule, Nsg, NsgRule, Route, RouteTable,
    RuleCollection, RuleCollectionGroup, Side,
};

/// What templates and Bicep files of classic rules must be told of a firewall, so that deploying changes nothing else of
/// it: parameter, type and description.
pub(super) const KEPT: [(&str, &str, &str); 5] = [
    ("zones", "array", "Zones of the firewall as it is."),
    ("tags", "object", "Tags of the firewall as it is."),
    (
        "firewallProperties",
        "object",
        "Properties of the firewall as it is: tier, addresses, DNAT rules and all else.",
    ),
    (
        "otherNetworkRuleCollections",
        "array",
        "The collections of network rules in the firewall that are not made here, as they are.",
    ),
    (
        "otherApplicationRuleCollections",
        "array",
        "The collections of application rules in the firewall that are not made here, as they are.",
    ),
];

fn named(name: &str, properties: Tree) -> Tree {
    Members::default().text("name", name).with("properties", properties).map()
}

pub(super) fn nsg(nsg: &Nsg) -> Tree {
    let rules = nsg.rules.iter().map(|rule| named(&rule.name, security_rule(rule))).collect();
    Members::default().with("securityRules", Tree::List(rules)).map()
}

fn security_rule(rule: &NsgRule) -> Tree {
    let members = Members::default()
        .text("description", &rule.description)
        .with("priority", Tree::Number(rule.priority))
        .text("direction", words::direction(rule.direction))
        .text("access", words::access(rule.action))
        .text("protocol", words::protocol(rule.protocol));
    let source = ["sourceAddressPrefix", "sourceAddressPrefixes", "sourceApplicationSecurityGroups"];
    let destination =
        ["destinationAddressPrefix", "destinationAddressPrefixes", "destinationApplicationSecurityGroups"];
    let members = rule_side(members, source, &rule.source).text("sourcePortRange", "*");
    rule_side(members, destination, &rule.destination)
        .one_or_many("destinationPortRange", "destinationPortRanges", &rule.ports.ranges())
        .map()
}

/// One side of a rule: by one address or tag, by several addresses, or by an application security group.
fn rule_side(members: Members, [one, many, groups]: [&'static str; 3], side: &Side) -> Members {
    match side.security_group() {
        Some(name) => {
            let id = Tree::Code(words::security_group_id(name));
            members.with(groups, Tree::List(vec![Members::default().with("id", id).map()]))
        }
        None => members.one_or_many(one, many, &words::side(side)),
    }
}

pub(super) fn route_table(table: &RouteTable) -> Tree {
    let routes = table.routes.iter().map(|route| named(&route.name, route_properties(route))).collect();
    Members::default()
        .with("disableBgpRoutePropagation", Tree::Bool(table.disable_bgp))
        .optional("disablePeeringRoute", table.disable_peering_route.then(|| Tree::text("All")))
        .with("routes", Tree::List(routes))
        .map()
}

fn route_properties(route: &Route) -> Tree {
    let (kind, address) = words::next_hop(route.next_hop);
    Members::default()
        .text("addressPrefix", route.to.to_string())
        .text("nextHopType", kind)
        .optional("nextHopIpAddress", address.map(Tree::Text))
        .map()
}

pub(super) fn ip_group(group: &IpGroup) -> Tree {
    Members::default().with("ipAddresses", Tree::texts(&group.prefixes)).map()
}

pub(super) fn endpoint_policy(policy: &EndpointPolicy) -> Tree {
    let definitions = policy.definitions.iter().map(|definition| {
        let properties = Members::default()
            .text("description", &definition.description)
            .text("service", &definition.service)
            .with("serviceResources", Tree::texts(&definition.resources));
        named(&definition.name, properties.map())
    });
    Members::default().with("serviceEndpointPolicyDefinitions", Tree::List(definitions.collect())).map()
}

/// The properties of a rule collection group; `id` gives the expression for the id of an IP group.
pub(super) fn rule_collection_group(group: &RuleCollectionGroup, id: &dyn Fn(&str) -> String) -> Tree {
    let collections = group.collections.iter().map(|c| collection(c, id)).collect();
    Members::default()
        .with("priority", Tree::Number(group.priority))
        .with("ruleCollections", Tree::List(collections))
        .map()
}

/// A collection of a group; `id` gives the expression for the id of an IP group.
pub(super) fn collection(collection: &RuleCollection, id: &dyn Fn(&str) -> String) -> Tree {
    let rules = match &collection.rules {
        FirewallRules::Network(rules) => rules.iter().map(|rule| network_rule(rule, id)).collect(),
        FirewallRules::Application(rules) => rules.iter().map(application_rule).collect(),
    };
    Members::default()
        .text("ruleCollectionType", "FirewallPolicyFilterRuleCollection")
        .text("name", &collection.name)
        .with("priority", Tree::Number(collection.priority))
        .with("action", Members::default().text("type", words::access(collection.action)).map())
        .with("rules", Tree::List(rules))
        .map()
}

/// A classic collection, as a firewall holds it; `id` gives the expression for the id of an IP group.
pub(super) fn classic_collection(collection: &RuleCollection, id: &dyn Fn(&str) -> String) -> Tree {
    let rules = match &collection.rules {
        FirewallRules::Network(rules) => {
            let rule = |rule| network_members(Members::default(), "protocols", rule, id).map();
            rules.iter().map(rule).collect()
        }
        FirewallRules::Application(rules) => {
            rules.iter().map(|rule| application_members(Members::default(), rule).map()).collect()
        }
    };
    let properties = Members::default()
        .with("priority", Tree::Number(collection.priority))
        .with("action", Members::default().text("type", words::access(collection.action)).map())
        .with("rules", Tree::List(rules));
    named(&collection.name, properties.map())
}

fn network_rule(rule: &NetworkRule, id: &dyn Fn(&str) -> String) -> Tree {
    network_members(Members::default().text("ruleType", "NetworkRule"), "ipProtocols", rule, id).map()
}

/// The members of a network rule; `key` is the one that lists its protocols.
fn network_members(
    members: Members,
    key: &'static str,
    rule: &NetworkRule,
    id: &dyn Fn(&str) -> String,
) -> Members {
    let destination = NetworkDestination::of(rule);
    let protocols: Vec<&str> = rule.protocols.iter().map(|&p| words::network_protocol(p)).collect();
    members
        .text("name", &rule.name)
        .text("description", &rule.description)
        .with(key, Tree::texts(&protocols))
        .with("sourceAddresses", Tree::texts(&rule.sources))
        .texts("destinationAddresses", &destination.addresses)
        .filled("destinationIpGroups", destination.groups.iter().map(|name| Tree::Code(id(name))).collect())
        .texts("destinationFqdns", &destination.fqdns)
        .with("destinationPorts", Tree::texts(&rule.ports.ranges()))
}

fn application_rule(rule: &ApplicationRule) -> Tree {
    application_members(Members::default().text("ruleType", "ApplicationRule"), rule).map()
}

fn application_members(members: Members, rule: &ApplicationRule) -> Members {
    let destination = AppDestination::of(&rule.to);
    let protocols = rule.protocols.iter().map(|&(protocol, port)| {
        Members::default()
            .text("protocolType", words::app_protocol(protocol))
            .with("port", Tree::Number(port.into()))
            .map()
    });
    // A path is seen only where TLS is inspected.
    let terminate = (!destination.urls.is_empty()).then_some(Tree::Bool(true));
    members
        .text("name", &rule.name)
        .text("description", &rule.description)
        .with("protocols", Tree::List(protocols.collect()))
        .with("sourceAddresses", Tree::texts(&rule.sources))
        .texts("targetFqdns", &destination.fqdns)
        .texts("targetUrls", &destination.urls)
        .texts("fqdnTags", &destination.tags)
        .optional("terminateTLS", terminate)
}
