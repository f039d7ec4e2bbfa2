//! `tagwall verify`: what was published is proven again, and whatever was done to it in the meantime is noticed.

#![cfg(all(feature = "fetch", unix))]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use crate::fake::{Place, stderr};
use minisign::KeyPair;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tagwall::tags::{Cloud, sample};

/// Every format, with prefixes of its own in each file that carries rules.
const POLICY: &str = r#"
schema = 1
name = "gov"
cloud = "usgov"
region = "usgovvirginia"
network.address-space = ["10.20.0.0/16"]
network.firewall = "10.20.255.4"
subnets.a.prefixes = ["10.20.1.0/24"]
nsg.tags = "expand"
route-table.default = "firewall"
catalog.files = ["own.toml"]
output.formats = ["arm", "bicep", "terraform", "azcli", "csv", "json", "lists", "edl", "nftables"]
[[allow]]
to = ["Storage", "203.0.113.0/24", "203.0.113.0/25"]
protocol = "tcp"
ports = 443
[[allow]]
workload = "own-reports"
"#;

const CATALOG: &str = r#"
name = "own-reports"
title = "Reports"
summary = "Reports go out."
[[row]]
id = "own-1"
direction = "outbound"
addresses = "198.51.100.0/24"
flows = "tcp 443"
purpose = "reports"
source = "our own ticket"
"#;

fn place(policy: &str) -> Place {
    let place = Place::new();
    fs::write(place.path("p.toml"), policy).unwrap();
    fs::write(place.path("own.toml"), CATALOG).unwrap();
    fs::write(place.path("tags.json"), sample::sample_json(Cloud::UsGov).unwrap()).unwrap();
    place
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), stderr(output))
}

/// Makes the policy's artefacts and gives their folder.
fn generated(place: &Place) -> PathBuf {
    let output = place.run(&["generate", "p.toml", "--snapshot", "sample", "--out", "made"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    place.path("made/gov")
}

fn verify(place: &Place, dir: &str, more: &[&str]) -> (i32, String) {
    let output = place.run(&[&["verify", dir], more].concat());
    (output.status.code().unwrap(), text(&output))
}

fn manifest(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join("manifest.json")).unwrap()).unwrap()
}

fn write_manifest(folder: &Path, manifest: &Value) {
    fs::write(folder.join("manifest.json"), serde_json::to_vec_pretty(manifest).unwrap()).unwrap();
}

fn artefacts(manifest: &Value) -> Vec<String> {
    let names = manifest["artefacts"].as_array().unwrap().iter();
    names.map(|a| a["name"].as_str().unwrap().to_owned()).collect()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Changes a file and makes the manifest fit, as somebody would who knows how.
fn forge(folder: &Path, name: &str, change: impl Fn(&str) -> String) -> bool {
    let old = fs::read_to_string(folder.join(name)).unwrap();
    let new = change(&old);
    fs::write(folder.join(name), &new).unwrap();
    let mut manifest = manifest(folder);
    let artefacts = manifest["artefacts"].as_array_mut().unwrap();
    let entry = artefacts.iter_mut().find(|a| a["name"] == name).unwrap();
    entry["bytes"] = new.len().into();
    entry["sha256"] = sha256(new.as_bytes()).into();
    write_manifest(folder, &manifest);
    old != new
}

#[test]
fn what_was_made_is_proven_again() {
    let place = place(POLICY);
    generated(&place);
    let (code, said) = verify(&place, "made/gov", &[]);
    assert!(code == 0 && said.contains("gov: proven, "), "{said}");
    let (code, said) = verify(&place, "made", &["--format", "json"]);
    let verdict: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &verdict[0]["proven"], &verdict[0]["problems"]), (0, &json!(true), &json!([])));
    let formats: Vec<&str> =
        verdict[0]["proof"].as_array().unwrap().iter().map(|p| p["format"].as_str().unwrap()).collect();
    for format in ["arm", "bicep", "terraform", "azcli", "csv", "json", "lists", "edl", "nftables"] {
        assert!(formats.contains(&format), "{format} of {formats:?}");
    }
}

#[test]
fn every_file_that_is_changed_missing_or_too_many_is_noticed() {
    let place = place(POLICY);
    let folder = generated(&place);
    for name in artefacts(&manifest(&folder)) {
        let file = folder.join(&name);
        let good = fs::read(&file).unwrap();
        let mut bytes = good.clone();
        bytes[good.len() / 2] ^= 1;
        fs::write(&file, &bytes).unwrap();
        let (code, said) = verify(&place, "made/gov", &[]);
        assert!(
            code == 4 && said.contains(&format!("gov/{name}: its SHA-256 is not that")),
            "{name}: {said}"
        );
        fs::remove_file(&file).unwrap();
        let (code, said) = verify(&place, "made/gov", &[]);
        assert!(code == 4 && said.contains(&format!("gov/{name}: is missing")), "{name}: {said}");
        fs::write(&file, &good).unwrap();
    }
    fs::write(folder.join("nsg-2.arm.json"), "{}").unwrap();
    let (code, said) = verify(&place, "made/gov", &[]);
    assert!(code == 4 && said.contains("gov/nsg-2.arm.json: is not in the manifest"), "{said}");
    fs::remove_file(folder.join("nsg-2.arm.json")).unwrap();
    assert_eq!(verify(&place, "made/gov", &[]).0, 0);
}

#[test]
fn links_and_sockets_are_too_many_and_lead_nowhere() {
    let place = place(POLICY);
    let folder = generated(&place);
    // Followed, two links to their own folder would make a tree without end.
    for name in ["a", "b"] {
        std::os::unix::fs::symlink(".", folder.join(name)).unwrap();
    }
    let socket = std::os::unix::net::UnixListener::bind(folder.join("c")).unwrap();
    let (code, said) = verify(&place, "made/gov", &[]);
    assert_eq!(code, 4, "{said}");
    for name in ["a", "b", "c"] {
        assert!(said.contains(&format!("gov/{name}: is not in the manifest")), "{name}: {said}");
    }
    drop(socket);
}

#[test]
fn what_cannot_be_read_is_named() {
    let place = place(POLICY);
    let folder = generated(&place);
    fs::remove_file(folder.join("manifest.json")).unwrap();
    std::os::unix::fs::symlink("manifest.json", folder.join("manifest.json")).unwrap();
    let (code, said) = verify(&place, "made/gov/manifest.json", &[]);
    assert!(code == 1 && said.contains("made/gov/manifest.json: "), "{said}");
}

#[test]
fn digests_that_are_made_to_fit_do_not_hide_other_rules() {
    let place = place(POLICY);
    let folder = generated(&place);
    let mut forged = 0;
    // The report is for people: what it says is not read back.
    for name in artefacts(&manifest(&folder)).iter().filter(|name| *name != "report.md") {
        for (from, to) in [("203.0.113.0/24", "203.0.113.0/26"), ("198.51.100.0/24", "198.51.100.0/23")] {
            let (file, record) = (fs::read(folder.join(name)).unwrap(), manifest(&folder));
            if forge(&folder, name, |text| text.replace(from, to)) {
                forged += 1;
                let (code, said) = verify(&place, "made/gov", &[]);
                assert!(code == 4 && !said.contains("SHA-256") && said.contains("proof: "), "{name}: {said}");
            }
            fs::write(folder.join(name), file).unwrap();
            write_manifest(&folder, &record);
        }
    }
    assert!(forged >= 20, "only {forged} files were changed");
    forge(&folder, "nsg.arm.json", |text| text.replace("203.0.113.0/24", "203.0.113.0/26"));
    let (_, said) = verify(&place, "made/gov", &[]);
    assert!(
        said.contains("missing: ") && said.contains("-> 203.0.113.64:443 must pass"),
        "a packet shows it: {said}"
    );
}

/// What no packet shows, since a reader that looks only for rules would pass it over.
#[test]
fn what_tagwall_would_not_have_written_is_noticed() {
    let place = place(POLICY);
    let folder = generated(&place);
    let cases: [(&str, &str, &str, &str); 8] = [
        ("nsg.arm.json", "\"apiVersion\"", "\"condition\": false, \"apiVersion\"", "resources[0].condition"),
        (
            "nsg.arm.json",
            "\"resources\": [",
            "\"resources\": [], \"resources\": [",
            "`resources` is there twice",
        ),
        ("nsg.arm.json", "\"access\"", "\"Access\": \"Deny\", \"access\"", ".Access (line "),
        ("route-table.arm.json", "[resourceGroup().location]", "northeurope", "is expected"),
        (
            "nsg.bicep",
            "param location",
            "module m 'x.bicep' = {\n}\nparam location",
            "only parameters have a description",
        ),
        ("nsg.bicep", "' = {\n", "' = if (false) {\n", "tagwall writes no conditions and no loops"),
        ("nsg.sh", "\nrule '", "\nexit 0\nrule '", "`rule NAME` is expected"),
        ("nsg.sh", "set -euo pipefail", "set -uo pipefail", "nsg.sh line 4: `set -euo pipefail` is expected"),
    ];
    for (name, from, to, words) in cases {
        let (file, record) = (fs::read(folder.join(name)).unwrap(), manifest(&folder));
        assert!(forge(&folder, name, |text| text.replacen(from, to, 1)), "{name} holds no {from}");
        let (code, said) = verify(&place, "made/gov", &[]);
        assert!(code == 4 && said.contains(name) && said.contains(words), "{name}, {to}: {code} {said}");
        fs::write(folder.join(name), file).unwrap();
        write_manifest(&folder, &record);
    }
    let mut listed = manifest(&folder);
    let more = b"az group delete";
    fs::write(folder.join("more.sh"), more).unwrap();
    let entry = json!({ "name": "more.sh", "bytes": more.len(), "sha256": sha256(more) });
    listed["artefacts"].as_array_mut().unwrap().push(entry);
    write_manifest(&folder, &listed);
    let (code, said) = verify(&place, "made/gov", &[]);
    assert!(code == 4 && said.contains("more.sh: no format has such a file"), "{said}");
}

#[test]
fn a_manifest_that_was_changed_is_noticed() {
    let place = place(POLICY);
    let folder = generated(&place);
    let good = manifest(&folder);
    type Change = fn(&mut Value);
    let changes: [(&str, Change); 11] = [
        ("counts.nsg_rules is 1", |m| m["counts"]["nsg_rules"] = 1.into()),
        ("counts.routes is 9", |m| m["counts"]["routes"] = 9.into()),
        ("counts.flows is 1", |m| m["counts"]["flows"] = 1.into()),
        ("counts.ip_group_entries is 1", |m| m["counts"]["ip_group_entries"] = 1.into()),
        ("counts.gaps is 7", |m| m["counts"]["gaps"] = 7.into()),
        ("name is other", |m| m["name"] = "other".into()),
        ("region is usgovarizona", |m| m["region"] = "usgovarizona".into()),
        ("snapshot.tags is 3", |m| m["snapshot"]["tags"] = 3.into()),
        ("nsg.csv: is not in the manifest", |m| {
            m["artefacts"].as_array_mut().unwrap().retain(|a| a["name"] != "nsg.csv");
        }),
        ("the proof that it records", |m| m["proof"][0]["rules"] = 1.into()),
        ("missing field `artefacts`", |m| {
            *m = json!({"schema": 1, "name": "gov", "cloud": "usgov", "region": "r",
            "snapshot": m["snapshot"]})
        }),
    ];
    for (words, change) in changes {
        let mut manifest = good.clone();
        change(&mut manifest);
        write_manifest(&folder, &manifest);
        let (code, said) = verify(&place, "made/gov", &[]);
        assert!(code == 4 && said.contains(words), "{words}: {code} {said}");
    }
    fs::write(folder.join("manifest.json"), "no JSON").unwrap();
    let (code, said) = verify(&place, "made/gov", &[]);
    assert!(code == 4 && said.contains("manifest.json: expected"), "{said}");
    fs::remove_file(folder.join("manifest.json")).unwrap();
    let (code, said) = verify(&place, "made/gov", &[]);
    assert!(code == 2 && said.contains("was not made by `tagwall generate`"), "{said}");
}

#[test]
fn a_need_that_is_only_said_to_be_impossible_is_noticed() {
    let place = place(POLICY);
    let folder = generated(&place);
    let plan: Value = serde_json::from_slice(&fs::read(folder.join("plan.json")).unwrap()).unwrap();
    let rules = plan["nsg"]["rules"].as_array().unwrap();
    let flow = rules.iter().find_map(|rule| rule["flows"].get(0)).expect("a rule names its flow").clone();
    let mut manifest = manifest(&folder);
    let gaps = manifest["gaps"].as_array_mut().unwrap();
    gaps.push(json!({"target": "nsg", "flow": flow, "remote": "", "partial": false, "reason": "", "covered_by": []}));
    manifest["counts"]["gaps"] = gaps.len().into();
    write_manifest(&folder, &manifest);
    let (code, said) = verify(&place, "made/gov", &[]);
    assert!(code == 4 && said.contains("is reported as not expressible, but it is"), "{said}");
}

#[test]
fn policies_and_data_can_be_named() {
    let place = place(POLICY);
    let folder = generated(&place);
    fs::write(place.path("more.toml"), POLICY.replace("ports = 443", "ports = [443, 444]")).unwrap();
    let (code, said) = verify(&place, "made/gov", &["--policy", "more.toml"]);
    assert!(code == 4 && said.contains(":444") && said.contains("missing: "), "{said}");
    assert_eq!(verify(&place, "made/gov", &["--policy", "p.toml"]).0, 0);
    fs::write(place.path("foreign.toml"), POLICY.replace("\"gov\"", "\"foreign\"")).unwrap();
    let (code, said) = verify(&place, "made/gov", &["--policy", "foreign.toml"]);
    assert!(code == 2 && said.contains("foreign.toml is for foreign"), "{said}");

    let mut grown: Value = serde_json::from_slice(&sample::sample_json(Cloud::UsGov).unwrap()).unwrap();
    let values = grown["values"].as_array_mut().unwrap();
    let storage = values.iter_mut().find(|v| v["name"] == "Storage").unwrap();
    storage["properties"]["addressPrefixes"].as_array_mut().unwrap().push("203.0.114.7/32".into());
    fs::write(place.path("grown.json"), grown.to_string()).unwrap();
    let (code, said) = verify(&place, "made/gov", &["--snapshot", "grown.json"]);
    assert!(code == 4 && said.contains("203.0.114.7") && said.contains("snapshot.sha256 is "), "{said}");

    let policy = fs::read(folder.join("policy.toml")).unwrap();
    fs::remove_file(folder.join("catalog-1.toml")).unwrap();
    let (code, said) = verify(&place, "made/gov", &[]);
    assert!(code == 2 && said.contains("names 1 catalogue files, and 0 lie beside it"), "{said}");
    fs::remove_file(folder.join("policy.toml")).unwrap();
    let (code, said) = verify(&place, "made/gov", &[]);
    assert!(code == 2 && said.contains("holds no copy of its policy: name it with --policy"), "{said}");
    assert_eq!(policy, POLICY.as_bytes());
    let (code, said) = verify(&place, "nowhere", &[]);
    assert!(code == 2 && said.contains("nowhere"), "{said}");
}

/// Publishes with a signature; gives the text of the public key.
fn published(place: &Place) -> String {
    let pair = KeyPair::generate_unencrypted_keypair().unwrap();
    fs::write(place.path("key"), pair.sk.to_box(None).unwrap().into_string()).unwrap();
    fs::write(place.path("key.pub"), pair.pk.to_box().unwrap().into_string()).unwrap();
    let args = ["refresh", "p.toml", "--out", "out", "--source", "tags.json", "--sign-key", "key"];
    let output = place.run(&args);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    pair.pk.to_base64()
}

#[test]
fn a_published_generation_is_proven_with_its_signature() {
    let place = place(POLICY);
    let key = published(&place);
    for dir in ["out", "out/current", "out/gov", "out/.generations/1", "out/.generations/1/gov"] {
        for key in [key.as_str(), "key.pub"] {
            let (code, said) = verify(&place, dir, &["--public-key", key]);
            assert!(
                code == 0 && said.contains("record.json is signed: tagwall generation 1 of 2026"),
                "{dir}: {said}"
            );
        }
        assert_eq!(verify(&place, dir, &[]).0, 0, "{dir}");
    }
    let other = KeyPair::generate_unencrypted_keypair().unwrap().pk.to_base64();
    let (code, said) = verify(&place, "out", &["--public-key", &other]);
    assert!(code == 4 && said.contains("signature: record.json: the signature is not good"), "{said}");
    let (code, said) = verify(&place, "out", &["--public-key", "nonsense"]);
    assert!(code == 2 && said.contains("nonsense is neither a file nor the text of a public key"), "{said}");

    let generation = place.path("out/.generations/1");
    let signature = fs::read(generation.join("record.json.minisig")).unwrap();
    fs::remove_file(generation.join("record.json.minisig")).unwrap();
    let (code, said) = verify(&place, "out/gov", &["--public-key", &key]);
    assert!(
        code == 4 && said.contains("record.json is not signed: there is no record.json.minisig"),
        "{said}"
    );
    fs::write(generation.join("record.json.minisig"), signature).unwrap();

    // Whoever changes a file and makes manifest and record fit is given away by the signature alone.
    forge(&generation.join("gov"), "report.md", |text| text.replace("Storage", "Nothing"));
    let record = fs::read_to_string(generation.join("record.json")).unwrap();
    let (code, said) = verify(&place, "out", &["--public-key", &key]);
    assert!(code == 4 && said.contains("gov/report.md: was changed after it was published"), "{said}");
    let mut forged: Value = serde_json::from_str(&record).unwrap();
    for name in ["gov/report.md", "gov/manifest.json"] {
        forged["files"][name] = sha256(&fs::read(generation.join(name)).unwrap()).into();
    }
    fs::write(generation.join("record.json"), forged.to_string()).unwrap();
    assert_eq!(verify(&place, "out", &[]).0, 0);
    let (code, said) = verify(&place, "out", &["--public-key", &key]);
    assert!(code == 4 && said.contains("the signature is not good"), "{said}");
}

#[test]
fn what_is_done_to_a_published_generation_is_noticed() {
    let place = place(POLICY);
    published(&place);
    let generation = place.path("out/.generations/1");
    let cases: [(&str, &str); 5] = [
        ("gov/policy.toml", "gov/policy.toml: was changed"),
        ("gov/catalog-1.toml", "gov/catalog-1.toml: was changed"),
        ("changes.md", "changes.md: was changed"),
        (".state/gov.json", ".state/gov.json: was changed"),
        ("record.json", "record.json: is not one of tagwall's"),
    ];
    for (name, words) in cases {
        let good = fs::read(generation.join(name)).unwrap();
        fs::write(generation.join(name), [b"#" as &[u8], &good].concat()).unwrap();
        let (code, said) = verify(&place, "out", &[]);
        assert!(code == 4 && said.contains(words), "{name}: {said}");
        fs::write(generation.join(name), good).unwrap();
    }
    fs::write(generation.join("gov/more.sh"), "").unwrap();
    let (code, said) = verify(&place, "out", &[]);
    assert!(code == 4 && said.contains("gov/more.sh: is not in record.json"), "{said}");
    fs::remove_file(generation.join("gov/more.sh")).unwrap();
    let manifest = fs::read(generation.join("gov/manifest.json")).unwrap();
    fs::remove_file(generation.join("gov/manifest.json")).unwrap();
    for dir in ["out", "out/gov"] {
        let (code, said) = verify(&place, dir, &[]);
        assert!(code == 4 && said.contains("manifest.json: is missing"), "{dir}: {said}");
    }
    fs::write(generation.join("gov/manifest.json"), manifest).unwrap();
    // A copy elsewhere lacks the program's own notes.
    fs::remove_dir_all(generation.join(".state")).unwrap();
    assert_eq!(verify(&place, "out", &[]).0, 0);
}

#[test]
fn data_is_found_by_its_digest_with_what_is_held() {
    let place = place(&format!("{POLICY}\n[refresh]\nhold-removed-days = 7\n"));
    // Not the built-in sample, whose digest is known: data that only the store has.
    let week = |prefixes: &[&str]| {
        let mut file: Value = serde_json::from_slice(&sample::sample_json(Cloud::UsGov).unwrap()).unwrap();
        let values = file["values"].as_array_mut().unwrap();
        let storage = values.iter_mut().find(|v| v["name"] == "Storage").unwrap();
        let list = storage["properties"]["addressPrefixes"].as_array_mut().unwrap();
        list.extend(prefixes.iter().map(|p| Value::from(*p)));
        fs::write(place.path("tags.json"), file.to_string()).unwrap();
    };
    week(&["192.0.2.7/32", "192.0.2.9/32"]);
    published(&place);
    assert_eq!(verify(&place, "out", &[]).0, 0);
    week(&["192.0.2.9/32"]);
    published(&place);
    let (code, said) = verify(&place, "out", &[]);
    assert!(code == 0 && said.contains("with 1 removed prefixes that are held"), "{said}");
    let rules = fs::read_to_string(place.path("out/gov/nsg.arm.json")).unwrap();
    assert!(rules.contains("192.0.2.7"), "it is let through");

    fs::rename(place.path("store"), place.path("elsewhere")).unwrap();
    let (code, said) = verify(&place, "out", &[]);
    assert!(code == 2 && said.contains("name the data with --snapshot"), "{said}");
    assert_eq!(verify(&place, "out", &["--snapshot", "tags.json"]).0, 0);
    assert_eq!(verify(&place, "out", &["--store", "elsewhere"]).0, 0);
}
