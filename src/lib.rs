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
//! | [`read`] | bytes of any format back into resources |
//! | [`rules`] | rule lists compared over the whole header space |
//! | [`replay`] | what resources do: for one packet, and where two of them differ |
//! | [`analyse`] | rules held against rules |
//! | [`verify`] | what those resources do, held against the policy |
//! | [`report`] | what people and programs are told about it, and what changes from one time to the next |
//!
//! ```
//! use tagwall::{catalog::Catalog, pipeline, policy::PolicySource, tags::{Cloud, Snapshot, sample}};
//!
//! let policy = r#"
//!     schema = 1
//!     name = "lab"
//!     region = "westeurope"
//!     network.address-space = ["10.20.0.0/16"]
//!     subnets.training.prefixes = ["10.20.1.0/24"]
//!     [[allow]]
//!     to = "Storage.WestEurope"
//!     protocol = "tcp"
//!     ports = 443
//! "#;
//! let snapshot = Snapshot::parse(&sample::sample_json(Cloud::Public).expect("there is a sample of this cloud"))?;
//! let made = pipeline::generate(&PolicySource::read("lab.toml", policy)?, Catalog::builtin(), &snapshot, None)?;
//! assert!(made.proof.is_success());
//! # Ok::<(), tagwall::Error>(())
//! ```
//!
//! With the feature `store` there are also `store`, `environment`, `site` and `feed`; with `serve` the HTTP server around
//! `feed`; with `sample` the built-in tags, which the command has too.
//! [`library`] has more programs. Nothing in the library but `store`, `site` and the command reads a file, a clock or the environment, or prints.

pub mod addr;
pub mod analyse;
pub mod catalog;
#[cfg(feature = "cli")]
pub mod cli;
pub mod emit;
#[cfg(feature = "store")]
pub mod environment;
mod error;
#[cfg(feature = "store")]
pub mod feed;
pub mod limits;
pub mod lower;
pub mod packet;
pub mod pipeline;
pub mod plan;
pub mod policy;
pub mod read;
pub mod redact;
pub mod replay;
pub mod report;
pub mod rules;
#[cfg(feature = "serve")]
pub mod serve;
#[cfg(feature = "store")]
pub mod site;
#[cfg(feature = "store")]
pub mod store;
pub mod subnet;
pub mod tags;
pub mod target;
pub mod text;
pub mod verify;

pub use error::Error;

#[doc = include_str!("../docs/library.md")]
pub mod library {}
