//! The environment that files show, as the model of the way takes it.

use std::collections::BTreeMap;

use crate::addr::{AddrSet, Entry, IpPrefix};
use crate::catalog::ServiceEndpoint;
use crate::read::live::{
    Live, LiveCollection, LiveGroup, LiveRoute, LiveRule, LiveSubnet, LiveTable, Place, is_same_resource,
    last_part,
};
use crate::read::resources::{
    FirewallRule, IpGroup, Nsg, Route, RouteTable, RuleCollection, RuleCollectionGroup, SecurityRule, Word,
};
use crate::replay::firewall_rule;
use crate::replay::way::{self, Condition, Environment, Middle, Network, Outbound, Role, Subnet};
use crate::tags::{Region, Snapshot};

/// What stands before the name of an application security group where a tag would stand.
pub(super) const SECURITY_GROUP: &str = "asg.";

/// What a condition on the way is: a tag of the name of an application security group stands for one.
pub(in crate::analyse) fn condition_of(condition: &Condition) -> Condition {
    match condition {
        Condition::Tag(tag) if tag.starts_with(SECURITY_GROUP) => {
            Condition::SecurityGroup(tag[SECURITY_GROUP.len()..].to_owned())
        }
        other => other.clone(),
    }
}

/// Space that is private wherever nothing else is said of a network.
const PRIVATE: [&str; 3] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"];

fn set(texts: &[String]) -> AddrSet {
    texts.iter().filter_map(|text| Entry::parse(text, true).ok()).collect()
}

/// The environment that `live` shows; notes of what had to be assumed of it.
pub(in crate::analyse) fn environment(live: &Live, snapshot: &Snapshot) -> (Environment, Vec<&'static str>) {
    let mut notes = Vec::new();
    let mut environment =
        Environment { network: network(live, &mut notes), partial: true, ..Environment::default() };
    environment.subnets = subnets(live, snapshot, &environment.network, &mut notes);
    environment.groups = live.groups.iter().map(group).collect();
    environment.tables = live.tables.iter().map(table).collect();
    environment.admin = live
        .admin_rules
        .iter()
        .map(|admin| SecurityRule { protocol: word(&admin.rule.protocol), ..admin.rule.clone() })
        .collect();
    environment.firewall = firewall(live, &environment.network);
    environment.places = places(live);
    (environment, notes)
}

fn network(live: &Live, notes: &mut Vec<&'static str>) -> Network {
    let all = |pick: fn(&crate::read::live::LiveNetwork) -> &Vec<String>| {
        AddrSet::union_of(&live.networks.iter().map(|network| set(pick(network))).collect::<Vec<_>>())
    };
    let mut space = all(|network| &network.space);
    // Routes in effect show what is inside and what is peered.
    let in_effect = |kind: &str| -> AddrSet {
        let routes = live.tables.iter().filter(|table| table.effective).flat_map(|table| &table.routes);
        AddrSet::union_of(&routes.filter(|r| leads_to(r, kind)).map(|r| set(&r.prefixes)).collect::<Vec<_>>())
    };
    if space.is_empty() {
        space = in_effect("VnetLocal");
    }
    let peers =
        all(|network| &network.peers).union(&in_effect("VNetPeering")).union(&in_effect("VNetGlobalPeering"));
    if space.is_empty() {
        space = live.subnets.iter().map(|subnet| set(&subnet.prefixes)).fold(space, |a, b| a.union(&b));
    }
    if space.is_empty() {
        space = PRIVATE.iter().filter_map(|text| text.parse::<IpPrefix>().ok()).collect();
        notes.push("no virtual network is among the files: private space is taken to be inside");
    }
    // Where there are rules of a firewall, the appliance that routes lead to is it.
    let has_rules = !live.collection_groups.is_empty() || !live.firewalls.is_empty();
    let own = live.firewalls.iter().flat_map(|firewall| &firewall.addresses);
    let hops = live
        .tables
        .iter()
        .flat_map(|table| &table.routes)
        .filter_map(|route| route.next_hop_address.as_ref());
    let mut addresses: Vec<std::net::IpAddr> = Vec::new();
    for text in own.chain(hops.filter(|_| has_rules)) {
        if let Ok(address) = text.parse::<std::net::IpAddr>()
            && !addresses.iter().any(|known| known.is_ipv4() == address.is_ipv4())
        {
            addresses.push(address);
        }
    }
    Network { space, peers, firewall: addresses, ..Network::default() }
}

fn subnets(
    live: &Live,
    snapshot: &Snapshot,
    network: &Network,
    notes: &mut Vec<&'static str>,
) -> Vec<Subnet> {
    let mut subnets: Vec<Subnet> = live
        .subnets
        .iter()
        .map(|subnet| Subnet {
            name: subnet.name.clone(),
            prefixes: set(&subnet.prefixes),
            role: Role::reserved(&subnet.name).unwrap_or_default(),
            group: group_of(live, subnet),
            interface_group: None,
            table: table_of(live, subnet),
            endpoints: endpoints(&subnet.endpoints, snapshot, region_of(live, subnet, snapshot)),
            private: subnet.default_outbound.map(|on| !on),
            outbound: subnet.nat.then_some(Outbound::Nat),
        })
        .collect();
    for interface in &live.interfaces {
        let subnet = interface
            .subnets
            .iter()
            .find_map(|id| subnets.iter().position(|subnet| subnet.name.eq_ignore_ascii_case(last_part(id))));
        if let (Some(at), Some(group)) = (subnet, &interface.group) {
            subnets[at].interface_group = Some(last_part(group).to_owned());
        }
    }
    if let Some(subnet) = subnets.is_empty().then(|| in_effect(live, network)).flatten() {
        notes.push("the rules and routes in effect are taken to be those of one interface");
        subnets.push(subnet);
    }
    if subnets.is_empty() {
        let table = if live.tables.len() == 1 { Some(live.tables[0].name.clone()) } else { None };
        let all = |group: Option<&LiveGroup>| Subnet {
            name: group.map_or("network", |group| group.name.as_str()).to_owned(),
            prefixes: network.space.clone(),
            group: group.map(|group| group.name.clone()),
            table: table.clone(),
            ..Subnet::default()
        };
        notes.push("no subnet is among the files: each group is taken to be on all of the network");
        subnets.extend(live.groups.iter().map(|group| all(Some(group))));
        if live.groups.is_empty() {
            subnets.push(all(None));
        }
    }
    subnets
}

/// An interface whose rules in effect are given: one list for each association, all of which must let a packet pass.
fn in_effect(live: &Live, network: &Network) -> Option<Subnet> {
    let tables_in_effect = live.tables.iter().all(|table| table.effective) && live.tables.len() <= 1;
    let in_effect = live.groups.iter().all(|group| group.effective) && live.groups.len() <= 2;
    if !tables_in_effect || !in_effect || (live.groups.is_empty() && live.tables.is_empty()) {
        return None;
    }
    let on = |part: &str| {
        let on_part =
            |group: &&LiveGroup| group.applied_to.iter().any(|id| id.to_ascii_lowercase().contains(part));
        live.groups.iter().find(on_part)
    };
    let of_interface = on("/networkinterfaces/").or(live.groups.first());
    let of_subnet = on("/subnets/").filter(|own| of_interface.is_none_or(|other| !std::ptr::eq(*own, other)));
    let name = |group: &LiveGroup| group.name.clone();
    Some(Subnet {
        name: "interface".to_owned(),
        prefixes: network.space.clone(),
        group: of_subnet.map(name),
        interface_group: of_interface.map(name),
        table: live.tables.first().map(|table| table.name.clone()),
        endpoints: effective_endpoints(live),
        ..Subnet::default()
    })
}

/// The region of a subnet's network.
fn region_of<'s>(live: &Live, subnet: &LiveSubnet, snapshot: &'s Snapshot) -> Option<&'s Region> {
    let own = live.networks.iter().find(|network| match &subnet.network {
        Some(name) => network.name.eq_ignore_ascii_case(name),
        None => live.networks.len() == 1,
    })?;
    snapshot.regions().find(own.location.as_deref()?).map(|region| &**region)
}

/// The prefixes that service endpoints take, as routes in effect show them.
fn effective_endpoints(live: &Live) -> Vec<(String, AddrSet)> {
    let routes = live.tables.iter().filter(|table| table.effective).flat_map(|table| &table.routes);
    let set = AddrSet::union_of(
        &routes
            .filter(|route| leads_to(route, "VirtualNetworkServiceEndpoint"))
            .map(|r| set(&r.prefixes))
            .collect::<Vec<_>>(),
    );
    if set.is_empty() { Vec::new() } else { vec![("in effect".to_owned(), set)] }
}

fn leads_to(route: &LiveRoute, kind: &str) -> bool {
    route.next_hop_type.replace(' ', "").eq_ignore_ascii_case(kind)
}

/// The group of a subnet: by the subnet, by the group, or because there is only one of both kinds.
fn group_of(live: &Live, subnet: &LiveSubnet) -> Option<String> {
    let on = |applied: &[String]| {
        applied.iter().any(|id| subnet.id.as_deref().is_some_and(|own| is_same_resource(own, id)))
    };
    let named = subnet.group.as_deref().map(|id| last_part(id).to_owned());
    let by_group = || live.groups.iter().find(|group| on(&group.applied_to)).map(|group| group.name.clone());
    named.or_else(by_group)
}

fn table_of(live: &Live, subnet: &LiveSubnet) -> Option<String> {
    let on = |table: &LiveTable| {
        table.applied_to.iter().any(|id| subnet.id.as_deref().is_some_and(|own| is_same_resource(own, id)))
    };
    let named = subnet.table.as_deref().map(|id| last_part(id).to_owned());
    named.or_else(|| live.tables.iter().find(|table| on(table)).map(|table| table.name.clone()))
}

/// The addresses that service endpoints take: those of the service's tag, of the regions that the endpoint covers, or of all
/// where the network's region is not known.
fn endpoints(services: &[String], snapshot: &Snapshot, region: Option<&Region>) -> Vec<(String, AddrSet)> {
    let of = |service: &String| {
        let known = ServiceEndpoint::find(service).ok()?;
        let set = match region {
            Some(region) => known.addresses(snapshot, region, false),
            None => known.addresses_everywhere(snapshot),
        };
        Some((service.clone(), set?))
    };
    services.iter().filter_map(of).collect()
}

/// Words of clients in those of the API.
fn word(text: &Word) -> Word {
    if text.eq_ignore_ascii_case("all") { Word::Borrowed("*") } else { text.clone() }
}

fn group(group: &LiveGroup) -> Nsg {
    Nsg { name: group.name.clone(), rules: group.rules.iter().flat_map(rules).collect() }
}

/// A rule as the replay takes it: sides of one family, without overlaps; two rules where it has both.
fn rules(live: &LiveRule) -> Vec<SecurityRule> {
    let rule = SecurityRule { protocol: word(&live.rule.protocol), ..live.rule.clone() };
    let (sources, destinations) =
        (side(&rule.sources, &live.source_groups), side(&rule.destinations, &live.destination_groups));
    let is_v6 = |texts: &[String]| texts.iter().any(|text| text.contains(':'));
    let is_v4 =
        |texts: &[String]| texts.iter().any(|text| text.contains('.') && text.parse::<IpPrefix>().is_ok());
    let mut made = Vec::new();
    for source in &sources {
        for destination in &destinations {
            let mixed = is_v6(source) && is_v4(destination) || is_v4(source) && is_v6(destination);
            if !mixed {
                let (sources, destinations) = (source.clone(), destination.clone());
                made.push(SecurityRule { sources, destinations, ..rule.clone() });
            }
        }
    }
    made
}

/// A side in lists each of which is one name, `*`, or prefixes of one family.
fn side(texts: &[String], groups: &[String]) -> Vec<Vec<String>> {
    let mut lists: Vec<Vec<String>> =
        groups.iter().map(|id| vec![format!("{SECURITY_GROUP}{}", last_part(id))]).collect();
    let mut plain = AddrSet::empty();
    for text in texts {
        match Entry::parse(text, true) {
            Ok(entry) => plain = plain.union(&entry.into()),
            Err(_) if text == "*" || text.eq_ignore_ascii_case("any") => lists.push(vec!["*".to_owned()]),
            // What is not resolved is a name that no file holds.
            Err(_) => {
                let name: String = text
                    .chars()
                    .map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' })
                    .collect();
                let name = if name.starts_with(|c: char| c.is_ascii_alphabetic()) {
                    name
                } else {
                    format!("value{name}")
                };
                lists.push(vec![name]);
            }
        }
    }
    let v4: Vec<String> = plain.v4.prefixes().map(|prefix| prefix.to_string()).collect();
    let v6: Vec<String> = plain.v6.prefixes().map(|prefix| prefix.to_string()).collect();
    lists.extend([v4, v6].into_iter().filter(|list| !list.is_empty()));
    lists
}

/// A table; of routes in effect those that the system does not make by itself.
fn table(table: &LiveTable) -> RouteTable {
    let own = table.routes.iter().filter(|route| {
        !(table.effective
            && route.source.as_deref().is_some_and(|source| source.eq_ignore_ascii_case("default")))
    });
    let routes = own.flat_map(|route| {
        route.prefixes.iter().map(|prefix| Route {
            name: route.name.clone(),
            address_prefix: prefix.clone(),
            next_hop_type: route.next_hop_type.to_string(),
            next_hop_address: route.next_hop_address.clone(),
        })
    });
    RouteTable {
        name: table.name.clone(),
        disable_bgp: table.disable_bgp,
        disable_peering_route: table.disable_peering_route,
        routes: routes.collect(),
    }
}

/// A group of rule collections with the name and priority that it has on the firewall.
type Ranked<'l> = (&'l str, i64, &'l [LiveCollection]);

/// The groups of each policy, parents first; the rules of a firewall itself are one group of a policy of their own.
fn ranked(live: &Live) -> Vec<Vec<Ranked<'_>>> {
    let of = |policy: Option<&str>| -> Vec<Ranked<'_>> {
        let own = live.collection_groups.iter().filter(|g| g.policy.as_deref().map(last_part) == policy);
        own.map(|g| (g.name.as_str(), g.priority.unwrap_or_default(), g.collections.as_slice())).collect()
    };
    let mut names: Vec<Option<&str>> =
        live.collection_groups.iter().map(|g| g.policy.as_deref().map(last_part)).collect();
    names.sort_unstable();
    names.dedup();
    let is_base = |name: Option<&str>| {
        live.policies.iter().any(|p| p.base.as_deref().map(last_part) == name && name.is_some())
    };
    names.sort_by_key(|name| !is_base(*name));
    let classic = live.firewalls.iter().filter(|firewall| !firewall.collections.is_empty());
    let classic =
        classic.map(|firewall| vec![(firewall.name.as_str(), 100, firewall.collections.as_slice())]);
    names.into_iter().map(of).chain(classic).collect()
}

fn firewall(live: &Live, network: &Network) -> Middle {
    let group = |(name, priority, collections): Ranked<'_>| RuleCollectionGroup {
        name: name.to_owned(),
        priority,
        collections: collections.iter().map(|own| tolerated(&own.collection, live)).collect(),
    };
    let policies: Vec<Vec<RuleCollectionGroup>> =
        ranked(live).into_iter().map(|groups| groups.into_iter().map(group).collect()).collect();
    // One that rules name and that is not here is not known: it is no empty group.
    let ip_groups: Vec<IpGroup> = live
        .ip_groups
        .iter()
        .map(|group| IpGroup {
            name: group.name.clone(),
            id: group.id.clone(),
            addresses: group.addresses.clone(),
        })
        .collect();
    match policies.is_empty() {
        false => Middle::Azure { policies, ip_groups },
        true if !live.firewalls.is_empty() && !network.firewall.is_empty() => Middle::Missing,
        true => Middle::Other,
    }
}

/// The IP groups that a rule names: those of its sources, then those of its destinations.
fn groups_of(rule: &mut FirewallRule) -> Vec<&mut String> {
    match rule {
        FirewallRule::Network(rule) => {
            rule.source_groups.iter_mut().chain(&mut rule.destination_groups).collect()
        }
        FirewallRule::Application(rule) => rule.source_groups.iter_mut().collect(),
        FirewallRule::Nat(rule) => rule.source_groups.iter_mut().collect(),
    }
}

/// A collection as the replay takes it: IP groups by the names that they are known by, and a URL rule that inspects no
/// TLS still matches plain HTTP, which is a condition.
fn tolerated(collection: &RuleCollection, live: &Live) -> RuleCollection {
    let mut collection = collection.clone();
    for rule in &mut collection.rules {
        for id in groups_of(rule) {
            let found = live.ip_groups.iter().find(|group| {
                group.id.as_deref().is_some_and(|own| is_same_resource(own, id))
                    || is_same_resource(&group.name, id)
            });
            *id = match found {
                Some(group) => group.id.clone().unwrap_or_else(|| group.name.clone()),
                None => last_part(id).to_owned(),
            };
        }
        if let FirewallRule::Application(rule) = rule {
            rule.terminate_tls |= !rule.urls.is_empty();
        }
    }
    collection
}

fn places(live: &Live) -> BTreeMap<(String, String), way::Place> {
    let place = |place: &Place| way::Place {
        file: place.file.to_string(),
        line: Some(place.line),
        pointer: Some(place.pointer.to_string()),
    };
    let mut places = BTreeMap::new();
    for group in &live.groups {
        for rule in &group.rules {
            places.insert((group.name.clone(), rule.rule.name.clone()), place(&rule.place));
        }
    }
    for table in &live.tables {
        for route in &table.routes {
            places.insert((table.name.clone(), route.name.clone()), place(&route.place));
        }
    }
    for (level, groups) in ranked(live).into_iter().enumerate() {
        for (group, _, collections) in groups {
            for collection in collections {
                let own = &collection.collection;
                for (rule, at) in own.rules.iter().zip(&collection.places) {
                    let key = firewall_rule(level, group, &own.name, rule.name());
                    places.insert(("firewall".to_owned(), key), place(at));
                }
            }
        }
    }
    places
}
