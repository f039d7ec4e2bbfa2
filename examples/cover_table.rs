//! Makes `docs/covers.md`: what it takes to squeeze real tags into few prefixes.
//!
//! `cargo run --release --example cover_table -- SNAPSHOT... > docs/covers.md`, with service-tags files, plain or
//! packed.

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;

use rayon::prelude::*;
use tagwall::addr::{CoverCurve, CoverRequest};
use tagwall::store::load_file;
use tagwall::tags::Snapshot;

const TAGS: [&str; 4] = ["Storage", "AzureMachineLearning", "BatchNodeManagement", "AzureCloud"];
const BUDGETS: [usize; 6] = [400, 200, 100, 50, 25, 10];

fn main() -> Result<(), Box<dyn Error>> {
    let mut files: Vec<String> = std::env::args().skip(1).collect();
    files.sort();
    let rows: Vec<String> = files.par_iter().map(|file| rows(file)).collect::<Result<_, _>>()?;
    let mut out = io::stdout().lock();
    writeln!(out, "# Covers of real tags\n")?;
    writeln!(
        out,
        "The fewest extra IPv4 addresses with which a tag fits so many prefixes; `0` is exact. Optimal, not"
    )?;
    writeln!(
        out,
        "estimated: no other choice of so many prefixes adds less. Made by `examples/cover_table.rs`.\n"
    )?;
    let budgets: String = BUDGETS.iter().map(|k| format!(" {k} |")).collect();
    writeln!(out, "| snapshot | tag | prefixes | addresses |{budgets}")?;
    writeln!(out, "|---|---|--:|--:|{}", "--:|".repeat(BUDGETS.len()))?;
    rows.iter().try_for_each(|rows| out.write_all(rows.as_bytes()))?;
    Ok(())
}

/// The lines of one snapshot.
fn rows(file: &str) -> Result<String, String> {
    let snapshot: Snapshot = load_file(Path::new(file)).map_err(|error| error.to_string())?;
    let name = Path::new(file).file_name().map_or(file.into(), |name| name.to_string_lossy());
    let name = name.split('.').next().unwrap_or_default().trim_start_matches("ServiceTags_");
    let mut out = String::new();
    for tag in TAGS.iter().filter_map(|tag| snapshot.tag(tag)) {
        let mut set = tag.set().clone();
        set.v6 = Default::default();
        let curve =
            CoverCurve::new(CoverRequest::new(&set), Some(BUDGETS[0])).map_err(|error| error.to_string())?;
        let extra = |&k: &usize| {
            curve.at_most(k).map_or_else(|_| " – |".to_owned(), |best| format!(" {} |", best.extra))
        };
        let extras: String = BUDGETS.iter().map(extra).collect();
        out += &format!("| {name} | {} | {} | {} |{extras}\n", tag.name(), curve.lossless(), set.count());
    }
    Ok(out)
}
