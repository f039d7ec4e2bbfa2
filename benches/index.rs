//! Index, look-up, order and differences of tags, and chunks of lists, on the newest real file of the public cloud.
//!
//! Needs `TAGWALL_SHARED`; without it the bench says so and ends.

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};

use criterion::{Criterion, criterion_group, criterion_main};
use tagwall::addr::{IpPrefix, roomy_chunks, stable_chunks};
use tagwall::tags::{Containment, Delta, Snapshot, TagCover, TagGoal, TagIndex};

#[path = "../tests/support/mod.rs"]
mod support;

fn benches(c: &mut Criterion) {
    let Some(shared) = support::shared("benches of the index") else { return };
    let (before, after) =
        (support::real(&shared, "Public_20260615"), support::real(&shared, "Public_20260622"));
    // Sets are merged once and kept; that is not what is measured.
    before.tags().iter().chain(after.tags()).for_each(|tag| {
        black_box(tag.set());
    });
    let index = TagIndex::of(&after);
    let storage = after.tag("Storage.WestEurope").expect("the tag is there").set();
    let mut group = c.benchmark_group("index");
    group.bench_function("build", |b| b.iter(|| TagIndex::of(&after)));
    group.bench_function("containment", |b| b.iter(|| Containment::of(&index)));
    group.bench_function("delta", |b| b.iter(|| Delta::of(&before, &after)));
    group.bench_function("cover", |b| b.iter(|| TagCover::find(&index, storage, TagGoal::Tight)));
    let mut addr = 0_u32;
    group.bench_function("look-up", |b| {
        b.iter(|| {
            addr = addr.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            index.at(black_box(IpAddr::V4(Ipv4Addr::from(addr)))).len()
        });
    });
    group.finish();
    chunks(c, &before, &after);
}

/// The pieces of a long list, given those of a week ago.
fn chunks(c: &mut Criterion, before: &Snapshot, after: &Snapshot) {
    let list = |snapshot: &Snapshot| -> Vec<IpPrefix> {
        snapshot.tag("AzureCloud").expect("a tag of every file").set().prefixes().collect()
    };
    let (before, after) = (list(before), list(after));
    for limit in [100, 4000] {
        let old = roomy_chunks(&before, limit);
        c.bench_function(&format!("AzureCloud in chunks of {limit}"), |b| {
            b.iter(|| stable_chunks(black_box(&after), limit, &old))
        });
    }
}

criterion_group!(all, benches);
criterion_main!(all);
