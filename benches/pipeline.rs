//! The main job on the newest real Public file: from bytes to merged tags, and to proven artefacts.
//!
//! The peers, in the same run: serde_json reading the same bytes into borrowed strings, and the obvious script in
//! Python, `benches/peers/collapse.py`, without the start of its interpreter. Needs `TAGWALL_SHARED`, and python3.

use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use rayon::prelude::*;
use serde::Deserialize;
use tagwall::catalog::Catalog;
use tagwall::pipeline;
use tagwall::policy::PolicySource;
use tagwall::tags::Snapshot;

#[path = "../tests/support/mod.rs"]
mod support;

/// What a reader without any checks would make of the file.
#[derive(Deserialize)]
#[expect(dead_code, reason = "only the cost of filling them counts")]
struct Borrowed<'a> {
    #[serde(rename = "changeNumber")]
    change_number: u64,
    #[serde(borrow)]
    values: Vec<BorrowedTag<'a>>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only the cost of filling them counts")]
struct BorrowedTag<'a> {
    name: &'a str,
    #[serde(borrow)]
    properties: BorrowedProperties<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "only the cost of filling them counts")]
struct BorrowedProperties<'a> {
    region: &'a str,
    system_service: &'a str,
    #[serde(borrow)]
    address_prefixes: Vec<&'a str>,
    #[serde(borrow)]
    network_features: Option<Vec<&'a str>>,
}

fn newest(c: &mut Criterion) {
    let Some(shared) = support::shared("benches on the newest Public file") else { return };
    let json = support::unpack(&shared.join("data/service-tags/ServiceTags_Public_20260622.json.xz"));
    let text = std::str::from_utf8(&json).expect("JSON is UTF-8");
    let mut group = c.benchmark_group("public-20260622");
    group.bench_function("peer: serde_json, borrowed", |b| {
        b.iter(|| serde_json::from_str::<Borrowed<'_>>(black_box(text)).unwrap().values.len())
    });
    group.bench_function("parse", |b| b.iter(|| Snapshot::parse(black_box(&json)).unwrap().tags().len()));
    group.bench_function("parse, merge and cover every tag", |b| {
        b.iter(|| {
            let snapshot = Snapshot::parse(black_box(&json)).unwrap();
            snapshot.tags().par_iter().map(|t| t.set().prefixes().count()).sum::<usize>()
        })
    });
    for name in ["aml-private", "aml-public-ip"] {
        let (_, policy) =
            support::policies("examples/policies").into_iter().find(|(n, _)| n == name).expect("an example");
        group.bench_function(format!("generate {name}, from bytes to proven files"), |b| {
            b.iter(|| {
                let snapshot = Snapshot::parse(black_box(&json)).unwrap();
                let source = PolicySource::read(name, &policy).unwrap();
                pipeline::generate(&source, Catalog::builtin(), &snapshot, None).unwrap().files.len()
            })
        });
    }
    let dir = tempfile::tempdir().expect("a place for the file");
    let file = dir.path().join("public.json");
    std::fs::write(&file, &json).expect("room for the file");
    group.sample_size(10).bench_function("peer: json and ipaddress of Python", |b| {
        b.iter_custom(|times| python(&file, times));
    });
    group.finish();
}

/// How long the script in Python takes to read `file` and merge its tags that many times.
fn python(file: &Path, times: u64) -> Duration {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers/collapse.py");
    let output =
        Command::new("python3").arg(script).arg(file).arg(times.to_string()).output().expect("python3");
    let text = String::from_utf8_lossy(&output.stdout);
    Duration::from_secs_f64(text.trim().parse().expect("the script prints seconds"))
}

criterion_group!(benches, newest);
criterion_main!(benches);
