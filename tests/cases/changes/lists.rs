//! Lists for firewalls, sets for nftables, and the plan.

use serde_json::{Value, json};

use super::json::{self, merge, with};
use super::text::{self, with_lines};
use super::{Change, Neutral, Scene, same};

/// What lists pass by.
const NEUTRAL: &[Neutral] = &[
    Neutral {
        kind: "remark changed",
        place: "edl/",
        why: "firewalls ignore a line that begins with `#`, and PAN-OS what follows a space behind an entry",
        same: Some(same::entries),
    },
    Neutral {
        kind: "line changed",
        place: "line 1: # ",
        why: "a line that begins with `#` is ignored",
        same: Some(same::entries),
    },
    Neutral {
        kind: "blanks",
        place: "line 1: # ",
        why: "a line that begins with `#` is ignored",
        same: Some(same::entries),
    },
];

#[test]
fn every_change_of_a_list_is_noticed() {
    let dialect = |name: &str| {
        super::policy(&["edl"]).replace("output.formats", &format!("output.edl = \"{name}\"\noutput.formats"))
    };
    let texts = [super::policy(&["lists"]), super::policy(&["edl"]), dialect("panos"), dialect("fortigate")];
    let scenes = texts.map(|text| {
        let scene = Scene::new(&text);
        let changes = list_changes(&scene);
        (scene, changes)
    });
    Scene::judge("lists", NEUTRAL, &scenes);
}

/// What sets pass by.
const NEUTRAL_SETS: &[Neutral] = &[
    alike("line changed", ": \t# ", "nftables ignores a remark to the end of its line"),
    alike("blanks", ": \t# ", "nftables ignores a remark to the end of its line"),
];

#[test]
fn every_change_of_sets_is_noticed() {
    let scene = Scene::new(&super::policy(&["nftables"]));
    let changes = set_changes(&scene);
    Scene::judge("nftables", NEUTRAL_SETS, &[(scene, changes)]);
}

/// What the plan passes by: what is there for people, and other words for the same.
const NEUTRAL_PLAN: &[Neutral] = &[
    neutral("text longer", "/description", REMARK),
    neutral("text longer", "/flows/*", REMARK),
    neutral("text longer", "/gaps/*", GAPS),
    neutral("text longer", "/remote", REMARK),
    neutral("text with space", "/description", REMARK),
    neutral("text with space", "/flows/*", REMARK),
    neutral("text with space", "/gaps/*", GAPS),
    neutral("text with space", "/remote", REMARK),
    neutral("text to expression", "/description", REMARK),
    neutral("text to expression", "/flows/*", REMARK),
    neutral("text to expression", "/gaps/*", GAPS),
    neutral("text to expression", "/remote", REMARK),
    neutral("text emptied", "/description", REMARK),
    neutral("text emptied", "/flows/*", REMARK),
    neutral("text emptied", "/gaps/*", GAPS),
    neutral("text emptied", "/remote", REMARK),
    neutral("text in expression", "/description", REMARK),
    neutral("text in expression", "/flows/*", REMARK),
    neutral("text in expression", "/gaps/*", GAPS),
    neutral("text in expression", "/remote", REMARK),
    neutral("text in other case", "/description", REMARK),
    neutral("text in other case", "/flows/*", REMARK),
    neutral("text in other case", "/gaps/*", GAPS),
    neutral("text in other case", "/remote", REMARK),
    neutral("item dropped", "/flows", REMARK),
    neutral("item dropped", "/gaps", GAPS),
    neutral("item twice", "/flows", REMARK),
    neutral("item twice", "/gaps", GAPS),
    neutral("list emptied", "/flows", REMARK),
    neutral("list emptied", "/gaps", GAPS),
    neutral("strange item", "/flows", REMARK),
    neutral("strange item", "/covered_by", GAPS),
    neutral("list reversed", "/gaps", GAPS),
    neutral("switch turned", "/gaps/*/partial", GAPS),
    neutral("text longer", "rules/*/name", NAME),
    neutral("text longer", "/routes/*/name", NAME),
    neutral("text longer", "/collections/*/name", NAME),
    neutral("text in other case", "rules/*/name", NAME),
    neutral("text in other case", "/routes/*/name", NAME),
    neutral("text in other case", "/collections/*/name", NAME),
    neutral("text in other case", "/action", ANY_CASE),
    neutral("text in other case", "/protocol", ANY_CASE),
    neutral("text in other case", "/direction", ANY_CASE),
    neutral("text in other case", "/tag", ANY_CASE),
    neutral("text in other case", "qdns/*", ANY_CASE),
    neutral("text in other case", "/destinations/*", ANY_CASE),
    neutral("text in other case", "/ip_groups/*", ANY_CASE),
    neutral("item twice", "/prefixes", SET),
    neutral("item twice", "/ports", SET),
    neutral("item twice", "/sources", SET),
    neutral("item twice", "/protocols", SET),
    neutral("item twice", "qdns", SET),
    neutral("item twice", "/destinations", SET),
    neutral("item twice", "/urls", SET),
    neutral("item twice", "/fqdn_tags", SET),
    neutral("list reversed", "/sources", SET),
    neutral("list reversed", "/ports", SET),
    neutral("list reversed", "/prefixes", SET),
    neutral("list reversed", "_rules", SET),
    neutral("list reversed", "/rules", SET),
    neutral("list reversed", "/collections", SET),
    neutral("list reversed", "/lists", SET),
    neutral("list reversed", "json /ip_groups", SET),
    neutral("strange item", "/ports", "The rule is for every port already, and is so once more."),
    neutral("number larger", "/priority", "No other rule or collection has a priority that is passed."),
    neutral(
        "member dropped",
        "json /firewall",
        "Classic rules stand in another member; this one is null, as if it were not there.",
    ),
];

const REMARK: &str = "It is there for people: no packet is told apart by it.";
const GAPS: &str =
    "What a target cannot say is held against the files where the manifest says it; the plan repeats it.";
const NAME: &str = "Rules and collections are replaced as a whole, whatever they were called before.";
const ANY_CASE: &str = "Azure takes names, tags and words in any case for the same.";
const SET: &str =
    "The items are a set, or all allow: the same matches in any order, also where one stands twice.";

const fn neutral(kind: &'static str, place: &'static str, why: &'static str) -> Neutral {
    Neutral { kind, place, why, same: None }
}

/// Neutral where the whole file says the same.
const fn alike(kind: &'static str, place: &'static str, why: &'static str) -> Neutral {
    Neutral { kind, place, why, same: Some(same::sets) }
}

#[test]
fn every_change_of_the_plan_is_noticed() {
    let scenes = [super::policy(&["json"]), super::classic(&["json"])].map(|text| {
        let scene = Scene::new(&text);
        let changes = plan_changes(&scene);
        (scene, changes)
    });
    Scene::judge("json", NEUTRAL_PLAN, &scenes);
}

/// An entry of a list in other forms.
fn entries(line: &str) -> Vec<(&'static str, String)> {
    let mut all = vec![
        ("entry with a remark", format!("{line} # remark")),
        ("entry with another", format!("{line} 192.0.2.0/24")),
        ("entry with another", format!("{line};192.0.2.0/24")),
        ("entry with another", format!("{line},192.0.2.0/24")),
        ("entry with another", format!("{line}\n192.0.2.0/24")),
        ("entry denied", format!("!{line}")),
        ("entry to a range", "192.0.2.0-192.0.2.9".to_owned()),
        ("entry to a name", "example.org".to_owned()),
        ("entry to a zone", "fe80::1%eth0".to_owned()),
        ("entry to all", "0.0.0.0/0".to_owned()),
        ("entry to another file", "@more.txt".to_owned()),
        ("entry with a mask", line.replace('/', "/255.255.255.")),
        ("entry with zeros", line.replacen("198.", "0198.", 1)),
        ("entry in quotes", format!("\"{line}\"")),
        ("entry with a space before", format!(" {line}")),
    ];
    if let Ok(prefix) = line.trim_matches(['\t', ',']).parse::<ipnet::IpNet>() {
        all.extend(
            prefix
                .supernet()
                .map(|wide| ("entry widened", line.replace(&prefix.to_string(), &wide.to_string()))),
        );
    }
    all
}

fn list_changes(scene: &Scene) -> Vec<Change> {
    let mut all = Vec::new();
    for file in scene.files(".txt") {
        let content = scene.text(file);
        all.extend(text::changes(file, content));
        for (index, line) in text::places(content) {
            let (entry, remark) = line.split_at(line.find(' ').unwrap_or(line.len()));
            let mut changed: Vec<(&'static str, String)> = Vec::new();
            if !line.starts_with('#') {
                // What stands behind a space is a part of the remark.
                let others = entries(entry).into_iter().filter(|(_, other)| {
                    remark.is_empty() || !other.strip_prefix(entry).is_some_and(|more| more.starts_with(' '))
                });
                changed.extend(others.map(|(kind, other)| (kind, other + remark)));
            }
            if !remark.is_empty() {
                let others = ["x", " 192.0.2.0/24", ";192.0.2.0/24"];
                changed.extend(others.map(|other| ("remark changed", format!("{line}{other}"))));
                changed.push(("remark with a letter of another script", format!("{line}\u{202e}")));
            }
            for (kind, other) in changed.into_iter().filter(|(_, other)| other != line) {
                let what = format!("{file} line {}: {line} to {other}", index + 1);
                all.push(Change::new(kind, what, file, with_lines(content, index, &[other])));
            }
        }
        let edits = vec![(file.to_owned(), None)];
        all.push(Change { kind: "file dropped", place: file.to_owned(), edits });
        for name in [
            file.replace(".ipv4.", ".ipv6."),
            file.replace(".txt", ".lst"),
            file.replace('/', "/sub/"),
            file.replace('/', "/x"),
            file.replace(".ipv4.", "x.ipv4."),
            file.replace(".ipv4.", ".x.ipv4."),
            file.to_ascii_uppercase().replace("LISTS", "lists").replace("EDL", "edl").replace("IPV", "ipv"),
        ] {
            if name != file {
                let place = format!("{file} to {name}");
                let edits = vec![(file.to_owned(), None), (name, Some(content.as_bytes().to_vec()))];
                all.push(Change { kind: "file renamed", place, edits });
            }
        }
        for other in scene.files(".txt").into_iter().filter(|other| *other != file) {
            let edits = [(file, scene.text(other)), (other, content)]
                .map(|(name, text)| (name.to_owned(), Some(text.as_bytes().to_vec())));
            all.push(Change {
                kind: "files exchanged",
                place: format!("{file} and {other}"),
                edits: edits.into(),
            });
        }
        let folder = file.split('/').next().expect("lists lie in a folder");
        let more = format!("{folder}/more.ipv4.txt");
        all.push(Change::new("another file", more.as_str(), &more, "192.0.2.0/24\n"));
        let again = format!("{folder}/again-{}", file.rsplit('/').next().expect("a name"));
        all.push(Change::new("another file", again.as_str(), &again, content));
    }
    all
}

fn set_changes(scene: &Scene) -> Vec<Change> {
    let file = "sets.nft";
    let content = scene.text(file);
    let mut all = text::changes(file, content);
    for (index, line) in text::places(content) {
        let place = format!("{file} line {}: {line}", index + 1);
        let mut changed: Vec<(&'static str, String)> = Vec::new();
        if line.starts_with('\t') && line.ends_with(',') {
            changed.extend(entries(line));
            changed.push(("element with a timeout", line.replace(',', " timeout 1h,")));
            changed.push(("element with a remark", line.replace(',', " comment \"x\",")));
        }
        for (from, to) in [
            (" inet ", " ip "),
            (" inet ", " bridge "),
            ("tagwall_", "other_"),
            ("s_", "t_"),
            ("ipv4_addr", "ipv6_addr"),
            ("ipv4_addr", "ipv4_addr . inet_service"),
            ("type ", "typeof "),
            ("interval", "interval, timeout"),
            ("interval", "constant, interval"),
            ("interval", "dynamic"),
            ("flush ", "delete "),
            ("add ", "create "),
            ("add ", "delete "),
            ("add element", "replace element"),
            ("{", "{ # remark"),
            ("\tset", "\tmap"),
        ] {
            changed.push(("word replaced", line.replacen(from, to, 1)));
        }
        for more in [
            "include \"other.nft\"",
            "define x = 192.0.2.0/24",
            "flush ruleset",
            "delete table inet tagwall_changes",
            "add rule inet tagwall_changes c accept",
            "\tchain c {\n\t\ttype filter hook input priority 0; policy drop;\n\t}",
            "\t\ttimeout 1h",
            "\t\tauto-merge",
            "\t\tcomment \"x\"",
            "\t\telements = { 192.0.2.0/24 }",
            "\tflags dormant",
            "\tset s_more {\n\t\ttype ipv4_addr\n\t\tflags interval\n\t}",
            "\t192.0.2.0/24,",
            "\t192.0.2.0-192.0.2.9,",
            "add element inet tagwall_changes s_more {\n\t192.0.2.0/24,\n}",
            "table inet other {\n}",
        ] {
            changed.push(("command more", format!("{line}\n{more}")));
        }
        for (kind, other) in changed {
            if other != line {
                let what = format!("{place} to {other}");
                all.push(Change::new(kind, what, file, with_lines(content, index, &[other])));
            }
        }
    }
    let sets: Vec<&str> =
        content.lines().filter_map(|line| line.strip_prefix("\tset ")?.strip_suffix(" {")).collect();
    assert!(sets.len() > 2, "tags, addresses and a group have sets");
    for set in &sets {
        for other in
            [format!("{set}x"), format!("x{set}"), set.replace("_ipv4", "_x_ipv4"), set.to_uppercase()]
        {
            let renamed = content.replace(&format!("{set} "), &format!("{other} "));
            let renamed = renamed.replace(&format!("{set}\n"), &format!("{other}\n"));
            all.push(Change::new("set renamed", format!("{set} to {other}"), file, renamed));
        }
        for other in sets.iter().filter(|other| *other != set) {
            let named = |name: &str| format!("add element inet tagwall_changes {name} {{");
            let marked = content.replace(&named(set), "MARK").replace(&named(other), &named(set));
            let flushed = marked.replace("MARK", &named(other));
            let flush = |name: &str| format!("flush set inet tagwall_changes {name}\n");
            let marked = flushed.replace(&flush(set), "MARK\n").replace(&flush(other), &flush(set));
            let exchanged = marked.replace("MARK\n", &flush(other));
            all.push(Change::new("sets exchanged", format!("{set} and {other}"), file, exchanged));
        }
    }
    all.push(Change::new("another file", "more.nft", "more.nft", "flush ruleset\n"));
    all
}

fn plan_changes(scene: &Scene) -> Vec<Change> {
    let file = "plan.json";
    let document: Value = serde_json::from_str(scene.text(file)).expect("it is JSON");
    let mut all = json::changes(file, &document);
    let more = with(&document, "/ip_groups", |groups| {
        let groups = groups.as_array_mut().expect("it is a list");
        let mut other = groups[0].clone();
        other["name"] = "changes-other".into();
        other["prefixes"] = json!(["192.0.2.0/24"]);
        groups.push(other);
    });
    all.push(Change::new("group that no rule names", "ip_groups", file, json::bytes(&more)));
    for place in json::places(&document) {
        if document.pointer(&place).is_some_and(|v| !v.is_object()) {
            continue;
        }
        for member in [
            json!({ "source_ports": ["443"] }),
            json!({ "source_ip_groups": ["x"] }),
            json!({ "destinations": ["*"] }),
            json!({ "network_rules": [] }),
            json!({ "application_rules": [] }),
            json!({ "nat_rules": [] }),
            json!({ "any": true }),
            json!({ "any": false }),
            json!({ "tag": "Internet" }),
            json!({ "prefixes": ["0.0.0.0/0"] }),
            json!({ "enabled": false }),
            json!({ "next_hop_address": "10.20.255.9" }),
            json!({ "schema": 2 }),
            json!({ "urls": ["more.example.net/a"] }),
            json!({ "web_categories": ["News"] }),
        ] {
            let changed = with(&document, &place, |v| merge(v, &member));
            if changed != document {
                let what = format!("{file} {place} with {member}");
                all.push(Change::new("member that plans know", what, file, json::bytes(&changed)));
            }
        }
    }
    all
}
