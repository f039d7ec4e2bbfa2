//! Every format of every target: written, read back and proven.

use crate::support;
use std::path::Path;

use tagwall::catalog::Catalog;
use tagwall::emit::Artefact;
use tagwall::pipeline::{self, Generation};
use tagwall::read;
use tagwall::tags::{Cloud, Snapshot};
use tagwall::target::{FormatName, Target};

const ALL: &str = r#"["arm", "bicep", "terraform", "azcli", "csv", "lists", "edl", "nftables", "json"]"#;
const ALL_JSON: &str = r#"["arm", "terraform-json", "json"]"#;

/// Flows that do not overlap, so that every rule is needed; with hosts, prefixes, tags, groups and routes.
pub(super) const PLAIN: &str = r#"
schema = 1
name = "formats"
region = "westeurope"
network.address-space = ["10.20.0.0/16"]
network.firewall = "10.20.255.4"
subnets.a.prefixes = ["10.20.1.0/24", "10.20.3.0/24"]

[[allow]]
workload = "aml-compute"
public-ip = true

[[allow]]
to = ["203.0.113.0/25", "198.51.100.8/29", "198.51.100.32-198.51.100.50"]
protocol = "udp"
ports = "7000-7010"

[[allow]]
to = ["fqdn:*.example.org", "fqdn:example.org", "fqdn:time.example.net"]
protocol = "tcp"
ports = [80, 443]

[[allow]]
to = "fqdn:time.example.net"
protocol = "udp"
ports = 123
"#;

/// The same with every tag as prefixes.
pub(super) const EXPANDED: &str = "\n[nsg]\ntags = \"expand\"\n[route-table]\ntags = \"expand\"\ndisable-bgp = true\n[firewall]\ntags = \"expand\"\n";

/// Both families, two subnets, and texts that hurt in one language or another.
const NASTY: &str = r##"
schema = 1
name = "nasty"
region = "West Europe"
network.address-space = ["10.20.0.0/16", "2001:db8::/48"]
network.firewall = ["10.20.255.4", "2001:db8::4"]
subnets.a.prefixes = ["10.20.1.0/24", "2001:db8:0:1::/64"]
subnets.b.prefixes = ["10.20.2.0/24"]

[[allow]]
to = ["203.0.113.0/25", "2001:db8:f::/56", "198.51.100.7"]
protocol = "tcp"
ports = "443,8000-8010"
why = '''it's "q" ${x} $${y} %{z} %%{z} $HOME $(id) `id` \ \n [a] @b; c, {d} <e> #f //g'''

[[allow]]
subnet = "a"
to = "192.0.2.1"
protocol = "any"
why = "[parameters('x')]"

[[allow]]
subnet = "a"
to = "192.0.2.2"
protocol = "esp"
why = "=1+1"

[[allow]]
subnet = "b"
to = "fqdn:*.example.org"
protocol = "tcp"
ports = 443
why = "two\nlines\tand a tab"

[[allow]]
subnet = "b"
to = "Storage.westeurope"
except = "198.18.0.0/24"
protocol = "tcp"
ports = 443

[[allow]]
direction = "inbound"
from = "*"
protocol = "icmp"
"##;

/// URLs, FQDN tags and a service endpoint policy.
const RICH: &str = r#"
schema = 1
name = "rich"
region = "westeurope"
network.address-space = ["10.20.0.0/16"]
network.firewall = "10.20.255.4"
subnets.a.prefixes = ["10.20.1.0/24"]
firewall.sku = "premium"
firewall.tls-inspection = true
firewall.ip-groups = "always"

[[allow]]
to = ["url:www.example.org/a/*", "fqdn-tag:WindowsUpdate", "203.0.113.0/24"]
protocol = "tcp"
ports = 443

[[allow]]
workload = "aml-compute"
storage-account-ids = ["/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/acc"]
"#;

/// Rules in the firewall itself.
pub(super) const CLASSIC: &str = "\n[firewall]\nrules = \"classic\"\n";

/// Classic rules, every tag as prefixes.
pub(super) fn classic_expanded() -> String {
    let text = format!("{PLAIN}{EXPANDED}");
    text.replace("[firewall]\n", "[firewall]\nrules = \"classic\"\n")
}

/// Classic rules with texts that hurt.
pub(super) const CLASSIC_NASTY: &str = include_str!("../tools/policies/classic.toml");

pub(super) fn with_formats(policy: &str, formats: &str, more: &str) -> String {
    format!("{policy}\n[output]\nformats = {formats}\n{more}\n")
}

pub(super) fn make(name: &str, text: &str) -> (Generation, Snapshot) {
    let snapshot = support::sample(Cloud::Public);
    (support::generate(name, text, &snapshot), snapshot)
}

/// Every format that carries rules is proven for every target of the generation.
fn assert_all_proven(name: &str, made: &Generation) {
    for &format in &made.policy.output.formats {
        for target in Target::ALL.into_iter().filter(|&t| made.policy.wants(t)) {
            let proven =
                made.proof.proven.iter().any(|p| p.format == format.name() && p.target == target.name());
            assert!(proven || format.lists_only(), "{name}: {format} is not proven for {target}");
        }
        if format.lists_only() {
            assert!(made.proof.proven.iter().any(|p| p.format == format.name()), "{name}: {format}");
        }
    }
}

#[test]
fn every_format_says_everything() {
    let expanded = format!("{PLAIN}{EXPANDED}");
    let classic = [format!("{PLAIN}{CLASSIC}"), format!("{NASTY}{CLASSIC}"), classic_expanded()];
    let policies = [
        ("plain", PLAIN),
        ("expanded", expanded.as_str()),
        ("nasty", NASTY),
        ("rich", RICH),
        ("classic-plain", &classic[0]),
        ("classic-nasty", &classic[1]),
        ("classic-expanded", &classic[2]),
    ];
    for (name, policy) in policies {
        for more in ["", "terraform-style = \"resources\"\nedl = \"panos\"", "edl = \"fortigate\""] {
            let (made, _) = make(name, &with_formats(policy, ALL, more));
            assert_all_proven(name, &made);
            let (made, _) = make(name, &with_formats(policy, ALL_JSON, more.split('\n').next().unwrap()));
            assert_all_proven(name, &made);
        }
    }
}

/// Not every format says where resources are made.
fn without_settings(mut resources: read::resources::Resources) -> read::resources::Resources {
    resources.settings.clear();
    resources
}

#[test]
fn every_example_in_every_format() {
    for (name, text) in support::policies("examples/policies") {
        assert!(!text.contains("\n[output]"), "{name} chooses formats itself");
        let made = support::generate_on_sample(&name, &with_formats(&text, ALL, ""));
        assert_all_proven(&name, &made);
    }
}

/// Every file of a policy that hurts, to be looked at when it changes; TAGWALL_BLESS=1 takes new output over.
#[test]
fn files_are_the_golden_ones() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/formats");
    for (formats, more) in [(ALL, "edl = \"panos\""), (ALL_JSON, "terraform-style = \"resources\"")] {
        let (made, _) = make("formats", &with_formats(NASTY, formats, more));
        // What says which formats were asked for differs between the two.
        for file in made.files.iter().filter(|f| !["manifest.json", "report.md"].contains(&f.name.as_str())) {
            support::golden(&folder.join(&file.name), &file.bytes);
        }
    }
}

/// The firewall's files with classic rules; all others are those of rules in a policy.
#[test]
fn files_of_classic_rules_are_the_golden_ones() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/formats/classic");
    let (policy, _) = CLASSIC_NASTY.split_once("[output]").expect("the policy says what is written");
    for formats in [r#"["arm", "bicep", "terraform", "azcli", "csv", "json"]"#, r#"["terraform-json"]"#] {
        let (made, _) = make("classic", &with_formats(policy, formats, ""));
        let own = |name: &str| ["firewall", "main", "plan"].contains(&name.split('.').next().unwrap_or(name));
        let own: Vec<_> = made.files.iter().filter(|f| own(&f.name)).collect();
        assert!(own.len() > 1, "{formats}");
        for file in own {
            support::golden(&folder.join(&file.name), &file.bytes);
        }
        if formats.contains("arm") {
            let report = support::bytes_of(&made, "report.md");
            support::golden(&folder.join("report.md"), report);
        }
    }
}

/// All readers find the same names, descriptions, addresses and numbers, to the letter.
#[test]
fn readers_agree_on_every_word() {
    let (classic, _) = CLASSIC_NASTY.split_once("[output]").expect("the policy says what is written");
    let classic_nasty = format!("{NASTY}{CLASSIC}");
    let policies = [
        ("plain", PLAIN),
        ("nasty", NASTY),
        ("rich", RICH),
        ("classic", classic),
        ("classic-nasty", &classic_nasty),
    ];
    for (name, policy) in policies {
        let (made, _) = make(name, &with_formats(policy, ALL, ""));
        let (made_json, _) = make(name, &with_formats(policy, ALL_JSON, ""));
        let arm = without_settings(read::read_files(FormatName::Arm, &support::named(&made.files)).unwrap());
        let plan = &made.plan.nsgs[0];
        for (read, planned) in arm.nsgs[0].rules.iter().zip(&plan.rules) {
            assert_eq!(read.description, planned.description, "{name}");
        }
        for format in [FormatName::Bicep, FormatName::Terraform, FormatName::Azcli, FormatName::Csv] {
            let found = read::read_files(format, &support::named(&made.files)).unwrap();
            assert!(without_settings(found) == arm, "{name}: {format}");
        }
        // In JSON blocks of one kind stand together; priorities say which comes first.
        let mut found =
            read::read_files(FormatName::TerraformJson, &support::named(&made_json.files)).unwrap();
        found.groups.iter_mut().for_each(|g| g.collections.sort_by_key(|c| c.priority));
        assert!(without_settings(found) == arm, "{name}: terraform-json");
        let found = read::read_files(FormatName::Json, &support::named(&made.files)).unwrap();
        assert_eq!(found.ip_groups, arm.ip_groups, "{name}: json");
        // The plan has its own words for actions.
        let mut classic = found.firewalls.clone();
        classic.iter_mut().flat_map(|f| &mut f.collections).for_each(|c| {
            assert_eq!(c.action, "allow");
            c.action = "Allow".to_owned();
        });
        assert_eq!(classic, arm.firewalls, "{name}: json");
        assert_eq!(arm.firewalls.len(), usize::from(name.starts_with("classic")), "{name}");
        let texts = |r: &read::resources::Resources| -> Vec<String> {
            r.nsgs.iter().flat_map(|n| &n.rules).map(|r| r.description.clone()).collect()
        };
        assert_eq!(texts(&found), texts(&arm), "{name}: json");
    }
}

/// The table of targets and formats in the documentation names files that are made, and settings that they have.
#[test]
fn the_documented_commands_name_what_is_there() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/formats.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (_, table) = text.split_once("## Each target in each format").expect("the table has a heading");
    let rows: Vec<Vec<&str>> = table
        .lines()
        .take_while(|line| !line.starts_with("## "))
        .filter(|line| line.starts_with("| ") && line.contains('`'))
        .map(|line| line.trim_matches('|').split(" | ").collect())
        .collect();
    let made = |classic: bool| -> Vec<Artefact> {
        let policy = if classic {
            RICH.replace("firewall.sku", "firewall.rules = \"classic\"\nfirewall.sku")
        } else {
            RICH.to_owned()
        };
        let both = [ALL, ALL_JSON].map(|formats| make("rich", &with_formats(&policy, formats, "")).0.files);
        both.into_iter().flatten().collect()
    };
    let (in_policy, classic) = (made(false), made(true));
    let mut target = "";
    let mut seen = 0;
    for row in &rows {
        let [first, _, names, command] = row.as_slice() else { panic!("four columns: {row:?}") };
        target = if first.trim().is_empty() { target } else { first.trim() };
        let files = if target.starts_with("classic") { &classic } else { &in_policy };
        for name in names.split('`').skip(1).step_by(2) {
            let there = |f: &&Artefact| match name.split_once('*') {
                Some((start, end)) => f.name.starts_with(start) && f.name.ends_with(end),
                None => f.name == name,
            };
            let file = files.iter().find(there).unwrap_or_else(|| panic!("{target}: {name} is not made"));
            let content = String::from_utf8_lossy(&file.bytes);
            // A variable or parameter that the command sets is one of the file.
            let set = command.split("-var ").nth(2).or(command.split("--parameters ").nth(1));
            if let Some((key, _)) =
                set.and_then(|set| set.split_once('=')).filter(|_| !name.starts_with("firewall.tf"))
            {
                assert!(content.contains(key), "{target}: {name} has no {key}");
            }
            if let Some((setting, _)) = command.split_once(&format!(" ./{name}")) {
                let key = setting.rsplit(' ').next().and_then(|set| set.split('=').next()).unwrap();
                assert!(
                    content.contains(&format!("${{{}:", key.trim_matches('`').trim())),
                    "{target}: {name} reads no {key}"
                );
            }
            seen += 1;
        }
    }
    assert!(seen > 40, "only {seen} files");
}

#[test]
fn the_two_syntaxes_of_terraform_exclude_each_other() {
    let text = with_formats(PLAIN, r#"["terraform", "terraform-json"]"#, "");
    let source = support::policy("both", &text);
    let error =
        pipeline::generate(&source, Catalog::builtin(), &support::sample(Cloud::Public), None).unwrap_err();
    assert!(error.to_string().contains("say everything twice"), "{error}");
}

#[test]
fn a_format_that_is_asked_for_and_missing_is_a_failure() {
    let (made, snapshot) = make("missing", &with_formats(PLAIN, ALL, ""));
    for format in ["nsg.bicep", "nsg.tf", "nsg.sh", "nsg.csv", "plan.json", "sets.nft"] {
        let files: Vec<(&str, &[u8])> =
            support::named(&made.files).into_iter().filter(|(name, _)| *name != format).collect();
        let report = support::prove(&made, &snapshot, &files);
        assert!(!report.is_success(), "without {format}");
    }
}
