//! `tagwall snapshots`

use std::io::{self, Write};
use std::path::Path;

use jiff::SignedDuration;
use serde::Serialize;

use crate::cli::args::{Snapshots, SnapshotsAction, SnapshotsAdd, SnapshotsPrune};
use crate::cli::{Failure, clock, output, select};
use crate::store::{self, Added, Keep, Kind, Origin, Store, StoredSnapshot};
use crate::tags::Cloud;

/// One snapshot of the list, as JSON.
#[derive(Serialize)]
struct Listed {
    latest: bool,
    #[serde(flatten)]
    entry: StoredSnapshot,
}

/// What became of one added file, as JSON.
#[derive(Serialize)]
struct AddedFile {
    file: String,
    new: bool,
    latest: bool,
    digest: String,
}

pub(in crate::cli) fn run(args: &Snapshots) -> Result<(), Failure> {
    match &args.action {
        None => list(args),
        Some(SnapshotsAction::Add(args)) => add(args),
        Some(SnapshotsAction::Prune(args)) => prune(args),
    }
}

fn list(args: &Snapshots) -> Result<(), Failure> {
    let store = select::store(&args.place)?;
    let wanted = args.cloud.as_deref().map(select::find_cloud).transpose()?;
    let listing = store.list()?;
    for (path, why) in &listing.broken {
        output::say(&format!("warning: {}: {why}", path.display()));
    }
    let mut listed = Vec::new();
    for entry in listing.entries {
        let Some(cloud) = Cloud::find(&entry.cloud).filter(|&c| wanted.is_none_or(|w| w == c)) else {
            continue;
        };
        let latest = store.current(cloud, entry.kind)?.is_some_and(|c| c.digest == entry.digest);
        listed.push(Listed { latest, entry });
    }
    output::print(&args.printing, &listed, |out| {
        if listed.is_empty() {
            return writeln!(out, "no snapshots in {}", store.root().display());
        }
        write_list(out, &listed)
    })
}

fn write_list(out: &mut dyn Write, listed: &[Listed]) -> io::Result<()> {
    let header = ["cloud", "kind", "date", "number", "digest", "tags", "IPv4", "IPv6", "fetched", ""];
    let mut table = output::table(&header);
    for Listed { latest, entry } in listed {
        let date = entry.date().map_or("-".to_owned(), |d| d.to_string());
        table.add_row([
            entry.cloud.as_str(),
            entry.kind.name(),
            &date,
            &entry.change_number.to_string(),
            entry.short(),
            &entry.tags.to_string(),
            &entry.prefixes_ipv4.to_string(),
            &entry.prefixes_ipv6.to_string(),
            &entry.fetched_at.strftime("%Y-%m-%d %H:%M").to_string(),
            if *latest { "latest" } else { "" },
        ]);
    }
    output::write_table(out, &table)
}

fn add(args: &SnapshotsAdd) -> Result<(), Failure> {
    let store = select::store(&args.place)?;
    // All are read before the first is kept: one wrong file among several leaves the store as it was.
    let read: Vec<_> = args.files.iter().map(|path| store::load_bytes(path)).collect::<Result<_, _>>()?;
    let _lock = store.lock()?;
    let mut added = Vec::new();
    for (path, (json, snapshot)) in args.files.iter().zip(&read) {
        let origin = origin_of(path);
        let done = store.add(snapshot, json, &origin, &[])?;
        let latest = is_newest(&store, snapshot.cloud(), &done)?;
        if latest {
            store.set_current(snapshot.cloud(), &done.entry)?;
        }
        let file = path.display().to_string();
        added.push(AddedFile { file, new: done.new, latest, digest: done.entry.digest });
    }
    output::print(&args.printing, &added, |out| {
        added.iter().try_for_each(|a| {
            let known = if a.new { "" } else { ", known before" };
            let latest = if a.latest { ", now the latest" } else { "" };
            writeln!(out, "{}: {}{known}{latest}", a.file, &a.digest[..12])
        })
    })
}

fn origin_of(path: &Path) -> Origin {
    Origin {
        kind: Kind::File,
        from: path.display().to_string(),
        date: store::date_in_name(&path.to_string_lossy()),
        etag: None,
        last_modified: None,
        at: clock::now(),
        accepted: Vec::new(),
    }
}

fn is_newest(store: &Store, cloud: Cloud, added: &Added) -> Result<bool, Failure> {
    let current = store.current(cloud, added.entry.kind)?;
    Ok(current.is_none_or(|c| c.digest == added.entry.digest || c.day() <= added.entry.day()))
}

fn prune(args: &SnapshotsPrune) -> Result<(), Failure> {
    if args.keep.is_none() && args.older_than.is_none() {
        return Err(Failure::Input("name what is kept: --keep N, --older-than DAYS or both".to_owned()));
    }
    let store = select::store(&args.place)?;
    let _lock = store.lock()?;
    let age = args.older_than.map(|days| SignedDuration::from_hours(i64::from(days) * 24));
    let removed = store.prune(Keep { number: args.keep, age }, clock::now())?;
    output::print(&args.printing, &removed, |out| {
        removed.iter().try_for_each(|e| writeln!(out, "removed {} {} {}", e.cloud, e.day(), e.short()))?;
        writeln!(out, "{} removed", removed.len())
    })
}
