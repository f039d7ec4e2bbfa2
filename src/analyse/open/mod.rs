//! Rules of which some hang on what is not known: read from what others made, and compared over every packet.

mod atoms;
mod fewest;
mod firewall;
mod group;
mod list;
mod regions;
mod resolver;
mod routes;

pub use atoms::Answered;
pub(crate) use atoms::Atoms;
pub(crate) use fewest::fewest;
pub use firewall::Incomplete;
pub(crate) use firewall::{OpenFirewall, Unit, units};
pub(crate) use group::{DEFAULTS, default_names, open_group};
pub(crate) use list::{Answers, ListDifference, OpenList, OpenRule, answered, compare_open, some_answers};
pub(crate) use regions::{intersection, region_of, subtracted};
pub(crate) use resolver::{OpenResolver, space_of};
pub use routes::{Hop, UnknownRoute};
pub(crate) use routes::{OpenRoutes, first_address};
