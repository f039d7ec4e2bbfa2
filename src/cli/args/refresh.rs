//! Flags of what gets new data and publishes what follows from it: fetch and refresh.

use std::path::PathBuf;

use clap::{Args, Parser};

use super::{AsOf, OutputFormat, Place, Printing};

/// Where new data comes from, and how it is got.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Source of the data")]
pub(in crate::cli) struct SourceArgs {
    /// `microsoft` (the download centre), `api` (the Service Tag Discovery API), an address ({cloud} in it stands for
    /// Public, AzureGovernment or China), a file, or a folder with files under their published names.
    #[arg(
        long,
        value_name = "WHERE",
        env = "TAGWALL_SOURCE",
        hide_env_values = true,
        default_value = "microsoft"
    )]
    pub(in crate::cli) source: String,
    /// Address that takes the place of https://www.microsoft.com.
    #[arg(long, value_name = "URL", env = "TAGWALL_PAGES_URL", hide_env_values = true)]
    pub(in crate::cli) pages_url: Option<String>,
    /// Address that takes the place of https://download.microsoft.com; without it that of the pages.
    #[arg(long, value_name = "URL", env = "TAGWALL_FILES_URL", hide_env_values = true)]
    pub(in crate::cli) files_url: Option<String>,
    /// Address that takes the place of https://management.azure.com.
    #[arg(long, value_name = "URL", env = "TAGWALL_API_URL", hide_env_values = true)]
    pub(in crate::cli) api_url: Option<String>,
    /// Subscription in whose name the API is asked.
    #[arg(long, value_name = "ID", env = "AZURE_SUBSCRIPTION_ID")]
    pub(in crate::cli) subscription: Option<String>,
    /// Regional copy of the list that the API gives.
    #[arg(long, value_name = "LOCATION")]
    pub(in crate::cli) location: Option<String>,
    /// File with a token for the API. Else TAGWALL_TOKEN, workload identity, a client secret or a managed identity.
    #[arg(long, value_name = "FILE", env = "TAGWALL_TOKEN_FILE")]
    pub(in crate::cli) token_file: Option<PathBuf>,
    /// PEM file with further certificate authorities, such as that of a proxy.
    #[arg(long, value_name = "FILE", env = "TAGWALL_CA_FILE")]
    pub(in crate::cli) ca_file: Option<PathBuf>,
    /// Host to which links and redirects may lead; `.example.net` is every host below example.net.
    #[arg(long, value_name = "HOST")]
    pub(in crate::cli) allow_host: Vec<String>,
    /// User-Agent of requests.
    #[arg(long, value_name = "TEXT", env = "TAGWALL_USER_AGENT")]
    pub(in crate::cli) user_agent: Option<String>,
    /// Seconds that one attempt may take.
    #[arg(long, value_name = "SECONDS", env = "TAGWALL_TIMEOUT", default_value_t = 300)]
    pub(in crate::cli) timeout: u64,
    /// Seconds that a server may be silent.
    #[arg(long, value_name = "SECONDS", env = "TAGWALL_IDLE_TIMEOUT", default_value_t = 30)]
    pub(in crate::cli) idle_timeout: u64,
    /// How often a request is tried again.
    #[arg(long, value_name = "N", env = "TAGWALL_RETRIES", default_value_t = 4)]
    pub(in crate::cli) retries: usize,
    /// Milliseconds before the first retry; later ones wait longer.
    #[arg(long, value_name = "MS", env = "TAGWALL_RETRY_PAUSE_MS", default_value_t = 1000, hide = true)]
    pub(in crate::cli) retry_pause_ms: u64,
    /// The most MiB that are read, after decompression.
    #[arg(long, value_name = "MIB", env = "TAGWALL_MAX_MIB", default_value_t = 64)]
    pub(in crate::cli) max_mib: usize,
}

/// The source of commands that have no flags for it: from the environment.
#[derive(Debug, Parser)]
pub(in crate::cli) struct SourceFromEnvironment {
    #[command(flatten)]
    pub(in crate::cli) source: SourceArgs,
}

/// Get the newest service tags into the store.
///
/// New data is held against the last good data before it is taken; what is refused lies aside in the store, and the
/// last good data stays (exit code 5).
///
/// Example: tagwall fetch --cloud all
#[derive(Debug, Args)]
pub(in crate::cli) struct Fetch {
    /// The cloud, repeatable: public (if none is named), usgov, china, germany or all.
    #[arg(long, value_name = "CLOUD")]
    pub(in crate::cli) cloud: Vec<String>,
    /// Take the data although this rule refuses it; the refusal names the rule.
    #[arg(long, value_name = "RULE")]
    pub(in crate::cli) accept: Vec<String>,
    #[command(flatten)]
    pub(in crate::cli) place: Place,
    #[command(flatten)]
    pub(in crate::cli) printing: Printing,
    #[command(flatten)]
    pub(in crate::cli) source: SourceArgs,
}

/// Get new data, prove what follows from it, and publish it; for jobs that nobody watches.
///
/// Fetches, holds new data against the old, makes and proves the rules of all policies, and publishes them with one
/// rename: DIR/current leads to the published generation, DIR/NAME to the files of an environment in it. Says in
/// DIR/changes.md and changes.json which rules change because of which tag. Whatever fails, what was published stays.
///
/// Example: tagwall refresh ml-prod.toml --out /srv/tagwall
#[derive(Debug, Args)]
pub(in crate::cli) struct Refresh {
    /// Policy files.
    #[arg(required = true, value_name = "POLICY")]
    pub(in crate::cli) policies: Vec<PathBuf>,
    /// Folder that is published to.
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) out: PathBuf,
    /// How the summary is printed.
    #[arg(long, value_enum, default_value_t = OutputFormat::Json, value_name = "FORMAT")]
    pub(in crate::cli) format: OutputFormat,
    /// Exit with 6 instead of 0 if a new generation changes rules.
    #[arg(long)]
    pub(in crate::cli) detailed_exitcode: bool,
    /// Take what the store has instead of looking for new data.
    #[arg(long)]
    pub(in crate::cli) no_fetch: bool,
    /// Publish also what is published already or was rolled back.
    #[arg(long)]
    pub(in crate::cli) force: bool,
    /// Exports of what is deployed: say what of it drifts from the policies once they are refreshed, and exit with 4 if
    /// anything does, as `tagwall check` would.
    #[arg(long, num_args = 1.., value_name = "FILE", conflicts_with = "watch")]
    pub(in crate::cli) check_live: Vec<String>,
    /// Take the data although this rule refuses it; the refusal names the rule.
    #[arg(long, value_name = "RULE")]
    pub(in crate::cli) accept: Vec<String>,
    /// Sign what is published with this secret key of minisign; its password is in TAGWALL_SIGN_PASSWORD.
    #[arg(long, value_name = "FILE", env = "TAGWALL_SIGN_KEY")]
    pub(in crate::cli) sign_key: Option<PathBuf>,
    /// Copy what is published there too, repeatable: az://CONTAINER/PREFIX, https://ACCOUNT.blob.core.windows.net/…,
    /// file:///FOLDER. Settings come from the environment, such as AZURE_STORAGE_ACCOUNT_NAME.
    #[arg(long, value_name = "URL")]
    pub(in crate::cli) publish: Vec<String>,
    /// How many generations are kept.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(in crate::cli) keep: usize,
    /// How many snapshots of each cloud are kept in the store.
    #[arg(long, value_name = "N", default_value_t = 60)]
    pub(in crate::cli) keep_snapshots: usize,
    #[command(flatten)]
    pub(in crate::cli) facts: AsOf,
    #[command(flatten)]
    pub(in crate::cli) schedule: ScheduleArgs,
    #[command(flatten)]
    pub(in crate::cli) hooks: HookArgs,
    #[command(flatten)]
    pub(in crate::cli) place: Place,
    #[command(flatten)]
    pub(in crate::cli) source: SourceArgs,
}

/// The settings of a refresh where only its policies, folder and times are named: from defaults and the environment.
#[cfg(feature = "serve")]
#[derive(Debug, Parser)]
pub(in crate::cli) struct RefreshFromEnvironment {
    #[command(flatten)]
    pub(in crate::cli) refresh: Refresh,
}

/// When a refresh is done again.
#[derive(Debug, Args)]
#[command(next_help_heading = "Schedule")]
pub(in crate::cli) struct ScheduleArgs {
    /// Keep going: refresh now, and then at the times of this cron expression (UTC), such as `17 5 * * *`.
    #[arg(long, value_name = "CRON")]
    pub(in crate::cli) watch: Option<String>,
    /// Up to so many seconds later each time, so that many machines do not ask at once.
    #[arg(long, value_name = "SECONDS", default_value_t = 300, requires = "watch")]
    pub(in crate::cli) jitter: u64,
}

/// Who is told that rules changed, by a new generation or a rollback.
#[derive(Debug, Args)]
#[command(next_help_heading = "When rules change")]
pub(in crate::cli) struct HookArgs {
    /// Command for the shell; gets the summary and all changes as JSON on its standard input.
    #[arg(long, value_name = "COMMAND")]
    pub(in crate::cli) on_change: Option<String>,
    /// Address that the same JSON is posted to; https, unless --webhook-plain-http is given.
    #[arg(long, value_name = "URL", env = "TAGWALL_WEBHOOK", hide_env_values = true)]
    pub(in crate::cli) webhook: Option<String>,
    /// Post to an address without TLS: what is sent can then be read and changed on the way.
    #[arg(long)]
    pub(in crate::cli) webhook_plain_http: bool,
    /// File with the secret that signs what is posted; else TAGWALL_WEBHOOK_SECRET.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) webhook_secret_file: Option<PathBuf>,
    /// Variable of the environment that the command gets, repeatable. It gets no others but PATH, HOME and the like, and
    /// TAGWALL_EVENT, TAGWALL_OUT and TAGWALL_GENERATION.
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) hook_env: Vec<String>,
    /// Seconds that the command may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    pub(in crate::cli) hook_timeout: u64,
}
