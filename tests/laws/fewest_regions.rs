//! Differences are told as few regions: never more than twice the fewest boxes, overlapping or not, that brute force finds
//! for all packets in question.

use serde_json::{Value, json};
use tagwall::analyse::{Difference, compare};
use tagwall::read::live::{Live, read_live};

/// Numbers that look random, the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}

/// Addresses that stand for themselves; every side is a set of them.
const SOURCES: [&str; 4] = ["198.51.100.0/32", "198.51.100.2/32", "198.51.100.4/32", "198.51.100.6/32"];
const TARGETS: [&str; 4] = ["10.0.0.0/32", "10.0.0.2/32", "10.0.0.4/32", "10.0.0.6/32"];
const PORTS: [&str; 3] = ["22", "80", "443"];
const PROTOCOLS: [&str; 2] = ["tcp", "udp"];

fn some(dice: &mut Dice, of: &[&str]) -> Vec<String> {
    let bits = 1 + dice.roll((1 << of.len()) - 1);
    of.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1).map(|(_, text)| (*text).to_owned()).collect()
}

fn rules(dice: &mut Dice) -> Vec<Value> {
    (0..1 + dice.roll(4))
        .map(|at| {
            let (access, protocol) = (dice.roll(3), dice.roll(3));
            json!({ "name": format!("r{at}"), "priority": 100 + at, "direction": "Inbound",
                "access": (["Allow", "Deny", "Allow"][access]), "protocol": (["Tcp", "Udp", "*"][protocol]),
                "sourceAddressPrefixes": some(dice, &SOURCES), "sourcePortRange": "*",
                "destinationAddressPrefixes": some(dice, &TARGETS),
                "destinationPortRanges": some(dice, &PORTS) })
        })
        .collect()
}

fn live(rules: &[Value]) -> Live {
    let text = json!({ "name": "g", "securityRules": rules }).to_string();
    read_live(&[("g.json", text.as_bytes())]).expect("it is read")
}

/// The cells of all differences of one side: one bit for each source, target, protocol and port.
type Cells = u128;

fn bit(source: usize, target: usize, protocol: usize, port: usize) -> Cells {
    1 << (((source * TARGETS.len() + target) * PROTOCOLS.len() + protocol) * PORTS.len() + port)
}

fn product(sides: [u32; 4]) -> Cells {
    let mut cells = 0;
    let has = |side: u32, at: usize| side >> at & 1 == 1;
    for source in (0..SOURCES.len()).filter(|&at| has(sides[0], at)) {
        for target in (0..TARGETS.len()).filter(|&at| has(sides[1], at)) {
            for protocol in (0..PROTOCOLS.len()).filter(|&at| has(sides[2], at)) {
                for port in (0..PORTS.len()).filter(|&at| has(sides[3], at)) {
                    cells |= bit(source, target, protocol, port);
                }
            }
        }
    }
    cells
}

fn cells_of(difference: &Difference) -> Cells {
    let region = &difference.region;
    let bits = |all: &[&str], has: &dyn Fn(&str) -> bool| {
        all.iter().enumerate().filter(|(_, text)| has(text)).fold(0, |bits, (at, _)| bits | 1 << at)
    };
    let inside = |prefixes: &[tagwall::addr::IpPrefix], all: &[&str]| {
        let set: tagwall::addr::AddrSet = prefixes.iter().copied().collect();
        bits(all, &|text| set.contains(text.trim_end_matches("/32").parse().expect("an address")))
    };
    let in_port = |port: &str| region.destination_ports.set().contains(port.parse().expect("a port"));
    product([
        inside(&region.sources, &SOURCES),
        inside(&region.destinations, &TARGETS),
        bits(&PROTOCOLS, &|text| region.protocols.contains(&text)),
        bits(&PORTS, &in_port),
    ])
}

/// All boxes within `cells` to which nothing can be added.
fn boxes(cells: Cells) -> Vec<Cells> {
    let mut found: Vec<Cells> = Vec::new();
    for sources in 1..1_u32 << SOURCES.len() {
        for protocols in 1..1_u32 << PROTOCOLS.len() {
            for ports in 1..1_u32 << PORTS.len() {
                let fits = |target: &u32| product([sources, 1 << target, protocols, ports]) & !cells == 0;
                let targets = (0..TARGETS.len() as u32).filter(fits).fold(0, |bits, at| bits | 1 << at);
                if targets != 0 {
                    found.push(product([sources, targets, protocols, ports]));
                }
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    let all = found.clone();
    found.retain(|own| !all.iter().any(|other| other != own && own & !other == 0));
    found
}

/// Whether at most `most` boxes hold all cells.
fn is_covered(left: Cells, boxes: &[Cells], most: usize) -> bool {
    if left == 0 {
        return true;
    }
    let lowest = left & left.wrapping_neg();
    most > 0
        && boxes.iter().filter(|own| **own & lowest != 0).any(|own| is_covered(left & !own, boxes, most - 1))
}

#[test]
fn never_more_than_twice_the_fewest() {
    let mut dice = Dice(41);
    let (mut told, mut fewest, mut hard) = (0, 0, 0);
    for _ in 0..400 {
        let (a, b) = (rules(&mut dice), rules(&mut dice));
        let found = compare(&live(&a), &live(&b), None);
        let part = found.parts.iter().find(|part| part.direction == Some("Inbound")).expect("a part");
        for own in [&part.only_a, &part.only_b].into_iter().filter(|own| !own.is_empty()) {
            let cells = own.iter().fold(0, |cells, difference| cells | cells_of(difference));
            // What Azure's own rules let through of the rest is outside of these cells, and tells a region of its own.
            let boxes = boxes(cells);
            let least = (1..).find(|&most| is_covered(cells, &boxes, most)).expect("single cells do");
            assert!(own.len() <= 2 * least, "{} regions, {least} do: {a:?} {b:?}", own.len());
            told += own.len();
            fewest += least;
            hard += usize::from(least > 2);
        }
    }
    assert!(hard > 40, "{hard} cases take more than two boxes");
    // Far from the bound on the whole.
    assert!(told * 10 <= fewest * 14, "{told} told, {fewest} do");
}
