//! What [`Workload::resolve`](super::Workload::resolve) takes and gives.

use std::collections::BTreeMap;
use std::fmt;

use super::dated::{Date, DatedFact};
use super::fill_error::FillError;
use super::managed::{ManagedRoute, ManagedRule};
use super::option::{OptionKind, OptionValue, Prefer};
use super::remote::RemoteSpec;
use super::skipped::Skipped;
use super::workload::{Precondition, Risk, RouteHop};
use crate::packet::{Direction, Ports, Protocol};
use crate::tags::{Cloud, Region, Regions};
use crate::text::did_you_mean;

/// For what a workload is resolved.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The cloud.
    pub cloud: Cloud,
    /// The region, one of `regions`.
    pub region: &'a Region,
    /// The regions of the cloud.
    pub regions: &'a Regions,
    /// What the policy sets; the rest has its default.
    pub options: &'a BTreeMap<String, OptionValue>,
    /// Tags or hosts.
    pub prefer: Prefer,
    /// Ids of rows to leave out, with or without what follows the `/`.
    pub without: &'a [String],
    /// Ids of rows to take although their conditions do not hold.
    pub with: &'a [String],
    /// The day whose facts are taken: rows that begin later or ended before are left out.
    pub as_of: Date,
}

/// A workload for one place and one set of options.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Resolved {
    /// What is needed, in the order of the catalogue file.
    pub rows: Vec<ResolvedRow>,
    /// Tag rows that hosts took the place of. Targets that cannot say hosts fall back on them.
    pub replaced: Vec<ResolvedRow>,
    /// What has to be true before any rule helps.
    pub preconditions: Vec<Precondition>,
    /// The risks of all rows, each once, in order of ids.
    pub risks: Vec<Risk>,
    /// Rows that were not taken, and why.
    pub skipped: Vec<Skipped>,
    /// Rules that Azure keeps by itself and that a plan may not contradict.
    pub managed: Vec<ManagedRule>,
    /// Routes that Azure keeps by itself in the tables of the subnets.
    pub managed_routes: Vec<ManagedRoute>,
    /// Service endpoint policies that narrow rows with storage by tag.
    pub endpoint_policies: Vec<EndpointPolicy>,
    /// Days on which rows begin or end whose other conditions hold, in order.
    pub dated: Vec<DatedFact>,
    /// What was asked for and has ended, in words: rows that are left out although their conditions hold, or that are
    /// taken because the policy names them.
    pub retired: Vec<String>,
}

/// One need: one remote, one protocol.
#[derive(Debug, Clone, PartialEq)]
pub struct ResolvedRow {
    /// The id of the row, then `/` and the remote or the protocol where the row has several. Depends on the
    /// catalogue file alone, never on the region or on how many values an option has.
    pub id: String,
    /// The id of the row in the catalogue file.
    pub row: String,
    /// Which way the flow is opened.
    pub direction: Direction,
    /// The far side, or the route.
    pub need: RowNeed,
    /// Protocol; `Any` for a route.
    pub protocol: Protocol,
    /// Destination ports; all for a route.
    pub ports: Ports,
    /// Whether the workload fails without it.
    pub required: bool,
    /// What it is for.
    pub purpose: String,
    /// Where this is written; several documents with `; ` between.
    pub source: String,
    /// Of a row of hosts: the ids of rows, taken or replaced, whose tag covers it on targets that cannot say hosts.
    pub covered_by: Vec<String>,
    /// What to mind.
    pub risks: Vec<Risk>,
    /// Remarks.
    pub notes: Vec<String>,
}

/// What a row asks for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowNeed {
    /// Traffic with a remote.
    Remote(RemoteSpec),
    /// A route.
    Route {
        /// The destination.
        to: RemoteSpec,
        /// Where its traffic goes.
        next_hop: RouteHop,
    },
}

impl RowNeed {
    /// The far side of either kind.
    pub fn remote(&self) -> &RemoteSpec {
        match self {
            RowNeed::Remote(remote) | RowNeed::Route { to: remote, .. } => remote,
        }
    }
}

impl fmt::Display for RowNeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RowNeed::Remote(remote) => write!(f, "{remote}"),
            RowNeed::Route { to, next_hop } => write!(f, "{to} -> {}", next_hop.name()),
        }
    }
}

/// A service endpoint policy with its places filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointPolicy {
    /// A short stable name.
    pub id: String,
    /// The rows whose tag it narrows.
    pub rows: Vec<String>,
    /// What it is for.
    pub purpose: String,
    /// Where this is written.
    pub source: String,
    /// Per service its resources; none where the option that lists them is not given.
    pub definitions: Vec<(String, Vec<String>)>,
}

/// Why a workload cannot be resolved as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// The workload does not exist in the cloud.
    #[error("workload {workload} does not exist in cloud {cloud}; it exists in {}", names(.known))]
    Cloud {
        /// The workload.
        workload: String,
        /// The cloud.
        cloud: Cloud,
        /// Where it exists.
        known: Vec<Cloud>,
    },
    /// The region has no tags of its own, so that no workload can run there.
    #[error("region {region} has no service tags but AzureCloud, so no workload is known there")]
    Region {
        /// The region's location.
        region: String,
    },
    /// The workload has no such option.
    #[error("workload {workload} has no option `{option}`{}", did_you_mean(.nearest))]
    UnknownOption {
        /// The workload.
        workload: String,
        /// The option asked for.
        option: String,
        /// The names most like it.
        nearest: Vec<String>,
    },
    /// The option takes no such value.
    #[error("option `{option}` of workload {workload} is {}{}", .expected.expected(), did_you_mean(.nearest))]
    OptionValue {
        /// The workload.
        workload: String,
        /// The option.
        option: String,
        /// The values that it takes.
        expected: OptionKind,
        /// Of a choice, those most like the one given.
        nearest: Vec<String>,
    },
    /// The workload has no such row.
    #[error("`{list}`: workload {workload} has no row `{id}`{}", did_you_mean(.nearest))]
    UnknownRow {
        /// The workload.
        workload: String,
        /// `with` or `without`.
        list: &'static str,
        /// The id asked for.
        id: String,
        /// The ids most like it.
        nearest: Vec<String>,
    },
    /// An option has to be given.
    #[error("workload {workload}: option `{option}` has to be given{}", for_row(.row))]
    MissingOption {
        /// The workload.
        workload: String,
        /// The option.
        option: String,
        /// The row that asks for it, where it is one.
        row: Option<String>,
    },
    /// The value of an option makes no far side, or no ports.
    #[error("workload {workload}, row {row}: {problem}")]
    Remote {
        /// The workload.
        workload: String,
        /// The row.
        row: String,
        /// What is wrong.
        problem: FillError,
    },
}

fn names(clouds: &[Cloud]) -> String {
    clouds.iter().map(|c| c.name()).collect::<Vec<_>>().join(", ")
}

fn for_row(row: &Option<String>) -> String {
    row.as_ref().map(|row| format!(" for row {row}")).unwrap_or_default()
}
