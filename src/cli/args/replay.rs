//! Flags of `tagwall replay`.

use clap::Args;

use super::{Data, Printing};

/// Say what planned rules would do to flows that were recorded.
///
/// Reads flow logs of security groups (versions 1 and 2) and of virtual networks (version 4), plain or packed with gzip,
/// as a stream, and decides every flow by the groups of --against, and where these have route tables or a firewall, along the
/// whole way. Where the verdict hangs on what is not known, such as the host of a rule by name, it is counted as such. Tags mean what they were in the stored week nearest
/// to the log, unless --snapshot names another. Exits with 4 if a flow that was let through would be stopped.
///
/// Example: tagwall replay PT1H.json --against policy:ml-prod.toml
#[derive(Debug, Args)]
pub(in crate::cli) struct Replay {
    /// Flow logs; `-` is standard input.
    #[arg(required = true, value_name = "FLOWLOG")]
    pub(in crate::cli) logs: Vec<String>,
    /// The planned rules and routes: files, folders, generations or `policy:FILE`; repeatable.
    #[arg(long, required = true, value_name = "POLICY|FILE")]
    pub(in crate::cli) against: Vec<String>,
    #[command(flatten)]
    pub(in crate::cli) data: Data,
    #[command(flatten)]
    pub(in crate::cli) printing: Printing,
}
