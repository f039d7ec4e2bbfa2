//! What the corrections of November 2026 became: for each, the rules of each target that it makes or takes away. The
//! listings under `tests/matrix` hold the defaults; here are the options as well.

use std::collections::BTreeMap;

use crate::support;
use tagwall::catalog::{Catalog, Context, OptionValue, Prefer, RemoteSpec, Resolved};
use tagwall::tags::{Cloud, Regions};

/// The dots of names of package hosts are written `[.]` outside the catalogue.
fn dots(text: &str) -> String {
    text.replace("[.]", ".")
}

/// The listing of one workload with these lines of options, through a firewall.
fn made(cloud: Cloud, region: &str, workload: &str, options: &str) -> String {
    let text = format!(
        "schema = 1\nname = \"m\"\ncloud = \"{cloud}\"\nregion = \"{region}\"\n\
         network.address-space = [\"10.20.0.0/16\"]\nnetwork.firewall = \"10.20.255.4\"\n\
         subnets.training.prefixes = [\"10.20.1.0/24\"]\n[[allow]]\nworkload = \"{workload}\"\n{options}\n"
    );
    support::listing(&support::generate(workload, &text, &support::sample(cloud)))
}

/// Holds the listing against lines that have to be there and lines that must not.
fn hold(what: &str, listing: &str, has: &[&str], lacks: &[&str]) {
    let lines: Vec<&str> = listing.lines().collect();
    for line in has {
        let line = dots(line);
        assert!(lines.contains(&line.as_str()), "{what}: no `{line}` in\n{listing}");
    }
    for part in lacks {
        let part = dots(part);
        assert!(!listing.contains(&part), "{what}: `{part}` in\n{listing}");
    }
}

fn resolved(cloud: Cloud, region: &str, workload: &str, options: &[(&str, OptionValue)]) -> Resolved {
    let regions = Regions::of(cloud);
    let options: BTreeMap<String, OptionValue> =
        options.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let context = Context {
        cloud,
        region: regions.find(region).unwrap(),
        regions,
        options: &options,
        prefer: Prefer::Auto,
        without: &[],
        with: &[],
        as_of: Catalog::version(),
    };
    Catalog::builtin().workload(workload).unwrap().resolve(&context).unwrap()
}

fn text(value: &str) -> OptionValue {
    OptionValue::Text(value.to_owned())
}

/// The hosts of a row.
fn hosts(resolved: &Resolved, row: &str) -> Vec<String> {
    let taken = resolved.rows.iter().filter(|r| r.row == row);
    taken
        .map(|r| match r.need.remote() {
            RemoteSpec::Fqdn(host) => host.to_string(),
            other => panic!("{row}: {other} is no host"),
        })
        .collect()
}

#[test]
fn packages_of_aks_nodes() {
    let new = "application [(Https, 443)] -> packages.aks.azure[.]com";
    hold("A1", &made(Cloud::Public, "westeurope", "aks-egress", ""), &[new], &[]);
    hold("A1, by FQDN tag", &made(Cloud::Public, "westeurope", "aks-egress", "fqdn-tag = true"), &[], &[new]);
    hold("B1", &made(Cloud::UsGov, "usgovvirginia", "aks-egress", ""), &[new], &[]);
    let china = made(Cloud::China, "chinaeast2", "aks-egress", "");
    hold("B1, China", &china, &["application [(Https, 443)] -> *.azk8s.cn"], &["acs-mirror", new]);
    for (row, required) in [("aks-10", true), ("aks-8", false), ("aks-2", false)] {
        let rows = resolved(Cloud::Public, "westeurope", "aks-egress", &[]).rows;
        assert_eq!(rows.iter().find(|r| r.row == row).unwrap().required, required, "{row}");
    }
    let time = resolved(Cloud::China, "chinaeast2", "aks-egress", &[]).rows;
    assert!(
        time.iter().find(|r| r.row == "aks-2-other").unwrap().required,
        "A3: only the public page says so"
    );
}

#[test]
fn aks_in_three_clouds() {
    for (cloud, region, lines) in [
        (
            Cloud::Public,
            "westeurope",
            ["*.hcp.westeurope.azmk8s.io", "mcr-0001.mcr-msedge.net", "management.azure.com"],
        ),
        (
            Cloud::UsGov,
            "usgovvirginia",
            [
                "*.hcp.usgovvirginia.cx.aks.containerservice.azure.us",
                "management.usgovcloudapi.net",
                "login.microsoftonline.us",
            ],
        ),
        (
            Cloud::China,
            "chinaeast2",
            ["*.tun.chinaeast2.cx.prod.service.azk8s.cn", "mcr.azure.cn", "login.chinacloudapi.cn"],
        ),
    ] {
        let listing = made(cloud, region, "aks-egress", "");
        let lines = lines.map(|host| format!("application [(Https, 443)] -> {host}"));
        hold("B1", &listing, &lines.each_ref().map(String::as_str), &[]);
        let tag = format!("nsg outbound udp 1194 10.20.1.0/24 -> AzureCloud.{region}");
        hold("B1", &listing, &[&tag, "network [Udp] 123 -> ntp.ubuntu.com"], &[]);
        let ssh = format!("nsg outbound tcp 22,9000 10.20.1.0/24 -> AzureCloud.{region}");
        assert_eq!(
            listing.contains(&ssh),
            cloud == Cloud::China,
            "{cloud}: SSH is in the table for China alone"
        );
    }
    let options = "cluster-extensions = true";
    hold(
        "B2",
        &made(Cloud::UsGov, "usgovvirginia", "aks-egress", options),
        &["application [(Https, 443)] -> usgovvirginia.dp.kubernetesconfiguration.azure.us"],
        &["arcmktplaceprod"],
    );
    let kubernetes = made(Cloud::Public, "westeurope", "aml-kubernetes", "");
    let extension = "application [(Https, 443)] -> westeurope.dp.kubernetesconfiguration.azure.com";
    hold("A7", &kubernetes, &[extension], &[]);
    hold(
        "A7, Arc",
        &made(Cloud::Public, "westeurope", "aml-kubernetes", "arc = true"),
        &[],
        &["dp.kubernetes"],
    );
}

#[test]
fn udp_5831_in_the_public_cloud_stays_with_the_tag() {
    for (workload, options) in
        [("aml-compute", ""), ("aml-training-internet", ""), ("aml-workspace", "compute = true")]
    {
        let options = format!("prefer = \"fqdns\"\n{options}");
        let public = made(Cloud::Public, "westeurope", workload, &options);
        hold("A5", &public, &["network [Udp] 5831 -> AzureMachineLearning"], &[]);
        let nsg: Vec<&str> =
            public.lines().filter(|l| l.starts_with("nsg") && l.contains(" 5831 ")).collect();
        assert_eq!(nsg, ["nsg outbound udp 5831 10.20.1.0/24 -> AzureMachineLearning"], "{workload}");
        let usgov = made(Cloud::UsGov, "usgovvirginia", workload, &options);
        let host = "network [Udp] 5831 -> usgovvirginia.tundra.azureml.us";
        hold("A5, one host", &usgov, &[host], &["network [Udp] 5831 -> AzureMachineLearning"]);
    }
}

#[test]
fn hosts_that_china_has_after_all() {
    let graph = "application [(Https, 443)] -> graph.chinacloudapi.cn";
    let compute = made(Cloud::China, "chinaeast2", "aml-compute", "prefer = \"fqdns\"");
    hold("A6", &compute, &[graph], &["network [Tcp] 443 -> AzureActiveDirectory"]);
    let images = "application [(Https, 443)] -> *.data.mcr.azure.cn";
    for workload in ["aml-training-internet", "aml-workspace"] {
        let listing = made(Cloud::China, "chinaeast2", workload, "prefer = \"fqdns\"");
        hold("B1, images", &listing, &[images], &["network [Tcp] 443 -> MicrosoftContainerRegistry"]);
    }
}

#[test]
fn databricks_hosts_by_region() {
    let on = [("firewall-hosts", OptionValue::Bool(true))];
    let at = |region: &str, row: &str| hosts(&resolved(Cloud::Public, region, "databricks", &on), row);
    let relay = |names: &[&str]| -> Vec<String> {
        names.iter().map(|name| format!("tunnel.{name}.azuredatabricks.net")).collect()
    };
    for (region, names) in [
        ("westeurope", &["westeurope", "westeuropec2"][..]),
        ("northeurope", &["westeurope", "northeuropec2"]),
        ("centralus", &["centralus", "centralusc2"]),
        ("northcentralus", &["northcentralus", "northcentralusc2"]),
        ("canadaeast", &["canadacentral"]),
        ("eastus2", &["eastus2"]),
    ] {
        assert_eq!(at(region, "db-h1"), relay(names), "A8: {region}");
    }
    assert_eq!(at("westeurope", "db-h2").len(), 8);
    assert_eq!(at("northeurope", "db-h6"), ["prod-westeurope-observabilityeventhubs.servicebus.windows.net"]);
    assert!(at("canadaeast", "db-h2").is_empty() && at("canadaeast", "db-h6").is_empty(), "nothing is known");
    assert!(at("westeurope", "db-h11").contains(&"global.handler.control.monitor.azure.com".to_owned()));

    // What the policy names takes the place of what is derived.
    let own = "firewall-hosts = true\nrelay-hosts = [\"relay.example.org\"]\n\
               metastore-hosts = [\"meta.example.org\"]\nevent-hub-hosts = [\"hub.example.org\"]";
    hold(
        "A8, options",
        &made(Cloud::Public, "westeurope", "databricks", own),
        &[
            "application [(Https, 443)] -> relay.example.org",
            "network [Tcp] 3306 -> meta.example.org",
            "network [Tcp] 9093 -> hub.example.org",
        ],
        &["tunnel.", "consolidated-", "observability"],
    );
}

#[test]
fn databricks_rules_of_azure_and_routes() {
    let managed = |options: &[(&str, OptionValue)]| -> Vec<String> {
        resolved(Cloud::Public, "westeurope", "databricks", options)
            .managed
            .into_iter()
            .map(|m| m.id)
            .collect()
    };
    assert_eq!(managed(&[]), ["db-n1", "db-n4", "db-n5", "db-n6", "db-n7", "db-n8"]);
    let without = ["db-n1", "db-n4", "db-n6", "db-n7", "db-n8"];
    assert_eq!(managed(&[("required-nsg-rules", text("NoAzureDatabricksRules"))]), without, "A10");
    let link = ("private-link", OptionValue::Bool(true));
    assert_eq!(managed(std::slice::from_ref(&link)), without, "A10");
    assert_eq!(managed(&[("required-nsg-rules", text("NoAzureServiceRules"))]), ["db-n1", "db-n4"]);
    assert!(managed(&[("scc", OptionValue::Bool(false))]).contains(&"db-n3".to_owned()));
    let says = |options: &[(&str, OptionValue)], part: &str| {
        let all = resolved(Cloud::Public, "westeurope", "databricks", options).preconditions;
        all.iter().any(|must| must.text.contains(part))
    };
    assert!(says(&[], "uses no private endpoint") && !says(&[link], "uses no private endpoint"), "A10");

    // A12: the addresses of the extended infrastructure are routes as well.
    let own = "infrastructure-addresses = [\"203.0.113.0/28\"]";
    let (with, plain) = (
        made(Cloud::China, "chinaeast2", "databricks", own),
        made(Cloud::China, "chinaeast2", "databricks", ""),
    );
    let routes = |listing: &str| -> usize {
        let line = listing.lines().find(|l| l.ends_with(" by prefix")).unwrap();
        line.split(' ').nth(1).unwrap().parse().unwrap()
    };
    assert_eq!(routes(&with), routes(&plain) + 1, "A12");

    // A11: the alias of the service beside the user's accounts.
    let account = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a";
    let ids = OptionValue::List(vec![account.to_owned()]);
    let options = [("storage-account-ids", ids)];
    let policies = resolved(Cloud::Public, "westeurope", "databricks", &options).endpoint_policies;
    let definitions = &policies[0].definitions;
    assert_eq!(definitions[0], ("Global".to_owned(), vec!["/services/Azure/Databricks".to_owned()]));
    assert_eq!(definitions[1].1, [account]);
}

#[test]
fn hdinsight_as_the_pages_have_it_now() {
    let at = |options: &str| made(Cloud::Public, "westus2", "hdinsight", options);
    hold(
        "A13 to A17, A21",
        &at("autoscale = true\nstorage-accounts = [\"account\"]"),
        &[
            "nsg outbound tcp 1433,11000-11999 10.20.1.0/24 -> Sql",
            "network [Tcp] 1433,11000-11999 -> Sql",
            "nsg outbound tcp * 10.20.1.0/24 -> AzureMonitor",
            "network [Tcp] * -> AzureMonitor",
            "application [(Https, 443)] -> account.blob.core.windows.net",
            "application [(Http, 80)] -> azure.archive.ubuntu[.]com",
            "application [(Https, 443)] -> FQDN tag HDInsight",
        ],
        &["123", "12000", "AzureHDInsight"],
    );
    hold("A13", &at("sql-service-endpoint = true"), &[], &["1433"]);
    let own = at("sql-service-endpoint = true\nsql-metastore = true");
    hold("A13, a metastore of one's own", &own, &["network [Tcp] 1433,11000-11999 -> Sql"], &[]);
    hold("A17, on request", &at("with = [\"hd-o5\"]"), &["network [Udp] 123 -> *"], &[]);
    hold(
        "A21",
        &at("fqdn-tag = \"AzureHDInsight\""),
        &["application [(Https, 443)] -> FQDN tag AzureHDInsight"],
        &[],
    );
    let outbound = at("provider-connection = \"outbound\"\nkafka-rest = true\nlegacy-addresses = true");
    hold("A18", &outbound, &["route 1 by prefix"], &["nsg inbound tcp 443", "9400", "route HDInsight"]);
    let kafka = ["nsg inbound tcp 443,9400 HDInsight.WestUS2 -> 10.20.1.0/24"];
    hold("A19", &at("kafka-rest = true"), &kafka, &[]);
    hold("A19", &at(""), &["nsg inbound tcp 443 HDInsight.WestUS2 -> 10.20.1.0/24"], &["9400"]);
}

#[test]
fn file_shares_during_training() {
    let at = |workload: &str, options: &str| made(Cloud::Public, "westeurope", workload, options);
    hold("A24, off", &at("aml-compute", ""), &[], &[" 445 "]);
    let tag = "nsg outbound tcp 443,445 10.20.1.0/24 -> Storage.WestEurope";
    hold("A24", &at("aml-compute", "smb = \"tag\""), &[tag, "network [Tcp] 445 -> Storage.WestEurope"], &[]);
    let network = "nsg outbound tcp 445 10.20.1.0/24 -> 10.20.0.0/16";
    hold("A24", &at("aml-compute", "smb = \"endpoint\""), &[network], &[tag]);
    let own = "smb = \"endpoint\"\nstorage-endpoints = [\"10.20.9.4\"]";
    let endpoint = "nsg outbound tcp 445 10.20.1.0/24 -> 10.20.9.4/32";
    hold("A24", &at("aml-compute", own), &[endpoint], &[network, tag]);
    hold("serverless", &at("aml-serverless", ""), &[network], &[]);
    let says = |options: &[(&str, OptionValue)], workload: &str, part: &str| {
        let all = resolved(Cloud::Public, "westeurope", workload, options).preconditions;
        all.iter().any(|must| must.text.contains(part))
    };
    let public = ("public-ip", OptionValue::Bool(true));
    assert!(says(&[], "aml-compute", "smb = \"endpoint\""), "a note where the row is off");
    for options in [&[][..], std::slice::from_ref(&public)] {
        assert!(says(options, "aml-compute", "may be in another region than the workspace"), "A23");
    }
    assert!(says(&[], "aml-serverless", "IP allow list"), "A25");
    assert!(!says(&[public], "aml-serverless", "IP allow list"), "A25");
    assert!(says(&[], "aml-compute", "networks made since 2026-03-31 have none"), "A27");
}

#[test]
fn routes_past_the_firewall_need_a_way_out() {
    for workload in Catalog::builtin().workloads() {
        for row in workload.rows().iter().filter(|r| r.next_hop().is_some_and(|hop| hop.name() == "internet"))
        {
            let has = row.risks().iter().any(|risk| risk.id == "private-subnet-route");
            // The subnets of Databricks are delegated, and those are exempt.
            assert_eq!(has, workload.name() != "databricks", "A26: {} {}", workload.name(), row.id());
        }
    }
}

#[test]
fn pages_that_say_more_than_rules() {
    let help = |workload: &str, option: &str| {
        Catalog::builtin().workload(workload).unwrap().option(option).unwrap().help.clone()
    };
    let addresses = help("databricks", "control-plane-addresses");
    assert!(
        addresses.contains("those of the relay and of the control plane, the web application included"),
        "A9"
    );
    let hdinsight = resolved(Cloud::Public, "westeurope", "hdinsight", &[]).preconditions;
    assert!(hdinsight.iter().any(|must| must.text.contains("not recommended: it needs metastores")), "A20");
    let exfiltration = [("storage-account-ids", OptionValue::List(vec!["/subscriptions/s".to_owned()]))];
    let policies = resolved(Cloud::Public, "westeurope", "aml-exfiltration", &exfiltration).preconditions;
    assert!(
        policies
            .iter()
            .any(|m| m.text.contains("names Azure Batch") && m.text.contains("warns for HDInsight")),
        "C13"
    );
    let sources = |workload: &str, row: &str| {
        Catalog::builtin().workload(workload).unwrap().row(row).unwrap().sources().join("; ")
    };
    assert!(sources("aml-compute", "aml-f10").contains("2026-03-19 (commit 00bb5540)"), "D9");
    let notes = |workload: &str, row: &str| {
        Catalog::builtin().workload(workload).unwrap().row(row).unwrap().notes().join("; ")
    };
    assert!(notes("aml-compute", "aml-o1").contains("only where the workspace has a private endpoint"), "D9");
    for row in ["vs-8", "vs-9"] {
        assert!(sources("aml-training-internet", row).contains("behind-firewall.md"), "D10");
    }
    assert!(notes("aml-training-internet", "py-4").contains("the page says the opposite"), "D11");
    let alias = Catalog::builtin().alias("Batch.westeurope").unwrap();
    assert!(alias.note.contains("an older page"), "D12: {}", alias.note);
    let events: Vec<String> = Catalog::builtin().dated().iter().map(|fact| fact.subject.clone()).collect();
    for event in ["basic-load-balancer", "nsg-flow-logs", "nsg-flow-logs-new", "default-outbound-access"] {
        assert!(events.iter().any(|known| known == event), "D7, D8: {event}");
    }
}

#[test]
fn regions_and_limits_of_the_documents() {
    let public = Regions::of(Cloud::Public);
    assert_eq!(public.find("indiasouthcentral").unwrap().pair(), Some("CentralIndia"), "C1");
    for region in [
        "belgiumcentral",
        "chilecentral",
        "denmarkeast",
        "indonesiacentral",
        "malaysiawest",
        "mexicocentral",
        "newzealandnorth",
    ] {
        assert_eq!(public.find(region).unwrap().pair(), None, "C2: {region}");
    }
    let suffixes = |cloud| Regions::of(cloud).iter().filter(|region| !region.suffix().is_empty()).count();
    let counted = [suffixes(Cloud::Public), suffixes(Cloud::China), suffixes(Cloud::UsGov)];
    assert_eq!(counted, [75, 6, 5], "C4");
    for (cloud, name, code) in [
        (Cloud::Public, "UKNorth", 29),
        (Cloud::Public, "UKSouth2", 30),
        (Cloud::Public, "EastUSSLV", 94),
        (Cloud::UsGov, "usgoviowa", 40),
    ] {
        let former = tagwall::tags::FormerRegion::find(cloud, name);
        assert_eq!(former.unwrap_or_else(|| panic!("C5: {name}")).id, code, "C5: {name}");
    }
    for code in ["easteurope", "koreas2", "finlandcentral", "isrealcentral"] {
        assert!(tagwall::tags::FormerRegion::find(Cloud::Public, code).is_some(), "C5: {code}");
    }
    let limits = tagwall::plan::Limits::new(None, &BTreeMap::new()).unwrap();
    for (key, figure) in [
        ("nsg-rules", 2000),
        ("nsg-source-prefixes", 6000),
        ("nsg-destination-prefixes", 6000),
        ("routes-per-table", 1000),
        ("tag-routes-per-table", 25),
        ("firewall-rule-collection-groups", 60),
        ("firewall-unique-pairs", 20_000),
        ("firewall-dnat-rules", 250),
    ] {
        assert_eq!(limits.get(key.parse().unwrap()), figure, "C9, C10: {key}");
    }
}

/// Ports of the firewall: 1 to 65535 in network and application rules, so that 64001 and more can be said.
#[test]
fn ports_that_the_firewall_takes() {
    let at = |remote: &str, protocol: &str, port: &str| {
        let text = format!(
            "schema = 1\nname = \"m\"\nregion = \"westeurope\"\nnetwork.address-space = [\"10.20.0.0/16\"]\n\
             network.firewall = \"10.20.255.4\"\nsubnets.a.prefixes = [\"10.20.1.0/24\"]\nnsg.hosts = \"internet\"\n\
             [[allow]]\nto = \"{remote}\"\nprotocol = \"{protocol}\"\nports = \"{port}\"\n"
        );
        support::listing(&support::generate("ports", &text, &support::sample(Cloud::Public)))
    };
    assert!(at("203.0.113.0/24", "tcp", "64001-65535").contains("network [Tcp] 64001-65535"), "C8");
    assert!(at("fqdn:example.org", "tcp", "65535").contains("65535 -> example.org"), "C8");
}

/// Azure Firewall's rules stay IPv4, and a newer provider of Terraform is let in.
#[test]
fn what_formats_say_of_versions_and_families() {
    let text = "schema = 1\nname = \"m\"\nregion = \"westeurope\"\nnetwork.address-space = [\"10.20.0.0/16\", \"fd00:1::/48\"]\n\
                network.firewall = \"10.20.255.4\"\nsubnets.a.prefixes = [\"10.20.1.0/24\", \"fd00:1:0:1::/64\"]\n\
                output.formats = [\"terraform\"]\naccept-missing = true\n[[allow]]\nto = [\"203.0.113.0/24\", \"2001:db8:7::/48\"]\n\
                protocol = \"tcp\"\nports = 443\n";
    let made = support::generate("families", text, &support::sample(Cloud::Public));
    assert!(support::text_of(&made, "main.tf").contains(">= 4.0, < 6.0"), "D4");
    let firewall = support::text_of(&made, "firewall.tf");
    assert!(firewall.contains("203.0.113.0/24") && !firewall.contains("2001:db8"), "C15: {firewall}");
    assert!(support::text_of(&made, "nsg.tf").contains("2001:db8:7::/48"), "C15");
}
