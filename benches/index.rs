//! Index, look-up, containment, covers and differences on real snapshots, found where `TAGWALL_SHARED` says.

use std::hint::black_box;
use std::io::Read;
use std::path::Path;

use criterion::{Criterion, criterion_group, criterion_main};
use tagwall::addr::{AddrSet, IpPrefix, stable_chunks};
use tagwall::tags::{Containment, CoverGoal, Delta, Overlap, Snapshot, TagIndex, TagSets};

fn snapshot(shared: &Path, name: &str) -> Snapshot {
    let path = shared.join(format!("data/service-tags/ServiceTags_{name}.json.xz"));
    let packed = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut json = Vec::new();
    liblzma::read::XzDecoder::new(packed.as_slice()).read_to_end(&mut json).expect("the file is whole");
    let snapshot = Snapshot::parse(&json).expect("a real snapshot");
    // Merged sets belong to the snapshot; their cost is measured elsewhere.
    snapshot.tags().iter().for_each(|tag| assert!(tag.set().v4.intervals().len() <= tag.v4().len()));
    snapshot
}

fn indexing(c: &mut Criterion, snapshot: &Snapshot) {
    let tags = TagSets::from(snapshot);
    let mut group = c.benchmark_group("index");
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        group.bench_function(format!("build, {threads} threads"), |b| {
            b.iter(|| pool.install(|| TagIndex::new(black_box(&tags))))
        });
    }
    let index = TagIndex::new(&tags);
    let firsts: Vec<u32> = snapshot.tags().iter().flat_map(|tag| tag.v4()).map(|p| p.first()).collect();
    group.throughput(criterion::Throughput::Elements(firsts.len() as u64));
    group.bench_function("tags at every IPv4 prefix's first address", |b| {
        b.iter(|| firsts.iter().map(|&addr| index.at_v4(black_box(addr)).len()).sum::<usize>())
    });
    let prefixes: Vec<IpPrefix> = snapshot.tags().iter().flat_map(|tag| tag.published()).step_by(7).collect();
    group.throughput(criterion::Throughput::Elements(prefixes.len() as u64));
    let mut overlap = Overlap::default();
    group.bench_function("overlap of every seventh prefix", |b| {
        b.iter(|| {
            let found = prefixes.iter().map(|&prefix| {
                index.overlap_into(black_box(prefix), &mut overlap);
                overlap.whole().len() + overlap.partly().len()
            });
            found.sum::<usize>()
        })
    });
    group.finish();
    c.bench_function("containment", |b| b.iter(|| Containment::new(black_box(&index))));
}

fn covers(c: &mut Criterion, snapshot: &Snapshot) {
    let index = TagIndex::of(snapshot);
    let set = |name: &str| snapshot.tag(name).expect("a tag of the file").set();
    let three = AddrSet::union_of(["Storage.WestEurope", "Sql", "AzureMonitor"].map(set));
    let loose: AddrSet = three.v4.prefixes().step_by(50).map(IpPrefix::V4).collect();
    let mut group = c.benchmark_group("cover");
    group.sample_size(10);
    for (name, target) in [("three tags", &three), ("one of fifty prefixes", &loose)] {
        for goal in [CoverGoal::Exact, CoverGoal::Tight, CoverGoal::Fewest] {
            group.bench_function(format!("{name}, {goal:?}"), |b| {
                b.iter(|| index.cover(black_box(target), goal, |_| true))
            });
        }
    }
    group.finish();
}

fn weeks(c: &mut Criterion, old: &Snapshot, new: &Snapshot) {
    c.bench_function("delta of two weeks", |b| b.iter(|| Delta::of(black_box(old), black_box(new))));
    let list = |snapshot: &Snapshot| -> Vec<IpPrefix> {
        snapshot.tag("AzureCloud").expect("a tag of every file").set().prefixes().collect()
    };
    let (before, after) = (list(old), list(new));
    for limit in [100, 4000] {
        let chunks = stable_chunks::<Vec<IpPrefix>>(&before, limit, &[]);
        c.bench_function(&format!("stable chunks of AzureCloud, at most {limit}"), |b| {
            b.iter(|| stable_chunks(black_box(&after), limit, &chunks))
        });
    }
}

#[allow(clippy::print_stderr)]
fn all(c: &mut Criterion) {
    let Some(shared) = std::env::var_os("TAGWALL_SHARED") else {
        eprintln!("skipped: TAGWALL_SHARED is not set");
        return;
    };
    let shared = Path::new(&shared);
    let [old, new] = ["Public_20260615", "Public_20260622"].map(|name| snapshot(shared, name));
    indexing(c, &new);
    covers(c, &new);
    weeks(c, &old, &new);
}

criterion_group!(benches, all);
criterion_main!(benches);
