//! The commands that make Azure ML compute in its subnets, with the flag that fits the rules.

use super::Made;
use super::document::Line;
use crate::packet::Direction;

const WORKLOAD: &str = "aml-compute";

/// One step for each subnet that compute is made in.
///
/// Source: how-to-secure-training-vnet.md, 2024-04-08; az ml compute create, 2026-06.
pub(super) fn steps(made: &Made<'_>) -> Vec<Line> {
    let policy = made.policy;
    let mut steps = Vec::new();
    for (name, subnet) in &policy.network.subnets {
        let mut flows = policy.flows.iter().filter(|flow| flow.subnet == *name && is_compute(&flow.causes));
        let Some(first) = flows.next() else { continue };
        // With public addresses the service calls in; without them nothing does.
        let public = std::iter::once(first).chain(flows).any(|flow| flow.direction == Direction::Inbound);
        steps.push(step(name, public, subnet.nodes));
    }
    steps
}

fn is_compute(causes: &[crate::policy::Cause]) -> bool {
    causes.iter().any(|cause| cause.workload == WORKLOAD)
}

fn step(subnet: &str, public: bool, nodes: Option<u32>) -> Line {
    let place = format!("--vnet-name NETWORK --subnet {subnet} --enable-node-public-ip {public}");
    let most = nodes.map_or_else(|| "NODES".to_owned(), |nodes| nodes.to_string());
    let with = if public { "with public addresses" } else { "without public addresses" };
    let endpoint =
        if public { "" } else { "; the workspace needs a private endpoint that the subnet reaches" };
    Line::new()
        .text(format_args!(
            "Make the compute of subnet {subnet} {with}, after the route table is on the subnet. It takes the rights "
        ))
        .code("Microsoft.MachineLearningServices/workspaces/computes/write")
        .text(" on the workspace, and ")
        .code("Microsoft.Network/virtualNetworks/read")
        .text(" and ")
        .code("…/virtualNetworks/subnets/join/action")
        .text(format_args!(" on the network{endpoint}:"))
        .next_line()
        .code(format!(
            "az ml compute create -g GROUP -w WORKSPACE -n CLUSTER --type amlcompute --size SIZE --min-instances 0 \
             --max-instances {most} {place}"
        ))
        .next_line()
        .code(format!(
            "az ml compute create -g GROUP -w WORKSPACE -n INSTANCE --type computeinstance --size SIZE {place}"
        ))
}
