//! What people should know about the way the rules were made.

use super::Made;
use super::document::{Block, Column, Line, Table};
use super::section::{NOTES, Section, UNUSED};
use crate::target::FormatName;

/// Formats that are deployed and carry no DNAT collections.
const WITHOUT_NAT: [FormatName; 4] =
    [FormatName::Bicep, FormatName::Terraform, FormatName::TerraformJson, FormatName::Azcli];

/// The section of notes and warnings, if there are any.
pub(super) fn section(made: &Made<'_>) -> Option<Section> {
    let own = of(made);
    let of_policy = made.policy.remarks.notes.iter().map(|note| Line::of(&note.to_string()));
    let rest = own.iter().chain(&made.proof.warnings).map(|note| Line::of(note));
    Block::bullets(of_policy.chain(rest)).map(|list| Section::new(NOTES, [list]))
}

/// The section of rows that were not used, if there are any.
pub(super) fn unused(made: &Made<'_>) -> Option<Section> {
    let rows = made
        .policy
        .remarks
        .skipped
        .iter()
        .map(|row| [Line::from(&row.workload), Line::from(&row.row), Line::of(&row.reason.to_string())]);
    let table = Table::new(["Workload", "Row", "Why"].map(Column::words)).with(rows);
    (!table.is_empty()).then(|| Section::new(UNUSED, [Block::Table(table)]))
}

/// The notes of the plan, and what becomes of earlier DNAT collections in each format.
pub(super) fn of(made: &Made<'_>) -> Vec<String> {
    let formats = &made.policy.output.formats;
    let mut notes = made.plan.notes.clone();
    let without: Vec<&str> =
        WITHOUT_NAT.into_iter().filter(|f| formats.contains(f)).map(FormatName::name).collect();
    for nat in made.plan.kept_nat() {
        let what = format!("NAT collection {} of rule collection group {}", nat.name, nat.group);
        if formats.contains(&FormatName::Arm) {
            notes.push(format!(
                "{what} was in the earlier template and is kept as it is; the firewall tries DNAT rules before all \
                 others"
            ));
        }
        if !without.is_empty() || !formats.contains(&FormatName::Arm) {
            let files = if without.is_empty() { "the files".to_owned() } else { without.join(", ") };
            notes.push(format!(
                "{what} is not in {files}: deploying that replaces the group and DELETES the collection"
            ));
        }
    }
    notes.extend(undeclared_peer(made));
    notes
}

/// A firewall outside the address space is in a peered network, and nothing else says that there is one.
fn undeclared_peer(made: &Made<'_>) -> Option<String> {
    let network = &made.policy.network;
    let known = network.virtual_network();
    let outside = network.firewall.iter().find(|address| !known.contains(**address))?;
    Some(format!(
        "the firewall's address {outside} is in no space of this network, so that it is in a peered one: `VirtualNetwork` and \
         traffic inside the network are taken here as the network's own address space only; name the peered space in \
         `network.peers`"
    ))
}
