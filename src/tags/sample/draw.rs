//! What differs between the two families, and the sample's stand-in for chance.

/// The numbers by which one family's addresses are laid out.
pub(super) struct Family {
    /// Width of an address in bits.
    pub(super) bits: u8,
    /// Which of a row's counts is meant: 0 for IPv4, 1 for IPv6.
    pub(super) index: usize,
    /// Prefix lengths of service tags, each as often as it should come up.
    lengths: &'static [(u8, u8)],
    /// The shortest prefix of a tag outside `AzureCloud`; its ground is small in IPv4.
    pub(super) shortest_outside: u8,
    /// Host bits of one staircase of a service whose global tag is coarser than its regional ones.
    pub(super) stair_bits: u8,
    /// Host bits of the smallest region block.
    pub(super) region_bits: u8,
    /// No `AzureCloud` prefix is longer than this.
    pub(super) longest_cover: u8,
    /// Where the regions are: first address and length.
    pub(super) regions: (u128, u8),
    /// Where tags outside `AzureCloud` are, used in turn.
    pub(super) outside: &'static [(u128, u8)],
}

/// 198.18.0.0/15 (RFC 2544) for the regions, the three TEST-NETs (RFC 5737) for what is outside `AzureCloud`.
///
/// The lengths are those of the real file's service tags without the ones shorter than /24, for which a /15 has
/// no room.
pub(super) const V4: Family = Family {
    bits: 32,
    index: 0,
    lengths: &[(24, 1), (25, 2), (26, 5), (27, 12), (28, 24), (29, 34), (30, 28), (31, 20), (32, 74)],
    shortest_outside: 28,
    stair_bits: 5,
    region_bits: 8,
    longest_cover: 32,
    regions: (0xc612_0000, 15),
    outside: &[(0xc000_0200, 24), (0xc633_6400, 24), (0xcb00_7100, 24)],
};

/// 2001:db8::/32 (RFC 3849) for the regions, 3fff::/20 (RFC 9637) for what is outside `AzureCloud`.
pub(super) const V6: Family = Family {
    bits: 128,
    index: 1,
    lengths: &[
        (48, 4),
        (57, 2),
        (64, 1),
        (117, 2),
        (119, 8),
        (120, 20),
        (121, 66),
        (122, 64),
        (123, 90),
        (124, 42),
        (125, 60),
        (126, 14),
        (127, 8),
        (128, 24),
    ],
    shortest_outside: 44,
    stair_bits: 8,
    region_bits: 82,
    longest_cover: 64,
    regions: (0x2001_0db8 << 96, 32),
    outside: &[(0x3fff << 112, 20)],
};

impl Family {
    /// The length of a tag's `turn`-th prefix.
    pub(super) fn length(&self, tag: &str, turn: usize) -> u8 {
        let total: u64 = self.lengths.iter().map(|&(_, weight)| u64::from(weight)).sum();
        let mut point = mix(tag, turn as u64 + ((self.index as u64) << 32)) % total;
        for &(length, weight) in self.lengths {
            match point.checked_sub(u64::from(weight)) {
                Some(rest) => point = rest,
                None => return length,
            }
        }
        self.bits
    }
}

/// A number that depends on `text` and `salt` only, well spread: FNV-1a, then the finish of splitmix64.
pub(super) fn mix(text: &str, salt: u64) -> u64 {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut z = hash ^ salt.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
