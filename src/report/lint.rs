//! What lint finds in the rules that were made, in `report.md`: errors and warnings; notes are counted.

use super::Made;
use super::document::{Block, Column, Line, Table};
use super::section::{LINT, Section};
use crate::analyse::lint::{Dismissal, Finding, Linting, Severity, lint};
use crate::emit::Artefact;
use crate::policy::intent::DismissIntent;
use crate::read::live::{Live, LiveNetwork, LiveSubnet, read_live};
use crate::target::FormatName;

/// The section; there is none where there are lists alone.
pub(super) fn section(made: &Made<'_>) -> Option<Section> {
    let mut found = findings(made)?;
    let dismissed = dismiss(made, &mut found);
    let (told, notes): (Vec<&Finding>, Vec<&Finding>) =
        found.iter().partition(|finding| finding.severity > Severity::Info);
    let besides = match notes.len() {
        0 => "no notes".to_owned(),
        1 => "1 note".to_owned(),
        n => format!("{n} notes"),
    };
    let blocks = match told.first() {
        None => {
            let line = Line::of("`tagwall lint` finds neither errors nor warnings in these rules, and ");
            vec![Block::Paragraph(line.text(besides).text("."))]
        }
        Some(first) => {
            let line = Line::of("What `tagwall lint` finds in these rules, and ")
                .text(format_args!("{besides} besides; "))
                .code(format!("tagwall lint --explain {}", first.id))
                .text(" says what an id means.");
            vec![Block::Paragraph(line), Block::Table(table(&told))]
        }
    };
    Some(Section::new(LINT, blocks.into_iter().chain(Block::bullets(dismissed))))
}

fn table(told: &[&Finding]) -> Table {
    let rows = told.iter().map(|finding| {
        [
            Line::from(finding.id),
            finding.severity.name().into(),
            Line::from(&finding.resource),
            finding.rule.as_deref().unwrap_or_default().into(),
            Line::of(&finding.message.to_string()),
        ]
    });
    Table::new(["Id", "", "Resource", "Rule", "What"].map(Column::words)).with(rows)
}

/// A dismissal of the policy; `None` if its day is none, which the policy is refused for.
pub fn dismissal_of(written: &DismissIntent) -> Option<Dismissal> {
    let DismissIntent { id, resource, rule, reason, until } = written.clone();
    Some(Dismissal { id, resource, rule, reason, until: until.parse().ok()? })
}

/// Takes out what the policy dismisses; says how much that is, what has ended, and what dismisses nothing.
fn dismiss(made: &Made<'_>, found: &mut Vec<Finding>) -> Vec<Line> {
    // A refresh knows the day; else the facts of a day are taken.
    let today =
        made.told.and_then(|told| told.summary.past.last()).map_or(made.policy.as_of, |step| step.day);
    let dismissals: Vec<Dismissal> = made.policy.lint.dismiss.iter().filter_map(dismissal_of).collect();
    let before = found.len();
    let mut lines: Vec<Line> = dismissals
        .iter()
        .map(|dismissal| {
            let Dismissal { id, reason, until, .. } = dismissal;
            if *until < today {
                format!("The dismissal of {id} ended on {until} ({reason}): it counts again.")
            } else if !found.iter().any(|finding| dismissal.is_about(finding)) {
                format!("The dismissal of {id} ({reason}) is about nothing that is found.")
            } else {
                format!("{id} is dismissed until {until}: {reason}.")
            }
        })
        .map(|text| Line::of(&text))
        .collect();
    found.retain(|finding| !dismissals.iter().any(|one| one.until >= today && one.is_about(finding)));
    if before > found.len() {
        let count = before - found.len();
        lines.push(Line::from(format_args!(
            "By dismissals of the policy {count} of what is found is left out."
        )));
    }
    lines
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
    // Tags that no file holds are known where the policy names them.
    let outside = made.policy.outside();
    let known = (!outside.is_empty()).then(|| made.snapshot.with_outside(outside));
    let snapshot = known.as_ref().unwrap_or(made.snapshot);
    Some(lint(&live, &Linting { snapshot, timeline: None, risks: false }))
}

/// The network of the policy, with what its subnets get.
fn add_network(made: &Made<'_>, live: &mut Live) {
    let (policy, plan) = (made.policy, made.plan);
    let texts = |set: &crate::addr::AddrSet| set.prefixes().map(|prefix| prefix.to_string()).collect();
    live.networks.push(LiveNetwork {
        name: policy.name.clone(),
        space: texts(&policy.network.space),
        peers: texts(&policy.network.virtual_network().difference(&policy.network.space)),
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
