//! [`Amount`]: what the dynamic programmes add up and compare.

use crate::addr::Count;

/// A cost, or a tuple of costs in order of importance. Sums stay exact: callers pick a type that holds the
/// largest total before they start.
pub(crate) trait Amount: Copy + Ord + Send + Sync + 'static {
    /// Costs nothing.
    const ZERO: Self;
    /// Not below any total that occurs; only compared, never added.
    const MOST: Self;

    /// The sum, component by component.
    fn plus(self, other: Self) -> Self;
}

impl Amount for u64 {
    const ZERO: Self = 0;
    const MOST: Self = u64::MAX;

    #[inline]
    fn plus(self, other: Self) -> Self {
        self + other
    }
}

impl Amount for u128 {
    const ZERO: Self = 0;
    const MOST: Self = u128::MAX;

    #[inline]
    fn plus(self, other: Self) -> Self {
        self + other
    }
}

impl Amount for Count {
    const ZERO: Self = Count::ZERO;
    const MOST: Self = Count::MOST;

    #[inline]
    fn plus(self, other: Self) -> Self {
        self + other
    }
}

/// Cost first, then plain extra addresses, then prefixes that the previous generation did not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Priced<C> {
    pub(crate) cost: C,
    pub(crate) extra: C,
    pub(crate) fresh: u32,
}

impl<C: Amount> Amount for Priced<C> {
    const ZERO: Self = Priced { cost: C::ZERO, extra: C::ZERO, fresh: 0 };
    const MOST: Self = Priced { cost: C::MOST, extra: C::MOST, fresh: u32::MAX };

    #[inline]
    fn plus(self, other: Self) -> Self {
        Priced {
            cost: self.cost.plus(other.cost),
            extra: self.extra.plus(other.extra),
            fresh: self.fresh + other.fresh,
        }
    }
}

/// `out[k] = min over i of a[i] + b[k - i]`, as far as `out` reaches (min-plus convolution).
///
/// The inner loop runs over the longer array, which is what lets the compiler vectorise it.
pub(crate) fn combine<C: Amount>(a: &[C], b: &[C], out: &mut [C]) {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if let [only] = short {
        out.iter_mut().zip(long).for_each(|(out, &l)| *out = only.plus(l));
        return;
    }
    out.fill(C::MOST);
    for (i, &s) in short.iter().enumerate().take(out.len()) {
        for (out, &l) in out[i..].iter_mut().zip(long) {
            *out = s.plus(l).min(*out);
        }
    }
}

/// The smallest `i` with `a[i] + b[total - i] == wanted`, where `wanted` came from [`combine`].
pub(crate) fn first_split<C: Amount>(a: &[C], b: &[C], total: usize, wanted: C) -> usize {
    let least = (total + 1).saturating_sub(b.len());
    (least..a.len().min(total + 1))
        .find(|&i| a[i].plus(b[total - i]) == wanted)
        .expect("the value was made from such a split")
}
