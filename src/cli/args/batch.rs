//! Flags of `tagwall batch`, nothing resolved.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::shared::{AsOf, Data, Place, Printing};

/// Make thousands of environments in one run: from fleet files, policies, folders of policies, or a table upon a template.
///
/// Works on all cores with flat memory, and puts environments in their places in groups. What is there already from the
/// same policy and data is left, so that a run that was killed goes on where it ended. An environment that fails keeps
/// no other from being made; the exit code is that of the worst. Writes DIR/index.json, and DIR/summary.md for
/// whoever reviews it.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  tagwall batch fleet.toml --list
  tagwall batch fleet.toml --out out
  tagwall batch spokes.csv --template spoke.toml --out az://rules/prod")]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(in crate::cli) struct Batch {
    #[command(subcommand)]
    pub(in crate::cli) action: Option<BatchAction>,
    /// Fleet files, policies, folders with policies; with --template, tables (CSV, JSON, TOML).
    #[arg(required = true, value_name = "FLEET")]
    pub(in crate::cli) inputs: Vec<PathBuf>,
    /// Policy that every row of the tables stands upon.
    #[arg(long, value_name = "POLICY")]
    pub(in crate::cli) template: Option<PathBuf>,
    /// Folder that gets one folder for each environment; or a place in an object store: az://CONTAINER/PREFIX,
    /// https://ACCOUNT.blob.core.windows.net/…, file:///FOLDER.
    #[arg(long, value_name = "DIR|URL", default_value = "out")]
    pub(in crate::cli) out: String,
    /// Say which environments there are, and check their policies; make nothing.
    #[arg(long)]
    pub(in crate::cli) list: bool,
    /// Make one part only: I/N, or `auto` for what the engine says that started this process.
    #[arg(long, value_name = "I/N|auto")]
    pub(in crate::cli) shard: Option<String>,
    /// How many parts there are, where the engine does not say it.
    #[arg(long, value_name = "N", env = "TAGWALL_SHARDS", requires = "shard")]
    pub(in crate::cli) shards: Option<u32>,
    /// How many environments are worked on at the same time; as many as there are cores if not given.
    #[arg(long, short = 'j', value_name = "N")]
    pub(in crate::cli) jobs: Option<usize>,
    /// Stop at the first group with an environment that fails.
    #[arg(long)]
    pub(in crate::cli) fail_fast: bool,
    /// Make also what is there already.
    #[arg(long)]
    pub(in crate::cli) force: bool,
    /// Say nothing of environments that succeed.
    #[arg(long, short = 'q')]
    pub(in crate::cli) quiet: bool,
    #[command(flatten)]
    pub(in crate::cli) facts: AsOf,
    #[command(flatten)]
    pub(in crate::cli) data: Data,
    #[command(flatten)]
    pub(in crate::cli) printing: Printing,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum BatchAction {
    Merge(Merge),
    Plan(Plan),
}

/// Put the results of all shards together: the same bytes as of one run over the whole fleet.
///
/// Each DIR holds shard-I-of-N.json and the environments of one or more shards. Missing shards, shards that are there
/// twice, and shards of different files, data or programs are refused.
///
/// Example: tagwall batch merge shards/* --out out
#[derive(Debug, Args)]
pub(in crate::cli) struct Merge {
    /// Folders that shards wrote to.
    #[arg(required = true, value_name = "DIR")]
    pub(in crate::cli) dirs: Vec<PathBuf>,
    /// Folder of the whole; may be that which all shards wrote to.
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub(in crate::cli) out: PathBuf,
    #[command(flatten)]
    pub(in crate::cli) printing: Printing,
}

/// Print the file by which an engine runs the shards of a fleet.
///
/// The service tags are resolved to a digest now, so that all shards take the same.
///
/// Example: tagwall batch plan fleet.toml --engine slurm --shards 16 > fleet.sbatch
#[derive(Debug, Args)]
pub(in crate::cli) struct Plan {
    /// What `tagwall batch` is given, as the shards find it.
    #[arg(required = true, value_name = "FLEET")]
    pub(in crate::cli) inputs: Vec<String>,
    /// Policy that every row of the tables stands upon.
    #[arg(long, value_name = "POLICY")]
    pub(in crate::cli) template: Option<String>,
    /// The engine.
    #[arg(long, value_enum, value_name = "ENGINE")]
    pub(in crate::cli) engine: Engine,
    /// How many shards there are.
    #[arg(long, value_name = "N")]
    pub(in crate::cli) shards: u32,
    /// Folder that the shards share and write to; for github and azure-pipelines, that each job writes to.
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub(in crate::cli) out: String,
    /// Name of the job.
    #[arg(long, value_name = "NAME", default_value = "tagwall-fleet")]
    pub(in crate::cli) name: String,
    /// Container image with tagwall; kubernetes.
    #[arg(long, value_name = "IMAGE", default_value = "tagwall:latest")]
    pub(in crate::cli) image: String,
    /// Claim of the volume with the fleet, the store and DIR, which is mounted at /fleet; kubernetes.
    #[arg(long, value_name = "CLAIM", default_value = "tagwall-fleet")]
    pub(in crate::cli) claim: String,
    /// Service tags, as of `tagwall batch`.
    #[arg(long, value_name = "WHICH", env = "TAGWALL_SNAPSHOT", default_value = "latest")]
    pub(in crate::cli) snapshot: String,
    /// Cloud of what is taken from the store or built in: public, usgov or china.
    #[arg(long, value_name = "CLOUD")]
    pub(in crate::cli) cloud: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) place: Place,
}

/// What runs the shards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Engine {
    /// An Indexed Job.
    Kubernetes,
    /// An array job.
    Slurm,
    /// A matrix of GitHub Actions.
    Github,
    /// A matrix of Azure Pipelines.
    AzurePipelines,
}
