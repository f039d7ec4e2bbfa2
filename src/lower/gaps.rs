//! What a target cannot say, and what covers it there.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use crate::addr::{AddrSet, IpPrefix};
use crate::packet::NextHop;
use crate::plan::{CoveredBy, Gap, Reason};
use crate::policy::{Flow, Policy, Remote, RouteNeed, SYSTEM_NONE, special_ranges};
use crate::tags::Symbol;
use crate::target::Target;

/// The gap that `flow` leaves on `target`.
pub(super) fn gap(
    policy: &Policy,
    target: Target,
    flow: &Flow,
    reason: Reason,
    remedy: impl Into<Cow<'static, str>>,
) -> Gap {
    let covered_by = covering(policy, flow, true);
    Gap {
        target,
        flow: flow.id.to_string(),
        remote: flow.remote.to_string(),
        partial: false,
        reason,
        covered_by,
        remedy: remedy.into(),
    }
}

/// What a subnet sends that no route table can lead to the firewall.
pub(super) fn past_gap(policy: &Policy, flow: &Flow) -> Gap {
    let remedy = "nothing: it takes the subnet's own way out";
    let mut gap = gap(policy, Target::Firewall, flow, Reason::NoRouteTable, remedy);
    gap.covered_by.push(CoveredBy::Anyway("the subnet's own way out, which leads past the firewall"));
    gap
}

/// An inbound need reaches the subnet past the firewall. That works where replies leave the same way: without a
/// diverting default route, or by a route of their own.
pub(super) fn inbound_gap(policy: &Policy, flow: &Flow) -> Gap {
    let remedy = "replies would leave by the firewall, which drops them: add a route for its addresses to the Internet, \
                  or publish the service by DNAT";
    let mut gap = gap(policy, Target::Firewall, flow, Reason::Inbound, remedy);
    if let Some(set) = from_inside(policy, flow) {
        gap.reason = Reason::FromInside;
        gap.remedy = Cow::Borrowed("nothing, as long as the sender's routes do not lead by the firewall");
        match replies(policy, flow, &set) {
            Replies::Direct => gap.covered_by.push(CoveredBy::Anyway(
                "the routes of the network and its peerings, by which replies go back too",
            )),
            Replies::Appliance => gap.covered_by.push(CoveredBy::Anyway(
                "the appliance to which replies go, where the sender's routes lead by it and it lets them in",
            )),
            Replies::Dropped => {
                gap.reason = Reason::RepliesDropped;
                let declared = set.is_subset(&policy.network.virtual_network());
                gap.remedy = Cow::Borrowed(if declared {
                    "leave out what keeps the routes to its network off (route-table.disable-bgp, disable-peering-route), or \
                     lead its addresses by a [[route]]"
                } else {
                    "name the network that it is in, in network.peers or network.on-premises"
                });
            }
        }
        return gap;
    }
    let own = policy.routes.iter().filter(|r| r.next_hop == NextHop::Internet && takes_replies(r, flow));
    gap.covered_by.extend(own.map(|r| CoveredBy::Route(r.id.clone())));
    if [false, true].into_iter().all(|v6| policy.default_way_of(&flow.subnet, v6).is_none()) {
        gap.covered_by.push(CoveredBy::Anyway("the direct way, since no default route leads elsewhere"));
    }
    gap
}

/// The senders of an inbound need, where all are in the network, in a peered one, behind its gateway or in private space.
fn from_inside(policy: &Policy, flow: &Flow) -> Option<AddrSet> {
    let set = match &flow.remote {
        Remote::Addresses(set) => set.difference(&flow.except),
        // Whatever the tag holds in this network.
        Remote::Symbol(Symbol::VirtualNetwork) => policy.network.space.difference(&flow.except),
        _ => return None,
    };
    let inside = policy.network.virtual_network().union(&special_ranges());
    (!set.is_empty() && set.is_subset(&inside)).then_some(set)
}

/// By what replies to senders inside go.
enum Replies {
    Direct,
    Appliance,
    Dropped,
}

/// By what replies of a need go to `set`, the worst of it: gateway and peerings lead there unless the table keeps their
/// routes off. Where a policy names neither, private space may be anything.
fn replies(policy: &Policy, flow: &Flow, set: &AddrSet) -> Replies {
    let (network, table) = (&policy.network, &policy.route_table);
    let peers = if table.disable_peering_route { AddrSet::empty() } else { network.peers.clone() };
    let behind = if table.disable_bgp { AddrSet::empty() } else { network.on_premises.space() };
    let known = AddrSet::union_of([&network.space, &peers, &behind]);
    let led = policy.routes_of(&flow.subnet).filter(|r| matches!(r.next_hop, NextHop::Appliance(_)));
    let led = AddrSet::union_of(&led.map(|need| policy.route_set(need, &flow.subnet)).collect::<Vec<_>>());
    let rest = set.difference(&known);
    let named = !(network.peers.is_empty() && network.on_premises.is_empty());
    let dropped: AddrSet = SYSTEM_NONE.iter().filter_map(|text| text.parse::<IpPrefix>().ok()).collect();
    let by_default = [false, true].into_iter().filter_map(|v6| policy.default_hop_of(&flow.subnet, v6));
    let to_appliance = by_default.into_iter().any(|hop| matches!(hop, NextHop::Appliance(_)));
    let private = rest.intersection(&dropped);
    if named && !policy.private_to_firewall() && !private.is_subset(&led) {
        return Replies::Dropped;
    }
    let sent = !set.is_disjoint(&led)
        || (!rest.is_empty() && to_appliance && (named || policy.private_to_firewall()));
    if sent { Replies::Appliance } else { Replies::Direct }
}

/// Whether a route takes the replies of `flow`, all of them.
fn takes_replies(route: &RouteNeed, flow: &Flow) -> bool {
    let left_out = route.except.difference(&flow.except);
    let asked = match &flow.remote {
        Remote::Tag(tag) => tag.set(),
        Remote::Addresses(set) => set,
        _ => return false,
    };
    holds(&route.to, flow) && asked.is_disjoint(&left_out)
}

/// Whether the remote side of `flow` lies in `to`.
fn holds(to: &Remote, flow: &Flow) -> bool {
    match (to, &flow.remote) {
        (Remote::Tag(route), Remote::Tag(tag)) => {
            route.name() == tag.name() || tag.set().is_subset(route.set())
        }
        (Remote::Addresses(route), Remote::Addresses(set)) => set.is_subset(route),
        (Remote::Tag(route), Remote::Addresses(set)) => set.is_subset(route.set()),
        (Remote::Addresses(route), Remote::Tag(tag)) => tag.set().is_subset(route),
        _ => false,
    }
}

/// The gap that a part of `flow` leaves, whose rest the target says.
pub(super) fn partial_gap(
    policy: &Policy,
    target: Target,
    flow: &Flow,
    reason: Reason,
    remedy: &'static str,
) -> Gap {
    // A stand-in comes in only where nothing of the flow is said.
    let covered_by = covering(policy, flow, false);
    Gap { partial: true, covered_by, ..gap(policy, target, flow, reason, remedy) }
}

/// Flows that the catalogue names as covering this one and that the target carries.
fn covering(policy: &Policy, flow: &Flow, stand_ins: bool) -> Vec<CoveredBy> {
    let covers = |other: &&Flow| (stand_ins || !other.stand_in) && other.covers(flow);
    policy.flows.iter().filter(covers).map(|f| CoveredBy::Flow(f.id.clone())).collect()
}

/// Takes back what claims to be covered by a flow that the target cannot say either.
pub(super) fn settle(gaps: &mut [Gap]) {
    let mut whole: HashMap<Target, HashSet<String>> = HashMap::new();
    for gap in gaps.iter().filter(|gap| !gap.partial) {
        whole.entry(gap.target).or_default().insert(gap.flow.clone());
    }
    for gap in gaps {
        let Some(whole) = whole.get(&gap.target) else { continue };
        gap.covered_by.retain(|by| match by {
            CoveredBy::Flow(id) => !whole.contains(id.as_str()),
            _ => true,
        });
    }
}
