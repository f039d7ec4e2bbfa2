//! Covers by tags in a wider universe than the tests of the index, and of real tags; lists that imply each other.

use crate::support;
use proptest::prelude::*;
use tagwall::addr::{AddrSet, Address, Count, Interval};
use tagwall::tags::{Containment, TagCover, TagGoal, TagIndex, TagName};

const GOALS: [TagGoal; 3] = [TagGoal::Exact, TagGoal::Tight, TagGoal::Fewest];

/// Twelve IPv4 cells and four IPv6 cells, a bit each, of one to five addresses.
fn set(mask: u16) -> AddrSet {
    let bits = |from: u16, to: u16| (from..to).filter(move |bit| mask >> bit & 1 == 1);
    AddrSet {
        v4: bits(0, 12)
            .map(|bit| cell(u32::from(bit) * 16, u32::from(bit) * 16 + u32::from(bit) % 5))
            .collect(),
        v6: bits(12, 16).map(|bit| cell(u128::MAX - u128::from(bit), u128::MAX - u128::from(bit))).collect(),
    }
}

fn cell<A: Address>(first: A, last: A) -> Interval<A> {
    Interval::new(first, last).expect("ends are in order")
}

fn index(masks: &[u16]) -> TagIndex {
    let sets: Vec<AddrSet> = masks.iter().map(|&mask| set(mask)).collect();
    TagIndex::new(sets.iter().enumerate().map(|(at, set)| (TagName::new(&format!("t{at:02}")), set)))
}

/// The least score over all choices of tags, more important part first.
fn slow(masks: &[u16], target: u16, goal: TagGoal) -> Option<(Count, Count)> {
    let scores = (0..1_u32 << masks.len()).filter_map(|choice| {
        let chosen = masks.iter().enumerate().filter(|(at, _)| choice >> at & 1 == 1);
        let union = chosen.fold(0, |union, (_, mask)| union | mask);
        let fits = target & !union == 0 && (goal != TagGoal::Exact || union == target);
        fits.then(|| score(goal, choice.count_ones() as usize, set(union & !target).count()))
    });
    scores.min()
}

fn score(goal: TagGoal, tags: usize, extra: Count) -> (Count, Count) {
    let tags = Count::from(tags as u64);
    if goal == TagGoal::Fewest { (tags, extra) } else { (extra, tags) }
}

fn mask() -> impl Strategy<Value = u16> {
    // Few bits, so that several tags are needed; many, so that there is a lot beyond the target.
    prop_oneof![any::<u16>(), (any::<u16>(), any::<u16>()).prop_map(|(a, b)| a & b), 0..64_u16]
}

fn hold_to_all_choices(masks: &[u16], target: u16) -> Result<(), TestCaseError> {
    let index = index(masks);
    for goal in GOALS {
        let found = TagCover::find(&index, &set(target), goal).ok();
        let best = found.as_ref().map(|cover| score(goal, cover.tags.len(), cover.extra.count()));
        prop_assert_eq!(best, slow(masks, target, goal), "{:?}", goal);
        prop_assert!(found.is_none_or(|cover| cover.optimal));
    }
    Ok(())
}

proptest! {
    #[test]
    fn tags_of_any_size(masks in prop::collection::vec(mask(), 0..9), target in mask()) {
        hold_to_all_choices(&masks, target)?;
    }

    #[test]
    fn many_small_tags(bits in prop::collection::vec((0..16_u32, 0..16_u32, 0..16_u32), 0..10)) {
        let masks: Vec<u16> = bits.into_iter().map(|(a, b, c)| 1 << a | 1 << b | 1 << c).collect();
        hold_to_all_choices(&masks, masks.iter().fold(0, |union, mask| union | mask))?;
    }

    #[test]
    fn what_is_implied_adds_nothing(masks in prop::collection::vec(mask(), 1..9), picks in prop::collection::vec(0..9_u32, 0..7)) {
        let order = Containment::of(&index(&masks));
        let list: Vec<u32> = picks.into_iter().filter(|&tag| (tag as usize) < masks.len()).collect();
        let needed = order.needed(&list);
        let union = |list: &[u32]| list.iter().fold(0, |union, &tag| union | masks[tag as usize]);
        prop_assert_eq!(union(&needed), union(&list));
        for &a in &needed {
            // Nothing else holds it, so nothing more can go by containment.
            let held = needed.iter().any(|&b| a != b && masks[a as usize] & !masks[b as usize] == 0);
            prop_assert!(!held && masks[a as usize] != 0);
            let twins = list.iter().filter(|&&b| masks[b as usize] == masks[a as usize]);
            prop_assert_eq!(twins.min(), Some(&a));
        }
        prop_assert!(needed.is_sorted());
    }
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn every_real_tag_covers_itself() {
    let Some(shared) = support::shared("every_real_tag_covers_itself") else { return };
    let snapshot = support::real(&shared, "Public_20260622");
    let index = TagIndex::of(&snapshot);
    let order = Containment::of(&index);
    for tag in snapshot.tags().iter().step_by(40).filter(|tag| !tag.set().is_empty()) {
        let number = index.find(tag.name().as_str()).expect("its own name");
        for goal in GOALS {
            let cover = TagCover::find(&index, tag.set(), goal).expect("the tag itself");
            assert!(cover.optimal && cover.extra == AddrSet::empty(), "{}", tag.name());
            assert_eq!(cover.tags.len(), 1, "{}", tag.name());
            assert_eq!(order.representative(cover.tags[0]), order.representative(number), "{}", tag.name());
        }
    }
}
