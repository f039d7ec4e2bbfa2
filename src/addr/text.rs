//! Reading and writing addresses as bytes: the one place that knows their notation.
//!
//! Readers look at a fixed window, so that the common case has no branch for each byte. What they do not
//! recognise is left to a slower reader; what they accept, that reader accepts with the same result.

/// Bytes that hold any IPv4 prefix, its line end and what is looked at beyond.
pub(crate) const WINDOW: usize = 24;
/// The longest prefix in text: `xxxx:xxxx:xxxx:xxxx:xxxx:xxxx:255.255.255.255/128` and a line end.
pub(crate) const LONGEST: usize = 52;

/// The window at the start of `bytes`, filled up with zeros.
#[inline]
pub(crate) fn window(bytes: &[u8]) -> [u8; WINDOW] {
    match bytes.first_chunk() {
        Some(chunk) => *chunk,
        None => {
            let mut padded = [0; WINDOW];
            padded[..bytes.len()].copy_from_slice(bytes);
            padded
        }
    }
}

/// Reads dotted decimal at the start of the window; also returns how many bytes it takes.
///
/// Four numbers up to 255 without leading zeros, as `std::net` has it.
#[inline]
pub(crate) fn scan_v4(window: &[u8; WINDOW]) -> Option<(u32, usize)> {
    let (mut addr, mut at, mut bad) = (0, 0, false);
    for index in 0..4 {
        let word = u32::from_le_bytes([window[at], window[at + 1], window[at + 2], window[at + 3]]);
        let digits = word ^ 0x3030_3030;
        // The high bit of each byte that is no digit: above 9 the sum carries into it, above 127 it is set.
        let others = (digits.wrapping_add(0x7676_7676) | digits) & 0x8080_8080;
        // A carry out of one byte spoils only those behind it, and only the first one counts.
        let len = others.trailing_zeros() / 8;
        if len == 0 || len > 3 {
            return None;
        }
        let aligned = digits << (8 * (4 - len));
        let [_, hundreds, tens, ones] = aligned.to_le_bytes().map(u32::from);
        let value = hundreds * 100 + tens * 10 + ones;
        bad |= value > 255 || (len > 1 && digits & 0xff == 0);
        addr = addr << 8 | value;
        at += len as usize;
        if index < 3 {
            bad |= window[at] != b'.';
            at += 1;
        }
    }
    (!bad).then_some((addr, at))
}

/// Reads one or two digits at `at`, without leading zero; also returns where they end.
#[inline]
pub(crate) fn scan_short_length(bytes: &[u8], at: usize) -> Option<(u8, usize)> {
    let digit = |at: usize| bytes.get(at).map(|b| b.wrapping_sub(b'0')).filter(|&d| d < 10);
    let first = digit(at)?;
    match digit(at + 1) {
        None => Some((first, at + 1)),
        Some(second) => (first > 0).then_some((first * 10 + second, at + 2)),
    }
}

/// The value of a hexadecimal digit by byte; 255 for every other byte.
const HEX_VALUE: [u8; 256] = {
    let mut table = [255; 256];
    let mut value = 0;
    while value < 16 {
        table[HEX_DIGITS[value as usize] as usize] = value;
        table[HEX_DIGITS[value as usize].to_ascii_uppercase() as usize] = value;
        value += 1;
    }
    table
};
const HEX_DIGITS: [u8; 16] = *b"0123456789abcdef";

/// Reads hexadecimal groups at the start of `bytes`; also returns how many bytes they take.
///
/// The notation of RFC 4291, section 2.2, but for an IPv4 address at the end.
#[inline]
pub(crate) fn scan_v6(bytes: &[u8]) -> Option<(u128, usize)> {
    let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
    let (mut groups, mut count, mut gap, mut at) = ([0_u16; 8], 0, None, 0);
    if byte(0) == b':' {
        if byte(1) != b':' {
            return None;
        }
        gap = Some(0);
        at = 2;
    }
    loop {
        let (mut value, start) = (0_u16, at);
        while at - start < 4 {
            let digit = HEX_VALUE[usize::from(byte(at))];
            if digit == 255 {
                break;
            }
            value = value << 4 | u16::from(digit);
            at += 1;
        }
        if at == start {
            // Nothing behind the gap is an end; nothing behind a single colon is not.
            if gap != Some(count) {
                return None;
            }
            break;
        }
        groups[count] = value;
        count += 1;
        if count == 8 || byte(at) != b':' {
            break;
        }
        at += 1;
        if byte(at) == b':' {
            if gap.replace(count).is_some() {
                return None;
            }
            at += 1;
        }
    }
    if byte(at) == b'.' {
        return None;
    }
    match gap {
        None if count < 8 => return None,
        Some(_) if count == 8 => return None,
        // What was read behind the gap moves to the end; the rest of the array is zero still.
        Some(head) => groups[head..].rotate_right(8 - count),
        None => {}
    }
    Some((groups.iter().fold(0, |all, &group| all << 16 | u128::from(group)), at))
}

/// The text of one address or prefix, made without allocation.
#[derive(Clone, Copy)]
pub struct AddressText {
    bytes: [u8; LONGEST],
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

impl AddressText {
    #[inline]
    pub(crate) fn new() -> Self {
        AddressText { bytes: [0; LONGEST], len: 0 }
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

    #[inline]
    pub(crate) fn push_v4(&mut self, addr: u32) {
        let [a, b, c, d] = addr.to_be_bytes();
        self.push_byte(a);
        self.push(b'.');
        self.push_byte(b);
        self.push(b'.');
        self.push_byte(c);
        self.push(b'.');
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

impl std::fmt::Debug for AddressText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
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
        let (addr, used) = scan_v4(&window(text.as_bytes()))?;
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
            let mut line = AddressText::new();
            line.push_v4(addr);
            prop_assert_eq!(line.as_str(), text);
        }

        #[test]
        fn v6_as_std(groups in prop::array::uniform8(prop_oneof![Just(0_u16), Just(0xffff), any::<u16>(), 0..20_u16])) {
            let addr = Ipv6Addr::from(groups);
            let (bits, text) = (u128::from(addr), addr.to_string());
            let mut line = AddressText::new();
            line.push_v6(bits);
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
            let mut text = AddressText::new();
            text.push_number(value);
            assert_eq!(text.as_str(), value.to_string());
        }
    }

    #[test]
    fn every_byte_around_a_number() {
        for byte in 0..=u8::MAX {
            for at in 0..8 {
                let mut text = *b"12.3.45.6";
                text[at] = byte;
                let slow = std::str::from_utf8(&text).ok().and_then(|t| t.parse::<Ipv4Addr>().ok());
                let fast = scan_v4(&window(&text)).filter(|&(_, used)| used == text.len());
                assert_eq!(fast.map(|(addr, _)| addr), slow.map(u32::from), "{text:?}");
            }
        }
    }
}
