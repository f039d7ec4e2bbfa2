//! `tagwall tags`

use serde::Serialize;

use crate::cli::args::{Tags, TargetArg};
use crate::cli::{Failure, output, select};
use crate::tags::Tag;

#[derive(Serialize)]
struct TagInfo<'a> {
    name: &'a str,
    region: Option<String>,
    service: &'a str,
    features: Vec<&'a str>,
    ipv4_prefixes: usize,
    ipv6_prefixes: usize,
}

pub(in crate::cli) fn run(args: &Tags) -> Result<(), Failure> {
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
