//! Service endpoint policies: made where accounts are named, offered where they are not, proven either way.

use tagwall::Error;
use tagwall::catalog::Catalog;
use tagwall::pipeline::{self, Generation};
use tagwall::policy::PolicySource;
use tagwall::tags::{Cloud, Snapshot, sample};
use tagwall::target::Target;
use tagwall::verify::{self, Declared};

const ACCOUNT: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/ml/providers/Microsoft.Storage/storageAccounts/mldata";

fn snapshot() -> Snapshot {
    Snapshot::parse(&sample::sample_json(Cloud::Public).unwrap()).unwrap()
}

fn generate(allow: &str) -> Result<Generation, Error> {
    let head = r#"
        schema = 1
        name = "ml"
        region = "westeurope"
        network.address-space = ["10.20.0.0/16"]
        subnets.training.prefixes = ["10.20.1.0/24"]
        subnets.other.prefixes = ["10.20.2.0/24"]
    "#;
    let source = PolicySource::read("ml.toml", &format!("{head}\n{allow}")).unwrap();
    pipeline::generate(&source, Catalog::builtin(), &snapshot(), None)
}

fn with_account() -> String {
    format!(
        "[[allow]]\nworkload = \"aml-compute\"\nsubnet = \"training\"\nstorage-account-ids = [\"{ACCOUNT}\"]\n"
    )
}

fn text(made: &Generation, name: &str) -> String {
    let file = made.files.iter().find(|f| f.name == name).unwrap_or_else(|| panic!("no {name}"));
    String::from_utf8(file.bytes.clone()).unwrap()
}

#[test]
fn two_definitions_ids_and_alias_apart() {
    let made = generate(&with_account()).unwrap();
    let template: serde_json::Value =
        serde_json::from_str(&text(&made, "service-endpoint-policy.arm.json")).unwrap();
    let resource = &template["resources"][0];
    assert_eq!(resource["type"], "Microsoft.Network/serviceEndpointPolicies");
    assert_eq!(resource["name"], "ml-training-storage");
    let definitions = resource["properties"]["serviceEndpointPolicyDefinitions"].as_array().unwrap();
    let list = |at: usize| &definitions[at]["properties"];
    assert_eq!(definitions.len(), 2);
    assert_eq!(list(0)["service"], "Global");
    assert_eq!(list(0)["serviceResources"], serde_json::json!(["/services/Azure/MachineLearning"]));
    assert_eq!(list(1)["service"], "Microsoft.Storage");
    assert_eq!(list(1)["serviceResources"], serde_json::json!([ACCOUNT]));
    assert!(made.proof.proven.iter().any(|p| p.target == "service-endpoint-policy" && p.needs == 2));
    let report = text(&made, "report.md");
    for part in ["--service-endpoint-policy ml-training-storage", "Microsoft.Storage", "denied there"] {
        assert!(report.contains(part), "{part}");
    }
    // The other subnet gets none.
    assert_eq!(made.plan.endpoint_policies.len(), 1);
}

#[test]
fn each_subnet_has_a_policy_of_its_own() {
    let made = generate(&(with_account() + &with_account().replace("training", "other"))).unwrap();
    let template: serde_json::Value =
        serde_json::from_str(&text(&made, "service-endpoint-policy.arm.json")).unwrap();
    let names: Vec<&str> =
        template["resources"].as_array().unwrap().iter().filter_map(|r| r["name"].as_str()).collect();
    assert_eq!(names, ["ml-other-storage", "ml-training-storage"]);
    assert_eq!(made.proof.failures, []);
}

#[test]
fn offered_where_no_account_is_named() {
    let made = generate("[[allow]]\nworkload = \"aml-compute\"\nsubnet = \"training\"\n").unwrap();
    assert!(made.plan.endpoint_policies.is_empty());
    assert!(made.files.iter().all(|f| !f.name.starts_with("service-endpoint")));
    assert!(text(&made, "report.md").contains("Set `storage-account-ids = "));
}

#[test]
fn other_needs_that_it_would_cut_off_are_named() {
    let more =
        format!("{}\n[[allow]]\nsubnet = \"training\"\nto = \"Storage.northeurope\"\n", with_account());
    let report = text(&generate(&more).unwrap(), "report.md");
    assert!(report.contains("are denied unless their accounts are listed"), "{report}");
    assert!(report.contains("to Storage.NorthEurope"));
    let plain = text(&generate(&with_account()).unwrap(), "report.md");
    assert!(!plain.contains("are denied unless their accounts are listed"));
}

#[test]
fn an_id_that_is_none_is_refused() {
    let wrong = with_account().replace(ACCOUNT, "mldata");
    let error = generate(&wrong).unwrap_err();
    assert_eq!(error.exit_code(), 2);
    assert!(error.to_string().contains("a resource id is expected"), "{error}");
}

#[test]
fn a_changed_file_fails_the_proof() {
    let made = generate(&with_account()).unwrap();
    let good = text(&made, "service-endpoint-policy.arm.json");
    let proof = |text: &str| {
        let files = [("service-endpoint-policy.arm.json", text.as_bytes())];
        let targets = [Target::ServiceEndpointPolicy];
        verify::check_files(&made.policy, &snapshot(), &files, Declared::default(), &targets)
    };
    assert!(proof(&good).is_success());
    for (from, to, says) in [
        ("storageAccounts/mldata", "storageAccounts/hisdata", "does not list"),
        ("storageAccounts/mldata", "storageAccounts/hisdata", "nothing asks for it"),
        ("\"Global\"", "\"Microsoft.Storage\"", "does not go with the service"),
        ("ml-training-storage", "-", "no legal name"),
        ("serviceEndpointPolicyDefinitions", "definitions", "is missing"),
    ] {
        let report = proof(&good.replace(from, to));
        assert!(report.to_string().contains(says), "{from} -> {to}: {report}");
    }
}
