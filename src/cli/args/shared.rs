//! Flags that commands have in common.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::catalog::Date;

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum OutputFormat {
    /// For people.
    Text,
    /// For programs; stable.
    Json,
}

/// Flags of every command that prints data.
#[derive(Debug, Args)]
pub(in crate::cli) struct Printing {
    /// How results are printed.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text, value_name = "FORMAT")]
    pub(in crate::cli) format: OutputFormat,
}

/// Which service tags are used.
#[derive(Debug, Args)]
pub(in crate::cli) struct Data {
    /// Service tags: `latest` of the store, a date (2025-11-17), change number or content digest in it, `sample`
    /// (built in), or a file, plain or packed with gzip, zstd or xz.
    #[arg(long, value_name = "WHICH", env = "TAGWALL_SNAPSHOT", default_value = "latest")]
    pub(in crate::cli) snapshot: String,
    /// Cloud of what is taken from the store or built in: public, usgov or china. A policy names its own.
    #[arg(long, value_name = "CLOUD")]
    pub(in crate::cli) cloud: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) place: Place,
}

/// Which day's facts of the catalogue are taken.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct AsOf {
    /// Take the facts of the catalogue as of this day (2026-03-31); without it, of the day of the service tags. A policy
    /// that pins `catalog.as-of` keeps its own.
    #[arg(long, value_name = "DATE")]
    pub(in crate::cli) as_of: Option<Date>,
}

/// Where snapshots are kept.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct Place {
    /// Folder of the store; without it `tagwall/snapshots` in the user's data folder.
    #[arg(long, value_name = "DIR", env = "TAGWALL_STORE")]
    pub(in crate::cli) store: Option<PathBuf>,
}
