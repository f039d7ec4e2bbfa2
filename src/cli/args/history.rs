//! Flags of `tagwall history`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::shared::Place;

/// Say what a tag gained and lost over the stored weeks, or which tags held a prefix when.
///
/// Reads the snapshots of the store through an index that is kept beside them (index.sqlite, made when it is first
/// needed); --export hands the whole index to other tools.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  tagwall history AzureMachineLearning
  tagwall history 203.0.113.0/24 --format json
  tagwall history --export sqlite --out tags.sqlite")]
pub(in crate::cli) struct History {
    /// A tag in any case, or an address or prefix.
    #[arg(value_name = "TAG|PREFIX", required_unless_present = "export")]
    pub(in crate::cli) what: Option<String>,
    /// Cloud whose stored weeks are meant: public (if none is named), usgov or china.
    #[arg(long, value_name = "CLOUD")]
    pub(in crate::cli) cloud: Option<String>,
    /// Write all tags, or the one that is named, with every prefix and the weeks in which it was held.
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(in crate::cli) export: Option<ExportFormat>,
    /// The file that --export writes; csv goes to standard output without it.
    #[arg(long, value_name = "FILE", requires = "export")]
    pub(in crate::cli) out: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) place: Place,
    /// How it is printed.
    #[arg(long, value_enum, default_value_t = HistoryFormat::Text, value_name = "FORMAT")]
    pub(in crate::cli) format: HistoryFormat,
}

/// How a history is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum HistoryFormat {
    /// For people.
    Text,
    /// For programs; stable.
    Json,
    /// A week or span a line.
    Csv,
    /// A plot of a tag's addresses.
    Svg,
}

/// What the history is written as for other tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ExportFormat {
    /// A copy of the index, with all its tables.
    Sqlite,
    /// A prefix and its weeks a line.
    Csv,
    /// The same in columns.
    #[cfg(feature = "export-parquet")]
    Parquet,
}
