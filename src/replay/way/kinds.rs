//! [`Kinds`]: packets sorted into kinds, each of which every rule and route of a model takes alike, so that of millions of
//! recorded packets each kind is decided once.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use super::assume::Assumption;
use super::model::Model;
use super::prepared::Prepared;
use crate::addr::{AddrSet, Address, IntervalSet};
use crate::packet::Direction;
use crate::rules::{Chain, Packet, PacketProtocol};

/// What packets of one kind share. Two packets of a kind have one verdict, way and rule at each door, under all assumptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Kind {
    subnet: usize,
    direction: Direction,
    protocol: PacketProtocol,
    is_v4: bool,
    /// Numbers of the classes of source, destination and their ports.
    classes: [u32; 4],
}

/// Sorts packets into kinds.
///
/// # Cost
/// To make, that of sorting the ends of all sets of addresses that rules and routes name, with and without each assumption;
/// to sort a packet, four searches among them.
#[derive(Debug)]
pub struct Kinds {
    directions: [Sides; 2],
}

/// The classes of what stands in rules of one direction.
#[derive(Debug, Default)]
struct Sides {
    /// Of sources and of destinations.
    v4: [Classes; 2],
    v6: [Classes; 2],
    ports: [Classes; 2],
}

/// Numbers by the sets that hold them: two are in one class if just the same sets do.
#[derive(Debug, Default)]
struct Classes {
    starts: Vec<u128>,
    classes: Vec<u32>,
}

/// Where a set begins or ends, with a number of its own that is the same for both.
type End = (u128, u128);

impl Classes {
    fn new(mut ends: Vec<End>) -> Self {
        ends.sort_unstable();
        let mut made = Classes::default();
        let mut known: HashMap<u128, u32> = HashMap::from([(0, 0)]);
        // The sets that are open, as one number: each set turns it over where it begins and turns it back where it ends.
        let mut open = 0;
        for end in ends.chunk_by(|a, b| a.0 == b.0) {
            open = end.iter().fold(open, |open, (_, own)| open ^ own);
            let next = u32::try_from(known.len()).unwrap_or(u32::MAX);
            made.starts.push(end[0].0);
            made.classes.push(*known.entry(open).or_insert(next));
        }
        made
    }

    fn of(&self, number: u128) -> u32 {
        let behind = self.starts.partition_point(|&start| start <= number);
        behind.checked_sub(1).map_or(0, |at| self.classes[at])
    }
}

/// A number for a set: 128 bits that no combination of others comes to but by the accident of one in 2^128.
fn number_of(set: u64) -> u128 {
    let mixed = |seed: u64| {
        let mut mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        u128::from(mixed ^ (mixed >> 31))
    };
    mixed(2 * set) << 64 | mixed(2 * set + 1)
}

fn ends<A: Address>(set: &IntervalSet<A>, number: u128, to: impl Fn(A) -> u128, all: &mut Vec<End>) {
    for interval in set.intervals() {
        all.push((to(interval.first()), number));
        all.extend(interval.last().succ().map(|behind| (to(behind), number)));
    }
}

/// The sets that rules and routes of one direction name.
#[derive(Default)]
struct Named<'s> {
    addresses: [HashSet<&'s AddrSet>; 2],
    ports: [HashSet<&'s IntervalSet<u16>>; 2],
}

impl<'s> Named<'s> {
    fn chain(&mut self, chain: &'s Chain) {
        for rule in chain.rules() {
            for (at, set) in [&rule.src, &rule.dst].into_iter().enumerate() {
                self.addresses[at].insert(set);
            }
            for (at, ports) in [&rule.sport, &rule.dport].into_iter().enumerate() {
                self.ports[at].insert(ports.set());
            }
        }
    }

    fn sides(&self, apart: &[AddrSet], far: usize) -> Sides {
        let mut sides = Sides::default();
        for side in 0..2 {
            let (mut v4, mut v6, mut ports) = (Vec::new(), Vec::new(), Vec::new());
            let more = apart.iter().filter(|_| side == far);
            for (set, number) in self.addresses[side].iter().copied().chain(more).zip(0..) {
                ends(&set.v4, number_of(number), u128::from, &mut v4);
                ends(&set.v6, number_of(number), |address| address, &mut v6);
            }
            for (set, number) in self.ports[side].iter().zip(0..) {
                ends(set, number_of(number), u128::from, &mut ports);
            }
            sides.v4[side] = Classes::new(v4);
            sides.v6[side] = Classes::new(v6);
            sides.ports[side] = Classes::new(ports);
        }
        sides
    }
}

impl Kinds {
    pub(super) fn new(model: &Model<'_>) -> Self {
        let own = Assumption::ALL.into_iter().filter_map(|assumption| model.without(assumption));
        let models: Vec<&Model<'_>> = std::iter::once(model).chain(own).collect();
        Kinds { directions: [Direction::Inbound, Direction::Outbound].map(|way| sides(&models, way)) }
    }

    /// The kind of a packet that a subnet, by its number in the environment, opens or is opened to.
    pub fn of(&self, subnet: usize, direction: Direction, packet: &Packet) -> Kind {
        let sides = &self.directions[usize::from(direction == Direction::Outbound)];
        let address = |address: IpAddr, side: usize| match address {
            IpAddr::V4(address) => sides.v4[side].of(u128::from(u32::from(address))),
            IpAddr::V6(address) => sides.v6[side].of(address.into()),
        };
        let port = |port: Option<u16>, side: usize| port.map_or(0, |port| sides.ports[side].of(port.into()));
        Kind {
            subnet,
            direction,
            protocol: packet.protocol(),
            is_v4: packet.src().is_ipv4(),
            classes: [
                address(packet.src(), 0),
                address(packet.dst(), 1),
                port(packet.sport(), 0),
                port(packet.dport(), 1),
            ],
        }
    }
}

/// The sets of one direction in all models.
fn sides(models: &[&Model<'_>], direction: Direction) -> Sides {
    let mut named = Named::default();
    // What routes alone tell apart, on the far side.
    let mut apart: Vec<AddrSet> = Vec::new();
    for model in models {
        for prepared in &model.prepared {
            doors(prepared, direction, &mut named);
            apart.extend(prepared.routes.sets());
        }
        match direction {
            Direction::Outbound => {
                model.firewall.iter().for_each(|stage| named.chain(&stage.chain));
                model.arrival.iter().for_each(|stage| named.chain(&stage.chain));
            }
            Direction::Inbound => named.chain(&model.origin),
        }
    }
    let subnets = models.iter().flat_map(|model| &model.environment().subnets);
    for subnet in subnets {
        named.addresses.iter_mut().for_each(|side| side.extend([&subnet.prefixes]));
    }
    apart.sort();
    apart.dedup();
    named.sides(&apart, usize::from(direction == Direction::Outbound))
}

fn doors<'s>(prepared: &'s Prepared, direction: Direction, named: &mut Named<'s>) {
    let doors = match direction {
        Direction::Outbound => &prepared.outbound,
        Direction::Inbound => &prepared.inbound,
    };
    named.chain(&doors.admin.chain);
    doors.groups.iter().for_each(|group| named.chain(&group.chain));
    named.chain(if direction == Direction::Outbound { &prepared.to } else { &prepared.back });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_the_same_sets_hold_are_of_one_class() {
        let sets: Vec<Vec<(u8, u8)>> = vec![
            vec![(10, 20), (40, 255)],
            vec![(0, 255)],
            vec![(15, 15), (60, 200)],
            vec![],
            vec![(20, 40)],
        ];
        let mut all = Vec::new();
        for (set, number) in sets.iter().zip(0..) {
            for &(first, last) in set {
                all.push((u128::from(first), number_of(number)));
                all.push((u128::from(last) + 1, number_of(number)));
            }
        }
        let classes = Classes::new(all);
        let held = |n: u8| -> Vec<bool> {
            sets.iter().map(|set| set.iter().any(|&(first, last)| (first..=last).contains(&n))).collect()
        };
        for a in 0..=255 {
            for b in 0..=255 {
                let same = classes.of(a.into()) == classes.of(b.into());
                assert_eq!(same, held(a) == held(b), "{a} {b}");
            }
        }
    }
}
