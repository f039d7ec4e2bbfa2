//! Seeded inputs: prefixes with the lengths of a backbone routing table, half of them redundant.

use tagwall::addr::{Address, Prefix};

/// A small generator of the xorshift family; the benches need no better one, only always the same numbers.
pub(crate) struct Numbers(u64);

impl Numbers {
    /// A generator; equal seeds give equal numbers.
    pub(crate) fn new(seed: u64) -> Self {
        Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(end)) >> 64) as u64
    }
}

/// How many in a hundred have which length, roughly as in the public IPv4 table.
const LENGTHS_V4: [(u64, u8); 9] =
    [(60, 24), (71, 23), (82, 22), (87, 21), (91, 20), (94, 19), (96, 18), (99, 16), (100, 32)];
/// The same for IPv6.
const LENGTHS_V6: [(u64, u8); 7] = [(47, 48), (62, 44), (70, 40), (85, 36), (97, 32), (99, 64), (100, 128)];

fn length(numbers: &mut Numbers, table: &[(u64, u8)]) -> u8 {
    let at = numbers.below(100);
    table.iter().find(|&&(below, _)| at < below).expect("the table ends at 100").1
}

/// `count` IPv4 prefixes in random order; every other one repeats an earlier one or lies inside it.
pub(crate) fn v4(count: usize, seed: u64) -> Vec<Prefix<u32>> {
    let mut numbers = Numbers::new(seed);
    let fresh = |numbers: &mut Numbers| {
        let len = length(numbers, &LENGTHS_V4);
        // Unicast space only: 1.0.0.0 to 223.255.255.255.
        let addr = (1 << 24) + numbers.below(223 << 24) as u32;
        Prefix::new_relaxed(addr, len).expect("a length of the table")
    };
    redundant(count, &mut numbers, fresh)
}

/// `count` IPv6 prefixes in random order; every other one repeats an earlier one or lies inside it.
pub(crate) fn v6(count: usize, seed: u64) -> Vec<Prefix<u128>> {
    let mut numbers = Numbers::new(seed);
    let fresh = |numbers: &mut Numbers| {
        let len = length(numbers, &LENGTHS_V6);
        // The registries' blocks below 2000::/3 that are in use, most of them under a few /12.
        let block =
            [0x2001, 0x2400, 0x2600, 0x2800, 0x2a00, 0x2c00][numbers.below(6) as usize] + numbers.below(16);
        let addr =
            u128::from(block) << 112 | u128::from(numbers.next()) << 48 | u128::from(numbers.next() >> 16);
        Prefix::new_relaxed(addr, len).expect("a length of the table")
    };
    redundant(count, &mut numbers, fresh)
}

fn redundant<A: Address>(
    count: usize,
    numbers: &mut Numbers,
    mut fresh: impl FnMut(&mut Numbers) -> Prefix<A>,
) -> Vec<Prefix<A>> {
    let mut out: Vec<Prefix<A>> = Vec::with_capacity(count);
    while out.len() < count {
        if numbers.below(2) == 0 || out.is_empty() {
            out.push(fresh(numbers));
            continue;
        }
        let old = out[numbers.below(out.len() as u64) as usize];
        let longer = (old.len() + numbers.below(9) as u8).min(A::BITS);
        out.push(Prefix::new_relaxed(old.last(), longer).expect("no longer than the family"));
    }
    out
}

/// The prefixes as text, one a line.
pub(crate) fn text<A: Address>(prefixes: &[Prefix<A>]) -> String {
    prefixes.iter().map(|p| format!("{p}\n")).collect()
}
