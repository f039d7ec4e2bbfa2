//! What rules do: how Azure decides by a network security group, by the routes of a subnet, and by a firewall's rules.
//!
//! [`way`] puts these together: the way of packets from a subnet to what it may reach, and back.
//!
//! Types here are made of [resources](crate::read::resources) that were read from files. Each answers for one packet or
//! address (`evaluate`) and for all of them at once (`difference`: every packet that two decide differently, as sets).
//! Nothing here knows of policies or of how anything is written.

mod error;
mod firewall;
mod hosts;
mod matched;
mod nsg;
mod rank;
mod resolver;
mod routes;
pub mod way;

pub use error::ReplayError;
pub use firewall::{Firewall, FirewallDecision, FirewallDifference, FirewallDifferenceKind};
pub(crate) use firewall::{Goes, all_groups, decided_by, in_order};
pub use hosts::HostKey;
pub(crate) use matched::MatchKind;
pub use matched::{Translation, firewall_rule};
pub(crate) use nsg::default_rules;
pub use nsg::{Nsg, NsgDifference};
pub(crate) use rank::Rank;
pub use resolver::Resolver;
pub use routes::{RouteClass, RouteDecision, RouteDifference, RouteMap, RouteSource};
pub(crate) use routes::{Stray, WantedHops};
