//! Rule lists against an obvious twin: every packet of a small universe, one by one.

use std::net::IpAddr;
use std::sync::Arc;

use num_bigint::BigUint;
use proptest::prelude::*;
use tagwall::addr::{AddrSet, Address, Interval, IntervalSet};
use tagwall::packet::{Ports, Protocol};
use tagwall::rules::{
    Access, Analysis, Packet, PacketProtocol, Rule, RuleList, analyze, compare, differences, first_difference,
};

/// All generated sets tell apart only the values 0 to 3, the highest value, and everything between, for which 4
/// stands.
const VALUES: usize = 6;

/// The `VALUES` representatives of one dimension, each with the number of values that it stands for.
fn representatives<A: Address>() -> Vec<(A, BigUint)> {
    let value = |n: u128| A::from_u128(n).unwrap();
    let between = BigUint::from(A::MAX.to_u128()) - 4_u8;
    let mut all: Vec<_> = (0..4).map(|n| (value(n), BigUint::from(1_u8))).collect();
    all.extend([(value(4), between), (A::MAX, BigUint::from(1_u8))]);
    all
}

/// The set of which `mask` says what representatives it holds.
fn set<A: Address>(mask: u8) -> IntervalSet<A> {
    let between = A::MAX.pred().unwrap();
    let list = representatives::<A>().into_iter().enumerate().filter(|(bit, _)| mask >> bit & 1 != 0);
    let interval = |(bit, (first, _))| Interval::new(first, if bit == 4 { between } else { first }).unwrap();
    IntervalSet::from_intervals(list.map(interval).collect())
}

/// Every packet of the universe, with the number of packets that it stands for.
fn universe() -> Vec<(Packet, BigUint)> {
    let v4: Vec<(IpAddr, BigUint)> =
        representatives::<u32>().into_iter().map(|(a, n)| (IpAddr::V4(a.into()), n)).collect();
    let v6: Vec<(IpAddr, BigUint)> =
        representatives::<u128>().into_iter().map(|(a, n)| (IpAddr::V6(a.into()), n)).collect();
    let ports = representatives::<u16>();
    let mut all = Vec::new();
    for family in [v4, v6] {
        for ((src, src_size), (dst, dst_size)) in pairs(&family) {
            for protocol in PacketProtocol::ALL {
                let size = &src_size * &dst_size;
                if !protocol.has_ports() {
                    all.push((Packet::new(src, dst, protocol, None).unwrap(), size));
                    continue;
                }
                for ((sport, sports), (dport, dports)) in pairs(&ports) {
                    let packet = Packet::new(src, dst, protocol, Some((sport, dport))).unwrap();
                    all.push((packet, &size * sports * dports));
                }
            }
        }
    }
    all
}

fn pairs<T: Clone>(list: &[T]) -> Vec<(T, T)> {
    list.iter().flat_map(|a| list.iter().map(move |b| (a.clone(), b.clone()))).collect()
}

/// A mask in which everything is likely: five dimensions must agree before two rules meet at all.
fn mask() -> impl Strategy<Value = u8> {
    let all = (1 << VALUES) - 1;
    prop_oneof![6 => Just(all), 3 => 0..=all, 1 => (0..VALUES).prop_map(|bit| 1 << bit)]
}

fn access() -> impl Strategy<Value = Access> {
    prop_oneof![Just(Access::Allow), Just(Access::Deny)]
}

fn rule() -> impl Strategy<Value = Rule> {
    let protocol = prop_oneof![2 => Just(Protocol::Any), 3 => prop::sample::select(Protocol::ALL.to_vec())];
    let masks = ((mask(), mask()), (mask(), mask()), mask(), mask());
    (access(), protocol, masks).prop_map(|(access, protocol, (src, dst, sport, dport))| {
        let addresses = |(v4, v6)| Arc::new(AddrSet { v4: set(v4), v6: set(v6) });
        Rule {
            name: String::new(),
            priority: 0,
            access,
            protocol,
            src: addresses(src),
            dst: addresses(dst),
            sport: Ports::new(set(sport)),
            dport: Ports::new(set(dport)),
        }
    })
}

fn list(mut rules: Vec<Rule>, default: Access) -> RuleList {
    for (place, rule) in rules.iter_mut().enumerate() {
        rule.priority = 100 + place as u32;
        rule.name = format!("r{place}");
    }
    RuleList::new(rules, default).unwrap()
}

fn rule_list() -> impl Strategy<Value = RuleList> {
    (prop::collection::vec(rule(), 0..7), access()).prop_map(|(rules, default)| list(rules, default))
}

/// Whether `rule` takes `packet`, by the definition.
fn takes(rule: &Rule, packet: &Packet) -> bool {
    let holds = |set: &AddrSet, addr: IpAddr| match addr {
        IpAddr::V4(a) => set.v4.intervals().iter().any(|i| i.contains(a.into())),
        IpAddr::V6(a) => set.v6.intervals().iter().any(|i| i.contains(a.into())),
    };
    let port = |ports: &Ports, port: Option<u16>| match port {
        Some(port) => ports.set().intervals().iter().any(|i| i.contains(port)),
        None => ports.set().intervals() == [Interval::all()],
    };
    let protocol = match rule.protocol {
        Protocol::Any => true,
        named => named.name() == packet.protocol().name(),
    };
    protocol
        && holds(&rule.src, packet.src())
        && holds(&rule.dst, packet.dst())
        && port(&rule.sport, packet.sport())
        && port(&rule.dport, packet.dport())
}

/// For each packet of the universe, which rules take it.
type Table = Vec<Vec<bool>>;

fn table(list: &RuleList, universe: &[(Packet, BigUint)]) -> Table {
    universe.iter().map(|(packet, _)| list.rules().iter().map(|rule| takes(rule, packet)).collect()).collect()
}

/// The decision for each packet if only the rules `kept` are there.
fn decisions(list: &RuleList, table: &Table, kept: &[bool]) -> Vec<Access> {
    let first = |row: &Vec<bool>| (0..kept.len()).find(|&rule| kept[rule] && row[rule]);
    table
        .iter()
        .map(|row| first(row).map_or(list.default_access(), |rule| list.rules()[rule].access))
        .collect()
}

/// The analysis, word for word as it is defined.
fn obvious_analysis(list: &RuleList, table: &Table) -> Analysis {
    let count = list.rules().len();
    let packets = |rule: usize| (0..table.len()).filter(move |&p| table[p][rule]);
    let matching = |rule: usize| packets(rule).next().is_some();
    let inside = |a: usize, b: usize| packets(a).all(|p| table[p][b]);
    let meet = |a: usize, b: usize| packets(a).any(|p| table[p][b]);
    let contrary = |a: usize, b: usize| list.rules()[a].access != list.rules()[b].access;
    let earlier = (0..count).flat_map(|rule| (0..rule).map(move |other| (rule, other)));
    let earlier: Vec<_> = earlier.filter(|&(a, b)| matching(a) && matching(b)).collect();
    let those = |test: &dyn Fn(usize, usize) -> bool| -> Vec<(usize, usize)> {
        earlier.iter().copied().filter(|&(rule, other)| test(rule, other)).collect()
    };
    let whole = decisions(list, table, &vec![true; count]);
    let redundant = |rule: usize| {
        let kept: Vec<bool> = (0..count).map(|other| other != rule).collect();
        decisions(list, table, &kept) == whole
    };
    let mut kept = vec![true; count];
    for rule in (0..count).rev() {
        kept[rule] = false;
        kept[rule] = decisions(list, table, &kept) != whole;
    }
    Analysis {
        never_matches: (0..count).filter(|&rule| !matching(rule)).collect(),
        shadowed: (0..count)
            .filter(|&rule| matching(rule) && packets(rule).all(|p| table[p][..rule].contains(&true)))
            .collect(),
        shadowed_by_one: those(&inside),
        generalizes: those(&|a, b| contrary(a, b) && inside(b, a) && !inside(a, b)),
        correlated: those(&|a, b| contrary(a, b) && meet(a, b) && !inside(a, b) && !inside(b, a)),
        redundant: (0..count).filter(|&rule| redundant(rule)).collect(),
        irredundant: (0..count).filter(|&rule| kept[rule]).collect(),
    }
}

fn check_comparison(a: &RuleList, b: &RuleList) -> Result<(), TestCaseError> {
    let universe = universe();
    let all = |list: &RuleList| decisions(list, &table(list, &universe), &vec![true; list.rules().len()]);
    let (by_a, by_b) = (all(a), all(b));
    let count = |in_a: Access, in_b: Access| -> BigUint {
        let differing = (0..universe.len()).filter(|&p| by_a[p] == in_a && by_b[p] == in_b);
        differing.map(|p| universe[p].1.clone()).sum()
    };
    let found = compare(a, b);
    prop_assert_eq!(&found.a_allow_b_deny, &count(Access::Allow, Access::Deny));
    prop_assert_eq!(&found.a_deny_b_allow, &count(Access::Deny, Access::Allow));
    prop_assert_eq!(found.is_equivalent(), by_a == by_b);
    prop_assert_eq!(found.examples, first_difference(a, b));
    for (example, number, decision) in [
        (found.examples.missing, &found.a_allow_b_deny, (Access::Allow, Access::Deny)),
        (found.examples.excess, &found.a_deny_b_allow, (Access::Deny, Access::Allow)),
    ] {
        prop_assert_eq!(example.is_some(), *number != BigUint::ZERO);
        if let Some(packet) = example {
            prop_assert_eq!((a.evaluate(&packet).access, b.evaluate(&packet).access), decision);
        }
    }
    let back = compare(b, a);
    prop_assert_eq!((back.a_allow_b_deny, back.a_deny_b_allow), (found.a_deny_b_allow, found.a_allow_b_deny));
    Ok(())
}

/// Every packet that the lists decide differently is in exactly one region, and no other packet is in any.
fn check_regions(a: &RuleList, b: &RuleList) -> Result<(), TestCaseError> {
    let regions = differences(a, b);
    for (packet, _) in universe() {
        let holding: Vec<_> = regions.iter().filter(|region| region.contains(&packet)).collect();
        let (first, second) = (a.evaluate(&packet).access, b.evaluate(&packet).access);
        prop_assert_eq!(holding.len(), usize::from(first != second), "{}", packet);
        prop_assert!(holding.iter().all(|region| region.first == first), "{}", packet);
    }
    for region in &regions {
        prop_assert!(region.contains(&region.packet), "{}", region.packet);
        prop_assert!(a.evaluate(&region.packet).access != b.evaluate(&region.packet).access);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn decisions_are_the_first_match(list in rule_list()) {
        for (packet, _) in universe() {
            let expected = list.rules().iter().find(|rule| takes(rule, &packet));
            let decision = list.evaluate(&packet);
            prop_assert_eq!(decision.rule.map(|rule| rule.priority), expected.map(|rule| rule.priority));
            prop_assert_eq!(decision.access, expected.map_or(list.default_access(), |rule| rule.access));
        }
    }

    #[test]
    fn unrelated_lists_compare_as_packet_by_packet(a in rule_list(), b in rule_list()) {
        check_comparison(&a, &b)?;
        check_regions(&a, &b)?;
    }

    #[test]
    fn a_list_compares_with_itself_changed_a_little(
        a in rule_list(),
        at in any::<prop::sample::Index>(),
        other in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let mut rules = a.rules().to_vec();
        if !rules.is_empty() {
            let (at, other) = (at.index(rules.len()), other.index(rules.len()));
            if cut { drop(rules.remove(at)) } else { rules.swap(at, other) }
        }
        let changed = list(rules, a.default_access());
        check_comparison(&a, &changed)?;
        check_regions(&a, &changed)?;
    }

    #[test]
    fn analyses_follow_the_definitions(list in rule_list()) {
        let found = analyze(&list);
        prop_assert_eq!(&found, &obvious_analysis(&list, &table(&list, &universe())));
        let rest: Vec<Rule> = found.irredundant.iter().map(|&rule| list.rules()[rule].clone()).collect();
        let rest = RuleList::new(rest, list.default_access()).unwrap();
        prop_assert!(first_difference(&list, &rest).is_empty());
        prop_assert!(analyze(&rest).redundant.is_empty());
    }
}

/// A rule named `name` for every packet.
fn everything(name: &str, priority: u32, access: Access) -> Rule {
    let all = Arc::new(AddrSet::all());
    Rule {
        name: name.to_owned(),
        priority,
        access,
        protocol: Protocol::Any,
        src: all.clone(),
        dst: all,
        sport: Ports::all(),
        dport: Ports::all(),
    }
}

#[test]
fn a_removed_rule_no_longer_keeps_an_earlier_one() {
    // The second rule is never reached, so it goes; then the first only repeats the default.
    let rules = vec![everything("x", 100, Access::Allow), everything("y", 110, Access::Deny)];
    let found = analyze(&RuleList::new(rules, Access::Allow).unwrap());
    assert_eq!(found.redundant, [1]);
    assert!(found.irredundant.is_empty());
}

#[test]
fn a_shared_priority_is_refused() {
    let rule = |name, priority| everything(name, priority, Access::Allow);
    let rules = vec![rule("x", 200), rule("y", 100), rule("z", 200)];
    let error = RuleList::new(rules, Access::Deny).unwrap_err();
    assert_eq!((error.priority, error.first.as_str(), error.second.as_str()), (200, "x", "z"));
    assert!(error.to_string().contains("`x` and `z` share priority 200"));
}
