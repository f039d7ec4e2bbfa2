//! Every limit exceeded once on purpose: the refusal names limit, what is had, what is allowed, and a way out.

use std::collections::BTreeSet;

mod support;

use support::text_of;
use tagwall::Error;
use tagwall::catalog::Catalog;
use tagwall::pipeline::{self, Generation};
use tagwall::plan::{Limits, Previous};
use tagwall::policy::PolicySource;
use tagwall::tags::{Cloud, Snapshot, sample};
use tagwall::verify;

/// An environment that uses something of everything.
const POLICY: &str = r#"
    schema = 1
    name = "limits"
    region = "westeurope"
    network.address-space = ["10.20.0.0/16"]
    network.firewall = "10.20.255.4"
    subnets.training.prefixes = ["10.20.1.0/24"]
    [[allow]]
    workload = "aml-compute"
    public-ip = true
    storage-account-ids = [
        "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/data",
        "/subscriptions/22222222-2222-2222-2222-222222222222",
    ]
    [[allow]]
    to = ["fqdn:db.example.org", "fqdn:cache.example.org"]
    protocol = "tcp"
    ports = 5432
    [[allow]]
    to = "Sql.westeurope"
    protocol = "tcp"
    ports = 1433
    except = "203.0.113.0/24"
"#;

/// Each limit: a figure that the environment exceeds, and the settings that make it matter.
const CASES: [(&str, u64, &str); 22] = [
    ("nsg-rules", 3, ""),
    ("nsg-source-prefixes", 4, ""),
    ("nsg-destination-prefixes", 4, "nsg.tags = \"expand\""),
    ("nsg-ports", 2, ""),
    ("nsg-priorities", 2, ""),
    ("nsg-description-characters", 20, ""),
    ("name-characters", 10, ""),
    ("routes-per-table", 1, ""),
    // The route table lists what goes past the limit of tags, unless the policy insists on names.
    ("tag-routes-per-table", 0, "route-table.tags = \"native\""),
    ("firewall-unique-pairs", 2, ""),
    ("firewall-rule-collection-groups", 1, "limits.firewall-group-bytes = 1500"),
    ("firewall-group-bytes", 300, ""),
    ("firewall-rule-collections", 0, ""),
    ("firewall-priority", 500, ""),
    ("firewall-classic-rules", 4, "firewall.rules = \"classic\""),
    ("firewall-fqdns-in-network-rules", 1, ""),
    ("ip-groups", 0, "firewall.tags = \"expand\""),
    ("ip-group-entries", 0, "firewall.tags = \"expand\""),
    ("endpoint-policy-resources", 1, ""),
    ("arm-template-bytes", 400, ""),
    ("arm-resources", 0, ""),
    ("list-entries", 0, "output.formats = [\"arm\", \"edl\"]"),
];

fn generate(settings: &str) -> Result<Generation, Error> {
    let snapshot = Snapshot::parse(&sample::sample_json(Cloud::Public).unwrap()).unwrap();
    let text = POLICY.replacen("[[allow]]", &format!("{settings}\n[[allow]]"), 1);
    let source = PolicySource::read("limits.toml", &text).unwrap();
    pipeline::generate(&source, Catalog::builtin(), &snapshot, None)
}

/// Every limit but that of DNAT rules, of which there are none without an earlier generation; `tests/dnat.rs` exceeds it.
fn known() -> BTreeSet<&'static str> {
    Limits::all().iter().map(|l| l.key.as_str()).filter(|key| *key != "firewall-dnat-rules").collect()
}

#[test]
fn each_limit_is_kept_and_counted() {
    let settings = "firewall.tags = \"expand\"\noutput.formats = [\"arm\", \"edl\"]";
    let made = generate(settings).unwrap();
    let classic = generate(&format!("{settings}\nfirewall.rules = \"classic\"")).unwrap();
    let usage = made.plan.usage.iter().chain(&classic.plan.usage);
    let counted: BTreeSet<&str> = usage.map(|u| u.key.as_str()).collect();
    assert_eq!(counted, known(), "every limit is counted");
    assert!(made.plan.usage.iter().all(tagwall::plan::Usage::fits));
    let manifest = made.files.iter().find(|f| f.name == "manifest.json").unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest.bytes).unwrap();
    for usage in manifest["limits"]["usage"].as_array().unwrap() {
        for key in ["headroom", "headroom_current", "headroom_conservative"] {
            assert!(usage[key].as_i64().is_some_and(|h| h <= 100), "{usage}");
        }
    }
}

#[test]
fn each_limit_exceeded_is_refused_with_a_way_out() {
    let tried: BTreeSet<&str> = CASES.iter().map(|(key, ..)| *key).collect();
    assert_eq!(tried, known(), "every limit is tried");
    for (key, figure, settings) in CASES {
        match generate(&format!("limits.{key} = {figure}\n{settings}")) {
            Err(Error::Limit(over)) => {
                let hits: Vec<_> = over.over.iter().filter(|e| e.usage.key == key).collect();
                assert!(!hits.is_empty(), "{key}: {over}");
                for hit in hits {
                    assert!(hit.usage.have > figure && hit.usage.limit == figure, "{hit}");
                    assert!(hit.remedy.len() > 20, "{hit}");
                    let text = hit.to_string();
                    assert!(text.contains(key) && text.contains(&hit.usage.have.to_string()), "{text}");
                }
            }
            Err(other) => panic!("{key}: {other}"),
            Ok(made) => panic!("{key}: made, with {:?}", made.plan.usage.iter().find(|u| u.key == key)),
        }
    }
}

#[test]
fn rules_spread_over_groups_within_their_bytes() {
    let made = generate("limits.firewall-group-bytes = 2500").unwrap();
    let groups = &made.plan.firewall.as_ref().unwrap().groups;
    assert!(groups.len() > 1);
    let steps: Vec<u32> = groups.iter().map(|g| g.priority).collect();
    assert!(steps.windows(2).all(|w| w[0] < w[1]), "{steps:?}");
    let whole = generate("").unwrap();
    let names = |made: &Generation| {
        let groups = made.plan.firewall.as_ref().unwrap().groups.clone();
        let rules = groups.iter().flat_map(|g| &g.collections).flat_map(|c| c.rules.names().cloned());
        let mut names: Vec<String> = rules.collect();
        names.sort();
        names
    };
    assert_eq!(names(&made), names(&whole));
    for usage in made.plan.usage.iter().filter(|u| u.key == "firewall-group-bytes") {
        assert!(usage.have <= 2500, "{usage:?}");
    }
}

#[test]
fn templates_that_are_too_large_are_split_in_order() {
    let whole = generate("firewall.tags = \"expand\"\nlimits.ip-group-entries = 40").unwrap();
    let made = generate("firewall.tags = \"expand\"\nlimits.ip-group-entries = 40\nlimits.arm-resources = 2")
        .unwrap();
    let names: Vec<&str> = made.files.iter().map(|f| f.name.as_str()).collect();
    assert!(names.contains(&"ip-groups-1.arm.json") && names.contains(&"ip-groups-2.arm.json"), "{names:?}");
    assert!(!names.contains(&"ip-groups.arm.json"));
    assert_eq!(made.plan.ip_groups, whole.plan.ip_groups);
    for file in made.files.iter().filter(|f| f.name.starts_with("ip-groups-")) {
        let template: serde_json::Value = serde_json::from_slice(&file.bytes).unwrap();
        let resources = template["resources"].as_array().unwrap();
        assert!(resources.len() <= 2);
        // What a resource waits for is in the same file: Azure refuses a template that names others.
        assert!(resources[0].get("dependsOn").is_none(), "{}", file.name);
        for pair in resources.windows(2) {
            let waits = pair[1]["dependsOn"][0].as_str().unwrap();
            assert!(waits.contains(pair[0]["name"].as_str().unwrap()));
        }
    }
    let manifest = made.files.iter().find(|f| f.name == "manifest.json").unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest.bytes).unwrap();
    let order: Vec<&str> =
        manifest["deploy"][0]["files"].as_array().unwrap().iter().filter_map(|f| f.as_str()).collect();
    assert_eq!(manifest["deploy"][0]["format"], "arm");
    assert_eq!(order[..2], ["ip-groups-1.arm.json", "ip-groups-2.arm.json"]);
    assert_eq!(order.last(), Some(&"route-table.arm.json"));
    let report = made.files.iter().find(|f| f.name == "report.md").unwrap();
    let report = String::from_utf8(report.bytes.clone()).unwrap();
    let place = |name: &str| report.find(name).unwrap_or_else(|| panic!("{name} is not in the report"));
    assert!(order.windows(2).all(|w| place(w[0]) < place(w[1])));
}

/// Ten prefixes that do not touch, in IP groups of five at most: with room to grow that takes three groups.
fn ten_prefixes(groups: u64, previous: Option<&Previous>) -> Result<Generation, Error> {
    let list: Vec<String> = (0..10).map(|i| format!("\"20.33.{}.0/24\"", 2 * i)).collect();
    let text = format!(
        r#"
        schema = 1
        name = "slices"
        region = "westeurope"
        network.address-space = ["10.20.0.0/16"]
        network.firewall = "10.20.255.4"
        subnets.training.prefixes = ["10.20.1.0/24"]
        groups.list = [{}]
        firewall.ip-groups = "always"
        limits.ip-group-entries = 5
        limits.ip-groups = {groups}
        [[allow]]
        to = "group:list"
        protocol = "tcp"
        ports = 443
        "#,
        list.join(", ")
    );
    let snapshot = Snapshot::parse(&sample::sample_json(Cloud::Public).unwrap()).unwrap();
    let source = PolicySource::read("slices.toml", &text).unwrap();
    pipeline::generate(&source, Catalog::builtin(), &snapshot, previous)
}

fn earlier(made: &Generation) -> Previous {
    let files: Vec<(&str, &[u8])> =
        made.files.iter().map(|f| (f.name.as_str(), f.bytes.as_slice())).collect();
    verify::earlier(&made.name, &files)
}

#[test]
fn where_steady_pieces_are_too_many_the_fewest_are_taken_and_noted() {
    let roomy = ten_prefixes(3, None).unwrap();
    assert_eq!(
        roomy.plan.ip_groups.len(),
        3,
        "the test needs a list whose steady pieces are more than must be"
    );
    assert!(roomy.plan.notes.is_empty(), "{:?}", roomy.plan.notes);
    assert!(!text_of(&roomy, "manifest.json").contains("\"notes\""));

    let tight = ten_prefixes(2, None).unwrap();
    let sizes: Vec<usize> = tight.plan.ip_groups.iter().map(|g| g.prefixes.len()).collect();
    assert_eq!(sizes, [5, 5]);
    let entries = |made: &Generation| {
        let mut all: Vec<_> = made.plan.ip_groups.iter().flat_map(|g| g.prefixes.clone()).collect();
        all.sort();
        all
    };
    assert_eq!(entries(&tight), entries(&roomy));
    let proven = tight.proof.proven.iter().find(|p| p.target == "firewall").unwrap();
    assert_eq!((proven.format.as_str(), proven.rules), ("arm", 1));
    assert_eq!(tight.plan.notes.len(), 1, "{:?}", tight.plan.notes);
    let note = &tight.plan.notes[0];
    assert!(note.contains("10 prefixes in 2 slices of even size"), "{note}");
    assert!(text_of(&tight, "report.md").contains("10 prefixes in 2 slices of even size"));
    let manifest: serde_json::Value = serde_json::from_str(text_of(&tight, "manifest.json")).unwrap();
    assert_eq!(manifest["notes"], serde_json::json!([note]));

    let again = ten_prefixes(2, Some(&earlier(&tight))).unwrap();
    assert_eq!(again.files, tight.files, "a week in which nothing changed");
    // The limit counts for more than the pieces of last time.
    let moved = ten_prefixes(2, Some(&earlier(&roomy))).unwrap();
    assert_eq!((moved.plan.ip_groups.len(), moved.plan.notes.len()), (2, 1));
    assert_eq!(moved.notes.len(), 1, "one group is left behind: {:?}", moved.notes);
}

#[test]
fn what_the_fewest_pieces_do_not_fit_is_refused() {
    let Err(Error::Limit(over)) = ten_prefixes(1, None) else {
        panic!("ten do not fit into one group of five")
    };
    let [hit] = over.over.as_slice() else { panic!("{over}") };
    // Two are needed, not the three that pieces with room to grow would be.
    assert_eq!((hit.usage.key.as_str(), hit.usage.have, hit.usage.limit), ("ip-groups", 2, 1));
    assert!(hit.remedy.contains("split the environment"), "{hit}");
    assert!(hit.remedy.contains("in the fewest pieces already"), "{hit}");
    // One group holds them where a budget lets it: no longer ten of five.
    let cost = over.max_extra().unwrap();
    assert!(hit.remedy.contains(&format!("the smallest precision.max-extra that fits is {cost} ")), "{hit}");
}
