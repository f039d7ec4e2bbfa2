//! Drift over real weeks: what was made of one week's tags, held against the policy with those of another, in each dialect
//! that a group is exported in; and mended.

use serde_json::{Value, json};
use tagwall::addr::{AddrSet, IpPrefix};
use tagwall::analyse::{Have, Operation, Use, check, needs_of, plan};
use tagwall::policy::Policy;
use tagwall::read::live::{Live, read_live};
use tagwall::tags::Snapshot;

use crate::support;

const POLICY: &str = r#"
    schema = 1
    name = "drift"
    region = "westeurope"
    network.address-space = ["10.20.0.0/16"]
    subnets.training.prefixes = ["10.20.1.0/24"]
    nsg.tags = "expand"
    output.formats = ["arm"]
    [[allow]]
    to = "AzureMachineLearning"
    protocol = "tcp"
    ports = "443"
    [[allow]]
    to = "AzureKeyVault"
    protocol = "tcp"
    ports = "8443"
"#;

fn made(snapshot: &Snapshot) -> (Live, Policy, Value) {
    let made = support::generate("drift", POLICY, snapshot);
    let bytes = support::bytes_of(&made, "nsg.arm.json");
    let live = read_live(&[("nsg.arm.json", bytes)]).expect("our own");
    let template: Value = serde_json::from_slice(bytes).expect("JSON");
    (live, made.policy, template["resources"][0].clone())
}

/// A group as the clients print it.
fn dialects(group: &Value) -> Vec<(&'static str, String)> {
    let id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Network/\
              networkSecurityGroups/drift-nsg";
    let rules = group["properties"]["securityRules"].as_array().expect("rules");
    let name = group["name"].clone();
    let flat: Vec<Value> = rules
        .iter()
        .map(|rule| {
            let mut own = rule["properties"].clone();
            own["name"] = rule["name"].clone();
            own
        })
        .collect();
    let renamed = |rename: fn(&str) -> String| -> Vec<Value> {
        let one = |rule: &Value| {
            let members = rule.as_object().expect("an object").iter();
            Value::Object(members.map(|(key, value)| (rename(key), value.clone())).collect())
        };
        flat.iter().map(one).collect()
    };
    let snake = |key: &str| {
        key.chars().fold(String::new(), |text, c| match c.is_ascii_uppercase() {
            true => text + "_" + &c.to_ascii_lowercase().to_string(),
            false => text + &c.to_string(),
        })
    };
    let pascal = |key: &str| key[..1].to_uppercase() + &key[1..];
    let pascal_rules: Vec<Value> = renamed(pascal)
        .into_iter()
        .map(|mut rule| {
            for side in ["Source", "Destination"] {
                for (one, many) in [("AddressPrefix", "AddressPrefixes"), ("PortRange", "PortRanges")] {
                    let (one, many) = (format!("{side}{one}"), format!("{side}{many}"));
                    let list = rule.get(&many).cloned().unwrap_or_else(|| json!([rule[&one]]));
                    rule[&one] = list;
                    rule.as_object_mut().expect("an object").remove(&many);
                }
            }
            rule
        })
        .collect();
    vec![
        ("rest", json!({ "value": [{ "id": id, "name": name, "type": "Microsoft.Network/networkSecurityGroups",
                         "properties": { "securityRules": rules } }] }).to_string()),
        ("az", json!({ "id": id, "name": name, "resourceGroup": "rg", "securityRules": flat }).to_string()),
        ("python", json!({ "id": id, "name": name, "security_rules": renamed(snake) }).to_string()),
        ("powershell", json!({ "Id": id, "Name": name, "SecurityRules": pascal_rules }).to_string()),
        ("graph", json!({ "count": 1, "total_records": 1, "data": [{ "id": id.to_lowercase(), "name": name,
                          "type": "microsoft.network/networksecuritygroups",
                          "properties": { "securityRules": rules } }] }).to_string()),
        ("terraform", json!({ "format_version": "1.0", "terraform_version": "1.9.0", "values": { "root_module": {
                              "resources": [{ "type": "azurerm_network_security_group", "name": "n", "mode": "managed",
                              "values": { "name": name, "security_rule": renamed(snake) } }] } } }).to_string()),
    ]
}

fn union<'t>(lists: impl Iterator<Item = &'t Vec<IpPrefix>>) -> AddrSet {
    lists.flatten().copied().collect()
}

fn of(snapshot: &Snapshot, tag: &str) -> AddrSet {
    snapshot.tag(tag).map(|tag| tag.set().clone()).unwrap_or_default()
}

/// The rules after an operation, flat.
fn done(rules: &mut Vec<Value>, operation: &Operation) {
    rules.retain(|rule| rule["name"] != operation.name.as_str());
    if let Some(body) = &operation.body {
        let mut rule = body["properties"].clone();
        rule["name"] = json!(operation.name);
        rules.push(rule);
    }
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn drift_over_ten_weeks_in_each_dialect() {
    let Some(shared) = support::shared("drift over weeks") else { return };
    let files = support::real_files(&shared);
    let weeks: Vec<Snapshot> = files
        .iter()
        .filter(|path| path.to_string_lossy().contains("Public_"))
        .map(|path| Snapshot::parse(&support::unpack(path)).expect("a snapshot"))
        .filter(|week| ["AzureMachineLearning", "AzureKeyVault"].iter().all(|tag| week.tag(tag).is_some()))
        .collect();
    assert!(weeks.len() >= 10, "{} weeks", weeks.len());
    let step = weeks.len() / 10;
    let mut drifted = 0;
    for at in 0..10 {
        let (old, new) = (&weeks[at * step], &weeks[(at * step + step).min(weeks.len() - 1)]);
        let ((_, _, group), (wanted, policy, _)) = (made(old), made(new));
        let gone = |tag: &str, a: &Snapshot, b: &Snapshot| of(a, tag).difference(&of(b, tag)).v4;
        let tags = ["AzureMachineLearning", "AzureKeyVault"];
        for (dialect, text) in dialects(&group) {
            let live =
                read_live(&[(dialect, text.as_bytes())]).unwrap_or_else(|e| panic!("{dialect}: {e:?}"));
            let drift = check(&wanted, &live, &needs_of(&policy), new);
            let missing = union(drift.needs.iter().map(|need| &need.missing));
            let excess = union(drift.live.iter().map(|state| &state.excess));
            // Both tags have ports of their own, so that each loses and wins by itself.
            let sum = |a: &Snapshot, b: &Snapshot| gone(tags[0], a, b).union(&gone(tags[1], a, b));
            assert_eq!(missing.v4, sum(new, old), "{dialect}");
            assert_eq!(excess.v4, sum(old, new), "{dialect}");
            assert_eq!(drift.drift, !missing.is_empty() || !excess.is_empty(), "{dialect}");
            assert!(drift.live.iter().all(|state| state.state != Use::Foreign), "{dialect}");
            drifted += usize::from(drift.drift);
        }
    }
    assert!(drifted > 20, "{drifted}");
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn a_foreign_rule_is_told_and_the_plan_mends_all() {
    let Some(shared) = support::shared("a foreign rule") else { return };
    let (old, new) = (support::real(&shared, "Public_20250217"), support::real(&shared, "Public_20260622"));
    let ((_, _, group), (wanted, policy, _)) = (made(&old), made(&new));
    let needs = needs_of(&policy);
    let mut rules: Vec<Value> = group["properties"]["securityRules"]
        .as_array()
        .expect("rules")
        .iter()
        .map(|rule| {
            let mut own = rule["properties"].clone();
            own["name"] = rule["name"].clone();
            own
        })
        .collect();
    rules.push(
        json!({ "name": "bob", "priority": 150, "direction": "Inbound", "access": "Allow", "protocol": "Tcp",
        "sourceAddressPrefix": "198.51.100.0/24", "sourcePortRange": "*", "destinationAddressPrefix": "*",
        "destinationPortRange": "22" }),
    );
    let read = |rules: &[Value]| {
        let text = json!({ "name": "drift-nsg", "securityRules": rules }).to_string();
        read_live(&[("live.json", text.as_bytes())]).expect("it is read")
    };
    let live = read(&rules);
    let drift = check(&wanted, &live, &needs, &new);
    let bob = drift.live.iter().find(|state| state.rule == "bob").expect("it is told");
    assert_eq!(
        (bob.state, bob.excess.as_slice()),
        (Use::Foreign, ["198.51.100.0/24".parse().unwrap()].as_slice())
    );
    assert!(drift.needs.iter().any(|need| need.state == Have::Part));
    let operations = plan(&wanted, &live, &new).expect("there is an order");
    assert!(operations.len() <= 3, "two lists and a rule too many: {operations:?}");
    for operation in &operations {
        done(&mut rules, operation);
    }
    let after = check(&wanted, &read(&rules), &needs, &new);
    assert!(!after.drift, "{:?}", after.needs);
    assert!(plan(&wanted, &read(&rules), &new).expect("nothing to do").is_empty());
}
