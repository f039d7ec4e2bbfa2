//! Which tag, in which weeks, a list of addresses is.

use super::super::name::TagName;
use super::pieces::Piece;
use super::weeks::{TagHistory, Timeline};
use crate::addr::{AddrSet, Address, Count, Interval, IntervalSet};

/// How well a tag fits a list, in the weeks in which it fits best.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fit {
    /// The tag.
    pub tag: TagName,
    /// Spans of weeks, first and last, in which it fits so well; ascending.
    pub weeks: Vec<(u32, u32)>,
    /// Addresses of the tag that the list lacks.
    pub missing: Count,
    /// Addresses of the list that the tag lacks.
    pub excess: Count,
    /// Addresses of both.
    pub common: Count,
}

/// A list that is two tags together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnionFit {
    /// The tags, in order of their names.
    pub tags: [TagName; 2],
    /// Spans of weeks, first and last, in which both together fit so well; ascending.
    pub weeks: Vec<(u32, u32)>,
    /// Addresses of the tags that the list lacks.
    pub missing: Count,
    /// Addresses of the list that the tags lack.
    pub excess: Count,
}

impl Fit {
    /// How many addresses are missing or in excess.
    pub fn distance(&self) -> Count {
        self.missing + self.excess
    }
}

impl UnionFit {
    /// How many addresses are missing or in excess.
    pub fn distance(&self) -> Count {
        self.missing + self.excess
    }
}

/// How many tags are tried for pairs: those of which the list holds most.
const PAIRED: usize = 16;

/// Addresses that a list shares with a tag from one week to another.
struct Shared {
    tag: u32,
    from: u32,
    last: Option<u32>,
    count: Count,
}

impl Timeline {
    /// The tags that share addresses with `list`, each in the weeks in which it fits best: the fewest addresses missing
    /// and in excess first; of those that fit alike, by name. Only families that the list has are looked at: a rule
    /// holds one.
    pub fn fits(&self, list: &AddrSet) -> Vec<Fit> {
        let mut shared = self.shared(list);
        shared.sort_unstable_by_key(|shared| shared.tag);
        let asked = Asked::of(list);
        let of_tags = shared.chunk_by(|a, b| a.tag == b.tag);
        let mut fits: Vec<Fit> = of_tags
            .filter_map(|shared| self.fit(&self.tags()[shared[0].tag as usize], shared, &asked))
            .collect();
        fits.sort_by(|a, b| (a.distance(), a.missing, &a.tag).cmp(&(b.distance(), b.missing, &b.tag)));
        fits
    }

    fn shared(&self, list: &AddrSet) -> Vec<Shared> {
        let (v4, v6) = self.overlaps();
        let mut found = Vec::new();
        for &interval in list.v4.intervals() {
            v4.meet(interval, &mut |tag, piece| found.push(shared(tag, piece, interval)));
        }
        for &interval in list.v6.intervals() {
            v6.meet(interval, &mut |tag, piece| found.push(shared(tag, piece, interval)));
        }
        found
    }

    /// The weeks in which a tag is nearest to what was asked for.
    fn fit(&self, tag: &TagHistory, shared: &[Shared], asked: &Asked) -> Option<Fit> {
        let common = self.common_by_week(shared);
        let mut best: Option<Fit> = None;
        for (week, &common) in (0..).zip(&common) {
            let Some(run) = tag.run_at(week).filter(|_| !common.is_zero()) else { continue };
            let size: Count =
                run.addresses.iter().zip(asked.families).filter(|(_, asked)| *asked).map(|(n, _)| *n).sum();
            let missing = size.checked_sub(common).expect("common to both");
            let excess = asked.count.checked_sub(common).expect("common to both");
            match &mut best {
                Some(best) if (best.missing, best.excess) == (missing, excess) => {
                    extend(&mut best.weeks, week)
                }
                Some(best) if best.distance() <= missing + excess => {}
                _ => {
                    let weeks = vec![(week, week)];
                    best = Some(Fit { tag: tag.name.clone(), weeks, missing, excess, common });
                }
            }
        }
        best
    }

    /// How many addresses are shared in each week.
    fn common_by_week(&self, shared: &[Shared]) -> Vec<Count> {
        let mut begins = vec![Count::ZERO; self.weeks().len() + 1];
        let mut ends = begins.clone();
        for piece in shared {
            begins[piece.from as usize] += piece.count;
            let end = piece.last.map_or(self.weeks().len(), |last| last as usize + 1);
            ends[end] += piece.count;
        }
        let mut common = Count::ZERO;
        let mut weeks = Vec::with_capacity(self.weeks().len());
        for week in 0..self.weeks().len() {
            common = (common + begins[week]).checked_sub(ends[week]).expect("what ends has begun");
            weeks.push(common);
        }
        weeks
    }

    /// The two tags that together fit `list` better than any of `fits` alone, each of them adding something; `None` if
    /// there are none. Tried are pairs of the tags of which the list holds most.
    ///
    /// # Cost
    /// That of some hundred set operations for each week.
    pub fn union_fit(&self, list: &AddrSet, fits: &[Fit]) -> Option<UnionFit> {
        let alone = fits.first()?.distance();
        let families = Asked::of(list).families;
        let mut able: Vec<&Fit> = fits.iter().filter(|fit| fit.common > fit.missing).collect();
        able.sort_by(|a, b| (b.common, a.missing, &a.tag).cmp(&(a.common, b.missing, &b.tag)));
        able.truncate(PAIRED);
        let mut best: Option<UnionFit> = None;
        for week in 0..self.weeks().len() as u32 {
            let sets: Vec<(&TagName, AddrSet)> = able
                .iter()
                .filter_map(|fit| Some((&fit.tag, only(self.set_at(fit.tag.as_str(), week)?, families))))
                .collect();
            for (at, (first, a)) in sets.iter().enumerate() {
                for (second, b) in &sets[at + 1..] {
                    if a.is_subset(b) || b.is_subset(a) {
                        continue;
                    }
                    let both = a.union(b);
                    let (missing, excess) = (both.difference(list).count(), list.difference(&both).count());
                    note(&mut best, [first, second], week, missing, excess);
                }
            }
        }
        best.filter(|best| best.distance() < alone)
    }
}

/// Keeps the pair with the fewest addresses missing and in excess, with all weeks in which that is so.
fn note(best: &mut Option<UnionFit>, pair: [&TagName; 2], week: u32, missing: Count, excess: Count) {
    let mut tags = pair.map(Clone::clone);
    tags.sort();
    match best {
        Some(best) if best.tags == tags && (best.missing, best.excess) == (missing, excess) => {
            extend(&mut best.weeks, week);
        }
        Some(best) if best.distance() <= missing + excess => {}
        _ => *best = Some(UnionFit { tags, weeks: vec![(week, week)], missing, excess }),
    }
}

/// Adds a week to spans that end before it.
fn extend(spans: &mut Vec<(u32, u32)>, week: u32) {
    match spans.last_mut() {
        Some((_, last)) if *last + 1 == week => *last = week,
        _ => spans.push((week, week)),
    }
}

fn only(set: AddrSet, [v4, v6]: [bool; 2]) -> AddrSet {
    AddrSet {
        v4: if v4 { set.v4 } else { IntervalSet::empty() },
        v6: if v6 { set.v6 } else { IntervalSet::empty() },
    }
}

fn shared<A: Address>(tag: u32, piece: &Piece<A>, asked: Interval<A>) -> Shared {
    let first = piece.interval.first().max(asked.first());
    let last = piece.interval.last().min(asked.last());
    let part = Interval::new(first, last).expect("the piece meets what is asked for");
    let count = IntervalSet::from_intervals(vec![part]).count();
    Shared { tag, from: piece.from, last: piece.last, count }
}

/// What is asked for.
struct Asked {
    families: [bool; 2],
    count: Count,
}

impl Asked {
    fn of(list: &AddrSet) -> Self {
        Asked { families: [!list.v4.is_empty(), !list.v6.is_empty()], count: list.count() }
    }
}
