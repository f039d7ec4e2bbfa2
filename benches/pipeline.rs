//! The main job on the newest real Public file: from bytes to merged tags, and to proven artefacts.
//!
//! The peer of parsing is serde_json reading the same bytes into borrowed strings, in the same run. Needs
//! `TAGWALL_SHARED`; the peer in Python is `benches/peers/collapse.py`, timed as a process.

use std::hint::black_box;

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
    group.finish();
}

criterion_group!(benches, newest);
criterion_main!(benches);
