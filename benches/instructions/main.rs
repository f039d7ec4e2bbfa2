//! Instructions of the core's work, counted by callgrind on one thread: they do not depend on how busy a machine is,
//! so that a slow-down is seen where times say nothing.
//!
//! `cargo bench --no-default-features --features sample --bench instructions` counts and holds the counts against
//! `benches/instructions/counts.csv`; behind `--`, `record` writes them there. More than 3 in 100 above what is
//! recorded is a failure. Counts hold for one version of the compiler, which the file names, and for
//! processors with AVX2. Needs valgrind.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the counts are what this program is for")]

#[allow(dead_code)] // each bench uses its part
#[path = "../data/mod.rs"]
mod data;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use tagwall::addr::{
    AddrList, AddrSet, CoverCurve, CoverRequest, Interval, IntervalSet, ListOptions, Prefix, Route,
    RouteProblem, TextBuffer,
};
use tagwall::catalog::Catalog;
use tagwall::pipeline;
use tagwall::policy::PolicySource;
use tagwall::tags::sample::sample_json;
use tagwall::tags::{Cloud, Snapshot};

const MANY: usize = 100_000;

/// Each piece of work by its name. What a piece needs is made before it counts.
const WORK: [(&str, fn()); 11] = [
    ("read 100,000 IPv4 lines", || read(&data::text(&data::v4(MANY, 1)))),
    ("read 100,000 IPv6 lines", || read(&data::text(&data::v6(MANY, 2)))),
    ("print 100,000 IPv4 prefixes", || print(&data::v4(MANY, 1))),
    ("print 100,000 IPv6 prefixes", || print(&data::v6(MANY, 2))),
    ("merge 100,000 IPv4 prefixes", || merge(&data::v4(MANY, 1), false)),
    ("merge 100,000 IPv4 prefixes in order", || merge(&data::v4(MANY, 1), true)),
    ("union of two sets of 100,000 IPv4 prefixes", union),
    ("curve of a set of 2,000 IPv4 prefixes", curve),
    ("fewest routes of 100,000 with four next hops", routes),
    ("read the sample and merge every tag", snapshot),
    ("generate the example aml-private", generate),
];

/// What callgrind counts: everything in here and nothing else.
#[inline(never)]
fn measured<T>(work: impl FnOnce() -> T) {
    black_box(work());
}

fn read(text: &str) {
    measured(|| AddrList::parse(black_box(text.as_bytes()), ListOptions::default()).unwrap());
}

fn print<A: tagwall::addr::Address>(prefixes: &[Prefix<A>]) {
    let mut lines = TextBuffer::new();
    measured(|| {
        prefixes.iter().for_each(|&p| lines.push_line(p));
        lines.len()
    });
}

fn intervals(prefixes: &[Prefix<u32>]) -> Vec<Interval<u32>> {
    prefixes.iter().map(|p| p.interval()).collect()
}

fn merge(prefixes: &[Prefix<u32>], in_order: bool) {
    let mut list = intervals(prefixes);
    if in_order {
        list.sort();
    }
    measured(|| IntervalSet::from_intervals(list));
}

fn union() {
    let [a, b] = [1, 3].map(|seed| IntervalSet::from_intervals(intervals(&data::v4(MANY, seed))));
    measured(|| a.union(&b));
}

fn curve() {
    let v4 = data::v4(2000, 1).iter().copied().collect();
    let set = AddrSet { v4, ..AddrSet::empty() };
    measured(|| CoverCurve::new(CoverRequest::new(&set), None).unwrap());
}

fn routes() {
    let hop = |at: usize| ["firewall", "internet", "none", "peer"][at * 7 % 13 % 4];
    let mut table: Vec<_> = data::v4(MANY, 5);
    table.sort();
    table.dedup();
    let route = |(at, &prefix): (usize, &Prefix<u32>)| Route { prefix: prefix.into(), hop: hop(at) };
    let table: Vec<Route<&str>> = table.iter().enumerate().map(route).collect();
    measured(|| RouteProblem::new(table).minimise().unwrap().len());
}

fn snapshot() {
    let json = sample_json(Cloud::Public).expect("there is a sample");
    measured(|| {
        let snapshot = Snapshot::parse(&json).unwrap();
        snapshot.tags().iter().map(|t| t.set().prefixes().count()).sum::<usize>()
    });
}

fn generate() {
    let json = sample_json(Cloud::Public).expect("there is a sample");
    let snapshot = Snapshot::parse(&json).unwrap();
    let policy = here().join("examples/policies/aml-private.toml");
    let policy = std::fs::read_to_string(policy).expect("an example policy");
    let source = PolicySource::read("aml-private.toml", &policy).unwrap();
    let catalog = Catalog::builtin();
    measured(|| pipeline::generate(&source, catalog, &snapshot, None).unwrap().files.len());
}

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn file() -> PathBuf {
    here().join("benches/instructions/counts.csv")
}

/// Runs this program again under callgrind for one piece of work.
fn count(name: &str) -> Result<u64, String> {
    let me = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=*measured*"])
        .arg(me)
        .args(["one", name])
        .env("RAYON_NUM_THREADS", "1")
        .output()
        .map_err(|error| format!("valgrind: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said.lines().find_map(|line| line.split_once("Collected : "));
    collected
        .and_then(|(_, count)| count.trim().parse().ok())
        .filter(|&count| count > 0)
        .ok_or_else(|| format!("callgrind counted nothing for `{name}`:\n{said}"))
}

fn compiler() -> String {
    let output = Command::new("rustc").arg("--version").output();
    output.map_or_else(|_| "unknown".to_owned(), |o| String::from_utf8_lossy(&o.stdout).trim().to_owned())
}

/// The counts in the file by name, and the compiler that they hold for.
fn recorded() -> (BTreeMap<String, u64>, String) {
    let text = std::fs::read_to_string(file()).unwrap_or_default();
    let compiler = text.lines().find_map(|line| line.strip_prefix("# ")).unwrap_or_default().to_owned();
    let rows = text.lines().filter_map(|line| line.rsplit_once(';'));
    (rows.filter_map(|(name, count)| Some((name.to_owned(), count.parse().ok()?))).collect(), compiler)
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [one, name] = arguments.as_slice()
        && one == "one"
    {
        let (_, work) = WORK.iter().find(|(known, _)| known == name).expect("the name of a piece of work");
        work();
        return ExitCode::SUCCESS;
    }
    let record = arguments.iter().any(|argument| argument == "record");
    let (before, made_with) = recorded();
    let mut table = format!("# {}\nwork;instructions\n", compiler());
    let mut slower = false;
    for (name, _) in WORK {
        let count = match count(name) {
            Ok(count) => count,
            Err(error) => {
                eprintln!("{error}");
                return ExitCode::FAILURE;
            }
        };
        let ratio = before.get(name).map(|&before| count as f64 / before as f64);
        let change = ratio.map_or("new".to_owned(), |ratio| format!("{ratio:.3}"));
        println!("{count:>13}  {change:>6}  {name}");
        slower |= ratio.is_none_or(|ratio| ratio > 1.03);
        writeln!(table, "{name};{count}").expect("memory takes everything");
    }
    if record {
        std::fs::write(file(), table).expect("the file can be written");
        return ExitCode::SUCCESS;
    }
    if made_with != compiler() {
        println!("recorded with `{made_with}`, so the ratios judge the compiler too");
    }
    if slower { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
