//! Service endpoint policies: each lists what was asked for its subnet, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use super::difference::Differs;
use super::report::{FailureKind, Report};
use crate::policy::{EndpointNeed, Policy};
use crate::read::resources::{EndpointDefinition, EndpointPolicy};
use crate::target::Target;

/// Proves that there is one policy for each subnet that needs one, with just the resources asked for.
///
/// Resources are ids and aliases, which Azure compares ignoring case.
pub(super) fn check(policy: &Policy, emitted: &[EndpointPolicy], format: &str, report: &mut Report) {
    let mut fail = |kind, differs: Differs| report.fail(Target::ServiceEndpointPolicy, format, kind, differs);
    for differs in emitted.iter().flat_map(field_errors) {
        fail(FailureKind::Invalid, differs);
    }
    // A policy is named after environment and subnet; what it does is told by its lists alone.
    let mut left: Vec<(&EndpointPolicy, Lists)> = emitted.iter().map(|p| (p, lists(p))).collect();
    for need in &policy.endpoints {
        let wanted = wanted(need);
        // Where the policy gives a name, the subnet stands behind it; else what the policy is for stands behind that.
        let own = policy.names.service_endpoint_policy.is_some();
        let ends = |name: &str| {
            let name = if own { Some(name) } else { name.strip_suffix("-storage") };
            name.and_then(|name| name.strip_suffix(need.subnet.as_str()))
                .is_some_and(|start| start.ends_with('-'))
        };
        let found = left.iter().position(|(found, _)| match &found.subnet {
            Some(subnet) => *subnet == need.subnet,
            None => ends(&found.name) || policy.endpoints.len() == 1,
        });
        let Some(found) = found else {
            fail(FailureKind::Missing, Differs::NoPolicy(need.subnet.clone()));
            continue;
        };
        let (EndpointPolicy { name, .. }, lists) = left.swap_remove(found);
        for (service, id) in wanted.difference(&lists).cloned() {
            fail(FailureKind::Missing, Differs::NotListed { name: name.clone(), id, service });
        }
        for (service, id) in lists.difference(&wanted).cloned() {
            fail(FailureKind::Excess, Differs::Listed { name: name.clone(), id, service });
        }
    }
    for (EndpointPolicy { name, .. }, _) in left {
        fail(FailureKind::Excess, Differs::UnusedPolicy(name.clone()));
    }
    let rules = emitted.iter().flat_map(|p| &p.definitions).map(|d| d.resources.len()).sum();
    let needs = policy.endpoints.iter().flat_map(|n| n.definitions.values()).map(BTreeSet::len).sum();
    report.prove(Target::ServiceEndpointPolicy, format, "resources", [rules, needs]);
}

/// Service and resource in lower case.
type Lists = BTreeSet<(String, String)>;

fn wanted(need: &EndpointNeed) -> Lists {
    let pair = |service: &str, id: &str| (service.to_ascii_lowercase(), id.to_ascii_lowercase());
    need.definitions.iter().flat_map(|(s, ids)| ids.iter().map(move |id| pair(s, id))).collect()
}

fn lists(policy: &EndpointPolicy) -> Lists {
    let pair = |d: &EndpointDefinition, id: &str| (d.service.to_ascii_lowercase(), id.to_ascii_lowercase());
    policy.definitions.iter().flat_map(|d| d.resources.iter().map(move |id| pair(d, id))).collect()
}

/// What Azure would refuse. Source: virtual-network-service-endpoint-policies-overview.md, 2023-04-06.
fn field_errors(policy: &EndpointPolicy) -> Vec<Differs> {
    let mut errors = Vec::new();
    if !super::names::legal_name(&policy.name) {
        errors.push(Differs::IllegalName(policy.name.clone()));
    }
    let mut names = BTreeMap::new();
    for definition in &policy.definitions {
        let name = &definition.name;
        if names.insert(name.to_ascii_lowercase(), ()).is_some() || !super::names::legal_name(name) {
            let wrong = Differs::IllegalOrTaken(name.clone());
            errors.push(Differs::In(policy.name.clone(), Box::new(wrong)));
        }
        errors.extend(super::names::long_description(name, &definition.description));
        if definition.resources.is_empty() {
            errors.push(Differs::EmptyDefinition(name.clone()));
        }
        let alias = |id: &String| id.to_ascii_lowercase().starts_with("/services/");
        let wants_alias = definition.service.eq_ignore_ascii_case("Global");
        for id in definition.resources.iter().filter(|id| alias(id) != wants_alias) {
            let (id, service) = (id.clone(), definition.service.clone());
            errors.push(Differs::WrongService { name: name.clone(), id, service });
        }
    }
    errors
}
