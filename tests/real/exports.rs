//! Exports of real resources in the dialects that users have, wherever `TAGWALL_SHARED` says they are: what an exact
//! reading finds in each, as the list beside them says.

use std::path::PathBuf;

use tagwall::analyse::adopt::{Naming, adopt};
use tagwall::read::live::{Live, LiveGroup, last_part, read_live};
use tagwall::tags::Cloud;

use crate::support;

fn folder(test: &str) -> Option<PathBuf> {
    Some(support::shared(test)?.join("data/azure-exports"))
}

fn bytes(folder: &std::path::Path, name: &str) -> Vec<u8> {
    std::fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn read(folder: &std::path::Path, name: &str) -> Live {
    read_live(&[(name, &bytes(folder, name))]).unwrap_or_else(|errors| panic!("{name}: {errors:?}"))
}

fn only(live: &Live) -> &LiveGroup {
    let [group] = live.groups.as_slice() else { panic!("{} groups", live.groups.len()) };
    group
}

/// The rules without order and places.
fn rules(group: &LiveGroup) -> Vec<String> {
    let side = |texts: &[String]| {
        let mut texts: Vec<String> = texts.iter().map(|t| t.to_ascii_lowercase()).collect();
        texts.sort();
        texts
    };
    let one = |rule: &tagwall::read::live::LiveRule| {
        let r = &rule.rule;
        let sides = [&r.sources, &r.destinations, &r.source_ports, &r.destination_ports];
        let sides = sides.map(|texts| side(texts));
        // The recorded body and its printed twin have other subscriptions.
        let names = |ids: &[String]| ids.iter().map(|id| last_part(id).to_owned()).collect::<Vec<_>>();
        let asgs = [side(&names(&rule.source_groups)), side(&names(&rule.destination_groups))];
        format!(
            "{} {} {} {} {sides:?} {asgs:?}",
            r.name,
            r.priority,
            r.access,
            r.protocol.to_ascii_lowercase()
        )
    };
    let mut rules: Vec<String> = group.rules.iter().map(one).collect();
    rules.sort();
    rules
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn every_export_is_read() {
    let Some(folder) = folder("every_export_is_read") else { return };
    let mut files = 0;
    for entry in std::fs::read_dir(&folder).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|ending| ending != "json") {
            continue;
        }
        files += 1;
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let live = read(&folder, &name);
        assert!(!live.is_empty(), "{name}: nothing was found in it");
        // What is read once is read the same after a trip through UTF-16, with a mark and with CRLF.
        let text = String::from_utf8(bytes(&folder, &name)).expect("UTF-8");
        let units = format!("\u{feff}{}", text.replace('\n', "\r\n"));
        let wide: Vec<u8> = units.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let again = read_live(&[(&name, &wide)]).unwrap_or_else(|errors| panic!("{name}: {errors:?}"));
        assert_eq!(again, live, "{name}");
        // Each place is one of the document.
        let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        for (_, _, place) in live.resources() {
            assert!(json.pointer(&place.pointer.to_string()).is_some(), "{place}");
        }
        for rule in live.groups.iter().flat_map(|group| &group.rules) {
            assert!(json.pointer(&rule.place.pointer.to_string()).is_some(), "{}", rule.place);
        }
        cut(&name, &text);
    }
    assert!(files >= 49, "{files} files");
}

/// A file that ends early is an error with its line, never less than it was.
fn cut(name: &str, text: &str) {
    for tenth in 1..10 {
        let end = (text.len() * tenth / 10..).find(|&at| text.is_char_boundary(at)).expect("an end");
        let errors = read_live(&[(name, &text.as_bytes()[..end])]).expect_err("it is cut");
        assert!(errors[0].to_string().contains("line"), "{}", errors[0]);
    }
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn twins_hold_the_same_rules() {
    let Some(folder) = folder("twins_hold_the_same_rules") else { return };
    let pairs = [
        ("az-nsg-show.json", "nsg-mixed-protocols-port-lists.json", 7),
        ("az-nsg-rule-list-include-default.json", "az-nsg-show.json", 7),
        ("az-nsg-show-asg.json", "nsg-asg.json", 3),
    ];
    for (a, b, count) in pairs {
        let (one, other) = (read(&folder, a), read(&folder, b));
        let (one, other) = (only(&one), only(&other));
        assert_eq!(rules(one), rules(other), "{a} {b}");
        assert_eq!((one.rules.len(), one.defaults), (count, 6), "{a}");
    }
    let (one, other) =
        (read(&folder, "az-route-table-show.json"), read(&folder, "routetable-four-hops.json"));
    let routes = |live: &Live| {
        let mut routes: Vec<_> = live.tables[0]
            .routes
            .iter()
            .map(|r| {
                (r.name.clone(), r.prefixes.clone(), r.next_hop_type.clone(), r.next_hop_address.clone())
            })
            .collect();
        routes.sort();
        routes
    };
    assert_eq!(routes(&one), routes(&other));
    assert_eq!(routes(&one).len(), 4);
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn security_groups_are_atoms() {
    let Some(folder) = folder("security_groups_are_atoms") else { return };
    for name in ["az-nsg-show-asg.json", "nsg-asg.json"] {
        let live = read(&folder, name);
        let rule = &only(&live).rules[1];
        assert!(rule.rule.sources.is_empty() && rule.rule.destinations.is_empty(), "{name}");
        assert_eq!((rule.source_groups.len(), rule.destination_groups.len()), (1, 1), "{name}");
        assert!(rule.source_groups[0].ends_with("/parent11-k8s-parent11-kube-etcd"));
    }
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn subnets_know_their_groups() {
    let Some(folder) = folder("subnets_know_their_groups") else { return };
    let live = read(&folder, "az-vnet-show.json");
    assert_eq!(live.networks[0].space, ["192.168.0.0/16"]);
    let subnets: Vec<_> = live.subnets.iter().map(|s| (s.name.as_str(), s.prefixes[0].as_str())).collect();
    assert_eq!(subnets, [("backend", "192.168.2.0/24"), ("frontend", "192.168.1.0/24")]);
    let group = read(&folder, "env-backend-nsg.json").groups.remove(0);
    let id = live.subnets[0].group.clone().expect("a group");
    assert!(tagwall::read::live::is_same_resource(&id, group.id.as_deref().expect("an id")));

    let live = read(&folder, "ps-get-azresource-expanded.json");
    assert_eq!(only(&live).rules.len(), 4);
    assert_eq!(live.networks[0].peers, ["10.1.0.0/24"]);
    let without: Vec<&str> =
        live.subnets.iter().filter(|s| s.group.is_none()).map(|s| s.name.as_str()).collect();
    assert_eq!(without, ["subnet-B", "subnet-C", "subnet-D"], "absent, null and an empty object are one");
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn rules_in_effect_keep_their_association() {
    let Some(folder) = folder("rules_in_effect_keep_their_association") else { return };
    let live = read(&folder, "az-nic-list-effective-nsg.json");
    let group = only(&live);
    assert!(group.effective);
    assert_eq!((group.name.as_str(), group.applied_to.len(), group.rules.len()), ("test-nsg", 3, 2));
    assert_eq!(group.rules[0].rule.source_ports, ["456-456"]);
    assert_eq!(group.rules[1].rule.destinations, ["*"]);

    let live = read(&folder, "rest-security-group-view.json");
    let [subnet, effective] = live.groups.as_slice() else { panic!("{:?}", live.groups) };
    assert_eq!(subnet.rules[0].rule.name, "DenyInternetInComing");
    assert_eq!(effective.rules.len(), 1, "singular and plural are one list, defaults are none of the rules");
    assert_eq!(effective.rules[0].rule.destinations, ["*"]);

    let live = read(&folder, "az-nic-show-effective-route-table.json");
    let table = &live.tables[0];
    assert!(table.effective);
    assert_eq!((table.routes.len(), table.routes[8].prefixes.len()), (9, 26));
    let live = read(&folder, "ps-effective-rules-truncated-internet.json");
    assert_eq!((only(&live).rules.len(), only(&live).defaults), (0, 3));
    let live = read(&folder, "ps-get-aznetworksecuritygroup.json");
    assert_eq!((only(&live).rules.len(), only(&live).defaults), (0, 6));
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn templates_say_what_they_do_not_know() {
    let Some(folder) = folder("templates_say_what_they_do_not_know") else { return };
    let live = read(&folder, "arm-export-portal-children-twice.json");
    assert_eq!(only(&live).rules.len(), 1);
    assert_eq!(live.subnets.len(), 2);
    let live = read(&folder, "arm-bicep-symbolic-route-table.json");
    assert!(live.tables[0].routes.is_empty());
    assert!(
        live.tables[0].incomplete[0].to_string().contains("parameters('routes')"),
        "unresolved is not empty"
    );
    let live = read(&folder, "arm-nsg-aad-ds-prefix-lists.json");
    assert_eq!(only(&live).rules[0].rule.sources.len(), 18, "a variable that is a list");
    let live = read(&folder, "arm-firewall-policy-avd.json");
    assert_eq!(
        live.collection_groups.iter().map(|g| g.priority).collect::<Vec<_>>(),
        [Some(10_000), Some(20_000)]
    );
    assert_eq!(live.collection_groups[1].collections[1].collection.priority, 22_000);
    let live = read(&folder, "arm-sqlmi-nsg-routetable.json");
    assert_eq!((only(&live).rules.len(), live.tables.len()), (4, 1));
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn terraform_in_every_form() {
    let Some(folder) = folder("terraform_in_every_form") else { return };
    let live = read(&folder, "tf-show-state.json");
    let counts: Vec<_> = live.groups.iter().map(|g| (g.name.as_str(), g.rules.len())).collect();
    assert_eq!(counts, [("nsg-infer", 3), ("nsg-train", 1)]);
    assert_eq!(live.tables[0].routes.len(), 2);
    assert_eq!(live.tables[0].routes[1].prefixes, ["AzureMachineLearning"]);
    let live = read(&folder, "tf-plan-nsg.json");
    let of = |name: &str| live.groups.iter().find(|g| g.name == name).expect("a group");
    assert_eq!((of("pass").rules.len(), of("fail").rules.len()), (1, 0));
    assert!(!of("fail").incomplete.is_empty(), "known after apply is not empty");
    let live = read(&folder, "tf-azurerm-nsg-state.json");
    assert_eq!(live.groups.iter().map(|g| g.rules.len()).collect::<Vec<_>>(), [1, 1, 3]);
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn records_of_azure() {
    let Some(folder) = folder("records_of_azure") else { return };
    let live = read(&folder, "nsg-flow-log-v1-nested-records.json");
    let of = |rule: &str| live.flows.iter().filter(|flow| &*flow.rule == rule).count();
    assert_eq!(live.flows.len(), 18);
    assert_eq!((of("UserRule_default-allow-rdp"), of("DefaultRule_DenyAllInBound")), (14, 4));
    assert_eq!(live.flows[0].time_ms, 1_487_282_421_000, "seconds");
    assert!(!live.flows[0].is_allowed() && live.flows[1].is_allowed());
    let live = read(&folder, "vnet-flow-log-v4.json");
    assert_eq!(live.flows.len(), 10);
    assert_eq!(live.flows[0].time_ms, 1_663_146_003_599, "milliseconds");
    assert_eq!(live.flows.iter().filter(|f| f.state == 'B' && !f.inbound).count(), 3);
    assert_eq!(live.flows.iter().filter(|f| !f.is_allowed() && f.inbound).count(), 4);
    let live = read(&folder, "ps-avnm-effective-security-admin-rules.json");
    let [rule] = live.admin_rules.as_slice() else { panic!("{:?}", live.admin_rules) };
    assert_eq!((rule.rule.sources[0].as_str(), rule.rule.destinations[0].as_str()), ("Internet", "10.0.0.1"));
    let live = read(&folder, "az-nsg-diagnostic-result.json");
    let [answer] = live.answers.as_slice() else { panic!("{:?}", live.answers) };
    assert_eq!(answer.verdict, "Deny");
    assert_eq!(answer.steps.iter().map(|s| s[3].as_str()).collect::<Vec<_>>(), ["Allow", "Allow", "Deny"]);
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn firewalls_and_ip_groups() {
    let Some(folder) = folder("firewalls_and_ip_groups") else { return };
    let live = read(&folder, "rcg-mixed-network-application-nat.json");
    let counts: Vec<usize> =
        live.collection_groups[0].collections.iter().map(|c| c.collection.rules.len()).collect();
    assert_eq!(counts, [1, 2, 3, 1]);
    let live = read(&folder, "firewall-classic-ip-groups.json");
    assert_eq!(live.firewalls[0].collections.len(), 3);
    let live = read(&folder, "ipgroup-list-page.json");
    assert_eq!(live.ip_groups.iter().map(|g| g.addresses.len()).collect::<Vec<_>>(), [2, 0, 1]);
    assert_ne!(live.ip_groups[0].id, live.ip_groups[1].id, "two of one name in two resource groups");
}

/// The policy whose group is one that was exported, but for the rules that people added.
fn managed_instance(group: &str, prefix: &str, options: &str) -> String {
    format!(
        "schema = 1\nname = \"e\"\nregion = \"westeurope\"\nnames.nsg = \"{group}\"\n[network]\naddress-space = [\"{prefix}\"]\n\
         [subnets.ManagedInstance2]\nprefixes = [\"{prefix}\"]\nrole = \"delegated:Microsoft.Sql/managedInstances\"\n\
         [[allow]]\nworkload = \"sql-managed-instance\"\nsubnet = \"ManagedInstance2\"\nrules-version = \"v10\"\n{options}\
         [nsg]\nkeep = [\"allow_*\", \"deny_*\", \"MSSQL\"]\n[output]\nformats = [\"arm\"]\n"
    )
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn what_a_managed_instance_keeps_is_what_the_catalogue_says() {
    let Some(folder) = folder("what_a_managed_instance_keeps_is_what_the_catalogue_says") else { return };
    let shared =
        folder.parent().and_then(std::path::Path::parent).expect("it lies two folders down").to_owned();
    let snapshot = support::real(&shared, "Public_20260622");
    for (file, prefix, options, others) in [
        ("nsg-sqlmi-mixed-case-protocol.json", "10.195.0.0/24", "", 2),
        ("nsg-sqlmi-service-tags.json", "10.196.0.0/24", "", 7),
        (
            "nsg-sqlmi-service-tags.json",
            "10.0.0.0/24",
            "inbound-priority = 105\noutbound-priority = 102\n",
            7,
        ),
    ] {
        let live = read(&folder, file);
        let text = managed_instance(&only(&live).name, prefix, options);
        let made = support::generate("e.toml", &text, &snapshot);
        let wanted =
            read_live(&[("nsg.arm.json", support::bytes_of(&made, "nsg.arm.json"))]).expect("our own");
        let of_service = |group: &LiveGroup| -> Vec<String> {
            let mut all: Vec<String> =
                rules(group).into_iter().filter(|rule| tagwall::catalog::is_kept_by_service(rule)).collect();
            all.sort();
            all
        };
        let (own, there) = (of_service(only(&wanted)), of_service(only(&live)));
        assert_eq!(own.len(), 7, "{own:?}");
        assert!(own.iter().all(|rule| there.contains(rule)), "{file} {prefix}\n{own:#?}\n{there:#?}");
        assert_eq!(there.len() - own.len(), others, "those of another subnet");
        // Whatever else is mended, what the service keeps is neither changed nor deleted.
        let known = snapshot.with_outside(made.policy.outside());
        let operations = tagwall::analyse::plan(&wanted, &live, &known).expect("there is an order");
        let touched = serde_json::to_string(&operations).expect("operations are data");
        assert!(!touched.contains("_UseOnly_"), "{file} {prefix}: {touched}");
    }
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn rules_of_a_service_are_proposed_as_its_workload() {
    let Some(folder) = folder("rules_of_a_service_are_proposed_as_its_workload") else { return };
    let shared =
        folder.parent().and_then(std::path::Path::parent).expect("it lies two folders down").to_owned();
    let snapshot = support::real(&shared, "Public_20260622");
    let live = read(&folder, "nsg-sqlmi-mixed-case-protocol.json");
    let naming = Naming { name: "e".to_owned(), region: "westeurope".to_owned(), cloud: Cloud::Public };
    let adopted = adopt(&live, &snapshot, None, &naming);
    let of_service = adopted.proposals.iter().filter(|one| one.rule.to_string().contains("_UseOnly_"));
    let told: Vec<String> = of_service.map(|one| one.proposal.to_string()).collect();
    assert_eq!(told.len(), 9, "{told:?}");
    assert!(told.iter().all(|text| text.contains("the workload sql-managed-instance")), "{told:?}");
}
