//! The network of a policy file: address spaces, the firewall, subnets and what they are.

use std::net::IpAddr;

use super::intent::{Intent, OneOrMany, Subnet as SubnetIntent};
use super::network::{Announced, Network, Role, Subnet};
use super::place::Path;
use super::problems::Problems;
use crate::addr::{AddrSet, Entry, EntryError, IpPrefix, Prefix};
use crate::limits::LimitKey;
use crate::text::did_you_mean;

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
            Err(error) => problems.at(place.at(index), format!("{text}: {error}")),
        }
    }
    list
}

/// Why a text is no prefix of a network.
#[derive(Debug, thiserror::Error)]
enum PrefixError {
    #[error(transparent)]
    Form(#[from] EntryError),
    #[error(
        "an address without a length; write the network's prefix, or {address}/{host} if one address is meant"
    )]
    NoLength { address: IpAddr, host: u8 },
    #[error("a prefix is expected here, not a range")]
    Range,
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
            Err(_) => problems.at(place.at("dns").at(index), format!("{text}: not an IP address")),
        }
    }
    for (name, subnet) in &intent.subnets {
        let place = Path::top().at("subnets").at(name.as_str());
        add_subnet(&mut network, name, subnet, &place, problems);
    }
    check_firewall(&network, &place.at("firewall"), problems);
    network
}

/// What a gateway announces. It may hold the own network as a part of more; inside it Azure heeds no announcement.
fn announced(space: &AddrSet, texts: &[String], place: &Path, problems: &mut Problems) -> Announced {
    let list = listed(texts, place, problems);
    for prefix in list.iter().filter(|prefix| AddrSet::from(**prefix).is_subset(space)) {
        problems.at(
            place.clone(),
            format!("{prefix} is in network.address-space, whose routes come first: what a gateway announces there has no effect; leave it out"),
        );
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
    if let Some(both) = set.intersection(space).prefixes().next() {
        problems.at(
            place.at(key),
            format!("{both} is in network.address-space; `{key}` are the networks beside it"),
        );
    }
    set
}

fn firewall(texts: &OneOrMany, place: &Path, problems: &mut Problems) -> Vec<IpAddr> {
    let mut found: Vec<IpAddr> = Vec::new();
    for (index, text) in texts.as_slice().iter().enumerate() {
        let place = place.at(index);
        match text.parse::<IpAddr>() {
            Ok(IpAddr::V6(addr)) if let Some(v4) = addr.to_ipv4_mapped() => {
                let message = format!("{text}: IPv4-mapped IPv6 address; if {v4} is meant, write that");
                problems.at(place, message);
            }
            Ok(addr) if found.iter().any(|a| a.is_ipv4() == addr.is_ipv4()) => {
                problems.at(place, format!("{text}: a second address of the same family"));
            }
            Ok(addr) => found.push(addr),
            Err(_) => problems.at(place, format!("{text}: not an IP address")),
        }
    }
    found.sort();
    found
}

/// The firewall must be a place that a route can lead to.
fn check_firewall(network: &Network, place: &Path, problems: &mut Problems) {
    for (index, &address) in network.firewall.iter().enumerate() {
        if let Some(error) = wrong_hop(network, address) {
            problems.at(place.at(index), format!("{address}: {error}"));
        }
    }
}

/// Why a route cannot lead to an appliance at `address`; `None` if it can.
pub(super) fn wrong_hop(network: &Network, address: IpAddr) -> Option<String> {
    let host = AddrSet::from(host(address));
    let near = host.is_subset(&network.virtual_network());
    let private: AddrSet = PRIVATE.iter().filter_map(|text| text.parse::<IpPrefix>().ok()).collect();
    if !near && !host.is_subset(&private) {
        return Some(
            "a route leads to a private address in the network or in one that is peered with it, never to a public one"
                .to_owned(),
        );
    }
    let (name, prefix) = network.subnets.iter().find_map(|(name, subnet)| {
        let prefix = subnet.prefixes.prefixes().find(|&p| host.is_subset(&p.into()))?;
        Some((name, prefix))
    })?;
    let taken = kept_addresses(prefix);
    (prefix.len() < 31 && host.is_subset(&taken))
        .then(|| format!("Azure keeps this address of {prefix} (subnet {name}) for itself"))
}

fn host(address: IpAddr) -> IpPrefix {
    match address {
        IpAddr::V4(address) => IpPrefix::V4(Prefix::host(address.into())),
        IpAddr::V6(address) => IpPrefix::V6(Prefix::host(address.into())),
    }
}

/// Where addresses of networks lie that are not public ones. Unique local addresses are IPv6's.
const PRIVATE: [&str; 5] = ["10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"];

/// The addresses of a subnet's prefix that Azure keeps: the first four and, of IPv4, the last.
fn kept_addresses(prefix: IpPrefix) -> AddrSet {
    match prefix {
        IpPrefix::V4(p) => {
            let (first, last) = (p.first(), p.last());
            let hosts = (0..4).filter_map(|i| first.checked_add(i)).chain([last]).filter(|a| *a <= last);
            hosts.map(|a| host(IpAddr::V4(a.into()))).collect()
        }
        IpPrefix::V6(p) => {
            let first = p.first();
            let hosts = (0..4).filter_map(|i| first.checked_add(i)).filter(|a| *a <= p.last());
            hosts.map(|a| host(IpAddr::V6(a.into()))).collect()
        }
    }
}

fn add_subnet(
    network: &mut Network,
    name: &str,
    given: &SubnetIntent,
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
    network.subnets.insert(name.to_owned(), subnet);
}

/// Source: resource-name-rules.md, 2020-02-11: letters, digits, `_`, `.`, `-`; begins with a letter or digit, ends
/// with one or `_`. Names are compared ignoring case.
fn check_name(name: &str, place: &Path, problems: &mut Problems) {
    let most = LimitKey::NameCharacters.current();
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let begins = name.chars().next().is_some_and(|c| c.is_ascii_alphanumeric());
    let ends = name.chars().last().is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
    if !begins || !ends || name.len() > most || !name.chars().all(legal) {
        let message = format!(
            "`{name}` is no name that Azure takes for a subnet: 1 to {most} letters, digits, `-`, `_` or `.`, the first a letter or digit, the last one too or `_`"
        );
        problems.at(place.clone(), message);
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
                    problems.at(place, format!("Azure reserves the name {name} for the role {own}"));
                }
                None if role.is_reserved() => {
                    problems.at(place, format!("a subnet of the role {role} has to be called {role}"));
                }
                _ => {}
            }
            role
        }
        Err(near) => {
            let hint = if near.is_empty() {
                "; roles are ordinary, application-gateway, delegated:SERVICE and Azure's reserved names"
                    .to_owned()
            } else {
                did_you_mean(&near)
            };
            problems.at(place, format!("unknown role `{text}`{hint}"));
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
        problems.at(place.clone(), format!("subnet {name} needs at least one prefix"));
    } else if let Some(prefix) = outside.prefixes().next().filter(|_| !network.space.is_empty()) {
        problems.at(place.clone(), format!("{prefix} is outside network.address-space"));
    }
    for (other, theirs) in &network.subnets {
        if let Some(prefix) = set.intersection(&theirs.prefixes).prefixes().next() {
            problems.at(place.clone(), format!("{prefix} is also in subnet {other}"));
        }
    }
    if let Some(small) = set.prefixes().find(|p| if p.is_v4() { p.len() > 29 } else { p.len() > 64 }) {
        let message = format!(
            "{small} is no prefix of a subnet: Azure takes IPv4 subnets from /29 on and IPv6 subnets of /64"
        );
        problems.at(place.clone(), message);
    }
}

fn check_nodes(set: &AddrSet, nodes: u32, place: &Path, problems: &mut Problems) {
    let room: u64 = set
        .prefixes()
        .filter(|prefix| prefix.is_v4())
        .map(|prefix| (1_u64 << (32 - prefix.len().min(32))).saturating_sub(KEPT))
        .sum();
    if !set.v4.is_empty() && u64::from(nodes) > room {
        let message = format!(
            "{nodes} nodes do not fit: the subnet has room for {room}, since Azure keeps {KEPT} addresses of each prefix"
        );
        problems.at(place.clone(), message);
    }
}
