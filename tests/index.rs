//! Index, containment and differences of tags: laws and slow twins on small universes, then real snapshots.

mod support;

use std::collections::BTreeSet;

use proptest::prelude::*;
use tagwall::addr::{AddrSet, Count, Entry, Interval, IntervalSet};
use tagwall::tags::{Containment, CoverGoal, Delta, Snapshot, TagId, TagIndex, TagName, TagSets};

/// IPv4 addresses 0 to 11 and, as the upper bits, the four highest IPv6 addresses.
fn set(mask: u16) -> AddrSet {
    let bits = |from: u16, to: u16| (from..to).filter(move |bit| mask >> bit & 1 == 1);
    let v4 = bits(0, 12).map(|bit| one(u32::from(bit)));
    let v6 = bits(12, 16).map(|bit| one(u128::MAX - 15 + u128::from(bit)));
    AddrSet { v4: v4.collect(), v6: v6.collect() }
}

fn one<A: tagwall::addr::Address>(addr: A) -> Interval<A> {
    Interval::new(addr, addr).expect("one address")
}

fn sets(masks: &[u16]) -> TagSets<'static> {
    masks.iter().enumerate().map(|(at, &mask)| (TagName::new(&format!("t{at:02}")), set(mask))).collect()
}

fn ids(index: &TagIndex) -> Vec<TagId> {
    index.names().iter().map(|name| index.id(name.as_str()).expect("its own name")).collect()
}

/// Masks that nest and repeat, so that containment has something to find.
fn masks() -> impl Strategy<Value = Vec<u16>> {
    let mask = prop_oneof![any::<u16>(), (any::<u16>(), any::<u16>()).prop_map(|(a, b)| a & b), 0..8_u16];
    prop::collection::vec(mask, 0..9).prop_flat_map(|masks| {
        let joined = prop::collection::vec((0..9_usize, 0..9_usize), 0..4);
        (Just(masks), joined).prop_map(|(mut masks, joined)| {
            for (a, b) in joined {
                if let (Some(&a), Some(&b)) = (masks.get(a), masks.get(b)) {
                    masks.push(a | b);
                }
            }
            masks
        })
    })
}

proptest! {
    #[test]
    fn lookup_as_in_a_scan(masks in masks()) {
        let index = TagIndex::new(&sets(&masks));
        let holders = |bit: usize| -> Vec<TagId> {
            let ids = ids(&index);
            (0..masks.len()).filter(|&at| masks[at] >> bit & 1 == 1).map(|at| ids[at]).collect()
        };
        for bit in 0..16 {
            let found = if bit < 12 { index.at_v4(bit) } else { index.at_v6(u128::MAX - 15 + u128::from(bit)) };
            prop_assert_eq!(found, holders(bit as usize));
        }
        prop_assert!(index.at_v4(12).is_empty() && index.at_v4(u32::MAX).is_empty() && index.at_v6(0).is_empty());
    }

    #[test]
    fn ranges_as_in_a_scan(masks in masks(), a in 0..14_u32, b in 0..14_u32, c in 10..16_u128, d in 10..16_u128) {
        let (tags, mut overlap) = (sets(&masks), Default::default());
        let index = TagIndex::new(&tags);
        let top = u128::MAX - 15;
        let ranges = [
            Entry::V4(Interval::new(a.min(b), a.max(b)).expect("ends are in order")),
            Entry::V6(Interval::new(top + c.min(d), top + c.max(d)).expect("ends are in order")),
            Entry::V4(Interval::all()),
            Entry::V6(Interval::all()),
        ];
        for range in ranges {
            let range_set = AddrSet::from(range);
            let of = |test: &dyn Fn(&AddrSet) -> bool| -> Vec<TagId> {
                let hits = tags.iter().zip(ids(&index)).filter(|((_, set), _)| test(set));
                hits.map(|(_, id)| id).collect()
            };
            // The same buffers again and again must not remember anything.
            index.overlap_into(range, &mut overlap);
            prop_assert_eq!(overlap.whole(), of(&|set| range_set.is_subset(set)));
            prop_assert_eq!(
                overlap.partly(),
                of(&|set| !range_set.is_disjoint(set) && !range_set.is_subset(set))
            );
        }
    }

    #[test]
    fn containment_as_by_pairs(masks in masks()) {
        let index = TagIndex::new(&sets(&masks));
        let (graph, ids) = (Containment::new(&index), ids(&index));
        let proper = |a: u16, b: u16| a != 0 && a != b && a & !b == 0;
        let first = |at: usize| !masks[..at].contains(&masks[at]);
        let mut hasse = Vec::new();
        for (a, &x) in masks.iter().enumerate() {
            prop_assert_eq!(graph.empty().contains(&ids[a]), x == 0);
            for (b, &y) in masks.iter().enumerate() {
                prop_assert_eq!(graph.is_subset(ids[a], ids[b]), x & !y == 0);
                prop_assert_eq!(graph.supersets(ids[a]).contains(&ids[b]), proper(x, y));
                prop_assert_eq!(graph.subsets(ids[b]).contains(&ids[a]), proper(x, y));
                prop_assert_eq!(graph.class(ids[a]).contains(&ids[b]), x == y && x != 0);
                let between = masks.iter().any(|&z| proper(x, z) && proper(z, y));
                if proper(x, y) && !between && first(a) && first(b) {
                    hasse.push((ids[a], ids[b]));
                }
            }
        }
        prop_assert_eq!(graph.hasse_pairs(), hasse);
        for &id in &ids {
            let parents = graph.parents(id);
            prop_assert!(parents.iter().all(|&parent| graph.children(parent).contains(&graph.class(id)[0])));
        }
    }

    #[test]
    fn what_is_implied_adds_nothing(masks in masks(), picks in prop::collection::vec(0..9_usize, 0..7)) {
        let index = TagIndex::new(&sets(&masks));
        let (graph, ids) = (Containment::new(&index), ids(&index));
        let picks: Vec<usize> = picks.into_iter().filter(|&at| at < masks.len()).collect();
        let list: Vec<TagId> = picks.iter().map(|&at| ids[at]).collect();
        let implied: BTreeSet<TagId> = graph.implied(&list).into_iter().collect();
        let union = |keep: &dyn Fn(TagId) -> bool| {
            picks.iter().filter(|&&at| keep(ids[at])).fold(0, |union, &at| union | masks[at])
        };
        let once = |id: TagId| list.iter().filter(|&&other| other == id).count() == 1;
        if list.iter().all(|&id| once(id)) {
            prop_assert_eq!(union(&|id| !implied.contains(&id)), union(&|_| true));
            let left = picks.iter().filter(|&&at| !implied.contains(&ids[at]));
            for &a in left.clone() {
                prop_assert!(left.clone().all(|&b| a == b || masks[a] & !masks[b] != 0));
            }
        }
    }

    #[test]
    fn differences_as_by_sets(before in masks(), after in masks()) {
        let (old, new) = (sets(&before), sets(&after));
        let delta = Delta::between(&old, &new);
        let mask = |masks: &[u16], at: usize| masks.get(at).copied().unwrap_or(0);
        let all = |masks: &[u16]| masks.iter().fold(0, |union, mask| union | mask);
        let most = before.len().max(after.len());
        let name = |at: usize| format!("t{at:02}");
        let mut moves = Vec::new();
        for at in 0..most {
            let (x, y) = (mask(&before, at), mask(&after, at));
            let change = delta.tag(&name(at)).map(|change| (change.added.clone(), change.removed.clone()));
            prop_assert_eq!(change, (x != y).then(|| (set(y & !x), set(x & !y))));
            for to in 0..most {
                let moved = x & !y & mask(&after, to) & !mask(&before, to);
                if moved != 0 {
                    moves.push((name(at), name(to), Count::from(u64::from(moved.count_ones()))));
                }
            }
        }
        let found = delta.moves().iter().map(|m| (m.from.to_string(), m.to.to_string(), m.addresses));
        prop_assert_eq!(found.collect::<Vec<_>>(), moves);
        prop_assert_eq!(&delta.all().added, &set(all(&after) & !all(&before)));
        prop_assert_eq!(&delta.all().removed, &set(all(&before) & !all(&after)));
        prop_assert_eq!(delta.tags_added().len(), after.len().saturating_sub(before.len()));
        prop_assert_eq!(delta.tags_removed().len(), before.len().saturating_sub(after.len()));
        prop_assert_eq!(delta.is_empty(), before == after);
    }

    #[test]
    fn differences_turn_one_into_the_other(before in masks(), after in masks()) {
        let (old, new) = (sets(&before), sets(&after));
        let (there, back) = (Delta::between(&old, &new), Delta::between(&new, &old));
        for tag in there.changed() {
            let of = |sets: &TagSets<'_>| sets.get(tag.name.as_str()).cloned().unwrap_or_default();
            let change = &tag.change;
            prop_assert_eq!(of(&old).difference(&change.removed).union(&change.added), of(&new));
            let other = back.tag(tag.name.as_str()).expect("changed both ways");
            prop_assert_eq!((&other.added, &other.removed), (&change.removed, &change.added));
        }
        prop_assert_eq!(there.moves().len(), back.moves().len());
    }
}

#[test]
fn features_and_case_of_names() {
    let snapshot = |name: &str, features: &str| {
        let json = format!(
            r#"{{"changeNumber":1,"cloud":"Public","values":[{{"name":"{name}","properties":
            {{"addressPrefixes":["192.0.2.0/24"]{features}}}}}]}}"#
        );
        Snapshot::parse(json.as_bytes()).expect("a small snapshot")
    };
    let old = snapshot("Storage.EastUS", r#","networkFeatures":["API"]"#);
    let new = snapshot("Storage.eastus", r#","networkFeatures":["API","NSG"]"#);
    let delta = Delta::of(&old, &new);
    assert!(delta.changed().is_empty() && delta.tags_added().is_empty() && delta.tags_removed().is_empty());
    let [change] = delta.features() else { panic!("one tag has other features") };
    assert_eq!(change.name.as_str(), "Storage.eastus");
    assert!(!change.before.has("NSG") && change.after.has("NSG") && !delta.is_empty());
    // A file that does not state features at all is another thing than one that states none.
    let silent = snapshot("Storage.eastus", "");
    let none = snapshot("Storage.eastus", r#","networkFeatures":[]"#);
    assert_eq!(Delta::of(&silent, &none).features().len(), 1);
    assert!(Delta::of(&none, &none).is_empty());
}

const NEWEST: &str = "Public_20260622";

#[test]
fn regional_tags_are_inside_their_global_tags() {
    let Some(shared) = support::shared("regional_tags_are_inside_their_global_tags") else { return };
    let snapshot = support::real(&shared, NEWEST);
    let index = TagIndex::of(&snapshot);
    let graph = Containment::new(&index);
    let mut pairs = 0;
    for tag in snapshot.tags().iter().filter(|tag| tag.region().is_some()) {
        let Some(global) = index.id(tag.name().base()) else { continue };
        let id = index.id(tag.name().as_str()).expect("its own name");
        assert!(graph.is_subset(id, global), "{} is not inside {}", tag.name(), tag.name().base());
        pairs += 1;
    }
    assert!(pairs > 2_000, "only {pairs} regional tags with a global one");
}

/// A fixed sequence that looks random (Marsaglia's xorshift64).
fn numbers() -> impl Iterator<Item = u64> {
    std::iter::successors(Some(0x2545_f491_4f6c_dd1d_u64), |&last| {
        let mut x = last;
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        Some(x)
    })
}

/// Both ends of some intervals, and their neighbours outside.
fn around<A: tagwall::addr::Address>(set: &IntervalSet<A>, picks: &[u64]) -> Vec<A> {
    let list = set.intervals();
    let ends = picks.iter().flat_map(|pick| {
        let interval = list[(*pick % list.len() as u64) as usize];
        let outside = [interval.first().pred(), interval.last().succ()].into_iter().flatten();
        [interval.first(), interval.last()].into_iter().chain(outside)
    });
    ends.collect()
}

#[test]
fn lookup_agrees_with_a_scan_of_all_tags() {
    let Some(shared) = support::shared("lookup_agrees_with_a_scan_of_all_tags") else { return };
    let snapshot = support::real(&shared, NEWEST);
    let tags = TagSets::from(&snapshot);
    let (index, union) = (TagIndex::new(&tags), tags.union());
    let picks: Vec<u64> = numbers().take(400).collect();
    let names =
        |found: &[TagId]| -> Vec<TagName> { found.iter().map(|&id| index.name(id).clone()).collect() };
    let scan = |holds: &dyn Fn(&AddrSet) -> bool| -> Vec<TagName> {
        tags.iter().filter(|(_, set)| holds(set)).map(|(name, _)| name.clone()).collect()
    };
    for addr in around(&union.v4, &picks).into_iter().chain(picks.iter().map(|&pick| pick as u32)) {
        assert_eq!(names(index.at_v4(addr)), scan(&|set| set.v4.contains(addr)));
    }
    for addr in around(&union.v6, &picks) {
        assert_eq!(names(index.at_v6(addr)), scan(&|set| set.v6.contains(addr)));
    }
}

#[test]
fn containment_agrees_with_subsets_of_all_global_tags() {
    let Some(shared) = support::shared("containment_agrees_with_subsets_of_all_global_tags") else { return };
    let snapshot = support::real(&shared, NEWEST);
    let index = TagIndex::of(&snapshot);
    let graph = Containment::new(&index);
    let global: Vec<_> = snapshot.tags().iter().filter(|tag| tag.region().is_none()).collect();
    assert!(global.len() > 80);
    for a in &global {
        for b in &global {
            let [x, y] = [a, b].map(|tag| index.id(tag.name().as_str()).expect("its own name"));
            assert_eq!(graph.is_subset(x, y), a.set().is_subset(b.set()), "{} in {}", a.name(), b.name());
        }
    }
}

#[test]
fn every_tag_covers_itself() {
    let Some(shared) = support::shared("every_tag_covers_itself") else { return };
    let snapshot = support::real(&shared, NEWEST);
    let index = TagIndex::of(&snapshot);
    let graph = Containment::new(&index);
    for tag in snapshot.tags().iter().step_by(40).filter(|tag| !tag.set().is_empty()) {
        let id = index.id(tag.name().as_str()).expect("its own name");
        for goal in [CoverGoal::Exact, CoverGoal::Tight, CoverGoal::Fewest] {
            let cover = index.cover(tag.set(), goal, |_| true).expect("the tag itself");
            assert!(cover.is_proven() && cover.extra().is_zero(), "{}", tag.name());
            assert_eq!(cover.tags(), &graph.class(id)[..1], "{}", tag.name());
        }
    }
}

#[test]
fn weeks_of_real_files_differ_by_their_deltas() {
    let Some(shared) = support::shared("weeks_of_real_files_differ_by_their_deltas") else { return };
    let [old, new] = ["Public_20260615", NEWEST].map(|name| support::real(&shared, name));
    let delta = Delta::of(&old, &new);
    assert!(!delta.is_empty());
    for tag in delta.changed() {
        let of = |snapshot: &Snapshot| {
            snapshot.tag(tag.name.as_str()).map(|tag| tag.set().clone()).unwrap_or_default()
        };
        assert_eq!(
            of(&old).difference(&tag.change.removed).union(&tag.change.added),
            of(&new),
            "{}",
            tag.name
        );
    }
    let unchanged = new.tags().iter().filter(|tag| delta.tag(tag.name().as_str()).is_none());
    for tag in unchanged {
        assert_eq!(old.tag(tag.name().as_str()).map(|tag| tag.set()).unwrap_or(&AddrSet::empty()), tag.set());
    }
}
