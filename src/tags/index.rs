//! [`TagIndex`]: which tags hold an address, answered without looking through the tags.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use super::name::TagName;
use super::snapshot::Snapshot;
use crate::addr::{AddrSet, Address, Count, Interval, IntervalSet};

/// The address line cut at every border of every tag, with the tags that hold each piece.
///
/// Tags are numbered in order of their names, from 0: for a snapshot, as in [`Snapshot::tags`]. Lists of tags are
/// ascending. IPv4 and IPv6 have a line each, and share the table of distinct lists.
///
/// | operation | cost, for `p` intervals over all tags |
/// |---|---|
/// | build | `O(p log p)`, one sweep a family; see `benches/index.rs` |
/// | [`at`](Self::at) | `O(log p)`, nothing allocated |
/// | [`over`](Self::over) | `O(log p)` and the pieces that are met |
///
/// ```
/// use tagwall::addr::{AddrSet, IpPrefix};
/// use tagwall::tags::{TagIndex, TagName};
/// let set = |t: &str| AddrSet::from(t.parse::<IpPrefix>().unwrap());
/// let (all, west) = (set("192.0.2.0/24"), set("192.0.2.0/25"));
/// let index = TagIndex::new([(TagName::new("Sql"), &all), (TagName::new("Sql.WestEurope"), &west)]);
/// assert_eq!(index.names_of(index.at("192.0.2.7".parse().unwrap())).count(), 2);
/// let over = index.over(&set("192.0.2.0/24"));
/// assert_eq!((over.whole, over.part), (vec![0], vec![1]));
/// ```
#[derive(Debug, Clone)]
pub struct TagIndex {
    names: Vec<TagName>,
    lines: Lines,
}

/// The tags that meet a set of addresses; see [`TagIndex::over`]. Both lists are ascending.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Overlap {
    /// Tags that hold all of it.
    pub whole: Vec<u32>,
    /// Tags that hold some of it, but not all.
    pub part: Vec<u32>,
}

impl TagIndex {
    /// The index of a collection in any order. Of entries with the same name the last one counts, as in a map.
    ///
    /// # Panics
    /// If there are 2^32 names or more.
    pub fn new<'a>(tags: impl IntoIterator<Item = (TagName, &'a AddrSet)>) -> Self {
        let tags: BTreeMap<TagName, &AddrSet> = tags.into_iter().collect();
        let lines = Lines::build(tags.values().enumerate().map(|(id, set)| (number(id), *set)));
        TagIndex { names: tags.into_keys().collect(), lines }
    }

    /// The index of all tags of a snapshot.
    pub fn of(snapshot: &Snapshot) -> Self {
        Self::new(sets_of(snapshot))
    }

    /// The names of the tags, ascending; a tag's number is its place here.
    pub fn names(&self) -> &[TagName] {
        &self.names
    }

    /// The name of a tag.
    ///
    /// # Panics
    /// If the number is not of this index.
    pub fn name(&self, tag: u32) -> &TagName {
        &self.names[tag as usize]
    }

    /// The names of tags, in the order given.
    ///
    /// # Panics
    /// On use, if a number is not of this index.
    pub fn names_of<'a>(&'a self, tags: &'a [u32]) -> impl ExactSizeIterator<Item = &'a TagName> + 'a {
        tags.iter().map(|&tag| self.name(tag))
    }

    /// The number of the tag that is spelt `name`, or `None` if there is none.
    pub fn find(&self, name: &str) -> Option<u32> {
        self.names.binary_search_by(|n| n.as_str().cmp(name)).ok().map(number)
    }

    /// The tags that hold an address, ascending. An IPv4-mapped IPv6 address counts as IPv6.
    pub fn at(&self, addr: IpAddr) -> &[u32] {
        let group = match addr {
            IpAddr::V4(a) => self.lines.v4.group_at(a.into()),
            IpAddr::V6(a) => self.lines.v6.group_at(a.into()),
        };
        self.lines.groups.get(group)
    }

    /// The tags that hold all or some of `asked`. The empty set is met by none.
    pub fn over(&self, asked: &AddrSet) -> Overlap {
        let mut seen = Seen { groups: &self.lines.groups, whole: None, any: Vec::new() };
        self.lines.v4.meet(&asked.v4, |group| seen.take(group));
        self.lines.v6.meet(&asked.v6, |group| seen.take(group));
        seen.finish()
    }

    /// The pieces of the IPv4 line that some tag holds, ascending, each with its tags. Neighbours differ.
    pub fn v4(&self) -> impl Iterator<Item = (Interval<u32>, &[u32])> + '_ {
        self.lines.v4.pieces().map(|(piece, group)| (piece, self.lines.groups.get(group)))
    }

    /// The same for IPv6.
    pub fn v6(&self) -> impl Iterator<Item = (Interval<u128>, &[u32])> + '_ {
        self.lines.v6.pieces().map(|(piece, group)| (piece, self.lines.groups.get(group)))
    }

    /// The distinct lists of tags that hold some address of either family, in the order of their first address.
    pub fn groups(&self) -> impl Iterator<Item = &[u32]> + '_ {
        self.lines.groups.all().skip(1)
    }

    pub(super) fn lines(&self) -> &Lines {
        &self.lines
    }
}

/// The tags of a snapshot with their addresses.
pub(super) fn sets_of(snapshot: &Snapshot) -> impl Iterator<Item = (TagName, &AddrSet)> {
    snapshot.tags().iter().map(|tag| (tag.name().clone(), tag.set()))
}

/// A place in a list of tags as its number.
pub(super) fn number(place: usize) -> u32 {
    u32::try_from(place).expect("fewer than 2^32 tags")
}

/// Gathers groups into what all and what some of them hold.
struct Seen<'a> {
    groups: &'a Groups,
    whole: Option<Vec<u32>>,
    any: Vec<u32>,
}

impl Seen<'_> {
    fn take(&mut self, group: u32) {
        let tags = self.groups.get(group);
        self.any.extend_from_slice(tags);
        match &mut self.whole {
            None => self.whole = Some(tags.to_vec()),
            Some(whole) => whole.retain(|tag| tags.binary_search(tag).is_ok()),
        }
    }

    fn finish(mut self) -> Overlap {
        let whole = self.whole.unwrap_or_default();
        self.any.sort_unstable();
        self.any.dedup();
        self.any.retain(|tag| whole.binary_search(tag).is_err());
        Overlap { whole, part: self.any }
    }
}

/// Both lines of numbered sets, and the lists of numbers that occur on them.
#[derive(Debug, Clone)]
pub(super) struct Lines {
    pub(super) groups: Groups,
    pub(super) v4: Line<u32>,
    pub(super) v6: Line<u128>,
}

impl Lines {
    /// Numbers must not repeat.
    pub(super) fn build<'a>(sets: impl IntoIterator<Item = (u32, &'a AddrSet)>) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for (id, set) in sets {
            borders(&set.v4, id, &mut v4);
            borders(&set.v6, id, &mut v6);
        }
        let mut names = Interner::default();
        let (v4, v6) = (Line::sweep(v4, &mut names), Line::sweep(v6, &mut names));
        Lines { groups: names.groups, v4, v6 }
    }

    /// How many addresses have each group, by its number; that of no tag, 0, is not counted.
    pub(super) fn sizes(&self) -> Vec<Count> {
        let mut sizes = vec![Count::ZERO; self.groups.len()];
        self.v4.pieces().for_each(|(piece, group)| sizes[group as usize] += size(piece));
        self.v6.pieces().for_each(|(piece, group)| sizes[group as usize] += size(piece));
        sizes
    }
}

/// How many addresses an interval holds.
pub(super) fn size<A: Address>(piece: Interval<A>) -> Count {
    Count::from_distance(piece.last().to_u128() - piece.first().to_u128())
}

/// Adds the places where `set` begins and ends. It does one or the other at each, since its intervals never touch.
fn borders<A: Address>(set: &IntervalSet<A>, id: u32, out: &mut Vec<(A, u32)>) {
    for piece in set.intervals() {
        out.push((piece.first(), id));
        out.extend(piece.last().succ().map(|behind| (behind, id)));
    }
}

/// One family's line: where each piece begins, and which group it has. A piece ends before the next one begins.
#[derive(Debug, Clone)]
pub(super) struct Line<A> {
    /// Ascending; the first is the lowest address of all.
    starts: Vec<A>,
    groups: Vec<u32>,
}

impl<A: Address> Line<A> {
    fn sweep(mut borders: Vec<(A, u32)>, names: &mut Interner) -> Self {
        borders.sort_unstable();
        let mut line = Line { starts: vec![A::MIN], groups: vec![Groups::NONE] };
        let mut active: Vec<u32> = Vec::new();
        for here in borders.chunk_by(|a, b| a.0 == b.0) {
            for &(_, id) in here {
                match active.binary_search(&id) {
                    Ok(at) => drop(active.remove(at)),
                    Err(at) => active.insert(at, id),
                }
            }
            let group = names.intern(&active);
            if here[0].0 == A::MIN {
                line.groups[0] = group;
            } else {
                line.starts.push(here[0].0);
                line.groups.push(group);
            }
        }
        line
    }

    /// Where the piece that holds `addr` stands.
    fn place(&self, addr: A) -> usize {
        // The first start is the lowest address, so at least one start is not above `addr`.
        self.starts.partition_point(|&start| start <= addr) - 1
    }

    fn group_at(&self, addr: A) -> u32 {
        self.groups[self.place(addr)]
    }

    fn piece(&self, at: usize) -> Interval<A> {
        let last =
            self.starts.get(at + 1).map_or(A::MAX, |&next| next.pred().expect("it lies above a start"));
        Interval::from_ordered(self.starts[at], last)
    }

    /// The pieces with some tag.
    pub(super) fn pieces(&self) -> impl Iterator<Item = (Interval<A>, u32)> + '_ {
        let all = self.groups.iter().enumerate();
        all.filter(|&(_, &group)| group != Groups::NONE).map(|(at, &group)| (self.piece(at), group))
    }

    /// Hands over the group of every piece that meets `asked`, that of no tag included.
    fn meet(&self, asked: &IntervalSet<A>, mut take: impl FnMut(u32)) {
        for wanted in asked.intervals() {
            let (from, to) = (self.place(wanted.first()), self.place(wanted.last()));
            self.groups[from..=to].iter().for_each(|&group| take(group));
        }
    }

    /// The parts of the pieces that lie in `asked`, that of no tag included.
    pub(super) fn parts<'a>(
        &'a self,
        asked: &'a IntervalSet<A>,
    ) -> impl Iterator<Item = (Interval<A>, u32)> + 'a {
        asked.intervals().iter().flat_map(move |&wanted| {
            (self.place(wanted.first())..=self.place(wanted.last())).map(move |at| {
                let piece = self.piece(at);
                let (first, last) = (piece.first().max(wanted.first()), piece.last().min(wanted.last()));
                (Interval::from_ordered(first, last), self.groups[at])
            })
        })
    }
}

/// Distinct ascending lists of numbers, one behind the other.
#[derive(Debug, Clone)]
pub(super) struct Groups {
    ends: Vec<usize>,
    members: Vec<u32>,
}

impl Groups {
    /// The group of what no tag holds.
    pub(super) const NONE: u32 = 0;

    pub(super) fn get(&self, group: u32) -> &[u32] {
        let at = group as usize;
        let from = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.members[from..self.ends[at]]
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &[u32]> + '_ {
        (0..self.len()).map(|at| self.get(number(at)))
    }
}

/// Gives every distinct list a number, in order of arrival.
struct Interner {
    groups: Groups,
    known: HashMap<Box<[u32]>, u32>,
}

impl Default for Interner {
    fn default() -> Self {
        let groups = Groups { ends: vec![0], members: Vec::new() };
        Interner { groups, known: HashMap::from([(Box::default(), Groups::NONE)]) }
    }
}

impl Interner {
    fn intern(&mut self, list: &[u32]) -> u32 {
        if let Some(&group) = self.known.get(list) {
            return group;
        }
        let group = number(self.groups.len());
        self.groups.members.extend_from_slice(list);
        self.groups.ends.push(self.groups.members.len());
        self.known.insert(list.into(), group);
        group
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The set of a bit mask over eight blocks of 32 addresses, the whole space of `u8`.
    fn blocks(mask: u8) -> IntervalSet<u8> {
        let block = |i: u8| Interval::new(i * 32, i * 32 + 31).expect("in order");
        (0..8).filter(|i| mask >> i & 1 == 1).map(block).collect()
    }

    #[test]
    fn every_pair_of_small_sets_cuts_the_line_right() {
        for a in 0..=u8::MAX {
            for b in (0..=u8::MAX).step_by(3) {
                let mut list = Vec::new();
                borders(&blocks(a), 0, &mut list);
                borders(&blocks(b), 1, &mut list);
                let mut names = Interner::default();
                let line = Line::sweep(list, &mut names);
                for addr in 0..=u8::MAX {
                    let held = |mask: u8| mask >> (addr / 32) & 1 == 1;
                    let wanted: Vec<u32> =
                        [(0, a), (1, b)].into_iter().filter(|t| held(t.1)).map(|t| t.0).collect();
                    assert_eq!(names.groups.get(line.group_at(addr)), wanted, "{a:08b} {b:08b} at {addr}");
                }
                assert!(line.groups.windows(2).all(|w| w[0] != w[1]), "neighbours differ");
                let whole: u32 = line.pieces().map(|(p, _)| u32::from(p.last() - p.first()) + 1).sum();
                assert_eq!(whole, (a | b).count_ones() * 32);
            }
        }
    }

    #[test]
    fn tops_and_bottoms_of_both_families() {
        let all = AddrSet::all();
        let index = TagIndex::new([(TagName::new("b"), &all), (TagName::new("a"), &AddrSet::empty())]);
        for addr in ["0.0.0.0", "255.255.255.255", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"] {
            assert_eq!(index.at(addr.parse().unwrap()), [1], "{addr}");
        }
        assert_eq!(index.over(&all), Overlap { whole: vec![1], part: vec![] });
        assert_eq!(index.over(&AddrSet::empty()), Overlap::default());
        assert_eq!((index.find("a"), index.find("A")), (Some(0), None));
        let empty = TagIndex::new([]);
        assert!(empty.at("192.0.2.1".parse().unwrap()).is_empty());
        assert_eq!(empty.groups().count(), 0);
    }
}
