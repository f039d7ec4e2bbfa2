//! Reading takes memory in proportion to the file: at most four times its size, as clients print it and where there is not
//! a blank between addresses, be its size in lists of addresses or in very many tiny rules.
//! A binary of its own, so that no other test has a part in what is measured.

#![cfg(target_os = "linux")]
#![expect(clippy::print_stdout, reason = "one process tells another what it took")]

use std::fmt::Write;

use rayon::prelude::*;
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

/// How tiny things are written: with `line` before each member and item.
struct Tiny<'l> {
    line: &'l str,
    many: usize,
}

impl Tiny<'_> {
    fn object(&self, members: &[String]) -> String {
        format!("{{{}{}}}", self.line, members.join(&format!(",{}", self.line)))
    }

    /// Members with a text each, and the object of them.
    fn texts(&self, members: &[(&str, &str)]) -> String {
        let members: Vec<String> =
            members.iter().map(|(name, text)| format!("\"{name}\":\"{text}\"")).collect();
        self.object(&members)
    }

    /// Many of them with commas between.
    fn all(&self, one: impl Fn(usize) -> String) -> String {
        (0..self.many).map(one).collect::<Vec<_>>().join(",")
    }

    /// A rule of a group in camel case, without its name.
    fn rule(&self, at: usize) -> String {
        self.texts(&[
            ("direction", "Outbound"),
            ("access", "Allow"),
            ("protocol", "Tcp"),
            ("sourceAddressPrefix", "*"),
            ("sourcePortRange", "*"),
            ("destinationAddressPrefix", &address(at)),
            ("destinationPortRange", "443"),
        ])
        .replacen('{', &format!("{{{}\"priority\":{},", self.line, 100 + at), 1)
    }

    fn named(&self, at: usize, object: &str) -> String {
        object.replacen('{', &format!("{{{}\"name\":\"r{at}\",", self.line), 1)
    }

    /// A rule as the resource manager has it.
    fn nested(&self, at: usize) -> String {
        self.object(&[format!("\"name\":\"r{at}\""), format!("\"properties\":{}", self.rule(at))])
    }

    /// A rule as Terraform has it.
    fn snake(&self, at: usize) -> String {
        let flat = self.named(at, &self.rule(at));
        flat.replace("AddressPrefix", "_address_prefix").replace("PortRange", "_port_range")
    }

    fn rule_of_firewall(&self, at: usize) -> String {
        self.object(&[
            "\"ruleType\":\"NetworkRule\"".to_owned(),
            format!("\"name\":\"r{at}\""),
            "\"ipProtocols\":[\"TCP\"]".to_owned(),
            "\"sourceAddresses\":[\"*\"]".to_owned(),
            format!("\"destinationAddresses\":[\"{}\"]", address(at)),
            "\"destinationPorts\":[\"443\"]".to_owned(),
        ])
    }

    /// A resource that stands for itself, as templates and pages have them.
    fn resource(&self, kind: &str, name: &str, members: &str) -> String {
        let own = [("type", kind), ("name", name)].map(|(key, text)| format!("\"{key}\":\"{text}\""));
        let [kind, name] = own;
        self.object(&[kind, name, format!("\"properties\":{members}")])
    }
}

fn address(at: usize) -> String {
    format!("20.{}.{}.0/24", at / 250, at % 250)
}

fn template(resources: &str) -> String {
    let schema = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#";
    format!("{{\"$schema\":\"{schema}\",\"resources\":[{resources}]}}")
}

fn terraform(resources: &str) -> String {
    format!("{{\"format_version\":\"1.0\",\"values\":{{\"root_module\":{{\"resources\":[{resources}]}}}}}}")
}

/// Each dialect with nothing but the fields of tiny rules in one resource.
fn tiny_rules(tiny: &Tiny<'_>) -> Vec<(&'static str, String)> {
    let flat = tiny.all(|at| tiny.named(at, &tiny.rule(at)));
    let nested = tiny.all(|at| tiny.nested(at));
    let kind = "\"type\":\"Microsoft.Network/networkSecurityGroups\",\"name\":\"n\"";
    let group = format!("{{{kind},\"properties\":{{\"securityRules\":[{nested}]}}}}");
    let snake = tiny.all(|at| tiny.snake(at));
    let in_terraform = format!(
        "{{\"type\":\"azurerm_network_security_group\",\"mode\":\"managed\",\"name\":\"n\",\"values\":{{\"name\":\"n\",\
         \"security_rule\":[{snake}]}}}}"
    );
    let collection = "\"ruleCollectionType\":\"FirewallPolicyFilterRuleCollection\",\"name\":\"c\",\"priority\":100,\
                      \"action\":{\"type\":\"Allow\"}";
    let firewall = |collections: &str| {
        format!(
            "[{{\"type\":\"Microsoft.Network/FirewallPolicies/RuleCollectionGroups\",\"name\":\"n\",\"priority\":200,\
             \"ruleCollections\":[{collections}]}}]"
        )
    };
    let together = tiny.all(|at| tiny.rule_of_firewall(at));
    let apart = tiny.all(|at| format!("{{{collection},\"rules\":[{}]}}", tiny.rule_of_firewall(at)));
    let route = |at: usize| {
        tiny.texts(&[
            ("name", &format!("r{at}")),
            ("addressPrefix", &address(at)),
            ("nextHopType", "Internet"),
        ])
    };
    let routes = tiny.all(route);
    vec![
        ("az", format!("{{\"name\":\"n\",\"securityRules\":[{flat}]}}")),
        ("bare list", format!("[{flat}]")),
        ("rest", format!("{{\"value\":[{group}]}}")),
        ("template", template(&group)),
        ("terraform", terraform(&in_terraform)),
        ("firewall", firewall(&format!("{{{collection},\"rules\":[{together}]}}"))),
        ("firewall, a collection each", firewall(&apart)),
        ("routes", format!("{{\"name\":\"t\",\"routes\":[{routes}]}}")),
    ]
}

/// Each dialect with very many tiny resources: children beside their parents, and pages of small ones.
fn tiny_resources(tiny: &Tiny<'_>) -> Vec<(&'static str, String)> {
    let rules = tiny.all(|at| {
        let kind = "Microsoft.Network/networkSecurityGroups/securityRules";
        tiny.resource(kind, &format!("n/r{at}"), &tiny.rule(at))
    });
    let parents = tiny.all(|at| {
        let kind = "Microsoft.Network/networkSecurityGroups/securityRules";
        tiny.resource(kind, &format!("n{}/r{at}", at % 50), &tiny.rule(at))
    });
    let routes = tiny.all(|at| {
        let members = tiny.texts(&[("addressPrefix", &address(at)), ("nextHopType", "Internet")]);
        tiny.resource("Microsoft.Network/routeTables/routes", &format!("t/r{at}"), &members)
    });
    let subnets = tiny.all(|at| {
        let members = tiny.texts(&[("addressPrefix", &address(at))]);
        tiny.resource("Microsoft.Network/virtualNetworks/subnets", &format!("v/s{at}"), &members)
    });
    let ip_groups = |nested: bool| {
        tiny.all(|at| {
            let list = format!("\"ipAddresses\":[\"{}\"]", address(at));
            match nested {
                true => tiny.resource("Microsoft.Network/ipGroups", &format!("g{at}"), &tiny.object(&[list])),
                false => tiny.object(&[
                    "\"type\":\"Microsoft.Network/ipGroups\"".to_owned(),
                    format!("\"name\":\"g{at}\""),
                    list,
                ]),
            }
        })
    };
    let attributes = |at: usize| {
        tiny.snake(at).replacen('{', &format!("{{{}\"network_security_group_name\":\"n\",", tiny.line), 1)
    };
    let head = "\"type\":\"azurerm_network_security_rule\",\"mode\":\"managed\"";
    let in_terraform = tiny.all(|at| format!("{{{head},\"name\":\"r{at}\",\"values\":{}}}", attributes(at)));
    let planned =
        tiny.all(|at| format!("{{{head},\"name\":\"r{at}\",\"change\":{{\"after\":{}}}}}", attributes(at)));
    let instances = tiny.all(|at| format!("{{\"index_key\":{at},\"attributes\":{}}}", attributes(at)));
    vec![
        ("rules beside their group", template(&rules)),
        ("rules beside fifty groups", template(&parents)),
        ("page of rules", format!("{{\"value\":[{rules}]}}")),
        ("routes beside their table", template(&routes)),
        ("subnets beside their network", template(&subnets)),
        ("ip groups, flat", format!("[{}]", ip_groups(false))),
        ("page of ip groups", format!("{{\"value\":[{}]}}", ip_groups(true))),
        ("rules in terraform", terraform(&in_terraform)),
        ("rules in a plan", format!("{{\"format_version\":\"1.2\",\"resource_changes\":[{planned}]}}")),
        (
            "rules in a state",
            format!(
                "{{\"version\":4,\"terraform_version\":\"1.9.0\",\"lineage\":\"l\",\"resources\":[{{{head},\"name\":\"r\",\
                 \"instances\":[{instances}]}}]}}"
            ),
        ),
    ]
}

/// The shapes of all of these, with a hundred items each.
fn dialects_of_few() -> Vec<(&'static str, String)> {
    let few = Tiny { line: "", many: 100 };
    tiny_rules(&few).into_iter().chain(tiny_resources(&few)).collect()
}

/// A flow log: lines of virtual networks, a thousand in a list.
fn flow_log() -> String {
    let record = |from: usize| {
        let line = |at: usize| {
            format!(
                "\"{},10.0.{}.{},20.0.0.4,50000,443,6,O,B,NX,1,60,1,60\"",
                1750000000000_u64,
                at / 250,
                at % 250
            )
        };
        let lines: Vec<String> = (from..from + 1000).map(line).collect();
        format!(
            "{{\"time\":\"2025-06-15T00:00:00Z\",\"targetResourceID\":\"v\",\"flowRecords\":{{\"flows\":[{{\"aclID\":\
             \"/subscriptions/0/resourceGroups/rg/providers/Microsoft.Network/networkSecurityGroups/n\",\"flowGroups\":[\
             {{\"rule\":\"allow-everything-out\",\"flowTuples\":[{}]}}]}}]}}}}",
            lines.join(",")
        )
    };
    let records: Vec<String> = (0..TINY).step_by(1000).map(record).collect();
    format!("{{\"records\":[{}]}}", records.join(","))
}

/// What a process of its own reads: the test below starts one for each file, so that none has what another left behind.
#[test]
fn reads_one_file() {
    let Some(path) = std::env::var_os("TAGWALL_MEMORY_FILE") else { return };
    let bytes = std::fs::read(path).expect("it was written");
    // The program's own pages, which come into memory when they are first used, are no part of what a file takes.
    for (_, text) in dialects_of_few() {
        read_live(&[("few", text.as_bytes())]).expect("few are read as many are");
    }
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
    let of_tables = live.tables.iter().flat_map(|table| &table.routes).map(|route| route.prefixes.len());
    let of_subnets = live.subnets.iter().map(|subnet| subnet.prefixes.len());
    let of_flows = live.flows.iter().map(|flow| usize::from(&*flow.rule == "allow-everything-out"));
    let all = of_groups.chain(of_lists).chain(of_firewalls).chain(of_tables).chain(of_subnets);
    let all: Vec<usize> = all.chain(of_flows).collect();
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
    let small =
        [("tiny, printed", "\n      "), ("tiny, compact", "")].into_iter().flat_map(|(layout, line)| {
            let tiny = Tiny { line, many: TINY };
            let all = tiny_rules(&tiny).into_iter().chain(tiny_resources(&tiny));
            all.map(move |(dialect, text)| (dialect, layout, text)).collect::<Vec<_>>()
        });
    let flows = [("flow log", "compact", flow_log())];
    let all: Vec<(&str, &str, String)> =
        printed.chain(sent).chain([broken]).chain(small).chain(flows).collect();
    // What one process takes does not hang on what others do beside it.
    let above: Vec<String> = all
        .par_iter()
        .enumerate()
        .filter_map(|(number, (dialect, layout, text))| {
            let path = folder.path().join(format!("{number}.json"));
            let times = times_taken(dialect, &path, text);
            println!("{dialect} {layout}: {} MiB of text, {times:.2} times that", text.len() >> 20);
            assert!(times > 0.2 || *layout == "cut off", "{dialect} {layout}: nothing was measured");
            (times > 4.0).then(|| format!("{dialect} {layout}: {times:.2} times the file"))
        })
        .collect();
    assert!(above.is_empty(), "{above:#?}");
}

/// How many times its size a text takes while it is read, by a process of its own.
fn times_taken(dialect: &str, path: &std::path::Path, text: &str) -> f64 {
    std::fs::write(path, text).expect("it is written");
    let output = std::process::Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "reads_one_file", "--nocapture"])
        .env("TAGWALL_MEMORY_FILE", path)
        .output()
        .expect("it runs");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{dialect}: {told}{}", String::from_utf8_lossy(&output.stderr));
    let taken = told.split("taken ").nth(1).and_then(|rest| rest.split_whitespace().next());
    let taken: usize = taken.unwrap_or_else(|| panic!("{told}")).parse().expect("a number");
    taken as f64 / text.len() as f64
}
