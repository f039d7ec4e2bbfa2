//! [`differences`]: all packets that two lists decide differently, as few boxes.

use super::bits::filled;
use super::cells::{Bits, Boxed, Rows, Space};
use super::grid::{Family, Grid};
use super::list::{Access, Rule, RuleList};
use super::packet::Packet;
use super::service::{ServiceBox, contain};
use crate::addr::AddrSet;

/// Packets from any of the sources to any of the destinations by any of the services, all of one family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    /// What the first list does with each of them; the second does the other.
    pub first: Access,
    /// Source addresses, all of one family.
    pub sources: AddrSet,
    /// Destination addresses, of the same family.
    pub destinations: AddrSet,
    /// Protocols with their ports; no two hold one packet.
    pub services: Vec<ServiceBox>,
    /// The packet with the lowest addresses of the first service.
    pub packet: Packet,
}

impl Region {
    /// Whether `packet` is one of the region.
    pub fn contains(&self, packet: &Packet) -> bool {
        self.sources.contains(packet.src())
            && self.destinations.contains(packet.dst())
            && contain(&self.services, packet)
    }
}

/// All packets that `a` and `b` decide differently: disjoint regions, IPv4 before IPv6. The lists decide every packet
/// alike exactly if there is none.
///
/// Cells of the grid (see the [module](super)) that differ in the same way are joined into few boxes, not always the
/// fewest.
///
/// # Cost
/// That of [`compare`](super::compare), and a bit set for each row of cells that differs.
///
/// ```
/// use std::sync::Arc;
/// use tagwall::addr::{AddrSet, IpPrefix};
/// use tagwall::packet::{Ports, Protocol};
/// use tagwall::rules::{Access, Rule, RuleList, differences};
/// let allow = |dst: &str| Rule {
///     name: dst.to_owned(),
///     priority: 100,
///     access: Access::Allow,
///     protocol: Protocol::Tcp,
///     src: Arc::new(AddrSet::all()),
///     dst: Arc::new(dst.parse::<IpPrefix>().unwrap().into()),
///     sport: Ports::all(),
///     dport: "443".parse().unwrap(),
/// };
/// let whole = RuleList::new(vec![allow("192.0.2.0/24")], Access::Deny)?;
/// let half = RuleList::new(vec![allow("192.0.2.0/25")], Access::Deny)?;
/// let found = differences(&whole, &half);
/// assert_eq!(found.len(), 1);
/// assert_eq!((found[0].first, found[0].destinations.prefixes().next().unwrap().to_string().as_str()),
///     (Access::Allow, "192.0.2.128/25"));
/// # Ok::<(), tagwall::rules::DuplicatePriority>(())
/// ```
pub fn differences(a: &RuleList, b: &RuleList) -> Vec<Region> {
    let rules: Vec<&Rule> = a.rules().iter().chain(b.rules()).collect();
    let found = Space::of(&rules).boxes(&Pair { a, b, rules: &rules });
    let region = |found: Boxed<Access>| Region {
        first: found.key,
        sources: found.sources,
        destinations: found.destinations,
        services: found.services,
        packet: found.packet,
    };
    found.into_iter().map(region).collect()
}

/// Two lists; the rules of the grid are those of `a`, then those of `b`.
struct Pair<'a> {
    a: &'a RuleList,
    b: &'a RuleList,
    rules: &'a [&'a Rule],
}

impl Rows<Access> for Pair<'_> {
    /// The inner classes that the first list allows and the second denies, and those of the other kind, where exactly
    /// the rules `active` take packets.
    fn row<A: Family>(&self, grid: &Grid<A>, active: &[usize]) -> Vec<(Access, Bits)> {
        let inner = grid.inner();
        let split = grid.rules.partition_point(|&rule| rule < self.a.rules().len());
        let allowed = |list: &RuleList, own: &[usize]| {
            let mut allowed = match list.default_access() {
                Access::Allow => filled(inner.classes.len()),
                Access::Deny => vec![0; inner.rows.words()],
            };
            for &rule in own.iter().rev() {
                let allows = self.rules[grid.rules[rule]].access.is_allow();
                allowed.iter_mut().zip(inner.row(rule)).for_each(|(word, set)| {
                    *word = if allows { *word | set } else { *word & !set };
                });
            }
            allowed
        };
        let (first, second) = active.split_at(active.partition_point(|&rule| rule < split));
        let (a, b) = (allowed(self.a, first), allowed(self.b, second));
        let both = |one: &Bits, other: &Bits| one.iter().zip(other).map(|(x, y)| x & !y).collect();
        vec![(Access::Allow, both(&a, &b)), (Access::Deny, both(&b, &a))]
    }
}
