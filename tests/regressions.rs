//! What the fuzzers found, and what they began with, as plain tests: `fuzz/regressions/TARGET/*`.

use std::fs;
use std::path::Path;

use tagwall::addr::{AddrList, ListOptions};
use tagwall::policy::PolicySource;
use tagwall::tags::Snapshot;
use tagwall::verify::read_arm;

fn each(target: &str, run: impl Fn(&[u8])) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/regressions").join(target);
    let mut seen = 0;
    for entry in fs::read_dir(&dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display())) {
        run(&fs::read(entry.expect("the folder can be read").path()).expect("a file"));
        seen += 1;
    }
    assert!(seen > 0, "{target} has cases");
}

#[test]
fn snapshots() {
    each("snapshot", |bytes| {
        if let Ok(snapshot) = Snapshot::parse(bytes) {
            assert_eq!(snapshot.digest().len(), 64);
        }
    });
}

#[test]
fn lists() {
    each("list", |bytes| {
        if let Ok(list) = AddrList::parse(bytes, ListOptions::default()) {
            let text: String = list.set.prefixes().map(|p| format!("{p}\n")).collect();
            let again =
                AddrList::parse(text.as_bytes(), ListOptions::default()).expect("our own output is read");
            assert_eq!(again.set, list.set);
        }
    });
}

#[test]
fn policies() {
    each("policy", |bytes| {
        if let Err(errors) = PolicySource::read("p.toml", &String::from_utf8_lossy(bytes)) {
            assert!(errors.problems.iter().all(|p| p.span.end <= errors.text.len()));
            assert!(!errors.to_string().is_empty());
        }
    });
}

#[test]
fn templates() {
    each("template", |bytes| {
        let _ = read_arm(bytes);
    });
}
