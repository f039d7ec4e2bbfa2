//! [`PlanParts`]: what each target gets, while it is made.

use super::association::Association;
use super::files::FileCaps;
use super::firewall::{ClassicFirewall, Firewall, IpGroup, NatCollection, RuleCollection};
use super::lists::{AddressList, EndpointPolicy};
use super::nsg::{Nsg, NsgRule};
use super::routes::RouteTable;
use super::told::{Choice, Extra, Gap, extra_of};
use crate::addr::{AddrSet, Count};
use crate::limits::Usage;
use crate::target::Target;

/// What a plan is made of, not held to anything yet.
#[derive(Debug, Clone, Default)]
pub struct PlanParts {
    /// Name of the environment.
    pub name: String,
    /// Network security groups: one for the environment, and those of subnets that cannot share it.
    pub nsgs: Vec<Nsg>,
    /// Route tables: one of each distinct set of routes.
    pub route_tables: Vec<RouteTable>,
    /// What each subnet of the policy has, in order of subnets.
    pub associations: Vec<Association>,
    /// The firewall's rules, in a firewall policy.
    pub firewall: Option<Firewall>,
    /// The firewall's rules, in the firewall itself.
    pub classic_firewall: Option<ClassicFirewall>,
    /// The IP groups that the firewall's rules use.
    pub ip_groups: Vec<IpGroup>,
    /// Service endpoint policies, one of a subnet.
    pub endpoint_policies: Vec<EndpointPolicy>,
    /// Lists of addresses, in order of their names.
    pub lists: Vec<AddressList>,
    /// How large one emitted file may be.
    pub file_caps: FileCaps,
    /// What a target cannot say.
    pub gaps: Vec<Gap>,
    /// What is admitted beyond what was asked for; empty as long as exact rules fit the limits.
    pub extras: Vec<Extra>,
    /// The fewest extra addresses with which the rules fit. Lists that were widened before may take a few more.
    pub fewest_extra: Count,
    /// How each flow became rules.
    pub choices: Vec<Choice>,
    /// What people should know about the way it was made; ascending, each once.
    pub notes: Vec<String>,
    /// How much of each limit is used.
    pub usage: Vec<Usage>,
}

impl PlanParts {
    /// The rules of all security groups.
    pub fn nsg_rules(&self) -> impl Iterator<Item = &NsgRule> {
        self.nsgs.iter().flat_map(|nsg| &nsg.rules)
    }

    /// The rule collections of the firewall, in a policy or classic.
    pub fn rule_collections(&self) -> impl Iterator<Item = &RuleCollection> {
        let of_policy = self.firewall.iter().flat_map(|f| &f.groups).flat_map(|g| &g.collections);
        of_policy.chain(self.classic_firewall.iter().flat_map(|f| &f.collections))
    }

    /// The DNAT collections that are kept from an earlier generation.
    pub fn kept_nat(&self) -> Vec<NatCollection> {
        self.firewall.iter().flat_map(|f| &f.groups).flat_map(|g| g.nat.iter().cloned()).collect()
    }

    /// The extra addresses that `target` admits for the flow or route called `id`.
    pub fn extra_of(&self, target: Target, id: &str) -> AddrSet {
        extra_of(&self.extras, target, id)
    }
}
