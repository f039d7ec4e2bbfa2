//! Flags as typed, nothing resolved.

mod adopt;
mod batch;
mod history;
mod lint;
mod reading;
#[cfg(feature = "fetch")]
mod refresh;
mod replay;
#[cfg(feature = "serve")]
pub(super) mod serve;
mod sets;
mod shared;
pub(super) mod site;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::catalog::Date;

pub(super) use adopt::Adopt;
pub(super) use batch::{Batch, BatchAction, Engine, Merge, Plan};
pub(super) use history::{ExportFormat, History, HistoryFormat};
pub(super) use lint::{FailOn, Lint, LintFormat};
pub(super) use reading::{Check, CheckFormat, Compare, Explain};
#[cfg(feature = "serve")]
pub(super) use refresh::RefreshFromEnvironment;
#[cfg(feature = "fetch")]
pub(super) use refresh::{Fetch, HookArgs, Refresh, SourceArgs, SourceFromEnvironment};
pub(super) use replay::Replay;
pub(super) use sets::{CurveFormat, Minimize, Routes, RoutesMinimize, Set, SetOperation};
pub(super) use shared::{AsOf, Data, OutputFormat, Place, Printing};

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
                  · 5 new data refused as suspicious, last good kept · \
                  6 rules changed (only with --detailed-exitcode)"
)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Init(Init),
    Generate(Generate),
    Batch(Box<Batch>),
    Diff(Diff),
    Expand(Expand),
    Lookup(Lookup),
    #[cfg(feature = "fetch")]
    Fetch(Box<Fetch>),
    #[cfg(feature = "fetch")]
    Refresh(Box<Refresh>),
    Rollback(Box<Rollback>),
    #[cfg(feature = "serve")]
    Serve(Box<serve::Serve>),
    Site(site::SiteArgs),
    Snapshots(Snapshots),
    History(Box<History>),
    Lint(Box<Lint>),
    Replay(Box<Replay>),
    Adopt(Box<Adopt>),
    Tags(Tags),
    Workloads(Workloads),
    /// Work on catalogue files of your own.
    #[command(subcommand)]
    Catalog(CatalogCommand),
    Minimize(Minimize),
    Set(Set),
    #[command(subcommand)]
    Routes(Routes),
    Verify(Verify),
    Check(Box<Check>),
    Compare(Box<Compare>),
    Explain(Box<Explain>),
    Schema(Schema),
    Completions(Completions),
    Man(Man),
}

/// Publish an earlier generation again.
///
/// What is rolled back is not published again by `refresh` until data or policies change. Says in DIR/rollback.md and
/// rollback.json which rules that changes, and tells the hooks.
///
/// Example: tagwall rollback --out /srv/tagwall
#[derive(Debug, Args)]
pub(super) struct Rollback {
    /// The published folder.
    #[arg(long, value_name = "DIR")]
    pub(super) out: PathBuf,
    /// Number of the generation; without it that before the present one.
    #[arg(long, value_name = "N")]
    pub(super) to: Option<u64>,
    #[cfg(feature = "fetch")]
    #[command(flatten)]
    pub(super) hooks: HookArgs,
    #[command(flatten)]
    pub(super) printing: Printing,
}

/// Say what changed between two snapshots.
///
/// Each is named as for --snapshot: a date, change number or digest of the store, `latest`, `sample` or a file.
///
/// Example: tagwall diff 2026-06-15 2026-06-22 --policy ml-prod.toml
#[derive(Debug, Args)]
pub(super) struct Diff {
    /// The snapshot before.
    pub(super) old: String,
    /// The snapshot after.
    #[arg(default_value = "latest")]
    pub(super) new: String,
    /// Only what touches the rules of this policy, and which rules; repeatable.
    #[arg(long, value_name = "POLICY")]
    pub(super) policy: Vec<PathBuf>,
    /// Cloud of what is taken from the store: public, usgov or china. A policy names its own.
    #[arg(long, value_name = "CLOUD")]
    pub(super) cloud: Option<String>,
    /// How it is printed.
    #[arg(long, value_enum, default_value_t = DiffFormat::Text, value_name = "FORMAT")]
    pub(super) format: DiffFormat,
    #[command(flatten)]
    pub(super) facts: AsOf,
    #[command(flatten)]
    pub(super) place: Place,
}

/// How a difference is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum DiffFormat {
    /// For people.
    Text,
    /// For programs; stable.
    Json,
    /// For tickets and pull requests.
    Markdown,
}

/// List the snapshots of the store, or add and remove some.
///
/// Example: tagwall snapshots --cloud public
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Snapshots {
    #[command(subcommand)]
    pub(super) action: Option<SnapshotsAction>,
    /// Only those of this cloud.
    #[arg(long, value_name = "CLOUD")]
    pub(super) cloud: Option<String>,
    #[command(flatten)]
    pub(super) place: Place,
    #[command(flatten)]
    pub(super) printing: Printing,
}

#[derive(Debug, Subcommand)]
pub(super) enum SnapshotsAction {
    Add(SnapshotsAdd),
    Prune(SnapshotsPrune),
}

/// Put downloaded files into the store.
///
/// What `latest` means only changes if a file is not older than it.
///
/// Example: tagwall snapshots add ServiceTags_Public_*.json
#[derive(Debug, Args)]
pub(super) struct SnapshotsAdd {
    /// Service-tags files, plain or packed with gzip, zstd or xz.
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) place: Place,
    #[command(flatten)]
    pub(super) printing: Printing,
}

/// Remove old snapshots. What `latest` means always stays.
///
/// Example: tagwall snapshots prune --keep 26 --older-than 400
#[derive(Debug, Args)]
pub(super) struct SnapshotsPrune {
    /// Keep at most so many of each cloud.
    #[arg(long, value_name = "N")]
    pub(super) keep: Option<usize>,
    /// Remove those that no source has had for so many days.
    #[arg(long, value_name = "DAYS")]
    pub(super) older_than: Option<u32>,
    #[command(flatten)]
    pub(super) place: Place,
    #[command(flatten)]
    pub(super) printing: Printing,
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
    pub(super) facts: AsOf,
    #[command(flatten)]
    pub(super) data: Data,
    #[command(flatten)]
    pub(super) printing: Printing,
}

/// Prove again what lies in a folder that `generate` or `refresh` wrote.
///
/// Every file is held against the manifest and record, read back, and proven against the copy of the policy beside it
/// and the data that it was made from. Exit code 4 if anything differs, with a packet where rules do. DIR may be a link,
/// the folder of one environment, or one with several.
///
/// Example: tagwall verify /srv/tagwall/current --public-key tagwall.pub
#[derive(Debug, Args)]
pub(super) struct Verify {
    /// The folder.
    #[arg(value_name = "DIR")]
    pub(super) dir: PathBuf,
    /// The policy, instead of the copy in the folder; repeatable, one for each environment.
    #[arg(long, value_name = "FILE")]
    pub(super) policy: Vec<PathBuf>,
    /// The service tags, named as for `generate`, instead of those in the store with the digest in the manifest.
    #[arg(long, value_name = "WHICH")]
    pub(super) snapshot: Option<String>,
    /// Public key of minisign, a file or its text: the signature has to be there and good.
    #[arg(long, value_name = "FILE|KEY")]
    pub(super) public_key: Option<String>,
    #[command(flatten)]
    pub(super) place: Place,
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
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  tagwall tags --region westeurope --target firewall
  tagwall tags --cover blocks.txt --tight --target nsg")]
pub(super) struct Tags {
    /// Only tags whose name contains this, in any case.
    pub(super) pattern: Option<String>,
    /// Only tags of this region.
    #[arg(long, value_name = "REGION")]
    pub(super) region: Option<String>,
    /// List the FQDN tags of Azure Firewall instead, with the hosts behind them in a cloud and region.
    #[arg(long, conflicts_with_all = ["global", "target", "cover"])]
    pub(super) fqdn: bool,
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
/// With `--changes`: what begins or ends on a day, and what changed in the catalogue from version to version; of one
/// workload, where it is named.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  tagwall workloads aml-compute --region westeurope
  tagwall workloads aml-compute --snapshot latest
  tagwall workloads --changes --since 2026-01-01")]
pub(super) struct Workloads {
    /// The workload to show.
    pub(super) name: Option<String>,
    /// Say what begins, ends or changed, instead.
    #[arg(long)]
    pub(super) changes: bool,
    /// Only from this day on.
    #[arg(long, value_name = "DATE", requires = "changes")]
    pub(super) since: Option<Date>,
    /// Also the workloads of this catalogue file, repeatable.
    #[arg(long, value_name = "FILE")]
    pub(super) catalog: Vec<PathBuf>,
    /// Take the facts as of this day (2026-03-31) instead of that of the newest version.
    #[arg(long, value_name = "DATE")]
    pub(super) as_of: Option<Date>,
    /// Resolve its rows for this region.
    #[arg(long, value_name = "REGION", requires = "name")]
    pub(super) region: Option<String>,
    /// Resolve its rows for this cloud; `public`, or that of --snapshot, if not given.
    #[arg(long, value_name = "CLOUD")]
    pub(super) cloud: Option<String>,
    /// Also say how many prefixes the tags of its rows have in these service tags, named as for `generate`.
    #[arg(long, value_name = "WHICH", requires = "name")]
    pub(super) snapshot: Option<String>,
    #[command(flatten)]
    pub(super) place: Place,
    #[command(flatten)]
    pub(super) printing: Printing,
}

/// Print the JSON Schema of the policy file, for editors and checks.
#[derive(Debug, Args)]
pub(super) struct Schema {
    /// That of catalogue files instead.
    #[arg(long)]
    pub(super) catalog: bool,
    /// That of fleet files instead.
    #[arg(long, conflicts_with = "catalog")]
    pub(super) fleet: bool,
}

/// Catalogue files of your own.
#[derive(Debug, Subcommand)]
pub(super) enum CatalogCommand {
    Check(CatalogCheck),
}

/// Check catalogue files: everything that is wrong with its line, else the workloads and rows that they add or change.
///
/// The files are read together, upon the built-in ones, and what they change is resolved in every region.
///
/// Example: tagwall catalog check labs.toml
#[derive(Debug, Args)]
pub(super) struct CatalogCheck {
    /// The files, in the order in which a policy names them.
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) printing: Printing,
}

/// Print a manual page, or write those of all commands.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  tagwall man | man -l -
  tagwall man --out /usr/local/share/man/man1")]
pub(super) struct Man {
    /// The command; without it the page that lists all.
    #[arg(value_name = "COMMAND", conflicts_with = "out")]
    pub(super) command: Vec<String>,
    /// Folder that gets a file for each command.
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
}

/// Print a completion script for a shell.
///
/// Example: tagwall completions bash > /etc/bash_completion.d/tagwall
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell.
    pub(super) shell: clap_complete::Shell,
}
