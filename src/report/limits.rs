//! How much of Azure's limits is used.

use super::document::{Block, Column, Line, Table};
use super::section::{LIMITS, Section};
use super::{Made, since};

/// The section.
pub(super) fn section(made: &Made<'_>) -> Section {
    let settings = &made.policy.limits;
    let profile = settings.profile.as_deref().unwrap_or("current");
    let first = Line::of("Profile ").code(profile).prose(
        ". A figure can be replaced in `[limits]` by its name. In brackets: what is left, in percent.",
    );
    let mut blocks = vec![Block::Paragraph(first)];
    let told: Vec<&str> =
        [settings.source.as_deref(), settings.date.as_deref()].into_iter().flatten().collect();
    if !told.is_empty() {
        let told = told.join(", ");
        blocks.push(Block::Paragraph(Line::of("Single figures are from: ").text(told).text(".")));
    }
    blocks.push(Block::Table(table(made)));
    let forecast = made.told.map(|told| since::forecast(made, told)).into_iter().flatten();
    blocks.extend(Block::bullets(forecast.map(Line::from)));
    Section::new(LIMITS, blocks)
}

fn table(made: &Made<'_>) -> Table {
    let columns = ["Limit", "Of"].map(Column::words).into_iter();
    let columns = columns.chain(["Used", "Applies", "Current", "Conservative"].map(Column::numbers));
    let rows = made.plan.usage.iter().map(|usage| {
        let tight = if usage.have > usage.conservative { " ⚠" } else { "" };
        let figure = |limit: u64| Line::from(format_args!("{limit} ({} %)", usage.headroom(limit)));
        [
            usage.key.into(),
            Line::from(&usage.of),
            usage.have.into(),
            figure(usage.limit),
            figure(usage.current),
            figure(usage.conservative).text(tight),
        ]
    });
    Table::new(columns.collect::<Vec<_>>()).with(rows)
}
