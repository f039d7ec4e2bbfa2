//! Large rule lists give the same result on any number of threads.

#[path = "../../benches/rules/synthetic.rs"]
mod synthetic;

use tagwall::addr::Count;
use tagwall::rules::{Comparison, compare, first_difference};

#[test]
fn the_number_of_threads_changes_nothing() {
    let (plain, cut) = synthetic::hard(150);
    let short = synthetic::without(&cut, 20);
    let on = |threads: usize| -> [Comparison; 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| [compare(&plain, &cut), compare(&plain, &short)])
    };
    let [same, differing] = on(1);
    assert!(same.is_equivalent());
    assert!(!differing.is_equivalent());
    assert_eq!(differing.examples, first_difference(&plain, &short));
    for threads in [2, 5] {
        assert_eq!(on(threads), [same.clone(), differing.clone()]);
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
