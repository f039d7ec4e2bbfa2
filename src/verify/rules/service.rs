//! [`Services`]: protocol and ports, as one dimension.

use super::bits::{BitRows, is_zero};
use super::classes::Classes;
use super::hash::FastMap;
use super::list::Rule;
use super::packet::PacketProtocol;
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
        let mut row = BitRows::zeros(1, services.len());
        for (number, (wanted, sport, dport)) in services.iter().enumerate() {
            if protocol.is_taken_by(*wanted) && sport.is_all() && dport.is_all() {
                row.set(0, number);
            }
        }
        self.add(row.row(0), 1, Example { protocol, ports: None });
    }

    fn add_with_ports(&mut self, protocol: PacketProtocol, services: &[Service<'_>]) {
        let none = IntervalSet::empty();
        let taken = |s: &Service<'_>| protocol.is_taken_by(s.0);
        let sources: Vec<_> = services.iter().map(|s| if taken(s) { s.1.set() } else { &none }).collect();
        let targets: Vec<_> = services.iter().map(|s| if taken(s) { s.2.set() } else { &none }).collect();
        let (sources, targets) = (Classes::of(&sources), Classes::of(&targets));
        let mut both = vec![0; self.members.words()];
        for target in 0..targets.len() {
            for source in 0..sources.len() {
                let rows = targets.members.row(target).iter().zip(sources.members.row(source));
                both.iter_mut().zip(rows).for_each(|(out, (a, b))| *out = a & b);
                let ports = (sources.first[source], targets.first[target]);
                let size = ports_in(&sources, source) * ports_in(&targets, target);
                self.add(&both, size, Example { protocol, ports: Some(ports) });
            }
        }
    }
}

fn ports_in(classes: &Classes<u16>, class: usize) -> u64 {
    let size = classes.size[class].to_u128().expect("at most 65536 ports");
    u64::try_from(size).expect("at most 65536 ports")
}
