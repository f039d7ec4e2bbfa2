//! Flags as typed, nothing resolved.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Turns Azure's service tags into firewall and route rules that say exactly what was asked.
///
/// Start with `tagwall init`, edit the policy file it writes, then run `tagwall generate` on it.
#[derive(Debug, Parser)]
#[command(
    name = "tagwall",
    version,
    max_term_width = 100,
    after_help = "Exit codes: 0 done · 1 could not do it (network, disk) · 2 the input is wrong, nothing written · \
                  3 not possible within the limits or budget, nothing written · 4 a difference, drift or failed proof \
                  · 5 new data refused as suspicious, last good kept"
)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Init(Init),
    Generate(Generate),
    Expand(Expand),
    Lookup(Lookup),
    Tags(Tags),
    Workloads(Workloads),
    Minimize(Minimize),
    Set(Set),
    #[command(subcommand)]
    Routes(Routes),
    Schema(Schema),
    Completions(Completions),
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum OutputFormat {
    /// For people.
    Text,
    /// For programs; stable.
    Json,
}

/// Flags of every command that prints data.
#[derive(Debug, Args)]
pub(super) struct Printing {
    /// How results are printed.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text, value_name = "FORMAT")]
    pub(super) format: OutputFormat,
}

/// Which service tags are used.
#[derive(Debug, Args)]
pub(super) struct Data {
    /// Service tags: `sample` (built in), or a file, plain or packed with gzip, zstd or xz.
    #[arg(long, value_name = "WHICH", env = "TAGWALL_SNAPSHOT", default_value = "latest")]
    pub(super) snapshot: String,
    /// Cloud of the built-in sample: public, usgov or china. A policy names its own.
    #[arg(long, value_name = "CLOUD")]
    pub(super) cloud: Option<String>,
}

/// Write a commented policy file.
///
/// The file is a working policy for Azure ML compute with every setting explained. Nothing is overwritten.
///
/// Example: tagwall init ml-prod.toml --workload aml-compute
#[derive(Debug, Args)]
pub(super) struct Init {
    /// The file to write.
    #[arg(default_value = "policy.toml")]
    pub(super) file: PathBuf,
    /// The workload to begin with; `tagwall workloads` lists them.
    #[arg(long, default_value = "aml-compute")]
    pub(super) workload: String,
    /// Print it instead of writing a file.
    #[arg(long, conflicts_with = "file")]
    pub(super) stdout: bool,
}

/// Make all artefacts of an environment from its policy, and prove them.
///
/// Writes DIR/NAME for each policy: manifest.json, report.md, and per target a file in each format. Nothing is
/// written unless everything is proven, and a folder is replaced as a whole.
///
/// Example: tagwall generate ml-prod.toml --snapshot sample --out out
#[derive(Debug, Args)]
pub(super) struct Generate {
    /// Policy files.
    #[arg(required = true, value_name = "POLICY")]
    pub(super) policies: Vec<PathBuf>,
    /// Folder that gets one folder for each environment.
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub(super) out: PathBuf,
    #[command(flatten)]
    pub(super) data: Data,
    #[command(flatten)]
    pub(super) printing: Printing,
}

/// Print the prefixes of tags, merged into the fewest.
///
/// Example: tagwall expand Storage AzureKeyVault --region westeurope -4
#[derive(Debug, Args)]
pub(super) struct Expand {
    /// Tags, in any case, such as `Storage` or `Storage.WestEurope`.
    #[arg(required = true, value_name = "TAG")]
    pub(super) tags: Vec<String>,
    /// Take the regional tag of each, under any name of the region.
    #[arg(long, value_name = "REGION")]
    pub(super) region: Option<String>,
    /// IPv4 only.
    #[arg(short = '4', long, conflicts_with = "ipv6")]
    pub(super) ipv4: bool,
    /// IPv6 only.
    #[arg(short = '6', long)]
    pub(super) ipv6: bool,
    #[command(flatten)]
    pub(super) data: Data,
    #[command(flatten)]
    pub(super) printing: Printing,
}

/// Say which tags, regions and services hold an address or prefix.
///
/// Example: tagwall lookup 198.18.0.7 2001:db8::/64 --snapshot sample
#[derive(Debug, Args)]
pub(super) struct Lookup {
    /// Addresses or prefixes.
    #[arg(required = true, value_name = "IP|CIDR")]
    pub(super) addresses: Vec<String>,
    #[command(flatten)]
    pub(super) data: Data,
    #[command(flatten)]
    pub(super) printing: Printing,
}

/// List the tags of the snapshot, with their regions, sizes and where Azure takes them by name.
///
/// Example: tagwall tags --region westeurope --target firewall
#[derive(Debug, Args)]
pub(super) struct Tags {
    /// Only tags whose name contains this, in any case.
    pub(super) pattern: Option<String>,
    /// Only tags of this region.
    #[arg(long, value_name = "REGION")]
    pub(super) region: Option<String>,
    /// Only tags without a region.
    #[arg(long, conflicts_with = "region")]
    pub(super) global: bool,
    /// Only tags that this target takes by name.
    #[arg(long, value_enum, value_name = "TARGET")]
    pub(super) target: Option<TargetArg>,
    #[command(flatten)]
    pub(super) data: Data,
    #[command(flatten)]
    pub(super) printing: Printing,
}

/// A target, as a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum TargetArg {
    Nsg,
    RouteTable,
    Firewall,
}

/// List the workloads that tagwall knows, or show one with its rows, options and sources.
///
/// Example: tagwall workloads aml-compute --region westeurope
#[derive(Debug, Args)]
pub(super) struct Workloads {
    /// The workload to show.
    pub(super) name: Option<String>,
    /// Resolve its rows for this region.
    #[arg(long, value_name = "REGION", requires = "name")]
    pub(super) region: Option<String>,
    /// Resolve its rows for this cloud.
    #[arg(long, value_name = "CLOUD", default_value = "public")]
    pub(super) cloud: String,
    #[command(flatten)]
    pub(super) printing: Printing,
}

/// Print the fewest prefixes that hold exactly the addresses of lists, or the best cover within a budget.
///
/// A list has a prefix, range or address a line; comments and blank lines are understood. `-` is standard input.
/// Without a budget nothing is added. With one, the result is the optimum: no cover of so many prefixes adds less.
///
/// Example: tagwall minimize blocks.txt --max-prefixes 100 --never ours.txt
#[derive(Debug, Args)]
pub(super) struct Minimize {
    /// Lists; standard input if none is named.
    #[arg(value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// Clear host bits (10.0.0.1/24 becomes 10.0.0.0/24) instead of refusing them.
    #[arg(long)]
    pub(super) relaxed: bool,
    /// At most so many prefixes, both families together, adding as few addresses as possible.
    #[arg(long, value_name = "K")]
    pub(super) max_prefixes: Option<usize>,
    /// At most so many extra addresses (their price with --price), in as few prefixes as possible.
    #[arg(long, value_name = "N")]
    pub(super) max_extra: Option<crate::addr::Count>,
    /// List of addresses that may not be added at any price.
    #[arg(long, value_name = "FILE")]
    pub(super) never: Option<PathBuf>,
    /// What an extra address costs: lines `PREFIX,PRICE`, and `default,PRICE` for all others (1 if not given).
    #[arg(long, value_name = "FILE")]
    pub(super) price: Option<PathBuf>,
    /// Print the whole trade-off between number of prefixes and extra addresses instead.
    #[arg(long)]
    pub(super) curve: bool,
    /// Service tags by which added addresses are classed: `sample` or a file.
    #[arg(long, value_name = "WHICH")]
    pub(super) snapshot: Option<String>,
    /// How results are printed; csv and svg are for --curve.
    #[arg(long, value_enum, default_value_t = CurveFormat::Text, value_name = "FORMAT")]
    pub(super) format: CurveFormat,
}

/// How a cover or a curve is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum CurveFormat {
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
pub(super) struct Set {
    /// What to do.
    #[arg(value_enum, value_name = "OPERATION")]
    pub(super) operation: SetOperation,
    /// Lists, at least two; `-` is standard input.
    #[arg(required = true, num_args = 2.., value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// Clear host bits (10.0.0.1/24 becomes 10.0.0.0/24) instead of refusing them.
    #[arg(long)]
    pub(super) relaxed: bool,
    #[command(flatten)]
    pub(super) printing: Printing,
}

/// An operation on two sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum SetOperation {
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
pub(super) enum Routes {
    Minimize(RoutesMinimize),
}

/// Print the fewest routes with the same effect under longest-prefix match, or the best within a budget.
///
/// A table has `PREFIX,NEXT_HOP` a line; comments and blank lines are understood. `-` is standard input.
///
/// Example: tagwall routes minimize table.csv --max-routes 400
#[derive(Debug, Args)]
pub(super) struct RoutesMinimize {
    /// The table.
    #[arg(value_name = "FILE", default_value = "-")]
    pub(super) file: PathBuf,
    /// At most so many routes, misrouting as few addresses as possible.
    #[arg(long, value_name = "K")]
    pub(super) max_routes: Option<usize>,
    /// Table of routes that must stay as they are.
    #[arg(long, value_name = "FILE")]
    pub(super) pinned: Option<PathBuf>,
    /// Table of routes that exist anyway and do not count.
    #[arg(long, value_name = "FILE")]
    pub(super) system: Option<PathBuf>,
    /// List of prefixes that no route may equal or lie inside.
    #[arg(long, value_name = "FILE")]
    pub(super) protected: Option<PathBuf>,
    /// List of addresses that may go anywhere.
    #[arg(long, value_name = "FILE")]
    pub(super) free: Option<PathBuf>,
    /// What a misrouted address costs: lines `PREFIX,PRICE`, and `default,PRICE` for all others (1 if not given).
    #[arg(long, value_name = "FILE")]
    pub(super) price: Option<PathBuf>,
    #[command(flatten)]
    pub(super) printing: Printing,
}

/// Print the JSON Schema of the policy file, for editors and checks.
#[derive(Debug, Args)]
pub(super) struct Schema {}

/// Print a completion script for a shell.
///
/// Example: tagwall completions bash > /etc/bash_completion.d/tagwall
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell.
    pub(super) shell: clap_complete::Shell,
}
