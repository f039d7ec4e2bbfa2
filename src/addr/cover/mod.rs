//! The best cover with at most so many prefixes.
//!
//! The problem: given required addresses, addresses that may never be covered, a price for every other one and
//! a number `k`, find at most `k` prefixes that hold all of the first, none of the second, and the cheapest
//! choice of the rest. Only longest common prefixes of the required ones matter, so a dynamic programme over
//! their tree finds the optimum for every `k` in one run. Sums are exact; nothing saturates.

mod amount;
mod answer;
mod component;
mod joint;
mod narrow;
mod part;
mod price;
mod problem;
mod program;
mod request;
mod savings;
mod solved;
mod tree;

use std::fmt;

use crate::addr::Count;
pub(crate) use amount::{Amount, combine, first_split};
pub use answer::{Anchor, Certificate, CoverError, Covers, CurvePoint};
pub(crate) use joint::{Split, sums};
pub(crate) use part::Total;
pub use price::{PriceError, PriceMap, Prices};
use problem::{CoverProblem, Window};
pub use request::CoverRequest;

/// The whole trade-off between number of prefixes and cost, of one set or of several under one budget.
///
/// | for `n` exact prefixes and `k` at most | cost |
/// |---|---|
/// | build | `O(n * k)` time, `n * min(k, depth)` cells of 4 bytes and more; depth is at most 32 or 128 |
/// | a point of the curve | `O(1)` |
/// | the prefixes of one point | `O(n)` to `O(n * k)` |
pub struct CoverCurve {
    window: Window,
    smallest: usize,
    lossless: usize,
    certificate: Certificate,
}

impl CoverCurve {
    /// The curve of one set, as far as `limit` prefixes (all of it if `None`).
    ///
    /// # Errors
    /// [`CoverError::Conflict`] if a required address is forbidden. A limit below the smallest number of
    /// prefixes is no error yet: [`at_most`](Self::at_most) says so.
    pub fn new(request: CoverRequest<'_>, limit: Option<usize>) -> Result<Self, CoverError> {
        Self::joint(&[request], limit)
    }

    /// The curve of several sets whose prefixes and costs add up: one budget, spent where it saves most.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    ///
    /// # Panics
    /// With more than 65,535 sets, for which sums might not fit.
    pub fn joint(requests: &[CoverRequest<'_>], limit: Option<usize>) -> Result<Self, CoverError> {
        let problem = CoverProblem::new(requests)?;
        let (smallest, lossless) = (problem.smallest(), problem.lossless());
        let cap = limit.unwrap_or(lossless).clamp(smallest, lossless);
        let (window, certificate) = (problem.upward(cap), problem.certificate());
        Ok(CoverCurve { window, smallest, lossless, certificate })
    }

    /// The fewest prefixes that any cover without a forbidden address has.
    pub fn smallest(&self) -> usize {
        self.smallest
    }

    /// The number of prefixes that cover everything exactly, at no cost.
    pub fn lossless(&self) -> usize {
        self.lossless
    }

    /// Why fewer than [`smallest`](Self::smallest) prefixes cannot do.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Every number of prefixes at which the cost improves, ascending, as far as the limit.
    pub fn points(&self) -> impl Iterator<Item = CurvePoint> + '_ {
        self.window.points()
    }

    /// The cheapest covers of at most `k` prefixes in all; among those, the fewest prefixes, then the fewest
    /// extra addresses, then the most prefixes of last time.
    ///
    /// # Errors
    /// [`CoverError::TooFew`] if `k` is below [`smallest`](Self::smallest).
    pub fn at_most(&self, k: usize) -> Result<Covers, CoverError> {
        self.window
            .at_most(k)
            .ok_or_else(|| CoverError::TooFew { wanted: k, certificate: self.certificate.clone() })
    }

    /// The point of fewest prefixes that costs at most `most`, or `None` if the limit ends the curve before.
    pub fn within_cost(&self, most: Count) -> Option<CurvePoint> {
        self.window.first_within(most).map(|at| self.window.point(at))
    }
}

impl fmt::Debug for CoverCurve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.points()).finish()
    }
}

/// The fewest prefixes with cost at most `most`, for one set or several under one budget. Ties as in
/// [`CoverCurve::at_most`].
///
/// A small budget touches few nodes: for `n` exact prefixes `O(n log n)` and what the nodes take that fit the budget
/// whole, so that 100 extra addresses of a million take as long as reading them. In the middle what an optimum can have
/// below each node is narrowed down, which for random lists is hardly more. At worst, with `s` prefixes saved and `k`
/// left, `O(n * min(s, k))`.
///
/// # Errors
/// As [`CoverCurve::joint`]. A cost of 0 can always be met, so there is an answer.
///
/// # Panics
/// As [`CoverCurve::joint`].
pub fn fewest_within(requests: &[CoverRequest<'_>], most: Count) -> Result<Covers, CoverError> {
    Ok(CoverProblem::new(requests)?.fewest_within(most))
}

/// The least cost with at most `most` prefixes in all, for one set or several under one budget: what
/// [`CoverCurve::at_most`] says, without the rest of the curve.
///
/// For `n` exact prefixes `O(n * k)` at worst, and near the exact number and in the middle as [`fewest_within`].
///
/// ```
/// use tagwall::addr::{AddrSet, CoverRequest, IpPrefix, cheapest_within};
/// let set: AddrSet =
///     ["20.33.16.0", "20.33.16.2", "20.33.16.3"].iter().map(|t| t.parse::<IpPrefix>().unwrap()).collect();
/// let best = cheapest_within(&[CoverRequest::new(&set)], 1)?;
/// assert_eq!((best.covers[0][0].to_string(), best.extra.to_string()), ("20.33.16.0/30".into(), "1".into()));
/// # Ok::<(), tagwall::addr::CoverError>(())
/// ```
///
/// # Errors
/// As [`CoverCurve::joint`], and [`CoverError::TooFew`] if no cover has so few.
///
/// # Panics
/// As [`CoverCurve::joint`].
pub fn cheapest_within(requests: &[CoverRequest<'_>], most: usize) -> Result<Covers, CoverError> {
    let problem = CoverProblem::new(requests)?;
    problem
        .cheapest_within(most)
        .ok_or_else(|| CoverError::TooFew { wanted: most, certificate: problem.certificate() })
}
