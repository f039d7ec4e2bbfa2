//! Real service-tags files of all clouds and years. They are read where `TAGWALL_SHARED` says they are.

use crate::support;
use std::fs;

use serde_json::Value;
use tagwall::catalog::Catalog;
use tagwall::tags::{Cloud, Snapshot};

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn every_real_file_is_read_whole() {
    let Some(shared) = support::shared("every_real_file_is_read_whole") else { return };
    let readme =
        fs::read_to_string(shared.join("data/service-tags/README.md")).expect("the origins are described");
    for path in support::real_files(&shared) {
        let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
        let snapshot = Snapshot::parse(&support::unpack(&path)).unwrap_or_else(|e| panic!("{name}: {e}"));
        // | file | date | cloud | changeNumber | tags | prefixes | v4 | v6 | …
        let row =
            readme.lines().find(|l| l.starts_with(&format!("| {name} |"))).expect("the file is described");
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let (v4, v6) = snapshot.prefix_counts();
        assert_eq!(snapshot.cloud().file_code(), cells[3], "{name}");
        assert_eq!(snapshot.change_number().to_string(), cells[4], "{name}");
        assert_eq!(snapshot.tags().len().to_string(), cells[5], "{name}");
        assert_eq!((v4 + v6).to_string(), cells[6], "{name}");
        assert_eq!((v4.to_string(), v6.to_string()), (cells[7].to_owned(), cells[8].to_owned()), "{name}");
    }
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn numbers_of_prefixes_known_from_elsewhere() {
    let Some(shared) = support::shared("numbers_of_prefixes_known_from_elsewhere") else { return };
    let snapshot = support::real(&shared, "Public_20251028");
    let known = [
        ("AzureMachineLearning", 255, 81),
        ("BatchNodeManagement", 375, 80),
        ("Storage", 495, 79),
        ("AzureActiveDirectory", 200, 16),
        ("AzureResourceManager", 214, 162),
        ("AzureFrontDoor.Frontend", 90, 102),
        ("AzureMonitor", 1590, 909),
        ("AzureDatabricks", 558, 89),
    ];
    for (name, v4, v6) in known {
        let tag = snapshot.tag(name).expect("the tag is there");
        assert_eq!((tag.v4().len(), tag.v6().len()), (v4, v6), "{name}");
    }
    let cloud = snapshot.tag("AzureCloud").expect("the tag is there");
    assert_eq!(cloud.set().v4.prefixes().count(), 1860);
    assert_eq!(cloud.set().v6.prefixes().count(), 1346);
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn what_is_odd_in_real_files() {
    let Some(shared) = support::shared("what_is_odd_in_real_files") else { return };
    let region =
        |snapshot: &Snapshot, tag: &str| snapshot.tag(tag).and_then(|t| t.region().map(|r| r.location()));
    let old = support::real(&shared, "Public_20190722");
    assert!(old.tags().iter().all(|t| !t.features().is_stated()));
    let wrong = support::real(&shared, "Public_20240122");
    assert_eq!(wrong.tag("Storage.EastUS").map(|t| t.region_code()), Some(""));
    assert_eq!(region(&wrong, "Storage.EastUS").as_deref(), Some("eastus"));
    let new = support::real(&shared, "Public_20260622");
    assert_eq!(region(&new, "Storage.FranceCentral").as_deref(), Some("francecentral"));
    assert_eq!(region(&new, "AzureCloud.centralfrance").as_deref(), Some("francecentral"));
    assert_eq!(region(&new, "Storage.EastUS2Stage").as_deref(), Some("eastus2stage"));
    assert_eq!(region(&new, "AzureFrontDoor.Frontend"), None);
    let gov = support::real(&shared, "AzureGovernment_20260720");
    assert_eq!(region(&gov, "AzurePortal.AzureAppServiceUx"), None);
    // The same number with other content, and other numbers with the same content, are told apart by the digest.
    let (a, b) = (support::real(&shared, "Public_20250217"), support::real(&shared, "Public_20250303"));
    assert_eq!(a.change_number(), b.change_number());
    assert_ne!(a.digest(), b.digest());
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn every_dotted_name_is_regional_or_known_not_to_be() {
    let Some(shared) = support::shared("every_dotted_name_is_regional_or_known_not_to_be") else { return };
    for path in support::real_files(&shared) {
        let snapshot = Snapshot::parse(&support::unpack(&path)).expect("a real file");
        for tag in snapshot.tags().iter().filter(|t| t.name().suffix().is_some() && t.region().is_none()) {
            let base = tag.name().base();
            let known = [
                "AzureFrontDoor",
                "AzureActiveDirectory",
                "AzureMonitor",
                "AzurePortal",
                "MicrosoftCloudAppSecurity",
            ];
            assert!(known.contains(&base), "{}: {} is taken for a global tag", path.display(), tag.name());
        }
    }
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn bodies_that_are_no_snapshot() {
    let Some(shared) = support::shared("bodies_that_are_no_snapshot") else { return };
    let dir = shared.join("data/service-tags/bad-downloads");
    let mut seen = 0;
    for entry in fs::read_dir(&dir).expect("the folder is there") {
        let path = entry.expect("the folder can be read").path();
        let error = Snapshot::parse(&fs::read(&path).expect("a file")).expect_err("no snapshot").to_string();
        assert!(error.starts_with("not a service-tags file: an "), "{}: {error}", path.display());
        seen += 1;
    }
    assert!(seen >= 4);
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn example_policies_on_real_files_in_any_order() {
    let Some(shared) = support::shared("example_policies_on_real_files_in_any_order") else { return };
    for (cloud, file) in [
        (Cloud::Public, "Public_20260622"),
        (Cloud::UsGov, "AzureGovernment_20260720"),
        (Cloud::China, "China_20260720"),
    ] {
        let path = shared.join(format!("data/service-tags/ServiceTags_{file}.json.xz"));
        let json = support::unpack(&path);
        let straight = Snapshot::parse(&json).expect("a real file");
        let shuffled = Snapshot::parse(&turned_around(&json)).expect("a shuffled real file");
        assert_eq!(straight.digest(), shuffled.digest(), "{file}");
        let mut tried = 0;
        for (name, text) in support::policies("examples/policies") {
            if tagwall::policy::cloud_of(&support::policy(&name, &text).intent) != cloud {
                continue;
            }
            let once = support::generate(&name, &text, &straight);
            assert!(once.proof.is_success());
            assert_eq!(once.files, support::generate(&name, &text, &straight).files, "{name}: again");
            assert_eq!(once.files, support::generate(&name, &text, &shuffled).files, "{name}: shuffled");
            tried += 1;
        }
        assert!(tried > 0, "there is an example for {cloud}");
    }
}

/// The same file with tags, prefixes and features in reverse order, and without its white space.
fn turned_around(json: &[u8]) -> Vec<u8> {
    let mut file: Value = serde_json::from_slice(json).expect("a real file is JSON");
    let values = file["values"].as_array_mut().expect("a list of tags");
    values.reverse();
    for tag in values {
        for list in ["addressPrefixes", "networkFeatures"] {
            if let Some(list) = tag["properties"][list].as_array_mut() {
                list.reverse();
            }
        }
    }
    serde_json::to_vec(&file).expect("JSON is JSON")
}

/// A policy that asks for a workload with all that it may need, in one region.
fn all_of(
    workload: &tagwall::catalog::Workload,
    cloud: Cloud,
    region: &str,
    prefer: &str,
    switches: bool,
) -> String {
    use std::fmt::Write;
    use tagwall::catalog::OptionKind;
    let mut text = format!(
        "schema = 1\nname = \"names\"\naccept-missing = true\ncloud = \"{cloud}\"\nregion = \"{region}\"\n\
         network.address-space = [\"10.20.0.0/16\"]\nnetwork.firewall = \"10.20.255.4\"\n\
         subnets.training.prefixes = [\"10.20.1.0/24\"]\nroute-table.default = \"firewall\"\n[[allow]]\n\
         workload = \"{}\"\nprefer = \"{prefer}\"\n",
        workload.name()
    );
    for option in workload.options() {
        let value = match &option.kind {
            OptionKind::Bool => switches.to_string(),
            OptionKind::Choice(words) if option.required => format!("\"{}\"", words[0]),
            OptionKind::Port if option.required => "22".to_owned(),
            OptionKind::Ports if option.required => "\"443\"".to_owned(),
            OptionKind::Text if option.required => "\"example\"".to_owned(),
            OptionKind::List if option.required => "[\"example\"]".to_owned(),
            _ => continue,
        };
        writeln!(text, "{} = {value}", option.name).unwrap();
    }
    text
}

#[test]
fn names_of_the_catalogue_resolve_in_every_file_since_2025() {
    let Some(shared) = support::shared("names_of_the_catalogue_resolve_in_every_file_since_2025") else {
        return;
    };
    let mut resolved = 0;
    for path in support::real_files(&shared) {
        let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
        let day =
            name.rsplit('_').next().and_then(|end| end.get(..8)).expect("names end in a day").to_owned();
        if day.as_str() < "20250101" {
            continue;
        }
        let snapshot = Snapshot::parse(&support::unpack(&path)).unwrap_or_else(|e| panic!("{name}: {e}"));
        let cloud = snapshot.cloud();
        let regions: &[&str] = match cloud {
            Cloud::Public => &["westeurope", "eastus", "southafricanorth"],
            Cloud::UsGov => &["usgovvirginia", "usgovarizona"],
            _ => &["chinaeast2", "chinanorth3"],
        };
        for workload in Catalog::builtin().workloads().filter(|workload| workload.clouds().contains(&cloud)) {
            let each = [("tags", true), ("tags", false), ("fqdns", true), ("fqdns", false)];
            for (region, (prefer, switches)) in regions.iter().flat_map(|region| each.map(|e| (region, e))) {
                let text = all_of(workload, cloud, region, prefer, switches);
                let source = support::policy(&name, &text);
                let policy = tagwall::policy::expand(&source, Catalog::builtin(), &snapshot)
                    .unwrap_or_else(|error| panic!("{name}, {} in {region}: {error}", workload.name()));
                // With every switch on some services need nothing but what they make themselves.
                resolved += usize::from(!policy.flows.is_empty());
            }
        }
    }
    assert!(resolved > 400, "{resolved} policies");
}
