//! The subnets that an entry of the policy is for.

use std::collections::BTreeMap;

use super::intent::OneOrMany;
use super::network::Network;
use super::place::Path;
use super::problem::{NeedProblem, Problem};
use super::problems::Problems;
use crate::addr::AddrSet;

/// The subnets that are named, with their addresses; all if none is, but for those that Azure reserves for its own
/// services, unless there are no others.
pub(super) fn subnets(
    network: &Network,
    named: &OneOrMany,
    place: &Path,
    problems: &mut Problems,
) -> Vec<(String, AddrSet)> {
    if named.is_empty() {
        return all(network, place, problems);
    }
    let mut found = BTreeMap::new();
    for (index, name) in named.as_slice().iter().enumerate() {
        let place = place.at("subnet").at(index);
        match network.subnets.get(name) {
            Some(subnet) if !subnet.role.takes_group() => {
                problems.at(place, NeedProblem::NoGroup(name.clone()));
            }
            Some(subnet) => {
                found.insert(name.clone(), subnet.prefixes.clone());
            }
            None => problems.at(place, Problem::no_subnet(name, network)),
        }
    }
    found.into_iter().collect()
}

fn all(network: &Network, place: &Path, problems: &mut Problems) -> Vec<(String, AddrSet)> {
    let taking = |reserved: bool| -> Vec<(String, AddrSet)> {
        let own = network
            .subnets
            .iter()
            .filter(|(_, subnet)| subnet.role.takes_group() && (reserved || !subnet.role.is_reserved()));
        own.map(|(name, subnet)| (name.clone(), subnet.prefixes.clone())).collect()
    };
    let ordinary = taking(false);
    let found = if ordinary.is_empty() { taking(true) } else { ordinary };
    if found.is_empty() && !network.subnets.is_empty() {
        problems.at(place.clone(), NeedProblem::NoneTakes(network.subnets.keys().cloned().collect()));
    }
    found
}
