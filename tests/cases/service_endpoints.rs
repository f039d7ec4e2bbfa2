//! Service endpoints of subnets: what they take past the route table, which needs work by them, and what that opens.

use crate::support;
use tagwall::Error;
use tagwall::analyse::{Asked, Explainer, Far};
use tagwall::catalog::Catalog;
use tagwall::packet::{Direction, Ports, Protocol};
use tagwall::pipeline::{self, Generation};
use tagwall::policy::PolicySource;
use tagwall::read::live::read_live;
use tagwall::tags::Cloud;
use tagwall::verify::WorkState;

/// A subnet with these endpoints, with more keys of the policy, and what it needs.
fn try_made(endpoints: &str, keys: &str, needs: &str) -> Result<Generation, Error> {
    let text = format!(
        "schema = 1\nname = \"e\"\nregion = \"westeurope\"\n{keys}\n[network]\naddress-space = [\"10.20.0.0/16\"]\n\
         firewall = \"10.20.255.4\"\n[subnets.training]\nprefixes = [\"10.20.1.0/24\"]\n\
         service-endpoints = [{endpoints}]\n{needs}"
    );
    let source = PolicySource::read("e.toml", &text)?;
    pipeline::generate(&source, Catalog::builtin(), &support::sample(Cloud::Public), None)
}

fn made(endpoints: &str, keys: &str, needs: &str) -> Generation {
    try_made(endpoints, keys, needs).unwrap_or_else(|error| panic!("{endpoints} {keys}: {error}"))
}

fn refused(endpoints: &str, keys: &str, needs: &str) -> String {
    try_made(endpoints, keys, needs).map(drop).expect_err("it is refused").to_string()
}

fn need(to: &str) -> String {
    format!("[[allow]]\nto = \"{to}\"\nprotocol = \"tcp\"\nports = 443\n")
}

const STORAGE: &str = "\"Microsoft.Storage\"";
/// Nothing leaves by the table.
const SHUT: &str = "route-table.default = \"none\"\noutput.targets = [\"nsg\", \"route-table\"]";

/// The routes of an endpoint come before the table's: what it takes works though the table drops all, and nothing else does.
#[test]
fn needs_work_by_the_regions_that_an_endpoint_takes() {
    for (endpoints, to, works) in [
        ("", "Storage.westeurope", false),
        (STORAGE, "Storage.westeurope", true),
        (STORAGE, "Storage.northeurope", true),
        (STORAGE, "Storage.eastus", false),
        ("\"Microsoft.Storage.Global\"", "Storage.eastus", true),
        ("\"Microsoft.Sql\"", "Sql.westeurope", true),
        ("\"Microsoft.Sql\"", "Sql.northeurope", false),
        ("\"microsoft.keyvault\"", "AzureKeyVault.eastus", true),
        ("\"Microsoft.KeyVault\"", "Sql.westeurope", false),
    ] {
        match works {
            true => {
                let made = made(endpoints, SHUT, &need(to));
                assert!(
                    made.proof.works.iter().all(|work| work.state == WorkState::Works),
                    "{endpoints} {to}"
                );
            }
            false => {
                let error = refused(endpoints, SHUT, &need(to));
                assert!(error.contains("works nowhere for subnet training"), "{endpoints} {to}: {error}");
            }
        }
    }
}

/// The report says how they are turned on without turning others off, and which needs go by them.
#[test]
fn the_report_says_what_goes_by_an_endpoint() {
    let made = made("\"Microsoft.Storage\", \"Microsoft.Sql\"", "", &need("Storage.westeurope"));
    let report = support::text_of(&made, "report.md");
    let section = report.split("## Service endpoints\n").nth(1).expect("the section is there");
    let section = section.split("\n## ").next().unwrap_or_default();
    assert!(
        section.contains("| training | `Microsoft.Sql` |") && section.contains("no need by address"),
        "{section}"
    );
    assert!(section.contains("Storage.WestEurope tcp 443"), "{section}");
    let command =
        report.lines().find(|line| line.contains("--service-endpoints")).expect("the command is there");
    assert!(command.contains("printf '%s\\n' Microsoft.Sql Microsoft.Storage;"), "{command}");
    assert!(command.contains("az network vnet subnet show"), "{command}");
}

/// What an endpoint takes past the firewall has to be asked for.
#[test]
fn what_goes_past_the_firewall_by_an_endpoint_is_asked_for() {
    made(STORAGE, "", &need("Storage.westeurope"));
    let open = "nsg.deny-rest = false";
    let error = refused(STORAGE, open, &need("Storage.westeurope"));
    assert!(error.contains("past the firewall by the service endpoint Microsoft.Storage"), "{error}");
    assert!(error.contains("`[[route]]`"), "{error}");
    made("", open, &need("Storage.westeurope"));
    let routes =
        "[[route]]\nto = [\"Storage.westeurope\", \"Storage.northeurope\"]\nnext-hop = \"internet\"\n";
    made(STORAGE, open, &(need("Storage.westeurope") + routes));

    // The firewall would judge the name; the group cannot.
    let hosts = need("fqdn:example.org");
    made("", "nsg.hosts = \"internet\"", &hosts);
    let error = refused(STORAGE, "nsg.hosts = \"internet\"", &hosts);
    assert!(error.contains("by the service endpoint Microsoft.Storage"), "{error}");
    made(STORAGE, "nsg.hosts = \"internet\"", &(hosts + &need("Internet")));
}

/// A service endpoint policy lets only what it lists through, so that nothing is open by its endpoint.
#[test]
fn a_service_endpoint_policy_narrows_what_is_open() {
    let account = "[[allow]]\nworkload = \"aml-compute\"\nstorage-account-ids = [\"/subscriptions/\
                   00000000-0000-0000-0000-000000000000/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/account\"]\n";
    let open = "nsg.deny-rest = false";
    for endpoints in ["", STORAGE] {
        let made = made(endpoints, open, account);
        let own = &made.policy.network.subnets["training"].endpoints;
        assert_eq!(
            own.iter().map(|e| (e.service.as_str(), e.narrowed)).collect::<Vec<_>>(),
            [("Microsoft.Storage", true)]
        );
        // With a policy the endpoint is of all regions.
        let snapshot = support::sample(Cloud::Public);
        assert_eq!(own[0].addresses.v4, snapshot.tag("Storage").unwrap().set().v4);
    }
    let error = refused("\"Microsoft.Sql\"", open, account);
    assert!(error.contains("by the service endpoint Microsoft.Sql"), "{error}");
}

#[test]
fn names_that_are_not_there_and_endpoints_that_clash_are_refused() {
    let error = refused("\"Microsoft.Storge\"", "", &need("Sql"));
    assert!(
        error.contains("no service endpoint is called `Microsoft.Storge`; did you mean Microsoft.Storage"),
        "{error}"
    );
    for twice in
        ["\"Microsoft.Storage\", \"Microsoft.Storage.Global\"", "\"Microsoft.Sql\", \"Microsoft.Sql\""]
    {
        let error = refused(twice, "", &need("Sql"));
        assert!(error.contains("takes one of both"), "{error}");
    }
}

/// `explain` of an export: an endpoint takes what is of its regions where the network's is known, else all of its service.
#[test]
fn explain_leads_by_an_endpoint_what_is_of_its_regions() {
    let snapshot = support::sample(Cloud::Public);
    let way = |location: Option<&str>, tag: &str| {
        let network = serde_json::json!({
            "type": "Microsoft.Network/virtualNetworks", "name": "net", "location": location,
            "properties": {"addressSpace": {"addressPrefixes": ["10.20.0.0/16"]}, "subnets": [{"name": "s", "properties": {
                "addressPrefix": "10.20.1.0/24", "serviceEndpoints": [{"service": "Microsoft.Storage"}],
                "routeTable": {"id": "/subscriptions/x/resourceGroups/g/providers/Microsoft.Network/routeTables/t"},
            }}]},
        });
        let table = serde_json::json!({
            "type": "Microsoft.Network/routeTables", "name": "t", "properties": {"routes": [{"name": "default", "properties":
                {"addressPrefix": "0.0.0.0/0", "nextHopType": "VirtualAppliance", "nextHopIpAddress": "10.20.255.4"}}]},
        });
        let bytes = serde_json::Value::from(vec![network, table]).to_string();
        let live = read_live(&[("net.json", bytes.as_bytes())]).expect("it is read");
        let explainer = Explainer::new(&live, &snapshot, None);
        let set = snapshot.tag(tag).expect("the sample has it").set();
        let asked = Asked {
            direction: Direction::Outbound,
            subnet: Some("s".to_owned()),
            near: None,
            far: Far::Address(std::net::IpAddr::V4(set.v4.first().expect("it has some").into())),
            protocol: Protocol::Tcp,
            ports: "443".parse::<Ports>().expect("a port"),
        };
        explainer.packet(&asked).expect("it is decided").expect("there is such a packet").way
    };
    for (location, tag, wanted) in [
        (Some("westeurope"), "Storage.WestEurope", "direct"),
        (Some("westeurope"), "Storage.NorthEurope", "direct"),
        (Some("westeurope"), "Storage.EastUS", "firewall"),
        (Some("westeurope"), "Sql.WestEurope", "firewall"),
        (None, "Storage.EastUS", "direct"),
    ] {
        assert_eq!(way(location, tag), wanted, "{location:?} {tag}");
    }
}
