//! The proof is worth what it catches: every artefact is broken in many ways, and each break must be found.

use crate::support;
use serde_json::{Value, json};
use tagwall::pipeline::Generation;
use tagwall::tags::Snapshot;
use tagwall::target::Target;
use tagwall::verify::{self, Declared, Inexpressible};

/// Flows that do not overlap, so that every rule is needed; with hosts, prefixes, tags, groups and routes.
const POLICY: &str = r#"
schema = 1
name = "proof"
region = "westeurope"
network.address-space = ["10.20.0.0/16"]
network.firewall = "10.20.255.4"
subnets.a.prefixes = ["10.20.1.0/24", "10.20.3.0/24"]
firewall.sku = "standard"

[[allow]]
workload = "aml-compute"
public-ip = true

[[allow]]
to = ["203.0.113.0/25", "198.51.100.8/29", "198.51.100.32-198.51.100.50"]
protocol = "udp"
ports = "7000-7010"

[[allow]]
to = ["fqdn:*.example.org", "fqdn:example.org", "fqdn:time.example.net"]
protocol = "tcp"
ports = [80, 443]

[[allow]]
to = "fqdn:time.example.net"
protocol = "udp"
ports = 123
"#;

/// The same with every tag as prefixes.
const EXPANDED: &str = "nsg.tags = \"expand\"\nroute-table.tags = \"expand\"\nfirewall.tags = \"expand\"\n";

struct Broken {
    what: String,
    file: String,
    document: Value,
}

fn expanded() -> String {
    POLICY.replace("firewall.sku = \"standard\"\n", &format!("firewall.sku = \"standard\"\n{EXPANDED}"))
}

fn caught(made: &Generation, snapshot: &Snapshot, broken: &Broken) -> bool {
    let bytes = serde_json::to_vec(&broken.document).expect("JSON is JSON");
    !support::prove_with(made, snapshot, &broken.file, &bytes).is_success()
}

/// Breaks `file` at every place that `at` finds, by each change that `with` gives for the value there.
fn breaks(
    made: &Generation,
    file: &str,
    what: &str,
    at: impl Fn(&str) -> bool,
    with: impl Fn(&Value) -> Vec<Value>,
) -> Vec<Broken> {
    let document: Value = serde_json::from_slice(support::bytes_of(made, file)).expect("artefacts are JSON");
    let mut places = Vec::new();
    walk(&document, String::new(), &mut places);
    let mut all = Vec::new();
    for place in places.into_iter().filter(|p| at(p)) {
        let value = document.pointer(&place).expect("the place was just found");
        for change in with(value) {
            let mut changed = document.clone();
            *changed.pointer_mut(&place).expect("the place was just found") = change.clone();
            all.push(Broken {
                what: format!("{what}: {place} to {change}"),
                file: file.to_owned(),
                document: changed,
            });
        }
    }
    assert!(!all.is_empty(), "{what}: {file} has no such place");
    all
}

fn walk(value: &Value, place: String, out: &mut Vec<String>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, v)| walk(v, format!("{place}/{key}"), out)),
        Value::Array(list) => list.iter().enumerate().for_each(|(i, v)| walk(v, format!("{place}/{i}"), out)),
        _ => {}
    }
    out.push(place);
}

/// An array without each of its items, one at a time; nothing for arrays of one, which would end up empty.
fn without_each(list: &Value) -> Vec<Value> {
    let items = list.as_array().expect("an array");
    if items.len() < 2 {
        return Vec::new();
    }
    (0..items.len())
        .map(|skip| {
            items.iter().enumerate().filter(|(i, _)| *i != skip).map(|(_, v)| v.clone()).collect::<Vec<_>>()
        })
        .map(Value::from)
        .collect()
}

/// The prefix one bit wider, and the one beside it.
fn widened(prefix: &Value) -> Vec<Value> {
    let Some(Ok(net)) = prefix.as_str().map(str::parse::<ipnet::IpNet>) else { return Vec::new() };
    let Some(wider) = net.supernet() else { return Vec::new() };
    let beside =
        wider.subnets(net.prefix_len()).expect("one bit longer").find(|n| n != &net).expect("two halves");
    vec![wider.to_string().into(), beside.to_string().into()]
}

fn is_item_of(place: &str, key: &str) -> bool {
    let mut parts = place.rsplit('/');
    parts.next().is_some_and(|i| i.parse::<usize>().is_ok()) && parts.next() == Some(key)
}

fn ends(place: &str, key: &str) -> bool {
    place.rsplit('/').next() == Some(key)
}

fn all_breaks(made: &Generation, expanded: bool) -> Vec<Broken> {
    let mut all = network_breaks(made);
    all.extend(firewall_breaks(made, expanded, ("ipProtocols", Some("ruleCollections"))));
    all
}

/// Breaks of everything but the firewall.
fn network_breaks(made: &Generation) -> Vec<Broken> {
    let mut all = Vec::new();
    let nsg = "nsg.arm.json";
    all.extend(breaks(made, nsg, "rule dropped", |p| ends(p, "securityRules"), without_needed_rules));
    for side in ["sourceAddressPrefixes", "destinationAddressPrefixes"] {
        all.extend(breaks(made, nsg, "prefix dropped", |p| ends(p, side), without_each));
        all.extend(breaks(made, nsg, "prefix widened", |p| is_item_of(p, side), widened));
    }
    let port = |v: &Value| if v == "*" { vec![json!("443")] } else { vec![json!("1"), json!("*")] };
    all.extend(breaks(made, nsg, "port", |p| ends(p, "destinationPortRange"), port));
    all.extend(breaks(made, nsg, "source port", |p| ends(p, "sourcePortRange"), |_| vec![json!("443")]));
    all.extend(breaks(
        made,
        nsg,
        "protocol",
        |p| ends(p, "protocol"),
        |v| ["Tcp", "Udp", "Icmp"].iter().map(|t| json!(t)).filter(|t| t != v).collect(),
    ));
    all.extend(breaks(
        made,
        nsg,
        "access",
        |p| ends(p, "access"),
        |v| vec![if v == "Allow" { json!("Deny") } else { json!("Allow") }],
    ));
    all.extend(breaks(
        made,
        nsg,
        "direction",
        |p| ends(p, "direction"),
        |v| vec![if v == "Inbound" { json!("Outbound") } else { json!("Inbound") }],
    ));
    // Behind the deny: the rule never matches. On another's place: Azure refuses.
    all.extend(breaks(
        made,
        nsg,
        "priority",
        |p| ends(p, "priority"),
        |v| {
            if v == 4096 { vec![json!(100)] } else { vec![json!(4096), json!(5000)] }
        },
    ));
    let table = "route-table.arm.json";
    all.extend(breaks(made, table, "route dropped", |p| ends(p, "routes"), without_each));
    all.extend(breaks(
        made,
        table,
        "next hop",
        |p| ends(p, "nextHopType"),
        |v| ["None", "Internet", "VnetLocal"].iter().map(|t| json!(t)).filter(|t| t != v).collect(),
    ));
    all.extend(breaks(
        made,
        table,
        "appliance",
        |p| ends(p, "nextHopIpAddress"),
        |_| vec![json!("10.20.255.5")],
    ));
    all.extend(breaks(
        made,
        table,
        "route moved",
        |p| ends(p, "addressPrefix"),
        |v| {
            let mut changes = widened(v);
            changes.push(json!("192.0.2.0/25"));
            changes.push(json!("Storage"));
            changes
        },
    ));
    all.extend(breaks(made, "ip-groups.arm.json", "entry dropped", |p| ends(p, "ipAddresses"), without_each));
    all.extend(breaks(
        made,
        "ip-groups.arm.json",
        "entry widened",
        |p| is_item_of(p, "ipAddresses"),
        widened,
    ));
    all
}

/// Rules whose loss changes what passes: not the allow rules for traffic that Azure's own defaults also allow.
fn without_needed_rules(list: &Value) -> Vec<Value> {
    let items = list.as_array().expect("an array");
    let needed = |v: &Value| v["name"] != "vnet-in" && v["name"] != "load-balancer-in";
    (0..items.len())
        .filter(|&skip| needed(&items[skip]) || items.iter().any(|v| v["name"] == "deny-rest-in"))
        .map(|skip| {
            items.iter().enumerate().filter(|(i, _)| *i != skip).map(|(_, v)| v.clone()).collect::<Vec<_>>()
        })
        .map(Value::from)
        .collect()
}

/// Breaks of the firewall's rules; protocols and collections stand in members of the names given.
fn firewall_breaks(
    made: &Generation,
    expanded: bool,
    (protocols, collections): (&str, Option<&str>),
) -> Vec<Broken> {
    let file = "firewall.arm.json";
    let mut all = breaks(made, file, "rule dropped", |p| ends(p, "rules"), without_each);
    if let Some(collections) = collections {
        all.extend(breaks(made, file, "collection dropped", |p| ends(p, collections), without_each));
    }
    all.extend(breaks(made, file, "source dropped", |p| ends(p, "sourceAddresses"), without_each));
    all.extend(breaks(made, file, "source widened", |p| is_item_of(p, "sourceAddresses"), widened));
    all.extend(breaks(
        made,
        file,
        "port",
        |p| is_item_of(p, "destinationPorts"),
        |_| vec![json!("1"), json!("*")],
    ));
    all.extend(breaks(
        made,
        file,
        "protocol",
        |p| is_item_of(p, protocols),
        // Those of application rules are objects.
        |v| match v.is_string() {
            true => ["TCP", "UDP", "ICMP", "Any"].iter().map(|t| json!(t)).filter(|t| t != v).collect(),
            false => Vec::new(),
        },
    ));
    all.extend(breaks(made, file, "action", |p| p.ends_with("/action/type"), |_| vec![json!("Deny")]));
    all.extend(breaks(
        made,
        file,
        "host",
        |p| is_item_of(p, "targetFqdns"),
        |_| vec![json!("other.example.com"), json!("*")],
    ));
    all.extend(breaks(
        made,
        file,
        "host of a network rule",
        |p| is_item_of(p, "destinationFqdns"),
        |_| vec![json!("other.example.com"), json!("*.example.net")],
    ));
    all.extend(breaks(made, file, "application port", |p| p.ends_with("/port"), |_| vec![json!(8080)]));
    all.extend(breaks(
        made,
        file,
        "group",
        |p| is_item_of(p, "destinationIpGroups"),
        |_| vec![json!("[resourceId('Microsoft.Network/ipGroups', 'nobody')]")],
    ));
    if !expanded {
        all.extend(breaks(
            made,
            file,
            "tag",
            |p| is_item_of(p, "destinationAddresses"),
            |v| {
                let literal = v.as_str().is_some_and(|t| t.contains('/'));
                if literal {
                    widened(v)
                } else {
                    vec![json!("AzureDevOps"), json!("NoSuchTag"), json!("Internet")]
                }
            },
        ));
    }
    all
}

fn every_break_is_caught(text: &str, expanded: bool, least: usize) {
    let snapshot = support::sample(tagwall::tags::Cloud::Public);
    let made = support::generate("proof", text, &snapshot);
    let all = all_breaks(&made, expanded);
    let missed: Vec<&str> =
        all.iter().filter(|b| !caught(&made, &snapshot, b)).map(|b| b.what.as_str()).collect();
    assert!(
        missed.is_empty(),
        "{} of {} breaks were not caught:\n{}",
        missed.len(),
        all.len(),
        missed.join("\n")
    );
    assert!(all.len() >= least, "only {} breaks were tried", all.len());
}

#[test]
fn every_break_of_rules_by_tag_is_caught() {
    every_break_is_caught(POLICY, false, 150);
}

#[test]
fn every_break_of_rules_by_prefix_is_caught() {
    every_break_is_caught(&expanded(), true, 500);
}

/// What makes the rules of `text` classic ones.
fn classic(text: &str) -> String {
    text.replace("firewall.sku", "firewall.rules = \"classic\"\nfirewall.sku")
}

/// Every place of a template of classic rules: its rules, and what puts them into the firewall.
fn classic_breaks(made: &Generation, expanded: bool) -> Vec<Broken> {
    let file = "firewall.arm.json";
    let kinds = ["networkRuleCollections", "applicationRuleCollections"];
    let own = |p: &str| kinds.iter().any(|kind| ends(p, kind));
    let mut all =
        breaks(made, file, "no collections", own, |_| vec![json!([]), json!("[parameters('zones')]")]);
    all.extend(breaks(made, file, "collection of another kind", own, |list| {
        let mut other = list.clone();
        let key = if list[0]["properties"]["rules"][0]["targetFqdns"].is_array() { "destinationFqdns" } else { "targetFqdns" };
        other[0]["properties"]["rules"][0] = json!({ "name": "x", "sourceAddresses": ["*"], key: ["x.example"],
            "protocols": [], "destinationPorts": ["*"] });
        vec![other]
    }));
    all.extend(breaks(
        made,
        file,
        "application protocol",
        |p| ends(p, "protocolType"),
        |v| vec![if v == "Http" { json!("Https") } else { json!("Http") }, json!("Mssql")],
    ));
    all.extend(breaks(
        made,
        file,
        "collection priority",
        |p| ends(p, "priority"),
        |_| vec![json!(99), json!(65_001), json!("400"), json!(-1)],
    ));
    all.extend(breaks(
        made,
        file,
        "name",
        |p| p.contains("/rules/") && ends(p, "name"),
        |_| vec![json!("a b"), json!("")],
    ));
    all.extend(breaks(
        made,
        file,
        "how rules get into the firewall",
        |p| p == "/resources/0/properties",
        |v| {
            let text = v.as_str().expect("it is an expression");
            let swapped = text
                .replace("variables('networkRuleCollections')", "variables('applicationRuleCollections')");
            let dropped = text
                .replace("variables('networkRuleCollections')", "parameters('otherNetworkRuleCollections')");
            let others_lost = text.replace("parameters('otherNetworkRuleCollections'), ", "");
            let firewall_lost = text.replace("parameters('firewallProperties'), ", "");
            [swapped, dropped, others_lost, firewall_lost, String::new()]
                .map(|changed| {
                    assert_ne!(changed, text);
                    json!(changed)
                })
                .to_vec()
        },
    ));
    all.extend(breaks(
        made,
        file,
        "not the firewall",
        |p| p == "/resources/0/type",
        |_| {
            vec![
                json!("Microsoft.Network/firewallPolicies/ruleCollectionGroups"),
                json!("Microsoft.Network/virtualWans"),
            ]
        },
    ));
    all.extend(firewall_breaks(made, expanded, ("protocols", None)));
    all
}

#[test]
fn every_break_of_classic_rules_is_caught() {
    let snapshot = support::sample(tagwall::tags::Cloud::Public);
    for (text, expanded) in [(POLICY.to_owned(), false), (expanded(), true)] {
        let made = support::generate("proof", &classic(&text), &snapshot);
        let all = classic_breaks(&made, expanded);
        let missed: Vec<&str> =
            all.iter().filter(|b| !caught(&made, &snapshot, b)).map(|b| b.what.as_str()).collect();
        assert!(
            missed.is_empty(),
            "{} of {} breaks were not caught:\n{}",
            missed.len(),
            all.len(),
            missed.join("\n")
        );
        assert!(all.len() >= 90, "only {} breaks were tried", all.len());
    }
}

#[test]
fn files_that_are_not_there_or_not_readable_fail() {
    let snapshot = support::sample(tagwall::tags::Cloud::Public);
    let made = support::generate("proof", POLICY, &snapshot);
    let report = verify::check_files(&made.policy, &snapshot, &[], Declared::default(), &Target::ALL);
    assert!(!report.is_success(), "no files at all");
    for drop in ["nsg.arm.json", "route-table.arm.json", "ip-groups.arm.json", "firewall.arm.json"] {
        let files: Vec<(&str, &[u8])> =
            support::named(&made.files).into_iter().filter(|(name, _)| *name != drop).collect();
        assert!(!support::prove(&made, &snapshot, &files).is_success(), "without {drop}");
        let whole = support::bytes_of(&made, drop);
        let half = &whole[..whole.len() / 2];
        assert!(!support::prove_with(&made, &snapshot, drop, half).is_success(), "half of {drop}");
    }
}

#[test]
fn a_gap_that_is_none_is_no_excuse() {
    let snapshot = support::sample(tagwall::tags::Cloud::Public);
    let made = support::generate("proof", POLICY, &snapshot);
    let files = support::named(&made.files);
    for flow in made.policy.flows.iter().filter(|f| f.remote_set(&made.policy.symbols()).is_some()) {
        let lie = [Inexpressible { target: Target::Nsg, flow: flow.id.as_str() }];
        let report = verify::check_files(
            &made.policy,
            &snapshot,
            &files,
            Declared { inexpressible: &lie, ..Declared::default() },
            &[Target::Nsg],
        );
        assert!(!report.is_success(), "{} passes as not expressible", flow.id);
    }
}

/// A network rule that denies comes before every application rule, in a policy and in the firewall itself.
#[test]
fn a_network_rule_that_denies_counts_against_hosts() {
    let snapshot = support::sample(tagwall::tags::Cloud::Public);
    let hosts_only = POLICY.replace(
        "workload = \"aml-compute\"\npublic-ip = true",
        "to = \"fqdn:only.example.com\"\nprotocol = \"tcp\"\nports = 443",
    );
    for text in [hosts_only.clone(), classic(&hosts_only)] {
        let made = support::generate("proof", &text, &snapshot);
        let name = "firewall.arm.json";
        let with = |ports: &str, to: &str, hosts: bool| {
            let mut document: Value =
                serde_json::from_slice(support::bytes_of(&made, name)).expect("it is JSON");
            let mut rule = json!({ "name": "stop", "sourceAddresses": ["*"], "destinationPorts": [ports] });
            rule[if hosts { "destinationFqdns" } else { "destinationAddresses" }] = json!([to]);
            // Whatever its priority: that of application rules orders these only.
            let collection = match document.get("variables").is_some() {
                true => {
                    rule["protocols"] = json!(["TCP"]);
                    json!({ "name": "by-hand", "properties":
                        { "priority": 60000, "action": { "type": "Deny" }, "rules": [rule] } })
                }
                false => {
                    (rule["ruleType"], rule["ipProtocols"]) = (json!("NetworkRule"), json!(["TCP"]));
                    json!({ "ruleCollectionType": "FirewallPolicyFilterRuleCollection", "name": "by-hand",
                        "priority": 60000, "action": { "type": "Deny" }, "rules": [rule] })
                }
            };
            let place = match document.get("variables").is_some() {
                true => &mut document["variables"]["networkRuleCollections"],
                false => &mut document["resources"][0]["properties"]["ruleCollections"],
            };
            place.as_array_mut().expect("a list").push(collection);
            let bytes = serde_json::to_vec(&document).expect("JSON is JSON");
            support::prove_with(&made, &snapshot, name, &bytes)
        };
        for (ports, to) in [("443", "*"), ("400-500", "192.0.2.0/24"), ("80", "198.18.0.1")] {
            let report = with(ports, to, false);
            assert!(report.to_string().contains("must pass for"), "{ports} {to}: {report}");
            assert!(report.to_string().contains("but stop denies it"), "{ports} {to}: {report}");
        }
        let report = with("443", "only.example.com", true).to_string();
        assert!(
            report.contains("for only.example.com must pass") && report.contains("but stop denies it"),
            "{report}"
        );
        // What is denied anyway may be denied twice, and so may what a rule before lets pass. In a firewall the
        // collection itself is one too many: deploying would never take it out again.
        for report in [with("25", "*", false), with("7000", "203.0.113.0/25", false)] {
            let named = |text: &str| text == "by-hand is the name of no collection";
            assert!(report.failures.iter().all(|failure| named(&failure.difference.to_string())), "{report}");
        }
    }
}

/// Hosts that a rule lets through by what they are about are nothing that a policy asks for.
#[test]
fn web_categories_are_seen() {
    let snapshot = support::sample(tagwall::tags::Cloud::Public);
    let made = support::generate("proof", POLICY, &snapshot);
    let mut document: Value =
        serde_json::from_slice(support::bytes_of(&made, "firewall.arm.json")).expect("it is JSON");
    let collections =
        document["resources"][0]["properties"]["ruleCollections"].as_array_mut().expect("a list");
    let rules =
        collections.last_mut().expect("hosts have a collection")["rules"].as_array_mut().expect("a list");
    rules.push(json!({ "ruleType": "ApplicationRule", "name": "news", "sourceAddresses": ["10.20.1.4"],
        "protocols": [{ "protocolType": "Https", "port": 443 }], "webCategories": ["News"] }));
    let bytes = serde_json::to_vec(&document).expect("JSON is JSON");
    let report = support::prove_with(&made, &snapshot, "firewall.arm.json", &bytes).to_string();
    assert!(report.contains("for web category News passes by news, but nothing asks for it"), "{report}");
}
