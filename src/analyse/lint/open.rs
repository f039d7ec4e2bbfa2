//! Ports that the Internet reaches, and everything that gets out: TW010, TW011.

use std::sync::Arc;

use super::dead::Looked;
use super::finding::{Finding, Severity};
use super::list::{Line, Lines, clip, in_order};
use super::message::{Message, Reach};
use super::sides::Sides;
use crate::addr::{AddrSet, Count, IntervalSet, Prefix};
use crate::packet::{Ports, Protocol};
use crate::rules::{Access, PacketProtocol, Region, Rule, differences, first_difference};
use crate::tags::Symbol;

/// A port through which machines are managed or data is kept.
struct Risky {
    port: u16,
    name: &'static str,
    udp: bool,
}

const fn tcp(port: u16, name: &'static str) -> Risky {
    Risky { port, name, udp: false }
}

const fn both(port: u16, name: &'static str) -> Risky {
    Risky { port, name, udp: true }
}

/// Ports that must not be open to everyone. Sources: the lists of checkov (CKV_AZURE_9, 10, 77), of Microsoft Defender for
/// Cloud (management ports), and of the CIS benchmark for Azure, 2.1.
const RISKY: &[Risky] = &[
    tcp(21, "FTP"),
    tcp(22, "SSH"),
    tcp(23, "Telnet"),
    both(111, "RPC"),
    both(135, "RPC"),
    both(137, "NetBIOS"),
    both(138, "NetBIOS"),
    tcp(139, "NetBIOS"),
    both(161, "SNMP"),
    both(389, "LDAP"),
    tcp(445, "SMB"),
    tcp(512, "rexec"),
    tcp(513, "rlogin"),
    tcp(514, "rsh"),
    tcp(873, "rsync"),
    tcp(1433, "SQL Server"),
    both(1434, "SQL Server"),
    tcp(1521, "Oracle"),
    both(2049, "NFS"),
    tcp(2375, "Docker"),
    tcp(2376, "Docker"),
    tcp(2379, "etcd"),
    tcp(2483, "Oracle"),
    tcp(2484, "Oracle"),
    tcp(3306, "MySQL"),
    both(3389, "RDP"),
    tcp(5432, "PostgreSQL"),
    tcp(5601, "Kibana"),
    tcp(5900, "VNC"),
    tcp(5901, "VNC"),
    tcp(5984, "CouchDB"),
    tcp(5985, "WinRM"),
    tcp(5986, "WinRM"),
    tcp(6379, "Redis"),
    tcp(6443, "Kubernetes"),
    tcp(7000, "Cassandra"),
    tcp(7001, "Cassandra"),
    tcp(9042, "Cassandra"),
    tcp(9160, "Cassandra"),
    tcp(9200, "Elasticsearch"),
    tcp(9300, "Elasticsearch"),
    tcp(10250, "kubelet"),
    both(11211, "Memcached"),
    tcp(27017, "MongoDB"),
    tcp(27018, "MongoDB"),
    tcp(50070, "Hadoop"),
];

/// More public IPv4 addresses than this are everyone: a /8 is the most that one owner has.
const EVERYONE_V4: u64 = 1 << 24;

/// The same for IPv6: a /16, of which no owner has one.
const EVERYONE_V6: u128 = 1 << 112;

fn is_everyone(set: &AddrSet) -> bool {
    set.v4.count() > Count::from(EVERYONE_V4) || set.v6.count() > Count::from(EVERYONE_V6)
}

/// What is found of ports that the Internet reaches.
pub(super) fn open_ports(looked: &Looked<'_>, sides: &Sides<'_>, found: &mut Vec<Finding>) {
    let lines = looked.lines;
    let public = Arc::new(sides.symbols.get(Symbol::Internet));
    // Most groups let nobody in, which is seen without comparing anything.
    let wide = |line: &Line| {
        line.rule.access.is_allow() && line.origin.is_some() && !line.rule.src.is_disjoint(&public)
    };
    if !lines.lines.iter().any(wide) {
        return;
    }
    let asked = [(Protocol::Tcp, false), (Protocol::Udp, true)].map(|(protocol, udp)| {
        let ports = RISKY.iter().filter(|risky| !udp || risky.udp).map(|risky| Prefix::host(risky.port));
        Rule {
            name: String::new(),
            priority: 0,
            access: Access::Allow,
            protocol,
            src: public.clone(),
            dst: sides.all(),
            sport: Ports::all(),
            dport: Ports::new(ports.collect::<IntervalSet<u16>>()),
        }
    });
    let let_in = let_in(lines, &asked, None);
    let open: Vec<(&Risky, AddrSet)> = RISKY
        .iter()
        .filter_map(|risky| {
            let reaching = |region: &&Region| holds(region, risky);
            let set = AddrSet::union_of(let_in.iter().filter(reaching).map(|region| &region.sources));
            is_everyone(&set).then_some((risky, set))
        })
        .collect();
    if open.is_empty() {
        return;
    }
    report(looked, &asked, &open, found);
}

/// The findings for ports that are open: one for each rule that alone lets everyone in, and one for what several do
/// together.
fn report(looked: &Looked<'_>, asked: &[Rule], open: &[(&Risky, AddrSet)], found: &mut Vec<Finding>) {
    let Looked { resource, place, lines, .. } = *looked;
    let mut told: Vec<u16> = Vec::new();
    let mut taking_part: Vec<(&Line, Vec<Region>)> = Vec::new();
    for (at, line) in lines.lines.iter().enumerate() {
        if !line.rule.access.is_allow() || line.origin.is_none() {
            continue;
        }
        let own = let_in(lines, asked, Some(at));
        let of_port = |risky: &Risky| {
            AddrSet::union_of(own.iter().filter(|region| holds(region, risky)).map(|region| &region.sources))
        };
        let alone: Vec<&Risky> =
            open.iter().map(|(risky, _)| *risky).filter(|risky| is_everyone(&of_port(risky))).collect();
        if let Some(first) = alone.first() {
            told.extend(alone.iter().map(|risky| risky.port));
            let reach = of_port(first);
            let packet = own.iter().find(|region| holds(region, first)).map(|region| region.packet);
            let message = Message::Open { ports: ports(alone), reach: reach_of(&reach), rules: None };
            let finding = Finding::new("TW010", resource, Some(line.name()), &line.place, message);
            found.push(finding.packet(packet).fix(FIX));
        } else if !own.is_empty() {
            taking_part.push((line, own));
        }
    }
    let together: Vec<&(&Risky, AddrSet)> =
        open.iter().filter(|(risky, _)| !told.contains(&risky.port)).collect();
    let Some((first, reach)) = together.first() else { return };
    let own = |(_, regions): &&(&Line, Vec<Region>)| regions.iter().any(|region| holds(region, first));
    let rules: Vec<String> = taking_part.iter().filter(own).map(|(line, _)| line.rule.name.clone()).collect();
    let region = taking_part.iter().flat_map(|(_, regions)| regions).find(|region| holds(region, first));
    let ports = ports(together.iter().map(|(risky, _)| *risky));
    let message = Message::Open { ports, reach: reach_of(reach), rules: Some(rules.len()) };
    let finding = Finding::new("TW010", resource, rules.first().map(String::as_str), place, message);
    found.push(finding.packet(region.map(|region| region.packet)).blockers(rules).fix(FIX));
}

const FIX: &str =
    "limit the source to the addresses that need it, or use Azure Bastion or just-in-time access";

fn holds(region: &Region, risky: &Risky) -> bool {
    region.services.iter().any(|service| {
        let asked = match service.protocol {
            PacketProtocol::Tcp => true,
            PacketProtocol::Udp => risky.udp,
            _ => false,
        };
        asked && service.dport.set().contains(risky.port)
    })
}

/// What of the packets asked for gets in; with `only`, what the rule at that place lets in.
///
/// Names that are not known are read against the finding in rules that deny, unless the rule that allows names the same,
/// and for it in rules that allow.
fn let_in(lines: &Lines, asked: &[Rule], only: Option<usize>) -> Vec<Region> {
    let mut found = Vec::new();
    for asked in asked {
        let last = only.unwrap_or(lines.lines.len() - 1);
        let mut rules = Vec::new();
        for (at, line) in lines.lines[..=last].iter().enumerate() {
            let allows = line.rule.access.is_allow();
            let taken = if allows && only.is_none_or(|only| only == at) {
                Some(line.rule.clone())
            } else {
                sure_of(lines, at, only)
            };
            let Some(rule) = taken.and_then(|rule| clip(&rule, asked)) else { continue };
            let access =
                if allows && only.is_none_or(|only| only == at) { Access::Allow } else { Access::Deny };
            rules.push(Rule { access, ..rule });
        }
        if rules.iter().any(|rule| rule.access.is_allow()) {
            found.extend(differences(&in_order(rules, Access::Deny), &in_order([], Access::Deny)));
        }
    }
    found
}

/// What the rule at a place surely takes: of the packets of the rule that is looked at, or of any.
fn sure_of(lines: &Lines, at: usize, only: Option<usize>) -> Option<Rule> {
    let line = &lines.lines[at];
    if let Some(only) = only {
        return line.surely(&lines.lines[only]);
    }
    // Of all rules together, one that names the same as what it stops may be taken for whole: such a pair decides alike
    // for whatever the name stands for.
    let same = |other: &Line| {
        other.rule.access.is_allow()
            && other.source.atoms == line.source.atoms
            && other.destination.atoms == line.destination.atoms
    };
    let followed = lines.lines[at + 1..].iter().filter(|other| !other.is_known());
    let whole = line.is_known() || (followed.clone().count() > 0 && followed.clone().all(same));
    if whole {
        return Some(line.rule.clone());
    }
    let rule = Rule { src: line.source.set.clone(), dst: line.destination.set.clone(), ..line.rule.clone() };
    let known = |side: &super::sides::RuleSide, set: &Arc<AddrSet>| side.is_known() || !set.is_empty();
    (known(&line.source, &rule.src) && known(&line.destination, &rule.dst)).then_some(rule)
}

/// Ports and their names, those first that everybody tries first.
fn ports<'r>(risky: impl IntoIterator<Item = &'r Risky>) -> Vec<(u16, &'static str)> {
    let mut ports: Vec<_> = risky.into_iter().map(|risky| (risky.port, risky.name)).collect();
    ports.sort_by_key(|&(port, _)| (![22, 3389].contains(&port), port));
    ports
}

fn reach_of(set: &AddrSet) -> Reach {
    let v4 = set.v4.count();
    if v4.is_zero() {
        return Reach::V6(set.v6.count());
    }
    // Public space has some 3.7 thousand million addresses.
    if v4.to_f64() > 3.0e9 { Reach::Internet } else { Reach::V4(v4) }
}

/// What is found where everything gets out.
pub(super) fn open_outbound(looked: &Looked<'_>, sides: &Sides<'_>, risks: bool, found: &mut Vec<Finding>) {
    let Looked { resource, place, lines, .. } = *looked;
    let public = sides.symbols.get(Symbol::Internet);
    let v4 = Arc::new(AddrSet { v4: public.v4, ..AddrSet::empty() });
    let all = |protocol| Rule {
        name: String::new(),
        priority: 0,
        access: Access::Allow,
        protocol,
        src: sides.all(),
        dst: v4.clone(),
        sport: Ports::all(),
        dport: Ports::all(),
    };
    let asked = all(Protocol::Any);
    // TCP and UDP decide: that ICMP is shut does not keep anything in.
    for protocol in [Protocol::Tcp, Protocol::Udp] {
        let asked = all(protocol);
        let own = lines.lines.iter().filter_map(|line| clip(&line.rule, &asked));
        let list = in_order(own, Access::Deny);
        let everything = in_order([asked], Access::Deny);
        if !first_difference(&everything, &list).is_empty() {
            return;
        }
    }
    let by =
        |line: &&Line| line.rule.access.is_allow() && clip(&line.rule, &asked).is_some_and(|c| c.dst == v4);
    let Some(line) = lines.lines.iter().find(by) else { return };
    if line.origin.is_none() && !risks {
        return;
    }
    let place = if line.origin.is_some() { &line.place } else { place };
    let finding = Finding::new("TW011", resource, Some(line.name()), place, Message::AllOut);
    let fix = "allow what is needed by tag or address, and deny the rest";
    found.push(finding.fix(fix).rated(if line.origin.is_some() {
        Severity::Warning
    } else {
        Severity::Info
    }));
}
