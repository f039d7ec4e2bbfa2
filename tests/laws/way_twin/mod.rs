//! The way of packets against an obvious twin: thousands of random environments, and a small universe in full.

mod obvious;

use std::collections::HashMap;
use std::sync::LazyLock;

use proptest::prelude::*;
use tagwall::addr::{AddrSet, IpPrefix};
use tagwall::packet::Direction;
use tagwall::read::resources::{
    ApplicationRule, FirewallRule, NetworkRule, Nsg, Route, RouteTable, RuleCollection, RuleCollectionGroup,
    SecurityRule,
};
use tagwall::replay::way::{
    Account, Assumption, At, Environment, Kind, Middle, Model, Network, Outbound, Question, Role, Subnet,
    Verdict,
};
use tagwall::rules::{Packet, PacketProtocol};
use tagwall::tags::Snapshot;

use obvious::obvious;

/// The tags of the world.
const TAGS: [(&str, &[&str]); 2] =
    [("Alpha", &["203.0.113.0/31"]), ("Beta", &["203.0.113.1/32", "203.0.113.2/32", "198.51.100.0/31"])];

/// Places in the network, a peered one, behind the gateway, in private space that nobody gave, outside, and on the
/// platform.
const ADDRESSES: [&str; 16] = [
    "10.0.0.0",
    "10.0.0.1",
    "10.0.0.2",
    "10.0.0.4",
    "10.0.0.5",
    "10.0.0.8",
    "10.0.1.1",
    "10.0.2.1",
    "10.0.2.2",
    "10.0.3.1",
    "198.51.100.0",
    "198.51.100.2",
    "203.0.113.0",
    "203.0.113.1",
    "203.0.113.2",
    "168.63.129.16",
];

static SNAPSHOT: LazyLock<Snapshot> = LazyLock::new(|| {
    let values: Vec<String> = TAGS
        .iter()
        .map(|(name, prefixes)| {
            format!(
                r#"{{"name":"{name}","id":"{name}","properties":{{"changeNumber":1,"region":"","regionId":0,
                "platform":"Azure","systemService":"","addressPrefixes":{prefixes:?},"networkFeatures":[]}}}}"#
            )
        })
        .collect();
    let text = format!(r#"{{"changeNumber":1,"cloud":"Public","values":[{}]}}"#, values.join(","));
    Snapshot::parse(text.as_bytes()).expect("a snapshot")
});

/// How many random environments: so many, or more if `TAGWALL_CASES` says how many times as many.
fn cases(few: u32) -> u32 {
    let times = std::env::var("TAGWALL_CASES").ok().and_then(|text| text.parse::<u32>().ok());
    few * times.unwrap_or(1)
}

fn set(prefixes: &[&str]) -> AddrSet {
    prefixes.iter().map(|text| text.parse::<IpPrefix>().unwrap()).collect()
}

fn packets(subnet: &Subnet, way: Direction) -> Vec<Packet> {
    let services = [
        (PacketProtocol::Tcp, Some((50000, 443))),
        (PacketProtocol::Tcp, Some((50000, 80))),
        (PacketProtocol::Udp, Some((50000, 443))),
        (PacketProtocol::Icmp, None),
        (PacketProtocol::Other, None),
    ];
    let own = ADDRESSES.iter().map(|text| text.parse().unwrap()).filter(|a| subnet.prefixes.contains(*a));
    let mut packets = Vec::new();
    for own in own.collect::<Vec<_>>() {
        for remote in ADDRESSES.iter().map(|text| text.parse().unwrap()) {
            let (src, dst) = if way == Direction::Outbound { (own, remote) } else { (remote, own) };
            packets.extend(services.map(|(protocol, ports)| Packet::new(src, dst, protocol, ports).unwrap()));
        }
    }
    packets
}

/// The partition puts every packet into one part, and both it and the single fate say what is obvious.
fn check(world: &Environment, singles: bool) {
    let model = Model::new(world, &SNAPSHOT).expect("the world can be read");
    for subnet in &world.subnets {
        for way in [Direction::Outbound, Direction::Inbound] {
            let parts = model.arrivals(&subnet.name, way, &AddrSet::all(), None).expect("it can be read");
            for (at, packet) in packets(subnet, way).into_iter().enumerate() {
                let held: Vec<_> = parts.iter().filter(|part| part.contains(&packet)).collect();
                assert_eq!(held.len(), 1, "{way:?} {packet} of {} in {world:#?}", subnet.name);
                let (found, twin) = (held[0].key, obvious(world, subnet, way, &packet));
                let fits = match found.verdict {
                    Verdict::Deny => found.stops_at.is_some_and(|at| twin.stop.contains(&at)),
                    _ => twin.elsewhere || twin.arrive.contains(&found.way) && twin.arrive.len() == 1,
                };
                assert!(
                    found.verdict == twin.verdict() && fits,
                    "{way:?} {packet} of {}: {found:?}, but {:?} {:?} in {world:#?}",
                    subnet.name,
                    twin.arrive,
                    twin.stop
                );
                if singles && at % 23 == 7 {
                    single(world, &model, subnet, way, packet);
                }
            }
        }
    }
}

/// The single fate, and that each assumption it names is one that matters.
fn single(world: &Environment, model: &Model<'_>, subnet: &Subnet, way: Direction, packet: Packet) {
    let question = Question { subnet: subnet.name.clone(), direction: way, packet, host: None };
    let fate = model.fate(&question).unwrap().expect("the packet is of the subnet");
    let twin = obvious(world, subnet, way, &packet);
    assert_eq!(fate.verdict, twin.verdict(), "{packet}: {fate:?}");
    assert_eq!(fate.verdict == Verdict::If, !fate.conditions.is_empty());
    let denied = fate.steps.last().is_some_and(|step| step.verdict == Verdict::Deny);
    assert!(fate.verdict != Verdict::Deny || denied, "{fate:?}");
    for assumption in Assumption::ALL {
        let other = world.without(assumption);
        let subnet = other.subnet(&subnet.name).unwrap();
        let other = obvious(&other, subnet, way, &packet);
        let same = other.arrive == twin.arrive && other.verdict() == twin.verdict();
        assert!(
            same || fate.assumptions.contains(&assumption),
            "{assumption} matters for {packet}: {fate:?}"
        );
    }
}

/// Packets of one kind are told of alike, whichever of them is asked about, and as the twin says.
fn kinds(world: &Environment) {
    let model = Model::new(world, &SNAPSHOT).expect("the world can be read");
    let kinds = model.kinds();
    let mut known: HashMap<Kind, Account> = HashMap::new();
    for (at, subnet) in world.subnets.iter().enumerate() {
        for way in [Direction::Outbound, Direction::Inbound] {
            for packet in packets(subnet, way) {
                let question = Question { subnet: subnet.name.clone(), direction: way, packet, host: None };
                let account = model.account(&question).unwrap().expect("the packet is of the subnet");
                assert_eq!(account.fate.verdict, obvious(world, subnet, way, &packet).verdict(), "{packet}");
                for assumption in Assumption::ALL {
                    let other = world.without(assumption);
                    let verdict =
                        obvious(&other, other.subnet(&subnet.name).unwrap(), way, &packet).verdict();
                    assert_eq!(
                        account.sways.contains(&assumption),
                        verdict != account.fate.verdict,
                        "{assumption} for {packet} of {} in {world:#?}",
                        subnet.name
                    );
                }
                took(world, &packet, way, &account);
                let short = |account: &Account| {
                    let Account { fate, sways, takers } = account.clone();
                    let last = fate.steps.last().map(|step| (step.at, step.name.clone(), step.rule.clone()));
                    (fate.verdict, fate.way, fate.stops_at, fate.conditions, sways, takers, last)
                };
                let first = known.entry(kinds.of(at, way, &packet)).or_insert_with(|| account.clone());
                assert_eq!(
                    short(first),
                    short(&account),
                    "{way:?} {packet} of {} in {world:#?}",
                    subnet.name
                );
            }
        }
    }
}

/// The route that an account names is the longest of those of the table that hold the address.
fn took(world: &Environment, packet: &Packet, way: Direction, account: &Account) {
    let far = if way == Direction::Outbound { packet.dst() } else { packet.src() };
    let Some(route) = account.takers.iter().find(|taker| taker.at == At::Route) else { return };
    let table = world.tables.iter().find(|table| table.name == route.resource).expect("it is there");
    let length = |to: &str| {
        let tag = TAGS.iter().find(|(name, _)| *name == to).map(|(_, prefixes)| *prefixes);
        let prefixes =
            tag.map_or_else(|| vec![to.to_owned()], |p| p.iter().map(ToString::to_string).collect());
        let holding = prefixes.iter().filter_map(|text| text.parse::<IpPrefix>().ok());
        let holding = holding.filter(|prefix| AddrSet::from(*prefix).contains(far));
        holding.map(|prefix| prefix.to_string().rsplit('/').next().and_then(|n| n.parse::<u8>().ok())).max()
    };
    let own = table.routes.iter().find(|own| own.name == route.rule).expect("it is in the table");
    let longest = table.routes.iter().filter_map(|route| length(&route.address_prefix)).max();
    assert!(longest.is_some() && length(&own.address_prefix) == longest, "{packet}: {account:?}");
}

fn side() -> impl Strategy<Value = String> {
    let texts = [
        "*",
        "VirtualNetwork",
        "Internet",
        "Alpha",
        "Beta",
        "Unheard",
        "AzureLoadBalancer",
        "10.0.0.0/30",
        "10.0.0.4/30",
        "10.0.0.0/8",
        "203.0.113.0/24",
        "10.0.1.0/30",
        "198.51.100.0/30",
        "AzurePlatformDNS",
    ];
    prop::sample::select(texts.to_vec()).prop_map(str::to_owned)
}

fn rules(accesses: &'static [&'static str], most: usize) -> impl Strategy<Value = Vec<SecurityRule>> {
    let access = prop::sample::select(accesses.to_vec());
    let protocol = prop::sample::select(vec!["*", "Tcp", "Udp", "Icmp"]);
    let ports = prop::sample::select(vec!["*", "443", "80"]);
    let one = (side(), side(), access, protocol, ports, any::<bool>());
    prop::collection::vec(one, 0..=most).prop_map(|rules| {
        let numbered = rules.into_iter().zip(100..);
        numbered
            .map(|((source, destination, access, protocol, ports, inbound), priority)| SecurityRule {
                name: format!("r{priority}"),
                priority,
                direction: if inbound { "Inbound" } else { "Outbound" }.to_owned().into(),
                access: access.to_owned().into(),
                protocol: protocol.to_owned().into(),
                sources: vec![source],
                destinations: vec![destination],
                source_ports: vec!["*".to_owned()],
                destination_ports: vec![ports.to_owned()],
                ..SecurityRule::default()
            })
            .collect()
    })
}

fn table() -> impl Strategy<Value = RouteTable> {
    let to = [
        "0.0.0.0/0",
        "10.0.0.0/8",
        "10.0.0.0/28",
        "10.0.0.4/30",
        "10.0.1.0/30",
        "10.0.2.0/30",
        "203.0.113.0/24",
        "203.0.113.1/32",
        "Alpha",
        "Beta",
        "Unheard",
    ];
    let hops = [
        ("Internet", None),
        ("None", None),
        ("VnetLocal", None),
        ("VirtualNetworkGateway", None),
        ("VirtualAppliance", Some("10.0.0.8")),
        ("VirtualAppliance", Some("10.0.0.9")),
    ];
    let one = (prop::sample::select(to.to_vec()), prop::sample::select(hops.to_vec()));
    (
        prop::collection::btree_map(prop::sample::select(to.to_vec()), one.prop_map(|(_, hop)| hop), 0..5),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(routes, disable, hide)| RouteTable {
            name: "table".to_owned(),
            disable_bgp: Some(disable),
            disable_peering_route: Some(hide),
            routes: routes
                .into_iter()
                .map(|(to, (kind, address))| Route {
                    name: format!("to {to}"),
                    address_prefix: to.to_owned(),
                    next_hop_type: kind.to_owned(),
                    next_hop_address: address.map(str::to_owned),
                })
                .collect(),
        })
}

fn collection() -> impl Strategy<Value = RuleCollection> {
    let text = || prop::sample::select(vec!["*", "10.0.0.0/30", "203.0.113.0/24", "10.0.1.0/30"]);
    let network =
        (text(), text(), prop::sample::select(vec!["*", "443"]), prop::sample::select(vec!["Any", "TCP"]));
    let network = prop::collection::vec(network, 1..3).prop_map(|rules| {
        let rule = |(source, destination, ports, protocol): (&str, &str, &str, &str)| {
            FirewallRule::Network(NetworkRule {
                name: "network".to_owned(),
                protocols: vec![protocol.to_owned()],
                sources: vec![source.to_owned()],
                destinations: vec![destination.to_owned()],
                ports: vec![ports.to_owned()],
                ..NetworkRule::default()
            })
        };
        rules.into_iter().map(rule).collect::<Vec<_>>()
    });
    let application = text().prop_map(|source| {
        vec![FirewallRule::Application(ApplicationRule {
            name: "application".to_owned(),
            sources: vec![source.to_owned()],
            protocols: vec![("Https".to_owned(), 443)],
            fqdns: vec!["a.example.com".to_owned(), "*.example.org".to_owned()],
            ..ApplicationRule::default()
        })]
    });
    (prop_oneof![network, application], 100_i64..200, any::<bool>()).prop_map(|(rules, priority, allow)| {
        RuleCollection {
            name: format!("c{priority}"),
            priority,
            action: if allow { "Allow" } else { "Deny" }.to_owned(),
            rules,
        }
    })
}

fn firewall() -> impl Strategy<Value = Middle> {
    let group = prop::collection::btree_map(100_i64..110, collection(), 0..3).prop_map(|collections| {
        let numbered = collections.into_iter();
        let collections = numbered.map(|(priority, c)| RuleCollection { priority, ..c }).collect();
        RuleCollectionGroup { name: "group".to_owned(), priority: 200, collections }
    });
    let azure = prop::collection::vec(group, 1..3).prop_map(|groups| Middle::Azure {
        policies: groups.into_iter().map(|group| vec![group]).collect(),
        ip_groups: Vec::new(),
    });
    prop_oneof![6 => azure, 1 => Just(Middle::Other), 1 => Just(Middle::Missing)]
}

fn subnet(name: &'static str, prefix: &'static str) -> impl Strategy<Value = Subnet> {
    let group = prop::sample::select(vec![None, Some("one"), Some("one"), Some("other"), Some("nowhere")]);
    let interface = prop::sample::select(vec![None, None, Some("other")]);
    let table =
        prop::sample::select(vec![None, Some("table"), Some("table"), Some("table"), Some("elsewhere")]);
    let outbound = prop::sample::select(vec![
        None,
        Some(Outbound::Nat),
        Some(Outbound::PublicIp),
        Some(Outbound::Firewall),
        Some(Outbound::Default),
        Some(Outbound::None),
    ]);
    let rest = (prop::sample::select(vec![None, Some(true), Some(false)]), any::<(bool, bool)>());
    (group, interface, table, outbound, rest).prop_map(
        move |(group, interface, table, outbound, (private, (endpoint, delegated)))| Subnet {
            name: name.to_owned(),
            prefixes: set(&[prefix]),
            role: if delegated { Role::Delegated("Some/service".to_owned()) } else { Role::Ordinary },
            group: group.map(str::to_owned),
            interface_group: interface.map(str::to_owned),
            table: table.map(str::to_owned),
            endpoints: if endpoint { vec![("Beta".to_owned(), set(TAGS[1].1))] } else { Vec::new() },
            private,
            outbound,
        },
    )
}

fn world() -> impl Strategy<Value = Environment> {
    let groups = (
        rules(&["Allow", "Deny"], 5),
        rules(&["Allow", "Deny"], 3),
        rules(&["Allow", "Deny", "AlwaysAllow"], 2),
    );
    let subnets = (subnet("left", "10.0.0.0/30"), subnet("right", "10.0.0.4/30"));
    let off = prop::collection::btree_set(prop::sample::select(Assumption::ALL.to_vec()), 0..3);
    (groups, table(), firewall(), subnets, off, any::<(bool, bool)>()).prop_map(
        |((one, other, admin), table, firewall, (left, right), off, (closed, tunnelled))| {
            let group = |name: &str, rules| Nsg { name: name.to_owned(), rules };
            let mut world = Environment {
                network: network(closed, tunnelled),
                subnets: vec![left, right],
                admin,
                groups: vec![group("one", one), group("other", other)],
                tables: vec![table],
                firewall,
                ..Environment::default()
            };
            off.into_iter().for_each(|assumption| world.assumptions.set(assumption, false));
            world
        },
    )
}

fn network(closed: bool, tunnelled: bool) -> Network {
    let announced = ["10.0.2.0/30", "198.51.100.0/30", "10.0.1.0/31"];
    let default = tunnelled.then_some("0.0.0.0/0");
    Network {
        space: set(&["10.0.0.0/28"]),
        peers: set(&["10.0.1.0/30"]),
        // One lies in the peered network, and has no effect.
        on_premises: announced.into_iter().chain(default).map(|text| text.parse().unwrap()).collect(),
        closed,
        firewall: vec!["10.0.0.8".parse().unwrap()],
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(250)))]

    /// Random environments, every packet of the world.
    #[test]
    fn fates_are_the_obvious_ones(world in world()) {
        check(&world, false);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(20)))]

    /// Single fates, with their steps and assumptions.
    #[test]
    fn single_fates_name_what_they_hang_on(world in world()) {
        check(&world, true);
    }

    /// What is decided once for all packets of a kind is so for each of them.
    #[test]
    fn packets_of_one_kind_are_decided_alike(world in world()) {
        kinds(&world);
    }
}

/// Every group of up to two rules of four, every table of one route or none, every way out.
#[test]
fn the_small_universe_in_full() {
    let rule = |(priority, access, to): (i64, &str, &str)| SecurityRule {
        name: format!("r{priority}"),
        priority,
        direction: "Outbound".into(),
        access: access.to_owned().into(),
        protocol: "Tcp".into(),
        sources: vec!["*".to_owned()],
        destinations: vec![to.to_owned()],
        source_ports: vec!["*".to_owned()],
        destination_ports: vec!["443".to_owned()],
        ..SecurityRule::default()
    };
    let pool = [("Deny", "*"), ("Allow", "Internet"), ("Deny", "Alpha"), ("Allow", "Unheard")];
    let mut groups = vec![Vec::new()];
    for (access, to) in pool {
        groups.push(vec![rule((100, access, to))]);
        groups.extend(pool.map(|(other, at)| vec![rule((100, access, to)), rule((110, other, at))]));
    }
    let hops = [
        ("Internet", None),
        ("None", None),
        ("VirtualAppliance", Some("10.0.0.8")),
        ("VirtualNetworkGateway", None),
    ];
    let mut tables = vec![None];
    for to in ["0.0.0.0/0", "Alpha", "203.0.113.1/32"] {
        tables.extend(hops.map(|(kind, at)| Some((to, kind, at))));
    }
    let outbound = [None, Some(Outbound::Nat), Some(Outbound::Firewall), Some(Outbound::Default)];
    for group in &groups {
        for table in &tables {
            for way_out in outbound {
                let route = table.iter().map(|(to, kind, at)| Route {
                    name: "route".to_owned(),
                    address_prefix: (*to).to_owned(),
                    next_hop_type: (*kind).to_owned(),
                    next_hop_address: at.map(str::to_owned),
                });
                let subnet = Subnet {
                    name: "left".to_owned(),
                    prefixes: set(&["10.0.0.0/32"]),
                    group: Some("one".to_owned()),
                    table: Some("table".to_owned()),
                    private: Some(true),
                    outbound: way_out,
                    ..Subnet::default()
                };
                let world = Environment {
                    network: network(true, false),
                    subnets: vec![subnet],
                    groups: vec![Nsg { name: "one".to_owned(), rules: group.clone() }],
                    tables: vec![RouteTable {
                        name: "table".to_owned(),
                        routes: route.collect(),
                        ..RouteTable::default()
                    }],
                    ..Environment::default()
                };
                check(&world, false);
            }
        }
    }
}
