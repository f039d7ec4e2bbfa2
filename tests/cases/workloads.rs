//! Every workload in every cloud where it exists, with and without public addresses, by tags and by hosts: made on
//! the sample, proven, and held against a golden listing under `tests/matrix`.
//!
//! `TAGWALL_BLESS=1 cargo test --test cases workloads` takes new listings over; read the difference before committing it.

#[path = "../../examples/workload_table.rs"]
mod workload_table;

use crate::support;
use std::fmt::Write;
use std::path::Path;

use tagwall::catalog::{Catalog, OptionKind, OptionSpec, Workload};
use tagwall::tags::{Cloud, Regions, Snapshot};

const HOME: [(Cloud, &str); 3] =
    [(Cloud::Public, "westeurope"), (Cloud::UsGov, "usgovvirginia"), (Cloud::China, "chinaeast2")];

fn policy(workload: &Workload, cloud: Cloud, region: &str, public_ip: Option<bool>, prefer: &str) -> String {
    // Alone in its subnet a machine that is attached gets nothing outbound, which is refused otherwise.
    let accept = if workload.name() == "aml-vm" { "accept-missing = true\n" } else { "" };
    let mut text = format!(
        "schema = 1\nname = \"matrix\"\n{accept}cloud = \"{cloud}\"\nregion = \"{region}\"\n\
         network.address-space = [\"10.20.0.0/16\"]\nnetwork.firewall = \"10.20.255.4\"\n\
         subnets.training.prefixes = [\"10.20.1.0/24\"]\n\
         [[allow]]\nworkload = \"{}\"\nprefer = \"{prefer}\"\n",
        workload.name()
    );
    if let Some(public_ip) = public_ip {
        writeln!(text, "public-ip = {public_ip}").unwrap();
    }
    for option in workload.options().iter().filter(|o| o.required) {
        writeln!(text, "{} = {}", option.name, example_value(option)).unwrap();
    }
    text
}

fn example_value(option: &OptionSpec) -> String {
    match &option.kind {
        OptionKind::Bool => "true".to_owned(),
        OptionKind::Port => "22".to_owned(),
        OptionKind::Ports => "\"443\"".to_owned(),
        OptionKind::Priority => "100".to_owned(),
        OptionKind::Text => "\"example\"".to_owned(),
        OptionKind::List => "[\"example\"]".to_owned(),
        OptionKind::Choice(words) => format!("\"{}\"", words[0]),
    }
}

#[test]
fn every_workload_cloud_and_style_is_proven() {
    let samples: Vec<(Cloud, &str, Snapshot)> =
        HOME.into_iter().map(|(cloud, region)| (cloud, region, support::sample(cloud))).collect();
    let mut cases = 0;
    for workload in Catalog::builtin().workloads() {
        let mut text = String::new();
        for (cloud, region, snapshot) in samples.iter().filter(|(c, ..)| workload.clouds().contains(c)) {
            let switch = workload.options().iter().any(|o| o.name == "public-ip");
            let variants = if switch { vec![Some(false), Some(true)] } else { vec![None] };
            for public_ip in variants {
                for prefer in ["tags", "fqdns"] {
                    let source = policy(workload, *cloud, region, public_ip, prefer);
                    let made = support::generate(workload.name(), &source, snapshot);
                    assert!(made.proof.is_success());
                    let switch = public_ip.map_or(String::new(), |p| format!(", public-ip {p}"));
                    writeln!(text, "== {cloud} {region}{switch}, {prefer}\n{}", support::listing(&made))
                        .unwrap();
                    cases += 1;
                }
            }
        }
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/matrix/{}.txt", workload.name()));
        support::golden(&path, text.as_bytes());
    }
    assert!(cases >= 60, "{cases} cases");
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn every_region_of_every_cloud_on_real_files() {
    let Some(shared) = support::shared("every_region_of_every_cloud_on_real_files") else { return };
    for (cloud, file) in [
        (Cloud::Public, "Public_20260622"),
        (Cloud::UsGov, "AzureGovernment_20260720"),
        (Cloud::China, "China_20260720"),
    ] {
        let snapshot = support::real(&shared, file);
        let mut made = 0;
        // Stage rings have no tags of most services, and AzureCloud-only regions none at all.
        let rings = ["EastUS2Stage", "NorthCentralUSStage", "EastUSSTG", "SouthCentralUSSTG"];
        for region in
            Regions::of(cloud).iter().filter(|r| !r.suffix().is_empty() && !rings.contains(&r.suffix()))
        {
            for name in ["aml-compute", "aml-training-internet"] {
                let workload = Catalog::builtin().workload(name).expect("it is built in");
                for spelling in [region.location(), region.suffix().to_owned(), region.display().to_owned()] {
                    let text = policy(workload, cloud, &spelling, Some(true), "tags");
                    let generation = support::generate(&spelling, &text, &snapshot);
                    assert!(generation.proof.is_success());
                    made += 1;
                }
            }
        }
        assert!(made >= 30, "{cloud}: {made}");
    }
}

#[test]
fn the_table_in_the_documents_is_of_today() {
    let text = workload_table::document().expect("every workload can be made");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/workloads.md");
    support::golden(&path, text.as_bytes());
}
