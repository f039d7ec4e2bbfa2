//! `tagwall batch --list`: which environments there are, and what is wrong with their policies.

use std::process::ExitCode;

use rayon::prelude::*;
use serde::Serialize;

use crate::cli::args::Batch;
use crate::cli::{Failure, output};
use crate::environment::Fleet;

/// An environment that would be made, as JSON.
#[derive(Serialize)]
struct Listed {
    name: String,
    from: String,
    cloud: Option<&'static str>,
    region: Option<String>,
    subnets: usize,
    needs: usize,
    error: Option<String>,
}

pub(super) fn run(args: &Batch, fleet: &Fleet) -> Result<ExitCode, Failure> {
    let listed: Vec<Listed> = (0..fleet.len()).into_par_iter().map(|index| listed(fleet, index)).collect();
    let wrong = listed.iter().filter(|one| one.error.is_some()).count();
    let mut table = output::table(&["NAME", "CLOUD", "REGION", "SUBNETS", "NEEDS", "FROM"]);
    for one in listed.iter().filter(|one| one.error.is_none()) {
        let (region, subnets, needs) = (one.region.clone().unwrap_or_default(), one.subnets, one.needs);
        let cloud = one.cloud.unwrap_or_default();
        table.add_row([
            one.name.clone(),
            cloud.to_owned(),
            region,
            subnets.to_string(),
            needs.to_string(),
            one.from.clone(),
        ]);
    }
    for one in &listed {
        if let Some(error) = &one.error {
            output::say(&format!("{} ({}):\n{error}", one.name, one.from));
        }
    }
    output::print(&args.printing, &listed, |out| output::write_table(out, &table))?;
    if wrong > 0 {
        return Err(Failure::Input(format!("{wrong} of {} environments are wrong", listed.len())));
    }
    Ok(ExitCode::SUCCESS)
}

fn listed(fleet: &Fleet, index: usize) -> Listed {
    let (name, from) = (fleet.name(index).to_owned(), fleet.place(index));
    match fleet.environment(index) {
        Ok(environment) => {
            let intent = &environment.source().intent;
            let (cloud, region) = (Some(environment.cloud().name()), Some(intent.region.clone()));
            let (subnets, needs) = (intent.subnets.len(), intent.allow.len());
            Listed { name, from, cloud, region, subnets, needs, error: None }
        }
        Err(error) => {
            let error = Some(error.to_string());
            Listed { name, from, cloud: None, region: None, subnets: 0, needs: 0, error }
        }
    }
}
