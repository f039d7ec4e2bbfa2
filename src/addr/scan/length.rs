//! Lengths of prefixes as digits.

/// Reads up to three digits in the lower three bytes of `word`, without leading zero; also returns how many there are.
///
/// With branches, since most lists have lengths of two digits.
#[inline]
pub(super) fn length(word: u32) -> Option<(u8, usize)> {
    let [first, second, third, _] = (word ^ 0x0030_3030).to_le_bytes();
    if first > 9 {
        return None;
    }
    if second > 9 {
        return Some((first, 1));
    }
    if first == 0 {
        return None;
    }
    let two = first * 10 + second;
    if third > 9 { Some((two, 2)) } else { Some((two.checked_mul(10)?.checked_add(third)?, 3)) }
}
