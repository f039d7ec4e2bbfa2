//! What is said of a need: whether it works, and if not, where it stops and why.

use super::proof::Course;
use crate::packet::Direction;
use crate::policy::{Flow, Policy, Remote};
use crate::replay::way::{At, Outcome};
use crate::rules::Packet;
use crate::tags::special_ranges;
use crate::verify::work::{Work, WorkState};

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
    let state = match (stopped, unsaid) {
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
            why: stopped.map(|stop| why(flow, stop, some)),
            remedy: stopped.and_then(|stop| remedy(course.proof.policy, flow, stop)),
            packet: stopped.map(|stop| stop.packet),
            rule: stopped.and_then(|stop| stop.outcome.rule.clone()),
            declared: unsaid && !lost,
            in_part: stopped.is_some() && some,
        });
    }
    works
}

fn why(flow: &Flow, Stop { outcome, packet }: Stop<'_>, some: bool) -> String {
    let inbound = flow.direction == Direction::Inbound;
    let by = outcome.rule.as_ref().map_or_else(String::new, |rule| format!(" by {rule}"));
    let stop = match outcome.stops_at {
        Some(At::Admin) => format!("a security admin rule stops {packet}{by}"),
        Some(At::Nsg) => format!("the security group stops {packet}{by}"),
        Some(At::Firewall | At::Dnat) => format!("the firewall stops {packet}{by}"),
        Some(At::Outbound) if inbound => {
            format!("the subnet takes in nothing from the Internet, such as {packet}")
        }
        Some(At::Outbound) => format!("the subnet has no way out for {packet}"),
        _ => format!("no route leads {packet} or its replies the right way"),
    };
    if some { format!("in part: {stop}") } else { stop }
}

/// What the policy can say for a need from outside to work.
fn remedy(policy: &Policy, flow: &Flow, stop: Stop<'_>) -> Option<String> {
    let subnet = &flow.subnet;
    let (own, from) = (policy.network.virtual_network(), stop.packet.src());
    let dnat = "publish it by a DNAT rule of the firewall and ask for the firewall's subnet in `from`, since its address is \
                what then arrives";
    match (flow.direction, stop.outcome.stops_at) {
        (Direction::Inbound, Some(At::Route)) if own.contains(from) => Some(
            "leave the routes of its network on the subnet (`route-table.disable-bgp` and `disable-peering-route` keep them \
             off), or lead its addresses by a `[[route]]`"
                .to_owned(),
        ),
        (Direction::Inbound, Some(At::Route)) if special_ranges().contains(from) => {
            Some("name the network that it is in, in `network.peers` or `network.on-premises`".to_owned())
        }
        (Direction::Inbound, Some(At::Route)) => Some(format!(
            "lead the replies back the way that the packets came, by a `[[route]]` to {} with `next-hop = \"internet\"` and \
             `subnet = \"{subnet}\"`; or {dnat}",
            written(flow)
        )),
        (Direction::Inbound, Some(At::Outbound)) => Some(format!(
            "say `outbound = \"public-ip\"` or `\"load-balancer\"` of the subnet {subnet} where it has one; or {dnat}"
        )),
        _ => None,
    }
}

/// The rows that a flow comes from; of a need by hand what was written.
fn names(flow: &Flow) -> Vec<String> {
    let mut names: Vec<String> = flow
        .causes
        .iter()
        .map(|cause| cause.origin.as_ref().map_or_else(|| written(flow), |origin| origin.row.clone()))
        .collect();
    names.sort();
    names.dedup();
    names
}

fn written(flow: &Flow) -> String {
    match (&flow.remote, &flow.group) {
        (_, Some(group)) => format!("group:{group}"),
        (Remote::Fqdn(host), _) => format!("fqdn:{host}"),
        (Remote::FqdnTag(tag), _) => format!("fqdn-tag:{tag}"),
        (Remote::Url(url), _) => format!("url:{url}"),
        (remote, _) => remote.to_string(),
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
