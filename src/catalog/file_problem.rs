//! [`FileProblem`]: what a catalogue file says of workloads and cannot mean.

use std::fmt::{self, Display};

use super::option::OptionKind;
use super::remote::RemoteError;
use super::workload::{RemoteKind, RouteHop};
use crate::limits::nsg_priorities;
use crate::packet::Protocol;
use crate::tags::{Cloud, Regions};
use crate::text::{Joined, did_you_mean, nearest};

/// What is wrong in a file. Its parts are those of the text that is read.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileProblem<'a> {
    #[error("no cloud `{0}`; known are {known}", known = clouds())]
    Cloud(&'a str),
    #[error("row {0} has no far side: one of {kinds}, remotes-of", kinds = Joined(&RemoteKind::ALL.map(|(key, _)| key), ", "))]
    NoRemote(&'a str),
    #[error("row id `{0}`: no `/` and no blanks")]
    RowId(&'a str),
    #[error("row {0}: `source` is missing")]
    NoSource(&'a str),
    #[error("row {0}: a protocol occurs twice in `flows`")]
    ProtocolTwice(&'a str),
    #[error("no next hop `{0}`; known are {known}", known = Joined(&RouteHop::ALL.map(RouteHop::name), ", "))]
    NextHop(&'a str),
    #[error("no next hop `{0}` of a service's route; known are internet, vnet")]
    ServiceHop(&'a str),
    #[error("no direction `{0}`: inbound or outbound")]
    Direction(&'a str),
    #[error(
        "no protocol `{0}`{near}; known are {known}", near = did_you_mean(&nearest(.0, Protocol::ALL.map(Protocol::name))),
        known = Joined(&Protocol::ALL.map(Protocol::name), ", ")
    )]
    Protocol(&'a str),
    #[error("`{0}`: ports as in \"tcp 443,8704-8710\" or \"tcp *\"")]
    Ports(&'a str),
    #[error("`{0}` is neither a cloud ({clouds}), a region nor `other`{near}", clouds = clouds(), near = near_region(.0))]
    Scope(&'a str),
    #[error(
        "`priority` is a number from {} to {}, or \"{{option:NAME}} + N\"",
        nsg_priorities().start(),
        nsg_priorities().end()
    )]
    Priority,
    #[error("`{key}`: {error}")]
    Side { key: &'static str, error: RemoteError },
    #[error("`default` of {name} is {}", .kind.expected())]
    Default { name: &'a str, kind: &'a OptionKind },
    #[error("no kind `{kind}`{}; kinds are {}", did_you_mean(&nearest(.kind, .known.iter().copied())), Joined(.known, ", "))]
    OptionKind { kind: &'a str, known: &'a [&'static str] },
}

fn clouds() -> impl Display {
    fmt::from_fn(|f| write!(f, "{}", Joined(&Cloud::ALL.map(Cloud::name), ", ")))
}

fn near_region(name: &str) -> String {
    let locations: Vec<String> =
        Cloud::ALL.into_iter().flat_map(|cloud| Regions::of(cloud).locations()).collect();
    did_you_mean(&nearest(name, locations.iter().map(String::as_str)))
}
