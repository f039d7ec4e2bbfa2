//! What becomes of a packet, or of all packets to a tag: who decides along the way, by which rule, why, and what would
//! have to change so that it passes.

mod environment;
mod far;
mod model;

use std::net::IpAddr;

pub use far::{Far, NoFar};
pub use model::{Change, Door, Explained, ExplainedSet, FateSaid, StepSaid};

use super::said::{Named, PacketSaid, said};
use crate::addr::{AddrSet, IpPrefix, Prefix};
use crate::packet::{Direction, Ports, Protocol};
use crate::policy::Policy;
use crate::read::live::{Live, Place};
use crate::replay::way::{At, Condition, Environment, Fate, Middle, Model, Question, Step, Verdict};
use crate::replay::{HostKey, ReplayError};
use crate::rules::{Access, Packet, Region, ServiceBox};
use crate::tags::{Snapshot, Symbol};
pub(in crate::analyse) use environment::{condition_of, environment};

/// What is asked about.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Which side opens the connection.
    pub direction: Direction,
    /// The subnet; all of them if none is named.
    pub subnet: Option<String>,
    /// The address on this side; a machine of the subnet if none is given.
    pub near: Option<IpAddr>,
    /// The other side.
    pub far: Far,
    /// Protocol.
    pub protocol: Protocol,
    /// Ports of the destination.
    pub ports: Ports,
}

/// The environment that files show, ready for questions.
pub struct Explainer<'a> {
    live: &'a Live,
    snapshot: &'a Snapshot,
    policy: Option<&'a Policy>,
    environment: Environment,
    /// What had to be assumed of the environment.
    pub notes: Vec<&'static str>,
}

/// The environment that files show; what a policy says of its network is so.
pub(in crate::analyse) fn planned(
    live: &Live,
    snapshot: &Snapshot,
    policy: Option<&Policy>,
) -> (Environment, Vec<&'static str>) {
    let (mut environment, notes) = environment(live, snapshot);
    if let Some(policy) = policy {
        environment.network.space = policy.network.space.clone();
        environment.network.peers = policy.network.peers.clone();
        environment.network.on_premises = policy.network.on_premises.clone();
        environment.network.firewall.clone_from(&policy.network.firewall);
        environment.network.closed = true;
    }
    (environment, notes)
}

/// Puts the group and table of files, where there is one of a kind, on all subnets, unless a file says of any subnet what it
/// has: then one of which nothing is said has nothing.
pub(in crate::analyse) fn put_on_all(live: &Live, environment: &mut Environment) {
    if environment.subnets.iter().any(|subnet| subnet.group.is_some() || subnet.table.is_some()) {
        return;
    }
    let only = |names: Vec<&str>| if let [one] = names.as_slice() { Some((*one).to_owned()) } else { None };
    let group = only(live.groups.iter().map(|group| group.name.as_str()).collect());
    let table = only(live.tables.iter().map(|table| table.name.as_str()).collect());
    for subnet in &mut environment.subnets {
        subnet.group.clone_from(&group);
        subnet.table.clone_from(&table);
    }
}

impl<'a> Explainer<'a> {
    /// Makes the environment ready; `policy` is what the rules are from, where that is known.
    pub fn new(live: &'a Live, snapshot: &'a Snapshot, policy: Option<&'a Policy>) -> Self {
        let (environment, notes) = planned(live, snapshot, policy);
        Explainer { live, snapshot, policy, environment, notes }
    }

    /// The names of the subnets that packets can be of.
    pub fn subnets(&self) -> impl Iterator<Item = &str> {
        self.environment.subnets.iter().map(|subnet| subnet.name.as_str())
    }

    /// Puts the group and table of the files, where there is one of a kind, on all subnets, unless a file says of any
    /// subnet what it has.
    pub fn put_on_all(&mut self) {
        put_on_all(self.live, &mut self.environment);
    }

    /// The subnet that holds an address, or that is called so.
    fn subnet(&self, asked: &Asked) -> Option<&crate::replay::way::Subnet> {
        match (&asked.subnet, asked.near) {
            (Some(name), _) => self.environment.subnet(name),
            (None, Some(near)) => {
                self.environment.subnets.iter().find(|subnet| subnet.prefixes.contains(near))
            }
            (None, None) => self.environment.subnets.first(),
        }
    }

    /// What becomes of one packet; `None` if it is of no subnet.
    ///
    /// # Errors
    /// Rules that Azure would refuse.
    pub fn packet(&self, asked: &Asked) -> Result<Option<Explained>, ReplayError> {
        let Some(subnet) = self.subnet(asked) else { return Ok(None) };
        let (far, host) = match &asked.far {
            Far::Address(address) => (*address, None),
            Far::Host(host) => (self.outside(), Some(HostKey::Host(host.to_ascii_lowercase()))),
            Far::Set(_) => return Ok(None),
        };
        let near = asked.near.or_else(|| machine(&subnet.prefixes, far.is_ipv4()));
        let Some(near) = near else { return Ok(None) };
        let Some(packet) = packet_of(asked, near, far) else { return Ok(None) };
        let question = Question { subnet: subnet.name.clone(), direction: asked.direction, packet, host };
        let model = Model::new(&self.environment, self.snapshot)?;
        let Some(fate) = model.fate(&question)? else { return Ok(None) };
        Ok(Some(Explained {
            verdict: fate.verdict.name(),
            packet: PacketSaid::from(&question.packet),
            subnet: question.subnet.clone(),
            direction: asked.direction.name(),
            host: question.host.clone(),
            steps: fate.steps.iter().map(|step| self.step(step, &question)).collect(),
            way: fate.way.name(),
            stops_at: fate.stops_at.map(At::name),
            hangs_on: conditions(&fate),
            assumptions: fate.assumptions.iter().map(|a| a.id()).collect(),
            assumed: fate.assumptions.iter().map(|a| a.text()).collect(),
            changes: self.changes(&question, &fate)?,
        }))
    }

    /// What becomes of all packets that are asked for, in regions of one fate; `None` if they are of no subnet.
    ///
    /// # Errors
    /// Rules that Azure would refuse.
    pub fn set(&self, asked: &Asked) -> Result<Option<ExplainedSet>, ReplayError> {
        let (Some(subnet), Far::Set(far)) = (self.subnet(asked), &asked.far) else { return Ok(None) };
        let near = asked.near.map_or_else(|| subnet.prefixes.clone(), host);
        let (src, dst) = match asked.direction {
            Direction::Inbound => (far, &near),
            Direction::Outbound => (&near, far),
        };
        let services: Vec<ServiceBox> = crate::rules::PacketProtocol::ALL
            .into_iter()
            .filter(|own| own.is_taken_by(asked.protocol) && (own.has_ports() || asked.ports.is_all()))
            .map(|protocol| ServiceBox { protocol, sport: Ports::all(), dport: asked.ports.clone() })
            .collect();
        let of_family = |set: &AddrSet, v4: bool| match v4 {
            true => AddrSet { v4: set.v4.clone(), ..AddrSet::empty() },
            false => AddrSet { v6: set.v6.clone(), ..AddrSet::empty() },
        };
        let wanted: Vec<Region> = [true, false]
            .into_iter()
            .filter_map(|v4| {
                super::open::region_of(
                    Access::Allow,
                    of_family(src, v4),
                    of_family(dst, v4),
                    services.clone(),
                )
            })
            .collect();
        let model = Model::new(&self.environment, self.snapshot)?;
        let symbols = crate::tags::Symbols::new(&self.environment.network.space, &AddrSet::empty());
        let mut named = Named::new(Some(self.snapshot), &symbols);
        let mut fates = Vec::new();
        for found in model.fates(&subnet.name, asked.direction, None)? {
            let region = Region {
                first: Access::Allow,
                sources: found.sources,
                destinations: found.destinations,
                services: found.services,
                packet: found.packet,
            };
            for part in super::open::intersection(&[region], &wanted) {
                for (said, packet) in said(&part, asked.direction, &mut named) {
                    let question = Question {
                        subnet: subnet.name.clone(),
                        direction: asked.direction,
                        packet,
                        host: None,
                    };
                    let Some(fate) = model.fate(&question)? else { continue };
                    fates.push(FateSaid {
                        verdict: fate.verdict.name(),
                        way: fate.way.name(),
                        region: said,
                        packet: PacketSaid::from(&packet),
                        steps: fate.steps.iter().map(|step| self.step(step, &question)).collect(),
                        hangs_on: conditions(&fate),
                        changes: self.changes(&question, &fate)?,
                    });
                }
            }
        }
        Ok(Some(ExplainedSet { subnet: subnet.name.clone(), direction: asked.direction.name(), fates }))
    }

    /// An address of the Internet that no rule names by itself.
    fn outside(&self) -> IpAddr {
        let symbols = crate::tags::Symbols::new(&self.environment.network.space, &AddrSet::empty());
        let all = AddrSet::union_of(self.snapshot.tags().iter().map(|tag| tag.set()));
        let free = symbols.get(Symbol::Internet).difference(&all);
        free.v4
            .intervals()
            .iter()
            .map(|interval| IpAddr::V4(interval.first().saturating_add(9).min(interval.last()).into()))
            .nth(1)
            .unwrap_or(IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 9)))
    }

    fn step(&self, step: &Step, question: &Question) -> StepSaid {
        let place = step.place.as_ref().map(|place| Place {
            file: place.file.as_str().into(),
            line: place.line.unwrap_or(1),
            pointer: place.pointer.clone().unwrap_or_default().into(),
        });
        let allows = step.verdict != Verdict::Deny && step.rule.is_some();
        let cause =
            self.policy.filter(|_| allows && step.at != At::Route).and_then(|policy| cause(policy, question));
        StepSaid {
            at: step.at.name(),
            name: step.name.clone(),
            rule: step.rule.clone(),
            verdict: step.verdict.name(),
            because: step.because.clone(),
            place,
            tag: step.rule.as_deref().and_then(|rule| self.tag_of(&step.name, rule, question)),
            workload: cause.as_ref().map(|cause| cause.workload.clone()),
            row: cause.as_ref().map(|cause| cause.row.clone()),
            source: cause.map(|cause| cause.source.clone()).filter(|source| !source.is_empty()),
        }
    }

    /// The tag that a rule or route names on the far side, with its week.
    fn tag_of(&self, resource: &str, rule: &str, question: &Question) -> Option<String> {
        let far = |rule: &crate::read::resources::SecurityRule| match question.direction {
            Direction::Inbound => rule.sources.clone(),
            Direction::Outbound => rule.destinations.clone(),
        };
        let of_groups =
            self.live.groups.iter().filter(|group| group.name == resource).flat_map(|group| &group.rules);
        let of_groups = of_groups.filter(|own| own.rule.name == rule).flat_map(|own| far(&own.rule));
        let of_tables =
            self.live.tables.iter().filter(|table| table.name == resource).flat_map(|table| &table.routes);
        let of_tables = of_tables.filter(|own| own.name == rule).flat_map(|own| own.prefixes.clone());
        let mut names = of_groups.chain(of_tables);
        names.find(|name| Symbol::find(name).is_some() || self.snapshot.tag(name).is_some())
    }

    /// What would have to change so that the packet passes: each door that stops it is opened, and the next one asked.
    fn changes(&self, question: &Question, fate: &Fate) -> Result<Vec<Change>, ReplayError> {
        let mut changes = Vec::new();
        let (mut environment, mut fate) = (self.environment.clone(), fate.clone());
        for _ in 0..6 {
            let Some(stop) = fate.stops_at.filter(|_| fate.verdict != Verdict::Allow) else {
                break;
            };
            let last = fate.steps.iter().rev().find(|step| step.at == stop);
            let change = change(stop, last, question);
            if changes.contains(&change) {
                break;
            }
            changes.push(change);
            if !open(&mut environment, stop, last, question) {
                break;
            }
            let model = Model::new(&environment, self.snapshot)?;
            match model.fate(question)? {
                Some(next) => fate = next,
                None => break,
            }
        }
        Ok(changes)
    }
}

/// Opens a door in the environment; whether there is one to open.
fn open(environment: &mut Environment, stop: At, step: Option<&Step>, question: &Question) -> bool {
    match stop {
        At::Admin => environment.admin.clear(),
        At::Nsg => {
            let Some(step) = step else { return false };
            for subnet in &mut environment.subnets {
                let is = |name: &Option<String>| {
                    name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(&step.name))
                };
                if is(&subnet.group) {
                    subnet.group = None;
                }
                if is(&subnet.interface_group) {
                    subnet.interface_group = None;
                }
            }
        }
        At::Route => {
            let own = environment
                .subnets
                .iter_mut()
                .find(|subnet| subnet.name.eq_ignore_ascii_case(&question.subnet));
            let Some(subnet) = own.filter(|subnet| subnet.table.is_some()) else { return false };
            subnet.table = None;
        }
        At::Firewall | At::Dnat => environment.firewall = Middle::Other,
        At::Outbound | At::Network => return false,
    }
    true
}

/// What to change at a door.
fn change(stop: At, step: Option<&Step>, question: &Question) -> Change {
    let resource = || step.map(|step| step.name.clone()).unwrap_or_default();
    let because = || step.map(|step| step.because.clone()).unwrap_or_default();
    let (packet, hangs) = (question.packet, step.is_some_and(|step| step.verdict == Verdict::If));
    let door = || match stop {
        At::Nsg | At::Admin => Door::Group(resource()),
        _ => Door::Firewall,
    };
    match (stop, step.and_then(|step| step.rule.clone())) {
        (At::Nsg | At::Admin | At::Firewall | At::Dnat, Some(rule)) if hangs => {
            Change::InAnyCase { door: door(), packet, rule, because: because() }
        }
        (At::Nsg | At::Admin | At::Firewall | At::Dnat, Some(rule)) => {
            Change::Before { door: door(), packet, rule }
        }
        (At::Nsg | At::Admin, None) => Change::InGroup(resource(), packet),
        (At::Firewall | At::Dnat, None) => Change::InFirewall(packet),
        (At::Route, _) if question.direction == Direction::Inbound => {
            Change::Back { of: resource(), because: because() }
        }
        (At::Route, Some(route)) => Change::LeadsOn { table: resource(), to: packet.dst(), route },
        (At::Route, None) => Change::Route(packet.dst()),
        (At::Outbound, _) => Change::WayOut(question.subnet.clone()),
        (At::Network, _) => Change::Network,
    }
}

fn conditions(fate: &Fate) -> Vec<Condition> {
    fate.conditions.iter().map(condition_of).collect()
}

/// The need of a policy that asks for a packet.
fn cause<'p>(policy: &'p Policy, question: &Question) -> Option<&'p crate::policy::Cause> {
    let symbols = policy.symbols();
    let packet = &question.packet;
    let (near, far) = match question.direction {
        Direction::Inbound => (packet.dst(), packet.src()),
        Direction::Outbound => (packet.src(), packet.dst()),
    };
    let flow = policy.flows.iter().find(|flow| {
        let remote = || flow.remote_set(&symbols).is_some_and(|set| set.contains(far));
        flow.direction == question.direction
            && packet.protocol().is_taken_by(flow.protocol)
            && packet.dport().is_none_or(|port| flow.ports.set().contains(port))
            && flow.local.contains(near)
            && remote()
    });
    flow?.causes.first()
}

/// One address; nothing for one that stands for IPv4, of which a set has all or none.
fn host(address: IpAddr) -> AddrSet {
    match address {
        IpAddr::V4(address) => IpPrefix::V4(Prefix::host(address.into())).into(),
        IpAddr::V6(address) if address.to_ipv4_mapped().is_some() => AddrSet::empty(),
        IpAddr::V6(address) => IpPrefix::V6(Prefix::host(address.into())).into(),
    }
}

/// A machine's address in a subnet: Azure keeps the first four.
fn machine(prefixes: &AddrSet, v4: bool) -> Option<IpAddr> {
    if v4 {
        let first = prefixes.v4.intervals().first()?;
        Some(IpAddr::V4(first.first().saturating_add(4).min(first.last()).into()))
    } else {
        let first = prefixes.v6.intervals().first()?;
        Some(IpAddr::V6(first.first().saturating_add(4).min(first.last()).into()))
    }
}

fn packet_of(asked: &Asked, near: IpAddr, far: IpAddr) -> Option<Packet> {
    let (src, dst) = match asked.direction {
        Direction::Inbound => (far, near),
        Direction::Outbound => (near, far),
    };
    let protocol = match asked.protocol {
        Protocol::Tcp | Protocol::Any => crate::rules::PacketProtocol::Tcp,
        Protocol::Udp => crate::rules::PacketProtocol::Udp,
        Protocol::Icmp => crate::rules::PacketProtocol::Icmp,
        Protocol::Esp => crate::rules::PacketProtocol::Esp,
        Protocol::Ah => crate::rules::PacketProtocol::Ah,
    };
    let port = if asked.ports.is_all() { Some(443) } else { asked.ports.set().first() };
    let ports = protocol.has_ports().then_some((50_000, port?));
    Packet::new(src, dst, protocol, ports).ok()
}
