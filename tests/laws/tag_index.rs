//! Index, order, covers and differences of tags: laws, slow twins, and real files.

use crate::support;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;
use tagwall::addr::{AddrSet, Count, IpPrefix};
use tagwall::tags::{Containment, Delta, TagCover, TagGoal, TagIndex, TagName};

const NEWEST: &str = "Public_20260622";

type Tags = BTreeMap<TagName, AddrSet>;

/// Four IPv4 blocks and two IPv6 blocks, each in the set where its bit is set.
fn of_mask(mask: u8) -> AddrSet {
    let blocks = ["0.0.0.0/2", "64.0.0.0/2", "128.0.0.0/2", "192.0.0.0/2", "::/1", "8000::/1"];
    let chosen = blocks.iter().enumerate().filter(|(bit, _)| mask >> bit & 1 == 1);
    chosen.map(|(_, block)| block.parse::<IpPrefix>().expect("a prefix")).collect()
}

fn collection(masks: &[u8]) -> Tags {
    masks.iter().enumerate().map(|(i, &mask)| (TagName::new(&format!("t{i}")), of_mask(mask))).collect()
}

fn index(tags: &Tags) -> TagIndex {
    TagIndex::new(tags.iter().map(|(name, set)| (name.clone(), set)))
}

/// The best key over all choices of tags, and the first list of names that has it.
fn slow_cover(tags: &Tags, target: &AddrSet, goal: TagGoal) -> Option<(Count, Count)> {
    let sets: Vec<&AddrSet> = tags.values().collect();
    (0..1_u32 << sets.len())
        .filter_map(|choice| {
            let chosen = sets.iter().enumerate().filter(|(i, _)| choice >> i & 1 == 1);
            let union = AddrSet::union_of(chosen.map(|(_, set)| *set));
            let extra = union.difference(target).count();
            let fits = target.is_subset(&union) && (goal != TagGoal::Exact || extra.is_zero());
            let count = Count::from(u64::from(choice.count_ones()));
            fits.then_some(if goal == TagGoal::Fewest { (count, extra) } else { (extra, count) })
        })
        .min()
}

proptest! {
    #[test]
    fn covers_are_the_best_of_all_choices(masks in prop::collection::vec(0_u8..64, 0..8), target in 0_u8..64) {
        let (tags, target) = (collection(&masks), of_mask(target));
        let index = index(&tags);
        for goal in [TagGoal::Exact, TagGoal::Tight, TagGoal::Fewest] {
            let found = TagCover::find(&index, &target, goal);
            let key = found.as_ref().ok().map(|c| {
                let (count, extra) = (Count::from(c.tags.len() as u64), c.extra.count());
                if goal == TagGoal::Fewest { (count, extra) } else { (extra, count) }
            });
            prop_assert_eq!(key, slow_cover(&tags, &target, goal), "{:?}", goal);
            match found {
                Ok(cover) => {
                    prop_assert!(cover.optimal);
                    let union = AddrSet::union_of(index.names_of(&cover.tags).map(|n| &tags[n]));
                    prop_assert!(target.is_subset(&union));
                    prop_assert_eq!(union.difference(&target), cover.extra);
                }
                Err(none) => prop_assert!(!none.missing.is_empty() && none.missing.is_subset(&target)),
            }
        }
    }

    #[test]
    fn order_and_overlap_agree_with_the_sets(masks in prop::collection::vec(0_u8..64, 0..9), asked in 0_u8..64) {
        let tags = collection(&masks);
        let index = index(&tags);
        let order = Containment::of(&index);
        let sets: Vec<&AddrSet> = tags.values().collect();
        let below = |a: &AddrSet, b: &AddrSet| !a.is_empty() && a != b && a.is_subset(b);
        let ids: Vec<u32> = (0..masks.len() as u32).collect();
        let naive: Vec<(u32, u32)> = ids.iter().flat_map(|&a| ids.iter().map(move |&b| (a, b)))
            .filter(|&(a, b)| below(sets[a as usize], sets[b as usize])).collect();
        prop_assert_eq!(order.pairs().collect::<Vec<_>>(), naive.clone());
        // The diagram is the reduction of the pairs of representatives.
        let first: BTreeSet<u32> = order.classes().iter().map(|c| c[0]).collect();
        let among: BTreeSet<(u32, u32)> =
            naive.iter().copied().filter(|(a, b)| first.contains(a) && first.contains(b)).collect();
        let between = |&(a, b): &(u32, u32)| first.iter().any(|&m| among.contains(&(a, m)) && among.contains(&(m, b)));
        let reduced: Vec<(u32, u32)> = among.iter().copied().filter(|pair| !between(pair)).collect();
        prop_assert_eq!(order.hasse().collect::<Vec<_>>(), reduced);

        let asked = of_mask(asked);
        let over = index.over(&asked);
        for &id in &ids {
            let set = sets[id as usize];
            let whole = !asked.is_empty() && asked.is_subset(set);
            prop_assert_eq!(over.whole.contains(&id), whole);
            prop_assert_eq!(over.part.contains(&id), !whole && !asked.is_disjoint(set));
        }
    }

    #[test]
    fn a_delta_leads_from_before_to_after(a in prop::collection::vec(0_u8..64, 0..6), b in prop::collection::vec(0_u8..64, 0..6)) {
        let (before, after) = (collection(&a), collection(&b));
        let delta = Delta::between(&before, &after);
        prop_assert_eq!(delta.is_empty(), before == after);
        let none = AddrSet::empty();
        for name in before.keys().chain(after.keys()) {
            let (old, new) = (before.get(name).unwrap_or(&none), after.get(name).unwrap_or(&none));
            let change = delta.tags.get(name).cloned().unwrap_or_default();
            prop_assert_eq!(&old.difference(&change.removed).union(&change.added), new);
            for other in delta.tags.keys().filter(|other| *other != name) {
                let joined = delta.tags[other].added.intersection(&change.removed).count();
                let moved = delta.moved.iter().find(|m| m.from == *name && m.to == *other);
                prop_assert_eq!(moved.map_or(Count::ZERO, |m| m.addresses), joined);
            }
        }
        let back = Delta::between(&after, &before);
        prop_assert_eq!(&back.all.added, &delta.all.removed);
        prop_assert_eq!(&back.tags_added, &delta.tags_removed);
    }
}

#[test]
fn of_equally_good_covers_the_first_by_names_is_taken() {
    // Any two opposite or overlapping pairs will do; a-b and c-d both cover in two tags.
    let tags: Tags = [("c", 0b0011), ("d", 0b1100), ("a", 0b0101), ("b", 0b1010)]
        .map(|(name, mask)| (TagName::new(name), of_mask(mask)))
        .into();
    let index = index(&tags);
    let cover = TagCover::find(&index, &of_mask(0b1111), TagGoal::Exact).expect("there is one");
    assert_eq!(index.names_of(&cover.tags).map(TagName::as_str).collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn many_candidates_are_covered_and_marked() {
    // 200 tags of three neighbouring blocks each: none can stand in for another.
    let block = |i: u32| IpPrefix::parse(&format!("10.0.{}.0/24", i % 200), false).expect("a prefix");
    let tags: Tags =
        (0..200).map(|i| (TagName::new(&format!("t{i:03}")), (i..i + 3).map(block).collect())).collect();
    let index = index(&tags);
    let target = AddrSet::union_of(tags.values());
    let cover = TagCover::find(&index, &target, TagGoal::Exact).expect("all tags together do");
    assert!(!cover.optimal && cover.extra.is_empty() && cover.tags.len() >= 67, "{}", cover.tags.len());
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn regional_tags_lie_in_their_global_tag() {
    let Some(shared) = support::shared("regional_tags_lie_in_their_global_tag") else { return };
    let snapshot = support::real(&shared, NEWEST);
    let index = TagIndex::of(&snapshot);
    let order = Containment::of(&index);
    let mut pairs = 0;
    for (id, tag) in snapshot.tags().iter().enumerate() {
        let Some(global) = tag.region().and_then(|_| index.find(tag.name().base())) else { continue };
        let id = id as u32;
        let held = order.supersets(id).contains(&global)
            || order.empty().contains(&id)
            || order.representative(id) == order.representative(global);
        assert_eq!(held, tag.set().is_subset(snapshot.tags()[global as usize].set()), "{}", tag.name());
        assert!(held, "{} is not in {}", tag.name(), index.name(global));
        pairs += 1;
    }
    assert!(pairs > 1000, "{pairs}");
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn look_up_agrees_with_a_scan_of_all_tags() {
    let Some(shared) = support::shared("look_up_agrees_with_a_scan_of_all_tags") else { return };
    let snapshot = support::real(&shared, NEWEST);
    let index = TagIndex::of(&snapshot);
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    let (v4, v6): (Vec<_>, Vec<_>) = (index.v4().map(|p| p.0).collect(), index.v6().map(|p| p.0).collect());
    for round in 0..300 {
        let (a, b) = (v4[random() as usize % v4.len()], v6[random() as usize % v6.len()]);
        // Ends of pieces, their outer neighbours, and anything at all.
        let (a, b) = match round % 4 {
            0 => (a.first(), b.first()),
            1 => (a.last(), b.last()),
            2 => (a.last().wrapping_add(1), b.last().wrapping_add(1)),
            _ => (random() as u32, u128::from(random()) << 64 | u128::from(random())),
        };
        for addr in [IpAddr::V4(Ipv4Addr::from(a)), IpAddr::V6(Ipv6Addr::from(b))] {
            let naive: Vec<&TagName> = snapshot
                .tags()
                .iter()
                .filter(|tag| match addr {
                    IpAddr::V4(a) => tag.v4().iter().any(|p| p.interval().contains(a.into())),
                    IpAddr::V6(a) => tag.v6().iter().any(|p| p.interval().contains(a.into())),
                })
                .map(|tag| tag.name())
                .collect();
            assert_eq!(index.names_of(index.at(addr)).collect::<Vec<_>>(), naive, "{addr}");
        }
    }
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn order_agrees_with_pairs_of_global_tags() {
    let Some(shared) = support::shared("order_agrees_with_pairs_of_global_tags") else { return };
    let snapshot = support::real(&shared, NEWEST);
    let index = TagIndex::of(&snapshot);
    let order = Containment::of(&index);
    let global: Vec<u32> =
        (0..).zip(snapshot.tags()).filter(|(_, tag)| tag.region().is_none()).map(|(id, _)| id).collect();
    assert!(global.len() > 80, "{}", global.len());
    for &a in &global {
        for &b in &global {
            let [x, y] = [a, b].map(|id| snapshot.tags()[id as usize].set());
            let naive = !x.is_empty() && x != y && x.is_subset(y);
            assert_eq!(order.supersets(a).contains(&b), naive, "{} {}", index.name(a), index.name(b));
        }
    }
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn a_week_of_changes_adds_up() {
    let Some(shared) = support::shared("a_week_of_changes_adds_up") else { return };
    let (before, after) = (support::real(&shared, "Public_20260615"), support::real(&shared, NEWEST));
    let delta = Delta::of(&before, &after);
    assert!(!delta.is_empty() && Delta::of(&after, &after).is_empty());
    let none = AddrSet::empty();
    for (name, change) in &delta.tags {
        let side =
            |s: &tagwall::tags::Snapshot| s.tag(name.as_str()).map_or(none.clone(), |t| t.set().clone());
        assert_eq!(side(&before).difference(&change.removed).union(&change.added), side(&after), "{name}");
    }
}
