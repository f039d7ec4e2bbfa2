//! [`Piece`]: addresses with the weeks in which a tag held them, and which pieces meet a set.

use crate::addr::{Address, Interval, IntervalSet};

/// Addresses that a tag held from one week to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Piece<A: Address> {
    /// The addresses.
    pub interval: Interval<A>,
    /// The first week.
    pub from: u32,
    /// The last week; `None` while the tag still holds them.
    pub last: Option<u32>,
}

impl<A: Address> Piece<A> {
    fn holds(&self, week: u32) -> bool {
        self.from <= week && self.last.is_none_or(|last| week <= last)
    }
}

/// What the pieces hold in a week.
pub(super) fn at<A: Address>(pieces: &[Piece<A>], week: u32) -> IntervalSet<A> {
    IntervalSet::from_intervals(pieces.iter().filter(|p| p.holds(week)).map(|p| p.interval).collect())
}

/// Makes the tag hold `now` from `week` on: closes what went, splitting pieces where only a part did, and opens what
/// came.
pub(super) fn advance<A: Address>(pieces: &mut Vec<Piece<A>>, now: &IntervalSet<A>, week: u32) {
    let open = pieces.iter().filter(|p| p.last.is_none()).map(|p| p.interval).collect();
    let before = IntervalSet::from_intervals(open);
    let gone = before.difference(now);
    if !gone.is_empty() {
        let mut split = Vec::with_capacity(pieces.len());
        for piece in pieces.drain(..) {
            if piece.last.is_some() || gone.is_clear_of(piece.interval) {
                split.push(piece);
                continue;
            }
            let whole = IntervalSet::from_intervals(vec![piece.interval]);
            let stays = whole.difference(&gone);
            split.extend(stays.intervals().iter().map(|&interval| Piece { interval, ..piece }));
            let goes = whole.intersection(&gone);
            let closed = |&interval| Piece { interval, last: Some(week - 1), ..piece };
            split.extend(goes.intervals().iter().map(closed));
        }
        *pieces = split;
    }
    let came = now.difference(&before);
    pieces.extend(came.intervals().iter().map(|&interval| Piece { interval, from: week, last: None }));
}

/// Pieces of all tags in order of their first address, so that those which meet an interval are found without looking
/// at the rest: an interval tree laid out in the sorted list itself, the middle of each slice being its root.
#[derive(Debug, Clone, Default)]
pub(super) struct Overlaps<A: Address> {
    pieces: Vec<(u32, Piece<A>)>,
    /// For the root of each slice, the highest address of the slice.
    highest: Vec<A>,
}

impl<A: Address> Overlaps<A> {
    /// The pieces, each with the number of its tag.
    pub(super) fn new(mut pieces: Vec<(u32, Piece<A>)>) -> Self {
        pieces.sort_unstable_by_key(|(tag, piece)| (piece.interval, *tag, piece.from));
        let mut highest = vec![A::MIN; pieces.len()];
        fill(&pieces, &mut highest);
        Overlaps { pieces, highest }
    }

    /// Hands over each piece that meets `asked`.
    pub(super) fn meet(&self, asked: Interval<A>, take: &mut impl FnMut(u32, &Piece<A>)) {
        self.meet_in(0..self.pieces.len(), asked, take);
    }

    fn meet_in(
        &self,
        slice: std::ops::Range<usize>,
        asked: Interval<A>,
        take: &mut impl FnMut(u32, &Piece<A>),
    ) {
        if slice.is_empty() {
            return;
        }
        let root = slice.start.midpoint(slice.end);
        if self.highest[root] < asked.first() {
            return;
        }
        self.meet_in(slice.start..root, asked, take);
        let (tag, piece) = &self.pieces[root];
        if piece.interval.first() > asked.last() {
            return;
        }
        if piece.interval.last() >= asked.first() {
            take(*tag, piece);
        }
        self.meet_in(root + 1..slice.end, asked, take);
    }
}

/// Sets the highest address of every slice, and gives that of the whole.
fn fill<A: Address>(pieces: &[(u32, Piece<A>)], highest: &mut [A]) -> A {
    if pieces.is_empty() {
        return A::MIN;
    }
    let root = pieces.len() / 2;
    let (left, rest) = highest.split_at_mut(root);
    let below = fill(&pieces[..root], left);
    let above = fill(&pieces[root + 1..], &mut rest[1..]);
    rest[0] = pieces[root].1.interval.last().max(below).max(above);
    rest[0]
}
