//! The proof over the way: what all artefacts do together, followed from every subnet.
//!
//! Figures to reach on 2 cores: 40 subnets with 6,000 prefixes 150 ms, the proof of each artefact included.

use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use tagwall::catalog::Catalog;
use tagwall::packet::Direction;
use tagwall::pipeline::{self, Generation};
use tagwall::policy::PolicySource;
use tagwall::read::{self, resources::Resources};
use tagwall::replay::way::{Asked, Environment, Middle, Model, Network, Subnet};
use tagwall::tags::{Cloud, Snapshot, sample};
use tagwall::target::{FormatName, Target};
use tagwall::verify::{self, Declared, Inexpressible};

const HEAD: &str = r#"
schema = 1
name = "bench"
region = "westeurope"
network.address-space = ["10.20.0.0/16"]
network.firewall = "10.20.255.4"
output.formats = ["json"]
"#;

/// Azure ML compute in one subnet.
fn aml() -> String {
    format!("{HEAD}subnets.training.prefixes = [\"10.20.1.0/24\"]\n[[allow]]\nworkload = \"aml-compute\"\n")
}

/// 40 subnets; half of them have routes of their own, and the needs hold nearly 6,000 prefixes.
fn forty() -> String {
    let mut text = HEAD.to_owned();
    for subnet in 0..40 {
        text += &format!("subnets.s{subnet}.prefixes = [\"10.20.{subnet}.0/24\"]\n");
    }
    for block in 0..23 {
        let holes: Vec<String> = (0..256).map(|i| format!("\"32.{block}.{i}.128/25\"")).collect();
        text += &format!(
            "[[allow]]\nsubnet = \"s{block}\"\nto = \"32.{block}.0.0/16\"\nexcept = [{}]\nprotocol = \"tcp\"\nports = {}\n",
            holes.join(", "),
            1000 + block
        );
    }
    for subnet in 20..40 {
        text += &format!(
            "[[route]]\nsubnet = \"s{subnet}\"\nto = \"198.18.{subnet}.0/24\"\nnext-hop = \"internet\"\nwhy = \"direct\"\n\
             [[allow]]\nsubnet = \"s{subnet}\"\nto = \"198.18.{subnet}.0/24\"\nprotocol = \"tcp\"\nports = 443\n"
        );
    }
    text
}

fn prove(made: &Generation, snapshot: &Snapshot, resources: &Resources) {
    let whole = made.plan.gaps.iter().filter(|gap| !gap.partial);
    let inexpressible: Vec<Inexpressible<'_>> =
        whole.map(|gap| Inexpressible { target: gap.target, flow: &gap.flow }).collect();
    let targets: Vec<Target> = Target::ALL.into_iter().filter(|&t| made.policy.wants(t)).collect();
    let declared = Declared {
        inexpressible: &inexpressible,
        associations: &made.plan.associations,
        ..Declared::default()
    };
    let asked = verify::Asked { policy: &made.policy, snapshot, declared, targets: &targets };
    let report = verify::check(&asked, resources, "json");
    assert!(report.is_success(), "{report}");
    black_box(report);
}

/// The environment that the files make.
fn environment(made: &Generation, resources: &Resources) -> Environment {
    let subnets = made.plan.associations.iter().map(|put| Subnet {
        name: put.subnet.clone(),
        prefixes: put.prefixes.iter().copied().collect(),
        group: put.nsg.clone(),
        table: put.route_table.clone(),
        ..Subnet::default()
    });
    Environment {
        network: Network {
            space: made.policy.network.space.clone(),
            firewall: made.policy.network.firewall.clone(),
            ..Network::default()
        },
        subnets: subnets.collect(),
        groups: resources.nsgs.clone(),
        tables: resources.route_tables.clone(),
        firewall: Middle::Azure {
            policies: vec![resources.groups.clone()],
            ip_groups: resources.ip_groups.clone(),
        },
        ..Environment::default()
    }
}

fn follow(environment: &Environment, snapshot: &Snapshot) {
    let model = Model::new(environment, snapshot).expect("the rules can be read");
    for subnets in model.alike() {
        let passes = |outcome: &tagwall::replay::way::Outcome, _: &[Option<usize>]| Some(outcome.clone());
        let asked = Asked { direction: Direction::Outbound, nameless: false, beside: &[] };
        black_box(model.outcomes(&subnets, &asked, passes).expect("they can be read"));
    }
}

fn way(c: &mut Criterion) {
    let snapshot = Snapshot::parse(&sample::sample_json(Cloud::Public).expect("there is a sample"))
        .expect("it is valid");
    for (name, text) in [("aml", aml()), ("40-subnets", forty())] {
        let source = PolicySource::read(name, &text).expect("the policy is right");
        let generate = || pipeline::generate(&source, Catalog::builtin(), &snapshot, None);
        let made = generate().unwrap_or_else(|error| panic!("{name}: {error}"));
        let files: Vec<(&str, &[u8])> =
            made.files.iter().map(|f| (f.name.as_str(), f.bytes.as_slice())).collect();
        let resources = read::read_files(FormatName::Json, &files).expect("it is read back");
        let environment = environment(&made, &resources);
        c.bench_function(&format!("way/{name}/generate"), |b| b.iter(|| black_box(generate().is_ok())));
        c.bench_function(&format!("way/{name}/prove"), |b| b.iter(|| prove(&made, &snapshot, &resources)));
        c.bench_function(&format!("way/{name}/fates"), |b| b.iter(|| follow(&environment, &snapshot)));
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = way
}
criterion_main!(benches);
