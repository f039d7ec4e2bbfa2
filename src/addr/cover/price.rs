//! What an extra address costs, by where it lies.

use std::fmt;

use crate::addr::{Address, Count, Entry, Interval};

/// The price of one extra address of one family: a default, and blocks with a price of their own.
///
/// ```
/// use tagwall::addr::{Count, Interval, PriceMap};
/// let prices = PriceMap::new(1, vec![(Interval::new(16_u8, 31).unwrap(), 10)])?;
/// assert_eq!(prices.total(Interval::new(14, 17).unwrap()), Count::from(22_u64));
/// # Ok::<(), tagwall::addr::PriceError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct PriceMap<A> {
    default: u128,
    blocks: Vec<Block<A>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Block<A> {
    interval: Interval<A>,
    price: u128,
    /// The price of everything below the block's first address.
    below: Count,
}

/// Why prices are refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PriceError {
    /// Two blocks share addresses.
    #[error("{first} and {second} overlap: an address has one price")]
    Overlap {
        /// The block that begins first.
        first: String,
        /// The block that begins inside it.
        second: String,
    },
    /// A price above [`PriceMap::MOST`].
    #[error("the price {price} is more than {most}")]
    TooHigh {
        /// The price asked for.
        price: u128,
        /// The highest of the family.
        most: u128,
    },
}

impl<A: Address> PriceMap<A> {
    /// The highest price of one address: `2^48 - 1` for IPv6, whatever fits for IPv4. With it the whole space
    /// costs less than 2^176, and sums of 2^16 covers fit a [`Count`].
    pub const MOST: u128 = u128::MAX >> A::BITS.saturating_sub(48);

    /// `default` everywhere but in `blocks`, which may come in any order.
    ///
    /// # Errors
    /// [`PriceError`] if blocks overlap or a price is above [`MOST`](Self::MOST).
    pub fn new(default: u128, mut blocks: Vec<(Interval<A>, u128)>) -> Result<Self, PriceError> {
        if let Some(&price) = [default].iter().chain(blocks.iter().map(|(_, p)| p)).find(|&&p| p > Self::MOST)
        {
            return Err(PriceError::TooHigh { price, most: Self::MOST });
        }
        blocks.sort_unstable();
        if let Some(pair) = blocks.windows(2).find(|pair| pair[1].0.first() <= pair[0].0.last()) {
            return Err(PriceError::Overlap { first: pair[0].0.to_string(), second: pair[1].0.to_string() });
        }
        let mut map = PriceMap { default, blocks: Vec::with_capacity(blocks.len()) };
        for (interval, price) in blocks {
            let below = interval.first().pred().map_or(Count::ZERO, |before| map.up_to(before));
            map.blocks.push(Block { interval, price, below });
        }
        Ok(map)
    }

    /// `price` for every address.
    ///
    /// # Errors
    /// [`PriceError::TooHigh`] above [`MOST`](Self::MOST).
    pub fn flat(price: u128) -> Result<Self, PriceError> {
        Self::new(price, Vec::new())
    }

    /// The price of all addresses of `interval` together; `O(log blocks)`.
    pub fn total(&self, interval: Interval<A>) -> Count {
        let below = interval.first().pred().map_or(Count::ZERO, |before| self.up_to(before));
        self.up_to(interval.last()).checked_sub(below).expect("sums of prices do not fall")
    }

    /// Whether every address costs 1, so that cost and number of extra addresses are the same.
    pub(crate) fn is_plain(&self) -> bool {
        self.default == 1 && self.blocks.iter().all(|b| b.price == 1)
    }

    /// The price of all addresses up to `last`, inclusive.
    fn up_to(&self, last: A) -> Count {
        let after = self.blocks.partition_point(|b| b.interval.first() <= last);
        let Some(block) = after.checked_sub(1).map(|at| &self.blocks[at]) else {
            return times(distance(A::MIN, last), self.default);
        };
        let inside = Interval::from_ordered(block.interval.first(), last.min(block.interval.last()));
        let block_sum = block.below + times(distance(inside.first(), inside.last()), block.price);
        match block.interval.last() < last {
            false => block_sum,
            // The addresses behind the block: as many as from its last one, less that one.
            true => {
                block_sum + times(Count::from(last.to_u128() - block.interval.last().to_u128()), self.default)
            }
        }
    }
}

fn distance<A: Address>(first: A, last: A) -> Count {
    Count::from_distance(last.to_u128() - first.to_u128())
}

fn times(count: Count, price: u128) -> Count {
    count.checked_mul(price).expect("the highest price of a family leaves room for all its addresses")
}

impl<A: Address> Default for PriceMap<A> {
    /// 1 for every address.
    fn default() -> Self {
        PriceMap { default: 1, blocks: Vec::new() }
    }
}

impl<A: Address> fmt::Debug for PriceMap<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.default)?;
        f.debug_map().entries(self.blocks.iter().map(|b| (b.interval, b.price))).finish()
    }
}

/// Prices of both families.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Prices {
    /// IPv4 prices.
    pub v4: PriceMap<u32>,
    /// IPv6 prices.
    pub v6: PriceMap<u128>,
}

impl Prices {
    /// Prices from blocks of either family, in any order, with a default for each.
    ///
    /// # Errors
    /// [`PriceError`] if blocks overlap or a price is above [`PriceMap::MOST`].
    pub fn new(
        default_v4: u128,
        default_v6: u128,
        blocks: impl IntoIterator<Item = (Entry, u128)>,
    ) -> Result<Self, PriceError> {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for (block, price) in blocks {
            match block {
                Entry::V4(interval) => v4.push((interval, price)),
                Entry::V6(interval) => v6.push((interval, price)),
            }
        }
        Ok(Prices { v4: PriceMap::new(default_v4, v4)?, v6: PriceMap::new(default_v6, v6)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_against_address_by_address() {
        let at = |first, last| Interval::new(first, last).unwrap();
        let map = PriceMap::new(3, vec![(at(200, 255), 7), (at(0, 4), 0), (at(5, 9), 11)]).unwrap();
        let price = |x: u8| match x {
            0..=4 => 0,
            5..=9 => 11,
            200.. => 7,
            _ => 3_u128,
        };
        for first in 0..=255 {
            for last in first..=255 {
                let slow: u128 = (first..=last).map(price).sum();
                assert_eq!(map.total(at(first, last)), Count::from(slow));
            }
        }
    }

    #[test]
    fn refusals() {
        let at = |first, last| Interval::new(first, last).unwrap();
        let overlap = PriceMap::new(1, vec![(at(0, 9_u8), 1), (at(9, 12), 2)]).unwrap_err();
        assert_eq!(overlap.to_string(), "0-9 and 9-12 overlap: an address has one price");
        let most = PriceMap::<u128>::MOST;
        assert_eq!(PriceMap::<u128>::flat(most + 1), Err(PriceError::TooHigh { price: most + 1, most }));
        let whole = PriceMap::<u128>::flat(most).unwrap();
        assert_eq!(whole.total(Interval::all()).shifted_down(128), Count::from(most));
        let whole = PriceMap::<u32>::flat(u128::MAX).unwrap();
        assert_eq!(whole.total(Interval::all()).shifted_down(32), Count::from(u128::MAX));
    }
}
