//! `tagwall rollback`

#[cfg(feature = "fetch")]
use jiff::Timestamp;
use serde::Serialize;

use crate::cli::args::Rollback;
use crate::cli::status::Status;
use crate::cli::{Failure, clock, output};
use crate::report::changes::Changes;
use crate::site::changes_between;
use crate::site::refresh::held_prefixes;
use crate::site::{RollBack, Site};

/// What was done, as JSON.
#[derive(Serialize)]
struct RolledBack {
    from: u64,
    generation: u64,
    published_at: String,
    /// Whether any rule or list differs between the two.
    rules_changed: bool,
    environments: Vec<Summed>,
    notes: Vec<String>,
}

/// What it changes in one environment, in short.
#[derive(Serialize)]
struct Summed {
    name: String,
    rules_changed: usize,
    lists_changed: usize,
    tags: Vec<String>,
}

/// Names of the files that say what a rollback changed.
pub(super) const REPORTS: [&str; 2] = ["rollback.json", "rollback.md"];

pub(in crate::cli) fn run(args: &Rollback) -> Result<(), Failure> {
    let site = Site::new(&args.out);
    if !args.out.exists() {
        return Err(Failure::Input(format!("{}: nothing is published here yet", args.out.display())));
    }
    #[cfg(feature = "fetch")]
    let hooks = super::hooks::Hooks::new(&args.hooks)?;
    let now = clock::now();
    let lock = site.lock()?;
    let done = site.rollback(args.to)?;
    let (changes, mut notes) = changes(&site, &done);
    report(&site, &done, &changes);
    Status::good("rollback", "restored", done.record.number, now)
        .holding(held_back(&done), held_prefixes(&site, &done.record))
        .write(&site);
    drop(lock);
    notes.extend(done.notes.iter().cloned());
    let outcome = outcome(&done, &changes, notes);
    print(args, &outcome)?;
    #[cfg(feature = "fetch")]
    if outcome.rules_changed {
        tell(&hooks, &site, &outcome, &changes, now)?;
    }
    Ok(())
}

/// What is rolled back is held back; what is rolled forward to is not.
fn held_back(done: &RollBack) -> Option<u64> {
    // What a damaged generation was made from is not known, so that it may be made again.
    done.before.as_ref().filter(|_| done.record.number < done.from).map(|before| before.number)
}

/// What it changes, and what cannot be said.
fn changes(site: &Site, done: &RollBack) -> (Vec<Changes>, Vec<String>) {
    match &done.before {
        Some(before) => changes_between(site, before, &done.record),
        None => {
            let note = format!("generation {} is damaged, so that what changed cannot be said", done.from);
            (Vec::new(), vec![note])
        }
    }
}

fn outcome(done: &RollBack, changes: &[Changes], notes: Vec<String>) -> RolledBack {
    let summed = |changes: &Changes| {
        let (rules_changed, lists_changed) = changes.counts();
        let tags = changes.tags.iter().map(|tag| format!("{}: {}", tag.name, tag.delta.summary())).collect();
        Summed { name: changes.name.clone(), rules_changed, lists_changed, tags }
    };
    RolledBack {
        from: done.from,
        generation: done.record.number,
        published_at: done.record.published_at.to_string(),
        rules_changed: done.before.is_none() || changes.iter().any(|changes| !changes.is_empty()),
        environments: changes.iter().map(summed).collect(),
        notes,
    }
}

/// Writes what changed beside the generations: their own `changes.md` says what each changed when it was new. What is
/// published is published: a report that cannot be written is no reason to call it a failure.
fn report(site: &Site, done: &RollBack, changes: &[Changes]) {
    let RollBack { from, before, record: to, .. } = done;
    let of = match before {
        Some(before) => format!("of {}", before.published_at),
        None => "which is damaged".to_owned(),
    };
    let head = format!(
        "Generation {} of {} is published again in the place of generation {from} {of}.\n\n",
        to.number, to.published_at
    );
    let texts: Vec<String> = changes.iter().map(Changes::markdown).collect();
    let mut json = serde_json::to_vec_pretty(changes).expect("texts and numbers always serialise");
    json.push(b'\n');
    for (name, bytes) in REPORTS.into_iter().zip([json, (head + &texts.join("\n")).into_bytes()]) {
        if let Err(error) = site.write_notice(name, &bytes) {
            output::say(&format!("warning: {name} is not written: {error}"));
        }
    }
}

fn print(args: &Rollback, outcome: &RolledBack) -> Result<(), Failure> {
    output::print(&args.printing, outcome, |out| {
        let RolledBack { from, generation, published_at, environments, notes, .. } = outcome;
        writeln!(out, "generation {generation} of {published_at} is published again in the place of {from}")?;
        for Summed { name, rules_changed, lists_changed, tags } in environments {
            writeln!(out, "  {name}: {rules_changed} rules and {lists_changed} lists changed")?;
            tags.iter().try_for_each(|tag| writeln!(out, "    {tag}"))?;
        }
        notes.iter().try_for_each(|note| writeln!(out, "  {note}"))
    })
}

#[cfg(feature = "fetch")]
fn tell(
    hooks: &super::hooks::Hooks,
    site: &Site,
    outcome: &RolledBack,
    changes: &[Changes],
    now: Timestamp,
) -> Result<(), Failure> {
    use crate::cli::args::SourceFromEnvironment;
    use crate::cli::online::{Online, Waiting};
    use clap::Parser;
    if hooks.is_empty() {
        return Ok(());
    }
    // How requests are made is said by the environment, as for a refresh without flags.
    let source = SourceFromEnvironment::parse_from(["tagwall"]).source;
    let online = Online::for_hooks(&source)?;
    let body = serde_json::json!({"event": "rollback", "summary": outcome, "changes": changes}).to_string();
    let event = super::hooks::Event {
        name: "rollback",
        out: site.out(),
        generation: outcome.generation,
        body: &body,
        now: now.as_second(),
    };
    let failures = Waiting::new()?.wait(hooks.run(&online.http, &event));
    match failures {
        Ok(failures) if failures.is_empty() => Ok(()),
        Ok(failures) => Err(Failure::Io(format!(
            "generation {} is published again, but {}",
            outcome.generation,
            failures.join("\n")
        ))),
        Err(_) => {
            Err(Failure::Io("published again, but stopped by a signal before all were told".to_owned()))
        }
    }
}
