//! From week to week only what changed may change, and what did not keeps its name, priority and place.

use std::collections::BTreeSet;

use serde_json::Value;
use tagwall::catalog::Catalog;
use tagwall::pipeline::{self, Generation};
use tagwall::plan::Previous;
use tagwall::policy::PolicySource;
use tagwall::tags::{Cloud, Snapshot, sample};
use tagwall::verify;

const POLICY: &str = r#"
    schema = 1
    name = "steady"
    region = "westeurope"
    network.address-space = ["10.20.0.0/16"]
    network.firewall = "10.20.255.4"
    subnets.training.prefixes = ["10.20.1.0/24"]
    nsg.tags = "expand"
    firewall.tags = "expand"
    limits.ip-group-entries = 20
    groups.partners = ["203.0.113.0/24", "198.51.100.8/29"]
    [[allow]]
    workload = "aml-compute"
    [[allow]]
    to = "group:partners"
    protocol = "tcp"
    ports = 8443
"#;

fn sample_json() -> Value {
    serde_json::from_slice(&sample::sample_json(Cloud::Public).unwrap()).unwrap()
}

fn snapshot(json: &Value) -> Snapshot {
    Snapshot::parse(&serde_json::to_vec(json).unwrap()).unwrap()
}

fn generate(policy: &str, snapshot: &Snapshot, previous: Option<&Previous>) -> Generation {
    let source = PolicySource::read("steady.toml", policy).unwrap();
    pipeline::generate(&source, Catalog::builtin(), snapshot, previous).unwrap()
}

fn earlier(made: &Generation) -> Previous {
    let files: Vec<(&str, &[u8])> =
        made.files.iter().map(|f| (f.name.as_str(), f.bytes.as_slice())).collect();
    let previous = verify::earlier(&made.name, &files);
    assert!(previous.notes.is_empty(), "{:?}", previous.notes);
    previous
}

/// The prefixes of a tag of the file.
fn prefixes<'a>(json: &'a mut Value, tag: &str) -> &'a mut Vec<Value> {
    let tags = json["values"].as_array_mut().unwrap();
    let tag = tags.iter_mut().find(|t| t["name"] == tag).unwrap_or_else(|| panic!("no tag {tag}"));
    tag["properties"]["addressPrefixes"].as_array_mut().unwrap()
}

fn lines(made: &Generation) -> BTreeSet<(String, String)> {
    let of = |f: &tagwall::emit::Artefact| {
        let text = String::from_utf8(f.bytes.clone()).unwrap();
        // A comma says that more follows, which is no change of the entry.
        text.lines().map(|l| (f.name.clone(), l.trim_end_matches(',').to_owned())).collect::<Vec<_>>()
    };
    made.files.iter().filter(|f| f.name.ends_with(".arm.json")).flat_map(of).collect()
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let snapshot = snapshot(&sample_json());
    let first = generate(POLICY, &snapshot, None);
    assert_eq!(generate(POLICY, &snapshot, None).files, first.files);
    let again = generate(POLICY, &snapshot, Some(&earlier(&first)));
    assert_eq!(again.files, first.files, "a week in which nothing changed");
    assert!(again.notes.is_empty(), "{:?}", again.notes);
    let groups = &first.plan.ip_groups;
    assert!(groups.iter().any(|g| g.name.contains("-from-")), "the test needs a list in pieces");
    assert!(groups.iter().all(|g| g.prefixes.len() <= 20));
}

#[test]
fn the_order_of_the_file_changes_nothing() {
    let mut json = sample_json();
    let first = generate(POLICY, &snapshot(&json), None);
    json["values"].as_array_mut().unwrap().reverse();
    for tag in json["values"].as_array_mut().unwrap() {
        tag["properties"]["addressPrefixes"].as_array_mut().unwrap().reverse();
    }
    let shuffled = snapshot(&json);
    assert_eq!(generate(POLICY, &shuffled, None).files, first.files);
    assert_eq!(generate(POLICY, &shuffled, Some(&earlier(&first))).files, first.files);
}

#[test]
fn one_more_prefix_is_one_more_entry() {
    let mut json = sample_json();
    let first = generate(POLICY, &snapshot(&json), None);
    prefixes(&mut json, "AzureMachineLearning").push("192.88.99.64/28".into());
    let second = generate(POLICY, &snapshot(&json), Some(&earlier(&first)));
    let (before, after) = (lines(&first), lines(&second));
    let added: Vec<_> = after.difference(&before).collect();
    let removed: Vec<_> = before.difference(&after).collect();
    assert!(removed.is_empty(), "{removed:?}");
    assert!(added.iter().all(|(_, line)| line.contains("192.88.99.64/28")), "{added:?}");
    let files: BTreeSet<&str> = added.iter().map(|(file, _)| file.as_str()).collect();
    assert_eq!(files, BTreeSet::from(["ip-groups.arm.json", "nsg.arm.json"]), "the rules stay as they were");
}

#[test]
fn a_group_that_grows_keeps_the_name_of_its_rule() {
    let snapshot = snapshot(&sample_json());
    let first = generate(POLICY, &snapshot, None);
    let wider = POLICY.replace("\"203.0.113.0/24\"", "\"192.0.2.0/28\", \"203.0.113.0/24\"");
    let second = generate(&wider, &snapshot, Some(&earlier(&first)));
    let rules = |made: &Generation| {
        let nsg = made.plan.nsgs[0].clone();
        nsg.rules.into_iter().map(|r| (r.name, r.priority)).collect::<Vec<_>>()
    };
    assert_eq!(rules(&first), rules(&second));
    let added: Vec<_> = lines(&second).difference(&lines(&first)).cloned().collect();
    assert!(added.iter().all(|(_, line)| line.contains("192.0.2.0/28")), "{added:?}");
}

#[test]
fn a_new_need_moves_no_other() {
    let snapshot = snapshot(&sample_json());
    let first = generate(POLICY, &snapshot, None);
    let more = format!("{POLICY}\n[[allow]]\nto = \"Sql.westeurope\"\nprotocol = \"tcp\"\nports = 1433\n");
    let second = generate(&more, &snapshot, Some(&earlier(&first)));
    let (before, after) = (first.plan.nsgs[0].rules.clone(), second.plan.nsgs[0].rules.clone());
    assert!(before.iter().all(|rule| after.contains(rule)));
    assert_eq!(after.len(), before.len() + 1);
    let back = generate(POLICY, &snapshot, Some(&earlier(&second)));
    assert_eq!(back.plan.nsgs[0].rules, before);
    assert!(back.notes.iter().any(|n| n.contains("IP group") && n.contains("Sql")), "{:?}", back.notes);
}

#[test]
fn what_is_damaged_or_foreign_is_passed_over() {
    let snapshot = snapshot(&sample_json());
    let first = generate(POLICY, &snapshot, None);
    let files: Vec<(&str, &[u8])> =
        first.files.iter().map(|f| (f.name.as_str(), f.bytes.as_slice())).collect();
    assert_eq!(verify::earlier("steady", &[]), Previous::default());
    let note = |environment: &str, files: &[(&str, &[u8])], text: &str| {
        let previous = verify::earlier(environment, files);
        assert!(previous.notes.iter().any(|n| n.contains(text)), "{text}: {:?}", previous.notes);
        assert!(previous.nsg_priorities.is_empty());
        let made = generate(POLICY, &snapshot, Some(&previous));
        assert_eq!(made.files, first.files);
    };
    note("other", &files, "manifest.json is that of steady");
    let without: Vec<_> = files.iter().copied().filter(|(name, _)| *name != "manifest.json").collect();
    note("steady", &without, "no manifest.json");
    let cut: Vec<_> = files
        .iter()
        .map(
            |&(name, bytes)| {
                if name == "nsg.arm.json" { (name, &bytes[..bytes.len() / 2]) } else { (name, bytes) }
            },
        )
        .collect();
    note("steady", &cut, "nsg.arm.json");
}
