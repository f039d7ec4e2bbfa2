//! Gives every ask its addresses, and lays `AzureCloud` over the regions.

use super::block::prefix;
use super::demands::{Ask, Asks, Need};
use super::draw::Family;
use super::shape::{Role, Shape};
use crate::addr::{Address, Prefix};

/// Steps of one staircase: prefixes of one, two, three and four bits more than the block they start in.
const STEPS: usize = 4;

/// The prefixes of every row, in no order.
///
/// A site is laid out from offset zero, which shows how large its block must be; then the blocks, all powers of two
/// and the largest first, are put one behind the other. So each is aligned, and no two overlap.
pub(super) fn place<A: Address>(shape: &Shape, family: &Family, asks: &Asks) -> Vec<Vec<Prefix<A>>> {
    let mut lists: Vec<Vec<Prefix<A>>> = shape.rows.iter().map(|_| Vec::new()).collect();
    let mut sites = sites(shape, family, asks);
    sites.sort_by_key(|site| std::cmp::Reverse(site.bits));
    let (mut base, ground_len) = family.regions;
    let end = base + (1 << (family.bits - ground_len));
    for site in &sites {
        site.write(base, family, &mut lists);
        base += 1 << site.bits;
    }
    assert!(base <= end, "the regions of the shape table do not fit their block");
    place_outside(&asks.outside, family, &mut lists);
    lists
}

/// One region, or what belongs to no region: the asks with their offsets, and the block around them.
struct Site<'a> {
    spots: Vec<(&'a Ask, u128)>,
    /// Host bits of the block.
    bits: u8,
    /// The rows that cover the block, and by how many prefixes.
    covers: Vec<usize>,
    pieces: usize,
}

fn sites<'a>(shape: &Shape, family: &Family, asks: &'a Asks) -> Vec<Site<'a>> {
    let mut covers = vec![(Vec::new(), 0); shape.regions.len()];
    let cloud = shape.rows.iter().position(|row| matches!(row.role, Role::Cloud));
    for (tag, row) in shape.rows.iter().enumerate() {
        if let Role::CloudRegion { region } = row.role {
            covers[region] = (cloud.into_iter().chain([tag]).collect(), row.count[family.index]);
        }
    }
    let regions = asks.regions.iter().zip(covers);
    let mut sites: Vec<Site> =
        regions.map(|(asks, (covers, pieces))| Site::new(asks, covers, pieces, family)).collect();
    if asks.nowhere_cover > 0 {
        sites.push(Site::new(&asks.nowhere, cloud.into_iter().collect(), asks.nowhere_cover, family));
    }
    sites
}

impl<'a> Site<'a> {
    fn new(asks: &'a [Ask], covers: Vec<usize>, pieces: usize, family: &Family) -> Self {
        let (spots, used) = offsets(asks, family);
        let hole = hole_bits(pieces);
        let fits = |bits: &u8| hole.map_or(1 << bits, |hole| (1 << bits) - (1 << (bits - hole))) >= used;
        let bits = (family.region_bits..family.bits).find(fits).expect("a region fits its family");
        Site { spots, bits, covers, pieces }
    }

    fn write<A: Address>(&self, base: u128, family: &Family, lists: &mut [Vec<Prefix<A>>]) {
        for &(ask, offset) in &self.spots {
            write_ask(ask, base + offset, family, lists);
        }
        for (address, length) in self.cover(base, family) {
            for &tag in &self.covers {
                lists[tag].push(prefix(address, length));
            }
        }
    }

    /// The prefixes of `AzureCloud` over this block: the fewest that do, then split until there are enough of them,
    /// in turn the widest (as the file lists a range by its parts) and the last (for some short ones).
    fn cover(&self, base: u128, family: &Family) -> Vec<(u128, u8)> {
        let block_len = family.bits - self.bits;
        let mut pieces = match (self.pieces, hole_bits(self.pieces)) {
            (0, _) => return Vec::new(),
            (_, None) => vec![(base, block_len)],
            (_, Some(hole)) => stairs(base, self.bits, usize::from(hole), family),
        };
        while pieces.len() < self.pieces {
            let last = pieces.len() - 1;
            let widest = (0..=last).min_by_key(|&i| pieces[i].1).unwrap_or(last);
            let short = last > widest && pieces[last].1 < family.longest_cover && pieces.len() % 2 == 1;
            split(&mut pieces, if short { last } else { widest }, family);
        }
        pieces
    }
}

/// How small a part of the block stays outside `AzureCloud`, as a power of one half: the more prefixes there are, the
/// more can be spent on leaving the small rest out. `None`: nothing.
fn hole_bits(pieces: usize) -> Option<u8> {
    match pieces {
        0..6 => None,
        6..12 => Some(3),
        _ => Some(4),
    }
}

fn split(pieces: &mut Vec<(u128, u8)>, at: usize, family: &Family) {
    let (address, length) = pieces[at];
    pieces[at].1 = length + 1;
    pieces.insert(at + 1, (address + (1 << (family.bits - length - 1)), length + 1));
}

/// Offsets for all asks, one behind the other, and where the last one ends.
fn offsets<'a>(asks: &'a [Ask], family: &Family) -> (Vec<(&'a Ask, u128)>, u128) {
    let mut spots: Vec<(&Ask, u128)> = Vec::with_capacity(asks.len());
    let mut end = 0_u128;
    for ask in asks {
        let size = 1 << ask_bits(ask, family);
        // Two prefixes side by side can be merged; the services of the real file leave nothing to merge.
        let neighbours = spots.last().is_some_and(|(last, _)| last.holder() == ask.holder());
        let offset = (end + if neighbours { size } else { 0 }).next_multiple_of(size);
        spots.push((ask, offset));
        end = offset + size;
    }
    (spots, end)
}

fn ask_bits(ask: &Ask, family: &Family) -> u8 {
    match ask.need {
        Need::One(length) => family.bits - length,
        Need::Stairs(count) => family.stair_bits + staircases(count).trailing_zeros() as u8,
    }
}

fn write_ask<A: Address>(ask: &Ask, address: u128, family: &Family, lists: &mut [Vec<Prefix<A>>]) {
    let around = prefix(address, family.bits - ask_bits(ask, family));
    if let Some(global) = ask.global {
        lists[global].push(around);
    }
    match ask.need {
        Need::One(_) => lists[ask.tag].push(around),
        Need::Stairs(count) => {
            let flights = staircases(count);
            for i in 0..flights {
                let steps = (i + 1) * count / flights - i * count / flights;
                let start = address + ((i as u128) << family.stair_bits);
                let flight = stairs(start, family.stair_bits, steps, family);
                lists[ask.tag].extend(flight.into_iter().map(|(address, length)| prefix(address, length)));
            }
        }
    }
}

/// Into how many staircases `count` prefixes go, a power of two so that one prefix can be around them all.
fn staircases(count: usize) -> usize {
    count.div_ceil(STEPS).next_power_of_two()
}

/// The first half of a block, the next quarter, the next eighth and so on: dense, and none can be merged.
fn stairs(start: u128, bits: u8, steps: usize, family: &Family) -> Vec<(u128, u8)> {
    let mut address = start;
    let sizes = (0..bits).rev().take(steps);
    sizes
        .map(|bits| {
            let step = (address, family.bits - bits);
            address += 1 << bits;
            step
        })
        .collect()
}

/// What is outside `AzureCloud`, from several grounds in turn and with a gap behind each prefix, so that no two of
/// one tag can be merged.
fn place_outside<A: Address>(asks: &[Ask], family: &Family, lists: &mut [Vec<Prefix<A>>]) {
    let mut ends: Vec<u128> = family.outside.iter().map(|&(first, _)| first).collect();
    for (i, ask) in asks.iter().enumerate() {
        let ground = i % ends.len();
        let size = 1 << ask_bits(ask, family);
        let address = ends[ground].next_multiple_of(size);
        ends[ground] = address + 2 * size;
        write_ask(ask, address, family, lists);
    }
    let fits = |(end, &(first, len)): (&u128, &(u128, u8))| *end <= first + (1 << (family.bits - len));
    assert!(ends.iter().zip(family.outside).all(fits), "the tags outside AzureCloud do not fit their blocks");
}
