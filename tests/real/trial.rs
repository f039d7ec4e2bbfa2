//! What a careful administrator tried on real files: lists from one week to the next, and counts of both families.

use crate::fake::{Place, stderr};
use crate::support;
use serde_json::Value;
use tagwall::addr::{AddrSet, Count, IpPrefix};

/// Two files that follow each other, unpacked into the folder.
fn weeks(place: &Place, test: &str) -> Option<[String; 2]> {
    let shared = support::shared(test)?;
    Some(["20260615", "20260622"].map(|day| {
        let packed = shared.join(format!("data/service-tags/ServiceTags_Public_{day}.json.xz"));
        let name = format!("ServiceTags_Public_{day}.json");
        std::fs::write(place.path(&name), support::unpack(&packed)).unwrap();
        name
    }))
}

/// The summary of a refresh that published rules, for which it ends with 6.
fn refreshed(place: &Place, file: &str) -> Value {
    let args = ["refresh", "p.toml", "--out", "out", "--source", file, "--store", "store"];
    let more = ["--detailed-exitcode", "--on-change", "cat >> told"];
    let output = place.run(&[&args[..], &more].concat());
    assert_eq!(output.status.code(), Some(6), "{}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn read(place: &Place, name: &str) -> String {
    std::fs::read_to_string(place.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Trial T6: whoever has lists alone has no rules in which Azure would apply anything.
#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn lists_change_from_week_to_week_and_hooks_are_told() {
    let place = Place::new();
    let Some([first, second]) = weeks(&place, "lists_change_from_week_to_week_and_hooks_are_told") else {
        return;
    };
    let policy = |formats: &str| {
        format!(
            "schema = 1\nname = \"lists\"\nregion = \"westeurope\"\nnetwork.address-space = [\"10.20.0.0/16\"]\n\
             network.firewall = \"10.20.255.4\"\nsubnets.a.prefixes = [\"10.20.1.0/24\"]\noutput.formats = [{formats}]\n\
             [[allow]]\nto = [\"AzureMonitor\"]\nprotocol = \"tcp\"\nports = 443\n"
        )
    };
    std::fs::write(place.path("p.toml"), policy("\"nftables\", \"edl\", \"lists\"")).unwrap();
    refreshed(&place, &first);
    std::fs::remove_file(place.path("told")).unwrap();
    let said = refreshed(&place, &second);
    assert_eq!(said["environments"][0]["lists_changed"], 3, "{said}");
    assert_eq!(said["environments"][0]["rules_changed"], 0, "{said}");
    let told: Value = serde_json::from_str(&read(&place, "told")).unwrap();
    assert_eq!(told["changes"][0]["name"], "lists");
    let changes = read(&place, "out/changes.md");
    for head in ["## edl: lists", "## lists: lists", "## nftables: lists"] {
        assert!(changes.contains(head), "{changes}");
    }
    assert!(changes.contains("gains 4.161.151.60/30") && !changes.contains("Azure applies"), "{changes}");

    // A rule that names the tag is what Azure applies the change in.
    let both = Place::new();
    let Some([first, second]) = weeks(&both, "lists_change_from_week_to_week_and_hooks_are_told") else {
        return;
    };
    std::fs::write(both.path("p.toml"), policy("\"arm\", \"edl\"")).unwrap();
    refreshed(&both, &first);
    refreshed(&both, &second);
    let changes = read(&both, "out/changes.md");
    assert!(
        changes.contains("Rules name AzureMonitor: there Azure applies the change by itself"),
        "{changes}"
    );
}

/// Prefixes and addresses of both families in a line such as `gains … (12 IPv4 and 5 IPv6 addresses)`.
fn families(line: &str) -> (Option<Count>, Option<Count>) {
    let inner = line.rsplit_once('(').map_or("", |(_, inner)| inner);
    let before = |word: &str| {
        let words: Vec<&str> = inner.split([' ', ')']).collect();
        let at = words.iter().position(|w| *w == word)?;
        words[at - 1].parse().ok()
    };
    (before("IPv4"), before("IPv6"))
}

/// Trial T14: a week in a network of both families.
#[test]
#[cfg_attr(not(shared_data), ignore = "needs TAGWALL_SHARED")]
fn families_are_counted_apart() {
    let place = Place::new();
    let Some([first, second]) = weeks(&place, "families_are_counted_apart") else { return };
    std::fs::write(
        place.path("p.toml"),
        r#"
schema = 1
name = "dual"
region = "westeurope"
accept-missing = true
[network]
address-space = ["10.20.0.0/16", "fd00:1::/48"]
firewall = ["10.20.255.4", "fd00:1:0:ff::4"]
[subnets.a]
prefixes = ["10.20.1.0/24", "fd00:1:0:1::/64"]
[nsg]
tags = "expand"
[route-table]
tags = "expand"
[output]
targets = ["nsg", "route-table"]
[precision]
max-extra = "100000000000000000000000000"
[limits]
nsg-destination-prefixes = 1700
[[allow]]
to = ["AzureMonitor"]
except = ["4.161.151.60/31"]
protocol = "tcp"
ports = 443
[[route]]
to = ["AzureMonitor"]
except = ["4.161.151.60/31"]
next-hop = "internet"
"#,
    )
    .unwrap();
    refreshed(&place, &first);
    let said = refreshed(&place, &second);
    let tag = said["environments"][0]["tags"][0].as_str().unwrap();
    assert_eq!(tag, "AzureMonitor: +45 IPv4 prefixes, 1012 addresses; +12 IPv6 prefixes, 4576 addresses");

    let report = read(&place, "out/dual/report.md");
    let manifest: Value = serde_json::from_str(&read(&place, "out/dual/manifest.json")).unwrap();
    // The exception lies inside what is routed: it keeps the default way, and no more routes are counted than there are.
    let table: Value = serde_json::from_str(&read(&place, "out/dual/route-table.arm.json")).unwrap();
    let routes = table["resources"][0]["properties"]["routes"].as_array().unwrap();
    let hop = |address: &str| {
        let address: AddrSet = AddrSet::from(format!("{address}/32").parse::<IpPrefix>().unwrap());
        let properties = routes.iter().map(|route| &route["properties"]);
        let taking = properties.filter_map(|route| {
            let prefix: IpPrefix = route["addressPrefix"].as_str().unwrap().parse().unwrap();
            address.is_subset(&prefix.into()).then(|| (prefix.len(), route["nextHopType"].as_str().unwrap()))
        });
        taking.max().expect("the default takes all").1
    };
    assert_eq!((hop("4.161.151.60"), hop("4.161.151.62")), ("VirtualAppliance", "Internet"));
    let usage = manifest["limits"]["usage"].as_array().unwrap();
    let counted = usage.iter().find(|usage| usage["key"] == "routes-per-table").unwrap();
    assert_eq!(counted["have"].as_u64().unwrap(), routes.len() as u64, "{counted}");

    // What is admitted beyond the lists: each address once, by family, and the sum over the lists as the budget counts it.
    let extra = &manifest["precision"];
    let count = |value: &Value| value.as_str().unwrap().parse::<Count>().unwrap();
    let (v4, v6) = (count(&extra["extra_distinct"]["v4"]), count(&extra["extra_distinct"]["v6"]));
    assert!(!v4.is_zero() || !v6.is_zero(), "the lists do not fit without: {extra}");
    let widened = extra["widened"].as_array().unwrap();
    let set = |one: &Value| -> AddrSet {
        one["addresses"]
            .as_array()
            .unwrap()
            .iter()
            .map(|p| p.as_str().unwrap().parse::<IpPrefix>().unwrap())
            .collect()
    };
    let sets: Vec<AddrSet> = widened.iter().map(set).collect();
    let union = AddrSet::union_of(&sets);
    assert_eq!((union.v4.count(), union.v6.count()), (v4, v6));
    let sum: Count = sets.iter().map(AddrSet::count).sum();
    assert!(report.contains(&format!("these rules use {sum}")), "{report}");
    let verdict = report.lines().find(|line| line.starts_with("3. **Wider than asked:**")).unwrap();
    for part in [(v4, "IPv4"), (v6, "IPv6")].into_iter().filter(|(count, _)| !count.is_zero()) {
        assert!(verdict.contains(&format!("{} different {} addresses", part.0, part.1)), "{verdict}");
    }

    // Each line of changes tells the families apart, as they are in the prefixes that it gains.
    let changes = read(&place, "out/changes.md");
    let gains: Vec<&str> = changes
        .lines()
        .filter(|line| line.starts_with("  - gains") || line.starts_with("  - loses"))
        .collect();
    assert!(!gains.is_empty(), "{changes}");
    for line in gains {
        let (v4, v6) = families(line);
        assert!(v4.is_some() || v6.is_some(), "{line}");
    }
}
