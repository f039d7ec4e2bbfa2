//! Classic rules: collections in the firewall itself, beside those of others.

mod support;

use serde_json::{Value, json};
use tagwall::Error;
use tagwall::catalog::Catalog;
use tagwall::pipeline::{self, Generation};
use tagwall::plan::Previous;
use tagwall::tags::Cloud;
use tagwall::target::{FormatName, Target};
use tagwall::verify::{self, Declared};

const POLICY: &str = r#"
    schema = 1
    name = "hub"
    region = "westeurope"
    network.address-space = ["10.20.0.0/16"]
    network.firewall = "10.20.255.4"
    subnets.training.prefixes = ["10.20.1.0/24"]
    firewall.rules = "classic"
    firewall.tags = "expand"
    limits.ip-group-entries = 20
    output.targets = ["firewall"]
    output.formats = ["arm", "bicep", "terraform", "azcli", "csv", "json"]
    groups.partners = ["203.0.113.0/24", "198.51.100.8/29"]
    [[allow]]
    workload = "aml-compute"
    [[allow]]
    to = "group:partners"
    protocol = "tcp"
    ports = 8443
    [[allow]]
    to = "fqdn:*.example.org"
    protocol = "tcp"
    ports = 443
"#;

fn try_generate(policy: &str, previous: Option<&Previous>) -> Result<Generation, Error> {
    let source = support::policy("hub.toml", policy);
    pipeline::generate(&source, Catalog::builtin(), &support::sample(Cloud::Public), previous)
}

fn generate(policy: &str, previous: Option<&Previous>) -> Generation {
    try_generate(policy, previous).unwrap_or_else(|e| panic!("{e}"))
}

fn earlier(made: &Generation) -> Previous {
    let previous = verify::earlier(&made.name, &support::named(&made.files));
    assert!(previous.notes.is_empty(), "{:?}", previous.notes);
    previous
}

fn in_policy() -> String {
    POLICY.replace("firewall.rules = \"classic\"", "firewall.rules = \"policy\"")
}

#[test]
fn the_same_rules_stand_in_another_place() {
    let (classic, policy) = (generate(POLICY, None), generate(&in_policy(), None));
    assert_eq!(classic.plan.ip_groups, policy.plan.ip_groups);
    let rules = |made: &Generation| made.plan.rule_collections().map(|c| c.rules.clone()).collect::<Vec<_>>();
    assert_eq!(rules(&classic), rules(&policy));
    // And every packet meets the same fate.
    let read = |made: &Generation| verify::read_files(FormatName::Arm, &support::named(&made.files)).unwrap();
    let snapshot = support::sample(Cloud::Public);
    let found = verify::compare_firewalls(&read(&classic), &read(&policy), &snapshot).unwrap();
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn rules_in_the_wrong_place_are_refused() {
    let (classic, policy) = (generate(POLICY, None), generate(&in_policy(), None));
    let snapshot = support::sample(Cloud::Public);
    let cases = [
        (&classic, &policy, "rule collection groups, but classic rules are asked for"),
        (&policy, &classic, "classic rules, but those of a firewall policy are asked for"),
    ];
    for (asked, made, expected) in cases {
        let report = support::prove(asked, &snapshot, &support::named(&made.files));
        for format in ["arm", "bicep", "terraform", "azcli", "csv", "json"] {
            let line = format!("firewall ({format}): invalid: {expected}");
            assert!(report.to_string().contains(&line), "{line}\n{report}");
        }
    }
    // Two firewalls, of which each has all rules.
    let mut template: Value =
        serde_json::from_slice(support::bytes_of(&classic, "firewall.arm.json")).unwrap();
    let again = template["resources"][0].clone();
    template["resources"].as_array_mut().unwrap().push(again);
    let bytes = serde_json::to_vec(&template).unwrap();
    let report = support::prove_with(&classic, &snapshot, "firewall.arm.json", &bytes).to_string();
    assert!(report.contains("classic rules of 2 firewalls, not of one"), "{report}");
    let text = String::from_utf8(support::bytes_of(&classic, "firewall.tf").to_vec()).unwrap();
    let other = text.replacen("var.firewall_name", "\"other\"", 1);
    let report = support::prove_with(&classic, &snapshot, "firewall.tf", other.as_bytes()).to_string();
    assert!(report.contains("classic collections of several firewalls"), "{report}");
}

#[test]
fn a_table_of_classic_rules_has_no_columns_of_policies() {
    let made = generate(POLICY, None);
    let text = String::from_utf8(support::bytes_of(&made, "firewall.csv").to_vec()).unwrap();
    let with_urls: String = text
        .lines()
        .enumerate()
        .map(|(at, line)| format!("{line},{}\n", if at == 0 { "targetUrls" } else { "example.org/a" }))
        .collect();
    let report =
        support::prove_with(&made, &support::sample(Cloud::Public), "firewall.csv", with_urls.as_bytes());
    assert!(report.to_string().contains("classic rules have no targetUrls"), "{report}");
}

#[test]
fn what_classic_rules_cannot_say_is_a_gap() {
    let url = r#"
    [[allow]]
    to = "url:www.example.com/a/*"
    protocol = "tcp"
    ports = 443
"#;
    let premium = "firewall.sku = \"premium\"\n    firewall.tls-inspection = true\n    firewall.tags";
    let with_url = |policy: &str| policy.replacen("firewall.tags", premium, 1) + url;
    assert!(
        !generate(&with_url(&in_policy()), None)
            .plan
            .gaps
            .iter()
            .any(|g| g.remote.contains("www.example.com"))
    );
    let made = generate(&with_url(POLICY), None);
    let gap = made.plan.gaps.iter().find(|g| g.remote.contains("www.example.com")).expect("a gap");
    assert_eq!((gap.target, gap.reason.as_str()), (Target::Firewall, "classic rules know no paths"));
    assert!(gap.remedy.contains("fqdn:www.example.com"), "{}", gap.remedy);
}

#[test]
fn what_still_holds_keeps_its_place() {
    let first = generate(POLICY, None);
    let again = generate(POLICY, Some(&earlier(&first)));
    assert_eq!(again.files, first.files, "a week in which nothing changed");
    assert!(again.notes.is_empty(), "{:?}", again.notes);
    // Each format alone tells enough to keep the pieces of lists.
    for ending in [".arm.json", ".bicep", ".tf", ".csv", ".sh", "plan.json"] {
        let files: Vec<(&str, &[u8])> = support::named(&first.files)
            .into_iter()
            .filter(|(name, _)| name.ends_with(ending) || *name == "manifest.json")
            .collect();
        let previous = verify::earlier("hub", &files);
        assert_eq!(previous.classic_collections, ["hub-application", "hub-network"], "{ending}");
        assert_eq!(previous.ip_groups.len(), first.plan.ip_groups.len(), "{ending}");
        assert!(
            previous.rule_lists.contains_key("training-group-partners-tcp-8443"),
            "{ending}: {:?}",
            previous.rule_lists
        );
        assert_eq!(generate(POLICY, Some(&previous)).files, first.files, "{ending}");
    }
    // A new entry of one list is all that changes.
    let more = POLICY.replace("\"203.0.113.0/24\"", "\"203.0.113.0/24\", \"192.0.2.1\"");
    let second = generate(&more, Some(&earlier(&first)));
    let lines = |made: &Generation| -> std::collections::BTreeSet<String> {
        let text = String::from_utf8(support::bytes_of(made, "firewall.bicep").to_vec()).unwrap();
        text.lines().map(|line| line.trim().to_owned()).collect()
    };
    let (before, after) = (lines(&first), lines(&second));
    let new: Vec<&String> = after.difference(&before).collect();
    assert_eq!(new, ["'192.0.2.1/32'"]);
    assert_eq!(before.difference(&after).count(), 0);
}

#[test]
fn what_is_left_behind_is_named() {
    let (classic, policy) = (generate(POLICY, None), generate(&in_policy(), None));
    let moved = generate(&in_policy(), Some(&earlier(&classic)));
    let gone: Vec<&String> = moved.notes.iter().filter(|n| n.contains("classic rule collection")).collect();
    assert_eq!(gone.len(), 2, "{:?}", moved.notes);
    assert!(gone.iter().all(|n| n.contains("deploying deletes nothing")), "{gone:?}");
    let back = generate(POLICY, Some(&earlier(&policy)));
    assert!(back.notes.iter().any(|n| n.contains("rule collection group hub-rules")), "{:?}", back.notes);
    // Templates and scripts know both collections, so that one without rules goes by itself.
    let (head, _) = POLICY.rsplit_once("[[allow]]").unwrap();
    let no_hosts = generate(head, Some(&earlier(&classic)));
    assert!(no_hosts.plan.classic_firewall.as_ref().unwrap().application().is_none());
    assert!(no_hosts.notes.iter().all(|n| !n.contains("classic rule collection")), "{:?}", no_hosts.notes);
    let script = String::from_utf8(support::bytes_of(&no_hosts, "firewall.sh").to_vec()).unwrap();
    assert!(
        script.contains("[properties.applicationRuleCollections[?name!='hub-application']][]"),
        "{script}"
    );
}

#[test]
fn the_priorities_of_both_collections_are_within_their_range() {
    let with = |priority: u32| {
        POLICY.replace("firewall.tags", &format!("firewall.priority = {priority}\n    firewall.tags"))
    };
    let made = generate(&with(64_900), None);
    let priorities: Vec<u32> = made.plan.rule_collections().map(|c| c.priority).collect();
    assert_eq!(priorities, [64_900, 65_000]);
    let error = try_generate(&with(64_901), None).unwrap_err().to_string();
    assert!(error.contains("hub-firewall: firewall-priority is 65000, 65001 are needed"), "{error}");
}

/// A firewall as Azure gives it, without rules, with rules, and with a policy.
#[test]
fn firewalls_that_azure_gives_are_read() {
    let firewall = |properties: Value| {
        let document =
            json!({ "name": "fw", "type": "Microsoft.Network/azureFirewalls", "properties": properties });
        verify::read_arm(document.to_string().as_bytes()).unwrap()
    };
    assert_eq!(firewall(json!({})).firewalls[0].collections, []);
    assert!(firewall(json!({ "firewallPolicy": { "id": "x" } })).firewalls.is_empty());
    let nat = json!({ "name": "in", "properties": { "priority": 100, "action": { "type": "Dnat" }, "rules": [{
        "name": "web", "protocols": ["TCP"], "sourceAddresses": ["*"], "destinationAddresses": ["203.0.113.4"],
        "destinationPorts": ["443"], "translatedAddress": "10.20.1.4", "translatedPort": "8443" }] } });
    let found = firewall(json!({ "natRuleCollections": [nat] }));
    let snapshot = support::sample(Cloud::Public);
    let differs = verify::compare_firewalls(&found, &firewall(json!({})), &snapshot).unwrap();
    assert!(differs[0].text.contains("goes to 10.20.1.4 port 8443 by web"), "{differs:?}");
    // A DNAT rule among those that are proven is nothing that anybody asked for.
    let made = generate(POLICY, None);
    let mut resources = verify::read_files(FormatName::Arm, &support::named(&made.files)).unwrap();
    resources.firewalls[0].collections.extend(found.firewalls[0].collections.clone());
    let report =
        verify::check(&made.policy, &snapshot, &resources, Declared::default(), "arm", &[Target::Firewall]);
    assert!(
        report.to_string().contains("goes to 10.20.1.4 port 8443 by web, but nothing asks for it"),
        "{report}"
    );
}

/// The exports that are there: classic rules of each kind, and with IP groups.
#[test]
fn exported_classic_rules_are_read_and_compared() {
    let Some(shared) = support::shared("exported_classic_rules_are_read_and_compared") else { return };
    let snapshot = support::sample(Cloud::Public);
    let mut rules = 0;
    for name in ["firewall-classic-rules.json", "firewall-classic-ip-groups.json"] {
        let path = shared.join("data/azure-exports").join(name);
        let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let mut found = verify::read_arm(&bytes).unwrap_or_else(|e| panic!("{name}: {e}"));
        rules += found.rule_collections().map(|c| c.rules.len()).sum::<usize>();
        // IP groups stand in exports of their own.
        let text = String::from_utf8(bytes).unwrap();
        for group in text.match_indices("/ipGroups/").map(|(at, word)| &text[at + word.len()..]) {
            let name = group.split('"').next().unwrap().to_owned();
            if found.ip_groups.iter().all(|g| g.name != name) {
                let addresses = vec![format!("10.1.{}.0/24", found.ip_groups.len())];
                found.ip_groups.push(verify::resources::IpGroup { name, addresses });
            }
        }
        let same =
            verify::compare_firewalls(&found, &found, &snapshot).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(same.is_empty(), "{name}: {same:?}");
        let mut without = found.clone();
        without.firewalls[0].collections.clear();
        let differs = verify::compare_firewalls(&found, &without, &snapshot).unwrap();
        assert!(!differs.is_empty(), "{name}");
    }
    assert!(rules >= 3, "only {rules} rules");
}
