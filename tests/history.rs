//! Real history: every archived file of four clouds in order, past the guard, as a scheduled job would have seen them.
//!
//! The files are not part of this repository: `TAGWALL_SHARED` names the folder that has them under
//! `data/service-tags`. Without it the test says so and passes.

#![cfg(feature = "cli")]

mod support;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use tagwall::store::guard::{self, Dated, Rule, Thresholds};
use tagwall::store::{date_in_name, load_file, unpack};
use tagwall::tags::{Cloud, Snapshot};

fn files_of(folder: &Path, cloud: Cloud) -> Vec<PathBuf> {
    let start = format!("ServiceTags_{}_", cloud.file_code());
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the shared folder has the archive")
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(&start))
        .collect();
    files.sort();
    files
}

#[test]
fn every_week_passes_but_the_mass_removal() {
    let Some(shared) = support::shared("real history") else { return };
    let (mut weeks, mut refused) = (0, Vec::new());
    for cloud in Cloud::ALL {
        let mut good: Option<(Snapshot, Option<jiff::civil::Date>)> = None;
        for file in files_of(&shared.join("data/service-tags"), cloud) {
            weeks += 1;
            let date = date_in_name(&file.to_string_lossy());
            let snapshot = load_file(&file).unwrap();
            let old = good.as_ref().map(|(snapshot, date)| Dated { snapshot, date: *date, seen: None });
            let new = Dated { snapshot: &snapshot, date, seen: None };
            let verdict = guard::judge(old, new, &BTreeSet::new(), &Thresholds::default(), &[]);
            if verdict.is_accepted() {
                good = Some((snapshot, date));
            } else {
                refused.push((cloud, date.unwrap().to_string(), verdict.refusals));
            }
        }
    }
    assert!(weeks >= 32, "only {weeks} files");
    let [(Cloud::Public, date, refusals)] = refused.as_slice() else { panic!("{refused:?}") };
    assert_eq!(date, "2023-01-30");
    let [(Rule::FewerTags, text)] = refusals.as_slice() else { panic!("{refusals:?}") };
    assert!(
        text.starts_with("363 tags disappeared: 2654 before, 2291 now, 13.7 % fewer, where at most 10 %"),
        "{text}"
    );
}

#[test]
fn bad_downloads_are_told_by_what_they_are() {
    let Some(shared) = support::shared("bad downloads") else { return };
    let folder = shared.join("data/service-tags/bad-downloads");
    let reason = |name: &str| {
        let bytes = std::fs::read(folder.join(name)).unwrap();
        guard::read(&unpack(bytes).unwrap(), Cloud::Public).unwrap_err().to_string()
    };
    assert!(reason("server-busy-bom-xml.txt").contains("Egress is over the account limit"));
    for page in ["not-found-404.html", "gateway-timeout.html", "error-page.html"] {
        assert!(reason(page).contains("an HTML page"), "{page}: {}", reason(page));
    }
}
