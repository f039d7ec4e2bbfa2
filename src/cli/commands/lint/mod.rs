//! `tagwall lint`

mod answer;
mod filter;
mod print;
mod sarif;

use std::process::ExitCode;

use crate::analyse::lint::{CHECKS, Check, Finding, Linting, Severity, check, lint};
use crate::cli::args::{FailOn, Lint, LintFormat};
use crate::cli::reading::{Tags, load_all};
use crate::cli::{Failure, output, select};
use crate::read::live::Live;
use crate::store::Kind;
use crate::store::index;
use crate::tags::{Snapshot, Timeline};
use crate::text::{did_you_mean, nearest};
use answer::{Answer, Counts, Resource};

pub(in crate::cli) fn run(args: &Lint) -> Result<ExitCode, Failure> {
    if let Some(id) = &args.explain {
        return explain(id).map(|()| ExitCode::SUCCESS);
    }
    let parts: Vec<&str> = args.files.iter().map(String::as_str).collect();
    let mut tags = Tags::new(&args.data);
    let live = load_all(&parts, &mut tags)?;
    let (snapshot, _) = tags.dated(None)?;
    let timeline = timeline(args, snapshot)?;
    let linting = Linting { snapshot, timeline: timeline.as_ref(), risks: args.risks };
    let mut found = lint(&live, &linting);
    if let Some(path) = &args.write_baseline {
        filter::write_baseline(path, &found)?;
    }
    let all = found.len();
    filter::apply(args, &mut found)?;
    let answer = answer(&live, &found, timeline.as_ref(), all);
    match args.format {
        LintFormat::Sarif => sarif::print(&found)?,
        format => print::print(format, &answer)?,
    }
    let least = match args.fail_on {
        FailOn::Error => Some(Severity::Error),
        FailOn::Warning => Some(Severity::Warning),
        FailOn::Info => Some(Severity::Info),
        FailOn::Never => None,
    };
    let fails = least.is_some_and(|least| found.iter().any(|finding| finding.severity >= least));
    Ok(if fails { ExitCode::from(4) } else { ExitCode::SUCCESS })
}

/// The stored weeks of the cloud, where there are any. The built-in sample has no past.
fn timeline(args: &Lint, snapshot: &Snapshot) -> Result<Option<Timeline>, Failure> {
    if args.data.snapshot == "sample" {
        return Ok(None);
    }
    let store = select::store(&args.data.place)?;
    let indexed = index::timeline(&store, snapshot.cloud(), Kind::File)?;
    indexed.warnings.iter().for_each(|text| output::say(&format!("warning: {text}")));
    Ok(Some(indexed.timeline).filter(|timeline| !timeline.weeks().is_empty()))
}

fn answer<'a>(live: &'a Live, found: &'a [Finding], timeline: Option<&Timeline>, all: usize) -> Answer<'a> {
    let mut counts = Counts::default();
    for finding in found {
        match finding.severity {
            Severity::Error => counts.error += 1,
            Severity::Warning => counts.warning += 1,
            Severity::Info => counts.info += 1,
        }
    }
    let mut assumptions = Vec::new();
    if live.networks.is_empty() {
        let text = "no virtual network among the files: VirtualNetwork is taken for 10.0.0.0/8, 172.16.0.0/12, \
                    192.168.0.0/16 and fc00::/7";
        assumptions.push(text.to_owned());
    }
    match timeline {
        None => assumptions.push("no stored weeks: lists are not held against what tags were".to_owned()),
        Some(timeline) => {
            let weeks = timeline.weeks();
            let (first, last) = (weeks[0].date, weeks[weeks.len() - 1].date);
            assumptions
                .push(format!("lists are held against {} stored weeks, {first} to {last}", weeks.len()));
        }
    }
    let groups = live.groups.iter().flat_map(|group| &group.incomplete);
    let tables = live.tables.iter().flat_map(|table| &table.incomplete);
    Answer {
        findings: found,
        read: live.resources().map(|(kind, name, place)| Resource { kind, name, place }).collect(),
        counts,
        assumptions,
        incomplete: live.incomplete.iter().chain(groups).chain(tables).map(ToString::to_string).collect(),
        left_out: all - found.len(),
    }
}

fn explain(id: &str) -> Result<(), Failure> {
    use std::io::Write;
    let mut out = output::stdout();
    let one = |out: &mut dyn Write, check: &Check| {
        let risk = if check.is_risk { ", with --risks" } else { "" };
        writeln!(out, "{} {} ({}{risk})\n", check.id, check.title, check.severity.name())?;
        writeln!(out, "{}\n\nExample: {}", check.meaning, check.example)?;
        if check.source.is_empty() { Ok(()) } else { writeln!(out, "Source: {}", check.source) }
    };
    let written = if id.eq_ignore_ascii_case("all") {
        CHECKS
            .iter()
            .try_for_each(|check| writeln!(out, "{}  {:7}  {}", check.id, check.severity.name(), check.title))
    } else {
        let check = check(id).ok_or_else(|| {
            let hint = did_you_mean(&nearest(&id.to_uppercase(), CHECKS.iter().map(|check| check.id)));
            Failure::Input(format!(
                "no finding has the id {id}{hint}; `tagwall lint --explain all` lists them"
            ))
        })?;
        one(&mut out, check)
    };
    written.and_then(|()| out.flush()).map_err(Failure::Output)
}
