//! Flags of `tagwall adopt`.

use std::path::PathBuf;

use clap::Args;

use super::{Data, Printing};

/// Make a policy of rules that are there.
///
/// Reads a security group, route table and firewall in any dialect, drafts a policy, generates from it and compares: the
/// policy reproduces what is there exactly, or the exit code is 3 and what a policy cannot say is listed. Comments say
/// where each need came from, and which tag and weeks a pasted list is. Proposals come with their price.
///
/// Example: tagwall adopt nsg.json routes.json --region westeurope --out policy.toml
#[derive(Debug, Args)]
pub(in crate::cli) struct Adopt {
    /// Files, folders or generations that together are one environment; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    pub(in crate::cli) files: Vec<String>,
    /// The policy file to write; nothing is overwritten. Without it the policy is printed.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) out: Option<PathBuf>,
    /// Name of the environment; without it made of the name of the security group.
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) name: Option<String>,
    /// Azure location; without it that of the regional tags in the rules.
    #[arg(long, value_name = "REGION")]
    pub(in crate::cli) region: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) data: Data,
    #[command(flatten)]
    pub(in crate::cli) printing: Printing,
}
