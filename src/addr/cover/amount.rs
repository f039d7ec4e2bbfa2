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

    /// Whether the cost, which is the first component, is not above that of `most`.
    #[inline]
    fn is_within(self, most: Self) -> bool {
        self <= most
    }
}

impl Amount for u32 {
    const ZERO: Self = 0;
    const MOST: Self = u32::MAX;

    #[inline]
    fn plus(self, other: Self) -> Self {
        self + other
    }
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

    #[inline]
    fn is_within(self, most: Self) -> bool {
        self.cost <= most.cost
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

/// As [`combine`], of lists whose costs only rise, as far as the cost `most`.
pub(crate) fn combine_within<C: Amount>(a: &[C], b: &[C], most: C) -> Vec<C> {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let mut out = vec![C::MOST; a.len() + b.len() - 1];
    let mut reached = 0;
    for (i, &s) in short.iter().enumerate() {
        let len = long.partition_point(|&l| s.plus(l).is_within(most));
        for (out, &l) in out[i..].iter_mut().zip(&long[..len]) {
            *out = s.plus(l).min(*out);
        }
        reached = reached.max(if len == 0 { 0 } else { i + len });
    }
    // Every cell before was reached too: the split that makes it costs no more than the last one.
    out.truncate(reached);
    out
}

/// The greatest `i` with `a[i] + b[total - i] == wanted`, where `wanted` came from [`combine_within`].
pub(crate) fn last_split<C: Amount>(a: &[C], b: &[C], total: usize, wanted: C) -> usize {
    let least = (total + 1).saturating_sub(b.len());
    (least..a.len().min(total + 1))
        .rev()
        .find(|&i| a[i].plus(b[total - i]) == wanted)
        .expect("the value was made from such a split")
}

/// The sums of two lists of which each step costs no less than the one before: the cheaper step comes first. `None` if
/// one of them is no such list.
pub(crate) fn combine_convex<C: Amount + Into<u64>>(a: &[C], b: &[C]) -> Option<Vec<C>> {
    if !is_convex(a) || !is_convex(b) {
        return None;
    }
    let (mut i, mut j) = (0, 0);
    let mut out = Vec::with_capacity(a.len() + b.len() - 1);
    out.push(a[0].plus(b[0]));
    while i + 1 < a.len() || j + 1 < b.len() {
        let left = a.get(i + 1).map(|next| next.plus(b[j]));
        let right = b.get(j + 1).map(|next| next.plus(a[i]));
        if right.is_none_or(|right| left.is_some_and(|left| left <= right)) {
            i += 1;
        } else {
            j += 1;
        }
        out.push(a[i].plus(b[j]));
    }
    Some(out)
}

fn is_convex<C: Copy + Into<u64>>(list: &[C]) -> bool {
    let wide = |cell: C| u128::from(cell.into());
    list.windows(3).all(|three| wide(three[0]) + wide(three[2]) >= 2 * wide(three[1]))
}
