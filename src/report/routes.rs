//! Where the traffic of each subnet goes, and why.

use super::Made;
use super::document::{Block, Column, Line, Table};
use super::section::{ROUTES, Section};
use crate::addr::AddrSet;
use crate::plan::{Route, RouteTable, RouteTo};
use crate::policy::{RouteNeed, SYSTEM_NONE, short_list};
use crate::target::Target;

/// The section, if there are route tables, or a gateway announces a default route.
pub(super) fn section(made: &Made<'_>) -> Option<Section> {
    let tables = &made.plan.route_tables;
    let mut blocks = Vec::new();
    for table in tables {
        if tables.len() > 1 {
            let heading = format_args!("Table {}: subnets {}", table.name, table.subnets.join(", ")).into();
            blocks.push(Block::Heading(3, heading));
        }
        blocks.extend(of_table(made, table));
    }
    blocks.extend(announced(made));
    (!blocks.is_empty()).then(|| Section::new(ROUTES, blocks))
}

/// The subnets whose default route is the one that a gateway announces.
fn announced(made: &Made<'_>) -> Option<Block> {
    let (policy, present) = (made.policy, made.policy.network.subnet_space());
    let families = [(false, !present.v4.is_empty()), (true, !present.v6.is_empty())];
    let learns = |name: &&String| {
        families.into_iter().filter(|(_, present)| *present).any(|(v6, _)| {
            policy.default_hop_of(name, v6).is_none() && policy.default_way_of(name, v6).is_some()
        })
    };
    let subnets: Vec<&str> = policy.network.subnets.keys().filter(learns).map(String::as_str).collect();
    (!subnets.is_empty()).then(|| {
        Block::Paragraph(
            Line::from(format_args!("What no route leads elsewhere goes to the virtual network gateway from {}: it announces a default route (", subnets.join(", ")))
                .code("network.on-premises")
                .text(")."),
        )
    })
}

fn of_table(made: &Made<'_>, table: &RouteTable) -> Vec<Block> {
    let subnet = table.subnets.first().map_or("", String::as_str);
    let rows = defaults(made, subnet).into_iter();
    let rows = rows.chain(made.policy.routes_of(subnet).map(|need| row(made, need)));
    let mut blocks =
        vec![Block::Table(Table::new(["Destination", "Next hop", "Why"].map(Column::words)).with(rows))];
    if !made.policy.private_to_firewall() && made.policy.is_diverted(subnet) {
        blocks.push(Block::Paragraph(Line::of(
            "Private ranges outside the virtual network stay with Azure's own routes, which drop them unless a peering or \
             gateway is there; `route-table.private = \"firewall\"` sends them to the firewall.",
        )));
    }
    let back = table.routes.iter().filter(|route| leads_back(made, subnet, route)).count();
    if back > 0 {
        let routes = if back == 1 { "1 route leads" } else { &format!("{back} routes lead") };
        blocks.push(Block::paragraph(format_args!(
            "{routes} back to the default from inside a broader route: together they are fewer than a list of what remains, \
             with the same effect."
        )));
    }
    let count = match table.routes.len() {
        1 => "1 route".to_owned(),
        n => format!("{n} routes"),
    };
    let last = Line::from(format_args!("The table has {count}. A subnet takes one table; associate "))
        .code(&table.name)
        .text(format_args!(" with {}.", table.subnets.join(", ")));
    blocks.push(Block::Paragraph(last));
    blocks
}

/// The routes that the policy sets for all that no need speaks of.
fn defaults(made: &Made<'_>, subnet: &str) -> Vec<[Line; 3]> {
    let space = made.policy.network.subnet_space();
    let mut rows = Vec::new();
    for (v6, present, all) in
        [(false, !space.v4.is_empty(), "0.0.0.0/0"), (true, !space.v6.is_empty(), "::/0")]
    {
        let Some(hop) = made.policy.default_hop_of(subnet, v6).filter(|_| present) else { continue };
        rows.push([Line::new().code(all), hop.into(), Line::of("default (`route-table.default`)")]);
        if made.policy.private_to_firewall() && !v6 {
            let blocks = Line::joined(SYSTEM_NONE.map(|block| Line::new().code(block)), ", ");
            rows.push([blocks, hop.into(), Line::of("private ranges (`route-table.private`)")]);
        }
    }
    rows
}

fn row(made: &Made<'_>, need: &RouteNeed) -> [Line; 3] {
    let choices = &made.plan.choices;
    let how = choices.iter().find(|choice| choice.target == Target::RouteTable && choice.flow == need.id);
    let to = Line::from(&need.to);
    let to = match need.except.is_empty() {
        true => to,
        false => to.text(format_args!(" except {}", short_list(&need.except))),
    };
    let to = match how {
        None => to,
        Some(choice) if choice.why.is_empty() => to.text(format_args!(", as {}", choice.how)),
        Some(choice) => to.text(format_args!(", as {}: ", choice.how)).prose(&choice.why.to_string()),
    };
    let why = need.causes.iter().map(|cause| {
        // A route by hand is of no row.
        let row = if cause.row.is_empty() { String::new() } else { format!(" {}", cause.row) };
        Line::of(&cause.why).text(format_args!(" ({}{row})", cause.workload))
    });
    [to, need.next_hop.into(), Line::joined(why, "; ")]
}

/// Whether a route only makes an exception from a broader one.
fn leads_back(made: &Made<'_>, subnet: &str, route: &Route) -> bool {
    let RouteTo::Prefix(prefix) = route.to else { return false };
    let private = SYSTEM_NONE.contains(&prefix.to_string().as_str());
    let asked = made.policy.routes_of(subnet).any(|need| {
        need.as_written
            && need.next_hop == route.next_hop
            && AddrSet::from(prefix).is_subset(&made.policy.route_set(need, subnet))
    });
    prefix.len() > 0
        && !private
        && !asked
        && made.policy.default_hop_of(subnet, !prefix.is_v4()) == Some(route.next_hop)
}
