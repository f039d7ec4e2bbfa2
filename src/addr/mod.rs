//! Addresses, prefixes and exact sets of them. Nothing here knows of Azure.
//!
//! Generic over the family through [`Address`]: `u32` is IPv4, `u128` is IPv6, `u16` is a port number and `u8` a
//! universe small enough to test in full.
//!
//! | what | time | memory |
//! |---|---|---|
//! | [`IntervalSet::contains`] | log n | none |
//! | union, intersection, difference, complement | n + m | one interval a piece of the answer |
//! | [`IntervalSet::from_intervals`] | n where they come in order, else a sort of n | n |
//! | [`IntervalSet::prefixes`] | one step a prefix, at most 2 w a piece | none, an iterator |
//! | [`AddrList::parse`] | one pass over the text | n |
//! | [`CoverCurve`] with at most k prefixes | n k at most, see there | see there |
//!
//! n and m are the pieces (intervals, or prefixes before they are merged) of the sets, w is the number of bits of an
//! address.

mod blocks;
mod chunks;
mod count;
mod cover;
mod dual;
mod entry;
mod family;
mod interval;
mod line;
mod list;
mod longest;
mod midpoint;
mod prefix;
mod print;
mod reader;
mod routes;
mod scan;
mod set;
mod sort;
mod words;
mod write;

pub use blocks::Prefixes;
pub use chunks::{anchored_chunks, balanced_chunks, roomy_chunks, stable_chunks};
pub use count::{Count, ParseCountError};
pub use cover::{
    Anchor, Certificate, CoverCurve, CoverError, CoverRequest, Covers, CurvePoint, PriceError, PriceMap,
    Prices, cheapest_within, fewest_within,
};
pub use dual::AddrSet;
pub use entry::{Entry, EntryError, Form, Likely};
pub use family::Address;
pub use interval::Interval;
pub(crate) use line::value_in_remark;
pub use list::{AddrList, Cleared, ClearedLine, LineError, ListErrors, ListOptions};
pub(crate) use longest::{LongestMatch, by_answer, pieces};
pub use prefix::{IpPrefix, Prefix, PrefixError};
pub use print::{AddressText, Cursor, PrefixText, TextBuffer};
pub use reader::ListReader;
pub use routes::{Mismatch, Route, RouteCurve, RouteError, RouteProblem, RouteTable};
pub use set::IntervalSet;
pub use write::write_prefixes;
