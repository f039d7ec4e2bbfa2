//! FQDN tags: known by name, refused with the nearest one, and written as hosts where a firewall knows no such tag.

use std::process::{Command, Output};

use crate::support;
use tagwall::catalog::Catalog;
use tagwall::pipeline;
use tagwall::tags::Cloud;

fn make(cloud: Cloud, region: &str, more: &str, allow: &str) -> Result<String, String> {
    let text = format!(
        "schema = 1\nname = \"fqdn\"\ncloud = \"{cloud}\"\nregion = \"{region}\"\n{more}\n\
         network.address-space = [\"10.20.0.0/16\"]\nnetwork.firewall = \"10.20.255.4\"\n\
         subnets.work.prefixes = [\"10.20.1.0/24\"]\n[[allow]]\n{allow}\n"
    );
    let source = support::policy("fqdn", &text);
    let made = pipeline::generate(&source, Catalog::builtin(), &support::sample(cloud), None);
    made.map(|made| support::listing(&made)).map_err(|error| error.to_string())
}

const NATIVE: &str = "protocol = \"tcp\"\nports = 443\nto = ";

#[test]
fn tags_are_known_by_name() {
    let at = |name: &str| make(Cloud::Public, "westeurope", "", &format!("{NATIVE}\"fqdn-tag:{name}\""));
    for (written, spelt) in [
        ("WindowsUpdate", "WindowsUpdate"),
        ("windowsupdate", "WindowsUpdate"),
        ("MAPS", "MicrosoftActiveProtectionService"),
        ("Office365.Skype.Optimize", "Office365.Skype.Optimize"),
        ("Office365.Exchange.Default.Required", "Office365.Exchange.Default.Required"),
        ("AzureHDInsight", "AzureHDInsight"),
    ] {
        let listing = at(written).unwrap();
        assert!(listing.contains(&format!("FQDN tag {spelt}\n")), "{written}: {listing}");
    }
    for (written, part) in [
        ("WindowUpdate", "did you mean WindowsUpdate"),
        ("AzureKubernetesServices", "did you mean AzureKubernetesService"),
        ("CompletelyOther", "there is no FQDN tag `CompletelyOther`"),
    ] {
        let error = at(written).unwrap_err();
        assert!(error.contains(part), "{written}: {error}");
    }
}

#[test]
fn a_tag_becomes_its_hosts() {
    let hosts = "firewall.fqdn-tags = \"hosts\"";
    let update =
        make(Cloud::Public, "westeurope", hosts, &format!("{NATIVE}\"fqdn-tag:WindowsUpdate\"")).unwrap();
    assert!(update.contains("*.windowsupdate.com") && !update.contains("-> FQDN tag"), "{update}");
    let kubernetes = "workload = \"aks-egress\"\nfqdn-tag = true";
    let public = make(Cloud::Public, "westeurope", hosts, kubernetes).unwrap();
    assert!(public.contains("*.hcp.westeurope.azmk8s.io") && !public.contains("-> FQDN tag"), "{public}");
    let usgov = make(Cloud::UsGov, "usgovvirginia", hosts, kubernetes).unwrap();
    assert!(usgov.contains("*.hcp.usgovvirginia.cx.aks.containerservice.azure.us"), "{usgov}");
    let desktop = format!("{NATIVE}\"fqdn-tag:WindowsVirtualDesktop\"");
    assert!(make(Cloud::UsGov, "usgovvirginia", hosts, &desktop).unwrap().contains("*.wvd.azure.us"));
    for (cloud, region, tag) in [
        (Cloud::China, "chinaeast2", "WindowsVirtualDesktop"),
        (Cloud::Public, "westeurope", "MicrosoftIntune"),
    ] {
        let error = make(cloud, region, hosts, &format!("{NATIVE}\"fqdn-tag:{tag}\"")).unwrap_err();
        assert!(error.contains("no document lists the hosts behind"), "{error}");
    }
}

fn tagwall(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tagwall")).args(args).output().unwrap()
}

#[test]
fn the_commands_say_what_is_known() {
    let listed = tagwall(&["tags", "--fqdn", "desktop", "--cloud", "usgov", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(json[0]["name"], "WindowsVirtualDesktop");
    assert!(json[0]["hosts"].as_array().unwrap().iter().any(|host| host["host"] == "*.wvd.azure.us"));
    let text = String::from_utf8(tagwall(&["tags", "--fqdn"]).stdout).unwrap();
    assert!(text.contains("WindowsUpdate: ") && text.contains("no document lists its hosts"), "{text}");

    let schema = tagwall(&["schema", "--catalog"]);
    let schema: serde_json::Value = serde_json::from_slice(&schema.stdout).unwrap();
    assert!(schema["properties"]["row"].is_object() && schema["properties"]["fqdn-tag"].is_object());
}

#[test]
fn own_catalogue_files_are_checked() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("labs.toml");
    let name = file.to_str().unwrap();
    let row = "[[row]]\nid = \"lab-1\"\ndirection = \"outbound\"\ntags = \"Sql.{Region}\"\nflows = \"tcp 1433\"\n\
               purpose = \"measurements\"\nsource = \"ticket 4711\"\n";
    std::fs::write(&file, format!("name = \"labs\"\ntitle = \"Labs\"\nsummary = \"s\"\n{row}")).unwrap();
    let fine = tagwall(&["catalog", "check", name, "--format", "json"]);
    assert_eq!(fine.status.code(), Some(0), "{}", String::from_utf8_lossy(&fine.stderr));
    let json: serde_json::Value = serde_json::from_slice(&fine.stdout).unwrap();
    assert_eq!(json["workloads"][0]["name"], "labs");
    assert_eq!(json["workloads"][0]["new"], true);
    assert_eq!(json["workloads"][0]["changed_rows"][0], "lab-1");
    let shown = tagwall(&["workloads", "labs", "--catalog", name]);
    assert!(String::from_utf8_lossy(&shown.stdout).contains("Sql.WestEurope"));

    std::fs::write(&file, format!("name = \"aml-vm\"\n{row}")).unwrap();
    let changed = String::from_utf8(tagwall(&["catalog", "check", name]).stdout).unwrap();
    assert!(changed.contains("aml-vm: changed") && changed.contains("lab-1"), "{changed}");

    std::fs::write(&file, format!("name = \"labs\"\ntitle = \"Labs\"\nsumary = \"s\"\n{row}")).unwrap();
    let wrong = tagwall(&["catalog", "check", name]);
    assert_eq!(wrong.status.code(), Some(2));
    let said = String::from_utf8_lossy(&wrong.stderr);
    assert!(said.contains(":3: unknown key `sumary`; did you mean summary?"), "{said}");
}
