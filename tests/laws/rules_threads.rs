//! Large rule lists give the same result on any number of threads.

#[path = "../../benches/rules/synthetic.rs"]
mod synthetic;

use std::sync::Arc;

use tagwall::addr::{AddrSet, Count};
use tagwall::packet::{Ports, Protocol};
use tagwall::rules::{Access, Comparison, Rule, RuleList, compare, first_difference};

#[test]
fn the_number_of_threads_changes_nothing() {
    let (plain, cut) = synthetic::hard(150);
    let short = synthetic::without(&cut, 20);
    let on = |threads: usize| -> [Comparison; 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| [compare(&plain, &cut), compare(&plain, &short), compare(&short, &plain)])
    };
    let [same, differing, contrary] = on(1);
    assert!(same.is_equivalent());
    assert!(!differing.is_equivalent());
    assert_eq!(differing.examples, first_difference(&plain, &short));
    // The other way round, what was missing is too much.
    assert_eq!(contrary.a_deny_b_allow, differing.a_allow_b_deny);
    assert_eq!(contrary.a_allow_b_deny, differing.a_deny_b_allow);
    assert_eq!(contrary.examples.excess, differing.examples.missing);
    assert_eq!(contrary.examples.missing, differing.examples.excess);
    for threads in [2, 5] {
        assert_eq!(on(threads), [same.clone(), differing.clone(), contrary.clone()]);
    }
}

#[test]
fn a_cut_list_is_still_the_same_list() {
    let (wanted, written) = synthetic::subnet();
    assert!((36..=44).contains(&written.rules().len()));
    let prefixes: usize = written.rules().iter().map(|rule| rule.dst.prefixes().count()).sum();
    assert!((2900..3100).contains(&prefixes), "{prefixes}");
    assert!(first_difference(&wanted, &written).is_empty());
    for place in 0..written.rules().len() {
        let found = first_difference(&wanted, &synthetic::without(&written, place));
        let allows = written.rules()[place].access.is_allow();
        assert!(found.missing.is_none() || allows, "rule {place}");
        assert!(found.excess.is_none() || !allows, "rule {place}");
    }
    assert!(written.rules().iter().all(|rule| rule.dst.count() > Count::ZERO));
}

/// What differs in one class of services alone is found, wherever that class lies among those that threads share out.
#[test]
fn a_difference_in_one_class_of_services_is_found_on_any_number_of_threads() {
    let (plain, _) = synthetic::hard(150);
    let all = Arc::new(AddrSet::all());
    for (protocol, ports) in [
        (Protocol::Tcp, "0"),
        (Protocol::Tcp, "65535"),
        (Protocol::Udp, "0"),
        (Protocol::Udp, "65535"),
        (Protocol::Icmp, "*"),
        (Protocol::Esp, "*"),
        (Protocol::Ah, "*"),
    ] {
        let first = Rule {
            name: "first".to_owned(),
            priority: 1,
            access: Access::Allow,
            protocol,
            src: all.clone(),
            dst: all.clone(),
            sport: Ports::all(),
            dport: ports.parse().unwrap(),
        };
        let rules = std::iter::once(first).chain(plain.rules().iter().cloned()).collect();
        let open = RuleList::new(rules, plain.default_access()).unwrap();
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| (compare(&plain, &open), first_difference(&plain, &open)))
        };
        let (one, many) = (on(1), on(3));
        assert!(one.0.examples.excess.is_some() && one.0.examples.missing.is_none(), "{protocol} {ports}");
        assert_eq!(one, many, "{protocol} {ports}");
    }
}
