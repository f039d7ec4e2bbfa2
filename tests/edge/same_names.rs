//! Rules of a firewall whose names stand in several collections and groups: each has its own place, and is what it is.

#![cfg(all(feature = "fetch", unix))]

use serde_json::{Value, json};

use crate::fake::{Place, stderr};

/// A collection with one rule, which is called `web` in all of them.
fn collection(name: &str, priority: u32, kind: &str, rule: Value) -> Value {
    let mut rule = rule;
    rule["name"] = json!("web");
    rule["ipProtocols"] = json!(["TCP"]);
    rule["sourceAddresses"] = json!(["*"]);
    json!({ "ruleCollectionType": format!("FirewallPolicy{kind}RuleCollection"), "name": name, "priority": priority,
        "action": { "type": if kind == "Nat" { "DNAT" } else { "Allow" } }, "rules": [rule] })
}

fn network(to: &str) -> Value {
    json!({ "ruleType": "NetworkRule", "destinationAddresses": [to], "destinationPorts": ["443"] })
}

fn group(name: &str, priority: u32, collections: Value) -> Value {
    json!({ "type": "Microsoft.Network/firewallPolicies/ruleCollectionGroups", "name": name,
        "id": format!("/subscriptions/0/resourceGroups/rg/providers/Microsoft.Network/firewallPolicies/p/ruleCollectionGroups/{name}"),
        "properties": { "priority": priority, "ruleCollections": collections } })
}

#[test]
fn rules_of_one_name_are_told_apart() {
    let place = Place::new();
    let nat = json!({ "ruleType": "NatRule", "destinationAddresses": ["203.0.113.77"], "destinationPorts": ["80"],
        "translatedAddress": "10.20.1.9", "translatedPort": "80" });
    let live = json!([
        { "type": "Microsoft.Network/virtualNetworks", "name": "net", "properties": {
            "addressSpace": { "addressPrefixes": ["10.20.0.0/16"] },
            "subnets": [{ "name": "training", "properties": { "addressPrefix": "10.20.1.0/24",
                "routeTable": { "id": "/subscriptions/0/resourceGroups/rg/providers/Microsoft.Network/routeTables/t" } } }] } },
        { "type": "Microsoft.Network/routeTables", "name": "t", "properties": { "routes": [{ "name": "all", "properties": {
            "addressPrefix": "0.0.0.0/0", "nextHopType": "VirtualAppliance", "nextHopIpAddress": "10.20.255.4" } }] } },
        group("first", 100, json!([
            collection("one", 100, "Filter", network("203.0.113.1")),
            collection("two", 200, "Filter", network("203.0.113.2")),
            collection("in", 300, "Nat", nat),
        ])),
        group("second", 200, json!([collection("one", 100, "Filter", network("203.0.113.3"))])),
    ]);
    std::fs::write(place.path("live.json"), live.to_string()).expect("it is written");
    let pointers = [
        ("203.0.113.1", "443", "/2/properties/ruleCollections/0/rules/0", "firewall"),
        ("203.0.113.2", "443", "/2/properties/ruleCollections/1/rules/0", "firewall"),
        ("203.0.113.3", "443", "/3/properties/ruleCollections/0/rules/0", "firewall"),
        ("203.0.113.77", "80", "/2/properties/ruleCollections/2/rules/0", "dnat"),
    ];
    for (to, port, pointer, at) in pointers {
        let output = place.run(&[
            "explain",
            "live.json",
            "--from",
            "10.20.1.4",
            "--to",
            to,
            "--port",
            port,
            "--protocol",
            "tcp",
            "--snapshot",
            "sample",
            "--format",
            "json",
        ]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let steps = found["steps"].as_array().expect("steps");
        let step = steps.iter().find(|step| step["rule"] == "web").unwrap_or_else(|| panic!("{to}: {found}"));
        assert_eq!(step["place"]["pointer"], pointer, "{to}: {step}");
        assert_eq!(step["at"], at, "{to}: {step}");
    }
    // What would have to change is said as a change.
    let args = [
        "explain",
        "live.json",
        "--inbound",
        "--from",
        "203.0.113.9",
        "--to",
        "10.20.1.4",
        "--port",
        "22",
        "--snapshot",
        "sample",
    ];
    let output = place.run(&args);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let change = "  - route table t: a route back the way that the packet came; replies to 203.0.113.9 go to VirtualAppliance";
    assert!(told.contains(change), "{told}");
}
