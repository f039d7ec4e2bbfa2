//! Real history: every archived file of four clouds in order, past the guard, as a scheduled job would have seen them.
//!
//! The files are not part of this repository: `TAGWALL_SHARED` names the folder that has them under
//! `data/service-tags`. Without it the test says so and passes.

#![cfg(feature = "cli")]

#[cfg(all(feature = "fetch", unix))]
mod fake;
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

/// Every archived week of the public cloud as a scheduled job sees it: the source is a folder that grows by a file a
/// run.
#[cfg(all(feature = "fetch", unix))]
#[test]
fn weeks_are_replayed_in_one_go_by_the_command() {
    let Some(shared) = support::shared("a replay of real weeks") else { return };
    let files = files_of(&shared.join("data/service-tags"), Cloud::Public);
    let place = fake::Place::new();
    let policy = fake::POLICY.replace("usgovvirginia", "westeurope").replace("usgov", "public");
    std::fs::write(place.path("p.toml"), policy).unwrap();
    std::fs::create_dir(place.path("weeks")).unwrap();
    let (mut published, mut changed, mut refused) = (0, 0, Vec::new());
    for file in &files {
        let date = date_in_name(&file.to_string_lossy()).unwrap().to_string();
        std::fs::copy(file, place.path("weeks").join(file.file_name().unwrap())).unwrap();
        let run = |more: &[&str]| {
            let args = ["refresh", "p.toml", "--out", "out", "--source", "weeks", "--detailed-exitcode"];
            let mut command = place.command(&[&args, more].concat());
            command.env("TAGWALL_NOW", format!("{date}T06:00:00Z")).output().unwrap()
        };
        let mut output = run(&[]);
        if output.status.code() == Some(5) {
            let before = place.published().map(|record| record.number).unwrap_or_default();
            assert_eq!(before, published, "what was published stays");
            refused.push(date.clone());
            output = run(&["--accept", "fewer-tags"]);
        }
        let code = output.status.code().unwrap();
        assert!([0, 6].contains(&code), "{date}: {code}: {}", fake::stderr(&output));
        changed += usize::from(code == 6);
        published += 1;
        assert_eq!(place.published().unwrap().number, published, "{date}");
        let proven = place.run(&["verify", "out"]);
        assert_eq!(proven.status.code(), Some(0), "{date}: {}", String::from_utf8_lossy(&proven.stdout));
        // The same file again is no news.
        assert_eq!(run(&[]).status.code(), Some(0), "{date}");
        assert_eq!(place.published().unwrap().number, published, "{date}");
    }
    assert!(published >= 20 && changed >= 10, "{changed} of {published} weeks changed rules");
    assert_eq!(refused, ["2023-01-30"]);
    say(&format!(
        "{published} weeks were published and proven again, {changed} changed rules, refused: {refused:?}"
    ));
}

#[cfg(all(feature = "fetch", unix))]
#[allow(clippy::print_stderr)] // counts are for whoever runs the test
fn say(text: &str) {
    eprintln!("{text}");
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
