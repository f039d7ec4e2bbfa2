//! `tagwall rollback`

use serde::Serialize;

use crate::cli::args::Rollback;
use crate::cli::{Failure, output};
use crate::store::site::Site;

/// What was done, as JSON.
#[derive(Serialize)]
struct Outcome {
    from: u64,
    generation: u64,
    published_at: String,
}

pub(in crate::cli) fn run(args: &Rollback) -> Result<(), Failure> {
    let site = Site::new(&args.out);
    if !args.out.exists() {
        return Err(Failure::Input(format!("{}: nothing is published here yet", args.out.display())));
    }
    let _lock = site.lock()?;
    let (from, to) = site.rollback(args.to)?;
    let outcome =
        Outcome { from: from.number, generation: to.number, published_at: to.published_at.to_string() };
    output::print(&args.printing, &outcome, |out| {
        let Outcome { from, generation, published_at } = &outcome;
        writeln!(out, "generation {generation} of {published_at} is published again in the place of {from}")
    })
}
