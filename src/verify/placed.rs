//! What is put on which subnet: as it is declared, as a format says it, and as the policy wants it.

use std::collections::BTreeSet;

use super::difference::Differs;
use crate::addr::IpPrefix;
use crate::plan::Association;
use crate::policy::Policy;
use crate::read::resources::{self, Resources};
use crate::target::FormatName;

/// What each subnet of `policy` has: as declared; else the only resource of a kind is on every subnet that needs one.
pub(super) fn of(policy: &Policy, declared: &[Association], resources: &Resources) -> Vec<Association> {
    if !declared.is_empty() {
        return declared.to_vec();
    }
    let grouped: BTreeSet<String> =
        policy.group_scopes().into_iter().flat_map(|scope| scope.subnets).collect();
    let nsg = if let [nsg] = resources.nsgs.as_slice() { Some(&nsg.name) } else { None };
    let table = if let [table] = resources.route_tables.as_slice() { Some(&table.name) } else { None };
    let names = policy.network.subnets.keys();
    let one = |name: &String| Association {
        subnet: name.clone(),
        nsg: nsg.filter(|_| grouped.contains(name)).cloned(),
        route_table: table.filter(|_| policy.is_routed(name)).cloned(),
        ..Association::default()
    };
    names.map(one).collect()
}

/// Where what is declared is not of this policy, and where a format says something else.
pub(super) fn differences(
    policy: &Policy,
    declared: &[Association],
    resources: &Resources,
    format: &str,
) -> Vec<Differs> {
    let mut found = Vec::new();
    if !declared.is_empty() {
        let known: Vec<&String> = policy.network.subnets.keys().collect();
        let have: Vec<&String> = declared.iter().map(|association| &association.subnet).collect();
        if known != have {
            found.push(Differs::Associations);
        }
        let wrong = declared.iter().filter(|association| {
            policy.network.subnets.get(&association.subnet).is_some_and(|subnet| {
                subnet.prefixes.prefixes().collect::<Vec<IpPrefix>>() != association.prefixes
            })
        });
        found.extend(wrong.map(|association| Differs::Prefixes(association.subnet.clone())));
    }
    let partly = [FormatName::Terraform, FormatName::TerraformJson, FormatName::Azcli];
    let asked = policy.output.associations && partly.iter().any(|known| known.name() == format);
    let says = asked || !resources.associations.is_empty() || format == FormatName::Json.name();
    if !declared.is_empty() && says {
        let known = |association: &resources::Association| in_words_of(format, association);
        let said: Vec<resources::Association> = declared.iter().map(said).filter_map(|a| known(&a)).collect();
        if said != resources.associations {
            found.push(Differs::NotDeclared);
        }
    }
    found
}

/// What a format says of an association: the plan all; scripts what is put on a subnet; Terraform that but for endpoint
/// policies, which belong to the subnet itself there.
fn in_words_of(format: &str, association: &resources::Association) -> Option<resources::Association> {
    if format == FormatName::Json.name() {
        return Some(association.clone());
    }
    let mut words = resources::Association { prefixes: Vec::new(), reserved: None, ..association.clone() };
    if format != FormatName::Azcli.name() {
        words.service_endpoint_policy = None;
    }
    let put = words.nsg.is_some() || words.route_table.is_some() || words.service_endpoint_policy.is_some();
    put.then_some(words)
}

fn said(association: &Association) -> resources::Association {
    resources::Association {
        subnet: association.subnet.clone(),
        prefixes: association.prefixes.iter().map(ToString::to_string).collect(),
        nsg: association.nsg.clone(),
        route_table: association.route_table.clone(),
        service_endpoint_policy: association.service_endpoint_policy.clone(),
        reserved: association.reserved.clone(),
    }
}
