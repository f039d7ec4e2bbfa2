//! Service endpoint policies: for each subnet one list of what it may reach of Azure Storage.
//!
//! Ids of resources and aliases of services stand in definitions of their own, since Azure takes no mixture. Source:
//! virtual-network-service-endpoint-policies-overview.md, 2023-04-06.

use super::count;
use super::names::{description, name};
use crate::plan::{EndpointDefinition, EndpointPolicy, Exceeded, Limits, Plan};
use crate::policy::{EndpointNeed, Policy};

pub(super) fn lower(policy: &Policy, limits: &Limits, plan: &mut Plan, over: &mut Vec<Exceeded>) {
    for need in &policy.endpoints {
        let made = endpoint_policy(policy, need);
        for definition in &made.definitions {
            let of = format!("{} {}", made.name, definition.name);
            let remedy = "list the resource group or subscription of the accounts in place of each account, which is \
                          wider, or give the workloads subnets of their own";
            let have = definition.resources.len();
            count(limits, "endpoint-policy-resources", &of, have, remedy, plan, over);
        }
        plan.endpoint_policies.push(made);
    }
}

fn endpoint_policy(policy: &Policy, need: &EndpointNeed) -> EndpointPolicy {
    let definitions = need.definitions.iter().map(|(service, resources)| EndpointDefinition {
        name: name(&[service]),
        description: description(&need.causes, ""),
        service: service.clone(),
        resources: resources.iter().cloned().collect(),
    });
    EndpointPolicy {
        name: name(&[&policy.name, &need.subnet, "storage"]),
        subnet: need.subnet.clone(),
        definitions: definitions.collect(),
    }
}
