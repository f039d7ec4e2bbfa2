//! The listing in `docs/catalog-rules.md`: what each workload asks for in each cloud, and what of it changed, with what it
//! was before and where that is written.
//!
//! `cargo run --example catalog_rules > docs/catalog-rules.md`

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::Write as _;
use std::io::Write;

use tagwall::catalog::{Catalog, OptionKind, VersionChange, Workload};
use tagwall::packet::Direction;
use tagwall::policy::{self, Cause, Policy, PolicySource};
use tagwall::tags::{Cloud, Snapshot, sample};

const HEAD: &str = "\
# Rules by workload and cloud, now and before

Remade by `cargo run --example catalog_rules > docs/catalog-rules.md`. For each workload and each cloud that has it: what is
asked for with every switch on and then with every switch off, each row once, tags and hosts both, and which changes of the catalogue it comes from; below it what was
before each of these changes, and the documents that say so. What no change is named for is as it was in the first version.
Options that take a list or a word are left out where they need not be given.
";

/// A region of each cloud.
const HOME: [(Cloud, &str); 3] =
    [(Cloud::Public, "westeurope"), (Cloud::UsGov, "usgovvirginia"), (Cloud::China, "chinaeast2")];

#[allow(dead_code)] // the test that holds the document against it has a main of its own
fn main() -> Result<(), Box<dyn Error>> {
    std::io::stdout().write_all(document()?.as_bytes())?;
    Ok(())
}

/// The whole document.
pub(crate) fn document() -> Result<String, Box<dyn Error>> {
    let mut out = HEAD.to_owned();
    for workload in Catalog::builtin().workloads() {
        for (cloud, region) in HOME.into_iter().filter(|(cloud, _)| workload.clouds().contains(cloud)) {
            let json = sample::sample_json(cloud).ok_or("there is a sample of each cloud")?;
            let snapshot = Snapshot::parse(&json)?;
            let policy = |switches| -> Result<Policy, Box<dyn Error>> {
                let source = PolicySource::read("listing.toml", &asking(workload, cloud, region, switches))?;
                Ok(policy::expand(&source, Catalog::builtin(), &snapshot)?)
            };
            write!(out, "\n## {}, {cloud} ({region})\n\n", workload.name())?;
            section(&mut out, workload, cloud, &[policy(true)?, policy(false)?])?;
        }
    }
    Ok(out)
}

fn asking(workload: &Workload, cloud: Cloud, region: &str, switches: bool) -> String {
    let mut text = format!(
        "schema = 1\nname = \"listing\"\naccept-missing = true\ncloud = \"{cloud}\"\nregion = \"{region}\"\n\
         network.address-space = [\"10.20.0.0/16\"]\nnetwork.firewall = \"10.20.255.4\"\n\
         subnets.s.prefixes = [\"10.20.1.0/24\"]\nfirewall.sku = \"premium\"\nfirewall.tls-inspection = true\n\
         [[allow]]\nworkload = \"{}\"\nprefer = \"both\"\n",
        workload.name()
    );
    for option in workload.options() {
        let value = match &option.kind {
            OptionKind::Bool => {
                if switches {
                    "true"
                } else {
                    "false"
                }
            }
            OptionKind::Text if option.required => "\"example\"",
            OptionKind::List if option.required => "[\"example\"]",
            _ => continue,
        };
        text.push_str(&format!("{} = {value}\n", option.name));
    }
    text
}

fn section(out: &mut String, workload: &Workload, cloud: Cloud, policies: &[Policy]) -> std::fmt::Result {
    let changes: Vec<&VersionChange> = Catalog::versions()
        .iter()
        .flat_map(|version| &version.changes)
        .filter(|change| change.workloads.iter().any(|name| name == workload.name()))
        .filter(|change| change.clouds.is_empty() || change.clouds.iter().any(|name| name == cloud.name()))
        .collect();
    let of = |causes: &[Cause]| {
        let rows: Vec<&str> = causes.iter().map(|cause| cause.row.as_str()).collect();
        let stem = |row: &str| row.split('/').next().unwrap_or(row).to_owned();
        let named = |change: &&&VersionChange| rows.iter().any(|row| change.rows.contains(&stem(row)));
        let ids: Vec<&str> = changes.iter().filter(named).map(|change| change.id.as_str()).collect();
        (rows.join(", "), ids.join(", "))
    };
    writeln!(out, "| row | | remote | protocol, ports | changed by |\n|---|---|---|---|---|")?;
    let mut seen = BTreeSet::new();
    for flow in policies.iter().flat_map(|policy| &policy.flows) {
        let (rows, ids) = of(&flow.causes);
        let way = if flow.direction == Direction::Inbound { "in" } else { "out" };
        let (remote, ports) = (cell(&flow.remote.to_string()), cell(&flow.ports.to_string()));
        let line = format!("| {} | {way} | {remote} | {} {ports} | {ids} |", cell(&rows), flow.protocol);
        if seen.insert(line.clone()) {
            writeln!(out, "{line}")?;
        }
    }
    for need in policies.iter().flat_map(|policy| &policy.routes) {
        let (rows, ids) = of(&need.causes);
        let line = format!("| {} | route | {} | to {} | {ids} |", cell(&rows), need.to, need.next_hop);
        if seen.insert(line.clone()) {
            writeln!(out, "{line}")?;
        }
    }
    if changes.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n| | rows and options | before | now | source |\n|---|---|---|---|---|")?;
    for change in changes {
        let documents = Catalog::builtin().documents(&change.source).join("; ");
        let (rows, was) = (change.rows.join(", "), cell(&change.was));
        writeln!(out, "| {} | {rows} | {was} | {} | {} |", change.id, cell(&change.now), cell(&documents))?;
    }
    Ok(())
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('*', "\\*")
}
