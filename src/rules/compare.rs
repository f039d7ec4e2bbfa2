//! [`compare`] and [`first_difference`]: where two lists decide differently.

use num_bigint::BigUint;
use rayon::prelude::*;
use serde::Serialize;

use super::grid::{Family, Grid, Group, Groups};
use super::list::{Rule, RuleList};
use super::packet::Packet;
use super::service::Services;
use super::walk::{RowDifference, Walk};
use crate::addr::Count;

/// An example packet for each way in which a list can stray from another.
///
/// Names are those of a check: the first list is what is wanted, the second what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Differences {
    /// A packet that the first list allows and the second denies, if there is one.
    pub missing: Option<Packet>,
    /// A packet that the first list denies and the second allows, if there is one.
    pub excess: Option<Packet>,
}

impl Differences {
    /// Whether the lists decide every packet alike.
    pub fn is_empty(&self) -> bool {
        self.missing.is_none() && self.excess.is_none()
    }

    fn is_complete(&self) -> bool {
        self.missing.is_some() && self.excess.is_some()
    }
}

/// How two lists differ over the whole header space.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Comparison {
    /// How many packets the first list allows and the second denies: combinations of source, destination,
    /// protocol and both ports, over both families. A protocol without ports has one port combination.
    pub a_allow_b_deny: BigUint,
    /// How many packets the first list denies and the second allows, counted in the same way.
    pub a_deny_b_allow: BigUint,
    /// An example for each number that is not zero.
    pub examples: Differences,
}

impl Comparison {
    /// Whether the lists decide every packet alike.
    pub fn is_equivalent(&self) -> bool {
        self.examples.is_empty()
    }
}

/// Compares two lists over every packet, and counts the packets that they decide differently.
///
/// The examples are those of [`first_difference`]. The result does not depend on the number of threads. See the
/// [module](super) for the method, its cost and an example.
pub fn compare(a: &RuleList, b: &RuleList) -> Comparison {
    run(a, b, true)
}

/// Finds an example for each way in which two lists differ, without counting; both are `None` exactly if the lists
/// decide every packet alike.
///
/// An example is the packet with the lowest addresses and ports of the first differing cell: IPv4 before IPv6,
/// then by protocol and destination port, then by address. So the same lists give the same examples, for any
/// number of threads.
///
/// ```
/// use tagwall::rules::{Access, RuleList, first_difference};
/// let open = RuleList::new(vec![], Access::Allow)?;
/// let shut = RuleList::new(vec![], Access::Deny)?;
/// let found = first_difference(&shut, &open);
/// assert_eq!(found.excess.unwrap().to_string(), "tcp 0.0.0.0:0 -> 0.0.0.0:0");
/// assert!(found.missing.is_none());
/// assert!(first_difference(&open, &open).is_empty());
/// # Ok::<(), tagwall::rules::DuplicatePriority>(())
/// ```
pub fn first_difference(a: &RuleList, b: &RuleList) -> Differences {
    run(a, b, false).examples
}

/// From this much work on (see [`Grid::work`]), service classes are shared out over threads. Measured on two cores: a
/// comparison of half this work takes about a millisecond, and two threads are no faster.
const PARALLEL_WORK: usize = 1 << 13;

/// Into how many pieces per thread the service classes are cut. More would even out the load better; but each piece
/// has a memo of its own, and what two of them meet is decided twice.
const PIECES: usize = 3;

fn run(a: &RuleList, b: &RuleList, counting: bool) -> Comparison {
    let rules: Vec<&Rule> = a.rules().iter().chain(b.rules()).collect();
    let services = Services::of(&rules);
    let mut found = Comparison::default();
    let pair = Pair { a, b, rules: &rules, services: &services, counting };
    pair.family::<u32>(&mut found);
    pair.family::<u128>(&mut found);
    found
}

struct Pair<'a> {
    a: &'a RuleList,
    b: &'a RuleList,
    /// The rules of `a`, then those of `b`.
    rules: &'a [&'a Rule],
    services: &'a Services,
    counting: bool,
}

impl Pair<'_> {
    fn family<A: Family>(&self, found: &mut Comparison) {
        if self.is_done(found) {
            return;
        }
        let grid: Grid<A> = Grid::of(self.rules, self.services);
        // Asking for the number of threads starts them, so small work does not ask.
        let pieces = if grid.work() < PARALLEL_WORK { 1 } else { PIECES * rayon::current_num_threads() };
        if pieces <= PIECES {
            return self.classes(&grid, 0..self.services.len(), found);
        }
        let step = self.services.len().div_ceil(pieces);
        let pieces: Vec<Comparison> = (0..self.services.len())
            .step_by(step)
            .collect::<Vec<_>>()
            .into_par_iter()
            .map(|from| {
                let mut piece = Comparison::default();
                self.classes(&grid, from..self.services.len().min(from + step), &mut piece);
                piece
            })
            .collect();
        pieces.into_iter().for_each(|piece| found.append(piece));
    }

    /// Adds to `found` what differs in the service classes `range`.
    fn classes<A: Family>(&self, grid: &Grid<A>, range: std::ops::Range<usize>, found: &mut Comparison) {
        let split = grid.rules.partition_point(|&rule| rule < self.a.rules().len());
        let access: Vec<bool> = grid.rules.iter().map(|&rule| self.rules[rule].access.is_allow()).collect();
        let defaults = [self.a, self.b].map(|list| list.default_access().is_allow());
        let mut walk = Walk::new(grid.inner(), split, &access, defaults, self.counting);
        let mut groups = Groups::default();
        for service in range {
            if self.is_done(found) {
                return;
            }
            grid.group(service, &mut groups);
            let mut sums = [BigUint::ZERO, BigUint::ZERO];
            for group in &groups.list {
                let outcome = walk.outcome(grid.active(service, group.outer));
                self.note(grid, service, group, &outcome, found);
                if self.counting {
                    sums[0] += product(group.size, outcome.missing);
                    sums[1] += product(group.size, outcome.excess);
                }
            }
            let [missing, excess] = sums.map(|sum| sum * self.services.size[service]);
            found.a_allow_b_deny += missing;
            found.a_deny_b_allow += excess;
        }
    }

    /// Takes an example from a cell row, unless there is one from an earlier row.
    fn note<A: Family>(
        &self,
        grid: &Grid<A>,
        service: usize,
        group: &Group,
        outcome: &RowDifference,
        found: &mut Comparison,
    ) {
        let packet = |inner| grid.packet(self.services.example[service], group.outer, inner);
        let Differences { missing, excess } = &mut found.examples;
        *missing = missing.or_else(|| outcome.first_missing.map(packet));
        *excess = excess.or_else(|| outcome.first_excess.map(packet));
    }

    fn is_done(&self, found: &Comparison) -> bool {
        !self.counting && found.examples.is_complete()
    }
}

impl Comparison {
    /// Adds what was found in later service classes.
    fn append(&mut self, later: Comparison) {
        self.a_allow_b_deny += later.a_allow_b_deny;
        self.a_deny_b_allow += later.a_deny_b_allow;
        self.examples.missing = self.examples.missing.or(later.examples.missing);
        self.examples.excess = self.examples.excess.or(later.examples.excess);
    }
}

fn product(a: Count, b: Count) -> BigUint {
    if a.is_zero() || b.is_zero() { BigUint::ZERO } else { big(a) * big(b) }
}

/// The exact number; `count` is at most that of a whole family.
fn big(count: Count) -> BigUint {
    // Only all of IPv6, 2^128, does not fit.
    count.to_u128().map_or_else(|| BigUint::from(1_u8) << 128_u8, BigUint::from)
}
