//! Formats: all of one environment written, read back and proven.
//!
//! Figures to reach on 2 cores: an Azure ML environment 60 ms, an environment with 6,000 prefixes 150 ms.

use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use tagwall::catalog::Catalog;
use tagwall::emit;
use tagwall::pipeline::{self, Generation};
use tagwall::policy::PolicySource;
use tagwall::tags::{Cloud, Snapshot, sample};
use tagwall::target::Target;
use tagwall::verify::{self, Declared, Inexpressible};

const HEAD: &str = r#"
schema = 1
name = "bench"
region = "westeurope"
network.address-space = ["10.20.0.0/16"]
network.firewall = "10.20.255.4"
subnets.training.prefixes = ["10.20.1.0/24"]
output.formats = ["arm", "bicep", "terraform", "azcli", "csv", "lists", "edl", "nftables", "json"]
"#;

/// An Azure ML environment as most have it.
fn aml() -> String {
    format!("{HEAD}[[allow]]\nworkload = \"aml-compute\"\n")
}

/// An environment whose rules hold nearly 6,000 prefixes, the most that one security group takes: every second /25 of
/// 23 blocks.
fn six_thousand() -> String {
    let needs = (0..23u32).map(|block| {
        let holes: Vec<String> = (0..256).map(|i| format!("\"32.{block}.{i}.128/25\"")).collect();
        format!(
            "[[allow]]\nto = \"32.{block}.0.0/16\"\nexcept = [{}]\nprotocol = \"tcp\"\nports = {}\n",
            holes.join(", "),
            1000 + block
        )
    });
    format!("{HEAD}{}", needs.collect::<String>())
}

fn write_read_prove(made: &Generation, snapshot: &Snapshot, options: &emit::Options) {
    let artefacts = emit::render(&made.plan, &made.policy.output.formats, options);
    let files: Vec<(&str, &[u8])> = artefacts.iter().map(|a| (a.name.as_str(), a.bytes.as_slice())).collect();
    let whole = made.plan.gaps.iter().filter(|gap| !gap.partial);
    let inexpressible: Vec<Inexpressible<'_>> =
        whole.map(|gap| Inexpressible { target: gap.target, flow: &gap.flow }).collect();
    let targets: Vec<Target> = Target::ALL.into_iter().filter(|&t| made.policy.wants(t)).collect();
    let report = verify::check_files(
        &made.policy,
        snapshot,
        &files,
        Declared {
            inexpressible: &inexpressible,
            associations: &made.plan.associations,
            ..Declared::default()
        },
        &targets,
    );
    assert!(report.is_success(), "{report}");
    black_box(artefacts);
}

fn formats(c: &mut Criterion) {
    let snapshot = Snapshot::parse(&sample::sample_json(Cloud::Public).expect("there is a sample"))
        .expect("it is valid");
    let options = emit::Options { location: "westeurope".to_owned(), ..emit::Options::default() };
    for (name, text) in [("aml", aml()), ("6000-prefixes", six_thousand())] {
        let source = PolicySource::read(name, &text).expect("the policy is right");
        let made = pipeline::generate(&source, Catalog::builtin(), &snapshot, None)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        c.bench_function(&format!("formats/{name}/write"), |b| {
            b.iter(|| black_box(emit::render(&made.plan, &made.policy.output.formats, &options)));
        });
        c.bench_function(&format!("formats/{name}/write-read-prove"), |b| {
            b.iter(|| write_read_prove(&made, &snapshot, &options));
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = formats
}
criterion_main!(benches);
