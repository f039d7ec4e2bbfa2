//! Naming snapshots: by date, number and digest, the latest, files; what each message says.

#![cfg(all(feature = "fetch", unix))]

use crate::fake::{Place, stderr};
use tagwall::tags::{Cloud, sample};

const ADDED: &str = "203.0.113.77/32";

/// A week of the sample under a number, with or without one address more in a tag.
fn week(number: u64, more: bool) -> Vec<u8> {
    let mut file: serde_json::Value =
        serde_json::from_slice(&sample::sample_json(Cloud::UsGov).unwrap()).unwrap();
    file["changeNumber"] = number.into();
    if more {
        let values = file["values"].as_array_mut().unwrap();
        let storage = values.iter_mut().find(|v| v["name"] == "Storage").unwrap();
        storage["properties"]["addressPrefixes"].as_array_mut().unwrap().push(ADDED.into());
    }
    file.to_string().into_bytes()
}

/// A store with two weeks that have the same number, as happened in 2020 and 2025.
fn store() -> Place {
    let place = Place::new();
    std::fs::write(place.path("ServiceTags_AzureGovernment_20260608.json"), week(346, false)).unwrap();
    std::fs::write(place.path("ServiceTags_AzureGovernment_20260615.json"), week(346, true)).unwrap();
    let files = [
        "snapshots",
        "add",
        "ServiceTags_AzureGovernment_20260615.json",
        "ServiceTags_AzureGovernment_20260608.json",
    ];
    let added = place.run(&files);
    assert!(added.status.success(), "{}", stderr(&added));
    place
}

fn expand(place: &Place, snapshot: &str) -> (Option<i32>, String) {
    let output = place.run(&["expand", "Storage", "--cloud", "usgov", "--snapshot", snapshot]);
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned() + &stderr(&output))
}

#[test]
fn a_snapshot_has_many_names() {
    let place = store();
    let list = place.run(&["snapshots", "--format", "json"]);
    let list: serde_json::Value = serde_json::from_slice(&list.stdout).unwrap();
    let digest = list[1]["digest"].as_str().unwrap();
    assert_eq!((list[0]["latest"].as_bool(), list[1]["latest"].as_bool()), (Some(false), Some(true)));
    for name in ["latest", "2026-06-15", "20260615", digest, &digest[..8]] {
        let (code, text) = expand(&place, name);
        assert!(code == Some(0) && text.contains(ADDED), "{name}: {text}");
    }
    for name in ["2026-06-08", "./ServiceTags_AzureGovernment_20260608.json"] {
        let (code, text) = expand(&place, name);
        assert!(code == Some(0) && !text.contains(ADDED), "{name}: {text}");
    }
}

#[test]
fn a_number_that_repeats_is_no_name() {
    let (code, text) = expand(&store(), "346");
    assert_eq!(code, Some(2));
    assert!(
        text.contains("346 is not one snapshot but 2: 2026-06-08") && text.contains("by its digest"),
        "{text}"
    );
}

#[test]
fn what_is_not_there_is_said() {
    let place = store();
    for name in ["2020-01-06", "999", "abcdef12"] {
        let (code, text) = expand(&place, name);
        assert_eq!(code, Some(2));
        assert!(text.contains("has no snapshot of that date, number or digest"), "{name}: {text}");
    }
}

#[test]
fn an_empty_store_downloads_and_says_what_else_there_is() {
    let place = Place::new();
    let args = ["expand", "Storage", "--cloud", "usgov"];
    // Nobody listens on the discard port.
    let output = place.command(&args).env("TAGWALL_PAGES_URL", "http://127.0.0.1:9").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = stderr(&output);
    assert!(text.contains("getting one") && text.contains("--snapshot FILE"), "{text}");
    std::fs::write(place.path("tags.json"), week(1, false)).unwrap();
    let output = place.command(&args).env("TAGWALL_SOURCE", "tags.json").output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(place.run(&args).status.code(), Some(0), "it is in the store now");
}

#[test]
fn pruning_asks_what_is_kept() {
    let place = store();
    assert_eq!(place.run(&["snapshots", "prune"]).status.code(), Some(2));
    let output = place.run(&["snapshots", "prune", "--keep", "1"]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 removed"));
    assert_eq!(expand(&place, "latest").0, Some(0));
    assert_eq!(expand(&place, "2026-06-08").0, Some(2));
}

#[test]
fn a_difference_is_told_by_tags() {
    let place = store();
    let diff = |format: &str| {
        let output = place.run(&["diff", "2026-06-08", "latest", "--cloud", "usgov", "--format", format]);
        assert!(output.status.success(), "{}", stderr(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(
        diff("text").contains(&format!("  Storage: +1 -0 IPv4 addresses\n    + {ADDED}\n")),
        "{}",
        diff("text")
    );
    assert!(diff("markdown").contains("| Storage | 1 | 1 | 0 | 0 | 0 | 0 |"), "{}", diff("markdown"));
    let json: serde_json::Value = serde_json::from_str(&diff("json")).unwrap();
    assert_eq!(
        (&json["tags"]["Storage"]["added"][0], &json["all"]["added"][0]),
        (&ADDED.into(), &ADDED.into())
    );
    let clouds = place.run(&["diff", "sample", "latest"]);
    assert_ne!(clouds.status.code(), Some(0), "the public cloud is not in this store");
}

#[test]
fn a_difference_is_told_by_rules() {
    let place = store();
    let diff = |format: &str| {
        let output =
            place.run(&["diff", "2026-06-08", "2026-06-15", "--policy", "p.toml", "--format", format]);
        assert!(output.status.success(), "{}", stderr(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(diff("text").contains(&format!("    + {ADDED}")), "{}", diff("text"));
    assert!(diff("markdown").contains("because Storage changed"));
    let json: serde_json::Value = serde_json::from_str(&diff("json")).unwrap();
    assert_eq!(json[0]["tags"][0]["gained"][0], ADDED);
    assert_eq!(
        json[0]["rules"].as_array().unwrap().len(),
        json[0]["rules"].as_array().unwrap().iter().filter(|r| r["because"][0] == "Storage").count()
    );
}
