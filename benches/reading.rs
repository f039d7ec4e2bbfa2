//! What is there, read and held against something: two groups of a thousand rules each, a policy for Azure Machine
//! Learning against exports of what it makes, thousands of groups, and a log of a million lines.
//!
//! Figures to reach, of processor time: groups of 1,000 rules with 20,000 prefixes compared in 0.2 s; `check` at most 2.5
//! times `generate`, measured in turns on the same machine; 5,000 groups linted in 10 s on two cores; a million lines
//! replayed in 5 s.

#![expect(clippy::print_stdout, reason = "the figures are what this program is for")]

use std::fmt::Write;
use std::hint::black_box;
use std::time::Duration;

use tagwall::analyse::lint::{FlowReplay, Linting, lint};
use tagwall::analyse::{Answer, check, compare, needs_of, plan};
use tagwall::catalog::Catalog;
use tagwall::pipeline;
use tagwall::policy::PolicySource;
use tagwall::read::live::{Live, LiveGroup, LiveNetwork, flow_tuple, read_live};
use tagwall::tags::{Cloud, Snapshot, sample};

#[allow(dead_code)] // each bench uses its part
mod data;
#[path = "../tests/support/mod.rs"]
mod support;

/// A group of `rules` rules that share 20,000 prefixes, from a seed; those in `without` are left out.
fn group(rules: usize, prefixes: usize, without: &[usize]) -> String {
    let mut numbers = data::Numbers::new(5);
    let mut list: Vec<String> = Vec::new();
    for at in 0..rules {
        let many: Vec<String> = (0..prefixes / rules)
            .map(|_| {
                let address = 0x1400_0000 | (numbers.next() as u32 & 0x07ff_ffff);
                let length = 20 + numbers.below(13) as u32;
                let network = address & (u32::MAX << (32 - length));
                format!("\"{}/{length}\"", std::net::Ipv4Addr::from(network))
            })
            .collect();
        let (inbound, allow) = (numbers.below(4) == 0, numbers.below(3) > 0);
        let (port, source) = (numbers.below(600) * 8, numbers.below(40));
        let width = numbers.below(200);
        if without.contains(&at) {
            continue;
        }
        let (one, many_side) = if inbound { ("destination", "source") } else { ("source", "destination") };
        let access = if allow { "Allow" } else { "Deny" };
        let direction = if inbound { "Inbound" } else { "Outbound" };
        let mut text = String::new();
        write!(
            text,
            "{{\"name\":\"rule-{at:04}\",\"priority\":{},\"direction\":\"{direction}\",\"access\":\"{access}\",\"protocol\":\"Tcp\",\
             \"{one}AddressPrefix\":\"10.20.{source}.0/24\",\"{many_side}AddressPrefixes\":[{}],\"sourcePortRange\":\"*\",\
             \"destinationPortRange\":\"{port}-{}\"}}",
            100 + at,
            many.join(","),
            port + width
        )
        .expect("writing to a string does not fail");
        list.push(text);
    }
    // What no rule takes is denied, so that every rule that allows counts.
    for (priority, direction) in [(4000, "Inbound"), (4001, "Outbound")] {
        list.push(format!(
            "{{\"name\":\"rest-{priority}\",\"priority\":{priority},\"direction\":\"{direction}\",\"access\":\"Deny\",\
             \"protocol\":\"*\",\"sourceAddressPrefix\":\"*\",\"destinationAddressPrefix\":\"*\",\"sourcePortRange\":\"*\",\
             \"destinationPortRange\":\"*\"}}"
        ));
    }
    format!("{{\"name\":\"web\",\"securityRules\":[{}]}}", list.join(","))
}

fn read(text: &str) -> Live {
    read_live(&[("live.json", text.as_bytes())]).expect("it is read")
}

/// Processor time of this process.
fn processor() -> Duration {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<u64>().ok()).unwrap_or_default();
    // The kernel counts in hundredths of a second everywhere that this runs.
    Duration::from_millis(10 * (ticks(11) + ticks(12)))
}

/// Runs works in turns; tells the processor time of each, the mean of all rounds, and how it is to that of the first.
fn turns(title: &str, rounds: u32, works: &[(&str, &dyn Fn())]) {
    let mut spent = vec![Duration::ZERO; works.len()];
    works.iter().for_each(|(_, work)| work());
    for _ in 0..rounds {
        for (at, (_, work)) in works.iter().enumerate() {
            let before = processor();
            work();
            spent[at] += processor() - before;
        }
    }
    println!("{title}");
    for ((name, _), own) in works.iter().zip(&spent) {
        let mean = 1000.0 * own.as_secs_f64() / f64::from(rounds);
        let ratio = own.as_secs_f64() / spent[0].as_secs_f64().max(1e-9);
        println!("  {name}: {mean:.1} ms, {ratio:.2} of the first");
    }
}

fn groups() {
    let whole = group(1000, 20_000, &[]);
    let short = group(1000, 20_000, &[500, 501, 502]);
    let [a, same, b] = [&whole, &whole, &short].map(|text| read(text));
    // The same rules by other names and priorities, so that they are compared and not only seen to be the same.
    let renamed =
        read(&whole.replace("rule-", "other-").replacen("\"priority\":100,", "\"priority\":99,", 1));
    let compare_to = |other: &Live| compare(&a, other, None);
    assert_eq!(compare_to(&same).equal, Answer::Yes);
    assert_eq!(compare_to(&b).equal, Answer::No);
    let half = read(&group(1000, 20_000, &(0..1000).filter(|at| at % 20 == 0).collect::<Vec<_>>()));
    turns(
        "two groups of 1,000 rules with 20,000 prefixes",
        20,
        &[
            ("read both", &|| drop(black_box((read(&whole), read(&short))))),
            ("compare, renamed", &|| drop(black_box(compare_to(&renamed)))),
            ("compare, three rules are missing", &|| drop(black_box(compare_to(&b)))),
            ("compare, one in 20 is missing", &|| drop(black_box(compare_to(&half)))),
        ],
    );
}

const POLICY: &str = include_str!("../examples/policies/aml-private.toml");

/// What the policy makes, as templates.
fn made(snapshot: &Snapshot) -> (Vec<(String, Vec<u8>)>, tagwall::policy::Policy) {
    let mut source = PolicySource::read("aml-private.toml", POLICY).expect("the policy is right");
    source.intent.output.formats = vec![tagwall::target::FormatName::Arm];
    let made = pipeline::generate(&source, Catalog::builtin(), snapshot, None).expect("it is made");
    let files = made.files.into_iter().filter(|file| file.name.ends_with(".arm.json"));
    (files.map(|file| (file.name, file.bytes)).collect(), made.policy)
}

fn live_of(files: &[(String, Vec<u8>)]) -> Live {
    let named: Vec<(&str, &[u8])> =
        files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    read_live(&named).expect("our own is read")
}

fn network(mut live: Live) -> Live {
    live.networks.push(LiveNetwork { space: vec!["10.20.0.0/16".to_owned()], ..LiveNetwork::default() });
    live
}

fn drift() {
    let shared = support::shared("drift of a real week");
    let snapshot = match &shared {
        Some(shared) => support::real(shared, "Public_20260622"),
        None => {
            Snapshot::parse(&sample::sample_json(Cloud::Public).expect("there is a sample")).expect("valid")
        }
    };
    let old = shared.as_ref().map(|shared| support::real(shared, "Public_20250217"));
    let same = made(&snapshot).0;
    let before = old.as_ref().map_or_else(|| same.clone(), |old| made(old).0);
    let held = |files: &[(String, Vec<u8>)]| {
        let (wanted, policy) = made(&snapshot);
        let (wanted, live) = (network(live_of(&wanted)), live_of(files));
        let drift = check(&wanted, &live, &needs_of(&policy), &snapshot);
        (drift, wanted, live)
    };
    let foreign = |files: &[(String, Vec<u8>)]| {
        let mut live = live_of(files);
        let group: &mut LiveGroup = &mut live.groups[0];
        let mut rule = group.rules[0].clone();
        (rule.rule.name, rule.rule.priority) = ("temp".to_owned(), 4000);
        group.rules.push(rule);
        live
    };
    assert!(!held(&same).0.drift);
    turns(
        "aml-private.toml",
        200,
        &[
            ("generate", &|| drop(black_box(made(&snapshot)))),
            ("check, no drift", &|| drop(black_box(held(&same)))),
            ("check, as made 16 months before", &|| drop(black_box(held(&before)))),
            ("check --plan, as made 16 months before", &|| {
                let (_, wanted, _) = held(&before);
                let _ = black_box(plan(&wanted, &foreign(&before), &snapshot));
            }),
        ],
    );
}

const WORDS: [&str; 8] = [
    "Internet",
    "VirtualNetwork",
    "AzureLoadBalancer",
    "Storage.WestEurope",
    "AzureMonitor",
    "Sql",
    "AzureActiveDirectory",
    "AzureCloud.WestEurope",
];
const PORTS: [u16; 8] = [443, 80, 22, 3389, 1433, 8080, 53, 5432];

fn pick<T: Copy>(numbers: &mut data::Numbers, list: &[T]) -> T {
    list[numbers.below(list.len() as u64) as usize]
}

/// A group of ten rules each way, half of them of tags.
fn small_group(numbers: &mut data::Numbers, at: usize) -> String {
    let mut rules = Vec::new();
    for rule in 0..20 {
        let inbound = rule < 10;
        let own = format!("10.{}.{}.0/24", numbers.below(256), numbers.below(256));
        let other = match numbers.below(2) {
            0 => pick(numbers, &WORDS).to_owned(),
            _ => format!(
                "{}.{}.0.0/{}",
                11 + numbers.below(200),
                numbers.below(256),
                16 + 8 * numbers.below(3)
            ),
        };
        let (from, to) = if inbound { (other, own) } else { (own, other) };
        rules.push(format!(
            "{{\"name\":\"rule-{rule}\",\"priority\":{},\"direction\":\"{}\",\"access\":\"{}\",\"protocol\":\"{}\",\
             \"sourceAddressPrefix\":\"{from}\",\"destinationAddressPrefix\":\"{to}\",\"sourcePortRange\":\"*\",\
             \"destinationPortRange\":\"{}\"}}",
            100 + rule,
            if inbound { "Inbound" } else { "Outbound" },
            pick(numbers, &["Allow", "Allow", "Deny"]),
            pick(numbers, &["Tcp", "Udp", "*"]),
            pick(numbers, &PORTS),
        ));
    }
    format!("{{\"name\":\"group-{at}\",\"securityRules\":[{}]}}", rules.join(","))
}

/// A folder of many groups, linted; and a log of a million lines, replayed against one of them.
fn many() {
    let snapshot =
        Snapshot::parse(&sample::sample_json(Cloud::Public).expect("there is a sample")).expect("valid");
    let mut numbers = data::Numbers::new(11);
    let texts: Vec<String> = (0..5000).map(|at| small_group(&mut numbers, at)).collect();
    let names: Vec<String> = (0..5000).map(|at| format!("group-{at}.json")).collect();
    let files: Vec<(&str, &[u8])> =
        names.iter().zip(&texts).map(|(name, text)| (name.as_str(), text.as_bytes())).collect();
    let live = read_live(&files).expect("they are read");
    let linting = Linting { snapshot: &snapshot, timeline: None, risks: false };
    turns(
        "5,000 groups of 20 rules",
        3,
        &[
            ("lint", &|| drop(black_box(lint(&live, &linting)))),
            ("read", &|| drop(black_box(read_live(&files)))),
        ],
    );
    let one = read(&texts[0]);
    let lines: Vec<String> = (0..1_000_000)
        .map(|at: u64| {
            let host = |numbers: &mut data::Numbers, first: u64| {
                format!("{first}.{}.{}.{}", numbers.below(256), numbers.below(256), numbers.below(256))
            };
            let (own, first) = (host(&mut numbers, 10), 11 + numbers.below(200));
            let other = host(&mut numbers, first);
            let (from, to, way) = if at.is_multiple_of(2) { (own, other, 'O') } else { (other, own, 'I') };
            let (time, port) = (1_750_000_000_000 + at, pick(&mut numbers, &PORTS));
            format!("{time},{from},{to},50000,{port},6,{way},B,NX,1,60,1,60")
        })
        .collect();
    turns(
        "a log of a million lines",
        3,
        &[("replay", &|| {
            let mut replay = FlowReplay::new(&one, &snapshot);
            lines.iter().filter_map(|line| flow_tuple(line)).for_each(|tuple| replay.take(&tuple));
            drop(black_box(replay.finish()));
        })],
    );
}

fn main() {
    groups();
    drift();
    many();
}
