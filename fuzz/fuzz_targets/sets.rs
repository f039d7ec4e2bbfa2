//! Sets over the small universe against a plain table of 256 flags.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tagwall::addr::{Interval, IntervalSet};

type Table = [bool; 256];

fn build(bytes: &[u8]) -> (IntervalSet<u8>, Table) {
    let mut table = [false; 256];
    let mut intervals = Vec::new();
    for pair in bytes.chunks_exact(2) {
        let (first, last) = (pair[0].min(pair[1]), pair[0].max(pair[1]));
        intervals.extend(Interval::new(first, last));
        (first..=last).for_each(|a| table[usize::from(a)] = true);
    }
    (IntervalSet::from_intervals(intervals), table)
}

fn holds(set: &IntervalSet<u8>, expected: impl Fn(usize) -> bool) {
    for addr in 0..=u8::MAX {
        assert_eq!(set.contains(addr), expected(usize::from(addr)), "{addr}");
    }
    let again: IntervalSet<u8> = set.prefixes().collect();
    assert_eq!(&again, set, "the prefixes are the set");
}

fuzz_target!(|halves: (&[u8], &[u8])| {
    let ((a, x), (b, y)) = (build(halves.0), build(halves.1));
    holds(&a, |i| x[i]);
    holds(&a.union(&b), |i| x[i] || y[i]);
    holds(&a.intersection(&b), |i| x[i] && y[i]);
    holds(&a.difference(&b), |i| x[i] && !y[i]);
    holds(&a.symmetric_difference(&b), |i| x[i] != y[i]);
    holds(&a.complement(), |i| !x[i]);
});
