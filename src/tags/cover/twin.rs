//! Covers against the plainest method: all sets of tags, one after another.

use proptest::prelude::*;

use super::{CoverGoal, TagCover};
use crate::addr::{AddrSet, Count, Interval, IntervalSet};
use crate::tags::{TagId, TagIndex, TagName, TagSets};

const GOALS: [CoverGoal; 3] = [CoverGoal::Exact, CoverGoal::Tight, CoverGoal::Fewest];

/// Twelve IPv4 and four IPv6 addresses, a bit each; spread unevenly so that cells differ in size.
fn set(mask: u16) -> AddrSet {
    let bits = |from: u32, to: u32| (from..to).filter(move |bit| mask >> bit & 1 == 1);
    let v4 = bits(0, 12).map(|bit| {
        let first = bit * 16;
        Interval::new(first, first + bit % 5).expect("ends are in order")
    });
    let v6 = bits(12, 16).map(|bit| Interval::new(u128::from(bit), u128::from(bit)).expect("one address"));
    AddrSet { v4: IntervalSet::from_intervals(v4.collect()), v6: IntervalSet::from_intervals(v6.collect()) }
}

fn sets(masks: &[u16]) -> TagSets<'static> {
    let named = masks.iter().enumerate();
    named.map(|(at, &mask)| (TagName::new(&format!("t{at:02}")), set(mask))).collect()
}

fn size(mask: u16) -> Count {
    set(mask).count()
}

/// Whether `b` makes `a` needless for `target`.
fn dominates(masks: &[u16], target: u16, a: usize, b: usize) -> bool {
    let (x, y) = (masks[a], masks[b]);
    let no_worse = x & target & !y == 0 && y & !target & !x == 0;
    let alike = x & target == y & target && x & !target == y & !target;
    a != b && no_worse && (!alike || b < a)
}

fn slow(masks: &[u16], target: u16, goal: CoverGoal) -> Option<(Vec<usize>, Count)> {
    let may = |at: usize| masks[at] & target != 0 && (goal != CoverGoal::Exact || masks[at] & !target == 0);
    let candidates: Vec<usize> = (0..masks.len()).filter(|&at| may(at)).collect();
    let left: Vec<usize> = candidates
        .iter()
        .copied()
        .filter(|&a| !candidates.iter().any(|&b| dominates(masks, target, a, b)))
        .collect();
    let choices = (0..1_u32 << left.len()).filter_map(|choice| {
        let tags: Vec<usize> = (0..left.len()).filter(|&i| choice >> i & 1 == 1).map(|i| left[i]).collect();
        let union = tags.iter().fold(0, |union, &at| union | masks[at]);
        let extra = size(union & !target);
        let number = Count::from(tags.len() as u64);
        let score = if goal == CoverGoal::Tight { (extra, number) } else { (number, extra) };
        (target & !union == 0).then_some((score, tags, extra))
    });
    choices.min().map(|(_, tags, extra)| (tags, extra))
}

fn fast(masks: &[u16], target: u16, goal: CoverGoal, effort: u64) -> Option<TagCover> {
    TagIndex::new(&sets(masks)).cover_within(&set(target), goal, |_| true, effort)
}

fn places(cover: &TagCover) -> Vec<usize> {
    cover.tags().iter().map(|id| id.index()).collect()
}

fn mask() -> impl Strategy<Value = u16> {
    // Few bits, so that several tags are needed; many, so that there is a lot beyond.
    prop_oneof![any::<u16>(), (any::<u16>(), any::<u16>()).prop_map(|(a, b)| a & b), 0..64_u16]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn best_and_first_by_name(masks in prop::collection::vec(mask(), 0..10), target in mask()) {
        for goal in GOALS {
            let fast = fast(&masks, target, goal, TagIndex::COVER_EFFORT);
            prop_assert!(fast.as_ref().is_none_or(TagCover::is_proven));
            prop_assert_eq!(fast.map(|c| (places(&c), c.extra())), slow(&masks, target, goal), "{:?}", goal);
        }
    }

    #[test]
    fn union_of_many_small_tags(masks in prop::collection::vec((0..16_u32, 0..16_u32, 0..16_u32), 0..11)) {
        let masks: Vec<u16> = masks.into_iter().map(|(a, b, c)| 1 << a | 1 << b | 1 << c).collect();
        let target = masks.iter().fold(0, |union, mask| union | mask);
        for goal in GOALS {
            let fast = fast(&masks, target, goal, TagIndex::COVER_EFFORT);
            prop_assert_eq!(fast.map(|c| (places(&c), c.extra())), slow(&masks, target, goal), "{:?}", goal);
        }
    }

    #[test]
    fn without_effort_still_a_cover(masks in prop::collection::vec(mask(), 0..12), target in mask()) {
        for goal in GOALS {
            let (best, found) = (slow(&masks, target, goal), fast(&masks, target, goal, 0));
            prop_assert_eq!(best.is_some(), found.is_some());
            let Some((found, best)) = found.zip(best) else { continue };
            let union = places(&found).into_iter().fold(0, |union, at| union | masks[at]);
            prop_assert_eq!(target & !union, 0);
            prop_assert_eq!(found.extra(), size(union & !target));
            prop_assert!(!found.is_proven() || (places(&found), found.extra()) == best);
        }
    }
}

#[test]
fn tags_that_may_not_be_used() {
    let index = TagIndex::new(&sets(&[0b11, 0b01, 0b10]));
    let first = |id: TagId| id.index() != 0;
    let cover = index.cover(&set(0b11), CoverGoal::Exact, first).expect("two tags do it");
    assert_eq!(places(&cover), [1, 2]);
    assert_eq!(index.cover(&set(0b100), CoverGoal::Tight, |_| true), None);
    let nothing = index.cover(&AddrSet::empty(), CoverGoal::Fewest, |_| false).expect("nothing is needed");
    assert!(nothing.tags().is_empty() && nothing.is_proven());
}
