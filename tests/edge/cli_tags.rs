//! `tagwall tags --cover` and `tagwall lookup` as a user meets them.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// `Store` is its two regions; `Both` is more than `Store`.
const SNAPSHOT: &str = r#"{"changeNumber": 1, "cloud": "Public", "values": [
    {"name": "Both", "properties": {"region": "", "networkFeatures": ["NSG"],
        "addressPrefixes": ["192.0.2.0/23", "2001:db8::/32"]}},
    {"name": "Store", "properties": {"region": "", "networkFeatures": ["NSG", "FW"],
        "addressPrefixes": ["192.0.2.0/24", "2001:db8::/33"]}},
    {"name": "Store.WestEurope", "properties": {"region": "westeurope", "networkFeatures": ["FW"],
        "addressPrefixes": ["192.0.2.0/25"]}},
    {"name": "Store.NorthEurope", "properties": {"region": "northeurope", "networkFeatures": ["FW"],
        "addressPrefixes": ["192.0.2.128/25", "2001:db8::/33"]}}]}"#;

fn tagwall(dir: &Path, args: &[&str]) -> Output {
    fs::write(dir.join("tags.json"), SNAPSHOT).expect("the snapshot is written");
    Command::new(env!("CARGO_BIN_EXE_tagwall"))
        .args(args)
        .args(["--snapshot", "tags.json"])
        .current_dir(dir)
        .stdin(Stdio::null())
        .output()
        .expect("the command runs")
}

/// Runs `tags --cover` on a list, and gives its output, its talk and its exit code.
fn cover(list: &str, flags: &[&str]) -> (String, String, Option<i32>) {
    let dir = tempfile::tempdir().expect("a folder for the test");
    fs::write(dir.path().join("list.txt"), list).expect("the list is written");
    let output = tagwall(dir.path(), &[&["tags", "--cover", "list.txt"], flags].concat());
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("output is text");
    (text(&output.stdout), text(&output.stderr), output.status.code())
}

#[test]
fn an_exact_cover_in_the_fewest_tags() {
    let (tags, talk, code) = cover("192.0.2.0-192.0.2.255\n2001:db8::/33 # half\n", &[]);
    assert_eq!((tags.as_str(), code), ("Store\n", Some(0)), "{talk}");
    assert!(talk.contains("1 tag covers") && talk.contains("exactly; none better exists"), "{talk}");
    let (tags, ..) = cover("192.0.2.0/24\n2001:db8::/33\n", &["store."]);
    assert_eq!(tags, "Store.NorthEurope\nStore.WestEurope\n", "only the regional tags may be used");
}

#[test]
fn what_no_tags_cover_is_named() {
    let (tags, talk, code) = cover("192.0.2.0/25\n192.0.2.128/26\n", &[]);
    assert_eq!((tags.as_str(), code), ("", Some(3)));
    assert!(talk.contains("64 addresses") && talk.contains("192.0.2.128/26"), "{talk}");
    let (_, talk, code) = cover("198.51.100.7\n", &["--fewest"]);
    assert_eq!(code, Some(3));
    assert!(talk.contains("198.51.100.7/32"), "{talk}");
    let (_, talk, code) = cover("nothing\n", &[]);
    assert_eq!(code, Some(2));
    assert!(talk.contains("list.txt: line 1"), "{talk}");
    assert_eq!(cover("192.0.2.0/25\n", &["--tight", "--fewest"]).2, Some(2));
}

#[test]
fn tight_and_fewest_differ() {
    let list = "192.0.2.0/25\n192.0.2.128/26\n";
    let json = |flags: &[&str]| -> Value {
        let (text, talk, code) = cover(list, &[flags, &["--format", "json"]].concat());
        assert_eq!(code, Some(0), "{talk}");
        serde_json::from_str(&text).expect("JSON")
    };
    // Any cover needs the northern tag's IPv6 half, but the pair of `Store` costs the same: one tag wins.
    let tight = json(&["--tight"]);
    assert_eq!(tight["tags"], serde_json::json!(["Store"]));
    assert_eq!(tight["extra"], serde_json::json!(["192.0.2.192/26", "2001:db8::/33"]));
    assert_eq!(
        (&tight["exact"], &tight["optimal"], &tight["goal"]),
        (&false.into(), &true.into(), &"tight".into())
    );
    assert_eq!(tight["addresses"], "192");
    let nsg = json(&["--fewest", "--target", "nsg", "both"]);
    assert_eq!(nsg["tags"], serde_json::json!(["Both"]));
}

#[test]
fn look_up_names_whole_and_partial_tags() {
    let dir = tempfile::tempdir().expect("a folder for the test");
    let output = tagwall(dir.path(), &["lookup", "192.0.2.0/24", "203.0.113.1", "--format", "json"]);
    let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let tags: Vec<(&str, bool, &str)> = found[0]["tags"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|t| {
            let text = |key: &str| t[key].as_str().expect("a text");
            (text("name"), t["whole"].as_bool().expect("a truth"), text("prefix"))
        })
        .collect();
    let wanted = [
        ("Both", true, "192.0.2.0/23"),
        ("Store", true, "192.0.2.0/24"),
        ("Store.NorthEurope", false, "192.0.2.128/25"),
        ("Store.WestEurope", false, "192.0.2.0/25"),
    ];
    assert_eq!(tags, wanted);
    assert_eq!(found[1]["tags"], serde_json::json!([]));
}
