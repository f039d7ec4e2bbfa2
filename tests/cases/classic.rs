//! Classic rules: collections in the firewall itself, beside those of others.

use crate::support;
use serde_json::{Value, json};
use tagwall::Error;
use tagwall::catalog::Catalog;
use tagwall::pipeline::{self, Generation};
use tagwall::plan::{Action, Previous};
use tagwall::tags::Cloud;
use tagwall::target::{FormatName, Target};
use tagwall::verify::{self, Asked, Declared};
use tagwall::{analyse, read};

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
    let read = |made: &Generation| read::read_files(FormatName::Arm, &support::named(&made.files)).unwrap();
    let snapshot = support::sample(Cloud::Public);
    let found = analyse::compare_firewalls(&read(&classic), &read(&policy), &snapshot).unwrap();
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
    assert!(report.contains("`azure_firewall_name` must be var.firewall_name"), "{report}");
}

#[test]
fn a_script_that_sends_nothing_is_refused() {
    let made = generate(POLICY, None);
    let text = String::from_utf8(support::bytes_of(&made, "firewall.sh").to_vec()).unwrap();
    let silent = text.strip_suffix("\nsend\n").expect("the script ends in what sends");
    let snapshot = support::sample(Cloud::Public);
    let report = support::prove_with(&made, &snapshot, "firewall.sh", silent.as_bytes()).to_string();
    assert!(report.contains("firewall.sh: the collections are not sent"), "{report}");
}

/// Lists in rules that are past the pairs of a firewall are widened, and the proof takes that and no more.
#[test]
fn lists_that_do_not_fit_are_widened() {
    let tight = POLICY
        .replace("firewall.tags", "firewall.ip-groups = \"never\"\n    firewall.tags")
        .replace("limits.ip-group-entries = 20", "limits.firewall-unique-pairs = 30");
    let Err(Error::Limit(over)) = try_generate(&tight, None) else { panic!("the lists do not fit") };
    assert!(over.to_string().contains("hub-firewall: firewall-unique-pairs is 30"), "{over}");
    let budget = over.max_extra().expect("a budget makes it fit");
    let with = |extra: &str| {
        tight.replace("groups.partners", &format!("precision.max-extra = {extra}\n    groups.partners"))
    };
    let made = generate(&with(&budget.to_string()), None);
    assert!(!made.plan.extras.is_empty());
    assert!(made.plan.extras.iter().all(|e| e.target == Target::Firewall));
    for format in ["arm", "bicep", "terraform", "azcli", "csv", "json"] {
        assert!(
            made.proof.proven.iter().any(|p| p.format == format && p.part == "network rules"),
            "{format}"
        );
    }
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
    assert!(
        report.to_string().contains("firewall.csv line 1: the header is not the one that is written"),
        "{report}"
    );
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
    assert_eq!(
        (gap.target, gap.reason.to_string().as_str()),
        (Target::Firewall, "classic rules know no paths")
    );
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
    assert!(no_hosts.plan.classic_firewall.as_ref().unwrap().application().is_empty());
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
        read::read_arm(document.to_string().as_bytes()).unwrap().resources
    };
    assert_eq!(firewall(json!({})).firewalls[0].collections, []);
    assert!(firewall(json!({ "firewallPolicy": { "id": "x" } })).firewalls.is_empty());
    let nat = json!({ "name": "in", "properties": { "priority": 100, "action": { "type": "Dnat" }, "rules": [{
        "name": "web", "protocols": ["TCP"], "sourceAddresses": ["*"], "destinationAddresses": ["203.0.113.4"],
        "destinationPorts": ["443"], "translatedAddress": "10.20.1.4", "translatedPort": "8443" }] } });
    let found = firewall(json!({ "natRuleCollections": [nat] }));
    let snapshot = support::sample(Cloud::Public);
    let differs = analyse::compare_firewalls(&found, &firewall(json!({})), &snapshot).unwrap();
    assert!(differs[0].text.contains("goes to 10.20.1.4 port 8443 by web"), "{differs:?}");
    // A DNAT rule among those that are proven is nothing that anybody asked for.
    let made = generate(POLICY, None);
    let mut resources = read::read_files(FormatName::Arm, &support::named(&made.files)).unwrap();
    resources.firewalls[0].collections.extend(found.firewalls[0].collections.clone());
    let (declared, targets) = (Declared::default(), &[Target::Firewall]);
    let asked = Asked { policy: &made.policy, snapshot: &snapshot, declared, targets };
    let report = verify::check(&asked, &resources, "arm");
    assert!(
        report.to_string().contains("goes to 10.20.1.4 port 8443 by web, but nothing asks for it"),
        "{report}"
    );
}

/// IP groups of one name in two resource groups are two.
#[test]
fn ip_groups_are_told_apart_by_their_whole_ids() {
    let id = |group: &str| {
        format!("/subscriptions/s/resourceGroups/{group}/providers/Microsoft.Network/ipGroups/partners")
    };
    let ip_group = |group: &str, prefix: &str| {
        json!({ "type": "Microsoft.Network/ipGroups", "name": "partners", "id": id(group),
            "properties": { "ipAddresses": [prefix] } })
    };
    let read = |named: &str| {
        let rule = json!({ "name": "r", "protocols": ["TCP"], "sourceAddresses": ["*"],
            "destinationIpGroups": [named], "destinationPorts": ["443"] });
        let collection = json!({ "name": "c",
            "properties": { "priority": 200, "action": { "type": "Allow" }, "rules": [rule] } });
        let firewall = json!({ "name": "fw", "type": "Microsoft.Network/azureFirewalls",
            "properties": { "networkRuleCollections": [collection] } });
        let page =
            json!({ "value": [ip_group("a", "192.0.2.0/24"), ip_group("b", "198.51.100.0/24"), firewall] });
        let found = read::read_arm(page.to_string().as_bytes()).unwrap();
        assert_eq!(found.remarks, []);
        found.resources
    };
    let snapshot = support::sample(Cloud::Public);
    let compare = |a: &str, b: &str| analyse::compare_firewalls(&read(a), &read(b), &snapshot);
    assert_eq!(compare(&id("a"), &id("A").replace("partners", "Partners")).unwrap(), [], "in any case");
    assert!(!compare(&id("a"), &id("b")).unwrap().is_empty());
    let error = compare(&id("a"), &id("c")).unwrap_err().to_string();
    assert!(error.contains(&format!("there is no IP group {}", id("c"))), "{error}");
}

/// What others made is read with a word on what is not understood.
#[test]
fn what_is_not_understood_of_an_export_is_told() {
    let group = json!({ "name": "g", "type": "Microsoft.Network/networkSecurityGroups", "etag": "W/1", "id": "/x",
        "location": "westeurope", "tags": { "a": "b" }, "sku": "x",
        "properties": { "provisioningState": "Succeeded", "resourceGuid": "1", "flushConnection": true, "subnets": [],
            "defaultSecurityRules": [], "SecurityRules": [{ "name": "r", "etag": "W/1", "properties": {
                "Priority": 100, "direction": "Inbound", "access": "Allow", "protocol": "*",
                "sourceAddressPrefix": "*", "sourcePortRange": "*", "destinationAddressPrefix": "*",
                "destinationPortRange": "*", "destinationAddressPrefixes": [],
                "destinationApplicationSecurityGroups": [{ "id": "/asg" }] } }] } });
    let child = json!({ "type": "Microsoft.Network/networkSecurityGroups/securityRules", "name": "g/r" });
    let page = json!({ "value": [group, child], "nextLink": "https://example.com/more" });
    let found = read::read_arm(page.to_string().as_bytes()).unwrap();
    assert_eq!(found.resources.nsgs[0].rules[0].priority, 100, "names of members are in any case");
    let told: Vec<String> = found.remarks.iter().map(ToString::to_string).collect();
    for part in [
        "sku",
        "flushConnection",
        "destinationApplicationSecurityGroups",
        "securityrules are not read",
        "nextLink",
    ] {
        assert!(told.iter().any(|line| line.contains(part)), "{part}: {told:?}");
    }
    assert_eq!(told.len(), 5, "{told:?}");
    let twice = page.to_string().replacen("\"access\"", "\"ACCESS\":\"Deny\",\"access\"", 1);
    let error = read::read_arm(twice.as_bytes()).unwrap_err().to_string();
    assert!(error.contains("`access` is there twice"), "{error}");
}

/// The exports that are there: classic rules of each kind, and with IP groups.
#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn exported_classic_rules_are_read_and_compared() {
    let Some(shared) = support::shared("exported_classic_rules_are_read_and_compared") else { return };
    let snapshot = support::sample(Cloud::Public);
    let mut rules = 0;
    for name in ["firewall-classic-rules.json", "firewall-classic-ip-groups.json"] {
        let path = shared.join("data/azure-exports").join(name);
        let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let mut found = read::read_arm(&bytes).unwrap_or_else(|e| panic!("{name}: {e}")).resources;
        rules += found.rule_collections().map(|c| c.rules.len()).sum::<usize>();
        // IP groups stand in exports of their own.
        let text = String::from_utf8(bytes).unwrap();
        for id in text.split('"').filter(|part| part.contains("/ipGroups/")) {
            if found.ip_groups.iter().all(|g| g.id.as_deref() != Some(id)) {
                let addresses = vec![format!("10.1.{}.0/24", found.ip_groups.len())];
                let name = id.rsplit('/').next().unwrap().to_owned();
                found.ip_groups.push(read::resources::IpGroup { name, id: Some(id.to_owned()), addresses });
            }
        }
        let same =
            analyse::compare_firewalls(&found, &found, &snapshot).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(same.is_empty(), "{name}: {same:?}");
        let mut without = found.clone();
        without.firewalls[0].collections.clear();
        let differs = analyse::compare_firewalls(&found, &without, &snapshot).unwrap();
        assert!(!differs.is_empty(), "{name}");
    }
    assert!(rules >= 3, "only {rules} rules");
}

/// The policy of this file with things that are denied: a part of what is allowed by list, and a host.
fn denying() -> String {
    format!(
        "{POLICY}\n[[deny]]\nto = \"203.0.113.64/26\"\nprotocol = \"tcp\"\nports = \"8443\"\n\
         [[deny]]\nto = \"fqdn:*.bad.example.org\"\nprotocol = \"tcp\"\nports = 443\n"
    )
}

#[test]
fn what_is_denied_is_tried_before_what_is_allowed() {
    let classic = generate(&denying(), None);
    let collections: Vec<(&str, u32, &str)> = classic
        .plan
        .rule_collections()
        .map(|c| (c.name.as_str(), c.priority, if c.action == Action::Deny { "deny" } else { "allow" }))
        .collect();
    assert_eq!(
        collections,
        [
            ("hub-deny-network", 999, "deny"),
            ("hub-network", 1000, "allow"),
            ("hub-deny-application", 1099, "deny"),
            ("hub-application", 1100, "allow"),
        ]
    );
    for format in ["arm", "bicep", "terraform", "azcli", "csv", "json"] {
        let proven = |part: &str| classic.proof.proven.iter().any(|p| p.format == format && p.part == part);
        assert!(proven("network rules") && proven("hosts"), "{format}");
    }
    // Every packet and name meets the same fate as in a policy.
    let policy = generate(&denying().replace("rules = \"classic\"", "rules = \"policy\""), None);
    let read = |made: &Generation| read::read_files(FormatName::Arm, &support::named(&made.files)).unwrap();
    let snapshot = support::sample(Cloud::Public);
    let found = analyse::compare_firewalls(&read(&classic), &read(&policy), &snapshot).unwrap();
    assert!(found.is_empty(), "{found:?}");
    // What denies is taken out of the firewall as it is and put in again, as what allows is.
    let (script, report) =
        (support::text_of(&classic, "firewall.sh"), support::text_of(&classic, "report.md"));
    assert!(script.contains("[?name!='hub-network' && name!='hub-deny-network'], ['tagwall network denies', 'tagwall network rules']][]"));
    assert!(
        report
            .contains("applicationRuleCollections[?name!='hub-application' && name!='hub-deny-application']")
    );
}

#[test]
fn classic_rules_that_deny_no_longer_or_too_late_are_found() {
    let made = generate(&denying(), None);
    let snapshot = support::sample(Cloud::Public);
    let broken = |name: &str, from: &str, to: &str| {
        let text = support::text_of(&made, name);
        assert!(text.contains(from), "{name} has no {from}");
        let report = support::prove_with(&made, &snapshot, name, text.replacen(from, to, 1).as_bytes());
        assert!(!report.is_success(), "{name}: {from} is {to}");
    };
    for name in ["firewall.arm.json", "firewall.sh"] {
        broken(name, "\"type\": \"Deny\"", "\"type\": \"Allow\"");
        broken(name, "\"priority\": 999", "\"priority\": 1001");
    }
    broken("firewall.bicep", "type: 'Deny'", "type: 'Allow'");
    broken("firewall.bicep", "priority: 1099", "priority: 1101");
    broken("firewall.tf", "\"Deny\"", "\"Allow\"");
    broken("firewall.csv", "hub-deny-network,999,Deny", "hub-deny-network,1001,Deny");
    broken("plan.json", "\"deny\"", "\"allow\"");
    broken("firewall.sh", " && name!='hub-deny-network'", "");
    broken("firewall.sh", "'tagwall network denies', ", "");
    broken("firewall.sh", "name!='hub-deny-network'", "name!='hub-others'");
    // The lowest priority of all leaves no room before it.
    let lowest = denying().replace("firewall.tags", "firewall.priority = 100\n    firewall.tags");
    let error = try_generate(&lowest, None).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("set it to 101 or higher"), "{error}");
    let next = lowest.replace("priority = 100", "priority = 101");
    assert_eq!(generate(&next, None).plan.rule_collections().next().map(|c| c.priority), Some(100));
    // What is no longer denied has a collection that deploying does not take away.
    let again = generate(POLICY, Some(&earlier(&made)));
    let told = |name: &str| again.notes.iter().any(|note| note.contains(name));
    assert!(told("hub-deny-network") && told("hub-deny-application"), "{:?}", again.notes);
}
