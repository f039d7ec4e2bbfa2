//! Policies put together at random from what a policy can say: each is refused for a reason that its writer can see to, or made
//! and proven; and what is made again over what is there is the same, byte by byte.

use std::cell::Cell;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::TestRunner;
use tagwall::Error;
use tagwall::catalog::Catalog;
use tagwall::pipeline;
use tagwall::policy::PolicySource;
use tagwall::tags::{Cloud, Snapshot};
use tagwall::verify::{self, FailureKind};

use crate::support;

const TAGS: [&str; 12] = [
    "Storage",
    "Storage.WestEurope",
    "Sql",
    "AzureMachineLearning",
    "AzureCloud",
    "AzureCloud.westeurope",
    "AzureActiveDirectory",
    "AzureKeyVault.WestEurope",
    "AzureFrontDoor.FirstParty",
    "BatchNodeManagement.WestEurope",
    "GatewayManager",
    "AzureDevOps",
];
const WORKLOADS: [&str; 5] = ["aml-compute", "aml-workspace", "databricks", "hdinsight", "aks-egress"];
const SUBNETS: [&str; 3] = ["a", "b", "c"];

/// A line or nothing.
fn perhaps(lines: &'static [&'static str]) -> impl Strategy<Value = String> {
    let line = select(lines).prop_map(|line| format!("{line}\n"));
    prop_oneof![2 => Just(String::new()), 1 => line]
}

fn prefix() -> impl Strategy<Value = String> {
    const KNOWN: [&str; 7] =
        ["10.20.0.0", "10.0.0.0", "172.20.0.0", "198.51.100.0", "203.0.113.0", "192.0.2.0", "10.99.0.0"];
    (select(&KNOWN[..]), 24_u8..=30).prop_map(|(first, length)| format!("{first}/{length}"))
}

fn caller() -> impl Strategy<Value = String> {
    const NAMED: [&str; 3] = ["Internet", "VirtualNetwork", "AzureLoadBalancer"];
    prop_oneof![4 => select(&TAGS[..]).prop_map(str::to_owned), 2 => select(&NAMED[..]).prop_map(str::to_owned), 3 => prefix()]
}

fn remote() -> impl Strategy<Value = String> {
    const HOSTS: [&str; 4] = ["fqdn:www.example.org", "fqdn:*.example.net", "fqdn-tag:WindowsUpdate", "*"];
    prop_oneof![6 => caller(), 1 => select(&HOSTS[..]).prop_map(str::to_owned)]
}

fn list(of: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    prop::collection::vec(of, 1..3).prop_map(|items| format!("{items:?}"))
}

fn ports() -> impl Strategy<Value = String> {
    select(&["443", "80,443", "22", "1024-65535", "0", "*", "8000-8010,9000"][..])
        .prop_map(|ports| format!("ports = \"{ports}\"\n"))
}

fn need() -> impl Strategy<Value = String> {
    let subnet = perhaps(&["subnet = \"a\"", "subnet = [\"a\", \"b\"]"]);
    let protocol = perhaps(&["protocol = \"tcp\"", "protocol = \"udp\"", "protocol = \"any\""]);
    let except = perhaps(&["except = [\"10.20.0.0/28\"]", "except = [\"198.51.100.0/28\"]"]);
    let side = prop_oneof![
        2 => list(remote()).prop_map(|to| format!("to = {to}\n")),
        1 => list(caller()).prop_map(|from| format!("from = {from}\n")),
    ];
    (side, subnet, protocol, except, ports()).prop_map(|(side, subnet, protocol, except, ports)| {
        format!("[[allow]]\n{side}{subnet}{protocol}{except}{ports}")
    })
}

fn workload() -> impl Strategy<Value = String> {
    (select(&WORKLOADS[..]), select(&SUBNETS[..2])).prop_map(|(workload, subnet)| {
        format!("[[allow]]\nworkload = \"{workload}\"\nsubnet = \"{subnet}\"\n")
    })
}

fn deny() -> impl Strategy<Value = String> {
    let side = prop_oneof![
        caller().prop_map(|to| format!("to = {to:?}\n")),
        caller().prop_map(|from| format!("from = {from:?}\n"))
    ];
    side.prop_map(|side| format!("[[deny]]\n{side}protocol = \"tcp\"\nports = \"22,3389,445\"\n"))
}

fn route() -> impl Strategy<Value = String> {
    let hop = select(&["internet", "firewall", "none", "gateway"][..]);
    (caller(), hop, perhaps(&["subnet = \"a\""]))
        .prop_map(|(to, hop, subnet)| format!("[[route]]\nto = {to:?}\nnext-hop = {hop:?}\n{subnet}"))
}

fn settings() -> impl Strategy<Value = String> {
    let nsg = (
        perhaps(&["per-subnet = true"]),
        perhaps(&["tags = \"expand\"", "tags = \"native\""]),
        perhaps(&["vnet = \"deny\""]),
        perhaps(&["hosts = \"internet\""]),
    );
    let table = (
        perhaps(&[
            "default = \"firewall\"",
            "default = \"none\"",
            "default = \"gateway\"",
            "default = \"internet\"",
        ]),
        perhaps(&["private = \"firewall\""]),
        perhaps(&["disable-bgp = true"]),
    );
    let firewall = (
        perhaps(&["rules = \"classic\""]),
        perhaps(&["sku = \"basic\"", "sku = \"premium\""]),
        perhaps(&["dns-proxy = true"]),
        perhaps(&["ip-groups = \"never\"", "ip-groups = \"always\""]),
    );
    let extra = perhaps(&["max-extra = 10", "max-extra = 100000"]);
    (nsg, table, firewall, extra).prop_map(|(nsg, table, firewall, extra)| {
        let nsg = [nsg.0, nsg.1, nsg.2, nsg.3].concat();
        let table = [table.0, table.1, table.2].concat();
        let firewall = [firewall.0, firewall.1, firewall.2, firewall.3].concat();
        format!("[nsg]\n{nsg}[route-table]\n{table}[firewall]\n{firewall}[precision]\n{extra}")
    })
}

fn network() -> impl Strategy<Value = String> {
    let network = (
        prop_oneof![1 => Just(""), 3 => Just("firewall = \"10.20.255.4\"\n"), 1 => Just("firewall = \"10.0.1.4\"\n")],
        perhaps(&["peers = [\"10.0.0.0/22\"]"]),
        perhaps(&["on-premises = [\"172.20.0.0/16\"]", "on-premises = [\"10.0.0.0/8\", \"0.0.0.0/0\"]"]),
    );
    let subnet = || {
        let outbound = perhaps(&[
            "outbound = \"nat\"",
            "outbound = \"public-ip\"",
            "outbound = \"firewall\"",
            "outbound = \"none\"",
        ]);
        (outbound, perhaps(&["private = true", "private = false"]))
            .prop_map(|(outbound, private)| outbound + &private)
    };
    let own = prop::collection::vec(subnet(), 1..=SUBNETS.len());
    (network, own, any::<bool>()).prop_map(|((firewall, peers, behind), subnets, dual)| {
        let (space, more) = if dual { (", \"fd00:20::/48\"", ", \"fd00:20:0:1::/64\"") } else { ("", "") };
        let mut text =
            format!("[network]\naddress-space = [\"10.20.0.0/16\"{space}]\n{firewall}{peers}{behind}");
        for (at, (name, lines)) in SUBNETS.iter().zip(subnets).enumerate() {
            let v6 = if at == 0 { more } else { "" };
            text += &format!("[subnets.{name}]\nprefixes = [\"10.20.{}.0/24\"{v6}]\n{lines}", at + 1);
        }
        text
    })
}

fn policy() -> impl Strategy<Value = String> {
    let formats =
        subsequence(vec!["arm", "bicep", "terraform", "azcli", "csv", "lists", "nftables", "json"], 1..3);
    let needs = prop::collection::vec(prop_oneof![3 => need(), 1 => workload()], 1..5);
    let others = prop::collection::vec(prop_oneof![deny(), route()], 0..3);
    (formats, any::<bool>(), network(), settings(), needs, others).prop_map(
        |(formats, accept, network, settings, needs, others)| {
            let (needs, others) = (needs.concat(), others.concat());
            format!(
                "schema = 1\nname = \"any\"\nregion = \"westeurope\"\naccept-missing = {accept}\n\
                 output.formats = {formats:?}\n{network}{settings}{needs}{others}"
            )
        },
    )
}

/// Whether the policy was made; what is refused is refused for a reason that is not ours.
fn holds(text: &str, snapshot: &Snapshot) -> Result<bool, TestCaseError> {
    let source = PolicySource::read("any.toml", text).map_err(|e| TestCaseError::fail(e.to_string()))?;
    let made = match pipeline::generate(&source, Catalog::builtin(), snapshot, None) {
        Ok(made) => made,
        Err(Error::Policy(_) | Error::Limit(_)) => return Ok(false),
        Err(Error::Proof(report)) => {
            // What nothing can be done about by other rules is refused by the proof alone.
            let ours = report
                .failures
                .iter()
                .find(|failure| !matches!(failure.kind, FailureKind::Nowhere | FailureKind::Bypass));
            prop_assert!(ours.is_none(), "{report}\n{text}");
            return Ok(false);
        }
        Err(other) => return Err(TestCaseError::fail(format!("{other}\n{text}"))),
    };
    prop_assert!(made.proof.is_success(), "{}\n{text}", made.proof);
    let files = support::named(&made.files);
    let previous = verify::earlier(&made.name, &files);
    let again = pipeline::generate(&source, Catalog::builtin(), snapshot, Some(&previous))
        .map_err(|e| TestCaseError::fail(format!("over what is there: {e}\n{text}")))?;
    for (before, after) in made.files.iter().zip(&again.files) {
        // The report may say that there was something before.
        let same = before.name == after.name
            && (before.bytes == after.bytes || before.name == "report.md" || before.name == "manifest.json");
        prop_assert!(same, "{} is another when it is made again\n{text}", before.name);
    }
    prop_assert_eq!(made.files.len(), again.files.len());
    Ok(true)
}

#[test]
fn any_policy_is_refused_or_proven_and_made_again_the_same() {
    let snapshot = support::sample(Cloud::Public);
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases()) };
    let (mut runner, made) = (TestRunner::new(config), Cell::new(0_u32));
    let result = runner.run(&policy(), |text| {
        made.set(made.get() + u32::from(holds(&text, &snapshot)?));
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    assert!(made.get() >= cases() / 10, "of {} policies only {} are made", cases(), made.get());
}

/// How many policies are tried: `PROPTEST_CASES`, or 40.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(40)
}
