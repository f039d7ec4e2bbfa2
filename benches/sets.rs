//! Exact sets side by side with what else there is: `ipnet`, `range-set-blaze`, `std`.
//!
//! All of a group run on the same input in the same run; compare within a group only.

#[allow(dead_code)] // each bench uses its part
mod data;

use std::fmt::Write as _;
use std::hint::black_box;
use std::net::{Ipv4Addr, Ipv6Addr};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use range_set_blaze::RangeSetBlaze;
use tagwall::addr::{AddrList, AddrSet, Address, Interval, IntervalSet, ListOptions, Prefix, TextBuffer};

const MILLION: usize = 1_000_000;

/// Parsing one CIDR a line.
fn parse(c: &mut Criterion) {
    let (v4, v6) = (data::text(&data::v4(MILLION, 1)), data::text(&data::v6(MILLION, 2)));
    let mut group = c.benchmark_group("parse a million");
    group.sample_size(10).throughput(Throughput::Elements(MILLION as u64));
    for (name, text) in [("v4", &v4), ("v6", &v6)] {
        let lines: Vec<&str> = text.lines().collect();
        group.bench_function(format!("{name} tagwall prefixes"), |b| {
            b.iter(|| {
                let parse = |line: &&str| tagwall::addr::IpPrefix::parse(line, false).unwrap();
                lines.iter().map(parse).fold(0, |sum, p| sum + usize::from(p.len()))
            });
        });
        group.bench_function(format!("{name} tagwall list"), |b| {
            b.iter(|| AddrList::parse(black_box(text.as_bytes()), ListOptions::default()).unwrap());
        });
    }
    let lines: Vec<&str> = v4.lines().collect();
    group.bench_function("v4 std", |b| {
        b.iter(|| lines.iter().map(|l| std_v4(l)).fold(0, |sum, (a, l)| sum ^ a ^ u32::from(l)))
    });
    group.bench_function("v4 ipnet", |b| {
        b.iter(|| {
            lines
                .iter()
                .map(|l| l.parse::<Ipv4Net>().unwrap())
                .fold(0, |sum, p| sum + usize::from(p.prefix_len()))
        });
    });
    let lines: Vec<&str> = v6.lines().collect();
    group.bench_function("v6 std", |b| {
        b.iter(|| lines.iter().map(|l| std_v6(l)).fold(0, |sum, (a, l)| sum ^ a ^ u128::from(l)))
    });
    group.finish();
}

fn std_v4(line: &str) -> (u32, u8) {
    let (addr, len) = line.split_once('/').unwrap();
    (addr.parse::<Ipv4Addr>().unwrap().into(), len.parse().unwrap())
}

fn std_v6(line: &str) -> (u128, u8) {
    let (addr, len) = line.split_once('/').unwrap();
    (addr.parse::<Ipv6Addr>().unwrap().into(), len.parse().unwrap())
}

/// Printing one CIDR a line.
fn print(c: &mut Criterion) {
    let mut group = c.benchmark_group("print a million");
    group.sample_size(10).throughput(Throughput::Elements(MILLION as u64));
    let v4 = data::v4(MILLION, 1);
    let v6 = data::v6(MILLION, 2);
    fn ours<A: Address>(prefixes: &[Prefix<A>], out: &mut TextBuffer) {
        out.clear();
        prefixes.iter().for_each(|&p| out.push_line(p));
    }
    let mut lines = TextBuffer::new();
    group.bench_function("v4 tagwall", |b| b.iter(|| ours(black_box(&v4), &mut lines)));
    group.bench_function("v6 tagwall", |b| b.iter(|| ours(black_box(&v6), &mut lines)));
    let mut text = String::with_capacity(64 * MILLION);
    group.bench_function("v4 write!", |b| {
        b.iter(|| {
            text.clear();
            v4.iter().for_each(|p| writeln!(text, "{}/{}", Ipv4Addr::from(p.first()), p.len()).unwrap());
        });
    });
    group.bench_function("v6 write!", |b| {
        b.iter(|| {
            text.clear();
            v6.iter().for_each(|p| writeln!(text, "{}/{}", Ipv6Addr::from(p.first()), p.len()).unwrap());
        });
    });
    group.finish();
}

fn intervals<A: Address>(prefixes: &[Prefix<A>]) -> Vec<Interval<A>> {
    prefixes.iter().map(|p| p.interval()).collect()
}

/// From prefixes in any order to a set.
fn merge(c: &mut Criterion) {
    let mut group = c.benchmark_group("merge a million");
    group.sample_size(10).throughput(Throughput::Elements(MILLION as u64));
    let (v4, v6) = (data::v4(MILLION, 1), data::v6(MILLION, 2));
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let mut sorted = v4.clone();
    sorted.sort();
    for (name, list) in [("v4", intervals(&v4)), ("v4 sorted", intervals(&sorted))] {
        group.bench_function(format!("{name} tagwall"), |b| {
            b.iter_batched(|| list.clone(), IntervalSet::from_intervals, BatchSize::PerIteration);
        });
        group.bench_function(format!("{name} tagwall, one thread"), |b| {
            let run = |list| one_thread.install(|| IntervalSet::from_intervals(list));
            b.iter_batched(|| list.clone(), run, BatchSize::PerIteration);
        });
        group.bench_function(format!("{name} range-set-blaze"), |b| {
            b.iter(|| list.iter().map(|i| i.first()..=i.last()).collect::<RangeSetBlaze<u32>>());
        });
        let nets: Vec<IpNet> =
            if name == "v4" { &v4 } else { &sorted }.iter().map(|&p| IpNet::V4(p.into())).collect();
        group.bench_function(format!("{name} ipnet"), |b| b.iter(|| IpNet::aggregate(&nets)));
        let nets: Vec<Ipv4Net> = if name == "v4" { &v4 } else { &sorted }.iter().map(|&p| p.into()).collect();
        group.bench_function(format!("{name} ipnet, IPv4 only"), |b| b.iter(|| Ipv4Net::aggregate(&nets)));
    }
    let list = intervals(&v6);
    group.bench_function("v6 tagwall", |b| {
        b.iter_batched(|| list.clone(), IntervalSet::from_intervals, BatchSize::PerIteration);
    });
    group.bench_function("v6 range-set-blaze", |b| {
        b.iter(|| list.iter().map(|i| i.first()..=i.last()).collect::<RangeSetBlaze<u128>>());
    });
    let nets: Vec<Ipv6Net> = v6.iter().map(|&p| p.into()).collect();
    group.bench_function("v6 ipnet", |b| b.iter(|| Ipv6Net::aggregate(&nets)));
    group.finish();
}

/// Set algebra on two sets made of a million prefixes each.
fn algebra(c: &mut Criterion) {
    let mut group = c.benchmark_group("algebra of two sets");
    group.sample_size(20);
    let lists = [intervals(&data::v4(MILLION, 1)), intervals(&data::v4(MILLION, 3))];
    let [a, b] = lists.clone().map(IntervalSet::from_intervals);
    let [x, y] = lists.map(|list| list.iter().map(|i| i.first()..=i.last()).collect::<RangeSetBlaze<u32>>());
    group.bench_function("union tagwall", |bench| bench.iter(|| a.union(&b)));
    group.bench_function("union range-set-blaze", |bench| bench.iter(|| &x | &y));
    group.bench_function("intersection tagwall", |bench| bench.iter(|| a.intersection(&b)));
    group.bench_function("intersection range-set-blaze", |bench| bench.iter(|| &x & &y));
    group.bench_function("difference tagwall", |bench| bench.iter(|| a.difference(&b)));
    group.bench_function("difference range-set-blaze", |bench| bench.iter(|| &x - &y));
    group.bench_function("symmetric difference tagwall", |bench| bench.iter(|| a.symmetric_difference(&b)));
    group.bench_function("symmetric difference range-set-blaze", |bench| bench.iter(|| &x ^ &y));
    group.finish();
}

fn append_text(set: &AddrSet, out: &mut Vec<u8>) {
    let done = set.write_text(|block| {
        out.extend_from_slice(block);
        Ok::<(), std::convert::Infallible>(())
    });
    done.expect("memory takes everything");
}

/// From text to the fewest prefixes as text.
fn text_to_text(c: &mut Criterion) {
    let mut group = c.benchmark_group("text to text, a million");
    group.sample_size(10).throughput(Throughput::Elements(MILLION as u64));
    for (name, text) in [("v4", data::text(&data::v4(MILLION, 1))), ("v6", data::text(&data::v6(MILLION, 2)))]
    {
        group.bench_function(name, |b| {
            let mut out = Vec::with_capacity(text.len());
            b.iter(|| {
                out.clear();
                let set: AddrSet = AddrList::parse(text.as_bytes(), ListOptions::default()).unwrap().set;
                append_text(&set, &mut out);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, parse, print, merge, algebra, text_to_text);
criterion_main!(benches);
