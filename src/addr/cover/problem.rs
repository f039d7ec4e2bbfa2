//! Sets under one budget, and from which end their curve is worked out.

use std::collections::BinaryHeap;

use super::answer::{Certificate, CoverError, Covers, CurvePoint};
use super::joint::{Split, sums};
use super::part::{Join, Narrow, Part, Pending, Point, Price, Total};
use super::request::CoverRequest;
use crate::addr::{AddrSet, Count};

/// How many cells a node may have in the first attempt from either end.
const FIRST: usize = 256;

/// How far from either end an answer has to lie for the middle to be narrowed down.
const MIDDLE: usize = 16 * FIRST;

/// What is looked for in the middle of a curve.
#[derive(Debug, Clone, Copy)]
enum Wanted {
    /// The least cost with so many prefixes saved.
    Saved(i128),
    /// The most prefixes saved at such a cost.
    Cost(i128),
}

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
            if cells == MIDDLE
                && let Some(window) = self.narrowed(most, None, steps(lossless, cells))
                && let Some(at) = window.first_within(most)
            {
                return window.covers(at);
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
        if save.min(spare) >= MIDDLE
            && let Some(window) = self.narrowed(Count::ZERO, Some(save), steps(lossless, save.min(spare)))
        {
            return window.at_most(most);
        }
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

    /// The part of the curve where so many prefixes are saved, or else where the cost is `most`: worked out of a price
    /// for a prefix, and of what covers near there cost at that price. `None` if that takes more than `work` additions,
    /// or costs do not fit.
    fn narrowed(&self, most: Count, save: Option<usize>, mut work: u64) -> Option<Window> {
        let unit = self.pending.iter().filter_map(|p| p.shift()).min()?;
        let of_unit = |count: Count| count.shifted_down(unit).to_u64().map(i128::from);
        let wanted = match save {
            Some(save) => Wanted::Saved(save as i128),
            None => Wanted::Cost(of_unit(most)?),
        };
        let parts = self.pending.iter().zip(&self.times).map(|(p, &times)| p.narrow(times, unit));
        let mut parts: Vec<Box<dyn Narrow>> = parts.collect::<Option<_>>()?;
        let all = Point {
            saved: (self.lossless() - self.smallest()) as i128,
            cost: of_unit(self.pending.iter().map(|p| p.bound()).sum())?,
        };
        let (price, gap) = priced(&mut parts, all, wanted)?;
        let parts: Option<Vec<_>> = parts.iter().map(|part| part.run(price, gap, &mut work)).collect();
        Some(self.window(parts?, self.lossless(), None))
    }

    fn for_each_join(&self, mut each: impl FnMut(Join, usize)) {
        for (pending, &times) in self.pending.iter().zip(&self.times) {
            pending.for_each_join(&mut |join| each(join, times));
        }
    }
}

/// The price at which what is `wanted` lies between two lean covers, and by how much an optimum may be dearer than those
/// at it. `None` if `all` saved is not enough.
fn priced(parts: &mut [Box<dyn Narrow>], all: Point, wanted: Wanted) -> Option<(Price, i128)> {
    let reached = |point: Point| match wanted {
        Wanted::Saved(saved) => point.saved >= saved,
        Wanted::Cost(cost) => point.cost > cost,
    };
    let (mut low, mut high) = (Point { saved: 0, cost: 0 }, all);
    if reached(low) || !reached(high) {
        return None;
    }
    let price = loop {
        let price = Price { per_prefix: high.cost - low.cost, per_cost: high.saved - low.saved };
        let lean = parts
            .iter_mut()
            .map(|part| part.lean(price))
            .reduce(|a, b| Point { saved: a.saved + b.saved, cost: a.cost + b.cost })?;
        // No cover lies below the line from one to the other: both are lean.
        if price.value(lean) >= price.value(low) {
            break price;
        }
        if reached(lean) { high = lean } else { low = lean }
    };
    let gap = match wanted {
        Wanted::Saved(saved) => price.per_prefix * (fill(parts, saved).clamp(saved, high.saved) - saved),
        Wanted::Cost(cost) => {
            let slack = price.per_cost * cost - price.value(low);
            let most = slack / price.per_prefix;
            // What comes out a little above is asked for a little less.
            let mut ask = most;
            let mut found = fill(parts, ask);
            for _ in 0..16 {
                if found <= most {
                    break;
                }
                ask -= found - most;
                found = fill(parts, ask);
            }
            let found = if found <= most { found.max(low.saved) } else { low.saved };
            slack - price.per_prefix * found
        }
    };
    Some((price, gap))
}

/// How many prefixes lean covers save together that save `wanted` or little more.
fn fill(parts: &[Box<dyn Narrow>], wanted: i128) -> i128 {
    let most: Vec<i128> = parts.iter().map(|part| part.fill(i128::from(u32::MAX))).collect();
    let mut left: i128 = most.iter().sum();
    let mut saved = 0;
    for (part, most) in parts.iter().zip(most) {
        left -= most;
        saved += part.fill(wanted - saved - left);
    }
    saved
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addr::{IpPrefix, Prefix};

    /// Random addresses of a block of 2^`bits`, in IPv4 or blocks of a /64, some of them runs.
    fn random(seed: u64, count: usize, bits: u32, v6: bool) -> AddrSet {
        let mut state = seed;
        let mut next = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let prefix = |at: u64| match v6 {
            false => IpPrefix::V4(Prefix::host(0x1400_0000 + at as u32)),
            true => IpPrefix::V6(Prefix::new((0x2603 << 112) + (u128::from(at) << 64), 64).unwrap()),
        };
        (0..count)
            .flat_map(|_| {
                let (first, run) = (next(1 << bits), 1 + next(3) * next(2));
                (first..(first + run).min(1 << bits)).map(prefix)
            })
            .collect()
    }

    fn narrowed(problem: &CoverProblem<'_>, most: Count, save: Option<usize>) -> Option<Window> {
        problem.narrowed(most, save, u64::MAX)
    }

    /// Holds every point of the middle against the programme from the smallest number on.
    fn same(requests: &[CoverRequest<'_>], step: usize) {
        let problem = CoverProblem::new(requests).unwrap();
        let (smallest, lossless) = (problem.smallest(), problem.lossless());
        let whole = problem.upward(lossless);
        let mut looked = 0;
        for most in (smallest..lossless).step_by(step) {
            let wanted = whole.at_most(most).unwrap();
            let found = narrowed(&problem, Count::ZERO, Some(lossless - most)).expect("costs fit");
            assert_eq!(found.at_most(most).unwrap(), wanted, "{most} of {smallest} to {lossless}");
            for cost in [wanted.cost, wanted.cost + Count::from(1_u64)] {
                let Some(found) = narrowed(&problem, cost, None) else { continue };
                let at = found.first_within(cost).expect("a cover within the cost is kept");
                let wanted = whole.covers(whole.first_within(cost).unwrap());
                assert_eq!(found.covers(at), wanted, "cost {cost}");
                looked += 1;
            }
        }
        assert!(looked > 0);
    }

    #[test]
    fn what_is_narrowed_down_is_the_optimum() {
        for seed in 0..30 {
            let v6 = seed % 5 == 4;
            let (bits, count) = (6 + seed as u32 % 8, 10 + 7 * (seed as usize % 16));
            let set = random(seed, count, bits, v6);
            let never = random(seed + 1000, count / 6, bits, v6).difference(&set);
            same(&[CoverRequest::new(&set)], 1);
            same(&[CoverRequest::new(&set).never(&never)], 1);
        }
    }

    #[test]
    fn several_sets_are_narrowed_down_together() {
        for seed in 0..20 {
            let sets: Vec<_> =
                (0..3).map(|at| random(3 * seed + at, 30 + 20 * at as usize, 9, seed % 4 == 3)).collect();
            let times = |at: usize| 1 + (seed as usize + at) % 3;
            let requests: Vec<_> =
                sets.iter().enumerate().map(|(at, set)| CoverRequest::new(set).times(times(at))).collect();
            same(&requests, 3);
        }
    }

    #[test]
    fn regular_lists_are_narrowed_down() {
        let every = |step: u32| -> AddrSet {
            (0..300).map(|at| IpPrefix::V4(Prefix::host(0x1400_0000 + step * at))).collect()
        };
        for step in [2, 3, 4, 7] {
            same(&[CoverRequest::new(&every(step))], 5);
        }
    }

    /// The work for half of a list that is saved grows little faster than the list: eight times the list, with its
    /// square, would be eight times the work for each prefix.
    #[test]
    fn half_of_a_long_list_takes_time_in_proportion() {
        let used = |count: usize| {
            let set = random(7, count, 24, false);
            let problem = CoverProblem::new(&[CoverRequest::new(&set)]).unwrap();
            let half = problem.lossless() / 2;
            let fits = |work: u64| problem.narrowed(Count::ZERO, Some(half), work).is_some();
            (10..).map(|at| 1_u64 << at).find(|&work| fits(work)).unwrap() as f64 / problem.lossless() as f64
        };
        let (little, much) = (used(2_000), used(16_000));
        assert!(much <= 4.0 * little, "{little} and {much} additions a prefix");
    }
}
