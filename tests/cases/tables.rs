//! One route table for each distinct set of routes, groups for subnets that cannot share one, denies, lines of tables by
//! hand, rules of others: what is made, that it is proven, and that what is put on the wrong subnet is found.

use crate::support;
use serde_json::Value;
use tagwall::pipeline::{self, Generation};
use tagwall::plan::{Action, Association, RouteTo, Side};
use tagwall::tags::{Cloud, Snapshot};
use tagwall::target::Target;
use tagwall::verify::{self, Declared, Inexpressible};

const HEAD: &str = "schema = 1\nname = \"e\"\nregion = \"westeurope\"\n[network]\naddress-space = [\"10.20.0.0/16\"]\n\
                    firewall = \"10.20.255.4\"\n";
const ALL: &str = "[output]\nformats = [\"arm\", \"bicep\", \"terraform\", \"azcli\", \"csv\", \"json\"]\n";

fn made(text: &str) -> Generation {
    support::generate("e.toml", text, &support::sample(Cloud::Public))
}

fn subnet(name: &str, prefix: &str) -> String {
    format!("[subnets.{name}]\nprefixes = [\"{prefix}\"]\n")
}

/// Destination and next hop of each route of a table.
fn routes(made: &Generation, table: &str) -> Vec<String> {
    let table = made.plan.route_tables.iter().find(|t| t.name == table).expect("the table is made");
    table.routes.iter().map(|route| format!("{} -> {}", route.to, route.next_hop)).collect()
}

fn association<'a>(made: &'a Generation, subnet: &str) -> &'a Association {
    made.plan.associations.iter().find(|a| a.subnet == subnet).expect("every subnet is there")
}

/// The proof of what was made, with `associations` in place of those that were declared.
fn proof_with(made: &Generation, associations: &[Association]) -> verify::Report {
    let files = support::named(&made.files);
    let whole = made.plan.gaps.iter().filter(|g| !g.partial);
    let inexpressible: Vec<Inexpressible<'_>> =
        whole.map(|g| Inexpressible { target: g.target, flow: &g.flow }).collect();
    let targets: Vec<Target> = Target::ALL.into_iter().filter(|&t| made.policy.wants(t)).collect();
    let declared = Declared { inexpressible: &inexpressible, associations, ..Declared::default() };
    let snapshot = support::sample(Cloud::Public).with_outside(made.policy.outside());
    verify::check_files(&made.policy, &snapshot, &files, declared, &targets)
}

fn side_by_side() -> String {
    format!(
        "{HEAD}{}{}{}[[allow]]\nworkload = \"aml-compute\"\nsubnet = \"private\"\n[[allow]]\nworkload = \"aml-compute\"\n\
         subnet = \"public\"\npublic-ip = true\n{ALL}",
        subnet("private", "10.20.1.0/24"),
        subnet("public", "10.20.2.0/24"),
        subnet("spare", "10.20.3.0/24"),
    )
}

#[test]
fn private_and_public_compute_have_tables_of_their_own_and_a_subnet_without_needs_has_none() {
    let made = made(&side_by_side());
    assert_eq!(routes(&made, "e-routes"), ["0.0.0.0/0 -> VirtualAppliance 10.20.255.4"]);
    assert_eq!(
        routes(&made, "e-public-routes"),
        ["AzureMachineLearning -> Internet", "0.0.0.0/0 -> VirtualAppliance 10.20.255.4"]
    );
    let table = |subnet| association(&made, subnet).route_table.as_deref();
    assert_eq!(
        (table("private"), table("public"), table("spare")),
        (Some("e-routes"), Some("e-public-routes"), None)
    );
    assert!(made.plan.associations.iter().all(|a| a.nsg.as_deref() == Some("e-nsg")), "all share the group");
    let manifest: Value = serde_json::from_str(support::text_of(&made, "manifest.json")).unwrap();
    assert_eq!(manifest["associations"][1]["route_table"], "e-public-routes");
    assert_eq!(manifest["associations"][2]["route_table"], Value::Null);
    let template: Value = serde_json::from_str(support::text_of(&made, "route-table.arm.json")).unwrap();
    assert_eq!(template["resources"].as_array().unwrap().len(), 2, "one resource for each table");
}

#[test]
fn what_is_put_on_the_wrong_subnet_fails_the_proof() {
    let made = made(&side_by_side());
    assert!(proof_with(&made, &made.plan.associations).is_success());
    type Change = fn(&mut [Association]);
    let changes: [(Change, &str); 5] = [
        (
            |all| {
                let table = all[0].route_table.clone();
                all[0].route_table = all[1].route_table.clone();
                all[1].route_table = table;
            },
            "must go to",
        ),
        (|all| all[0].route_table = None, "no table is there for subnet private"),
        (|all| all[2].route_table = Some("e-routes".to_owned()), "subnet spare has the table"),
        (|all| all[1].nsg = None, "no one group is there"),
        (|all| all[1].subnet = "private".to_owned(), "each once"),
    ];
    for (change, message) in changes {
        let mut associations = made.plan.associations.clone();
        change(&mut associations);
        let report = proof_with(&made, &associations);
        assert!(report.to_string().contains(message), "{message} in {report}");
    }
}

#[test]
fn a_table_of_one_subnet_changed_is_found_by_that_subnet() {
    let made = made(&side_by_side());
    for file in
        ["route-table.arm.json", "route-table.bicep", "route-table.tf", "route-table.csv", "plan.json"]
    {
        let text = support::text_of(&made, file);
        let changed = text.replacen("AzureMachineLearning", "Storage", 2);
        assert_ne!(text, changed, "{file}");
        let report = support::prove_with(&made, &support::sample(Cloud::Public), file, changed.as_bytes());
        assert!(!report.is_success(), "{file}");
    }
}

#[test]
fn hosts_are_opened_once_for_all_subnets_and_ports_of_a_remote_are_one_rule() {
    let text = format!(
        "{HEAD}{}{}{}[[allow]]\nto = [\"fqdn:example.org\", \"fqdn:*.pytorch.org\"]\nprotocol = \"tcp\"\nports = 443\n\
         [[allow]]\nfrom = \"Sql\"\nsubnet = \"a\"\nprotocol = \"tcp\"\nports = 9000\n\
         [[allow]]\nfrom = \"Sql\"\nsubnet = \"a\"\nprotocol = \"tcp\"\nports = \"9003,1438\"\n\
         [[route]]\nto = \"Sql\"\nsubnet = \"a\"\nnext-hop = \"internet\"\n[nsg]\nhosts = \"internet\"\n",
        subnet("a", "10.20.1.0/24"),
        subnet("b", "10.20.2.0/24"),
        subnet("c", "10.20.4.0/24"),
    );
    let made = made(&text);
    let rules: Vec<_> = made.plan.nsg_rules().filter(|rule| !rule.flows.is_empty()).collect();
    let names: Vec<&str> = rules.iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(names, ["a-in-Sql-tcp-1438_9000_9003", "shared-out-hosts-tcp-443"]);
    let Side::Prefixes(list) = &rules[1].source else { panic!("{:?}", rules[1].source) };
    assert_eq!(
        list.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["10.20.1.0/24", "10.20.2.0/24", "10.20.4.0/24"]
    );
    assert_eq!(rules[1].flows.len(), 6, "two hosts of three subnets");
}

#[test]
fn denies_come_before_what_is_allowed_on_each_target() {
    let text = format!(
        "accept-missing = true\n{HEAD}{}[[allow]]\nto = [\"203.0.113.0/24\", \"fqdn:*.example.org\"]\nprotocol = \"tcp\"\nports = \"443\"\n\
         [[allow]]\nfrom = \"Internet\"\nprotocol = \"tcp\"\nports = \"22,443\"\n\
         [[deny]]\nto = [\"203.0.113.128/25\", \"fqdn:bad.example.org\", \"AzurePlatformDNS\"]\n\
         [[deny]]\nfrom = \"Internet\"\nprotocol = \"tcp\"\nports = 22\n{ALL}",
        subnet("a", "10.20.1.0/24"),
    );
    let made = made(&text);
    let denies: Vec<_> =
        made.plan.nsg_rules().filter(|r| r.action == Action::Deny && !r.flows.is_empty()).collect();
    let allows = made.plan.nsg_rules().filter(|r| r.action == Action::Allow);
    let first = allows.map(|rule| rule.priority).min().unwrap();
    assert!(denies.iter().all(|rule| rule.priority < first), "{denies:?}");
    let platform = denies.iter().find(|r| r.destination == Side::Tag("AzurePlatformDNS".to_owned())).unwrap();
    assert!(platform.source == Side::Any && platform.ports.is_all(), "{platform:?}");
    let collections: Vec<_> = made.plan.rule_collections().map(|c| (c.name.as_str(), c.action)).collect();
    assert_eq!(collections[0], ("e-deny-network", Action::Deny));
    // A deny that is taken out, or comes too late, is found in every format.
    for (file, from, to) in [
        ("nsg.arm.json", "\"access\": \"Deny\"", "\"access\": \"Allow\""),
        ("firewall.arm.json", "\"priority\": 110", "\"priority\": 250"),
        ("firewall.bicep", "type: 'Deny'", "type: 'Allow'"),
        ("firewall.tf", "action   = \"Deny\"", "action   = \"Allow\""),
        ("firewall.csv", ",110,Deny,", ",110,Allow,"),
    ] {
        let text = support::text_of(&made, file);
        let changed = text.replacen(from, to, 1);
        assert_ne!(text, changed, "{file}");
        let report = support::prove_with(&made, &support::sample(Cloud::Public), file, changed.as_bytes());
        assert!(!report.is_success(), "{file}");
    }
}

#[test]
fn lines_of_the_table_stand_as_they_are_written() {
    let text = format!(
        "{HEAD}on-premises = [\"172.20.0.0/16\"]\n{}{}[[allow]]\nto = \"Sql\"\nprotocol = \"tcp\"\nports = 1433\n\
         [[route]]\nto = \"10.20.0.0/16\"\nnext-hop = \"firewall\"\nsubnet = \"a\"\n\
         [[route]]\nto = [\"172.16.0.0/12\"]\nnext-hop = \"gateway\"\n\
         [[route]]\nto = [\"172.20.1.0/24\"]\nnext-hop = \"10.20.255.5\"\n\
         [[route]]\nto = \"0.0.0.0/0\"\nnext-hop = \"internet\"\nsubnet = \"b\"\n{ALL}",
        subnet("a", "10.20.1.0/24"),
        subnet("b", "10.20.2.0/24"),
    );
    let made = made(&text);
    let mut of_a = routes(&made, "e-a-routes");
    of_a.sort();
    assert_eq!(
        of_a,
        [
            "0.0.0.0/0 -> VirtualAppliance 10.20.255.4",
            "10.20.0.0/16 -> VirtualAppliance 10.20.255.4",
            "10.20.1.0/24 -> VnetLocal",
            "172.16.0.0/12 -> VirtualNetworkGateway",
            "172.20.1.0/24 -> VirtualAppliance 10.20.255.5",
        ]
    );
    let mut of_b = routes(&made, "e-b-routes");
    of_b.sort();
    assert_eq!(
        of_b,
        [
            "0.0.0.0/0 -> Internet",
            "172.16.0.0/12 -> VirtualNetworkGateway",
            "172.20.1.0/24 -> VirtualAppliance 10.20.255.5",
        ]
    );
    assert!(
        made.plan.notes.iter().any(|note| note.contains("replies must come back")),
        "{:?}",
        made.plan.notes
    );
}

#[test]
fn a_narrower_line_of_one_subnet_takes_nothing_from_another() {
    let line =
        |to: &str, hop: &str, more: &str| format!("[[route]]\nto = \"{to}\"\nnext-hop = \"{hop}\"\n{more}");
    let text = format!(
        "{HEAD}{}{}[[allow]]\nto = \"Sql\"\nprotocol = \"tcp\"\nports = 1433\n{}{}{ALL}",
        subnet("a", "10.20.1.0/24"),
        subnet("b", "10.20.2.0/24"),
        line("203.0.113.0/24", "firewall", ""),
        line("203.0.113.0/25", "internet", "subnet = \"a\"\n"),
    );
    let made = made(&text);
    let of = |subnet: &str| routes(&made, association(&made, subnet).route_table.as_ref().expect("a table"));
    let narrow =
        |routes: &[String]| routes.iter().filter(|route| route.starts_with("203.0.113.0/25")).count();
    assert_eq!((narrow(&of("a")), narrow(&of("b"))), (1, 0), "{:?} {:?}", of("a"), of("b"));
}

#[test]
fn forced_tunnelling_leads_to_the_gateway() {
    let text = format!(
        "schema = 1\nname = \"e\"\nregion = \"westeurope\"\n[network]\naddress-space = [\"10.20.0.0/16\"]\n{}\
         [[allow]]\nto = \"Sql\"\nprotocol = \"tcp\"\nports = 1433\n[[route]]\nto = \"Storage.WestEurope\"\nnext-hop = \"internet\"\n\
         [route-table]\ndefault = \"gateway\"\n{ALL}",
        subnet("a", "10.20.1.0/24"),
    );
    assert_eq!(
        routes(&made(&text), "e-routes"),
        ["Storage.WestEurope -> Internet", "0.0.0.0/0 -> VirtualNetworkGateway"]
    );
}

#[test]
fn groups_of_subnets_by_the_service_that_keeps_rules_in_them_or_each_by_itself() {
    let subnets =
        subnet("dbx-a", "10.20.1.0/24") + &subnet("dbx-b", "10.20.2.0/24") + &subnet("work", "10.20.3.0/24");
    let needs = "[[allow]]\nworkload = \"databricks\"\nsubnet = [\"dbx-a\", \"dbx-b\"]\n[[allow]]\nto = \"Sql\"\n\
                 subnet = \"work\"\nprotocol = \"tcp\"\nports = 1433\n";
    let first = made(&format!("{HEAD}{subnets}{needs}{ALL}"));
    let groups: Vec<&str> = first.plan.nsgs.iter().map(|nsg| nsg.name.as_str()).collect();
    assert_eq!(groups, ["e-nsg", "e-databricks-nsg"]);
    let kept: Vec<(u32, &str)> = first.plan.nsgs[1]
        .rules
        .iter()
        .filter(|rule| rule.name.contains("UseOnly"))
        .map(|rule| (rule.priority, rule.name.rsplit('_').next().unwrap()))
        .collect();
    assert_eq!(
        kept,
        [
            (100, "databricks-worker-to-worker-inbound"),
            (100, "databricks-worker-to-databricks-webapp"),
            (101, "databricks-worker-to-sql"),
            (102, "databricks-worker-to-storage"),
            (103, "databricks-worker-to-worker-outbound"),
            (104, "databricks-worker-to-eventhub"),
        ]
    );
    let table = |made: &Generation, subnet| association(made, subnet).route_table.clone();
    assert_eq!(table(&first, "dbx-a"), table(&first, "dbx-b"));
    assert_ne!(table(&first, "dbx-a"), table(&first, "work"));
    let each = made(&format!("{HEAD}{subnets}{needs}[nsg]\nper-subnet = true\n{ALL}"));
    let groups: Vec<&str> = each.plan.nsgs.iter().map(|nsg| nsg.name.as_str()).collect();
    assert_eq!(groups, ["e-dbx-a-nsg", "e-dbx-b-nsg", "e-work-nsg"]);
    // A rule of the service that is missing is found, and so is one in the group of another subnet.
    let text = support::text_of(&first, "nsg.csv");
    let line = text.lines().find(|line| line.contains("worker-to-sql")).unwrap();
    for changed in [
        text.replace(&format!("{line}\n"), ""),
        text.replace(
            &format!("{line}\n"),
            &format!("{line}\n{}\n", line.replace("e-databricks-nsg", "e-nsg")),
        ),
    ] {
        let report =
            support::prove_with(&first, &support::sample(Cloud::Public), "nsg.csv", changed.as_bytes());
        assert!(!report.is_success(), "{changed}");
    }
}

#[test]
fn rules_of_others_stay_and_are_told_of() {
    let policy = |more: &str| {
        format!(
            "{HEAD}{}[[allow]]\nto = \"Sql\"\nprotocol = \"tcp\"\nports = 1433\n[output]\nformats = [\"arm\", \"azcli\"]\n{more}",
            subnet("a", "10.20.1.0/24")
        )
    };
    let first = made(&policy(""));
    let script = support::text_of(&first, "nsg.sh");
    assert!(
        script.contains("own='a-in-\na-out-\n")
            && script.contains("left as it is, since tagwall did not make it")
    );
    let foreign = r#"{ "name": "JIT-22", "properties": { "description": "", "priority": 150, "direction": "Inbound",
        "access": "Allow", "protocol": "Tcp", "sourceAddressPrefix": "203.0.113.7", "sourcePortRange": "*",
        "destinationAddressPrefix": "10.20.1.4", "destinationPortRange": "22" } },"#;
    let template = support::text_of(&first, "nsg.arm.json");
    let edited = template.replacen("\"securityRules\": [", &format!("\"securityRules\": [{foreign}"), 1);
    let mut files = support::named(&first.files);
    for file in &mut files {
        if file.0 == "nsg.arm.json" {
            file.1 = edited.as_bytes();
        }
    }
    let previous = verify::earlier("e", &files);
    let again = |text: &str| {
        let source = support::policy("e.toml", text);
        let snapshot = support::sample(Cloud::Public);
        pipeline::generate(&source, tagwall::catalog::Catalog::builtin(), &snapshot, Some(&previous)).unwrap()
    };
    let told = again(&policy(""));
    assert!(told.plan.nsg_rules().all(|rule| rule.name != "JIT-22"));
    assert!(told.plan.notes.iter().any(|n| n.contains("rule JIT-22 of e-nsg")), "{:?}", told.plan.notes);
    let kept = again(&policy("[nsg]\nkeep = [\"JIT-*\"]\n"));
    assert!(kept.plan.nsg_rules().any(|rule| rule.name == "JIT-22" && rule.priority == 150));
}

#[test]
fn reserved_priorities_and_names_of_resources() {
    let text = format!(
        "{HEAD}{}[[allow]]\nto = [\"Sql\", \"Storage\"]\nprotocol = \"tcp\"\nports = 443\n[nsg]\nreserved = [\"4000-4096\", \"1000-3899\"]\n\
         [names]\nnsg = \"corp-nsg\"\nroute-table = \"corp-rt\"\nfirewall-policy = \"hub-policy\"\n{ALL}",
        subnet("a", "10.20.1.0/24"),
    );
    let made = made(&text);
    let priorities: Vec<u32> = made.plan.nsg_rules().map(|rule| rule.priority).collect();
    assert!(
        priorities.iter().all(|p| !(4000..=4096).contains(p) && !(1000..=3899).contains(p)),
        "{priorities:?}"
    );
    assert_eq!(
        (made.plan.nsgs[0].name.as_str(), made.plan.route_tables[0].name.as_str()),
        ("corp-nsg", "corp-rt")
    );
    assert!(support::text_of(&made, "firewall.arm.json").contains("\"defaultValue\": \"hub-policy\""));
}

#[test]
fn a_bastion_has_its_rules_by_tag_to_anywhere_and_no_table() {
    let text = format!(
        "{HEAD}{}{}[[allow]]\nsubnet = \"AzureBastionSubnet\"\nfrom = [\"Internet\", \"GatewayManager\"]\nprotocol = \"tcp\"\nports = 443\n\
         [[allow]]\nsubnet = \"AzureBastionSubnet\"\nfrom = \"VirtualNetwork\"\nports = \"5701,8080\"\n\
         [[allow]]\nsubnet = \"AzureBastionSubnet\"\nto = \"VirtualNetwork\"\nports = \"22,3389,5701,8080\"\n\
         [[allow]]\nsubnet = \"AzureBastionSubnet\"\nto = \"AzureCloud\"\nprotocol = \"tcp\"\nports = 443\n\
         [[allow]]\nsubnet = \"work\"\nto = \"Sql\"\nprotocol = \"tcp\"\nports = 1433\n{ALL}",
        subnet("AzureBastionSubnet", "10.20.253.0/26"),
        subnet("work", "10.20.3.0/24"),
    );
    let made = made(&text);
    let bastion = association(&made, "AzureBastionSubnet");
    assert_eq!(
        (bastion.route_table.as_deref(), bastion.reserved.as_deref()),
        (None, Some("AzureBastionSubnet"))
    );
    let nsg = made.plan.nsgs.iter().find(|nsg| Some(&nsg.name) == bastion.nsg.as_ref()).unwrap();
    let inbound: Vec<_> =
        nsg.rules.iter().filter(|r| r.direction.name() == "inbound" && !r.flows.is_empty()).collect();
    let sources: Vec<_> = inbound.iter().map(|r| (r.source.clone(), r.destination.clone())).collect();
    let tag = |name: &str| Side::Tag(name.to_owned());
    assert_eq!(
        sources,
        [
            (tag("GatewayManager"), Side::Any),
            (tag("Internet"), Side::Any),
            (tag("VirtualNetwork"), Side::Any),
        ]
    );
}

#[test]
fn virtual_network_is_the_tag_where_nothing_swallows_it_else_what_the_policy_knows_of_it() {
    let need = "[[allow]]\nto = \"VirtualNetwork\"\nprotocol = \"tcp\"\nports = 443\n";
    let remote = |text: &str| {
        let made = made(text);
        let rule = made.plan.nsg_rules().find(|rule| rule.name.contains("VirtualNetwork")).cloned().unwrap();
        (rule.destination, made)
    };
    let plain = format!(
        "schema = 1\nname = \"e\"\nregion = \"westeurope\"\n[network]\naddress-space = [\"10.20.0.0/16\"]\n{}{need}",
        subnet("a", "10.20.1.0/24")
    );
    assert_eq!(remote(&plain).0, Side::Tag("VirtualNetwork".to_owned()));
    let sql = "[[allow]]\nto = \"Sql\"\nprotocol = \"tcp\"\nports = 1433\n";
    let hub = HEAD.replace("10.20.255.4", "10.0.1.4") + &subnet("a", "10.20.1.0/24") + need + sql;
    let (side, made) = remote(&hub);
    assert_eq!(side, Side::Prefixes(vec!["10.20.0.0/16".parse().unwrap()]));
    let told = made
        .policy
        .remarks
        .notes
        .iter()
        .any(|note| note.to_string().contains("own address space only (10.20.0.0/16)"));
    assert!(told, "{:?}", made.policy.remarks.notes);
    let peered = hub.replace("[subnets", "peers = [\"10.0.0.0/22\"]\n[subnets");
    let (side, made) = remote(&peered);
    assert_eq!(side, Side::Prefixes(vec!["10.0.0.0/22".parse().unwrap(), "10.20.0.0/16".parse().unwrap()]));
    assert!(
        made.policy.remarks.notes.iter().all(|note| !note.to_string().contains("own address space only"))
    );
}

#[test]
fn application_security_groups_stand_as_a_side_of_rules() {
    let text = format!(
        "{HEAD}{}[[allow]]\nto = \"asg:web-1\"\nprotocol = \"tcp\"\nports = 443\n[[allow]]\nfrom = \"asg:jump\"\nprotocol = \"tcp\"\nports = 22\n\
         [output]\nformats = [\"arm\", \"bicep\", \"azcli\", \"csv\", \"json\", \"terraform\"]\n",
        subnet("a", "10.20.1.0/24"),
    );
    let other = text.replace("\"terraform\"", "\"terraform-json\"");
    let other = self::made(&other);
    let made = made(&text);
    let template: Value = serde_json::from_str(support::text_of(&made, "nsg.arm.json")).unwrap();
    let rules = template["resources"][0]["properties"]["securityRules"].as_array().unwrap();
    let rule = rules.iter().find(|rule| rule["name"] == "a-out-asg-web-1-tcp-443").unwrap();
    assert_eq!(
        rule["properties"]["destinationApplicationSecurityGroups"][0]["id"],
        "[resourceId('Microsoft.Network/applicationSecurityGroups', 'web-1')]"
    );
    assert!(support::text_of(&made, "nsg.sh").contains("--source-asgs 'jump'"));
    // Another group in the rule is another rule.
    let snapshot = support::sample(Cloud::Public).with_outside(made.policy.outside());
    for file in ["nsg.arm.json", "nsg.bicep", "nsg.sh", "nsg.csv", "plan.json", "nsg.tf", "nsg.tf.json"] {
        let made = if file == "nsg.tf.json" { &other } else { &made };
        let text = support::text_of(made, file);
        let right = support::prove_with(made, &snapshot, file, text.as_bytes());
        assert!(right.is_success(), "{file}: {right}");
        let wrong = text.replace("asg:jump", "asg:web-1").replace("'jump'", "'web-1'");
        let wrong = wrong.replace("var.asg_id_jump", "var.asg_id_web_1");
        assert_ne!(wrong, text, "{file}");
        let report = support::prove_with(made, &snapshot, file, wrong.as_bytes());
        assert!(!report.is_success(), "{file}");
    }
    ids_of_application_security_groups(&made, &snapshot);
}

/// Terraform is given ids, and each variable says of which group.
fn ids_of_application_security_groups(made: &Generation, snapshot: &Snapshot) {
    let (main, rules) = ("main.tf", "nsg.tf");
    for (file, from, to, why) in [
        (main, "security group jump.", "security group web-1.", "must name the application security group"),
        (main, "security group jump.", "security group jump", "must name the application security group"),
        (main, "asg_id_jump", "asg_id_jumps", "must name the application security group"),
        (rules, "[var.asg_id_jump]", "[]", "variables that hold ids"),
        (rules, "[var.asg_id_jump]", "[var.location]", "variables that hold ids"),
        (rules, "[var.asg_id_jump]", "[\"var.asg_id_jump\"]", "variables that hold ids"),
        (rules, "[var.asg_id_jump]", "[var.asg_id_web_1]", "no rule names it"),
    ] {
        let text = support::text_of(made, file);
        let wrong = text.replacen(from, to, 1);
        assert_ne!(wrong, text, "{from}");
        let found = support::prove_with(made, snapshot, file, wrong.as_bytes()).to_string();
        assert!(found.contains(why), "{from} to {to}: {found}");
    }
    let key = "source_application_security_group_ids";
    let both = format!("source_address_prefix = \"*\"\n    {key}");
    let both = support::text_of(made, rules).replacen(key, &both, 1);
    let found = support::prove_with(made, snapshot, rules, both.as_bytes()).to_string();
    assert!(found.contains("addresses or application security groups, not both"), "{found}");
}

#[test]
fn ports_that_a_firewall_cannot_say_do_not_take_the_others_along() {
    let text = format!(
        "{HEAD}{}[[allow]]\nto = \"fqdn:*.example.org\"\nprotocol = \"tcp\"\nports = \"443,8443,22,9000\"\n\
         [[allow]]\nto = \"203.0.113.0/24\"\nprotocol = \"tcp\"\nports = \"0-1023\"\n{ALL}",
        subnet("a", "10.20.1.0/24"),
    );
    let made = made(&text);
    let csv = support::text_of(&made, "firewall.csv");
    assert!(csv.contains("Https:443;Https:8443") && csv.contains(",1-1023,"), "{csv}");
    let partial: Vec<&str> =
        made.plan.gaps.iter().filter(|gap| gap.partial).map(|gap| gap.reason.as_str()).collect();
    assert!(partial.iter().any(|reason| reason.contains("not ports 22,9000")), "{partial:?}");
    assert!(partial.iter().any(|reason| reason.contains("port 0 is left out")), "{partial:?}");
}

#[test]
fn a_tag_route_by_name_stands_in_the_table_as_one() {
    let text = format!(
        "{HEAD}{}[[allow]]\nto = \"Sql\"\nprotocol = \"tcp\"\nports = 1433\n[[route]]\nto = [\"Storage.WestEurope\", \"203.0.113.0/24\"]\nnext-hop = \"internet\"\n{ALL}",
        subnet("a", "10.20.1.0/24"),
    );
    let made = made(&text);
    let tags: Vec<_> =
        made.plan.route_tables[0].routes.iter().filter(|r| matches!(r.to, RouteTo::Tag(_))).collect();
    assert_eq!(tags.len(), 1, "{tags:?}");
}
