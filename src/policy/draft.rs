//! [`Draft`]: what is found while a policy is resolved, and [`Rows`]: what the rows of one workload share.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::place::Path;
use super::problems::Problems;
use super::rule::{Flow, Managed, ManagedRoute, Remarks, RouteNeed};
use crate::addr::AddrSet;
use crate::packet::NextHop;
use crate::tags::Region;

/// The default routes of single subnets, by name and family (IPv6 if set).
pub(super) type Defaults = BTreeMap<(String, bool), NextHop>;

/// Routes, each with the place in the policy that asks for it.
pub(super) type PlacedRoutes = Vec<(Path, RouteNeed)>;

/// A policy while it is resolved: each of its entries adds what it means, and what is wrong with it.
#[derive(Default)]
pub(super) struct Draft {
    /// Flows before merging.
    pub(super) flows: Vec<Flow>,
    /// What is never allowed, likewise.
    pub(super) denies: Vec<Flow>,
    /// Routes before merging.
    pub(super) routes: PlacedRoutes,
    /// Default routes that lines of the policy ask for.
    pub(super) defaults: Defaults,
    /// Rules that services keep in the groups of their subnets.
    pub(super) managed: Vec<Managed>,
    /// Routes that services keep in the tables of their subnets.
    pub(super) managed_routes: Vec<ManagedRoute>,
    /// What is said of it.
    pub(super) remarks: Remarks,
    /// What is wrong with it.
    pub(super) problems: Problems,
}

/// What all rows of one workload share.
pub(super) struct Rows<'a> {
    pub(super) workload: &'a String,
    /// The subnets that the rows are for, each with its addresses.
    pub(super) subnets: &'a [(String, AddrSet)],
    /// The entry of the policy that names the workload.
    pub(super) place: &'a Path,
    pub(super) region: &'a Arc<Region>,
    /// The environment's own region: rows for another one carry its name in their id.
    pub(super) home: &'a Arc<Region>,
    pub(super) except: &'a AddrSet,
    /// Whether a default route takes traffic off its direct way, so that exceptions from it make sense.
    pub(super) diverted: bool,
}

impl Rows<'_> {
    /// The workload's name, with the region where that is another one.
    pub(super) fn scope(&self) -> String {
        if self.region.suffix() == self.home.suffix() {
            self.workload.to_owned()
        } else {
            format!("{}@{}", self.workload, self.region.location())
        }
    }
}
