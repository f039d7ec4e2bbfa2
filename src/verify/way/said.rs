//! What is said of a need: whether it works, and if not, where it stops and why.

use std::fmt;

use super::proof::Course;
use crate::packet::{Direction, NextHop};
use crate::policy::{Flow, Outbound, Policy, Remote};
use crate::replay::way::{At, Outcome};
use crate::rules::Packet;
use crate::tags::special_ranges;
use crate::verify::work::{Work, WorkState};
use crate::verify::work_why::{Remedy, WorkWhy};

/// A packet of a need that does not arrive, and what becomes of it.
#[derive(Clone, Copy)]
pub(super) struct Stop<'a> {
    pub(super) outcome: &'a Outcome,
    pub(super) packet: Packet,
}

/// What is said of a flow, once for each need that it comes from; `some` is whether other packets of it arrive.
pub(super) fn of(course: &Course<'_, '_>, flow: &Flow, stopped: Option<Stop<'_>>, some: bool) -> Vec<Work> {
    let unsaid = course.is_unsaid(flow);
    // That the firewall is not asked about what comes in says nothing of a route that loses the replies.
    let lost = flow.direction == Direction::Inbound
        && stopped.is_some_and(|stop| !matches!(stop.outcome.stops_at, Some(At::Admin | At::Nsg)));
    let door = stopped.and_then(|stop| door_of_replies(course.proof.policy, flow, stop));
    let state = match (stopped, unsaid) {
        (Some(_), _) if door.is_some() => WorkState::Elsewhere,
        (Some(_), _) => WorkState::Nowhere,
        (None, true) => WorkState::Elsewhere,
        (None, false) => WorkState::Works,
    };
    let mut works = Vec::new();
    for need in names(flow) {
        works.push(Work {
            need,
            subnet: flow.subnet.clone(),
            state,
            stops_at: stopped.map(|stop| stop_name(stop.outcome.stops_at)),
            why: stopped.map(|stop| match door {
                Some(door) => WorkWhy::ByReplies { packet: stop.packet, door },
                None => why(flow, stop, some),
            }),
            remedy: stopped.and_then(|stop| remedy(course.proof.policy, flow, stop)),
            packet: stopped.map(|stop| stop.packet),
            rule: stopped.and_then(|stop| stop.outcome.rule.clone()),
            declared: unsaid && !lost,
            in_part: stopped.is_some() && some,
            by_replies: door.is_some(),
        });
    }
    works
}

/// Where the replies of a need from outside go, if packets that come in there would be answered the right way: a need by
/// hand, since what a service sends comes straight, to a subnet of which nobody says that it has public addresses.
fn door_of_replies(policy: &Policy, flow: &Flow, stop: Stop<'_>) -> Option<NextHop> {
    let from = stop.packet.src();
    let inside = policy.network.virtual_network().union(&special_ranges()).contains(from);
    let by_hand = flow.causes.iter().all(|cause| cause.origin.is_none());
    let own = policy.network.subnets.get(&flow.subnet).and_then(|subnet| subnet.outbound);
    let open = matches!(own, Some(Outbound::PublicIp | Outbound::LoadBalancer));
    let on_the_way = matches!(stop.outcome.stops_at, Some(At::Route | At::Outbound));
    if flow.direction == Direction::Outbound || inside || !by_hand || open || !on_the_way {
        return None;
    }
    let routes = policy.routes_of(&flow.subnet);
    let led = routes.filter(|need| policy.route_set(need, &flow.subnet).contains(from)).last();
    let hop = led.map(|need| need.next_hop);
    let hop = hop.or_else(|| policy.default_way_of(&flow.subnet, from.is_ipv6()))?;
    matches!(hop, NextHop::Appliance(_) | NextHop::Gateway).then_some(hop)
}

/// Why packets of a flow do not arrive.
fn why(flow: &Flow, Stop { outcome, packet }: Stop<'_>, in_part: bool) -> WorkWhy {
    let inbound = flow.direction == Direction::Inbound;
    WorkWhy::Stops { at: outcome.stops_at, packet, inbound, rule: outcome.rule.clone(), in_part }
}

/// What the policy can say for a need from outside to work.
fn remedy(policy: &Policy, flow: &Flow, stop: Stop<'_>) -> Option<Remedy> {
    let (own, from) = (policy.network.virtual_network(), stop.packet.src());
    let subnet = flow.subnet.clone();
    match (flow.direction, stop.outcome.stops_at) {
        (Direction::Inbound, Some(At::Route)) if own.contains(from) => Some(Remedy::LeaveRoutes),
        (Direction::Inbound, Some(At::Route)) if special_ranges().contains(from) => Some(Remedy::NameNetwork),
        (Direction::Inbound, Some(At::Route)) => {
            Some(Remedy::LeadReplies { to: Written(flow).to_string(), subnet })
        }
        (Direction::Inbound, Some(At::Outbound)) => Some(Remedy::SayOutbound { subnet }),
        _ => None,
    }
}

/// The rows that a flow comes from; of a need by hand what was written.
fn names(flow: &Flow) -> Vec<String> {
    let mut names: Vec<String> = flow
        .causes
        .iter()
        .map(|cause| {
            cause.origin.as_ref().map_or_else(|| Written(flow).to_string(), |origin| origin.row.clone())
        })
        .collect();
    names.sort();
    names.dedup();
    names
}

/// The far side of a flow as a policy writes it.
struct Written<'a>(&'a Flow);

impl fmt::Display for Written<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.0.remote, &self.0.group) {
            (_, Some(group)) => write!(f, "group:{group}"),
            (Remote::Fqdn(host), _) => write!(f, "fqdn:{host}"),
            (Remote::FqdnTag(tag), _) => write!(f, "fqdn-tag:{tag}"),
            (Remote::Url(url), _) => write!(f, "url:{url}"),
            (remote, _) => remote.fmt(f),
        }
    }
}

/// Where packets stop, in the words of the manifest.
fn stop_name(at: Option<At>) -> &'static str {
    match at {
        Some(At::Admin | At::Nsg) => "nsg",
        Some(At::Firewall | At::Dnat) => "firewall",
        Some(At::Outbound) => "outbound",
        Some(At::Route | At::Network) | None => "route",
    }
}
