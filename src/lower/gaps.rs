//! What a target cannot say, and what covers it there.

use crate::packet::NextHop;
use crate::plan::Gap;
use crate::policy::{Flow, Policy, Remote};
use crate::target::Target;

/// The gap that `flow` leaves on `target`.
pub(super) fn gap(policy: &Policy, target: Target, flow: &Flow, reason: &str, remedy: &str) -> Gap {
    let covered_by = covering(policy, flow);
    let remedy = if covered_by.is_empty() { remedy.to_owned() } else { String::new() };
    Gap {
        target,
        flow: flow.id.clone(),
        remote: flow.remote.to_string(),
        partial: false,
        reason: reason.to_owned(),
        covered_by,
        remedy,
    }
}

/// An inbound need reaches the subnet past the firewall. That works where replies leave the same way: without a
/// diverting default route, or by a route of their own.
pub(super) fn inbound_gap(policy: &Policy, flow: &Flow) -> Gap {
    let reason = "inbound traffic does not pass the firewall: a service tag can only be a destination there";
    let remedy = "replies would leave by the firewall, which drops them: add a route for its addresses to the Internet, \
                  or publish the service by DNAT";
    let mut gap = gap(policy, Target::Firewall, flow, reason, remedy);
    let own = policy.routes.iter().filter(|r| r.next_hop == NextHop::Internet && holds(&r.to, flow));
    gap.covered_by.extend(own.map(|r| format!("route {}", r.id)));
    if !policy.has_default_route() {
        gap.covered_by.push("the direct way, since no default route leads elsewhere".to_owned());
    }
    if !gap.covered_by.is_empty() {
        gap.remedy.clear();
    }
    gap
}

/// Whether a route to `to` takes the replies of `flow`.
fn holds(to: &Remote, flow: &Flow) -> bool {
    match (to, &flow.remote) {
        (Remote::Tag(route), Remote::Tag(tag)) => {
            route.name() == tag.name() || tag.set().is_subset(route.set())
        }
        (Remote::Addresses(route), Remote::Addresses(set)) => set.is_subset(route),
        (Remote::Tag(route), Remote::Addresses(set)) => set.is_subset(route.set()),
        (Remote::Addresses(route), Remote::Tag(tag)) => tag.set().is_subset(route),
        _ => false,
    }
}

/// The gap that a part of `flow` leaves, whose rest the target says.
pub(super) fn partial_gap(policy: &Policy, target: Target, flow: &Flow, reason: &str, remedy: &str) -> Gap {
    Gap { partial: true, ..gap(policy, target, flow, reason, remedy) }
}

/// Flows of the same subnet whose rows the catalogue names as covering one of this flow's.
fn covering(policy: &Policy, flow: &Flow) -> Vec<String> {
    let covers = |other: &&Flow| {
        other.subnet == flow.subnet
            && other.direction == flow.direction
            && other.id != flow.id
            && flow.causes.iter().any(|cause| {
                other.causes.iter().any(|o| o.workload == cause.workload && cause.covered_by.contains(&o.row))
            })
    };
    policy.flows.iter().filter(covers).map(|f| f.id.clone()).collect()
}
