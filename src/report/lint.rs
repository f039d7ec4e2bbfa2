//! What lint finds in the rules that were made, in `report.md`: errors and warnings; notes are counted.

use std::fmt::Write;

use super::Made;
use super::cells::cell;
use crate::analyse::lint::{Finding, Linting, Severity, lint};
use crate::read::live::{Live, LiveNetwork, LiveSubnet, read_live};
use crate::target::FormatName;

/// The section. Templates are what is read; without any there is none.
pub(super) fn section(made: &Made<'_>, out: &mut String) {
    let Some(found) = findings(made) else { return };
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
}

/// What is found in the templates with the network that the policy is for.
fn findings(made: &Made<'_>) -> Option<Vec<Finding>> {
    let templates = made.artefacts.iter().filter(|file| file.format == Some(FormatName::Arm));
    let files: Vec<(&str, &[u8])> =
        templates.map(|file| (file.name.as_str(), file.bytes.as_slice())).collect();
    if files.is_empty() {
        return None;
    }
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
