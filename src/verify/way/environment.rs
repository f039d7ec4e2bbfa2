//! The environment that the files of a generation make together.

use super::proof::Proof;
use crate::policy::Policy;
use crate::read::resources::Resources;
use crate::replay::all_groups;
use crate::replay::way::{Environment, Middle, Network, Subnet};
use crate::target::Target;
use crate::verify::difference::Differs;
use crate::verify::report::{FailureKind, Report};

/// What is put on the subnets of the policy, as the files say it.
pub(super) fn of(proof: &Proof<'_>, resources: &Resources, report: &mut Report) -> Environment {
    let policy = proof.policy;
    let subnets = policy.network.subnets.iter().map(|(name, subnet)| {
        let (group, table) = association(proof, resources, name);
        let known = |target: Target| proof.targets.contains(&target);
        Subnet {
            name: name.clone(),
            prefixes: subnet.prefixes.clone(),
            role: subnet.role.clone(),
            group: group.filter(|_| known(Target::Nsg)),
            interface_group: None,
            table: table.filter(|_| known(Target::RouteTable)),
            endpoints: subnet
                .endpoints
                .iter()
                .map(|endpoint| (endpoint.service.clone(), endpoint.addresses.clone()))
                .collect(),
            private: subnet.private,
            outbound: subnet.outbound,
        }
    });
    let environment = Environment {
        network: network(policy),
        subnets: subnets.collect(),
        groups: resources.nsgs.clone(),
        tables: resources.route_tables.clone(),
        firewall: firewall(proof, resources),
        ..Environment::default()
    };
    refuse_strangers(proof, resources, &environment, report);
    environment
}

/// Associations must name subnets of the policy.
fn refuse_strangers(
    proof: &Proof<'_>,
    resources: &Resources,
    environment: &Environment,
    report: &mut Report,
) {
    for put in resources.associations.iter().filter(|put| environment.subnet(&put.subnet).is_none()) {
        let differs = Differs::StrangeSubnet(put.subnet.clone());
        report.fail(Target::Nsg, proof.format, FailureKind::Invalid, differs);
    }
}

/// What a subnet has: as the format says it, else as it is declared.
fn association(proof: &Proof<'_>, resources: &Resources, subnet: &str) -> (Option<String>, Option<String>) {
    let own = resources.associations.iter().find(|put| put.subnet.eq_ignore_ascii_case(subnet));
    let said = own.map(|own| (own.nsg.clone(), own.route_table.clone()));
    let declared = || proof.placed.iter().find(|put| put.subnet == subnet);
    let declared = || declared().map(|own| (own.nsg.clone(), own.route_table.clone()));
    said.or_else(declared).unwrap_or_default()
}

fn network(policy: &Policy) -> Network {
    let own = &policy.network;
    Network {
        space: own.space.clone(),
        peers: own.peers.clone(),
        on_premises: own.on_premises.clone(),
        closed: !(own.peers.is_empty() && own.on_premises.is_empty()),
        firewall: own.firewall.clone(),
    }
}

fn firewall(proof: &Proof<'_>, resources: &Resources) -> Middle {
    if !proof.targets.contains(&Target::Firewall) {
        return Middle::Other;
    }
    Middle::Azure { policies: vec![all_groups(resources)], ip_groups: resources.ip_groups.clone() }
}
