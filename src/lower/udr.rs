//! Route tables: the default to the appliance, what must not take that way, and lines by hand. One table for each distinct
//! set of routes.
//!
//! A route table is a map from address to next hop under longest-prefix match, so the routes are made from sets of
//! addresses, never from somebody's list of prefixes; only lines by hand stand as they are written. Source of the field
//! rules: virtual-networks-udr-overview.md, 2023-05-27.

use std::borrow::Cow;

use super::fewest::{WantedRoutes, shorter};
use super::flows::{native, widened};
use super::names::{name, unique};
use super::table::{PrefixRoute, Table, private_blocks, tables};
use super::tally::Tally;
use crate::addr::{AddrSet, Count, IpPrefix};
use crate::packet::NextHop;
use crate::plan::{
    Because, Choice, ChoiceWhy, Extra, Gap, How, LimitKey, Limits, PlanParts, Reason, Route, RouteTable,
    RouteTo, extra_of,
};
use crate::policy::intent::{DefaultRoute, TagUse};
use crate::policy::{ManagedRoute, Policy, Remote, RouteNeed, only_families_of};
use crate::tags::Tag;
use crate::target::Target;

pub(super) fn lower(policy: &Policy, tally: &mut Tally<'_>) {
    for table in &tables(policy) {
        let made = route_table(policy, table, tally.limits, &mut tally.plan);
        count_routes(&made, &table.needs, tally);
        tally.plan.route_tables.push(made);
    }
    let plan = &mut tally.plan;
    plan.route_tables.sort_by(|a, b| a.name.cmp(&b.name));
    unique(&mut plan.route_tables, |t| &mut t.name, |t| t.subnets.join(" "));
}

fn route_table(policy: &Policy, table: &Table<'_>, limits: &Limits, plan: &mut PlanParts) -> RouteTable {
    let fixed = default_routes(policy, table, plan);
    let prefixes = prefix_routes(&fixed);
    let needs = Needs::new(policy, table, limits);
    let mut routes = fixed;
    routes.extend(table.lines.iter().map(|&(prefix, hop)| line(prefix, hop)));
    routes.extend(needs.by_name.iter().map(|&(need, tag)| Route {
        name: name(&[tag.name().as_str(), hop_part(need.next_hop)]),
        to: RouteTo::Tag(tag.name().to_string()),
        next_hop: need.next_hop,
    }));
    let listed = needs.listed_routes(table, &prefixes, &plan.extras);
    note_choices(&needs, &listed, plan);
    note_lines(table, plan);
    routes.extend(listed);
    routes.sort_by(|a, b| (&a.to, a.next_hop).cmp(&(&b.to, b.next_hop)));
    routes.dedup_by(|b, a| a.to == b.to && a.next_hop == b.next_hop);
    for route in &mut routes {
        // What a service keeps has the name that the service gives it, whoever else asks for it.
        if let Some(kept) = table.kept.iter().find(|kept| is_kept(kept, route)) {
            route.name.clone_from(&kept.name);
        }
    }
    unique(&mut routes, |r| &mut r.name, |r| r.to.to_string());
    routes.sort_by(|a, b| a.name.cmp(&b.name));
    let written = routes.len();
    let own = |extra: &&mut Extra| {
        extra.target == Target::RouteTable && table.needs.iter().any(|need| extra.flows.contains(&need.id))
    };
    plan.extras.iter_mut().filter(own).for_each(|extra| extra.written = written);
    RouteTable {
        name: table.name.clone(),
        subnets: table.subnets.iter().map(|subnet| (*subnet).to_owned()).collect(),
        disable_bgp: policy.route_table.disable_bgp,
        disable_peering_route: policy.route_table.disable_peering_route,
        routes,
    }
}

fn is_kept(kept: &ManagedRoute, route: &Route) -> bool {
    route.next_hop == kept.next_hop && route.to.to_string().eq_ignore_ascii_case(&kept.matches())
}

fn count_routes(table: &RouteTable, needs: &[&RouteNeed], tally: &mut Tally<'_>) {
    let tags = table.routes.iter().filter(|r| matches!(r.to, RouteTo::Tag(_))).count();
    // Routes are never split: a subnet takes one table, and one with a part of the routes sends the rest astray.
    let narrower = needs.iter().find_map(|need| need.narrower.as_deref());
    let (narrower, or) = narrower.map_or(("", ""), |text| (text, "; or, since "));
    let remedy = format!(
        "{narrower}{or}a subnet takes one table, so that routes cannot be split: set route-table.tags = \"auto\" so that tags stay tags, \
         leave out routes that the default already covers, or give the workloads subnets and environments of their own"
    );
    tally.count(LimitKey::RoutesPerTable, &table.name, table.routes.len(), remedy);
    let remedy = "set route-table.tags = \"auto\": tags past the limit are then listed";
    tally.count(LimitKey::TagRoutesPerTable, &table.name, tags, remedy);
}

/// The default of each family that a subnet has, and the private ranges that the system's own routes would drop.
fn default_routes(policy: &Policy, table: &Table<'_>, plan: &mut PlanParts) -> Vec<Route> {
    let mut routes = Vec::new();
    let subnets = policy.network.subnet_space();
    for v6 in [false, true] {
        let present = if v6 { !subnets.v6.is_empty() } else { !subnets.v4.is_empty() };
        if !present {
            continue;
        }
        let all = if v6 { "::/0" } else { "0.0.0.0/0" };
        match table.defaults[usize::from(v6)] {
            Some(hop) => {
                routes.push(route(prefix(all), hop, "default"));
                if policy.private_to_firewall() && !v6 {
                    // A line of the very same prefix that leads elsewhere comes instead.
                    let is_line = |block| table.lines.iter().any(|&(to, other)| to == block && other != hop);
                    let blocks = private_blocks().filter(|&block| !is_line(block));
                    routes.extend(blocks.map(|block| route(block, hop, "private")));
                }
            }
            None if wants_firewall(policy) && table.takes_default => note_missing(all, plan),
            None => {}
        }
    }
    routes
}

fn note_missing(all: &str, plan: &mut PlanParts) {
    let gap = Gap {
        target: Target::RouteTable,
        flow: format!("default {all}"),
        remote: all.to_owned(),
        partial: false,
        reason: Reason::NoAppliance,
        covered_by: Vec::new(),
        remedy: Cow::Borrowed(
            "add the appliance's address of this family; until then this traffic does not pass the firewall",
        ),
    };
    if !plan.gaps.contains(&gap) {
        plan.gaps.push(gap);
    }
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

/// A line as it is written, by where it leads.
fn line(to: IpPrefix, next_hop: NextHop) -> Route {
    let what = match next_hop {
        NextHop::Internet => "direct",
        other => hop_part(other),
    };
    route(to, next_hop, what)
}

/// The needs of a table, by how they become routes.
pub(super) struct Needs<'a> {
    /// With the tag whose name the route has.
    by_name: Vec<(&'a RouteNeed, &'a Tag)>,
    /// With the addresses that routes have to list, and why they do.
    listed: Vec<(&'a RouteNeed, AddrSet, Option<Because>)>,
}

impl<'a> Needs<'a> {
    pub(super) fn new(policy: &'a Policy, table: &Table<'a>, limits: &Limits) -> Self {
        let most = limits.room(LimitKey::TagRoutesPerTable);
        let mut needs = Needs { by_name: Vec::new(), listed: Vec::new() };
        for &need in table.needs.iter().filter(|need| !need.as_written) {
            let (set, why) = match &need.to {
                Remote::Tag(tag) if !need.except.is_empty() => (tag.set().clone(), Some(Because::Excepted)),
                // A service puts its own routes in by name, whatever the policy prefers.
                Remote::Tag(tag) | Remote::Outside(tag)
                    if table.kept.iter().any(|kept| kept.matches() == tag.name().as_str()) =>
                {
                    needs.by_name.push((need, tag));
                    continue;
                }
                Remote::Tag(tag) => match native(tag, "UDR", policy.route_table.tags) {
                    // Who insists on names gets a refusal past the limit; else the rest is listed.
                    Ok(()) if needs.by_name.len() < most || policy.route_table.tags == TagUse::Native => {
                        needs.by_name.push((need, tag));
                        continue;
                    }
                    Ok(()) => (tag.set().clone(), Some(Because::RoutesByTag(most))),
                    Err(why) => (tag.set().clone(), Some(Because::NotByName(why))),
                },
                Remote::Addresses(set) => (set.clone(), None),
                _ => (AddrSet::empty(), None),
            };
            let set = only_families_of(&set.difference(&need.except), &policy.network.subnet_space());
            needs.listed.push((need, set, why));
        }
        needs
    }

    /// What the table has to do, beside `fixed`; with the addresses that are declared as extra.
    pub(super) fn wanted<'b>(
        &self,
        table: &'b Table<'b>,
        fixed: &'b [PrefixRoute],
        extras: &[Extra],
    ) -> WantedRoutes<'b> {
        let mut wanted = WantedRoutes::new(table, fixed);
        for (need, _) in &self.by_name {
            wanted.by_name(&need.to, need.next_hop);
        }
        for (need, set, _) in &self.listed {
            wanted.lead(set, need.next_hop);
            wanted.lead(&extra_of(extras, Target::RouteTable, &need.id), need.next_hop);
        }
        wanted
    }

    /// How many routes have the name of a tag.
    pub(super) fn by_name(&self) -> usize {
        self.by_name.len()
    }

    /// How many addresses routes have to list.
    pub(super) fn listed_addresses(&self) -> Count {
        AddrSet::union_of(self.listed.iter().map(|(_, set, _)| set)).count()
    }

    /// The hops of the needs whose addresses routes list, each once, in order of the needs.
    pub(super) fn hops(&self) -> Vec<NextHop> {
        let mut hops: Vec<NextHop> = Vec::new();
        for (need, ..) in &self.listed {
            if !hops.contains(&need.next_hop) {
                hops.push(need.next_hop);
            }
        }
        hops
    }

    /// Ids of the needs whose addresses routes list, of one hop.
    pub(super) fn listed_for(&self, hop: NextHop) -> Vec<String> {
        let own = self.listed.iter().filter(|(need, ..)| need.next_hop == hop);
        own.map(|(need, ..)| need.id.clone()).collect()
    }

    /// Routes for the addresses that are listed: each need's own prefixes, or fewer with the same effect.
    fn listed_routes(&self, table: &Table<'_>, fixed: &[PrefixRoute], extras: &[Extra]) -> Vec<Route> {
        if self.listed.is_empty() {
            return Vec::new();
        }
        let mut plain: Vec<PrefixRoute> = Vec::new();
        for (need, set, _) in &self.listed {
            let extra = extra_of(extras, Target::RouteTable, &need.id);
            plain.extend(set.prefixes().chain(extra.prefixes()).map(|p| (p, need.next_hop)));
        }
        plain.sort_unstable();
        plain.dedup();
        let chosen = match self.wanted(table, fixed, extras).exact() {
            Ok(mut fewest) => {
                fewest.sort_unstable();
                shorter(&plain, &fewest)
            }
            // Where no table has the effect, the proof says what goes wrong with the plain one.
            Err(_) => plain,
        };
        chosen.into_iter().map(|(prefix, hop)| route(prefix, hop, self.label(prefix, hop))).collect()
    }

    /// What a route's name begins with: the first need that it is for, or that it is an exception from one.
    fn label(&self, prefix: IpPrefix, hop: NextHop) -> &str {
        let exact = |set: &AddrSet| set.prefixes().any(|p| p == prefix);
        let own = || self.listed.iter().filter(|(need, ..)| need.next_hop == hop);
        let found =
            own().find(|(_, set, _)| exact(set)).or_else(|| own().find(|(_, set, _)| meets(set, prefix)));
        match found.map(|(need, ..)| &need.to) {
            Some(Remote::Tag(tag)) => tag.name().as_str(),
            Some(_) => "addresses",
            None => "except",
        }
    }
}

/// Whether a set has addresses of a prefix.
pub(super) fn meets(set: &AddrSet, prefix: IpPrefix) -> bool {
    match prefix {
        IpPrefix::V4(p) => !set.v4.is_clear_of(p.interval()),
        IpPrefix::V6(p) => !set.v6.is_clear_of(p.interval()),
    }
}

/// The routes that a table has whatever it is for, by prefix.
pub(super) fn fixed_routes(policy: &Policy, table: &Table<'_>) -> Vec<PrefixRoute> {
    prefix_routes(&default_routes(policy, table, &mut PlanParts::default()))
}

fn prefix_routes(routes: &[Route]) -> Vec<PrefixRoute> {
    let prefix = |route: &Route| match route.to {
        RouteTo::Prefix(prefix) => Some((prefix, route.next_hop)),
        RouteTo::Tag(_) => None,
    };
    routes.iter().filter_map(prefix).collect()
}

fn note_choices(needs: &Needs<'_>, listed: &[Route], plan: &mut PlanParts) {
    let choice =
        |need: &RouteNeed, how, why| Choice { target: Target::RouteTable, flow: need.id.clone(), how, why };
    let routes = prefix_routes(listed);
    for (need, set, why) in &needs.listed {
        let own = routes.iter().filter(|(p, hop)| *hop == need.next_hop && meets(set, *p)).count();
        let why = if own == 0 && !set.is_empty() {
            Because::DefaultLeads.into()
        } else {
            widened(plan, Target::RouteTable, &need.id, *why)
        };
        plan.choices.push(choice(need, How::Prefixes(own), why));
    }
    plan.choices
        .extend(needs.by_name.iter().map(|(need, _)| choice(need, How::NativeTag, ChoiceWhy::default())));
}

/// Notes how lines stand in the table, and what else a line inside the network takes.
fn note_lines(table: &Table<'_>, plan: &mut PlanParts) {
    for need in table.needs.iter().filter(|need| need.as_written) {
        let Remote::Addresses(set) = &need.to else { continue };
        let own = table.lines.iter().filter(|(p, hop)| *hop == need.next_hop && meets(set, *p)).count();
        let how = How::Prefixes(own);
        let why = Because::AsWritten.into();
        plan.choices.push(Choice { target: Target::RouteTable, flow: need.id.clone(), how, why });
        if matches!(need.next_hop, NextHop::Appliance(_)) && !set.is_disjoint(table.space) {
            plan.notes.push(format!(
                "the route to {} leads through an appliance inside the network: replies must come back through it, by a route of \
                 the other subnet, or the appliance translates addresses; for private endpoints the network policies of their \
                 subnet must be on, else their own /32 wins",
                need.to
            ));
        }
    }
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
