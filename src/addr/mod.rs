//! Addresses, prefixes and exact sets of them. Nothing here knows of Azure.
//!
//! Generic over the family through [`Address`]: `u32` is IPv4, `u128` is IPv6, `u16` is a port number and `u8` a
//! universe small enough to test in full.

mod chunks;
mod count;
mod cover;
mod dual;
mod family;
mod interval;
mod list;
mod prefix;
mod print;
mod reader;
mod routes;
mod scan;
mod set;
mod sort;
mod words;

pub use chunks::{anchored_chunks, balanced_chunks, roomy_chunks, stable_chunks};
pub use count::{Count, ParseCountError};
pub use cover::{
    Anchor, Certificate, CoverCurve, CoverError, CoverRequest, Covers, CurvePoint, PriceError, PriceMap,
    Prices, fewest_within,
};
pub use dual::AddrSet;
pub use family::Address;
pub use interval::{Interval, Prefixes};
pub use list::{AddrList, Entry, EntryError, LineError, ListErrors, ListOptions};
pub use prefix::{IpPrefix, Prefix, PrefixError};
pub use print::{AddressText, Cursor, PrefixText, TextBuffer};
pub use reader::{ListReader, write_prefixes};
pub use routes::{Mismatch, Route, RouteCurve, RouteError, RouteProblem, RouteTable};
pub use set::IntervalSet;
