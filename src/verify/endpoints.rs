//! Service endpoint policies: each lists what was asked for its subnet, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use super::report::{FailureKind, Proven, Report};
use crate::policy::{EndpointNeed, Policy};
use crate::read::resources::{EndpointDefinition, EndpointPolicy};
use crate::target::Target;

/// Proves that there is one policy for each subnet that needs one, with just the resources asked for.
///
/// Resources are ids and aliases, which Azure compares ignoring case.
pub(super) fn check(policy: &Policy, emitted: &[EndpointPolicy], format: &str, report: &mut Report) {
    let mut fail = |kind, text| report.fail(Target::ServiceEndpointPolicy, format, kind, text);
    for text in emitted.iter().flat_map(field_errors) {
        fail(FailureKind::Invalid, text);
    }
    // A policy is named after environment and subnet; what it does is told by its lists alone.
    let mut left: Vec<(&EndpointPolicy, Lists)> = emitted.iter().map(|p| (p, lists(p))).collect();
    for need in &policy.endpoints {
        let wanted = wanted(need);
        let ending = match policy.names.service_endpoint_policy {
            Some(_) => format!("-{}", need.subnet),
            None => format!("-{}-storage", need.subnet),
        };
        let found = left.iter().position(|(found, _)| match &found.subnet {
            Some(subnet) => *subnet == need.subnet,
            None => found.name.ends_with(&ending) || policy.endpoints.len() == 1,
        });
        let Some(found) = found else {
            let text = format!("no policy is there for subnet {}", need.subnet);
            fail(FailureKind::Missing, text);
            continue;
        };
        let (EndpointPolicy { name, .. }, lists) = left.swap_remove(found);
        for (service, id) in wanted.difference(&lists) {
            fail(FailureKind::Missing, format!("{name} does not list {id} of {service}"));
        }
        for (service, id) in lists.difference(&wanted) {
            fail(FailureKind::Excess, format!("{name} lists {id} of {service}, but nothing asks for it"));
        }
    }
    for (EndpointPolicy { name, .. }, _) in left {
        fail(FailureKind::Excess, format!("nothing asks for the policy {name}"));
    }
    report.proven.push(Proven {
        target: Target::ServiceEndpointPolicy.name().to_owned(),
        format: format.to_owned(),
        part: "resources".to_owned(),
        rules: emitted.iter().flat_map(|p| &p.definitions).map(|d| d.resources.len()).sum(),
        needs: policy.endpoints.iter().flat_map(|n| n.definitions.values()).map(BTreeSet::len).sum(),
    });
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
fn field_errors(policy: &EndpointPolicy) -> Vec<String> {
    let mut errors = Vec::new();
    if !super::names::legal_name(&policy.name) {
        errors.push(format!("{} is no legal name", policy.name));
    }
    let mut names = BTreeMap::new();
    for definition in &policy.definitions {
        let name = &definition.name;
        if names.insert(name.to_ascii_lowercase(), ()).is_some() || !super::names::legal_name(name) {
            errors.push(format!("{}: {name} is no legal name, or taken", policy.name));
        }
        errors.extend(super::names::long_description(name, &definition.description));
        if definition.resources.is_empty() {
            errors.push(format!("{name}: it lists nothing"));
        }
        let alias = |id: &String| id.to_ascii_lowercase().starts_with("/services/");
        let wants_alias = definition.service.eq_ignore_ascii_case("Global");
        for id in definition.resources.iter().filter(|id| alias(id) != wants_alias) {
            errors.push(format!("{name}: {id} does not go with the service {}", definition.service));
        }
    }
    errors
}
