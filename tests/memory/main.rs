//! Reading takes memory in proportion to the file: at most four times its size as clients print it, six times that of a
//! template, and ten times where there is not a blank between addresses.
//! A binary of its own, so that no other test has a part in what is measured.

#![cfg(target_os = "linux")]
#![expect(clippy::print_stdout, reason = "one process tells another what it took")]

use std::fmt::Write;

use tagwall::read::live::read_live;

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

/// What a process of its own reads: the test below starts one for each file, so that none has what another left behind.
#[test]
fn reads_one_file() {
    let Some(path) = std::env::var_os("TAGWALL_MEMORY_FILE") else { return };
    let bytes = std::fs::read(path).expect("it was written");
    forget();
    let before = peak();
    let live = read_live(&[("one", &bytes)]).unwrap_or_else(|errors| panic!("{errors:?}"));
    println!("taken {}", peak() - before);
    assert_eq!(live.groups[0].rules.len(), RULES);
    assert_eq!(live.groups[0].rules[RULES - 1].rule.destinations.len(), PREFIXES);
}

#[test]
fn reading_takes_memory_in_proportion_to_the_file() {
    // As `az` and `ConvertTo-Json` indent lists in rules, and as the API and Terraform send them.
    let printed = dialects("\n            ").into_iter().filter(|(dialect, _)| *dialect != "terraform");
    // A template is worked out beside what it was.
    let printed = printed.map(|own| if own.0 == "template" { (own, 6.0) } else { (own, 4.0) });
    let sent = dialects("").into_iter().map(|own| (own, 10.0));
    let folder = tempfile::tempdir().expect("a folder for the test");
    for ((dialect, text), most) in printed.chain(sent) {
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
        println!("{dialect}: {} MiB of text, {times:.2} times that", text.len() >> 20);
        assert!(times > 0.5 && times <= most, "{dialect}: {times:.2} times the file");
    }
}
