//! What rules do, against obvious twins: routes by looking at every route for every address, firewalls rule by rule.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::LazyLock;

use proptest::prelude::*;
use tagwall::addr::{AddrSet, IpPrefix};
use tagwall::packet::NextHop;
use tagwall::read::resources::{
    ApplicationRule, FirewallRule, NatRule, NetworkRule, Resources, Route, RouteTable, RuleCollection,
    RuleCollectionGroup,
};
use tagwall::replay::{Firewall, FirewallDecision, FirewallDifferenceKind, HostKey, Resolver, RouteMap};
use tagwall::rules::{Packet, PacketProtocol};
use tagwall::tags::{Cloud, Snapshot, Symbols};

use crate::support;

/// Sixteen addresses in 10.0.0.0/8, where the system drops what the network does not hold, and sixteen outside.
const BLOCKS: [u32; 2] = [0x0a00_0000, 0xc000_0200];

static SAMPLE: LazyLock<(Snapshot, Symbols)> =
    LazyLock::new(|| (support::sample(Cloud::Public), Symbols::new(&space(), &AddrSet::empty())));

fn space() -> AddrSet {
    "10.0.0.0/30".parse::<IpPrefix>().unwrap().into()
}

fn addresses() -> impl Iterator<Item = u32> {
    BLOCKS.into_iter().flat_map(|block| (0..16).map(move |low| block + low))
}

/// A prefix that begins in one of the blocks, or one that holds a whole block.
fn prefix() -> impl Strategy<Value = (u32, u8)> {
    let inside =
        (prop::sample::select(BLOCKS.to_vec()), 0_u32..16, 28_u8..=32).prop_map(|(block, low, len)| {
            ((block + low) & u32::MAX.checked_shl(32 - u32::from(len)).unwrap_or(0), len)
        });
    prop_oneof![4 => inside, 1 => Just((0x0a00_0000, 8)), 1 => Just((0, 0)), 1 => Just((0xc000_0000, 4))]
}

fn table() -> impl Strategy<Value = RouteTable> {
    let hop = prop::sample::select(vec!["Internet", "None", "VnetLocal", "VirtualNetworkGateway"]);
    prop::collection::btree_map(prefix(), hop, 0..8).prop_map(|routes| RouteTable {
        routes: routes
            .into_iter()
            .map(|((address, len), hop)| Route {
                name: format!("{}-{len}", Ipv4Addr::from(address)),
                address_prefix: format!("{}/{len}", Ipv4Addr::from(address)),
                next_hop_type: hop.to_owned(),
                next_hop_address: None,
            })
            .collect(),
        ..RouteTable::default()
    })
}

/// Where an address goes, by trying every length from the longest: user routes first, then the system's.
fn obvious_hop(table: &RouteTable, address: u32) -> NextHop {
    let masked = |len: u32| Ipv4Addr::from(address & u32::MAX.checked_shl(32 - len).unwrap_or(0));
    for len in (0..=32).rev() {
        let prefix = format!("{}/{len}", masked(len));
        if let Some(route) = table.routes.iter().find(|route| route.address_prefix == prefix) {
            return match route.next_hop_type.as_str() {
                "Internet" => NextHop::Internet,
                "None" => NextHop::None,
                "VnetLocal" => NextHop::VnetLocal,
                _ => NextHop::Gateway,
            };
        }
        let system = [
            ("10.0.0.0/30", NextHop::VnetLocal),
            ("10.0.0.0/8", NextHop::None),
            ("100.64.0.0/10", NextHop::None),
            ("172.16.0.0/12", NextHop::None),
            ("192.168.0.0/16", NextHop::None),
            ("0.0.0.0/0", NextHop::Internet),
        ];
        if let Some((_, hop)) = system.iter().find(|(known, _)| *known == prefix) {
            return *hop;
        }
    }
    unreachable!("0.0.0.0/0 holds every address")
}

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

/// A side of a rule: a few prefixes of the small universe.
fn side() -> impl Strategy<Value = Vec<String>> {
    let prefix = prefix().prop_map(|(address, len)| format!("{}/{len}", Ipv4Addr::from(address)));
    prop_oneof![2 => Just(texts(&["*"])), 3 => prop::collection::vec(prefix, 1..3)]
}

fn names() -> impl Strategy<Value = Vec<String>> {
    let one = prop::sample::select(vec!["a.example.com", "*.example.com", "b.example.net", "*"]);
    prop::collection::vec(one.prop_map(str::to_owned), 1..3)
}

fn collection(kind: u8) -> impl Strategy<Value = RuleCollection> {
    let rule = (side(), side(), names(), any::<bool>());
    (prop::collection::vec(rule, 1..3), 100_i64..105, any::<bool>()).prop_map(
        move |(rules, priority, allow)| {
            let rules = rules.into_iter().zip(0..).map(|((sources, destinations, names, tls), number)| {
                let name = format!("r{kind}-{priority}-{number}");
                match kind {
                    0 => FirewallRule::Nat(NatRule {
                        name,
                        sources,
                        destinations,
                        protocols: texts(&["TCP"]),
                        ports: texts(&["443"]),
                        translated: if tls { "10.0.0.1" } else { "10.0.0.2" }.to_owned(),
                        translated_port: "443".to_owned(),
                        ..NatRule::default()
                    }),
                    1 => FirewallRule::Network(NetworkRule {
                        name,
                        sources,
                        destinations,
                        protocols: texts(&["TCP"]),
                        ports: texts(&["443"]),
                        ..NetworkRule::default()
                    }),
                    _ => FirewallRule::Application(ApplicationRule {
                        name,
                        sources,
                        fqdns: names,
                        protocols: vec![("Https".to_owned(), 443)],
                        ..ApplicationRule::default()
                    }),
                }
            });
            let action = if kind == 0 {
                "DNAT"
            } else if allow {
                "Allow"
            } else {
                "Deny"
            };
            RuleCollection {
                name: format!("c{kind}"),
                priority,
                action: action.to_owned(),
                rules: rules.collect(),
            }
        },
    )
}

fn firewall() -> impl Strategy<Value = Resources> {
    let group = (100_i64..103, prop::collection::vec((0_u8..3).prop_flat_map(collection), 0..4));
    prop::collection::vec(group, 0..3).prop_map(|groups| Resources {
        groups: groups
            .into_iter()
            .map(|(priority, mut collections)| {
                // Azure takes a priority once in a group.
                collections.sort_by_key(|c| c.priority);
                collections.dedup_by_key(|c| c.priority);
                RuleCollectionGroup { name: format!("g{priority}"), priority, collections }
            })
            .collect(),
        ..Resources::default()
    })
}

fn holds(side: &[String], address: IpAddr) -> bool {
    side.iter().any(|text| {
        text == "*" || AddrSet::from(text.parse::<IpPrefix>().expect("a prefix")).contains(address)
    })
}

fn named(patterns: &[String], name: Option<&str>) -> bool {
    name.is_some_and(|name| {
        patterns.iter().any(|p| match p.strip_prefix('*') {
            Some(ending) => name.len() > ending.len() && name.ends_with(ending),
            None => p == name,
        })
    })
}

/// What becomes of a packet: all DNAT rules by group, then collection; then network rules; then application rules.
fn obvious_fate(resources: &Resources, packet: &Packet, name: Option<&str>) -> String {
    for kind in 0..3 {
        let mut order: Vec<(i64, i64, &RuleCollection)> = Vec::new();
        for group in &resources.groups {
            order.extend(group.collections.iter().map(|c| (group.priority, c.priority, c)));
        }
        order.sort_by_key(|(group, own, _)| (*group, *own));
        for (_, _, collection) in order {
            for rule in &collection.rules {
                let (own, takes, to) = match rule {
                    FirewallRule::Nat(r) => (
                        0,
                        holds(&r.sources, packet.src()) && holds(&r.destinations, packet.dst()),
                        &r.translated,
                    ),
                    FirewallRule::Network(r) => {
                        (1, holds(&r.sources, packet.src()) && holds(&r.destinations, packet.dst()), &r.name)
                    }
                    FirewallRule::Application(r) => {
                        (2, holds(&r.sources, packet.src()) && named(&r.fqdns, name), &r.name)
                    }
                };
                if own == kind && takes {
                    return match collection.action.as_str() {
                        "DNAT" => format!("to {to}"),
                        "Allow" => "allow".to_owned(),
                        _ => "deny".to_owned(),
                    };
                }
            }
        }
    }
    "deny".to_owned()
}

fn fate(firewall: &Firewall, packet: &Packet, name: Option<&str>) -> String {
    let key = name.map(|name| HostKey::Host(name.to_owned()));
    match firewall.evaluate(packet, key.as_ref()) {
        FirewallDecision::Translated(to, _) => format!("to {}", to.to),
        FirewallDecision::Allowed(_) => "allow".to_owned(),
        FirewallDecision::Denied(_) => "deny".to_owned(),
    }
}

fn packets() -> Vec<Packet> {
    let ends = [0x0a00_0000, 0x0a00_0003, 0x0a00_0009, 0xc000_0200, 0xc000_020f, 0xc100_0000];
    let ip = |address: u32| IpAddr::V4(address.into());
    let pair =
        |src| ends.map(|dst| Packet::new(ip(src), ip(dst), PacketProtocol::Tcp, Some((50000, 443))).unwrap());
    ends.into_iter().flat_map(pair).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn routes_go_where_the_longest_prefix_says(a in table(), b in table()) {
        let (snapshot, symbols) = &*SAMPLE;
        let resolver = Resolver::new(snapshot, symbols);
        let [first, second] =
            [&a, &b].map(|table| RouteMap::system(&space()).with_table(table, &resolver).unwrap());
        let found = first.difference(&second);
        for address in addresses() {
            let ip = IpAddr::V4(address.into());
            let hops = (obvious_hop(&a, address), obvious_hop(&b, address));
            prop_assert_eq!((first.evaluate(ip).hop, second.evaluate(ip).hop), hops, "{}", ip);
            let holding: Vec<_> =
                found.iter().filter(|d| d.addresses.contains(ip)).map(|d| (d.first, d.second)).collect();
            let expected = if hops.0 == hops.1 { vec![] } else { vec![hops] };
            prop_assert_eq!(holding, expected, "{}", ip);
        }
    }

    #[test]
    fn firewalls_decide_as_their_rules_stand(a in firewall(), b in firewall()) {
        let (snapshot, symbols) = &*SAMPLE;
        let read = |resources: &Resources| {
            Firewall::read(resources, &mut Resolver::new(snapshot, symbols)).unwrap()
        };
        let (first, second) = (read(&a), read(&b));
        let found = first.difference(&second);
        // A name that only `*` covers, one for each pattern, and none.
        let names = [None, Some("a.example.com"), Some("b.example.net"), Some("a-name-that-nothing-else-names.example.com")];
        for packet in packets() {
            for name in names {
                let fates = (obvious_fate(&a, &packet, name), obvious_fate(&b, &packet, name));
                prop_assert_eq!((fate(&first, &packet, name), fate(&second, &packet, name)), fates.clone());
                let passes = |fate: &str| fate != "deny";
                let said = found.iter().any(|d| {
                    let own = match (&d.kind, name) {
                        (FirewallDifferenceKind::Address, None) => true,
                        (FirewallDifferenceKind::Host(HostKey::Host(host)), Some(name)) => host == name,
                        _ => false,
                    };
                    own && d.region.contains(&packet)
                });
                let asked = name.is_none() || [&a, &b].iter().any(|r| names_of(r).contains(&name.unwrap_or_default().to_owned()));
                if asked {
                    prop_assert_eq!(said, passes(&fates.0) != passes(&fates.1), "{} {:?}", packet, name);
                }
            }
            let translated = |fate: &str| fate.strip_prefix("to ").map(str::to_owned);
            let (one, other) = (obvious_fate(&a, &packet, None), obvious_fate(&b, &packet, None));
            let said = found.iter().any(|d| {
                matches!(d.kind, FirewallDifferenceKind::Translation(_)) && d.region.contains(&packet)
            });
            prop_assert_eq!(said, translated(&one) != translated(&other), "{}", packet);
        }
    }
}

/// The names for which a firewall is compared: exact ones, and one below each wildcard.
fn names_of(resources: &Resources) -> Vec<String> {
    let rules = resources.groups.iter().flat_map(|g| &g.collections).flat_map(|c| &c.rules);
    let patterns = rules.filter_map(|rule| match rule {
        FirewallRule::Application(rule) => Some(&rule.fqdns),
        _ => None,
    });
    patterns.flatten().map(|p| p.replacen('*', "a-name-that-nothing-else-names", 1)).collect()
}
