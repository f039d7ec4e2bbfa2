//! Flags of `tagwall lint`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Data;

/// Say what rules that exist are worth: dead, redundant, too wide, stale, contradicting each other.
///
/// Reads files, folders and generations in any dialect, all of them together, and looks at every packet. Lists are held
/// against the weeks in the store. What it finds has stable ids; --explain ID says what one means. Exits with 4 if
/// anything at or above --fail-on is found.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  tagwall lint nsg.json routes.json --format sarif > lint.sarif
  tagwall lint exports/ --ignore TW004 --baseline lint.json
  tagwall lint --explain TW020")]
pub(in crate::cli) struct Lint {
    /// Files, folders, generations, `policy:FILE`, or `-` for standard input.
    #[arg(value_name = "FILE", required_unless_present = "explain")]
    pub(in crate::cli) files: Vec<String>,
    /// Say what this id means, with an example, instead; `all` lists every id.
    #[arg(long, value_name = "ID", conflicts_with = "files")]
    pub(in crate::cli) explain: Option<String>,
    /// Give judgements too: tags through which data can leave, trust in tags that anyone can rent machines in.
    #[arg(long)]
    pub(in crate::cli) risks: bool,
    /// From which severity on the exit code is 4.
    #[arg(long, value_enum, value_name = "SEVERITY", default_value_t = FailOn::Warning)]
    pub(in crate::cli) fail_on: FailOn,
    /// Leave out findings with this id, or with this id in rules of this name; repeatable. `*` stands for any text.
    #[arg(long, value_name = "ID[:RULE]")]
    pub(in crate::cli) ignore: Vec<String>,
    /// Leave out the findings that this file has, as --write-baseline wrote it.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) baseline: Option<PathBuf>,
    /// Write all findings to this file, for --baseline of later runs.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) write_baseline: Option<PathBuf>,
    /// File with dismissals, each with a reason and the day until which it holds: `[[dismiss]]` with `id`, `reason`,
    /// `until`, and `rule`, `resource` where not all are meant.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) dismissals: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) data: Data,
    /// How it is printed.
    #[arg(long, value_enum, default_value_t = LintFormat::Text, value_name = "FORMAT")]
    pub(in crate::cli) format: LintFormat,
}

/// How findings are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum LintFormat {
    /// For people.
    Text,
    /// For programs; stable.
    Json,
    /// For code scanning (SARIF 2.1.0).
    Sarif,
    /// For tickets and pull requests.
    Markdown,
}

/// From which severity on findings end with exit code 4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum FailOn {
    /// Errors only.
    Error,
    /// Errors and warnings.
    Warning,
    /// Anything.
    Info,
    /// Nothing.
    Never,
}
