//! What came of trying to keep the limits of one problem.

use crate::addr::Count;
use crate::plan::{Extra, Fewest, LimitKey};

/// How the limits of one problem could be kept.
pub(super) enum Fit {
    /// With these extra addresses, the fewest that do; `asked` is how many the widened lists hold without them.
    Widened { extras: Vec<Extra>, asked: Count },
    /// Not at any price: the limit that stands in the way, the fewest of what it counts, and why there are not fewer.
    Impossible { key: LimitKey, smallest: usize, why: Fewest },
    /// Shorter lists change nothing.
    Unrelated,
}

impl Fit {
    pub(super) fn cost(&self) -> Option<Count> {
        match self {
            Fit::Widened { extras, .. } => Some(extras.iter().map(|extra| extra.addresses.count()).sum()),
            _ => None,
        }
    }

    /// How many extra addresses `steady` has more than this one, which has the fewest; `None` if that is more than a
    /// quarter of them.
    ///
    /// The quarter is held against the fewest of each week anew, so that what is kept cannot drift away from it.
    pub(super) fn hardly_less(&self, steady: &Fit) -> Option<Count> {
        let (best, steady) = (self.cost()?, steady.cost()?);
        let bound = best.checked_mul(5)?;
        if steady.checked_mul(4)? > bound {
            return None;
        }
        // The fewest under a limit of bytes are those of the lengths that were tried, so that this may have fewer.
        Some(steady.checked_sub(best).unwrap_or(Count::ZERO))
    }
}
