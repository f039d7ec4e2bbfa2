//! `tagwall lookup`

use serde::Serialize;

use crate::addr::AddrSet;
use crate::addr::IpPrefix;
use crate::cli::args::Lookup;
use crate::cli::{Failure, output, select};
use crate::tags::Tag;

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
            Err(error) => errors.push(format!("{text}: {error}")),
        }
    }
    if !errors.is_empty() {
        return Err(Failure::Input(errors.join("\n")));
    }
    let found: Vec<Found<'_>> = queries
        .into_iter()
        .map(|query| Found {
            query: query.to_string(),
            tags: snapshot.tags().iter().filter_map(|tag| held_by(tag, query)).collect(),
        })
        .collect();
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

fn held_by(tag: &Tag, query: IpPrefix) -> Option<TagInfo<'_>> {
    let asked = AddrSet::from(query);
    if tag.set().is_disjoint(&asked) {
        return None;
    }
    let prefix = tag.published().find(|p| !AddrSet::from(*p).is_disjoint(&asked))?;
    Some(TagInfo {
        name: tag.name().as_str(),
        region: tag.region().map(|r| r.location()),
        service: tag.system_service(),
        whole: asked.is_subset(tag.set()),
        prefix: prefix.to_string(),
    })
}
