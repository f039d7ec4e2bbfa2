//! The proof at its borders: rules of services beside those of people, groups that share less than all, what a gap may be.

use crate::support;
use serde_json::Value;
use tagwall::addr::{AddrSet, IpPrefix};
use tagwall::packet::NextHop;
use tagwall::pipeline::Generation;
use tagwall::replay::RouteMap;
use tagwall::subnet::Announced;
use tagwall::tags::Cloud;
use tagwall::target::Target;
use tagwall::verify::{self, Declared, FailureKind, Inexpressible};

const HEAD: &str = "schema = 1\nname = \"e\"\nregion = \"westeurope\"\n[network]\naddress-space = [\"10.20.0.0/16\"]\n\
                    firewall = \"10.20.255.4\"\n";
const TWO: &str = "[subnets.a]\nprefixes = [\"10.20.1.0/24\"]\n[subnets.b]\nprefixes = [\"10.20.2.0/24\"]\n";
const NEED: &str = "[[allow]]\nto = \"Storage.westeurope\"\nprotocol = \"tcp\"\nports = 443\n";

fn made(text: &str) -> Generation {
    support::generate_on_sample("e", &format!("{HEAD}{text}"))
}

fn found(made: &Generation, files: &[(&str, &[u8])], declared: Declared<'_>) -> Vec<(FailureKind, String)> {
    let targets: Vec<Target> = Target::ALL.into_iter().filter(|&t| made.policy.wants(t)).collect();
    let report =
        verify::check_files(&made.policy, &support::sample(Cloud::Public), files, declared, &targets);
    report.failures.into_iter().map(|failure| (failure.kind, failure.difference.to_string())).collect()
}

fn gaps(made: &Generation) -> Vec<Inexpressible<'_>> {
    let whole = made.plan.gaps.iter().filter(|gap| !gap.partial);
    whole.map(|gap| Inexpressible { target: gap.target, flow: &gap.flow }).collect()
}

/// Two subnets of a service, each in a group of its own, have each the rules that the service keeps for both.
#[test]
fn rules_of_a_service_are_in_the_group_of_each_subnet() {
    let role = "role = \"delegated:Microsoft.Databricks/workspaces\"\n";
    let subnets = TWO.replace("/24\"]\n", &format!("/24\"]\n{role}"));
    let made = made(&format!(
        "{subnets}[nsg]\nper-subnet = true\n[[allow]]\nworkload = \"databricks\"\n[output]\nformats = [\"arm\"]\n"
    ));
    let text = support::text_of(&made, "nsg.arm.json");
    let name = "databricks-worker-to-sql";
    assert_eq!(text.matches(&format!("{name}\"")).count(), 2, "{text}");
    for at in [text.find(name), text.rfind(name)].into_iter().flatten() {
        let broken = format!("{}{name}-mine{}", &text[..at], &text[at + name.len()..]);
        let report =
            support::prove_with(&made, &support::sample(Cloud::Public), "nsg.arm.json", broken.as_bytes());
        let missing = |text: &str| text.contains("that databricks keeps is not there as it is");
        assert!(report.failures.iter().any(|failure| missing(&failure.difference.to_string())), "at {at}");
    }
}

/// What people keep and what a service keeps may go by one name: it is proven all the same.
#[test]
fn rules_of_a_service_are_proven_where_people_keep_such_names() {
    let made = made(
        "[subnets.a]\nprefixes = [\"10.20.1.0/24\"]\nrole = \"delegated:Microsoft.Sql/managedInstances\"\n\
         [nsg]\nkeep = [\"*_UseOnly_*\"]\n[[allow]]\nworkload = \"sql-managed-instance\"\n",
    );
    assert!(made.proof.is_success());
    assert!(made.plan.nsg_rules().any(|rule| rule.name.contains("_UseOnly_")));
}

/// A need by address that a group can say may not be declared as one that it cannot say, whether its rule is there or not.
#[test]
fn a_need_by_address_is_no_gap_of_a_group() {
    let made = made(&format!("{TWO}[output]\ntargets = [\"nsg\"]\nformats = [\"arm\"]\n{NEED}"));
    let declared: Vec<Inexpressible<'_>> = made
        .policy
        .flows
        .iter()
        .map(|flow| Inexpressible { target: Target::Nsg, flow: flow.id.as_str() })
        .collect();
    let declared =
        Declared { inexpressible: &declared, associations: &made.plan.associations, ..Declared::default() };
    let found = found(&made, &support::named(&made.files), declared);
    let told = |(_, text): &(FailureKind, String)| text.contains("reported as not expressible, but it is");
    assert!(found.iter().any(told), "{found:?}");
}

/// Without word of what is put where, the only group is on the subnets that take one, and on no other.
#[test]
fn the_only_group_is_not_put_on_a_subnet_that_takes_none() {
    let gateway = "[subnets.GatewaySubnet]\nprefixes = [\"10.20.4.0/24\"]\n";
    let made = made(&format!("{TWO}{gateway}[output]\nformats = [\"arm\"]\n{NEED}"));
    let inexpressible = gaps(&made);
    let declared = Declared { inexpressible: &inexpressible, ..Declared::default() };
    assert_eq!(found(&made, &support::named(&made.files), declared), []);
}

/// Two subnets with the same needs and one table, which keeps the one local and not the other.
#[test]
fn a_table_that_keeps_another_subnet_local_is_found() {
    let made = made(&format!(
        "{TWO}[output]\nformats = [\"arm\"]\n{NEED}[[route]]\nto = \"10.20.0.0/16\"\nnext-hop = \"firewall\"\n"
    ));
    let mut tables: Vec<String> =
        made.plan.associations.iter().filter_map(|put| put.route_table.clone()).collect();
    tables.dedup();
    assert_eq!(tables.len(), 2, "each keeps its own subnet local");
    let mut one = made.plan.associations.clone();
    one.iter_mut().for_each(|put| put.route_table = Some(tables[0].clone()));
    let inexpressible = gaps(&made);
    let declared = Declared { inexpressible: &inexpressible, associations: &one, ..Declared::default() };
    let found = found(&made, &support::named(&made.files), declared);
    let told =
        |(kind, text): &(FailureKind, String)| *kind == FailureKind::Misrouted && text.contains("from b");
    assert!(found.iter().any(told), "{found:?}");
}

/// Each part of a rule and of a route that a service keeps is looked at: Azure asks for the rule, not for its effect.
#[test]
fn each_part_of_what_a_service_keeps_is_looked_at() {
    let made = made(
        "[subnets.a]\nprefixes = [\"10.20.1.0/24\"]\nrole = \"delegated:Microsoft.Sql/managedInstances\"\n\
         [output]\nformats = [\"arm\"]\n[[allow]]\nworkload = \"sql-managed-instance\"\n",
    );
    let told = |name: &str, list: &str, rule: &str, key: &str, value: &str| {
        let mut file: Value = serde_json::from_slice(support::bytes_of(&made, name)).unwrap();
        let parts = file["resources"][0]["properties"][list].as_array_mut().unwrap();
        let own = |part: &&mut Value| part["name"].as_str().is_some_and(|name| name.contains(rule));
        let part = parts.iter_mut().find(own).unwrap_or_else(|| panic!("no {rule} in {name}"));
        let at = if key == "name" { &mut part["name"] } else { &mut part["properties"][key] };
        assert!(!at.is_null(), "{rule} has no {key}");
        *at = if key == "priority" { 190.into() } else { value.into() };
        let text = serde_json::to_vec(&file).unwrap();
        let report = support::prove_with(&made, &support::sample(Cloud::Public), name, &text);
        let missing = "that sql-managed-instance keeps is not there as it is";
        assert!(
            report.failures.iter().any(|failure| failure.difference.to_string().contains(missing)),
            "{rule}: {key} is {value}"
        );
    };
    for (key, value) in [
        ("name", "Microsoft.Sql-managedInstances_UseOnly_mine"),
        ("priority", "190"),
        ("direction", "Inbound"),
        ("access", "Deny"),
        ("protocol", "Tcp"),
        ("sourceAddressPrefix", "10.20.1.0/25"),
        ("destinationAddressPrefix", "Storage.NorthEurope"),
        ("destinationPortRange", "444"),
    ] {
        told("nsg.arm.json", "securityRules", "mi-strg-p-out", key, value);
    }
    for (key, value) in [
        ("name", "Microsoft.Sql-managedInstances_UseOnly_mine"),
        ("addressPrefix", "AzureMonitor"),
        ("nextHopType", "None"),
    ] {
        told("route-table.arm.json", "routes", "mi-OneDsCollector", key, value);
    }
}

/// What a gateway announces is weighed prefix by prefix: together these four are one of length 6, which the system's own
/// route for private space would beat, and alone the one of length 8 beats that.
#[test]
fn announced_prefixes_are_not_joined() {
    let space: AddrSet = ["10.20.0.0/16".parse::<IpPrefix>().unwrap()].into_iter().collect();
    let hops = |announced: &[&str]| {
        let announced: Announced = announced.iter().map(|text| text.parse::<IpPrefix>().unwrap()).collect();
        let map = RouteMap::system(&space).with_gateway(announced.prefixes());
        ["7.255.255.255", "9.9.9.9", "10.20.0.1", "10.99.0.1", "11.255.255.255", "12.0.0.0"]
            .map(|address| map.evaluate(address.parse().unwrap()).hop)
    };
    let (internet, gateway, local, none) =
        (NextHop::Internet, NextHop::Gateway, NextHop::VnetLocal, NextHop::None);
    assert_eq!(
        hops(&["8.0.0.0/8", "9.0.0.0/8", "10.0.0.0/8", "11.0.0.0/8"]),
        [internet, gateway, local, gateway, gateway, internet]
    );
    assert_eq!(hops(&["8.0.0.0/6"]), [internet, gateway, local, none, gateway, internet]);
    assert_eq!(hops(&["0.0.0.0/0"]), [gateway, gateway, local, none, gateway, gateway]);
}
