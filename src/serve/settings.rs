//! [`Settings`]: how to serve.

use std::path::PathBuf;
use std::time::Duration;

use super::limits::Limits;
use super::log::LogForm;
use super::place::Listen;
use super::tls::TlsFiles;

/// How to serve.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where to listen.
    pub listen: Vec<Listen>,
    /// Certificate and key; without them only loopback and sockets of the file system are listened on.
    pub tls: Option<TlsFiles>,
    /// Listen without TLS everywhere.
    pub plain_http: bool,
    /// File that says who may ask for what; without it everybody may ask for everything.
    pub access: Option<PathBuf>,
    /// What is granted to clients.
    pub limits: Limits,
    /// How requests are written down.
    pub log: LogForm,
    /// How often to look for new data.
    pub poll: Duration,
    /// How long requests may take to end once a stop is asked for.
    pub drain: Duration,
    /// Publish the use of limits of every environment, however many there are.
    pub limit_metrics: bool,
    /// Resolve the hosts of a look-up where whoever looks asks for it.
    pub resolve_hosts: bool,
}

/// What is said to people while serving: warnings, where it listens, what it serves.
pub type Say = dyn Fn(&str) + Send + Sync;
