//! Reading and writing addresses as bytes: the one place that knows their notation.
//!
//! Readers take sixteen bytes at a time, so that the common case has no branch for each. What they do not recognise
//! is left to a slower reader; what they accept, that reader accepts with the same result.

/// The longest prefix in text: `xxxx:xxxx:xxxx:xxxx:xxxx:xxxx:255.255.255.255/128` and a line end.
pub(crate) const LONGEST: usize = 52;

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

/// Reads up to three digits at `at`, without leading zero; also returns where they end.
#[inline]
pub(crate) fn scan_length(bytes: &[u8], at: usize) -> Option<(u8, usize)> {
    let digit = |at: usize| bytes.get(at).map(|b| b.wrapping_sub(b'0')).filter(|&d| d < 10);
    let first = digit(at)?;
    let Some(second) = digit(at + 1) else { return Some((first, at + 1)) };
    if first == 0 {
        return None;
    }
    let two = first * 10 + second;
    match digit(at + 2) {
        None => Some((two, at + 2)),
        Some(third) => Some((two.checked_mul(10)?.checked_add(third)?, at + 3)),
    }
}

const HEX_DIGITS: [u8; 16] = *b"0123456789abcdef";

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

/// The text of one address or prefix, made without allocation.
#[derive(Clone, Copy)]
pub struct AddressText {
    bytes: [u8; LONGEST],
    len: usize,
}

impl AddressText {
    #[inline]
    pub(crate) fn of(write: impl FnOnce(&mut Cursor<'_>)) -> Self {
        let mut bytes = [0; LONGEST];
        let mut cursor = Cursor::new(&mut bytes);
        write(&mut cursor);
        let len = cursor.len;
        AddressText { bytes, len }
    }

    /// The text as bytes, all of them ASCII.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).expect("only ASCII is written")
    }
}

impl std::fmt::Debug for AddressText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Lines of text in one block of memory, which grows as needed.
///
/// ```
/// use tagwall::addr::{IpPrefix, TextBuffer};
/// let mut lines = TextBuffer::new();
/// lines.push_line("192.0.2.0/24".parse::<IpPrefix>()?);
/// lines.push_line("2001:db8::/32".parse::<IpPrefix>()?);
/// assert_eq!(lines.as_bytes(), b"192.0.2.0/24\n2001:db8::/32\n");
/// # Ok::<(), tagwall::addr::PrefixError>(())
/// ```
#[derive(Default)]
pub struct TextBuffer {
    /// Written up to `len`; at least the longest line's room follows while a line is written.
    bytes: Vec<u8>,
    len: usize,
}

impl TextBuffer {
    /// An empty buffer.
    pub fn new() -> Self {
        Self::default()
    }

    /// The lines so far.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Number of bytes so far.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no lines yet.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Forgets the lines, keeps the memory.
    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// Appends a prefix and a line end.
    #[inline]
    pub fn push_line(&mut self, prefix: impl PrefixText) {
        if self.bytes.len() - self.len < LONGEST {
            self.bytes.resize((self.bytes.len() * 2).max(1 << 10), 0);
        }
        // Pieces go straight to where they stay: to write them aside and copy the whole would wait for each.
        let room = self.bytes[self.len..].first_chunk_mut().expect("made room for the longest line");
        let mut cursor = Cursor::new(room);
        prefix.write_to(&mut cursor);
        cursor.push(b'\n');
        self.len += cursor.len;
    }
}

impl std::fmt::Debug for TextBuffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TextBuffer").field("len", &self.len).finish_non_exhaustive()
    }
}

/// A prefix of one or either family that a [`TextBuffer`] takes.
pub trait PrefixText {
    /// Writes `address/length`.
    fn write_to(self, out: &mut Cursor<'_>);
}

/// Where text is written in a fixed room.
#[derive(Debug)]
pub struct Cursor<'a> {
    bytes: &'a mut [u8; LONGEST],
    len: usize,
}

/// The decimal digits of every byte, left-aligned, and their number.
const DECIMAL: [[u8; 4]; 256] = {
    let mut table = [[0; 4]; 256];
    let mut value = 0;
    while value < 256 {
        let (hundreds, tens, ones) = (value / 100, value / 10 % 10, value % 10);
        let digits = [hundreds as u8 + b'0', tens as u8 + b'0', ones as u8 + b'0'];
        table[value] = match value {
            0..10 => [digits[2], 0, 0, 1],
            10..100 => [digits[1], digits[2], 0, 2],
            _ => [digits[0], digits[1], digits[2], 3],
        };
        value += 1;
    }
    table
};

impl<'a> Cursor<'a> {
    #[inline]
    fn new(bytes: &'a mut [u8; LONGEST]) -> Self {
        Cursor { bytes, len: 0 }
    }

    #[inline]
    pub(crate) fn push(&mut self, byte: u8) {
        self.bytes[self.len] = byte;
        self.len += 1;
    }

    /// A number up to 255 in decimal.
    #[inline]
    pub(crate) fn push_byte(&mut self, value: u8) {
        let [a, b, c, len] = DECIMAL[usize::from(value)];
        // Always three bytes; what is too much is written over next.
        self.bytes[self.len..self.len + 3].copy_from_slice(&[a, b, c]);
        self.len += usize::from(len);
    }

    /// A number up to 255 in decimal and a byte behind it.
    #[inline]
    fn push_byte_and(&mut self, value: u8, behind: u8) {
        let word = u32::from_le_bytes(DECIMAL[usize::from(value)]);
        let len = word >> 24;
        let text = word & 0x00ff_ffff | u32::from(behind) << (8 * len);
        self.bytes[self.len..self.len + 4].copy_from_slice(&text.to_le_bytes());
        self.len += len as usize + 1;
    }

    #[inline]
    pub(crate) fn push_v4(&mut self, addr: u32) {
        let [a, b, c, d] = addr.to_be_bytes();
        self.push_byte_and(a, b'.');
        self.push_byte_and(b, b'.');
        self.push_byte_and(c, b'.');
        self.push_byte(d);
    }

    /// A number in decimal.
    pub(crate) fn push_number(&mut self, value: u16) {
        let thousands = value / 1000;
        if thousands > 0 {
            self.push_byte(thousands as u8);
            for digit in [value / 100 % 10, value / 10 % 10, value % 10] {
                self.push(b'0' + digit as u8);
            }
        } else if value > 255 {
            self.push_byte((value / 10) as u8);
            self.push(b'0' + (value % 10) as u8);
        } else {
            self.push_byte(value as u8);
        }
    }

    /// Canonical text of RFC 5952: the longest run of two or more zero groups (the first of equals) as `::`.
    #[inline]
    pub(crate) fn push_v6(&mut self, addr: u128) {
        let groups: [u16; 8] = std::array::from_fn(|i| (addr >> (112 - 16 * i)) as u16);
        if addr >> 32 == 0xffff {
            b"::ffff:".iter().for_each(|&b| self.push(b));
            return self.push_v4(addr as u32);
        }
        let (from, to) = longest_zeros(&groups);
        let mut at = 0;
        while at < 8 {
            if at == from && to > from {
                // The colon before the gap is there already unless the gap comes first.
                if at == 0 {
                    self.push(b':');
                }
                self.push(b':');
                at = to;
                continue;
            }
            self.push_group(groups[at]);
            at += 1;
            if at < 8 {
                self.push(b':');
            }
        }
    }

    /// A number in hexadecimal, no leading zeros.
    #[inline]
    fn push_group(&mut self, group: u16) {
        let digits = (19 - (group | 1).leading_zeros()) / 4;
        let aligned = group << (16 - 4 * digits);
        let text: [u8; 4] = std::array::from_fn(|i| HEX_DIGITS[usize::from(aligned >> (12 - 4 * i) & 15)]);
        self.bytes[self.len..self.len + 4].copy_from_slice(&text);
        self.len += digits as usize;
    }
}

/// The first of the longest runs of two or more zero groups, as a half-open range; empty if there is none.
#[inline]
fn longest_zeros(groups: &[u16; 8]) -> (usize, usize) {
    let (mut best, mut from) = ((0, 0), 0);
    for (at, &group) in groups.iter().enumerate() {
        if group != 0 {
            from = at + 1;
        } else if at + 1 - from > (best.1 - best.0).max(1) {
            best = (from, at + 1);
        }
    }
    best
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
            let line = AddressText::of(|out| out.push_v4(addr));
            prop_assert_eq!(line.as_str(), text);
        }

        #[test]
        fn v6_as_std(groups in prop::array::uniform8(prop_oneof![Just(0_u16), Just(0xffff), any::<u16>(), 0..20_u16])) {
            let addr = Ipv6Addr::from(groups);
            let (bits, text) = (u128::from(addr), addr.to_string());
            let line = AddressText::of(|out| out.push_v6(bits));
            prop_assert_eq!(line.as_str(), &text);
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
    fn every_small_number() {
        for value in 0..=u16::MAX {
            let text = AddressText::of(|out| out.push_number(value));
            assert_eq!(text.as_str(), value.to_string());
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
