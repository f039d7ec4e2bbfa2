//! `tagwall workloads`

mod changes;

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use crate::catalog::{Catalog, Context, Date, OptionValue, Prefer, RemoteSpec, Resolved, Workload};
use crate::cli::args::Workloads;
use crate::cli::{Failure, output, select};
use crate::environment::read_text;
use crate::tags::{Cloud, Regions, Snapshot, Tag, unknown_region};
use crate::text::did_you_mean;

#[derive(Serialize)]
struct Listed<'a> {
    name: &'a str,
    title: &'a str,
    clouds: Vec<&'a str>,
    rows: usize,
    beyond_article: bool,
}

#[derive(Serialize)]
struct Shown<'a> {
    name: &'a str,
    title: &'a str,
    summary: &'a str,
    cloud: &'a str,
    region: String,
    as_of: Date,
    options: Vec<OptionInfo<'a>>,
    preconditions: Vec<String>,
    rows: Vec<RowInfo>,
    not_used: Vec<NotUsed>,
    /// Days on which rows begin or end, in words.
    dated: Vec<String>,
    sources: &'a [String],
}

#[derive(Serialize)]
struct OptionInfo<'a> {
    name: &'a str,
    values: String,
    default: serde_json::Value,
    required: bool,
    help: &'a str,
}

#[derive(Serialize)]
struct RowInfo {
    id: String,
    direction: &'static str,
    remote: String,
    protocol: String,
    ports: String,
    required: bool,
    purpose: String,
    source: String,
    /// What the snapshot has of the row's tag; absent where no snapshot is asked for, or the remote is no tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    prefixes: Option<Prefixes>,
}

/// How many prefixes a tag has.
#[derive(Serialize)]
struct Prefixes {
    /// Whether the snapshot has the tag at all.
    known: bool,
    ipv4: usize,
    ipv6: usize,
}

impl Prefixes {
    fn of(snapshot: &Snapshot, remote: &RemoteSpec) -> Option<Self> {
        let RemoteSpec::Tag(name) = remote else { return None };
        let tag = select::find_tag(snapshot, name).ok();
        let count = |of: fn(&Tag) -> usize| tag.map_or(0, of);
        Some(Prefixes { known: tag.is_some(), ipv4: count(|t| t.v4().len()), ipv6: count(|t| t.v6().len()) })
    }

    fn text(&self) -> String {
        if self.known { format!("{} + {}", self.ipv4, self.ipv6) } else { "no such tag".to_owned() }
    }
}

#[derive(Serialize)]
struct NotUsed {
    id: String,
    why: String,
}

pub(in crate::cli) fn run(args: &Workloads) -> Result<(), Failure> {
    let own = args.catalog.iter().map(|path| Ok((path.display().to_string(), read_text(path)?)));
    let own = own.collect::<Result<Vec<_>, Failure>>()?;
    let catalog = &select::at(Catalog::builtin().extended(&own)?, args.as_of, None);
    match &args.name {
        _ if args.changes => changes::run(args, catalog),
        None => list(args, catalog),
        Some(name) => {
            let workload = catalog.workload(name).ok_or_else(|| {
                Failure::Input(format!(
                    "there is no workload `{name}`{}",
                    did_you_mean(&catalog.nearest(name))
                ))
            })?;
            show(args, workload, catalog.as_of())
        }
    }
}

fn list(args: &Workloads, catalog: &Catalog) -> Result<(), Failure> {
    let list: Vec<Listed<'_>> = catalog
        .workloads()
        .map(|w| Listed {
            name: w.name(),
            title: w.title(),
            clouds: w.clouds().iter().map(|c| c.name()).collect(),
            rows: w.rows().len(),
            beyond_article: w.beyond_article(),
        })
        .collect();
    output::print(&args.printing, &list, |out| {
        let mut table = output::table(&["workload", "clouds", "rows", "what it is"]);
        for item in &list {
            table.add_row([item.name, &item.clouds.join(" "), &item.rows.to_string(), item.title]);
        }
        output::write_table(out, &table)?;
        writeln!(out, "\n`tagwall workloads NAME` shows one with its rows, options and sources.")
    })
}

fn show(args: &Workloads, workload: &Workload, as_of: Date) -> Result<(), Failure> {
    let named = args.cloud.as_deref().map(select::find_cloud).transpose()?;
    let snapshot =
        args.snapshot.as_deref().map(|which| select::find_snapshot(which, &args.place, named)).transpose()?;
    let cloud = match (named, &snapshot) {
        (Some(cloud), Some(snapshot)) if cloud != snapshot.cloud() => {
            let which = args.snapshot.as_deref().unwrap_or_default();
            let of = snapshot.cloud();
            return Err(Failure::Input(format!("{which} is of the cloud {of}, not of {cloud}")));
        }
        (_, Some(snapshot)) => snapshot.cloud(),
        (cloud, None) => cloud.unwrap_or(Cloud::Public),
    };
    let regions = snapshot.as_ref().map_or(Regions::of(cloud), Snapshot::regions);
    let home = regions.iter().find(|r| r.suffix() == "WestEurope").or_else(|| regions.iter().next());
    let region = match &args.region {
        Some(text) => regions.find(text),
        None => home,
    };
    let region = region.ok_or_else(|| {
        let text = args.region.as_deref().unwrap_or_default();
        Failure::Input(unknown_region(cloud, regions, text))
    })?;
    let options = BTreeMap::new();
    let context = Context {
        cloud,
        region,
        regions,
        options: &options,
        prefer: Prefer::Both,
        without: &[],
        with: &[],
        as_of,
    };
    let resolved = workload.resolve(&context).map_err(|errors| {
        Failure::Input(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    })?;
    let mut shown = describe(workload, cloud.name(), region.location(), as_of, &resolved);
    if let Some(snapshot) = &snapshot {
        for (shown, row) in shown.rows.iter_mut().zip(&resolved.rows) {
            shown.prefixes = Prefixes::of(snapshot, row.need.remote());
        }
    }
    output::print(&args.printing, &shown, |out| write_text(out, &shown))
}

fn describe<'a>(
    workload: &'a Workload,
    cloud: &'a str,
    region: String,
    as_of: Date,
    resolved: &Resolved,
) -> Shown<'a> {
    Shown {
        name: workload.name(),
        title: workload.title(),
        summary: workload.summary(),
        cloud,
        region,
        as_of,
        options: workload
            .options()
            .iter()
            .map(|o| OptionInfo {
                name: &o.name,
                values: o.kind.expected().to_string(),
                default: match &o.default {
                    OptionValue::Bool(b) => (*b).into(),
                    OptionValue::Text(t) => t.as_str().into(),
                    OptionValue::List(l) => l.clone().into(),
                },
                required: o.required,
                help: &o.help,
            })
            .collect(),
        preconditions: resolved.preconditions.iter().map(|p| p.text.clone()).collect(),
        rows: resolved
            .rows
            .iter()
            .map(|r| RowInfo {
                id: r.id.clone(),
                direction: r.direction.name(),
                remote: r.need.to_string(),
                protocol: r.protocol.to_string(),
                ports: r.ports.to_string(),
                required: r.required,
                purpose: r.purpose.clone(),
                source: r.source.clone(),
                prefixes: None,
            })
            .collect(),
        dated: resolved.dated.iter().map(|fact| fact.sentence(as_of)).collect(),
        not_used: resolved
            .skipped
            .iter()
            .map(|s| NotUsed { id: s.id.clone(), why: s.why.to_string() })
            .collect(),
        sources: workload.sources(),
    }
}

fn write_text(out: &mut dyn Write, shown: &Shown<'_>) -> io::Result<()> {
    writeln!(out, "{}: {}\n\n{}\n", shown.name, shown.title, shown.summary.trim())?;
    writeln!(out, "Rows in {} ({}), by tag and by host:", shown.region, shown.cloud)?;
    let documents = documents(shown);
    // Counts only where a snapshot was asked for.
    let counted = shown.rows.iter().any(|row| row.prefixes.is_some());
    let mut head = vec!["  row", "", "remote", "protocol", "ports", "purpose", "source"];
    if counted {
        head.insert(3, "prefixes (IPv4 + IPv6)");
    }
    let mut table = output::table(&head);
    for row in &shown.rows {
        let purpose = if row.required { row.purpose.clone() } else { format!("{} (optional)", row.purpose) };
        let way = if row.direction == "inbound" { "in" } else { "out" };
        let numbers = numbers(&row.source, &documents);
        let id = format!("  {}", row.id);
        let mut cells = vec![&id, way, &row.remote, &row.protocol, &row.ports, &purpose, &numbers];
        let prefixes = row.prefixes.as_ref().map_or("-".to_owned(), Prefixes::text);
        if counted {
            cells.insert(3, &prefixes);
        }
        table.add_row(cells);
    }
    output::write_table(out, &table)?;
    if !shown.options.is_empty() {
        writeln!(out, "\nOptions, as further keys of the [[allow]]:")?;
        for option in &shown.options {
            let default = if option.required {
                "has to be given".to_owned()
            } else {
                format!("default {}", option.default)
            };
            writeln!(out, "  {} ({}; {default})\n      {}", option.name, option.values, option.help)?;
        }
    }
    write_list(out, "Must hold, or no rule helps:", shown.preconditions.iter().cloned())?;
    write_list(out, "What begins or ends on a day:", shown.dated.iter().cloned())?;
    write_list(
        out,
        "Rows not taken with these options:",
        shown.not_used.iter().map(|n| format!("{}: {}", n.id, n.why)),
    )?;
    write_list(out, "Sources:", documents.iter().enumerate().map(|(i, d)| format!("[{}] {d}", i + 1)))
}

/// Every document that a row rests on, in order.
fn documents<'a>(shown: &'a Shown<'_>) -> Vec<&'a str> {
    let mut list: Vec<&str> =
        shown.rows.iter().flat_map(|r| r.source.split("; ")).filter(|s| !s.is_empty()).collect();
    list.sort_unstable();
    list.dedup();
    list
}

fn numbers(source: &str, documents: &[&str]) -> String {
    let known = source.split("; ").filter_map(|s| documents.binary_search(&s).ok());
    known.map(|index| format!("[{}]", index + 1)).collect::<Vec<_>>().join(" ")
}

fn write_list(out: &mut dyn Write, title: &str, items: impl Iterator<Item = String>) -> io::Result<()> {
    let items: Vec<String> = items.collect();
    if items.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{title}")?;
    items.iter().try_for_each(|item| writeln!(out, "  - {item}"))
}
