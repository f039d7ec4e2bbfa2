//! DNAT rules of Azure Firewall: read, compared, and carried on from an earlier generation's templates.

use crate::support;
use std::collections::BTreeMap;

use serde_json::{Value, json};
use tagwall::analyse::{self, FirewallContrast};
use tagwall::catalog::Catalog;
use tagwall::packet::Protocol;
use tagwall::pipeline::{self, Generation, Reproof};
use tagwall::plan::Previous;
use tagwall::read::{
    self,
    resources::{FirewallRule, Resources},
};
use tagwall::report::Manifest;
use tagwall::tags::Cloud;
use tagwall::target::FormatName;
use tagwall::verify;

const POLICY: &str = r#"
    schema = 1
    name = "web"
    region = "westeurope"
    network.address-space = ["10.20.0.0/16"]
    network.firewall = "10.20.255.4"
    subnets.training.prefixes = ["10.20.1.0/24"]
    [[allow]]
    to = "198.51.100.0/24"
    protocol = "tcp"
    ports = 443
"#;
const GROUP: &str = "web-rules";

fn generate(policy: &str, previous: Option<&Previous>) -> Generation {
    let source = support::policy("web.toml", policy);
    pipeline::generate(&source, Catalog::builtin(), &support::sample(Cloud::Public), previous).unwrap()
}

fn nat_rule(to: &str, port: &str) -> Value {
    json!({
        "ruleType": "NatRule", "name": "inbound-web", "description": "by hand", "ipProtocols": ["TCP"],
        "sourceAddresses": ["*"], "sourceIpGroups": [], "destinationAddresses": ["203.0.113.4"],
        "destinationPorts": ["443"], "translatedAddress": to, "translatedPort": port
    })
}

fn nat_collection(priority: u32, rules: &[Value]) -> Value {
    json!({
        "ruleCollectionType": "FirewallPolicyNatRuleCollection", "name": "nat", "priority": priority,
        "action": { "type": "DNAT" }, "rules": rules
    })
}

fn network_collection(priority: u32, action: &str, to: &str) -> Value {
    json!({
        "ruleCollectionType": "FirewallPolicyFilterRuleCollection", "name": format!("net-{priority}"),
        "priority": priority, "action": { "type": action }, "rules": [{
            "ruleType": "NetworkRule", "name": "net", "ipProtocols": ["TCP"], "sourceAddresses": ["*"],
            "destinationAddresses": [to], "destinationPorts": ["443"]
        }]
    })
}

fn application_collection(priority: u32, action: &str, host: &str) -> Value {
    json!({
        "ruleCollectionType": "FirewallPolicyFilterRuleCollection", "name": format!("app-{priority}"),
        "priority": priority, "action": { "type": action }, "rules": [{
            "ruleType": "ApplicationRule", "name": "app", "protocols": [{ "protocolType": "Https", "port": 443 }],
            "sourceAddresses": ["*"], "targetFqdns": [host]
        }]
    })
}

/// A template with groups, each by its priority.
fn template(groups: &[(u32, Vec<Value>)]) -> Resources {
    let group = |(priority, collections): &(u32, Vec<Value>)| {
        json!({
            "type": "Microsoft.Network/FirewallPolicies/RuleCollectionGroups", "name": format!("p/g{priority}"),
            "properties": { "priority": priority, "ruleCollections": collections }
        })
    };
    let resources: Vec<Value> = groups.iter().map(group).collect();
    read::read_arm(json!({ "resources": resources }).to_string().as_bytes()).unwrap().resources
}

fn one_group(collections: &[Value]) -> Resources {
    template(&[(100, collections.to_vec())])
}

fn compare(a: &Resources, b: &Resources) -> Vec<FirewallContrast> {
    analyse::compare_firewalls(a, b, &support::sample(Cloud::Public)).unwrap()
}

#[test]
fn templates_and_terraform_say_the_same() {
    let arm = one_group(&[nat_collection(100, &[nat_rule("10.20.1.4", "8443")])]);
    let [FirewallRule::Nat(rule)] = arm.groups[0].collections[0].rules.as_slice() else { panic!("{arm:?}") };
    assert_eq!((rule.translated.as_str(), rule.translated_port.as_str()), ("10.20.1.4", "8443"));
    assert_eq!(
        (&rule.destinations[..], &rule.ports[..]),
        (&["203.0.113.4".to_owned()][..], &["443".to_owned()][..])
    );
    let text = r#"
terraform {
  required_version = ">= 1.0"
  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = ">= 4.0, < 6.0"
    }
  }
}

provider "azurerm" {
  features {}
}

variable "firewall_policy_id" {
  type = string
}

resource "azurerm_firewall_policy_rule_collection_group" "group_g100" {
  name               = "g100"
  firewall_policy_id = var.firewall_policy_id
  priority           = 100
  nat_rule_collection {
    name     = "nat"
    priority = 100
    action   = "Dnat"
    rule {
      name                = "inbound-web"
      protocols           = ["TCP"]
      source_addresses    = ["*"]
      destination_address = "203.0.113.4"
      destination_ports   = ["443"]
      translated_address  = "10.20.1.4"
      translated_port     = 8443
    }
  }
}
"#;
    let read =
        |text: &str| read::read_files(FormatName::Terraform, &[("firewall.tf", text.as_bytes())]).unwrap();
    assert!(compare(&arm, &read(text)).is_empty());
    assert_eq!(compare(&arm, &read(&text.replace("8443", "8444"))).len(), 1);
}

#[test]
fn an_exported_group_with_every_kind_of_collection_is_read() {
    let Some(shared) = support::shared("an_exported_group_with_every_kind_of_collection_is_read") else {
        return;
    };
    let path = shared.join("data/azure-exports/rcg-mixed-network-application-nat.json");
    let export: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let read = read::read_arm(json!({ "resources": [export] }).to_string().as_bytes()).unwrap().resources;
    let nat = |rule: &&FirewallRule| matches!(rule, FirewallRule::Nat(_));
    let rules: Vec<&FirewallRule> = read.groups[0].collections.iter().flat_map(|c| &c.rules).collect();
    assert_eq!((rules.len(), rules.iter().copied().filter(nat).count()), (7, 2));
}

#[test]
fn what_is_no_nat_rule_is_refused_with_its_place() {
    let error = |value: Value| {
        let document = json!({ "resources": [{
            "type": "Microsoft.Network/firewallPolicies/ruleCollectionGroups", "name": "g",
            "properties": { "priority": 100, "ruleCollections": [value] } }] });
        read::read_arm(document.to_string().as_bytes()).unwrap_err().to_string()
    };
    let mut both = nat_rule("10.20.1.4", "8443");
    both["translatedFqdn"] = "web.example.org".into();
    let text = error(nat_collection(100, &[both]));
    assert!(text.contains("ruleCollections[0].rules[0]") && text.contains("translatedFqdn"), "{text}");
    let network = network_collection(100, "Allow", "198.51.100.0/24")["rules"][0].clone();
    assert!(error(nat_collection(100, &[network])).contains("do not translate"));
    let mut filter = network_collection(100, "Allow", "198.51.100.0/24");
    filter["rules"][0] = nat_rule("10.20.1.4", "8443");
    assert!(error(filter).contains("NatRule"));
}

#[test]
fn a_nat_rule_more_or_changed_is_a_difference_with_a_packet() {
    let with = |to: &str, port: &str| {
        one_group(&[
            nat_collection(100, &[nat_rule(to, port)]),
            network_collection(200, "Allow", "198.51.100.0/24"),
        ])
    };
    let without = one_group(&[network_collection(200, "Allow", "198.51.100.0/24")]);
    let here = with("10.20.1.4", "8443");
    assert!(compare(&here, &here).is_empty());
    for (other, fate) in [
        (with("10.20.1.5", "8443"), "10.20.1.5 port 8443"),
        (with("10.20.1.4", "8444"), "10.20.1.4 port 8444"),
        (without.clone(), "is not translated"),
    ] {
        for (a, b) in [(&here, &other), (&other, &here)] {
            let found = compare(a, b);
            assert_eq!(found.len(), 1, "{found:?}");
            let text = found[0].to_string();
            assert!(text.starts_with("tcp 0.0.0.0:0 -> 203.0.113.4:443: "), "{text}");
            assert!(text.contains("10.20.1.4 port 8443 by inbound-web") && text.contains(fate), "{text}");
        }
    }
    // The name of a rule, and which collection holds it, change nothing.
    let mut renamed = nat_rule("10.20.1.4", "8443");
    renamed["name"] = "another".into();
    let renamed =
        one_group(&[nat_collection(150, &[renamed]), network_collection(300, "Allow", "198.51.100.0/24")]);
    assert!(compare(&here, &renamed).is_empty());
}

#[test]
fn dnat_comes_before_network_rules_and_these_before_application_rules() {
    let nat = nat_collection(900, &[nat_rule("10.20.1.4", "8443")]);
    // A network rule that denies what DNAT takes does nothing, whatever the priorities.
    let plain = template(&[(60_000, vec![nat.clone()])]);
    let denied =
        template(&[(60_000, vec![nat]), (100, vec![network_collection(100, "Deny", "203.0.113.4")])]);
    assert!(compare(&plain, &denied).is_empty());
    assert!(compare(&denied, &plain).is_empty());
    // An application rule that denies comes too late for what a network rule lets pass.
    let network = network_collection(100, "Allow", "0.0.0.0/0");
    let open = template(&[(60_000, vec![network.clone()])]);
    let app = application_collection(100, "Deny", "www.example.org");
    let both = template(&[(60_000, vec![network]), (100, vec![app])]);
    assert!(compare(&open, &both).is_empty());
    // But where no network rule matches, the application rules decide, by host.
    let allow = |host: &str| one_group(&[application_collection(100, "Allow", host)]);
    assert!(compare(&allow("*.example.org"), &allow("*.example.org")).is_empty());
    let found = compare(&allow("www.example.org"), &allow("*.example.org"));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].host.ends_with(".example.org") && found[0].host != "www.example.org", "{found:?}");
    assert!(
        found[0].text.contains("the first: is denied by the default; the second: passes by app"),
        "{found:?}"
    );
}

/// The files by name, with `change` done to the collections of the one group.
fn edited(made: &Generation, change: impl FnOnce(&mut Vec<Value>)) -> BTreeMap<String, Vec<u8>> {
    let mut files: BTreeMap<String, Vec<u8>> =
        made.files.iter().map(|f| (f.name.clone(), f.bytes.clone())).collect();
    let mut firewall: Value = serde_json::from_slice(&files["firewall.arm.json"]).unwrap();
    change(firewall["resources"][0]["properties"]["ruleCollections"].as_array_mut().unwrap());
    files.insert("firewall.arm.json".to_owned(), serde_json::to_vec_pretty(&firewall).unwrap());
    files
}

fn earlier(environment: &str, files: &BTreeMap<String, Vec<u8>>) -> Previous {
    let files: Vec<(&str, &[u8])> = files.iter().map(|(n, b)| (n.as_str(), b.as_slice())).collect();
    verify::earlier(environment, &files)
}

fn collections(files: &BTreeMap<String, Vec<u8>>) -> Vec<Value> {
    let firewall: Value = serde_json::from_slice(&files["firewall.arm.json"]).unwrap();
    firewall["resources"][0]["properties"]["ruleCollections"].as_array().unwrap().clone()
}

fn unedited(made: &Generation) -> BTreeMap<String, Vec<u8>> {
    edited(made, |_| {})
}

fn report(made: &Generation) -> String {
    let report = made.files.iter().find(|f| f.name == "report.md").unwrap();
    String::from_utf8(report.bytes.clone()).unwrap()
}

fn reprove(made: &Generation, files: &BTreeMap<String, Vec<u8>>) -> Reproof {
    let claims = Manifest::read(&unedited(made)["manifest.json"]).unwrap();
    let files: Vec<(&str, &[u8])> = files.iter().map(|(n, b)| (n.as_str(), b.as_slice())).collect();
    let source = support::policy("web.toml", POLICY);
    pipeline::reprove(&source, Catalog::builtin(), &support::sample(Cloud::Public), &claims, &files).unwrap()
}

#[test]
fn nat_collections_of_an_earlier_template_are_kept_and_proven() {
    let first = generate(POLICY, None);
    assert_eq!(first.plan.firewall.as_ref().unwrap().groups[0].name, GROUP, "the tests name the group");
    let nat = nat_collection(100, &[nat_rule("10.20.1.4", "8443")]);
    let by_hand = edited(&first, |list| list.push(nat.clone()));
    let previous = earlier("web", &by_hand);
    assert!(previous.notes.is_empty(), "{:?}", previous.notes);

    let second = generate(POLICY, Some(&previous));
    let now = collections(&unedited(&second));
    assert_eq!(
        now,
        [vec![nat.clone()], collections(&unedited(&first))].concat(),
        "by priority, nothing else changed"
    );
    let kept = second.proof.proven.iter().find(|p| p.part == "kept DNAT rules").unwrap();
    assert_eq!((kept.format.as_str(), kept.rules, kept.needs), ("arm", 1, 1));
    assert!(
        report(&second).contains("NAT collection nat of rule collection group web-rules was in the earlier")
    );
    let third = generate(POLICY, Some(&earlier("web", &unedited(&second))));
    assert_eq!(third.files, second.files, "a week in which nothing changed");
    let again = reprove(&second, &unedited(&second));
    assert!(again.is_success(), "{} {:?}", again.proof, again.differences);
}

#[test]
fn kept_nat_collections_that_were_changed_fail_the_proof() {
    let nat = nat_collection(100, &[nat_rule("10.20.1.4", "8443")]);
    let first = generate(POLICY, None);
    // Without a declaration no DNAT rule may be there at all.
    let found = reprove(&first, &edited(&first, |list| list.push(nat.clone())));
    let text = found.proof.to_string();
    assert!(text.contains("excess: tcp 0.0.0.0:0 -> 203.0.113.4:443 goes to 10.20.1.4 port 8443"), "{text}");

    let previous = earlier("web", &edited(&first, |list| list.push(nat)));
    let second = generate(POLICY, Some(&previous));
    let changed = edited(&second, |list| list[0]["rules"][0]["translatedAddress"] = "10.20.1.9".into());
    let text = reprove(&second, &changed).proof.to_string();
    assert!(text.contains("NAT collection nat of web-rules is not there as it was"), "{text}");
    assert!(text.contains("goes to 10.20.1.9 port 8443 by inbound-web"), "{text}");
    let removed = edited(&second, |list| drop(list.remove(0)));
    let text = reprove(&second, &removed).proof.to_string();
    assert!(text.contains("missing: NAT collection nat of web-rules"), "{text}");
}

#[test]
fn what_cannot_be_kept_is_said_with_what_deploying_does() {
    let first = generate(POLICY, None);
    let with = |collection: Value| edited(&first, |list| list.push(collection));
    let rule = nat_rule("10.20.1.4", "8443");
    let lost = |made: &Generation, texts: &[&str]| {
        assert_eq!(collections(&unedited(made)), collections(&unedited(&first)));
        let report = report(made);
        for text in texts.iter().chain(&["NAT collection nat of rule collection group web-rules", "DELETES"])
        {
            assert!(report.contains(text), "{text}: {report}");
        }
    };
    // A collection that is made here has the same priority.
    lost(
        &generate(POLICY, Some(&earlier("web", &with(nat_collection(200, std::slice::from_ref(&rule)))))),
        &["priority 200"],
    );
    // An expression means nothing in another template.
    let mut local = rule.clone();
    local["destinationAddresses"] = json!(["[parameters('publicIp')]"]);
    let previous = earlier("web", &with(nat_collection(100, &[local])));
    assert!(previous.notes[0].contains("parameters('publicIp')"), "{:?}", previous.notes);
    lost(&generate(POLICY, Some(&previous)), &["parameters('publicIp')"]);
    // The folder holds another environment.
    let mut foreign = with(nat_collection(100, std::slice::from_ref(&rule)));
    let manifest = String::from_utf8(foreign["manifest.json"].clone()).unwrap();
    foreign.insert("manifest.json".to_owned(), manifest.replace("\"web\"", "\"other\"").into_bytes());
    lost(&generate(POLICY, Some(&earlier("web", &foreign))), &["manifest.json is that of other"]);
}

#[test]
fn formats_without_the_collections_and_groups_that_are_gone_are_named() {
    let first = generate(POLICY, None);
    let files = edited(&first, |list| list.push(nat_collection(100, &[nat_rule("10.20.1.4", "8443")])));
    let previous = earlier("web", &files);
    let more = POLICY.replace("[[allow]]", "output.formats = [\"arm\", \"bicep\", \"azcli\"]\n    [[allow]]");
    let text = report(&generate(&more, Some(&previous)));
    assert!(text.contains("is not in bicep, azcli: deploying that replaces the group and DELETES"), "{text}");
    // A policy without firewall writes no group; nobody is told to delete the one with DNAT rules.
    let none = POLICY.replace("    network.firewall = \"10.20.255.4\"\n", "");
    let made = generate(&none, Some(&previous));
    assert!(made.plan.firewall.is_none(), "the test needs a policy without firewall");
    assert!(report(&made).contains("stays in force until the group is deleted"), "{}", report(&made));
    assert_eq!(made.notes.iter().filter(|n| n.contains("deleting the group would end them")).count(), 1);
    assert!(made.notes.iter().all(|n| !n.contains("so delete it")), "{:?}", made.notes);
}

#[test]
fn a_need_that_dnat_takes_is_noted_with_a_packet() {
    let first = generate(POLICY, None);
    let mut rule = nat_rule("10.20.1.4", "8443");
    rule["destinationAddresses"] = json!(["198.51.100.7"]);
    let previous = earlier("web", &edited(&first, |list| list.push(nat_collection(100, &[rule]))));
    let made = generate(POLICY, Some(&previous));
    let note = made.plan.notes.iter().find(|n| n.starts_with("DNAT comes first")).unwrap();
    assert!(note.contains("tcp 10.20.1.0:0 -> 198.51.100.7:443"), "{note}");
    assert!(note.contains("goes to 10.20.1.4 port 8443 by inbound-web"), "{note}");
    assert_eq!(made.policy.flows[0].protocol, Protocol::Tcp);
}

/// Azure takes 250 DNAT rules in one firewall: as many are carried on, one more is refused.
#[test]
fn more_dnat_rules_than_a_firewall_takes_are_refused() {
    let first = generate(POLICY, None);
    let rules = |from: usize, count: usize| -> Vec<Value> {
        let one = |at: usize| {
            let mut rule = nat_rule("10.20.1.4", &(10_000 + at).to_string());
            rule["name"] = format!("in-{at}").into();
            rule["destinationPorts"] = json!([(10_000 + at).to_string()]);
            rule
        };
        (from..from + count).map(one).collect()
    };
    let with = |count: usize| {
        let by_hand = edited(&first, |list| {
            let (a, mut b) =
                (nat_collection(100, &rules(0, 100)), nat_collection(110, &rules(100, count - 100)));
            b["name"] = "more".into();
            list.extend([a, b]);
        });
        earlier("web", &by_hand)
    };
    let made = generate(POLICY, Some(&with(250)));
    let usage =
        made.plan.usage.iter().find(|u| u.key.name() == "firewall-dnat-rules").expect("they are counted");
    assert_eq!((usage.have, usage.limit, usage.of.as_str()), (250, 250, "web-firewall-policy"));
    assert!(report(&made).contains("| firewall-dnat-rules | web-firewall-policy | 250 | 250 (0 %) |"));
    let source = support::policy("web.toml", POLICY);
    let previous = with(251);
    let snapshot = support::sample(Cloud::Public);
    let error = pipeline::generate(&source, Catalog::builtin(), &snapshot, Some(&previous)).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("web-firewall-policy: firewall-dnat-rules is 250, 251 are needed"), "{text}");
    assert!(text.contains("take some out of it"), "{text}");
    // Where none are carried on, nothing is said of them.
    assert!(first.plan.usage.iter().all(|u| u.key.name() != "firewall-dnat-rules"));
}

/// What is carried on takes bytes of its group, which rules leave free.
#[test]
fn rules_leave_room_for_collections_that_are_carried_on() {
    let need = |n: usize| format!("[[allow]]\nto = \"198.51.{n}.0/24\"\nprotocol = \"udp\"\nports = 443\n");
    let needs: String = (1..9).map(need).collect();
    let with = |bytes: usize| {
        POLICY.replacen(
            "    [[allow]]",
            &format!("    limits.firewall-group-bytes = {bytes}\n    [[allow]]"),
            1,
        ) + &needs
    };
    let whole = generate(&with(100_000), None);
    let of_group = |made: &Generation| -> Vec<usize> {
        let own = made.plan.usage.iter().filter(|usage| usage.key.name() == "firewall-group-bytes");
        own.map(|usage| usage.have as usize).collect()
    };
    let [rules] = of_group(&whole)[..] else { panic!("one group is enough: {:?}", of_group(&whole)) };
    let list: Vec<Value> = (0..6)
        .map(|n| {
            let mut rule = nat_rule("10.20.1.4", "8443");
            rule["name"] = format!("in-{n}").into();
            rule["destinationPorts"] = json!([(443 + n).to_string()]);
            rule
        })
        .collect();
    let nat = nat_collection(100, &list);
    let previous = earlier("web", &edited(&whole, |collections| collections.push(nat.clone())));
    let bytes = previous.nat[0].json.len();
    // Enough for the rules, even in a group with the longest name, but not for both.
    let text = with(rules + bytes / 2);
    assert_eq!(of_group(&generate(&text, None)).len(), 1);
    let made = generate(&text, Some(&previous));
    let groups = of_group(&made);
    assert!(groups.len() > 1 && groups.iter().all(|&have| have <= rules + bytes / 2), "{groups:?}");
    assert_eq!(made.plan.firewall.as_ref().unwrap().groups[0].nat.len(), 1);
}

/// A policy whose needs no firewall can say makes no group: what was in it stays in force, and that is told.
#[test]
fn collections_of_a_group_that_nothing_needs_are_told_of() {
    let first = generate(POLICY, None);
    let previous = earlier(
        "web",
        &edited(&first, |list| list.push(nat_collection(100, &[nat_rule("10.20.1.4", "8443")]))),
    );
    let text = POLICY.replace("protocol = \"tcp\"\n    ports = 443", "protocol = \"esp\"").replacen(
        "schema = 1",
        "schema = 1\n    accept-missing = true",
        1,
    );
    let made = generate(&text, Some(&previous));
    assert_eq!(made.plan.rule_collections().count(), 0, "the test needs a firewall without rules");
    assert!(made.plan.firewall.is_some());
    assert!(report(&made).contains("stays in force until the group is deleted"), "{}", report(&made));
}
