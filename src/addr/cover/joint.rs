//! Several curves under one budget: min-plus convolution, keeping what is needed to split the budget back.

use super::amount::{Amount, Priced, combine, first_split};
use super::part::Total;
use crate::addr::Count;

/// Curves added up one after another.
pub(super) struct Sums<C> {
    /// The curve of each part, and the smallest number of prefixes that its first value stands for.
    parts: Vec<(usize, Vec<C>)>,
    /// The curve of the first part, of the first two together, and so on.
    layers: Vec<(usize, Vec<C>)>,
}

/// What a [`Sums`] of either type answers.
pub(crate) trait Split: Send + Sync {
    /// The curve of all parts together, and the number of prefixes that it begins with.
    fn total(&self) -> (usize, Vec<Total>);
    /// How many prefixes each part gets of `count` in all; ties give the earlier parts fewer.
    fn split(&self, count: usize) -> Vec<usize>;
}

/// Adds up curves, each from its smallest number of prefixes on, as far as `cap` prefixes in all, and from where they
/// cost at most `most`; there must be such a place.
pub(crate) fn sums(
    parts: Vec<(usize, Vec<Total>)>,
    plain: bool,
    cap: usize,
    most: Option<Count>,
) -> Box<dyn Split> {
    let bound: Count = parts.iter().filter_map(|(_, curve)| curve.first()).map(|t| t.cost).sum();
    if plain && bound.to_u128().is_some() {
        let narrow = |t: Total| t.cost.to_u128().expect("not above the bound");
        let most = most.map(|most| most.min(bound)).map(|cost| narrow(Total { cost, ..Total::ZERO }));
        Box::new(Sums::new(convert(parts, narrow), cap, most))
    } else {
        let most = most.map(|cost| Total { cost, ..Total::ZERO });
        Box::new(Sums::new(parts, cap, most))
    }
}

fn convert<C>(parts: Vec<(usize, Vec<Total>)>, narrow: impl Fn(Total) -> C) -> Vec<(usize, Vec<C>)> {
    parts.into_iter().map(|(least, curve)| (least, curve.into_iter().map(&narrow).collect())).collect()
}

impl<C: Amount> Sums<C> {
    fn new(parts: Vec<(usize, Vec<C>)>, cap: usize, most: Option<C>) -> Self {
        let least: usize = parts.iter().map(|(least, _)| least).sum();
        let spare = cap - least.min(cap);
        let mut layers: Vec<(usize, Vec<C>)> = Vec::with_capacity(parts.len());
        for (least, curve) in &parts {
            let layer = match layers.last() {
                None => (*least, curve.clone()),
                Some((before, sums)) => {
                    let mut out = vec![C::MOST; (sums.len() + curve.len() - 1).min(spare + 1)];
                    combine(sums, curve, &mut out);
                    let dear = most.map_or(0, |most| out.partition_point(|sum| !sum.is_within(most)));
                    out.drain(..dear);
                    (before + least + dear, out)
                }
            };
            layers.push(layer);
        }
        Sums { parts, layers }
    }
}

impl<C: Widen> Split for Sums<C> {
    fn total(&self) -> (usize, Vec<Total>) {
        let Some((least, sums)) = self.layers.last() else { return (0, vec![Total::ZERO]) };
        (*least, sums.iter().map(|&c| c.widen()).collect())
    }

    fn split(&self, mut count: usize) -> Vec<usize> {
        let mut shares = vec![0; self.parts.len()];
        for at in (1..self.parts.len()).rev() {
            let ((least_all, all), (least_before, before)) = (&self.layers[at], &self.layers[at - 1]);
            let (least, curve) = &self.parts[at];
            let wanted = all[count - least_all];
            let before_gets = least_before + first_split(before, curve, count - least_before - least, wanted);
            shares[at] = count - before_gets;
            count = before_gets;
        }
        if let Some(first) = shares.first_mut() {
            *first = count;
        }
        shares
    }
}

trait Widen: Amount {
    fn widen(self) -> Total;
}

impl Widen for u128 {
    fn widen(self) -> Total {
        Total { cost: self.into(), extra: self.into(), fresh: 0 }
    }
}

impl Widen for Priced<Count> {
    fn widen(self) -> Total {
        self
    }
}
