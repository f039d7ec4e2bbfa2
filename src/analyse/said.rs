//! Regions and packets as they are told: in JSON, and in words.

use std::collections::HashMap;
use std::net::IpAddr;

use serde::{Serialize, Serializer};

use crate::addr::{AddrSet, IntervalSet};
use crate::packet::{Direction, Ports};
use crate::rules::{Packet, PacketProtocol, Region, ServiceBox};
use crate::tags::{Snapshot, Symbol, Symbols};

/// Yes, no, or it hangs on something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It is so, whatever the unknown is.
    Yes,
    /// It is not so.
    No,
    /// It hangs on something that is named beside it.
    If,
}

impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Answer::Yes => to.serialize_bool(true),
            Answer::No => to.serialize_bool(false),
            Answer::If => to.serialize_str("if"),
        }
    }
}

/// A packet, as JSON has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PacketSaid {
    /// Source address.
    pub src: IpAddr,
    /// Destination address.
    pub dst: IpAddr,
    /// `tcp`, `udp`, `icmp`, `esp`, `ah` or `other`.
    pub protocol: &'static str,
    /// Source port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sport: Option<u16>,
    /// Destination port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dport: Option<u16>,
}

impl From<&Packet> for PacketSaid {
    fn from(packet: &Packet) -> Self {
        PacketSaid {
            src: packet.src(),
            dst: packet.dst(),
            protocol: packet.protocol().name(),
            sport: packet.sport(),
            dport: packet.dport(),
        }
    }
}

/// Packets from any source to any destination, as JSON has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RegionSaid {
    /// Source prefixes, as few as there can be.
    pub sources: Vec<String>,
    /// Destination prefixes.
    pub destinations: Vec<String>,
    /// The tag whose addresses of this family the sources are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_tag: Option<String>,
    /// The tag whose addresses of this family the destinations are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_tag: Option<String>,
    /// Protocols.
    pub protocols: Vec<&'static str>,
    /// Source ports; all where the protocols have none.
    pub source_ports: Vec<String>,
    /// Destination ports; all where the protocols have none.
    pub destination_ports: Vec<String>,
    /// How many addresses the far side has.
    pub addresses: String,
}

/// Names for sets of addresses.
pub(crate) struct Named<'a> {
    symbols: &'a Symbols,
    snapshot: Option<&'a Snapshot>,
    v4: HashMap<IntervalSet<u32>, String>,
    v6: HashMap<IntervalSet<u128>, String>,
    is_ready: bool,
}

impl<'a> Named<'a> {
    pub(crate) fn new(snapshot: Option<&'a Snapshot>, symbols: &'a Symbols) -> Self {
        Named { symbols, snapshot, v4: HashMap::new(), v6: HashMap::new(), is_ready: false }
    }

    /// Collects the sets of all tags; of tags with one set the shortest name is taken, and a symbol before all.
    fn prepare(&mut self) {
        self.is_ready = true;
        let mut add = |name: &str, set: &AddrSet| {
            let shorter = |old: &mut String| {
                if (name.len(), name) < (old.len(), old.as_str()) {
                    *old = name.to_owned();
                }
            };
            if !set.v4.is_empty() {
                self.v4.entry(set.v4.clone()).and_modify(shorter).or_insert_with(|| name.to_owned());
            }
            if !set.v6.is_empty() {
                self.v6.entry(set.v6.clone()).and_modify(shorter).or_insert_with(|| name.to_owned());
            }
        };
        for tag in self.snapshot.iter().flat_map(|snapshot| snapshot.tags()) {
            add(tag.name().as_str(), tag.set());
        }
        for symbol in [Symbol::Internet, Symbol::VirtualNetwork] {
            let set = self.symbols.get(symbol);
            self.v4.insert(set.v4, symbol.name().to_owned());
            if !set.v6.is_empty() {
                self.v6.insert(set.v6, symbol.name().to_owned());
            }
        }
    }

    /// The tag whose addresses of one family a set of one family is exactly.
    pub(crate) fn of(&mut self, set: &AddrSet) -> Option<String> {
        if set.v4.is_all() || set.v6.is_all() || set.is_empty() {
            return None;
        }
        if !self.is_ready {
            self.prepare();
        }
        match (set.v4.is_empty(), set.v6.is_empty()) {
            (false, true) => self.v4.get(&set.v4).cloned(),
            (true, false) => self.v6.get(&set.v6).cloned(),
            _ => None,
        }
    }
}

/// The packets of a region whose services have the same ports, with a packet among them.
pub(crate) fn said(region: &Region, far: Direction, named: &mut Named<'_>) -> Vec<(RegionSaid, Packet)> {
    let mut by_ports: Vec<(&ServiceBox, Vec<PacketProtocol>)> = Vec::new();
    for service in &region.services {
        let same =
            |(own, _): &&mut (&ServiceBox, Vec<_>)| own.sport == service.sport && own.dport == service.dport;
        match by_ports.iter_mut().find(same) {
            Some((_, protocols)) => protocols.push(service.protocol),
            None => by_ports.push((service, vec![service.protocol])),
        }
    }
    let prefixes = |set: &AddrSet| set.prefixes().map(|prefix| prefix.to_string()).collect::<Vec<_>>();
    let (sources, destinations) = (prefixes(&region.sources), prefixes(&region.destinations));
    let (source_tag, destination_tag) = (named.of(&region.sources), named.of(&region.destinations));
    let addresses = match far {
        Direction::Inbound => region.sources.count(),
        Direction::Outbound => region.destinations.count(),
    };
    let one = |(service, protocols): (&ServiceBox, Vec<PacketProtocol>)| {
        let said = RegionSaid {
            sources: sources.clone(),
            destinations: destinations.clone(),
            source_tag: source_tag.clone(),
            destination_tag: destination_tag.clone(),
            protocols: protocols.iter().map(|protocol| protocol.name()).collect(),
            source_ports: port_texts(&service.sport),
            destination_ports: port_texts(&service.dport),
            addresses: addresses.to_string(),
        };
        (said, example(region, service, far))
    };
    by_ports.into_iter().map(one).collect()
}

/// Ports as texts, all of them as one range.
pub(crate) fn port_texts(ports: &Ports) -> Vec<String> {
    if ports.is_all() { vec!["0-65535".to_owned()] } else { ports.ranges() }
}

/// Addresses that people take for a machine of theirs, and for one elsewhere.
const NEAR: [&str; 4] = ["10.0.0.4", "10.20.1.4", "172.16.0.4", "192.168.0.4"];
const FAR: [&str; 3] = ["20.60.1.1", "52.239.184.180", "2603:1020::4"];

/// A packet of a region that could be one: a machine's address, not that of the network, and ports as clients have them.
fn example(region: &Region, service: &ServiceBox, far: Direction) -> Packet {
    let (near, far_set) = match far {
        Direction::Inbound => (&region.destinations, &region.sources),
        Direction::Outbound => (&region.sources, &region.destinations),
    };
    let (near, far_address) = (address(near, &NEAR), address(far_set, &FAR));
    let (src, dst) = match far {
        Direction::Inbound => (far_address, near),
        Direction::Outbound => (near, far_address),
    };
    let port = |ports: &Ports, usual: &[u16]| {
        let found = usual.iter().copied().find(|&port| ports.set().contains(port));
        let above =
            || ports.set().intervals().iter().map(|i| i.first().max(1)).find(|&p| ports.set().contains(p));
        found.or_else(above).or_else(|| ports.set().first()).unwrap_or_default()
    };
    let ports =
        service.protocol.has_ports().then(|| (port(&service.sport, &[50_000]), port(&service.dport, &[443])));
    Packet::new(src, dst, service.protocol, ports).unwrap_or(region.packet)
}

/// An address of a set: one of `usual`, else the first that a machine can have in its first prefix.
fn address(set: &AddrSet, usual: &[&str]) -> IpAddr {
    let usual = usual.iter().filter_map(|text| text.parse::<IpAddr>().ok());
    let inside = |address: &IpAddr| set.contains(*address);
    let first = set.v4.intervals().first().map(|interval| {
        let host = interval.first().saturating_add(4).min(interval.last());
        IpAddr::V4(host.into())
    });
    let first = first.or_else(|| {
        let interval = set.v6.intervals().first()?;
        Some(IpAddr::V6(interval.first().saturating_add(4).min(interval.last()).into()))
    });
    let mut usual = usual.filter(inside);
    usual.next().or(first).unwrap_or(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED))
}

/// The command that asks Azure what a group decides for a packet.
///
/// Source: az network watcher, Azure CLI 2.80: `test-ip-flow` takes TCP and UDP, the diagnostic all.
pub(crate) fn group_test(packet: &Packet, direction: Direction) -> String {
    let way = match direction {
        Direction::Inbound => "Inbound",
        Direction::Outbound => "Outbound",
    };
    let (src, dst) = (packet.src(), packet.dst());
    match (packet.sport(), packet.dport()) {
        (Some(sport), Some(dport)) => {
            let ends = [format!("{src}:{sport}"), format!("{dst}:{dport}")];
            let [local, remote] = match direction {
                Direction::Inbound => [&ends[1], &ends[0]],
                Direction::Outbound => [&ends[0], &ends[1]],
            };
            let protocol = packet.protocol().name().to_uppercase();
            format!(
                "az network watcher test-ip-flow --direction {way} --protocol {protocol} --local {local} \
                 --remote {remote} --vm \"$VM\" --resource-group \"$RG\""
            )
        }
        _ => {
            let protocol = match packet.protocol() {
                PacketProtocol::Icmp => "ICMP",
                PacketProtocol::Esp => "ESP",
                PacketProtocol::Ah => "AH",
                _ => "Any",
            };
            format!(
                "az network watcher run-configuration-diagnostic --resource \"$NIC\" --direction {way} \
                 --protocol {protocol} --source {src} --destination {dst} --port 0"
            )
        }
    }
}

/// The command that asks Azure where a packet goes.
pub(crate) fn route_test(source: &str, address: IpAddr) -> String {
    format!(
        "az network watcher show-next-hop --source-ip {source} --dest-ip {address} --vm \"$VM\" --resource-group \"$RG\""
    )
}

/// The command that tries a connection through a firewall.
pub(crate) fn firewall_test(packet: &Packet, host: Option<&str>) -> String {
    let to = host.map_or_else(|| packet.dst().to_string(), str::to_owned);
    let port = packet.dport().map_or_else(String::new, |port| format!(" --dest-port {port} --protocol Tcp"));
    let port = if packet.dport().is_none() { " --protocol Icmp".to_owned() } else { port };
    format!(
        "az network watcher test-connectivity --source-resource \"$VM\" --resource-group \"$RG\" --dest-address {to}{port}"
    )
}

/// Prefixes in a line: the tag, or the first few and how many more.
#[cfg(feature = "cli")]
pub(crate) fn side_in_words(prefixes: &[String], tag: Option<&str>) -> String {
    if let Some(tag) = tag {
        return tag.to_owned();
    }
    match prefixes {
        [] => "nothing".to_owned(),
        [all] if all == "0.0.0.0/0" => "anywhere".to_owned(),
        [all] if all == "::/0" => "anywhere (IPv6)".to_owned(),
        few if few.len() <= 4 => few.join(", "),
        many => format!("{}, … ({} prefixes)", many[..3].join(", "), many.len()),
    }
}

/// A region in a line.
#[cfg(feature = "cli")]
pub(crate) fn region_in_words(region: &RegionSaid) -> String {
    let protocols = if region.protocols.len() == PacketProtocol::ALL.len() {
        "any protocol".to_owned()
    } else {
        region.protocols.join(", ")
    };
    let ports = |name: &str, ports: &[String]| match ports {
        [all] if all == "0-65535" => String::new(),
        few if few.len() <= 8 => format!(" {name} {}", few.join(", ")),
        many => format!(" {name} {}, … ({} ranges)", many[..6].join(", "), many.len()),
    };
    format!(
        "{protocols} from {}{} to {}{}",
        side_in_words(&region.sources, region.source_tag.as_deref()),
        ports("port", &region.source_ports),
        side_in_words(&region.destinations, region.destination_tag.as_deref()),
        ports("port", &region.destination_ports)
    )
}
