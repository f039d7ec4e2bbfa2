//! Facts with dates: which rows hold on a day, what is said of those that begin or end, and that a folder is proven
//! with the facts of the day that it was made of.

#[path = "../../examples/catalog_changes.rs"]
mod catalog_changes;
#[path = "../../examples/catalog_rules.rs"]
mod catalog_rules;

use crate::support;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tagwall::catalog::{Catalog, Date};
use tagwall::pipeline::{self, Generation};
use tagwall::report::changes::{Changes, RuleSummary};
use tagwall::tags::{Cloud, Snapshot};

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn policy(more: &str, options: &str) -> String {
    format!(
        "schema = 1\nname = \"dated\"\nregion = \"westeurope\"\n{more}\n\
         network.address-space = [\"10.20.0.0/16\"]\nnetwork.firewall = \"10.20.255.4\"\n\
         subnets.training.prefixes = [\"10.20.1.0/24\"]\n[[allow]]\n{options}\n"
    )
}

fn made(snapshot: &Snapshot, catalog: &Catalog, more: &str, options: &str) -> Generation {
    let source = support::policy("dated", &policy(more, options));
    pipeline::generate(&source, catalog, snapshot, None).unwrap()
}

const BATCH: &str = "workload = \"aml-compute\"\npublic-ip = true\nlegacy-batch-inbound = true";
const RULE: &str = "nsg inbound tcp 29876-29877 BatchNodeManagement.WestEurope -> 10.20.1.0/24";

#[test]
fn a_retired_row_makes_no_rule_and_says_so() {
    let (snapshot, catalog) = (support::sample(Cloud::Public), Catalog::builtin());
    let now = made(&snapshot, catalog, "", BATCH);
    assert!(!support::listing(&now).contains("29876"));
    assert_eq!(now.policy.as_of, Catalog::version());
    let warned =
        |made: &Generation| made.notes.iter().filter(|n| n.starts_with("warning: aml-compute/aml-")).count();
    assert_eq!(warned(&now), 2, "{:?}", now.notes);
    let report = support::text_of(&now, "report.md");
    assert!(report.contains("This was asked for, and has ended"), "{report}");
    assert!(report.contains("aml-compute/aml-i2 ended on 2026-03-31"), "{report}");

    // The day before, by pin or by the caller's day.
    for (catalog, pin) in [
        (catalog.clone(), "catalog.as-of = \"2026-03-30\""),
        (catalog.at(day("2026-03-30")), ""),
        (catalog.at(day("2027-01-01")), "catalog.as-of = \"2025-06-01\""),
    ] {
        let before = made(&snapshot, &catalog, pin, BATCH);
        assert!(support::listing(&before).lines().any(|line| line == RULE), "{pin}");
        assert_eq!(warned(&before), 0);
        assert!(
            support::text_of(&before, "report.md").contains("aml-compute/aml-i2 ends on 2026-03-31"),
            "{pin}"
        );
    }
    let asked = made(&snapshot, catalog, "", &format!("{BATCH}\nwith = [\"aml-i2\", \"aml-u2\"]"));
    assert!(support::listing(&asked).lines().any(|line| line == RULE), "what is named is taken all the same");
    assert_eq!(warned(&asked), 2);
    let off = made(&snapshot, catalog, "", "workload = \"aml-compute\"");
    assert!(!support::text_of(&off, "report.md").contains("aml-i2 ended"), "nobody asked for it");
}

#[test]
fn a_row_begins_on_its_day() {
    let (snapshot, catalog) = (support::sample(Cloud::Public), Catalog::builtin());
    let rows = |text: &str| {
        let made = made(&snapshot, &catalog.at(day(text)), "", "workload = \"aks-egress\"");
        let row = |id: &str| made.policy.flows.iter().any(|flow| flow.causes.iter().any(|c| c.row == id));
        (row("aks-10"), row("aks-8"))
    };
    assert_eq!(rows("2025-03-30"), (false, true));
    assert_eq!(rows("2025-03-31"), (true, true));
    assert_eq!(rows("2026-08-01"), (true, true), "what documents still print is kept after its end");
}

#[test]
fn a_wrong_day_is_refused_with_its_place() {
    let snapshot = support::sample(Cloud::Public);
    for wrong in ["2025-13-01", "yesterday", "2025-06-01T00:00"] {
        let text = policy(&format!("catalog.as-of = \"{wrong}\""), BATCH);
        let error = pipeline::generate(&support::policy("p", &text), Catalog::builtin(), &snapshot, None)
            .unwrap_err();
        assert!(error.to_string().contains("is not a day, as in 2025-06-01"), "{error}");
    }
}

#[test]
fn changes_tell_of_days_that_pass_and_come_near() {
    let (snapshot, catalog) = (support::sample(Cloud::Public), Catalog::builtin());
    let book = |text: &str| {
        let made = made(&snapshot, &catalog.at(day(text)), "catalog.window-days = 100", BATCH);
        RuleSummary::new(&made.policy, &made.plan, &snapshot)
    };
    let dated = |before: &str, now: &str| -> Vec<String> {
        let changes = Changes::between(Some(&book(before)), &book(now));
        let rows = changes.dated.iter().filter(|mark| mark.subject.contains('/'));
        rows.map(|mark| mark.text.split(':').next().unwrap().to_owned()).collect()
    };
    assert!(dated("2025-11-01", "2025-12-01").is_empty());
    assert_eq!(
        dated("2025-12-01", "2026-01-01"),
        ["aml-compute/aml-i2 ends on 2026-03-31", "aml-compute/aml-u2 ends on 2026-03-31"]
    );
    assert!(dated("2026-01-01", "2026-02-01").is_empty(), "told of already");
    assert_eq!(dated("2026-02-01", "2026-03-31")[0], "aml-compute/aml-i2 ended on 2026-03-31");
    assert!(dated("2026-03-31", "2026-04-07").is_empty());
    let changes = Changes::between(Some(&book("2026-02-01")), &book("2026-04-01"));
    assert!(
        changes.markdown().contains("## What begins or ends\n\n- aml-compute/aml-i2 ended"),
        "{}",
        changes.markdown()
    );
    assert!(changes.rules.iter().any(|rule| rule.settings.contains("29876") || rule.rule.contains("29876")));
}

fn tagwall(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tagwall")).current_dir(dir).args(args).output().unwrap()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn the_day_comes_from_the_flag_the_data_or_the_catalogue() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("p.toml"), policy("", BATCH)).unwrap();
    let sample = tagwall::tags::sample::sample_json(Cloud::Public).unwrap();
    fs::write(dir.path().join("ServiceTags_Public_20260105.json"), &sample).unwrap();
    let as_of = |args: &[&str]| {
        let all = [&["generate", "p.toml"][..], args].concat();
        let output = tagwall(dir.path(), &all);
        assert!(output.status.success(), "{}", text(&output));
        let manifest = fs::read(dir.path().join("out/dated/manifest.json")).unwrap();
        let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
        (manifest["catalog"]["as_of"].as_str().unwrap().to_owned(), text(&output))
    };
    let (newest, said) = as_of(&["--snapshot", "sample"]);
    assert_eq!(newest, Catalog::version().to_string());
    assert!(said.contains("warning: aml-compute/aml-i2"), "{said}");
    let file = ["--snapshot", "ServiceTags_Public_20260105.json"];
    let (of_data, said) = as_of(&file);
    assert_eq!(of_data, "2026-01-05");
    assert!(!said.contains("warning"), "{said}");
    assert_eq!(as_of(&[&file[..], &["--as-of", "2025-12-24"]].concat()).0, "2025-12-24");
    // What lies there is proven with the facts of its own day, which is before the end of the rows.
    let verify = tagwall(dir.path(), &["verify", "out/dated", "--policy", "p.toml", "--snapshot", file[1]]);
    assert!(verify.status.success(), "{}", text(&verify));
    let wrong = tagwall(dir.path(), &["generate", "p.toml", "--as-of", "soon"]);
    assert_eq!(wrong.status.code(), Some(2), "{}", text(&wrong));
}

#[test]
fn the_command_lists_days_and_versions() {
    let dir = tempfile::tempdir().unwrap();
    let all = tagwall(dir.path(), &["workloads", "--changes"]);
    let said = text(&all);
    assert!(said.contains("aml-compute/aml-i2 ended on 2026-03-31"), "{said}");
    assert!(said.contains("nsg-flow-logs ends on 2027-09-30"), "{said}");
    assert!(said.contains("Version of 2026-11-29") && said.contains("A8: databricks"), "{said}");
    let output = tagwall(
        dir.path(),
        &["workloads", "aks-egress", "--changes", "--since", "2025-05-01", "--format", "json"],
    );
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let subjects: Vec<&str> =
        json["dated"].as_array().unwrap().iter().map(|fact| fact["subject"].as_str().unwrap()).collect();
    assert!(
        subjects.contains(&"aks-egress/aks-8") && !subjects.contains(&"aks-egress/aks-10"),
        "{subjects:?}"
    );
    assert!(!subjects.iter().any(|subject| subject.starts_with("aml-")), "{subjects:?}");
    let changes = json["versions"][0]["changes"].as_array().unwrap();
    assert!(changes.iter().all(|c| c["workloads"].as_array().unwrap().contains(&"aks-egress".into())));
    let early = text(&tagwall(dir.path(), &["workloads", "aks-egress", "--as-of", "2025-03-30"]));
    assert!(early.contains("aks-egress/aks-10 begins on 2025-03-31"), "{early}");
    assert!(early.contains("aks-10: begins on 2025-03-31"), "among the rows that are not taken: {early}");
    let unknown = tagwall(dir.path(), &["workloads", "aml-comput", "--changes"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(text(&unknown).contains("did you mean aml-compute"), "{}", text(&unknown));
}

#[test]
fn dates_in_catalogue_files_are_checked() {
    let row = |dates: &str| {
        let file = format!(
            "name = \"labs\"\ntitle = \"t\"\nsummary = \"s\"\n[[row]]\nid = \"one\"\ndirection = \"outbound\"\n\
             tags = \"Sql\"\nflows = \"tcp 1433\"\npurpose = \"p\"\nsource = \"our own\"\n{dates}\n"
        );
        Catalog::builtin().extended(&[("labs.toml".to_owned(), file)])
    };
    let dates = row("until = 2026-03-31\nannounced = \"2026-01-01\"").unwrap();
    let dates = dates.workload("labs").unwrap().row("one").unwrap().dates().unwrap().clone();
    assert_eq!((dates.until, dates.announced), (Some(day("2026-03-31")), Some(day("2026-01-01"))));
    assert_eq!(dates.source, "our own", "the row's own where the dates name none");
    for (dates, part) in [
        ("until = \"soon\"", "`until` is a day"),
        ("until = 3", "`until` is a day"),
        ("until = 2026-03-31T10:00:00Z", "`until` is a day"),
        ("from = 2026-03-31\nuntil = 2026-03-31", "is not after `from`"),
        ("announced = 2026-03-31", "go with `from` or `until`"),
        ("from = 2026-03-31\nkept-after-end = true", "`kept-after-end` goes with `until`"),
        ("until = 2026-03-31\ndates-source = \"nowhere\"", "no key `nowhere`"),
    ] {
        let error = row(dates).unwrap_err().to_string();
        assert!(error.contains(part), "{part} in {error}");
    }
}

#[test]
fn the_changelog_in_the_documents_is_of_today() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/catalog-changes.md");
    support::golden(&path, catalog_changes::document().as_bytes());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/catalog-rules.md");
    let text = catalog_rules::document().unwrap_or_else(|error| panic!("{error}"));
    support::golden(&path, text.as_bytes());
}
