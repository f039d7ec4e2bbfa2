//! What is admitted beyond what was asked for, sorted by whose addresses they are.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::Made;
use super::cells::cell;
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

/// Writes one line; writing to a string does not fail.
macro_rules! line {
    ($out:expr) => { $out.push('\n') };
    ($out:expr, $($arg:tt)*) => { writeln!($out, $($arg)*).expect("writing to a string does not fail") };
}

/// The section of the report, if something is admitted that was not asked for.
pub(super) fn section(made: &Made<'_>, out: &mut String) {
    let extras = classified(made);
    if extras.is_empty() {
        return;
    }
    let all = sum(&extras);
    line!(out, "## Admitted beyond what was asked for");
    line!(out);
    line!(
        out,
        "Exact lists do not fit the limits here. The policy accepts up to {} extra addresses (`precision.max-extra`); these rules use {}, {}: {} of the same service, **{} elsewhere in Azure**, {} outside Azure.",
        made.policy.precision.max_extra,
        all.total(),
        fewest(made, all.total()),
        all.same_tag,
        all.azure,
        all.outside
    );
    line!(out);
    line!(
        out,
        "That counts an address once for each list that admits it, as the budget does. Different ones: {}.",
        distinct(made)
    );
    if !all.azure.is_zero() {
        line!(out);
        line!(
            out,
            "Addresses elsewhere in Azure are other services and other customers' machines. Anyone can rent one, so that data can leave to them: this is the worst kind of extra."
        );
    }
    line!(out);
    line!(
        out,
        "| Target | Rules for | Exact | Written | Extra addresses | Same service | Elsewhere in Azure | Outside | Why |"
    );
    line!(out, "|---|---|--:|--:|--:|--:|--:|--:|---|");
    for (extra, classes) in &extras {
        let (of, unit) = match extra.target {
            Target::RouteTable => (format!("routes to {}", extra.remote), "routes"),
            Target::Lists => (format!("the list of {}{}", extra.remote, family(extra)), "entries"),
            _ => (rules_for(made, extra), "prefixes"),
        };
        line!(
            out,
            "| {} | {} | {} {unit} | {} | {} | {} | {} | {} | {} is {} |",
            extra.target.title(),
            cell(&of),
            extra.exact,
            extra.written,
            classes.total(),
            classes.same_tag,
            classes.azure,
            classes.outside,
            extra.limit_name(),
            limit(made, extra)
        );
    }
    line!(out);
    if made.plan.extras.iter().any(|extra| extra.target == Target::RouteTable) {
        line!(
            out,
            "Extra addresses of a route table no longer go the default way, and so not through a firewall that it leads to: they go where these routes lead."
        );
        line!(out);
    }
    if made.plan.extras.iter().any(|extra| extra.target == Target::Lists) {
        line!(out, "Only the lists in `edl/` are wider; those in other files are exact.");
        line!(out);
    }
    line!(out, "The addresses themselves stand in `manifest.json` under `precision.widened`.");
    line!(out);
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
