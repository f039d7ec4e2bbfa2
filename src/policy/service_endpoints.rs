//! Service endpoints of subnets: which addresses each takes past the route table.

use super::intent::Intent;
use super::network::{Network, SubnetEndpoint};
use super::place::Path;
use super::problem::NetworkProblem;
use super::problems::Problems;
use super::rule::EndpointNeed;
use crate::catalog::ServiceEndpoint;
use crate::tags::{Region, Snapshot};

/// The endpoint of storage, and its form for all regions, which a subnet cannot have both. Source:
/// storage-network-security.md, 2024: local and cross-region endpoints do not go together.
const STORAGE: [&str; 2] = ["Microsoft.Storage", "Microsoft.Storage.Global"];

/// Gives each subnet the endpoints that the policy file says it has. A service endpoint policy works only through the
/// endpoint of storage, so that a subnet with one has that too, for all regions.
pub(super) fn resolved(
    intent: &Intent,
    known: Option<(&Snapshot, &Region)>,
    policies: &[EndpointNeed],
    mut network: Network,
    problems: &mut Problems,
) -> Network {
    let Some((snapshot, region)) = known else { return network };
    for (name, subnet) in &mut network.subnets {
        let listed = policies.iter().any(|need| need.subnet == *name);
        let place = Path::top().at("subnets").at(name.as_str()).at("service-endpoints");
        let given = intent.subnets.get(name).map(|given| given.service_endpoints.as_slice());
        let mut found: Vec<(&'static ServiceEndpoint, bool)> = Vec::new();
        for (index, text) in given.unwrap_or_default().iter().enumerate() {
            let place = place.at(index);
            match ServiceEndpoint::find(text) {
                Ok(known) => match found.iter().find(|(other, _)| clashes(known, other)) {
                    Some((other, _)) => {
                        let (text, other) = (text.clone(), other.service.as_str());
                        problems.at(place, NetworkProblem::Endpoints { text, other });
                    }
                    None => found.push((known, true)),
                },
                Err(message) => problems.at(place, message),
            }
        }
        if listed && !found.iter().any(|(known, _)| is_storage(known)) {
            found.extend(ServiceEndpoint::find(STORAGE[0]).ok().map(|known| (known, false)));
        }
        for (known, said) in found {
            let narrowed = listed && is_storage(known);
            match known.addresses(snapshot, region, narrowed) {
                Some(addresses) => {
                    let service = known.service.clone();
                    subnet.endpoints.push(SubnetEndpoint { service, addresses, narrowed, said });
                }
                None => {
                    let (service, tag) = (known.service.as_str(), known.tag.as_str());
                    let region = region.display().to_owned();
                    problems.at(place.clone(), NetworkProblem::EndpointTag { service, tag, region });
                }
            }
        }
        subnet.endpoints.sort_by(|a, b| a.service.cmp(&b.service));
    }
    network
}

fn is_storage(endpoint: &ServiceEndpoint) -> bool {
    STORAGE.contains(&endpoint.service.as_str())
}

fn clashes(one: &ServiceEndpoint, other: &ServiceEndpoint) -> bool {
    one.service == other.service || (is_storage(one) && is_storage(other))
}
