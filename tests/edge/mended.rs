//! Where the plan of `check --plan` puts things: the resource group that the files name, the region of the policy file.

#![cfg(all(feature = "fetch", unix))]

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::fake::{Place, stderr};

const POLICY: &str = include_str!("../../examples/policies/aml-private.toml");
const GROUP: &str = "aml-private-BatchNodeManagement.WestEurope";

/// `az` that writes down how it is called; the IP group is there if a file says so.
const AZ: &str = r#"#!/bin/sh
echo "$*" >>"$FAKE/log"
case "$*" in
  "account show"*) echo s-1 ;;
  "network ip-group show"*) test -e "$FAKE/there" ;;
  *provisioningState*) echo Succeeded ;;
esac
"#;

/// What the policy makes, with the firewall as an export of a hub's resource group whose rules lack the last one.
fn hub() -> Place {
    let place = Place::new();
    let put = |name: &str, text: &str| std::fs::write(place.path(name), text).expect("it is written");
    put("ml.toml", POLICY);
    put("az", AZ);
    std::fs::set_permissions(place.path("az"), std::fs::Permissions::from_mode(0o755)).expect("it may run");
    let made = place.run(&["generate", "ml.toml", "--snapshot", "sample", "--out", "out"]);
    assert_eq!(made.status.code(), Some(0), "{}", stderr(&made));
    let bytes = std::fs::read(place.path("out/aml-private/firewall.arm.json")).expect("it was made");
    let template: Value = serde_json::from_slice(&bytes).expect("JSON");
    let mut rules = template["resources"][0].clone();
    rules["name"] = json!("aml-private-rules");
    rules["id"] = json!(
        "/subscriptions/0/resourceGroups/hub-rg/providers/Microsoft.Network/firewallPolicies/hub/ruleCollectionGroups/\
         aml-private-rules"
    );
    let network = rules["properties"]["ruleCollections"][0]["rules"].as_array_mut().expect("rules");
    network.retain(|rule| rule["destinationIpGroups"].as_array().is_none_or(Vec::is_empty));
    put("live.json", &rules.to_string());
    place
}

/// The plan's operations, and how `az` was called by its script.
fn planned(place: &Place, live: &[&str]) -> (Vec<Value>, String) {
    let mut args =
        vec!["check", "ml.toml", "--snapshot", "sample", "--format", "json", "--plan", "mend.sh", "--live"];
    args.extend(live);
    let output = place.run(&args);
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let path = format!("{}:{}", place.folder.path().display(), std::env::var("PATH").unwrap_or_default());
    let run = std::process::Command::new("sh")
        .arg("mend.sh")
        .current_dir(place.folder.path())
        .env("PATH", path)
        .env("FAKE", place.folder.path())
        .env_remove("RG")
        .output()
        .expect("it runs");
    assert!(run.status.success(), "{}", stderr(&run));
    let log = std::fs::read_to_string(place.path("log")).expect("it was called");
    std::fs::remove_file(place.path("log")).expect("it is there");
    (found["plan"]["operations"].as_array().expect("operations").clone(), log)
}

#[test]
fn an_ip_group_is_made_in_the_region_of_the_policy_file() {
    let place = hub();
    let (operations, log) = planned(&place, &["live.json"]);
    let [group, rules] = operations.as_slice() else { panic!("{operations:?}") };
    assert_eq!((&group["kind"], &group["name"]), (&json!("ip-group"), &json!(GROUP)));
    assert_eq!(group["body"]["location"], "westeurope");
    assert_eq!((&group["resource_group"], &rules["resource_group"]), (&json!("hub-rg"), &json!("hub-rg")));
    let id = format!(
        "/subscriptions/$SUBSCRIPTION/resourceGroups/hub-rg/providers/Microsoft.Network/ipGroups/{GROUP}"
    );
    assert!(rules["body"].to_string().contains(&id), "{rules}");
    let made = format!(
        "network ip-group create --resource-group hub-rg --name {GROUP} --location westeurope --ip-addresses "
    );
    assert!(log.contains(&made), "{log}");
    let put = "rest --method put --url /subscriptions/s-1/resourceGroups/hub-rg/providers/Microsoft.Network/firewallPolicies/hub/";
    assert!(log.find(put) > log.find(&made), "{log}");
}

/// One that is there stays where it is, with all that it has beside its addresses.
#[test]
fn an_ip_group_that_is_there_stays_where_it_is() {
    let place = hub();
    let id = format!("/subscriptions/0/resourceGroups/lists-rg/providers/Microsoft.Network/ipGroups/{GROUP}");
    let group = json!({ "id": id, "name": GROUP, "location": "northeurope", "type": "Microsoft.Network/ipGroups",
        "properties": { "ipAddresses": ["198.18.19.144/30"] } });
    std::fs::write(place.path("group.json"), group.to_string()).expect("it is written");
    std::fs::write(place.path("there"), "").expect("it is written");
    let (operations, log) = planned(&place, &["live.json", "group.json"]);
    let own = operations.iter().find(|own| own["kind"] == "ip-group").expect("it is put");
    assert_eq!(
        (&own["body"]["location"], &own["resource_group"]),
        (&json!("northeurope"), &json!("lists-rg"))
    );
    assert!(
        log.contains(&format!(
            "network ip-group update --resource-group lists-rg --name {GROUP} --ip-addresses "
        )),
        "{log}"
    );
    assert!(!log.contains("ip-group create"), "{log}");
    assert!(operations.iter().any(|own| own["body"].to_string().contains(&id)), "{operations:?}");
}

/// A route lets nothing through: it leads elsewhere.
#[test]
fn a_stray_route_is_told_as_one() {
    let place = hub();
    let bytes = std::fs::read(place.path("out/aml-private/route-table.arm.json")).expect("it was made");
    let mut template: Value = serde_json::from_slice(&bytes).expect("JSON");
    let routes = template["resources"][0]["properties"]["routes"].as_array_mut().expect("routes");
    routes.push(json!({ "name": "bypass", "properties": { "addressPrefix": "8.8.8.8/32", "nextHopType": "Internet" } }));
    std::fs::write(place.path("routes.json"), template.to_string()).expect("it is written");
    let text = |command: &[&str]| {
        let output = place.run(command);
        assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let told = text(&["check", "ml.toml", "--snapshot", "sample", "--live", "routes.json"]);
    for line in [
        "not judged: no network security group is among the live files\n",
        "Needs: 1 of 1 does not work as asked\n",
        "Rules: 1 of 2 differs from what is needed\n",
        "bypass: not tagwall's, and nothing of it is needed; leads 8.8.8.8/32 elsewhere: 1 outside of Microsoft (routes.json:1)\n",
    ] {
        assert!(told.contains(line), "{line}: {told}");
    }
    let told =
        text(&["compare", "out/aml-private/route-table.arm.json", "routes.json", "--snapshot", "sample"]);
    assert!(told.contains("  8.8.8.8/32 (1 address)\n"), "{told}");
}
