//! [`Grid`]: the rules of one address family over classes of sources, destinations and services.

use std::net::IpAddr;
use std::sync::Arc;

use super::bits::{BitRows, ones};
use super::classes::Classes;
use super::hash::FastMap;
use super::list::Rule;
use super::packet::Packet;
use super::service::{Example, Services};
use crate::addr::{AddrSet, Address, Count, IntervalSet};

/// The address families, as seen from [`AddrSet`] and [`IpAddr`].
pub(super) trait Family: Address {
    fn part(set: &AddrSet) -> &IntervalSet<Self>;
    fn ip(self) -> IpAddr;
    /// A set with addresses of this family alone.
    fn only(set: IntervalSet<Self>) -> AddrSet;
}

impl Family for u32 {
    fn part(set: &AddrSet) -> &IntervalSet<u32> {
        &set.v4
    }
    fn ip(self) -> IpAddr {
        IpAddr::V4(self.into())
    }
    fn only(v4: IntervalSet<u32>) -> AddrSet {
        AddrSet { v4, ..AddrSet::empty() }
    }
}

impl Family for u128 {
    fn part(set: &AddrSet) -> &IntervalSet<u128> {
        &set.v6
    }
    fn ip(self) -> IpAddr {
        IpAddr::V6(self.into())
    }
    fn only(v6: IntervalSet<u128>) -> AddrSet {
        AddrSet { v6, ..AddrSet::empty() }
    }
}

/// One address dimension: the source or the destination.
pub(super) struct Dimension<A> {
    pub(super) classes: Classes<A>,
    /// For each rule of the grid, the number of its set; equal sets have one number.
    pub(super) set_of: Vec<u32>,
    /// For each set, its classes.
    pub(super) rows: BitRows,
    /// For each set, whether it holds the whole family.
    pub(super) whole: Vec<bool>,
}

impl<A: Family> Dimension<A> {
    fn of(of_rule: &[&Arc<AddrSet>]) -> Self {
        let (set_of, sets) = distinct::<A>(of_rule);
        let classes = Classes::of(&sets);
        let rows = classes.members.transposed(sets.len());
        Dimension { classes, set_of, rows, whole: sets.iter().map(|set| set.is_all()).collect() }
    }

    /// For each class, the rules whose set holds it.
    fn rules_of_classes(&self) -> BitRows {
        let mut by_set = BitRows::zeros(self.rows.len(), self.set_of.len());
        for (rule, &set) in self.set_of.iter().enumerate() {
            by_set.set(set as usize, rule);
        }
        by_set.gathered(&self.classes.members)
    }

    /// The classes of rule `rule`.
    pub(super) fn row(&self, rule: usize) -> &[u64] {
        self.rows.row(self.set_of[rule] as usize)
    }
}

/// Numbers the sets in order of appearance. Sets that are shared are hashed once.
fn distinct<'a, A: Family>(of_rule: &[&'a Arc<AddrSet>]) -> (Vec<u32>, Vec<&'a IntervalSet<A>>) {
    let mut by_pointer: FastMap<*const AddrSet, u32> = FastMap::default();
    let mut by_content: FastMap<&IntervalSet<A>, u32> = FastMap::default();
    let mut sets = Vec::new();
    let numbers = of_rule.iter().map(|&shared| {
        *by_pointer.entry(Arc::as_ptr(shared)).or_insert_with(|| {
            let set = A::part(shared);
            *by_content.entry(set).or_insert_with(|| {
                sets.push(set);
                sets.len() as u32 - 1
            })
        })
    });
    (numbers.collect(), sets)
}

/// The rules that take a packet of one family, with their classes.
///
/// The address side with more classes is the *inner* one: it is worked on as bit sets, all classes at once. The
/// other is the *outer* one.
pub(super) struct Grid<A> {
    /// The numbers these rules have outside, ascending; inside, rules are numbered by their place here.
    pub(super) rules: Vec<usize>,
    pub(super) src: Dimension<A>,
    pub(super) dst: Dimension<A>,
    inner_is_dst: bool,
    /// For each outer class, its rules.
    outer_rules: BitRows,
    /// For each service class, its rules.
    service_rules: BitRows,
}

impl<A: Family> Grid<A> {
    pub(super) fn of(rules: &[&Rule], services: &Services) -> Self {
        let live = |&at: &usize| {
            let rule = rules[at];
            services.is_live(at) && !A::part(&rule.src).is_empty() && !A::part(&rule.dst).is_empty()
        };
        let live: Vec<usize> = (0..rules.len()).filter(live).collect();
        let src = Dimension::of(&live.iter().map(|&at| &rules[at].src).collect::<Vec<_>>());
        let dst = Dimension::of(&live.iter().map(|&at| &rules[at].dst).collect::<Vec<_>>());
        let inner_is_dst = src.classes.len() <= dst.classes.len();
        let outer_rules = if inner_is_dst { &src } else { &dst }.rules_of_classes();
        let service_rules = services.rows_over(&live);
        Grid { rules: live, src, dst, inner_is_dst, outer_rules, service_rules }
    }

    /// Whether destinations are the inner side.
    pub(super) fn inner_is_dst(&self) -> bool {
        self.inner_is_dst
    }

    pub(super) fn inner(&self) -> &Dimension<A> {
        if self.inner_is_dst { &self.dst } else { &self.src }
    }

    pub(super) fn outer(&self) -> &Dimension<A> {
        if self.inner_is_dst { &self.src } else { &self.dst }
    }

    /// How many rows of cells there are, times the words of the bit sets over rules: a measure of the work.
    pub(super) fn work(&self) -> usize {
        self.service_rules.len() * self.outer_rules.len() * self.outer_rules.words()
    }

    /// The packet with the lowest addresses of the given classes.
    pub(super) fn packet(&self, service: Example, outer: usize, inner: usize) -> Packet {
        let (outer, inner) = (self.outer().classes.first[outer].ip(), self.inner().classes.first[inner].ip());
        let (src, dst) = if self.inner_is_dst { (outer, inner) } else { (inner, outer) };
        Packet::new(src, dst, service.protocol, service.ports)
            .expect("one family, and ports as the protocol has")
    }

    /// The rules that are active in a service class and an outer class, by ascending number.
    pub(super) fn active(&self, service: usize, outer: usize) -> impl Iterator<Item = usize> + '_ {
        let rows = self.service_rules.row(service).iter().zip(self.outer_rules.row(outer));
        ones(rows.map(|(a, b)| a & b))
    }

    /// Groups the outer classes by the rules that are active in them under service class `service`. The groups
    /// are in order of their lowest class; `groups` is reused to save allocations.
    pub(super) fn group(&self, service: usize, groups: &mut Groups) {
        let Groups { list, words, key, by_key } = groups;
        list.clear();
        by_key.clear();
        let mask = self.service_rules.row(service);
        // Most service classes concern few rules, so most words are zero for every outer class.
        words.clear();
        words.extend((0..mask.len()).filter(|&word| mask[word] != 0));
        for (outer, &size) in self.outer().classes.size.iter().enumerate() {
            let row = self.outer_rules.row(outer);
            key.clear();
            key.extend(words.iter().map(|&word| row[word] & mask[word]));
            if let Some(&group) = by_key.get(key.as_slice()) {
                list[group as usize].size += size;
                continue;
            }
            by_key.insert(key.as_slice().into(), list.len() as u32);
            list.push(Group { outer, size });
        }
    }
}

/// Outer classes in which the same rules are active.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group {
    /// The lowest class.
    pub(super) outer: usize,
    /// The addresses of all classes.
    pub(super) size: Count,
}

/// The groups of one service class, and space to work in.
#[derive(Default)]
pub(super) struct Groups {
    pub(super) list: Vec<Group>,
    words: Vec<usize>,
    key: Vec<u64>,
    by_key: FastMap<Box<[u64]>, u32>,
}
