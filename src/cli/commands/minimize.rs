//! `tagwall minimize`

mod curve;

use std::path::Path;

use serde::Serialize;

use crate::addr::{
    AddrSet, Count, CoverCurve, CoverError, CoverRequest, Covers, cheapest_within, fewest_within,
};
use crate::cli::args::{CurveFormat, Minimize, OutputFormat, Place, Printing};
use crate::cli::{Failure, lists, output, select};
use crate::tags::Tag;

/// A cover within a budget, as JSON. Counts that can pass 2^53 are strings.
#[derive(Serialize)]
struct Minimized {
    prefixes: Vec<String>,
    count: usize,
    input_prefixes: usize,
    addresses: Count,
    extra_addresses: Count,
    /// The price of the extra addresses; their number where no prices were given.
    cost: Count,
    /// How many prefixes hold the input without anything added.
    exact_count: usize,
    /// What was added.
    added: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    added_by_class: Option<Classes>,
}

/// Extra addresses by where they lie.
#[derive(Serialize)]
struct Classes {
    /// In a tag, other than AzureCloud, that also holds some of the input.
    same_tag: Count,
    /// Elsewhere in the snapshot: other customers of Azure.
    azure: Count,
    /// In no tag.
    outside: Count,
}

pub(in crate::cli) fn run(args: &Minimize) -> Result<(), Failure> {
    let printing = Printing {
        format: if args.format == CurveFormat::Json { OutputFormat::Json } else { OutputFormat::Text },
    };
    if !args.curve && matches!(args.format, CurveFormat::Csv | CurveFormat::Svg) {
        return Err(Failure::Input("--format csv and svg print a curve: add --curve".to_owned()));
    }
    let budget = args.curve || args.max_prefixes.is_some() || args.max_extra.is_some();
    if !budget && (args.never.is_some() || args.price.is_some()) {
        let message =
            "--never and --price steer what is added: give --max-prefixes, --max-extra or --curve with them";
        return Err(Failure::Input(message.to_owned()));
    }
    let stdin = [Path::new("-").to_owned()];
    let files = if args.files.is_empty() { &stdin[..] } else { &args.files };
    let mut lists = lists::read_all(files, args.relaxed)?;
    let entries = lists.iter().map(|l| l.entries).sum();
    let set = match lists.len() {
        1 => lists.remove(0).set,
        _ => AddrSet::union_of(lists.iter().map(|l| &l.set)),
    };
    if !args.curve && args.max_prefixes.is_none() && args.max_extra.is_none() {
        return lists::print_exact(&set, entries, &printing);
    }
    let never = lists::read_set(args.never.as_deref())?;
    let prices = lists::read_prices(args.price.as_deref())?;
    let request = CoverRequest::new(&set).never(&never).prices(&prices);
    if args.curve {
        let curve = CoverCurve::new(request, args.max_prefixes)?;
        if let Some(most) = args.max_prefixes.filter(|&most| most < curve.smallest()) {
            curve.at_most(most)?;
        }
        return curve::print(&curve, args.format, args.price.is_some());
    }
    let best = best(request, args)?;
    let minimized = describe(&set, &best, entries, args)?;
    if !best.extra.is_zero() {
        summarise(&minimized, args.price.is_some());
    }
    output::print(&printing, &minimized, |out| {
        minimized.prefixes.iter().try_for_each(|p| writeln!(out, "{p}"))
    })
}

/// The optimum within whichever budget was given; with both, the cheapest that also keeps the other.
fn best(request: CoverRequest<'_>, args: &Minimize) -> Result<Covers, Failure> {
    let Some(most_prefixes) = args.max_prefixes else {
        return Ok(fewest_within(&[request], args.max_extra.unwrap_or(Count::ZERO))?);
    };
    let best = cheapest_within(&[request], most_prefixes)?;
    match args.max_extra {
        Some(most) if best.cost > most => Err(too_dear(request, &best, most_prefixes, most)?),
        _ => Ok(best),
    }
}

/// Both budgets cannot be met: says what each would need.
fn too_dear(
    request: CoverRequest<'_>,
    best: &Covers,
    prefixes: usize,
    most: Count,
) -> Result<Failure, CoverError> {
    let enough = fewest_within(&[request], most)?;
    Ok(Failure::Budget(format!(
        "{prefixes} prefixes cost at least {} where {most} may be spent: {} prefixes are needed for that",
        best.cost, enough.prefixes
    )))
}

fn describe(set: &AddrSet, best: &Covers, entries: usize, args: &Minimize) -> Result<Minimized, Failure> {
    let covered: AddrSet = best.covers[0].iter().copied().collect();
    let added = covered.difference(set);
    Ok(Minimized {
        prefixes: best.covers[0].iter().map(|p| p.to_string()).collect(),
        count: best.prefixes,
        input_prefixes: entries,
        addresses: covered.count(),
        extra_addresses: best.extra,
        cost: best.cost,
        exact_count: set.prefixes().count(),
        added: added.prefixes().map(|p| p.to_string()).collect(),
        added_by_class: args
            .snapshot
            .as_ref()
            .map(|which| classes(set, &added, which, &args.place))
            .transpose()?,
    })
}

/// Sorts what was added by where it lies.
fn classes(set: &AddrSet, added: &AddrSet, snapshot: &str, place: &Place) -> Result<Classes, Failure> {
    let snapshot = select::find_snapshot(snapshot, place, None)?;
    // AzureCloud holds nearly everything, so being in it together says nothing.
    let sets = |keep: &dyn Fn(&Tag) -> bool| {
        AddrSet::union_of(snapshot.tags().iter().filter(|tag| keep(tag)).map(|tag| tag.set()))
    };
    let all = sets(&|_| true);
    let same = sets(&|tag| !tag.name().as_str().starts_with("AzureCloud") && !tag.set().is_disjoint(set));
    Ok(Classes {
        same_tag: added.intersection(&same).count(),
        azure: added.intersection(&all.difference(&same)).count(),
        outside: added.difference(&all).count(),
    })
}

/// Tells people what the budget cost.
fn summarise(minimized: &Minimized, priced: bool) {
    let Minimized { count, exact_count, extra_addresses, cost, .. } = minimized;
    let price = if priced { format!(" at a price of {cost}") } else { String::new() };
    let mut text =
        format!("{count} prefixes instead of {exact_count}: {extra_addresses} extra addresses{price}");
    if let Some(Classes { same_tag, azure, outside }) = &minimized.added_by_class {
        text += &format!(" ({same_tag} in the same tags, {azure} elsewhere in Azure, {outside} outside)");
    }
    output::say(&text);
}
