//! What service endpoints take past the firewall, and what of it was asked for.

use std::sync::Arc;

use super::needs;
use super::proof::Proof;
use crate::addr::AddrSet;
use crate::packet::Direction;
use crate::plan::extra_of;
use crate::policy::Subnet;
use crate::rules::{Packet, Rule};
use crate::target::Target;

/// What the endpoints of a subnet may take whatever the packets are: all of them where no group is made here that would
/// say what may leave, else what a service endpoint policy narrows to its list.
pub(super) fn whole(proof: &Proof<'_>, subnet: &Subnet) -> AddrSet {
    let grouped = proof.targets.contains(&Target::Nsg);
    let own = subnet.endpoints.iter().filter(|endpoint| endpoint.narrowed || !grouped);
    AddrSet::union_of(own.map(|endpoint| &endpoint.addresses))
}

/// The needs of a subnet, and what its group admits beside them as declared, as far as its endpoints take them.
pub(super) fn asked(proof: &Proof<'_>, name: &str, subnet: &Subnet) -> Vec<Rule> {
    let taken = subnet.endpoint_set();
    if taken.is_empty() {
        return Vec::new();
    }
    let policy = proof.policy;
    let own = policy.flows.iter().filter(|flow| flow.subnet == name && flow.direction == Direction::Outbound);
    own.filter_map(|flow| {
        let rule = needs::rule_of(policy, flow)?;
        let extra = extra_of(proof.extras, Target::Nsg, flow.id.as_str());
        let dst = rule.dst.union(&extra).intersection(&taken);
        (!dst.is_empty()).then(|| Rule { dst: Arc::new(dst), ..rule })
    })
    .collect()
}

/// By which endpoint of a subnet a packet leaves.
pub(super) fn taking<'s>(subnet: Option<&'s Subnet>, packet: &Packet) -> Option<&'s String> {
    let mut all = subnet?.endpoints.iter();
    all.find(|endpoint| endpoint.addresses.contains(packet.dst())).map(|endpoint| &endpoint.service)
}
