//! What the list beside the exports says of each file, as far as no other test holds it: how values are written, and what they
//! mean whatever the client.

use std::path::Path;

use tagwall::analyse::lint::{Linting, lint};
use tagwall::analyse::{Answer, Asked, Comparison, Decider, Explainer, Far, compare};
use tagwall::packet::{Direction, Protocol};
use tagwall::read::live::{Live, LiveGroup, read_live};
use tagwall::read::resources::FirewallRule;
use tagwall::tags::Snapshot;

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

fn snapshot(shared: &Path) -> Snapshot {
    support::real(shared, "Public_20260622")
}

fn compared(snapshot: &Snapshot, a: &str, b: &str) -> Comparison {
    assert_ne!(a, b, "one is changed");
    compare(&live("a", a), &live("b", b), Some(snapshot))
}

/// The text with one thing written in another way, which must be there.
fn with(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from}");
    text.replace(from, to)
}

fn only(live: &Live) -> &LiveGroup {
    assert_eq!(live.groups.len(), 1);
    &live.groups[0]
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn one_value_in_several_spellings() {
    let Some(shared) = support::shared("one_value_in_several_spellings") else { return };
    let snapshot = snapshot(&shared);
    for (name, from, to) in [
        ("nsg-tcp-and-Tcp.json", "\"TCP\"", "\"Tcp\""),
        ("nsg-tcp-and-Tcp.json", "\"10.0.0.0/32\"", "\"10.0.0.0\""),
        ("nsg-source-cidr.json", "\"TCP\"", "\"tcp\""),
        ("nsg-k8s-master-degenerate-ranges.json", "\"22-22\"", "\"22\""),
        ("nsg-k8s-master-degenerate-ranges.json", "\"443-443\"", "\"443\""),
        ("nsg-icmp.json", "\"Icmp\"", "\"ICMP\""),
        ("nsg-sqlmi-mixed-case-protocol.json", "\"TCP\"", "\"Tcp\""),
        ("nsg-sqlmi-mixed-case-protocol.json", "\"10.194.0.252\"", "\"10.194.0.252/32\""),
        ("nsg-internet-and-lb-tags.json", "\"AzureLoadBalancer\"", "\"AZURELOADBALANCER\""),
        ("rest-security-group-view.json", "\"INTERNET\"", "\"Internet\""),
        ("rcg-mixed-network-application-nat.json", "\"202.120.36.13\"", "\"202.120.36.13/32\""),
        ("rcg-mixed-network-application-nat.json", "[\"Any\",\"ICMP\"]", "[\"Any\"]"),
        ("firewall-classic-rules.json", "\"10.0.0.0\"", "\"10.0.0.0/32\""),
    ] {
        let own = text(&shared, name);
        let own = if own.contains(from) {
            own
        } else {
            serde_json::from_str::<serde_json::Value>(&own).expect("JSON").to_string()
        };
        let answer = compared(&snapshot, &own, &with(&own, from, to));
        // Tags of no public file leave what hangs on them open, on both sides alike.
        assert_ne!(answer.equal, Answer::No, "{name} {from}: {:?}", answer.parts);
        let differ = |part: &&tagwall::analyse::Part| !part.only_a.is_empty() || !part.only_b.is_empty();
        assert!(!answer.parts.iter().any(|part| differ(&part)), "{name} {from}");
    }
    for (name, from, to) in [
        ("nsg-tcp-and-Tcp.json", "\"10.0.0.0/32\"", "\"10.0.0.0/24\""),
        ("nsg-source-cidr.json", "\"10.0.0.0/16\"", "\"10.0.0.0/17\""),
        ("nsg-source-cidr.json", "\"88-90\"", "\"88-89\""),
        ("nsg-icmp.json", "\"Icmp\"", "\"Udp\""),
        ("firewall-classic-rules.json", "\"111.1.0.0/24\"", "\"111.1.0.0/25\""),
    ] {
        let own = text(&shared, name);
        let answer = compared(&snapshot, &own, &with(&own, from, to));
        assert_eq!(answer.equal, Answer::No, "{name} {from}");
    }
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn pages_and_groups_hold_what_they_list() {
    let Some(shared) = support::shared("pages_and_groups_hold_what_they_list") else { return };
    let counts = |name: &str| -> Vec<usize> {
        read(&shared, name).groups.iter().map(|group| group.rules.len()).collect()
    };
    assert_eq!(counts("nsg-list-page.json"), [1, 1, 3]);
    assert_eq!(counts("nsg-sqlmi-service-tags.json"), [23]);
    assert_eq!(counts("nsg-sqlmi-mixed-case-protocol.json"), [17]);
    let group = read(&shared, "nsg-internet-and-lb-tags.json");
    let sources: Vec<&str> = only(&group).rules.iter().map(|rule| rule.rule.sources[0].as_str()).collect();
    assert_eq!(sources, ["Internet", "10.192.0.0/20", "AzureLoadBalancer"]);

    let tables = read(&shared, "routetable-list-page.json").tables;
    assert_eq!(tables.iter().map(|table| table.routes.len()).collect::<Vec<_>>(), [0, 4]);
    assert!(tables[1].routes.iter().all(|route| route.next_hop_type == "VirtualAppliance"));
    assert!(tables.iter().all(|table| table.incomplete.is_empty()), "an empty table is whole");
    for name in ["routetable-four-hops.json", "az-route-table-show.json"] {
        let mut hops: Vec<(String, Option<String>)> = read(&shared, name).tables[0]
            .routes
            .iter()
            .map(|route| (route.next_hop_type.to_lowercase(), route.next_hop_address.clone()))
            .collect();
        hops.sort();
        let own =
            [("internet", None), ("none", None), ("virtualappliance", Some("10.1.1.1")), ("vnetlocal", None)];
        assert_eq!(hops, own.map(|(kind, at)| (kind.to_owned(), at.map(str::to_owned))), "{name}");
    }

    let group = &read(&shared, "rcg-list-page.json").collection_groups[0];
    assert!(group.collections.is_empty() && group.incomplete.is_empty(), "no rules are none");
    assert_eq!(read(&shared, "ipgroup.json").ip_groups[0].addresses, ["10.0.0.1", "10.0.0.2"]);
}

/// The rules of a group's collections that are of one kind.
fn network_rules(live: &Live) -> Vec<tagwall::read::resources::NetworkRule> {
    let of_groups = live.collection_groups.iter().flat_map(|group| &group.collections);
    let all = of_groups.chain(live.firewalls.iter().flat_map(|firewall| &firewall.collections));
    let rules = all.flat_map(|collection| collection.collection.rules.clone());
    rules.filter_map(|rule| if let FirewallRule::Network(rule) = rule { Some(rule) } else { None }).collect()
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn rules_of_firewalls_in_every_form() {
    let Some(shared) = support::shared("rules_of_firewalls_in_every_form") else { return };
    let snapshot = snapshot(&shared);
    for rule in network_rules(&read(&shared, "rcg-ip-groups.json")) {
        assert!(rule.sources.is_empty() && rule.destinations.is_empty(), "{rule:?}");
        assert!(rule.source_groups[0].ends_with("/ipGroups/sourceipgroup"), "{rule:?}");
        assert_eq!(rule.destination_groups.len(), 1, "{rule:?}");
    }
    // IP groups that no file holds are neither empty nor everything.
    let own = read(&shared, "rcg-ip-groups.json");
    let mut less = own.clone();
    let is_network = |rule: &FirewallRule| matches!(rule, FirewallRule::Network(_));
    less.collection_groups[0].collections.retain(|own| !own.collection.rules.iter().all(is_network));
    assert_eq!(
        compare(&own, &own, Some(&snapshot)).equal,
        Answer::Yes,
        "whatever they are, they are the same"
    );
    assert_eq!(compare(&own, &less, Some(&snapshot)).equal, Answer::If);
    let hosts: Vec<Vec<String>> =
        network_rules(&read(&shared, "rcg-fqdns.json")).into_iter().map(|rule| rule.fqdns).collect();
    assert_eq!(hosts[0], ["www.bing.com"]);
    let classic = network_rules(&read(&shared, "firewall-classic-rules.json"));
    assert_eq!(classic[0].sources, ["10.0.0.0", "111.1.0.0/24"]);
    assert_eq!(classic[0].protocols, ["UDP", "TCP", "ICMP"]);

    let template = read(&shared, "arm-firewall-policy-ip-groups.json");
    let addresses: Vec<&[String]> =
        template.ip_groups.iter().map(|group| group.addresses.as_slice()).collect();
    assert_eq!(addresses, [["10.20.0.0/24", "10.30.0.0/24"], ["10.40.0.0/24", "10.50.0.0/24"]]);
    let rules = network_rules(&template);
    assert_eq!((rules[0].name.as_str(), rules[0].source_groups.len()), ("time-windows", 2));
    for id in &rules[0].source_groups {
        let known = |group: &&tagwall::read::live::LiveIpGroup| {
            tagwall::read::live::is_same_resource(id, &group.name)
        };
        assert!(template.ip_groups.iter().any(|group| known(&group)), "{id} is one of the template's");
    }
    let tags: Vec<String> = network_rules(&read(&shared, "arm-firewall-policy-avd.json"))
        .into_iter()
        .flat_map(|rule| rule.destinations)
        .filter(|text| snapshot.tag(text).is_some())
        .collect();
    for tag in ["WindowsVirtualDesktop", "AzureMonitor"] {
        assert!(tags.iter().any(|own| own == tag), "{tag}: {tags:?}");
    }
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn templates_name_tags_and_security_groups() {
    let Some(shared) = support::shared("templates_name_tags_and_security_groups") else { return };
    let snapshot = snapshot(&shared);
    let group = read(&shared, "arm-nsg-api-management.json");
    let rule = |name: &str| {
        let own = only(&group).rules.iter().find(|own| own.rule.name == name);
        own.unwrap_or_else(|| panic!("{name}")).rule.clone()
    };
    assert_eq!(only(&group).rules.len(), 18);
    for (name, tag) in [
        ("Dependency_on_Azure_SQL", "Sql"),
        ("Access_KeyVault", "AzureKeyVault"),
        ("Publish_Monitoring_Logs", "AzureCloud"),
    ] {
        assert_eq!(rule(name).destinations, [tag], "{name}");
        assert!(snapshot.tag(tag).is_some(), "{tag}");
    }
    assert_eq!(rule("Publish_DiagnosticLogs_And_Metrics").destination_ports, ["443", "12000", "1886"]);

    let group = read(&shared, "arm-nsg-asg.json");
    for own in &only(&group).rules {
        assert!(own.rule.destinations.is_empty(), "{own:?}");
        assert_eq!(own.destination_groups.len(), 1, "{own:?}");
        assert!(own.destination_groups[0].contains("applicationSecurityGroups"), "{own:?}");
        assert!(own.unknown.is_empty(), "{own:?}");
    }
}

/// Tags that no public file has stay unknown, by their names.
#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn tags_of_no_public_file_stay_unknown() {
    let Some(shared) = support::shared("tags_of_no_public_file_stay_unknown") else { return };
    let snapshot = snapshot(&shared);
    let own = read(&shared, "nsg-sqlmi-service-tags.json");
    let none = live("none.json", r#"{ "name": "none", "securityRules": [] }"#);
    let answer = compare(&own, &none, Some(&snapshot));
    let hangs_on =
        answer.parts.iter().flat_map(|part| &part.hangs_on).map(|one| format!("{one}\n")).collect::<String>();
    for tag in ["CorpNetSaw", "CorpNetPublic"] {
        assert!(snapshot.tag(tag).is_none());
        assert!(hangs_on.contains(tag), "{tag}: {hangs_on}");
    }
}

/// A rule that denies what Azure's own rules would admit is needed, and one that names a security group is not nothing.
#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn rules_that_seem_to_do_nothing_do_something() {
    let Some(shared) = support::shared("rules_that_seem_to_do_nothing") else { return };
    let snapshot = snapshot(&shared);
    let without = |name: &str, gone: &dyn Fn(&tagwall::read::live::LiveRule) -> bool| {
        let own = read(&shared, name);
        let mut other = own.clone();
        other.groups[0].rules.retain(|rule| !gone(rule));
        assert!(other.groups[0].rules.len() < own.groups[0].rules.len(), "{name}");
        compare(&own, &other, Some(&snapshot))
    };
    let answer = without("az-nsg-show.json", &|rule| rule.rule.name == "test4");
    assert_eq!(answer.equal, Answer::No);
    let part = answer.parts.iter().find(|part| !part.only_b.is_empty()).expect("it let more through");
    assert!(part.only_b.iter().all(|own| own.rule_a == Some(Decider::Rule("test4".to_owned()))), "{part:?}");
    let admits = part.only_b.iter().any(|own| own.rule_b == Some(Decider::Default("AllowVnetInBound")));
    assert!(admits, "{part:?}");
    let answer = without("az-nsg-show-asg.json", &|rule| !rule.source_groups.is_empty());
    assert_ne!(answer.equal, Answer::Yes);
}

/// The join of subnets and groups is by id, without regard to case.
#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn subnets_find_their_groups_in_any_case() {
    let Some(shared) = support::shared("subnets_find_their_groups_in_any_case") else { return };
    let snapshot = snapshot(&shared);
    let subnet = read(&shared, "az-vnet-subnet-show.json").subnets.remove(0);
    assert_eq!(
        (subnet.name.as_str(), subnet.prefixes.as_slice()),
        ("backend", ["192.168.2.0/24".to_owned()].as_slice())
    );
    let network = text(&shared, "az-vnet-show.json");
    let loud = with(&network, "/networkSecurityGroups/backendnsg", "/NETWORKSECURITYGROUPS/BACKENDNSG");
    let group = text(&shared, "env-backend-nsg.json");
    let fate = |network: &str| {
        let live = read_live(&[("vnet.json", network.as_bytes()), ("nsg.json", group.as_bytes())])
            .expect("both are read");
        let asked = Asked {
            direction: Direction::Inbound,
            subnet: None,
            near: Some("192.168.2.4".parse().expect("an address")),
            far: Far::Address("8.8.8.8".parse().expect("an address")),
            protocol: Protocol::Tcp,
            ports: "443".parse().expect("a port"),
        };
        let found =
            Explainer::new(&live, &snapshot, None).packet(&asked).expect("it is read").expect("it is of it");
        let step = found.steps.iter().find(|step| step.at == "nsg").expect("the group decides").clone();
        (found.verdict, step.name, step.rule)
    };
    let own = fate(&network);
    assert_eq!((own.0, own.2.as_deref()), ("deny", Some("DenyInternetInComing")));
    assert_eq!(fate(&loud), own);
    // That rule is of no use only while VirtualNetwork is private space.
    let live = read_live(&[("nsg.json", group.as_bytes())]).expect("it is read");
    let found = lint(&live, &Linting { snapshot: &snapshot, timeline: None, risks: false });
    let finding = found.iter().find(|own| own.id == "TW004").unwrap_or_else(|| panic!("{found:?}"));
    assert_eq!(finding.rule.as_deref(), Some("DenyInternetInComing"));
    assert!(finding.message.to_string().contains("VirtualNetwork"), "{}", finding.message);
}

/// What is peered is part of `VirtualNetwork`.
#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn a_peering_makes_the_virtual_network_larger() {
    let Some(shared) = support::shared("a_peering_makes_the_virtual_network_larger") else { return };
    let snapshot = snapshot(&shared);
    let network = text(&shared, "ps-get-azresource-expanded.json");
    let group = |source: &str| {
        format!(
            r#"{{ "name": "own", "securityRules": [
                {{ "name": "in", "priority": 100, "direction": "Inbound", "access": "Allow", "protocol": "*", "sourcePortRange": "*",
                   "sourceAddressPrefixes": {source}, "destinationAddressPrefix": "*", "destinationPortRange": "*" }},
                {{ "name": "rest", "priority": 200, "direction": "Inbound", "access": "Deny", "protocol": "*", "sourcePortRange": "*",
                   "sourceAddressPrefix": "*", "destinationAddressPrefix": "*", "destinationPortRange": "*" }} ] }}"#
        )
    };
    let read = |source: &str| {
        let text = group(source);
        let mut live = read_live(&[("net.json", network.as_bytes()), ("nsg.json", text.as_bytes())])
            .expect("both are read");
        live.groups.retain(|group| group.name == "own");
        live
    };
    let mut whole = read(r#"["VirtualNetwork"]"#)
        .networks
        .iter()
        .flat_map(|network| network.space.clone())
        .collect::<Vec<_>>();
    whole.push("168.63.129.16/32".to_owned());
    let told = |space: &[String]| {
        let own = read(&serde_json::to_string(space).expect("JSON"));
        let answer = compare(&read(r#"["VirtualNetwork"]"#), &own, Some(&snapshot));
        answer
            .parts
            .into_iter()
            .find(|part| part.kind == "nsg" && part.direction == Some("Inbound"))
            .expect("a part")
    };
    let without = told(&whole);
    let packet = without.only_a.first().unwrap_or_else(|| panic!("{without:?}"));
    assert_eq!(packet.region.sources, ["10.1.0.0/24".parse().unwrap()], "the peered space is in it");
    whole.push("10.1.0.0/24".to_owned());
    assert_eq!(told(&whole).equal, Answer::Yes);
}
