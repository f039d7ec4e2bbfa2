//! Sets under one budget, and from which end their curve is worked out.

use std::collections::BinaryHeap;

use super::answer::{Certificate, CoverError, Covers, CurvePoint};
use super::joint::{Split, sums};
use super::part::{Join, Part, Pending, Total};
use super::request::CoverRequest;
use crate::addr::{AddrSet, Count};

/// How many cells a node may have in the first attempt from either end.
const FIRST: usize = 256;

/// Sets under one budget, before any programme has run.
pub(super) struct CoverProblem<'a> {
    /// Two for each set, IPv4 first.
    pending: Vec<Box<dyn Pending + 'a>>,
    /// How often each one's cover is written.
    times: Vec<usize>,
}

impl<'a> CoverProblem<'a> {
    pub(super) fn new(requests: &[CoverRequest<'a>]) -> Result<Self, CoverError> {
        assert!(requests.len() < 1 << 16, "at most 65,535 sets");
        for (set, request) in requests.iter().enumerate() {
            let both =
                request.never.map_or_else(AddrSet::empty, |never| request.required.intersection(never));
            if !both.is_empty() {
                return Err(CoverError::Conflict { set, addresses: both });
            }
        }
        let pending = requests.iter().flat_map(CoverRequest::components).collect();
        let times = requests.iter().flat_map(|request| [request.times; 2]).collect();
        Ok(CoverProblem { pending, times })
    }

    /// The fewest prefixes of any cover.
    pub(super) fn smallest(&self) -> usize {
        self.pending.iter().zip(&self.times).map(|(p, t)| p.least() * t).sum()
    }

    /// The prefixes of the exact covers.
    pub(super) fn lossless(&self) -> usize {
        self.pending.iter().zip(&self.times).map(|(p, t)| p.leaves() * t).sum()
    }

    pub(super) fn certificate(&self) -> Certificate {
        Certificate::new(&self.pending, &self.times)
    }

    /// The curve from the smallest number of prefixes to `cap`, which lies between that and the exact number.
    pub(super) fn upward(&self, cap: usize) -> Window {
        let spare = cap - self.smallest();
        let parts = self.pending.iter().zip(&self.times).map(|(p, t)| p.run(p.least() + spare / t));
        self.window(parts.collect(), cap, None)
    }

    /// The curve from the exact number of prefixes down to where it passes the cost `most`; `None` if that takes more
    /// than `work` additions.
    fn downward(&self, most: Count, mut work: u64) -> Option<Window> {
        let parts: Option<Vec<_>> = self.pending.iter().map(|p| p.run_back(most, &mut work)).collect();
        Some(self.window(parts?, self.lossless(), Some(most)))
    }

    fn window(&self, parts: Vec<Box<dyn Part>>, cap: usize, most: Option<Count>) -> Window {
        let plain = self.pending.iter().all(|p| p.is_plain());
        let curves = parts.iter().zip(&self.times);
        let curves = curves.map(|(part, t)| (part.start() * t, stretched(part.curve(), *t))).collect();
        let split = sums(curves, plain, cap, most);
        let (start, totals) = split.total();
        Window { parts, times: self.times.clone(), split, totals, start }
    }

    /// The fewest prefixes with cost at most `most`.
    ///
    /// From the exact end the work follows what can be saved, from the smallest number what is left. Which is less shows
    /// only on the way, so both are tried with little work first, then with twice as much. Either finds the same.
    pub(super) fn fewest_within(&self, most: Count) -> Covers {
        let (smallest, lossless) = (self.smallest(), self.lossless());
        let mut cells = FIRST;
        loop {
            if let Some(window) = self.downward(most, steps(lossless, cells)) {
                return window.covers(window.first_within(most).expect("nothing is added at no cost"));
            }
            let window = self.upward(smallest.saturating_add(cells).min(lossless));
            if let Some(at) = window.first_within(most) {
                return window.covers(at);
            }
            cells *= 2;
        }
    }

    /// The least cost with at most `most` prefixes; `None` if there is no cover of so few.
    pub(super) fn cheapest_within(&self, most: usize) -> Option<Covers> {
        let (smallest, lossless) = (self.smallest(), self.lossless());
        let spare = most.checked_sub(smallest)?;
        let Some(save) = lossless.checked_sub(most) else { return Some(self.fewest_within(Count::ZERO)) };
        if save < spare {
            let near = self.downward(self.cost_of_saving(save), steps(lossless, spare));
            if let Some(window) = near {
                return window.at_most(most);
            }
        }
        self.upward(most.min(lossless)).at_most(most)
    }

    /// A cost at which so many prefixes can be saved, if that many can be; hardly more than the least where few are.
    ///
    /// Each inner node that is taken whole, after all below it, saves one prefix more. The cheapest nodes come after
    /// those below them, so the cheapest `save` of all will do.
    fn cost_of_saving(&self, save: usize) -> Count {
        // The greatest of the cheapest on top.
        let mut cheapest: BinaryHeap<(Count, usize)> = BinaryHeap::new();
        let mut saved = 0;
        self.for_each_join(|join, times| {
            if saved >= save && cheapest.peek().is_some_and(|&(cost, _)| join.cost >= cost) {
                return;
            }
            cheapest.push((join.cost, times));
            saved += times;
            while let Some(&(_, times)) = cheapest.peek().filter(|(_, times)| saved - times >= save) {
                cheapest.pop();
                saved -= times;
            }
        });
        let Some(&(limit, _)) = cheapest.peek() else { return Count::ZERO };
        let (mut cost, mut saved) = (Count::ZERO, 0);
        // Of nodes that cost the same, those below come first, so that what is taken is closed under children.
        let cheaper: usize = cheapest.iter().filter(|(cost, _)| *cost < limit).map(|(_, times)| times).sum();
        self.for_each_join(|join, times| {
            let equal = join.cost == limit && cheaper + saved < save;
            if join.cost < limit || equal {
                cost += join.more;
                saved += if equal { times } else { 0 };
            }
        });
        cost
    }

    fn for_each_join(&self, mut each: impl FnMut(Join, usize)) {
        for (pending, &times) in self.pending.iter().zip(&self.times) {
            pending.for_each_join(&mut |join| each(join, times));
        }
    }
}

/// As many additions as so many cells at each of `nodes` may take.
fn steps(nodes: usize, cells: usize) -> u64 {
    (nodes as u64 + 1).saturating_mul(cells as u64)
}

/// The curve of a cover that is written `times` times: between two numbers that it can be written in, the better
/// cover is still out of reach.
fn stretched(curve: Vec<Total>, times: usize) -> Vec<Total> {
    if times == 1 {
        return curve;
    }
    let last = curve.len().saturating_sub(1);
    let often = |at: usize| if at == last { 1 } else { times };
    curve.into_iter().enumerate().flat_map(|(at, total)| std::iter::repeat_n(total, often(at))).collect()
}

/// A part of the curve that all sets have together.
pub(super) struct Window {
    /// Two for each set.
    parts: Vec<Box<dyn Part>>,
    times: Vec<usize>,
    split: Box<dyn Split>,
    totals: Vec<Total>,
    /// The number of prefixes that the first total belongs to.
    start: usize,
}

impl Window {
    pub(super) fn points(&self) -> impl Iterator<Item = CurvePoint> + '_ {
        let improves = |at: usize| at == 0 || self.totals[at].cost < self.totals[at - 1].cost;
        (0..self.totals.len()).filter(move |&at| improves(at)).map(|at| self.point(at))
    }

    /// The cheapest covers of at most `k` prefixes, if the window reaches so far down.
    pub(super) fn at_most(&self, k: usize) -> Option<Covers> {
        let spare = k.checked_sub(self.start)?;
        let cost = self.totals[spare.min(self.totals.len() - 1)].cost;
        Some(self.covers(self.first_within(cost).expect("a cost of the curve")))
    }

    /// The place of the fewest prefixes that cost at most `most`.
    pub(super) fn first_within(&self, most: Count) -> Option<usize> {
        let at = self.totals.partition_point(|t| t.cost > most);
        (at < self.totals.len()).then_some(at)
    }

    pub(super) fn point(&self, at: usize) -> CurvePoint {
        let Total { cost, extra, .. } = self.totals[at];
        CurvePoint { prefixes: self.start + at, cost, extra }
    }

    /// The prefixes at a place.
    pub(super) fn covers(&self, at: usize) -> Covers {
        let CurvePoint { prefixes, cost, extra } = self.point(at);
        let shares = self.split.split(prefixes);
        let shares: Vec<usize> = shares.iter().zip(&self.times).map(|(share, times)| share / times).collect();
        let covers = self
            .parts
            .chunks(2)
            .zip(shares.chunks(2))
            .map(|(parts, shares)| parts.iter().zip(shares).flat_map(|(p, &k)| p.cover(k)).collect())
            .collect();
        Covers { covers, prefixes, cost, extra }
    }
}
