//! Answers the rule-list cases: `evaluate`, `equivalence` and `analyze`.

use std::sync::Arc;

use serde_json::{Value, json};
use tagwall::addr::{AddrSet, IpPrefix};
use tagwall::packet::{Ports, Protocol};
use tagwall::rules::{Access, Packet, PacketProtocol, Rule, RuleList, analyze, compare};

/// The answer to one case, with the keys of its `expect`; two lists that differ get a `witness` as well.
///
/// # Panics
/// If the case is malformed.
pub(crate) fn solve(case: &Value) -> Value {
    match text(&case["kind"]) {
        "evaluate" => evaluate(&list(&case["rules"], &case["default"]), &case["packets"]),
        "equivalence" => {
            equivalence(&list(&case["a"], &case["default_a"]), &list(&case["b"], &case["default_b"]))
        }
        "analyze" => analysis(&list(&case["rules"], &case["default"])),
        other => panic!("unknown kind `{other}`"),
    }
}

fn evaluate(list: &RuleList, packets: &Value) -> Value {
    let results = items(packets).iter().map(|p| {
        let decision = list.evaluate(&packet(p));
        json!({"access": decision.access, "rule": decision.rule.map(|rule| &rule.name)})
    });
    json!({"results": results.collect::<Vec<_>>()})
}

fn equivalence(a: &RuleList, b: &RuleList) -> Value {
    let found = compare(a, b);
    let mut answer = json!({
        "equivalent": found.is_equivalent(),
        "a_allow_b_deny": found.a_allow_b_deny.to_string(),
        "a_deny_b_allow": found.a_deny_b_allow.to_string(),
    });
    if let Some(witness) = found.examples.missing.or(found.examples.excess) {
        answer["witness"] = json!(witness);
    }
    answer
}

fn analysis(list: &RuleList) -> Value {
    let found = analyze(list);
    let name = |&rule: &usize| list.rules()[rule].name.clone();
    let names = |rules: &[usize]| rules.iter().map(name).collect::<Vec<_>>();
    let pairs = |pairs: &[(usize, usize)]| pairs.iter().map(|(a, b)| [name(a), name(b)]).collect::<Vec<_>>();
    json!({
        "never_matches": names(&found.never_matches),
        "shadowed": names(&found.shadowed),
        "shadowed_by_one": pairs(&found.shadowed_by_one),
        "generalizes": pairs(&found.generalizes),
        "correlated": pairs(&found.correlated),
        "redundant": names(&found.redundant),
        "irredundant": names(&found.irredundant),
    })
}

/// Reads a rule list in the notation of the cases.
pub(crate) fn list(rules: &Value, default: &Value) -> RuleList {
    let rules = items(rules).iter().map(|rule| Rule {
        name: text(&rule["name"]).to_owned(),
        priority: rule["priority"].as_u64().and_then(|p| p.try_into().ok()).expect("a priority"),
        access: access(&rule["access"]),
        protocol: text(&rule["protocol"]).parse::<Protocol>().expect("a protocol"),
        src: Arc::new(addresses(&rule["src"])),
        dst: Arc::new(addresses(&rule["dst"])),
        sport: ports(&rule["sport"]),
        dport: ports(&rule["dport"]),
    });
    RuleList::new(rules.collect(), access(default)).expect("unique priorities")
}

/// Reads a packet in the notation of the cases.
pub(crate) fn packet(packet: &Value) -> Packet {
    let addr = |key: &str| text(&packet[key]).parse().expect("an address");
    let port = |key: &str| packet[key].as_u64().map(|port| u16::try_from(port).expect("a port"));
    let name = text(&packet["protocol"]);
    let protocol = PacketProtocol::ALL.into_iter().find(|p| p.name().eq_ignore_ascii_case(name));
    let ports = port("sport").zip(port("dport"));
    Packet::new(addr("src"), addr("dst"), protocol.expect("a protocol"), ports).expect("a packet")
}

fn addresses(list: &Value) -> AddrSet {
    if items(list).iter().any(|item| item == "*") {
        return AddrSet::all();
    }
    items(list).iter().map(|item| text(item).parse::<IpPrefix>().expect("a prefix")).collect()
}

fn ports(list: &Value) -> Ports {
    Ports::new(items(list).iter().map(|item| Ports::parse_one(text(item)).expect("ports")).collect())
}

fn access(value: &Value) -> Access {
    match text(value) {
        "Allow" => Access::Allow,
        "Deny" => Access::Deny,
        other => panic!("unknown access `{other}`"),
    }
}

fn items(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}
