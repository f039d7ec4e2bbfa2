//! [`NeedProblem`]: what is asked for and cannot be had.

use crate::packet::{Ports, Protocol};
use crate::policy::held_why::HeldWhy;
use crate::policy::name_error::NameError;
use crate::policy::rule::Remote;
use crate::subnet::Demand;
use crate::tags::{Cloud, Symbol};
use crate::text::{Joined, did_you_mean};

/// What is wrong with an entry that allows or denies something, or that names a workload.
#[derive(Debug, thiserror::Error)]
pub(in crate::policy) enum NeedProblem {
    #[error("{0} takes no security group: Azure refuses one there, so that no rule can be made for it")]
    NoGroup(String),
    #[error(
        "no subnet of the policy takes rules: Azure refuses security groups on {}; name the subnets in which the machines stand",
        Joined(.0, ", ")
    )]
    NoneTakes(Vec<String>),
    #[error("{0} has no ports")]
    NoPorts(Protocol),
    #[error("nothing is left of {0}")]
    NothingLeft(Remote),
    #[error("nothing can be taken out of {0}: no file says what it holds")]
    Whole(Remote),
    #[error(
        "{0}: nothing in Azure knows who calls by a host name; name the addresses or the service tag of the caller"
    )]
    Caller(Remote),
    #[error("{0} can only be a destination: write it in `to`")]
    Destination(Symbol),
    #[error(
        "Azure takes {0} only in a rule for every protocol and port: leave `protocol`, `ports` and `except` out"
    )]
    Platform(Symbol),
    #[error(
        "{} is opened to the whole Internet; name the addresses that manage the machines, or go by Azure Bastion",
        Joined(.0, ", ")
    )]
    Open(Vec<ManagedPort>),
    #[error("`to` and `from` in one [[{0}]]; make one for each direction")]
    BothWays(&'static str),
    #[error("row {row} of {workload}: {error}; leave the row out with without = [\"{row}\"]")]
    Row { row: String, workload: String, error: NameError },
    #[error(
        "{id}: {workload} names what it keeps in a subnet by the subnet's one IPv4 prefix, and {subnet} has {count}"
    )]
    OnePrefix { id: String, workload: String, subnet: String, count: usize },
    #[error("{0} names the subnet on a side, and its name does not: write {{range}} in it")]
    Range(String),
    #[error("{id} that {workload} keeps: {error}")]
    Kept { id: String, workload: String, error: NameError },
    #[error(
        "no document lists the hosts behind the FQDN tag {tag} in the cloud {cloud} on {protocol} {ports}: name them with `fqdn:`, or take the tag by name (firewall.fqdn-tags = \"native\")"
    )]
    Hosts { tag: String, cloud: Cloud, protocol: Protocol, ports: Ports },
    #[error("there is no workload `{name}`{} (`tagwall workloads` lists them)", did_you_mean(.nearest))]
    NoWorkload { name: String, nearest: Vec<String> },
    #[error("`{0}` does not go with `workload`; write a need by hand in an [[allow]] of its own")]
    NotWithWorkload(&'static str),
    #[error("`{0}` goes with `workload` only")]
    OnlyWithWorkload(&'static str),
    #[error("{id}: {why}")]
    ResourceId { id: String, why: &'static str },
    #[error(
        "Azure takes no group on this subnet without rules that let {}: ask for them by these tags, or write no group (output.targets)",
        Joined(.0, ", ")
    )]
    Demands(Vec<Demand>),
    #[error("{workload}: {why}, or accept it with accept-missing = true")]
    Never { workload: String, why: HeldWhy },
    #[error("{workload}: this must hold and does not: {text} ({why})")]
    NotHeld { workload: String, text: String, why: HeldWhy },
}

/// A port by which machines are managed.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("{name} ({port})")]
pub(in crate::policy) struct ManagedPort {
    pub(in crate::policy) port: u16,
    pub(in crate::policy) name: &'static str,
}
