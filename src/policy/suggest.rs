//! Tags in place of lists that somebody wrote by hand, and tags that another one makes needless.

use std::collections::BTreeMap;

use super::network::Network;
use super::note::Note;
use super::rule::{Flow, Remote, only_families_of};
use super::whole::Policy;
use super::within::within_cloud;
use crate::addr::{AddrSet, IpPrefix};
use crate::packet::Direction;
use crate::tags::{Snapshot, TagCover, TagGoal, TagIndex, TagName};
use crate::target::Target;

/// The most tags that are worth naming in place of a list.
const FEW: usize = 3;

/// What the author of the policy could change. Nothing of it is done, since it would hold for this snapshot alone.
pub(super) fn notes<'a>(policy: &'a Policy, snapshot: &'a Snapshot) -> impl Iterator<Item = Note> + 'a {
    tags_for_lists(policy, snapshot).into_iter().chain(within_all_of_azure(policy))
}

/// For each tag whose addresses a tag of all of Azure lets through besides: a word that its need could go.
fn within_all_of_azure(policy: &Policy) -> impl Iterator<Item = Note> {
    let tags: Vec<&Flow> = policy.flows.iter().filter(|flow| matches!(flow.remote, Remote::Tag(_))).collect();
    let wide: Vec<&Flow> =
        tags.iter().copied().filter(|flow| tags.iter().any(|f| within_cloud(flow, f))).collect();
    tags.into_iter().filter_map(move |flow| {
        let wide = wide.iter().find(|wide| within_cloud(wide, flow))?;
        let (Remote::Tag(tag), Remote::Tag(wide)) = (&flow.remote, &wide.remote) else { return None };
        Some(Note::Within { tag: flow.tag_need(tag), wide: wide.name().clone() })
    })
}

/// For each list of addresses in the policy that is exactly what a few tags hold, which every target takes by name: a
/// word that they could stand in its place. The list stays as it is, since a tag changes with time.
///
/// Nothing is looked up where the policy has no such lists.
fn tags_for_lists(policy: &Policy, snapshot: &Snapshot) -> Vec<Note> {
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
            (found.tags.len() <= FEW).then(|| Note::ListOfTags {
                group: flow.group.clone(),
                tags: index.names_of(&found.tags).cloned().collect(),
                list: asked,
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
pub(super) fn peers_missing(network: &Network) -> Option<Note> {
    let known = network.virtual_network();
    let hosts = network.firewall.iter().map(|&address| AddrSet::from(IpPrefix::host(address)));
    let firewall = hosts.into_iter().find(|host| !host.is_subset(&known))?;
    Some(Note::NoPeer { firewall, known })
}
