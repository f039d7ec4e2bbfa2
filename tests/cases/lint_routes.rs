//! What lint finds in route tables and in what they do together with security groups: each finding where it is owed, and
//! none where only a little is different.

use serde_json::{Value, json};
use tagwall::analyse::lint::{Linting, lint};
use tagwall::catalog::Catalog;
use tagwall::pipeline;
use tagwall::read::live::read_live;
use tagwall::tags::Cloud;

use crate::support;

fn route(name: &str, prefix: &str, hop: &str) -> Value {
    let mut properties = json!({"addressPrefix": prefix, "nextHopType": hop});
    if hop.contains('.') {
        properties =
            json!({"addressPrefix": prefix, "nextHopType": "VirtualAppliance", "nextHopIpAddress": hop});
    }
    json!({"name": name, "properties": properties})
}

fn rule(name: &str, direction: &str, source: &str, destination: &str) -> Value {
    json!({"name": name, "properties": {"priority": 100, "direction": direction, "access": "Allow", "protocol": "Tcp",
        "sourceAddressPrefix": source, "sourcePortRange": "*", "destinationAddressPrefix": destination,
        "destinationPortRange": "443"}})
}

/// A subnet 10.1.1.0/24 called `a` with these routes and rules, and the ids of what is found.
fn found(routes: &[Value], rules: &[Value]) -> Vec<String> {
    of(&json!([
        {"type": "Microsoft.Network/virtualNetworks", "name": "net", "properties": {
            "addressSpace": {"addressPrefixes": ["10.1.0.0/16"]},
            "subnets": [{"name": "a", "properties": {"addressPrefix": "10.1.1.0/24",
                "networkSecurityGroup": {"id": "/x/networkSecurityGroups/g"}, "routeTable": {"id": "/x/routeTables/t"}}}]}},
        {"type": "Microsoft.Network/routeTables", "name": "t", "id": "/x/routeTables/t", "properties": {"routes": routes}},
        {"type": "Microsoft.Network/networkSecurityGroups", "name": "g", "id": "/x/networkSecurityGroups/g",
            "properties": {"securityRules": rules}}
    ]))
}

fn of(resources: &Value) -> Vec<String> {
    let text = resources.to_string();
    let live = read_live(&[("net.json", text.as_bytes())]).unwrap();
    let snapshot = support::sample(Cloud::Public);
    let found = lint(&live, &Linting { snapshot: &snapshot, timeline: None, risks: false });
    let of_ways = found.iter().filter(|finding| finding.id.starts_with("TW03"));
    of_ways.map(|finding| format!("{} {}", finding.id, finding.rule.as_deref().unwrap_or_default())).collect()
}

const NONE: [&str; 0] = [];

#[test]
fn virtual_network_with_a_default_route_to_an_appliance() {
    let default = route("default", "0.0.0.0/0", "10.1.9.4");
    let open = rule("inside", "Inbound", "VirtualNetwork", "*");
    assert_eq!(found(std::slice::from_ref(&default), std::slice::from_ref(&open)), ["TW030 inside"]);
    assert_eq!(found(&[route("half", "0.0.0.0/1", "10.1.9.4")], std::slice::from_ref(&open)), NONE);
    assert_eq!(found(std::slice::from_ref(&default), &[rule("inside", "Inbound", "10.1.0.0/16", "*")]), NONE);
    // A service puts its own rule back, whatever anybody does.
    let owned =
        rule("Microsoft.Databricks-workspaces_UseOnly_worker", "Inbound", "VirtualNetwork", "VirtualNetwork");
    assert_eq!(found(&[default], &[owned]), NONE);
}

#[test]
fn a_route_past_the_appliance() {
    let default = route("default", "0.0.0.0/0", "10.1.9.4");
    let past = route("past", "203.0.113.0/24", "Internet");
    assert_eq!(found(&[default.clone(), past.clone()], &[]), ["TW031 past"]);
    assert_eq!(found(&[default, route("inner", "10.9.0.0/16", "VnetLocal")], &[]), NONE);
    // Without a default nothing is gone past, and the route says what holds without it.
    assert_eq!(found(&[past], &[]), ["TW036 past"]);
}

#[test]
fn replies_that_an_appliance_never_saw_begin() {
    let default = route("default", "0.0.0.0/0", "10.1.9.4");
    let tag = rule("in", "Inbound", "AzureMachineLearning", "10.1.1.0/24");
    assert_eq!(found(std::slice::from_ref(&default), std::slice::from_ref(&tag)), ["TW032 in"]);
    // With a way back of its own.
    let back = route("back", "AzureMachineLearning", "Internet");
    assert_eq!(found(&[default.clone(), back.clone()], std::slice::from_ref(&tag)), ["TW031 back"]);
    // Of two sources one has it.
    let mut both = tag.clone();
    both["properties"]["sourceAddressPrefix"] = Value::Null;
    both["properties"]["sourceAddressPrefixes"] = json!(["203.0.113.0/28", "203.0.113.64/28"]);
    let half = route("half", "203.0.113.0/26", "Internet");
    assert_eq!(found(&[default.clone(), half], &[both]), ["TW032 in", "TW031 half"]);
    // For another subnet than the one with the table.
    let other = rule("in", "Inbound", "AzureMachineLearning", "10.1.2.0/24");
    assert_eq!(found(std::slice::from_ref(&default), &[other]), NONE);
    assert_eq!(found(&[default], &[rule("in", "Inbound", "10.2.0.0/16", "10.1.1.0/24")]), NONE);
}

#[test]
fn appliances_that_cannot_be_where_a_route_leads() {
    assert_eq!(found(&[route("loop", "198.51.100.0/24", "10.1.1.4")], &[]), ["TW033 loop"]);
    assert_eq!(found(&[route("host", "198.51.100.0/24", "127.0.0.1")], &[]), ["TW033 host"]);
    assert_eq!(found(&[route("good", "198.51.100.0/24", "10.1.2.4")], &[]), NONE);
}

#[test]
fn what_the_group_lets_out_and_the_table_drops() {
    let drop = route("drop", "203.0.113.0/24", "None");
    assert_eq!(
        found(std::slice::from_ref(&drop), &[rule("out", "Outbound", "*", "203.0.113.0/28")]),
        ["TW034 out"]
    );
    assert_eq!(found(&[drop], &[rule("out", "Outbound", "*", "203.0.112.0/23")]), NONE);
}

#[test]
fn routes_that_change_nothing() {
    let wide = route("wide", "198.51.100.0/24", "10.1.9.4");
    let narrow = route("narrow", "198.51.100.0/25", "10.1.9.4");
    assert_eq!(found(&[wide.clone(), narrow], &[]), ["TW036 narrow"]);
    assert_eq!(found(&[wide, route("narrow", "198.51.100.0/25", "10.1.9.5")], &[]), NONE);
}

#[test]
fn subnets_that_are_reserved_or_unlike_their_siblings() {
    let subnet = |name: &str, at: u8, group: bool| {
        let mut properties = json!({"addressPrefix": format!("10.1.{at}.0/24")});
        if group {
            properties["networkSecurityGroup"] = json!({"id": "/x/networkSecurityGroups/g"});
        }
        json!({"name": name, "properties": properties})
    };
    let network = |subnets: Vec<Value>| {
        of(&json!([{"type": "Microsoft.Network/virtualNetworks", "name": "net", "properties": {
            "addressSpace": {"addressPrefixes": ["10.1.0.0/16"]}, "subnets": subnets}}]))
    };
    let three = || vec![subnet("a", 1, true), subnet("b", 2, true), subnet("c", 3, true)];
    assert_eq!(network(three()), NONE);
    assert_eq!(network([three(), vec![subnet("d", 4, false)]].concat()), ["TW035 "]);
    assert_eq!(network([three(), vec![subnet("AzureFirewallSubnet", 4, false)]].concat()), NONE);
    assert_eq!(network([three(), vec![subnet("AzureFirewallSubnet", 4, true)]].concat()), ["TW037 "]);
}

/// The report of what is made says what lint finds in it, and knows the subnets that groups and tables are put on.
#[test]
fn the_report_tells_of_what_lint_finds() {
    let policy = |more: &str| {
        format!(
            "schema = 1\nname = \"own\"\nregion = \"westeurope\"\nnetwork.address-space = [\"10.20.0.0/16\"]\n\
             network.firewall = \"10.20.255.4\"\nsubnets.a.prefixes = [\"10.20.1.0/24\"]\nroute-table.default = \"firewall\"\n\
             accept-missing = true\n{}[[allow]]\nsubnet = \"a\"\n\
             from = \"203.0.113.0/28\"\nprotocol = \"tcp\"\nports = 443\n{more}",
            if more.contains("[output]") { "" } else { "output.targets = [\"nsg\", \"route-table\"]\n" }
        )
    };
    let report = |more: &str| {
        let made = support::generate("own.toml", &policy(more), &support::sample(Cloud::Public));
        let text = support::text_of(&made, "report.md").to_owned();
        text.split_once("\n## Lint\n")
            .unwrap_or_else(|| panic!("{text}"))
            .1
            .split("\n## ")
            .next()
            .unwrap()
            .to_owned()
    };
    let lost = report("");
    assert!(lost.contains("| TW032 | warning | own-nsg |"), "{lost}");
    let kept = report("[[route]]\nto = \"203.0.113.0/28\"\nnext-hop = \"internet\"\n");
    assert!(!kept.contains("TW032"), "{kept}");
    // Whatever the files are in; lists alone have no rules.
    for format in ["bicep", "terraform", "terraform-json", "azcli", "csv", "json"] {
        let other =
            report(&format!("[output]\ntargets = [\"nsg\", \"route-table\"]\nformats = [\"{format}\"]\n"));
        assert_eq!(other, lost, "{format}");
    }
    let lists = policy("[output]\nformats = [\"lists\"]\n");
    let made = support::generate("own.toml", &lists, &support::sample(Cloud::Public));
    assert!(!support::text_of(&made, "report.md").contains("## Lint"));
}

/// What a policy dismisses is not told of until its day, and what it dismisses in vain is.
#[test]
fn a_policy_dismisses_what_somebody_has_looked_at() {
    let policy = |id: &str, rule: &str, reason: &str, until: &str| {
        format!(
            "schema = 1\nname = \"own\"\nregion = \"westeurope\"\nnetwork.address-space = [\"10.20.0.0/16\"]\n\
             network.firewall = \"10.20.255.4\"\nsubnets.a.prefixes = [\"10.20.1.0/24\"]\nroute-table.default = \"firewall\"\n\
             output.targets = [\"nsg\", \"route-table\"]\naccept-missing = true\n[[allow]]\nsubnet = \"a\"\n\
             from = \"203.0.113.0/28\"\nprotocol = \"tcp\"\nports = 443\n[[lint.dismiss]]\nid = \"{id}\"\n\
             rule = \"{rule}\"\nreason = \"{reason}\"\nuntil = \"{until}\"\n"
        )
    };
    let report = |id: &str, rule: &str, until: &str| {
        let text = policy(id, rule, "replies leave by | the proxy", until);
        let made = support::generate("own.toml", &text, &support::sample(Cloud::Public));
        let text = support::text_of(&made, "report.md").to_owned();
        text.split_once("\n## Lint\n").unwrap().1.split("\n## ").next().unwrap().to_owned()
    };
    let dismissed = report("TW032", "a-*", "2099-12-31");
    assert!(!dismissed.contains("| TW032 |"), "{dismissed}");
    assert!(
        dismissed.contains("- TW032 is dismissed until 2099-12-31: replies leave by \\| the proxy."),
        "{dismissed}"
    );
    assert!(dismissed.contains("1 of what is found is left out"), "{dismissed}");
    let ended = report("TW032", "a-*", "2020-12-31");
    assert!(ended.contains("| TW032 |") && ended.contains("ended on 2020-12-31"), "{ended}");
    let other = report("TW032", "b-*", "2099-12-31");
    assert!(other.contains("| TW032 |") && other.contains("is about nothing that is found"), "{other}");
    for (id, reason, until, says) in [
        ("TW32", "r", "2099-12-31", "`TW32` is no id of a finding"),
        ("TW032", " ", "2099-12-31", "a dismissal needs a reason"),
        ("TW032", "r", "soon", "`soon` is no day"),
    ] {
        let source = support::policy("own.toml", &policy(id, "*", reason, until));
        let sample = support::sample(Cloud::Public);
        let error = pipeline::generate(&source, Catalog::builtin(), &sample, None).unwrap_err().to_string();
        assert!(error.contains(says) && error.contains("own.toml:1"), "{error}");
    }
}
