//! `tagwall tags --fqdn`

use serde::Serialize;

use crate::catalog::{Catalog, HostBehind};
use crate::cli::args::Tags;
use crate::cli::{Failure, output, select};
use crate::tags::{Cloud, Regions, unknown_region};

/// An FQDN tag of Azure Firewall, as JSON.
#[derive(Serialize)]
struct Shown<'a> {
    name: &'a str,
    also: &'a [String],
    note: &'a str,
    source: &'a str,
    cloud: &'static str,
    region: String,
    hosts: Vec<Host>,
}

#[derive(Serialize)]
struct Host {
    feature: String,
    host: String,
    protocol: String,
    ports: String,
    source: String,
}

pub(super) fn run(args: &Tags) -> Result<(), Failure> {
    let cloud = args.data.cloud.as_deref().map_or(Ok(Cloud::Public), select::find_cloud)?;
    let regions = Regions::of(cloud);
    let home = regions.iter().find(|r| r.suffix() == "WestEurope").or_else(|| regions.iter().next());
    let region = args.region.as_deref().map_or(home, |text| regions.find(text));
    let asked = args.region.as_deref().unwrap_or_default();
    let region = region.ok_or_else(|| Failure::Input(unknown_region(cloud, regions, asked)))?;
    let catalog = Catalog::builtin();
    let pattern = args.pattern.as_deref().unwrap_or_default().to_lowercase();
    let wanted = catalog.fqdn_tags().filter(|tag| tag.name.to_lowercase().contains(&pattern));
    let shown: Vec<Shown<'_>> = wanted
        .map(|tag| Shown {
            name: &tag.name,
            also: &tag.also,
            note: &tag.note,
            source: &tag.source,
            cloud: cloud.name(),
            region: region.location(),
            hosts: catalog
                .hosts_behind(tag, region, regions, catalog.as_of())
                .into_iter()
                .map(host)
                .collect(),
        })
        .collect();
    output::print(&args.printing, &shown, |out| {
        for tag in &shown {
            writeln!(out, "{}: {}", tag.name, tag.note)?;
            for host in &tag.hosts {
                writeln!(out, "  {} {} {} ({})", host.host, host.protocol, host.ports, host.feature)?;
            }
            if tag.hosts.is_empty() {
                writeln!(out, "  no document lists its hosts in the cloud {}", tag.cloud)?;
            }
        }
        Ok(())
    })
}

fn host(behind: HostBehind) -> Host {
    Host {
        feature: behind.feature,
        host: behind.host.to_string(),
        protocol: behind.protocol.to_string(),
        ports: behind.ports.to_string(),
        source: behind.source,
    }
}
