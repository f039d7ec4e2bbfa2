//! What the reports say, in the order of `report.md`: what is allowed and why, what could not be expressed where and what to
//! do, for an administrator. `report.html` says the same in the order in which somebody in a hurry wants it.

use super::document::{Block, Column, Line, Table};
use super::section::{PROOF, Section};
use super::{
    Made, allowed, extra, gaps, limits, lint, notes, preconditions, risks, routes, service_endpoints, since,
    sources, steps, storage, summary, verdict,
};

/// The heading of the whole.
pub(super) fn title(made: &Made<'_>) -> Block {
    Block::Heading(1, Line::from(&made.policy.name))
}

/// All sections; what there is nothing to say of has none.
pub(super) fn all(made: &Made<'_>) -> Vec<Section> {
    let sections = [
        Some(summary::section(made)),
        since::section(made),
        Some(steps::section(made)),
        Some(allowed::section(made)),
        routes::section(made),
        service_endpoints::section(made),
        extra::section(made),
        Some(gaps::section(made)),
        verdict::broken(made),
        storage::section(made),
        risks::section(made),
        notes::section(made),
        notes::unused(made),
        preconditions::checked(made),
        lint::section(made),
        Some(limits::section(made)),
        Some(proof(made)),
        sources::section(made),
    ];
    sections.into_iter().flatten().collect()
}

fn proof(made: &Made<'_>) -> Section {
    let excess = match made.plan.extras.is_empty() {
        true => "nothing is in excess",
        false => "nothing is in excess but the extra addresses listed above",
    };
    let first = Block::paragraph(format_args!(
        "The files were read back and replayed as Azure matches rules, for every packet, not a sample. Nothing is missing, \
         {excess}."
    ));
    let columns = ["Target", "Format", "Part"].map(Column::words).into_iter();
    let columns = columns.chain(["Rules replayed", "Needs"].map(Column::numbers));
    let rows = made.proof.proven.iter().map(|proven| {
        [
            Line::from(&proven.target),
            Line::from(&proven.format),
            Line::from(&proven.part),
            proven.rules.into(),
            proven.needs.into(),
        ]
    });
    let table = Table::new(columns.collect::<Vec<_>>()).with(rows);
    Section::new(PROOF, [first, Block::Table(table)])
}
