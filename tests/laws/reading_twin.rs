//! Comparing, checking and planning against a slow twin that reads rules from JSON by itself and tries packet after
//! packet: every difference is one, none is left out, and no step of a plan decides a packet as neither side does.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tagwall::analyse::{Answer, Comparison, Operation, compare, plan};
use tagwall::read::live::{Live, read_live};
use tagwall::tags::{Cloud, Snapshot};

use crate::support;

/// Numbers that look random, the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }

    fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.roll(list.len())]
    }
}

/// Sides that overlap, hold each other, and meet what Azure's own rules name.
const SIDES: [&str; 12] = [
    "*",
    "10.0.0.0/30",
    "10.0.0.2/31",
    "10.0.0.1",
    "10.0.0.0/29",
    "198.51.100.0/31",
    "198.51.100.1",
    "0.0.0.0/0",
    "VirtualNetwork",
    "Internet",
    "AzureLoadBalancer",
    "10.0.0.4/30",
];
const PORTS: [&str; 6] = ["*", "22", "20-22", "443", "22-443", "0-65535"];
const PROTOCOLS: [&str; 4] = ["Tcp", "Udp", "*", "Icmp"];

/// Addresses at every border of the sides, and one beyond all.
const ADDRESSES: [&str; 12] = [
    "10.0.0.0",
    "10.0.0.1",
    "10.0.0.2",
    "10.0.0.3",
    "10.0.0.4",
    "10.0.0.7",
    "10.0.0.8",
    "198.51.100.0",
    "198.51.100.1",
    "198.51.100.2",
    "198.18.0.9",
    "168.63.129.16",
];
const PORT_POINTS: [u16; 7] = [0, 19, 20, 22, 23, 443, 444];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Packet {
    src: u32,
    dst: u32,
    /// `t`, `u`, `i` or `o`.
    protocol: char,
    port: u16,
}

fn number(text: &str) -> u32 {
    text.split('.').fold(0, |sum, part| sum << 8 | part.parse::<u32>().expect("an octet"))
}

fn inside(side: &str, address: u32) -> bool {
    let within = |text: &str| {
        let (network, length) = text.split_once('/').unwrap_or((text, "32"));
        let length: u32 = length.parse().expect("a length");
        let mask = if length == 0 { 0 } else { u32::MAX << (32 - length) };
        address & mask == number(network) & mask
    };
    let private = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"].iter().any(|text| within(text));
    match side {
        "*" => true,
        "VirtualNetwork" => private || within("168.63.129.16"),
        "AzureLoadBalancer" => within("168.63.129.16"),
        "Internet" => {
            let kept = [
                "0.0.0.0/8",
                "100.64.0.0/10",
                "127.0.0.0/8",
                "168.63.129.16",
                "169.254.0.0/16",
                "224.0.0.0/3",
            ];
            !private && !kept.iter().any(|text| within(text))
        }
        text => within(text),
    }
}

fn takes_port(text: &str, port: u16) -> bool {
    let (first, last) = match text {
        "*" => ("0", "65535"),
        text => text.split_once('-').unwrap_or((text, text)),
    };
    (first.parse().expect("a port")..=last.parse().expect("a port")).contains(&port)
}

fn texts(rule: &Value, one: &str, many: &str) -> Vec<String> {
    let list = rule[many].as_array().cloned().unwrap_or_default();
    let mut all: Vec<String> = list.iter().map(|item| item.as_str().expect("a text").to_owned()).collect();
    all.extend(rule[one].as_str().filter(|text| !text.is_empty()).map(str::to_owned));
    all
}

/// Whether a packet passes, by rules in the order of their priorities and Azure's own.
fn passes(rules: &[Value], inbound: bool, packet: Packet) -> bool {
    let way = if inbound { "Inbound" } else { "Outbound" };
    let mut own: Vec<&Value> = rules.iter().filter(|rule| rule["direction"] == way).collect();
    own.sort_by_key(|rule| rule["priority"].as_i64());
    for rule in own {
        let any = |one: &str, many: &str, takes: &dyn Fn(&str) -> bool| {
            texts(rule, one, many).iter().any(|t| takes(t))
        };
        let ports = texts(rule, "destinationPortRange", "destinationPortRanges");
        let all_ports = ports.iter().any(|text| text == "*" || text == "0-65535");
        let has_port = "tu".contains(packet.protocol);
        let protocol = match rule["protocol"].as_str().expect("a protocol").to_ascii_lowercase().as_str() {
            "*" => true,
            text => text.starts_with(packet.protocol),
        };
        let taken = protocol
            && any("sourceAddressPrefix", "sourceAddressPrefixes", &|t| inside(t, packet.src))
            && any("destinationAddressPrefix", "destinationAddressPrefixes", &|t| inside(t, packet.dst))
            && if has_port { ports.iter().any(|t| takes_port(t, packet.port)) } else { all_ports };
        if taken {
            return rule["access"] == "Allow";
        }
    }
    let network = inside("VirtualNetwork", packet.src) && inside("VirtualNetwork", packet.dst);
    network || if inbound { inside("AzureLoadBalancer", packet.src) } else { inside("Internet", packet.dst) }
}

fn packets() -> Vec<Packet> {
    let mut all = Vec::new();
    for src in ADDRESSES.map(number) {
        for dst in ADDRESSES.map(number) {
            for protocol in ['t', 'u'] {
                all.extend(PORT_POINTS.map(|port| Packet { src, dst, protocol, port }));
            }
            all.extend(['i', 'o'].map(|protocol| Packet { src, dst, protocol, port: 0 }));
        }
    }
    all
}

fn rule(dice: &mut Dice, at: usize) -> Value {
    let mut side = |one: &str, many: &str, rule: &mut Value| {
        let plain = [SIDES[1], SIDES[2], SIDES[3], SIDES[5], SIDES[6]];
        if dice.roll(3) == 0 {
            let list: BTreeSet<&str> = (0..2).map(|_| *dice.pick(&plain)).collect();
            rule[many] = json!(list);
        } else {
            rule[one] = json!(dice.pick(&SIDES));
        }
    };
    let mut rule = json!({ "name": format!("r{at}"), "sourcePortRange": "*" });
    side("sourceAddressPrefix", "sourceAddressPrefixes", &mut rule);
    side("destinationAddressPrefix", "destinationAddressPrefixes", &mut rule);
    rule["priority"] = json!(2000 + 10 * at);
    rule["direction"] = json!(dice.pick(&["Inbound", "Outbound"]));
    rule["access"] = json!(dice.pick(&["Allow", "Deny"]));
    rule["protocol"] = json!(dice.pick(&PROTOCOLS));
    rule["destinationPortRange"] = json!(dice.pick(&PORTS));
    rule
}

fn rules(dice: &mut Dice) -> Vec<Value> {
    let count = dice.roll(6);
    (0..count).map(|at| rule(dice, at)).collect()
}

fn live(rules: &[Value]) -> Live {
    let text = json!({ "name": "g", "securityRules": rules }).to_string();
    read_live(&[("g.json", text.as_bytes())]).unwrap_or_else(|errors| panic!("{errors:?}: {text}"))
}

fn as_packet(said: &tagwall::analyse::PacketSaid) -> Option<Packet> {
    let v4 = |address: std::net::IpAddr| {
        if let std::net::IpAddr::V4(a) = address { Some(u32::from(a)) } else { None }
    };
    let protocol = said.protocol.chars().next().expect("a name");
    let protocol = if "tui".contains(protocol) { protocol } else { 'o' };
    Some(Packet { src: v4(said.src)?, dst: v4(said.dst)?, protocol, port: said.dport.unwrap_or_default() })
}

/// Holds a comparison against the twin: its differences are such, and what it calls equal is.
fn hold(a: &[Value], b: &[Value], found: &Comparison, all: &[Packet]) {
    for part in &found.parts {
        let inbound = part.direction == Some("Inbound");
        for (list, first) in [(&part.only_a, true), (&part.only_b, false)] {
            for packet in list.iter().filter_map(|difference| as_packet(&difference.packet)) {
                let both = (passes(a, inbound, packet), passes(b, inbound, packet));
                assert_eq!(both, (first, !first), "{packet:?} {inbound} {a:?} {b:?}");
            }
        }
        let differs =
            all.iter().filter(|packet| passes(a, inbound, **packet) != passes(b, inbound, **packet));
        for packet in differs {
            let covered = part.only_a.iter().chain(&part.only_b).any(|difference| {
                let region = &difference.region;
                let name = match packet.protocol {
                    't' => "tcp",
                    'u' => "udp",
                    'i' => "icmp",
                    _ => "other",
                };
                let within = |prefixes: &[tagwall::addr::IpPrefix], address: u32| {
                    prefixes.iter().any(|prefix| prefix.is_v4() && inside(&prefix.to_string(), address))
                };
                region.protocols.contains(&name)
                    && within(&region.sources, packet.src)
                    && within(&region.destinations, packet.dst)
                    && region.destination_ports.ranges().iter().any(|text| takes_port(text, packet.port))
            });
            assert!(covered, "{packet:?} {inbound} is in no region: {a:?} {b:?}");
        }
    }
}

#[test]
fn every_difference_and_nothing_else() {
    let (mut dice, all) = (Dice(7), packets());
    let (mut equal, mut different) = (0, 0);
    for _ in 0..40 {
        let (a, b) = (rules(&mut dice), rules(&mut dice));
        let found = compare(&live(&a), &live(&b), None);
        hold(&a, &b, &found, &all);
        if found.equal == Answer::No { different += 1 } else { equal += 1 }
    }
    assert!(equal > 0 && different > 15, "{equal} {different}");
}

/// One field changed: what is reported is a difference by the twin, and where nothing is, there is none.
#[test]
fn one_changed_field_is_found() {
    let (mut dice, all) = (Dice(11), packets());
    let mut found_some = 0;
    for _ in 0..40 {
        let mut a = rules(&mut dice);
        a.push(rule(&mut dice, 9));
        let mut b = a.clone();
        let at = dice.roll(b.len());
        let (key, value) = match dice.roll(5) {
            0 => ("access", json!(if b[at]["access"] == "Allow" { "Deny" } else { "Allow" })),
            1 => ("destinationPortRange", json!(dice.pick(&PORTS))),
            2 => ("protocol", json!(dice.pick(&PROTOCOLS))),
            3 => ("priority", json!(1000 + dice.roll(2000))),
            _ => ("sourceAddressPrefix", json!(dice.pick(&SIDES))),
        };
        b[at][key] = value;
        if key == "sourceAddressPrefix" {
            b[at]["sourceAddressPrefixes"] = json!([]);
        }
        let found = compare(&live(&a), &live(&b), None);
        hold(&a, &b, &found, &all);
        found_some += usize::from(found.equal == Answer::No);
    }
    assert!(found_some > 8, "{found_some}");
}

/// Order of rules and lists, case, forms of one address, empty and absent members change nothing.
#[test]
fn spelling_and_order_change_nothing() {
    let mut dice = Dice(3);
    for _ in 0..40 {
        let a = rules(&mut dice);
        let mut b = a.clone();
        b.reverse();
        for rule in &mut b {
            for key in ["protocol", "access", "direction", "sourceAddressPrefix", "destinationAddressPrefix"]
            {
                if let Some(text) = rule[key].as_str() {
                    let text = if dice.roll(2) == 0 { text.to_uppercase() } else { text.to_lowercase() };
                    rule[key] = json!(text);
                }
            }
            for key in ["sourceAddressPrefixes", "destinationAddressPrefixes"] {
                match rule[key].as_array().cloned() {
                    Some(mut list) => {
                        list.reverse();
                        let whole = |text: &Value| {
                            let text = text.as_str().expect("a text");
                            json!(if text.contains('/') { text.to_owned() } else { format!("{text}/32") })
                        };
                        rule[key] = json!(list.iter().map(whole).collect::<Vec<_>>());
                    }
                    None => rule[key] = dice.pick(&[json!([]), Value::Null, json!("")]).clone(),
                }
            }
            let port = rule["destinationPortRange"].clone();
            rule["destinationPortRanges"] = json!([port]);
            rule["destinationPortRange"] = json!("");
            rule["description"] = json!("another");
        }
        assert_eq!(compare(&live(&a), &live(&b), None).equal, Answer::Yes, "{a:?} {b:?}");
    }
}

/// The rules after an operation.
fn done(rules: &[Value], operation: &Operation) -> Vec<Value> {
    let mut rules = rules.to_vec();
    rules.retain(|rule| rule["name"] != operation.name.as_str());
    if let Some(body) = &operation.body {
        let mut rule = body["properties"].clone();
        rule["name"] = json!(operation.name);
        rules.push(rule);
    }
    rules
}

#[test]
fn every_step_of_a_plan_is_safe() {
    let (mut dice, all) = (Dice(23), packets());
    let snapshot = support::sample(Cloud::Public);
    let (mut planned, mut refused) = (0, 0);
    for _ in 0..14 {
        let (wanted, there) = (rules(&mut dice), rules(&mut dice));
        match walk(&wanted, &there, &all, &snapshot) {
            Some(steps) => planned += usize::from(steps > 0),
            None => refused += 1,
        }
    }
    assert!(planned > 6, "{planned}");
    assert_eq!(refused, 0, "there is room above priority 2000 in all of them");
}

/// Applies a plan step by step; how many there are, or none where no order is safe.
fn walk(wanted: &[Value], there: &[Value], all: &[Packet], snapshot: &Snapshot) -> Option<usize> {
    let operations = plan(&live(wanted), &live(there), snapshot).ok()?;
    let mut now = there.to_vec();
    for operation in &operations {
        now = done(&now, operation);
        let mut seen = BTreeSet::new();
        for rule in &now {
            assert!(
                seen.insert((rule["direction"].to_string(), rule["priority"].as_i64())),
                "{operation:?}: priorities"
            );
        }
        for inbound in [true, false] {
            for packet in all {
                let (before, goal) = (passes(there, inbound, *packet), passes(wanted, inbound, *packet));
                let step = passes(&now, inbound, *packet);
                assert!(step == before || step == goal, "{packet:?} at {operation:?}: {there:?} {wanted:?}");
            }
        }
    }
    let equal = compare(&live(wanted), &live(&now), Some(snapshot)).equal;
    assert!(equal != Answer::No, "{wanted:?} {now:?}");
    for inbound in [true, false] {
        assert!(all.iter().all(|packet| passes(&now, inbound, *packet) == passes(wanted, inbound, *packet)));
    }
    Some(operations.len())
}

/// The unknown: an application security group is no address and not none.
#[test]
fn security_groups_and_unknown_tags_are_neither_all_nor_nothing() {
    let rule = |access: &str, side: Value| {
        let mut rule = json!({ "name": "r", "priority": 100, "direction": "Inbound", "access": access, "protocol": "Tcp",
            "sourcePortRange": "*", "destinationAddressPrefix": "10.0.0.0/8", "destinationPortRange": "22" });
        rule.as_object_mut().expect("an object").extend(side.as_object().expect("an object").clone());
        vec![rule]
    };
    let asg = |name: &str| {
        let id = format!(
            "/subscriptions/0/resourceGroups/g/providers/Microsoft.Network/applicationSecurityGroups/{name}"
        );
        json!({ "sourceAddressPrefix": "", "sourceApplicationSecurityGroups": [{ "id": id }] })
    };
    let equal = |a: &[Value], b: &[Value]| compare(&live(a), &live(b), None).equal;
    let web = rule("Allow", asg("web"));
    assert_eq!(equal(&web, &rule("Allow", asg("WEB"))), Answer::Yes);
    assert_eq!(equal(&web, &rule("Allow", asg("db"))), Answer::If);
    assert_eq!(equal(&web, &[]), Answer::If, "it may hold an address of the Internet, or none");
    // Whatever the group holds, one of the two differs for the packets outside of it or in it.
    assert_ne!(equal(&web, &rule("Allow", json!({ "sourceAddressPrefix": "*" }))), Answer::Yes);
    let tag = rule("Allow", json!({ "sourceAddressPrefix": "CorpNetSaw" }));
    assert_eq!(equal(&tag, &tag), Answer::Yes);
    assert_eq!(equal(&tag, &[]), Answer::If);
    let found = compare(&live(&tag), &live(&[]), None);
    assert!(
        found.parts[0].hangs_on.iter().any(|one| one.to_string().contains("tag CorpNetSaw")),
        "{:?}",
        found.parts[0].hangs_on
    );
    // Beside an unknown a known difference is sure.
    let mut both = web.clone();
    let mut wide = rule("Allow", json!({ "sourceAddressPrefix": "198.51.100.0/24" }));
    wide[0]["name"] = json!("s");
    wide[0]["priority"] = json!(200);
    both.extend(wide);
    assert_eq!(equal(&web, &both), Answer::If, "the group may hold all of that");
    let unresolved = rule("Allow", json!({ "sourceAddressPrefix": "[parameters('x')]" }));
    assert_ne!(equal(&unresolved, &unresolved), Answer::No);
}

/// What the group says of a packet along its way is what the twin says.
#[test]
fn explained_groups_decide_as_the_twin() {
    use tagwall::analyse::{Asked, Explainer, Far};
    use tagwall::packet::{Direction, Ports, Protocol};
    let mut dice = Dice(31);
    let snapshot = support::sample(Cloud::Public);
    let far = ["10.0.0.2", "10.0.0.5", "198.51.100.1", "198.51.100.2", "198.18.0.9"];
    let mut asked = 0;
    for _ in 0..20 {
        let rules = rules(&mut dice);
        let live = live(&rules);
        let explainer = Explainer::new(&live, &snapshot, None);
        for direction in [Direction::Inbound, Direction::Outbound] {
            for far in far {
                let port = *dice.pick(&[19_u16, 20, 22, 443, 444]);
                let found = explainer
                    .packet(&Asked {
                        direction,
                        subnet: None,
                        near: Some("10.0.0.1".parse().expect("an address")),
                        far: Far::Address(far.parse().expect("an address")),
                        protocol: Protocol::Tcp,
                        ports: port.to_string().parse::<Ports>().expect("a port"),
                    })
                    .unwrap_or_else(|error| panic!("{error}: {rules:?}"))
                    .expect("the network holds it");
                let inbound = direction == Direction::Inbound;
                let (src, dst) = if inbound { (far, "10.0.0.1") } else { ("10.0.0.1", far) };
                let packet = Packet { src: number(src), dst: number(dst), protocol: 't', port };
                let step = found.steps.iter().find(|step| step.at == "nsg").expect("a group decides");
                let says = step.verdict == "allow";
                assert_eq!(
                    says,
                    passes(&rules, inbound, packet),
                    "{packet:?} {inbound} {rules:?} {:?}",
                    found.steps
                );
                if !says {
                    assert_eq!(found.verdict, "deny");
                    assert!(found.changes[0].to_string().starts_with("group g"), "{:?}", found.changes);
                }
                asked += 1;
            }
        }
    }
    assert_eq!(asked, 200);
}

/// Rules of a template, a state, a plan, a page and a bare list: long lists say the same of each rule as lists of one do,
/// and where it stands.
#[test]
fn a_long_list_says_what_short_ones_say() {
    const RULES: usize = 150;
    let fields = |at: usize| {
        json!({
            "priority": 100 + at, "direction": "Outbound", "access": "Allow", "protocol": "Tcp",
            "sourceAddressPrefix": "*", "sourcePortRange": "*", "destinationPortRanges": ["443", at.to_string()],
            // Some are worked out, or known later.
            "destinationAddressPrefix": match at % 40 {
                39 => "[parameters('net')]".to_owned(),
                _ => format!("198.51.100.{at}"),
            },
        })
    };
    let flat = |at: usize| {
        let mut rule = fields(at);
        rule["name"] = json!(format!("r{at}"));
        rule
    };
    let nested = |at: usize| json!({"name": format!("r{at}"), "properties": fields(at)});
    let snake = |at: usize| {
        let text = flat(at).to_string();
        let text = text.replace("AddressPrefix", "_address_prefix").replace("PortRange", "_port_range");
        serde_json::from_str::<Value>(&text).expect("it is JSON still")
    };
    let unknown = |at: usize| json!({"name": false, "description": at % 7 == 3});
    let kind = "Microsoft.Network/networkSecurityGroups";
    let schema = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#";
    let parameters = json!({"net": {"type": "string", "defaultValue": "203.0.113.0/24"}});
    type Rules = Vec<usize>;
    let documents: [(&str, &dyn Fn(Rules) -> Value); 7] = [
        ("az", &|all| json!({"name": "n", "securityRules": all.into_iter().map(flat).collect::<Vec<_>>()})),
        ("bare list", &|all| all.into_iter().map(flat).collect()),
        ("page", &|all| json!({"value": all.into_iter().map(nested).collect::<Vec<_>>()})),
        ("template", &|all| {
            let rules: Vec<Value> = all.into_iter().map(nested).collect();
            json!({"$schema": schema, "contentVersion": "1.0.0.0", "parameters": parameters, "resources": [
                {"type": kind, "name": "n", "properties": {"securityRules": rules}}]})
        }),
        ("template with parameters", &|all| {
            let rules: Vec<Value> = all.into_iter().map(nested).collect();
            let mut parameters = parameters.clone();
            parameters["all"] = json!({"type": "object", "defaultValue": {"rules": rules}});
            json!({"$schema": schema, "contentVersion": "1.0.0.0", "parameters": parameters, "resources": [
                {"type": kind, "name": "n", "properties": {"securityRules": "[parameters('all').rules]"}}]})
        }),
        ("state", &|all| {
            let rules: Vec<Value> = all.into_iter().map(snake).collect();
            json!({"format_version": "1.0", "values": {"root_module": {"resources": [
                {"type": "azurerm_network_security_group", "mode": "managed", "name": "n",
                 "values": {"name": "n", "security_rule": rules}}]}}})
        }),
        ("plan", &|all| {
            let later: Vec<Value> = all.iter().map(|at| unknown(*at)).collect();
            let rules: Vec<Value> = all.into_iter().map(snake).collect();
            json!({"format_version": "1.2", "resource_changes": [
                {"type": "azurerm_network_security_group", "mode": "managed", "name": "n", "change": {
                    "after": {"name": "n", "security_rule": rules}, "after_unknown": {"security_rule": later}}}]})
        }),
    ];
    for (dialect, document) in documents {
        let whole = document((0..RULES).collect());
        let text = serde_json::to_string_pretty(&whole).expect("it is JSON");
        let read = |text: &str| read_live(&[("a.json", text.as_bytes())]).expect("it is read");
        let long = read(&text);
        assert_eq!(long.groups[0].rules.len(), RULES, "{dialect}");
        assert!(long.passed_over.is_empty(), "{dialect}: {:?}", long.passed_over);
        for (at, rule) in long.groups[0].rules.iter().enumerate() {
            let one = read(&document(vec![at]).to_string());
            let one = &one.groups[0].rules[0];
            assert_eq!((&rule.rule, &rule.unknown), (&one.rule, &one.unknown), "{dialect}");
            if dialect == "template with parameters" {
                continue;
            }
            let place = &rule.place;
            let there =
                whole.pointer(&place.pointer.to_string()).unwrap_or_else(|| panic!("{dialect}: {place}"));
            assert_eq!(there["name"], rule.rule.name.as_str(), "{dialect}: {place}");
            let lines = text.lines().skip(place.line - 1);
            let depth = text.lines().nth(place.line - 1).expect("a line").find('{').expect("a brace");
            let own =
                lines.take_while(|line| line.trim_end_matches(',') != format!("{}}}", " ".repeat(depth)));
            let name = format!("\"name\": \"r{at}\"");
            assert!(own.into_iter().any(|line| line.contains(&name)), "{dialect}: {place}");
        }
    }
}
