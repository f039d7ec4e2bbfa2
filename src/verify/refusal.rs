//! What is not as Azure takes it, as values. Here alone stand the sentences.

use std::net::IpAddr;

use crate::addr::IpPrefix;
use crate::subnet::Demand;

/// What is not as Azure takes it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Odd {
    #[error("{name} is put on subnet {subnet}, which takes no {what}")]
    Reserved { what: &'static str, name: String, subnet: String },
    #[error("{route} of {table} leads {prefix} of subnet {subnet} to {hop}")]
    Default { route: String, table: String, prefix: String, subnet: String, hop: String },
    #[error("{0}, which is no private address of a machine")]
    NotPrivate(Leads),
    #[error("{leads}, an address that Azure keeps in subnet {subnet}")]
    Kept { leads: Leads, subnet: String },
    #[error("{leads}, which is inside subnet {subnet} that has this table: a loop")]
    Loop { leads: Leads, subnet: String },
    #[error("subnet {subnet} has the prefix {prefix}, which is too small for a subnet")]
    SmallPrefix { subnet: String, prefix: IpPrefix },
    #[error("subnet {subnet} is smaller than /{most}")]
    SmallSubnet { subnet: String, most: u8 },
    #[error("{route}: another route of {table} has the prefix {prefix}")]
    SamePrefix { route: String, table: String, prefix: String },
    #[error("subnet {subnet} is to have {name}, which is not there")]
    NotThere { subnet: String, name: String },
    #[error("{rule}: {tag} stands in a rule that is no plain deny of all outbound")]
    PlatformTag { rule: String, tag: String },
    #[error("{rule} of subnet {subnet} lets them in to a part of it only")]
    InPart { rule: String, subnet: String },
    #[error("{rule} denies some of it before {lets} lets {demand}")]
    DeniedBefore { rule: String, lets: String, demand: Demand },
    #[error("the group of subnet {subnet} has no rule that lets {demand}")]
    NoRule { subnet: String, demand: Demand },
    #[error(
        "the group of subnet {subnet} has no rule {rule} with priority {priority}, which {keeper} keeps there"
    )]
    NoKeptRule { subnet: String, rule: String, priority: u32, keeper: String },
    #[error("the table of subnet {subnet} has no route {route}, which {keeper} keeps there")]
    NoKeptRoute { subnet: String, route: String, keeper: String },
    #[error("{first} and {second} say the ports of one remote in two rules")]
    TwoRules { first: String, second: String },
    #[error("{rule}: port {port} is none that such a rule takes")]
    Port { rule: String, port: String },
}

/// A route that leads to an appliance.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{route} of {table} leads to {hop}")]
pub(super) struct Leads {
    pub(super) route: String,
    pub(super) table: String,
    pub(super) hop: IpAddr,
}

/// What Azure refuses, and by which row of the data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{odd}; Azure refuses that ({id}: {page})")]
pub(super) struct Refusal {
    pub(super) odd: Odd,
    /// The row.
    pub(super) id: &'static str,
    /// Where it is said.
    pub(super) page: String,
}
