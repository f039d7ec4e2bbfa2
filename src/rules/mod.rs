//! First-match rule lists: what they decide, where two of them differ, which of their rules do nothing.
//!
//! A [`RuleList`] is read as a network security group reads it: by ascending priority, the first rule that
//! matches a packet decides, and a default decides the rest. Everything here is exact over the whole header
//! space of both families; nothing is sampled.
//!
//! # Packets
//!
//! - Source and destination are of one family. A rule's address set may hold both; [`AddrSet::all`] is `*`.
//! - The protocol is TCP, UDP, ICMP, ESP, AH or *other*, which stands for every further number as one class and
//!   is matched by [`Protocol::Any`] only.
//! - TCP and UDP have ports. The rest have none and satisfy a port list only if it holds every port.
//!
//! # Method
//!
//! Per dimension the boundaries of all sets are swept once, and addresses (or ports) that lie in the same sets
//! form one class; see `classes`. Packets of one service class, source class and destination class are decided
//! alike, so a list is a function on a finite grid. The grid is walked by service class and by the address side
//! with fewer classes, each time for all classes of the other side at once, as a bit set. Cells whose rules are
//! the same are walked once. This is a firewall decision diagram (Gouda and Liu, "Structured Firewall Design",
//! 2007) whose edges are classes and whose reduction is a memo.
//!
//! The cost in the worst case is the product of the class counts, as for every known method. Address sets
//! shared by rules, by pointer or by content, are swept once.
//!
//! ```
//! use std::sync::Arc;
//! use tagwall::addr::{AddrSet, IpPrefix};
//! use tagwall::packet::{Ports, Protocol};
//! use tagwall::rules::{Access, Rule, RuleList, compare};
//!
//! let allow = |name: &str, priority, dst: &str| Rule {
//!     name: name.to_owned(),
//!     priority,
//!     access: Access::Allow,
//!     protocol: Protocol::Tcp,
//!     src: Arc::new(AddrSet::all()),
//!     dst: Arc::new(dst.parse::<IpPrefix>().unwrap().into()),
//!     sport: Ports::all(),
//!     dport: "443".parse().unwrap(),
//! };
//! let whole = RuleList::new(vec![allow("whole", 100, "192.0.2.0/24")], Access::Deny)?;
//! let halves = vec![allow("low", 100, "192.0.2.0/25"), allow("high", 110, "192.0.2.128/26")];
//! let halves = RuleList::new(halves, Access::Deny)?;
//!
//! let found = compare(&whole, &halves);
//! assert_eq!(found.a_deny_b_allow, 0_u8.into());
//! let packet = found.examples.missing.unwrap();
//! assert_eq!(packet.to_string(), "tcp 0.0.0.0:0 -> 192.0.2.192:443");
//! assert!(whole.evaluate(&packet).rule.is_some() && halves.evaluate(&packet).rule.is_none());
//! # Ok::<(), tagwall::rules::DuplicatePriority>(())
//! ```
//!
//! [`AddrSet::all`]: crate::addr::AddrSet::all
//! [`Protocol::Any`]: crate::packet::Protocol::Any

mod analyze;
mod bits;
mod cells;
mod classes;
mod compare;
mod grid;
mod hash;
mod list;
mod packet;
mod partition;
mod regions;
mod service;
mod walk;

pub use analyze::{Analysis, analyze};
pub use compare::{Comparison, Differences, compare, first_difference};
pub use list::{Access, Decision, DuplicatePriority, Rule, RuleList};
pub use packet::{Packet, PacketError, PacketProtocol};
pub use partition::{Chain, Decided, Part, partition};
pub use regions::{Region, differences};
pub use service::ServiceBox;
