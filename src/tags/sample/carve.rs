//! Tags that are wholly inside another tag: their prefixes are cut from those of the other, their parent.
//!
//! Several tags in one parent do not overlap: each of its prefixes is shared out in seats, one for each of them.

use super::draw::Family;
use super::shape::{Role, Shape};
use crate::addr::{Address, Prefix};

/// A tag inside another.
struct Child {
    tag: usize,
    parent: usize,
    /// Which part of the parent's prefixes it is cut from.
    seat: usize,
}

/// The children in the order of the table, and for every row how many it has.
fn children(shape: &Shape) -> (Vec<Child>, Vec<usize>) {
    let mut seats = vec![0; shape.rows.len()];
    let mut children = Vec::new();
    for (tag, row) in shape.rows.iter().enumerate() {
        if let Role::Within { parent } = row.role {
            children.push(Child { tag, parent, seat: seats[parent] });
            seats[parent] += 1;
        }
    }
    (children, seats)
}

/// Host bits that the prefixes of each row need so that its children can be cut from them.
pub(super) fn room(shape: &Shape, family: &Family) -> Vec<u8> {
    let count = |row: usize| shape.rows[row].count[family.index];
    let mut room = vec![0; shape.rows.len()];
    let (children, seats) = children(shape);
    for child in children {
        let bits = seat_bits(seats[child.parent]) + slot_bits(count(child.tag), count(child.parent));
        room[child.parent] = bits.max(room[child.parent]);
    }
    room
}

/// Fills the lists of all children from those of their parents.
pub(super) fn carve<A: Address>(shape: &Shape, family: &Family, lists: &mut [Vec<Prefix<A>>]) {
    let (children, seats) = children(shape);
    for Child { tag, parent, seat } in children {
        let seats = seat_bits(seats[parent]);
        lists[tag] = cut(&lists[parent], shape.rows[tag].count[family.index], seat, seats);
    }
}

fn seat_bits(seats: usize) -> u8 {
    seats.next_power_of_two().trailing_zeros() as u8
}

/// How many bits longer than a seat the child's prefixes are. Only every other slot is used, so that no two can be
/// merged.
fn slot_bits(child: usize, parent: usize) -> u8 {
    match child.div_ceil(parent.max(1)) {
        0 | 1 => 0,
        each => (2 * each).next_power_of_two().trailing_zeros() as u8,
    }
}

fn cut<A: Address>(parents: &[Prefix<A>], count: usize, seat: usize, seat_bits: u8) -> Vec<Prefix<A>> {
    let bits = seat_bits + slot_bits(count, parents.len());
    let mut children = Vec::with_capacity(count);
    for (i, parent) in parents.iter().enumerate() {
        // Spread evenly: each parent gets what the running total grows by.
        let share = (i + 1) * count / parents.len() - i * count / parents.len();
        let length = parent.len() + bits;
        let seat = parent.first().to_u128() + ((seat as u128) << (A::BITS - parent.len() - seat_bits));
        let slots = (0..share).map(|slot| seat + ((2 * slot as u128) << (A::BITS - length)));
        children.extend(slots.map(|first| super::block::prefix(first, length)));
    }
    children
}
