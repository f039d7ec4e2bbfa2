//! Reading addresses from bytes: with `addr::print`, the one place that knows their notation.
//!
//! Readers take sixteen bytes at a time, or where the machine has them whole vectors, so that the common case has no
//! branch for each byte. What they do not recognise is left to a slower reader; what they accept, that reader accepts
//! with the same result.

mod length;
#[cfg(target_arch = "x86_64")]
pub(crate) mod vectors;

use length::length;

/// The four bytes at `at`, zeros beyond the end.
#[inline]
fn four_bytes(bytes: &[u8], at: usize) -> [u8; 4] {
    match bytes.get(at..at + 4) {
        Some(word) => [word[0], word[1], word[2], word[3]],
        None => std::array::from_fn(|i| bytes.get(at + i).copied().unwrap_or(0)),
    }
}

/// The sixteen bytes at the start of `bytes`, the first lowest, zeros beyond the end.
#[inline]
fn sixteen_bytes(bytes: &[u8]) -> u128 {
    if let Some(word) = bytes.first_chunk() {
        return u128::from_le_bytes(*word);
    }
    match (bytes.first_chunk(), bytes.last_chunk()) {
        // Two words that overlap; what the second has twice is shifted out.
        (Some(first), Some(last)) => {
            let above = u64::from_le_bytes(*last) >> 1 >> (127 - 8 * bytes.len());
            u128::from(above) << 64 | u128::from(u64::from_le_bytes(*first))
        }
        _ => bytes.iter().rev().fold(0, |word, &byte| word << 8 | u128::from(byte)),
    }
}

/// Reads dotted decimal at the start of `bytes`; also returns how many bytes it takes.
///
/// Four numbers up to 255 without leading zeros, as `std::net` has it.
#[inline]
pub(crate) fn scan_v4(bytes: &[u8]) -> Option<(u32, usize)> {
    let word = sixteen_bytes(bytes);
    let (low, middle, high) = (word as u64, (word >> 32) as u64, (word >> 64) as u64);
    // Where the digits end; an address has at most fifteen bytes, so there is a fourth end.
    let ends = marks::other_than_digits(word);
    let mut rest = ends;
    let mut next = || {
        let end = rest.trailing_zeros();
        rest &= rest.wrapping_sub(1);
        end
    };
    let (first, second, third, fourth) = (next(), next(), next(), next());
    // Each number begins where a word of eight bytes has all of it: the second at 2 to 4, the third at 4 to 8, the
    // fourth at 6 to 12. Where that is not so the text is wrong, and whatever is read is refused.
    let at = |word: u64, start: u32| word.wrapping_shr(start.wrapping_mul(8)) as u32;
    let last = fourth_number(middle, high, third + 1);
    let (a, bad_a) = number(low as u32, first);
    let (b, bad_b) = number(at(low, first + 1), second.wrapping_sub(first + 1));
    let (c, bad_c) = number(at(middle, second.wrapping_sub(3)), third.wrapping_sub(second + 1));
    let (d, bad_d) = number(last, fourth.wrapping_sub(third + 1));
    let dots = 1_u32.wrapping_shl(first) | 1_u32.wrapping_shl(second) | 1_u32.wrapping_shl(third);
    let bad =
        bad_a | bad_b | bad_c | bad_d | (ends.count_ones() < 4) | (dots & !marks::equal_to(word, b'.') != 0);
    (!bad).then_some((a << 24 | b << 16 | c << 8 | d, fourth as usize))
}

/// The bytes from `start` on, which is behind the first six.
#[inline]
fn fourth_number(middle: u64, high: u64, start: u32) -> u32 {
    let (word, start) = if start < 8 { (middle, start.wrapping_sub(4)) } else { (high, start - 8) };
    word.wrapping_shr(start.wrapping_mul(8)) as u32
}

/// The number in the first `len` bytes, and whether it is none: empty, longer than three digits, with a leading
/// zero or above 255. That the bytes are digits is known.
#[inline]
fn number(bytes: u32, len: u32) -> (u32, bool) {
    let digits = (bytes ^ 0x3030_3030).wrapping_shl(32_u32.wrapping_sub(len.wrapping_mul(8)));
    // One product adds up ones, tens and hundreds in the top byte.
    let value = digits.wrapping_mul(0x0064_0a01) >> 24;
    // Digit by digit, the highest first, 255 is the largest.
    let bad =
        len.wrapping_sub(1) > 2 || digits.swap_bytes() > 0x0002_0505 || (len > 1 && bytes as u8 == b'0');
    (value, bad)
}

/// Reads the length behind an address that ends at `end`, `longest` if there is none; also returns where it ends.
#[inline]
pub(crate) fn scan_length(bytes: &[u8], end: usize, longest: u8) -> Option<(u8, usize)> {
    if bytes.get(end) != Some(&b'/') {
        return Some((longest, end));
    }
    let (len, digits) = length(u32::from_le_bytes(four_bytes(bytes, end + 1)))?;
    Some((len, end + 1 + digits))
}

/// Reads a text that is a right prefix or address of IPv4; `None` says only that this quick reader does not know it.
#[inline]
pub(crate) fn prefix_v4(text: &[u8]) -> Option<(u32, u8)> {
    #[cfg(target_arch = "x86_64")]
    if let Some(prefix) = vectors::prefix_v4(text) {
        return Some(prefix);
    }
    whole(text, scan_v4(text)?, u32::BITS)
}

/// The same for IPv6.
#[inline]
pub(crate) fn prefix_v6(text: &[u8]) -> Option<(u128, u8)> {
    #[cfg(target_arch = "x86_64")]
    if let Some(prefix) = vectors::prefix_v6(text) {
        return Some(prefix);
    }
    whole(text, scan_v6(text)?, u128::BITS)
}

fn whole<A>(text: &[u8], (addr, end): (A, usize), longest: u32) -> Option<(A, u8)> {
    let (len, end) = scan_length(text, end, longest as u8)?;
    (end == text.len()).then_some((addr, len))
}

/// Reads hexadecimal groups at the start of `bytes`; also returns how many bytes they take.
///
/// The notation of RFC 4291, section 2.2, but for an IPv4 address at the end.
#[inline]
pub(crate) fn scan_v6(bytes: &[u8]) -> Option<(u128, usize)> {
    match bytes.first_chunk() {
        Some(start) => scan_groups(start),
        None => {
            let mut padded = [0; V6_ROOM];
            padded[..bytes.len()].copy_from_slice(bytes);
            scan_groups(&padded)
        }
    }
}

/// More than the longest IPv6 address, which has 39 bytes, and four more than the last group begins at.
const V6_ROOM: usize = 48;

#[inline]
fn scan_groups(bytes: &[u8; V6_ROOM]) -> Option<(u128, usize)> {
    let words: [u128; 3] = std::array::from_fn(|i| sixteen_bytes(&bytes[16 * i..]));
    // One bit for each byte that ends a group.
    let ends = words.iter().rev().fold(0, |ends, &word| ends << 16 | u64::from(marks::other_than_hex(word)));
    let (mut groups, mut count, mut at) = (0_u128, 0, 0);
    // The groups before `::`, and how many they are.
    let mut head: Option<(u128, u32)> = None;
    if bytes[0] == b':' {
        if bytes[1] != b':' {
            return None;
        }
        head = Some((0, 0));
        at = 2;
    }
    loop {
        let len = (ends >> at).trailing_zeros() as usize;
        if len == 0 {
            // Nothing behind the gap is an end; nothing behind a single colon is not.
            if head.is_none_or(|(_, before)| before != count) {
                return None;
            }
            break;
        }
        if len > 4 {
            return None;
        }
        groups = groups << 16 | u128::from(group(four_bytes(bytes, at), len));
        count += 1;
        at += len;
        if count == 8 || bytes[at] != b':' {
            break;
        }
        at += 1;
        if bytes[at] == b':' {
            if head.replace((groups, count)).is_some() {
                return None;
            }
            groups = 0;
            at += 1;
        }
    }
    let addr = match head {
        _ if bytes[at] == b'.' => return None,
        None if count < 8 => return None,
        None => groups,
        Some(_) if count == 8 => return None,
        Some((_, 0)) => groups,
        Some((before, number)) => before << (16 * (8 - number)) | groups,
    };
    Some((addr, at))
}

/// The number that the first `len` of four bytes write in hexadecimal digits, which they are known to be.
#[inline]
fn group(digits: [u8; 4], len: usize) -> u16 {
    let word = u32::from_be_bytes(digits) >> (8 * (4 - len));
    // Letters have the bit of 64 and count from one on.
    let nibbles = (word & 0x0f0f_0f0f) + 9 * (word >> 6 & 0x0101_0101);
    let pairs = (nibbles | nibbles >> 4) & 0x00ff_00ff;
    (pairs | pairs >> 8) as u16
}

/// Marks of bytes: for sixteen bytes, the first lowest, one bit for each that is of a kind.
mod marks {
    use wide::u8x16;

    #[inline]
    fn vector(word: u128) -> u8x16 {
        u8x16::from(word.to_le_bytes())
    }

    /// The bytes that are `count` or more above `from`, or below it.
    #[inline]
    fn outside(bytes: u8x16, from: u8, count: u8) -> u8x16 {
        let above = bytes - u8x16::splat(from);
        above.max(u8x16::splat(count)).simd_eq(above)
    }

    #[inline]
    pub(super) fn other_than_digits(word: u128) -> u32 {
        outside(vector(word), b'0', 10).to_bitmask()
    }

    #[inline]
    pub(super) fn other_than_hex(word: u128) -> u32 {
        let (bytes, lower) = (vector(word), vector(word) | u8x16::splat(0x20));
        (outside(bytes, b'0', 10) & outside(lower, b'a', 6)).to_bitmask()
    }

    #[inline]
    pub(super) fn equal_to(word: u128, byte: u8) -> u32 {
        vector(word).simd_eq(u8x16::splat(byte)).to_bitmask()
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use proptest::prelude::*;

    use super::*;

    fn v4(text: &str) -> Option<u32> {
        let (addr, used) = scan_v4(text.as_bytes())?;
        (used == text.len()).then_some(addr)
    }

    fn v6(text: &str) -> Option<u128> {
        let (addr, used) = scan_v6(text.as_bytes())?;
        (used == text.len()).then_some(addr)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn v4_as_std(addr: u32) {
            let text = Ipv4Addr::from(addr).to_string();
            prop_assert_eq!(v4(&text), Some(addr));
        }

        #[test]
        fn v6_as_std(groups in prop::array::uniform8(prop_oneof![Just(0_u16), Just(0xffff), any::<u16>(), 0..20_u16])) {
            let addr = Ipv6Addr::from(groups);
            let (bits, text) = (u128::from(addr), addr.to_string());
            if !text.contains('.') {
                prop_assert_eq!(v6(&text), Some(bits));
            }
        }

        #[test]
        fn odd_texts_as_std(text in "[0-9.]{0,17}", other in "[0-9a-fA-F:.]{0,40}", third in "(:|::|[0-9a-f]{1,5}|:[0-9]){0,12}") {
            prop_assert_eq!(v4(&text), text.parse::<Ipv4Addr>().ok().map(u32::from), "{}", text);
            for text in [other, third] {
                if !text.contains('.') {
                    prop_assert_eq!(v6(&text), text.parse::<Ipv6Addr>().ok().map(u128::from), "{}", text);
                }
            }
        }
    }

    #[test]
    fn marks_of_every_byte_at_every_place() {
        for byte in 0..=u8::MAX {
            for at in 0..16 {
                for around in [0, b'0', b'.', 0xff] {
                    let mut bytes = [around; 16];
                    bytes[at] = byte;
                    let expect = |kind: &dyn Fn(u8) -> bool| {
                        bytes.iter().enumerate().fold(0_u32, |bits, (at, &b)| bits | u32::from(kind(b)) << at)
                    };
                    let word = u128::from_le_bytes(bytes);
                    let digits = expect(&|b| !b.is_ascii_digit());
                    let hex = expect(&|b| !b.is_ascii_hexdigit());
                    let dots = expect(&|b| b == b'.');
                    assert_eq!(marks::other_than_digits(word), digits);
                    assert_eq!(marks::other_than_hex(word), hex);
                    assert_eq!(marks::equal_to(word, b'.'), dots);
                }
            }
        }
    }

    #[test]
    fn every_byte_around_a_number() {
        for byte in 0..=u8::MAX {
            for at in 0..8 {
                let mut text = *b"12.3.45.6";
                text[at] = byte;
                let slow = std::str::from_utf8(&text).ok().and_then(|t| t.parse::<Ipv4Addr>().ok());
                let fast = scan_v4(&text).filter(|&(_, used)| used == text.len());
                assert_eq!(fast.map(|(addr, _)| addr), slow.map(u32::from), "{text:?}");
            }
        }
    }
}
