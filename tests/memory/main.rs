//! Reading takes memory in proportion to the file: at most four times its size, as clients print it and where there is not
//! a blank between addresses, be its size in lists of addresses or in very many tiny rules.
//! A binary of its own, so that no other test has a part in what is measured.

#![cfg(target_os = "linux")]
#![expect(clippy::print_stdout, reason = "one process tells another what it took")]

use std::fmt::Write;

use tagwall::read::live::read_live;
use tagwall::read::resources::FirewallRule;

/// The most memory of this process so far, in bytes.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("the kernel tells");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("a line");
    let number = line.split_whitespace().nth(1).expect("a number");
    1024 * number.parse::<usize>().expect("a number")
}

/// Forgets the peak, so that only what comes counts.
fn forget() {
    std::fs::write("/proc/self/clear_refs", "5").expect("one's own peak may be forgotten");
}

const RULES: usize = 600;
const PREFIXES: usize = 1000;

fn prefixes(rule: usize, blank: &str) -> String {
    let mut text = String::new();
    for at in 0..PREFIXES {
        let comma = if at == 0 { "" } else { "," };
        write!(text, "{comma}{blank}\"{}.{}.{}.0/24\"", 1 + rule % 200, at / 250, at % 250)
            .expect("a string");
    }
    text
}

/// A group as a client prints it: its fields between braces, from the names of members.
fn group(head: &str, rule: impl Fn(usize) -> String, tail: &str) -> String {
    let mut text = head.to_owned();
    for at in 0..RULES {
        text.push_str(if at == 0 { "" } else { "," });
        text.push_str(&rule(at));
    }
    text + tail
}

/// Each dialect with `blank` before each item of lists.
fn dialects(blank: &str) -> Vec<(&'static str, String)> {
    let camel = |at: usize| {
        format!(
            "\"priority\":{},\"direction\":\"Outbound\",\"access\":\"Allow\",\"protocol\":\"Tcp\",\"sourceAddressPrefix\":\"*\",\
             \"sourcePortRange\":\"*\",\"destinationAddressPrefixes\":[{}],\"destinationPortRange\":\"443\"",
            100 + at,
            prefixes(at, blank)
        )
    };
    let snake = |at: usize| {
        camel(at)
            .replace("AddressPrefixes", "_address_prefixes")
            .replace("AddressPrefix", "_address_prefix")
            .replace("PortRange", "_port_range")
    };
    vec![
        (
            "rest",
            group(
                "{\"value\":[{\"type\":\"Microsoft.Network/networkSecurityGroups\",\"name\":\"n\",\"properties\":{\"securityRules\":[",
                |at| format!("{{\"name\":\"r{at}\",\"properties\":{{{}}}}}", camel(at)),
                "]}}]}",
            ),
        ),
        (
            "az",
            group(
                "{\"name\":\"n\",\"securityRules\":[",
                |at| format!("{{\"name\":\"r{at}\",{}}}", camel(at)),
                "]}",
            ),
        ),
        (
            "terraform",
            group(
                "{\"format_version\":\"1.0\",\"values\":{\"root_module\":{\"resources\":[{\"type\":\"azurerm_network_security_group\",\
                 \"mode\":\"managed\",\"name\":\"n\",\"values\":{\"name\":\"n\",\"security_rule\":[",
                |at| format!("{{\"name\":\"r{at}\",{}}}", snake(at)),
                "]}}]}}}",
            ),
        ),
        (
            "plan",
            group(
                "{\"format_version\":\"1.2\",\"resource_changes\":[{\"type\":\"azurerm_network_security_group\",\"mode\":\"managed\",\
                 \"name\":\"n\",\"change\":{\"after_unknown\":{\"id\":true},\"after\":{\"name\":\"n\",\"security_rule\":[",
                |at| format!("{{\"name\":\"r{at}\",{}}}", snake(at)),
                "]}}}]}",
            ),
        ),
        (
            "ip groups",
            group(
                "{\"value\":[",
                |at| {
                    let list = prefixes(at, blank);
                    format!(
                        "{{\"type\":\"Microsoft.Network/ipGroups\",\"name\":\"g{at}\",\"properties\":{{\"ipAddresses\":[{list}]}}}}"
                    )
                },
                "]}",
            ),
        ),
        (
            "firewall",
            group(
                "[{\"type\":\"Microsoft.Network/FirewallPolicies/RuleCollectionGroups\",\"name\":\"n\",\"priority\":200,\"ruleCollections\":[\
                 {\"ruleCollectionType\":\"FirewallPolicyFilterRuleCollection\",\"name\":\"c\",\"priority\":100,\"action\":{\"type\":\"Allow\"},\
                 \"rules\":[",
                |at| {
                    let list = prefixes(at, blank);
                    format!(
                        "{{\"ruleType\":\"NetworkRule\",\"name\":\"r{at}\",\"ipProtocols\":[\"TCP\"],\"sourceAddresses\":[\"*\"],\
                         \"destinationAddresses\":[{list}],\"destinationPorts\":[\"443\"]}}"
                    )
                },
                "]}]}]",
            ),
        ),
        (
            "template",
            group(
                "{\"$schema\":\"https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#\",\"resources\":[{\
                 \"type\":\"Microsoft.Network/networkSecurityGroups\",\"name\":\"n\",\"properties\":{\"securityRules\":[",
                |at| format!("{{\"name\":\"r{at}\",\"properties\":{{{}}}}}", camel(at)),
                "]}}]}",
            ),
        ),
    ]
}

/// Rules with one address each: nearly nothing of the file is an address.
const TINY: usize = 30_000;

/// Each dialect with nothing but the fields of tiny rules, with `line` before each member and item; and how many times its
/// size the file may take.
fn tiny(line: &str) -> Vec<(&'static str, String, f64)> {
    let object = |members: Vec<String>| format!("{{{line}{}}}", members.join(&format!(",{line}")));
    let name = |at: usize| format!("\"name\":\"r{at}\"");
    let address = |at: usize| format!("20.{}.{}.0/24", at / 250, at % 250);
    let camel = |at: usize| {
        vec![
            format!("\"priority\":{}", 100 + at),
            "\"direction\":\"Outbound\"".to_owned(),
            "\"access\":\"Allow\"".to_owned(),
            "\"protocol\":\"Tcp\"".to_owned(),
            "\"sourceAddressPrefix\":\"*\"".to_owned(),
            "\"sourcePortRange\":\"*\"".to_owned(),
            format!("\"destinationAddressPrefix\":\"{}\"", address(at)),
            "\"destinationPortRange\":\"443\"".to_owned(),
        ]
    };
    let flat = |at: usize| object([vec![name(at)], camel(at)].concat());
    let nested = |at: usize| object(vec![name(at), format!("\"properties\":{}", object(camel(at)))]);
    let snake =
        |at: usize| flat(at).replace("AddressPrefix", "_address_prefix").replace("PortRange", "_port_range");
    let of_firewall = |at: usize| {
        object(vec![
            "\"ruleType\":\"NetworkRule\"".to_owned(),
            name(at),
            "\"ipProtocols\":[\"TCP\"]".to_owned(),
            "\"sourceAddresses\":[\"*\"]".to_owned(),
            format!("\"destinationAddresses\":[\"{}\"]", address(at)),
            "\"destinationPorts\":[\"443\"]".to_owned(),
        ])
    };
    let all = |rule: &dyn Fn(usize) -> String| (0..TINY).map(rule).collect::<Vec<_>>().join(",");
    let (flat, nested, snake, of_firewall) = (all(&flat), all(&nested), all(&snake), all(&of_firewall));
    let kind = "\"type\":\"Microsoft.Network/networkSecurityGroups\",\"name\":\"n\"";
    let schema = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#";
    vec![
        ("az", format!("{{\"name\":\"n\",\"securityRules\":[{flat}]}}"), 4.0),
        ("bare list", format!("[{flat}]"), 4.0),
        ("rest", format!("{{\"value\":[{{{kind},\"properties\":{{\"securityRules\":[{nested}]}}}}]}}"), 4.0),
        (
            "template",
            format!(
                "{{\"$schema\":\"{schema}\",\"resources\":[{{{kind},\"properties\":{{\"securityRules\":[{nested}]}}}}]}}"
            ),
            4.0,
        ),
        (
            "terraform",
            format!(
                "{{\"format_version\":\"1.0\",\"values\":{{\"root_module\":{{\"resources\":[{{\"type\":\
                 \"azurerm_network_security_group\",\"mode\":\"managed\",\"name\":\"n\",\"values\":{{\"name\":\"n\",\
                 \"security_rule\":[{snake}]}}}}]}}}}}}"
            ),
            4.0,
        ),
        (
            // A rule of a firewall has eight lists of its own, most of them empty, and half the text of a group's.
            "firewall",
            format!(
                "[{{\"type\":\"Microsoft.Network/FirewallPolicies/RuleCollectionGroups\",\"name\":\"n\",\"priority\":200,\
                 \"ruleCollections\":[{{\"ruleCollectionType\":\"FirewallPolicyFilterRuleCollection\",\"name\":\"c\",\
                 \"priority\":100,\"action\":{{\"type\":\"Allow\"}},\"rules\":[{of_firewall}]}}]}}]"
            ),
            4.5,
        ),
    ]
}

/// What a process of its own reads: the test below starts one for each file, so that none has what another left behind.
#[test]
fn reads_one_file() {
    let Some(path) = std::env::var_os("TAGWALL_MEMORY_FILE") else { return };
    let bytes = std::fs::read(path).expect("it was written");
    forget();
    let before = peak();
    let live = read_live(&[("one", &bytes)]);
    println!("taken {}", peak() - before);
    let live = match live {
        Ok(live) => live,
        Err(errors) => {
            assert!(errors[0].place.starts_with("one:"), "{errors:?}");
            assert!(errors[0].place.ends_with("/300/destinationAddressPrefixes/700"), "{errors:?}");
            return;
        }
    };
    let of_groups =
        live.groups.iter().flat_map(|group| &group.rules).map(|rule| rule.rule.destinations.len());
    let of_lists = live.ip_groups.iter().map(|group| group.addresses.len());
    let collections = live.collection_groups.iter().flat_map(|group| &group.collections);
    let of_firewalls = collections.flat_map(|c| &c.collection.rules).map(|rule| match rule {
        FirewallRule::Network(rule) => rule.destinations.len(),
        other => panic!("{other:?}"),
    });
    let all: Vec<usize> = of_groups.chain(of_lists).chain(of_firewalls).collect();
    assert!(all == vec![PREFIXES; RULES] || all == vec![1; TINY], "{} rules", all.len());
}

#[test]
fn reading_takes_memory_in_proportion_to_the_file() {
    // As `az` and `ConvertTo-Json` indent lists in rules, and as the API and Terraform send them.
    let printed = dialects("\n            ").into_iter().map(|(dialect, text)| (dialect, "printed", text));
    let sent = dialects("").into_iter().map(|(dialect, text)| (dialect, "compact", text));
    let folder = tempfile::tempdir().expect("a folder for the test");
    let az = dialects("").swap_remove(1).1;
    let rule = az.find("\"r300\"").expect("the rule is there");
    let end = az[rule..].match_indices("/24").nth(700).expect("so many").0;
    let broken = ("az", "cut off", az[..rule + end].to_owned());
    let long = printed.chain(sent).chain([broken]);
    let long = long.map(|(dialect, layout, text)| (dialect, layout, text, 4.0));
    let small =
        [("tiny, printed", "\n      "), ("tiny, compact", "")].into_iter().flat_map(|(layout, line)| {
            tiny(line).into_iter().map(move |(dialect, text, most)| (dialect, layout, text, most))
        });
    for (dialect, layout, text, most) in long.chain(small) {
        let path = folder.path().join("one.json");
        std::fs::write(&path, &text).expect("it is written");
        let output = std::process::Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "reads_one_file", "--nocapture"])
            .env("TAGWALL_MEMORY_FILE", &path)
            .output()
            .expect("it runs");
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{dialect}: {told}{}", String::from_utf8_lossy(&output.stderr));
        let taken = told.split("taken ").nth(1).and_then(|rest| rest.split_whitespace().next());
        let taken: usize = taken.unwrap_or_else(|| panic!("{told}")).parse().expect("a number");
        let times = taken as f64 / text.len() as f64;
        println!("{dialect} {layout}: {} MiB of text, {times:.2} times that", text.len() >> 20);
        assert!(times > 0.2 && times <= most, "{dialect} {layout}: {times:.2} times the file");
    }
}
