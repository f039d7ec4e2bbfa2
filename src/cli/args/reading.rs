//! Flags of the commands that read what is there.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Data, Printing};

/// Say whether two sets of rules do the same, and name all that they do differently.
///
/// A and B are files, folders, generations, `-` (standard input), or `policy:FILE`, what `generate` would make now; in
/// any dialect: exports of `az`, PowerShell, the portal, the API and Resource Graph, templates with their parameter
/// files, Terraform's plans and states, and what tagwall writes. Groups, route tables and firewalls are compared over
/// every packet. Several files of one side are separated by commas.
///
/// Exits with 4 if they differ, or if whether they do hangs on something.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  tagwall compare before.json after.json
  tagwall compare policy:ml-prod.toml nsg.json,routes.json")]
pub(in crate::cli) struct Compare {
    /// The first: file, folder, generation, `policy:FILE` or `-`.
    #[arg(value_name = "A")]
    pub(in crate::cli) a: String,
    /// The second.
    #[arg(value_name = "B")]
    pub(in crate::cli) b: String,
    #[command(flatten)]
    pub(in crate::cli) data: Data,
    #[command(flatten)]
    pub(in crate::cli) printing: Printing,
}

/// Say what becomes of a packet along its way: who decides, by which rule, because of which tag, and what would have to
/// change so that it passes.
///
/// WHAT is a policy, a generation's folder, or live exports in any dialect (several with commas between). The way leads
/// through the group of the interface and of the subnet, the routes and the firewall, and for connections inside the
/// network through the groups on the other side. With a tag or prefix on the far side, all packets are explained at once,
/// in as few parts as there are fates; with a host, that of a connection to it wherever it is.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  tagwall explain ml-prod.toml --to Storage.WestEurope --port 443
  tagwall explain nsg.json,vnet.json,routes.json --from 10.20.1.4 --to 203.0.113.9 --port 1433
  tagwall explain nsg.json --inbound --from 198.51.100.7 --to 10.20.1.4 --port 22")]
pub(in crate::cli) struct Explain {
    /// Policy, folder, or files.
    #[arg(value_name = "WHAT")]
    pub(in crate::cli) what: String,
    /// Where to: an address, a prefix, a service tag, or a host; with --inbound the address or subnet inside.
    #[arg(long, value_name = "IP|TAG|HOST")]
    pub(in crate::cli) to: Option<String>,
    /// Where from: an address or a subnet; with --inbound the address, prefix or tag outside.
    #[arg(long, value_name = "IP|SUBNET")]
    pub(in crate::cli) from: Option<String>,
    /// Port of the destination; 443 for a single packet if none is given.
    #[arg(long, value_name = "N")]
    pub(in crate::cli) port: Option<String>,
    /// tcp, udp, icmp, esp or ah.
    #[arg(long, value_name = "P", default_value = "tcp")]
    pub(in crate::cli) protocol: String,
    /// The connection is opened from outside.
    #[arg(long)]
    pub(in crate::cli) inbound: bool,
    #[command(flatten)]
    pub(in crate::cli) data: Data,
    #[command(flatten)]
    pub(in crate::cli) printing: Printing,
}

/// How drift is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum CheckFormat {
    /// For people.
    Text,
    /// For programs; stable.
    Json,
    /// For pull requests and tickets.
    Markdown,
    /// For code scanning (SARIF 2.1.0).
    Sarif,
}

/// Say whether what is there still does what a policy asks for: what is missing, what is in excess, and whose it is.
///
/// Reads exports of the live resources in any dialect, as `compare` does, and holds them against what `generate` would
/// make now. For each need: whether it works, in part (which prefixes, since which stored week), or not. For each live
/// rule: needed, needed in part, not needed any more, or somebody else's; what it lets through too, by whose addresses
/// those are. Names generations of tagwall's own, and rules that were edited by hand.
///
/// Exits with 4 on drift. --plan writes the fewest operations that mend it, in an order in which every step is safe.
///
/// Example: az network nsg show -g rg -n ml-prod > nsg.json && tagwall check ml-prod.toml --live nsg.json --plan mend.sh
#[derive(Debug, Args)]
pub(in crate::cli) struct Check {
    /// The policy.
    #[arg(value_name = "POLICY")]
    pub(in crate::cli) policy: PathBuf,
    /// Exports of what is there: files, folders or `-`.
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    pub(in crate::cli) live: Vec<String>,
    /// Write a script for the Azure CLI that mends the drift; JSON then holds the operations too.
    #[arg(long, value_name = "FILE.sh")]
    pub(in crate::cli) plan: Option<PathBuf>,
    /// Say nothing where there is no drift.
    #[arg(long, short)]
    pub(in crate::cli) quiet: bool,
    /// How drift is told.
    #[arg(long, value_enum, default_value_t = CheckFormat::Text, value_name = "FORMAT")]
    pub(in crate::cli) format: CheckFormat,
    #[command(flatten)]
    pub(in crate::cli) data: Data,
}
