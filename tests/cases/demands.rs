//! What Azure demands of the groups of Bastion, application gateways and API Management: refused where Azure refuses the
//! group, warned of where it takes the group and the service does not work.

use crate::support;
use tagwall::catalog::Catalog;
use tagwall::pipeline::{self, Generation};
use tagwall::tags::Cloud;

fn policy(subnet: &str, needs: &str, more: &str) -> String {
    format!(
        "schema = 1\nname = \"e\"\nregion = \"westeurope\"\n[network]\naddress-space = [\"10.20.0.0/16\"]\n\
         [subnets.{subnet}\n{needs}{more}[output]\nformats = [\"arm\", \"bicep\", \"terraform\", \"azcli\", \"csv\", \"json\"]\n"
    )
}

fn made(text: &str) -> Generation {
    support::generate("e.toml", text, &support::sample(Cloud::Public))
}

fn refused(text: &str) -> String {
    let source = support::policy("e.toml", text);
    let snapshot = support::sample(Cloud::Public);
    match pipeline::generate(&source, Catalog::builtin(), &snapshot, None) {
        Ok(_) => panic!("it is taken: {text}"),
        Err(error) => error.to_string(),
    }
}

fn need(way: &str, tag: &str, ports: &str) -> String {
    let direction = if way == "from" { "inbound" } else { "outbound" };
    format!(
        "[[allow]]\ndirection = \"{direction}\"\n{way} = \"{tag}\"\nprotocol = \"tcp\"\nports = \"{ports}\"\n"
    )
}

const BASTION: &str = "AzureBastionSubnet]\nprefixes = [\"10.20.253.0/26\"]";
const GATEWAY: &str = "gw]\nprefixes = [\"10.20.9.0/24\"]\nrole = \"application-gateway\"";
const API: &str = "api]\nprefixes = [\"10.20.8.0/24\"]\nrole = \"delegated:Microsoft.ApiManagement/service\"";

fn bastion() -> Vec<String> {
    vec![
        need("from", "Internet", "443"),
        need("from", "GatewayManager", "443"),
        need("from", "VirtualNetwork", "5701,8080"),
        need("to", "VirtualNetwork", "22,3389,5701,8080"),
        need("to", "AzureCloud", "443"),
        need("from", "AzureLoadBalancer", "443"),
        need("to", "Internet", "80"),
    ]
}

#[test]
fn a_firewall_is_not_asked_about_what_no_table_leads_to_it() {
    let needs = bastion().concat().replace("[[allow]]", "[[allow]]\nsubnet = \"AzureBastionSubnet\"");
    let text = policy(BASTION, &needs, "")
        .replace("address-space", "firewall = \"10.20.255.4\"\npeers = [\"10.0.0.0/22\"]\naddress-space");
    let work = "[subnets.work]\nprefixes = [\"10.20.1.0/24\"]\n[[allow]]\nsubnet = \"work\"\nto = \"Sql\"\nports = 1433\n";
    let made = made(&format!("{text}{work}"));
    let firewall = made.files.iter().find(|file| file.name == "firewall.arm.json").expect("there is one");
    let firewall = String::from_utf8_lossy(&firewall.bytes);
    assert!(firewall.contains("10.20.1.0/24") && !firewall.contains("10.20.253."), "{firewall}");
    // It works all the same, there and back.
    assert!(made.proof.works.iter().all(|work| work.stops_at.is_none()), "{:?}", made.proof.works);
    let uncovered = made.plan.gaps.iter().find(|gap| gap.covered_by.is_empty());
    assert!(uncovered.is_none(), "{uncovered:?}");
}

#[test]
fn a_bastion_without_one_of_its_rules_is_refused_at_its_line() {
    let whole = made(&policy(BASTION, &bastion().concat(), ""));
    assert!(whole.proof.warnings.is_empty(), "{:?}", whole.proof.warnings);
    for at in 0..5 {
        let mut needs = bastion();
        let taken = needs.remove(at);
        let said = refused(&policy(BASTION, &needs.concat(), ""));
        assert!(
            said.contains("Azure takes no group on this subnet without rules that let TCP "),
            "{taken}{said}"
        );
        assert!(said.contains("e.toml:6:"), "{said}");
    }
    let narrow =
        policy(BASTION, &bastion().concat().replace("\"22,3389,5701,8080\"", "\"22,5701,8080\""), "");
    assert!(refused(&narrow).contains("TCP 3389 out to VirtualNetwork"), "{}", refused(&narrow));
    let regional = policy(BASTION, &bastion().concat().replace("AzureCloud", "AzureCloud.westeurope"), "");
    assert!(refused(&regional).contains("TCP 443 out to AzureCloud"), "{}", refused(&regional));
    // What the page asks for besides is a warning.
    let plain = made(&policy(BASTION, &bastion()[..5].concat(), "[nsg]\nload-balancer = \"deny\"\n"));
    let warned: Vec<&String> = plain.proof.warnings.iter().collect();
    assert_eq!(warned.len(), 2, "{warned:?}");
    // Without a group there is nothing to take, and without needs none is made.
    made(&policy(BASTION, "", "[subnets.a]\nprefixes = [\"10.20.1.0/24\"]\n"));
}

/// Azure looks for the rules, not for their effect: the same addresses in place of a tag are not what it looks for.
#[test]
fn files_of_a_bastion_with_addresses_in_place_of_a_tag_are_refused() {
    let made = made(&policy(BASTION, &bastion().concat(), ""));
    let snapshot = support::sample(Cloud::Public);
    for (name, before, after) in [
        ("nsg.arm.json", "\"", "\""),
        ("nsg.bicep", "'", "'"),
        ("nsg.tf", "\"", "\""),
        ("nsg.sh", "'", "'"),
        ("nsg.csv", ",", ","),
    ] {
        let text = support::text_of(&made, name);
        let (tag, list) = (format!("{before}VirtualNetwork{after}"), format!("{before}10.20.0.0/16{after}"));
        assert!(text.contains(&tag), "{name}");
        let report = support::prove_with(&made, &snapshot, name, text.replace(&tag, &list).as_bytes());
        assert!(report.to_string().contains("bastion-rules"), "{name}: {report}");
    }
}

#[test]
fn an_application_gateway_lets_its_manager_in_to_all_ports_before_anything_is_denied() {
    let manager = need("from", "GatewayManager", "65200-65535");
    let web = need("from", "Internet", "443");
    let whole = made(&policy(GATEWAY, &(manager.clone() + &web), ""));
    assert!(whole.proof.warnings.is_empty(), "{:?}", whole.proof.warnings);
    let none = refused(&policy(GATEWAY, &web, ""));
    assert!(none.contains("TCP 65200-65535 in from GatewayManager") && none.contains("e.toml:6:"), "{none}");
    // Both ends alone are not what lies between them.
    let ends = refused(&policy(GATEWAY, &(web.clone() + &need("from", "GatewayManager", "65200,65535")), ""));
    assert!(ends.contains("TCP 65200-65535 in from GatewayManager"), "{ends}");
    let by_list =
        refused(&policy(GATEWAY, &(web.clone() + &need("from", "203.0.113.0/24", "65200-65535")), ""));
    assert!(by_list.contains("by these tags"), "{by_list}");
    // A deny comes before every allow.
    let denied = "[[deny]]\nfrom = \"Internet\"\nprotocol = \"tcp\"\nports = \"60000-65300\"\n";
    let late = refused(&policy(GATEWAY, &(manager + &web), denied));
    assert!(
        late.contains("denies some of it before") && late.contains("application-gateway-ports"),
        "{late}"
    );
}

#[test]
fn api_management_is_warned_of() {
    let needs = [
        need("from", "ApiManagement", "3443"),
        need("from", "AzureLoadBalancer", "6390"),
        need("to", "Storage.westeurope", "443"),
        need("to", "Sql", "1433"),
        need("to", "AzureKeyVault", "443"),
        need("to", "AzureMonitor", "443,1886"),
    ];
    let whole = made(&policy(API, &needs.concat(), ""));
    assert!(whole.proof.warnings.is_empty(), "{:?}", whole.proof.warnings);
    for (at, expected) in [
        (0, "TCP 3443 in from ApiManagement"),
        (2, "TCP 443 out to Storage"),
        (3, "TCP 1433 out to Sql"),
        (4, "TCP 443 out to AzureKeyVault"),
        (5, "TCP 1886 out to AzureMonitor"),
    ] {
        let mut some = needs.to_vec();
        some.remove(at);
        let made = made(&policy(API, &some.concat(), ""));
        assert!(made.proof.warnings.iter().any(|text| text.contains(expected)), "{:?}", made.proof.warnings);
    }
    // Azure's own rule lets out what nothing denies.
    let open = made(&policy(API, &needs[..2].concat(), "[nsg]\ndeny-rest = false\n"));
    assert!(open.proof.warnings.is_empty(), "{:?}", open.proof.warnings);
}
