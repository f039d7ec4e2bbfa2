//! Tags in place of lists that somebody wrote by hand, and tags that another one makes needless.

use std::collections::{BTreeMap, BTreeSet};

use super::network::Network;
use super::rule::{Flow, Remote, only_families_of, short_list};
use super::whole::Policy;
use super::within::within_cloud;
use crate::addr::{AddrSet, IpPrefix};
use crate::packet::Direction;
use crate::tags::{Snapshot, TagCover, TagGoal, TagIndex, TagName};
use crate::target::Target;

/// The most tags that are worth naming in place of a list.
const FEW: usize = 3;

/// What the author of the policy could change. Nothing of it is done, since it would hold for this snapshot alone.
pub(super) fn notes(policy: &Policy, snapshot: &Snapshot) -> BTreeSet<String> {
    let mut notes = tags_for_lists(policy, snapshot);
    notes.extend(within_all_of_azure(policy));
    notes
}

/// For each tag whose addresses a tag of all of Azure lets through besides: a word that its need could go.
fn within_all_of_azure(policy: &Policy) -> impl Iterator<Item = String> {
    let tags: Vec<&Flow> = policy.flows.iter().filter(|flow| matches!(flow.remote, Remote::Tag(_))).collect();
    let wide: Vec<&Flow> =
        tags.iter().copied().filter(|flow| tags.iter().any(|f| within_cloud(flow, f))).collect();
    tags.into_iter().filter_map(move |flow| {
        let wide = wide.iter().find(|wide| within_cloud(wide, flow))?;
        let arrow = if flow.direction == Direction::Inbound { "from" } else { "to" };
        Some(format!(
            "{arrow} {} ({} {}, subnet {}): the tag lies within {} in this snapshot, which is allowed with the same protocols and ports; the rule of its own stays, because Azure may change that: leave the need out if it is not to outlive that",
            flow.remote, flow.protocol, flow.ports, flow.subnet, wide.remote
        ))
    })
}

/// For each list of addresses in the policy that is exactly what a few tags hold, which every target takes by name: a
/// word that they could stand in its place. The list stays as it is, since a tag changes with time.
///
/// Nothing is looked up where the policy has no such lists.
fn tags_for_lists(policy: &Policy, snapshot: &Snapshot) -> BTreeSet<String> {
    // An index for each choice of families: of a tag, only what the subnet can reach counts.
    let mut indexes: BTreeMap<(bool, bool), TagIndex> = BTreeMap::new();
    let lists =
        policy.flows.iter().filter(|flow| matches!(flow.remote, Remote::Addresses(_)) && by_hand(flow));
    lists
        .filter_map(|flow| {
            let asked = policy.listed(flow.id.as_str()).filter(|set| !set.is_empty())?;
            let families = (!flow.local.v4.is_empty(), !flow.local.v6.is_empty());
            let index = indexes.entry(families).or_insert_with(|| {
                let sets: Vec<(TagName, AddrSet)> = snapshot
                    .tags()
                    .iter()
                    .map(|tag| (tag.name().clone(), only_families_of(tag.set(), &flow.local)))
                    .collect();
                TagIndex::new(sets.iter().map(|(name, set)| (name.clone(), set)))
            });
            let usable = |name: &TagName| taken_by_name(policy, flow, snapshot, name);
            let found = TagCover::find_among(index, &asked, TagGoal::Exact, usable).ok()?;
            (found.tags.len() <= FEW).then(|| {
                let names: Vec<String> = index.names_of(&found.tags).map(|name| format!("`{name}`")).collect();
                let list = match &flow.group {
                    Some(group) => format!("group {group}"),
                    None => format!("the list {}", short_list(&asked)),
                };
                let (what, it) = if names.len() == 1 { ("tag", "it") } else { ("tags", "them") };
                format!(
                    "{list} holds exactly what the {what} {} does in this snapshot: name {it} in its place, and Azure keeps the rule current; it was left as a list, since a tag changes with time",
                    names.join(" and ")
                )
            })
        })
        .collect()
}

fn by_hand(flow: &Flow) -> bool {
    flow.causes.iter().any(|cause| cause.origin.is_none())
}

/// Whether every target that carries the flow takes the tag by name.
fn taken_by_name(policy: &Policy, flow: &Flow, snapshot: &Snapshot, name: &TagName) -> bool {
    let Some(tag) = snapshot.tag(name.as_str()) else { return false };
    let takes = |target, feature| !policy.wants(target) || tag.features().has(feature);
    takes(Target::Nsg, "NSG") && (flow.direction == Direction::Inbound || takes(Target::Firewall, "FW"))
}

/// What is cut off where the firewall lies in a network that the policy does not name as a peer.
pub(super) fn peers_missing(network: &Network) -> Option<String> {
    let known = network.virtual_network();
    let hosts = network.firewall.iter().filter_map(|address| address.to_string().parse::<IpPrefix>().ok());
    let away = hosts.map(AddrSet::from).find(|host| !host.is_subset(&known))?;
    Some(format!(
        "network.firewall {} lies in another network, and network.peers names none that holds it: where rules stand for VirtualNetwork by addresses, they take the network's own address space only ({}); name the spaces of peered networks in network.peers if they are to get through",
        short_list(&away),
        short_list(&known)
    ))
}
