//! ARM templates.

use serde_json::{Value, json};

use super::json::{self, merge, with};
use super::{Change, Neutral, Scene};
use tagwall::verify;

/// What a template passes by: none of it is anything that Azure acts on, or anything that it takes for another value.
const NEUTRAL: &[Neutral] = &[
    neutral("text longer", "/description", REMARK),
    neutral("text emptied", "/description", REMARK),
    neutral("text in other case", "/description", REMARK),
    neutral("text with space", "/description", REMARK),
    neutral("member dropped", "/description", REMARK),
    neutral("member dropped", "/metadata", REMARK),
    neutral("object emptied", "/metadata", REMARK),
    neutral("text longer", "/securityRules/*/name", RULE_NAME),
    neutral("text longer", "/routes/*/name", RULE_NAME),
    neutral("text longer", "/rules/*/name", RULE_NAME),
    neutral("text longer", "/serviceEndpointPolicyDefinitions/*/name", RULE_NAME),
    neutral(
        "text longer",
        "/properties/ruleCollections/*/name",
        "A group is replaced with all of its collections.",
    ),
    neutral("text in other case", "/name", ANY_CASE),
    neutral("text in other case", "/destinationAddresses/*", ANY_CASE),
    neutral("text in other case", "/service", ANY_CASE),
    neutral("text in other case", "Fqdns/*", "Names of hosts are the same in any case: RFC 4343."),
    neutral("number larger", "/priority", "No other rule or collection has a priority that is passed."),
    neutral("item twice", "/protocols", "The rule is for the same protocol and port once more."),
    neutral("list reversed", "Prefixes", SET),
    neutral("list reversed", "Ranges", SET),
    neutral("list reversed", "Addresses", SET),
    neutral("list reversed", "destinationPorts", SET),
    neutral("list reversed", "IpGroups", SET),
    neutral(
        "list reversed",
        "/securityRules",
        "Rules are tried by their priorities, not in order of the file.",
    ),
    neutral("list reversed", "/ruleCollections", "Collections are tried by their priorities."),
    neutral("list reversed", "/rules", "All of them allow, so that it is the same which of them matches."),
    neutral("list reversed", "/serviceEndpointPolicyDefinitions", SET),
    neutral(
        "list reversed",
        "ip-groups.arm.json /resources",
        "So few wait for no other: they are made at once.",
    ),
];

const REMARK: &str = "It is there for people: no packet and no deployment looks at it.";
const RULE_NAME: &str = "Rules are replaced as a whole, whatever they were called before.";
const ANY_CASE: &str = "Azure takes names, tags and ids in any case for the same.";
const SET: &str = "The items are a set: what matches one of them matches in any order.";

const fn neutral(kind: &'static str, place: &'static str, why: &'static str) -> Neutral {
    Neutral { kind, place, why, same: None }
}

#[test]
fn every_change_of_a_template_is_noticed() {
    let policy = scene(&super::policy(&["arm"]), true);
    let classic = scene(&super::classic(&["arm"]), false);
    let endpoints = Scene::new(&super::endpoints(&["arm"]));
    let scenes = [policy, classic, endpoints].map(|scene| {
        let changes = changes(&scene);
        (scene, changes)
    });
    Scene::judge("arm", NEUTRAL, &scenes);
}

/// The generation, with a collection of DNAT rules that it carries on.
fn scene(text: &str, with_nat: bool) -> Scene {
    let first = Scene::new(text);
    if !with_nat {
        return first;
    }
    let mut firewall: Value = serde_json::from_str(first.text("firewall.arm.json")).expect("it is JSON");
    let nat = json!({
        "ruleCollectionType": "FirewallPolicyNatRuleCollection", "name": "nat", "priority": 100,
        "action": { "type": "DNAT" }, "rules": [{
            "ruleType": "NatRule", "name": "inbound-web", "description": "by hand", "ipProtocols": ["TCP"],
            "sourceAddresses": ["*"], "destinationAddresses": ["203.0.113.200"],
            "destinationPorts": ["443"], "translatedAddress": "10.20.1.4", "translatedPort": "8443" }]
    });
    let collections = &mut firewall["resources"][0]["properties"]["ruleCollections"];
    collections.as_array_mut().expect("a list").push(nat);
    let mut files: Vec<(String, Vec<u8>)> =
        first.made.files.iter().map(|f| (f.name.clone(), f.bytes.clone())).collect();
    for (name, bytes) in &mut files {
        if name == "firewall.arm.json" {
            *bytes = json::bytes(&firewall);
        }
    }
    let files: Vec<(&str, &[u8])> = files.iter().map(|(n, b)| (n.as_str(), b.as_slice())).collect();
    let earlier = verify::earlier("changes", &files);
    assert_eq!(earlier.nat.len(), 1, "{:?}", earlier.notes);
    Scene::after(text, Some(&earlier))
}

fn changes(scene: &Scene) -> Vec<Change> {
    let mut all = Vec::new();
    for file in scene.files(".arm.json") {
        let document: Value = serde_json::from_str(scene.text(file)).expect("templates are JSON");
        all.extend(json::changes(file, &document));
        all.extend(top_changes(file, &document));
        for place in json::places(&document) {
            all.extend(member_changes(file, &document, &place));
        }
        all.extend(text_changes(file, scene.text(file)));
    }
    all
}

/// Changes of a template as a whole.
fn top_changes(file: &str, document: &Value) -> Vec<Change> {
    let mut all = Vec::new();
    let mut add = |kind, what: &str, changed: &Value| {
        all.push(Change::new(kind, format!("{file}: {what}"), file, json::bytes(changed)));
    };
    for (what, more) in [
        ("languageVersion", json!({ "languageVersion": "2.0" })),
        ("functions", json!({ "functions": [] })),
        ("outputs", json!({ "outputs": { "o": { "type": "string", "value": "[reference('x')]" } } })),
        ("variables", json!({ "variables": { "v": "1" } })),
        ("definitions", json!({ "definitions": {} })),
        ("imports", json!({ "imports": {} })),
        ("apiProfile", json!({ "apiProfile": "2019-03-01-hybrid" })),
        ("value", json!({ "value": [] })),
    ] {
        add("extra part of the template", what, &with(document, "", |v| merge(v, &more)));
    }
    for resource in resources(document) {
        let what = resource["type"].as_str().expect("a text").to_owned();
        let more = |v: &mut Value| v["resources"].as_array_mut().expect("a list").push(resource.clone());
        add("extra resource", &what, &with(document, "", more));
        let first =
            |v: &mut Value| v["resources"].as_array_mut().expect("a list").insert(0, resource.clone());
        add("extra resource before all", &what, &with(document, "", first));
    }
    let by_name = |v: &mut Value| {
        let list = v["resources"].as_array().expect("a list").clone();
        let named = list.into_iter().enumerate().map(|(i, resource)| (format!("r{i}"), resource));
        v["resources"] = named.collect::<serde_json::Map<_, _>>().into();
        v["languageVersion"] = "2.0".into();
    };
    add("resources by symbolic names", "all", &with(document, "", by_name));
    all
}

/// Resources that nobody asked for.
fn resources(document: &Value) -> Vec<Value> {
    let own = &document["resources"][0];
    let rule = json!({ "priority": 100, "direction": "Inbound", "access": "Allow", "protocol": "*",
        "sourceAddressPrefix": "*", "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": "*" });
    let child = |kind: &str, name: &str, properties: Value| json!({ "type": kind, "apiVersion": "2025-05-01", "name": name, "properties": properties });
    let mut again = own.clone();
    again["name"] = "another".into();
    let mut scoped = own.clone();
    scoped["resourceGroup"] = "other".into();
    vec![
        again,
        scoped,
        child("Microsoft.Network/networkSecurityGroups/securityRules", "changes-nsg/open", rule.clone()),
        child("microsoft.network/NETWORKSECURITYGROUPS/securityRules", "changes-nsg/open", rule),
        child(
            "Microsoft.Network/routeTables/routes",
            "changes-routes/leak",
            json!({ "addressPrefix": "0.0.0.0/0", "nextHopType": "Internet" }),
        ),
        child(
            "Microsoft.Network/serviceEndpointPolicies/serviceEndpointPolicyDefinitions",
            "changes-a-storage/all",
            json!({ "service": "Microsoft.Storage", "serviceResources": ["/subscriptions/x"] }),
        ),
        child(
            "Microsoft.Network/virtualNetworks/subnets",
            "vnet/a",
            json!({ "addressPrefix": "10.20.1.0/24" }),
        ),
        child(
            "Microsoft.Network/firewallPolicies",
            "changes-firewall-policy",
            json!({ "threatIntelMode": "Off" }),
        ),
        child("Microsoft.Network/ipGroups", "unused", json!({ "ipAddresses": ["*"] })),
        child(
            "Microsoft.Resources/deployments",
            "nested",
            json!({ "mode": "Complete", "template": { "resources": [] } }),
        ),
        child(
            "Microsoft.Resources/deploymentScripts",
            "script",
            json!({ "scriptContent": "az network nsg delete" }),
        ),
        child("Microsoft.Authorization/roleAssignments", "role", json!({ "principalId": "x" })),
    ]
}

/// Members that Azure knows, put where they would do something.
fn member_changes(file: &str, document: &Value, place: &str) -> Vec<Change> {
    let mut all = Vec::new();
    let value = document.pointer(place).expect("the place is there");
    let parent = place.rsplit('/').nth(1).unwrap_or_default();
    let known = |key: &str| value.get(key).is_some();
    let mut more: Vec<Value> = Vec::new();
    if known("type") && known("apiVersion") {
        more.extend(of_resources());
    }
    if place.ends_with("/properties") && value.is_object() {
        more.extend(of_properties(parent, value));
    }
    if known("ruleType") || (parent == "rules" && known("sourceAddresses")) {
        more.extend(of_firewall_rules());
    }
    if known("ruleCollectionType") {
        more.push(json!({ "action": { "type": "Allow", "Type": "Deny" } }));
        more.push(json!({ "ruleCollectionType": "FirewallPolicyNatRuleCollection" }));
        more.push(json!({ "ruleCollectionType": "firewallPolicyFilterRuleCollection" }));
    }
    if known("defaultValue") {
        more.extend([
            json!({ "defaultValue": "other" }),
            json!({ "allowedValues": ["other"] }),
            json!({ "type": "secureString" }),
            json!({ "nullable": true }),
        ]);
    }
    for members in more {
        let changed = with(document, place, |v| merge(v, &members));
        if changed != *document {
            let what = format!("{file} {place} with {members}");
            all.push(Change::new("member that Azure knows", what, file, json::bytes(&changed)));
        }
    }
    if place.contains("IpGroups/") {
        for id in ids(value.as_str().expect("ids are texts")) {
            let what = format!("{file} {place} to {id}");
            let changed = with(document, place, |v| *v = id.into());
            all.push(Change::new("another IP group", what, file, json::bytes(&changed)));
        }
    }
    all
}

fn of_resources() -> Vec<Value> {
    let child =
        json!([{ "type": "securityRules", "apiVersion": "2025-05-01", "name": "open", "properties": {} }]);
    vec![
        json!({ "condition": false }),
        json!({ "condition": "[equals(1, 2)]" }),
        json!({ "Condition": false }),
        json!({ "copy": { "name": "loop", "count": 2 } }),
        json!({ "copy": { "name": "loop", "count": 0 } }),
        json!({ "scope": "Microsoft.Network/networkSecurityGroups/other" }),
        json!({ "scope": "/" }),
        json!({ "resourceGroup": "other" }),
        json!({ "subscriptionId": "11111111-1111-1111-1111-111111111111" }),
        json!({ "existing": true }),
        json!({ "resources": child }),
        json!({ "resources": [] }),
        json!({ "tags": { "owner": "x" } }),
        json!({ "zones": ["1"] }),
        json!({ "identity": { "type": "SystemAssigned" } }),
        json!({ "comments": "x" }),
        json!({ "location": "northeurope" }),
        json!({ "apiVersion": "2015-06-15" }),
        json!({ "apiVersion": "2030-01-01-preview" }),
        json!({ "dependsOn": ["[resourceId('Microsoft.Network/networkSecurityGroups', 'nobody')]"] }),
        json!({ "dependsOn": ["x"] }),
    ]
}

fn of_properties(parent: &str, value: &Value) -> Vec<Value> {
    let known = |key: &str| value.get(key).is_some();
    let mut more = vec![
        json!({ "copy": [{ "name": "securityRules", "count": 2, "input": {} }] }),
        json!({ "provisioningState": "Succeeded" }),
    ];
    if known("access") {
        let group = json!([{ "id": "[resourceId('Microsoft.Network/applicationSecurityGroups', 'asg')]" }]);
        more.extend([
            json!({ "sourceApplicationSecurityGroups": group }),
            json!({ "destinationApplicationSecurityGroups": group }),
            json!({ "DestinationApplicationSecurityGroups": group }),
            json!({ "sourceApplicationSecurityGroups": [] }),
            json!({ "Access": "Deny" }),
            json!({ "sourceAddressPrefix": "*" }),
            json!({ "sourceAddressPrefixes": [] }),
            json!({ "destinationAddressPrefixes": ["*"] }),
            json!({ "destinationAddressPrefix": "192.0.2.0/24" }),
            json!({ "sourcePortRanges": ["443"] }),
            json!({ "destinationPortRanges": ["22"] }),
            json!({ "destinationPortRange": "22" }),
        ]);
    }
    if known("securityRules") {
        more.extend([
            json!({ "flushConnection": true }),
            json!({ "defaultSecurityRules": [] }),
            json!({ "SecurityRules": [] }),
        ]);
    }
    if known("addressPrefix") {
        more.extend([json!({ "hasBgpOverride": true }), json!({ "nextHopIpAddress": "10.20.255.9" })]);
    }
    if known("serviceResources") {
        more.push(json!({ "ServiceResources": ["/subscriptions/x"] }));
    }
    if known("serviceEndpointPolicyDefinitions") {
        more.extend([
            json!({ "contextualServiceEndpointPolicies": ["/services/Azure/Batch"] }),
            json!({ "serviceAlias": "/services/Azure/Databricks" }),
        ]);
    }
    if known("ruleCollections") {
        more.extend([json!({ "size": "1" }), json!({ "RuleCollections": [] })]);
    }
    if parent == "resources" {
        more.push(json!({ "resourceGuid": "x" }));
    }
    more
}

fn of_firewall_rules() -> Vec<Value> {
    let group = json!(["[resourceId('Microsoft.Network/ipGroups', 'nobody')]"]);
    vec![
        json!({ "sourceIpGroups": group }),
        json!({ "destinationIpGroups": group }),
        json!({ "destinationAddresses": ["*"] }),
        json!({ "destinationFqdns": ["more.example.net"] }),
        json!({ "targetFqdns": ["more.example.net"] }),
        json!({ "targetUrls": ["more.example.net/a"] }),
        json!({ "fqdnTags": ["AzureBackup"] }),
        json!({ "webCategories": ["News"] }),
        json!({ "terminateTLS": true }),
        json!({ "terminateTls": true }),
        json!({ "terminateTLS": "true" }),
        json!({ "httpHeadersToInsert": [{ "headerName": "x", "headerValue": "y" }] }),
        json!({ "translatedAddress": "10.20.1.9" }),
        json!({ "ruleType": "NatRule" }),
        json!({ "ruleType": "networkRule" }),
        json!({ "ruleType": "RuleConditionAny" }),
    ]
}

/// Other ids that end in the same name.
fn ids(own: &str) -> Vec<String> {
    let name = own.rsplit('\'').nth(1).expect("the id is a call");
    vec![
        format!("[resourceId('other-group', 'Microsoft.Network/ipGroups', '{name}')]"),
        format!("[resourceId('Microsoft.Network/otherGroups', '{name}')]"),
        format!("[subscriptionResourceId('Microsoft.Network/ipGroups', '{name}')]"),
        format!("/subscriptions/x/resourceGroups/other/providers/Microsoft.Network/ipGroups/{name}"),
        name.to_owned(),
        format!("[concat('x', '{name}')]"),
        format!("[resourceId('Microsoft.Network/ipGroups', concat('{name}'))]"),
        own.to_ascii_lowercase(),
    ]
}

/// Changes of the text that leave no JSON, or other JSON than its reader may take it for.
fn text_changes(file: &str, text: &str) -> Vec<Change> {
    let add =
        |what: &'static str, changed: String| Change::new("text", format!("{file}: {what}"), file, changed);
    let open = "\"type\": \"Microsoft.Network";
    vec![
        add("remark", format!("// remark\n{text}")),
        add("remark inside", text.replacen('{', "{ /* remark */", 1)),
        add("byte order mark", format!("\u{feff}{text}")),
        add("a second document", format!("{text}{text}")),
        add("half", text[..text.len() / 2].to_owned()),
        add("empty", String::new()),
        add("trailing comma", text.replacen("\n}", ",\n}", 1)),
        add("single quotes", text.replacen("\"resources\"", "'resources'", 1)),
        add(
            "escaped member beside itself",
            text.replacen("\"resources\"", "\"r\\u0065sources\": [], \"resources\"", 1),
        ),
        add(
            "another type before",
            text.replacen(open, &format!("\"type\": \"Microsoft.Compute/disks\", {open}"), 1),
        ),
        add(
            "another type after",
            text.replacen(open, &format!("\"TYPE\": \"Microsoft.Compute/disks\", {open}"), 1),
        ),
    ]
}
