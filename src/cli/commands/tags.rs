//! `tagwall tags`

mod fqdn;

use std::path::Path;

use serde::Serialize;

use crate::addr::Count;
use crate::cli::args::{Tags, TargetArg};
use crate::cli::{Failure, lists, output, select};
use crate::tags::{Snapshot, Tag, TagCover, TagGoal, TagIndex, TagName};

#[derive(Serialize)]
struct TagInfo<'a> {
    name: &'a str,
    region: Option<String>,
    service: &'a str,
    features: Vec<&'a str>,
    ipv4_prefixes: usize,
    ipv6_prefixes: usize,
}

/// Tags that cover a list.
#[derive(Serialize)]
struct Covered<'a> {
    goal: &'static str,
    tags: Vec<&'a str>,
    /// Whether the tags hold nothing but the list.
    exact: bool,
    /// Whether no better tags exist for the goal.
    optimal: bool,
    addresses: Count,
    extra_addresses: Count,
    extra: Vec<String>,
}

pub(in crate::cli) fn run(args: &Tags) -> Result<(), Failure> {
    if args.fqdn {
        return fqdn::run(args);
    }
    let snapshot = select::snapshot(&args.data, None)?;
    let region = args.region.as_deref().map(|text| select::find_region(&snapshot, text)).transpose()?;
    let pattern = args.pattern.as_deref().unwrap_or_default().to_lowercase();
    let feature = args.target.map(|target| match target {
        TargetArg::Nsg => "NSG",
        TargetArg::RouteTable => "UDR",
        TargetArg::Firewall => "FW",
    });
    let wanted = |tag: &&Tag| {
        tag.name().as_str().to_lowercase().contains(&pattern)
            && region.is_none_or(|r| tag.region() == Some(r))
            && (!args.global || tag.region().is_none())
            && feature.is_none_or(|f| tag.features().has(f))
    };
    if let Some(file) = &args.cover {
        return cover(args, file, &snapshot, wanted);
    }
    let list: Vec<TagInfo<'_>> = snapshot.tags().iter().map(AsRef::as_ref).filter(wanted).map(info).collect();
    output::print(&args.printing, &list, |out| {
        let mut table = output::table(&["tag", "region", "taken by name", "IPv4", "IPv6", "service"]);
        for tag in &list {
            table.add_row([
                tag.name,
                tag.region.as_deref().unwrap_or("-"),
                &if tag.features.is_empty() { "-".to_owned() } else { tag.features.join(" ") },
                &tag.ipv4_prefixes.to_string(),
                &tag.ipv6_prefixes.to_string(),
                tag.service,
            ]);
        }
        output::write_table(out, &table)
    })
}

fn cover(
    args: &Tags,
    file: &Path,
    snapshot: &Snapshot,
    wanted: impl Fn(&&Tag) -> bool,
) -> Result<(), Failure> {
    let target = lists::read_set(Some(file))?;
    let (goal, goal_name) = match (args.tight, args.fewest) {
        (true, _) => (TagGoal::Tight, "tight"),
        (_, true) => (TagGoal::Fewest, "fewest"),
        _ => (TagGoal::Exact, "exact"),
    };
    let index = TagIndex::of(snapshot);
    let usable = |name: &TagName| snapshot.tag(name.as_str()).is_some_and(|tag| wanted(&tag.as_ref()));
    let found = TagCover::find_among(&index, &target, goal, usable)?;
    let covered = Covered {
        goal: goal_name,
        tags: index.names_of(&found.tags).map(TagName::as_str).collect(),
        exact: found.extra.is_empty(),
        optimal: found.optimal,
        addresses: target.count(),
        extra_addresses: found.extra.count(),
        extra: found.extra.prefixes().map(|p| p.to_string()).collect(),
    };
    output::say(&summary(&covered));
    output::print(&args.printing, &covered, |out| {
        covered.tags.iter().try_for_each(|tag| writeln!(out, "{tag}"))
    })
}

/// What the tags amount to, for people.
fn summary(covered: &Covered<'_>) -> String {
    let extra = match (covered.exact, covered.extra.len()) {
        (true, _) => "exactly".to_owned(),
        (false, prefixes) => format!("with {} extra in {prefixes} prefixes", covered.extra_addresses),
    };
    let proven = if covered.optimal { "none better exists" } else { "better ones may exist" };
    let count = covered.tags.len();
    let tags = if count == 1 { "tag covers" } else { "tags cover" };
    format!("{count} {tags} the {} addresses of the list {extra}; {proven}", covered.addresses)
}

fn info(tag: &Tag) -> TagInfo<'_> {
    TagInfo {
        name: tag.name().as_str(),
        region: tag.region().map(|r| r.location()),
        service: tag.system_service(),
        features: tag.features().names().collect(),
        ipv4_prefixes: tag.v4().len(),
        ipv6_prefixes: tag.v6().len(),
    }
}
