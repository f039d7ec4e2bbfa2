//! `compare`, `explain` and `check` as a user meets them: what is there, held against what is wanted, and mended.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

const POLICY: &str = r#"
schema = 1
name   = "demo"
region = "westeurope"
network.address-space = ["10.20.0.0/16"]
subnets.training.prefixes = ["10.20.1.0/24"]
[[allow]]
to       = ["203.0.113.0/24", "198.51.100.0/25"]
protocol = "tcp"
ports    = "1433"
"#;

fn tagwall(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tagwall"))
        .args(args)
        .current_dir(dir)
        .env("TAGWALL_SNAPSHOT", "sample")
        .env("TAGWALL_STORE", dir.join("store"))
        .output()
        .expect("the command runs")
}

/// What a command prints that must end with `code`.
fn ended(output: &Output, code: i32) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("output is text");
    assert_eq!(output.status.code(), Some(code), "{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

fn json_of(output: &Output, code: i32) -> Value {
    serde_json::from_str(&ended(output, code)).expect("JSON")
}

/// A folder with a policy, what is made of it, and an export of the group as the API answers it.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder for the test");
    fs::write(dir.path().join("demo.toml"), POLICY).expect("a policy in it");
    ended(&tagwall(dir.path(), &["generate", "demo.toml", "--out", "out"]), 0);
    let bytes = fs::read(dir.path().join("out/demo/nsg.arm.json")).expect("it is made");
    let template: Value = serde_json::from_slice(&bytes).expect("JSON");
    fs::write(dir.path().join("live.json"), template["resources"][0].to_string()).expect("an export");
    dir
}

/// The export with one rule more.
fn with_rule(dir: &Path) {
    let path = dir.join("live.json");
    let mut group: Value = serde_json::from_slice(&fs::read(&path).expect("it is there")).expect("JSON");
    let rules = group["properties"]["securityRules"].as_array_mut().expect("rules");
    rules.push(json!({ "name": "temp-bob", "properties": { "priority": 150, "direction": "Inbound", "access": "Allow",
        "protocol": "Tcp", "sourceAddressPrefix": "192.0.2.7", "sourcePortRange": "*",
        "destinationAddressPrefix": "*", "destinationPortRange": "22" } }));
    fs::write(path, group.to_string()).expect("it is written");
}

#[test]
fn policies_generations_and_exports_are_compared() {
    let dir = folder();
    let compare = |a: &str, b: &str| tagwall(dir.path(), &["compare", a, b, "--format", "json"]);
    assert_eq!(json_of(&compare("policy:demo.toml", "out/demo"), 0)["equal"], true);
    assert_eq!(json_of(&compare("out/demo/nsg.arm.json", "live.json"), 0)["equal"], true);
    // The folder above it, which `--out` named, holds the same, with the network of its policy.
    let whole = json_of(&compare("policy:demo.toml", "out"), 0);
    assert_eq!(whole["equal"], true);
    let read = whole["read"]["b"].as_array().expect("what was read");
    assert!(read.iter().any(|own| own["kind"] == "vnet"), "{whole}");
    let group = read.iter().find(|own| own["kind"] == "nsg").expect("a group");
    assert_eq!(group["place"]["file"], "out/demo/nsg.arm.json", "by the folder as it was named");
    with_rule(dir.path());
    let found = json_of(&compare("policy:demo.toml", "live.json"), 4);
    assert_eq!(found["equal"], false);
    let part = found["parts"].as_array().expect("parts").iter().find(|part| part["direction"] == "Inbound");
    let difference = &part.expect("a direction")["only_b"][0];
    assert_eq!(difference["region"]["sources"], json!(["192.0.2.7/32"]));
    assert_eq!(difference["rule_b"], "temp-bob");
    assert_eq!(difference["region"]["destination_ports"], json!(["22"]));
    assert!(difference["test"].as_str().expect("a command").starts_with("az network watcher test-ip-flow"));
    assert_eq!(found["read"]["b"][0]["kind"], "nsg");

    ended(&tagwall(dir.path(), &["compare", "nothing.json", "live.json"]), 2);
    fs::write(dir.path().join("cut.json"), "{\"value\": [{").expect("a file");
    let cut = tagwall(dir.path(), &["compare", "cut.json", "live.json"]);
    assert_eq!(cut.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&cut.stderr).contains("cut.json:1 /value/0"), "{cut:?}");
}

#[test]
fn drift_is_found_told_and_mended() {
    let dir = folder();
    let check =
        |more: &[&str]| tagwall(dir.path(), &[&["check", "demo.toml", "--live", "live.json"], more].concat());
    assert_eq!(json_of(&check(&["--format", "json"]), 0)["drift"], false);
    assert_eq!(ended(&check(&["--quiet"]), 0), "");
    with_rule(dir.path());
    let found = json_of(&check(&["--format", "json", "--plan", "mend.sh"]), 4);
    let bob = found["live"].as_array().expect("rules").iter().find(|rule| rule["rule"] == "temp-bob");
    let bob = bob.expect("it is told");
    assert_eq!((&bob["state"], &bob["excess"]), (&json!("foreign"), &json!(["192.0.2.7/32"])));
    assert!(found["needs"].as_array().expect("needs").iter().all(|need| need["state"] == "ok"));
    let operations = found["plan"]["operations"].as_array().expect("a plan");
    assert_eq!(operations.len(), 1);
    assert_eq!((&operations[0]["op"], &operations[0]["name"]), (&json!("delete"), &json!("temp-bob")));
    let script = fs::read_to_string(dir.path().join("mend.sh")).expect("the script is written");
    assert!(script.contains("az network nsg rule delete"), "{script}");
    assert!(ended(&check(&[]), 4).contains("temp-bob: not tagwall's"));
    assert!(ended(&check(&["--format", "markdown"]), 4).contains("| demo-nsg/temp-bob | foreign |"));
    let sarif = json_of(&check(&["--format", "sarif"]), 4);
    assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], "drift-excess");
}

#[test]
fn packets_are_explained() {
    let dir = folder();
    let explain =
        |more: &[&str]| tagwall(dir.path(), &[&["explain", "demo.toml", "--format", "json"], more].concat());
    let found = json_of(&explain(&["--to", "203.0.113.9", "--port", "1433"]), 0);
    assert_eq!((&found["verdict"], &found["way"]), (&json!("allow"), &json!("direct")));
    assert_eq!(found["steps"][0]["at"], "nsg");
    assert_eq!(found["steps"][0]["workload"], "policy");
    let found = json_of(&explain(&["--to", "203.0.113.9", "--port", "22"]), 0);
    assert_eq!((&found["verdict"], &found["stops_at"]), (&json!("deny"), &json!("nsg")));
    assert!(found["changes"][0].as_str().expect("a change").contains("deny-rest-out"));
    let found = json_of(&explain(&["--to", "203.0.112.0/23", "--port", "1433"]), 0);
    let verdicts: Vec<&str> = found["fates"]
        .as_array()
        .expect("fates")
        .iter()
        .filter_map(|fate| fate["verdict"].as_str())
        .collect();
    assert!(verdicts.contains(&"allow") && verdicts.contains(&"deny"), "{verdicts:?}");
    ended(&explain(&["--to", "NoSuchTag"]), 2);
    // What is no host is not explained as one.
    for (to, way_out) in [
        ("203.0.113.9:1433", "write 203.0.113.9 here and the port as --port 1433"),
        ("example.org:443", "write example.org here and the port as --port 443"),
        ("[2001:db8::1]:22", "write 2001:db8::1 here and the port as --port 22"),
        ("https://example.org/simple/", "write example.org here and the port as --port 443"),
        ("http://example.org:8080", "write example.org here and the port as --port 8080"),
        ("Storage.WestEuorpe", "did you mean Storage.WestEurope"),
        ("https:///simple", "is no address, prefix, service tag or host"),
        ("a b.org", "is no address, prefix, service tag or host"),
    ] {
        let refused = explain(&["--to", to]);
        assert_eq!(refused.status.code(), Some(2), "{to}");
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(said.contains(way_out), "{to}: {said}");
    }
    ended(&explain(&["--from", "nowhere", "--to", "203.0.113.9"]), 2);
}
