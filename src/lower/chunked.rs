//! Long lists in several pieces, and names for the pieces that stay put.
//!
//! A piece is named by the first address block that it had when it was made. While an earlier generation is at
//! hand, a piece keeps its name as long as it holds the largest part of what it held.

use std::collections::{BTreeMap, BTreeSet};

use super::names::{chunk_part, name, within};
use crate::addr::{IpPrefix, balanced_chunks, roomy_chunks, stable_chunks};

/// The most characters of what all pieces' names begin with: leaves room for the block.
const BASE_MAX: usize = 55;
/// Between what the names begin with and the block.
const MARK: &str = "-from-";

/// One piece of a list.
pub(super) struct Piece {
    /// Its name.
    pub(super) name: String,
    /// Its part of the list.
    pub(super) prefixes: Vec<IpPrefix>,
}

/// How long lists are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// So that a change of the list stays small.
    Steady,
    /// Where that takes more pieces than must be, into the fewest, of even sizes.
    Fewest,
}

/// The pieces of one list.
pub(super) struct Pieces {
    /// In order of the list.
    pub(super) list: Vec<Piece>,
    /// Whether they are slices of even size that the list alone would not have been cut into. This depends on the
    /// pieces only, so that it is still so where a later generation keeps them.
    pub(super) balanced: bool,
}

/// Splits the IPv4 list `prefixes`, ascending, into pieces of at most `most` entries. `old` holds the pieces of
/// earlier lists by name, those of other lists too.
pub(super) fn pieces(
    parts: &[&str],
    prefixes: Vec<IpPrefix>,
    most: usize,
    old: &BTreeMap<String, Vec<IpPrefix>>,
    cut: Cut,
) -> Pieces {
    let whole = name(parts);
    let base = within(&whole, BASE_MAX);
    let mark = format!("{base}{MARK}");
    let own: Vec<(&String, &Vec<IpPrefix>)> = old
        .iter()
        .filter(|(name, list)| (**name == base || name.starts_with(&mark)) && !list.is_empty())
        .collect();
    let most = most.max(1);
    let mut lists = split(&prefixes, most, &own);
    let even = balanced_chunks(&prefixes, most);
    if cut == Cut::Fewest && even.len() < lists.len() {
        lists = even.iter().map(|slice| slice.to_vec()).collect();
    }
    let balanced = lists.len() > 1 && lists == even && lists != roomy_chunks(&prefixes, most);
    let names = names(&base, &lists, &own);
    let list = lists.into_iter().zip(names).map(|(prefixes, name)| Piece { name, prefixes }).collect();
    Pieces { list, balanced }
}

/// Names for `lists`: that of the old piece with the most entries in common, each once, largest share first; else
/// by the first block.
fn names(base: &str, lists: &[Vec<IpPrefix>], own: &[(&String, &Vec<IpPrefix>)]) -> Vec<String> {
    let mut shares: Vec<(usize, usize, usize)> = Vec::new();
    for (new, list) in lists.iter().enumerate() {
        for (at, (_, before)) in own.iter().enumerate() {
            let share = common(list, before);
            if share > 0 {
                shares.push((share, new, at));
            }
        }
    }
    shares.sort_by_key(|&(share, new, at)| (std::cmp::Reverse(share), new, at));
    let mut names: Vec<Option<String>> = vec![None; lists.len()];
    let mut taken: BTreeSet<String> = BTreeSet::new();
    for (_, new, at) in shares {
        if names[new].is_none() && taken.insert(own[at].0.clone()) {
            names[new] = Some(own[at].0.clone());
        }
    }
    let alone = lists.len() == 1;
    let fresh = |list: &Vec<IpPrefix>, taken: &mut BTreeSet<String>| {
        let plain = if alone { base.to_owned() } else { format!("{base}-{}", chunk_part(list[0])) };
        let mut found = plain.clone();
        let mut number = 2;
        while !taken.insert(found.clone()) {
            found = format!("{plain}-{number}");
            number += 1;
        }
        found
    };
    lists.iter().zip(names).map(|(list, name)| name.unwrap_or_else(|| fresh(list, &mut taken))).collect()
}

/// How many prefixes two ascending lists have in common.
fn common(a: &[IpPrefix], b: &[IpPrefix]) -> usize {
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    let mut count = 0;
    while let (Some(x), Some(y)) = (a.peek(), b.peek()) {
        match x.cmp(y) {
            std::cmp::Ordering::Less => drop(a.next()),
            std::cmp::Ordering::Greater => drop(b.next()),
            std::cmp::Ordering::Equal => {
                count += 1;
                a.next();
                b.next();
            }
        }
    }
    count
}

/// Pieces whose borders stay where they were as far as can be; without old pieces, borders at natural gaps of the
/// address space with room to grow.
fn split(prefixes: &[IpPrefix], most: usize, own: &[(&String, &Vec<IpPrefix>)]) -> Vec<Vec<IpPrefix>> {
    let pieces = match own {
        _ if prefixes.is_empty() => return Vec::new(),
        _ if prefixes.len() <= most => return vec![prefixes.to_vec()],
        [] => roomy_chunks(prefixes, most),
        own => {
            let mut old: Vec<&[IpPrefix]> = own.iter().map(|(_, list)| list.as_slice()).collect();
            old.sort_by_key(|list| list.first().copied());
            stable_chunks(prefixes, most, &old)
        }
    };
    pieces.into_iter().map(<[IpPrefix]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Addresses that no two of make one prefix.
    fn list(numbers: std::ops::Range<u8>) -> Vec<IpPrefix> {
        numbers.map(|n| format!("198.51.100.{}/32", 2 * n).parse().expect("a prefix")).collect()
    }

    #[test]
    fn the_name_of_an_old_piece_goes_to_the_one_that_has_most_of_it() {
        let old = BTreeMap::from([("sql".to_owned(), list(0..10))]);
        let names = |numbers: std::ops::Range<u8>, old: &BTreeMap<String, Vec<IpPrefix>>| -> Vec<String> {
            let made = pieces(&["sql"], list(numbers.clone()), 6, old, Cut::Steady);
            assert_eq!(
                made.list.iter().flat_map(|piece| piece.prefixes.clone()).collect::<Vec<_>>(),
                list(numbers)
            );
            made.list.into_iter().map(|piece| piece.name).collect()
        };
        let split = names(0..10, &old);
        assert!(split.len() == 2 && split[0] != split[1], "{split:?}");
        assert_eq!(split.iter().filter(|name| *name == "sql").count(), 1, "{split:?}");
        // A name that is taken is given no other piece, also where the old one has nothing in common with any.
        let old = BTreeMap::from([("sql".to_owned(), list(50..52)), ("mysql".to_owned(), list(0..10))]);
        let fresh = names(0..10, &old);
        assert!(fresh.iter().all(|name| name.starts_with("sql-")) && fresh[0] != fresh[1], "{fresh:?}");
        // One piece of two old ones is called as that of which it has most.
        let first = "sql-from-198.51.100.0_32".to_owned();
        for (most, least) in [("sql".to_owned(), first.clone()), (first.clone(), "sql".to_owned())] {
            let old = BTreeMap::from([(most.clone(), list(0..4)), (least, list(4..6))]);
            assert_eq!(names(0..6, &old), [most]);
        }
        // A fresh name that an old piece has, now that of what lies behind, is numbered.
        let old = BTreeMap::from([(first.clone(), list(5..10))]);
        assert_eq!(names(0..10, &old), [format!("{first}-2"), first]);
    }
}
