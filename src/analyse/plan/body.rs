//! What is put, as the API has it.

use serde_json::{Value, json};

use crate::read::live::{
    LiveCollection, LiveCollectionGroup, LiveFirewall, LiveIpGroup, LiveRoute, LiveRule, last_part,
};
use crate::read::resources::FirewallRule;

/// A member for one value, and another for several.
fn one_or_many(members: &mut Value, one: &str, many: &str, values: &[String]) {
    match values {
        [single] => members[one] = json!(single),
        values => members[many] = json!(values),
    }
}

pub(super) fn security_rule(rule: &LiveRule) -> Value {
    let r = &rule.rule;
    let mut members = json!({});
    if !r.description.is_empty() {
        members["description"] = json!(r.description);
    }
    for (key, value) in [("access", &r.access), ("direction", &r.direction), ("protocol", &r.protocol)] {
        members[key] = json!(value);
    }
    members["priority"] = json!(r.priority);
    one_or_many(&mut members, "sourcePortRange", "sourcePortRanges", &r.source_ports);
    one_or_many(&mut members, "destinationPortRange", "destinationPortRanges", &r.destination_ports);
    let ids = |groups: &[String]| groups.iter().map(|id| json!({ "id": id })).collect::<Vec<_>>();
    match rule.source_groups.as_slice() {
        [] => one_or_many(&mut members, "sourceAddressPrefix", "sourceAddressPrefixes", &r.sources),
        groups => members["sourceApplicationSecurityGroups"] = json!(ids(groups)),
    }
    match rule.destination_groups.as_slice() {
        [] => one_or_many(
            &mut members,
            "destinationAddressPrefix",
            "destinationAddressPrefixes",
            &r.destinations,
        ),
        groups => members["destinationApplicationSecurityGroups"] = json!(ids(groups)),
    }
    json!({ "properties": members })
}

pub(super) fn route(route: &LiveRoute) -> Value {
    let mut members = json!({});
    members["addressPrefix"] = json!(route.prefixes.first());
    members["nextHopType"] = json!(route.next_hop_type);
    if let Some(address) = &route.next_hop_address {
        members["nextHopIpAddress"] = json!(address);
    }
    json!({ "properties": members })
}

/// An IP group where it is, or where it is to be made.
pub(super) fn ip_group(group: &LiveIpGroup, location: Option<&str>) -> Value {
    let mut made = json!({ "properties": { "ipAddresses": group.addresses } });
    if let Some(location) = location {
        made["location"] = json!(location);
    }
    made
}

/// Ids of IP groups by their names, where files give them.
pub(super) type IdOf<'i> = &'i dyn Fn(&str) -> Option<String>;

/// The id of an IP group that is to be made, in the subscription that the script is run in.
pub(super) fn new_ip_group(resource_group: &str, name: &str) -> String {
    format!(
        "/subscriptions/$SUBSCRIPTION/resourceGroups/{resource_group}/providers/Microsoft.Network/ipGroups/{name}"
    )
}

/// Ids of IP groups; those that no file gives are in the resource group of the policy.
fn ip_groups(ids: &[String], id_of: IdOf<'_>) -> Vec<String> {
    let id = |id: &String| match id.starts_with("/subscriptions/") {
        true => id.clone(),
        false => id_of(last_part(id)).unwrap_or_else(|| new_ip_group("$RG", last_part(id))),
    };
    ids.iter().map(id).collect()
}

pub(super) fn collection_group(group: &LiveCollectionGroup, id_of: IdOf<'_>) -> Value {
    let collections: Vec<Value> = group.collections.iter().map(|own| collection(own, id_of)).collect();
    json!({ "properties": { "priority": group.priority, "ruleCollections": collections } })
}

fn collection(live: &LiveCollection, id_of: IdOf<'_>) -> Value {
    let own = &live.collection;
    let is_nat = own.rules.iter().any(|rule| matches!(rule, FirewallRule::Nat(_)));
    let kind = if is_nat { "FirewallPolicyNatRuleCollection" } else { "FirewallPolicyFilterRuleCollection" };
    json!({
        "ruleCollectionType": kind,
        "name": own.name,
        "priority": own.priority,
        "action": { "type": own.action },
        "rules": own.rules.iter().map(|own| rule(own, id_of)).collect::<Vec<_>>(),
    })
}

/// All rules of a firewall without a policy: a list of collections for each kind.
pub(super) fn classic(firewall: &LiveFirewall, id_of: IdOf<'_>) -> Value {
    let of = |is: fn(&FirewallRule) -> bool| -> Vec<Value> {
        let own = firewall.collections.iter().filter(|own| own.collection.rules.first().is_some_and(is));
        let one = |own: &LiveCollection| {
            let c = &own.collection;
            let rules: Vec<Value> = c.rules.iter().map(|own| classic_rule(own, id_of)).collect();
            json!({ "name": c.name, "properties":
                { "priority": c.priority, "action": { "type": c.action }, "rules": rules } })
        };
        own.map(one).collect()
    };
    json!({ "properties": {
        "natRuleCollections": of(|rule| matches!(rule, FirewallRule::Nat(_))),
        "networkRuleCollections": of(|rule| matches!(rule, FirewallRule::Network(_))),
        "applicationRuleCollections": of(|rule| matches!(rule, FirewallRule::Application(_))),
    } })
}

/// A rule in the words of classic firewalls: `protocols` where policies say `ipProtocols`, and no type.
fn classic_rule(own: &FirewallRule, id_of: IdOf<'_>) -> Value {
    let mut made = rule(own, id_of);
    let members = made.as_object_mut().expect("a rule is an object");
    members.remove("ruleType");
    for key in ["targetUrls", "webCategories", "terminateTLS"] {
        members.remove(key);
    }
    if let Some(protocols) = members.remove("ipProtocols") {
        made["protocols"] = protocols;
    }
    made
}

fn rule(rule: &FirewallRule, id_of: IdOf<'_>) -> Value {
    match rule {
        FirewallRule::Network(r) => json!({
            "ruleType": "NetworkRule", "name": r.name, "ipProtocols": r.protocols,
            "sourceAddresses": r.sources, "sourceIpGroups": ip_groups(&r.source_groups, id_of),
            "destinationAddresses": r.destinations, "destinationIpGroups": ip_groups(&r.destination_groups, id_of),
            "destinationFqdns": r.fqdns, "destinationPorts": r.ports,
        }),
        FirewallRule::Application(r) => json!({
            "ruleType": "ApplicationRule", "name": r.name,
            "protocols": r.protocols.iter()
                .map(|(kind, port)| json!({ "protocolType": kind, "port": port })).collect::<Vec<_>>(),
            "sourceAddresses": r.sources, "sourceIpGroups": ip_groups(&r.source_groups, id_of),
            "targetFqdns": r.fqdns, "targetUrls": r.urls, "fqdnTags": r.fqdn_tags,
            "webCategories": r.web_categories, "terminateTLS": r.terminate_tls,
        }),
        FirewallRule::Nat(r) => {
            let to = if r.translated.parse::<std::net::IpAddr>().is_ok() {
                "translatedAddress"
            } else {
                "translatedFqdn"
            };
            let mut made = json!({
                "ruleType": "NatRule", "name": r.name, "ipProtocols": r.protocols,
                "sourceAddresses": r.sources, "sourceIpGroups": ip_groups(&r.source_groups, id_of),
                "destinationAddresses": r.destinations, "destinationPorts": r.ports,
                "translatedPort": r.translated_port,
            });
            made[to] = json!(r.translated);
            made
        }
    }
}
