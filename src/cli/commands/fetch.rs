//! `tagwall fetch`

use std::collections::BTreeSet;

use serde::Serialize;

use crate::cli::args::Fetch;
use crate::cli::online::Online;
use crate::cli::{Failure, clock, output, select};
use crate::store::guard::{Rule, Thresholds};
use crate::store::{Status, StoredSnapshot, Terms};
use crate::tags::Cloud;
use crate::text::{did_you_mean, nearest};

/// What became of one cloud, as JSON.
#[derive(Serialize)]
struct Fetched {
    status: Status,
    #[serde(flatten)]
    entry: StoredSnapshot,
    remarks: Vec<String>,
}

pub(in crate::cli) fn run(args: &Fetch) -> Result<(), Failure> {
    let store = select::store(&args.place)?;
    let online = Online::new(&args.source)?;
    let terms =
        Terms { thresholds: Thresholds::default(), accepted: rules(&args.accept)?, now: clock::now() };
    let (mut outcomes, mut failures) = (Vec::new(), Vec::new());
    // One cloud out of reach says nothing about the others.
    for cloud in clouds(&args.cloud)? {
        match online.fetch_into(&store, cloud, &terms) {
            Ok(got) => outcomes.push(Fetched { status: got.status, entry: got.entry, remarks: got.notes }),
            Err(failure) => failures.push(failure),
        }
    }
    output::print(&args.printing, &outcomes, |out| {
        outcomes.iter().try_for_each(|o| {
            let what = match o.status {
                Status::New => "new",
                Status::Same => "the same content again",
                Status::NotModified => "nothing new",
            };
            let StoredSnapshot { cloud, change_number, tags, .. } = &o.entry;
            writeln!(
                out,
                "{cloud}: {what}: {} of {}, number {change_number}, {tags} tags",
                o.entry.short(),
                o.entry.day()
            )?;
            o.remarks.iter().try_for_each(|note| writeln!(out, "  {note}"))
        })
    })?;
    worst(failures)
}

/// All failures in one, with the code of the weightiest: refused data before a network that failed.
fn worst(failures: Vec<Failure>) -> Result<(), Failure> {
    let text = failures.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    match failures.iter().map(Failure::exit_code).max() {
        None => Ok(()),
        Some(5) => Err(Failure::Refused(text)),
        Some(2) => Err(Failure::Input(text)),
        Some(_) => Err(Failure::Io(text)),
    }
}

fn clouds(names: &[String]) -> Result<Vec<Cloud>, Failure> {
    if names.is_empty() {
        return Ok(vec![Cloud::Public]);
    }
    let mut clouds = BTreeSet::new();
    for name in names {
        match name.as_str() {
            // The German cloud closed in 2021 and gets no files any more.
            "all" => clouds.extend([Cloud::Public, Cloud::UsGov, Cloud::China]),
            name => {
                clouds.insert(select::find_cloud(name)?);
            }
        }
    }
    Ok(clouds.into_iter().collect())
}

/// The rules that `--accept` names.
pub(in crate::cli) fn rules(names: &[String]) -> Result<Vec<Rule>, Failure> {
    let find = |name: &String| {
        Rule::find(name).ok_or_else(|| {
            let hint = did_you_mean(&nearest(name, Rule::ALL.map(Rule::name)));
            let all = Rule::ALL.map(Rule::name).join(", ");
            Failure::Input(format!("there is no rule `{name}` to accept{hint}; there are {all}"))
        })
    };
    names.iter().map(find).collect()
}
