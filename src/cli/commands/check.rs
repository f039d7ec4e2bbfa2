//! `tagwall check`

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use rayon::prelude::*;
use serde_json::{Value, json};

use crate::addr::IpPrefix;
use crate::analyse::{
    Drift, Have, LiveState, Made, NeedState, PlanSaid, Use, Week, az_script, check, needs_of, plan,
};
use crate::cli::args::{Check, CheckFormat, Data, OutputFormat, Printing};
use crate::cli::commands::compare::{counted, grouped};
use crate::cli::reading::{Tags, load_all, made_of, made_then};
use crate::cli::{Failure, output, select};
use crate::environment::Environment;
use crate::report::document::{self, Block, Column, Line, Table};
use crate::store::Kind;
use crate::text::joined;

/// How many stored weeks are looked at to name generations.
const WEEKS: usize = 12;

pub(in crate::cli) fn run(args: &Check) -> Result<ExitCode, Failure> {
    let name = args.policy.display().to_string();
    let environment = select::environment(&args.policy)?;
    let mut tags = Tags::new(&args.data);
    let (snapshot, day) = tags.dated(Some(environment.cloud()))?;
    let environment = environment.at(day)?;
    let (wanted, policy) = made_of(&environment, snapshot, &name)?;
    let parts: Vec<&str> = args.live.iter().map(String::as_str).collect();
    let live = load_all(&parts, &mut Tags::new(&args.data))?;
    let snapshot = tags.known().expect("got above");
    let mut drift = check(&wanted, &live, &needs_of(&policy), snapshot);
    drift.snapshot.date = day.map(|day| day.to_string());
    if drift.drift {
        drift.name_weeks(&live, &weeks(&environment, &args.data, &name));
    }
    if let Some(path) = &args.plan {
        let operations = match drift.drift {
            true => plan(&wanted, &live, snapshot).map_err(|error| Failure::Budget(error.to_string()))?,
            false => Vec::new(),
        };
        fs::write(path, az_script(&operations))
            .map_err(|error| Failure::Io(format!("{}: {error}", path.display())))?;
        drift.plan = Some(PlanSaid { operations });
    }
    say(args, &drift)?;
    Ok(ExitCode::from(if drift.drift { 4 } else { 0 }))
}

/// What the policy makes with each of the last stored weeks, the newest first. What cannot be had is left out: names of
/// weeks are beside the answer.
fn weeks(environment: &Environment, data: &Data, name: &str) -> Vec<Week> {
    let Ok(store) = select::store(&data.place) else { return Vec::new() };
    let Ok(mut entries) = store.entries(environment.cloud(), Kind::File) else { return Vec::new() };
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.day()));
    let week = |entry: &crate::store::StoredSnapshot| {
        let snapshot = store.load(entry).ok()?;
        let then = select::environment(Path::new(environment.file()))
            .ok()
            .and_then(|e| e.at(Some(entry.day())).ok());
        let made = then.and_then(|then| made_then(&then, &snapshot, name).ok());
        Some(Week { date: entry.day(), snapshot, made })
    };
    // Each by itself, so that they cost little more than one.
    entries.truncate(WEEKS);
    entries.par_iter().filter_map(week).collect()
}

/// Whether exports drift from any of some policies, with the newest tags of the store; told to people.
#[cfg(feature = "fetch")]
pub(in crate::cli) fn drifts(
    policies: &[std::path::PathBuf],
    exports: &[String],
    place: &crate::cli::args::Place,
) -> Result<bool, Failure> {
    let data = Data { snapshot: "latest".to_owned(), cloud: None, place: place.clone() };
    let parts: Vec<&str> = exports.iter().map(String::as_str).collect();
    let live = load_all(&parts, &mut Tags::new(&data))?;
    let mut any = false;
    for path in policies {
        let environment = select::environment(path)?;
        let mut tags = Tags::new(&data);
        let (snapshot, day) = tags.dated(Some(environment.cloud()))?;
        let environment = environment.at(day)?;
        let (wanted, policy) = made_of(&environment, snapshot, &path.display().to_string())?;
        let drift = check(&wanted, &live, &needs_of(&policy), snapshot);
        let mut told = Vec::new();
        text(&mut told, &drift).map_err(Failure::Output)?;
        output::say(&format!("{} against what is deployed:", path.display()));
        String::from_utf8_lossy(&told).lines().for_each(output::say);
        any |= drift.drift;
    }
    Ok(any)
}

fn say(args: &Check, drift: &Drift) -> Result<(), Failure> {
    match args.format {
        CheckFormat::Json => output::print(&Printing { format: OutputFormat::Json }, drift, |_| Ok(())),
        CheckFormat::Sarif => {
            output::print(&Printing { format: OutputFormat::Json }, &sarif(drift), |_| Ok(()))
        }
        CheckFormat::Text if args.quiet && !drift.drift => Ok(()),
        CheckFormat::Text => {
            output::print(&Printing { format: OutputFormat::Text }, drift, |out| text(out, drift))
        }
        CheckFormat::Markdown => {
            output::print(&Printing { format: OutputFormat::Text }, drift, |out| markdown(out, drift))
        }
    }
}

/// Prefixes in a line: the first few and how many more.
fn some(prefixes: &[IpPrefix]) -> String {
    match prefixes {
        few if few.len() <= 4 => joined(few, ", ").to_string(),
        many => format!("{}, … ({} prefixes)", joined(&many[..3], ", "), many.len()),
    }
}

fn need(need: &NeedState) -> String {
    let mut text = match need.state {
        Have::Ok => return format!("{} ({}): works", need.id, need.target),
        Have::Part => {
            format!("{} ({}): works in part; missing {}", need.id, need.target, some(&need.missing))
        }
        Have::Missing => format!("{} ({}): does not work", need.id, need.target),
    };
    if need.state == Have::Missing && !need.missing.is_empty() {
        text.push_str(&format!("; missing {}", some(&need.missing)));
    }
    if let Some(host) = &need.host {
        text.push_str(&format!(" for {host}"));
    }
    if let Some(tag) = &need.tag {
        text.push_str(&format!(" of {tag}"));
    }
    if let Some(since) = &need.since {
        text.push_str(&format!(", asked for since {since}"));
    }
    if let Some(rule) = &need.stopped_by {
        text.push_str(&format!("; stopped by {rule}"));
    }
    text
}

fn live(state: &LiveState) -> String {
    let by = match &state.generation {
        Some(Made::ByHand) => ", edited by hand".to_owned(),
        Some(Made::Week(week)) => format!(", as tagwall made it from the file of {week}"),
        None => String::new(),
    };
    let what = match state.state {
        Use::Needed => "needed",
        Use::Part => "needed, and more than that",
        Use::Excess => "not needed any more",
        Use::Foreign => "not tagwall's, and nothing of it is needed",
    };
    let mut text = format!("{}/{}: {what}{by}", state.resource, state.rule);
    if !state.excess.is_empty() {
        let classes: Vec<String> = state
            .classes
            .iter()
            .map(|(class, count)| format!("{} {}", grouped(&count.to_string()), class_words(class)))
            .collect();
        let (excess, classes) = (some(&state.excess), classes.join(", "));
        // Rules are judged by packets, routes by addresses.
        match state.packet {
            Some(_) => text.push_str(&format!("; lets through {excess} too: {classes}")),
            None => text.push_str(&format!("; leads {excess} elsewhere: {classes}")),
        }
    }
    text
}

fn class_words(class: &str) -> &str {
    match class {
        "azure" => "of other customers of Azure",
        "outside" => "outside of Microsoft",
        "same-service" => "of services that the policy needs",
        other => other,
    }
}

fn text(out: &mut dyn Write, drift: &Drift) -> io::Result<()> {
    writeln!(out, "Read: {}", counted(&drift.read))?;
    let week = drift.snapshot.date.as_deref().unwrap_or("no date");
    writeln!(
        out,
        "Service tags: {}, number {} ({week})",
        drift.snapshot.cloud, drift.snapshot.change_number
    )?;
    if let Some(week) = &drift.generation {
        writeln!(out, "The groups are what tagwall made from the file of {week}.")?;
    }
    drift.hangs_on.iter().try_for_each(|text| writeln!(out, "not judged: {text}"))?;
    if !drift.drift {
        let (needs, verb) =
            (many(drift.needs.len(), "need"), if drift.needs.len() == 1 { "works" } else { "work" });
        return writeln!(out, "No drift: {needs} {verb} as asked.");
    }
    let wanting: Vec<&NeedState> = drift.needs.iter().filter(|need| need.state != Have::Ok).collect();
    let verb = if wanting.len() == 1 { "does" } else { "do" };
    writeln!(out, "\nNeeds: {} of {} {verb} not work as asked", wanting.len(), drift.needs.len())?;
    wanting.iter().try_for_each(|own| writeln!(out, "  {}", need(own)))?;
    let odd: Vec<&LiveState> = odd(drift);
    let verb = if odd.len() == 1 { "differs" } else { "differ" };
    writeln!(out, "\nRules: {} of {} {verb} from what is needed", odd.len(), drift.live.len())?;
    odd.iter().try_for_each(|state| {
        writeln!(out, "  {} ({}:{})", live(state), state.place.file, state.place.line)
    })?;
    let Some(plan) = &drift.plan else { return Ok(()) };
    writeln!(out, "\nPlan: {}, each of them safe", many(plan.operations.len(), "operation"))?;
    plan.operations.iter().try_for_each(|operation| {
        let place = match operation.resource == operation.name {
            true => String::new(),
            false => format!(" in {}", operation.resource),
        };
        writeln!(out, "  {} {} {}{place}", operation.op, operation.kind, operation.name)
    })
}

/// How many of something.
fn many(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// Rules that are worth a line.
fn odd(drift: &Drift) -> Vec<&LiveState> {
    let is_odd = |state: &&LiveState| state.state != Use::Needed || !state.excess.is_empty();
    drift.live.iter().filter(is_odd).collect()
}

fn markdown(out: &mut dyn Write, drift: &Drift) -> io::Result<()> {
    let read = format!(
        "Read: {}. Service tags: {}, number {}.",
        counted(&drift.read),
        drift.snapshot.cloud,
        drift.snapshot.change_number
    );
    let title = if drift.drift { "Drift" } else { "No drift" };
    let mut blocks = vec![Block::Heading(1, title.into()), Block::paragraph(read)];
    if let Some(week) = &drift.generation {
        let made = format!("The groups are what tagwall made from the file of {week}.");
        blocks.push(Block::paragraph(made));
    }
    let open = drift.hangs_on.iter().map(|text| Line::of("not judged: ").prose(&text.to_string()));
    blocks.extend(Block::bullets(open));
    blocks.push(Block::Table(needs_table(drift)));
    blocks.push(Block::Table(rules_table(drift)));
    write!(out, "{}", document::markdown(&blocks))
}

fn needs_table(drift: &Drift) -> Table {
    let rows = drift.needs.iter().filter(|need| need.state != Have::Ok).map(|need| {
        let state = if need.state == Have::Part { "in part" } else { "missing" };
        let since = need.since.map(|day| day.to_string()).unwrap_or_default();
        let rule = need.stopped_by.as_deref().unwrap_or("");
        [
            Line::from(&need.id.to_string()),
            state.into(),
            some(&need.missing).into(),
            since.into(),
            rule.into(),
        ]
    });
    Table::new(["need", "state", "missing", "since", "stopped by"].map(Column::words)).with(rows)
}

fn rules_table(drift: &Drift) -> Table {
    let rows = odd(drift).into_iter().map(|state| {
        [
            Line::from(format_args!("{}/{}", state.resource, state.rule)),
            format!("{:?}", state.state).to_lowercase().into(),
            some(&state.excess).into(),
            state.class.unwrap_or("").into(),
            state.generation.map(|made| made.to_string()).unwrap_or_default().into(),
        ]
    });
    Table::new(["rule", "state", "excess", "whose", "made"].map(Column::words)).with(rows)
}

/// The answer as SARIF 2.1.0: a result for each need that does not work and each rule that does too much.
fn sarif(drift: &Drift) -> Value {
    let place = |state: &LiveState| {
        json!([{ "physicalLocation": { "artifactLocation": { "uri": state.place.file.replace('\\', "/") },
                 "region": { "startLine": state.place.line.max(1) } } }])
    };
    let first = drift.live.first().map(place);
    let needs = drift.needs.iter().filter(|need| need.state != Have::Ok).map(|own| {
        json!({ "ruleId": "drift-missing", "level": "error", "message": { "text": need(own) }, "locations": first,
                "partialFingerprints": { "need/v1": format!("{} {}", own.target, own.id) } })
    });
    let rules = odd(drift).into_iter().map(|state| {
        let level = if state.class == Some("azure") || state.class == Some("outside") { "error" } else { "warning" };
        json!({ "ruleId": "drift-excess", "level": level, "message": { "text": live(state) }, "locations": place(state),
                "partialFingerprints": { "rule/v1": format!("{} {}", state.resource, state.rule) } })
    });
    let results: Vec<Value> = needs.chain(rules).collect();
    json!({
        "version": "2.1.0",
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "runs": [{
            "tool": { "driver": { "name": "tagwall", "version": env!("CARGO_PKG_VERSION"), "rules": [
                { "id": "drift-missing", "shortDescription": { "text": "A need of the policy does not work" } },
                { "id": "drift-excess", "shortDescription": { "text": "A rule does more than the policy asks for" } } ] } },
            "results": results,
        }],
    })
}
