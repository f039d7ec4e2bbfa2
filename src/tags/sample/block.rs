//! Prefixes of the sample from numbers that fit by construction.

use crate::addr::{Address, Prefix};

/// The prefix of `length` bits at `address`.
///
/// # Panics
/// If the address does not fit the family or is not aligned, which only an error in this module can bring about.
pub(super) fn prefix<A: Address>(address: u128, length: u8) -> Prefix<A> {
    let address = A::from_u128(address).expect("sample addresses fit their family");
    Prefix::new(address, length).expect("sample prefixes are aligned")
}
