//! [`fewest`]: the packets of many regions in few, which may overlap.

use std::collections::BTreeSet;

use super::regions::{joined, region_of};
use crate::addr::{AddrSet, IntervalSet};
use crate::packet::Ports;
use crate::rules::{Access, PacketProtocol, Region, ServiceBox};

/// Sides of a box: sources, destinations, source ports, destination ports, protocols.
const SIDES: usize = 5;
const SPORT: usize = 2;
const DPORT: usize = 3;
const PROTOCOL: usize = 4;

/// Classes on each side, as bits.
type Sets = [u64; SIDES];

/// More regions, classes or cells than this stay as they are.
const REGIONS: usize = 64;
const CLASSES: usize = 64;
const CELLS: usize = 3000;

/// So many boxes are tried out in all.
const WORK: usize = 1 << 14;

/// The same packets in few regions. Of one kind and family as many as 64 are looked at anew: of all boxes around a packet
/// that is in none yet, the one with most such packets is taken, and of those that are taken, what others hold goes.
pub(crate) fn fewest(regions: Vec<Region>) -> Vec<Region> {
    let mut left = regions;
    let mut found = Vec::new();
    while let Some(first) = left.first() {
        let (kind, v4) = (first.first, first.packet.src().is_ipv4());
        let is_alike = |region: &Region| region.first == kind && region.packet.src().is_ipv4() == v4;
        let (alike, rest): (Vec<Region>, Vec<Region>) = left.into_iter().partition(is_alike);
        left = rest;
        let alike = joined(alike);
        let few = Space::of(&alike, kind).and_then(|space| space.cover());
        found.extend(few.filter(|few| told(few) < told(&alike)).unwrap_or(alike));
    }
    found
}

/// As how many differences regions are told: the ports of each are one.
fn told(regions: &[Region]) -> usize {
    let of = |region: &Region| {
        let mut ports: Vec<(&Ports, &Ports)> =
            region.services.iter().map(|own| (&own.sport, &own.dport)).collect();
        ports.sort();
        ports.dedup();
        ports.len()
    };
    regions.iter().map(of).sum()
}

/// Regions over classes of each side: what is alike in all of them.
struct Space {
    kind: Access,
    sources: Vec<AddrSet>,
    destinations: Vec<AddrSet>,
    ports: [Vec<IntervalSet<u16>>; 2],
    /// For each class of addresses, the regions that hold it.
    of_source: Vec<u64>,
    of_destination: Vec<u64>,
    /// For each protocol, source port and destination port, the regions that hold it.
    of_service: Vec<u64>,
}

/// A class of each side.
type Cell = [usize; SIDES];

fn bits(set: u64) -> impl Iterator<Item = usize> {
    (0..64).filter(move |at| set >> at & 1 == 1)
}

fn filled(count: usize) -> u64 {
    if count == 64 { u64::MAX } else { (1 << count) - 1 }
}

impl Space {
    fn of(regions: &[Region], kind: Access) -> Option<Self> {
        if regions.len() < 2 || regions.len() > REGIONS {
            return None;
        }
        let (sources, of_source) = address_classes(regions.iter().map(|region| &region.sources))?;
        let (destinations, of_destination) =
            address_classes(regions.iter().map(|region| &region.destinations))?;
        let boxes = || regions.iter().flat_map(|region| &region.services);
        let ports =
            [port_classes(boxes().map(|own| &own.sport))?, port_classes(boxes().map(|own| &own.dport))?];
        let cells =
            sources.len() * destinations.len() * ports[0].len() * ports[1].len() * PacketProtocol::ALL.len();
        if cells > CELLS {
            return None;
        }
        let mut of_service = Vec::new();
        for protocol in PacketProtocol::ALL {
            for sport in &ports[0] {
                for dport in &ports[1] {
                    let holds = |own: &&ServiceBox| {
                        let is_in = |ports: &Ports, class: &IntervalSet<u16>| class.is_subset(ports.set());
                        own.protocol == protocol && is_in(&own.sport, sport) && is_in(&own.dport, dport)
                    };
                    let of = regions
                        .iter()
                        .enumerate()
                        .filter(|(_, region)| region.services.iter().any(|own| holds(&own)));
                    of_service.push(of.fold(0, |set, (at, _)| set | 1 << at));
                }
            }
        }
        Some(Space { kind, sources, destinations, ports, of_source, of_destination, of_service })
    }

    fn counts(&self) -> [usize; SIDES] {
        let [sports, dports] = [self.ports[0].len(), self.ports[1].len()];
        [self.sources.len(), self.destinations.len(), sports, dports, PacketProtocol::ALL.len()]
    }

    fn holds(&self, cell: Cell) -> bool {
        let [source, destination, sport, dport, protocol] = cell;
        let at = (protocol * self.ports[0].len() + sport) * self.ports[1].len() + dport;
        self.of_source[source] & self.of_destination[destination] & self.of_service[at] != 0
    }

    /// Whether all packets of a box are in a region.
    fn holds_all(&self, sets: &Sets) -> bool {
        cells(sets).all(|cell| self.holds(cell))
    }

    /// Few boxes that hold all cells: the one with most of those that are left, again and again.
    fn cover(&self) -> Option<Vec<Region>> {
        let everything = self.counts().map(filled);
        let all: Vec<Cell> = cells(&everything).filter(|cell| self.holds(*cell)).collect();
        let tries = (WORK / all.len().max(1)).max(1).ilog2();
        let boxes: BTreeSet<Sets> = all.iter().flat_map(|cell| self.around(*cell, tries)).collect();
        let held =
            |sets: &Sets| -> Vec<usize> { (0..all.len()).filter(|&at| is_in(sets, &all[at])).collect() };
        let boxes: Vec<(Sets, Vec<usize>)> = boxes.into_iter().map(|sets| (sets, held(&sets))).collect();
        let (mut open, mut left) = (vec![true; all.len()], all.len());
        let mut chosen: Vec<Sets> = Vec::new();
        while left > 0 {
            let gain = |(_, held): &&(Sets, Vec<usize>)| held.iter().filter(|&&at| open[at]).count();
            // Of those that win alike the first: the same regions are told the same way.
            let (sets, held) = boxes.iter().rev().max_by_key(gain)?;
            for &at in held {
                left -= usize::from(std::mem::replace(&mut open[at], false));
            }
            chosen.push(*sets);
        }
        needed(chosen, &all).iter().map(|sets| self.region(sets)).collect()
    }

    /// Boxes around a cell to which nothing can be added.
    fn around(&self, cell: Cell, most: u32) -> Vec<Sets> {
        let counts = self.counts();
        let ported = |at: usize| PacketProtocol::ALL[at].has_ports();
        let mut fixed: Sets = cell.map(|class| 1 << class);
        let mut sides: Vec<usize> = vec![0, 1, PROTOCOL];
        match ported(cell[PROTOCOL]) {
            true => sides.extend([SPORT, DPORT]),
            // Protocols without ports are told with all of them.
            false => (fixed[SPORT], fixed[DPORT]) = (filled(counts[SPORT]), filled(counts[DPORT])),
        }
        // All sets of the smaller sides are tried out, as far as they are few; the others are then as large as can be.
        let others = |side: usize| -> Vec<usize> {
            (0..counts[side])
                .filter(|&class| {
                    class != cell[side] && (side != PROTOCOL || ported(class) == ported(cell[PROTOCOL]))
                })
                .filter(|&class| {
                    let mut near = fixed;
                    near[side] |= 1 << class;
                    self.holds_all(&near)
                })
                .collect()
        };
        let mut free: Vec<(usize, Vec<usize>)> = sides.into_iter().map(|side| (side, others(side))).collect();
        free.retain(|(_, others)| !others.is_empty());
        free.sort_by_key(|(_, others)| others.len());
        let mut tried = 0;
        let mut tries = 0;
        for (_, others) in &free {
            if tries + others.len() as u32 > most || tried + 1 == free.len() {
                break;
            }
            tries += others.len() as u32;
            tried += 1;
        }
        let (tried, grown) = free.split_at(tried);
        let mut found = BTreeSet::new();
        for choice in 0..1_u64 << tries {
            let (mut sets, mut at) = (fixed, 0);
            for (side, others) in tried {
                for class in others {
                    sets[*side] |= (choice >> at & 1) << class;
                    at += 1;
                }
            }
            if !self.holds_all(&sets) {
                continue;
            }
            for order in orders(grown.len()) {
                let mut sets = sets;
                for (side, others) in order.iter().map(|&at| &grown[at]) {
                    for class in others {
                        let mut larger = sets;
                        larger[*side] |= 1 << class;
                        if self.holds_all(&larger) {
                            sets = larger;
                        }
                    }
                }
                found.insert(self.with_portless(sets));
            }
        }
        found.into_iter().collect()
    }

    /// The box with protocols without ports beside those with all ports.
    fn with_portless(&self, mut sets: Sets) -> Sets {
        let counts = self.counts();
        if sets[SPORT] != filled(counts[SPORT]) || sets[DPORT] != filled(counts[DPORT]) {
            return sets;
        }
        for protocol in 0..counts[PROTOCOL] {
            let mut larger = sets;
            larger[PROTOCOL] |= 1 << protocol;
            if self.holds_all(&larger) {
                sets = larger;
            }
        }
        sets
    }

    fn region(&self, sets: &Sets) -> Option<Region> {
        let addresses = |classes: &[AddrSet], set: u64| AddrSet::union_of(bits(set).map(|at| &classes[at]));
        let ports = |side: usize| {
            let chosen = bits(sets[SPORT + side]).map(|at| &self.ports[side][at]);
            Ports::new(chosen.fold(IntervalSet::empty(), |all, class| all.union(class)))
        };
        let (sport, dport) = (ports(0), ports(1));
        let service = |at: usize| {
            let protocol = PacketProtocol::ALL[at];
            match protocol.has_ports() {
                true => ServiceBox { protocol, sport: sport.clone(), dport: dport.clone() },
                false => ServiceBox { protocol, sport: Ports::all(), dport: Ports::all() },
            }
        };
        let (sources, destinations) =
            (addresses(&self.sources, sets[0]), addresses(&self.destinations, sets[1]));
        region_of(self.kind, sources, destinations, bits(sets[PROTOCOL]).map(service).collect())
    }
}

fn is_in(sets: &Sets, cell: &Cell) -> bool {
    (0..SIDES).all(|side| sets[side] >> cell[side] & 1 == 1)
}

fn cells(sets: &Sets) -> impl Iterator<Item = Cell> {
    let [sources, destinations, sports, dports, protocols] = *sets;
    bits(sources).flat_map(move |source| {
        bits(destinations).flat_map(move |destination| {
            bits(sports).flat_map(move |sport| {
                bits(dports).flat_map(move |dport| {
                    bits(protocols).map(move |protocol| [source, destination, sport, dport, protocol])
                })
            })
        })
    })
}

/// All orders of a few numbers.
fn orders(count: usize) -> Vec<Vec<usize>> {
    let mut all: Vec<Vec<usize>> = vec![Vec::new()];
    for number in 0..count {
        let before = std::mem::take(&mut all);
        for order in before {
            for at in 0..=order.len() {
                let mut longer = order.clone();
                longer.insert(at, number);
                all.push(longer);
            }
        }
    }
    all
}

/// The boxes without those that others hold, each no larger than it must be beside those before it.
fn needed(mut chosen: Vec<Sets>, all: &[Cell]) -> Vec<Sets> {
    for at in (0..chosen.len()).rev() {
        let others = || chosen.iter().enumerate().filter(|(own, _)| *own != at).map(|(_, sets)| sets);
        if all
            .iter()
            .filter(|cell| is_in(&chosen[at], cell))
            .all(|cell| others().any(|sets| is_in(sets, cell)))
        {
            chosen.remove(at);
        }
    }
    for at in 1..chosen.len() {
        let mut bound: Sets = [0; SIDES];
        let (before, own) = chosen.split_at(at);
        let alone =
            all.iter().filter(|cell| is_in(&own[0], cell) && !before.iter().any(|sets| is_in(sets, cell)));
        for cell in alone {
            (0..SIDES).for_each(|side| bound[side] |= 1 << cell[side]);
        }
        // Protocols without ports take all ports, whichever are left.
        if bits(bound[PROTOCOL]).any(|protocol| !PacketProtocol::ALL[protocol].has_ports()) {
            (bound[SPORT], bound[DPORT]) = (own[0][SPORT], own[0][DPORT]);
        }
        chosen[at] = bound;
    }
    chosen
}

/// Addresses by the sets that hold them, with those sets as bits; those in none are left out.
fn address_classes<'r>(sets: impl Iterator<Item = &'r AddrSet>) -> Option<(Vec<AddrSet>, Vec<u64>)> {
    let mut classes: Vec<(AddrSet, u64)> = Vec::new();
    for (at, set) in sets.enumerate() {
        let mut next = Vec::new();
        let mut rest = set.clone();
        for (class, of) in classes {
            let (both, beside) = (class.intersection(set), class.difference(set));
            rest = rest.difference(&class);
            next.extend(
                [(both, of | 1 << at), (beside, of)].into_iter().filter(|(class, _)| !class.is_empty()),
            );
        }
        if !rest.is_empty() {
            next.push((rest, 1 << at));
        }
        classes = next;
        if classes.len() > CLASSES {
            return None;
        }
    }
    Some(classes.into_iter().unzip())
}

/// All ports by the sets that hold them.
fn port_classes<'r>(sets: impl Iterator<Item = &'r Ports>) -> Option<Vec<IntervalSet<u16>>> {
    let mut classes = vec![IntervalSet::all()];
    for ports in sets {
        let cut =
            classes.iter().flat_map(|class| [class.intersection(ports.set()), class.difference(ports.set())]);
        classes = cut.filter(|class| !class.is_empty()).collect();
        if classes.len() > CLASSES {
            return None;
        }
    }
    Some(classes)
}
