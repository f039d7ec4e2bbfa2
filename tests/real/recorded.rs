//! Explained packets against what Azure itself said of them: flow logs and network diagnostics, as vendors recorded them.

use serde_json::json;
use tagwall::analyse::{Asked, Explained, Explainer, Far};
use tagwall::packet::{Direction, Ports, Protocol};
use tagwall::read::live::{FlowTuple, Live, LiveAdminRule, read_live};
use tagwall::read::resources::SecurityRule;
use tagwall::tags::Snapshot;

use crate::support;

fn read(shared: &std::path::Path, name: &str) -> Live {
    let bytes = std::fs::read(shared.join("data/azure-exports").join(name)).expect("it is there");
    read_live(&[(name, &bytes)]).expect("it is read")
}

fn explained(live: &Live, snapshot: &Snapshot, flow: &FlowTuple) -> Explained {
    let (near, far) =
        if flow.inbound { (&flow.destination, &flow.source) } else { (&flow.source, &flow.destination) };
    let asked = Asked {
        direction: if flow.inbound { Direction::Inbound } else { Direction::Outbound },
        subnet: None,
        near: Some(near.parse().expect("an address")),
        far: Far::Address(far.parse().expect("an address")),
        protocol: if flow.protocol == 6 { Protocol::Tcp } else { Protocol::Udp },
        ports: flow.destination_port.to_string().parse::<Ports>().expect("a port"),
    };
    Explainer::new(live, snapshot, None)
        .packet(&asked)
        .expect("the rules are read")
        .expect("it is of the network")
}

fn admin(name: &str, priority: i64, access: &str, ports: &[&str]) -> LiveAdminRule {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let rule = SecurityRule {
        name: name.to_owned(),
        description: String::new(),
        priority,
        direction: "Inbound".into(),
        access: access.to_owned().into(),
        protocol: "Tcp".into(),
        sources: texts(&["Internet"]),
        source_ports: texts(&["*"]),
        destinations: texts(&["*"]),
        destination_ports: texts(ports),
    };
    LiveAdminRule { rule, ..LiveAdminRule::default() }
}

/// The rule that a log names, as the group has it.
fn plain(rule: &str) -> &str {
    rule.trim_start_matches("UserRule_").trim_start_matches("DefaultRule_")
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn flows_of_a_group_are_decided_by_the_rule_that_the_log_names() {
    let Some(shared) = support::shared("flows of a group") else { return };
    let snapshot = support::sample(tagwall::tags::Cloud::Public);
    let group = json!({ "name": "fabriamvm1-nsg", "securityRules": [{ "name": "default-allow-rdp", "priority": 1000,
        "direction": "Inbound", "access": "Allow", "protocol": "Tcp", "sourceAddressPrefix": "*", "sourcePortRange": "*",
        "destinationAddressPrefix": "*", "destinationPortRange": "3389" }] });
    let live = read_live(&[("nsg.json", group.to_string().as_bytes())]).expect("it is read");
    let flows = read(&shared, "nsg-flow-log-v1-nested-records.json").flows;
    for flow in &flows {
        let found = explained(&live, &snapshot, flow);
        let step = found.steps.iter().find(|step| step.at == "nsg").expect("the group decides");
        assert_eq!(step.verdict, if flow.is_allowed() { "allow" } else { "deny" }, "{flow:?}");
        match &step.rule {
            Some(rule) => assert_eq!(rule, plain(&flow.rule), "{flow:?}"),
            None => assert!(step.because.contains(plain(&flow.rule)), "{flow:?}: {}", step.because),
        }
    }
    assert_eq!(flows.len(), 18);
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn flows_of_a_network_are_decided_by_its_manager_and_its_group() {
    let Some(shared) = support::shared("flows of a network") else { return };
    // The snapshot nearest the log says what is Microsoft's own.
    let snapshot = support::real(&shared, "Public_20230123");
    let mut live =
        read_live(&[("nsg.json", br#"{ "name": "vm-nsg", "securityRules": [] }"#)]).expect("it is read");
    live.admin_rules = vec![
        admin("BlockHighRiskTCPPortsFromInternet", 100, "Deny", &["20-23", "111", "119", "135"]),
        admin("Internet", 200, "Deny", &["*"]),
    ];
    let flows = read(&shared, "vnet-flow-log-v4.json").flows;
    for flow in &flows {
        let found = explained(&live, &snapshot, flow);
        let at = if flow.inbound { "admin" } else { "nsg" };
        let step = found.steps.iter().find(|step| step.at == at).expect("it decides");
        assert_eq!(step.verdict, if flow.is_allowed() { "allow" } else { "deny" }, "{flow:?}");
        assert_eq!(step.rule.as_deref(), Some(plain(&flow.rule)), "{flow:?}");
        assert_eq!(found.verdict == "deny", !flow.is_allowed(), "{flow:?} {found:?}");
    }
    assert_eq!(flows.len(), 10);
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn the_chain_is_that_of_azures_diagnosis() {
    let Some(shared) = support::shared("a diagnosis") else { return };
    let snapshot = support::sample(tagwall::tags::Cloud::Public);
    let live = read(&shared, "az-nsg-diagnostic-result.json");
    let [answer] = live.answers.as_slice() else { panic!("{:?}", live.answers) };
    // The network that was asked about, with the rules that the answer names.
    let id = |kind: &str, name: &str| {
        format!("/subscriptions/0/resourceGroups/g/providers/Microsoft.Network/{kind}/{name}")
    };
    let subnet = id("virtualNetworks", "myVNet") + "/subnets/mySubnet";
    let files = json!([
        { "type": "Microsoft.Network/virtualNetworks", "id": id("virtualNetworks", "myVNet"), "name": "myVNet", "properties": {
            "addressSpace": { "addressPrefixes": ["10.0.0.0/16"] },
            "subnets": [{ "id": subnet, "name": "mySubnet", "properties": { "addressPrefix": "10.0.0.0/24",
                "networkSecurityGroup": { "id": id("networkSecurityGroups", "mySubnet-nsg") } } }] } },
        { "type": "Microsoft.Network/networkSecurityGroups", "id": id("networkSecurityGroups", "mySubnet-nsg"),
          "name": "mySubnet-nsg", "properties": { "securityRules": [] } },
        { "type": "Microsoft.Network/networkSecurityGroups", "id": id("networkSecurityGroups", "myVM-nsg"), "name": "myVM-nsg",
          "properties": { "securityRules": [{ "name": "DenyVnetInBound", "properties": { "priority": 100, "direction": "Inbound",
            "access": "Deny", "protocol": "*", "sourceAddressPrefix": "VirtualNetwork", "sourcePortRange": "*",
            "destinationAddressPrefix": "VirtualNetwork", "destinationPortRange": "*" } }] } },
        { "type": "Microsoft.Network/networkInterfaces", "id": id("networkInterfaces", "myvm36"), "name": "myvm36", "properties": {
            "networkSecurityGroup": { "id": id("networkSecurityGroups", "myVM-nsg") },
            "ipConfigurations": [{ "name": "c", "properties": { "privateIPAddress": "10.0.0.4", "subnet": { "id": subnet } } }] } }
    ]);
    let mut live = read_live(&[("all.json", files.to_string().as_bytes())]).expect("it is read");
    let mut allow = admin("VirtualNetwork", 10, "Allow", &["*"]);
    (allow.rule.protocol, allow.rule.sources) = ("*".into(), vec!["VirtualNetwork".to_owned()]);
    live.admin_rules = vec![allow];
    let [source, destination, ..] = &answer.asked;
    let flow = FlowTuple {
        source: source.split('/').next().expect("an address").to_owned(),
        destination: destination.clone(),
        destination_port: 22,
        protocol: 6,
        inbound: true,
        ..FlowTuple::default()
    };
    let found = explained(&live, &snapshot, &flow);
    assert_eq!(found.verdict, answer.verdict.to_lowercase());
    let doors = found.steps.iter().filter(|step| ["admin", "nsg"].contains(&step.at));
    let own: Vec<(String, String)> =
        doors.map(|step| (step.rule.clone().unwrap_or_default(), step.verdict.to_owned())).collect();
    let theirs: Vec<(String, String)> =
        answer.steps.iter().map(|step| (plain(&step[2]).to_owned(), step[3].to_lowercase())).collect();
    let lower = |all: &[(String, String)]| {
        all.iter().map(|(rule, verdict)| (rule.to_lowercase(), verdict.clone())).collect::<Vec<_>>()
    };
    assert_eq!(lower(&own), lower(&theirs));
}

/// Prefixes of a service endpoint go past the default route, and of nothing else.
#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn routes_in_effect_say_what_goes_past_the_default_route() {
    let Some(shared) = support::shared("routes in effect") else { return };
    let snapshot = support::sample(tagwall::tags::Cloud::Public);
    let live = read(&shared, "az-nic-show-effective-route-table.json");
    let endpoint = live.tables[0].routes.iter().find(|route| route.prefixes.len() == 26).expect("one route");
    let to = |address: &str| {
        let flow = FlowTuple {
            source: "10.0.0.4".to_owned(),
            destination: address.to_owned(),
            destination_port: 443,
            protocol: 6,
            ..FlowTuple::default()
        };
        explained(&live, &snapshot, &flow)
    };
    for prefix in &endpoint.prefixes {
        let found = to(prefix.split('/').next().expect("an address"));
        assert_eq!((found.verdict, found.way), ("allow", "direct"), "{prefix}: {:?}", found.steps);
        let step = found.steps.iter().find(|step| step.at == "route").expect("routes decide");
        assert!(
            step.because.contains("service endpoint")
                || step.because.contains("VirtualNetworkServiceEndpoint"),
            "{}",
            step.because
        );
    }
    assert_eq!(to("10.1.0.9").way, "peer");
}
