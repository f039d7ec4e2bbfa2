//! A generation as a whole: its files, and what the manifest says of them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Change, Scene, refit};

/// More files than the policy asks for, or other ones, with a manifest that lists them.
#[test]
fn files_that_nobody_reads_are_noticed() {
    let scene = Scene::new(&super::policy(&["arm", "bicep", "terraform", "azcli", "csv", "json", "lists"]));
    let whole = Change { kind: "none", place: String::new(), edits: Vec::new() };
    assert!(scene.verify_passes(&whole), "as it was made it passes");
    let nsg = scene.text("nsg.arm.json");
    let names = [
        "more.arm.json",
        "nsg-x.arm.json",
        "nsg-01.arm.json",
        "nsg-.arm.json",
        "NSG.arm.json",
        "nsg.json",
        "nsg.template.json",
        "nsg.parameters.json",
        "azuredeploy.json",
        "main.bicep",
        "more.bicep",
        "bicepconfig.json",
        "more.tfvars",
        "terraform.tfvars.json",
        "x.auto.tfvars",
        ".terraformrc",
        "more.sh",
        "azcli/more.sh",
        "azcli/more.txt",
        "nsg.ps1",
        "Makefile",
        "README",
        "catalog-x.toml",
        "sub/nsg.arm.json",
        "report.md.sh",
        "nsg.arm.json.bak",
        "plan.json.sh",
    ];
    for name in names {
        for content in [nsg, "", "{}"] {
            let change = Change::new("file more", name, name, content);
            assert!(!scene.verify_passes(&change), "{name} with {} bytes passes", content.len());
        }
    }
    for name in scene.files("") {
        if ["manifest.json", "report.md"].contains(&name) {
            continue;
        }
        let gone = Change { kind: "file gone", place: name.to_owned(), edits: vec![(name.to_owned(), None)] };
        assert!(!scene.verify_passes(&gone), "without {name} it passes");
        // The same content under a name of another format.
        for other in
            ["nsg.arm.json", "nsg.bicep", "nsg.tf", "nsg.sh", "nsg.csv", "lists/nsg.ipv4.txt", "plan.json"]
        {
            if other != name {
                let change = Change::new("content of another file", other, other, scene.text(name));
                assert!(!scene.verify_passes(&change), "{other} with the content of {name} passes");
            }
        }
    }
}

/// Changes of the manifest after which files are deployed otherwise.
#[test]
fn a_manifest_that_says_something_else_is_noticed() {
    let scene = Scene::new(&super::policy(&["arm", "bicep", "azcli"]));
    let good: Value = serde_json::from_str(scene.text("manifest.json")).expect("it is JSON");
    type Edit = fn(&mut Value);
    let edits: [(&str, Edit); 17] = [
        ("a file is not deployed", |m| _ = list(m, "/deploy/0/files").pop()),
        ("a format is not deployed", |m| _ = list(m, "/deploy").pop()),
        ("nothing is deployed", |m| m["deploy"] = json!([])),
        ("the order is turned", |m| list(m, "/deploy/0/files").reverse()),
        ("a file is deployed twice", |m| {
            let first = m["deploy"][0]["files"][0].clone();
            list(m, "/deploy/0/files").insert(0, first);
        }),
        ("a file that is not there is deployed", |m| list(m, "/deploy/0/files").push(json!("more.arm.json"))),
        ("a file of elsewhere is deployed", |m| list(m, "/deploy/0/files").push(json!("../nsg.arm.json"))),
        ("another format", |m| m["deploy"][0]["format"] = json!("bicep")),
        ("a format between files", |m| {
            let other = m["deploy"][1]["files"][0].clone();
            list(m, "/deploy/0/files").push(other);
        }),
        ("a command with a format", |m| m["deploy"][0]["command"] = json!("az group delete")),
        ("a file is listed twice", |m| {
            let first = m["artefacts"][0].clone();
            list(m, "/artefacts").push(first);
        }),
        ("a member that is not known", |m| m["more"] = json!(1)),
        ("a member in other case", |m| m["Deploy"] = json!([])),
        ("no deploy", |m| _ = m.as_object_mut().expect("an object").remove("deploy")),
        ("another schema", |m| m["schema"] = json!(2)),
        ("another data", |m| m["snapshot"]["sha256"] = json!("0")),
        ("another count", |m| m["counts"]["routes"] = json!(0)),
    ];
    for (what, edit) in edits {
        let mut manifest = good.clone();
        edit(&mut manifest);
        assert_ne!(manifest, good, "{what}");
        let text = serde_json::to_vec_pretty(&manifest).expect("it is JSON");
        assert!(!scene.verify_passes(&Change::new("manifest", what, "manifest.json", text)), "{what} passes");
    }
    let twice = scene.text("manifest.json").replacen('{', "{ \"deploy\": [],", 1);
    assert!(
        !scene.verify_passes(&Change::new("manifest", "twice", "manifest.json", twice)),
        "deploy twice passes"
    );
    let deep = scene.text("manifest.json").replacen("\"profile\"", "\"profile\": \"x\", \"profile\"", 1);
    assert!(
        !scene.verify_passes(&Change::new("manifest", "deep", "manifest.json", deep)),
        "a profile twice passes"
    );
}

/// What a manifest that fits says is the only thing that differs.
#[test]
fn digests_alone_are_put_right() {
    let scene = Scene::new(&super::policy(&["arm"]));
    let mut files: BTreeMap<String, Vec<u8>> =
        scene.made.files.iter().map(|f| (f.name.clone(), f.bytes.clone())).collect();
    let before: Value = serde_json::from_slice(&files["manifest.json"]).expect("it is JSON");
    refit(&mut files);
    assert_eq!(serde_json::from_slice::<Value>(&files["manifest.json"]).expect("it is JSON"), before);
}

fn list<'a>(manifest: &'a mut Value, place: &str) -> &'a mut Vec<Value> {
    manifest.pointer_mut(place).and_then(Value::as_array_mut).expect("a list")
}
