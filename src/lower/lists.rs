//! Lists of addresses for targets that take lists: one for each remote of addresses that a policy names.

use std::collections::BTreeMap;

use super::count;
use super::names::{name, remote_part};
use crate::addr::{AddrSet, IpPrefix};
use crate::plan::{AddressList, Exceeded, Limits, Plan};
use crate::policy::{Policy, Remote};
use crate::target::FormatName;

/// The lists of tags and addresses, without families that no subnet asking for them has. Host names have no addresses
/// to list; symbols and `*` stand for so much that no list-taking firewall should hold them.
pub(super) fn lower(policy: &Policy, limits: &Limits, plan: &mut Plan, over: &mut Vec<Exceeded>) {
    let symbols = policy.symbols();
    let mut sets: BTreeMap<String, (String, AddrSet)> = BTreeMap::new();
    for flow in policy.flows.iter().filter(|f| matches!(f.remote, Remote::Tag(_) | Remote::Addresses(_))) {
        let Some(set) = flow.remote_set(&symbols).filter(|set| !set.is_empty()) else { continue };
        let title = if flow.except.is_empty() {
            flow.remote.to_string()
        } else {
            format!("{} without exceptions", flow.remote)
        };
        let entry = sets.entry(name(&[&remote_part(flow)])).or_insert_with(|| (title, AddrSet::empty()));
        entry.1 = entry.1.union(&set);
    }
    let list = |(name, (title, set)): (String, (String, AddrSet))| AddressList {
        name,
        title,
        prefixes: set.prefixes().collect::<Vec<IpPrefix>>(),
    };
    plan.lists = sets.into_iter().map(list).collect();
    if policy.output.formats.contains(&FormatName::Edl) {
        let rows: Vec<(String, usize)> = plan.lists.iter().flat_map(longest).collect();
        let remedy =
            "ask for fewer regions of the tag, or raise limits.list-entries if the firewall takes more";
        rows.into_iter().for_each(|(of, have)| count(limits, "list-entries", &of, have, remedy, plan, over));
    }
}

fn longest(list: &AddressList) -> Option<(String, usize)> {
    list.families().map(|(_, prefixes)| prefixes.len()).max().map(|most| (list.name.clone(), most))
}
