//! What is allowed, subnet by subnet, why, and how each target says it.

use std::collections::BTreeMap;

use super::document::{Block, Column, Line, Table};
use super::section::{ALLOWED, Section};
use super::{Made, closing, sources};
use crate::packet::{Direction, Protocol};
use crate::plan::{Choice, CoveredBy};
use crate::policy::{Cause, Flow, Remote, short_list};
use crate::target::Target;

/// How each flow is said on one target.
struct Said<'a> {
    target: Target,
    choices: BTreeMap<&'a str, &'a Choice>,
}

impl<'a> Said<'a> {
    fn of(made: &Made<'a>, target: Target) -> Self {
        let own = made.plan.choices.iter().filter(|choice| choice.target == target);
        Said { target, choices: own.map(|choice| (choice.flow.as_str(), choice)).collect() }
    }
}

/// The section.
pub(super) fn section(made: &Made<'_>) -> Section {
    let documents = sources::documents(made);
    let targets = [Target::Nsg, Target::Firewall].into_iter().filter(|&target| made.policy.wants(target));
    let said: Vec<Said<'_>> = targets.map(|target| Said::of(made, target)).collect();
    let mut blocks = Vec::new();
    for subnet in made.policy.network.subnets.keys() {
        blocks.push(Block::Heading(3, format_args!("Subnet {subnet}").into()));
        let flows = made.policy.flows.iter().filter(|flow| flow.subnet == *subnet);
        let titles = ["", "Remote", "Protocol, ports", "Why", "Source"].into_iter();
        let titles = titles.chain(said.iter().map(|said| said.target.title()));
        let mut table = Table::new(titles.map(Column::words).collect::<Vec<_>>());
        flows.for_each(|flow| table.push(row(made, flow, &said, &documents)));
        let none = table.is_empty();
        blocks.push(if none { Block::paragraph("Nothing.") } else { Block::Table(table) });
    }
    blocks.extend(closing::blocks(made));
    Section::new(ALLOWED, blocks)
}

fn row(made: &Made<'_>, flow: &Flow, said: &[Said<'_>], documents: &[&str]) -> Vec<Line> {
    let way = if flow.direction == Direction::Inbound { "in" } else { "out" };
    let cells = [
        way.into(),
        remote(flow),
        service(flow).into(),
        causes(flow),
        sources::numbers(&flow.causes, documents).into(),
    ];
    cells.into_iter().chain(said.iter().map(|said| form(made, flow, said))).collect()
}

fn form(made: &Made<'_>, flow: &Flow, said: &Said<'_>) -> Line {
    if let Some(choice) = said.choices.get(flow.id.as_str()) {
        let how = Line::from(choice.how);
        return if choice.why.is_empty() { how } else { how.text(": ").prose(&choice.why.to_string()) };
    }
    match made.plan.gaps.iter().find(|gap| gap.target == said.target && flow.id == *gap.flow) {
        Some(gap) if gap.covered_by.is_empty() => "not expressed".into(),
        Some(gap) => {
            let by: Vec<String> = gap.covered_by.iter().map(CoveredBy::short).collect();
            format_args!("covered by {}", by.join(", ")).into()
        }
        None if flow.stand_in => "by host name".into(),
        None => "–".into(),
    }
}

fn remote(flow: &Flow) -> Line {
    let line = match &flow.remote {
        Remote::Tag(tag) | Remote::Outside(tag) => Line::new().code(tag.name().as_str()),
        list @ Remote::Addresses(_) if flow.group.is_some() => {
            format_args!("group {}: {list}", flow.group.as_deref().unwrap_or_default()).into()
        }
        other => Line::from(other),
    };
    if flow.except.is_empty() {
        line
    } else {
        line.text(format_args!(" except {}", short_list(&flow.except)))
    }
}

fn service(flow: &Flow) -> String {
    let protocol = match flow.protocol {
        Protocol::Any if flow.ports.is_all() => return "any".to_owned(),
        Protocol::Any => "TCP and UDP".to_owned(),
        other => other.name().to_uppercase(),
    };
    if flow.ports.is_all() { protocol } else { format!("{protocol} {}", flow.ports.ranges().join(", ")) }
}

fn causes(flow: &Flow) -> Line {
    Line::joined(flow.causes.iter().map(cause), "; ")
}

fn cause(cause: &Cause) -> Line {
    let Cause { workload, row, why, .. } = cause;
    let optional = if cause.required { "" } else { ", optional" };
    match (row.is_empty(), why.is_empty()) {
        (true, true) => "asked for in the policy".into(),
        (true, false) => Line::of(why),
        (false, _) => Line::of(why).text(format_args!(" ({workload} {row}{optional})")),
    }
}
