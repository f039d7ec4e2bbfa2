//! The way of packets: from a subnet to what it may reach, and back, as Azure decides it.
//!
//! An [`Environment`] holds what decides: the network with its peers and what a gateway announces, the subnets with
//! their groups, tables, service endpoints and ways out, security admin rules, the firewall. A [`Model`] of it answers
//! for one packet, step by step ([`Model::fate`]), and for all packets of a subnet at once ([`Model::fates`]), exactly.
//! Nothing here knows of policies or formats.
//!
//! # What decides, in order
//!
//! Outbound: admin rules, the group of the interface, that of the subnet, the routes in effect, then as they lead: the
//! firewall (DNAT, network, application rules; policies' parents first), the groups before the destination's subnet,
//! or the subnet's way out. Inbound: admin rules, the group of the subnet, that of the interface, and whether replies
//! go back the way that the packet came.
//!
//! # Three values
//!
//! A [`Verdict`] is yes, no, or *if*; an *if* names its [`Condition`]s: the host, a tag that no file holds, something
//! that was not given. What public sources leave open is an [`Assumption`], by name, that can be switched off; a
//! [`Fate`] lists those that it hangs on.
//!
//! Sources: network-security-groups-overview.md, 2025-07-15; network-security-group-how-it-works.md, 2023-03-31;
//! virtual-networks-udr-overview.md, 2024-10-30; concept-security-admins.md, 2026-01-09; rule-processing.md, 2025-05-07;
//! default-outbound-access.md, 2026-01-30.

mod account;
mod assume;
mod course;
mod decide;
mod environment;
mod fate;
mod kinds;
mod model;
mod prepared;
mod stage;
mod steps;

pub use account::{Account, Taker};
pub use assume::{Assumption, Assumptions};
pub use environment::{Environment, Middle, Network, Outbound, Place, Role, Subnet};
pub use fate::{Fate, Outcome, Question, Step, Way};
pub use kinds::{Kind, Kinds};
pub use model::{Arrival, Asked, FateRegion, Model};
pub use stage::{At, Condition, Verdict};
pub(crate) use steps::OWN_ROUTES;
