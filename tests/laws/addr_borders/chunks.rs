//! Lists in pieces.

use std::collections::BTreeSet;

use tagwall::addr::{IpPrefix, balanced_chunks, roomy_chunks, stable_chunks};

use super::{Numbers, p};

/// The best way to cut, by trying all: the last border as low as can be, then the one before it.
fn cut_slowly(list: &[IpPrefix], limit: usize, old: &[Vec<IpPrefix>]) -> Vec<Vec<IpPrefix>> {
    let begins: BTreeSet<IpPrefix> = old.iter().filter_map(|chunk| chunk.first().copied()).collect();
    let ways = (0..1_u32 << (list.len() - 1)).filter_map(|way| {
        let mut borders: Vec<usize> = (1..list.len()).filter(|at| way >> (at - 1) & 1 == 1).collect();
        borders.insert(0, 0);
        borders.push(list.len());
        let chunks: Vec<&[IpPrefix]> = borders.windows(2).map(|b| &list[b[0]..b[1]]).collect();
        if chunks.iter().any(|chunk| chunk.len() > limit) {
            return None;
        }
        let new: Vec<_> = chunks.iter().filter(|chunk| !old.iter().any(|old| old == *chunk)).collect();
        let names = chunks.iter().filter(|chunk| !begins.contains(&chunk[0])).count();
        let uneven: usize = new.iter().map(|chunk| chunk.len().pow(2)).sum();
        let price = (new.len(), chunks.len(), names, uneven);
        borders.reverse();
        Some((price, borders, chunks.iter().map(|chunk| chunk.to_vec()).collect::<Vec<_>>()))
    });
    ways.min_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1))).unwrap().2
}

#[test]
fn of_all_ways_to_cut_the_best_is_taken() {
    let mut numbers = Numbers(5);
    let host = |n: u64| p(&format!("20.0.{}.{}", n / 8, n % 8));
    for _ in 0..1500 {
        let limit = 2 + numbers.below(6) as usize;
        let mut draw =
            |of: u64, keep: u64| -> Vec<u64> { (0..of).filter(|_| numbers.below(10) < keep).collect() };
        let (before, kept, added) = (draw(14, 7), draw(14, 8), draw(14, 2));
        let list: Vec<IpPrefix> = (0..14)
            .filter(|n| before.contains(n) && kept.contains(n) || added.contains(n))
            .take(11)
            .map(host)
            .collect();
        let before: Vec<IpPrefix> = before.into_iter().map(host).collect();
        let mut old: Vec<Vec<IpPrefix>> = Vec::new();
        let mut rest = before.as_slice();
        while !rest.is_empty() {
            let (chunk, behind) = rest.split_at((1 + numbers.below(limit as u64) as usize).min(rest.len()));
            old.push(chunk.to_vec());
            rest = behind;
        }
        if list.is_empty() || old.is_empty() {
            continue;
        }
        let found: Vec<Vec<IpPrefix>> =
            stable_chunks(&list, limit, &old).iter().map(|c| c.to_vec()).collect();
        let best = cut_slowly(&list, limit, &old);
        if best.len() <= 2 * list.len().div_ceil(limit) + 1 {
            assert_eq!(found, best, "{list:?} by {limit}, before {old:?}");
        }
    }
}

#[test]
fn leavings_are_joined_only_as_far_as_they_are_too_many() {
    let list: Vec<IpPrefix> = (0..12).map(|n| p(&format!("20.0.0.{}", 2 * n))).collect();
    let old: Vec<Vec<IpPrefix>> = list.iter().map(|&prefix| vec![prefix]).collect();
    let sizes: Vec<usize> = stable_chunks(&list, 3, &old).iter().map(|chunk| chunk.len()).collect();
    assert_eq!(sizes, [3, 2, 1, 1, 1, 1, 1, 1, 1]);
}

#[test]
fn chunks_at_their_borders() {
    let list: Vec<IpPrefix> = (0..40).map(|n| p(&format!("20.0.{}.0/24", 2 * n))).collect();
    assert_eq!(stable_chunks(&list, 10, &[] as &[Vec<IpPrefix>]), roomy_chunks(&list, 10));
    assert_eq!(stable_chunks(&list, 10, &[Vec::<IpPrefix>::new()]), roomy_chunks(&list, 10));
    let none: Vec<&[IpPrefix]> = Vec::new();
    assert_eq!(
        (balanced_chunks(&[], 0), stable_chunks(&[], 0, &[list]), roomy_chunks(&[], 0)),
        (none.clone(), none.clone(), none)
    );
    // Eleven and nine of two networks: cut between them, in either family.
    for base in [["20.0.", "21.0."], ["2603:10:", "2604:20:"]] {
        let text = |at: usize| match (base[(at >= 11) as usize], at) {
            (base, at) if base.ends_with('.') => format!("{base}{}.0/24", 2 * at),
            (base, at) => format!("{base}{}::/48", 2 * at),
        };
        let mut list: Vec<IpPrefix> = (0..20).map(|at| p(&text(at))).collect();
        list.sort();
        let sizes: Vec<usize> = roomy_chunks(&list, 12).iter().map(|chunk| chunk.len()).collect();
        assert_eq!(sizes, [11, 9], "{}", base[0]);
    }
}
