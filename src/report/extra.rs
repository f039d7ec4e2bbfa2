//! What is admitted beyond what was asked for, sorted by whose addresses they are.

use std::collections::BTreeSet;

use super::Made;
use super::document::{Block, Column, Line, Table};
use super::section::{EXTRA, Section};
use crate::addr::{AddrSet, Count};
use crate::plan::Extra;
use crate::policy::Remote;
use crate::tags::FamilyCounts;
use crate::target::Target;

/// Numbers of extra addresses, by class.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Classes {
    /// In a tag of the service that was asked for, of this or any region.
    pub(super) same_tag: Count,
    /// In any other tag: other services of Azure, and with them other customers' machines.
    pub(super) azure: Count,
    /// In no tag.
    pub(super) outside: Count,
}

impl Classes {
    pub(super) fn total(self) -> Count {
        self.same_tag + self.azure + self.outside
    }
}

/// The extra addresses of a plan with their classes, in the plan's order.
pub(super) fn classified<'a>(made: &Made<'a>) -> Vec<(&'a Extra, Classes)> {
    let extras = &made.plan.extras;
    if extras.is_empty() {
        return Vec::new();
    }
    let tagged = AddrSet::union_of(made.snapshot.tags().iter().map(|tag| tag.set()));
    extras.iter().map(|extra| (extra, classes(made, extra, &tagged))).collect()
}

fn classes(made: &Made<'_>, extra: &Extra, tagged: &AddrSet) -> Classes {
    let asked = |id: &String| {
        let flow = made.policy.flows.iter().find(|flow| flow.id == **id).map(|flow| &flow.remote);
        flow.or_else(|| made.policy.routes.iter().find(|need| need.id == *id).map(|need| &need.to))
    };
    let services: BTreeSet<&str> = extra
        .flows
        .iter()
        .filter_map(asked)
        .filter_map(|remote| if let Remote::Tag(tag) = remote { Some(tag.name().base()) } else { None })
        .collect();
    let own = made.snapshot.tags().iter().filter(|tag| services.contains(tag.name().base()));
    let own = AddrSet::union_of(own.map(|tag| tag.set()));
    let same = extra.addresses.intersection(&own);
    let others = extra.addresses.difference(&own);
    Classes {
        same_tag: same.count(),
        azure: others.intersection(tagged).count(),
        outside: others.difference(tagged).count(),
    }
}

/// All classes together.
pub(super) fn sum(extras: &[(&Extra, Classes)]) -> Classes {
    extras.iter().fold(Classes::default(), |sum, (_, classes)| Classes {
        same_tag: sum.same_tag + classes.same_tag,
        azure: sum.azure + classes.azure,
        outside: sum.outside + classes.outside,
    })
}

/// How many different addresses the extras hold together. The sum of them counts an address once for each list that
/// admits it, as the budget does.
pub(super) fn distinct(made: &Made<'_>) -> FamilyCounts {
    FamilyCounts::of(&AddrSet::union_of(made.plan.extras.iter().map(|extra| &extra.addresses)))
}

/// The section of the report, if something is admitted that was not asked for.
pub(super) fn section(made: &Made<'_>) -> Option<Section> {
    let extras = classified(made);
    if extras.is_empty() {
        return None;
    }
    let all = sum(&extras);
    let mut blocks = vec![
        Block::Paragraph(spent(made, all)),
        Block::paragraph(format_args!(
            "That counts an address once for each list that admits it, as the budget does. Different ones: {}.",
            distinct(made)
        )),
    ];
    if !all.azure.is_zero() {
        blocks.push(Block::paragraph(
            "Addresses elsewhere in Azure are other services and other customers' machines. Anyone can rent one, so that \
             data can leave to them: this is the worst kind of extra.",
        ));
    }
    blocks.push(Block::Table(table(made, &extras)));
    let widened = |target| made.plan.extras.iter().any(|extra| extra.target == target);
    if widened(Target::RouteTable) {
        blocks.push(Block::paragraph(
            "Extra addresses of a route table no longer go the default way, and so not through a firewall that it leads \
             to: they go where these routes lead.",
        ));
    }
    if widened(Target::Lists) {
        let line = "Only the lists in `edl/` are wider; those in other files are exact.";
        blocks.push(Block::Paragraph(Line::of(line)));
    }
    let last = "The addresses themselves stand in `manifest.json` under `precision.widened`.";
    blocks.push(Block::Paragraph(Line::of(last)));
    Some(Section::new(EXTRA, blocks))
}

/// What of the budget is spent, on whose addresses.
fn spent(made: &Made<'_>, all: Classes) -> Line {
    Line::of("Exact lists do not fit the limits here. The policy accepts up to ")
        .text(made.policy.precision.max_extra)
        .prose(" extra addresses (`precision.max-extra`); these rules use ")
        .text(format_args!("{}, {}: ", all.total(), fewest(made, all.total())))
        .text(format_args!("{} of the same service, ", all.same_tag))
        .strong(format_args!("{} elsewhere in Azure", all.azure))
        .text(format_args!(", {} outside Azure.", all.outside))
}

fn table(made: &Made<'_>, extras: &[(&Extra, Classes)]) -> Table {
    let numbers = ["Exact", "Written", "Extra addresses", "Same service", "Elsewhere in Azure", "Outside"];
    let mut columns = ["Target", "Rules for"].map(Column::words).to_vec();
    columns.extend(numbers.map(Column::numbers));
    columns.push(Column::words("Why"));
    let rows = extras.iter().map(|(extra, classes)| {
        let (of, unit) = match extra.target {
            Target::RouteTable => (format!("routes to {}", extra.remote), "routes"),
            Target::Lists => (format!("the list of {}{}", extra.remote, family(extra)), "entries"),
            _ => (rules_for(made, extra), "prefixes"),
        };
        [
            extra.target.title().into(),
            of.into(),
            format_args!("{} {unit}", extra.exact).into(),
            extra.written.into(),
            classes.total().into(),
            classes.same_tag.into(),
            classes.azure.into(),
            classes.outside.into(),
            format_args!("{} is {}", extra.limit_name(), limit(made, extra)).into(),
        ]
    });
    Table::new(columns).with(rows)
}

/// The remote and the subnets whose rules list it.
fn rules_for(made: &Made<'_>, extra: &Extra) -> String {
    let flows = made.policy.flows.iter().filter(|flow| extra.flows.iter().any(|id| flow.id == **id));
    let subnets: BTreeSet<&str> = flows.map(|flow| flow.subnet.as_str()).collect();
    let family = family(extra);
    let rules = if extra.flows.len() == 1 { "1 rule" } else { &format!("{} rules", extra.flows.len()) };
    let subnets: Vec<&str> = subnets.into_iter().collect();
    format!("{}{family}: {rules} of {}", extra.remote, subnets.join(", "))
}

/// How many extra addresses there are, held against the fewest that would do.
fn fewest(made: &Made<'_>, total: Count) -> String {
    let fewest = made.plan.fewest_extra;
    if total <= fewest {
        return "the fewest with which they fit".to_owned();
    }
    format!(
        "{fewest} being the fewest with which they fit: lists stay as they were widened before as long as that takes at most a quarter more, so that few entries change"
    )
}

fn family(extra: &Extra) -> &'static str {
    if extra.addresses.v4.is_empty() { " (IPv6)" } else { "" }
}

fn limit(made: &Made<'_>, extra: &Extra) -> String {
    let usage = made.plan.usage.iter().find(|usage| Some(usage.key) == extra.limit);
    usage.map_or_else(String::new, |usage| usage.limit.to_string())
}
