//! What a refresh costs besides the network: the library's way from a look at the source to a published generation, on
//! the newest two real Public files, for one environment. The server answers from memory over the loopback.
//!
//! Needs `TAGWALL_SHARED`. The disk counts: everything is brought down to it as in earnest.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use criterion::{Criterion, criterion_group, criterion_main};
use jiff::Timestamp;
use tagwall::environment::Environment;
use tagwall::policy::PolicySource;
use tagwall::site::Site;
use tagwall::site::refresh::{Job, RefreshStatus, refresh};
use tagwall::store::guard::{Rule, Thresholds};
use tagwall::store::source::{Http, HttpSettings, Source};
use tagwall::store::{Store, Supply, Terms};
use tagwall::tags::Cloud;

#[path = "../tests/support/mod.rs"]
mod support;

/// The present file and its mark.
type Week = Arc<Mutex<(Arc<Vec<u8>>, usize)>>;

/// Gives what `week` holds on every connection, or says that it has not changed.
fn serve(week: Week) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback has a free port");
    let address = listener.local_addr().expect("it listens");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let week = week.clone();
            std::thread::spawn(move || answer(stream, &week));
        }
    });
    format!("http://{address}/ServiceTags_Public_20260622.json")
}

fn answer(mut stream: TcpStream, week: &Week) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            (lines.read_line(&mut head).ok()? > 0).then_some(())?;
        }
        let (body, mark) = week.lock().expect("nobody panics with it").clone();
        let answer = if head.to_ascii_lowercase().contains(&format!("if-none-match: \"{mark}\"")) {
            format!("HTTP/1.1 304 Not Modified\r\nETag: \"{mark}\"\r\n\r\n").into_bytes()
        } else {
            let head =
                format!("HTTP/1.1 200 OK\r\nETag: \"{mark}\"\r\nContent-Length: {}\r\n\r\n", body.len());
            [head.as_bytes(), &body].concat()
        };
        stream.write_all(&answer).ok()?;
    }
}

struct Place {
    _folder: tempfile::TempDir,
    store: Store,
    site: Site,
    source: Source,
    http: Http,
    runtime: tokio::runtime::Runtime,
    environments: Vec<Environment>,
}

impl Place {
    fn new(policy: &str, url: String) -> Place {
        let folder = tempfile::tempdir().expect("a folder for the bench");
        let source = PolicySource::read("bench.toml", policy).expect("the policy is well-formed");
        let environment = Environment::new(source, Vec::new()).expect("it names no catalogue files");
        Place {
            store: Store::new(folder.path().join("store")),
            site: Site::new(folder.path().join("out")),
            source: Source::Mirror(url),
            http: Http::new(HttpSettings { use_proxy: false, ..HttpSettings::default() }).expect("a client"),
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime"),
            environments: vec![environment],
            _folder: folder,
        }
    }

    fn run(&self) -> RefreshStatus {
        let now = Timestamp::now();
        let _lock = self.site.lock().expect("nobody else is at work");
        // The two weeks take turns, which the rule against content of earlier weeks would refuse.
        let accepted = vec![Rule::OlderContent];
        let terms = Terms { thresholds: Thresholds::default(), accepted, now };
        let used = |old: &_| -> BTreeSet<String> { self.environments[0].tags_in_use(old) };
        let supply = Supply { store: &self.store, source: &self.source };
        let got = supply.acquire(&self.http, Cloud::Public, &terms, used);
        let got = self.runtime.block_on(got).expect("the data is good");
        let digests = BTreeMap::from([(Cloud::Public, got.entry.digest.clone())]);
        let (site, environments) = (&self.site, self.environments.as_slice());
        let job = Job { site, environments, digests: &digests, now, keep: 3, force: false, sign: None };
        let load = |_| Ok(got.snapshot.clone().expect("new data has been read"));
        refresh(&job, load).expect("it is published").status
    }
}

fn one_environment(c: &mut Criterion) {
    let Some(shared) = support::shared("benches of a refresh") else { return };
    let weeks = ["20260615", "20260622"].map(|day| {
        Arc::new(support::unpack(&shared.join(format!("data/service-tags/ServiceTags_Public_{day}.json.xz"))))
    });
    let (_, policy) = support::policies("examples/policies")
        .into_iter()
        .find(|(n, _)| n == "aml-private")
        .expect("an example");
    let mut group = c.benchmark_group("refresh");
    group.sample_size(30);
    for (kind, policy) in [
        ("native tags", policy.clone()),
        ("written-out prefixes", format!("nsg.tags = \"expand\"\n{policy}")),
    ] {
        let week: Week = Arc::new(Mutex::new((weeks[0].clone(), 0)));
        let place = Place::new(&policy, serve(week.clone()));
        assert_eq!(place.run(), RefreshStatus::Published);
        group.bench_function(format!("unchanged data, {kind}"), |b| {
            b.iter(|| assert_eq!(place.run(), RefreshStatus::Unchanged));
        });
        let mut turn = 0;
        group.bench_function(format!("changed data, {kind}"), |b| {
            b.iter(|| {
                turn += 1;
                *week.lock().expect("nobody panics with it") = (weeks[turn % 2].clone(), turn);
                assert_eq!(place.run(), RefreshStatus::Published);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, one_environment);
criterion_main!(benches);
