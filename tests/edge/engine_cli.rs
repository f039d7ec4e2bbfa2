//! `minimize`, `set` and `routes minimize` as a user meets them.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

fn tagwall(dir: &Path, args: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tagwall"))
        .args(args)
        .current_dir(dir)
        .env_remove("TAGWALL_SNAPSHOT")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command runs");
    child.stdin.take().expect("it has an input").write_all(input.as_bytes()).expect("it reads its input");
    child.wait_with_output().expect("it ends")
}

fn dir(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder for the test");
    files.iter().for_each(|(name, text)| fs::write(dir.path().join(name), text).expect("a file in it"));
    dir
}

/// Standard output and standard error of a command that must end with `code`.
fn ended(output: &Output, code: i32) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("output is text");
    assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
    (text(&output.stdout), text(&output.stderr))
}

/// Greedy joining takes six extra addresses here; four are enough.
const GAPS: &str = "20.33.16.0\n20.33.16.2\n20.33.16.8\n20.33.16.10\n20.33.16.12\n20.33.16.14\n";

#[test]
fn a_budget_is_spent_best() {
    let dir = dir(&[("gaps.txt", GAPS)]);
    let (out, err) = ended(&tagwall(dir.path(), &["minimize", "gaps.txt", "--max-prefixes", "3"], ""), 0);
    assert_eq!(out, "20.33.16.0/32\n20.33.16.2/32\n20.33.16.8/29\n");
    assert_eq!(err, "3 prefixes instead of 6: 4 extra addresses\n");
    let (out, _) = ended(&tagwall(dir.path(), &["minimize", "gaps.txt", "--max-extra", "5"], ""), 0);
    assert_eq!(out, "20.33.16.0/32\n20.33.16.2/32\n20.33.16.8/29\n");
    let json = ["minimize", "--max-prefixes", "3", "--format", "json"];
    let (out, _) = ended(&tagwall(dir.path(), &json, GAPS), 0);
    let value: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(value["count"], 3);
    assert_eq!(value["input_prefixes"], 6);
    assert_eq!(value["exact_count"], 6);
    assert_eq!(value["addresses"], "10");
    assert_eq!(value["extra_addresses"], "4");
    assert_eq!(
        value["added"],
        json!(["20.33.16.9/32", "20.33.16.11/32", "20.33.16.13/32", "20.33.16.15/32"])
    );
}

#[test]
fn never_and_prices_are_kept() {
    let dir = dir(&[
        ("gaps.txt", GAPS),
        ("never.txt", "20.33.16.9\n"),
        ("price.csv", "20.33.16.1,100\ndefault,2\n"),
    ]);
    let never = ["minimize", "gaps.txt", "--never", "never.txt", "--max-prefixes"];
    let (_, err) = ended(&tagwall(dir.path(), &[&never[..], &["2"]].concat(), ""), 3);
    assert!(err.starts_with("error: 2 prefixes cannot do: at least 4 are needed"), "{err}");
    assert!(err.contains("without the forbidden 20.33.16.9"), "{err}");
    let (out, _) = ended(&tagwall(dir.path(), &[&never[..], &["4"]].concat(), ""), 0);
    assert_eq!(out.lines().count(), 4);
    let (_, err) = ended(
        &tagwall(dir.path(), &["minimize", "gaps.txt", "--price", "price.csv", "--max-prefixes", "2"], ""),
        0,
    );
    assert_eq!(err, "2 prefixes instead of 6: 6 extra addresses at a price of 110\n");
    let (_, err) = ended(
        &tagwall(dir.path(), &["minimize", "gaps.txt", "--never", "gaps.txt", "--max-extra", "9"], ""),
        2,
    );
    assert!(err.contains("required and forbidden at once"), "{err}");
    let both = ["minimize", "gaps.txt", "--max-prefixes", "3", "--max-extra", "2"];
    let (_, err) = ended(&tagwall(dir.path(), &both, ""), 3);
    assert_eq!(
        err,
        "error: 3 prefixes cost at least 4 where 2 may be spent: 5 prefixes are needed for that\n"
    );
}

#[test]
fn the_curve_in_every_format() {
    let dir = dir(&[("gaps.txt", GAPS)]);
    let curve = |format: &str| {
        let args = ["minimize", "gaps.txt", "--curve", "--format", format];
        ended(&tagwall(dir.path(), &args, ""), 0).0
    };
    let csv = curve("csv");
    assert!(csv.starts_with("prefixes,extra_addresses,cost\n1,10,10\n2,6,6\n"), "{csv}");
    assert!(csv.ends_with("\n6,0,0\n"), "{csv}");
    assert!(curve("text").starts_with("prefixes"));
    let value: Value = serde_json::from_str(&curve("json")).unwrap();
    assert_eq!(value["points"][0], json!({ "prefixes": 1, "extra_addresses": "10", "cost": "10" }));
    assert!(curve("svg").starts_with("<svg ") && curve("svg").ends_with("</svg>\n"));
    let (_, err) = ended(&tagwall(dir.path(), &["minimize", "gaps.txt", "--format", "csv"], ""), 2);
    assert!(err.contains("--curve"), "{err}");
}

#[test]
fn added_addresses_are_classed() {
    let dir = dir(&[]);
    let tag =
        ended(&tagwall(dir.path(), &["expand", "Storage.WestEurope", "-4", "--snapshot", "sample"], ""), 0).0;
    let args = ["minimize", "--max-prefixes", "1", "--snapshot", "sample", "--format", "json"];
    let value: Value = serde_json::from_str(&ended(&tagwall(dir.path(), &args, &tag), 0).0).unwrap();
    let class = |name: &str| value["added_by_class"][name].as_str().unwrap().parse::<u64>().unwrap();
    let sum = class("same_tag") + class("azure") + class("outside");
    assert_eq!(value["extra_addresses"], sum.to_string());
}

#[test]
fn sets_are_combined() {
    let dir =
        dir(&[("a", "10.0.0.0/30\n2001:db8::/32\n"), ("b", "10.0.0.2-10.0.0.5\n"), ("c", "10.0.0.1\n")]);
    let set = |operation: &str, files: &[&str]| {
        let args = [&["set", operation], files].concat();
        ended(&tagwall(dir.path(), &args, ""), 0).0
    };
    assert_eq!(set("union", &["a", "b", "c"]), "10.0.0.0/30\n10.0.0.4/31\n2001:db8::/32\n");
    assert_eq!(set("intersect", &["a", "b"]), "10.0.0.2/31\n");
    assert_eq!(set("except", &["a", "b", "c"]), "10.0.0.0/32\n2001:db8::/32\n");
    assert_eq!(set("symdiff", &["b", "a"]), "10.0.0.0/31\n10.0.0.4/31\n2001:db8::/32\n");
    let piped = ended(&tagwall(dir.path(), &["set", "intersect", "-", "a"], "10.0.0.3\n"), 0).0;
    assert_eq!(piped, "10.0.0.3/32\n");
    let (_, err) = ended(&tagwall(dir.path(), &["set", "union", "a", "missing"], ""), 1);
    assert!(err.contains("missing"), "{err}");
    ended(&tagwall(dir.path(), &["set", "union", "a"], ""), 2);
}

const TABLE: &str = "prefix,next_hop\n0.0.0.0/0,firewall\n20.33.0.0/16,internet # direct\n20.33.16.0/20,firewall\n\
                     20.33.0.0/17,internet\n20.40.0.0/24,internet\n";

#[test]
fn route_tables_are_minimised() {
    let dir = dir(&[
        ("table.csv", TABLE),
        ("pinned.csv", "0.0.0.0/0,firewall\n"),
        ("bad.csv", "10.0.0.1/8,a\nx\n"),
    ]);
    let (out, _) = ended(&tagwall(dir.path(), &["routes", "minimize", "table.csv"], ""), 0);
    assert_eq!(
        out,
        "0.0.0.0/0,firewall\n20.33.0.0/16,internet\n20.33.16.0/20,firewall\n20.40.0.0/24,internet\n"
    );
    let lossy = ["routes", "minimize", "--max-routes", "2", "--pinned", "pinned.csv"];
    let (out, err) = ended(&tagwall(dir.path(), &lossy, TABLE), 0);
    assert_eq!(out, "0.0.0.0/0,firewall\n20.33.0.0/16,internet\n");
    assert_eq!(err, "2 routes of 5; misrouted addresses: 4352\n");
    let json = ["routes", "minimize", "table.csv", "--format", "json"];
    let value: Value = serde_json::from_str(&ended(&tagwall(dir.path(), &json, ""), 0).0).unwrap();
    assert_eq!(value["routes"][1], json!({ "prefix": "20.33.0.0/16", "next_hop": "internet" }));
    assert_eq!(value["count"], 4);
    let few = ["routes", "minimize", "table.csv", "--max-routes", "0", "--pinned", "pinned.csv"];
    let (_, err) = ended(&tagwall(dir.path(), &few, ""), 3);
    assert_eq!(err, "error: 0 routes cannot do: at least 1 are needed\n");
    let (_, err) = ended(&tagwall(dir.path(), &["routes", "minimize", "bad.csv"], ""), 2);
    assert!(err.contains("line 2: x: two values"), "{err}");
}

#[test]
fn routes_on_top_of_those_of_azure() {
    // Under 0.0.0.0/0 to the firewall, private space still goes to None, so that this route is not needed; the one
    // that takes it to the firewall is.
    let table = "0.0.0.0/0 firewall ; all\n10.0.0.0/8,firewall\n10.9.0.0/16,None\n172.16.0.0/12,None\n20.0.0.0/8,Internet\n";
    let dir = dir(&[("table.csv", table)]);
    let azure = ["routes", "minimize", "table.csv", "--system", "azure"];
    let (out, _) = ended(&tagwall(dir.path(), &azure, ""), 0);
    assert_eq!(out, "0.0.0.0/0,firewall\n10.0.0.0/8,firewall\n10.9.0.0/16,None\n20.0.0.0/8,Internet\n");
    // Without a default, what the table does not name goes where Azure sends it.
    let (out, _) =
        ended(&tagwall(dir.path(), &["routes", "minimize", "--system", "azure"], "20.0.0.0/8,Internet\n"), 0);
    assert_eq!(out, "");
}

#[test]
fn tables_name_the_lines_that_disagree() {
    let dir = dir(&[
        ("table.csv", "10.0.0.0/8,a\n# b\n10.0.0.0/8,b\n11.0.0.0/8,c\n11.0.0.0/8,c\n"),
        ("price.csv", "10.0.0.0/8,2\n10.0.0.9 - 10.0.0.11 3\n"),
        ("default.csv", "default,2\ndefault,2\n"),
        ("list.txt", "10.1.0.0/32\n10.1.0.5\n"),
    ]);
    let (_, err) = ended(&tagwall(dir.path(), &["routes", "minimize", "table.csv"], ""), 2);
    assert_eq!(err, "error: table.csv: line 3: 10.0.0.0/8,b: line 1 sends the same prefix to a\n");
    for (file, words) in [("price.csv", "lines 1 and 2 give some"), ("default.csv", "line 1 has a default")] {
        let args = ["minimize", "list.txt", "--price", file, "--max-prefixes", "1"];
        let (_, err) = ended(&tagwall(dir.path(), &args, ""), 2);
        assert!(err.contains(words), "{err}");
    }
    let (_, err) = ended(&tagwall(dir.path(), &["set", "union", "-", "-"], ""), 2);
    assert!(err.contains("only once"), "{err}");
}

#[test]
fn what_steers_a_budget_needs_one() {
    let dir = dir(&[("gaps.txt", GAPS), ("never.txt", "20.33.16.9\n"), ("price.txt", "default,2\n")]);
    for flag in [["--never", "never.txt"], ["--price", "price.txt"]] {
        let (out, err) = ended(&tagwall(dir.path(), &["minimize", "gaps.txt", flag[0], flag[1]], ""), 2);
        assert!(out.is_empty() && err.contains("--max-prefixes, --max-extra or --curve"), "{err}");
    }
}
