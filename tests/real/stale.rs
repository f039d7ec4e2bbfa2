//! Lists pasted from real weeks name their tag and week: every tag of ten weeks, in the forms in which lists live on.
//!
//! By default every eleventh case; `TAGWALL_STALE_ALL=1` runs all of them.

use std::path::Path;

use tagwall::addr::{AddrSet, IpPrefix};
use tagwall::analyse::lint::origin_of;
use tagwall::store::{date_in_name, load_file};
use tagwall::tags::{Snapshot, Timeline, Week};

use crate::support;

fn weeks(folder: &Path) -> (Timeline, Vec<Snapshot>) {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the shared folder has the archive")
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("ServiceTags_Public_"))
        .collect();
    files.sort();
    let (mut timeline, mut snapshots) = (Timeline::default(), Vec::new());
    for file in files {
        let snapshot = load_file(&file).unwrap();
        let date = date_in_name(&file.to_string_lossy()).unwrap();
        timeline.push(Week::of(date, &snapshot), &snapshot);
        snapshots.push(snapshot);
    }
    (timeline, snapshots)
}

/// Addresses that no tag has.
fn own() -> AddrSet {
    ["10.1.0.0/16", "192.0.2.0/24", "198.51.100.7/32", "203.0.113.64/26", "198.18.4.0/22"]
        .iter()
        .map(|text| text.parse::<IpPrefix>().unwrap())
        .collect()
}

/// Every tenth prefix left out.
fn thinned(list: &[IpPrefix]) -> AddrSet {
    list.iter().enumerate().filter(|(at, _)| at % 10 != 9).map(|(_, prefix)| *prefix).collect()
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn a_pasted_list_names_its_tag_and_week() {
    let Some(shared) = support::shared("stale lists") else { return };
    let (timeline, snapshots) = weeks(&shared.join("data/service-tags"));
    let step = if std::env::var_os("TAGWALL_STALE_ALL").is_some() { 1 } else { 11 };
    let (mut cases, mut nearer, mut number) = (0, 0, 0);
    for (week, snapshot) in (0..u32::try_from(snapshots.len()).unwrap()).zip(&snapshots).rev().take(10) {
        for tag in snapshot.tags() {
            number += 1;
            // A tag of few prefixes is hardly a fingerprint; the linter does not look at such lists.
            if number % step != 0 || tag.v4().len() < 3 {
                continue;
            }
            cases += 1;
            let v4: Vec<IpPrefix> = tag.v4().iter().copied().map(IpPrefix::V4).collect();
            let whole: AddrSet = v4.iter().copied().collect();
            // Merged or split otherwise it is the same set; with own prefixes beside it is no other tag.
            for list in [whole.clone(), whole.union(&own())] {
                let origin = origin_of(&list, &timeline).unwrap_or_else(|| panic!("{} is found", tag.name()));
                let fit = origin.tags.iter().find(|fit| fit.tag == *tag.name());
                let fit = fit.unwrap_or_else(|| panic!("{} of week {week}: {:?}", tag.name(), origin.tags));
                assert!(fit.distance().is_zero() && !origin.is_union, "{}", tag.name());
                assert!(fit.weeks.iter().any(|&(from, last)| from <= week && week <= last), "{fit:?}");
                assert_eq!(origin.own, list.difference(&whole), "{}", tag.name());
            }
            nearer += usize::from(!is_first(&timeline, tag.name().as_str(), week, &thinned(&v4), &whole));
        }
    }
    assert!(cases > 500, "{cases}");
    assert_eq!(nearer, 0, "of {cases}");
}

/// Whether a list of which a tenth is missing names its tag; or, where so much of the tag was in that tenth that another
/// tag or week is nearer by addresses, whether what is named is.
fn is_first(timeline: &Timeline, tag: &str, week: u32, list: &AddrSet, whole: &AddrSet) -> bool {
    let fits = timeline.fits(list);
    let Some(best) = fits.first() else { return false };
    let true_distance = whole.symmetric_difference(list).count();
    let named =
        fits.iter().take_while(|fit| fit.distance() == best.distance()).find(|fit| fit.tag.as_str() == tag);
    let holds = named.is_some_and(|fit| fit.weeks.iter().any(|&(from, last)| from <= week && week <= last));
    holds || best.distance() < true_distance || (best.distance() == true_distance && named.is_some())
}
