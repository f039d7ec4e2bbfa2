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

/// List the tags of the snapshot, with their regions, sizes and where Azure takes them by name; or find tags for a
/// list of addresses.
///
/// With `--cover` the tags are printed that together hold the addresses of a list: exactly those addresses, in the
/// fewest tags, unless `--tight` or `--fewest` allows extra ones. The other flags limit which tags may be used.
///
/// Examples: tagwall tags --region westeurope --target firewall
///           tagwall tags --cover blocks.txt --tight --target nsg
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
    /// Find tags for the addresses of this list, a prefix, range or address a line; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    pub(super) cover: Option<PathBuf>,
    /// Allow extra addresses: as few as can be, then the fewest tags.
    #[arg(long, requires = "cover", conflicts_with = "fewest")]
    pub(super) tight: bool,
    /// Allow extra addresses: the fewest tags, then the least extra.
    #[arg(long, requires = "cover")]
    pub(super) fewest: bool,
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

/// Print the fewest prefixes that hold exactly the addresses of lists.
///
/// A list has a prefix, range or address a line; comments and blank lines are understood. `-` is standard input.
///
/// Example: tagwall minimize blocks.txt
#[derive(Debug, Args)]
pub(super) struct Minimize {
    /// Lists; standard input if none is named.
    #[arg(value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// Clear host bits (10.0.0.1/24 becomes 10.0.0.0/24) instead of refusing them.
    #[arg(long)]
    pub(super) relaxed: bool,
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
