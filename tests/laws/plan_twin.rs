//! Plans for firewalls and route tables against a slow twin that reads what Azure would hold from JSON by itself: no step
//! decides a packet as neither side does, Azure takes every step, and after the last one all is as wanted.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tagwall::analyse::{Answer, Operation, az_script, compare, plan};
use tagwall::read::live::{Live, read_live};
use tagwall::tags::{Cloud, Snapshot};

use crate::support;

/// Numbers that look random, the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }

    fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.roll(list.len())]
    }
}

const SOURCES: [&str; 4] = ["*", "10.0.0.0/30", "10.0.0.2/31", "10.0.0.1"];
const TARGETS: [&str; 4] = ["*", "198.51.100.0/30", "198.51.100.2/31", "198.51.100.1"];
const HOSTS: [&str; 3] = ["example.org", "*.example.org", "files.example.org"];
const IP_GROUPS: [&str; 2] = ["ours", "theirs"];

/// Packets at every border: source, destination, port, and the host that they are for.
type Packet = (u32, u32, u16, Option<&'static str>);

fn number(text: &str) -> u32 {
    text.split('.').fold(0, |sum, part| sum << 8 | part.parse::<u32>().expect("an octet"))
}

fn packets() -> Vec<Packet> {
    let sources = ["10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"];
    let targets = ["198.51.100.0", "198.51.100.1", "198.51.100.2", "198.51.100.3", "198.51.100.4"];
    let hosts =
        [None, Some("example.org"), Some("files.example.org"), Some("a.example.org"), Some("example.com")];
    let mut all = Vec::new();
    for src in sources.map(number) {
        for dst in targets.map(number) {
            for port in [443, 22] {
                all.extend(hosts.map(|host| (src, dst, port, host)));
            }
        }
    }
    all
}

fn inside(text: &str, address: u32) -> bool {
    if text == "*" {
        return true;
    }
    let (network, length) = text.split_once('/').unwrap_or((text, "32"));
    let length: u32 = length.parse().expect("a length");
    let mask = if length == 0 { 0 } else { u32::MAX << (32 - length) };
    address & mask == number(network) & mask
}

/// What Azure holds: groups of rules or a firewall's own lists, and IP groups.
#[derive(Debug, Clone, Default)]
struct World {
    groups: Vec<Value>,
    classic: Option<Value>,
    ip_groups: Vec<Value>,
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

impl World {
    fn takes(&self, rule: &Value, plain: &str, groups: &str, address: u32) -> bool {
        let of_group = |id: String| {
            let name = id.rsplit('/').next().unwrap_or_default().to_owned();
            let found = self.ip_groups.iter().find(|group| group["name"] == name.as_str());
            found
                .map(|group| texts(&group["properties"]["ipAddresses"]))
                .unwrap_or_else(|| panic!("no IP group {name}"))
        };
        let mut all = texts(&rule[plain]);
        all.extend(texts(&rule[groups]).into_iter().flat_map(of_group));
        all.iter().any(|text| inside(text, address))
    }

    /// All collections in the order in which they are tried, with their stage.
    fn collections(&self) -> Vec<(u8, Value)> {
        let mut all = Vec::new();
        for group in &self.groups {
            for collection in group["properties"]["ruleCollections"].as_array().into_iter().flatten() {
                let stage = match collection["rules"][0]["ruleType"].as_str() {
                    Some("NatRule") => 0,
                    Some("NetworkRule") => 1,
                    _ => 2,
                };
                let key = (stage, group["properties"]["priority"].as_i64(), collection["priority"].as_i64());
                all.push((key, collection.clone()));
            }
        }
        if let Some(firewall) = &self.classic {
            for (stage, key) in ["natRuleCollections", "networkRuleCollections", "applicationRuleCollections"]
                .iter()
                .enumerate()
            {
                for collection in firewall["properties"][key].as_array().into_iter().flatten() {
                    let mut own = collection["properties"].clone();
                    own["name"] = collection["name"].clone();
                    all.push(((stage as u8, None, own["priority"].as_i64()), own));
                }
            }
        }
        all.sort_by_key(|(key, _)| *key);
        all.into_iter().map(|((stage, ..), collection)| (stage, collection)).collect()
    }

    fn decide(&self, (src, dst, port, host): Packet) -> String {
        for (stage, collection) in self.collections() {
            for rule in collection["rules"].as_array().into_iter().flatten() {
                let from = self.takes(rule, "sourceAddresses", "sourceIpGroups", src);
                let to = self.takes(rule, "destinationAddresses", "destinationIpGroups", dst);
                let ports = texts(&rule["destinationPorts"]);
                let on_port = ports.iter().any(|text| text == "*" || *text == port.to_string());
                if stage == 0 && from && to && on_port {
                    return format!("to {}", rule["translatedAddress"]);
                }
                let named =
                    host.is_some_and(|host| texts(&rule["destinationFqdns"]).iter().any(|own| own == host));
                let web = rule["protocols"].as_array().into_iter().flatten().any(|own| own["port"] == port);
                let is_host = host.is_some_and(|host| {
                    texts(&rule["targetFqdns"]).iter().any(|own| match own.strip_prefix('*') {
                        Some(rest) => host.ends_with(rest) && host.len() > rest.len(),
                        None => own == host,
                    })
                });
                let taken = match stage {
                    1 => from && on_port && (to || named),
                    2 => from && web && is_host,
                    _ => false,
                };
                if taken {
                    return collection["action"]["type"].as_str().expect("an action").to_lowercase();
                }
            }
        }
        "deny".to_owned()
    }

    /// What Azure would refuse: priorities twice, IP groups that are not there.
    fn hold(&self) {
        let priorities: Vec<i64> =
            self.groups.iter().filter_map(|group| group["properties"]["priority"].as_i64()).collect();
        let unique: BTreeSet<_> = priorities.iter().collect();
        assert_eq!(unique.len(), priorities.len(), "priorities of groups");
        assert!(priorities.iter().all(|own| (100..=65_000).contains(own)), "{priorities:?}");
        for group in &self.groups {
            let own = group["properties"]["ruleCollections"].as_array().expect("collections");
            assert!(!own.is_empty());
            let unique: BTreeSet<_> = own.iter().map(|own| own["priority"].as_i64()).collect();
            assert_eq!(unique.len(), own.len(), "priorities of collections");
        }
        self.decide((0, 0, 0, None));
    }

    fn done(&self, operation: &Operation) -> World {
        let mut world = self.clone();
        let body = operation.body.clone().map(|mut body| {
            body["name"] = json!(operation.name);
            body
        });
        let list = match operation.kind {
            "ip-group" => &mut world.ip_groups,
            "rule-collection-group" => &mut world.groups,
            "firewall" => {
                let own = world.classic.as_mut().expect("there is one");
                for (key, value) in body.expect("a body")["properties"].as_object().expect("an object") {
                    own["properties"][key] = value.clone();
                }
                return world;
            }
            other => panic!("{other}"),
        };
        let place = list.iter().position(|own| own["name"] == operation.name.as_str());
        match (place, body) {
            (Some(at), Some(body)) => list[at] = body,
            (None, Some(body)) => list.push(body),
            (Some(at), None) => drop(list.remove(at)),
            (None, None) => panic!("{} is not there", operation.name),
        }
        world
    }

    fn live(&self) -> Live {
        let path = "/subscriptions/0/resourceGroups/g/providers/Microsoft.Network";
        let mut all = Vec::new();
        for (kind, list) in
            [("firewallPolicies/fw/ruleCollectionGroups", &self.groups), ("ipGroups", &self.ip_groups)]
        {
            for own in list {
                let mut own = own.clone();
                own["id"] = json!(format!("{path}/{kind}/{}", own["name"].as_str().expect("a name")));
                let kind = kind.replace("/fw/", "/");
                own["type"] = json!(format!("Microsoft.Network/{kind}"));
                all.push(own);
            }
        }
        all.extend(self.classic.clone());
        read_live(&[("world.json", Value::Array(all).to_string().as_bytes())]).expect("it is read")
    }
}

fn list(dice: &mut Dice, of: &[&'static str]) -> Vec<&'static str> {
    let one: BTreeSet<&str> = (0..1 + dice.roll(2)).map(|_| dice.pick(of)).collect();
    if one.contains("*") { vec!["*"] } else { one.into_iter().collect() }
}

/// A rule of a stage, with an IP group as its source now and then.
fn rule(dice: &mut Dice, stage: usize, at: usize) -> Value {
    let mut rule = json!({ "name": format!("rule{at}"), "ruleType": (["NatRule", "NetworkRule", "ApplicationRule"][stage]) });
    if dice.roll(3) == 0 {
        let name = dice.pick(&IP_GROUPS);
        rule["sourceIpGroups"] =
            json!([format!("/subscriptions/0/resourceGroups/g/providers/Microsoft.Network/ipGroups/{name}")]);
        rule["sourceAddresses"] = json!([]);
    } else {
        rule["sourceAddresses"] = json!(list(dice, &SOURCES));
    }
    match stage {
        0 => {
            rule["ipProtocols"] = json!(["TCP"]);
            rule["destinationAddresses"] = json!([dice.pick(&TARGETS[2..])]);
            rule["destinationPorts"] = json!(["22"]);
            rule["translatedAddress"] = json!(dice.pick(&["10.0.0.7", "10.0.0.8"]));
            rule["translatedPort"] = json!("22");
        }
        1 => {
            rule["ipProtocols"] = json!(["TCP"]);
            rule["destinationPorts"] = json!([dice.pick(&["22", "443", "*"])]);
            if dice.roll(4) == 0 {
                rule["destinationFqdns"] = json!([dice.pick(&[HOSTS[0], HOSTS[2]])]);
            } else {
                rule["destinationAddresses"] = json!(list(dice, &TARGETS));
            }
        }
        _ => {
            rule["protocols"] = json!([{ "protocolType": "Https", "port": 443 }]);
            rule["targetFqdns"] = json!([dice.pick(&HOSTS)]);
        }
    }
    rule
}

fn collection(dice: &mut Dice, at: usize) -> Value {
    let stage = dice.pick(&[0, 1, 1, 2, 2]);
    let action = if stage == 0 { "DNAT" } else { dice.pick(&["Allow", "Allow", "Deny"]) };
    let kind =
        if stage == 0 { "FirewallPolicyNatRuleCollection" } else { "FirewallPolicyFilterRuleCollection" };
    json!({ "name": format!("collection{at}"), "ruleCollectionType": kind, "priority": 100 + 10 * at,
        "action": { "type": action },
        "rules": (0..1 + dice.roll(2)).map(|at| rule(dice, stage, at)).collect::<Vec<_>>() })
}

fn world(dice: &mut Dice, first: usize) -> World {
    let names = ["one", "two", "three"];
    let mut order = [0, 1, 2];
    order.swap(dice.roll(3), dice.roll(3));
    let groups = (0..1 + dice.roll(3)).map(|at| {
        json!({ "name": names[order[at]], "properties": { "priority": first + at * (1 + dice.roll(2) * 50),
            "ruleCollections": (0..1 + dice.roll(3)).map(|at| collection(dice, at)).collect::<Vec<_>>() } })
    });
    let groups = groups.collect();
    World { groups, ip_groups: ip_groups(dice), classic: None }
}

fn ip_groups(dice: &mut Dice) -> Vec<Value> {
    let one =
        |name: &&str| json!({ "name": name, "properties": { "ipAddresses": list(dice, &SOURCES[1..]) } });
    IP_GROUPS.iter().map(one).collect()
}

/// A firewall without a policy.
fn classic(dice: &mut Dice) -> World {
    let mut lists = [Vec::new(), Vec::new(), Vec::new()];
    for at in 0..1 + dice.roll(4) {
        let mut own = collection(dice, at);
        let stage = ["NatRule", "NetworkRule", "ApplicationRule"]
            .iter()
            .position(|kind| own["rules"][0]["ruleType"] == *kind)
            .expect("a stage");
        for rule in own["rules"].as_array_mut().expect("rules") {
            let rule = rule.as_object_mut().expect("an object");
            rule.remove("ruleType");
            if let Some(protocols) = rule.remove("ipProtocols") {
                rule.insert("protocols".to_owned(), protocols);
            }
        }
        let name = own["name"].clone();
        lists[stage].push(json!({ "name": name, "properties":
            { "priority": own["priority"], "action": own["action"], "rules": own["rules"] } }));
    }
    let [nat, network, application] = lists;
    let firewall = json!({ "type": "Microsoft.Network/azureFirewalls", "name": "fw",
        "id": "/subscriptions/0/resourceGroups/g/providers/Microsoft.Network/azureFirewalls/fw",
        "properties": { "sku": { "tier": "Standard" }, "natRuleCollections": nat, "networkRuleCollections": network,
            "applicationRuleCollections": application } });
    World { groups: Vec::new(), ip_groups: ip_groups(dice), classic: Some(firewall) }
}

/// Applies a plan step by step; how many there are, or none where no order is safe.
fn walk(wanted: &World, there: &World, all: &[Packet], snapshot: &Snapshot) -> Option<Vec<Operation>> {
    let operations = plan(&wanted.live(), &there.live(), snapshot).ok()?;
    let (before, goal): (Vec<String>, Vec<String>) =
        all.iter().map(|packet| (there.decide(*packet), wanted.decide(*packet))).unzip();
    let mut now = there.clone();
    for operation in &operations {
        now = now.done(operation);
        now.hold();
        for (at, packet) in all.iter().enumerate() {
            let step = now.decide(*packet);
            let is_safe = step == before[at] || step == goal[at];
            assert!(
                is_safe,
                "{packet:?}: {step} at {operation:?}, {} before, {} wanted",
                before[at], goal[at]
            );
        }
    }
    let after: Vec<String> = all.iter().map(|packet| now.decide(*packet)).collect();
    assert_eq!(after, goal, "{there:?} {wanted:?} {operations:?}");
    assert_ne!(compare(&wanted.live(), &now.live(), Some(snapshot)).equal, Answer::No);
    assert!(plan(&wanted.live(), &now.live(), snapshot).expect("nothing to do").is_empty());
    Some(operations)
}

#[test]
fn every_step_of_a_firewalls_plan_is_safe() {
    let (mut dice, all) = (Dice(71), packets());
    let snapshot = support::sample(Cloud::Public);
    let (mut planned, mut over_the_top) = (0, 0);
    for round in 0..40 {
        // Every fourth has no priority free above.
        let first = if round % 4 == 0 { 100 } else { 200 };
        let (wanted, there) = (world(&mut dice, 200), world(&mut dice, first));
        let operations = walk(&wanted, &there, &all, &snapshot)
            .unwrap_or_else(|| panic!("there is room for another group: {wanted:?} {there:?}"));
        planned += usize::from(!operations.is_empty());
        over_the_top += usize::from(operations.iter().any(|own| own.name == "tagwall-step"));
    }
    assert!(planned > 25 && over_the_top > 3, "{planned} {over_the_top}");
}

#[test]
fn a_firewall_without_a_policy_is_put_at_once() {
    let (mut dice, all) = (Dice(73), packets());
    let snapshot = support::sample(Cloud::Public);
    let mut steps = [0; 6];
    for _ in 0..30 {
        let (wanted, there) = (classic(&mut dice), classic(&mut dice));
        let operations = walk(&wanted, &there, &all, &snapshot).expect("one step does all");
        steps[operations.len().min(5)] += 1;
        let script = az_script(&operations);
        assert_eq!(
            script.lines().any(|l| l.starts_with("put_rules \"") && l.contains("/azureFirewalls/fw\"")),
            operations.iter().any(|own| own.kind == "firewall")
        );
    }
    assert!(steps[1] > 5, "{steps:?}");
}

/// Where an address goes: the longest prefix of the table, else the system's route.
fn hop(routes: &[Value], address: u32) -> String {
    let of = |route: &Value| {
        let text = route["properties"]["addressPrefix"].as_str().expect("a prefix").to_owned();
        let length: u32 = text.split('/').nth(1).expect("a length").parse().expect("a number");
        inside(&text, address).then_some((length, 1, route["properties"].clone()))
    };
    let system = [("0.0.0.0/0", "Internet"), ("10.0.0.0/8", "None"), ("10.0.0.0/16", "VnetLocal")];
    let system = system.iter().filter(|(text, _)| inside(text, address)).map(|(text, hop)| {
        let length: u32 = text.split('/').nth(1).expect("a length").parse().expect("a number");
        (length, 0, json!({ "nextHopType": hop }))
    });
    let best = routes.iter().filter_map(of).chain(system).max_by_key(|(length, own, _)| (*length, *own));
    let (_, _, found) = best.expect("0.0.0.0/0 holds all");
    format!("{} {}", found["nextHopType"], found["nextHopIpAddress"])
}

fn table(dice: &mut Dice) -> Vec<Value> {
    let prefixes = [
        "0.0.0.0/0",
        "10.0.0.0/16",
        "10.0.1.0/24",
        "198.51.100.0/24",
        "198.51.100.0/25",
        "198.51.100.128/25",
        "198.51.100.0/26",
        "198.51.100.64/26",
    ];
    let mut chosen: Vec<&str> = prefixes.into_iter().filter(|_| dice.roll(2) == 0).collect();
    if dice.roll(3) == 0 {
        chosen.reverse();
    }
    let one = |(at, prefix): (usize, &str)| {
        let kind = dice.pick(&["VirtualAppliance", "Internet", "None", "VirtualAppliance"]);
        let mut own = json!({ "addressPrefix": prefix, "nextHopType": kind });
        if kind == "VirtualAppliance" {
            own["nextHopIpAddress"] = json!(dice.pick(&["10.0.0.4", "10.0.0.5"]));
        }
        json!({ "name": format!("route{at}"), "properties": own })
    };
    chosen.into_iter().enumerate().map(one).collect()
}

fn with_network(routes: &[Value]) -> Live {
    let files = json!([
        { "type": "Microsoft.Network/virtualNetworks", "name": "v",
          "properties": { "addressSpace": { "addressPrefixes": ["10.0.0.0/16"] }, "subnets": [] } },
        { "type": "Microsoft.Network/routeTables", "name": "t", "properties": { "routes": routes } }
    ]);
    read_live(&[("t.json", files.to_string().as_bytes())]).expect("it is read")
}

#[test]
fn every_step_of_a_route_tables_plan_is_safe() {
    let mut dice = Dice(79);
    let snapshot = support::sample(Cloud::Public);
    let points = [
        "10.0.0.9",
        "10.0.1.9",
        "10.9.0.1",
        "198.51.100.9",
        "198.51.100.65",
        "198.51.100.200",
        "203.0.113.9",
    ];
    let (mut planned, mut refused) = (0, 0);
    for _ in 0..60 {
        let (wanted, there) = (table(&mut dice), table(&mut dice));
        let Ok(operations) = plan(&with_network(&wanted), &with_network(&there), &snapshot) else {
            refused += 1;
            continue;
        };
        let mut now = there.clone();
        for operation in &operations {
            now.retain(|own| own["name"] != operation.name.as_str());
            now.extend(operation.body.clone().map(|mut body| {
                body["name"] = json!(operation.name);
                body
            }));
            let prefixes: BTreeSet<_> =
                now.iter().map(|own| own["properties"]["addressPrefix"].to_string()).collect();
            assert_eq!(prefixes.len(), now.len(), "Azure takes each prefix once: {operation:?}");
            for address in points.map(number) {
                let (step, before, goal) = (hop(&now, address), hop(&there, address), hop(&wanted, address));
                assert!(
                    step == before || step == goal,
                    "{step}, {before} before, {goal} wanted: {there:?} {wanted:?}"
                );
            }
        }
        assert!(
            points.map(number).iter().all(|own| hop(&now, *own) == hop(&wanted, *own)),
            "{there:?} {wanted:?}"
        );
        planned += usize::from(!operations.is_empty());
    }
    assert!(planned > 40, "{planned}");
    assert_eq!(refused, 0, "{planned} planned");
}
