//! Whole ways compared however they are given, drift after a refresh, and the weeks of what is there, as a user meets them.

#![cfg(all(feature = "fetch", unix))]

use std::process::Output;

use serde_json::{Value, json};

use crate::fake::{Place, stderr};

/// A subnet behind a firewall, with a way past it, and one without anything.
const NETWORK: &str = r#"
schema = 1
name   = "net"
region = "westeurope"
network.address-space = ["10.20.0.0/16"]
network.firewall      = "10.20.255.4"
subnets.training.prefixes = ["10.20.1.0/24"]
[[allow]]
to       = "203.0.113.0/24"
protocol = "tcp"
ports    = "443"
[[allow]]
to       = "fqdn:example.org"
protocol = "tcp"
ports    = "443"
[[allow]]
to       = "198.51.100.0/25"
protocol = "tcp"
ports    = "1433"
[[route]]
to       = "198.51.100.0/25"
next-hop = "internet"
why      = "direct"
"#;

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn ended(output: &Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code), "{}{}", stdout(output), stderr(output));
    stdout(output)
}

fn json_of(output: &Output, code: i32) -> Value {
    serde_json::from_str(&ended(output, code)).expect("JSON")
}

fn resources(place: &Place, file: &str) -> Vec<Value> {
    let bytes = std::fs::read(place.path(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    let template: Value = serde_json::from_slice(&bytes).expect("JSON");
    template["resources"].as_array().expect("resources").clone()
}

/// What is made of the network, and exports of all that it is, as the API answers them.
fn network() -> Place {
    let place = Place::new();
    std::fs::write(place.path("net.toml"), NETWORK).expect("a policy");
    ended(&place.run(&["generate", "net.toml", "--snapshot", "sample", "--out", "out"]), 0);
    let id = |kind: &str, name: &str| json!({ "id": format!("/subscriptions/0/resourceGroups/rg/providers/Microsoft.Network/{kind}/{name}") });
    let table = resources(&place, "out/net/route-table.arm.json").remove(0);
    let group = resources(&place, "out/net/nsg.arm.json").remove(0);
    let vnet = json!({ "type": "Microsoft.Network/virtualNetworks", "name": "net", "properties": {
        "addressSpace": { "addressPrefixes": ["10.20.0.0/16"] },
        "subnets": [{ "name": "training", "properties": { "addressPrefix": "10.20.1.0/24",
            "networkSecurityGroup": id("networkSecurityGroups", group["name"].as_str().expect("a name")),
            "routeTable": id("routeTables", table["name"].as_str().expect("a name")) } }] } });
    std::fs::create_dir(place.path("live")).expect("a folder");
    write(&place, "live/vnet.json", &vnet);
    write(&place, "live/routes.json", &table);
    write(&place, "live/nsg.json", &group);
    // Azure answers with names, where the template has an expression.
    let mut rules = resources(&place, "out/net/firewall.arm.json").remove(0);
    rules["name"] = json!("net-rules");
    rules["id"] = json!(
        "/subscriptions/0/resourceGroups/rg/providers/Microsoft.Network/firewallPolicies/net-firewall-policy/\
         ruleCollectionGroups/net-rules"
    );
    write(&place, "live/firewall.json", &rules);
    place
}

fn write(place: &Place, file: &str, value: &Value) {
    std::fs::write(place.path(file), value.to_string()).expect("it is written");
}

fn read(place: &Place, file: &str) -> Value {
    serde_json::from_slice(&std::fs::read(place.path(file)).expect("it is there")).expect("JSON")
}

fn compared(place: &Place, a: &str, b: &str, code: i32) -> Value {
    json_of(&place.run(&["compare", a, b, "--snapshot", "sample", "--format", "json"]), code)
}

fn ways(found: &Value) -> Vec<Value> {
    let parts = found["parts"].as_array().expect("parts").iter();
    parts.filter(|part| part["kind"] == "way").cloned().collect()
}

#[test]
fn whole_ways_of_folders_generations_policies_and_exports_mixed() {
    let place = network();
    let files = "live/vnet.json,live/routes.json,live/nsg.json,live/firewall.json";
    let tags = tagwall::tags::sample::sample_json(tagwall::tags::Cloud::Public).expect("there is a sample");
    std::fs::write(place.path("tags.json"), tags).expect("a file");
    ended(&place.run(&["refresh", "net.toml", "--out", "published", "--source", "tags.json"]), 0);
    let forms = ["policy:net.toml", "out/net", "published", "live", files];
    for (at, a) in forms.iter().enumerate() {
        for b in &forms[at..] {
            let found = compared(&place, a, b, 0);
            assert_eq!(found["equal"], true, "{a} {b}");
            let names: Vec<String> = ways(&found)
                .iter()
                .map(|way| way["name_a"].to_string() + &way["direction"].to_string())
                .collect();
            assert_eq!(names, ["\"training\"\"Inbound\"", "\"training\"\"Outbound\""], "{a} {b}");
        }
    }
}

#[test]
fn what_leads_elsewhere_is_a_difference_of_the_way() {
    let place = network();
    // Somebody sends the direct route through the firewall, which lets it pass as well.
    let mut table = read(&place, "live/routes.json");
    let routes = table["properties"]["routes"].as_array_mut().expect("routes");
    let direct =
        routes.iter_mut().find(|own| own["properties"]["nextHopType"] == "Internet").expect("a route");
    direct["properties"]["nextHopType"] = json!("VirtualAppliance");
    direct["properties"]["nextHopIpAddress"] = json!("10.20.255.4");
    write(&place, "live/routes.json", &table);
    let out = |found: &Value| {
        ways(found).into_iter().find(|way| way["direction"] == "Outbound").expect("a way out")
    };
    for wanted in ["policy:net.toml", "out/net"] {
        let found = compared(&place, wanted, "live", 4);
        assert_eq!(found["equal"], false);
        let out = out(&found);
        assert_eq!((&out["only_a"], &out["only_b"]), (&json!([]), &json!([])), "{out}");
        let [other] = out["ways"].as_array().expect("ways").as_slice() else { panic!("{out}") };
        assert_eq!((&other["way_a"], &other["way_b"]), (&json!("direct"), &json!("firewall")));
        assert_eq!(other["region"]["destinations"], json!(["198.51.100.0/25"]));
    }
    // Then somebody takes the firewall's rule for it, and it arrives no more.
    without_the_rule(&place);
    let found = compared(&place, "policy:net.toml", "live", 4);
    let out = out(&found);
    let [lost] = out["only_a"].as_array().expect("differences").as_slice() else { panic!("{out}") };
    assert_eq!(lost["region"]["destinations"], json!(["198.51.100.0/25"]), "{out}");
    assert_eq!(lost["region"]["destination_ports"], json!(["1433"]));
    assert!(lost["rule_b"].as_str().expect("a rule").starts_with("firewall"), "{lost}");
    assert_eq!((&out["only_b"], &out["ways"]), (&json!([]), &Value::Null));
    let text = ended(&place.run(&["compare", "policy:net.toml", "live", "--snapshot", "sample"]), 4);
    assert!(text.contains("way from subnet training, outbound: different"), "{text}");
}

/// An IP group that was not exported is not known, in each of the commands.
#[test]
fn an_ip_group_that_is_not_there_is_neither_empty_nor_everything() {
    let place = network();
    let group = |sources: Value| {
        json!({ "type": "Microsoft.Network/firewallPolicies/ruleCollectionGroups", "name": "rules",
            "properties": { "priority": 200, "ruleCollections": [{ "ruleCollectionType": "FirewallPolicyFilterRuleCollection",
                "name": "c", "priority": 200, "action": { "type": "Allow" }, "rules": [{ "ruleType": "NetworkRule", "name": "web",
                    "ipProtocols": ["TCP"], "sourceAddresses": [], "sourceIpGroups": sources,
                    "destinationAddresses": ["203.0.113.0/24"], "destinationPorts": ["443"] }] }] } })
    };
    let path = "/subscriptions/0/resourceGroups/rg/providers/Microsoft.Network/ipGroups/machines";
    write(&place, "live/firewall.json", &group(json!([path])));
    let args = [
        "explain",
        "live",
        "--from",
        "10.20.1.4",
        "--to",
        "203.0.113.9",
        "--port",
        "443",
        "--snapshot",
        "sample",
        "--format",
        "json",
    ];
    let found = json_of(&place.run(&args), 0);
    assert_eq!(found["verdict"], "if");
    assert!(
        found["if"].to_string().contains("the IP group machines, which was not given, has the source"),
        "{found}"
    );
    let found = compared(&place, "policy:net.toml", "live", 4);
    let firewall = found["parts"]
        .as_array()
        .expect("parts")
        .iter()
        .find(|part| part["kind"] == "firewall")
        .expect("a part");
    assert!(firewall["if"].to_string().contains("IP group machines"), "{firewall}");
    let out = ways(&found).into_iter().find(|way| way["direction"] == "Outbound").expect("a way out");
    assert!(out.to_string().contains("the IP group machines, which was not given,"), "{out}");

    let known = json!({ "type": "Microsoft.Network/ipGroups", "name": "machines", "id": path,
        "properties": { "ipAddresses": ["10.20.1.0/25"] } });
    write(&place, "live/machines.json", &known);
    assert_eq!(json_of(&place.run(&args), 0)["verdict"], "allow");
    let other = args.map(|arg| if arg == "10.20.1.4" { "10.20.1.200" } else { arg });
    assert_eq!(json_of(&place.run(&other), 0)["verdict"], "deny");
}

/// Tags in which `Sql` of the region holds these prefixes.
fn week(place: &Place, date: &str, number: u64, prefixes: &[&str]) {
    let values = json!([{ "name": "Sql", "id": "Sql", "properties": { "region": "", "platform": "Azure", "systemService": "AzureSQL",
        "changeNumber": number, "addressPrefixes": prefixes } }]);
    let file = json!({ "changeNumber": number, "cloud": "Public", "values": values });
    let name = format!("ServiceTags_Public_{date}.json");
    std::fs::write(place.path(&name), file.to_string()).expect("a file");
    ended(&place.run(&["snapshots", "add", &name]), 0);
}

const SQL: &str = r#"
schema = 1
name   = "sql"
region = "westeurope"
network.address-space = ["10.20.0.0/16"]
subnets.training.prefixes = ["10.20.1.0/24"]
nsg.tags = "expand"
[[allow]]
to       = "Sql"
protocol = "tcp"
ports    = "1433"
"#;

const WEEKS: [(&str, &[&str]); 3] = [
    ("20260601", &["20.60.0.0/24"]),
    ("20260608", &["20.60.0.0/24", "20.61.0.0/24"]),
    ("20260615", &["20.60.0.0/24", "20.61.0.0/24", "20.62.0.0/24"]),
];

/// Three weeks in the store, and the group as it was made of the first.
fn weeks() -> Place {
    let place = Place::new();
    std::fs::write(place.path("sql.toml"), SQL).expect("a policy");
    for (number, (date, prefixes)) in (1..).zip(WEEKS) {
        week(&place, date, number, prefixes);
        ended(&place.run(&["generate", "sql.toml", "--snapshot", "latest", "--out", date]), 0);
        write(&place, &format!("{date}.json"), &resources(&place, &format!("{date}/sql/nsg.arm.json"))[0]);
    }
    place
}

fn checked(place: &Place, live: &str, more: &[&str], code: i32) -> Value {
    let args = [&["check", "sql.toml", "--live", live, "--format", "json"], more].concat();
    json_of(&place.run(&args), code)
}

#[test]
fn snapshot_and_store_decide_the_week() {
    let place = weeks();
    // What a week is made of is no drift with that week's tags, whatever the store has beside them.
    for (date, _) in WEEKS {
        let file = format!("ServiceTags_Public_{date}.json");
        assert_eq!(checked(&place, &format!("{date}.json"), &["--snapshot", &file], 0)["drift"], false);
    }
    let dashed = |date: &str| format!("{}-{}-{}", &date[..4], &date[4..6], &date[6..]);
    let newest = checked(&place, "20260601.json", &[], 4);
    assert_eq!(newest["snapshot"]["date"], dashed("20260615"));
    assert_eq!(newest["generation"], dashed("20260601"), "the week that it was made of");
    let need =
        &newest["needs"].as_array().expect("needs").iter().find(|need| need["state"] != "ok").expect("one");
    assert_eq!(need["missing"], json!(["20.61.0.0/24", "20.62.0.0/24"]));
    assert_eq!(need["since"], dashed("20260608"), "the first week that asks for any of it");
    let second = checked(&place, "20260601.json", &["--snapshot", &dashed("20260608")], 4);
    assert_eq!(second["snapshot"]["date"], dashed("20260608"));
    let need = second["needs"]
        .as_array()
        .expect("needs")
        .iter()
        .find(|need| need["state"] != "ok")
        .cloned()
        .expect("one");
    assert_eq!(need["missing"], json!(["20.61.0.0/24"]));
    let text = ended(&place.run(&["check", "sql.toml", "--live", "20260601.json"]), 4);
    assert!(text.contains("what tagwall made from the file of 2026-06-01"), "{text}");
    assert!(text.contains("asked for since 2026-06-08"), "{text}");

    // A hand that adds an address to our rule is named; so is the week of the others.
    let mut group = read(&place, "20260608.json");
    let rules = group["properties"]["securityRules"].as_array_mut().expect("rules");
    let own = rules
        .iter_mut()
        .find(|own| own["properties"]["destinationAddressPrefixes"].is_array())
        .expect("a list");
    own["properties"]["destinationAddressPrefixes"]
        .as_array_mut()
        .expect("a list")
        .push(json!("198.51.100.7"));
    let name = own["name"].clone();
    write(&place, "edited.json", &group);
    let edited = checked(&place, "edited.json", &[], 4);
    let state = edited["live"]
        .as_array()
        .expect("rules")
        .iter()
        .find(|own| own["rule"] == name)
        .cloned()
        .expect("it is told");
    assert_eq!((&state["generation"], &state["state"]), (&json!("edited by hand"), &json!("part")));
    assert_eq!(state["excess"], json!(["198.51.100.7/32"]));
    assert_eq!(edited["generation"], Value::Null);
}

#[test]
fn a_refresh_tells_what_of_the_deployed_drifts() {
    let place = weeks();
    let refresh = |live: &[&str]| {
        place.run(
            &[&["refresh", "sql.toml", "--out", "published", "--no-fetch", "--check-live"], live].concat(),
        )
    };
    let drifts = refresh(&["20260601.json"]);
    ended(&drifts, 4);
    assert!(stderr(&drifts).contains("missing 20.61.0.0/24, 20.62.0.0/24 of Sql"), "{}", stderr(&drifts));
    assert!(place.path("published/current").exists(), "it is published all the same");
    let none = refresh(&["20260615.json"]);
    ended(&none, 0);
    assert!(stderr(&none).contains("No drift"), "{}", stderr(&none));
    ended(&refresh(&["nowhere.json"]), 2);
}

#[test]
fn export_compare_explain_check_mend_and_check_again() {
    let place = network();
    // Somebody opens the group, closes a route and takes a rule of the firewall.
    let mut group = read(&place, "live/nsg.json");
    group["properties"]["securityRules"].as_array_mut().expect("rules").push(json!({ "name": "temp", "properties": {
        "priority": 150, "direction": "Inbound", "access": "Allow", "protocol": "Tcp", "sourceAddressPrefix": "*",
        "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": "22" } }));
    write(&place, "live/nsg.json", &group);
    let mut table = read(&place, "live/routes.json");
    table["properties"]["routes"]
        .as_array_mut()
        .expect("routes")
        .retain(|own| own["properties"]["nextHopType"] != "Internet");
    write(&place, "live/routes.json", &table);
    let mut rules = read(&place, "live/firewall.json");
    rules["properties"]["ruleCollections"].as_array_mut().expect("collections").remove(0);
    write(&place, "live/firewall.json", &rules);

    assert_eq!(compared(&place, "policy:net.toml", "live", 4)["equal"], false);
    let args = [
        "explain",
        "live",
        "--from",
        "training",
        "--to",
        "198.51.100.9",
        "--port",
        "1433",
        "--snapshot",
        "sample",
        "--format",
        "json",
    ];
    assert_ne!(json_of(&place.run(&args), 0)["way"], "direct");
    let check = |code: i32| {
        let args = [
            "check",
            "net.toml",
            "--live",
            "live",
            "--plan",
            "mend.sh",
            "--snapshot",
            "sample",
            "--format",
            "json",
        ];
        json_of(&place.run(&args), code)
    };
    let found = check(4);
    let operations = found["plan"]["operations"].as_array().expect("operations").clone();
    let kinds: Vec<&str> = operations.iter().filter_map(|own| own["kind"].as_str()).collect();
    assert_eq!(kinds, ["security-rule", "route", "rule-collection-group"]);
    for operation in &operations {
        apply(&place, operation);
    }
    let found = check(0);
    assert_eq!((&found["drift"], &found["plan"]["operations"]), (&json!(false), &json!([])));
    assert_eq!(compared(&place, "policy:net.toml", "live", 0)["equal"], true);
    assert_eq!(json_of(&place.run(&args), 0)["way"], "direct");
}

/// Does to the exports what an operation does to Azure.
fn apply(place: &Place, operation: &Value) {
    let mut body = operation["body"].clone();
    body["name"] = operation["name"].clone();
    let (file, list) = match operation["kind"].as_str() {
        Some("security-rule") => ("live/nsg.json", "securityRules"),
        Some("route") => ("live/routes.json", "routes"),
        _ => {
            let mut own = read(place, "live/firewall.json");
            own["properties"] = body["properties"].clone();
            return write(place, "live/firewall.json", &own);
        }
    };
    let mut resource = read(place, file);
    let own = resource["properties"][list].as_array_mut().expect("a list");
    own.retain(|own| own["name"] != operation["name"]);
    if operation["op"] == "put" {
        own.push(body);
    }
    write(place, file, &resource);
}

/// Somebody takes the firewall's rule for 198.51.100.0/25.
fn without_the_rule(place: &Place) {
    let mut rules = read(place, "live/firewall.json");
    let network = &mut rules["properties"]["ruleCollections"][0]["rules"];
    network
        .as_array_mut()
        .expect("rules")
        .retain(|own| own["destinationAddresses"] != json!(["198.51.100.0/25"]));
    write(place, "live/firewall.json", &rules);
}

/// A rule of the firewall that is gone stops what it was for, and no host on other ports.
#[test]
fn a_host_still_works_where_an_address_does_not() {
    let place = network();
    without_the_rule(&place);
    let args = ["check", "net.toml", "--live", "live", "--snapshot", "sample", "--format", "json"];
    let found = json_of(&place.run(&args), 4);
    let of = |part: &str| {
        let needs = found["needs"].as_array().expect("needs").iter();
        let own: Vec<&Value> =
            needs.filter(|own| own["target"] == "firewall" && own["id"].to_string().contains(part)).collect();
        assert_eq!(own.len(), 1, "{part}: {found}");
        own[0]["state"].clone()
    };
    assert_eq!(
        (of("198.51.100.0/25"), of("203.0.113.0/24"), of("example.org")),
        (json!("missing"), json!("ok"), json!("ok"))
    );
    // A rule that does more than it should is needed all the same; one of somebody else's is not.
    let mut rules = read(&place, "live/firewall.json");
    let network = rules["properties"]["ruleCollections"][0]["rules"].as_array_mut().expect("rules");
    network[0]["destinationAddresses"] = json!(["203.0.112.0/23"]);
    network[0]["name"] = json!("wide");
    network.push(json!({ "ruleType": "NetworkRule", "name": "bob", "ipProtocols": ["TCP"], "sourceAddresses": ["10.20.1.0/24"],
        "destinationAddresses": ["192.0.2.0/24"], "destinationPorts": ["22"] }));
    write(&place, "live/firewall.json", &rules);
    let found = json_of(&place.run(&args), 4);
    let state = |name: &str| {
        let own = found["live"]
            .as_array()
            .expect("rules")
            .iter()
            .find(|own| own["rule"].to_string().contains(name));
        let own = own.unwrap_or_else(|| panic!("{name}: {found}"));
        (own["state"].clone(), own["excess"].clone())
    };
    assert_eq!(state("wide"), (json!("part"), json!(["203.0.112.0/24"])));
    assert_eq!(state("bob"), (json!("foreign"), json!(["192.0.2.0/24"])));
}

/// `az` as far as the scripts use it: resources are files in a folder, and a put takes a while.
const AZ: &str = r#"#!/usr/bin/env python3
import json, os, sys
args = sys.argv[1:]
if args[:2] == ["account", "show"]:
    print("s-1"); sys.exit()
of = lambda flag: args[args.index(flag) + 1] if flag in args else None
assert args[0] == "rest", args
path = os.path.join(os.environ["FAKE"], of("--url").split("?")[0].split("Microsoft.Network/")[1].replace("/", "_") + ".json")
open(os.path.join(os.environ["FAKE"], "log"), "a").write(of("--method") + " " + os.path.basename(path) + "\n")
if of("--method") == "put":
    made = json.load(open(of("--body")[1:]))
    made["properties"]["provisioningState"] = "Updating"
    json.dump(made, open(path, "w"))
elif of("--method") == "delete":
    os.remove(path)
else:
    if not os.path.exists(path): sys.exit(3)
    own = json.load(open(path))
    if of("--query") == "properties.provisioningState":
        print(own["properties"]["provisioningState"])
        own["properties"]["provisioningState"] = "Succeeded"
        json.dump(own, open(path, "w"))
    else:
        for key, word in [("nat", "@NAT"), ("network", "@NETWORK"), ("application", "@APPLICATION")]:
            assert f'{key}RuleCollections: `"{word}"`' in of("--query"), of("--query")
            own["properties"][key + "RuleCollections"] = word
        print(json.dumps(own, indent=2))
"#;

#[test]
fn the_script_for_a_firewall_puts_what_the_plan_says() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    let put = |name: &str, text: &str| std::fs::write(place.path(name), text).expect("it is written");
    put("az", AZ);
    std::fs::set_permissions(place.path("az"), std::fs::Permissions::from_mode(0o755)).expect("it may run");
    put(
        "azureFirewalls_fw.json",
        r#"{ "sku": "Standard", "properties": { "zones": ["1"], "provisioningState": "Succeeded" } }"#,
    );
    put(
        "firewallPolicies_p_ruleCollectionGroups_old.json",
        r#"{ "properties": { "provisioningState": "Succeeded" } }"#,
    );
    let rule = json!({ "name": "a $x `y` \\ \"z\" 'w'", "destinationAddresses": ["/subscriptions/$SUBSCRIPTION/x"] });
    let operation = |op, kind, resource: &str, name: &str, body: Option<Value>| tagwall::analyse::Operation {
        op,
        kind,
        resource: resource.to_owned(),
        resource_group: None,
        name: name.to_owned(),
        body,
    };
    let lists = json!({ "properties": { "natRuleCollections": [], "networkRuleCollections": [rule], "applicationRuleCollections": [] } });
    let group = json!({ "properties": { "priority": 200, "ruleCollections": [rule] } });
    let script = tagwall::analyse::az_script(&[
        operation("put", "firewall", "fw", "fw", Some(lists)),
        operation("put", "rule-collection-group", "p", "new", Some(group)),
        operation("delete", "rule-collection-group", "p", "old", None),
    ]);
    put("mend.sh", &script);
    let path = format!("{}:{}", place.folder.path().display(), std::env::var("PATH").unwrap_or_default());
    let output = std::process::Command::new("sh")
        .arg("mend.sh")
        .current_dir(place.folder.path())
        .env("PATH", path)
        .env("FAKE", place.folder.path())
        .env("RG", "rg")
        .env("POLL_SECONDS", "0")
        .output()
        .expect("it runs");
    ended(&output, 0);
    let wanted = json!({ "name": "a $x `y` \\ \"z\" 'w'", "destinationAddresses": ["/subscriptions/s-1/x"] });
    let firewall = read(&place, "azureFirewalls_fw.json");
    assert_eq!(firewall["sku"], "Standard", "what it has beside its rules stays");
    assert_eq!(firewall["properties"]["zones"], json!(["1"]));
    assert_eq!(firewall["properties"]["networkRuleCollections"], json!([wanted]));
    assert_eq!(firewall["properties"]["natRuleCollections"], json!([]));
    let group = read(&place, "firewallPolicies_p_ruleCollectionGroups_new.json");
    assert_eq!(group["properties"]["ruleCollections"], json!([wanted]));
    assert!(!place.path("firewallPolicies_p_ruleCollectionGroups_old.json").exists());
    let log = std::fs::read_to_string(place.path("log")).expect("it was asked");
    // Each put is asked after until it is done, before the next begins.
    assert!(log.contains("put azureFirewalls_fw.json\nget azureFirewalls_fw.json\nget azureFirewalls_fw.json\nput firewallPolicies"), "{log}");
}
