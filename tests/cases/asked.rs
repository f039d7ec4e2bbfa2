//! What a policy can say of its network, and what is said at the line where it says something that Azure does not take.

use crate::support;
use tagwall::catalog::Catalog;
use tagwall::policy::{self, Outbound, Policy, PolicyErrors, PolicySource, Role};
use tagwall::tags::Cloud;

const HEAD: &str = "schema = 1\nname = \"asked\"\nregion = \"westeurope\"\n";
const NETWORK: &str = "[network]\naddress-space = [\"10.20.0.0/16\"]\nfirewall = \"10.20.255.4\"\n";
const SUBNET: &str = "[subnets.work]\nprefixes = [\"10.20.1.0/24\"]\n";
const NEED: &str = "[[allow]]\nto = \"Sql\"\nprotocol = \"tcp\"\nports = 1433\n";

fn expand(text: &str) -> Result<Policy, PolicyErrors> {
    let source = PolicySource::read("asked.toml", text)?;
    policy::expand(&source, Catalog::builtin(), &support::sample(Cloud::Public))
}

/// The errors of a policy as they are printed.
fn errors(text: &str) -> String {
    expand(text).map(|_| ()).expect_err(text).to_string()
}

/// The line of the first place in `text` that holds `part`.
fn line_of(text: &str, part: &str) -> usize {
    text.lines().position(|line| line.contains(part)).expect("the text has the part") + 1
}

#[test]
fn what_azure_does_not_take_is_an_error_at_its_line() {
    let network = |line: &str| format!("{HEAD}[network]\n{line}\n{SUBNET}{NEED}");
    let subnet = |name: &str, lines: &str| format!("{HEAD}{NETWORK}[subnets.{name}]\n{lines}\n{NEED}");
    let need = |lines: &str| format!("{HEAD}{NETWORK}{SUBNET}[[allow]]\n{lines}\n");
    let space = "address-space = [\"10.20.0.0/16\"]";
    for (text, at, message) in [
        (network(&format!("{space}\nfirewall = \"52.1.2.3\"")), "52.1.2.3", "never to a public one"),
        (network(&format!("{space}\nfirewall = \"10.20.1.4\"")), "10.20.1.4", "inside subnet work"),
        (
            network(&format!("{space}\nfirewall = \"10.20.1.1\"")),
            "10.20.1.1",
            "keeps this address of 10.20.1.0/24",
        ),
        (network("address-space = [\"10.20.0.0\"]"), "\"10.20.0.0\"", "an address without a length"),
        (
            network(&format!("{space}\npeers = [\"10.20.4.0/22\"]")),
            "10.20.4.0/22",
            "in network.address-space",
        ),
        (network(&format!("{space}\ndns = \"resolver\"")), "resolver", "not an IP address"),
        (subnet("work", "prefixes = [\"10.20.1.0\"]"), "\"10.20.1.0\"", "an address without a length"),
        (subnet("work", "prefixes = [\"10.20.1.4/32\"]"), "10.20.1.4/32", "IPv4 subnets from /29 on"),
        (subnet("_web", "prefixes = [\"10.20.1.0/24\"]"), "[subnets._web]", "no name that Azure takes"),
        (subnet("work", "prefixes = [\"10.20.1.0/28\"]\nnodes = 12"), "nodes = 12", "room for 11"),
        (
            subnet("work", "prefixes = [\"10.20.1.0/24\"]\nrole = \"AzureBastonSubnet\""),
            "role",
            "did you mean AzureBastionSubnet",
        ),
        (
            subnet("work", "prefixes = [\"10.20.1.0/24\"]\nrole = \"GatewaySubnet\""),
            "role",
            "has to be called GatewaySubnet",
        ),
        (
            subnet("GatewaySubnet", "prefixes = [\"10.20.1.0/24\"]"),
            "[[allow]]",
            "no subnet of the policy takes rules",
        ),
        (
            need("direction = \"inbound\"\nto = \"Sql\""),
            "to = \"Sql\"",
            "an inbound need has its remotes in `from`",
        ),
        (
            need("from = \"fqdn:example.org\""),
            "fqdn:example.org",
            "name the addresses or the service tag of the caller",
        ),
        (need("to = \"asg:_web\""), "asg:_web", "cannot be the name of an application security group"),
        (
            format!("{HEAD}{NETWORK}{SUBNET}{NEED}[limits]\ndate = \"last May\"\n"),
            "last May",
            "write one as 2026-05-01",
        ),
        (
            format!("{HEAD}[network]\n{space}\n{SUBNET}{NEED}[output]\ntargets = [\"nsg\", \"firewall\"]\n"),
            "targets = ",
            "network.firewall is not set",
        ),
        (format!("{HEAD}{NETWORK}{SUBNET}{NEED}[nsg]\nreserved = [\"90-95\"]\n"), "90-95", "100 to 4096"),
        (
            format!("{HEAD}{NETWORK}{SUBNET}{NEED}[names]\nnsg = \"-x\"\n"),
            "-x",
            "no name that Azure takes here",
        ),
        (
            format!("{HEAD}{NETWORK}{SUBNET}[[deny]]\nto = \"AzurePlatformDNS\"\nports = 53\n"),
            "[[deny]]",
            "for every protocol and port",
        ),
        (
            format!("{HEAD}{NETWORK}{SUBNET}[[deny]]\nfrom = \"AzurePlatformIMDS\"\n"),
            "AzurePlatformIMDS",
            "can only be a destination",
        ),
    ] {
        let found = errors(&text);
        assert!(found.contains(message), "{message} in {found}");
        let line = format!("asked.toml:{}", line_of(&text, at));
        assert!(found.contains(&line), "{line} in {found}");
    }
}

#[test]
fn lines_of_the_route_table_that_contradict_something() {
    let policy = |lines: &str| format!("{HEAD}{NETWORK}{SUBNET}{NEED}[[route]]\n{lines}\n");
    for (lines, message) in [
        ("to = \"203.0.113.0/24\"\nnext-hop = \"internte\"", "did you mean internet?"),
        ("to = \"203.0.113.0/24\"\nnext-hop = \"52.1.2.3\"", "never to a public one"),
        (
            "to = \"10.20.9.4/32\"\nnext-hop = \"internet\"",
            "would take 10.20.9.4/32 out of the virtual network",
        ),
        ("to = \"203.0.113.0/24\"\nnext-hop = \"vnet\"", "leads into the network"),
        ("to = \"168.63.129.16\"\nnext-hop = \"firewall\"", "which is never routed"),
        ("to = \"fqdn:example.org\"\nnext-hop = \"firewall\"", "a route leads to prefixes or a service tag"),
        ("to = \"203.0.113.0/24\"\nnext-hop = \"internet\"\nsubnet = \"wrok\"", "did you mean work?"),
        (
            "to = \"203.0.113.0/24\"\nnext-hop = \"internet\"\n[[route]]\nto = \"203.0.113.0/24\"\nnext-hop = \"gateway\"",
            "two next hops",
        ),
        (
            "to = \"0.0.0.0/0\"\nnext-hop = \"internet\"\n[[route]]\nto = \"*\"\nnext-hop = \"gateway\"",
            "two next hops",
        ),
    ] {
        let found = errors(&policy(lines));
        assert!(found.contains(message), "{message} in {found}");
    }
}

#[test]
fn reserved_names_say_the_role_and_other_keys_are_resolved() {
    let text = format!(
        "{HEAD}[network]\naddress-space = [\"10.20.0.0/16\"]\npeers = [\"10.0.0.0/22\"]\non-premises = [\"172.20.0.0/16\"]\n\
         dns = [\"10.0.0.4\"]\n[subnets.gatewaysubnet]\nprefixes = [\"10.20.0.0/27\"]\n{SUBNET}outbound = \"nat\"\nprivate = true\n\
         nodes = 50\n[subnets.dbx]\nprefixes = [\"10.20.2.0/24\"]\nrole = \"delegated:Microsoft.Databricks/workspaces\"\n{NEED}"
    );
    let policy = expand(&text).map_err(|e| panic!("{e}")).unwrap();
    let subnet = |name: &str| &policy.network.subnets[name];
    assert_eq!(subnet("gatewaysubnet").role, Role::Gateway);
    assert_eq!(subnet("dbx").role, Role::Delegated("Microsoft.Databricks/workspaces".to_owned()));
    assert_eq!((subnet("work").outbound, subnet("work").private), (Some(Outbound::Nat), Some(true)));
    assert_eq!(subnet("work").nodes, Some(50));
    assert_eq!(
        policy.network.virtual_network(),
        support::set(&["10.0.0.0/22", "10.20.0.0/16", "172.20.0.0/16"])
    );
    assert_eq!(policy.network.dns, ["10.0.0.4".parse::<std::net::IpAddr>().unwrap()]);
    let subnets: Vec<&str> = policy.flows.iter().map(|flow| flow.subnet.as_str()).collect();
    assert_eq!(subnets, ["dbx", "work"], "what names no subnet is for all that take rules");
}

#[test]
fn a_port_that_manages_machines_is_open_to_all_only_with_a_warning() {
    let text =
        format!("{HEAD}{NETWORK}{SUBNET}[[allow]]\nfrom = \"*\"\nprotocol = \"tcp\"\nports = \"443,3389\"\n");
    let policy = expand(&text).map_err(|e| panic!("{e}")).unwrap();
    let line = line_of(&text, "from = \"*\"");
    let [warning] = policy.remarks.warnings.as_slice() else { panic!("{:?}", policy.remarks.warnings) };
    assert!(
        warning.starts_with(&format!("line {line}: RDP (3389) is opened to the whole Internet")),
        "{warning}"
    );
    let closed = text.replace("443,3389", "443");
    assert!(expand(&closed).unwrap().remarks.warnings.is_empty());
}

#[test]
fn the_plain_addresses_of_one_list_are_one_need() {
    let list: Vec<String> = (0..2100).map(|n| format!("\"198.18.{}.{}\"", n / 128, n % 128 * 2)).collect();
    let text = format!(
        "{HEAD}{NETWORK}{SUBNET}[[allow]]\nfrom = [{}]\nprotocol = \"tcp\"\nports = 443\n",
        list.join(", ")
    );
    let policy = expand(&text).map_err(|e| panic!("{e}")).unwrap();
    let [flow] = policy.flows.as_slice() else { panic!("{} flows", policy.flows.len()) };
    assert!(flow.id.as_str().starts_with("work/policy/from 198.18.0.0/32 and 2099 more ("), "{}", flow.id);
}
