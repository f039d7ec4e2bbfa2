//! `tagwall diff`

use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use crate::catalog::Date;
use crate::cli::args::{Diff, DiffFormat};
use crate::cli::{Failure, output, select};
use crate::report::changes::{Changes, RuleSummary};
use crate::report::document::{self, Block, Column, Line, Table};
use crate::tags::{Delta, SetChange, Snapshot};

/// What changed between two snapshots, as JSON.
#[derive(Serialize)]
struct Difference {
    schema: u32,
    cloud: &'static str,
    before: DiffSide,
    after: DiffSide,
    #[serde(flatten)]
    delta: Delta,
}

#[derive(Serialize)]
struct DiffSide {
    change_number: u64,
    sha256: String,
    tags: usize,
}

pub(in crate::cli) fn run(args: &Diff) -> Result<(), Failure> {
    let mut out = output::stdout();
    let written = if args.policy.is_empty() {
        let cloud = args.cloud.as_deref().map(select::find_cloud).transpose()?;
        let snapshot = |name: &str| select::find_snapshot(name, &args.place, cloud);
        let (old, new) = (snapshot(&args.old)?, snapshot(&args.new)?);
        if old.cloud() != new.cloud() {
            let text =
                format!("{} is of the cloud {}, {} of {}", args.old, old.cloud(), args.new, new.cloud());
            return Err(Failure::Input(text));
        }
        write_difference(&mut out, args.format, &difference(&old, &new))
    } else {
        let changes = args.policy.iter().map(|path| changes_of(args, path)).collect::<Result<Vec<_>, _>>()?;
        write_changes(&mut out, args.format, &changes)
    };
    written.and_then(|()| out.flush()).map_err(Failure::Output)
}

fn difference(old: &Snapshot, new: &Snapshot) -> Difference {
    let cloud = new.cloud().name();
    Difference { schema: 1, cloud, before: side(old), after: side(new), delta: Delta::of(old, new) }
}

fn side(snapshot: &Snapshot) -> DiffSide {
    DiffSide {
        change_number: snapshot.change_number(),
        sha256: snapshot.digest().to_owned(),
        tags: snapshot.tags().len(),
    }
}

/// What the rules of one policy become, made from either snapshot.
fn changes_of(args: &Diff, path: &Path) -> Result<Changes, Failure> {
    let environment = select::environment(path)?;
    let cloud = Some(environment.cloud());
    let snapshot = |name: &str| select::find_dated(name, &args.place, cloud);
    let ((old, old_day), (new, new_day)) = (snapshot(&args.old)?, snapshot(&args.new)?);
    // Each side with the facts of its own day, unless one day is asked for.
    let of = |day: Option<Date>| environment.clone().at(args.facts.as_of.or(day));
    let before = of(old_day)?.generate(&old)?;
    // As in a refresh, what still holds stays where it is.
    let files: Vec<(&str, &[u8])> =
        before.files.iter().map(|f| (f.name.as_str(), f.bytes.as_slice())).collect();
    let after = of(new_day)?.upon(&files).generate(&new)?;
    let old = RuleSummary::new(&before.policy, &before.plan, &old);
    let new = RuleSummary::new(&after.policy, &after.plan, &new);
    Ok(Changes::between(Some(&old), &new))
}

fn json<T: Serialize>(out: &mut impl Write, value: &T) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value).map_err(io::Error::from)?;
    writeln!(out)
}

fn write_difference(out: &mut impl Write, format: DiffFormat, difference: &Difference) -> io::Result<()> {
    match format {
        DiffFormat::Json => json(out, difference),
        DiffFormat::Text => difference_text(out, difference),
        DiffFormat::Markdown => difference_markdown(out, difference),
    }
}

fn difference_text(out: &mut impl Write, difference: &Difference) -> io::Result<()> {
    let Difference { cloud, before, after, delta, .. } = difference;
    let (old, new) = (before.change_number, after.change_number);
    writeln!(out, "{cloud}: number {old} to {new}, {} tags changed", delta.tags.len())?;
    delta.tags_added.iter().try_for_each(|name| writeln!(out, "  new tag {name}"))?;
    delta.tags_removed.iter().try_for_each(|name| writeln!(out, "  tag {name} is gone"))?;
    for (name, change) in &delta.tags {
        writeln!(out, "  {name}: {}", plus_minus(change))?;
        change.added.prefixes().try_for_each(|p| writeln!(out, "    + {p}"))?;
        change.removed.prefixes().try_for_each(|p| writeln!(out, "    - {p}"))?;
    }
    for (name, change) in &delta.features {
        let (added, removed) = (change.added.join(" "), change.removed.join(" "));
        writeln!(out, "  {name}: taken by name: + [{added}] - [{removed}]")?;
    }
    for moved in &delta.moved {
        writeln!(out, "  {} addresses moved from {} to {}", moved.addresses, moved.from, moved.to)?;
    }
    let all = &delta.all;
    writeln!(out, "all tags together: {}", plus_minus(all))
}

/// What came and went, each family by itself.
fn plus_minus(change: &SetChange) -> String {
    let (added, removed) = (change.added_addresses(), change.removed_addresses());
    let v4 = format!("+{} -{} IPv4 addresses", added.v4, removed.v4);
    let v6 = format!("+{} -{} IPv6 addresses", added.v6, removed.v6);
    match (added.v6.is_zero() && removed.v6.is_zero(), added.v4.is_zero() && removed.v4.is_zero()) {
        (true, _) => v4,
        (false, true) => v6,
        (false, false) => format!("{v4}, {v6}"),
    }
}

fn difference_markdown(out: &mut impl Write, difference: &Difference) -> io::Result<()> {
    let Difference { cloud, before, after, delta, .. } = difference;
    let (old, new) = (before.change_number, after.change_number);
    let title = format!("Service tags of {cloud}: {old} to {new}");
    let added = delta.tags_added.iter().map(|name| Line::from(format_args!("new tag {name}")));
    let removed = delta.tags_removed.iter().map(|name| Line::from(format_args!("{name} is gone")));
    let mut blocks = vec![Block::Heading(1, title.into())];
    blocks.extend(Block::bullets(added.chain(removed)));
    let counts = ["prefixes gained", "IPv4 addresses", "IPv6 addresses", "prefixes lost"].into_iter();
    let counts = counts.chain(["IPv4 addresses", "IPv6 addresses"]).map(Column::numbers);
    let columns: Vec<Column> = std::iter::once(Column::words("tag")).chain(counts).collect();
    let tags = delta.tags.iter().map(|(name, change)| (name.as_str(), change));
    let rows = tags.chain([("all tags together", &delta.all)]).map(|(name, change)| {
        let (gained, lost) = (change.added.prefixes().count(), change.removed.prefixes().count());
        let (came, went) = (change.added_addresses(), change.removed_addresses());
        [
            name.into(),
            gained.into(),
            came.v4.into(),
            came.v6.into(),
            lost.into(),
            went.v4.into(),
            Line::from(went.v6),
        ]
    });
    blocks.push(Block::Table(Table::new(columns).with(rows)));
    write!(out, "{}", document::markdown(&blocks))
}

fn write_changes(out: &mut impl Write, format: DiffFormat, changes: &[Changes]) -> io::Result<()> {
    match format {
        DiffFormat::Json => json(out, &changes),
        DiffFormat::Markdown => {
            let texts: Vec<String> = changes.iter().map(Changes::markdown).collect();
            write!(out, "{}", texts.join("\n"))
        }
        DiffFormat::Text => changes.iter().try_for_each(|c| changes_text(out, c)),
    }
}

fn changes_text(out: &mut impl Write, changes: &Changes) -> io::Result<()> {
    writeln!(out, "{}: {} rules change", changes.name, changes.rules.len())?;
    changes.dated.iter().try_for_each(|mark| writeln!(out, "  {}", mark.text))?;
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
