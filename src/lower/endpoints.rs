//! Service endpoint policies: for each subnet one list of what it may reach of Azure Storage.
//!
//! Ids of resources and aliases of services stand in definitions of their own, since Azure takes no mixture. Source:
//! virtual-network-service-endpoint-policies-overview.md, 2023-04-06.

use super::names::{description, name};
use super::tally::Tally;
use crate::plan::{EndpointDefinition, EndpointPolicy, LimitKey};
use crate::policy::{EndpointNeed, Policy};

pub(super) fn lower(policy: &Policy, tally: &mut Tally<'_>) {
    for need in &policy.endpoints {
        let made = endpoint_policy(policy, need);
        for definition in &made.definitions {
            let of = format!("{} {}", made.name, definition.name);
            let remedy = "list the resource group or subscription of the accounts in place of each account, which is \
                          wider, or give the workloads subnets of their own";
            let have = definition.resources.len();
            tally.count(LimitKey::EndpointPolicyResources, &of, have, remedy);
        }
        tally.plan.endpoint_policies.push(made);
    }
}

fn endpoint_policy(policy: &Policy, need: &EndpointNeed) -> EndpointPolicy {
    let definitions = need.definitions.iter().map(|(service, resources)| EndpointDefinition {
        name: name(&[service]),
        description: description(&need.causes, None),
        service: service.clone(),
        resources: resources.iter().cloned().collect(),
    });
    EndpointPolicy {
        name: match &policy.names.service_endpoint_policy {
            Some(base) => name(&[base, &need.subnet]),
            None => name(&[&policy.name, &need.subnet, "storage"]),
        },
        subnet: need.subnet.clone(),
        definitions: definitions.collect(),
    }
}
