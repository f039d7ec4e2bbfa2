//! `tagwall catalog check`

use std::collections::BTreeMap;

use serde::Serialize;

use crate::catalog::{Catalog, Context, Prefer, Workload};
use crate::cli::args::CatalogCheck;
use crate::cli::{Failure, output};
use crate::environment::read_text;
use crate::tags::Regions;

/// What the files come to, as JSON.
#[derive(Serialize)]
struct Checked {
    files: Vec<String>,
    /// Workloads that are new, or that the files change.
    workloads: Vec<Changed>,
}

#[derive(Serialize)]
struct Changed {
    name: String,
    new: bool,
    rows: usize,
    /// Rows that are new or not what they are built in as.
    changed_rows: Vec<String>,
}

pub(in crate::cli) fn check(args: &CatalogCheck) -> Result<(), Failure> {
    let texts = args.files.iter().map(|path| Ok((path.display().to_string(), read_text(path)?)));
    let texts = texts.collect::<Result<Vec<_>, Failure>>()?;
    let catalog = Catalog::builtin().extended(&texts)?;
    let changed: Vec<&Workload> = catalog
        .workloads()
        .filter(|workload| Catalog::builtin().workload(workload.name()) != Some(*workload))
        .collect();
    let errors: Vec<String> =
        changed.iter().flat_map(|workload| try_everywhere(workload, &catalog)).collect();
    if !errors.is_empty() {
        return Err(Failure::Input(errors.join("\n")));
    }
    let checked = Checked {
        files: texts.into_iter().map(|(name, _)| name).collect(),
        workloads: changed.into_iter().map(describe).collect(),
    };
    output::print(&args.printing, &checked, |out| {
        checked.files.iter().try_for_each(|file| writeln!(out, "{file}: nothing is wrong"))?;
        checked.workloads.iter().try_for_each(|workload| {
            let what = if workload.new { "new" } else { "changed" };
            writeln!(out, "  {}: {what}, {} rows", workload.name, workload.rows)?;
            workload.changed_rows.iter().try_for_each(|row| writeln!(out, "    {row}"))
        })
    })
}

/// Resolves a workload with its defaults in every region, so that what goes wrong there goes wrong here.
fn try_everywhere(workload: &Workload, catalog: &Catalog) -> Vec<String> {
    let options = BTreeMap::new();
    let needs_options = workload.options().iter().any(|option| option.required);
    let mut errors = Vec::new();
    for &cloud in workload.clouds().iter().filter(|_| !needs_options) {
        let regions = Regions::of(cloud);
        for region in regions.iter().filter(|region| !region.suffix().is_empty()) {
            let (prefer, as_of) = (Prefer::Both, catalog.as_of());
            let context =
                Context { cloud, region, regions, options: &options, prefer, without: &[], with: &[], as_of };
            if let Err(found) = workload.resolve(&context) {
                errors.extend(found.iter().map(|error| format!("{}: {error}", region.location())));
            }
        }
    }
    errors
}

fn describe(workload: &Workload) -> Changed {
    let before = Catalog::builtin().workload(workload.name());
    let differs = |row: &&crate::catalog::Row| {
        before.and_then(|workload| workload.row(row.id())).is_none_or(|old| old != *row)
    };
    Changed {
        name: workload.name().to_owned(),
        new: before.is_none(),
        rows: workload.rows().len(),
        changed_rows: workload.rows().iter().filter(differs).map(|row| row.id().to_owned()).collect(),
    }
}
