//! Priorities that stay put: as many rules as can be keep the priority they had.

use std::collections::BTreeMap;

/// Gives the rules in `order` strictly increasing priorities from `low` to `high`, both inclusive.
///
/// As many rules as possible keep their priority in `old`; the others are spread evenly in the gaps. `None` if
/// there are more rules than priorities. Without old priorities the rules are spread evenly over the range.
///
/// # Cost
/// `O(m log m)` for `m` rules: the longest non-decreasing subsequence of `priority - position` among rules whose
/// old priority leaves room for all before and behind.
///
/// ```
/// use std::collections::BTreeMap;
/// use tagwall::lower::assign_priorities;
/// let old = BTreeMap::from([("a".to_string(), 200), ("c".to_string(), 300)]);
/// assert_eq!(assign_priorities(&["a", "b", "c"], &old, 100, 4096), Some(vec![200, 250, 300]));
/// assert_eq!(assign_priorities(&["a", "b"], &old, 100, 100), None);
/// ```
pub fn assign(order: &[&str], old: &BTreeMap<String, u32>, low: u32, high: u32) -> Option<Vec<u32>> {
    let rules = order.len() as i64;
    let (low, high) = (i64::from(low), i64::from(high));
    if rules > high - low + 1 {
        return None;
    }
    let slack = |at: usize| -> Option<i64> {
        let p = i64::from(*old.get(order[at])?);
        let at = at as i64;
        (low + at <= p && p <= high - (rules - 1 - at)).then_some(p - at)
    };
    let mut given: Vec<Option<i64>> = vec![None; order.len()];
    for at in longest_nondecreasing(order.len(), slack) {
        given[at] = old.get(order[at]).map(|&p| i64::from(p));
    }
    fill_gaps(&mut given, low, high);
    given.into_iter().map(|p| p.and_then(|p| u32::try_from(p).ok())).collect()
}

/// Positions of a longest subsequence of those with a value along which values do not fall.
fn longest_nondecreasing(len: usize, value: impl Fn(usize) -> Option<i64>) -> Vec<usize> {
    // tails[k]: position that ends the subsequence of length k + 1 with the least last value.
    let mut tails: Vec<(i64, usize)> = Vec::new();
    let mut before: Vec<Option<usize>> = vec![None; len];
    for (at, link) in before.iter_mut().enumerate() {
        let Some(v) = value(at) else { continue };
        let k = tails.partition_point(|&(tail, _)| tail <= v);
        *link = k.checked_sub(1).map(|k| tails[k].1);
        if k == tails.len() {
            tails.push((v, at));
        } else {
            tails[k] = (v, at);
        }
    }
    let mut chain = Vec::with_capacity(tails.len());
    let mut next = tails.last().map(|&(_, at)| at);
    while let Some(at) = next {
        chain.push(at);
        next = before[at];
    }
    chain.reverse();
    chain
}

/// Spreads what has no value evenly between its neighbours, the ends of the range counting as neighbours.
fn fill_gaps(given: &mut [Option<i64>], low: i64, high: i64) {
    let mut at = 0;
    while at < given.len() {
        if given[at].is_some() {
            at += 1;
            continue;
        }
        let end = (at..given.len()).find(|&i| given[i].is_some()).unwrap_or(given.len());
        let below = if at == 0 { low - 1 } else { given[at - 1].unwrap_or(low - 1) };
        let above = given.get(end).copied().flatten().unwrap_or(high + 1);
        let missing = (end - at) as i64;
        for (i, slot) in given[at..end].iter_mut().enumerate() {
            *slot = Some(below + (above - below) * (i as i64 + 1) / (missing + 1));
        }
        at = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn always_increasing_and_in_range() {
        // Every small case: 4 rules, old priorities out of a range of 5, each rule with or without one.
        let names = ["a", "b", "c", "d"];
        for code in 0..6_u32.pow(4) {
            let digits = [code % 6, code / 6 % 6, code / 36 % 6, code / 216];
            let old: BTreeMap<String, u32> = names
                .iter()
                .zip(digits)
                .filter(|(_, d)| *d > 0)
                .map(|(n, d)| (n.to_string(), 9 + d))
                .collect();
            let given = assign(&names, &old, 10, 14).expect("four fit in five");
            assert!(given.windows(2).all(|w| w[0] < w[1]), "{old:?} {given:?}");
            assert!(given[0] >= 10 && given[3] <= 14, "{old:?} {given:?}");
            let kept = names.iter().zip(&given).filter(|(n, p)| old.get(**n) == Some(p)).count();
            assert!(kept >= best(&names, &old), "{old:?} {given:?}");
        }
    }

    fn best(names: &[&str], old: &BTreeMap<String, u32>) -> usize {
        let mut best = 0;
        for skip in 10..=14_u32 {
            let plan: Vec<u32> = (10..=14).filter(|p| *p != skip).collect();
            best = best.max(names.iter().zip(&plan).filter(|(n, p)| old.get(**n) == Some(p)).count());
        }
        best
    }
}
