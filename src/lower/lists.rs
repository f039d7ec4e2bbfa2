//! Lists of addresses for targets that take lists: one for each remote of addresses that a policy names.

use std::collections::BTreeMap;

use super::names::{name, remote_part};
use super::tally::Tally;
use crate::addr::AddrSet;
use crate::plan::{AddressList, LimitKey, extra_of};
use crate::policy::{Flow, Policy, Remote};
use crate::target::{FormatName, Target};
use crate::text::is_reserved;

/// The lists of tags and addresses, without families that no subnet asking for them has. Host names have no addresses
/// to list; symbols and `*` stand for so much that no list-taking firewall should hold them.
pub(super) fn lower(policy: &Policy, tally: &mut Tally<'_>) {
    let symbols = policy.symbols();
    let mut sets: BTreeMap<String, (String, AddrSet)> = BTreeMap::new();
    for flow in policy.flows.iter().filter(|f| matches!(f.remote, Remote::Tag(_) | Remote::Addresses(_))) {
        let Some(set) = flow.remote_set(&symbols).filter(|set| !set.is_empty()) else { continue };
        let title = if flow.except.is_empty() {
            flow.remote.to_string()
        } else {
            format!("{} without exceptions", flow.remote)
        };
        let entry = sets.entry(list_name(flow)).or_insert_with(|| (title, AddrSet::empty()));
        entry.1 = entry.1.union(&set);
    }
    let plan = &mut tally.plan;
    let list = |(name, (title, set)): (String, (String, AddrSet))| {
        let widened = plan.extras.iter().any(|extra| extra.target == Target::Lists);
        let fetched = widened.then(|| {
            let extra =
                listing(policy, &name).map(|flow| extra_of(&plan.extras, Target::Lists, flow.id.as_str()));
            AddrSet::union_of(&extra.collect::<Vec<_>>()).union(&set)
        });
        let fetched = fetched.filter(|wider| *wider != set).map(|wider| wider.prefixes().collect());
        AddressList { name, title, prefixes: set.prefixes().collect(), fetched }
    };
    plan.lists = sets.into_iter().map(list).collect();
    if policy.output.formats.contains(&FormatName::Edl) {
        let rows: Vec<(String, usize)> = plan.lists.iter().flat_map(longest).collect();
        let remedy =
            "ask for fewer regions of the tag, or raise limits.list-entries if the firewall takes more";
        rows.into_iter().for_each(|(of, have)| tally.count(LimitKey::ListEntries, &of, have, remedy));
    }
}

/// The flows whose addresses the list called `name` holds.
pub(super) fn listing<'a>(policy: &'a Policy, name: &'a str) -> impl Iterator<Item = &'a Flow> {
    let listed = policy.flows.iter().filter(|f| matches!(f.remote, Remote::Tag(_) | Remote::Addresses(_)));
    listed.filter(move |flow| list_name(flow) == name)
}

/// Lists are files, so that no list has a name that a file system keeps for itself.
fn list_name(flow: &Flow) -> String {
    let name = name(&[&remote_part(flow)]);
    if is_reserved(&name) { format!("list-{name}") } else { name }
}

fn longest(list: &AddressList) -> Option<(String, usize)> {
    list.fetched_families().map(|(_, prefixes)| prefixes.len()).max().map(|most| (list.name.clone(), most))
}
