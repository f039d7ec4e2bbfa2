//! What lint finds in the rules that were made, in `report.md`: errors and warnings; notes are counted.

use std::fmt::Write;

use super::Made;
use super::cells::cell;
use crate::analyse::lint::{Dismissal, Finding, Linting, Severity, lint};
use crate::emit::Artefact;
use crate::policy::intent::DismissIntent;
use crate::read::live::{Live, LiveNetwork, LiveSubnet, read_live};
use crate::target::FormatName;

/// The section; there is none where there are lists alone.
pub(super) fn section(made: &Made<'_>, out: &mut String) {
    let Some(mut found) = findings(made) else { return };
    let dismissed = dismiss(made, &mut found);
    let (told, notes): (Vec<&Finding>, Vec<&Finding>) =
        found.iter().partition(|finding| finding.severity > Severity::Info);
    out.push_str("## Lint\n\n");
    let besides = match notes.len() {
        0 => "no notes".to_owned(),
        1 => "1 note".to_owned(),
        n => format!("{n} notes"),
    };
    if told.is_empty() {
        writeln!(out, "`tagwall lint` finds neither errors nor warnings in these rules, and {besides}.\n")
            .expect("memory does not fail");
        out.push_str(&dismissed);
        return;
    }
    writeln!(
        out,
        "What `tagwall lint` finds in these rules, and {besides} besides; `tagwall lint --explain {}` says what an id means.\n",
        told[0].id
    )
    .expect("memory does not fail");
    out.push_str("| Id | | Resource | Rule | What |\n|---|---|---|---|---|\n");
    for finding in told {
        writeln!(
            out,
            "| {} | {} | {} | {} | {} |",
            finding.id,
            finding.severity.name(),
            cell(&finding.resource),
            cell(finding.rule.as_deref().unwrap_or_default()),
            cell(&finding.message)
        )
        .expect("memory does not fail");
    }
    out.push('\n');
    out.push_str(&dismissed);
}

/// A dismissal of the policy; `None` if its day is none, which the policy is refused for.
pub fn dismissal_of(written: &DismissIntent) -> Option<Dismissal> {
    let DismissIntent { id, resource, rule, reason, until } = written.clone();
    Some(Dismissal { id, resource, rule, reason, until: until.parse().ok()? })
}

/// Takes out what the policy dismisses; says how much that is, what has ended, and what dismisses nothing.
fn dismiss(made: &Made<'_>, found: &mut Vec<Finding>) -> String {
    // A refresh knows the day; else the facts of a day are taken.
    let today = made.told.and_then(|told| told.book.past.last()).map_or(made.policy.as_of, |step| step.day);
    let dismissals: Vec<Dismissal> = made.policy.lint.dismiss.iter().filter_map(dismissal_of).collect();
    let (mut out, before) = (String::new(), found.len());
    for dismissal in &dismissals {
        let Dismissal { id, reason, until, .. } = dismissal;
        let (id, reason) = (cell(id), cell(reason));
        if *until < today {
            writeln!(out, "- The dismissal of {id} ended on {until} ({reason}): it counts again.")
        } else if !found.iter().any(|finding| dismissal.is_about(finding)) {
            writeln!(out, "- The dismissal of {id} ({reason}) is about nothing that is found.")
        } else {
            writeln!(out, "- {id} is dismissed until {until}: {reason}.")
        }
        .expect("memory does not fail");
    }
    found.retain(|finding| !dismissals.iter().any(|one| one.until >= today && one.is_about(finding)));
    if before > found.len() {
        writeln!(out, "- By dismissals of the policy {} of what is found is left out.", before - found.len())
            .expect("memory does not fail");
    }
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

/// What is found in the templates with the network that the policy is for.
fn findings(made: &Made<'_>) -> Option<Vec<Finding>> {
    let is_template = |file: &&Artefact| file.format == Some(FormatName::Arm);
    // Every format says the same of the same plan, which the proof has shown.
    let own = if made.artefacts.iter().any(|file| is_template(&file)) {
        Vec::new()
    } else if made.artefacts.iter().any(|file| file.format.is_some_and(|format| !format.is_list())) {
        (made.templates)()
    } else {
        return None;
    };
    let files: Vec<(&str, &[u8])> = made
        .artefacts
        .iter()
        .chain(&own)
        .filter(is_template)
        .map(|file| (file.name.as_str(), file.bytes.as_slice()))
        .collect();
    // The proof has read the same files.
    let mut live = read_live(&files).ok()?;
    add_network(made, &mut live);
    Some(lint(&live, &Linting { snapshot: made.snapshot, timeline: None, risks: false }))
}

/// The network of the policy, with what its subnets get.
fn add_network(made: &Made<'_>, live: &mut Live) {
    let (policy, plan) = (made.policy, made.plan);
    let texts = |set: &crate::addr::AddrSet| set.prefixes().map(|prefix| prefix.to_string()).collect();
    live.networks.push(LiveNetwork {
        name: policy.name.clone(),
        space: texts(&policy.network.space),
        peers: texts(&policy.network.peers.union(&policy.network.on_premises)),
        ..LiveNetwork::default()
    });
    live.subnets.extend(plan.associations.iter().map(|association| LiveSubnet {
        name: association.subnet.clone(),
        network: Some(policy.name.clone()),
        prefixes: association.prefixes.iter().map(ToString::to_string).collect(),
        group: association.nsg.clone(),
        table: association.route_table.clone(),
        ..LiveSubnet::default()
    }));
}
