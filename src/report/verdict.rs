//! The verdict at the top of the report, in five lines, and what does not work.

use std::fmt::Write;

use super::cells::cell;
use super::{Made, deploy, extra, preconditions, risks};
use crate::addr::Count;
use crate::verify::{Work, WorkState};

/// What to deploy, what does not work, what is wider than asked, which risks this plan has, what to check by hand.
pub(super) fn section(made: &Made<'_>, out: &mut String) {
    out.push_str("## Verdict\n\n");
    let lines = [deploying(made), working(made), wider(made), risky(made), by_hand(made)];
    for (number, line) in (1..).zip(lines) {
        writeln!(out, "{number}. {line}").expect("writing to a string does not fail");
    }
    out.push('\n');
}

fn deploying(made: &Made<'_>) -> String {
    let count = match made.artefacts.len() {
        1 => "1 file".to_owned(),
        n => format!("{n} files"),
    };
    match deploy::steps(made).len() {
        0 => format!("**To deploy:** {count}, for firewalls and programs that read them."),
        _ => format!("**To deploy:** {count}, by the commands under *What to do next*."),
    }
}

fn working(made: &Made<'_>) -> String {
    let nowhere = of_state(made, WorkState::Nowhere);
    let elsewhere = of_state(made, WorkState::Elsewhere).len();
    let other = match elsewhere {
        0 => String::new(),
        n => format!(" {n} missing on one target, but working by another."),
    };
    let unmet = match preconditions::unmet(made).count() {
        0 => String::new(),
        1 => " 1 precondition does not hold (section *What to do next*).".to_owned(),
        n => format!(" {n} preconditions do not hold (section *What to do next*)."),
    };
    let other = format!("{other}{unmet}");
    if nowhere.is_empty() && unmet.is_empty() {
        return format!("**Will not work:** nothing of what was asked for.{other}");
    } else if nowhere.is_empty() {
        return format!("**Will not work:**{other}");
    }
    let count = match nowhere.len() {
        1 => "1 need works nowhere".to_owned(),
        n => format!("{n} needs work nowhere"),
    };
    format!("**Will not work:** {count}: {} (section *What does not work*).{other}", shown(&nowhere))
}

/// The first few needs by name.
fn shown(works: &[&Work]) -> String {
    let names: Vec<String> =
        works.iter().take(4).map(|work| format!("{} ({})", cell(&work.need), cell(&work.subnet))).collect();
    match works.len() {
        0..=4 => names.join(", "),
        n => format!("{} and {} more", names.join(", "), n - 4),
    }
}

pub(super) fn of_state<'a>(made: &Made<'a>, state: WorkState) -> Vec<&'a Work> {
    made.proof.works.iter().filter(|work| work.state == state).collect()
}

fn wider(made: &Made<'_>) -> String {
    if made.plan.extras.is_empty() {
        return "**Wider than asked:** nothing; no address is admitted that was not asked for.".to_owned();
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
    format!("**Wider than asked:** {} (section *Admitted beyond what was asked for*).", counts.join(" and "))
}

fn risky(made: &Made<'_>) -> String {
    let ids: Vec<String> = risks::of(made).into_iter().map(|risk| format!("`{}`", risk.id)).collect();
    match ids.len() {
        0 => "**Risks of this plan:** none that tagwall knows.".to_owned(),
        _ => format!("**Risks of this plan:** {} (section *Risks*).", ids.join(", ")),
    }
}

fn by_hand(made: &Made<'_>) -> String {
    let mut parts = Vec::new();
    match preconditions::unsaid(made).count() {
        0 => {}
        1 => parts.push("1 precondition of the workloads".to_owned()),
        n => parts.push(format!("{n} preconditions of the workloads")),
    }
    let unsaid = unsaid_ways(made);
    if !unsaid.is_empty() {
        parts.push(format!(
            "that {} {} a way out to the Internet of {} own (`outbound` is not said)",
            unsaid.join(", "),
            if unsaid.len() == 1 { "has" } else { "have" },
            if unsaid.len() == 1 { "its" } else { "their" }
        ));
    }
    if !made.policy.outside().is_empty() {
        parts.push("tags that no published file holds".to_owned());
    }
    if !made.proof.warnings.is_empty() {
        parts.push("what is warned of under *Notes*".to_owned());
    }
    match parts.is_empty() {
        true => "**To check by hand:** nothing.".to_owned(),
        false => format!("**To check by hand:** {}.", parts.join("; ")),
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
    unsaid.map(|(name, _)| format!("subnet {}", cell(name))).collect()
}

/// The needs that work nowhere, each with where it stops.
pub(super) fn broken(made: &Made<'_>, out: &mut String) {
    let nowhere = of_state(made, WorkState::Nowhere);
    if nowhere.is_empty() {
        return;
    }
    out.push_str("## What does not work\n\n");
    out.push_str(
        "No packet of these needs, or not all of them, gets from the subnet to where it is to go.\n\n",
    );
    let told = nowhere.iter().any(|work| work.remedy.is_some());
    out.push_str(match told {
        true => "| Subnet | Need | Stops at | Why | What to do |\n|---|---|---|---|---|\n",
        false => "| Subnet | Need | Stops at | Why |\n|---|---|---|---|\n",
    });
    for work in nowhere {
        let stop = match work.stops_at {
            Some("nsg") => "security group",
            Some("route") => "route",
            Some("firewall") => "firewall",
            _ => "way out",
        };
        let why = cell(work.why.as_deref().unwrap_or_default());
        let remedy = match (told, &work.remedy) {
            (true, remedy) => format!(" {} |", cell(remedy.as_deref().unwrap_or_default())),
            (false, _) => String::new(),
        };
        writeln!(out, "| {} | {} | {stop} | {why} |{remedy}", cell(&work.subnet), cell(&work.need))
            .expect("writing to a string does not fail");
    }
    out.push('\n');
}
