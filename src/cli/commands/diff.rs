//! `tagwall diff`

use std::io::{self, Write};

use super::generate::{catalog_of, read_policy};
use crate::cli::args::{Diff, DiffFormat};
use crate::cli::{Failure, output, select};
use crate::pipeline;
use crate::policy::cloud_of;
use crate::report::changes::{Changes, RuleBook};
use crate::tags::Snapshot;

pub(in crate::cli) fn run(args: &Diff) -> Result<(), Failure> {
    let changes = args.policy.iter().map(|path| changes_of(args, path)).collect::<Result<Vec<_>, _>>()?;
    let mut out = output::stdout();
    write(&mut out, args.format, &changes).and_then(|()| out.flush()).map_err(Failure::Output)
}

/// What the rules of one policy become, made from either snapshot.
fn changes_of(args: &Diff, path: &std::path::Path) -> Result<Changes, Failure> {
    let source = read_policy(path)?;
    let catalog = catalog_of(path, &source)?;
    let cloud = Some(cloud_of(&source.intent));
    let book = |name: &str| -> Result<RuleBook, Failure> {
        let snapshot: Snapshot = select::find_snapshot(name, &args.place, cloud)?;
        let made = pipeline::generate(&source, &catalog, &snapshot)?;
        Ok(RuleBook::new(&made.policy, &made.plan, &snapshot))
    };
    let (old, new) = (book(&args.old)?, book(&args.new)?);
    Ok(Changes::between(Some(&old), &new))
}

fn write(out: &mut impl Write, format: DiffFormat, changes: &[Changes]) -> io::Result<()> {
    match format {
        DiffFormat::Json => {
            serde_json::to_writer_pretty(&mut *out, changes).map_err(io::Error::from)?;
            writeln!(out)
        }
        DiffFormat::Markdown => changes.iter().try_for_each(|c| write!(out, "{}", c.markdown())),
        DiffFormat::Text => changes.iter().try_for_each(|c| text(out, c)),
    }
}

fn text(out: &mut impl Write, changes: &Changes) -> io::Result<()> {
    writeln!(out, "{}: {} rules change", changes.name, changes.rules.len())?;
    for tag in &changes.tags {
        writeln!(out, "  tag {}: {}", tag.name, tag.delta.summary())?;
    }
    for rule in &changes.rules {
        let event = format!("{:?}", rule.event).to_lowercase();
        writeln!(out, "  {} {}: {} {event}", rule.target, rule.resource, rule.rule)?;
        rule.delta.gained.iter().chain(&rule.names_gained).try_for_each(|p| writeln!(out, "    + {p}"))?;
        rule.delta.lost.iter().chain(&rule.names_lost).try_for_each(|p| writeln!(out, "    - {p}"))?;
    }
    Ok(())
}
