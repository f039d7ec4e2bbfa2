//! What Azure demands of the groups of some subnets, before it takes them there.

use super::place::Path;
use super::problem::NeedProblem;
use super::problems::Problems;
use super::rule::{Flow, Remote};
use super::whole::Policy;
use crate::addr::{Interval, IntervalSet};
use crate::packet::{Direction, Protocol};
use crate::subnet::Demand;
use crate::target::Target;

/// Refuses needs of Bastion and of an application gateway that make a group which Azure does not take. What people keep in
/// the group is not known before the proof, which looks for it there.
pub(super) fn check(policy: &Policy, problems: &mut Problems) {
    if !policy.wants(Target::Nsg) || !policy.output.formats.iter().any(|format| !format.lists_only()) {
        return;
    }
    if !policy.nsg.keep.as_slice().is_empty() {
        return;
    }
    for scope in policy.group_scopes() {
        for name in &scope.subnets {
            let demands = policy.network.subnets[name].role.demands();
            let missing = demands.iter().filter(|demand| !is_met(policy, name, demand)).copied();
            let missing: Vec<Demand> = missing.collect();
            if missing.is_empty() {
                continue;
            }
            problems.at(Path::top().at("subnets").at(name.as_str()), NeedProblem::Demands(missing));
        }
    }
}

/// Whether needs of the subnet ask for all ports of a demand, by its tag.
fn is_met(policy: &Policy, subnet: &str, demand: &Demand) -> bool {
    let direction = if demand.inbound { Direction::Inbound } else { Direction::Outbound };
    let by_tag = |flow: &&Flow| {
        let named = match &flow.remote {
            Remote::Tag(tag) => demand.is_tag(tag.name().as_str()),
            Remote::Symbol(symbol) => demand.is_tag(symbol.name()),
            _ => false,
        };
        named
            && flow.subnet == subnet
            && flow.direction == direction
            && matches!(flow.protocol, Protocol::Tcp | Protocol::Any)
    };
    let (first, last) = demand.ports;
    let asked = Interval::new(first, last).map(|ports| IntervalSet::from_iter([ports]));
    let own = policy.flows.iter().filter(by_tag).map(|flow| flow.ports.set().clone());
    let own = own.fold(IntervalSet::empty(), |all, ports| all.union(&ports));
    asked.is_some_and(|asked| asked.is_subset(&own))
}
