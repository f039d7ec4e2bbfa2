//! Policy into plan: each target's own semantics, field rules and limits.
//!
//! A flow becomes its native tag where the target takes the tag, else exact prefixes; what a target cannot say is
//! listed as a gap. Nothing is cut short and nothing widened silently: what does not fit a limit is widened by the
//! fewest extra addresses if the policy has a budget for them, declared in the plan; else it is refused.

mod attempt;
mod chunked;
mod coarsen;
mod endpoints;
mod fewest;
mod firewall;
mod flows;
mod gaps;
mod group;
mod lists;
mod names;
mod nat;
mod nsg;
mod pack;
mod priority;
mod rules;
mod table;
mod tally;
mod udr;
mod written;

pub use pack::Weigh;
pub use priority::assign as assign_priorities;
pub use written::{Writing, lower};
