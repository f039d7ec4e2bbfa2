//! What Azure keeps in the subnets of SQL managed instances: carried by name, priority and place, proven in every format,
//! and left alone by scripts.

use std::fs;
use std::process::Command;

use crate::support;
use tagwall::catalog::Catalog;
use tagwall::pipeline::{self, Generation};
use tagwall::tags::Cloud;
use tagwall::verify;

const KEPT: &str = "Microsoft.Sql-managedInstances_UseOnly_";

fn policy(options: &str) -> String {
    format!(
        "schema = 1\nname = \"e\"\nregion = \"westeurope\"\n[network]\naddress-space = [\"10.20.0.0/16\"]\n\
         firewall = \"10.20.255.4\"\n[subnets.a]\nprefixes = [\"10.20.1.0/24\"]\nrole = \"delegated:Microsoft.Sql/managedInstances\"\n\
         [subnets.b]\nprefixes = [\"10.20.2.0/27\"]\nrole = \"delegated:Microsoft.Sql/managedInstances\"\n\
         [subnets.work]\nprefixes = [\"10.20.3.0/24\"]\n\
         [[allow]]\nworkload = \"sql-managed-instance\"\nsubnet = [\"a\", \"b\"]\n{options}\
         [[allow]]\nsubnet = \"work\"\nto = \"Storage.westeurope\"\nprotocol = \"tcp\"\nports = 443\n\
         [output]\nformats = [\"arm\", \"bicep\", \"terraform\", \"azcli\", \"csv\", \"json\"]\n"
    )
}

fn made(options: &str) -> Generation {
    support::generate("e.toml", &policy(options), &support::sample(Cloud::Public))
}

fn refused(text: &str) -> String {
    let source = support::policy("e.toml", text);
    let snapshot = support::sample(Cloud::Public);
    match pipeline::generate(&source, Catalog::builtin(), &snapshot, None) {
        Ok(_) => panic!("it is taken"),
        Err(error) => error.to_string(),
    }
}

/// Direction, priority and name, without what all names begin with, of the rules of the service in a group.
fn kept(made: &Generation, group: &str) -> Vec<String> {
    let nsg = made.plan.nsgs.iter().find(|nsg| nsg.name == group).expect("the group is made");
    let own = nsg.rules.iter().filter_map(|rule| Some((rule, rule.name.strip_prefix(KEPT)?)));
    own.map(|(rule, name)| format!("{} {} {name}", rule.direction.name(), rule.priority)).collect()
}

fn routes(made: &Generation, table: &str) -> Vec<String> {
    let table = made.plan.route_tables.iter().find(|own| own.name == table).expect("the table is made");
    let line = |name: &str| name.replace(KEPT, "UseOnly_");
    table
        .routes
        .iter()
        .map(|route| format!("{}: {} -> {}", line(&route.name), route.to, route.next_hop))
        .collect()
}

#[test]
fn rules_and_routes_stand_under_their_names_beside_a_default_route_to_the_firewall() {
    let first = made("");
    let groups: Vec<&str> = first.plan.nsgs.iter().map(|nsg| nsg.name.as_str()).collect();
    assert_eq!(
        groups,
        ["e-nsg", "e-a-nsg", "e-b-nsg"],
        "a group for each subnet, whose range the names hold"
    );
    assert_eq!(
        kept(&first, "e-a-nsg"),
        [
            "inbound 100 mi-healthprobe-in-10-20-1-0-24-v11",
            "inbound 101 mi-internal-in-10-20-1-0-24-v11",
            "outbound 101 mi-aad-out-10-20-1-0-24-v11",
            "outbound 102 mi-onedsc-out-10-20-1-0-24-v11",
            "outbound 103 mi-internal-out-10-20-1-0-24-v11",
            "outbound 104 mi-strg-p-out-10-20-1-0-24-v11",
            "outbound 105 mi-strg-s-out-10-20-1-0-24-v11",
        ]
    );
    assert_eq!(kept(&first, "e-b-nsg")[0], "inbound 100 mi-healthprobe-in-10-20-2-0-27-v11");
    assert_eq!(kept(&first, "e-nsg"), Vec::<String>::new());
    assert_eq!(
        routes(&first, "e-a-routes"),
        [
            "UseOnly_mi-AzureActiveDirectory: AzureActiveDirectory -> Internet",
            "UseOnly_mi-OneDsCollector: OneDsCollector -> Internet",
            "UseOnly_mi-Storage.northeurope: Storage.NorthEurope -> Internet",
            "UseOnly_mi-Storage.westeurope: Storage.WestEurope -> Internet",
            "UseOnly_mi-subnet-10-20-1-0-24-to-vnetlocal: 10.20.1.0/24 -> VnetLocal",
            "default: 0.0.0.0/0 -> VirtualAppliance 10.20.255.4",
        ]
    );
    assert_eq!(routes(&first, "e-routes"), ["default: 0.0.0.0/0 -> VirtualAppliance 10.20.255.4"]);
    let own = first.plan.nsg_rules().filter(|rule| !rule.name.starts_with(KEPT));
    assert!(
        own.into_iter().all(|rule| rule.priority >= 200),
        "own rules take none of the service's priorities"
    );
    let report = support::text_of(&first, "report.md");
    assert!(
        report.contains("The rules that sql-managed-instance keeps in the group of a let pass besides: "),
        "{report}"
    );
}

#[test]
fn what_is_denied_and_kept_open_all_the_same_is_warned_of() {
    let deny = |line: &str| made(&format!("[[deny]]\n{line}\n")).policy.remarks.warnings.clone();
    let within = deny("subnet = \"a\"\nfrom = \"10.20.1.0/24\"\nprotocol = \"tcp\"\nports = 22");
    let [warning] = within.as_slice() else { panic!("{within:?}") };
    assert!(
        warning
            .contains("inbound 10.20.1.0/24 is denied, but sql-managed-instance keeps some of it open for a"),
        "{warning}"
    );
    assert!(warning.contains(KEPT) && warning.starts_with("line "), "{warning}");
    // Another way, another subnet, other addresses.
    for line in [
        "subnet = \"a\"\nfrom = \"203.0.113.0/24\"\nprotocol = \"tcp\"\nports = 22",
        "subnet = \"work\"\nfrom = \"10.20.1.0/24\"\nprotocol = \"tcp\"\nports = 22",
        "subnet = \"a\"\nto = \"Sql\"\nprotocol = \"tcp\"\nports = 3306",
    ] {
        assert_eq!(deny(line), Vec::<String>::new(), "{line}");
    }
}

#[test]
fn the_version_and_the_places_of_what_is_kept_are_settings() {
    let least = made("rules-version = \"v12\"\noptional-rules = true\nlocal-route = \"subnet\"\n");
    assert_eq!(
        kept(&least, "e-a-nsg"),
        [
            "inbound 100 mi-healthprobe-in-10-20-1-0-24-v12",
            "inbound 101 mi-internal-in-10-20-1-0-24-v12",
            "outbound 100 mi-optional-azure-out-10-20-1-0-24",
            "outbound 101 mi-internal-out-10-20-1-0-24-v12",
        ]
    );
    assert_eq!(
        routes(&least, "e-a-routes"),
        [
            "UseOnly_mi-optional-AzureCloud.northeurope: AzureCloud.northeurope -> Internet",
            "UseOnly_mi-optional-AzureCloud.westeurope: AzureCloud.westeurope -> Internet",
            "UseOnly_subnet-10-20-1-0-24-to-vnetlocal: 10.20.1.0/24 -> VnetLocal",
            "default: 0.0.0.0/0 -> VirtualAppliance 10.20.255.4",
        ]
    );
    let old = made("rules-version = \"v10\"\ninbound-priority = 105\noutbound-priority = 102\n");
    assert_eq!(
        kept(&old, "e-a-nsg")[..2],
        ["inbound 105 mi-sqlmgmt-in-10-20-1-0-24-v10", "inbound 106 mi-corpsaw-in-10-20-1-0-24-v10"]
    );
    // The needs of another region bring no rules of the service there: the subnet is where the environment is.
    let both = made("region = [\"westeurope\", \"eastus\"]\n");
    assert_eq!(kept(&both, "e-a-nsg"), kept(&made(""), "e-a-nsg"));
    assert_eq!(routes(&both, "e-a-routes"), routes(&made(""), "e-a-routes"));
    let late = refused(&policy("outbound-priority = 4095\n"));
    assert!(late.contains("mi-n6") && late.contains("4095 + 3"), "{late}");
    // What is not decided by tags being lists or names: the service puts its routes in by name.
    let listed = made("").plan.route_tables.len();
    let text = policy("") + "[route-table]\ntags = \"expand\"\n";
    let expanded = support::generate("e.toml", &text, &support::sample(Cloud::Public));
    assert_eq!(expanded.plan.route_tables.len(), listed);
    assert_eq!(routes(&expanded, "e-a-routes").len(), 6);
}

#[test]
fn subnets_that_the_service_cannot_name_or_does_not_run_in_are_refused() {
    let two = policy("").replace("[\"10.20.1.0/24\"]", "[\"10.20.1.0/24\", \"10.20.8.0/24\"]");
    assert!(refused(&two).contains("one IPv4 prefix, and a has 2"), "{}", refused(&two));
    let dual = policy("")
        .replace("[\"10.20.0.0/16\"]", "[\"10.20.0.0/16\", \"fd00:20::/48\"]")
        .replace("[\"10.20.1.0/24\"]", "[\"10.20.1.0/24\", \"fd00:20:0:1::/64\"]");
    assert!(refused(&dual).contains("subnet a has an IPv6 prefix"), "{}", refused(&dual));
    let small = policy("").replace("10.20.2.0/27", "10.20.2.0/28");
    assert!(refused(&small).contains("smaller than /27"), "{}", refused(&small));
    let other = policy("").replacen("Microsoft.Sql/managedInstances", "Microsoft.Web/serverFarms", 1);
    assert!(refused(&other).contains("Microsoft.Web/serverFarms"), "{}", refused(&other));
    let deaf = policy("") + "[[deny]]\nto = \"AzurePlatformDNS\"\n";
    assert!(refused(&deaf).contains("AzurePlatformDNS is denied to subnet a"), "{}", refused(&deaf));
    let astray =
        policy("") + "[[route]]\nto = \"Storage.westeurope\"\nnext-hop = \"firewall\"\nsubnet = \"a\"\n";
    assert!(refused(&astray).contains("two next hops"), "{}", refused(&astray));
}

/// The law: whatever of what the service keeps is changed or taken away is found, in each format.
#[test]
fn what_is_kept_and_is_not_there_as_it_is_is_found() {
    let made = made("");
    let snapshot = support::sample(Cloud::Public);
    let mut broken = 0;
    for (name, bytes) in support::named(&made.files) {
        let kind = name.split('.').next().unwrap_or_default();
        if !kind.starts_with("nsg") && !kind.starts_with("route-table") {
            continue;
        }
        let text = std::str::from_utf8(bytes).expect("files are text");
        for (from, to) in [
            ("_mi-healthprobe-in-10-20-1-0-24-v11", "_mi-healthprobe-in-10-20-1-0-24-v12"),
            ("_mi-internal-in-10-20-2-0-27-v11", "_mi-internal-in-10-20-2-0-28-v11"),
            ("_mi-strg-p-out-10-20-1-0-24-v11", "_mi-strg-p-out-10-20-1-0-24-v11-mine"),
            ("_mi-subnet-10-20-1-0-24-to-vnetlocal", "_mi-subnet-10-20-1-0-24-to-vnet"),
            ("_mi-AzureActiveDirectory", "_mi-ActiveDirectory"),
            ("OneDsCollector", "AzureMonitor"),
        ] {
            if !text.contains(from) {
                continue;
            }
            broken += 1;
            let report = support::prove_with(&made, &snapshot, name, text.replace(from, to).as_bytes());
            assert!(!report.is_success(), "{name}: {from} is {to}");
        }
    }
    assert!(broken >= 36, "{broken} breaks");
    // Without one of them, which only a format without other places for it can lack.
    for name in ["nsg.csv", "route-table.csv"] {
        let text = support::text_of(&made, name);
        for line in text.lines().filter(|line| line.contains(KEPT)) {
            let without = text.replace(&format!("{line}\n"), "");
            let report = support::prove_with(&made, &snapshot, name, without.as_bytes());
            assert!(!report.is_success(), "without {line}");
        }
    }
}

#[test]
fn what_an_earlier_file_has_of_the_service_is_told_of() {
    let first = made("rules-version = \"v10\"\n");
    let previous = verify::earlier("e", &support::named(&first.files));
    let source = support::policy("e.toml", &policy(""));
    let snapshot = support::sample(Cloud::Public);
    let again = pipeline::generate(&source, Catalog::builtin(), &snapshot, Some(&previous)).unwrap();
    let told = |name: &str| again.plan.notes.iter().any(|note| note.contains(name));
    assert!(told("mi-services-out-10-20-1-0-24-v10 of e-a-nsg"), "{:?}", again.plan.notes);
}

/// Runs a script against an `az` that lists `there` and writes down what it is asked to make and to delete.
fn run(script: &str, there: &str) -> (String, Vec<String>) {
    let place = tempfile::tempdir().expect("a folder can be made");
    fs::write(place.path().join("run.sh"), script).unwrap();
    fs::write(place.path().join("there"), there).unwrap();
    let az = "#!/usr/bin/env bash\ncase \"$*\" in\n  *length*) echo 1 ;;\n  *\" list \"*) cat there ;;\n\
              *\" create \"* | *\" delete \"*) echo \"$*\" >>did ;;\nesac\n";
    let path = place.path().join("az");
    fs::write(&path, az).unwrap();
    let search = format!("{}:{}", place.path().display(), std::env::var("PATH").unwrap_or_default());
    Command::new("chmod").arg("+x").arg(&path).status().expect("chmod runs");
    let mut command = Command::new("bash");
    command.arg("run.sh").current_dir(place.path()).env("PATH", search).env("RESOURCE_GROUP", "g");
    let output = command.output().expect("bash runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let did = fs::read_to_string(place.path().join("did")).unwrap_or_default();
    (String::from_utf8_lossy(&output.stdout).into_owned(), did.lines().map(str::to_owned).collect())
}

#[test]
#[cfg(unix)]
fn scripts_leave_what_the_service_keeps_whatever_its_version() {
    let made = made("");
    let number = |kind: &str, name: &str| {
        let scripts = made.files.iter().filter(|f| f.name.starts_with(kind) && f.name.ends_with(".sh"));
        let texts = scripts.map(|file| std::str::from_utf8(&file.bytes).unwrap());
        texts.into_iter().find(|text| text.contains(name)).expect("the script is there").to_owned()
    };
    let group = number("nsg", "nsg='e-a-nsg'");
    let there = format!(
        "Inbound\t100\t{KEPT}mi-healthprobe-in-10-20-1-0-24-v12\nInbound\t101\t{KEPT}mi-internal-in-10-20-1-0-24-v11\n\
         Outbound\t100\t{KEPT}mi-optional-azure-out-10-20-1-0-24\nInbound\t300\ta-in-old\n"
    );
    let (said, did) = run(&group, &there);
    let named = |name: &str| did.iter().filter(|line| line.contains(name)).count();
    assert_eq!(named("delete"), 1, "{did:?}");
    assert_eq!((named("a-in-old"), named("healthprobe"), named("mi-internal-in")), (1, 0, 0), "{did:?}");
    assert_eq!(
        (named("mi-optional"), named("mi-aad-out"), named("a-in-VirtualNetwork")),
        (0, 1, 1),
        "{did:?}"
    );
    assert!(said.contains("left as it is, since a service keeps it: rule"), "{said}");
    let table = number("route-table", "route_table='e-a-routes'");
    let there = format!(
        "10.20.1.0/24\t{KEPT}subnet-10-20-1-0-24-to-vnetlocal\nAzureActiveDirectory\t{KEPT}mi-AzureActiveDirectory\n\
         AzureCloud.westeurope\t{KEPT}optional-AzureCloud.westeurope\nSqlManagement\t{KEPT}mi-SqlManagement\n\
         Sql\tonprem-Sql\nSql.WestEurope\tSql.WestEurope\n"
    );
    let (_, did) = run(&table, &there);
    let named = |name: &str| did.iter().filter(|line| line.contains(name)).count();
    assert_eq!(named("delete"), 1, "only the route that is called as tagwall's are: {did:?}");
    assert_eq!((named("--name Sql.WestEurope"), named("vnetlocal")), (1, 0), "{did:?}");
    assert_eq!((named("mi-OneDsCollector"), named("mi-AzureActiveDirectory")), (1, 0), "{did:?}");
}

/// What Azure put in the table besides: until November 2022 a route for each service, of which two tags are in no file; later
/// optional ones, where the optional rule is kept.
#[test]
fn routes_of_older_versions_and_optional_ones_are_kept_where_they_are() {
    let kept = |options: &str| {
        let own = routes(&made(options), "e-a-routes");
        own.into_iter()
            .filter(|line| line.starts_with("UseOnly_mi-") && !line.contains("vnetlocal"))
            .collect::<Vec<_>>()
    };
    let line = |name: &str, to: &str| format!("UseOnly_mi-{name}: {to} -> Internet");
    let of = |names: &[&str]| names.iter().map(|name| line(name, name)).collect::<Vec<_>>();
    let both = |service: &str, written: [&str; 2]| {
        ["northeurope", "westeurope"]
            .map(|region| format!("{service}.{region}"))
            .into_iter()
            .zip(written)
            .map(|(name, to)| line(&name, &format!("{service}.{to}")))
            .collect::<Vec<_>>()
    };
    let (low, high) = (["northeurope", "westeurope"], ["NorthEurope", "WestEurope"]);
    assert_eq!(
        kept("rules-version = \"v10\"\n"),
        [
            of(&["AzureActiveDirectory"]),
            both("AzureCloud", low),
            of(&["AzureMonitor", "CorpNetPublic", "CorpNetSaw"]),
            both("EventHub", high),
            of(&["SqlManagement", "Storage"]),
            both("Storage", high),
        ]
        .concat()
    );
    let old = made("rules-version = \"v10\"\n");
    assert!(!support::text_of(&old, "report.md").contains("TW022"), "tags in no file are known all the same");
    let plain = kept("");
    let (optional, rest): (Vec<String>, Vec<String>) =
        kept("optional-rules = true\n").into_iter().partition(|line| line.contains("optional"));
    assert_eq!(rest, plain);
    assert_eq!(
        optional,
        low.map(|region| line(&format!("optional-AzureCloud.{region}"), &format!("AzureCloud.{region}")))
    );
}
