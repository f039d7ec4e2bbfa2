//! [`Count`]: how many addresses, where 2^128 and more must fit.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};

/// A number of addresses, exact up to `2^192 - 1`; printed in decimal.
///
/// `u128` is one short: the whole IPv6 space has 2^128 addresses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Count {
    high: u64,
    low: u128,
}

impl Count {
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

impl From<u64> for Count {
    fn from(low: u64) -> Self {
        Count { high: 0, low: low.into() }
    }
}

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
}
