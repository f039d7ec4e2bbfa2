//! The verdict at the top of the report, in five lines, and what does not work.

use super::document::{Block, Column, Line, Table};
use super::section::{BROKEN, EXTRA, NOTES, RISKS, STEPS, Section};
use super::{Made, deploy, extra, preconditions, risks};
use crate::addr::Count;
use crate::verify::{Work, WorkState};

/// What to deploy, what does not work, what is wider than asked, which risks this plan has, what to check by hand.
pub(super) fn list(made: &Made<'_>) -> Block {
    Block::numbers([deploying(made), working(made), wider(made), risky(made), by_hand(made)])
}

fn deploying(made: &Made<'_>) -> Line {
    let count = match made.artefacts.len() {
        1 => "1 file".to_owned(),
        n => format!("{n} files"),
    };
    let line = Line::new().strong("To deploy:").text(format_args!(" {count}, "));
    match deploy::steps(made).is_empty() {
        true => line.text("for firewalls and programs that read them."),
        false => line.text("by the commands under ").reference(STEPS).text("."),
    }
}

fn working(made: &Made<'_>) -> Line {
    let nowhere = of_state(made, WorkState::Nowhere);
    let (hanging, elsewhere): (Vec<&Work>, Vec<&Work>) =
        of_state(made, WorkState::Elsewhere).into_iter().partition(|work| work.by_replies);
    let unmet = match preconditions::unmet(made).count() {
        0 => None,
        1 => Some("1 precondition does not hold".to_owned()),
        n => Some(format!("{n} preconditions do not hold")),
    };
    let line = Line::new().strong("Will not work:");
    let line = match nowhere.len() {
        0 if unmet.is_none() && hanging.is_empty() => line.text(" nothing of what was asked for."),
        0 => line,
        count => {
            let needs =
                if count == 1 { "1 need works nowhere" } else { &format!("{count} needs work nowhere") };
            let line = line.text(format_args!(" {needs}: {} (section ", shown(&nowhere)));
            line.reference(BROKEN).text(").")
        }
    };
    let line = match hanging.len() {
        0 => line,
        count => {
            let work = if count == 1 { "1 need works" } else { &format!("{count} needs work") };
            let line = line.text(format_args!(
                " {work} only if it comes in by where its replies go: {} (section ",
                shown(&hanging)
            ));
            line.reference(BROKEN).text(").")
        }
    };
    let line = match elsewhere.len() {
        0 => line,
        n => line.text(format_args!(" {n} missing on one target, but working by another.")),
    };
    match unmet {
        None => line,
        Some(unmet) => line.text(format_args!(" {unmet} (section ")).reference(STEPS).text(")."),
    }
}

/// The first few needs by name.
fn shown(works: &[&Work]) -> String {
    let names: Vec<String> =
        works.iter().take(4).map(|work| format!("{} ({})", work.need, work.subnet)).collect();
    match works.len() {
        0..=4 => names.join(", "),
        n => format!("{} and {} more", names.join(", "), n - 4),
    }
}

pub(super) fn of_state<'a>(made: &Made<'a>, state: WorkState) -> Vec<&'a Work> {
    made.proof.works.iter().filter(|work| work.state == state).collect()
}

fn wider(made: &Made<'_>) -> Line {
    let line = Line::new().strong("Wider than asked:");
    if made.plan.extras.is_empty() {
        return line.text(" nothing; no address is admitted that was not asked for.");
    }
    let distinct = extra::distinct(made);
    let families = [(distinct.v4, "IPv4"), (distinct.v6, "IPv6")];
    let counts: Vec<String> = families
        .into_iter()
        .filter(|(count, _)| !count.is_zero())
        .map(|(count, family)| {
            let plural = if count == Count::from(1_u64) { "address" } else { "addresses" };
            format!("{count} different {family} {plural}")
        })
        .collect();
    line.text(format_args!(" {} (section ", counts.join(" and "))).reference(EXTRA).text(").")
}

fn risky(made: &Made<'_>) -> Line {
    let line = Line::new().strong("Risks of this plan:");
    let ids = risks::of(made).into_iter().map(|risk| Line::new().code(risk.id));
    let ids = Line::joined(ids, ", ");
    match ids.is_empty() {
        true => line.text(" none that tagwall knows."),
        false => line.text(" ").then(ids).text(" (section ").reference(RISKS).text(")."),
    }
}

fn by_hand(made: &Made<'_>) -> Line {
    let mut parts: Vec<Line> = Vec::new();
    match preconditions::unsaid(made).count() {
        0 => {}
        1 => parts.push("1 precondition of the workloads".into()),
        n => parts.push(format_args!("{n} preconditions of the workloads").into()),
    }
    let unsaid = unsaid_ways(made);
    if !unsaid.is_empty() {
        let (has, its) = if unsaid.len() == 1 { ("has", "its") } else { ("have", "their") };
        let subnets = unsaid.join(", ");
        let line = Line::new()
            .text(format_args!("that {subnets} {has} a way out to the Internet of {its} own ("))
            .prose("`outbound` is not said)");
        parts.push(line);
    }
    if !made.policy.outside().is_empty() {
        parts.push("tags that no published file holds".into());
    }
    if !made.proof.warnings.is_empty() {
        parts.push(Line::of("what is warned of under ").reference(NOTES));
    }
    let line = Line::new().strong("To check by hand:").text(" ");
    match parts.is_empty() {
        true => line.text("nothing."),
        false => line.then(Line::joined(parts, "; ")).text("."),
    }
}

/// Subnets that send something past the firewall, and of which the policy does not say how that gets out.
fn unsaid_ways(made: &Made<'_>) -> Vec<String> {
    use crate::packet::{Direction, NextHop};
    let policy = made.policy;
    let direct = |name: &str| {
        let leaves = policy.flows.iter().any(|f| f.subnet == name && f.direction == Direction::Outbound);
        let led = policy.routes_of(name).any(|need| need.next_hop == NextHop::Internet);
        led || (leaves && !policy.is_diverted(name))
    };
    let unsaid =
        policy.network.subnets.iter().filter(|(name, subnet)| {
            subnet.outbound.is_none() && subnet.private != Some(false) && direct(name)
        });
    unsaid.map(|(name, _)| format!("subnet {name}")).collect()
}

/// The needs that work nowhere, each with where it stops.
pub(super) fn broken(made: &Made<'_>) -> Option<Section> {
    let mut nowhere = of_state(made, WorkState::Nowhere);
    let broken = nowhere.len();
    nowhere.extend(of_state(made, WorkState::Elsewhere).into_iter().filter(|work| work.by_replies));
    let hanging = nowhere.len() > broken;
    let told = nowhere.iter().any(|work| work.remedy.is_some());
    let mut columns = vec!["Subnet", "Need", "Stops at", "Why"];
    columns.extend(told.then_some("What to do"));
    let mut table = Table::new(columns.into_iter().map(Column::words).collect::<Vec<_>>());
    for work in nowhere {
        let stop = match work.stops_at {
            Some("nsg") => "security group",
            Some("route") => "route",
            Some("firewall") => "firewall",
            _ => "way out",
        };
        let why = Line::of(&work.why.as_ref().map_or_else(String::new, ToString::to_string));
        let mut cells = vec![Line::from(&work.subnet), Line::from(&work.need), stop.into(), why];
        cells.extend(
            told.then(|| Line::of(&work.remedy.as_ref().map_or_else(String::new, ToString::to_string))),
        );
        table.push(cells);
    }
    (!table.is_empty()).then(|| {
        let first = if hanging {
            "No packet of these needs, or not all of them, gets to where it is to go and is answered; some hang on how it comes \
             in."
        } else {
            "No packet of these needs, or not all of them, gets from the subnet to where it is to go."
        };
        Section::new(BROKEN, [Block::paragraph(first), Block::Table(table)])
    })
}
