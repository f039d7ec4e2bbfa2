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
    Diff(Diff),
    Expand(Expand),
    Lookup(Lookup),
    #[cfg(feature = "fetch")]
    Fetch(Box<Fetch>),
    #[cfg(feature = "fetch")]
    Refresh(Box<Refresh>),
    Rollback(Rollback),
    Snapshots(Snapshots),
    Tags(Tags),
    Workloads(Workloads),
    Minimize(Minimize),
    Set(Set),
    #[command(subcommand)]
    Routes(Routes),
    Verify(Verify),
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
    /// Service tags: `latest` of the store, a date (2025-11-17), change number or content digest in it, `sample`
    /// (built in), or a file, plain or packed with gzip, zstd or xz.
    #[arg(long, value_name = "WHICH", env = "TAGWALL_SNAPSHOT", default_value = "latest")]
    pub(super) snapshot: String,
    /// Cloud of what is taken from the store or built in: public, usgov or china. A policy names its own.
    #[arg(long, value_name = "CLOUD")]
    pub(super) cloud: Option<String>,
    #[command(flatten)]
    pub(super) place: Place,
}

/// Where snapshots are kept.
#[derive(Debug, Clone, Args)]
pub(super) struct Place {
    /// Folder of the store; without it `tagwall/snapshots` in the user's data folder.
    #[arg(long, value_name = "DIR", env = "TAGWALL_STORE")]
    pub(super) store: Option<PathBuf>,
}

/// Where new data comes from, and how it is got.
#[cfg(feature = "fetch")]
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Source of the data")]
pub(super) struct SourceArgs {
    /// `microsoft` (the download centre), `api` (the Service Tag Discovery API), an address ({cloud} in it stands for
    /// Public, AzureGovernment or China), a file, or a folder with files under their published names.
    #[arg(long, value_name = "WHERE", env = "TAGWALL_SOURCE", default_value = "microsoft")]
    pub(super) source: String,
    /// Address that takes the place of https://www.microsoft.com.
    #[arg(long, value_name = "URL", env = "TAGWALL_PAGES_URL")]
    pub(super) pages_url: Option<String>,
    /// Address that takes the place of https://download.microsoft.com; without it that of the pages.
    #[arg(long, value_name = "URL", env = "TAGWALL_FILES_URL")]
    pub(super) files_url: Option<String>,
    /// Address that takes the place of https://management.azure.com.
    #[arg(long, value_name = "URL", env = "TAGWALL_API_URL")]
    pub(super) api_url: Option<String>,
    /// Subscription in whose name the API is asked.
    #[arg(long, value_name = "ID", env = "AZURE_SUBSCRIPTION_ID")]
    pub(super) subscription: Option<String>,
    /// Regional copy of the list that the API gives.
    #[arg(long, value_name = "LOCATION")]
    pub(super) location: Option<String>,
    /// File with a token for the API. Else TAGWALL_TOKEN, workload identity, a client secret or a managed identity.
    #[arg(long, value_name = "FILE", env = "TAGWALL_TOKEN_FILE")]
    pub(super) token_file: Option<PathBuf>,
    /// PEM file with further certificate authorities, such as that of a proxy.
    #[arg(long, value_name = "FILE", env = "TAGWALL_CA_FILE")]
    pub(super) ca_file: Option<PathBuf>,
    /// Host to which links and redirects may lead; `.example.net` is every host below example.net.
    #[arg(long, value_name = "HOST")]
    pub(super) allow_host: Vec<String>,
    /// User-Agent of requests.
    #[arg(long, value_name = "TEXT", env = "TAGWALL_USER_AGENT")]
    pub(super) user_agent: Option<String>,
    /// Seconds that one attempt may take.
    #[arg(long, value_name = "SECONDS", env = "TAGWALL_TIMEOUT", default_value_t = 300)]
    pub(super) timeout: u64,
    /// Seconds that a server may be silent.
    #[arg(long, value_name = "SECONDS", env = "TAGWALL_IDLE_TIMEOUT", default_value_t = 30)]
    pub(super) idle_timeout: u64,
    /// How often a request is tried again.
    #[arg(long, value_name = "N", env = "TAGWALL_RETRIES", default_value_t = 4)]
    pub(super) retries: usize,
    /// Milliseconds before the first retry; later ones wait longer.
    #[arg(long, value_name = "MS", env = "TAGWALL_RETRY_PAUSE_MS", default_value_t = 1000, hide = true)]
    pub(super) retry_pause_ms: u64,
    /// The most MiB that are read, after decompression.
    #[arg(long, value_name = "MIB", env = "TAGWALL_MAX_MIB", default_value_t = 64)]
    pub(super) max_mib: usize,
}

/// The source of commands that have no flags for it: from the environment.
#[cfg(feature = "fetch")]
#[derive(Debug, Parser)]
pub(super) struct SourceFromEnvironment {
    #[command(flatten)]
    pub(super) source: SourceArgs,
}

/// Get the newest service tags into the store.
///
/// New data is held against the last good data before it is taken; what is refused lies aside in the store, and the
/// last good data stays (exit code 5).
///
/// Example: tagwall fetch --cloud all
#[cfg(feature = "fetch")]
#[derive(Debug, Args)]
pub(super) struct Fetch {
    /// The cloud, repeatable: public (if none is named), usgov, china, germany or all.
    #[arg(long, value_name = "CLOUD")]
    pub(super) cloud: Vec<String>,
    /// Take the data although this rule refuses it; the refusal names the rule.
    #[arg(long, value_name = "RULE")]
    pub(super) accept: Vec<String>,
    #[command(flatten)]
    pub(super) place: Place,
    #[command(flatten)]
    pub(super) printing: Printing,
    #[command(flatten)]
    pub(super) source: SourceArgs,
}

/// Get new data, prove what follows from it, and publish it; for jobs that nobody watches.
///
/// Fetches, holds new data against the old, makes and proves the rules of all policies, and publishes them with one
/// rename: DIR/current leads to the published generation, DIR/NAME to the files of an environment in it. Says in
/// DIR/changes.md and changes.json which rules change because of which tag. Whatever fails, what was published stays.
///
/// Example: tagwall refresh ml-prod.toml --out /srv/tagwall
#[cfg(feature = "fetch")]
#[derive(Debug, Args)]
pub(super) struct Refresh {
    /// Policy files.
    #[arg(required = true, value_name = "POLICY")]
    pub(super) policies: Vec<PathBuf>,
    /// Folder that is published to.
    #[arg(long, value_name = "DIR")]
    pub(super) out: PathBuf,
    /// How the summary is printed.
    #[arg(long, value_enum, default_value_t = OutputFormat::Json, value_name = "FORMAT")]
    pub(super) format: OutputFormat,
    /// Exit with 6 instead of 0 if a new generation changes rules.
    #[arg(long)]
    pub(super) detailed_exitcode: bool,
    /// Take what the store has instead of looking for new data.
    #[arg(long)]
    pub(super) no_fetch: bool,
    /// Publish also what is published already or was rolled back.
    #[arg(long)]
    pub(super) force: bool,
    /// Take the data although this rule refuses it; the refusal names the rule.
    #[arg(long, value_name = "RULE")]
    pub(super) accept: Vec<String>,
    /// Sign what is published with this secret key of minisign; its password is in TAGWALL_SIGN_PASSWORD.
    #[arg(long, value_name = "FILE", env = "TAGWALL_SIGN_KEY")]
    pub(super) sign_key: Option<PathBuf>,
    /// Copy what is published there too, repeatable: az://CONTAINER/PREFIX, https://ACCOUNT.blob.core.windows.net/…,
    /// file:///FOLDER. Settings come from the environment, such as AZURE_STORAGE_ACCOUNT_NAME.
    #[arg(long, value_name = "URL")]
    pub(super) publish: Vec<String>,
    /// How many generations are kept.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(super) keep: usize,
    /// How many snapshots of each cloud are kept in the store.
    #[arg(long, value_name = "N", default_value_t = 60)]
    pub(super) keep_snapshots: usize,
    #[command(flatten)]
    pub(super) schedule: ScheduleArgs,
    #[command(flatten)]
    pub(super) hooks: HookArgs,
    #[command(flatten)]
    pub(super) place: Place,
    #[command(flatten)]
    pub(super) source: SourceArgs,
}

/// When a refresh is done again.
#[cfg(feature = "fetch")]
#[derive(Debug, Args)]
#[command(next_help_heading = "Schedule")]
pub(super) struct ScheduleArgs {
    /// Keep going: refresh now, and then at the times of this cron expression (UTC), such as `17 5 * * *`.
    #[arg(long, value_name = "CRON")]
    pub(super) watch: Option<String>,
    /// Up to so many seconds later each time, so that many machines do not ask at once.
    #[arg(long, value_name = "SECONDS", default_value_t = 300, requires = "watch")]
    pub(super) jitter: u64,
}

/// Who is told that rules changed.
#[cfg(feature = "fetch")]
#[derive(Debug, Args)]
#[command(next_help_heading = "When rules change")]
pub(super) struct HookArgs {
    /// Command for the shell; gets the summary and all changes as JSON on its standard input.
    #[arg(long, value_name = "COMMAND")]
    pub(super) on_change: Option<String>,
    /// Address that the same JSON is posted to.
    #[arg(long, value_name = "URL")]
    pub(super) webhook: Option<String>,
    /// File with the secret that signs what is posted; else TAGWALL_WEBHOOK_SECRET.
    #[arg(long, value_name = "FILE", requires = "webhook")]
    pub(super) webhook_secret_file: Option<PathBuf>,
    /// Seconds that the command may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    pub(super) hook_timeout: u64,
}

/// Publish an earlier generation again.
///
/// What is rolled back is not published again by `refresh` until data or policies change.
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
    /// What an extra address costs: lines `PREFIX,PRICE` or `FIRST-LAST,PRICE`, and `default,PRICE` for all others (1 if not given).
    #[arg(long, value_name = "FILE")]
    pub(super) price: Option<PathBuf>,
    /// Print the whole trade-off between number of prefixes and extra addresses instead.
    #[arg(long)]
    pub(super) curve: bool,
    /// Service tags by which added addresses are classed: `sample` or a file.
    #[arg(long, value_name = "WHICH")]
    pub(super) snapshot: Option<String>,
    #[command(flatten)]
    pub(super) place: Place,
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
/// A table has `PREFIX,NEXT_HOP` a line, or a blank in place of the comma; comments (`#`, `;`) and blank lines are
/// understood. `-` is standard input.
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
    /// Table of routes that exist anyway and do not count; `azure` for those that every virtual network has: private
    /// and shared ranges to `None`, all else to `Internet`.
    #[arg(long, value_name = "FILE|azure")]
    pub(super) system: Option<PathBuf>,
    /// List of prefixes that no route may equal or lie inside.
    #[arg(long, value_name = "FILE")]
    pub(super) protected: Option<PathBuf>,
    /// List of addresses that may go anywhere.
    #[arg(long, value_name = "FILE")]
    pub(super) free: Option<PathBuf>,
    /// What a misrouted address costs: lines `PREFIX,PRICE` or `FIRST-LAST,PRICE`, and `default,PRICE` for all others (1 if not given).
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
