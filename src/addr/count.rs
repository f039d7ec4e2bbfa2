//! [`Count`]: how many addresses, where 2^128 and more must fit.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};
use std::str::FromStr;

/// A number of addresses, exact up to `2^192 - 1`; printed in decimal.
///
/// `u128` is one short: the whole IPv6 space has 2^128 addresses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Count {
    high: u64,
    low: u128,
}

impl Count {
    /// The largest value.
    pub(crate) const MOST: Count = Count { high: u64::MAX, low: u128::MAX };
    /// No addresses.
    pub const ZERO: Count = Count { high: 0, low: 0 };

    /// The number of addresses from `first` to `last` inclusive, given as their distance `last - first`.
    pub(crate) fn from_distance(distance: u128) -> Self {
        let (low, carry) = distance.overflowing_add(1);
        Count { high: u64::from(carry), low }
    }

    /// The number as `u128`, or `None` if it does not fit.
    pub fn to_u128(self) -> Option<u128> {
        (self.high == 0).then_some(self.low)
    }

    /// The number as a floating-point value, for ratios in text; not exact.
    pub fn to_f64(self) -> f64 {
        self.high as f64 * 2f64.powi(128) + self.low as f64
    }

    /// Whether the number is zero.
    pub fn is_zero(self) -> bool {
        self == Self::ZERO
    }

    /// `self + other`, or `None` from 2^192 on.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let (low, carry) = self.low.overflowing_add(other.low);
        let high = self.high.checked_add(other.high)?.checked_add(u64::from(carry))?;
        Some(Count { high, low })
    }

    /// `self * factor`, or `None` from 2^192 on.
    pub fn checked_mul(self, factor: u128) -> Option<Self> {
        let lower = self.checked_mul_word(factor as u64)?;
        match (factor >> 64) as u64 {
            0 => Some(lower),
            word => {
                let upper = self.checked_mul_word(word)?.to_u128()?;
                lower.checked_add(Count { high: (upper >> 64) as u64, low: upper << 64 })
            }
        }
    }

    fn checked_mul_word(self, factor: u64) -> Option<Self> {
        let factor_wide = u128::from(factor);
        let lower = (self.low & u128::from(u64::MAX)) * factor_wide;
        let upper = (self.low >> 64) * factor_wide + (lower >> 64);
        let low = upper << 64 | lower & u128::from(u64::MAX);
        let carry = u64::try_from(upper >> 64).expect("64 bits of a 128-bit number");
        let high = self.high.checked_mul(factor)?.checked_add(carry)?;
        Some(Count { high, low })
    }

    /// The number as `u64`, or `None` if it does not fit.
    pub(crate) fn to_u64(self) -> Option<u64> {
        self.to_u128()?.try_into().ok()
    }

    /// `self * 2^bits`, for numbers that came from [`shifted_down`](Self::shifted_down).
    pub(crate) fn shifted_up(self, bits: u32) -> Self {
        match bits {
            0 => self,
            1..128 => {
                let carried = (self.low >> (128 - bits)) as u64;
                Count { high: self.high.checked_shl(bits).unwrap_or(0) | carried, low: self.low << bits }
            }
            _ => Count { high: (self.low as u64) << (bits - 128), low: 0 },
        }
    }

    /// `self / 2^bits`, rounded down.
    pub(crate) fn shifted_down(self, bits: u32) -> Self {
        match bits {
            0 => self,
            1..128 => {
                let carried = u128::from(self.high) << (128 - bits);
                Count { high: self.high.checked_shr(bits).unwrap_or(0), low: self.low >> bits | carried }
            }
            _ => Count { high: 0, low: u128::from(self.high >> (bits - 128)) },
        }
    }

    /// Number of trailing zero bits; 192 for zero.
    pub(crate) fn trailing_zeros(self) -> u32 {
        if self.low == 0 { 128 + self.high.trailing_zeros() } else { self.low.trailing_zeros() }
    }

    /// `self - other`, or `None` if `other` is larger.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        let (low, borrow) = self.low.overflowing_sub(other.low);
        let high = self.high.checked_sub(other.high)?.checked_sub(u64::from(borrow))?;
        Some(Count { high, low })
    }
}

impl From<u128> for Count {
    fn from(low: u128) -> Self {
        Count { high: 0, low }
    }
}

impl From<u32> for Count {
    fn from(count: u32) -> Self {
        u64::from(count).into()
    }
}

impl From<u64> for Count {
    fn from(low: u64) -> Self {
        Count { high: 0, low: low.into() }
    }
}

impl FromStr for Count {
    type Err = ParseCountError;

    /// Reads a plain decimal number below 2^192.
    fn from_str(text: &str) -> Result<Self, ParseCountError> {
        if text.is_empty() {
            return Err(ParseCountError);
        }
        text.bytes().try_fold(Count::ZERO, |count, digit| {
            let digit = char::from(digit).to_digit(10).ok_or(ParseCountError)?;
            let tens = count.checked_mul(10).ok_or(ParseCountError)?;
            tens.checked_add(Count::from(u64::from(digit))).ok_or(ParseCountError)
        })
    }
}

/// A text is no decimal number below 2^192.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a whole number below 2^192")]
pub struct ParseCountError;

impl Add for Count {
    type Output = Count;

    fn add(self, other: Count) -> Count {
        let (low, carry) = self.low.overflowing_add(other.low);
        let high = self.high + other.high + u64::from(carry);
        Count { high, low }
    }
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Count) {
        *self = *self + other;
    }
}

impl Sum for Count {
    fn sum<I: Iterator<Item = Count>>(counts: I) -> Count {
        counts.fold(Count::ZERO, Add::add)
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.high == 0 {
            return fmt::Display::fmt(&self.low, f);
        }
        let big = (num_bigint::BigUint::from(self.high) << 128_u32) + self.low;
        f.pad_integral(true, "", &big.to_string())
    }
}

impl fmt::Debug for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for Count {
    /// As a decimal string: JSON numbers lose what is above 2^53.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carries_past_128_bits() {
        let all = Count::from_distance(u128::MAX);
        assert_eq!(all.to_string(), "340282366920938463463374607431768211456");
        assert_eq!(all.to_u128(), None);
        let four = Count::from(1_u64 << 32);
        assert_eq!((all + four).checked_sub(all), Some(four));
        assert_eq!(four.checked_sub(all), None);
    }

    #[test]
    fn reads_what_it_prints() {
        for text in [
            "0",
            "340282366920938463463374607431768211456",
            "6277101735386680763835789423207666416102355444464034512895",
        ] {
            assert_eq!(text.parse::<Count>().unwrap().to_string(), text);
        }
        for text in ["", "-1", "+1", "1.0", "6277101735386680763835789423207666416102355444464034512896"] {
            assert_eq!(text.parse::<Count>(), Err(ParseCountError), "{text:?}");
        }
    }

    #[test]
    fn both_halves_are_added_and_shifted() {
        let wide = |high: u64, low: u128| Count { high, low };
        assert_eq!(wide(3, 1) + wide(4, 2), wide(7, 3));
        assert_eq!(wide(3, u128::MAX) + wide(4, 2), wide(8, 1));
        assert_eq!(wide(5, 7).shifted_up(4), wide(5 << 4, 7 << 4));
        assert_eq!(wide(0, 0b11 << 126).shifted_up(1), wide(1, 1 << 127));
        assert_eq!(wide(0, 5).shifted_up(130), wide(5 << 2, 0));
        assert_eq!(wide(0b101, 0).shifted_down(1), wide(0b10, 1 << 127));
        assert_eq!(wide(0b10100, 9).shifted_down(130), wide(0, 0b101));
        for digit in [":", "a", "A", "12a", "9:"] {
            assert_eq!(digit.parse::<Count>(), Err(ParseCountError), "{digit}");
        }
    }

    #[test]
    fn products_and_shifts_up_to_192_bits() {
        let all = Count::from_distance(u128::MAX);
        let wide = all.checked_mul(u64::MAX.into()).unwrap();
        assert_eq!(wide.to_string(), "6277101735386680763495507056286727952638980837032266301440");
        assert_eq!(wide.checked_add(all), None);
        assert_eq!(all.checked_mul(2).unwrap().checked_mul(u64::MAX.into()), None);
        assert_eq!(
            Count::from(u128::MAX).checked_mul(10).unwrap().to_string(),
            "3402823669209384634633746074317682114550"
        );
        let two = |bits| Count::from(1_u64).shifted_up(bits);
        assert_eq!(Count::from(1_u64 << 32).checked_mul(1 << 80), Some(two(112)));
        assert_eq!(Count::from(1_u64 << 63).checked_mul(u128::MAX), two(191).checked_sub(two(63)));
        assert_eq!(Count::from(1_u128 << 65).checked_mul(1 << 127), None);
        assert_eq!(wide.trailing_zeros(), 128);
        for bits in [0, 1, 63, 64, 65, 127, 128, 150, 191] {
            let one = Count::from(1_u64).shifted_up(bits);
            assert_eq!(one.trailing_zeros(), bits);
            assert_eq!(one.shifted_down(bits), Count::from(1_u64));
        }
        assert_eq!(wide.shifted_down(64).shifted_up(64), wide);
    }
}
