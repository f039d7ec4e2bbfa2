//! Breaks of every artefact, token by token and between rules: the proof of each format is worth what it catches.

use crate::formats::{CLASSIC, CLASSIC_NASTY, EXPANDED, PLAIN, classic_expanded, make, with_formats};
use crate::support;
use tagwall::addr::IpPrefix;
use tagwall::emit::Artefact;
use tagwall::packet::Direction;
use tagwall::pipeline::Generation;
use tagwall::plan::Action;
use tagwall::tags::Snapshot;

/// One way to break a file.
struct Break {
    what: String,
    file: String,
    text: String,
}

/// Characters that may stand beside a token: names and remarks hold tokens too, and are left alone.
fn is_edge(c: Option<char>) -> bool {
    c.is_none_or(|c| c.is_whitespace() || "'\",;=".contains(c))
}

/// The places of tokens in a text, in lines that are no remark and only compared with.
fn tokens(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let start_of_line = line.trim_start();
        let quiet = ["|", "#", "//"].iter().any(|mark| start_of_line.starts_with(mark));
        // Remarks, descriptions, and the ids of flows, which hold tokens too.
        let description =
            ["\"out/", "\"in/", "escription", "\"remote\""].iter().any(|word| line.contains(word));
        let line_end = line.find("policy").unwrap_or(line.len());
        if !quiet && !description {
            let mut at = 0;
            for part in line[..line_end].split_inclusive(|c: char| is_edge(Some(c))) {
                let token = part.trim_end_matches(|c: char| is_edge(Some(c)));
                if !token.is_empty() {
                    found.push((start + at, token));
                }
                at += part.len();
            }
        }
        start += line.len();
    }
    found
}

/// What a token may be replaced with so that the file says something else; empty for most.
fn changes(file: &str, token: &str) -> Vec<String> {
    let routes = file.starts_with("route-table");
    let text = |t: &str| vec![t.to_owned()];
    match token {
        "443" => text("444"),
        "7000-7010" => text("7000-7011"),
        "Tcp" => text("Udp"),
        "TCP" => text("UDP"),
        "Allow" => text("Deny"),
        "4096" => text("150"),
        "VirtualAppliance" => text("Internet"),
        "Internet" if routes => text("None"),
        "10.20.255.4" => text("10.20.255.5"),
        "true" if routes => text("false"),
        "false" if routes => text("true"),
        "Https" => text("Http"),
        token => match token.parse::<IpPrefix>() {
            Ok(prefix) if token.contains('/') => wider(prefix).into_iter().collect(),
            _ => Vec::new(),
        },
    }
}

/// The prefix that is one bit shorter.
fn wider(prefix: IpPrefix) -> Option<String> {
    let (address, length) =
        prefix.to_string().split_once('/').map(|(a, l)| (a.to_owned(), l.parse::<u8>().unwrap()))?;
    let length = length.checked_sub(1).filter(|l| *l > 0)?;
    let bits: std::net::IpAddr = address.parse().unwrap();
    Some(match bits {
        std::net::IpAddr::V4(a) => {
            let kept = u32::from(a) & (u32::MAX << (32 - length));
            format!("{}/{length}", std::net::Ipv4Addr::from(kept))
        }
        std::net::IpAddr::V6(a) => {
            let kept = u128::from(a) & (u128::MAX << (128 - length));
            format!("{}/{length}", std::net::Ipv6Addr::from(kept))
        }
    })
}

/// Breaks a file at each token, but at no more than `most` prefixes.
fn breaks(file: &Artefact, most: usize) -> Vec<Break> {
    let text = std::str::from_utf8(&file.bytes).unwrap();
    let mut all = Vec::new();
    let mut prefixes = 0;
    for (at, token) in tokens(text) {
        let end = at + token.len();
        let mut push = |what: &str, changed: String| {
            let line = text[..at].matches('\n').count() + 1;
            all.push(Break {
                what: format!("{} line {line}: {what}", file.name),
                file: file.name.clone(),
                text: changed,
            });
        };
        let is_prefix = token.contains('/') && token.parse::<IpPrefix>().is_ok();
        prefixes += usize::from(is_prefix);
        if is_prefix && prefixes > most {
            continue;
        }
        for change in changes(&file.name, token) {
            push(&format!("{token} to {change}"), format!("{}{change}{}", &text[..at], &text[end..]));
        }
        if is_prefix {
            let (first, last) =
                (text[..at].rfind('\n').map_or(0, |i| i + 1), text[end..].find('\n').map(|i| end + i + 1));
            let alone = text[first..at]
                .chars()
                .chain(text[end..last.unwrap_or(end)].chars())
                .all(|c| is_edge(Some(c)));
            if let (true, Some(last)) = (alone, last) {
                push(&format!("without {token}"), format!("{}{}", &text[..first], &text[last..]));
            } else if text[end..].starts_with(';') {
                push(&format!("without {token}"), format!("{}{}", &text[..at], &text[end + 1..]));
            }
        }
    }
    all
}

fn caught(made: &Generation, snapshot: &Snapshot, broken: &Break) -> bool {
    !support::prove_with(made, snapshot, &broken.file, broken.text.as_bytes()).is_success()
}

fn assert_breaks_are_caught(policy: &str, format: &str, least: usize) {
    let not_rules = ["manifest.json", "report.md", "main.tf", "main.tf.json"];
    assert_breaks_in_are_caught(policy, format, least, |name| !not_rules.contains(&name));
}

/// Of the firewall's rules only, with the plan that holds others too.
fn assert_firewall_breaks_are_caught(policy: &str, format: &str, least: usize) {
    let own = |name: &str| name.starts_with("firewall.") || name == "plan.json";
    assert_breaks_in_are_caught(policy, format, least, own);
}

fn assert_breaks_in_are_caught(policy: &str, format: &str, least: usize, own: impl Fn(&str) -> bool) {
    let (made, snapshot) = make(format, &with_formats(policy, &format!("[\"{format}\"]"), ""));
    let files = made.files.iter().filter(|f| own(&f.name));
    let all: Vec<Break> = files.flat_map(|file| breaks(file, 12)).collect();
    assert!(all.len() >= least, "{format}: only {} breaks", all.len());
    let missed: Vec<&str> =
        all.iter().filter(|b| !caught(&made, &snapshot, b)).map(|b| b.what.as_str()).collect();
    assert!(
        missed.is_empty(),
        "{format}: {} of {} breaks are not caught:\n{}",
        missed.len(),
        all.len(),
        missed.join("\n")
    );
}

#[test]
fn breaks_of_bicep_are_caught() {
    assert_breaks_are_caught(PLAIN, "bicep", 60);
    assert_breaks_are_caught(&format!("{PLAIN}{EXPANDED}"), "bicep", 60);
}

#[test]
fn breaks_of_terraform_are_caught() {
    assert_breaks_are_caught(PLAIN, "terraform", 60);
    assert_breaks_are_caught(&format!("{PLAIN}{EXPANDED}"), "terraform", 60);
}

#[test]
fn breaks_of_terraform_json_are_caught() {
    assert_breaks_are_caught(PLAIN, "terraform-json", 60);
    assert_breaks_are_caught(&format!("{PLAIN}{EXPANDED}"), "terraform-json", 60);
}

#[test]
fn breaks_of_scripts_are_caught() {
    assert_breaks_are_caught(PLAIN, "azcli", 60);
    assert_breaks_are_caught(&format!("{PLAIN}{EXPANDED}"), "azcli", 60);
}

#[test]
fn breaks_of_tables_are_caught() {
    assert_breaks_are_caught(PLAIN, "csv", 40);
    assert_breaks_are_caught(&format!("{PLAIN}{EXPANDED}"), "csv", 40);
}

#[test]
fn breaks_of_the_plan_are_caught() {
    assert_breaks_are_caught(PLAIN, "json", 20);
}

/// The same in every format that carries rules, with classic ones.
#[test]
fn breaks_of_classic_rules_are_caught() {
    let (policy, _) = CLASSIC_NASTY.split_once("[output]").expect("the policy says what is written");
    for format in ["bicep", "terraform", "terraform-json", "azcli", "csv", "json"] {
        assert_firewall_breaks_are_caught(
            &format!("{PLAIN}{CLASSIC}"),
            format,
            if format == "csv" { 18 } else { 28 },
        );
        assert_firewall_breaks_are_caught(&classic_expanded(), format, 20);
        assert_firewall_breaks_are_caught(policy, format, 15);
    }
}

#[test]
fn breaks_of_lists_are_caught() {
    for format in ["lists", "edl", "nftables"] {
        assert_breaks_are_caught(PLAIN, format, 12);
    }
}

/// The places of a number that stands alone.
fn places_of(text: &str, number: &str) -> Vec<usize> {
    tokens(text).into_iter().filter(|(_, token)| *token == number).map(|(at, _)| at).collect()
}

/// The text with the numbers at some places replaced.
fn with_numbers(text: &str, mut changes: Vec<(usize, &str, &str)>) -> String {
    changes.sort_unstable();
    let mut out = text.to_owned();
    for (at, from, to) in changes.into_iter().rev() {
        out.replace_range(at..at + from.len(), to);
    }
    out
}

/// Two rules exchange their priorities: the deny at the end of an allow-list comes before a rule that allows. In every
/// format that carries the rules of a security group, for every outbound rule.
#[test]
fn exchanged_priorities_are_caught_in_every_format() {
    let files = [
        ("arm", "nsg.arm.json"),
        ("bicep", "nsg.bicep"),
        ("terraform", "nsg.tf"),
        ("terraform-json", "nsg.tf.json"),
        ("azcli", "nsg.sh"),
        ("csv", "nsg.csv"),
        ("json", "plan.json"),
    ];
    for (format, file) in files {
        let (made, snapshot) = make(format, &with_formats(PLAIN, &format!("[\"{format}\"]"), ""));
        let nsg = &made.plan.nsgs[0];
        let priorities = |direction, action| {
            let rules = nsg.rules.iter().filter(move |r| r.direction == direction && r.action == action);
            rules.map(|r| r.priority.to_string()).collect::<Vec<_>>()
        };
        let inbound: Vec<String> = [Action::Allow, Action::Deny]
            .into_iter()
            .flat_map(|action| priorities(Direction::Inbound, action))
            .collect();
        let deny = priorities(Direction::Outbound, Action::Deny).pop().expect("an allow-list ends in a deny");
        let artefact = made.files.iter().find(|f| f.name == file).expect("the format has the file");
        let text = std::str::from_utf8(&artefact.bytes).unwrap();
        let mut exchanged = 0;
        for allow in priorities(Direction::Outbound, Action::Allow) {
            // A number that both directions have is not told apart by its text alone.
            if inbound.contains(&allow) {
                continue;
            }
            let allows = places_of(text, &allow);
            let denies = places_of(text, &deny);
            // Wherever a file lists its rules, inbound ones come before outbound ones.
            assert!(inbound.contains(&deny), "both directions end in a deny at the same place");
            let denies: Vec<usize> = denies.into_iter().skip(1).step_by(2).collect();
            assert!(!allows.is_empty() && allows.len() == denies.len(), "{file}: {allow}, {deny}");
            let there = allows.iter().map(|&at| (at, allow.as_str(), deny.as_str()));
            let back = denies.iter().map(|&at| (at, deny.as_str(), allow.as_str()));
            let broken = Break {
                what: format!("{file}: {allow} exchanged with {deny}"),
                file: file.to_owned(),
                text: with_numbers(text, there.chain(back).collect()),
            };
            assert!(caught(&made, &snapshot, &broken), "{} is not caught", broken.what);
            exchanged += 1;
        }
        assert!(exchanged >= 4, "{file}: only {exchanged} pairs");
    }
}
