//! `tagwall adopt`: a policy of what is there makes the same again, or says what it cannot say.

#![cfg(all(feature = "fetch", unix))]

use std::process::Output;

use serde_json::{Value, json};

use crate::fake::{Place, stderr};

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(output)))
}

/// A policy by hand, as text.
const OWN: &str = r#"
    schema = 1
    name = "own"
    region = "westeurope"
    network.address-space = ["10.20.0.0/16"]
    subnets.a.prefixes = ["10.20.1.0/24"]
    subnets.b.prefixes = ["10.20.2.0/24"]
    output.targets = ["nsg"]
    [[allow]]
    subnet = "a"
    to = ["Storage.WestEurope", "203.0.113.0/24"]
    protocol = "tcp"
    ports = "443,8080-8090"
    [[allow]]
    direction = "inbound"
    from = ["198.51.100.0/25"]
    protocol = ["tcp", "udp"]
    ports = "53"
"#;

#[test]
fn what_tagwall_made_is_taken_over_exactly() {
    for format in ["arm", "bicep", "terraform", "terraform-json", "azcli", "csv", "json"] {
        let place = Place::new();
        std::fs::write(
            place.path("own.toml"),
            format!("{OWN}\n[output]\nformats = [\"{format}\"]\ntargets = [\"nsg\"]\n")
                .replace("    output.targets = [\"nsg\"]\n", ""),
        )
        .unwrap();
        let made = place.run(&["generate", "own.toml", "--snapshot", "sample", "--out", "out"]);
        assert!(made.status.success(), "{format}: {}", stderr(&made));
        let adopted = place.run(&[
            "adopt",
            "out/own",
            "--snapshot",
            "sample",
            "--format",
            "json",
            "--out",
            "again.toml",
        ]);
        let answer = json_of(&adopted);
        assert_eq!(adopted.status.code(), Some(0), "{format}: {answer:#}");
        assert_eq!((&answer["exact"], &answer["inexpressible"]), (&json!(true), &json!([])), "{format}");
        assert_eq!(
            answer["policy"].as_str().unwrap(),
            std::fs::read_to_string(place.path("again.toml")).unwrap()
        );
        // The policy passes by itself, and what it makes is the same.
        let compared = place.run(&["compare", "out/own", "policy:again.toml", "--snapshot", "sample"]);
        assert_eq!(
            compared.status.code(),
            Some(0),
            "{format}: {}",
            String::from_utf8_lossy(&compared.stdout)
        );
    }
}

#[test]
fn what_a_policy_cannot_say_is_listed() {
    let place = Place::new();
    let rule = |name: &str, priority: u64, access: &str, from: &str, sport: &str| {
        json!({"name": name, "priority": priority, "direction": "Inbound", "access": access, "protocol": "Tcp",
            "sourceAddressPrefix": from, "sourcePortRange": sport, "destinationAddressPrefix": "10.0.0.0/24",
            "destinationPortRange": "443"})
    };
    let mut anywhere = rule("anywhere", 200, "Allow", "198.51.100.0/24", "*");
    anywhere["destinationAddressPrefix"] = json!("*");
    let group = json!({"name": "web", "type": "Microsoft.Network/networkSecurityGroups", "securityRules": [
        rule("ports", 100, "Allow", "198.51.100.0/24", "443"), anywhere]});
    std::fs::write(place.path("nsg.json"), group.to_string()).unwrap();
    let output = place.run(&["adopt", "nsg.json", "--snapshot", "sample", "--format", "json"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let answer = json_of(&output);
    assert_eq!(answer["exact"], false);
    let said: Vec<&str> =
        answer["inexpressible"].as_array().unwrap().iter().map(|t| t.as_str().unwrap()).collect();
    assert!(said.iter().any(|text| text.contains("ports: source ports 443")), "{said:?}");
    assert!(said.iter().any(|text| text.contains("anywhere: its destination is *")), "{said:?}");
    std::fs::write(place.path("there.toml"), "").unwrap();
    let refused = place.run(&["adopt", "nsg.json", "--snapshot", "sample", "--out", "there.toml"]);
    assert_eq!(refused.status.code(), Some(2), "nothing is overwritten");
}

/// Service endpoints of a subnet are taken over, since they lead past its table; one that nobody knows is told.
#[test]
fn service_endpoints_are_taken_over() {
    let place = Place::new();
    let network = |services: &[&str]| {
        let on: Vec<Value> = services.iter().map(|service| json!({"service": service})).collect();
        json!({"name": "net", "type": "Microsoft.Network/virtualNetworks", "location": "westeurope", "properties": {
            "addressSpace": {"addressPrefixes": ["10.20.0.0/16"]},
            "subnets": [{"name": "work", "properties": {"addressPrefix": "10.20.1.0/24", "serviceEndpoints": on}}]}})
    };
    let group = json!({"name": "web", "type": "Microsoft.Network/networkSecurityGroups", "properties": {"securityRules": [
        {"name": "data", "properties": {"priority": 100, "direction": "Outbound", "access": "Allow", "protocol": "Tcp",
            "sourceAddressPrefix": "10.20.1.0/24", "sourcePortRange": "*",
            "destinationAddressPrefix": "Storage.WestEurope", "destinationPortRange": "443"}}]}});
    std::fs::write(place.path("nsg.json"), group.to_string()).unwrap();
    let adopt = |services: &[&str]| {
        std::fs::write(place.path("net.json"), network(services).to_string()).unwrap();
        let args = ["adopt", "nsg.json", "net.json", "--region", "westeurope", "--snapshot", "sample"];
        json_of(&place.run(&[&args[..], &["--format", "json"]].concat()))
    };
    let answer = adopt(&["Microsoft.Storage", "microsoft.keyvault"]);
    let policy = answer["policy"].as_str().unwrap();
    assert!(
        policy.contains("service-endpoints = [\"Microsoft.KeyVault\", \"Microsoft.Storage\"]"),
        "{policy}"
    );
    // Nothing else is said of it than without them.
    assert_eq!(answer["inexpressible"], adopt(&[])["inexpressible"]);
    std::fs::write(place.path("again.toml"), policy).unwrap();
    let made = place.run(&["generate", "again.toml", "--snapshot", "sample", "--out", "out"]);
    assert!(made.status.success(), "{}", stderr(&made));

    let answer = adopt(&["Microsoft.Nowhere"]);
    assert!(!answer["policy"].as_str().unwrap().contains("service-endpoints"));
    assert!(
        answer["inexpressible"][0].as_str().unwrap().contains("service endpoint Microsoft.Nowhere"),
        "{answer:#}"
    );
}
