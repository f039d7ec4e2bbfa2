//! [`Policy`]: a resolved policy that keeps what every policy promises.

use std::collections::HashSet;
use std::ops::Deref;
use std::sync::Arc;

use super::intent::{ApiVersionIntent, PrivateRoute};
use super::promises::{PolicyFault, check};
use super::rule::{Flow, PolicyParts, Precision, Remote, only_families_of};
use crate::addr::{AddrSet, Count};
use crate::tags::{Cloud, Tag, never_extra};
use crate::target::{ApiVersion, Target};

/// One environment, resolved: all flows that must pass, all routes that must hold, and the settings of its targets.
///
/// No flow is empty, flows are in a total order that does not depend on the order of the file, and each knows its
/// cause. [`Policy::new`] holds it to that.
#[derive(Debug, Clone)]
pub struct Policy(pub(super) PolicyParts);

impl Deref for Policy {
    type Target = PolicyParts;

    fn deref(&self) -> &PolicyParts {
        &self.0
    }
}

impl Policy {
    /// Holds parts to what a policy promises.
    ///
    /// # Errors
    /// [`PolicyFault`], the first thing that is not so.
    ///
    /// # Cost
    /// One pass over flows, routes and rules.
    pub fn new(parts: PolicyParts) -> Result<Self, PolicyFault> {
        check(&parts).map(|()| Policy(parts))
    }

    /// The same, changed and held to its promises again.
    ///
    /// # Errors
    /// [`PolicyFault`].
    ///
    /// ```
    /// use tagwall::{catalog::Catalog, policy::{self, PolicySource}, tags::{Cloud, Snapshot, sample}};
    /// let text = r#"
    ///     schema = 1
    ///     name = "demo"
    ///     region = "westeurope"
    ///     network.address-space = ["10.20.0.0/16"]
    ///     subnets.training.prefixes = ["10.20.1.0/24"]
    ///     [[allow]]
    ///     to = ["192.0.2.0/24", "Storage.westeurope"]
    ///     protocol = "tcp"
    ///     ports = 443
    /// "#;
    /// let snapshot = Snapshot::parse(&sample::sample_json(Cloud::Public).unwrap())?;
    /// let policy = policy::expand(&PolicySource::read("demo.toml", text)?, Catalog::builtin(), &snapshot)?;
    /// let fault = policy.clone().changed(|parts| parts.flows.reverse()).unwrap_err();
    /// assert!(fault.to_string().starts_with("the flows are not in order"));
    /// let fault = policy.changed(|parts| parts.flows[0].causes.clear()).unwrap_err();
    /// assert!(fault.to_string().ends_with("has no cause"));
    /// # Ok::<(), tagwall::Error>(())
    /// ```
    pub fn changed(mut self, change: impl FnOnce(&mut PolicyParts)) -> Result<Self, PolicyFault> {
        change(&mut self.0);
        Policy::new(self.0)
    }

    /// The same with another budget of extra addresses.
    pub fn with_budget(&self, max_extra: Count) -> Self {
        let mut policy = self.clone();
        policy.0.precision.max_extra = max_extra;
        policy
    }

    /// Whether the policy has a use for `target`, and asks for it.
    pub fn wants(&self, target: Target) -> bool {
        let asked = self.output.targets.as_ref().is_none_or(|named| named.contains(&target));
        asked
            && match target {
                Target::Nsg => true,
                Target::RouteTable => self.network.subnets.keys().any(|subnet| self.is_routed(subnet)),
                Target::Firewall => !self.network.firewall.is_empty(),
                Target::ServiceEndpointPolicy => !self.endpoints.is_empty(),
                Target::Lists => false,
            }
    }

    /// The flows that a target has to carry, but for what it cannot say: `unsaid` holds the ids of flows that it
    /// cannot say at all, whose stand-ins come in.
    pub fn flows_with(&self, unsaid: &HashSet<&str>) -> impl Iterator<Item = &Flow> {
        let missing: Vec<&Flow> = self.flows.iter().filter(|f| unsaid.contains(f.id.as_str())).collect();
        self.flows.iter().filter(move |f| !f.stand_in || missing.iter().any(|m| f.covers(m)))
    }

    /// The tags that no published file holds, each once, in order of flows.
    pub fn outside(&self) -> Vec<Arc<Tag>> {
        let mut tags: Vec<Arc<Tag>> = Vec::new();
        let flows = self.flows.iter().chain(&self.denies).map(|flow| &flow.remote);
        let kept = self.managed.iter().flat_map(|rule| [&rule.source, &rule.destination]);
        for remote in flows.chain(kept) {
            if let Remote::Outside(tag) = remote
                && tags.iter().all(|known| known.name() != tag.name())
            {
                tags.push(tag.clone());
            }
        }
        tags
    }

    /// Addresses that no rule may admit as extra, at any price: the policy's own `never`, what its needs except,
    /// special ranges and the network's address space. What a need asks for is no extra, wherever it lies.
    pub fn never_extra(&self) -> AddrSet {
        let Precision { never, excepted, .. } = &self.precision;
        AddrSet::union_of([never, excepted, &never_extra(), &self.network.space])
    }

    /// The addresses that the flow or route called `id` asks for, where a list of them can be widened. `None` where it
    /// asks for no list of addresses: for host names, symbolic tags and `*`.
    pub fn listed(&self, id: &str) -> Option<AddrSet> {
        let of = |remote: &Remote| match remote {
            Remote::Tag(tag) => Some(tag.set().clone()),
            Remote::Addresses(set) => Some(set.clone()),
            _ => None,
        };
        if let Some(flow) = self.flows.iter().find(|flow| flow.id == *id) {
            return Some(only_families_of(&of(&flow.remote)?.difference(&flow.except), &flow.local));
        }
        let need = self.routes.iter().find(|need| need.id == id)?;
        Some(only_families_of(&of(&need.to)?.difference(&need.except), &self.network.subnet_space()))
    }

    /// What the flows or routes of `ids`, which share a list, ask for together with the `extra` addresses of that list, in
    /// the families that it has any of.
    pub fn widened(&self, ids: &[String], extra: &AddrSet) -> AddrSet {
        let asked: Vec<AddrSet> = ids.iter().filter_map(|id| self.listed(id)).collect();
        only_families_of(&AddrSet::union_of(&asked), extra).union(extra)
    }

    /// The version of Azure's network API that files name.
    pub fn api_version(&self) -> ApiVersion {
        let named = match &self.output.api_version {
            ApiVersionIntent::One(version) => Some(*version),
            ApiVersionIntent::ByCloud(versions) => match self.cloud {
                Cloud::Public => versions.public,
                Cloud::UsGov => versions.usgov,
                Cloud::China => versions.china,
                Cloud::Germany => versions.germany,
            },
        };
        let least = match self.route_table.disable_peering_route {
            true => ApiVersion::V20250701,
            false => ApiVersion::default(),
        };
        named.unwrap_or(least)
    }

    /// Whether private ranges outside the virtual network are sent to the firewall.
    pub fn private_to_firewall(&self) -> bool {
        self.route_table.private == PrivateRoute::Firewall
    }
}
