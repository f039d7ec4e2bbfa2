//! `tagwall workloads --changes`

use std::io::{self, Write};

use serde::Serialize;

use crate::catalog::{Catalog, Date, DatedFact, Version, VersionChange};
use crate::cli::args::Workloads;
use crate::cli::{Failure, output};
use crate::text::did_you_mean;

/// What begins, ends and changed, as JSON.
#[derive(Serialize)]
struct Listing<'a> {
    /// Version of the built-in facts.
    version: Date,
    as_of: Date,
    dated: Vec<Fact<'a>>,
    versions: Vec<Version>,
}

#[derive(Serialize)]
struct Fact<'a> {
    date: Date,
    turn: &'static str,
    /// Whether the day lies after the one whose facts are taken.
    to_come: bool,
    subject: &'a str,
    workloads: &'a [String],
    clouds: Vec<&'static str>,
    what: &'a str,
    announced: Option<Date>,
    kept_after_end: bool,
    source: &'a str,
    #[serde(skip)]
    sentence: String,
}

pub(super) fn run(args: &Workloads, catalog: &Catalog) -> Result<(), Failure> {
    if let Some(name) = &args.name
        && catalog.workload(name).is_none()
    {
        let hint = did_you_mean(&catalog.nearest(name));
        return Err(Failure::Input(format!("there is no workload `{name}`{hint}")));
    }
    let asked =
        |names: &[String]| args.name.as_ref().is_none_or(|name| names.is_empty() || names.contains(name));
    let since = |day: Date| args.since.is_none_or(|since| day >= since);
    let facts = catalog.dated();
    let dated = facts.iter().filter(|fact| since(fact.date) && asked(&fact.workloads));
    let listing = Listing {
        version: Catalog::version(),
        as_of: catalog.as_of(),
        dated: dated.map(|fact| describe(fact, catalog.as_of())).collect(),
        versions: versions(&since, &asked),
    };
    output::print(&args.printing, &listing, |out| write_text(out, &listing))
}

fn describe(fact: &DatedFact, as_of: Date) -> Fact<'_> {
    Fact {
        date: fact.date,
        turn: fact.turn.name(),
        to_come: fact.date > as_of,
        subject: &fact.subject,
        workloads: &fact.workloads,
        clouds: fact.clouds.iter().map(|cloud| cloud.name()).collect(),
        what: &fact.what,
        announced: fact.announced,
        kept_after_end: fact.kept,
        source: &fact.source,
        sentence: fact.sentence(as_of),
    }
}

/// The versions that are asked for, with the changes of the workload that is asked for.
fn versions(since: &impl Fn(Date) -> bool, asked: &impl Fn(&[String]) -> bool) -> Vec<Version> {
    let wanted = Catalog::versions().iter().filter(|version| since(version.date));
    let narrowed = wanted.map(|version| {
        let changes = version.changes.iter().filter(|change| asked(&change.workloads));
        let full = |change: &VersionChange| VersionChange {
            source: Catalog::builtin().documents(&change.source),
            ..change.clone()
        };
        Version { changes: changes.map(full).collect(), ..version.clone() }
    });
    narrowed.collect()
}

fn write_text(out: &mut dyn Write, listing: &Listing<'_>) -> io::Result<()> {
    writeln!(out, "Catalogue of {}, as of {}\n", listing.version, listing.as_of)?;
    writeln!(out, "What begins or ends on a day:")?;
    if listing.dated.is_empty() {
        writeln!(out, "  nothing")?;
    }
    listing.dated.iter().try_for_each(|fact| writeln!(out, "  {}", fact.sentence))?;
    for version in &listing.versions {
        writeln!(out, "\nVersion of {}: {}", version.date, version.text)?;
        for change in &version.changes {
            let rows =
                if change.rows.is_empty() { String::new() } else { format!(" {}", change.rows.join(" ")) };
            let clouds = if change.clouds.is_empty() {
                String::new()
            } else {
                format!(" in {}", change.clouds.join(", "))
            };
            writeln!(out, "  {}: {}{rows}{clouds}", change.id, change.workloads.join(" "))?;
            writeln!(out, "      was: {}\n      now: {}", change.was, change.now)?;
            change.source.iter().try_for_each(|source| writeln!(out, "      {source}"))?;
        }
    }
    Ok(())
}
