//! Route table: the default to the appliance, and what must not take that way.
//!
//! A route table is a map from address to next hop under longest-prefix match, so the routes are made from sets of
//! addresses, never from somebody's list of prefixes. Source of the field rules: virtual-networks-udr-overview.md,
//! 2023-05-27.

use super::names::{name, unique};
use super::{count, native};
use crate::addr::{AddrSet, IpPrefix};
use crate::packet::NextHop;
use crate::plan::{Choice, Exceeded, Gap, How, Limits, Plan, Route, RouteTable, RouteTo};
use crate::policy::intent::{DefaultRoute, TagUse};
use crate::policy::{Policy, Remote, RouteNeed, SYSTEM_NONE, only_families_of};
use crate::target::Target;

pub(super) fn lower(policy: &Policy, limits: &Limits, plan: &mut Plan, over: &mut Vec<Exceeded>) {
    let mut routes = default_routes(policy, plan);
    let mut tag_routes = 0;
    let most = limits.get("tag-routes-per-table") as usize;
    for need in &policy.routes {
        need_routes(policy, need, &mut tag_routes, most, &mut routes, plan);
    }
    routes.sort_by(|a, b| (&a.to, a.next_hop).cmp(&(&b.to, b.next_hop)));
    routes.dedup_by(|b, a| a.to == b.to && a.next_hop == b.next_hop);
    unique(&mut routes, |r| &mut r.name, |r| r.to.to_string());
    routes.sort_by(|a, b| a.name.cmp(&b.name));
    let table = RouteTable {
        name: name(&[&policy.name, "routes"]),
        disable_bgp: policy.route_table.disable_bgp,
        routes,
    };
    let tags = table.routes.iter().filter(|r| matches!(r.to, RouteTo::Tag(_))).count();
    // Routes are never split: a subnet takes one table, and one with a part of the routes sends the rest astray.
    let remedy = "a subnet takes one table, so that routes cannot be split: set route-table.tags = \"auto\" so that \
                  tags stay tags, leave out routes that the default already covers, or give the workloads subnets \
                  and environments of their own";
    count(limits, "routes-per-table", &table.name, table.routes.len(), remedy, plan, over);
    count(
        limits,
        "tag-routes-per-table",
        &table.name,
        tags,
        "set route-table.tags = \"auto\": tags past the limit are then listed",
        plan,
        over,
    );
    plan.route_table = Some(table);
}

/// The default of each family that a subnet has, and the private ranges that the system's own routes would drop.
fn default_routes(policy: &Policy, plan: &mut Plan) -> Vec<Route> {
    let mut routes = Vec::new();
    let subnets = policy.network.subnet_space();
    for v6 in [false, true] {
        let present = if v6 { !subnets.v6.is_empty() } else { !subnets.v4.is_empty() };
        if !present {
            continue;
        }
        let all = if v6 { "::/0" } else { "0.0.0.0/0" };
        match policy.default_hop(v6) {
            Some(hop) => {
                routes.push(route(prefix(all), hop, "default"));
                if policy.private_to_firewall() && !v6 {
                    routes.extend(SYSTEM_NONE.iter().map(|block| route(prefix(block), hop, "private")));
                }
            }
            None if wants_firewall(policy) => plan.gaps.push(Gap {
                target: Target::RouteTable,
                flow: format!("default {all}"),
                remote: all.to_owned(),
                partial: false,
                reason: "network.firewall has no address of this family".to_owned(),
                covered_by: Vec::new(),
                remedy: "add the appliance's address of this family; until then this traffic does not pass the firewall"
                    .to_owned(),
            }),
            None => {}
        }
    }
    routes
}

fn wants_firewall(policy: &Policy) -> bool {
    match policy.route_table.default_route {
        Some(wanted) => wanted == DefaultRoute::Firewall,
        None => !policy.network.firewall.is_empty(),
    }
}

fn prefix(text: &str) -> IpPrefix {
    text.parse().expect("a constant prefix")
}

fn route(to: IpPrefix, next_hop: NextHop, what: &str) -> Route {
    let text = to.to_string().replace(['/', ':'], "_");
    let family = if to.is_v4() { "" } else { "v6" };
    let name = if what == "default" { name(&["default", family]) } else { name(&[what, &text]) };
    Route { name, to: RouteTo::Prefix(to), next_hop }
}

fn need_routes(
    policy: &Policy,
    need: &RouteNeed,
    tag_routes: &mut usize,
    most: usize,
    routes: &mut Vec<Route>,
    plan: &mut Plan,
) {
    let mut note = |how: How, why: &str| {
        plan.choices.push(Choice {
            target: Target::RouteTable,
            flow: need.id.clone(),
            how,
            why: why.to_owned(),
        });
    };
    let (set, why) = match &need.to {
        Remote::Tag(tag) => match native(tag, "UDR", policy.route_table.tags) {
            // Who insists on names gets a refusal past the limit; else the rest is listed.
            Ok(()) if *tag_routes < most || policy.route_table.tags == TagUse::Native => {
                *tag_routes += 1;
                let to = RouteTo::Tag(tag.name().to_string());
                routes.push(Route {
                    name: name(&[tag.name().as_str(), hop_part(need.next_hop)]),
                    to,
                    next_hop: need.next_hop,
                });
                return note(How::NativeTag, "");
            }
            Ok(()) => (tag.set().clone(), format!("a table takes {most} routes by tag")),
            Err(why) => (tag.set().clone(), why),
        },
        Remote::Addresses(set) => (set.clone(), String::new()),
        _ => (AddrSet::empty(), String::new()),
    };
    let set = only_families_of(&set, &policy.network.subnet_space());
    let prefixes: Vec<IpPrefix> = set.prefixes().collect();
    note(How::Prefixes(prefixes.len()), &why);
    let label = if let Remote::Tag(tag) = &need.to { tag.name().to_string() } else { "addresses".to_owned() };
    routes.extend(prefixes.into_iter().map(|p| route(p, need.next_hop, &label)));
}

/// A part of a name for a next hop: empty for the usual one.
fn hop_part(hop: NextHop) -> &'static str {
    match hop {
        NextHop::Internet => "",
        NextHop::None => "drop",
        NextHop::VnetLocal => "local",
        NextHop::Gateway => "gateway",
        NextHop::Appliance(_) => "appliance",
    }
}
