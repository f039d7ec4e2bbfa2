//! `tagwall history`: a store of small weeks, its index, and what becomes of the index when store or file change.

#![cfg(all(feature = "fetch", unix))]

use std::process::Output;

use serde_json::{Value, json};

use crate::fake::{Place, stderr};

/// A file whose tags hold these prefixes.
fn week(place: &Place, date: &str, number: u64, tags: &[(&str, &[&str])]) {
    let values: Vec<Value> = tags
        .iter()
        .map(|(name, list)| json!({"name": name, "id": name, "properties": {"addressPrefixes": list}}))
        .collect();
    let file = json!({"changeNumber": number, "cloud": "Public", "values": values});
    let name = format!("ServiceTags_Public_{date}.json");
    std::fs::write(place.path(&name), file.to_string()).unwrap();
    let added = place.run(&["snapshots", "add", &name]);
    assert!(added.status.success(), "{}", stderr(&added));
}

/// Three weeks: `Sql` grows, then gives half of it to `Storage`, which was not there before.
fn store() -> Place {
    let place = Place::new();
    week(&place, "20260601", 1, &[("Sql", &["192.0.2.0/25"])]);
    week(&place, "20260608", 2, &[("Sql", &["192.0.2.0/25", "192.0.2.128/25", "2001:db8::/48"])]);
    week(&place, "20260615", 3, &[("Sql", &["192.0.2.0/25"]), ("Storage", &["192.0.2.128/25"])]);
    place
}

fn json_of(output: &Output) -> Value {
    assert!(output.status.success(), "{}", stderr(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn history(place: &Place, what: &str) -> Value {
    json_of(&place.run(&["history", what, "--format", "json"]))
}

#[test]
fn a_tag_week_by_week() {
    let found = history(&store(), "sql");
    assert_eq!(found["tag"], "Sql");
    let weeks = found["weeks"].as_array().unwrap();
    let of = |at: usize, key: &str| weeks[at][key].clone();
    assert_eq!(
        (of(0, "date"), of(0, "v4"), of(0, "added"), of(0, "removed")),
        (json!("2026-06-01"), json!(1), json!(["192.0.2.0/25"]), json!([]))
    );
    assert_eq!((of(1, "v4"), of(1, "v6"), of(1, "addresses_v4")), (json!(2), json!(1), json!("256")));
    assert_eq!(of(1, "added"), json!(["192.0.2.128/25", "2001:db8::/48"]));
    assert_eq!(
        (of(2, "removed"), of(2, "change_number")),
        (json!(["192.0.2.128/25", "2001:db8::/48"]), json!(3))
    );
}

#[test]
fn a_prefix_through_tags() {
    let span = |tag, from, to, whole, current| json!({"tag": tag, "from": from, "to": to, "whole": whole, "current": current});
    assert_eq!(
        history(&store(), "192.0.2.128/26")["spans"],
        json!([
            span("Sql", "2026-06-08", "2026-06-08", true, false),
            span("Storage", "2026-06-15", "2026-06-15", true, true)
        ])
    );
    assert_eq!(history(&store(), "198.51.100.1")["spans"], json!([]));
}

/// The index of a store that another way made: all at once, week by week, after one was removed, after it was destroyed.
#[test]
fn the_index_follows_the_store() {
    let whole = store();
    let wanted = history(&whole, "Sql");

    let grown = Place::new();
    week(&grown, "20260601", 1, &[("Sql", &["192.0.2.0/25"])]);
    assert_eq!(history(&grown, "Sql")["weeks"].as_array().unwrap().len(), 1);
    // A later week is added, then one between: the index is made anew.
    week(&grown, "20260615", 3, &[("Sql", &["192.0.2.0/25"]), ("Storage", &["192.0.2.128/25"])]);
    assert_eq!(history(&grown, "Sql")["weeks"].as_array().unwrap().len(), 2);
    week(&grown, "20260608", 2, &[("Sql", &["192.0.2.0/25", "192.0.2.128/25", "2001:db8::/48"])]);
    assert_eq!(history(&grown, "Sql"), wanted);

    let index = grown.path("store/index.sqlite");
    for broken in [&b"no database"[..], b"SQLite format 3\0 but nothing behind it", b""] {
        std::fs::write(&index, broken).unwrap();
        assert_eq!(history(&grown, "Sql"), wanted);
        assert_eq!(history(&grown, "Sql"), wanted, "the second time from the index made again");
    }
    std::fs::remove_file(&index).unwrap();
    std::fs::create_dir(&index).unwrap();
    let refused = grown.run(&["history", "Sql"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("remove it"), "{}", stderr(&refused));
}

#[test]
fn exports_hold_every_prefix_with_its_weeks() {
    let place = store();
    let csv = place.run(&["history", "--export", "csv"]);
    assert_eq!(
        String::from_utf8(csv.stdout).unwrap(),
        "tag,prefix,first_date,last_date,current\n\
         Sql,192.0.2.0/25,2026-06-01,2026-06-15,true\n\
         Sql,192.0.2.128/25,2026-06-08,2026-06-08,false\n\
         Sql,2001:db8::/48,2026-06-08,2026-06-08,false\n\
         Storage,192.0.2.128/25,2026-06-15,2026-06-15,true\n"
    );
    let sqlite = place.run(&["history", "--export", "sqlite", "--out", "tags.sqlite"]);
    assert!(sqlite.status.success(), "{}", stderr(&sqlite));
    let again = place.run(&["history", "--export", "sqlite", "--out", "tags.sqlite"]);
    assert_eq!(again.status.code(), Some(2), "nothing is overwritten");
    let database = rusqlite::Connection::open(place.path("tags.sqlite")).unwrap();
    let held = |address: &str| -> Vec<String> {
        let sql = format!(
            "SELECT tag || ' ' || first_date || ' ' || last_date FROM history WHERE first <= x'{address}' AND last >= \
             x'{address}' AND length(first) = 4 ORDER BY first_date"
        );
        let mut query = database.prepare(&sql).unwrap();
        query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    assert_eq!(held("C00002C8"), ["Sql 2026-06-08 2026-06-08", "Storage 2026-06-15 2026-06-15"]);
}

#[test]
fn what_is_not_there_is_said() {
    let place = store();
    for (args, code, word) in [
        (&["history", "Sqll"][..], 2, "did you mean Sql?"),
        (&["history", "192.0.2.1/40"], 2, "192.0.2.1/40"),
        (&["history", "Sql", "--cloud", "usgov"], 2, "no snapshot of the cloud usgov"),
        (&["history", "192.0.2.1", "--format", "svg"], 2, "of a tag"),
        (&["history", "--export", "sqlite"], 2, "--out"),
        (&["history"], 2, "TAG"),
    ] {
        let output = place.run(args);
        assert_eq!(output.status.code(), Some(code), "{args:?}");
        assert!(stderr(&output).contains(word), "{args:?}: {}", stderr(&output));
    }
    let svg = place.run(&["history", "Sql", "--format", "svg"]);
    assert!(String::from_utf8(svg.stdout).unwrap().starts_with("<svg "));
}
