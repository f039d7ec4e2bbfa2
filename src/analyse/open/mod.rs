//! Rules of which some hang on what is not known: read from what others made, and compared over every packet.

mod atoms;
mod fewest;
mod firewall;
mod group;
mod list;
mod meaning;
mod regions;
mod routes;

pub(crate) use atoms::Atoms;
pub(crate) use fewest::fewest;
pub(crate) use firewall::{OpenFirewall, Unit, units};
pub(crate) use group::{DEFAULTS, default_names, open_group};
pub(crate) use list::{Answers, OpenList, OpenRule, Outcome, compare_open, in_words, some_answers};
pub(crate) use meaning::{Meaning, space_of};
pub(crate) use regions::{intersection, region_of, subtracted};
pub(crate) use routes::{OpenRoutes, first_address};
