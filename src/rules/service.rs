//! [`Services`]: protocol and ports, as one dimension.

use std::sync::LazyLock;

use super::bits::{BitRows, is_zero};
use super::classes::{Classes, sets_of_classes};
use super::hash::FastMap;
use super::list::Rule;
use super::packet::{Packet, PacketProtocol};
use crate::addr::IntervalSet;
use crate::packet::{Ports, Protocol};

/// The services that rules ask for, and the classes they cut protocols and ports into.
///
/// Two combinations of protocol, source port and destination port are of one class exactly if the same services
/// hold them; so a class may span protocols.
pub(super) struct Services {
    /// For each rule, the number of its service.
    pub(super) of_rule: Vec<u32>,
    /// For each class, one of its members.
    pub(super) example: Vec<Example>,
    /// For each class, the number of combinations in it; a protocol without ports counts one. At most 2^33 + 4.
    pub(super) size: Vec<u64>,
    /// For each class, the services that hold it.
    pub(super) members: BitRows,
    /// For each service, its classes.
    pub(super) classes_of: BitRows,
}

/// A protocol with the ports it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Example {
    pub(super) protocol: PacketProtocol,
    /// Source and destination port.
    pub(super) ports: Option<(u16, u16)>,
}

/// Packets of one protocol from any of the source ports to any of the destination ports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceBox {
    /// The protocol.
    pub protocol: PacketProtocol,
    /// Source ports; all where the protocol has none.
    pub sport: Ports,
    /// Destination ports; all where the protocol has none.
    pub dport: Ports,
}

/// Whether any of `boxes` holds the protocol and ports of `packet`.
pub(super) fn contain(boxes: &[ServiceBox], packet: &Packet) -> bool {
    let port = |ports: &Ports, port: Option<u16>| port.is_none_or(|port| ports.set().contains(port));
    boxes.iter().any(|service| {
        service.protocol == packet.protocol()
            && port(&service.sport, packet.sport())
            && port(&service.dport, packet.dport())
    })
}

type Service<'a> = (Protocol, &'a Ports, &'a Ports);

impl Services {
    /// The services of `rules`, in order of appearance. The port dimensions multiply: `O(s * d)` classes at
    /// worst for `s` source and `d` destination port classes.
    pub(super) fn of(rules: &[&Rule]) -> Self {
        let (of_rule, services) = distinct(rules);
        let mut builder = Builder::new(services.len());
        for protocol in PacketProtocol::ALL {
            if protocol.has_ports() {
                builder.add_with_ports(protocol, &services);
            } else {
                builder.add_portless(protocol, &services);
            }
        }
        let Builder { example, size, members, .. } = builder;
        let classes_of = members.transposed(services.len());
        Services { of_rule, example, size, members, classes_of }
    }

    /// How many classes there are.
    pub(super) fn len(&self) -> usize {
        self.size.len()
    }

    /// Whether any packet satisfies the service of rule `rule`.
    pub(super) fn is_live(&self, rule: usize) -> bool {
        !is_zero(self.classes_of.row(self.of_rule[rule] as usize))
    }

    /// For each class, what is in it. `rules` are those that the services are of.
    pub(super) fn boxes(&self, rules: &[&Rule]) -> Vec<Vec<ServiceBox>> {
        let (_, services) = distinct(rules);
        let numbers: FastMap<&[u64], usize> = (0..self.len()).map(|c| (self.members.row(c), c)).collect();
        let mut boxes = vec![Vec::new(); self.len()];
        for protocol in PacketProtocol::ALL {
            if protocol.has_ports() {
                let ports = PortClasses::of(protocol, &services);
                let sources = sets_of_classes(&ports.sources, &ports.source_sets);
                let targets = sets_of_classes(&ports.targets, &ports.target_sets);
                ports.each(|source, target, members| {
                    let (sport, dport) = (sources[source].clone(), targets[target].clone());
                    let (sport, dport) = (Ports::new(sport), Ports::new(dport));
                    boxes[numbers[members]].push(ServiceBox { protocol, sport, dport });
                });
            } else {
                let row = portless(protocol, &services);
                let service = ServiceBox { protocol, sport: Ports::all(), dport: Ports::all() };
                boxes[numbers[row.row(0)]].push(service);
            }
        }
        boxes
    }

    /// For each class, which of `rules` (numbers of rules) ask for it.
    pub(super) fn rows_over(&self, rules: &[usize]) -> BitRows {
        let mut by_service = BitRows::zeros(self.classes_of.len(), rules.len());
        for (at, &rule) in rules.iter().enumerate() {
            by_service.set(self.of_rule[rule] as usize, at);
        }
        by_service.gathered(&self.members)
    }
}

fn distinct<'a>(rules: &[&'a Rule]) -> (Vec<u32>, Vec<Service<'a>>) {
    let mut numbers: FastMap<Service<'a>, u32> = FastMap::default();
    let mut services = Vec::new();
    let of_rule = rules.iter().map(|rule| {
        let service = (rule.protocol, &rule.sport, &rule.dport);
        *numbers.entry(service).or_insert_with(|| {
            services.push(service);
            services.len() as u32 - 1
        })
    });
    (of_rule.collect(), services)
}

struct Builder {
    example: Vec<Example>,
    size: Vec<u64>,
    members: BitRows,
    by_members: FastMap<Box<[u64]>, u32>,
}

impl Builder {
    fn new(services: usize) -> Self {
        let members = BitRows::with_bits(services);
        Builder { example: Vec::new(), size: Vec::new(), members, by_members: FastMap::default() }
    }

    fn add(&mut self, members: &[u64], size: u64, example: Example) {
        if let Some(&class) = self.by_members.get(members) {
            self.size[class as usize] += size;
            return;
        }
        self.by_members.insert(members.into(), self.size.len() as u32);
        self.members.push(members);
        self.size.push(size);
        self.example.push(example);
    }

    fn add_portless(&mut self, protocol: PacketProtocol, services: &[Service<'_>]) {
        self.add(portless(protocol, services).row(0), 1, Example { protocol, ports: None });
    }

    fn add_with_ports(&mut self, protocol: PacketProtocol, services: &[Service<'_>]) {
        let ports = PortClasses::of(protocol, services);
        ports.each(|source, target, members| {
            let example = (ports.sources.first[source], ports.targets.first[target]);
            let size = ports_in(&ports.sources, source) * ports_in(&ports.targets, target);
            self.add(members, size, Example { protocol, ports: Some(example) });
        });
    }
}

/// The services that take a protocol without ports, as one row.
fn portless(protocol: PacketProtocol, services: &[Service<'_>]) -> BitRows {
    let mut row = BitRows::zeros(1, services.len());
    for (number, (wanted, sport, dport)) in services.iter().enumerate() {
        if protocol.is_taken_by(*wanted) && sport.is_all() && dport.is_all() {
            row.set(0, number);
        }
    }
    row
}

/// Classes of the ports of one protocol: those that a service does not take are in none of its sets.
struct PortClasses<'a> {
    source_sets: Vec<&'a IntervalSet<u16>>,
    target_sets: Vec<&'a IntervalSet<u16>>,
    sources: Classes<u16>,
    targets: Classes<u16>,
}

impl<'a> PortClasses<'a> {
    fn of(protocol: PacketProtocol, services: &[Service<'a>]) -> Self {
        static NONE: LazyLock<IntervalSet<u16>> = LazyLock::new(IntervalSet::empty);
        let taken = |s: &Service<'_>| protocol.is_taken_by(s.0);
        let source_sets: Vec<_> = services.iter().map(|s| if taken(s) { s.1.set() } else { &NONE }).collect();
        let target_sets: Vec<_> = services.iter().map(|s| if taken(s) { s.2.set() } else { &NONE }).collect();
        let (sources, targets) = (Classes::of(&source_sets), Classes::of(&target_sets));
        PortClasses { source_sets, target_sets, sources, targets }
    }

    /// Visits each pair of a source and a target class with the services that hold it.
    fn each(&self, mut visit: impl FnMut(usize, usize, &[u64])) {
        let mut both = vec![0; self.sources.members.words()];
        for target in 0..self.targets.len() {
            for source in 0..self.sources.len() {
                let rows = self.targets.members.row(target).iter().zip(self.sources.members.row(source));
                both.iter_mut().zip(rows).for_each(|(out, (a, b))| *out = a & b);
                visit(source, target, &both);
            }
        }
    }
}

fn ports_in(classes: &Classes<u16>, class: usize) -> u64 {
    let size = classes.size[class].to_u128().expect("at most 65536 ports");
    u64::try_from(size).expect("at most 65536 ports")
}
