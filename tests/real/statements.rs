//! What an exact reading finds in each export, as the list beside them says: twins do the same, which rules are dead or of no
//! use, and what is not known stays so.

use std::path::Path;

use serde_json::Value;
use tagwall::analyse::lint::{Finding, Linting, lint};
use tagwall::analyse::{Answer, Asked, Comparison, Explainer, Far, compare};
use tagwall::packet::{Direction, Ports, Protocol};
use tagwall::read::live::{Live, LiveAdminRule, read_live};
use tagwall::tags::{Cloud, Snapshot};

use crate::support;

fn text(shared: &Path, name: &str) -> String {
    std::fs::read_to_string(shared.join("data/azure-exports").join(name))
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn live(name: &str, text: &str) -> Live {
    read_live(&[(name, text.as_bytes())]).unwrap_or_else(|errors| panic!("{name}: {errors:?}"))
}

fn read(shared: &Path, name: &str) -> Live {
    live(name, &text(shared, name))
}

/// The newest public tags, which hold what the recorded rules name.
fn snapshot(shared: &Path) -> Snapshot {
    support::real(shared, "Public_20260622")
}

fn compared(shared: &Path, a: &Live, b: &Live) -> Comparison {
    compare(a, b, Some(&snapshot(shared)))
}

fn found(shared: &Path, live: &Live) -> Vec<Finding> {
    let snapshot = snapshot(shared);
    lint(live, &Linting { snapshot: &snapshot, timeline: None, risks: false })
}

fn rules<'f>(findings: &'f [Finding], id: &str) -> Vec<&'f str> {
    findings.iter().filter(|own| own.id == id).filter_map(|own| own.rule.as_deref()).collect()
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn twins_do_the_same() {
    let Some(shared) = support::shared("twins_do_the_same") else { return };
    let pairs = [
        ("az-nsg-show.json", "nsg-mixed-protocols-port-lists.json"),
        ("az-nsg-rule-list-include-default.json", "az-nsg-show.json"),
        ("az-nsg-show-asg.json", "nsg-asg.json"),
        ("az-route-table-show.json", "routetable-four-hops.json"),
    ];
    for (a, b) in pairs {
        let (one, other) = (read(&shared, a), read(&shared, b));
        let answer = compared(&shared, &one, &other);
        assert_eq!(answer.equal, Answer::Yes, "{a} {b}: {:?}", answer.parts);
    }
    // An application security group is neither everything nor nothing.
    let group = text(&shared, "nsg-asg.json");
    for other in ["\"*\"", "\"203.0.113.7\""] {
        let mut value: Value = serde_json::from_str(&group).expect("JSON");
        let rules = value["properties"]["securityRules"].as_array_mut().expect("rules");
        for rule in
            rules.iter_mut().filter(|own| own["properties"]["sourceApplicationSecurityGroups"].is_array())
        {
            rule["properties"]["sourceApplicationSecurityGroups"] = Value::Null;
            rule["properties"]["sourceAddressPrefix"] = serde_json::from_str(other).expect("JSON");
        }
        let answer = compared(&shared, &live("a", &group), &live("b", &value.to_string()));
        assert_ne!(answer.equal, Answer::Yes, "{other}");
    }
}

/// What Azure writes and nobody sets is no difference.
#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn members_that_are_only_read_are_no_difference() {
    let Some(shared) = support::shared("members_that_are_only_read_are_no_difference") else { return };
    fn without(value: &mut Value) {
        match value {
            Value::Object(members) => {
                for key in
                    ["etag", "provisioningState", "hasBgpOverride", "resourceGuid", "defaultSecurityRules"]
                {
                    members.remove(key);
                }
                members.values_mut().for_each(without);
            }
            Value::Array(items) => items.iter_mut().for_each(without),
            _ => {}
        }
    }
    for name in [
        "routetable-four-hops.json",
        "env-frontend-nsg.json",
        "nsg-sqlmi-mixed-case-protocol.json",
        "firewall-classic-rules.json",
    ] {
        let whole = text(&shared, name);
        let mut value: Value = serde_json::from_str(&whole).expect("JSON");
        without(&mut value);
        let answer = compared(&shared, &live("a", &whole), &live("b", &value.to_string()));
        assert_eq!(answer.equal, Answer::Yes, "{name}: {:?}", answer.parts);
    }
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn dead_rules_and_those_of_no_use() {
    let Some(shared) = support::shared("dead_rules_and_those_of_no_use") else { return };
    let group = found(&shared, &read(&shared, "az-nsg-show.json"));
    assert!(rules(&group, "TW001").is_empty() && rules(&group, "TW002").is_empty(), "{group:?}");
    assert!(rules(&group, "TW004").is_empty(), "none is redundant: {group:?}");
    let part = group.iter().find(|own| own.id == "TW003" && own.rule.as_deref() == Some("test2"));
    let part = part.unwrap_or_else(|| panic!("test2 loses 8086: {group:?}"));
    assert_eq!(part.blockers.as_deref(), Some(["test3".to_owned()].as_slice()));
    assert_eq!(part.packet.as_ref().and_then(|packet| packet.dport()), Some(8086));

    // Tags are matched without case.
    let network = text(&shared, "az-vnet-show.json");
    let with = |name: &str| {
        let group = text(&shared, name);
        read_live(&[("vnet.json", network.as_bytes()), (name, group.as_bytes())]).expect("both are read")
    };
    let front = found(&shared, &with("env-frontend-nsg.json"));
    assert_eq!(rules(&front, "TW006"), ["AllowInternetOutBound"], "{front:?}");
    let back = found(&shared, &with("env-backend-nsg.json"));
    assert_eq!(rules(&back, "TW004"), ["DenyInternetInComing"], "{back:?}");
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn rules_in_effect_are_what_they_were_before() {
    let Some(shared) = support::shared("rules_in_effect_are_what_they_were_before") else { return };
    let whole = text(&shared, "az-nic-list-effective-nsg.json");
    let plain = whole.replace("456-456", "456").replace("\"All\"", "\"*\"");
    assert_ne!(whole, plain);
    let answer = compared(&shared, &live("a", &whole), &live("b", &plain));
    assert_eq!(answer.equal, Answer::Yes, "{:?}", answer.parts);

    // Single and plural that are filled alike are one list, and a priority that comes twice is no error.
    let view = read(&shared, "rest-security-group-view.json");
    let effective = view.groups.iter().find(|group| group.effective).cloned().expect("rules in effect");
    let configured = view.groups.iter().find(|group| !group.effective).cloned().expect("rules of the subnet");
    let one = |group| Live { groups: vec![group], ..Live::default() };
    let answer = compared(&shared, &one(effective), &one(configured));
    assert_ne!(answer.equal, Answer::No, "{:?}", answer.parts);
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn what_is_not_known_is_not_proven() {
    let Some(shared) = support::shared("what_is_not_known_is_not_proven") else { return };
    for name in ["arm-bicep-symbolic-route-table.json", "tf-plan-nsg.json"] {
        let own = read(&shared, name);
        assert_eq!(compared(&shared, &own, &own).equal, Answer::If, "{name}");
    }
    // What an expansion lacks is not denied: the rule's tag counts, and the list was shortened.
    let short = read(&shared, "ps-effective-rules-truncated-internet.json");
    let none = live("none.json", r#"{ "name": "none", "securityRules": [] }"#);
    assert_ne!(compared(&shared, &short, &none).equal, Answer::No);
}

/// Rules of a network manager come first: `Deny` and `AlwaysAllow` end it, `Allow` goes on to the groups.
#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn a_managers_rules_come_before_groups() {
    let Some(shared) = support::shared("a_managers_rules_come_before_groups") else { return };
    let admin = read(&shared, "ps-avnm-effective-security-admin-rules.json").admin_rules.remove(0);
    let snapshot = support::sample(Cloud::Public);
    for (access, port, verdict, last) in [
        ("Deny", 3389, "deny", "admin"),
        ("AlwaysAllow", 3389, "allow", "admin"),
        ("Allow", 3389, "deny", "nsg"),
    ] {
        let mut live = live("nsg.json", r#"{ "name": "closed", "securityRules": [] }"#);
        let mut rule = admin.rule.clone();
        rule.access = access.to_owned().into();
        rule.destination_ports = vec!["*".to_owned()];
        rule.source_ports = vec!["*".to_owned()];
        rule.protocol = "*".into();
        live.admin_rules = vec![LiveAdminRule { rule, ..admin.clone() }];
        let asked = Asked {
            direction: Direction::Inbound,
            subnet: None,
            near: Some("10.0.0.1".parse().expect("an address")),
            far: Far::Address("203.0.113.9".parse().expect("an address")),
            protocol: Protocol::Tcp,
            ports: port.to_string().parse::<Ports>().expect("a port"),
        };
        let found =
            Explainer::new(&live, &snapshot, None).packet(&asked).expect("it is read").expect("it is of it");
        let doors: Vec<&str> =
            found.steps.iter().map(|step| step.at).filter(|at| ["admin", "nsg"].contains(at)).collect();
        assert_eq!(doors.last(), Some(&last), "{access}: {:?}", found.steps);
        let door = found.steps.iter().rfind(|step| step.at == last).expect("it decides");
        assert_eq!(door.verdict, verdict, "{access}");
    }
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn addresses_of_a_log_are_judged_by_the_nearest_week() {
    let Some(shared) = support::shared("addresses_of_a_log") else { return };
    let nearest = support::real(&shared, "Public_20230123");
    let storage = nearest.tag("Storage").expect("a tag").set();
    let flows = read(&shared, "vnet-flow-log-v4.json").flows;
    let to: Vec<&str> = flows
        .iter()
        .filter(|flow| storage.contains(flow.destination.parse().expect("an address")))
        .map(|flow| flow.destination.as_str())
        .collect();
    assert_eq!(to, ["52.239.184.180"; 2], "begin and end of one flow");
}
