//! [`MidpointKey`]: numbers that stand in the middle of their prefix.
//!
//! A word is the prefix without its first bit, then a one, then zeros: below it are the words of all prefixes in the
//! lower half, above it those of the upper half. So prefixes sort as plain numbers.

/// A number that can be a word.
pub trait MidpointKey: Copy + Ord + Default + Send + Sync + 'static {
    /// Width in bits; also the longest prefix of which there is a word.
    const WIDTH: u8;
    /// The word of the prefix from `first` to `last`, which is not the whole space.
    fn of(first: Self, last: Self) -> Self;
    /// The word with its lowest one cleared: no word in the prefix is lower, all are higher.
    fn lower_end(self) -> Self;
    /// The word with ones below its lowest one: the highest word in the prefix.
    fn upper_end(self) -> Self;
    /// The bits of an address but its first, from all bits but the last.
    fn behind(self, first_bit: bool) -> Self;
    /// The number behind this one, zero behind the last.
    fn next(self) -> Self;
    /// The number before this one, the highest before zero.
    fn before(self) -> Self;
    /// Whether the first bit is set.
    fn is_upper(self) -> bool;
    /// The first bits in which the numbers differ begin behind so many.
    fn common_bits(numbers: impl Iterator<Item = Self>) -> u8;
    /// The `width` bits behind the first `skip` ones, as a number; `skip + width <= WIDTH`, `0 < width <= 32`.
    fn bits_at(self, skip: u8, width: u8) -> usize;
}

macro_rules! word {
    ($($ty:ty)*) => {$(
        impl MidpointKey for $ty {
            const WIDTH: u8 = <$ty>::BITS as u8;

            #[inline]
            fn of(first: Self, last: Self) -> Self {
                // Twice the middle; of the first bit, which goes to the left, nothing is kept.
                first.wrapping_add(last).wrapping_add(1)
            }
            #[inline]
            fn lower_end(self) -> Self {
                self & self.wrapping_sub(1)
            }
            #[inline]
            fn upper_end(self) -> Self {
                self | self.wrapping_sub(1)
            }
            #[inline]
            fn behind(self, first_bit: bool) -> Self {
                self >> 1 | <$ty>::from(first_bit) << (<$ty>::BITS - 1)
            }
            #[inline]
            fn next(self) -> Self {
                self.wrapping_add(1)
            }
            #[inline]
            fn before(self) -> Self {
                self.wrapping_sub(1)
            }
            #[inline]
            fn is_upper(self) -> bool {
                self >> (<$ty>::BITS - 1) == 1
            }
            #[inline]
            fn common_bits(mut numbers: impl Iterator<Item = Self>) -> u8 {
                let Some(any) = numbers.next() else { return Self::WIDTH };
                numbers.fold(0, |all, number| all | (number ^ any)).leading_zeros() as u8
            }
            #[inline]
            fn bits_at(self, skip: u8, width: u8) -> usize {
                debug_assert!(width > 0 && width <= 32 && skip + width <= Self::WIDTH);
                (self << skip >> (Self::WIDTH - width)) as usize
            }
        }
    )*};
}
word!(u8 u16 u32 u64 u128);
