//! [`SettingProblem`]: settings that Azure does not take, or that contradict each other.

use std::net::IpAddr;

use crate::addr::AddrSet;
use crate::limits::{LimitKey, nsg_priorities};
use crate::packet::Direction;
use crate::plan::Shortage;
use crate::policy::rule::Remote;
use crate::policy::short::short_list;
use crate::tags::{Cloud, Symbol};
use crate::target::{ApiVersion, FormatName};
use crate::text::Joined;

/// What is wrong with a setting.
#[derive(Debug, thiserror::Error)]
pub(in crate::policy) enum SettingProblem {
    #[error("schema {0} is not known; this version reads schema 1")]
    Schema(u32),
    #[error("`{0}` is no name for a folder on Windows, which keeps it for a device")]
    Device(String),
    #[error("the policy is for the cloud {policy}, but the snapshot is of {snapshot}")]
    Cloud { policy: Cloud, snapshot: Cloud },
    #[error("`{0}` is not a day, as in 2025-06-01")]
    AsOf(String),
    #[error("`{text}` is no day; write one as {example}")]
    Day { text: String, example: &'static str },
    #[error("`{0}` is not a number of addresses")]
    Count(String),
    #[error(
        "{}{remote} is asked for and holds {}, which may never be let through; take it out of the need with `except`, or out of `never`",
        if *.routed { "the route to " } else { "" },
        short_list(.both)
    )]
    Never { remote: Remote, routed: bool, both: AddrSet },
    #[error(
        "`{name}` is no name that Azure takes here: 1 to {most} letters, digits, `-`, `_` or `.`, the first a letter or digit, the last one too or `_`"
    )]
    ResourceName { name: String, most: usize },
    #[error(
        "{key} = {figure} is more than the {} that Azure documents ({}): what is made takes effect only where \
         Azure's support has raised the limit",
        .key.limit().current,
        .key.limit().counts
    )]
    AboveLimit { key: LimitKey, figure: u64 },
    #[error("`{0}` is no id of a finding; they are written as TW005")]
    FindingId(String),
    #[error("{} has {} of Azure Firewall ({})", .0.location, .0.known, .0.source)]
    Tier(&'static Shortage),
    #[error(
        "{address} is inside subnet {subnet}, whose route table leads to it: what the appliance sends would come back to it, a loop; give it a subnet of its own, or lead that subnet elsewhere with a [[route]] to 0.0.0.0/0"
    )]
    Loop { address: IpAddr, subnet: String },
    #[error(
        "`{0}` is no range of priorities: {first} to {last}, as 4000-{last} or a number",
        first = nsg_priorities().start(),
        last = nsg_priorities().end()
    )]
    Priorities(String),
    #[error("`{0}` names no rules: letters, digits, `-`, `_`, `.`, and `*` for any of them")]
    Keep(String),
    #[error(
        "a rule that denies {symbol} is for every machine behind its security group, and {without} shares that of {subnet}: name no subnet, or set nsg.per-subnet"
    )]
    SharedDeny { symbol: Symbol, without: String, subnet: String },
    #[error("the collection that denies stands right before the one that allows: set it to {0} or higher")]
    DenyPriority(u32),
    #[error(
        "{} {remote} is denied, but {workload} keeps some of it open for {subnet} by rules that come first and that Azure puts back: {}",
        .direction.name(),
        Joined(.rules, ", ")
    )]
    KeptOpen { direction: Direction, remote: Remote, workload: String, subnet: String, rules: Vec<String> },
    #[error("the format {0} cannot say it: only arm, bicep and json can")]
    PeeringFormat(FormatName),
    #[error("API version {0} does not know it: {known} does", known = ApiVersion::V20250701)]
    PeeringVersion(ApiVersion),
    #[error("the format {0} puts rules into force at once: with a draft leave it out")]
    DraftFormat(FormatName),
}
