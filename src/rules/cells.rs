//! Cells of a grid that are alike, joined into few boxes.

use std::collections::BTreeMap;

use super::bits::ones;
use super::classes::sets_of_classes;
use super::grid::{Dimension, Family, Grid};
use super::hash::FastMap;
use super::list::Rule;
use super::packet::Packet;
use super::service::{ServiceBox, Services};
use crate::addr::{AddrSet, IntervalSet};

/// A set of classes as words of bits.
pub(super) type Bits = Vec<u64>;

/// Decides rows of cells: all inner classes under one service class and outer class.
pub(super) trait Rows<K> {
    /// Disjoint sets of inner classes, each with its key, where exactly the rules `active` of the grid take packets.
    fn row<A: Family>(&self, grid: &Grid<A>, active: &[usize]) -> Vec<(K, Bits)>;
}

/// Packets of one key: from any of the sources to any of the destinations by any of the services.
pub(super) struct Boxed<K> {
    pub(super) key: K,
    pub(super) sources: AddrSet,
    pub(super) destinations: AddrSet,
    pub(super) services: Vec<ServiceBox>,
    /// The packet with the lowest addresses of the first service.
    pub(super) packet: Packet,
}

/// Rules, and the services that they cut protocols and ports into.
pub(super) struct Space<'a> {
    rules: &'a [&'a Rule],
    services: Services,
}

/// Cells of one key: outer classes, inner classes, service classes.
struct Cells<K> {
    key: K,
    outers: Bits,
    inners: Bits,
    services: Bits,
}

impl<'a> Space<'a> {
    pub(super) fn of(rules: &'a [&'a Rule]) -> Self {
        Space { rules, services: Services::of(rules) }
    }

    /// All packets that `rows` gives a key, IPv4 before IPv6.
    ///
    /// Cells of one key are joined first along one address side, then along services, then along the other side. That
    /// is few boxes, not always the fewest.
    pub(super) fn boxes<K: Ord + Clone>(&self, rows: &impl Rows<K>) -> Vec<Boxed<K>> {
        let mut found = Vec::new();
        self.family::<u32, K>(rows, &mut found);
        self.family::<u128, K>(rows, &mut found);
        found
    }

    fn family<A: Family, K: Ord + Clone>(&self, rows: &impl Rows<K>, found: &mut Vec<Boxed<K>>) {
        let grid: Grid<A> = Grid::of(self.rules, &self.services);
        let cells = self.cells(&grid, rows);
        if cells.is_empty() {
            return;
        }
        let boxes = self.services.boxes(self.rules);
        let outer = addresses(grid.outer(), self.rules, &grid, !grid.inner_is_dst());
        let inner = addresses(grid.inner(), self.rules, &grid, grid.inner_is_dst());
        found.extend(cells.into_iter().map(|Cells { key, outers, inners, services }| {
            let (low_outer, low_inner) = (lowest(&outers), lowest(&inners));
            let packet = grid.packet(self.services.example[lowest(&services)], low_outer, low_inner);
            let (outers, inners) = (union(&outer, &outers), union(&inner, &inners));
            let (sources, destinations) =
                if grid.inner_is_dst() { (outers, inners) } else { (inners, outers) };
            let services = ones(services.iter().copied()).flat_map(|class| boxes[class].iter().cloned());
            Boxed {
                key,
                sources: A::only(sources),
                destinations: A::only(destinations),
                services: merged(services.collect()),
                packet,
            }
        }));
    }

    /// All cells with a key, joined.
    fn cells<A: Family, K: Ord + Clone>(&self, grid: &Grid<A>, rows: &impl Rows<K>) -> Vec<Cells<K>> {
        let words = self.services.len().div_ceil(64);
        let outer_words = grid.outer().classes.len().div_ceil(64);
        let mut by_outer: BTreeMap<(K, Bits, usize), Bits> = BTreeMap::new();
        let mut known: FastMap<Vec<usize>, Vec<(K, Bits)>> = FastMap::default();
        for service in 0..self.services.len() {
            for outer in 0..grid.outer().classes.len() {
                let active: Vec<usize> = grid.active(service, outer).collect();
                let row = known.entry(active).or_insert_with_key(|active| rows.row(grid, active));
                for (key, inner) in row.iter().filter(|(_, inner)| inner.iter().any(|&word| word != 0)) {
                    let outers = by_outer.entry((key.clone(), inner.clone(), service)).or_default();
                    set(outers, outer_words, outer);
                }
            }
        }
        let mut by_service: BTreeMap<(K, Bits, Bits), Bits> = BTreeMap::new();
        for ((key, inner, service), outers) in by_outer {
            set(by_service.entry((key, outers, inner)).or_default(), words, service);
        }
        let mut by_inner: BTreeMap<(K, Bits, Bits), Bits> = BTreeMap::new();
        for ((key, outers, inner), services) in by_service {
            let all = by_inner.entry((key, services, outers)).or_insert_with(|| vec![0; inner.len()]);
            all.iter_mut().zip(&inner).for_each(|(word, more)| *word |= more);
        }
        let cells = by_inner.into_iter();
        cells.map(|((key, services, outers), inners)| Cells { key, outers, inners, services }).collect()
    }
}

/// The addresses of each class of a side.
fn addresses<A: Family>(
    side: &Dimension<A>,
    rules: &[&Rule],
    grid: &Grid<A>,
    is_dst: bool,
) -> Vec<IntervalSet<A>> {
    let mut sets: Vec<Option<&IntervalSet<A>>> = vec![None; side.rows.len()];
    for (at, &set) in side.set_of.iter().enumerate() {
        let rule = rules[grid.rules[at]];
        sets[set as usize] = Some(A::part(if is_dst { &rule.dst } else { &rule.src }));
    }
    let sets: Vec<&IntervalSet<A>> = sets.into_iter().flatten().collect();
    sets_of_classes(&side.classes, &sets)
}

fn union<A: Family>(of_class: &[IntervalSet<A>], classes: &[u64]) -> IntervalSet<A> {
    let chosen = ones(classes.iter().copied()).flat_map(|class| of_class[class].intervals().iter().copied());
    IntervalSet::from_intervals(chosen.collect())
}

fn set(bits: &mut Bits, words: usize, bit: usize) {
    bits.resize(words, 0);
    bits[bit / 64] |= 1 << (bit % 64);
}

fn lowest(bits: &[u64]) -> usize {
    super::bits::lowest(bits.iter().copied()).expect("boxes are not empty")
}

/// Boxes of one protocol with the same ports on one side, joined along the other.
fn merged(boxes: Vec<ServiceBox>) -> Vec<ServiceBox> {
    let join = |boxes: Vec<ServiceBox>, along_source: bool| {
        let mut joined: Vec<ServiceBox> = Vec::new();
        for service in boxes {
            let same = |known: &&mut ServiceBox| {
                known.protocol == service.protocol
                    && if along_source { known.dport == service.dport } else { known.sport == service.sport }
            };
            match joined.iter_mut().find(same) {
                Some(known) if along_source => known.sport = known.sport.union(&service.sport),
                Some(known) => known.dport = known.dport.union(&service.dport),
                None => joined.push(service),
            }
        }
        joined
    };
    join(join(boxes, true), false)
}
