//! Flags of the commands on sets of addresses and on route tables: minimize, set, routes.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{Place, Printing};

/// Print the fewest prefixes that hold exactly the addresses of lists, or the best cover within a budget.
///
/// A list has a prefix, range or address a line; remarks, masks, tables with the address first, JSON, UTF-16 and packed
/// files are understood, and what may mean two things is refused (docs/lists.md). `-` is standard input.
/// Without a budget nothing is added. With one, the result is the optimum: no cover of so many prefixes adds less.
///
/// Example: tagwall minimize blocks.txt --max-prefixes 100 --never ours.txt
#[derive(Debug, Args)]
pub(in crate::cli) struct Minimize {
    /// Lists; standard input if none is named.
    #[arg(value_name = "FILE")]
    pub(in crate::cli) files: Vec<PathBuf>,
    /// Clear host bits (10.0.0.1/24 becomes 10.0.0.0/24) instead of refusing them, and say where.
    #[arg(long)]
    pub(in crate::cli) relaxed: bool,
    /// At most so many prefixes, both families together, adding as few addresses as possible.
    #[arg(long, value_name = "K")]
    pub(in crate::cli) max_prefixes: Option<usize>,
    /// At most so many extra addresses (their price with --price), in as few prefixes as possible.
    #[arg(long, value_name = "N")]
    pub(in crate::cli) max_extra: Option<crate::addr::Count>,
    /// List of addresses that may not be added at any price.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) never: Option<PathBuf>,
    /// What an extra address costs: lines `PREFIX,PRICE` or `FIRST-LAST,PRICE`, and `default,PRICE` for all others (1 if not given).
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) price: Option<PathBuf>,
    /// Print the whole trade-off between number of prefixes and extra addresses instead.
    #[arg(long)]
    pub(in crate::cli) curve: bool,
    /// Service tags by which added addresses are classed: `sample` or a file.
    #[arg(long, value_name = "WHICH")]
    pub(in crate::cli) snapshot: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) place: Place,
    /// How results are printed; csv and svg are for --curve.
    #[arg(long, value_enum, default_value_t = CurveFormat::Text, value_name = "FORMAT")]
    pub(in crate::cli) format: CurveFormat,
}

/// How a cover or a curve is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum CurveFormat {
    /// For people.
    Text,
    /// For programs; stable.
    Json,
    /// One point a line.
    Csv,
    /// A plot.
    Svg,
}

/// Combine lists of addresses as sets, and print the fewest prefixes of the result.
///
/// Lists are written as for `minimize`. With more than two, each next list is combined with the result so far.
///
/// Example: tagwall set except all.txt ours.txt
#[derive(Debug, Args)]
pub(in crate::cli) struct Set {
    /// What to do.
    #[arg(value_enum, value_name = "OPERATION")]
    pub(in crate::cli) operation: SetOperation,
    /// Lists, at least two; `-` is standard input.
    #[arg(required = true, num_args = 2.., value_name = "FILE")]
    pub(in crate::cli) files: Vec<PathBuf>,
    /// Clear host bits (10.0.0.1/24 becomes 10.0.0.0/24) instead of refusing them, and say where.
    #[arg(long)]
    pub(in crate::cli) relaxed: bool,
    #[command(flatten)]
    pub(in crate::cli) printing: Printing,
}

/// An operation on two sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum SetOperation {
    /// Addresses in any list.
    Union,
    /// Addresses in all lists.
    Intersect,
    /// Addresses of the first list that are in no other.
    Except,
    /// Addresses in an odd number of lists; of two, in exactly one.
    Symdiff,
}

/// Work on route tables.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Routes {
    Minimize(RoutesMinimize),
}

/// Print the fewest routes with the same effect under longest-prefix match, or the best within a budget.
///
/// A table has `PREFIX,NEXT_HOP` a line, or a semicolon, tab or blank in place of the comma; remarks (`#`, `;`) and blank
/// lines are understood. `-` is standard input.
///
/// Example: tagwall routes minimize table.csv --max-routes 400
#[derive(Debug, Args)]
pub(in crate::cli) struct RoutesMinimize {
    /// The table.
    #[arg(value_name = "FILE", default_value = "-")]
    pub(in crate::cli) file: PathBuf,
    /// At most so many routes, misrouting as few addresses as possible.
    #[arg(long, value_name = "K")]
    pub(in crate::cli) max_routes: Option<usize>,
    /// Table of routes that must stay as they are.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) pinned: Option<PathBuf>,
    /// Table of routes that exist anyway and do not count; `azure` for those that every virtual network has: private
    /// and shared ranges to `None`, all else to `Internet`.
    #[arg(long, value_name = "FILE|azure")]
    pub(in crate::cli) system: Option<PathBuf>,
    /// List of prefixes that no route may equal or lie inside.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) protected: Option<PathBuf>,
    /// List of addresses that may go anywhere.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) free: Option<PathBuf>,
    /// What a misrouted address costs: lines `PREFIX,PRICE` or `FIRST-LAST,PRICE`, and `default,PRICE` for all others (1 if not given).
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) price: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) printing: Printing,
}
