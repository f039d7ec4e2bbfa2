//! Rule lists: equivalence, comparison with counts, analysis. The lists are synthetic, see `synthetic`.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use tagwall::rules::{analyze, compare, first_difference};

mod synthetic;

fn subnet(c: &mut Criterion) {
    let (wanted, written) = synthetic::subnet();
    let short = synthetic::without(&written, 20);
    let mut group = c.benchmark_group("subnet: 14 rules, 3000 prefixes, against 40 rules");
    group.bench_function("first_difference, equal", |b| {
        b.iter(|| first_difference(black_box(&wanted), black_box(&written)))
    });
    group.bench_function("compare, equal", |b| b.iter(|| compare(black_box(&wanted), black_box(&written))));
    group.bench_function("compare, one rule missing", |b| {
        b.iter(|| compare(black_box(&wanted), black_box(&short)))
    });
    group.bench_function("analyze", |b| b.iter(|| analyze(black_box(&written))));
    group.finish();
}

fn hard(c: &mut Criterion) {
    let (plain, cut) = synthetic::hard(1000);
    let short = synthetic::without(&cut, 20);
    let mut group = c.benchmark_group("hard: 1000 rules, 20000 prefixes, against 1700 rules");
    group.sample_size(10);
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        group.bench_function(format!("first_difference, equal, {threads} threads"), |b| {
            b.iter(|| pool.install(|| first_difference(black_box(&plain), black_box(&cut))))
        });
        group.bench_function(format!("compare, one rule missing, {threads} threads"), |b| {
            b.iter(|| pool.install(|| compare(black_box(&plain), black_box(&short))))
        });
    }
    group.bench_function("analyze", |b| b.iter(|| analyze(black_box(&plain))));
    group.finish();
}

criterion_group!(benches, subnet, hard);
criterion_main!(benches);
