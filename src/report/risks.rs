//! Risks, each held against the plan: what does not apply to it, or is done in it already, is not said.

use super::Made;
use super::document::{Block, Item, Line};
use super::section::{RISKS, Section};
use crate::addr::Count;
use crate::packet::{Direction, NextHop};
use crate::plan::How;
use crate::policy::{Flow, Outbound, Remote, Role};
use crate::tags::Symbol;
use crate::target::Target;
use crate::verify::WorkState;

/// A risk that this plan has.
pub(super) struct Applying<'a> {
    pub(super) id: &'a str,
    pub(super) text: &'a str,
    /// What to do; where the plan has done it, what it has done.
    pub(super) advice: &'a str,
    pub(super) places: &'a [String],
}

/// The risks that this plan has.
pub(super) fn of<'a>(made: &Made<'a>) -> Vec<Applying<'a>> {
    let all = made.policy.remarks.risks.iter();
    let own = all.filter(|(risk, _)| applies(made, &risk.id));
    own.map(|(risk, places)| Applying {
        id: &risk.id,
        text: &risk.text,
        advice: done(made, &risk.id).unwrap_or(&risk.advice),
        places,
    })
    .collect()
}

/// The section, if there are any.
pub(super) fn section(made: &Made<'_>) -> Option<Section> {
    let items: Vec<Item> = of(made)
        .into_iter()
        .map(|Applying { text, advice, places, .. }| {
            let from = match places.len() {
                0..=4 => places.join(", "),
                n => format!("{} and {} more", places[..3].join(", "), n - 3),
            };
            let line = Line::new().strong(Line::of(text)).text(" ").prose(advice).text(" ");
            line.aside(format_args!("({from})")).into()
        })
        .collect();
    (!items.is_empty()).then(|| {
        let widest = widest(made).map(Block::Paragraph);
        Section::new(RISKS, std::iter::once(Block::Bullets(items)).chain(widest))
    })
}

/// The tags with most addresses: what they open, whoever sits there.
fn widest(made: &Made<'_>) -> Option<Line> {
    let own = made.policy.flows.iter().filter(|flow| !flow.stand_in);
    let mut tags: Vec<(Count, &str)> = own
        .filter_map(|flow| match &flow.remote {
            Remote::Tag(tag) => Some((tag.set().v4.count(), tag.name().as_str())),
            _ => None,
        })
        .collect();
    tags.sort_by(|a, b| b.cmp(a));
    tags.dedup();
    let shown =
        tags.iter().take(5).map(|(count, name)| Line::new().code(*name).text(format_args!(" {count}")));
    let line = Line::of("Widest tags by IPv4 addresses: ").then(Line::joined(shown, ", ")).text(".");
    (!tags.is_empty()).then_some(line)
}

fn applies(made: &Made<'_>, id: &str) -> bool {
    let policy = made.policy;
    match id {
        "storage-exfiltration" => storage_is_open(made),
        // The address space is written out where a default route would widen the tag.
        "virtual-network-udr" => names_network(made),
        "asymmetric-return" => {
            let stops =
                |w: &crate::verify::Work| w.state == WorkState::Nowhere && w.stops_at == Some("route");
            policy.has_default_route() && made.proof.works.iter().any(stops)
        }
        "route-bypasses-firewall" => policy.wants(Target::RouteTable) && policy.has_default_route(),
        "private-subnet-route" => leaves_privately(made),
        _ => true,
    }
}

/// What the plan has done about a risk, or what can be done without the parts that it does not have.
fn done(made: &Made<'_>, id: &str) -> Option<&'static str> {
    let policy = made.policy;
    let restricted = policy.wants(Target::Nsg) && policy.nsg.deny_rest;
    let firewall = !policy.network.firewall.is_empty();
    match id {
        "route-bypasses-firewall" if restricted => {
            Some("The security group here lets only the ports of the needs through to these destinations.")
        }
        "wide-azure-cloud" | "wide-front-door" if !firewall => {
            Some("There is no firewall here that could judge hosts; leave the need out where you can.")
        }
        "storage-exfiltration" if !policy.endpoints.is_empty() => {
            Some("Subnets with a service endpoint policy are closed here; the others are not.")
        }
        _ => None,
    }
}

/// Whether a subnet reaches storage by tag without a service endpoint policy.
fn storage_is_open(made: &Made<'_>) -> bool {
    let by_tag = |remote: &Remote| match remote {
        Remote::Tag(tag) => tag.name().base() == "Storage",
        _ => false,
    };
    let closed = |subnet: &str| made.policy.endpoints.iter().any(|need| need.subnet == subnet);
    made.policy.flows.iter().any(|flow| by_tag(&flow.remote) && !closed(&flow.subnet))
}

/// Whether a rule names `VirtualNetwork` as a tag for a subnet whose default route widens it.
fn names_network(made: &Made<'_>) -> bool {
    let led =
        |f: &Flow| [false, true].into_iter().any(|v6| made.policy.default_way_of(&f.subnet, v6).is_some());
    let own = made.policy.flows.iter().filter(|f| matches!(f.remote, Remote::Symbol(Symbol::VirtualNetwork)));
    own.filter(|flow| led(flow)).any(|flow| {
        let choices = made.plan.choices.iter().filter(|choice| flow.id == *choice.flow);
        choices.into_iter().any(|choice| choice.target == Target::Nsg && choice.how == How::NativeTag)
    })
}

/// Whether a route leads to the Internet from a subnet that may be private and names no way out.
fn leaves_privately(made: &Made<'_>) -> bool {
    let policy = made.policy;
    policy.network.subnets.iter().any(|(name, subnet)| {
        let led = policy.routes_of(name).any(|need| need.next_hop == NextHop::Internet);
        let outward = policy.flows.iter().any(|f| f.subnet == *name && f.direction == Direction::Outbound);
        let out = match subnet.outbound {
            Some(Outbound::Nat | Outbound::PublicIp | Outbound::LoadBalancer) => true,
            _ => matches!(subnet.role, Role::Delegated(_)) || subnet.private == Some(false),
        };
        led && outward && !out
    })
}
