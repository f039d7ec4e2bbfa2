//! [`Line`]: the addresses of one family, cut wherever one of many sets begins or ends.

use std::collections::HashMap;

use super::index::TagId;
use crate::addr::{Address, Interval, IntervalSet};

/// Number of a set of tags within a [`Line`].
pub(super) type GroupId = u32;

/// The line of all addresses in segments; on each the same tags hold every address.
///
/// The segments follow one another without gaps from the lowest address to the highest. The set of tags of a
/// segment is a *group*; every group is stored once, as ascending ids.
#[derive(Debug, Clone)]
pub(super) struct Line<A> {
    /// First addresses of the segments, ascending; the first is `A::MIN`.
    starts: Vec<A>,
    /// The group of each segment.
    groups: Vec<GroupId>,
    /// Members of group `g` are at `ends[g - 1]..ends[g]`; group 0 has none.
    members: Vec<TagId>,
    ends: Vec<u32>,
}

impl<A: Address> Line<A> {
    /// The group without members.
    pub(super) const NONE: GroupId = 0;

    /// Cuts the line at the borders of `sets`. An id may occur once only.
    ///
    /// Cost: one sort of the borders; then per border the number of sets there.
    pub(super) fn new<'a>(sets: impl Iterator<Item = (TagId, &'a IntervalSet<A>)>) -> Self {
        let mut borders = Vec::new();
        for (id, set) in sets {
            for interval in set.intervals() {
                borders.push((interval.first(), id));
                // A set that reaches the top of the space never ends.
                borders.extend(interval.last().succ().map(|end| (end, id)));
            }
        }
        borders.sort_unstable();
        let mut line = Line::of_one_segment(borders.len());
        let mut active = Active::default();
        let mut groups = Groups::default();
        for here in borders.chunk_by(|a, b| a.0 == b.0) {
            // Sets are canonical: two borders of one set never meet, so each one turns its tag on or off.
            here.iter().for_each(|&(_, id)| active.toggle(id));
            let group = groups.intern(&active, &mut line);
            line.begin(here[0].0, group);
        }
        line
    }

    fn of_one_segment(room: usize) -> Self {
        let (mut starts, mut groups) = (Vec::with_capacity(room + 1), Vec::with_capacity(room + 1));
        starts.push(A::MIN);
        groups.push(Self::NONE);
        Line { starts, groups, members: Vec::new(), ends: vec![0] }
    }

    fn begin(&mut self, start: A, group: GroupId) {
        if start == A::MIN {
            self.groups[0] = group;
        } else {
            self.starts.push(start);
            self.groups.push(group);
        }
    }

    /// How many segments there are.
    pub(super) fn len(&self) -> usize {
        self.starts.len()
    }

    /// How many different groups there are, the one without members included.
    pub(super) fn group_count(&self) -> usize {
        self.ends.len()
    }

    /// The members of a group, ascending.
    pub(super) fn members(&self, group: GroupId) -> &[TagId] {
        let group = group as usize;
        let from = if group == 0 { 0 } else { self.ends[group - 1] };
        &self.members[from as usize..self.ends[group] as usize]
    }

    /// The tags that hold `addr`.
    pub(super) fn at(&self, addr: A) -> &[TagId] {
        self.members(self.groups[self.position(addr)])
    }

    fn position(&self, addr: A) -> usize {
        self.starts.partition_point(|&start| start <= addr) - 1
    }

    fn last_of(&self, segment: usize) -> A {
        let next = self.starts.get(segment + 1).and_then(|start| start.pred());
        next.unwrap_or(A::MAX)
    }

    /// The pieces of `interval` and their groups, ascending.
    pub(super) fn within(&self, interval: Interval<A>) -> impl Iterator<Item = (Interval<A>, GroupId)> + '_ {
        let mut segment = self.position(interval.first());
        let mut from = Some(interval.first());
        std::iter::from_fn(move || {
            let first = from.filter(|&first| first <= interval.last())?;
            let last = self.last_of(segment).min(interval.last());
            let group = self.groups[segment];
            segment += 1;
            from = last.succ();
            Some((Interval::from_ordered(first, last), group))
        })
    }

    /// All segments and their groups, ascending.
    pub(super) fn segments(&self) -> impl Iterator<Item = (Interval<A>, GroupId)> + '_ {
        (0..self.len()).map(|i| (Interval::from_ordered(self.starts[i], self.last_of(i)), self.groups[i]))
    }
}

/// The tags at the place where the sweep stands.
#[derive(Default)]
struct Active {
    ids: Vec<TagId>,
    /// Sum of the members' hashes: kept up to date with one addition a change.
    hash: u64,
}

impl Active {
    fn toggle(&mut self, id: TagId) {
        match self.ids.binary_search(&id) {
            Ok(at) => {
                self.ids.remove(at);
                self.hash = self.hash.wrapping_sub(scatter(id));
            }
            Err(at) => {
                self.ids.insert(at, id);
                self.hash = self.hash.wrapping_add(scatter(id));
            }
        }
    }
}

/// The output step of SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
fn scatter(id: TagId) -> u64 {
    let mut z = (u64::from(id.number()) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Finds the group of a set of tags by its hash.
#[derive(Default)]
struct Groups {
    by_hash: HashMap<u64, GroupId>,
}

impl Groups {
    fn intern<A: Address>(&mut self, active: &Active, line: &mut Line<A>) -> GroupId {
        if active.ids.is_empty() {
            return Line::<A>::NONE;
        }
        let mut key = active.hash;
        loop {
            match self.by_hash.get(&key) {
                Some(&group) if line.members(group) == active.ids => return group,
                // Two sets with one hash: the later takes the next key that is free.
                Some(_) => key = key.wrapping_add(1),
                None => break,
            }
        }
        let group = GroupId::try_from(line.ends.len()).expect("fewer groups than borders in memory");
        line.members.extend_from_slice(&active.ids);
        line.ends.push(u32::try_from(line.members.len()).expect("groups fit in 4 GiB of ids"));
        self.by_hash.insert(key, group);
        group
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sets() -> impl Strategy<Value = Vec<IntervalSet<u8>>> {
        let interval = (any::<u8>(), any::<u8>())
            .prop_map(|(a, b)| Interval::new(a.min(b), a.max(b)).expect("ends are in order"));
        let set = prop::collection::vec(interval, 0..4).prop_map(IntervalSet::from_intervals);
        prop::collection::vec(set, 0..6)
    }

    fn line(sets: &[IntervalSet<u8>]) -> Line<u8> {
        Line::new(sets.iter().enumerate().map(|(i, set)| (TagId::at(i), set)))
    }

    proptest! {
        #[test]
        fn every_address_has_its_tags(sets in sets()) {
            let line = line(&sets);
            for addr in 0..=u8::MAX {
                let slow: Vec<TagId> =
                    (0..sets.len()).filter(|&i| sets[i].contains(addr)).map(TagId::at).collect();
                prop_assert_eq!(line.at(addr), slow);
            }
        }

        #[test]
        fn segments_follow_one_another_and_differ(sets in sets()) {
            let line = line(&sets);
            let list: Vec<_> = line.segments().collect();
            prop_assert_eq!(list[0].0.first(), 0);
            prop_assert_eq!(list[list.len() - 1].0.last(), u8::MAX);
            for pair in list.windows(2) {
                prop_assert_eq!(pair[0].0.last().succ(), Some(pair[1].0.first()));
                prop_assert_ne!(line.members(pair[0].1), line.members(pair[1].1));
            }
            let mut all: Vec<&[TagId]> = (0..line.group_count() as u32).map(|g| line.members(g)).collect();
            all.sort_unstable();
            prop_assert!(all.windows(2).all(|w| w[0] != w[1]), "a group is stored twice");
        }

        #[test]
        fn pieces_of_an_interval(sets in sets(), a: u8, b: u8) {
            let line = line(&sets);
            let whole = Interval::new(a.min(b), a.max(b)).expect("ends are in order");
            let pieces: Vec<_> = line.within(whole).collect();
            prop_assert_eq!(IntervalSet::from_intervals(pieces.iter().map(|p| p.0).collect()), whole.into());
            for (piece, group) in pieces {
                for addr in piece.first()..=piece.last() {
                    prop_assert_eq!(line.at(addr), line.members(group));
                }
            }
        }
    }
}
