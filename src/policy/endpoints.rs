//! Service endpoint policies: which storage accounts a subnet may reach, gathered over its workloads.
//!
//! A subnet with such a policy reaches what the policy lists and nothing else of the service, so that everything a
//! subnet needs must end in one list. Source: virtual-network-service-endpoint-policies-overview.md, 2023-04-06.

use std::collections::{BTreeMap, BTreeSet};

use super::draft::Rows;
use super::problem::NeedProblem;
use super::problems::Problems;
use super::rule::{Cause, EndpointNeed, EndpointOffer, Origin, Remarks};
use crate::catalog::{EndpointPolicy, Resolved};

/// The service whose resources are storage accounts.
const STORAGE: &str = "Microsoft.Storage";
/// The option of workloads that lists storage accounts.
const OPTION: &str = "storage-account-ids";

/// What the workloads of one environment say, collected by subnet.
#[derive(Default)]
pub(super) struct Endpoints(BTreeMap<String, EndpointNeed>);

impl Endpoints {
    /// Adds what one workload says for its subnets: a need where every definition has resources, else an offer.
    pub(super) fn add(
        &mut self,
        resolved: &Resolved,
        rows: &Rows<'_>,
        remarks: &mut Remarks,
        problems: &mut Problems,
    ) {
        for policy in &resolved.endpoint_policies {
            let whole = policy.definitions.iter().all(|(_, resources)| !resources.is_empty());
            for (subnet, _) in rows.subnets {
                if whole {
                    self.need(policy, rows, subnet);
                } else {
                    remarks.offers.push(offer(policy, rows.scope(), subnet.clone()));
                }
            }
            for (service, list) in &policy.definitions {
                for (id, why) in list.iter().filter_map(|id| Some((id, wrong_id(service, id)?))) {
                    let id = id.clone();
                    problems.at(rows.place.at(OPTION), NeedProblem::ResourceId { id, why });
                }
            }
        }
    }

    fn need(&mut self, policy: &EndpointPolicy, rows: &Rows<'_>, subnet: &str) {
        let need = self.0.entry(subnet.to_owned()).or_insert_with_key(|subnet| EndpointNeed {
            subnet: subnet.clone(),
            definitions: BTreeMap::new(),
            causes: Vec::new(),
        });
        for (service, resources) in &policy.definitions {
            let known = need.definitions.entry(service.clone()).or_default();
            for id in resources {
                add_ignoring_case(known, id);
            }
        }
        need.causes.extend(policy.rows.iter().map(|row| Cause {
            workload: rows.scope(),
            row: row.clone(),
            why: policy.purpose.clone(),
            source: policy.source.clone(),
            covered_by: Vec::new(),
            required: false,
            origin: Some(Origin { workload: rows.workload.clone(), row: row.clone() }),
        }));
    }

    /// The needs, in order of subnets.
    pub(super) fn into_needs(self) -> Vec<EndpointNeed> {
        let mut needs: Vec<EndpointNeed> = self.0.into_values().collect();
        for need in &mut needs {
            need.causes.sort();
            need.causes.dedup();
        }
        needs
    }
}

/// Azure compares ids ignoring case; of two spellings the first in order stays, whichever came first.
fn add_ignoring_case(known: &mut BTreeSet<String>, id: &str) {
    let same = known.iter().find(|k| k.eq_ignore_ascii_case(id)).cloned();
    match same {
        Some(other) if other.as_str() <= id => {}
        Some(other) => {
            known.remove(&other);
            known.insert(id.to_owned());
        }
        None => {
            known.insert(id.to_owned());
        }
    }
}

fn offer(policy: &EndpointPolicy, workload: String, subnet: String) -> EndpointOffer {
    EndpointOffer {
        workload,
        subnet,
        option: OPTION,
        purpose: policy.purpose.clone(),
        source: policy.source.clone(),
    }
}

/// Why Azure would not take `id` as a resource of `service`; `None` if it would.
fn wrong_id(service: &str, id: &str) -> Option<&'static str> {
    if service != STORAGE {
        return None;
    }
    let lower = id.to_ascii_lowercase();
    let parts: Vec<&str> = lower.split('/').collect();
    let (subscription, rest) = match parts.as_slice() {
        ["", "subscriptions", subscription, rest @ ..] => (subscription, rest),
        _ => return Some(WANTED),
    };
    let (group, account) = match rest {
        [] => (None, None),
        ["resourcegroups", group] => (Some(group), None),
        ["resourcegroups", group, "providers", "microsoft.storage", "storageaccounts", account] => {
            (Some(group), Some(account))
        }
        _ => return Some(WANTED),
    };
    if !is_guid(subscription) {
        return Some("the id of a subscription has 32 hexadecimal digits as 8-4-4-4-12");
    }
    if group.is_some_and(|group| !is_group_name(group)) {
        return Some(
            "a resource group's name has 1 to 90 letters, digits, `-`, `_`, `.`, `(` or `)`, and ends in no `.`",
        );
    }
    // Names of accounts have no capitals; an id may be written in any case.
    if account.is_some_and(|account| !is_account_name(account)) {
        return Some("a storage account's name has 3 to 24 letters and digits and nothing else");
    }
    None
}

const WANTED: &str = "a resource id is expected: /subscriptions/ID, with /resourceGroups/NAME, or with \
     /providers/Microsoft.Storage/storageAccounts/NAME after that";

fn is_guid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && parts.iter().all(|part| part.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Source: resource-name-rules.md, 2020-02-11; letters beyond ASCII are taken as they are.
fn is_group_name(text: &str) -> bool {
    let legal = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '(' | ')');
    (1..=90).contains(&text.chars().count()) && text.chars().all(legal) && !text.ends_with('.')
}

/// Source: resource-name-rules.md, 2020-02-11.
fn is_account_name(text: &str) -> bool {
    (3..=24).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_accounts_groups_or_subscriptions() {
        const SUB: &str = "/subscriptions/11111111-1111-1111-1111-11111111111A";
        let group = format!("{SUB}/resourceGroups/g_(1)");
        let account = format!("{group}/providers/Microsoft.Storage/storageAccounts/abc123");
        for id in [SUB, &group, &account, &account.to_uppercase()] {
            assert_eq!(wrong_id(STORAGE, id), None, "{id}");
        }
        for id in [
            "a",
            &SUB[1..],
            "/subscriptions/",
            "/subscriptions/s",
            &SUB[..SUB.len() - 1],
            &format!("{SUB}/"),
            &format!("{SUB}/resourceGroups/"),
            &format!("{SUB}/resourceGroups/g."),
            &format!("{SUB}/resourceGroups/a b"),
            &format!("{group}/providers/x"),
            &format!("{group}/providers/Microsoft.Network/virtualNetworks/abc"),
            &format!("{account}/blobServices/default"),
            &format!("{group}/providers/Microsoft.Storage/storageAccounts/ab"),
            &format!("{account}-x"),
            &format!("{account}{account}"),
        ] {
            assert!(wrong_id(STORAGE, id).is_some(), "{id}");
        }
        assert_eq!(wrong_id("Global", "/services/Azure/MachineLearning"), None);
    }

    #[test]
    fn spellings_that_differ_in_case_are_one() {
        let mut known = BTreeSet::new();
        for id in ["/subscriptions/S", "/subscriptions/s", "/Subscriptions/s"] {
            add_ignoring_case(&mut known, id);
        }
        assert_eq!(known.into_iter().collect::<Vec<_>>(), ["/Subscriptions/s"]);
    }
}
