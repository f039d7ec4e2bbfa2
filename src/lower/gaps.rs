//! What a target cannot say, and what covers it there.

use crate::plan::Gap;
use crate::policy::{Flow, Policy};
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
