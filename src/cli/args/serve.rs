//! Flags of `serve`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Place;
use crate::serve::Listen;

/// Hand out lists, published files, look-ups and changes over HTTP.
///
/// Firewalls fetch lists from /v1/feeds and /v1/edl, people and programs look at the rest; /v1/openapi.json says what there is.
/// The data is that of the store and, with --site, of the folder that `refresh` publishes to: once something new is there it is
/// served, whole. Whatever fails, what was served before still is. SIGHUP looks for new data, certificates and credentials at
/// once, SIGTERM lets running requests end.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  tagwall serve --site /srv/tagwall
  tagwall serve --listen 0.0.0.0:8443 --tls-certificate cert.pem --tls-key key.pem --access access.toml
  tagwall serve ml-prod.toml --site /srv/tagwall --watch '17 5 * * *'")]
pub(in crate::cli) struct Serve {
    /// Policy files that are refreshed with --watch, as by `refresh`; settings of the source come from the environment.
    #[arg(value_name = "POLICY", requires = "watch")]
    pub(in crate::cli) policies: Vec<PathBuf>,
    /// Refresh at the times of this cron expression (UTC), such as `17 5 * * *`, and once at the start.
    #[arg(long, value_name = "CRON", requires_all = ["policies", "site"])]
    pub(in crate::cli) watch: Option<String>,
    /// Up to so many seconds later each time.
    #[arg(long, value_name = "SECONDS", default_value_t = 300, requires = "watch")]
    pub(in crate::cli) jitter: u64,
    /// Folder that `refresh` publishes to.
    #[arg(long, value_name = "DIR", env = "TAGWALL_SITE")]
    pub(in crate::cli) site: Option<PathBuf>,
    /// Only this cloud, repeatable; without it every cloud that is in the store.
    #[arg(long, value_name = "CLOUD")]
    pub(in crate::cli) cloud: Vec<String>,
    /// How many stored snapshots of a cloud are told of.
    #[arg(long, value_name = "N", default_value_t = 60)]
    pub(in crate::cli) weeks: usize,
    /// How often to look for new data, credentials and certificates.
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    pub(in crate::cli) poll: u64,
    /// How requests are written to standard output.
    #[arg(long, value_enum, value_name = "FORM", default_value_t = AccessLogForm::Text)]
    pub(in crate::cli) access_log: AccessLogForm,
    /// Publish the use of limits in /metrics also for more than 100 environments.
    #[arg(long)]
    pub(in crate::cli) limit_metrics: bool,
    /// Offer to resolve the hosts of a look-up, by the names of this machine.
    #[arg(long)]
    pub(in crate::cli) resolve_hosts: bool,
    #[command(flatten)]
    pub(in crate::cli) network: NetworkArgs,
    #[command(flatten)]
    pub(in crate::cli) clients: ClientArgs,
    #[command(flatten)]
    pub(in crate::cli) place: Place,
}

/// Where to listen, and who may come.
#[derive(Debug, Args)]
#[command(next_help_heading = "Network")]
pub(in crate::cli) struct NetworkArgs {
    /// Address and port, `unix:PATH`, or `systemd` for the sockets that systemd opened; repeatable.
    #[arg(long, value_name = "WHERE", default_value = "127.0.0.1:8080")]
    pub(in crate::cli) listen: Vec<Listen>,
    /// Certificate of the server in PEM, with those between it and its authority behind it.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(in crate::cli) tls_certificate: Option<PathBuf>,
    /// Key of the certificate in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub(in crate::cli) tls_key: Option<PathBuf>,
    /// Authorities in PEM for certificates of clients. Without --access every client has to have one; with it, one that is named
    /// there stands for a user.
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub(in crate::cli) client_ca: Option<PathBuf>,
    /// Listen without TLS also where others can read and change what is sent.
    #[arg(long, conflicts_with = "tls_certificate")]
    pub(in crate::cli) plain_http: bool,
    /// File that says who may ask for what: users with their passwords, tokens, certificates and paths (docs/serve.md).
    #[arg(long, value_name = "FILE", env = "TAGWALL_ACCESS")]
    pub(in crate::cli) access: Option<PathBuf>,
}

/// What is granted to clients.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(in crate::cli) struct ClientArgs {
    /// Connections at a time.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub(in crate::cli) max_connections: usize,
    /// Connections at a time of one client; an IPv6 client is a /64.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(in crate::cli) max_client_connections: usize,
    /// Requests a second of one client, twice as many at once; 0 for any number.
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub(in crate::cli) rate: u32,
    /// Seconds that the head of a request may take, and a connection may be idle.
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    pub(in crate::cli) head_timeout: u64,
    /// Seconds in which a client has to take some of an answer.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub(in crate::cli) stall_timeout: u64,
    /// Seconds that running requests may take once a stop is asked for.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub(in crate::cli) drain: u64,
}

/// How requests are written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum AccessLogForm {
    /// Not at all.
    Off,
    /// A line for people.
    Text,
    /// An object on a line.
    Json,
}
