//! [`Problem`]: what can be wrong with a policy, as values. Their sentences stand here and nowhere else.

mod need;
mod network;
mod route;
mod setting;

pub(super) use need::{ManagedPort, NeedProblem};
pub(super) use network::{HopProblem, NetworkProblem, PrefixError};
pub(super) use route::RouteProblem;
pub(super) use setting::SettingProblem;

use super::name_error::NameError;
use super::network::Network;
use super::promises::PolicyFault;
use crate::catalog::{ResolveError, UnknownEndpoint};
use crate::packet::PortsError;
use crate::text::{did_you_mean, nearest};

/// One thing that is wrong with a policy, or hardly meant.
#[derive(Debug, thiserror::Error)]
pub(super) enum Problem {
    /// What needs no more words than these.
    #[error("{0}")]
    Said(&'static str),
    #[error(transparent)]
    Setting(#[from] SettingProblem),
    #[error(transparent)]
    Network(#[from] NetworkProblem),
    #[error(transparent)]
    Need(#[from] NeedProblem),
    #[error(transparent)]
    Route(#[from] RouteProblem),
    #[error(transparent)]
    Name(#[from] NameError),
    /// A workload cannot be asked for so.
    #[error(transparent)]
    Workload(#[from] ResolveError),
    #[error(transparent)]
    Endpoint(#[from] UnknownEndpoint),
    /// No protocol, or no ports.
    #[error(transparent)]
    Ports(#[from] PortsError),
    #[error(transparent)]
    Fault(#[from] PolicyFault),
    #[error("there is no subnet `{name}`{}", did_you_mean(.nearest))]
    NoSubnet { name: String, nearest: Vec<String> },
    /// The tags know no such region; what they say of it.
    #[error("{0}")]
    NoRegion(String),
    #[error("unknown key `{key}`{}", did_you_mean(.nearest))]
    UnknownKey { key: String, nearest: Vec<String> },
}

impl From<&'static str> for Problem {
    fn from(words: &'static str) -> Self {
        Problem::Said(words)
    }
}

impl Problem {
    /// That a network has no subnet called `name`, with those that are near.
    pub(super) fn no_subnet(name: &str, network: &Network) -> Self {
        let nearest = nearest(name, network.subnets.keys().map(String::as_str));
        Problem::NoSubnet { name: name.to_owned(), nearest }
    }
}
