//! Borders of `addr` on which no other test stands: each of these fails with some small change that all others let pass.

mod chunks;
mod covers;
mod reading;
mod routes;

use tagwall::addr::{AddrSet, Entry, IpPrefix};

use crate::small_universe::Numbers;

fn p(text: &str) -> IpPrefix {
    text.parse().unwrap()
}

fn set(texts: &[&str]) -> AddrSet {
    texts.iter().map(|text| p(text)).collect()
}

fn entry(text: &str) -> Entry {
    Entry::parse(text, false).unwrap()
}
