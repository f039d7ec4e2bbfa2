//! The network of a policy file: address spaces, the firewall, subnets and what they are.

use std::net::IpAddr;

use super::intent::{Intent, OneOrMany, Subnet as SubnetIntent};
use super::network::{Announced, Network, Role, Subnet};
use super::place::Path;
use super::problem::{HopProblem, NetworkProblem, PrefixError};
use super::problems::Problems;
use crate::addr::{AddrSet, Entry, IpPrefix};
use crate::limits::LimitKey;

/// How many addresses of each prefix Azure keeps for itself: the first four and the last.
/// Source: virtual-networks-faq.md, 2025-01.
const KEPT: u64 = 5;

/// Reads a list of prefixes of networks, strictly: an address without a length is none.
pub(super) fn prefixes(texts: &[String], place: &Path, problems: &mut Problems) -> AddrSet {
    listed(texts, place, problems).into_iter().collect()
}

fn listed(texts: &[String], place: &Path, problems: &mut Problems) -> Vec<IpPrefix> {
    let mut list: Vec<IpPrefix> = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        match prefix(text) {
            Ok(prefix) => list.push(prefix),
            Err(error) => problems.at(place.at(index), NetworkProblem::Prefix { text: text.clone(), error }),
        }
    }
    list
}

fn prefix(text: &str) -> Result<IpPrefix, PrefixError> {
    Entry::parse(text, false)?;
    if let Ok(address) = text.trim().parse::<IpAddr>() {
        let host = if address.is_ipv4() { 32 } else { 128 };
        return Err(PrefixError::NoLength { address, host });
    }
    text.parse::<IpPrefix>().map_err(|_| PrefixError::Range)
}

/// The network as the policy describes it.
pub(super) fn network(intent: &Intent, problems: &mut Problems) -> Network {
    let place = Path::top().at("network");
    let given = &intent.network;
    let space = prefixes(&given.address_space, &place.at("address-space"), problems);
    if given.address_space.is_empty() {
        problems.at(place.at("address-space"), "the address space needs at least one prefix");
    }
    let peers = beside(&space, (&given.peers, "peers"), &place, problems);
    let on_premises = announced(&space, &given.on_premises, &place.at("on-premises"), problems);
    let mut network = Network { space, peers, on_premises, ..Network::default() };
    network.firewall = firewall(&given.firewall, &place.at("firewall"), problems);
    for (index, text) in given.dns.as_slice().iter().enumerate() {
        match text.parse::<IpAddr>() {
            Ok(address) => network.dns.push(address),
            Err(_) => problems.at(place.at("dns").at(index), NetworkProblem::Address(text.clone())),
        }
    }
    for (name, subnet) in &intent.subnets {
        let place = Path::top().at("subnets").at(name.as_str());
        add_subnet(&mut network, (name, subnet), &place, problems);
    }
    check_firewall(&network, &place.at("firewall"), problems);
    network
}

/// What a gateway announces. It may hold the own network as a part of more; inside it Azure heeds no announcement.
fn announced(space: &AddrSet, texts: &[String], place: &Path, problems: &mut Problems) -> Announced {
    let list = listed(texts, place, problems);
    for prefix in list.iter().filter(|prefix| AddrSet::from(**prefix).is_subset(space)) {
        problems.at(place.clone(), NetworkProblem::Announced(*prefix));
    }
    list.into_iter().collect()
}

/// Networks beside the own one: where two share addresses, Azure peers or routes them to nowhere.
fn beside(
    space: &AddrSet,
    (texts, key): (&[String], &'static str),
    place: &Path,
    problems: &mut Problems,
) -> AddrSet {
    let set = prefixes(texts, &place.at(key), problems);
    if let Some(prefix) = set.intersection(space).prefixes().next() {
        problems.at(place.at(key), NetworkProblem::Beside { prefix, key });
    }
    set
}

fn firewall(texts: &OneOrMany, place: &Path, problems: &mut Problems) -> Vec<IpAddr> {
    let mut found: Vec<IpAddr> = Vec::new();
    for (index, text) in texts.as_slice().iter().enumerate() {
        let place = place.at(index);
        match text.parse::<IpAddr>() {
            Ok(IpAddr::V6(addr)) if let Some(address) = addr.to_ipv4_mapped() => {
                problems.at(place, NetworkProblem::Mapped { text: text.clone(), address });
            }
            Ok(addr) if found.iter().any(|a| a.is_ipv4() == addr.is_ipv4()) => {
                problems.at(place, NetworkProblem::SecondAddress(text.clone()));
            }
            Ok(addr) => found.push(addr),
            Err(_) => problems.at(place, NetworkProblem::Address(text.clone())),
        }
    }
    found.sort();
    found
}

/// The firewall must be a place that a route can lead to.
fn check_firewall(network: &Network, place: &Path, problems: &mut Problems) {
    for (index, &address) in network.firewall.iter().enumerate() {
        if let Some(error) = wrong_hop(network, address) {
            problems.at(place.at(index), NetworkProblem::Hop { address, error });
        }
    }
}

/// Why a route cannot lead to an appliance at `address`; `None` if it can.
pub(super) fn wrong_hop(network: &Network, address: IpAddr) -> Option<HopProblem> {
    let host = AddrSet::from(IpPrefix::host(address));
    let near = host.is_subset(&network.virtual_network());
    let private: AddrSet = PRIVATE.iter().filter_map(|text| text.parse::<IpPrefix>().ok()).collect();
    if !near && !host.is_subset(&private) {
        return Some(HopProblem::Public);
    }
    let (name, prefix) = network.subnets.iter().find_map(|(name, subnet)| {
        let prefix = subnet.prefixes.prefixes().find(|&p| host.is_subset(&p.into()))?;
        Some((name, prefix))
    })?;
    let taken = kept_addresses(prefix);
    (prefix.len() < 31 && host.is_subset(&taken)).then(|| HopProblem::Kept { prefix, subnet: name.clone() })
}

/// Where addresses of networks lie that are not public ones. Unique local addresses are IPv6's.
const PRIVATE: [&str; 5] = ["10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"];

/// The addresses of a subnet's prefix that Azure keeps: the first four and, of IPv4, the last.
fn kept_addresses(prefix: IpPrefix) -> AddrSet {
    match prefix {
        IpPrefix::V4(p) => {
            let (first, last) = (p.first(), p.last());
            let hosts = (0..4).filter_map(|i| first.checked_add(i)).chain([last]).filter(|a| *a <= last);
            hosts.map(|a| IpPrefix::host(IpAddr::V4(a.into()))).collect()
        }
        IpPrefix::V6(p) => {
            let first = p.first();
            let hosts = (0..4).filter_map(|i| first.checked_add(i)).filter(|a| *a <= p.last());
            hosts.map(|a| IpPrefix::host(IpAddr::V6(a.into()))).collect()
        }
    }
}

fn add_subnet(
    network: &mut Network,
    (name, given): (&String, &SubnetIntent),
    place: &Path,
    problems: &mut Problems,
) {
    check_name(name, place, problems);
    let role = role(name, given, place, problems);
    let before = problems.len();
    let set = prefixes(&given.prefixes, &place.at("prefixes"), problems);
    if problems.len() == before {
        check_prefixes(network, name, (given, &set), &place.at("prefixes"), problems);
    }
    if let Some(nodes) = given.nodes {
        check_nodes(&set, nodes, &place.at("nodes"), problems);
    }
    let (outbound, private, nodes) = (given.outbound, given.private, given.nodes);
    let subnet = Subnet { prefixes: set, role, outbound, private, nodes, endpoints: Vec::new() };
    network.subnets.insert(name.clone(), subnet);
}

/// Source: resource-name-rules.md, 2020-02-11: letters, digits, `_`, `.`, `-`; begins with a letter or digit, ends
/// with one or `_`. Names are compared ignoring case.
fn check_name(name: &str, place: &Path, problems: &mut Problems) {
    let most = LimitKey::NameCharacters.current();
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let begins = name.chars().next().is_some_and(|c| c.is_ascii_alphanumeric());
    let ends = name.chars().last().is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
    if !begins || !ends || name.len() > most || !name.chars().all(legal) {
        problems.at(place.clone(), NetworkProblem::SubnetName { name: name.to_owned(), most });
    }
}

/// What the name reserves, or what the policy says; the two may not contradict each other.
fn role(name: &str, given: &SubnetIntent, place: &Path, problems: &mut Problems) -> Role {
    let reserved = Role::reserved(name);
    let Some(text) = &given.role else { return reserved.unwrap_or_default() };
    let place = place.at("role");
    match Role::parse(text) {
        Ok(role) => {
            match &reserved {
                Some(own) if *own != role => {
                    let (name, role) = (name.to_owned(), own.clone());
                    problems.at(place, NetworkProblem::ReservedName { name, role });
                }
                None if role.is_reserved() => problems.at(place, NetworkProblem::RoleName(role.clone())),
                _ => {}
            }
            role
        }
        Err(nearest) => {
            problems.at(place, NetworkProblem::UnknownRole { text: text.clone(), nearest });
            reserved.unwrap_or_default()
        }
    }
}

fn check_prefixes(
    network: &Network,
    name: &str,
    (given, set): (&SubnetIntent, &AddrSet),
    place: &Path,
    problems: &mut Problems,
) {
    let outside = set.difference(&network.space);
    if given.prefixes.is_empty() {
        problems.at(place.clone(), NetworkProblem::NoPrefix(name.to_owned()));
    } else if let Some(prefix) = outside.prefixes().next().filter(|_| !network.space.is_empty()) {
        problems.at(place.clone(), NetworkProblem::Outside(prefix));
    }
    for (other, theirs) in &network.subnets {
        if let Some(prefix) = set.intersection(&theirs.prefixes).prefixes().next() {
            problems.at(place.clone(), NetworkProblem::Shared { prefix, other: other.clone() });
        }
    }
    if let Some(small) = set.prefixes().find(|p| if p.is_v4() { p.len() > 29 } else { p.len() > 64 }) {
        problems.at(place.clone(), NetworkProblem::Length(small));
    }
}

fn check_nodes(set: &AddrSet, nodes: u32, place: &Path, problems: &mut Problems) {
    let room: u64 = set
        .prefixes()
        .filter(|prefix| prefix.is_v4())
        .map(|prefix| (1_u64 << (32 - prefix.len().min(32))).saturating_sub(KEPT))
        .sum();
    if !set.v4.is_empty() && u64::from(nodes) > room {
        problems.at(place.clone(), NetworkProblem::Nodes { nodes, room, kept: KEPT });
    }
}
