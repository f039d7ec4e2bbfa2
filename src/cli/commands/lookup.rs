//! `tagwall lookup`

use serde::Serialize;

use crate::addr::{AddrSet, Entry, EntryError, IpPrefix};
use crate::cli::args::Lookup;
use crate::cli::{Failure, output, select};
use crate::tags::{Snapshot, Tag, TagIndex};

#[derive(Serialize)]
struct Found<'a> {
    query: String,
    tags: Vec<TagInfo<'a>>,
}

#[derive(Serialize)]
struct TagInfo<'a> {
    name: &'a str,
    region: Option<String>,
    service: &'a str,
    /// Whether the tag holds all of what was asked for.
    whole: bool,
    prefix: String,
}

pub(in crate::cli) fn run(args: &Lookup) -> Result<(), Failure> {
    let snapshot = select::snapshot(&args.data, None)?;
    let (mut queries, mut errors) = (Vec::new(), Vec::new());
    for text in &args.addresses {
        match IpPrefix::parse(text, true) {
            Ok(prefix) => queries.push(prefix),
            // What is wrong is known better where lists are read.
            Err(error) => {
                let error = Entry::parse(text, true).err().unwrap_or(EntryError::Prefix(error));
                errors.push(format!("{text}: {error}"));
            }
        }
    }
    if !errors.is_empty() {
        return Err(Failure::Input(errors.join("\n")));
    }
    let index = TagIndex::of(&snapshot);
    let found: Vec<Found<'_>> = queries.into_iter().map(|query| found(&snapshot, &index, query)).collect();
    output::print(&args.printing, &found, |out| {
        for (index, found) in found.iter().enumerate() {
            if index > 0 {
                writeln!(out)?;
            }
            writeln!(out, "{}", found.query)?;
            if found.tags.is_empty() {
                writeln!(out, "  no service tag")?;
                continue;
            }
            let mut table = output::table(&["  tag", "region", "service", "prefix"]);
            for tag in &found.tags {
                let prefix = if tag.whole { tag.prefix.clone() } else { format!("{} (in part)", tag.prefix) };
                table.add_row([
                    &format!("  {}", tag.name),
                    tag.region.as_deref().unwrap_or("-"),
                    tag.service,
                    &prefix,
                ]);
            }
            output::write_table(out, &table)?;
        }
        Ok(())
    })
}

fn found<'s>(snapshot: &'s Snapshot, index: &TagIndex, query: IpPrefix) -> Found<'s> {
    let asked = AddrSet::from(query);
    let over = index.over(&asked);
    let mut tags: Vec<(u32, bool)> = over.whole.into_iter().map(|tag| (tag, true)).collect();
    tags.extend(over.part.into_iter().map(|tag| (tag, false)));
    tags.sort_unstable();
    // The index numbers the tags as the snapshot holds them.
    let info = |(tag, whole): (u32, bool)| info(&snapshot.tags()[tag as usize], whole, &asked);
    Found { query: query.to_string(), tags: tags.into_iter().map(info).collect() }
}

fn info<'s>(tag: &'s Tag, whole: bool, asked: &AddrSet) -> TagInfo<'s> {
    let prefix = tag.published().find(|p| !AddrSet::from(*p).is_disjoint(asked));
    TagInfo {
        name: tag.name().as_str(),
        region: tag.region().map(|r| r.location()),
        service: tag.system_service(),
        whole,
        prefix: prefix.expect("the tag holds some of it").to_string(),
    }
}
