//! `tagwall lint`: what is printed in each format, what is left out, exit codes; a stale list against a store.

#![cfg(all(feature = "fetch", unix))]

use std::process::Output;

use serde_json::{Value, json};

use crate::fake::{Place, stderr};

fn rule(name: &str, priority: u64, access: &str, source: Value, port: &str) -> Value {
    json!({"name": name, "properties": {
        "priority": priority, "direction": "Inbound", "access": access, "protocol": "Tcp",
        "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": port,
        "sourceAddressPrefixes": source}})
}

/// A place with a group of these rules in `nsg.json`.
fn place(rules: &[Value]) -> Place {
    let place = Place::new();
    let group = json!({"name": "web", "type": "Microsoft.Network/networkSecurityGroups",
        "id": "/subscriptions/0/resourceGroups/rg/providers/Microsoft.Network/networkSecurityGroups/web",
        "properties": {"securityRules": rules}});
    std::fs::write(place.path("nsg.json"), serde_json::to_string_pretty(&group).unwrap()).unwrap();
    place
}

fn run(place: &Place, more: &[&str]) -> Output {
    let mut args = vec!["lint", "nsg.json", "--snapshot", "sample"];
    args.extend(more);
    place.run(&args)
}

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(output)))
}

fn shadowed() -> Place {
    place(&[
        rule("all", 100, "Deny", json!(["198.51.100.0/24"]), "443"),
        rule("one", 200, "Allow", json!(["198.51.100.7/32"]), "443"),
        rule("open", 300, "Allow", json!(["0.0.0.0/1", "128.0.0.0/1"]), "22"),
    ])
}

#[test]
fn json_has_the_contract() {
    let output = run(&shadowed(), &["--format", "json"]);
    assert_eq!(output.status.code(), Some(4));
    let answer = json_of(&output);
    let of = |id: &str| {
        let all = answer["findings"].as_array().unwrap();
        all.iter().find(|f| f["id"] == id).unwrap_or_else(|| panic!("no {id}: {answer:#}")).clone()
    };
    let dead = of("TW002");
    assert_eq!(
        (&dead["rule"], &dead["resource"], &dead["blockers"]),
        (&json!("one"), &json!("web"), &json!(["all"]))
    );
    assert_eq!(dead["severity"], "error");
    assert_eq!(dead["packet"]["dport"], 443);
    assert_eq!(dead["place"]["file"], "nsg.json");
    assert_eq!(dead["place"]["pointer"], "/properties/securityRules/1");
    assert_eq!(of("TW010")["rule"], "open");
    assert_eq!(answer["counts"]["error"], 2);
    assert_eq!(answer["read"][0]["kind"], "nsg");
}

#[test]
fn what_is_not_wanted_is_left_out() {
    let place = shadowed();
    let code = |more: &[&str]| run(&place, more).status.code();
    assert_eq!(code(&["--fail-on", "never"]), Some(0));
    assert_eq!(code(&["--ignore", "TW002"]), Some(4));
    assert_eq!(code(&["--ignore", "tw002:ON*", "--ignore", "TW010:open"]), Some(0));
    assert_eq!(code(&["--ignore", "TW999"]), Some(2));

    assert_eq!(code(&["--write-baseline", "known.json"]), Some(4));
    assert_eq!(code(&["--baseline", "known.json", "--fail-on", "info"]), Some(0));
    std::fs::write(place.path("other.json"), "{}").unwrap();
    assert_eq!(code(&["--baseline", "other.json"]), Some(2));

    let dismiss = |until: &str, reason: &str| {
        let text = format!(
            "[[dismiss]]\nid = \"TW002\"\nrule = \"one\"\nreason = \"{reason}\"\nuntil = {until}\n\
             [[dismiss]]\nid = \"TW010\"\nreason = \"bastion\"\nuntil = 2026-12-31\n"
        );
        std::fs::write(place.path("d.toml"), text).unwrap();
        run(&place, &["--dismissals", "d.toml"])
    };
    assert_eq!(dismiss("2026-12-31", "ticket 7").status.code(), Some(0));
    let ended = dismiss("2026-07-01", "ticket 7");
    assert_eq!(ended.status.code(), Some(4));
    assert!(stderr(&ended).contains("ended on 2026-07-01 (ticket 7)"), "{}", stderr(&ended));
    assert_eq!(dismiss("2026-12-31", " ").status.code(), Some(2));
}

/// What a policy dismisses holds for what is made of it, as a policy and as a generation, and for nothing else.
#[test]
fn a_policy_dismisses_its_own_findings() {
    let place = shadowed();
    let policy = |until: &str| {
        let text = format!(
            "schema = 1\nname = \"own\"\nregion = \"westeurope\"\nnetwork.address-space = [\"10.20.0.0/16\"]\n\
             network.firewall = \"10.20.255.4\"\nsubnets.a.prefixes = [\"10.20.1.0/24\"]\nroute-table.default = \"firewall\"\n\
             output.targets = [\"nsg\", \"route-table\"]\naccept-missing = true\n[[allow]]\nsubnet = \"a\"\n\
             from = \"203.0.113.0/28\"\nprotocol = \"tcp\"\nports = 443\n[[lint.dismiss]]\nid = \"TW032\"\n\
             reason = \"replies leave by the proxy\"\nuntil = \"{until}\"\n[[lint.dismiss]]\nid = \"TW002\"\n\
             reason = \"not for others\"\nuntil = \"2099-12-31\"\n"
        );
        std::fs::write(place.path("own.toml"), text).unwrap();
    };
    let ids = |files: &[&str]| -> Vec<String> {
        let mut args = vec!["lint", "--snapshot", "sample", "--format", "json"];
        args.extend(files);
        let output = place.run(&args);
        let findings = json_of(&output)["findings"].as_array().unwrap().clone();
        findings.iter().map(|finding| finding["id"].as_str().unwrap().to_owned()).collect()
    };
    let has = |found: &[String], id: &str| found.iter().any(|own| own == id);
    policy("2020-12-31");
    assert!(has(&ids(&["policy:own.toml"]), "TW032"), "it has ended");
    policy("2099-12-31");
    assert!(!has(&ids(&["policy:own.toml"]), "TW032"));
    let made = place.run(&["generate", "own.toml", "--snapshot", "sample", "--out", "out"]);
    assert!(made.status.success(), "{}", stderr(&made));
    assert!(!has(&ids(&["out/own"]), "TW032"));
    let beside = ids(&["out/own", "nsg.json"]);
    assert!(has(&beside, "TW002") && !has(&beside, "TW032"), "{beside:?}");
}

#[test]
fn sarif_and_markdown() {
    let place = shadowed();
    let sarif = json_of(&run(&place, &["--format", "sarif"]));
    let run_of = &sarif["runs"][0];
    assert_eq!(sarif["version"], "2.1.0");
    let results = run_of["results"].as_array().unwrap();
    let levels: Vec<&str> = results.iter().map(|r| r["level"].as_str().unwrap()).collect();
    let mut sorted = levels.clone();
    sorted.sort_by_key(|level| ["error", "warning", "note"].iter().position(|l| l == level));
    assert_eq!(levels, sorted, "the most severe first");
    let first = &results[0];
    let index = usize::try_from(first["ruleIndex"].as_u64().unwrap()).unwrap();
    assert_eq!(run_of["tool"]["driver"]["rules"][index]["id"], first["ruleId"]);
    let place_of = &first["locations"][0]["physicalLocation"];
    assert_eq!(place_of["artifactLocation"]["uri"], "nsg.json");
    assert!(place_of["region"]["startLine"].as_u64().unwrap() > 1);
    let prints: std::collections::BTreeSet<&str> =
        results.iter().map(|r| r["partialFingerprints"]["tagwall/v1"].as_str().unwrap()).collect();
    assert_eq!(prints.len(), results.len(), "each finding has a fingerprint of its own");

    let markdown = run(&place, &["--format", "markdown"]);
    let text = String::from_utf8(markdown.stdout).unwrap();
    assert!(text.contains("| error | TW002 | web / one (nsg.json:"), "{text}");
    let text = String::from_utf8(run(&place, &[]).stdout).unwrap();
    assert!(
        text.starts_with("read: 1 security group\n") && text.contains("error TW010 web / open: port 22"),
        "{text}"
    );
}

#[test]
fn every_id_is_explained() {
    let place = Place::new();
    let all = place.run(&["lint", "--explain", "all"]);
    let all = String::from_utf8(all.stdout).unwrap();
    assert_eq!(all.lines().count(), 29);
    for id in all.lines().map(|line| &line[..5]) {
        let one = place.run(&["lint", "--explain", id]);
        let text = String::from_utf8(one.stdout).unwrap();
        assert!(text.starts_with(id) && text.contains("Example: "), "{text}");
    }
    assert_eq!(place.run(&["lint", "--explain", "TW777"]).status.code(), Some(2));
}

/// A pasted list is named with its tag and weeks, and whose the addresses are that left it.
#[test]
fn a_stale_list_names_its_tag_and_weeks() {
    let old = ["192.0.2.0/26", "192.0.2.128/26", "198.51.100.0/28", "203.0.113.64/27"];
    let place = place(&[rule("pasted", 100, "Allow", json!(old), "443")]);
    let week = |date: &str, sql: &[&str], web: &[&str]| {
        let tag = |name: &str, list: &[&str]| json!({"name": name, "id": name, "properties": {"addressPrefixes": list}});
        let file = json!({"changeNumber": 1, "cloud": "Public", "values": [tag("Sql", sql), tag("AppService", web)]});
        let name = format!("ServiceTags_Public_{date}.json");
        std::fs::write(place.path(&name), file.to_string()).unwrap();
        assert!(place.run(&["snapshots", "add", &name]).status.success());
    };
    week("20260601", &["192.0.2.0/26"], &["203.0.113.0/27"]);
    week("20260608", &old, &["203.0.113.0/27"]);
    week("20260615", &old, &["203.0.113.0/27"]);
    week(
        "20260622",
        &["192.0.2.0/26", "192.0.2.128/26", "198.51.100.0/27"],
        &["203.0.113.0/27", "203.0.113.64/27"],
    );
    let output = place.run(&["lint", "nsg.json", "--format", "json"]);
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    let answer = json_of(&output);
    let of =
        |id: &str| answer["findings"].as_array().unwrap().iter().find(|f| f["id"] == id).unwrap().clone();
    let stale = of("TW020");
    let tag = &stale["tags"][0];
    assert_eq!(
        (&tag["tag"], &tag["from"], &tag["to"], &tag["missing_today"], &tag["left"]),
        (&json!("Sql"), &json!("2026-06-08"), &json!("2026-06-15"), &json!("16"), &json!("32"))
    );
    let message = of("TW021")["message"].as_str().unwrap().to_owned();
    assert!(message.contains("32 addresses are no longer in it: today 32 AppService"), "{message}");
}
