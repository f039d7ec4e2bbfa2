//! `report.md`: what is allowed and why, what could not be expressed where and what to do, for an administrator.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::cells::cell;
use super::changes::Told;
use super::{
    Made, closing, compute, deploy, extra, lint, notes as made_notes, preconditions, risks,
    service_endpoints, since, storage, verdict,
};
use crate::addr::{AddrSet, Count};
use crate::catalog::Catalog;
use crate::packet::{Direction, Protocol};
use crate::plan::{Choice, CoveredBy, How, Route, RouteTable, RouteTo};
use crate::policy::{Cause, Flow, Remote, SYSTEM_NONE, short_list};
use crate::target::Target;
use crate::verify::WorkState;

pub(super) fn report(made: &Made<'_>) -> String {
    let mut out = String::new();
    head(made, &mut out);
    since::section(made, &mut out);
    next_steps(made, &mut out);
    allowed(made, &mut out);
    routes(made, &mut out);
    service_endpoints::section(made, &mut out);
    extra::section(made, &mut out);
    gaps(made, &mut out);
    verdict::broken(made, &mut out);
    storage::section(made, &mut out);
    risk_section(made, &mut out);
    notes(made, &mut out);
    preconditions::checked(made, &mut out);
    lint::section(made, &mut out);
    limits(made, &mut out);
    proof(made, &mut out);
    sources(made, &mut out);
    out
}

/// Writes one line; writing to a string does not fail.
macro_rules! line {
    ($out:expr) => { $out.push('\n') };
    ($out:expr, $($arg:tt)*) => { writeln!($out, $($arg)*).expect("writing to a string does not fail") };
}

fn head(made: &Made<'_>, out: &mut String) {
    let (policy, snapshot) = (made.policy, made.snapshot);
    let (v4, v6) = snapshot.prefix_counts();
    line!(out, "# {}", cell(&policy.name));
    line!(out);
    verdict::section(made, out);
    line!(out, "| | |");
    line!(out, "|---|---|");
    line!(out, "| Cloud, region | {}, {} |", policy.cloud, policy.region.display());
    line!(
        out,
        "| Service tags | {} file, change number {}: {} tags, {v4} IPv4 and {v6} IPv6 prefixes |",
        snapshot.cloud().file_code(),
        snapshot.change_number(),
        snapshot.tags().len()
    );
    line!(out, "| Content digest | `{}` |", &snapshot.digest()[..16]);
    line!(out, "| Catalogue | version {}, as of {} |", Catalog::version(), policy.as_of);
    for (name, subnet) in &policy.network.subnets {
        line!(out, "| Subnet {} | {} |", cell(name), short_list(&subnet.prefixes));
    }
    let extra = extra::sum(&extra::classified(made)).total();
    if made.plan.extras.is_empty() {
        line!(out, "| Precision | exact: no address is admitted that was not asked for |");
    } else {
        line!(
            out,
            "| Precision | **{extra} addresses are admitted that were not asked for**, of at most {}, summed over the lists (different ones: {}); see below |",
            policy.precision.max_extra,
            extra::distinct(made)
        );
    }
    let open = made.plan.gaps.iter().filter(|g| g.covered_by.is_empty()).count();
    let nowhere = verdict::of_state(made, WorkState::Nowhere).len();
    let gaps = match (open, nowhere) {
        (0, 0) => "nothing that was asked for is left out".to_owned(),
        (0, n) => format!("**{n} of the needs work nowhere**, see below"),
        (1, 0) => "**1 need is not expressed everywhere**, see below".to_owned(),
        (n, 0) => format!("**{n} needs are not expressed everywhere**, see below"),
        (n, nowhere) => {
            format!("**not expressed everywhere: {n}; working nowhere: {nowhere}**, see below")
        }
    };
    line!(
        out,
        "| Proven | {} artefacts read back and replayed over every packet; {gaps} |",
        made.artefacts.len()
    );
    line!(out);
}

fn next_steps(made: &Made<'_>, out: &mut String) {
    line!(out, "## What to do next");
    line!(out);
    let mut number = 0;
    let mut step = |text: &str, out: &mut String| {
        number += 1;
        line!(out, "{number}. {text}");
    };
    for (head, items) in preconditions::steps(made) {
        step(head, out);
        items.iter().for_each(|item| line!(out, "   - {item}"));
    }
    let missing: Vec<_> = made.policy.remarks.skipped.iter().filter(|s| s.required).collect();
    if !missing.is_empty() {
        step("These rows are required, but make no rule yet:", out);
        for row in missing {
            line!(out, "   - {} of {}: {}", row.row, row.workload, row.reason);
        }
    }
    let outside = made.policy.outside();
    if !outside.is_empty() {
        step(
            "These tags are in no published file: Azure has to know them, and nothing is proven of what they stand for:",
            out,
        );
        outside.iter().for_each(|tag| line!(out, "   - `{}`", tag.name()));
    }
    if !made.policy.remarks.retired.is_empty() {
        step("This was asked for, and has ended:", out);
        made.policy.remarks.retired.iter().for_each(|text| line!(out, "   - {text}"));
    }
    if !made.policy.remarks.dated.is_empty() {
        step("Mind what begins or ends about this time:", out);
        for fact in &made.policy.remarks.dated {
            line!(out, "   - {}", fact.sentence(made.policy.as_of));
        }
    }
    if made.plan.gaps.iter().any(|g| g.covered_by.is_empty()) {
        step("Decide about what could not be expressed (section *Not expressed*).", out);
    }
    if !made.plan.extras.is_empty() {
        step(
            "Read what is admitted beyond what was asked for, and by whose limit (section *Admitted beyond what was asked for*); accept it or narrow the needs.",
            out,
        );
    }
    if let Some(text) = deploy::state(made) {
        step(text, out);
    }
    for text in deploy::steps(made) {
        step(&text, out);
    }
    let endpoints = service_endpoints::steps(made).into_iter();
    for text in endpoints.chain(storage::steps(made)).chain(compute::steps(made)) {
        step(&text, out);
    }
    if network_hosts(made) {
        let of = if made.plan.classic_firewall.is_some() { "firewall" } else { "firewall policy" };
        let text = format!(
            "Turn the DNS proxy of the {of} on and let the network resolve through it: network rules name hosts."
        );
        step(&text, out);
    }
    line!(out);
}

fn network_hosts(made: &Made<'_>) -> bool {
    made.plan.choices.iter().any(|c| c.how == How::NetworkFqdn)
}

/// The choices of one target by flow.
fn choices(made: &Made<'_>, target: Target) -> BTreeMap<String, Choice> {
    let own = made.plan.choices.iter().filter(|c| c.target == target);
    own.map(|c| (c.flow.clone(), c.clone())).collect()
}

fn allowed(made: &Made<'_>, out: &mut String) {
    line!(out, "## What is allowed, and why");
    line!(out);
    let documents = documents(made);
    let targets: Vec<Target> =
        [Target::Nsg, Target::Firewall].into_iter().filter(|&t| made.policy.wants(t)).collect();
    let by_target: Vec<BTreeMap<String, Choice>> = targets.iter().map(|&t| choices(made, t)).collect();
    for subnet in made.policy.network.subnets.keys() {
        let flows: Vec<&Flow> = made.policy.flows.iter().filter(|f| f.subnet == *subnet).collect();
        line!(out, "### Subnet {}", cell(subnet));
        line!(out);
        if flows.is_empty() {
            line!(out, "Nothing.");
            line!(out);
            continue;
        }
        let columns: String = targets.iter().map(|t| format!(" {} |", t.title())).collect();
        line!(out, "| | Remote | Protocol, ports | Why | Source |{columns}");
        line!(out, "|---|---|---|---|---|{}", "---|".repeat(targets.len()));
        for flow in flows {
            let ends: String = targets
                .iter()
                .zip(&by_target)
                .map(|(&target, choices)| format!(" {} |", cell(&form(made, flow, target, choices))))
                .collect();
            line!(
                out,
                "| {} | {} | {} | {} | {} |{ends}",
                if flow.direction == Direction::Inbound { "in" } else { "out" },
                remote(flow),
                service(flow),
                causes(flow),
                numbers(&flow.causes, &documents)
            );
        }
        line!(out);
    }
    closing::section(made, out);
}

fn form(made: &Made<'_>, flow: &Flow, target: Target, choices: &BTreeMap<String, Choice>) -> String {
    match choices.get(flow.id.as_str()) {
        Some(choice) if choice.why.is_empty() => choice.how.to_string(),
        Some(choice) => format!("{}: {}", choice.how, choice.why),
        None => {
            let gap = made.plan.gaps.iter().find(|g| g.target == target && flow.id == *g.flow);
            match gap {
                Some(gap) if gap.covered_by.is_empty() => "not expressed".to_owned(),
                Some(gap) => format!(
                    "covered by {}",
                    gap.covered_by.iter().map(CoveredBy::short).collect::<Vec<_>>().join(", ")
                ),
                None if flow.stand_in => "by host name".to_owned(),
                None => "–".to_owned(),
            }
        }
    }
}

fn remote(flow: &Flow) -> String {
    let text = match &flow.remote {
        Remote::Tag(tag) | Remote::Outside(tag) => format!("`{}`", tag.name()),
        list @ Remote::Addresses(_) if flow.group.is_some() => {
            format!("group {}: {list}", cell(flow.group.as_deref().unwrap_or_default()))
        }
        other => cell(&other.to_string()),
    };
    if flow.except.is_empty() { text } else { format!("{text} except {}", short_list(&flow.except)) }
}

fn service(flow: &Flow) -> String {
    let protocol = match flow.protocol {
        Protocol::Any if flow.ports.is_all() => return "any".to_owned(),
        Protocol::Any => "TCP and UDP".to_owned(),
        other => other.name().to_uppercase(),
    };
    if flow.ports.is_all() { protocol } else { format!("{protocol} {}", flow.ports.ranges().join(", ")) }
}

fn causes(flow: &Flow) -> String {
    let list: Vec<String> = flow
        .causes
        .iter()
        .map(|c| {
            let optional = if c.required { "" } else { ", optional" };
            match (c.row.is_empty(), c.why.is_empty()) {
                (true, true) => "asked for in the policy".to_owned(),
                (true, false) => cell(&c.why),
                (false, _) => format!("{} ({} {}{optional})", cell(&c.why), cell(&c.workload), cell(&c.row)),
            }
        })
        .collect();
    list.join("; ")
}

/// Every document that a flow or route rests on, in order.
fn documents<'a>(made: &Made<'a>) -> Vec<&'a str> {
    let flows = made.policy.flows.iter().flat_map(|f| &f.causes);
    let routes = made.policy.routes.iter().flat_map(|r| &r.causes);
    let mut list: Vec<&str> =
        flows.chain(routes).flat_map(|c| c.source.split("; ")).filter(|s| !s.is_empty()).collect();
    list.sort_unstable();
    list.dedup();
    list
}

/// The numbers of the documents that these causes rest on.
fn numbers(causes: &[Cause], documents: &[&str]) -> String {
    let mut list: Vec<usize> = causes
        .iter()
        .flat_map(|c| c.source.split("; "))
        .filter_map(|s| documents.binary_search(&s).ok())
        .map(|index| index + 1)
        .collect();
    list.sort_unstable();
    list.dedup();
    if list.is_empty() {
        return "policy".to_owned();
    }
    list.iter().map(|n| format!("[{n}]")).collect::<Vec<_>>().join(" ")
}

fn sources(made: &Made<'_>, out: &mut String) {
    let documents = documents(made);
    if documents.is_empty() {
        return;
    }
    line!(out);
    line!(out, "## Sources");
    line!(out);
    for (index, document) in documents.iter().enumerate() {
        line!(out, "{}. {}", index + 1, cell(document));
    }
}

fn routes(made: &Made<'_>, out: &mut String) {
    if made.plan.route_tables.is_empty() {
        return;
    }
    line!(out, "## Where traffic goes");
    line!(out);
    let several = made.plan.route_tables.len() > 1;
    for table in &made.plan.route_tables {
        if several {
            line!(out, "### Table {}: subnets {}", cell(&table.name), cell(&table.subnets.join(", ")));
            line!(out);
        }
        table_routes(made, table, out);
    }
}

fn table_routes(made: &Made<'_>, table: &RouteTable, out: &mut String) {
    let subnet = table.subnets.first().map_or("", String::as_str);
    line!(out, "| Destination | Next hop | Why |");
    line!(out, "|---|---|---|");
    for v6 in [false, true] {
        let present = if v6 {
            !made.policy.network.subnet_space().v6.is_empty()
        } else {
            !made.policy.network.subnet_space().v4.is_empty()
        };
        if let Some(hop) = made.policy.default_hop_of(subnet, v6).filter(|_| present) {
            let all = if v6 { "`::/0`" } else { "`0.0.0.0/0`" };
            line!(out, "| {all} | {hop} | default (`route-table.default`) |");
            if made.policy.private_to_firewall() && !v6 {
                let blocks = SYSTEM_NONE.map(|block| format!("`{block}`")).join(", ");
                line!(out, "| {blocks} | {hop} | private ranges (`route-table.private`) |");
            }
        }
    }
    for need in made.policy.routes_of(subnet) {
        let why: Vec<String> =
            need.causes.iter().map(|c| format!("{} ({} {})", cell(&c.why), c.workload, c.row)).collect();
        let how = made.plan.choices.iter().find(|c| c.target == Target::RouteTable && c.flow == need.id);
        let how = how.map_or(String::new(), |c| {
            if c.why.is_empty() { format!(", as {}", c.how) } else { format!(", as {}: {}", c.how, c.why) }
        });
        let without = match need.except.is_empty() {
            true => String::new(),
            false => format!(" except {}", short_list(&need.except)),
        };
        line!(
            out,
            "| {}{} | {} | {} |",
            cell(&format!("{}{without}", need.to)),
            cell(&how),
            need.next_hop,
            why.join("; ")
        );
    }
    line!(out);
    if !made.policy.private_to_firewall() && made.policy.is_diverted(subnet) {
        line!(
            out,
            "Private ranges outside the virtual network stay with Azure's own routes, which drop them unless a peering or gateway is there; `route-table.private = \"firewall\"` sends them to the firewall."
        );
        line!(out);
    }
    let back = table.routes.iter().filter(|route| leads_back(made, subnet, route)).count();
    if back > 0 {
        let routes = if back == 1 { "1 route leads" } else { &format!("{back} routes lead") };
        line!(
            out,
            "{routes} back to the default from inside a broader route: together they are fewer than a list of what remains, with the same effect."
        );
        line!(out);
    }
    let count = match table.routes.len() {
        1 => "1 route".to_owned(),
        n => format!("{n} routes"),
    };
    line!(
        out,
        "The table has {count}. A subnet takes one table; associate `{}` with {}.",
        table.name,
        cell(&table.subnets.join(", "))
    );
    line!(out);
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

fn gaps(made: &Made<'_>, out: &mut String) {
    let (covered, open): (Vec<_>, Vec<_>) = made.plan.gaps.iter().partition(|g| !g.covered_by.is_empty());
    line!(out, "## Not expressed");
    line!(out);
    if made.plan.gaps.is_empty() {
        line!(out, "Nothing: every need is expressed on every target.");
        line!(out);
        return;
    }
    if !open.is_empty() {
        line!(out, "These needs are missing on a target. Nothing else lets them through there.");
        line!(out);
        line!(out, "| Target | Need | Remote | Why not | What to do |");
        line!(out, "|---|---|---|---|---|");
        for gap in open {
            let part = if gap.partial { " (in part)" } else { "" };
            line!(
                out,
                "| {} | {}{part} | {} | {} | {} |",
                gap.target.title(),
                cell(&gap.flow),
                cell(&gap.remote),
                cell(&gap.reason),
                cell(&gap.remedy)
            );
        }
        line!(out);
    }
    if !covered.is_empty() {
        line!(out, "These needs cannot be said on a target, but other rules there let them through.");
        line!(out);
        line!(out, "| Target | Need | Remote | Why not | Covered by |");
        line!(out, "|---|---|---|---|---|");
        for gap in covered {
            let by: Vec<String> = gap.covered_by.iter().map(|by| cell(&by.short())).collect();
            line!(
                out,
                "| {} | {} | {} | {} | {} |",
                gap.target.title(),
                cell(&gap.flow),
                cell(&gap.remote),
                cell(&gap.reason),
                by.join(", ")
            );
        }
        line!(out);
    }
}

fn risk_section(made: &Made<'_>, out: &mut String) {
    let risks = risks::of(made);
    if risks.is_empty() {
        return;
    }
    line!(out, "## Risks");
    line!(out);
    for risks::Applying { text, advice, places, .. } in risks {
        let from = match places.len() {
            0..=4 => places.join(", "),
            n => format!("{} and {} more", places[..3].join(", "), n - 3),
        };
        line!(out, "- **{}** {} _({from})_", cell(text), cell(advice));
    }
    widest(made, out);
    line!(out);
}

/// The tags with most addresses: what they open, whoever sits there.
fn widest(made: &Made<'_>, out: &mut String) {
    let mut tags: Vec<(Count, &str)> = made
        .policy
        .flows
        .iter()
        .filter(|f| !f.stand_in)
        .filter_map(|f| match &f.remote {
            Remote::Tag(tag) => Some((tag.set().v4.count(), tag.name().as_str())),
            _ => None,
        })
        .collect();
    tags.sort_by(|a, b| b.cmp(a));
    tags.dedup();
    if tags.is_empty() {
        return;
    }
    let shown: Vec<String> = tags.iter().take(5).map(|(count, name)| format!("`{name}` {count}")).collect();
    line!(out);
    line!(out, "Widest tags by IPv4 addresses: {}.", shown.join(", "));
}

fn notes(made: &Made<'_>, out: &mut String) {
    let remarks = &made.policy.remarks;
    let own = made_notes::of(made);
    let mut all = remarks.notes.iter().chain(&own).chain(&made.proof.warnings).peekable();
    if all.peek().is_some() {
        line!(out, "## Notes");
        line!(out);
        for note in all {
            line!(out, "- {}", cell(note));
        }
        line!(out);
    }
    if !remarks.skipped.is_empty() {
        line!(out, "## Rows of the workloads that were not used");
        line!(out);
        line!(out, "| Workload | Row | Why |");
        line!(out, "|---|---|---|");
        for row in &remarks.skipped {
            line!(out, "| {} | {} | {} |", cell(&row.workload), cell(&row.row), cell(&row.reason));
        }
        line!(out);
    }
}

fn limits(made: &Made<'_>, out: &mut String) {
    let profile = made.policy.limits.profile.as_deref().unwrap_or("current");
    line!(out, "## Azure's limits");
    line!(out);
    line!(
        out,
        "Profile `{profile}`. A figure can be replaced in `[limits]` by its name. In brackets: what is left, in percent."
    );
    line!(out);
    let of = &made.policy.limits;
    let told = [of.source.as_deref().map(cell), of.date.as_deref().map(cell)];
    let told: Vec<String> = told.into_iter().flatten().collect();
    if !told.is_empty() {
        line!(out, "Single figures are from: {}.", told.join(", "));
        line!(out);
    }
    line!(out, "| Limit | Of | Used | Applies | Current | Conservative |");
    line!(out, "|---|---|--:|--:|--:|--:|");
    for usage in &made.plan.usage {
        let tight = if usage.have > usage.conservative { " ⚠" } else { "" };
        let figure = |limit: u64| format!("{limit} ({} %)", usage.headroom(limit));
        line!(
            out,
            "| {} | {} | {} | {} | {} | {}{tight} |",
            usage.key,
            cell(&usage.of),
            usage.have,
            figure(usage.limit),
            figure(usage.current),
            figure(usage.conservative)
        );
    }
    line!(out);
    for sentence in made.told.map(|told| since::forecast(made, told)).into_iter().flatten() {
        line!(out, "- {}", cell(&sentence));
    }
    if made.told.is_some_and(Told::has_pace) {
        line!(out);
    }
}

fn proof(made: &Made<'_>, out: &mut String) {
    line!(out, "## Proof");
    line!(out);
    let excess = match made.plan.extras.is_empty() {
        true => "nothing is in excess",
        false => "nothing is in excess but the extra addresses listed above",
    };
    line!(
        out,
        "The files were read back and replayed as Azure matches rules, for every packet, not a sample. Nothing is missing, {excess}."
    );
    line!(out);
    line!(out, "| Target | Format | Part | Rules replayed | Needs |");
    line!(out, "|---|---|---|--:|--:|");
    for proven in &made.proof.proven {
        line!(
            out,
            "| {} | {} | {} | {} | {} |",
            proven.target,
            proven.format,
            proven.part,
            proven.rules,
            proven.needs
        );
    }
}
