//! Regions and packets as they are told: in JSON, and in words.

use std::collections::HashMap;
use std::fmt::{self, Display};
use std::net::IpAddr;

use serde::{Serialize, Serializer};

use crate::addr::{AddrSet, Count, IntervalSet, IpPrefix};
use crate::packet::{Direction, Ports};
use crate::replay::HostKey;
use crate::rules::{Packet, PacketProtocol, Region, ServiceBox};
use crate::tags::{Snapshot, Symbol, Symbols, TagName};
#[cfg(feature = "cli")]
use crate::text::joined;

/// Writes a value as the text that people read.
pub(crate) fn as_text<S: Serializer>(value: &impl Display, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(value)
}

/// The same for a list.
pub(crate) fn as_texts<T: Display, S: Serializer>(values: &[T], to: S) -> Result<S::Ok, S::Error> {
    struct Text<'t, T>(&'t T);
    impl<T: Display> Serialize for Text<'_, T> {
        fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            to.collect_str(self.0)
        }
    }
    to.collect_seq(values.iter().map(Text))
}

/// The same for what may not be there.
pub(crate) fn as_text_if<T: Display, S: Serializer>(value: &Option<T>, to: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => to.collect_str(value),
        None => to.serialize_none(),
    }
}

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
    #[serde(serialize_with = "as_texts")]
    pub sources: Vec<IpPrefix>,
    /// Destination prefixes.
    #[serde(serialize_with = "as_texts")]
    pub destinations: Vec<IpPrefix>,
    /// The tag whose addresses of this family the sources are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_tag: Option<TagName>,
    /// The tag whose addresses of this family the destinations are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_tag: Option<TagName>,
    /// Protocols.
    pub protocols: Vec<&'static str>,
    /// Source ports; all where the protocols have none.
    #[serde(serialize_with = "as_ranges")]
    pub source_ports: Ports,
    /// Destination ports; all where the protocols have none.
    #[serde(serialize_with = "as_ranges")]
    pub destination_ports: Ports,
    /// How many addresses the far side has.
    pub addresses: Count,
}

/// Names for sets of addresses.
pub(crate) struct Named<'a> {
    symbols: &'a Symbols,
    snapshot: Option<&'a Snapshot>,
    v4: HashMap<IntervalSet<u32>, TagName>,
    v6: HashMap<IntervalSet<u128>, TagName>,
    is_ready: bool,
}

impl<'a> Named<'a> {
    pub(crate) fn new(snapshot: Option<&'a Snapshot>, symbols: &'a Symbols) -> Self {
        Named { symbols, snapshot, v4: HashMap::new(), v6: HashMap::new(), is_ready: false }
    }

    /// Collects the sets of all tags; of tags with one set the shortest name is taken, and a symbol before all.
    fn prepare(&mut self) {
        self.is_ready = true;
        let mut add = |name: &TagName, set: &AddrSet| {
            let length = |name: &TagName| name.as_str().len();
            let shorter = |old: &mut TagName| {
                if (length(name), name) < (length(old), old) {
                    *old = name.clone();
                }
            };
            if !set.v4.is_empty() {
                self.v4.entry(set.v4.clone()).and_modify(shorter).or_insert_with(|| name.clone());
            }
            if !set.v6.is_empty() {
                self.v6.entry(set.v6.clone()).and_modify(shorter).or_insert_with(|| name.clone());
            }
        };
        for tag in self.snapshot.iter().flat_map(|snapshot| snapshot.tags()) {
            add(tag.name(), tag.set());
        }
        for symbol in [Symbol::Internet, Symbol::VirtualNetwork] {
            let (name, set) = (TagName::new(symbol.name()), self.symbols.get(symbol));
            if !set.v6.is_empty() {
                self.v6.insert(set.v6, name.clone());
            }
            self.v4.insert(set.v4, name);
        }
    }

    /// The tag whose addresses of one family a set of one family is exactly.
    pub(crate) fn of(&mut self, set: &AddrSet) -> Option<TagName> {
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
    let prefixes = |set: &AddrSet| set.prefixes().collect::<Vec<_>>();
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
            source_ports: service.sport.clone(),
            destination_ports: service.dport.clone(),
            addresses,
        };
        (said, example(region, service, far))
    };
    by_ports.into_iter().map(one).collect()
}

/// Ports as ranges, all of them as one.
fn as_ranges<S: Serializer>(ports: &Ports, to: S) -> Result<S::Ok, S::Error> {
    if ports.is_all() { to.collect_seq(["0-65535"]) } else { to.collect_seq(ports.ranges()) }
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

/// The command that shows in Azure what is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// What a group decides for a packet.
    ///
    /// Source: az network watcher, Azure CLI 2.80: `test-ip-flow` takes TCP and UDP, the diagnostic all.
    Group(Packet, Direction),
    /// Where packets to an address go, from a machine of this address, or from one that has to be named.
    Route(Option<IpAddr>, IpAddr),
    /// Whether a connection passes a firewall, to the host where there is one.
    Connection(Packet, Option<HostKey>),
}

impl Serialize for Test {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Test::Group(packet, direction) => group_test(packet, *direction, f),
            Test::Route(source, address) => {
                f.write_str("az network watcher show-next-hop --source-ip ")?;
                match source {
                    Some(source) => write!(f, "{source}")?,
                    None => f.write_str("\"$IP\"")?,
                }
                write!(f, " --dest-ip {address} --vm \"$VM\" --resource-group \"$RG\"")
            }
            Test::Connection(packet, host) => {
                f.write_str(
                    "az network watcher test-connectivity --source-resource \"$VM\" --resource-group \"$RG\" \
                     --dest-address ",
                )?;
                match host {
                    Some(host) => write!(f, "{host}")?,
                    None => write!(f, "{}", packet.dst())?,
                }
                match packet.dport() {
                    Some(port) => write!(f, " --dest-port {port} --protocol Tcp"),
                    None => f.write_str(" --protocol Icmp"),
                }
            }
        }
    }
}

fn group_test(packet: &Packet, direction: Direction, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let way = way(direction);
    let (src, dst) = (packet.src(), packet.dst());
    match (packet.sport(), packet.dport()) {
        (Some(sport), Some(dport)) => {
            let ((local, local_port), (remote, remote_port)) = match direction {
                Direction::Inbound => ((dst, dport), (src, sport)),
                Direction::Outbound => ((src, sport), (dst, dport)),
            };
            let protocol = packet.protocol().name().to_uppercase();
            write!(
                f,
                "az network watcher test-ip-flow --direction {way} --protocol {protocol} --local {local}:{local_port} \
                 --remote {remote}:{remote_port} --vm \"$VM\" --resource-group \"$RG\""
            )
        }
        _ => {
            let protocol = match packet.protocol() {
                PacketProtocol::Icmp => "ICMP",
                PacketProtocol::Esp => "ESP",
                PacketProtocol::Ah => "AH",
                _ => "Any",
            };
            write!(
                f,
                "az network watcher run-configuration-diagnostic --resource \"$NIC\" --direction {way} \
                 --protocol {protocol} --source {src} --destination {dst} --port 0"
            )
        }
    }
}

/// `Inbound` or `Outbound`, as Azure writes it.
pub(crate) fn way(direction: Direction) -> &'static str {
    match direction {
        Direction::Inbound => "Inbound",
        Direction::Outbound => "Outbound",
    }
}

/// Prefixes in a line: the tag, or the first few and how many more.
#[cfg(feature = "cli")]
pub(crate) fn side_in_words(prefixes: &[IpPrefix], tag: Option<&TagName>) -> impl Display {
    fmt::from_fn(move |f| match (tag, prefixes) {
        (Some(tag), _) => tag.fmt(f),
        (None, []) => f.write_str("nothing"),
        (None, [all]) if all.len() == 0 => {
            f.write_str(if all.is_v4() { "anywhere" } else { "anywhere (IPv6)" })
        }
        (None, few) if few.len() <= 4 => joined(few, ", ").fmt(f),
        (None, many) => write!(f, "{}, … ({} prefixes)", joined(&many[..3], ", "), many.len()),
    })
}

/// A region in a line.
#[cfg(feature = "cli")]
pub(crate) fn region_in_words(region: &RegionSaid) -> impl Display {
    fmt::from_fn(move |f| {
        if region.protocols.len() == PacketProtocol::ALL.len() {
            f.write_str("any protocol")?;
        } else {
            joined(&region.protocols, ", ").fmt(f)?;
        }
        let source = side_in_words(&region.sources, region.source_tag.as_ref());
        let destination = side_in_words(&region.destinations, region.destination_tag.as_ref());
        write!(f, " from {source}")?;
        ports_in_words(&region.source_ports, f)?;
        write!(f, " to {destination}")?;
        ports_in_words(&region.destination_ports, f)
    })
}

#[cfg(feature = "cli")]
fn ports_in_words(ports: &Ports, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match ports.ranges().as_slice() {
        _ if ports.is_all() => Ok(()),
        few if few.len() <= 8 => write!(f, " port {}", joined(few, ", ")),
        many => write!(f, " port {}, … ({} ranges)", joined(&many[..6], ", "), many.len()),
    }
}
