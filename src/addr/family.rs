//! [`Address`]: the unsigned integers that stand for addresses of one family.

use std::fmt;
use std::hash::Hash;
use std::net::Ipv6Addr;
use std::ops::{BitAnd, BitOr, BitXor, Not};

use super::midpoint::MidpointKey;
use super::print::{AddressText, Cursor};
use super::scan::{prefix_v4, prefix_v6, scan_v4, scan_v6};

/// An address of one family, as an unsigned integer in network order.
///
/// `u32` is IPv4, `u128` is IPv6. `u16` serves for port numbers, and `u8` is a universe small enough to
/// test every set in full. Everything in [`addr`](crate::addr) is written once over this trait.
pub trait Address:
    Copy
    + Ord
    + Hash
    + Default
    + fmt::Debug
    + Send
    + Sync
    + BitAnd<Output = Self>
    + BitOr<Output = Self>
    + BitXor<Output = Self>
    + Not<Output = Self>
    + MidpointKey
    + 'static
{
    /// Width in bits; also the longest prefix length.
    const BITS: u8;
    /// The lowest address, all bits zero.
    const MIN: Self;
    /// The highest address, all bits one.
    const MAX: Self;

    /// The next address, or `None` at the top of the space.
    fn succ(self) -> Option<Self>;
    /// The address before, or `None` at the bottom of the space.
    fn pred(self) -> Option<Self>;
    /// Number of leading zero bits; `BITS` for zero.
    fn leading_zeros(self) -> u8;
    /// Number of trailing zero bits; `BITS` for zero.
    fn trailing_zeros(self) -> u8;
    /// The mask of the host part below a prefix of `len` bits: the low `BITS - len` bits set.
    ///
    /// # Panics
    /// In debug builds, if `len > BITS`.
    fn host_mask(len: u8) -> Self;
    /// What words (see `addr::words`) of most prefixes of the family are.
    type Short: MidpointKey;
    /// The leading bits.
    fn shortened(self) -> Self::Short;
    /// The lowest and the highest address with these leading bits.
    fn ends_of(short: Self::Short) -> (Self, Self);
    /// The value in a type that holds every family.
    fn to_u128(self) -> u128;
    /// The value from its wide form, or `None` if it does not fit the family.
    fn from_u128(wide: u128) -> Option<Self>;
    /// Whether a block of this length names IPv4 addresses in IPv6 notation: it has a part of `::ffff:0:0/96` and not
    /// all (RFC 4291, section 2.5.5.2), or begins at one of its addresses other than the first.
    ///
    /// Tools disagree on what such text means, so none is ever read. All of the block is space like any other, which
    /// lists of special addresses name; then sets hold all of it or nothing, and no result can print a part.
    #[inline]
    fn is_mapped(self, len: u8) -> bool {
        let _ = len;
        false
    }
    /// Reads one address in the family's usual notation, nothing before or after it.
    fn parse_bytes(text: &[u8]) -> Option<Self>;
    /// Appends the address in the family's canonical notation (RFC 5952 for IPv6).
    fn append_to(self, text: &mut Cursor<'_>);
    /// Reads an address in its usual notation at the start of `text`, and how many bytes it takes. `None` says
    /// only that this quick reader does not know it.
    fn scan(text: &[u8]) -> Option<(Self, usize)> {
        let _ = text;
        None
    }

    /// Reads a prefix, `address/length`, or an address, nothing before or after it: the address and the length, which
    /// may be longer than the family has. `None` says only that this quick reader does not know it.
    fn scan_prefix(text: &[u8]) -> Option<(Self, u8)> {
        let _ = text;
        None
    }

    /// [`parse_bytes`](Self::parse_bytes) of a string.
    fn parse(text: &str) -> Option<Self> {
        Self::parse_bytes(text.as_bytes())
    }
    /// Writes the address in the family's canonical notation.
    ///
    /// # Errors
    /// Only what `out` itself reports.
    fn write(self, out: &mut dyn fmt::Write) -> fmt::Result {
        out.write_str(AddressText::of(|text| self.append_to(text)).as_str())
    }
}

macro_rules! integer {
    ($ty:ty, $short:ty) => {
        type Short = $short;

        #[inline]
        fn shortened(self) -> $short {
            (self >> (<$ty>::BITS - <$short>::BITS)) as $short
        }
        #[inline]
        fn ends_of(short: $short) -> (Self, Self) {
            let first = <$ty>::from(short) << (<$ty>::BITS - <$short>::BITS);
            (first, first | !(<$ty>::MAX << (<$ty>::BITS - <$short>::BITS)))
        }

        const BITS: u8 = <$ty>::BITS as u8;
        const MIN: Self = <$ty>::MIN;
        const MAX: Self = <$ty>::MAX;

        #[inline]
        fn succ(self) -> Option<Self> {
            self.checked_add(1)
        }
        #[inline]
        fn pred(self) -> Option<Self> {
            self.checked_sub(1)
        }
        #[inline]
        fn leading_zeros(self) -> u8 {
            <$ty>::leading_zeros(self) as u8
        }
        #[inline]
        fn trailing_zeros(self) -> u8 {
            <$ty>::trailing_zeros(self) as u8
        }
        #[inline]
        fn host_mask(len: u8) -> Self {
            debug_assert!(len <= <Self as Address>::BITS);
            // A shift by the full width is not defined, hence the checked form: /32 has no host bits.
            <$ty>::MAX.checked_shr(u32::from(len)).unwrap_or(0)
        }
        #[inline]
        fn to_u128(self) -> u128 {
            self as u128
        }
        #[inline]
        fn from_u128(wide: u128) -> Option<Self> {
            Self::try_from(wide).ok()
        }
    };
}

impl Address for u32 {
    integer!(u32, u32);

    #[inline]
    fn scan(text: &[u8]) -> Option<(Self, usize)> {
        scan_v4(text)
    }
    #[inline]
    fn scan_prefix(text: &[u8]) -> Option<(Self, u8)> {
        prefix_v4(text)
    }
    #[inline]
    fn parse_bytes(text: &[u8]) -> Option<Self> {
        let (addr, used) = Self::scan(text)?;
        (used == text.len()).then_some(addr)
    }
    #[inline(always)] // as `TextBuffer::push_line`
    fn append_to(self, text: &mut Cursor<'_>) {
        text.push_v4(self);
    }
}

impl Address for u128 {
    integer!(u128, u64);

    #[inline]
    fn is_mapped(self, len: u8) -> bool {
        self >> 32 == 0xffff && (len > 96 || self as u32 != 0)
    }

    #[inline]
    fn scan(text: &[u8]) -> Option<(Self, usize)> {
        scan_v6(text)
    }
    #[inline]
    fn scan_prefix(text: &[u8]) -> Option<(Self, u8)> {
        prefix_v6(text)
    }
    #[inline]
    fn parse_bytes(text: &[u8]) -> Option<Self> {
        match scan_v6(text) {
            Some((addr, used)) => (used == text.len()).then_some(addr),
            // What is left is wrong or ends in dotted decimal, which is rare.
            None => std::str::from_utf8(text).ok()?.parse::<Ipv6Addr>().ok().map(u128::from),
        }
    }
    #[inline(always)] // as `TextBuffer::push_line`
    fn append_to(self, text: &mut Cursor<'_>) {
        text.push_v6(self);
    }
}

macro_rules! plain_number {
    ($ty:ty) => {
        impl Address for $ty {
            integer!($ty, $ty);

            fn parse_bytes(text: &[u8]) -> Option<Self> {
                // `from_str` of the integers takes a leading `+`; a number in a list does not.
                if text.starts_with(b"+") { None } else { std::str::from_utf8(text).ok()?.parse().ok() }
            }
            fn append_to(self, text: &mut Cursor<'_>) {
                text.push_number(self.into());
            }
        }
    };
}
plain_number!(u8);
plain_number!(u16);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_masks_at_both_ends() {
        assert_eq!(u32::host_mask(0), u32::MAX);
        assert_eq!(u32::host_mask(32), 0);
        assert_eq!(u128::host_mask(0), u128::MAX);
        assert_eq!(u128::host_mask(128), 0);
        assert_eq!(u8::host_mask(6), 3);
    }
}
