//! [`partition`]: the header space, cut by what decides in several lists of rules at once.

use std::collections::BTreeMap;

use super::bits::{filled, is_zero, overlaps};
use super::cells::{Bits, Boxed, Rows, Space};
use super::grid::{Family, Grid};
use super::list::Rule;
use super::packet::Packet;
use super::service::{ServiceBox, contain};
use crate::addr::AddrSet;

/// Rules in the order in which they are tried. Some only *may* take the packets that they match: whether they do hangs
/// on what no packet shows, such as a host name. Priorities are not looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chain {
    rules: Vec<Rule>,
    maybe: Vec<bool>,
}

/// What decides about a packet in one [`Chain`]: numbers of rules.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decided {
    /// Rules that match and may take it, in order, before one that does.
    pub maybe: Vec<usize>,
    /// The first rule that takes it for certain; `None` where no rule does.
    pub rule: Option<usize>,
}

impl Chain {
    /// A chain without rules.
    pub(crate) const fn none() -> Self {
        Chain { rules: Vec::new(), maybe: Vec::new() }
    }

    /// Adds a rule at the end that takes every packet which it matches.
    pub fn push(&mut self, rule: Rule) {
        self.rules.push(rule);
        self.maybe.push(false);
    }

    /// Adds a rule at the end that may or may not take the packets which it matches.
    pub fn push_maybe(&mut self, rule: Rule) {
        self.rules.push(rule);
        self.maybe.push(true);
    }

    /// The rules in order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// What decides about one packet. Looks at the rules one after another.
    pub fn decide(&self, packet: &Packet) -> Decided {
        let mut decided = Decided::default();
        for (number, _) in self.rules.iter().enumerate().filter(|(_, rule)| rule.matches(packet)) {
            if !self.maybe[number] {
                decided.rule = Some(number);
                break;
            }
            decided.maybe.push(number);
        }
        decided
    }
}

/// Packets that are decided alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part<K> {
    /// How they are decided.
    pub key: K,
    /// Source addresses, all of one family.
    pub sources: AddrSet,
    /// Destination addresses, of the same family.
    pub destinations: AddrSet,
    /// Protocols with their ports; no two hold one packet.
    pub services: Vec<ServiceBox>,
    /// The packet with the lowest addresses of the first service.
    pub packet: Packet,
}

impl<K> Part<K> {
    /// Whether `packet` is one of them.
    pub fn contains(&self, packet: &Packet) -> bool {
        self.sources.contains(packet.src())
            && self.destinations.contains(packet.dst())
            && contain(&self.services, packet)
    }
}

/// Cuts the header space by what decides in all of `chains` together. Every packet is in one part, or in none if `key`
/// has none for it; parts of one key are joined into few.
///
/// `class` says of a chain (by number) and what decides there what of it matters; `key` makes of these classes, one of
/// each chain, how the packet is decided.
///
/// # Cost
/// That of [`compare`](super::compare), times the classes of the chains that meet in a row of cells. It pays to have
/// few classes.
///
/// ```
/// use std::sync::Arc;
/// use tagwall::addr::{AddrSet, IpPrefix};
/// use tagwall::packet::{Ports, Protocol};
/// use tagwall::rules::{Access, Chain, Rule, partition};
/// let allow = |dst: &str| Rule {
///     name: dst.to_owned(),
///     priority: 0,
///     access: Access::Allow,
///     protocol: Protocol::Any,
///     src: Arc::new(AddrSet::all()),
///     dst: Arc::new(dst.parse::<IpPrefix>().unwrap().into()),
///     sport: Ports::all(),
///     dport: Ports::all(),
/// };
/// let (mut group, mut firewall) = (Chain::default(), Chain::default());
/// group.push(allow("192.0.2.0/24"));
/// firewall.push(allow("192.0.2.0/25"));
/// // What passes both; the rest is in no part.
/// let passes = |taken: &[bool]| taken.iter().all(|taken| *taken).then_some("passes");
/// let parts = partition(&[&group, &firewall], |_, decided| decided.rule.is_some(), passes);
/// assert_eq!(parts.len(), 1);
/// assert_eq!(parts[0].destinations.prefixes().next().unwrap().to_string(), "192.0.2.0/25");
/// ```
pub fn partition<L: Ord + Clone, K: Ord + Clone>(
    chains: &[&Chain],
    class: impl Fn(usize, &Decided) -> L,
    key: impl Fn(&[L]) -> Option<K>,
) -> Vec<Part<K>> {
    let rules: Vec<&Rule> = chains.iter().flat_map(|chain| &chain.rules).collect();
    let maybe = chains.iter().flat_map(|chain| chain.maybe.iter().copied()).collect();
    let ends = chains.iter().scan(0, |end, chain| {
        *end += chain.rules.len();
        Some(*end)
    });
    let rows = Several { ends: ends.collect(), maybe, class, key, classes: std::marker::PhantomData };
    let part = |found: Boxed<K>| Part {
        key: found.key,
        sources: found.sources,
        destinations: found.destinations,
        services: found.services,
        packet: found.packet,
    };
    Space::of(&rules).boxes(&rows).into_iter().map(part).collect()
}

/// Several chains, whose rules follow each other in the grid.
struct Several<C, F, L> {
    /// For each chain, the number of the rule after its last.
    ends: Vec<usize>,
    maybe: Vec<bool>,
    class: C,
    key: F,
    classes: std::marker::PhantomData<L>,
}

impl<L: Ord + Clone, K: Ord + Clone, C, F> Rows<K> for Several<C, F, L>
where
    C: Fn(usize, &Decided) -> L,
    F: Fn(&[L]) -> Option<K>,
{
    fn row<A: Family>(&self, grid: &Grid<A>, active: &[usize]) -> Vec<(K, Bits)> {
        let mut pieces: Vec<(Vec<L>, Bits)> = vec![(Vec::new(), filled(grid.inner().classes.len()))];
        let mut left = active;
        for chain in 0..self.ends.len() {
            let (own, after) =
                left.split_at(left.partition_point(|&rule| grid.rules[rule] < self.ends[chain]));
            left = after;
            pieces = product(&pieces, &self.classes_of(grid, own, chain));
        }
        let mut keyed: BTreeMap<K, Bits> = BTreeMap::new();
        for (classes, bits) in pieces {
            if let Some(key) = (self.key)(&classes) {
                add(keyed.entry(key), bits);
            }
        }
        keyed.into_iter().collect()
    }
}

impl<L: Ord + Clone, C: Fn(usize, &Decided) -> L, F> Several<C, F, L> {
    /// The inner classes by what matters of what decides in one chain, whose active rules are `own`.
    fn classes_of<A: Family>(&self, grid: &Grid<A>, own: &[usize], chain: usize) -> BTreeMap<L, Bits> {
        let begin = if chain == 0 { 0 } else { self.ends[chain - 1] };
        let mut left = filled(grid.inner().classes.len());
        let mut open: Vec<(usize, Bits)> = Vec::new();
        let mut found = BTreeMap::new();
        let mut take = |rule: Option<usize>, taken: Bits, open: &[(usize, Bits)]| {
            for (maybe, bits) in split(taken, open) {
                add(found.entry((self.class)(chain, &Decided { maybe, rule })), bits);
            }
        };
        for &active in own {
            let taken: Bits = left.iter().zip(grid.inner().row(active)).map(|(a, b)| a & b).collect();
            if is_zero(&taken) {
                continue;
            }
            let rule = grid.rules[active];
            if self.maybe[rule] {
                open.push((rule - begin, taken));
                continue;
            }
            left.iter_mut().zip(&taken).for_each(|(word, taken)| *word &= !taken);
            take(Some(rule - begin), taken, &open);
        }
        if !is_zero(&left) {
            take(None, left, &open);
        }
        found
    }
}

/// Cuts `bits` by the sets of `open`: for each piece, the numbers whose sets hold it.
fn split(bits: Bits, open: &[(usize, Bits)]) -> Vec<(Vec<usize>, Bits)> {
    let mut pieces = vec![(Vec::new(), bits)];
    for (number, set) in open {
        let mut cut = Vec::with_capacity(pieces.len());
        for (numbers, bits) in pieces {
            let both = |keep: bool| -> Bits {
                bits.iter().zip(set).map(|(a, b)| if keep { a & b } else { a & !b }).collect()
            };
            let (inside, outside) = (both(true), both(false));
            if !is_zero(&inside) {
                cut.push(([numbers.as_slice(), &[*number]].concat(), inside));
            }
            if !is_zero(&outside) {
                cut.push((numbers, outside));
            }
        }
        pieces = cut;
    }
    pieces
}

fn product<L: Clone>(pieces: &[(Vec<L>, Bits)], classes: &BTreeMap<L, Bits>) -> Vec<(Vec<L>, Bits)> {
    let mut all = Vec::new();
    for (known, bits) in pieces {
        for (class, own) in classes.iter().filter(|(_, own)| overlaps(bits, own)) {
            let both = bits.iter().zip(own).map(|(a, b)| a & b).collect();
            all.push(([known.as_slice(), std::slice::from_ref(class)].concat(), both));
        }
    }
    all
}

fn add<K: Ord>(entry: std::collections::btree_map::Entry<'_, K, Bits>, bits: Bits) {
    use std::collections::btree_map::Entry;
    match entry {
        Entry::Vacant(entry) => {
            entry.insert(bits);
        }
        Entry::Occupied(mut entry) => entry.get_mut().iter_mut().zip(bits).for_each(|(a, b)| *a |= b),
    }
}
