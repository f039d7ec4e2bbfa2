//! Findings held against slow, obvious twins: every packet of a small universe, every subset of rules; and forms of open
//! and closed ports written as people write them.

use std::collections::BTreeSet;

use proptest::prelude::*;
use tagwall::analyse::lint::{Finding, Linting, lint};
use tagwall::read::live::{Live, LiveGroup, LiveRule};
use tagwall::read::resources::SecurityRule;
use tagwall::tags::{Cloud, Snapshot, sample};

fn snapshot() -> Snapshot {
    Snapshot::parse(&sample::sample_json(Cloud::Public).unwrap()).unwrap()
}

fn texts(list: &str) -> Vec<String> {
    list.split(',').map(|text| text.trim().to_owned()).collect()
}

fn group(rules: Vec<SecurityRule>) -> Live {
    let rules = rules.into_iter().map(|rule| LiveRule { rule, ..LiveRule::default() }).collect();
    Live {
        groups: vec![LiveGroup { name: "nsg".to_owned(), rules, ..LiveGroup::default() }],
        ..Live::default()
    }
}

fn findings(live: &Live) -> Vec<Finding> {
    let snapshot = snapshot();
    lint(live, &Linting { snapshot: &snapshot, timeline: None, risks: false })
}

/// A rule of the small universe: blocks of sources, protocol, ports, access.
#[derive(Debug, Clone)]
struct Small {
    /// Bit `n` is the `n`-th /27 of 198.18.0.0/24; all nine bits are these and 192.0.2.0/24.
    sources: u16,
    protocol: &'static str,
    /// Bits of [`PORTS`]; all are `*`.
    ports: u8,
    allow: bool,
}

/// The ports of the universe; the last stands for all others.
const PORTS: [u16; 4] = [80, 443, 8080, 9];
const PROTOCOLS: [&str; 3] = ["Tcp", "Udp", "Icmp"];
const EVERYWHERE: u16 = 0b1_1111_1111;

impl Small {
    fn rule(&self, at: usize) -> SecurityRule {
        let blocks = (0..8).filter(|bit| self.sources >> bit & 1 == 1);
        let sources = match self.sources {
            // Not `*`, in which the load balancer is, whom a rule of Azure lets in.
            EVERYWHERE => vec!["198.18.0.0/24".to_owned(), "192.0.2.0/24".to_owned()],
            _ => blocks.map(|bit| format!("198.18.0.{}/27", bit * 32)).collect(),
        };
        let ports = match self.ports {
            0b1111 => vec!["*".to_owned()],
            ports => (0..3).filter(|bit| ports >> bit & 1 == 1).map(|bit| PORTS[bit].to_string()).collect(),
        };
        SecurityRule {
            name: format!("r{at}"),
            priority: 100 + at as i64,
            direction: "Inbound".into(),
            access: if self.allow { "Allow" } else { "Deny" }.to_owned().into(),
            protocol: self.protocol.to_owned().into(),
            sources,
            destinations: vec!["198.18.1.0/24".to_owned()],
            source_ports: vec!["*".to_owned()],
            destination_ports: ports,
            ..SecurityRule::default()
        }
    }

    /// Whether it takes a packet: block of the source (8 is elsewhere), protocol, port.
    fn takes(&self, (block, protocol, port): (u16, usize, usize)) -> bool {
        let portless = PROTOCOLS[protocol] == "Icmp";
        self.sources >> block & 1 == 1
            && (self.protocol == "*" || self.protocol == PROTOCOLS[protocol])
            && if portless { self.ports == 0b1111 } else { self.ports >> port & 1 == 1 }
    }
}

fn packets() -> Vec<(u16, usize, usize)> {
    let mut all = Vec::new();
    for block in 0..9 {
        for protocol in 0..3 {
            for port in 0..4 {
                all.push((block, protocol, port));
            }
        }
    }
    all
}

fn small() -> impl Strategy<Value = Small> {
    let sources = prop_oneof![3 => 1_u16..256, 1 => Just(EVERYWHERE)];
    let ports = prop_oneof![3 => 1_u8..8, 1 => Just(0b1111_u8)];
    let protocol = prop_oneof![Just("Tcp"), Just("Udp"), Just("*"), Just("Icmp")];
    (sources, protocol, ports, any::<bool>()).prop_map(|(sources, protocol, ports, allow)| Small {
        sources,
        protocol,
        ports,
        allow,
    })
}

/// What every packet of the universe says of a rule: its id and, for a dead one, how many rules it takes to block it.
fn obvious(rules: &[Small], at: usize) -> (&'static str, usize) {
    let first = |rules: &[Small], packet| rules.iter().position(|rule| rule.takes(packet));
    let own: Vec<_> = packets().into_iter().filter(|&packet| rules[at].takes(packet)).collect();
    let dead = own.iter().all(|&packet| first(rules, packet) != Some(at));
    if dead {
        let contrary = own.iter().any(|&p| rules[first(rules, p).unwrap()].allow != rules[at].allow);
        let covers =
            |subset: usize| own.iter().all(|&p| (0..at).any(|n| subset >> n & 1 == 1 && rules[n].takes(p)));
        let fewest =
            (0..1_usize << at).filter(|&subset| covers(subset)).map(usize::count_ones).min().unwrap();
        return (if contrary { "TW002" } else { "TW001" }, fewest as usize);
    }
    let mut without = rules.to_vec();
    without.remove(at);
    let allows = |rules: &[Small], packet| first(rules, packet).is_some_and(|n| rules[n].allow);
    let same = packets().into_iter().all(|packet| allows(rules, packet) == allows(&without, packet));
    (if same { "TW004" } else { "" }, 0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn dead_and_redundant_rules_are_those_of_every_packet(rules in prop::collection::vec(small(), 1..9)) {
        let found = findings(&group(rules.iter().enumerate().map(|(at, rule)| rule.rule(at)).collect()));
        for at in 0..rules.len() {
            let name = format!("r{at}");
            let own: Vec<&Finding> = found
                .iter()
                .filter(|f| f.rule.as_deref() == Some(&name) && ["TW001", "TW002", "TW004"].contains(&f.id))
                .collect();
            let (wanted, fewest) = obvious(&rules, at);
            prop_assert_eq!(own.iter().map(|f| f.id).collect::<String>(), wanted, "{}", name);
            let Some(finding) = own.first().filter(|f| f.id != "TW004") else { continue };
            let blockers = finding.blockers.as_ref().unwrap();
            let places: Vec<usize> = blockers.iter().map(|name| name[1..].parse().unwrap()).collect();
            let taken = |packet| places.iter().any(|&n| n < at && rules[n].takes(packet));
            prop_assert!(packets().into_iter().filter(|&p| rules[at].takes(p)).all(taken), "they cover it");
            let other = places.iter().filter(|&&n| rules[n].allow != rules[at].allow).count();
            let most = if wanted == "TW002" && other == 1 { fewest + 1 } else { fewest };
            prop_assert!(blockers.len() >= fewest && blockers.len() <= most, "{:?} for {}", blockers, fewest);
            prop_assert!(wanted == "TW001" || other > 0, "one of the other action");
        }
    }
}

/// A rule in one line: priority, access, protocol, source, destination ports, and what else is not as usual.
fn written(line: &str) -> SecurityRule {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [priority, access, protocol, sources, ports, rest @ ..] = fields.as_slice() else { panic!("{line}") };
    let of = |key: &str, default: &str| {
        texts(rest.iter().find_map(|field| field.strip_prefix(key)).unwrap_or(default))
    };
    SecurityRule {
        name: format!("rule-{priority}"),
        priority: priority.parse().unwrap(),
        access: (*access).to_owned().into(),
        protocol: (*protocol).to_owned().into(),
        direction: of("dir=", "Inbound").remove(0).into(),
        sources: texts(sources),
        destinations: of("to=", "*"),
        source_ports: of("sport=", "*"),
        destination_ports: texts(ports),
        ..SecurityRule::default()
    }
}

/// SSH open to the Internet, in forms that people write. Lines of one form are divided by `;`.
const OPEN: &[&str] = &[
    "100 Allow Tcp * 22",
    "100 Allow tcp Internet 22",
    "100 allow TCP INTERNET 22",
    "100 Allow Tcp 0.0.0.0/0 22",
    "100 Allow * * *",
    "100 Allow * Internet *",
    "100 Allow * * 22",
    "100 Allow Tcp Any 22",
    "100 Allow Tcp * 22-22",
    "100 Allow Tcp * 20-25",
    "100 Allow Tcp * 0-65535",
    "100 Allow Tcp * 1-1024",
    "100 Allow Tcp * 80,443,22",
    "100 Allow Tcp * 80,20-30",
    "100 Allow Tcp 0.0.0.0/1,128.0.0.0/1 22",
    "100 Allow Tcp 0.0.0.0/1 22; 110 Allow Tcp 128.0.0.0/1 22",
    "100 Allow Tcp 0.0.0.0/1 22",
    "100 Allow Tcp 128.0.0.0/1 22",
    "100 Allow Tcp 0.0.0.0/2,64.0.0.0/2 22",
    "100 Allow Tcp 1.0.0.0-9.255.255.255 22",
    "100 Allow Tcp 198.51.100.0/24,0.0.0.0/0 22",
    "100 Allow Tcp 4.0.0.0/6,8.0.0.0/7 22",
    "100 Allow Tcp ::/0 22",
    "100 Allow Tcp 2000::/3 22",
    "100 Allow Tcp 2000::/4 22",
    "100 Allow Tcp * 22 to=10.0.0.4",
    "100 Allow Tcp * 22 to=10.0.0.0/24,10.1.0.0/24",
    "100 Allow Tcp * 22 to=VirtualNetwork",
    "100 Deny Tcp 198.51.100.0/24 22; 110 Allow Tcp * 22",
    "100 Deny Tcp * 23; 110 Allow Tcp * 22",
    "100 Deny Udp * 22; 110 Allow Tcp * 22",
    "100 Deny Tcp * 22 to=10.0.0.4; 110 Allow Tcp * 22",
    "100 Deny Tcp 0.0.0.0/1 22; 110 Allow Tcp * 22",
    "100 Allow Tcp * 22; 110 Deny Tcp * 22",
    "100 Deny Tcp * 22 dir=Outbound; 110 Allow Tcp * 22",
    "100 Deny Tcp * 22 sport=1-1023; 110 Allow Tcp * 22",
    "100 Deny Tcp * 21,23; 110 Allow Tcp * 20-24",
    "100 Deny Icmp * *; 110 Allow * * 22",
    "4096 Allow * Internet 22",
    "100 Allow Tcp 1.0.0.0/8 22; 110 Allow Tcp 2.0.0.0/8 22; 120 Allow Tcp 3.0.0.0/8 22",
    "100 Allow Tcp 10.0.0.0/8,0.0.0.0/0 22",
    "100 Allow Tcp * 22 sport=1024-65535",
];

/// SSH closed to the Internet, in forms that look open.
const CLOSED: &[&str] = &[
    "100 Allow Tcp * 443",
    "100 Allow Tcp * 80,443",
    "100 Allow Tcp * 2200",
    "100 Allow Tcp * 222",
    "100 Allow Tcp * 8022-8030",
    "100 Allow Udp * 443",
    "100 Allow Icmp * *",
    "100 Allow Tcp 10.0.0.0/8 22",
    "100 Allow Tcp 172.16.0.0/12 22",
    "100 Allow Tcp 192.168.0.0/16 22",
    "100 Allow Tcp 100.64.0.0/10 22",
    "100 Allow Tcp VirtualNetwork 22",
    "100 Allow Tcp AzureLoadBalancer 22",
    "100 Allow Tcp 198.51.100.7 22",
    "100 Allow Tcp 198.51.100.0/24 22",
    "100 Allow Tcp 203.0.113.0/24,198.51.100.0/24 22",
    "100 Allow Tcp 8.8.8.8/32 22",
    "100 Allow Tcp 20.0.0.0/16 22",
    "100 Deny Tcp * 22",
    "100 Deny * * *",
    "100 Deny Tcp * 22; 110 Allow Tcp * 22",
    "100 Deny * Internet *; 110 Allow Tcp * 22",
    "100 Deny Tcp Internet 22; 110 Allow Tcp Internet 22",
    "100 Deny Tcp 0.0.0.0/1 22; 105 Deny Tcp 128.0.0.0/1 22; 110 Allow Tcp 0.0.0.0/0 22",
    "100 Deny Tcp 0.0.0.0/0 20-25; 110 Allow Tcp 0.0.0.0/0 22",
    "100 Deny Tcp * 22; 110 Allow * * 22,443 to=10.0.0.4; 105 Deny Tcp * 22",
    "100 Allow Tcp * 22 dir=Outbound",
    "100 Allow * * * dir=Outbound",
    "100 Allow Udp * 22",
    "100 Allow Tcp 2001:db8::/32 22",
    "100 Allow Tcp fc00::/7 22",
    "100 Allow Tcp fd00::/8 22",
    "100 Allow Tcp 2603::/24 22",
    "100 Allow Tcp 127.0.0.0/8 22",
    "100 Allow Tcp 169.254.0.0/16 22",
    "100 Allow Tcp 198.18.0.0/15 22",
    "100 Allow Tcp 198.51.100.0/25,198.51.100.128/25 22",
    "100 Allow Esp * *",
    "100 Allow Tcp * 1-20,24-79,81-100",
    "100 Deny Tcp * *; 200 Allow * * *",
    "100 Allow Icmp * 22",
    "4096 Deny * * *",
];

/// Whether port 22 is told of in a list of rules.
fn is_told(form: &str) -> Vec<String> {
    let found = findings(&group(form.split(';').map(|line| written(line.trim())).collect()));
    found
        .into_iter()
        .filter(|f| f.id == "TW010" && f.message.to_string().contains("22 (SSH)"))
        .map(|f| f.message.to_string())
        .collect()
}

#[test]
fn every_open_form_is_found() {
    assert!(OPEN.len() >= 40);
    let missed: Vec<&&str> = OPEN.iter().filter(|form| is_told(form).is_empty()).collect();
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn no_closed_form_is_taken_for_open() {
    assert!(CLOSED.len() >= 40);
    let wrong: Vec<(&&str, Vec<String>)> =
        CLOSED.iter().map(|form| (form, is_told(form))).filter(|(_, told)| !told.is_empty()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A rule whose sides name application security groups.
fn of_groups(line: &str, source: &[&str], destination: &[&str]) -> LiveRule {
    let own = |list: &[&str]| list.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
    let mut live = LiveRule { rule: written(line), ..LiveRule::default() };
    (live.source_groups, live.destination_groups) = (own(source), own(destination));
    if !source.is_empty() {
        live.rule.sources = vec![];
    }
    if !destination.is_empty() {
        live.rule.destinations = vec![];
    }
    live
}

fn ids(rules: Vec<LiveRule>) -> BTreeSet<(String, String)> {
    let group = LiveGroup { name: "nsg".to_owned(), rules, ..LiveGroup::default() };
    let live = Live { groups: vec![group], ..Live::default() };
    let exact = ["TW001", "TW002", "TW004", "TW010"];
    let told = findings(&live).into_iter().filter(|f| exact.contains(&f.id));
    told.map(|f| (f.id.to_owned(), f.rule.unwrap())).collect()
}

/// An application security group is neither everything nor nothing, and the same as itself.
#[test]
fn what_is_not_known_is_taken_for_nothing_else() {
    let none = BTreeSet::new();
    let one = |id: &str, rule: &str| BTreeSet::from([(id.to_owned(), rule.to_owned())]);
    let web = || of_groups("100 Allow Tcp 198.51.100.0/24 443", &[], &["web"]);
    // Another group, or a prefix, may hold other machines.
    assert_eq!(ids(vec![web(), of_groups("110 Allow Tcp 198.51.100.0/24 443", &[], &["db"])]), none);
    assert_eq!(ids(vec![web(), of_groups("110 Allow Tcp 198.51.100.0/24 443 to=10.0.0.4", &[], &[])]), none);
    // The same group is the same, and everything holds any group.
    let again = of_groups("110 Allow Tcp 198.51.100.0/25 443", &[], &["WEB"]);
    assert_eq!(ids(vec![web(), again]), one("TW001", "rule-110"));
    let denied = of_groups("110 Deny Tcp 198.51.100.0/24 443", &[], &["web"]);
    assert_eq!(ids(vec![web(), denied]), one("TW002", "rule-110"));
    let all = of_groups("90 Allow Tcp 198.51.100.0/24 443", &[], &[]);
    assert_eq!(ids(vec![all, web()]), one("TW001", "rule-100"));
    // Open to a group is open; closed for the same group is closed.
    let open = || of_groups("200 Allow Tcp * 22", &[], &["web"]);
    assert_eq!(ids(vec![open()]), one("TW010", "rule-200"));
    assert!(
        !ids(vec![of_groups("150 Deny Tcp * 22", &[], &["web"]), open()]).iter().any(|(id, _)| id == "TW010")
    );
    assert!(
        ids(vec![of_groups("150 Deny Tcp * 22", &[], &["db"]), open()]).iter().any(|(id, _)| id == "TW010")
    );
}

#[test]
fn a_rule_of_a_network_intent_policy_is_left_alone() {
    let mut rule = written("100 Allow Tcp * 22");
    rule.name = "Microsoft.Sql-managedInstances_UseOnly_mi-sqlmgmt-in".to_owned();
    let mut same = written("110 Allow Tcp * 22");
    same.name = "Microsoft.Sql-managedInstances_UseOnly_mi-corp-in".to_owned();
    let found = findings(&group(vec![rule, same]));
    assert!(found.iter().all(|f| ["TW060", "TW010"].contains(&f.id)), "{found:#?}");
    assert_eq!(found.iter().filter(|f| f.id == "TW060").count(), 2);
}
