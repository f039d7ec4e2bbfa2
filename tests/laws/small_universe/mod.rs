//! Optimal answers against exhaustive search, over spaces small enough to try everything.
//!
//! A space of `2^b` addresses is an aligned IPv4 block of that size; nothing outside it ever pays.

mod cover;
mod routes;

use tagwall::addr::{AddrSet, IpPrefix, Prefix};

/// An aligned block of `2^bits` addresses.
#[derive(Clone, Copy)]
struct Space {
    bits: u8,
}

impl Space {
    const BASE: u32 = 0x0a00_0000;

    fn size(self) -> u32 {
        1 << self.bits
    }

    /// The address at `offset`.
    fn host(self, offset: u32) -> IpPrefix {
        IpPrefix::V4(Prefix::host(Self::BASE + offset))
    }

    /// The set of a bit mask.
    fn set(self, mask: u32) -> AddrSet {
        (0..self.size()).filter(|i| mask >> i & 1 == 1).map(|i| self.host(i)).collect()
    }

    /// The bit mask of a set of prefixes.
    fn mask(self, prefixes: &[IpPrefix]) -> u32 {
        let covered: AddrSet = prefixes.iter().copied().collect();
        (0..self.size()).filter(|&i| covered.v4.contains(Self::BASE + i)).fold(0, |mask, i| mask | 1 << i)
    }

    /// Every prefix of the space with its bit mask, wider ones first.
    fn prefixes(self) -> Vec<(Prefix<u32>, u32)> {
        (0..=self.bits)
            .flat_map(|len| (0..1_u32 << len).map(move |at| (len, at)))
            .map(|(len, at)| {
                let size = self.size() >> len;
                let prefix = Prefix::new(Self::BASE + at * size, 32 - self.bits + len).unwrap();
                (prefix, (((1_u64 << size) - 1) << (at * size)) as u32)
            })
            .collect()
    }

    /// For every bit mask the fewest prefixes that make it up.
    fn fewest(self) -> Vec<u32> {
        let mut fewest = vec![u32::MAX; 1 << self.size()];
        fewest[0] = 0;
        // Shorter lists first: each round adds one prefix to all that are known.
        let mut reached = vec![0_u32];
        for count in 1.. {
            let mut next = Vec::new();
            for mask in reached {
                for (_, block) in self.prefixes() {
                    let with = mask | block;
                    if fewest[with as usize] == u32::MAX {
                        fewest[with as usize] = count;
                        next.push(with);
                    }
                }
            }
            if next.is_empty() {
                return fewest;
            }
            reached = next;
        }
        unreachable!("some round adds nothing")
    }
}

/// Repeatable numbers for what is too much to try in full.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}
