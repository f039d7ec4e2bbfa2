//! Covers within a budget and route tables, on generated inputs and, where `$TAGWALL_SHARED` is set, on the newest
//! public snapshot in `$TAGWALL_SHARED/data/service-tags`.

#[allow(dead_code)] // each bench uses its part
mod data;

use std::io::Read as _;
use std::path::PathBuf;

use criterion::{Criterion, criterion_group, criterion_main};
use tagwall::addr::{
    AddrSet, Count, CoverCurve, CoverRequest, IntervalSet, IpPrefix, Mismatch, Prefix, Prices, Route,
    RouteProblem, cheapest_within, fewest_within,
};

/// The tags that Azure Machine Learning training needs in West Europe.
const TRAINING: [&str; 10] = [
    "AzureMachineLearning",
    "BatchNodeManagement.WestEurope",
    "Storage.WestEurope",
    "AzureActiveDirectory",
    "AzureResourceManager",
    "AzureFrontDoor.Frontend",
    "AzureFrontDoor.FirstParty",
    "MicrosoftContainerRegistry.WestEurope",
    "AzureMonitor",
    "AzureKeyVault.WestEurope",
];

/// The newest public snapshot, or `None` without the shared data.
fn snapshot() -> Option<serde_json::Value> {
    let folder = PathBuf::from(std::env::var_os("TAGWALL_SHARED")?).join("data/service-tags");
    let names =
        std::fs::read_dir(folder).expect("the shared data").map(|entry| entry.expect("an entry").path());
    let newest =
        names.filter(|p| p.to_string_lossy().contains("ServiceTags_Public_")).max().expect("a snapshot");
    let file = std::fs::File::open(newest).expect("a readable snapshot");
    let mut json = Vec::new();
    liblzma::read::XzDecoder::new(file).read_to_end(&mut json).expect("an xz file");
    Some(serde_json::from_slice(&json).expect("a JSON snapshot"))
}

/// The addresses of some tags together.
fn addresses(snapshot: &serde_json::Value, names: &[&str]) -> AddrSet {
    let tags = snapshot["values"].as_array().expect("a list of tags");
    let wanted = tags.iter().filter(|tag| names.contains(&tag["name"].as_str().expect("a name")));
    let prefixes = wanted.flat_map(|tag| tag["properties"]["addressPrefixes"].as_array().expect("prefixes"));
    prefixes.map(|p| p.as_str().expect("text").parse::<IpPrefix>().expect("a prefix")).collect()
}

/// Curves of real tags.
fn real_curves(c: &mut Criterion) {
    let Some(snapshot) = snapshot() else {
        return;
    };
    let mut group = c.benchmark_group("curves of real tags");
    group.sample_size(10);
    let mut cloud = addresses(&snapshot, &["AzureCloud"]);
    cloud.v6 = IntervalSet::empty();
    let training = addresses(&snapshot, &TRAINING);
    for (name, set) in [("AzureCloud IPv4", &cloud), ("ten training tags", &training)] {
        group.bench_function(format!("{name}, {} prefixes, whole curve", set.prefixes().count()), |b| {
            b.iter(|| CoverCurve::new(CoverRequest::new(set), None).unwrap());
        });
        group.bench_function(format!("{name}, 400 prefixes"), |b| {
            b.iter(|| CoverCurve::new(CoverRequest::new(set), Some(400)).unwrap().at_most(400).unwrap());
        });
    }
    group.finish();
}

/// Covers of many generated prefixes.
fn large_covers(c: &mut Criterion) {
    let mut group = c.benchmark_group("large covers");
    group.sample_size(10);
    let set: AddrSet = data::v4(150_000, 5).into_iter().collect();
    let leaves: Vec<IpPrefix> = set.prefixes().take(100_000).collect();
    let set: AddrSet = leaves.into_iter().collect();
    group.bench_function(format!("{} IPv4 prefixes to 1,000", set.prefixes().count()), |b| {
        b.iter(|| CoverCurve::new(CoverRequest::new(&set), Some(1000)).unwrap().at_most(1000).unwrap());
    });
    group.finish();
}

/// Small budgets on long lists, from which end little is saved, beside making the exact list. No other program that we
/// know keeps a budget exactly, so that there is no peer.
fn small_budgets(c: &mut Criterion) {
    let mut group = c.benchmark_group("small budgets");
    group.sample_size(10);
    let mut numbers = data::Numbers::new(3);
    let host = |addr: u32| IpPrefix::V4(Prefix::host(addr));
    let random: AddrSet = (0..100_000).map(|_| host((1 << 24) + numbers.below(222 << 24) as u32)).collect();
    let alternating: AddrSet = (0..1_000_000).map(|i| host((10 << 24) + 2 * i)).collect();
    let dense: AddrSet = (0..250_000).map(|_| host((10 << 24) + numbers.below(1 << 21) as u32)).collect();
    let million: AddrSet = (0..1_000_000).map(|_| host((10 << 24) + numbers.below(1 << 24) as u32)).collect();
    for (name, set, extra) in [
        ("100,000 random addresses, 100 extra", &random, 100_u64),
        ("a million alternating, 100 extra", &alternating, 100),
        ("250,000 dense, 1,000 extra", &dense, 1_000),
        ("a million random in a /8, 1,000 extra", &million, 1_000),
    ] {
        group.bench_function(name, |b| {
            b.iter(|| fewest_within(&[CoverRequest::new(set)], Count::from(extra)).unwrap());
        });
        group.bench_function(format!("{name}: the exact list"), |b| b.iter(|| set.prefixes().count()));
    }
    let exact = random.prefixes().count();
    group.bench_function("100,000 random addresses, 100 prefixes fewer", |b| {
        b.iter(|| cheapest_within(&[CoverRequest::new(&random)], exact - 100).unwrap());
    });
    group.finish();
}

/// A table of distinct prefixes with hops drawn from `hops`.
fn table(count: usize, hops: &[&'static str], seed: u64) -> Vec<Route<&'static str>> {
    let mut numbers = data::Numbers::new(seed);
    let mut prefixes = data::v4(count * 2, seed);
    prefixes.sort();
    prefixes.dedup();
    let hop = |_: &_| hops[numbers.below(hops.len() as u64) as usize];
    let hops: Vec<&str> = prefixes.iter().map(hop).collect();
    let routes = prefixes.into_iter().zip(hops).map(|(prefix, hop)| Route { prefix: prefix.into(), hop });
    routes.take(count).collect()
}

/// Route tables, exact and lossy.
fn routes(c: &mut Criterion) {
    let mut group = c.benchmark_group("routes");
    group.sample_size(10);
    let large = RouteProblem::new(table(1_000_000, &["a", "b", "c", "d"], 9));
    group.bench_function("exact minimum of a million", |b| b.iter(|| large.minimise().unwrap()));
    let small = RouteProblem::new(table(3_000, &["a", "b", "c", "d"], 10));
    group.bench_function("best 400 of 3,000", |b| {
        b.iter(|| {
            small.curve(&Prices::default(), &Mismatch::new(), Some(400)).unwrap().at_most(400).unwrap()
        });
    });
    group.finish();
}

criterion_group!(benches, real_curves, large_covers, small_budgets, routes);
criterion_main!(benches);
