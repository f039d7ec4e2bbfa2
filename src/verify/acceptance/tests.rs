use super::site::{Found, Site};
use super::*;
use crate::addr::{AddrSet, IpPrefix};
use crate::catalog::Catalog;
use crate::policy::{PolicySource, expand};
use crate::read::resources::{
    FirewallRule, NatRule, NetworkRule, Nsg, Route, RouteTable, RuleCollection, RuleCollectionGroup,
    SecurityRule,
};
use crate::replay::way::{Role, Subnet};
use crate::tags::{Cloud, Snapshot, sample};

#[test]
fn rows_have_sources_and_checks_have_rows() {
    let rows = Acceptance::all();
    for row in rows {
        let dated = row.source.split("; ").all(|source| {
            source.rsplit(", ").next().is_some_and(|date| date.starts_with("20") && date.len() >= 7)
        });
        assert!(dated, "{}: {}", row.id, row.source);
        assert!(rows.iter().filter(|other| other.id == row.id).count() == 1, "{}", row.id);
    }
    for (id, _) in CHECKS {
        assert!(rows.iter().any(|row| row.id == id), "{id}");
    }
    let unheld: Vec<&str> = rows
        .iter()
        .map(|row| row.id.as_str())
        .filter(|id| !CHECKS.iter().any(|(own, _)| own == id))
        .collect();
    assert_eq!(unheld, ["aks-table", "no-length"]);
}

fn set(texts: &[&str]) -> AddrSet {
    texts.iter().map(|text| text.parse::<IpPrefix>().expect("a prefix")).collect()
}

/// The policy of a network with one subnet, whose workload keeps rules of its own there.
fn policy() -> Policy {
    policy_of("databricks")
}

fn policy_of(workload: &str) -> Policy {
    let text = "schema = 1\nname = \"e\"\nregion = \"westeurope\"\n[network]\naddress-space = [\"10.20.0.0/16\"]\n\
         [subnets.dbx]\nprefixes = [\"10.20.1.0/24\"]\n[[allow]]\nworkload = \"databricks\"\nsubnet = \"dbx\"\n";
    let text = text.replace("databricks", workload);
    let source = PolicySource::read("e.toml", &text).map_err(|e| panic!("{e}")).unwrap();
    let snapshot =
        Snapshot::parse(&sample::sample_json(Cloud::Public).expect("a sample")).expect("it is read");
    expand(&source, Catalog::builtin(), &snapshot).map_err(|e| panic!("{e}")).unwrap()
}

/// A subnet with the group `g` and the table `t`.
fn subnet(role: Role, prefix: &str) -> Subnet {
    Subnet {
        name: "s".into(),
        prefixes: set(&[prefix]),
        role,
        group: Some("g".into()),
        table: Some("t".into()),
        ..Subnet::default()
    }
}

fn service(name: &str) -> Role {
    Role::Delegated(name.to_owned())
}

fn group(rules: Vec<SecurityRule>) -> Resources {
    Resources { nsgs: vec![Nsg { name: "G".into(), rules }], ..Resources::default() }
}

fn table(routes: Vec<Route>) -> Resources {
    let table = RouteTable { name: "T".into(), routes, ..RouteTable::default() };
    Resources { route_tables: vec![table], ..Resources::default() }
}

fn firewall(rule: FirewallRule) -> Resources {
    let collection = RuleCollection { name: "c".into(), rules: vec![rule], ..RuleCollection::default() };
    let group = RuleCollectionGroup { collections: vec![collection], ..RuleCollectionGroup::default() };
    Resources { groups: vec![group], ..Resources::default() }
}

/// A rule in the words of a row of the portal: `100 in allow tcp Internet > * : 443`.
fn rule(text: &str) -> SecurityRule {
    let words: Vec<&str> = text.split(' ').collect();
    let [priority, way, access, protocol, from, ">", to, ":", ports] = words[..] else { panic!("{text}") };
    let all = |text: &str| text.split(',').map(str::to_owned).collect::<Vec<_>>();
    SecurityRule {
        name: format!("r{priority}"),
        priority: priority.parse().expect("a priority"),
        direction: if way == "in" { "Inbound".into() } else { "Outbound".into() },
        access: access.to_owned().into(),
        protocol: protocol.to_owned().into(),
        sources: all(from),
        destinations: all(to),
        source_ports: all("*"),
        destination_ports: all(ports),
        ..SecurityRule::default()
    }
}

fn rules(texts: &[&str]) -> Vec<SecurityRule> {
    texts.iter().map(|text| rule(text)).collect()
}

fn route(name: &str, prefix: &str, hop: &str) -> Route {
    let address = hop.starts_with(|c: char| c.is_ascii_digit()).then(|| hop.to_owned());
    let kind = if address.is_some() { "VirtualAppliance" } else { hop };
    Route {
        name: name.into(),
        address_prefix: prefix.into(),
        next_hop_type: kind.into(),
        next_hop_address: address,
    }
}

/// What a check finds of these resources, with one subnet.
fn held(check: Check, subnet: Subnet, resources: &Resources) -> Vec<String> {
    held_by(check, &policy(), vec![subnet], resources)
}

fn held_by(check: Check, policy: &Policy, subnets: Vec<Subnet>, resources: &Resources) -> Vec<String> {
    let mut environment = Environment { subnets, ..Environment::default() };
    environment.network.space = set(&["10.20.0.0/16"]);
    environment.network.peers = set(&["20.1.0.0/16"]);
    environment.network.on_premises = ["20.2.0.0/16".parse().unwrap()].into_iter().collect();
    let found: Vec<Found> = check(&Site { policy, environment: &environment, resources });
    found.into_iter().map(|found| found.text).collect()
}

#[track_caller]
fn assert_held(check: Check, subnet: Subnet, resources: &Resources, wanted: &[&str]) {
    let found = held(check, subnet, resources);
    let same =
        found.len() == wanted.len() && found.iter().zip(wanted).all(|(text, part)| text.contains(part));
    assert!(same, "{found:?}, not {wanted:?}");
}

#[test]
fn groups_and_tables_on_reserved_subnets() {
    let both = Resources { nsgs: group(vec![]).nsgs, ..table(vec![]) };
    for (role, no_group, no_table) in [
        (Role::Ordinary, false, false),
        (Role::Gateway, true, false),
        (Role::Firewall, true, false),
        (Role::FirewallManagement, true, false),
        (Role::RouteServer, true, true),
        (Role::Bastion, false, true),
        (Role::ApplicationGateway, false, false),
        (service("Microsoft.Databricks/workspaces"), false, false),
    ] {
        let own = subnet(role.clone(), "10.20.1.0/24");
        assert_eq!(held(places::reserved_group, own.clone(), &both).len(), usize::from(no_group), "{role}");
        assert_eq!(held(places::reserved_table, own.clone(), &both).len(), usize::from(no_table), "{role}");
        // A subnet that has neither is not spoken of.
        let bare = Subnet { group: None, table: None, ..own };
        assert!(held(places::reserved_group, bare.clone(), &both).is_empty());
        assert!(held(places::reserved_table, bare, &both).is_empty());
    }
}

#[test]
fn default_routes_of_gateways_and_services() {
    let to = |hop: &str| table(vec![route("d", "0.0.0.0/0", hop), route("x", "10.9.0.0/16", hop)]);
    for role in [Role::Gateway, Role::Firewall, Role::FirewallManagement, Role::ApplicationGateway] {
        let own = || subnet(role.clone(), "10.20.1.0/24");
        assert_held(places::gateway_default, own(), &to("Internet"), &[]);
        assert_held(
            places::gateway_default,
            own(),
            &to("None"),
            &["d of T leads 0.0.0.0/0 of subnet s to None"],
        );
        assert_held(places::gateway_default, own(), &to("10.20.9.4"), &["to VirtualAppliance"]);
        assert_held(places::hop_none_managed, own(), &to("None"), &[]);
    }
    let v6 = table(vec![route("d", "::/0", "None")]);
    for name in [
        "Microsoft.Databricks/workspaces",
        "Microsoft.Sql/managedInstances",
        "microsoft.sql/managedinstances",
    ] {
        let own = || subnet(service(name), "10.20.1.0/24");
        assert_held(places::hop_none_managed, own(), &to("None"), &["to None"]);
        assert_held(places::hop_none_managed, own(), &v6, &["::/0"]);
        assert_held(places::hop_none_managed, own(), &to("10.20.9.4"), &[]);
        assert_held(places::gateway_default, own(), &to("None"), &[]);
    }
    let other = subnet(service("Microsoft.Web/serverFarms"), "10.20.1.0/24");
    assert_held(places::hop_none_managed, other, &to("None"), &[]);
}

#[test]
fn next_hops() {
    let own = || subnet(Role::Ordinary, "10.20.1.0/28");
    let to = |hop: &str| table(vec![route("r", "0.0.0.0/0", hop), route("again", "10.9.0.0/16", hop)]);
    for (hop, private) in [
        ("10.20.9.4", true),
        ("20.1.0.4", true),
        ("20.2.0.4", true),
        ("172.31.0.4", true),
        ("20.3.0.4", false),
        ("168.63.129.16", false),
        ("169.254.169.254", false),
    ] {
        // Said once of each table.
        assert_eq!(held(places::hop_private, own(), &to(hop)).len(), usize::from(!private), "{hop}");
    }
    for (hop, kept) in [
        ("10.20.1.0", true),
        ("10.20.1.3", true),
        ("10.20.1.4", false),
        ("10.20.1.14", false),
        ("10.20.1.15", true),
    ] {
        assert_eq!(held(places::hop_reserved, own(), &to(hop)).len(), usize::from(kept), "{hop}");
    }
    // The smallest subnet has them too, what is no subnet has none.
    let small = subnet(Role::Ordinary, "10.20.1.0/29");
    assert_held(places::hop_reserved, small, &to("10.20.1.7"), &["keeps in subnet s"]);
    assert_held(places::hop_reserved, subnet(Role::Ordinary, "10.20.1.0/30"), &to("10.20.1.3"), &[]);

    assert_held(places::hop_loop, own(), &to("10.20.1.5"), &["inside subnet s that has this table"]);
    assert_held(places::hop_loop, own(), &to("10.20.1.16"), &[]);
    let elsewhere = Subnet { table: None, ..own() };
    assert_held(places::hop_loop, elsewhere, &to("10.20.1.5"), &[]);
    // The appliance may have a table of its own, which leads elsewhere.
    let of_its_own = Subnet { table: Some("u".into()), ..own() };
    let mut tables = to("10.20.1.5");
    tables.route_tables.push(RouteTable { name: "u".into(), ..RouteTable::default() });
    assert_held(places::hop_loop, of_its_own, &tables, &[]);
}

#[test]
fn sizes_of_subnets() {
    // A policy with less is refused before; the proof does not lean on that.
    let of = |prefix: &str| {
        let less = policy().changed(|parts| {
            parts.network.subnets.get_mut("dbx").expect("it is there").prefixes = set(&[prefix]);
        });
        held_by(places::small_subnet, &less.expect("it holds"), vec![], &Resources::default())
    };
    assert!(of("10.20.1.0/29").is_empty() && of("fd00::/64").is_empty());
    for small in ["10.20.1.0/30", "fd00::/65"] {
        let found = of(small);
        assert!(found.len() == 1 && found[0].contains(small), "{found:?}");
    }

    for (role, most) in [
        (Role::Gateway, 27),
        (Role::Firewall, 26),
        (Role::FirewallManagement, 26),
        (Role::Bastion, 26),
        (Role::RouteServer, 26),
        (Role::Ordinary, 29),
    ] {
        let with = |length: u8| subnet(role.clone(), &format!("10.20.1.0/{length}"));
        assert_held(places::reserved_size, with(most), &Resources::default(), &[]);
        if role != Role::Ordinary {
            let text = format!("smaller than /{most}");
            assert_held(places::reserved_size, with(most + 1), &Resources::default(), &[&text]);
            // One prefix of several is enough.
            let two = Subnet { prefixes: set(&["10.20.1.0/28", "fd00::/64"]), ..with(most) };
            assert_held(places::reserved_size, two, &Resources::default(), &[&text]);
        }
    }
}

#[test]
fn prefixes_of_routes_and_what_is_there() {
    let twice =
        [route("a", "fd00::/8", "None"), route("b", "FD00::/8", "Internet"), route("c", "fd00::/9", "None")];
    let own = || subnet(Role::Ordinary, "10.20.1.0/24");
    assert_held(places::same_prefix, own(), &table(twice.to_vec()), &["b: another route of T"]);

    let both = Resources { nsgs: group(vec![]).nsgs, ..table(vec![]) };
    assert_held(places::there, own(), &both, &[]);
    assert_held(places::there, own(), &table(vec![]), &["is to have g, which is not there"]);
    assert_held(places::there, own(), &group(vec![]), &["is to have t, which is not there"]);
    let other = Subnet { group: Some("x".into()), table: Some("y".into()), ..own() };
    assert_held(places::there, other, &both, &["to have x", "to have y"]);
}

#[test]
fn platform_tags_are_only_denied_and_as_a_whole() {
    let own = || subnet(Role::Ordinary, "10.20.1.0/24");
    let form = "100 out Deny * * > AzurePlatformDNS : *";
    assert_held(groups::platform_tags, own(), &group(rules(&[form])), &[]);
    for (part, other) in [
        ("Deny", "Allow"),
        ("out", "in"),
        ("AzurePlatformDNS", "AzurePlatformDNS,10.0.0.0/8"),
        ("Deny * *", "Deny * 10.20.1.0/24"),
        ("Deny *", "Deny Tcp"),
        (": *", ": 53"),
    ] {
        let broken = form.replace(part, other);
        assert_held(groups::platform_tags, own(), &group(rules(&[&broken])), &["AzurePlatformDNS stands"]);
    }
    let mut from_port = rule(form);
    from_port.source_ports = vec!["53".into()];
    assert_held(groups::platform_tags, own(), &group(vec![from_port]), &["AzurePlatformDNS stands"]);
    // As source, with anything as destination.
    let source = "100 out Deny * AzurePlatformIMDS > * : *";
    assert_held(groups::platform_tags, own(), &group(rules(&[source])), &["AzurePlatformIMDS stands"]);
}

const BASTION: [&str; 8] = [
    "100 in Allow Tcp Internet > * : 443",
    "101 in Allow Tcp GatewayManager > * : 443",
    "102 in Allow * VirtualNetwork > * : 5701,8080",
    "103 out Allow * * > VirtualNetwork : 22,3389",
    "104 out Allow * * > VirtualNetwork : 5701,8080",
    "105 out Allow Tcp * > AzureCloud : 443",
    "106 in Allow Tcp AzureLoadBalancer > * : 443",
    "107 out Allow Tcp * > Internet : 80",
];

#[test]
fn what_bastion_and_application_gateways_demand() {
    let own = || subnet(Role::Bastion, "10.20.1.0/26");
    assert_held(groups::bastion_rules, own(), &group(rules(&BASTION)), &[]);
    assert_held(groups::bastion_advised, own(), &group(rules(&BASTION)), &[]);
    assert_held(groups::bastion_rules, subnet(Role::Ordinary, "10.20.1.0/26"), &group(vec![]), &[]);
    for (at, one) in BASTION.iter().enumerate() {
        let changes =
            [("Allow", "Deny"), (" in ", " OUT "), ("Tcp", "Udp"), ("443", "442"), ("5701", "5702")];
        let broken: Vec<String> = changes.iter().map(|(from, to)| one.replace(from, to)).collect();
        for other in broken.iter().filter(|other| other != one) {
            let mut texts = BASTION;
            texts[at] = other;
            let all = group(rules(&texts));
            let found =
                [held(groups::bastion_rules, own(), &all), held(groups::bastion_advised, own(), &all)];
            let wanted = usize::from(at >= 6);
            assert!(!found[wanted].is_empty() && found[1 - wanted].is_empty(), "{other}: {found:?}");
        }
    }

    let own = || subnet(Role::ApplicationGateway, "10.20.1.0/24");
    let lets = "200 in Allow Tcp GatewayManager > * : 65200-65535";
    let check = groups::application_gateway_ports;
    assert_held(check, own(), &group(rules(&[lets])), &[]);
    assert_held(check, own(), &group(rules(&[&lets.replace("65200", "65201")])), &["has no rule that lets"]);
    // The first of two decides, whatever stands between them.
    let between = ["300 in Allow Tcp GatewayManager > * : 65200-65535", "250 in Deny * * > * : *", lets];
    assert_held(check, own(), &group(rules(&between)), &[]);
    let part = lets.replace("> *", "> 10.20.1.0/25");
    assert_held(check, own(), &group(rules(&[&part])), &["to a part of it only"]);
    // Other subnets may let in what they like, and a list may hold more than the tag.
    assert_held(check, subnet(Role::Ordinary, "10.20.1.0/24"), &group(rules(&[&part])), &[]);
    let more = lets.replace("GatewayManager", "10.0.0.0/8,GatewayManager");
    assert_held(check, own(), &group(rules(&[&more])), &[]);
    for (deny, before) in [
        ("100 in Deny * Internet > * : *", true),
        ("100 in Deny Tcp GatewayManager > * : 65535", true),
        ("100 in Deny Tcp 10.0.0.0/8,AzureCloud > * : 65200", true),
        ("100 in Deny Tcp * > * : 65199", false),
        ("100 in Deny Udp * > * : *", false),
        ("100 out Deny * * > * : *", false),
        ("100 out Deny * Internet > * : *", false),
        ("100 in Allow * Internet > * : *", false),
        ("100 in Deny * 203.0.113.0/24 > * : *", false),
        ("201 in Deny * * > * : *", false),
    ] {
        let wanted: &[&str] = if before { &["r100 denies some of it before r200"] } else { &[] };
        assert_held(check, own(), &group(rules(&[deny, lets])), wanted);
    }
}

#[test]
fn what_api_management_needs() {
    let own = || subnet(service("Microsoft.ApiManagement/service"), "10.20.1.0/24");
    let inbound = [
        "100 in Allow Tcp ApiManagement.WestEurope > * : 3443",
        "101 in Allow * AzureLoadBalancer > * : 6390",
    ];
    assert_held(groups::api_management, own(), &group(rules(&inbound)), &[]);
    assert_held(
        groups::api_management,
        own(),
        &group(rules(&inbound[..1])),
        &["TCP 6390 in from AzureLoadBalancer"],
    );
    // What goes out needs rules of its own only where the group closes the way out.
    let closed = |deny: &str| group(rules(&[inbound[0], inbound[1], deny]));
    assert_eq!(held(groups::api_management, own(), &closed("4000 out Deny * * > * : *")).len(), 5);
    for open in [
        "4000 out Allow * * > * : *",
        "4000 in Deny * * > * : *",
        "4000 out Deny * * > Internet : *",
        "4000 out Deny * * > * : 25",
    ] {
        assert_held(groups::api_management, own(), &closed(open), &[]);
    }
}

#[test]
fn rules_and_routes_that_a_service_keeps() {
    let policy = policy();
    let kept: Vec<SecurityRule> = policy
        .managed
        .iter()
        .map(|own| SecurityRule {
            name: own.name.to_uppercase(),
            priority: own.priority.into(),
            ..SecurityRule::default()
        })
        .collect();
    assert!(!kept.is_empty());
    let own = || Subnet {
        name: "dbx".into(),
        ..subnet(service("Microsoft.Databricks/workspaces"), "10.20.1.0/24")
    };
    let found =
        |rules: Vec<SecurityRule>| held_by(groups::managed_rules, &policy, vec![own()], &group(rules));
    assert!(found(kept.clone()).is_empty());
    assert_eq!(found(kept[1..].to_vec()).len(), 1);
    let mut moved = kept.clone();
    moved[0].priority += 1;
    assert_eq!(found(moved).len(), 1);
    let mut renamed = kept;
    renamed[0].name.push('x');
    assert_eq!(found(renamed).len(), 1);

    let policy = policy_of("sql-managed-instance");
    let kept: Vec<Route> = policy
        .managed_routes
        .iter()
        .map(|own| Route { name: own.name.to_uppercase(), ..Route::default() })
        .collect();
    assert!(!kept.is_empty());
    let own = || Subnet { group: None, ..own() };
    let found = |routes: Vec<Route>| held_by(groups::managed_rules, &policy, vec![own()], &table(routes));
    assert!(found(kept.clone()).is_empty());
    assert_eq!(found(kept[1..].to_vec()).len(), 1);
}

#[test]
fn ports_of_one_remote_in_managed_instances() {
    let own = || subnet(service("Microsoft.Sql/managedInstances"), "10.20.1.0/24");
    let first = "100 in Allow Tcp VirtualNetwork > 10.20.1.0/24 : 1433";
    let check = groups::managed_instance_ports;
    for (second, same) in [
        ("101 in allow TCP VirtualNetwork > 10.20.1.0/24 : 11000-11999", true),
        ("101 out Allow Tcp VirtualNetwork > 10.20.1.0/24 : 11000-11999", false),
        ("101 in Allow Udp VirtualNetwork > 10.20.1.0/24 : 11000-11999", false),
        ("101 in Deny Tcp VirtualNetwork > 10.20.1.0/24 : 11000-11999", false),
        ("101 in Allow Tcp Internet > 10.20.1.0/24 : 11000-11999", false),
        ("101 in Allow Tcp VirtualNetwork > * : 11000-11999", false),
    ] {
        let wanted: &[&str] = if same { &["r100 and r101 say the ports"] } else { &[] };
        assert_held(check, own(), &group(rules(&[first, second])), wanted);
        assert_held(check, subnet(Role::Ordinary, "10.20.1.0/24"), &group(rules(&[first, second])), &[]);
    }
    // What the service keeps may say the same.
    let mut kept = rule("101 in Allow Tcp VirtualNetwork > 10.20.1.0/24 : 11000-11999");
    kept.name = "Microsoft.Sql-managedInstances_UseOnly_mi-sqlmgmt-in".into();
    assert_held(check, own(), &group(vec![rule(first), kept]), &[]);
}

#[test]
fn ports_that_a_firewall_takes() {
    let own = || subnet(Role::Ordinary, "10.20.1.0/24");
    let network = |ports: &str| {
        firewall(FirewallRule::Network(NetworkRule { ports: vec![ports.into()], ..NetworkRule::default() }))
    };
    for (ports, taken) in [("*", true), ("1-65535", true), ("0", false), ("0-65535", false), ("443", true)] {
        assert_eq!(held(groups::firewall_ports, own(), &network(ports)).is_empty(), taken, "{ports}");
        assert!(held(groups::dnat_ports, own(), &network(ports)).is_empty());
    }
    for (ports, translated, taken) in [
        ("1-63999", "443", true),
        ("64000", "443", false),
        ("60000-64000", "443", false),
        ("0", "443", false),
        ("80,443,0-1", "443", false),
        ("443", "0", false),
        ("443", "63999", true),
        ("443", "64000", false),
    ] {
        let rule =
            NatRule { ports: vec![ports.into()], translated_port: translated.into(), ..NatRule::default() };
        let all = firewall(FirewallRule::Nat(rule));
        assert_eq!(held(groups::dnat_ports, own(), &all).is_empty(), taken, "{ports} to {translated}");
        assert!(held(groups::firewall_ports, own(), &all).is_empty());
    }
}
