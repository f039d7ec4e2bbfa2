//! The trial, row by row: each situation is given to the command on a real week, and its outcome is judged. What T6, T8,
//! T11 and T14 ask for is held in `trial.rs`, `tests/cases/preconditions.rs` and `tests/cases/way.rs`.

use std::collections::BTreeSet;
use std::process::Output;

use crate::fake::{Place, stderr};
use crate::support;
use serde_json::Value;

const NETWORK: &str = "[network]\naddress-space = [\"10.20.0.0/16\"]\nfirewall = \"10.20.255.4\"\n";
const HEAD: &str = "schema = 1\nname = \"e\"\nregion = \"westeurope\"\n";
const SUBNET: &str = "[subnets.a]\nprefixes = [\"10.20.1.0/24\"]\n";

/// A folder with a real week of a cloud, and the command in it.
struct Row(Place);

impl Row {
    fn new(test: &str, week: &str) -> Option<Row> {
        let shared = support::shared(test)?;
        let place = Place::new();
        let packed = shared.join(format!("data/service-tags/ServiceTags_{week}.json.xz"));
        std::fs::write(place.path("week.json"), support::unpack(&packed)).unwrap();
        Some(Row(place))
    }

    fn public(test: &str) -> Option<Row> {
        Row::new(test, "Public_20260622")
    }

    fn generate(&self, policy: &str) -> Output {
        std::fs::write(self.0.path("p.toml"), policy).unwrap();
        self.0.run(&["generate", "p.toml", "--snapshot", "week.json", "--out", "out"])
    }

    /// What is made, which has to be; what was said beside it.
    fn made(&self, policy: &str) -> String {
        let output = self.generate(policy);
        assert!(output.status.success(), "{}", stderr(&output));
        stderr(&output)
    }

    /// The code and the words of what is not made.
    fn refused(&self, policy: &str) -> (i32, String) {
        let output = self.generate(policy);
        (output.status.code().unwrap_or(-1), stderr(&output))
    }

    fn text(&self, name: &str) -> String {
        let path = self.0.path(&format!("out/e/{name}"));
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.text(name)).unwrap()
    }

    /// The route table of each subnet, by the manifest.
    fn tables(&self) -> Vec<(String, Option<String>)> {
        let manifest = self.json("manifest.json");
        let all = manifest["associations"].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().map(str::to_owned);
        all.map(|put| (text(&put["subnet"]).unwrap(), text(&put["route_table"]))).collect()
    }

    /// Destination and kind of hop of the routes of a table.
    fn routes(&self, table: &str) -> Vec<(String, String)> {
        let template = self.json("route-table.arm.json");
        let found = template["resources"].as_array().unwrap().iter().find(|one| one["name"] == table);
        let routes = found.expect("the table is there")["properties"]["routes"].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        routes
            .map(|one| (text(&one["properties"]["addressPrefix"]), text(&one["properties"]["nextHopType"])))
            .collect()
    }
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn t1_private_and_public_compute_side_by_side() {
    let Some(row) = Row::public("t1") else { return };
    row.made(&format!(
        "{HEAD}{NETWORK}[subnets.private]\nprefixes = [\"10.20.1.0/24\"]\n[subnets.public]\nprefixes = [\"10.20.2.0/24\"]\n\
         [[allow]]\nworkload = \"aml-compute\"\nsubnet = \"private\"\n\
         [[allow]]\nworkload = \"aml-compute\"\nsubnet = \"public\"\npublic-ip = true\n"
    ));
    let own = |table: &str| Some(table.to_owned());
    assert_eq!(
        row.tables(),
        [("private".to_owned(), own("e-routes")), ("public".to_owned(), own("e-public-routes"))]
    );
    assert_eq!(row.routes("e-routes"), [("0.0.0.0/0".to_owned(), "VirtualAppliance".to_owned())]);
    let public = row.routes("e-public-routes");
    assert!(public.iter().any(|(to, hop)| to == "AzureMachineLearning" && hop == "Internet"), "{public:?}");
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn t2_databricks_beside_others_in_china() {
    let Some(row) = Row::new("t2", "China_20260720") else { return };
    let subnets: String =
        (1..=4).map(|n| format!("[subnets.s{n}]\nprefixes = [\"10.20.{n}.0/24\"]\n")).collect();
    row.made(&format!(
        "schema = 1\nname = \"e\"\ncloud = \"china\"\nregion = \"chinanorth3\"\n{NETWORK}{subnets}\
         [[allow]]\nworkload = \"databricks\"\nsubnet = [\"s1\", \"s2\"]\n[[allow]]\nworkload = \"aml-compute\"\nsubnet = \"s3\"\n"
    ));
    let tables: Vec<Option<String>> = row.tables().into_iter().map(|(_, table)| table).collect();
    assert_eq!((&tables[0], tables[3].as_deref()), (&tables[1], None));
    assert_ne!(tables[0], tables[2]);
    let direct = |table: &Option<String>| {
        row.routes(table.as_deref().unwrap()).iter().filter(|(_, hop)| hop == "Internet").count()
    };
    assert!(direct(&tables[0]) > 5 && direct(&tables[2]) == 0, "{tables:?}");
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn t3_a_default_that_drops_leaves_nothing_that_works() {
    let Some(row) = Row::public("t3") else { return };
    let policy = |more: &str| {
        format!(
            "{more}{HEAD}{NETWORK}{SUBNET}[[allow]]\nworkload = \"aml-compute\"\n[route-table]\ndefault = \"none\"\n"
        )
    };
    let (code, said) = row.refused(&policy(""));
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("works nowhere for subnet a") && !said.contains("nothing is left out"), "{said}");
    row.made(&policy("accept-missing = true\n"));
    let works = row.json("manifest.json")["works"].as_array().unwrap().clone();
    assert!(works.iter().any(|one| one["state"] == "nowhere" && one["stops_at"] == "route"), "{works:?}");
    let report = row.text("report.md");
    assert!(!report.contains("nothing that was asked for is left out"), "{report}");
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn t4_databricks_a_second_time_over_its_own_rules() {
    let Some(row) = Row::public("t4") else { return };
    let subnet = |name: &str, prefix: &str| {
        format!(
            "[subnets.{name}]\nprefixes = [\"{prefix}\"]\nrole = \"delegated:Microsoft.Databricks/workspaces\"\n"
        )
    };
    let policy = format!(
        "{HEAD}{NETWORK}{}{}[[allow]]\nworkload = \"databricks\"\nsubnet = [\"container\", \"host\"]\n\
         [output]\nformats = [\"arm\", \"azcli\"]\n",
        subnet("container", "10.20.1.0/24"),
        subnet("host", "10.20.2.0/24")
    );
    row.made(&policy);
    let first = row.text("nsg.arm.json");
    row.made(&policy);
    assert_eq!(row.text("nsg.arm.json"), first, "a second run changes nothing");
    const KEPT: &str = "Microsoft.Databricks-workspaces_UseOnly_databricks-worker-to-worker-inbound";
    let template = row.json("nsg.arm.json");
    let rules = template["resources"][0]["properties"]["securityRules"].as_array().unwrap().clone();
    let kept = rules.iter().find(|rule| rule["name"] == KEPT).expect("the rule is in the template");
    assert_eq!(kept["properties"]["priority"], 100);
    let script = row.text("nsg.sh");
    let own = script.split("own='").nth(1).and_then(|rest| rest.split('\'').next()).unwrap();
    assert!(own.lines().all(|start| !KEPT.starts_with(start)), "the script would delete it: {own}");
    assert!(row.0.run(&["init", "init.toml", "--workload", "databricks"]).status.success());
    let written = std::fs::read_to_string(row.0.path("init.toml")).unwrap();
    assert_eq!(
        written.matches("role = \"delegated:Microsoft.Databricks/workspaces\"").count(),
        2,
        "{written}"
    );
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn t5_hosts_of_many_tools_fit_one_group() {
    let Some(row) = Row::public("t5") else { return };
    let subnets: String =
        (1..=3).map(|n| format!("[subnets.s{n}]\nprefixes = [\"10.20.{n}.0/24\"]\n")).collect();
    let tools: String = "python pytorch tensorflow docker huggingface vscode vscode-web r rstudio"
        .split(' ')
        .map(|tool| format!("{tool} = true\n"))
        .collect();
    row.made(&format!(
        "{HEAD}{NETWORK}{subnets}[nsg]\nhosts = \"internet\"\n[[allow]]\nworkload = \"aml-compute\"\n\
         [[allow]]\nworkload = \"aml-training-internet\"\n{tools}[[allow]]\nworkload = \"aml-workspace\"\n"
    ));
    let template = row.json("nsg.arm.json");
    let rules = template["resources"][0]["properties"]["securityRules"].as_array().unwrap().clone();
    let listed =
        |rule: &Value| rule["properties"]["destinationAddressPrefixes"].as_array().map_or(1, Vec::len);
    let entries: usize = rules.iter().map(listed).sum();
    assert!((74..=300).contains(&entries), "{entries} destination prefixes");
    let wide: Vec<&Value> = rules.iter().filter(|rule| listed(rule) > 50).collect();
    let kinds: BTreeSet<String> = wide
        .iter()
        .map(|rule| {
            let own = &rule["properties"];
            format!("{} {} {}", own["protocol"], own["destinationPortRange"], own["destinationPortRanges"])
        })
        .collect();
    assert_eq!(kinds.len(), wide.len(), "one rule for each protocol and set of ports: {kinds:?}");
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn t7_what_comes_from_the_hub_or_the_network_needs_no_route_back() {
    let Some(row) = Row::public("t7") else { return };
    let from = |text: &str| {
        format!("[[allow]]\ndirection = \"inbound\"\nfrom = \"{text}\"\nprotocol = \"tcp\"\nports = 443\n")
    };
    for sender in ["10.0.5.0/24", "10.20.9.0/24", "VirtualNetwork"] {
        row.made(&format!("{HEAD}{NETWORK}{SUBNET}{}", from(sender)));
        let report = row.text("report.md");
        assert!(!report.contains("replies would leave by the firewall"), "{sender}: {report}");
        assert!(report.contains("the routes of the network and its peerings"), "{sender}: {report}");
    }
    let outside = from("203.0.113.0/24");
    row.made(&format!("{HEAD}{NETWORK}{SUBNET}{outside}"));
    assert!(
        row.text("report.md").contains("only if it comes in by where its replies go"),
        "it hangs on that"
    );
    // Where the subnet has public addresses it comes straight.
    let public = format!("{SUBNET}outbound = \"public-ip\"\n");
    let (code, said) = row.refused(&format!("{HEAD}{NETWORK}{public}{outside}"));
    assert!(code == 4 && said.contains("203.0.113.0/24 works nowhere for subnet a"), "{said}");
    row.made(&format!("{HEAD}accept-missing = true\n{NETWORK}{public}{outside}"));
    assert!(row.text("report.md").contains("replies would leave by the firewall"), "from outside it is so");
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn t9_slips_are_found_at_their_lines() {
    let Some(row) = Row::public("t9") else { return };
    let need = "[[allow]]\nto = \"Storage.westeurope\"\nprotocol = \"tcp\"\nports = 443\n";
    let inbound = |more: &str| {
        format!("[[allow]]\ndirection = \"inbound\"\n{more}\nprotocol = \"tcp\"\nports = 3389\n")
    };
    let network = |space: &str, firewall: &str| {
        format!("[network]\naddress-space = [\"{space}\"]\nfirewall = \"{firewall}\"\n")
    };
    for (network, subnet, need, line, words) in [
        (network("10.20.0.0/16", "52.1.2.3"), SUBNET, need.to_owned(), 6, "never to a public one"),
        (network("10.20.0.0/16", "10.20.1.4"), SUBNET, need.to_owned(), 6, "a loop"),
        (
            NETWORK.to_owned(),
            "[subnets.a]\nprefixes = [\"10.20.1.0\"]\n",
            need.to_owned(),
            8,
            "without a length",
        ),
        (network("10.20.0.0", "10.20.255.4"), SUBNET, need.to_owned(), 5, "without a length"),
        (NETWORK.to_owned(), SUBNET, inbound("to = \"10.0.0.0/24\""), 11, "has its remotes in `from`"),
        (NETWORK.to_owned(), SUBNET, inbound("from = \"fqdn:a.example.org\""), 11, "by a host name"),
    ] {
        let (code, said) = row.refused(&format!("{HEAD}{network}{subnet}{need}"));
        assert_eq!(code, 2, "{said}");
        assert!(said.contains(words) && said.contains(&format!("p.toml:{line}:")), "{said}");
    }
    let said = row.made(&format!("{HEAD}{NETWORK}{SUBNET}{}", inbound("from = \"*\"")));
    assert!(said.contains("line 11: RDP (3389) is opened to the whole Internet"), "{said}");
    let said = row.made(&format!("{HEAD}{NETWORK}{SUBNET}{need}[limits]\nroutes-per-table = 4000\n"));
    assert!(said.contains("routes-per-table = 4000 is more than the 1000 that Azure documents"), "{said}");
    let alone = "[network]\naddress-space = [\"10.20.0.0/16\"]\n";
    let host = "[[allow]]\nto = \"fqdn:example.org\"\nprotocol = \"tcp\"\nports = 443\n";
    let (code, said) = row.refused(&format!("{HEAD}{alone}{SUBNET}{host}"));
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("fqdn:example.org works nowhere for subnet a"), "{said}");
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn t10_nothing_is_missing_that_only_public_compute_needs() {
    let Some(row) = Row::public("t10") else { return };
    row.made(&format!("{HEAD}{NETWORK}{SUBNET}[[allow]]\nworkload = \"aml-compute\"\n"));
    let (manifest, report) = (row.json("manifest.json"), row.text("report.md"));
    let works = manifest["works"].as_array().unwrap().clone();
    assert!(works.iter().all(|one| one["state"] != "nowhere"), "{works:?}");
    for (at, line) in report.lines().enumerate().filter(|(_, line)| line.contains("public-ip")) {
        assert!(!line.to_lowercase().contains("required"), "line {}: {line}", at + 1);
    }
    assert!(report.contains("| aml-compute | aml-i1 | only where public-ip |"), "{report}");
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn t12_a_firewall_in_a_network_that_is_not_named() {
    let Some(row) = Row::public("t12") else { return };
    let need = "[[allow]]\nto = \"VirtualNetwork\"\nprotocol = \"tcp\"\nports = 443\n";
    let network = |more: &str| {
        format!("[network]\naddress-space = [\"10.20.0.0/16\"]\nfirewall = \"10.0.1.4\"\n{more}")
    };
    row.made(&format!("{HEAD}{}{SUBNET}{need}", network("")));
    let report = row.text("report.md");
    assert!(
        report.contains("the network's own address space only") && report.contains("network.peers"),
        "{report}"
    );
    row.made(&format!("{HEAD}{}{SUBNET}{need}", network("peers = [\"10.0.0.0/22\"]\n")));
    let report = row.text("report.md");
    assert!(!report.contains("the network's own address space only"), "{report}");
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn t13_fewer_routes_are_named_before_any_budget() {
    let Some(row) = Row::public("t13") else { return };
    let (code, said) = row.refused(&format!(
        "{HEAD}{NETWORK}{SUBNET}[[allow]]\nworkload = \"aml-compute\"\npublic-ip = true\n[route-table]\ntags = \"expand\"\n\
         [limits]\nroutes-per-table = 400\n"
    ));
    assert_eq!(code, 3, "{said}");
    let (fewer, budget) = (said.find("return-route = \"regional\""), said.find("precision.max-extra"));
    assert!(fewer.is_some_and(|fewer| budget.is_none_or(|budget| fewer < budget)), "{said}");
}
