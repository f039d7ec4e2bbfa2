//! `tagwall replay`: logs of each version, plain and packed, against planned groups.

#![cfg(all(feature = "fetch", unix))]

use std::io::Write;
use std::process::Output;

use serde_json::{Value, json};

use crate::fake::{Place, stderr};

/// A planned group that lets 443 out to one prefix and nothing else, and nothing in but from one office.
fn place() -> Place {
    let place = Place::new();
    let rule = |name: &str,
                priority: u64,
                direction: &str,
                access: &str,
                from: &str,
                to: &str,
                port: &str| {
        json!({"name": name, "priority": priority, "direction": direction, "access": access, "protocol": "Tcp",
            "sourceAddressPrefix": from, "sourcePortRange": "*", "destinationAddressPrefix": to,
            "destinationPortRange": port})
    };
    let mut deny = rule("rest", 4096, "Outbound", "Deny", "*", "*", "*");
    deny["protocol"] = json!("*");
    let group = json!({"name": "web", "type": "Microsoft.Network/networkSecurityGroups", "securityRules": [
        rule("https", 100, "Outbound", "Allow", "10.0.0.0/24", "198.51.100.0/24", "443"),
        rule("never", 110, "Outbound", "Allow", "10.0.0.0/24", "203.0.113.0/24", "443"),
        deny,
        rule("office", 100, "Inbound", "Allow", "192.0.2.0/24", "10.0.0.0/24", "22")]});
    std::fs::write(place.path("planned.json"), group.to_string()).unwrap();
    place
}

/// Two flows out, of which one goes where nothing is planned; one stopped from the office; one on its way.
fn version_1() -> Value {
    let flows =
        |rule: &str, lines: &[&str]| json!({"rule": rule, "flows": [{"mac": "00", "flowTuples": lines}]});
    json!({"records": [{"time": "2026-06-22T10:00:00Z", "resourceId": "/SUBSCRIPTIONS/0/X/NETWORKSECURITYGROUPS/WEB",
        "properties": {"Version": 1, "flows": [
            flows("UserRule_out", &["1782122400,10.0.0.4,198.51.100.7,50000,443,T,O,A",
                "1782122401,10.0.0.4,198.51.100.200,50001,8443,T,O,A"]),
            flows("DefaultRule_DenyAllInBound", &["1782122402,192.0.2.9,10.0.0.4,40000,22,T,I,D"])]}}]})
}

fn run(place: &Place, more: &[&str]) -> Output {
    let mut args =
        vec!["replay", "log.json", "--against", "planned.json", "--snapshot", "sample", "--format", "json"];
    args.extend(more);
    place.run(&args)
}

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(output)))
}

#[test]
fn what_would_break_and_what_nobody_used() {
    let place = place();
    std::fs::write(place.path("log.json"), version_1().to_string()).unwrap();
    let output = run(&place, &[]);
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    let answer = json_of(&output);
    assert_eq!((&answer["flows"], &answer["tuples"], &answer["odd"]), (&json!(3), &json!(3), &json!(0)));
    let broken = &answer["breaks"][0];
    assert_eq!(
        (&broken["flows"], &broken["port"], &broken["rule"], &broken["recorded_rule"], &broken["direction"]),
        (&json!(1), &json!(8443), &json!("rest"), &json!("UserRule_out"), &json!("outbound"))
    );
    assert_eq!(broken["packet"]["dst"], "198.51.100.200");
    assert_eq!(answer["breaks"].as_array().unwrap().len(), 1);
    assert_eq!(answer["opens"][0]["rule"], "office");
    let unused: Vec<&str> =
        answer["unused"].as_array().unwrap().iter().map(|used| used["rule"].as_str().unwrap()).collect();
    assert_eq!(unused, ["never"]);
    let text = place.run(&["replay", "log.json", "--against", "planned.json", "--snapshot", "sample"]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("1 flows would break:") && text.contains("web / never"), "{text}");
}

#[test]
fn packed_logs_and_the_other_versions_say_the_same() {
    let place = place();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(version_1().to_string().as_bytes()).unwrap();
    std::fs::write(place.path("log.json"), packed.finish().unwrap()).unwrap();
    let first = json_of(&run(&place, &[]));

    // Version 2 says of a flow that it goes on and ends; that is one flow. A document a line is read too.
    let line = |state: &str, rest: &str| {
        format!("1782122401,10.0.0.4,198.51.100.200,50001,8443,T,O,A,{state},{rest}")
    };
    let second = json!({"records": [{"resourceId": "/x/networkSecurityGroups/web", "properties": {"Version": 2, "flows": [
        {"rule": "UserRule_out", "flows": [{"mac": "0", "flowTuples": [
            "1782122400,10.0.0.4,198.51.100.7,50000,443,T,O,A,B,,,,", line("B", ",,,"), line("C", "1,60,1,60"),
            line("E", "2,90,2,90")]}]}]}}]});
    let denied = json!({"records": [{"resourceId": "/x/networkSecurityGroups/web", "properties": {"flows": [
        {"rule": "DefaultRule_DenyAllInBound", "flows": [{"flowTuples": [
            "1782122402,192.0.2.9,10.0.0.4,40000,22,T,I,D,B,,,,"]}]}]}}]});
    std::fs::write(place.path("log.json"), format!("{second}\n{denied}\n")).unwrap();
    let again = json_of(&run(&place, &[]));
    for key in ["flows", "breaks", "opens", "unused", "used"] {
        assert_eq!(again[key], first[key], "{key}");
    }
    assert_eq!(again["tuples"], 5);

    let group = |rule: &str, lines: &[&str]| json!({"rule": rule, "flowTuples": lines});
    let fourth = json!({"records": [{"flowLogVersion": 4, "flowLogResourceID": "/y/flowLogs/l", "targetResourceID": "/y/virtualNetworks/v",
        "flowRecords": {"flows": [{"aclID": "/x/networkSecurityGroups/web", "flowGroups": [
            group("UserRule_out", &["1782122400000,10.0.0.4,198.51.100.7,50000,443,6,O,B,NX,0,0,0,0",
                "1782122401000,10.0.0.4,198.51.100.200,50001,8443,6,O,B,NX,0,0,0,0"]),
            group("DefaultRule_DenyAllInBound", &["1782122402000,192.0.2.9,10.0.0.4,40000,22,6,I,D,NX,0,0,0,0", "odd"])]}]}}]});
    std::fs::write(place.path("log.json"), fourth.to_string()).unwrap();
    let last = json_of(&run(&place, &[]));
    for key in ["flows", "breaks", "opens", "unused", "used"] {
        assert_eq!(last[key], first[key], "{key}");
    }
    assert_eq!(last["odd"], 1);
}

#[test]
fn what_is_no_log_is_refused() {
    let place = place();
    for (text, word) in [
        ("{\"records\": []}", "no flow"),
        ("{\"records\": [", "log.json:1"),
        ("flows", "log.json:1"),
        ("", "log.json"),
    ] {
        std::fs::write(place.path("log.json"), text).unwrap();
        let output = run(&place, &[]);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(stderr(&output).contains(word), "{text}: {}", stderr(&output));
    }
    std::fs::remove_file(place.path("log.json")).unwrap();
    assert_eq!(run(&place, &[]).status.code(), Some(2));
}

/// A subnet that goes out by a firewall, and nowhere for one prefix; a log of five flows out of it.
fn with_a_way() -> Place {
    let place = Place::new();
    let rule = |name: &str, to: &str| {
        json!({"ruleType": "NetworkRule", "name": name, "ipProtocols": ["TCP"], "sourceAddresses": ["10.0.1.0/24"],
            "destinationAddresses": [to], "destinationPorts": ["443"]})
    };
    let resource = |kind: &str, name: &str, properties: Value| json!({"type": format!("Microsoft.Network/{kind}"), "name": name, "properties": properties});
    let page = json!({"value": [
        resource("virtualNetworks", "v", json!({"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}, "subnets": [
            {"name": "work", "properties": {"addressPrefix": "10.0.1.0/24", "natGateway": {"id": "/n"},
                "networkSecurityGroup": {"id": "/x/networkSecurityGroups/web"},
                "routeTable": {"id": "/x/routeTables/out"}}}]})),
        resource("networkSecurityGroups", "web", json!({"securityRules": []})),
        resource("routeTables", "out", json!({"routes": [
            {"name": "all", "properties": {"addressPrefix": "0.0.0.0/0", "nextHopType": "VirtualAppliance",
                "nextHopIpAddress": "10.0.0.4"}},
            {"name": "gone", "properties": {"addressPrefix": "203.0.113.0/25", "nextHopType": "None"}},
            {"name": "idle", "properties": {"addressPrefix": "192.0.2.0/24", "nextHopType": "None"}}]})),
        resource("firewallPolicies/ruleCollectionGroups", "p/g", json!({"priority": 200, "ruleCollections": [
            {"ruleCollectionType": "FirewallPolicyFilterRuleCollection", "name": "net", "priority": 100,
                "action": {"type": "Allow"}, "rules": [rule("shop", "203.0.113.128/26"), rule("old", "192.0.2.0/24")]},
            {"ruleCollectionType": "FirewallPolicyFilterRuleCollection", "name": "app", "priority": 200,
                "action": {"type": "Allow"}, "rules": [{"ruleType": "ApplicationRule", "name": "python",
                    "sourceAddresses": ["10.0.1.0/24"], "protocols": [{"protocolType": "Https", "port": 443}],
                    "targetFqdns": ["packages.example.org"]}]}]}))]});
    std::fs::write(place.path("planned.json"), page.to_string()).unwrap();
    let line = |to: &str, port: u16| format!("1782122400,10.0.1.4,{to},50000,{port},T,O,A");
    let lines = [
        line("203.0.113.130", 443),
        line("203.0.113.9", 443),
        line("198.51.100.7", 8443),
        line("198.51.100.7", 443),
        "1782122400,172.16.0.4,198.51.100.7,50000,443,T,O,A".to_owned(),
    ];
    let log = json!({"records": [{"resourceId": "/x/networkSecurityGroups/web", "properties": {"Version": 1, "flows": [
        {"rule": "UserRule_out", "flows": [{"mac": "00", "flowTuples": lines}]}]}}]});
    std::fs::write(place.path("log.json"), log.to_string()).unwrap();
    place
}

#[test]
fn flows_are_followed_along_the_way() {
    let place = with_a_way();
    let output = run(&place, &[]);
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    let answer = json_of(&output);
    let mut breaks: Vec<(&str, &str, &str)> = answer["breaks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|b| (b["at"].as_str().unwrap(), b["resource"].as_str().unwrap(), b["rule"].as_str().unwrap()))
        .collect();
    breaks.sort_unstable();
    assert_eq!(breaks, [("firewall", "firewall", "the default"), ("route", "out", "gone")]);
    assert_eq!(
        (&answer["along_the_way"], &answer["may_break"], &answer["without_subnet"]),
        (&json!(true), &json!(1), &json!(1))
    );
    assert!(answer["hangs"][0]["on"].as_str().unwrap().contains("packages.example.org"), "{answer}");
    let names = |key: &str| -> Vec<String> {
        let list = answer[key].as_array().unwrap().iter();
        list.map(|used| format!("{} {} {}", used["kind"], used["resource"], used["rule"]).replace('"', ""))
            .collect()
    };
    assert_eq!(names("unused"), ["route-table out idle", "firewall g/net old"]);
    assert_eq!(names("perhaps_used"), ["firewall g/app python"]);
    let used = [
        "nsg web AllowInternetOutBound",
        "route-table out all",
        "route-table out gone",
        "firewall g/net shop",
    ];
    assert_eq!(names("used"), used);
    let text = place.run(&["replay", "log.json", "--against", "planned.json", "--snapshot", "sample"]);
    let text = String::from_utf8(text.stdout).unwrap();
    for part in
        ["along the way", "out / gone", "1 flows are of no subnet", "packages.example.org", "g/net / old"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
}
