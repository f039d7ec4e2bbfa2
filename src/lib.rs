//! tagwall turns the weekly *Azure IP Ranges and Service Tags* file into firewall and route rules that say exactly
//! what was asked, fit Azure's limits and are proven.
//!
//! The data path is one line, and [`pipeline`] is that line:
//!
//! ```text
//! source -> snapshot -> expand -> set algebra -> minimise
//!        -> lower to target -> pack into limits -> emit -> verify
//! ```
//!
//! | module | what it knows |
//! |---|---|
//! | [`addr`] | addresses, prefixes, exact sets; nothing of Azure |
//! | [`tags`] | the published file: clouds, regions, tags |
//! | [`catalog`] | what workloads need, as data with sources |
//! | [`policy`] | what a user asks for, and what it means |
//! | [`plan`] | what each target gets, and Azure's limits |
//! | [`lower`] | policy into plan, by each target's own rules |
//! | [`emit`] | plan into bytes |
//! | [`verify`] | bytes back into meaning, held against the policy |
//! | [`report`] | what people and programs are told about it, and what changes from one time to the next |
//!
//! Nothing in the library but the `cli` feature reads a file, a clock or the environment, or prints.

pub mod addr;
pub mod catalog;
#[cfg(feature = "cli")]
pub mod cli;
pub mod emit;
mod error;
pub mod lower;
pub mod packet;
pub mod pipeline;
pub mod plan;
pub mod policy;
pub mod report;
#[cfg(feature = "cli")]
pub mod store;
pub mod tags;
pub mod target;
pub mod text;
pub mod verify;

pub use error::Error;
