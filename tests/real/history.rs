//! Real history: every archived file of four clouds in order, past the guard, as a scheduled job would have seen them.
//!
//! The files are not part of this repository: `TAGWALL_SHARED` names the folder that has them under
//! `data/service-tags`. Without it the test says so and passes.

#![cfg(feature = "cli")]

#[cfg(all(feature = "fetch", unix))]
use crate::fake;
use crate::support;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use tagwall::store::guard::{self, Dated, Guard, Rule, Thresholds};
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

/// Every file in turn, with every tag of it in use, as the strictest policy would have it.
#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn every_week_passes_but_the_mass_removal() {
    let Some(shared) = support::shared("real history") else { return };
    let (mut weeks, mut refused, mut lost) = (0, Vec::new(), BTreeSet::new());
    for cloud in Cloud::ALL {
        let mut good: Vec<Week> = Vec::new();
        for file in files_of(&shared.join("data/service-tags"), cloud) {
            weeks += 1;
            let week = (load_file(&file).unwrap(), date_in_name(&file.to_string_lossy()).unwrap());
            let (own, all): (Vec<_>, Vec<_>) =
                judged(&good, &week).into_iter().partition(|(rule, _)| rule.name().starts_with("used-tag"));
            assert!(own.iter().all(|(rule, _)| *rule != Rule::UsedTagGrown), "{cloud} {}: {own:?}", week.1);
            lost.extend(own.into_iter().map(|(rule, _)| rule));
            if all.is_empty() {
                good.push(week);
            } else {
                refused.push((cloud, week.1.to_string(), all));
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
    // Some tags lost most of what they had, or all; whoever uses one has to look.
    assert!(lost.is_subset(&BTreeSet::from([Rule::UsedTagShrunk, Rule::UsedTagEmpty])), "{lost:?}");
}

type Week = (Snapshot, jiff::civil::Date);

/// What the guard says of `new` after the weeks `good`, by its default figures.
fn judged(good: &[Week], new: &Week) -> Vec<(Rule, String)> {
    fn dated((snapshot, date): &Week) -> Dated<'_> {
        Dated { snapshot, date: Some(*date), seen: None }
    }
    // As in a scheduled job: the newest that is eight weeks old, or else the oldest.
    let old_enough = |old: &&Week| (new.1 - old.1).get_days() >= 56;
    let earlier = good.iter().rev().find(old_enough).or(good.first());
    let earlier = earlier.filter(|_| !good.last().is_some_and(|last| old_enough(&last)));
    let used = new.0.tags().iter().map(|tag| tag.name().to_string()).collect();
    let thresholds = &Thresholds::default();
    let guard =
        Guard { thresholds, accepted: &[], used: &used, earlier: earlier.map(dated), published: true };
    guard.judge(good.last().map(dated), dated(new)).refusals
}

/// Every archived week of the public cloud as a scheduled job sees it: the source is a folder that grows by a file a
/// run.
#[cfg(all(feature = "fetch", unix))]
#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
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
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
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
