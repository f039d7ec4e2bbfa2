//! How files are deployed: the version of Azure's API that they are written in, routes of peerings, drafts, and the time
//! that Terraform waits.

use crate::support;
use tagwall::Error;
use tagwall::catalog::Catalog;
use tagwall::pipeline::{self, Generation};
use tagwall::policy::{PolicySource, cloud_of};
use tagwall::target::{ApiVersion, FormatName};

const POLICY: &str = r#"
[network]
address-space = ["10.20.0.0/16"]
firewall = "10.20.255.4"
peers = ["10.0.0.0/22"]
[subnets.a]
prefixes = ["10.20.1.0/24"]
[[allow]]
workload = "aml-compute"
[[allow]]
to = "203.0.113.0/24"
protocol = "tcp"
ports = 443
"#;

fn try_made(top: &str, more: &str) -> Result<Generation, Error> {
    let cloud =
        if top.contains("cloud = \"china\"") { "region = \"chinaeast2\"" } else { "region = \"westeurope\"" };
    let text = format!("schema = 1\nname = \"deploy\"\n{cloud}\n{top}\n{POLICY}\n{more}");
    let source = PolicySource::read("deploy.toml", &text)?;
    let snapshot = support::sample(cloud_of(&source.intent));
    pipeline::generate(&source, Catalog::builtin(), &snapshot, None)
}

fn made(top: &str, more: &str) -> Generation {
    try_made(top, more).unwrap_or_else(|error| panic!("{error}"))
}

fn refused(top: &str, more: &str) -> String {
    try_made(top, more).map(drop).expect_err("it is refused").to_string()
}

/// The versions that the files of a generation name.
fn versions(made: &Generation) -> Vec<&'static str> {
    let texts: Vec<&str> = made
        .files
        .iter()
        .filter(|file| [".arm.json", ".bicep", ".sh"].iter().any(|end| file.name.ends_with(end)))
        .map(|file| std::str::from_utf8(&file.bytes).unwrap())
        .collect();
    assert!(!texts.is_empty());
    let named = |version: &ApiVersion| {
        texts.iter().any(|text| {
            [format!("\"{version}\""), format!("@{version}"), format!("api-version={version}")]
                .iter()
                .any(|form| text.contains(form))
        })
    };
    ApiVersion::ALL.iter().filter(|v| named(v)).map(|v| v.name()).collect()
}

#[test]
fn files_are_written_in_the_version_that_is_asked_for() {
    for format in ["arm", "bicep", "azcli"] {
        let formats = format!("output.formats = [\"{format}\"]\n");
        for rules in ["policy", "classic"] {
            let rules = format!("firewall.rules = \"{rules}\"\n");
            assert_eq!(versions(&made(&format!("{formats}{rules}"), "")), ["2025-05-01"], "{format}");
            for version in ApiVersion::ALL {
                let top = format!("{formats}{rules}output.api-version = \"{version}\"");
                assert_eq!(versions(&made(&top, "")), [version.name()], "{format}");
            }
        }
        let both =
            format!("{formats}output.api-version = {{ public = \"2025-07-01\", china = \"2024-05-01\" }}");
        assert_eq!(versions(&made(&both, "")), ["2025-07-01"], "{format}");
        assert_eq!(versions(&made(&format!("{both}\ncloud = \"china\""), "")), ["2024-05-01"], "{format}");
    }
    let error = refused("output.api-version = \"2019-01-01\"", "");
    assert!(error.contains("api-version") && error.contains("2019-01-01"), "{error}");
}

/// The proof takes no file in another version, known or not: what a newer one sets would be lost, or mean something else.
#[test]
fn another_version_is_found() {
    for (format, files) in [
        ("arm", ["nsg.arm.json", "firewall.arm.json", "route-table.arm.json"]),
        ("bicep", ["nsg.bicep", "firewall.bicep", "route-table.bicep"]),
        ("azcli", ["firewall.sh", "ip-groups.sh", "firewall.sh"]),
    ] {
        let top = format!(
            "output.formats = [\"{format}\"]\nfirewall.tags = \"expand\"\nfirewall.ip-groups = \"always\""
        );
        let top = if format == "azcli" { top } else { format!("output.formats = [\"{format}\"]") };
        let made = made(&top, "");
        let snapshot = support::sample(made.policy.cloud);
        for file in files {
            let text = support::text_of(&made, file);
            for other in ["2024-05-01", "2020-01-01"] {
                let changed = text.replace("2025-05-01", other);
                assert_ne!(text, changed, "{file}");
                let found = support::prove_with(&made, &snapshot, file, changed.as_bytes());
                assert!(found.to_string().contains(other), "{file}, {other}: {found}");
            }
        }
    }
}

#[test]
fn routes_of_peerings_are_kept_off_where_it_can_be_said() {
    let need = "[[allow]]\nto = \"10.0.1.0/24\"\nprotocol = \"tcp\"\nports = 1433\n";
    let on = "route-table.disable-peering-route = true\nroute-table.private = \"firewall\"\n";
    for (format, file, member) in [
        ("arm", "route-table.arm.json", "\"disablePeeringRoute\": \"All\","),
        ("bicep", "route-table.bicep", "    disablePeeringRoute: 'All'\n"),
        ("json", "plan.json", "\"disable_peering_route\": true,"),
    ] {
        let formats = format!("output.formats = [\"{format}\"]\n");
        let (with, without) = (
            made(&format!("{formats}{on}"), need),
            made(&format!("{formats}route-table.private = \"firewall\"\n"), need),
        );
        let (text, plain) = (support::text_of(&with, file), support::text_of(&without, file));
        assert!(text.contains(member), "{text}");
        assert!(!plain.contains("eering"), "{plain}");
        if format != "json" {
            assert_eq!(versions(&with), ["2025-07-01"]);
        }
        // Without it what goes to the peered network would go past the firewall, which was not asked for.
        let snapshot = support::sample(with.policy.cloud);
        let found = support::prove_with(&with, &snapshot, file, text.replace(member, "").as_bytes());
        assert!(found.to_string().contains("routes of peerings must be kept off"), "{found}");
    }
    // The need to the peered network goes by the firewall then, which lets it through.
    let made = made(on, need);
    assert!(support::listing(&made).contains("10.0.1.0/24"), "{}", support::listing(&made));
    let work = made.proof.works.iter().find(|work| work.need.contains("10.0.1.0/24")).unwrap();
    assert_eq!(work.state, tagwall::verify::WorkState::Works, "{work:?}");

    for format in FormatName::ALL.iter().filter(|f| !f.lists_only()) {
        let takes = matches!(format, FormatName::Arm | FormatName::Bicep | FormatName::Json);
        let top = format!("output.formats = [\"{format}\"]\n{on}");
        assert_eq!(try_made(&top, "").is_ok(), takes, "{format}");
    }
    let old = refused(&format!("{on}output.api-version = \"2025-05-01\""), "");
    assert!(old.contains("API version 2025-05-01 does not know it: 2025-07-01 does"), "{old}");
}

#[test]
fn rules_are_put_into_a_draft() {
    let draft = made("output.formats = [\"azcli\"]\nfirewall.draft = true", "");
    let script = support::text_of(&draft, "firewall.sh");
    assert!(script.contains("ruleCollectionGroupDrafts/default?api-version=2025-05-01"), "{script}");
    let report = support::text_of(&draft, "report.md");
    assert!(report.contains("It replaces the whole policy") && report.contains("takes no group of rules"));
    assert!(report.contains("az network firewall policy deploy"));

    // What would be in force at once is no draft, and the other way round.
    let snapshot = support::sample(draft.policy.cloud);
    let live = made("output.formats = [\"azcli\"]", "");
    let live_script = support::text_of(&live, "firewall.sh");
    assert!(!live_script.contains("raft"), "{live_script}");
    for (made, other) in [(&draft, live_script), (&live, script)] {
        let found = support::prove_with(made, &snapshot, "firewall.sh", other.as_bytes());
        assert!(found.to_string().contains("in force at once"), "{found}");
    }
    let damaged = script.replace("ruleCollectionGroupDrafts/default?", "?");
    assert!(!support::prove_with(&draft, &snapshot, "firewall.sh", damaged.as_bytes()).is_success());

    for (top, part) in [
        ("firewall.draft = true", "puts rules into force at once"),
        ("firewall.draft = true\noutput.formats = [\"csv\"]", "only the format azcli"),
        (
            "firewall.draft = true\nfirewall.rules = \"classic\"\noutput.formats = [\"azcli\"]",
            "have no draft",
        ),
    ] {
        let error = refused(top, "");
        assert!(error.contains(part), "{error}");
    }
}

/// Azure takes longer than the provider waits by itself.
#[test]
fn terraform_waits_long_enough_for_firewalls() {
    let kinds = ["azurerm_ip_group", "azurerm_firewall_policy_rule_collection_group"];
    for format in ["terraform", "terraform-json"] {
        let top = format!("output.formats = [\"{format}\"]\nfirewall.tags = \"expand\"");
        let made = made(&top, "");
        let end = if format == "terraform" { "tf" } else { "tf.json" };
        for (stem, kind) in ["ip-groups", "firewall"].into_iter().zip(kinds) {
            let file = format!("{stem}.{end}");
            let text = support::text_of(&made, &file);
            assert!(text.contains(kind) && text.contains("timeouts"), "{text}");
            let snapshot = support::sample(made.policy.cloud);
            let short = text.replace("\"2h\"", "\"2s\"");
            assert_ne!(text, short);
            let found = support::prove_with(&made, &snapshot, &file, short.as_bytes());
            assert!(found.to_string().contains("two hours are expected"), "{found}");
        }
    }
}

/// What a newer version sets on a table that is there is lost where an older one takes its place.
#[test]
fn the_report_says_what_an_older_version_resets() {
    let part = "disablePeeringRoute";
    let older = made("", "");
    assert!(support::text_of(&older, "report.md").contains(part));
    let newest = made("output.api-version = \"2025-07-01\"", "");
    assert!(!support::text_of(&newest, "report.md").contains(part));
}
