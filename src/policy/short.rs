//! Sets of addresses in sentences and names.

use std::fmt;

use crate::addr::{AddrSet, IpPrefix};
use crate::text::Joined;

/// The first prefixes of a set, and how many more there are.
pub fn short_list(set: &AddrSet) -> impl fmt::Display + '_ {
    fmt::from_fn(|f| {
        let mut prefixes = set.prefixes();
        let shown: Vec<IpPrefix> = prefixes.by_ref().take(3).collect();
        write!(f, "{}", Joined(&shown, ", "))?;
        match prefixes.count() {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    })
}

/// What is taken out of a remote, as a part of names: ` except PREFIX` for each prefix.
pub(super) fn without(except: &AddrSet) -> impl fmt::Display + '_ {
    fmt::from_fn(|f| except.prefixes().try_for_each(|prefix| write!(f, " except {prefix}")))
}
