//! [`Model`]: an environment made ready to decide packets, one by one or all at once.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use super::assume::{Assumption, Assumptions};
use super::course::{Course, taking};
use super::environment::{Environment, Subnet};
use super::fate::{ARRIVAL, Fate, ON_PREMISES, OWN, Outcome, PEER, PRIVATE, Question, Way};
use super::prepared::{Prepared, Preparer};
use super::stage::{At, Stage, Verdict};
use super::steps;
use crate::addr::AddrSet;
use crate::packet::Direction;
use crate::replay::error::ReplayError;
use crate::replay::hosts::HostKey;
use crate::rules::{Access, Chain, Packet, Part, Rule};
use crate::tags::{Snapshot, Symbol, Symbols, special_ranges};

/// An environment made ready to decide packets.
///
/// ```
/// use tagwall::addr::IpPrefix;
/// use tagwall::packet::Direction;
/// use tagwall::replay::way::{Environment, Model, Network, Question, Subnet, Verdict, Way};
/// use tagwall::rules::{Packet, PacketProtocol};
/// use tagwall::tags::{Cloud, Snapshot, sample};
///
/// let set = |text: &str| text.parse::<IpPrefix>().unwrap().into();
/// let environment = Environment {
///     network: Network { space: set("10.20.0.0/16"), ..Network::default() },
///     subnets: vec![Subnet { name: "work".to_owned(), prefixes: set("10.20.1.0/24"), ..Subnet::default() }],
///     ..Environment::default()
/// };
/// let snapshot = Snapshot::parse(&sample::sample_json(Cloud::Public).unwrap())?;
/// let model = Model::new(&environment, &snapshot)?;
/// let packet = Packet::new("10.20.1.4".parse()?, "203.0.113.1".parse()?, PacketProtocol::Tcp, Some((50000, 443)))?;
/// let question =
///     Question { subnet: "work".to_owned(), direction: Direction::Outbound, packet, host: None };
/// let fate = model.fate(&question)?.expect("the packet is of the subnet");
/// assert_eq!((fate.verdict, fate.way), (Verdict::Allow, Way::Direct));
/// assert_eq!(fate.assumptions[0].id(), "way-out");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Model<'a> {
    environment: &'a Environment,
    assumed: Assumptions,
    snapshot: &'a Snapshot,
    pub(super) prepared: Vec<Prepared>,
    /// For each subnet, the number of what is prepared for it.
    of: Vec<usize>,
    pub(super) firewall: Option<Stage>,
    /// The firewall as it decides packets that no host name is known of or belongs to.
    nameless: Option<Stage>,
    /// What stands before the subnets of the network, for packets from inside: their two groups.
    pub(super) arrival: [Stage; 2],
    /// Where sources of inbound packets are.
    pub(super) origin: Chain,
    /// The same model without one assumption each.
    others: [OnceLock<Option<Box<Model<'a>>>>; Assumption::ALL.len()],
}

/// Packets that have one fate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FateRegion {
    /// Source addresses, all of one family.
    pub sources: AddrSet,
    /// Destination addresses, of the same family.
    pub destinations: AddrSet,
    /// Protocols with their ports; no two hold one packet.
    pub services: Vec<crate::rules::ServiceBox>,
    /// One of them.
    pub packet: Packet,
    /// The fate of that packet. Verdict, way, where it stops and the conditions are those of all; assumptions and steps
    /// are its own.
    pub fate: Fate,
}

impl<'a> Model<'a> {
    /// Reads all rules and routes of `environment`, tags as in `snapshot`. Subnets that share group, table and endpoints
    /// are read once.
    ///
    /// # Errors
    /// The first rule or route that is not understood. Tags that no file holds, and groups and tables that are named
    /// and not there, are no error: verdicts hang on them.
    pub fn new(environment: &'a Environment, snapshot: &'a Snapshot) -> Result<Self, ReplayError> {
        Model::assuming(environment, snapshot, environment.assumptions)
    }

    fn assuming(
        environment: &'a Environment,
        snapshot: &'a Snapshot,
        assumed: Assumptions,
    ) -> Result<Self, ReplayError> {
        let reader = Preparer::new(environment, snapshot, assumed);
        let (mut prepared, mut of) = (Vec::<Prepared>::new(), Vec::<usize>::new());
        for (at, subnet) in environment.subnets.iter().enumerate() {
            let known = environment.subnets[..at].iter().position(|other| alike(other, subnet));
            match known {
                Some(other) => of.push(of[other]),
                None => {
                    of.push(prepared.len());
                    prepared.push(reader.prepare(subnet)?);
                }
            }
        }
        let nameless = reader.firewall(Some(&HostKey::Host(String::new())))?;
        let (firewall, arrival) =
            (reader.firewall(None)?, [0, 1].map(|group| arrival(environment, &prepared, &of, group)));
        let (origin, others) = (origin(environment), Default::default());
        Ok(Model {
            environment,
            assumed,
            snapshot,
            prepared,
            of,
            firewall,
            nameless,
            arrival,
            origin,
            others,
        })
    }

    /// What becomes of a packet. `None` if the subnet is not known, or the packet is not one of it.
    ///
    /// # Errors
    /// Those of [`new`](Self::new), for rules of the firewall that are read anew for a host.
    pub fn fate(&self, question: &Question) -> Result<Option<Fate>, ReplayError> {
        let stage = self.firewall_for(question.host.as_ref())?;
        let Some(course) = self.course(&question.subnet, question.direction, stage.as_deref()) else {
            return Ok(None);
        };
        let decided = course.decided(&question.packet);
        let classes = course.classes(&decided);
        Ok(course.outcome(&classes).map(|outcome| {
            let steps = steps::of(&course, &question.packet, &decided, &outcome);
            let assumptions = self.hangs_on(question, &outcome);
            let Outcome { verdict, way, stops_at, conditions, .. } = outcome;
            Fate { verdict, way, stops_at, conditions, assumptions, steps }
        }))
    }

    /// What becomes of all packets of a subnet that are opened in one direction: every packet is in just one region.
    /// `host` is what they are for, where that is known. Empty if the subnet is not known.
    ///
    /// # Errors
    /// As [`fate`](Self::fate).
    ///
    /// # Cost
    /// That of [`partition`](crate::rules::partition) over the rules of the groups, the routes and the firewall together.
    pub fn fates(
        &self,
        subnet: &str,
        direction: Direction,
        host: Option<&HostKey>,
    ) -> Result<Vec<FateRegion>, ReplayError> {
        let stage = self.firewall_for(host)?;
        let Some(course) = self.course(subnet, direction, stage.as_deref()) else { return Ok(Vec::new()) };
        let parts = course.parts(&AddrSet::all(), |outcome| Some(outcome.clone()));
        let mut regions = Vec::with_capacity(parts.len());
        for part in parts {
            let question =
                Question { subnet: subnet.to_owned(), direction, packet: part.packet, host: host.cloned() };
            let fate = self.fate(&question)?.expect("the packet is of the subnet");
            let Part { sources, destinations, services, packet, .. } = part;
            regions.push(FateRegion { sources, destinations, services, packet, fate });
        }
        Ok(regions)
    }

    /// All packets of a subnet that have one [`Arrival`], those to or from `remote` alone: what of them passes, what
    /// hangs on something, and which way. Cheaper than [`fates`](Self::fates).
    ///
    /// # Errors
    /// As [`fate`](Self::fate).
    pub fn arrivals(
        &self,
        subnet: &str,
        direction: Direction,
        remote: &AddrSet,
        host: Option<&HostKey>,
    ) -> Result<Vec<Part<Arrival>>, ReplayError> {
        let stage = self.firewall_for(host)?;
        let Some(course) = self.course(subnet, direction, stage.as_deref()) else { return Ok(Vec::new()) };
        Ok(course.parts(remote, |outcome| {
            Some(Arrival { verdict: outcome.verdict, way: outcome.way, stops_at: outcome.stops_at })
        }))
    }

    /// The environment that this is a model of.
    pub fn environment(&self) -> &'a Environment {
        self.environment
    }

    /// Subnets whose packets are decided alike, in order.
    pub fn alike(&self) -> Vec<Vec<&'a Subnet>> {
        let mut found: Vec<(usize, Vec<&'a Subnet>)> = Vec::new();
        for (subnet, &of) in self.environment.subnets.iter().zip(&self.of) {
            let same = |(known, own): &&mut (usize, Vec<&'a Subnet>)| {
                let other = own[0];
                let out = (subnet.outbound, subnet.private, &subnet.role);
                *known == of && out == (other.outbound, other.private, &other.role)
            };
            match found.iter_mut().find(same) {
                Some((_, own)) => own.push(subnet),
                None => found.push((of, vec![subnet])),
            }
        }
        found.into_iter().map(|(_, own)| own).collect()
    }

    /// The packets of `subnets`, which must be [`alike`](Self::alike), cut by what becomes of them and by which rules of
    /// the chains beside take them: by what `key` makes of both, in parts that have a key.
    ///
    /// # Errors
    /// As [`fate`](Self::fate).
    ///
    /// # Cost
    /// As [`fates`](Self::fates), once for all of them.
    pub fn outcomes<K: Ord + Clone>(
        &self,
        subnets: &[&Subnet],
        asked: &Asked<'_>,
        key: impl Fn(&Outcome, &[Option<usize>]) -> Option<K>,
    ) -> Result<Vec<Part<K>>, ReplayError> {
        let Some(first) = subnets.first() else { return Ok(Vec::new()) };
        let firewall = if asked.nameless { &self.nameless } else { &self.firewall };
        let Some(mut course) = self.course(&first.name, asked.direction, firewall.as_ref()) else {
            return Ok(Vec::new());
        };
        course.own = Arc::new(AddrSet::union_of(subnets.iter().map(|subnet| &subnet.prefixes)));
        Ok(course.parts_beside(&AddrSet::all(), asked.beside, key))
    }

    pub(super) fn firewall_for(&self, host: Option<&HostKey>) -> Result<Option<Cow<'_, Stage>>, ReplayError> {
        match host {
            None => Ok(self.firewall.as_ref().map(Cow::Borrowed)),
            Some(_) => {
                let made = Preparer::new(self.environment, self.snapshot, self.assumed).firewall(host)?;
                Ok(made.map(Cow::Owned))
            }
        }
    }

    pub(super) fn course<'m>(
        &'m self,
        subnet: &str,
        direction: Direction,
        firewall: Option<&'m Stage>,
    ) -> Option<Course<'m>> {
        let at = self.environment.subnets.iter().position(|own| own.name.eq_ignore_ascii_case(subnet))?;
        let (subnet, prepared) = (&self.environment.subnets[at], &self.prepared[self.of[at]]);
        let (own, stages) = (Arc::new(subnet.prefixes.clone()), vec![None; ARRIVAL + 2]);
        let mut course = Course {
            environment: self.environment,
            assumed: self.assumed,
            arrival: &self.arrival,
            origin: &self.origin,
            subnet,
            prepared,
            direction,
            firewall,
            own,
            stages,
        };
        course.find_stages();
        Some(course)
    }

    /// The assumptions without which the outcome would be another.
    fn hangs_on(&self, question: &Question, outcome: &Outcome) -> Vec<Assumption> {
        let same = |other: Outcome| {
            (other.verdict, other.way, other.stops_at, &other.conditions)
                == (outcome.verdict, outcome.way, outcome.stops_at, &outcome.conditions)
        };
        let own = Assumption::ALL.into_iter().filter(|&assumption| self.assumed.holds(assumption));
        own.filter(|&assumption| {
            let other = self.without(assumption).and_then(|model| model.outcome(question));
            !other.is_some_and(same)
        })
        .collect()
    }

    pub(super) fn without(&self, assumption: Assumption) -> Option<&Model<'a>> {
        let made = || {
            let mut assumed = self.assumed;
            assumed.set(assumption, false);
            Model::assuming(self.environment, self.snapshot, assumed).ok().map(Box::new)
        };
        self.others[assumption as usize].get_or_init(made).as_deref()
    }

    pub(super) fn outcome(&self, question: &Question) -> Option<Outcome> {
        let stage = self.firewall_for(question.host.as_ref()).ok()?;
        let course = self.course(&question.subnet, question.direction, stage.as_deref())?;
        course.outcome(&course.classes(&course.decided(&question.packet)))
    }
}

/// Which packets of subnets are asked for, and what is held beside their way.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Which side opens the connection.
    pub direction: Direction,
    /// Whether no rule of the firewall takes them by a host name; else they hang on those that may.
    pub nameless: bool,
    /// Chains that take part in the cut and decide nothing.
    pub beside: &'a [&'a Chain],
}

/// How packets fare, in short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrival {
    /// Whether they arrive.
    pub verdict: Verdict,
    /// The way that they take.
    pub way: Way,
    /// Where they stop.
    pub stops_at: Option<At>,
}

fn alike(one: &Subnet, other: &Subnet) -> bool {
    one.group == other.group
        && one.interface_group == other.interface_group
        && one.table == other.table
        && one.endpoints == other.endpoints
}

/// The first or second inbound group of all subnets, for packets that come from one of them: the rules of each hold
/// before its own addresses. What leads to no subnet passes.
fn arrival(environment: &Environment, prepared: &[Prepared], of: &[usize], group: usize) -> Stage {
    let mut stage = Stage::new(At::Nsg, "the destination's group", Access::Allow, "");
    let sources = environment.subnet_space();
    let all = Arc::new(AddrSet::all());
    for (number, prepared) in prepared.iter().enumerate() {
        let group = &prepared.inbound.groups[group];
        if group.is_open() {
            continue;
        }
        let own = environment.subnets.iter().zip(of).filter(|(_, of)| **of == number);
        let own = AddrSet::union_of(own.map(|(subnet, _)| &subnet.prefixes));
        before(group, &own, &sources, &mut stage);
        let rest = taking(group.default_name(), all.clone(), Arc::new(own));
        stage.push(Rule { access: Access::Deny, ..rest }, None);
    }
    stage
}

/// Adds the rules of `group` that take packets from `sources` to `own`.
fn before(group: &Stage, own: &AddrSet, sources: &AddrSet, stage: &mut Stage) {
    for (rule, condition) in group.rules() {
        if rule.src.intersection(sources).is_empty() {
            continue;
        }
        let dst = rule.dst.intersection(own);
        if !dst.is_empty() {
            stage.push(Rule { dst: Arc::new(dst), ..rule.clone() }, condition.clone());
        }
    }
}

/// Where sources are: in the network or on the platform, in a peered network, behind a gateway, in private space.
fn origin(environment: &Environment) -> Chain {
    let network = &environment.network;
    let platform = Symbols::new(&AddrSet::empty(), &AddrSet::empty());
    let platform = platform.get(Symbol::AzureLoadBalancer).union(&platform.get(Symbol::AzurePlatformImds));
    let mut sets = [AddrSet::empty(), AddrSet::empty(), AddrSet::empty(), AddrSet::empty()];
    sets[OWN] = network.space.union(&platform);
    sets[PEER] = network.peers.clone();
    sets[ON_PREMISES] = network.on_premises.space();
    sets[PRIVATE] = special_ranges();
    let all = Arc::new(AddrSet::all());
    let mut chain = Chain::default();
    for set in sets {
        chain.push(taking("", Arc::new(set), all.clone()));
    }
    chain
}
