//! `tagwall diff`

use std::io::{self, Write};

use super::generate::{catalog_of, read_policy};
use crate::cli::args::{Diff, DiffFormat};
use crate::cli::{Failure, output, select};
use crate::pipeline;
use crate::policy::cloud_of;
use crate::report::changes::{Changes, RuleBook};
use crate::verify;

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
    let snapshot = |name: &str| select::find_snapshot(name, &args.place, cloud);
    let (old, new) = (snapshot(&args.old)?, snapshot(&args.new)?);
    let before = pipeline::generate(&source, &catalog, &old, None)?;
    // As in a refresh, what still holds stays where it is.
    let files: Vec<(&str, &[u8])> =
        before.files.iter().map(|f| (f.name.as_str(), f.bytes.as_slice())).collect();
    let placed = verify::earlier(&before.name, &files);
    let after = pipeline::generate(&source, &catalog, &new, Some(&placed))?;
    let old = RuleBook::new(&before.policy, &before.plan, &old);
    let new = RuleBook::new(&after.policy, &after.plan, &new);
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
