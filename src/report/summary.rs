//! The verdict, and what the rules were made from, in short.

use super::document::{Block, Column, Line, Table};
use super::section::{Section, VERDICT};
use super::{Made, extra, verdict};
use crate::catalog::Catalog;
use crate::policy::short_list;
use crate::verify::WorkState;

/// The section that comes first.
pub(super) fn section(made: &Made<'_>) -> Section {
    Section::new(VERDICT, [verdict::list(made), Block::Table(table(made))])
}

fn table(made: &Made<'_>) -> Table {
    let (policy, snapshot) = (made.policy, made.snapshot);
    let (v4, v6) = snapshot.prefix_counts();
    let tags = format_args!(
        "{} file, change number {}: {} tags, {v4} IPv4 and {v6} IPv6 prefixes",
        snapshot.cloud().file_code(),
        snapshot.change_number(),
        snapshot.tags().len()
    );
    let place = format_args!("{}, {}", policy.cloud, policy.region.display());
    let catalog = format_args!("version {}, as of {}", Catalog::version(), policy.as_of);
    let mut table = Table::new([Column::words(""); 2]).with([
        ["Cloud, region".into(), place.into()],
        ["Service tags".into(), tags.into()],
        ["Content digest".into(), Line::new().code(&snapshot.digest()[..16])],
        ["Catalogue".into(), catalog.into()],
    ]);
    for (name, subnet) in &policy.network.subnets {
        table.push([
            format_args!("Subnet {name}").into(),
            Line::of(&short_list(&subnet.prefixes).to_string()),
        ]);
    }
    table.push(["Precision".into(), precision(made)]);
    table.push(["Proven".into(), proven(made)]);
    table
}

fn precision(made: &Made<'_>) -> Line {
    if made.plan.extras.is_empty() {
        return "exact: no address is admitted that was not asked for".into();
    }
    let extra = extra::sum(&extra::classified(made)).total();
    Line::new().strong(format_args!("{extra} addresses are admitted that were not asked for")).text(
        format_args!(
            ", of at most {}, summed over the lists (different ones: {}); see below",
            made.policy.precision.max_extra,
            extra::distinct(made)
        ),
    )
}

fn proven(made: &Made<'_>) -> Line {
    let open = made.plan.gaps.iter().filter(|gap| gap.covered_by.is_empty()).count();
    let nowhere = verdict::of_state(made, WorkState::Nowhere).len();
    let line = Line::from(format_args!(
        "{} artefacts read back and replayed over every packet; ",
        made.artefacts.len()
    ));
    let gaps = match (open, nowhere) {
        (0, 0) => return line.text("nothing that was asked for is left out"),
        (0, n) => format!("{n} of the needs work nowhere"),
        (1, 0) => "1 need is not expressed everywhere".to_owned(),
        (n, 0) => format!("{n} needs are not expressed everywhere"),
        (n, nowhere) => format!("not expressed everywhere: {n}; working nowhere: {nowhere}"),
    };
    line.strong(gaps).text(", see below")
}
