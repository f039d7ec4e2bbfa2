//! Long lists in several pieces, and names for the pieces that stay put.
//!
//! A piece is named by the first address block that it had when it was made. While an earlier generation is at
//! hand, a piece keeps its name as long as it holds the largest part of what it held.

use std::collections::{BTreeMap, BTreeSet};

use super::names::{chunk_part, name, within};
use crate::addr::{IpPrefix, roomy_chunks, stable_chunks};

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

/// Splits the IPv4 list `prefixes`, ascending, into pieces of at most `most` entries. `old` holds the pieces of
/// earlier lists by name, those of other lists too. With `fewest`, the pieces are as few as can be, even where that
/// moves entries from one to the next.
pub(super) fn pieces(
    parts: &[&str],
    prefixes: Vec<IpPrefix>,
    most: usize,
    old: &BTreeMap<String, Vec<IpPrefix>>,
    fewest: bool,
) -> Vec<Piece> {
    let base = within(&name(parts), BASE_MAX);
    let mark = format!("{base}{MARK}");
    let own: Vec<(&String, &Vec<IpPrefix>)> = old
        .iter()
        .filter(|(name, list)| (**name == base || name.starts_with(&mark)) && !list.is_empty())
        .collect();
    let most = most.max(1);
    let mut lists = split(&prefixes, most, &own);
    if fewest && lists.len() > prefixes.len().div_ceil(most) {
        lists = prefixes.chunks(most).map(<[IpPrefix]>::to_vec).collect();
    }
    let names = names(&base, &lists, &own);
    lists.into_iter().zip(names).map(|(prefixes, name)| Piece { name, prefixes }).collect()
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
