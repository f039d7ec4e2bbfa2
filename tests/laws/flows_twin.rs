//! Recorded flows replayed along the planned way, against each of them explained by itself.

use std::collections::BTreeMap;

use tagwall::analyse::lint::{FlowReplay, PlannedWay};
use tagwall::analyse::{Asked, Explainer, Far};
use tagwall::packet::{Direction, Ports, Protocol};
use tagwall::read::live::{FlowTuple, Live, read_live};
use tagwall::tags::{Cloud, Snapshot, sample};

/// A network whose subnet goes out by a firewall, past it to one tag, and nowhere for one prefix.
fn planned() -> Live {
    let text = r#"{"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "resources": [
      {"type": "Microsoft.Network/virtualNetworks", "name": "v", "properties": {
        "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}, "subnets": [
          {"name": "work", "properties": {"addressPrefix": "10.0.1.0/24", "natGateway": {"id": "/n"},
             "networkSecurityGroup": {"id": "/x/networkSecurityGroups/web"}, "routeTable": {"id": "/x/routeTables/out"}}},
          {"name": "data", "properties": {"addressPrefix": "10.0.2.0/24",
             "networkSecurityGroup": {"id": "/x/networkSecurityGroups/data"}}}]}},
      {"type": "Microsoft.Network/networkSecurityGroups", "name": "web", "properties": {"securityRules": [
        {"name": "no-dns", "properties": {"priority": 100, "direction": "Outbound", "access": "Deny", "protocol": "Udp",
          "sourceAddressPrefix": "*", "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": "53"}},
        {"name": "office", "properties": {"priority": 100, "direction": "Inbound", "access": "Allow", "protocol": "Tcp",
          "sourceAddressPrefix": "198.51.100.0/24", "sourcePortRange": "*", "destinationAddressPrefix": "*",
          "destinationPortRange": "22"}}]}},
      {"type": "Microsoft.Network/networkSecurityGroups", "name": "data", "properties": {"securityRules": [
        {"name": "sql", "properties": {"priority": 100, "direction": "Inbound", "access": "Allow", "protocol": "Tcp",
          "sourceAddressPrefix": "10.0.1.0/25", "sourcePortRange": "*", "destinationAddressPrefix": "*",
          "destinationPortRange": "1433"}},
        {"name": "rest", "properties": {"priority": 4000, "direction": "Inbound", "access": "Deny", "protocol": "*",
          "sourceAddressPrefix": "*", "sourcePortRange": "*", "destinationAddressPrefix": "*",
          "destinationPortRange": "*"}}]}},
      {"type": "Microsoft.Network/routeTables", "name": "out", "properties": {"routes": [
        {"name": "all", "properties": {"addressPrefix": "0.0.0.0/0", "nextHopType": "VirtualAppliance",
          "nextHopIpAddress": "10.0.0.4"}},
        {"name": "past", "properties": {"addressPrefix": "Sql.WestEurope", "nextHopType": "Internet"}},
        {"name": "gone", "properties": {"addressPrefix": "203.0.113.0/25", "nextHopType": "None"}},
        {"name": "idle", "properties": {"addressPrefix": "192.0.2.0/24", "nextHopType": "None"}}]}},
      {"type": "Microsoft.Network/firewallPolicies/ruleCollectionGroups", "name": "p/g", "properties": {"priority": 200,
        "ruleCollections": [
          {"ruleCollectionType": "FirewallPolicyFilterRuleCollection", "name": "net", "priority": 100,
           "action": {"type": "Allow"}, "rules": [
            {"ruleType": "NetworkRule", "name": "web", "ipProtocols": ["TCP"], "sourceAddresses": ["10.0.1.0/24"],
             "destinationAddresses": ["203.0.113.128/26"], "destinationPorts": ["443"]},
            {"ruleType": "NetworkRule", "name": "idle", "ipProtocols": ["TCP"], "sourceAddresses": ["10.0.1.0/24"],
             "destinationAddresses": ["192.0.2.0/24"], "destinationPorts": ["25"]}]},
          {"ruleCollectionType": "FirewallPolicyFilterRuleCollection", "name": "app", "priority": 200,
           "action": {"type": "Allow"}, "rules": [
            {"ruleType": "ApplicationRule", "name": "python", "sourceAddresses": ["10.0.1.0/24"],
             "protocols": [{"protocolType": "Https", "port": 443}], "targetFqdns": ["packages.example.org"]}]}]}}]}"#;
    read_live(&[("planned.json", text.as_bytes())]).expect("it can be read")
}

/// Flows between all kinds of places, with some numbers in between.
fn flows(snapshot: &Snapshot) -> Vec<FlowTuple> {
    let tag = snapshot
        .tag("Sql.WestEurope")
        .expect("the sample has it")
        .set()
        .v4
        .first()
        .expect("it has addresses");
    let tag = std::net::Ipv4Addr::from(tag).to_string();
    let far = [
        "203.0.113.9",
        "203.0.113.130",
        "203.0.113.250",
        "192.0.2.7",
        "198.51.100.4",
        "10.0.2.9",
        "10.0.1.200",
        "10.9.9.9",
        tag.as_str(),
    ];
    let mut all = Vec::new();
    for near in ["10.0.1.4", "10.0.1.250", "10.0.2.4", "10.0.3.4"] {
        for far in far {
            for (protocol, port) in [(6, 443), (6, 1433), (6, 22), (17, 53), (17, 443), (1, 0)] {
                for inbound in [false, true] {
                    for state in ['B', 'D'] {
                        let (source, destination) = if inbound { (far, near) } else { (near, far) };
                        all.push(FlowTuple {
                            source: source.to_owned(),
                            destination: destination.to_owned(),
                            source_port: 50_000,
                            destination_port: port,
                            protocol,
                            inbound,
                            state,
                            ..FlowTuple::default()
                        });
                    }
                }
            }
        }
    }
    all
}

/// What of flows comes to what, counted: where it stops and by what; `if` where it hangs on something.
type Ends = BTreeMap<(String, String, String), u64>;

/// Each flow explained by itself. One whose fate hangs on an assumption has none of these ends.
fn explained(explainer: &Explainer<'_>, flow: &FlowTuple) -> Option<(String, String, String)> {
    let (near, far) =
        if flow.inbound { (&flow.destination, &flow.source) } else { (&flow.source, &flow.destination) };
    let protocol = match flow.protocol {
        6 => Protocol::Tcp,
        17 => Protocol::Udp,
        _ => Protocol::Icmp,
    };
    let ports = match protocol.has_ports() {
        true => flow.destination_port.to_string().parse::<Ports>().unwrap(),
        false => Ports::all(),
    };
    let asked = Asked {
        direction: if flow.inbound { Direction::Inbound } else { Direction::Outbound },
        subnet: None,
        near: Some(near.parse().unwrap()),
        far: Far::Address(far.parse().unwrap()),
        protocol,
        ports,
    };
    let found = explainer.packet(&asked).expect("it can be read")?;
    let name = |text: &str| text.to_owned();
    let last = found.steps.last().expect("somebody decides");
    let rule = last.rule.clone().unwrap_or_else(|| last.because.clone());
    match found.verdict {
        "if" => Some((name("if"), String::new(), String::new())),
        _ if !found.assumptions.is_empty() => None,
        "deny" => Some((name(found.stops_at.expect("somewhere")), last.name.clone(), rule)),
        _ => Some((name("arrives"), String::new(), String::new())),
    }
}

#[test]
fn flows_fare_as_each_of_them_is_explained() {
    let snapshot =
        Snapshot::parse(&sample::sample_json(Cloud::Public).expect("a sample")).expect("it is read");
    let live = planned();
    let explainer = Explainer::new(&live, &snapshot, None);
    let way = PlannedWay::of(&live, &snapshot, None).expect("there are routes");
    let mut replay = FlowReplay::new(&live, &snapshot).along(&way, &snapshot).expect("it can be read");
    let mut wanted = Ends::new();
    for flow in flows(&snapshot) {
        let Some(end) = explained(&explainer, &flow) else { continue };
        // Many times the same is the same many times.
        for _ in 0..3 {
            replay.take(&flow);
            if flow.is_allowed() && end.0 != "arrives" {
                *wanted.entry(end.clone()).or_default() += 1;
            }
        }
    }
    let done = replay.finish();
    let mut found = Ends::new();
    for broken in &done.breaks {
        // What stands at the end has a name here and a sentence there.
        let rule = match broken.rule.starts_with("DenyAll") || broken.rule == "the default" {
            true => format!("no rule takes it, so that {} denies it", broken.rule),
            false => broken.rule.clone(),
        };
        *found.entry((broken.at.to_owned(), broken.resource.clone(), rule)).or_default() += broken.flows;
    }
    if done.may_break > 0 {
        found.insert(("if".to_owned(), String::new(), String::new()), done.may_break);
    }
    assert_eq!(found, wanted);
    for at in ["if", "nsg", "route", "firewall"] {
        assert!(found.keys().any(|(own, ..)| own == at), "{at}: {found:?}");
    }
    assert!(done.hangs.iter().any(|hangs| hangs.on.contains("packages.example.org")), "{:?}", done.hangs);
    // Which rules are needed shows in all flows, also in those that hang on an assumption.
    let mut replay = FlowReplay::new(&live, &snapshot).along(&way, &snapshot).expect("it can be read");
    flows(&snapshot).iter().for_each(|flow| replay.take(flow));
    let done = replay.finish();
    let names = |list: &[tagwall::analyse::lint::Used]| -> Vec<(&'static str, String)> {
        list.iter().filter(|used| used.kind != "nsg").map(|used| (used.kind, used.rule.clone())).collect()
    };
    let owned = |list: &[(&'static str, &str)]| -> Vec<(&'static str, String)> {
        list.iter().map(|(kind, rule)| (*kind, (*rule).to_owned())).collect()
    };
    assert_eq!(
        names(&done.unused),
        owned(&[("firewall", "idle")]),
        "an address of 192.0.2.0/24 took the route"
    );
    assert_eq!(names(&done.perhaps_used), owned(&[("firewall", "python")]));
    let used = names(&done.used);
    for one in owned(&[
        ("route-table", "all"),
        ("route-table", "past"),
        ("route-table", "gone"),
        ("firewall", "web"),
    ]) {
        assert!(used.contains(&one), "{one:?}: {used:?}");
    }
}
