//! What could not be said on a target.

use super::Made;
use super::document::{Block, Column, Line, Table};
use super::section::{GAPS, Section};
use crate::plan::{CoveredBy, Gap};

/// The section: what is missing, and what other rules let through all the same.
pub(super) fn section(made: &Made<'_>) -> Section {
    let (covered, open): (Vec<&Gap>, Vec<&Gap>) =
        made.plan.gaps.iter().partition(|gap| !gap.covered_by.is_empty());
    let mut blocks = Vec::new();
    if made.plan.gaps.is_empty() {
        blocks.push(Block::paragraph("Nothing: every need is expressed on every target."));
    }
    if !open.is_empty() {
        let first = "These needs are missing on a target. Nothing else lets them through there.";
        let part = |gap: &Gap| if gap.partial { " (in part)" } else { "" };
        let rows = open.iter().map(|gap| row(gap, part(gap), Line::of(&gap.remedy)));
        blocks.extend([Block::paragraph(first), table("What to do", rows)]);
    }
    if !covered.is_empty() {
        let first = "These needs cannot be said on a target, but pass all the same.";
        let rows = covered.iter().map(|gap| {
            let by: Vec<String> = gap.covered_by.iter().map(CoveredBy::short).collect();
            row(gap, "", by.join(", ").into())
        });
        blocks.extend([Block::paragraph(first), table("Covered by", rows)]);
    }
    Section::new(GAPS, blocks)
}

fn table(last: &'static str, rows: impl Iterator<Item = [Line; 5]>) -> Block {
    let columns = ["Target", "Need", "Remote", "Why not", last].map(Column::words);
    Block::Table(Table::new(columns).with(rows))
}

fn row(gap: &Gap, part: &str, last: Line) -> [Line; 5] {
    let need = Line::from(&gap.flow).text(part);
    [gap.target.title().into(), need, Line::from(&gap.remote), Line::of(&gap.reason.to_string()), last]
}
