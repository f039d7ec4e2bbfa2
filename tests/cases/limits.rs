//! Every limit exceeded once on purpose: the refusal names limit, what is had, what is allowed, and a way out.

use std::collections::BTreeSet;

use crate::support::text_of;
use tagwall::Error;
use tagwall::catalog::Catalog;
use tagwall::pipeline::{self, Generation};
use tagwall::plan::{Action, Limits, Previous};
use tagwall::policy::PolicySource;
use tagwall::tags::{Cloud, Snapshot, sample};
use tagwall::target::{FormatName, Part};
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

/// Every limit but that of DNAT rules, of which there are none without an earlier generation; `tests/cases/dnat.rs` exceeds it.
fn known() -> BTreeSet<&'static str> {
    Limits::all().iter().map(|l| l.key.name()).filter(|key| *key != "firewall-dnat-rules").collect()
}

#[test]
fn each_limit_is_kept_and_counted() {
    let settings = "firewall.tags = \"expand\"\noutput.formats = [\"arm\", \"edl\"]";
    let made = generate(settings).unwrap();
    let classic = generate(&format!("{settings}\nfirewall.rules = \"classic\"")).unwrap();
    let usage = made.plan.usage.iter().chain(&classic.plan.usage);
    let counted: BTreeSet<&str> = usage.map(|u| u.key.name()).collect();
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
                let hits: Vec<_> = over.over.iter().filter(|e| e.usage.key.name() == key).collect();
                assert!(!hits.is_empty(), "{key}: {over}");
                for hit in hits {
                    assert!(hit.usage.have > figure && hit.usage.limit == figure, "{hit}");
                    assert!(hit.remedy.len() > 20, "{hit}");
                    let text = hit.to_string();
                    assert!(text.contains(key) && text.contains(&hit.usage.have.to_string()), "{text}");
                }
            }
            Err(other) => panic!("{key}: {other}"),
            Ok(made) => {
                panic!("{key}: made, with {:?}", made.plan.usage.iter().find(|u| u.key.name() == key))
            }
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
    for usage in made.plan.usage.iter().filter(|u| u.key.name() == "firewall-group-bytes") {
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
        assert_eq!(file.resources, Some(resources.len()), "{}", file.name);
        assert_eq!((file.part, file.format), (Some(Part::IpGroups), Some(FormatName::Arm)));
        assert_eq!(file.name, format!("ip-groups-{}.arm.json", file.number.unwrap()));
        // What a resource waits for is in the same file: Azure refuses a template that names others.
        assert!(resources.iter().all(|resource| resource.get("dependsOn").is_none()), "{}", file.name);
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

/// Rules that do not fit one group are in several, which are tried in order: what denies is in the first of them.
#[test]
fn what_denies_stands_in_the_first_of_several_groups() {
    let text = "schema = 1\nname = \"e\"\nregion = \"westeurope\"\noutput.targets = [\"firewall\"]\n\
        limits.firewall-group-bytes = 2000\n[network]\naddress-space = [\"10.20.0.0/16\"]\nfirewall = \"10.20.255.4\"\n\
        [subnets.s]\nprefixes = [\"10.20.1.0/24\"]\n[[allow]]\n\
        to = [\"Sql\", \"AzureMonitor\", \"AzureKeyVault\", \"EventHub\", \"Storage\", \"AzureResourceManager\"]\n\
        protocol = \"tcp\"\nports = 443\n[[deny]]\nto = \"Storage.WestEurope\"\nprotocol = \"tcp\"\nports = 445\n";
    let snapshot = Snapshot::parse(&sample::sample_json(Cloud::Public).unwrap()).unwrap();
    let source = PolicySource::read("e.toml", text).unwrap();
    let made =
        pipeline::generate(&source, Catalog::builtin(), &snapshot, None).unwrap_or_else(|e| panic!("{e}"));
    let groups = &made.plan.firewall.as_ref().expect("a firewall").groups;
    let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
    assert_eq!(names, ["e-rules", "e-rules-2"]);
    assert!(groups[0].priority < groups[1].priority);
    let denies = |at: usize| groups[at].collections.iter().position(|c| c.action == Action::Deny);
    assert_eq!((denies(0), denies(1)), (Some(0), None));
}

/// Rules stay in the group where they were, also where nothing is left in those before it, and no empty group is made.
#[test]
fn rules_of_the_second_group_stay_there_when_the_first_is_gone() {
    use tagwall::plan::{Destination, FirewallRules};
    let generate = |tags: &[String], previous: Option<&Previous>| {
        let list: Vec<String> = tags.iter().map(|tag| format!("\"{tag}\"")).collect();
        let text = format!(
            "schema = 1\nname = \"e\"\nregion = \"westeurope\"\noutput.targets = [\"firewall\"]\n\
             limits.firewall-group-bytes = 1200\n[network]\naddress-space = [\"10.20.0.0/16\"]\n\
             firewall = \"10.20.255.4\"\n[subnets.s]\nprefixes = [\"10.20.1.0/24\"]\n[[allow]]\nto = [{}]\n\
             protocol = \"tcp\"\nports = 443\n",
            list.join(", ")
        );
        let snapshot = Snapshot::parse(&sample::sample_json(Cloud::Public).unwrap()).unwrap();
        let source = PolicySource::read("e.toml", &text).unwrap();
        pipeline::generate(&source, Catalog::builtin(), &snapshot, previous).unwrap_or_else(|e| panic!("{e}"))
    };
    let groups = |made: &Generation| -> Vec<(String, Vec<String>)> {
        let firewall = made.plan.firewall.as_ref().expect("a firewall");
        let tags = |rules: &FirewallRules| match rules {
            FirewallRules::Network(rules) => rules.iter().map(|rule| rule.destination.clone()).collect(),
            FirewallRules::Application(_) => Vec::new(),
        };
        let named = |to: Destination| match to {
            Destination::Tags(names) => names[0].clone(),
            other => panic!("{other:?}"),
        };
        let of =
            |c: &tagwall::plan::RuleCollection| tags(&c.rules).into_iter().map(named).collect::<Vec<_>>();
        firewall
            .groups
            .iter()
            .map(|g| (g.name.clone(), g.collections.iter().flat_map(of).collect()))
            .collect()
    };
    let tags = ["Sql", "AzureMonitor", "AzureKeyVault", "EventHub", "Storage", "AzureResourceManager"];
    let first = generate(&tags.map(str::to_owned), None);
    let before = groups(&first);
    assert_eq!(before.len(), 2, "the test needs two groups: {before:?}");
    let now = generate(&before[1].1, Some(&earlier(&first)));
    assert_eq!(groups(&now), before[1..]);
}

#[test]
fn a_template_that_is_too_large_alone_is_told_with_its_own_way_out() {
    let settings =
        "firewall.tags = \"expand\"\noutput.targets = [\"firewall\"]\nlimits.arm-template-bytes = 400";
    let Err(Error::Limit(over)) = generate(settings) else { panic!("400 bytes hold nothing") };
    let remedy = |file: &str| {
        let own = over
            .over
            .iter()
            .find(|e| e.usage.of.starts_with(file))
            .unwrap_or_else(|| panic!("{file}: {over}"));
        own.remedy.clone()
    };
    assert!(remedy("ip-groups").contains("set limits.ip-group-entries lower"), "{over}");
    assert!(remedy("firewall").contains("set limits.firewall-group-bytes lower"), "{over}");
}

/// Many IP groups: no more than 20 are made at once, in each format by itself, and whoever lets more of them go is refused.
#[test]
fn ip_groups_are_made_twenty_at_once() {
    use tagwall::read;
    let list: Vec<String> =
        (0..240).map(|i| format!("\"20.{}.{}.0/24\"", 33 + i / 100, 2 * (i % 100))).collect();
    let text = |more: &str, formats: &str| {
        format!(
            "schema = 1\nname = \"many\"\nregion = \"westeurope\"\nnetwork.address-space = [\"10.20.0.0/16\"]\n\
             network.firewall = \"10.20.255.4\"\nsubnets.a.prefixes = [\"10.20.1.0/24\"]\n\
             route-table.default = \"firewall\"\noutput.targets = [\"firewall\", \"route-table\"]\noutput.formats = [{formats}]\nlimits.ip-group-entries = 6\n{more}\n\
             [[allow]]\nto = [{}]\n",
            list.join(", ")
        )
    };
    let snapshot = Snapshot::parse(&sample::sample_json(Cloud::Public).unwrap()).unwrap();
    let made = |more: &str, formats: &str| {
        let source = PolicySource::read("many.toml", &text(more, formats)).unwrap();
        pipeline::generate(&source, Catalog::builtin(), &snapshot, None)
            .unwrap_or_else(|error| panic!("{error}"))
    };
    let whole = made("", "\"arm\", \"bicep\", \"terraform\"");
    let count = whole.plan.ip_groups.len();
    assert!(count > 40, "{count} groups");
    let free = |text: &str| {
        let template: serde_json::Value = serde_json::from_str(text).unwrap();
        let resources = template["resources"].as_array().unwrap();
        let mut waited = BTreeSet::new();
        for (at, resource) in resources.iter().enumerate() {
            if let Some(before) = resource["dependsOn"][0].as_str() {
                let known =
                    |r: &serde_json::Value| before.contains(&format!("'{}'", r["name"].as_str().unwrap()));
                assert!(resources[..at].iter().any(known) && waited.insert(before.to_owned()), "{before}");
            }
        }
        (resources.len() - waited.len(), resources.len())
    };
    assert_eq!(free(text_of(&whole, "ip-groups.arm.json")), (20, count));
    let bicep = text_of(&whole, "ip-groups.bicep");
    assert_eq!(bicep.matches("dependsOn").count(), count - 20);
    let (groups, rules) = (text_of(&whole, "ip-groups.tf"), text_of(&whole, "firewall.tf"));
    assert_eq!(groups.matches("depends_on").count(), count - 20);
    let first = rules.split("depends_on").nth(1).unwrap().split(']').next().unwrap();
    assert_eq!(first.matches("azurerm_ip_group.").count(), 20, "rules wait for the last of each: {first}");
    let parts = made("limits.arm-resources = 25", "\"arm\"");
    let parts: Vec<_> = parts.files.iter().filter(|f| f.name.starts_with("ip-groups-")).collect();
    assert!(parts.len() > 1);
    for part in parts {
        let (free, all) = free(std::str::from_utf8(&part.bytes).unwrap());
        assert_eq!(free, all.min(20), "{}", part.name);
    }
    // One more at once.
    for (format, file, from, to) in [
        (FormatName::Arm, "ip-groups.arm.json", "\"dependsOn\"", "\"comments\""),
        (FormatName::Bicep, "ip-groups.bicep", "  dependsOn: [\n", "  x: [\n"),
        (FormatName::Terraform, "ip-groups.tf", "depends_on", "# depends_on"),
        (FormatName::Terraform, "firewall.tf", "  depends_on = [\n", "  depends_on = [azurerm_ip_group.x,\n"),
    ] {
        let changed = |f: &tagwall::emit::Artefact| {
            let text = std::str::from_utf8(&f.bytes).unwrap();
            if f.name == file { text.replacen(from, to, 1) } else { text.to_owned() }
        };
        let files: Vec<(String, String)> = whole.files.iter().map(|f| (f.name.clone(), changed(f))).collect();
        let files: Vec<(&str, &[u8])> = files.iter().map(|(n, t)| (n.as_str(), t.as_bytes())).collect();
        assert!(text_of(&whole, file).contains(from), "{file} has {from:?}");
        assert!(read::read_files(format, &files).is_err(), "{file} with {to}");
    }
    let files: Vec<(&str, &[u8])> =
        whole.files.iter().map(|f| (f.name.as_str(), f.bytes.as_slice())).collect();
    for format in [FormatName::Arm, FormatName::Bicep, FormatName::Terraform] {
        assert!(read::read_files(format, &files).is_ok());
    }
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
    assert_eq!((hit.usage.key.name(), hit.usage.have, hit.usage.limit), ("ip-groups", 2, 1));
    assert!(hit.remedy.contains("split the environment"), "{hit}");
    assert!(hit.remedy.contains("in the fewest pieces already"), "{hit}");
    // One group holds them where a budget lets it: no longer ten of five.
    let cost = over.max_extra().unwrap();
    assert!(
        hit.to_string().contains(&format!("the smallest precision.max-extra that fits is {cost} ")),
        "{hit}"
    );
}

/// A file of limits beside a policy holds for it as far as the policy says nothing itself.
#[test]
fn policies_of_a_folder_share_a_file_of_limits() {
    use tagwall::environment::{Environment, LIMITS};
    let folder = tempfile::tempdir().unwrap();
    let (own, shared) = (folder.path().join("p.toml"), folder.path().join(LIMITS));
    let read = |policy: &str, limits: &str| {
        std::fs::write(&own, policy).unwrap();
        std::fs::write(&shared, limits).unwrap();
        Environment::read(&own).map_err(|error| error.to_string())
    };
    let snapshot = Snapshot::parse(&sample::sample_json(Cloud::Public).unwrap()).unwrap();
    let file =
        "[limits]\ndate = \"2026-05-01\"\nsource = \"request 7\"\nroutes-per-table = 1\nnsg-rules = 5000\n";
    let error = read(POLICY, file).unwrap().generate(&snapshot).unwrap_err();
    assert!(matches!(&error, Error::Limit(over) if over.to_string().contains("routes-per-table")), "{error}");
    // What the policy says goes before, and a figure above Azure's own is told with the file that has it.
    let made =
        read(&format!("limits.routes-per-table = 100\n{POLICY}"), file).unwrap().generate(&snapshot).unwrap();
    let warned = format!("{} line 5: nsg-rules = 5000 is more than the 2000", shared.display());
    assert!(made.notes.iter().any(|note| note.contains(&warned)), "{:?}", made.notes);
    assert!(text_of(&made, "report.md").contains("Single figures are from: request 7, 2026-05-01."));
    assert!(text_of(&made, "policy.toml").contains("routes-per-table = 100"), "the copy says both");
    assert!(text_of(&made, "policy.toml").contains("nsg-rules = 5000"), "the copy says both");
    for (limits, words) in [
        ("[limits]\nnsg-rules = 1\n", "must say their `date`"),
        ("[limits]\ndate = \"2026-05-01\"\n", "must say their `source`"),
        ("[limits]\ndate = \"May\"\nsource = \"x\"\n", "write one as 2026-05-01"),
        ("[limits]\ndate = \"2026-05-01\"\nsource = \"x\"\nnsg-rule = 1\n", "did you mean nsg-rules"),
        ("region = \"eastus\"\n", "`region` is not of `[limits]`"),
        ("[limits\n", "limits.toml"),
    ] {
        let found =
            read(POLICY, limits).and_then(|e| e.generate(&snapshot).map_err(|error| error.to_string()));
        let error = found.map(drop).unwrap_err();
        assert!(error.contains(words) && error.contains("limits.toml"), "{words}: {error}");
    }
}

/// The user's own file of limits holds where none lies beside the policy.
#[test]
fn a_user_has_limits_for_all_policies() {
    use std::process::Command;
    let folder = tempfile::tempdir().unwrap();
    let (config, policies) = (folder.path().join("config"), folder.path().join("policies"));
    std::fs::create_dir_all(config.join("tagwall")).unwrap();
    std::fs::create_dir_all(&policies).unwrap();
    let file = |figure: u32, source: &str| {
        format!("[limits]\ndate = \"2026-05-01\"\nsource = \"{source}\"\nroutes-per-table = {figure}\n")
    };
    std::fs::write(config.join("tagwall/limits.toml"), file(4000, "request 8")).unwrap();
    std::fs::write(policies.join("p.toml"), POLICY).unwrap();
    let run = || {
        let output = Command::new(env!("CARGO_BIN_EXE_tagwall"))
            .args(["generate", "p.toml", "--snapshot", "sample"])
            .current_dir(&policies)
            .env("XDG_CONFIG_HOME", &config)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let report = std::fs::read_to_string(policies.join("out/limits/report.md")).unwrap();
        (String::from_utf8_lossy(&output.stderr).into_owned(), report)
    };
    let (said, report) = run();
    assert!(said.contains("limits.toml line 4: routes-per-table = 4000 is more than the 1000"), "{said}");
    assert!(report.contains("Single figures are from: request 8, 2026-05-01."), "{report}");
    std::fs::write(policies.join("limits.toml"), file(900, "request 9")).unwrap();
    let (said, report) = run();
    assert!(
        !said.contains("4000") && report.contains("request 9") && !report.contains("request 8"),
        "{said}"
    );
}

#[test]
fn a_tier_that_a_region_has_no_room_for_is_told() {
    let snapshot = Snapshot::parse(&sample::sample_json(Cloud::UsGov).unwrap()).unwrap();
    let text = |sku: &str, region: &str| {
        format!(
            "schema = 1\nname = \"t\"\ncloud = \"usgov\"\nregion = \"{region}\"\n\
             network.address-space = [\"10.20.0.0/16\"]\nnetwork.firewall = \"10.20.255.4\"\n\
             subnets.a.prefixes = [\"10.20.1.0/24\"]\nfirewall.sku = \"{sku}\"\n[[allow]]\nto = \"203.0.113.0/24\"\n"
        )
    };
    let told = |sku: &str, region: &str| {
        let source = PolicySource::read("t.toml", &text(sku, region)).unwrap();
        let made = pipeline::generate(&source, Catalog::builtin(), &snapshot, None).unwrap();
        made.notes
            .iter()
            .any(|note| note.contains("line 8: usgovvirginia has no capacity for the tier premium"))
    };
    assert!(told("premium", "usgovvirginia"));
    assert!(!told("standard", "usgovvirginia") && !told("premium", "usgovarizona"));
}
