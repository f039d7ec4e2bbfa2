//! Writing addresses as bytes: with `addr::scan`, the one place that knows their notation.
//!
//! Pieces of fixed size are written one over the end of another, so that no branch depends on how long one is.

use wide::{u8x16, u16x8};

/// The longest prefix in text: `xxxx:xxxx:xxxx:xxxx:xxxx:xxxx:255.255.255.255/128` and a line end.
const LONGEST: usize = 52;

/// Bytes of a room for one text: what a mask leaves of any place, and a piece behind it.
const ROOM: usize = PLACES + size_of::<u64>();

/// Places at which a piece can begin.
const PLACES: usize = 64;

const _: () = assert!(LONGEST <= PLACES && PLACES.is_power_of_two());

/// The text of one address or prefix, made without allocation.
#[derive(Clone, Copy)]
pub struct AddressText {
    bytes: [u8; ROOM],
    len: usize,
}

impl AddressText {
    #[inline]
    pub(crate) fn of(write: impl FnOnce(&mut Cursor<'_>)) -> Self {
        let mut bytes = [0; ROOM];
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
    /// Written up to `len`; at least one text's room follows while a line is written.
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
    // With all that it calls not left to the compiler: any call out of line costs a fifth of the time of a list.
    #[inline(always)]
    pub fn push_line(&mut self, prefix: impl PrefixText) {
        if self.bytes.len() - self.len < ROOM {
            self.bytes.resize((self.bytes.len() * 2).max(1 << 10), 0);
        }
        // Pieces go straight to where they stay: to write them aside and copy the whole would wait for each.
        let room = self.bytes[self.len..].first_chunk_mut().expect("made room for a text");
        let mut cursor = Cursor::new(room);
        prefix.write_to(&mut cursor);
        debug_assert_eq!(cursor.bytes[cursor.len], b'\n', "a line end stands behind the text");
        self.len += cursor.len + 1;
    }
}

impl std::fmt::Debug for TextBuffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TextBuffer").field("len", &self.len).finish_non_exhaustive()
    }
}

/// A prefix of one or either family that a [`TextBuffer`] takes.
pub trait PrefixText {
    /// Writes `address/length` and, behind the text, a line end.
    fn write_to(self, out: &mut Cursor<'_>);
}

/// Where text is written in a fixed room.
#[derive(Debug)]
pub struct Cursor<'a> {
    bytes: &'a mut [u8; ROOM],
    len: usize,
}

/// A text of at most four bytes, the first lowest, and how long it is in the highest byte.
const fn short_text(text: [u8; 4], len: u8) -> u64 {
    u32::from_le_bytes(text) as u64 | (len as u64) << 56
}

/// Every byte in decimal.
const DECIMAL: [u64; 256] = {
    let mut table = [0; 256];
    let mut value = 0;
    while value < 256 {
        let [hundreds, tens, ones] =
            [b'0' + (value / 100) as u8, b'0' + (value / 10 % 10) as u8, b'0' + (value % 10) as u8];
        table[value] = match value {
            0..10 => short_text([ones, 0, 0, 0], 1),
            10..100 => short_text([tens, ones, 0, 0], 2),
            _ => short_text([hundreds, tens, ones, 0], 3),
        };
        value += 1;
    }
    table
};

/// Every byte in decimal, a slash before it and a line end behind, which does not count.
const LENGTHS: [u64; 256] = {
    let mut table = [0; 256];
    let mut value = 0;
    while value < 256 {
        let (text, len) = (DECIMAL[value] & 0x00ff_ffff, DECIMAL[value] >> 56);
        table[value] = b'/' as u64 | text << 8 | (b'\n' as u64) << (8 * (len + 1)) | (len + 1) << 56;
        value += 1;
    }
    table
};

impl<'a> Cursor<'a> {
    #[inline]
    fn new(bytes: &'a mut [u8; ROOM]) -> Self {
        Cursor { bytes, len: 0 }
    }

    /// Writes eight bytes, the lowest first, `behind` the end of the text. The text stays as long as it was.
    #[inline]
    fn put(&mut self, behind: usize, piece: u64) {
        // No text is longer than there are places; the mask only tells the compiler so.
        let at = (self.len + behind) & (PLACES - 1);
        self.bytes[at..at + size_of::<u64>()].copy_from_slice(&piece.to_le_bytes());
    }

    #[inline]
    pub(crate) fn push(&mut self, byte: u8) {
        self.put(0, byte.into());
        self.len += 1;
    }

    /// A number up to 255 in decimal.
    #[inline]
    pub(crate) fn push_byte(&mut self, value: u8) {
        let text = DECIMAL[usize::from(value)];
        self.put(0, text);
        self.len += (text >> 56) as usize;
    }

    #[inline]
    pub(crate) fn push_v4(&mut self, addr: u32) {
        let [a, b, c, d] = addr.to_be_bytes();
        for value in [a, b, c] {
            self.push_byte(value);
            self.push(b'.');
        }
        self.push_byte(d);
    }

    /// A slash and a prefix length. Behind it stands a line end, which does not count.
    #[inline]
    pub(crate) fn push_length(&mut self, len: u8) {
        let text = LENGTHS[usize::from(len)];
        self.put(0, text);
        self.len += (text >> 56) as usize;
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
    #[inline(always)] // as `TextBuffer::push_line`
    pub(crate) fn push_v6(&mut self, addr: u128) {
        let (high, low) = ((addr >> 64) as u64, addr as u64);
        if low >> 32 == 0xffff && high == 0 {
            return self.push_mapped(addr as u32);
        }
        let groups: u16x8 = bytemuck::cast(addr.to_le_bytes());
        let shown = SHOWN[groups.simd_eq(u16x8::splat(0)).to_bitmask() as usize];
        self.push_half(high, shown as u16);
        if low == 0 {
            // Most prefixes: the gap has begun, or it begins here. The second of its colons is there already.
            self.len += (shown >> 16) as usize;
        } else {
            self.push_half(low, (shown >> 16) as u16);
        }
        // A colon stands behind every group; behind the last it is too many.
        self.len -= (shown >> 31) as usize;
    }

    /// An IPv4 address in IPv6 notation (RFC 5952, section 5).
    #[cold]
    fn push_mapped(&mut self, addr: u32) {
        b"::ffff:".iter().for_each(|&b| self.push(b));
        self.push_v4(addr);
    }

    /// Four groups with a colon behind each, as `shown` says (see [`SHOWN`]).
    #[inline]
    fn push_half(&mut self, groups: u64, shown: u16) {
        let (text, digits) = hexadecimal(groups);
        // From the first digit other than zero on, or from the last.
        let marks = digits | shown;
        let (first, second) = (PAIRS[usize::from(marks & 0xff)], PAIRS[usize::from(marks >> 8)]);
        let [start, third] = [first, second].map(|pair| usize::from(pair.lens[0]));
        let [middle, end] = [first, second].map(|pair| usize::from(pair.lens[1]));
        // Two colons, of which the next group is written over the second; where a group is left out, they are the gap.
        let piece = |at: usize, skip: u8| (u64::from(text[at]) | 0x3a3a << 32) >> (skip & 63);
        self.put(0, piece(0, first.skips[0]));
        self.put(start, piece(1, first.skips[1]));
        self.put(middle, piece(2, second.skips[0]));
        self.put(middle + third, piece(3, second.skips[1]));
        self.len += middle + end;
    }
}

/// The sixteen hexadecimal digits of four groups, by group, and marks of those that are not zero: one bit each, the
/// first lowest.
#[inline]
fn hexadecimal(groups: u64) -> ([u32; 4], u16) {
    let zero = u8x16::splat(0);
    let bytes = u8x16::from(u128::from(groups.swap_bytes()).to_le_bytes());
    let pairs: u16x8 = bytemuck::cast(u8x16::unpack_low(bytes, zero));
    let values: u8x16 = bytemuck::cast((pairs >> 4 | pairs << 8) & u16x8::splat(0x0f0f));
    let letters = values.max(u8x16::splat(10)).simd_eq(values) & u8x16::splat(b'a' - b'0' - 10);
    let text = values + u8x16::splat(b'0') + letters;
    (bytemuck::cast(text), !values.simd_eq(zero).to_bitmask() as u16)
}

/// How the groups of an address are written, by which of them are zero: the bit of the last group is lowest.
///
/// Four bits a group, those of the first lowest: its last digit is marked (8) where it is written; else it begins the
/// gap and stands for one colon (1), or for two (2) where no group is before it, or for none (0).
const SHOWN: [u32; 256] = {
    let mut table = [0; 256];
    let mut zeros = 0;
    while zeros < 256 {
        let (mut from, mut to, mut start, mut at) = (8, 8, 0, 0);
        while at < 8 {
            if zeros >> (7 - at) & 1 == 0 {
                start = at + 1;
            } else if at + 1 - start >= 2 && (from == 8 || at + 1 - start > to - from) {
                (from, to) = (start, at + 1);
            }
            at += 1;
        }
        at = 0;
        while at < 8 {
            let bits = if at < from || at >= to {
                8
            } else if at > from {
                0
            } else if at == 0 {
                2
            } else {
                1
            };
            table[zeros] |= bits << (4 * at);
            at += 1;
        }
        zeros += 1;
    }
    table
};

/// How two groups are written.
#[derive(Clone, Copy)]
struct Pair {
    /// Bits of the digits that are left out in front of each.
    skips: [u8; 2],
    /// Bytes of the first with what is behind it, and of both.
    lens: [u8; 2],
}

/// By marks of what is written, four bits a group as in [`SHOWN`]; where the last is set, the others are set too for
/// digits other than zero.
const PAIRS: [Pair; 256] = {
    let mut table = [Pair { skips: [0; 2], lens: [0; 2] }; 256];
    let mut marks = 0;
    while marks < 256 {
        let (first, second) = (marks as u8 & 15, marks as u8 >> 4);
        table[marks] = Pair {
            skips: [skip(first), skip(second)],
            lens: [written(first), written(first) + written(second)],
        };
        marks += 1;
    }
    table
};

const fn skip(marks: u8) -> u8 {
    if marks & 8 == 0 { 32 } else { 8 * marks.trailing_zeros() as u8 }
}

const fn written(marks: u8) -> u8 {
    if marks & 8 == 0 { marks } else { 5 - marks.trailing_zeros() as u8 }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_pattern_of_zero_groups_and_lengths() {
        for pattern in 0..5_u32.pow(8) {
            let groups: [u16; 8] = std::array::from_fn(|i| {
                [0, 7, 0x2f, 0x300, 0xa00b][(pattern / 5_u32.pow(i as u32) % 5) as usize]
            });
            let addr = Ipv6Addr::from(groups);
            let text = AddressText::of(|out| out.push_v6(addr.into()));
            assert_eq!(text.as_str(), addr.to_string());
        }
    }

    #[test]
    fn buffers_tell_what_they_hold() {
        let mut lines = TextBuffer::new();
        assert!(lines.is_empty());
        assert_eq!((lines.len(), lines.as_bytes()), (0, b"".as_slice()));
        lines.push_line(crate::addr::Prefix::<u32>::all());
        assert!(!lines.is_empty());
        assert_eq!((lines.len(), lines.as_bytes()), (10, b"0.0.0.0/0\n".as_slice()));
        lines.clear();
        assert!(lines.is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn as_std(addr: u32, groups in prop::array::uniform8(prop_oneof![Just(0_u16), Just(0xffff), any::<u16>(), 0..20_u16])) {
            let text = AddressText::of(|out| out.push_v4(addr));
            prop_assert_eq!(text.as_str(), Ipv4Addr::from(addr).to_string());
            let addr = Ipv6Addr::from(groups);
            let text = AddressText::of(|out| out.push_v6(addr.into()));
            prop_assert_eq!(text.as_str(), addr.to_string());
        }
    }

    #[test]
    fn every_length_and_small_number() {
        for value in 0..=u16::MAX {
            let text = AddressText::of(|out| out.push_number(value));
            assert_eq!(text.as_str(), value.to_string());
        }
        for len in 0..=u8::MAX {
            let text = AddressText::of(|out| out.push_length(len));
            assert_eq!(text.as_str(), format!("/{len}"));
        }
    }

    #[test]
    fn the_longest_texts() {
        let longest = [u128::MAX, u128::MAX >> 1, 0xffff << 32 | 0xffff_ffff];
        for addr in longest {
            let prefix = crate::addr::Prefix::host(addr);
            let mut lines = TextBuffer::new();
            lines.push_line(prefix);
            assert_eq!(lines.as_bytes(), format!("{}/128\n", Ipv6Addr::from(addr)).as_bytes());
        }
    }
}
