//! [`Course`]: one subnet and direction, and all chains that decide there.

use std::sync::Arc;

use super::assume::Assumptions;
use super::environment::{Environment, Subnet};
use super::fate::{ADMIN, ARRIVAL, Class, Decider, FIREWALL, GROUPS, ORIGIN, Outcome, ROUTE, WITHIN};
use super::prepared::{Doors, Prepared};
use super::stage::{At, Stage, Verdict};
use crate::addr::AddrSet;
use crate::packet::{Direction, Ports, Protocol};
use crate::rules::{Access, Chain, Decided, Packet, Part, Rule, partition};

/// One subnet, one direction, and what decides there.
pub(super) struct Course<'m> {
    pub(super) environment: &'m Environment,
    pub(super) assumed: Assumptions,
    pub(super) arrival: &'m [Stage; 2],
    pub(super) origin: &'m Chain,
    pub(super) subnet: &'m Subnet,
    pub(super) prepared: &'m Prepared,
    pub(super) direction: Direction,
    pub(super) firewall: Option<&'m Stage>,
    /// Its addresses, and those of the subnets that are asked for with it.
    pub(super) own: Arc<AddrSet>,
    /// For each chain, the stage that it is of.
    pub(super) stages: Vec<Option<&'m Stage>>,
}

impl<'m> Course<'m> {
    fn doors(&self) -> &'m Doors {
        match self.direction {
            Direction::Inbound => &self.prepared.inbound,
            Direction::Outbound => &self.prepared.outbound,
        }
    }

    /// Puts the stages of this direction at the places of their chains.
    pub(super) fn find_stages(&mut self) {
        let doors = self.doors();
        self.stages[ADMIN] = Some(&doors.admin);
        for (at, group) in doors.groups.iter().enumerate() {
            self.stages[GROUPS + at] = Some(group);
        }
        if self.direction == Direction::Outbound {
            self.stages[FIREWALL] = self.firewall;
            for (at, stage) in self.arrival.iter().enumerate() {
                self.stages[ARRIVAL + at] = Some(stage);
            }
        }
    }

    /// The stage whose chain is at `place`.
    pub(super) fn stage(&self, place: usize) -> Option<&'m Stage> {
        self.stages.get(place).copied().flatten()
    }

    /// What decides about one packet in each chain.
    pub(super) fn decided(&self, packet: &Packet) -> Vec<Decided> {
        let within = self.within(&AddrSet::all());
        self.chains(&within).iter().map(|chain| chain.decide(packet)).collect()
    }

    /// The chains in order. `within` takes the packets that are of the subnet.
    fn chains<'s>(&'s self, within: &'s Chain) -> Vec<&'s Chain> {
        static NONE: Chain = Chain::none();
        let doors = self.doors();
        let mut chains = vec![within, &doors.admin.chain, &doors.groups[0].chain, &doors.groups[1].chain];
        match self.direction {
            Direction::Outbound => {
                let firewall = self.firewall.map_or(&NONE, |stage| &stage.chain);
                chains.extend([&self.prepared.to, firewall]);
                chains.extend(self.arrival.iter().map(|stage| &stage.chain));
            }
            Direction::Inbound => chains.extend([&self.prepared.back, self.origin]),
        }
        chains
    }

    /// The packets of the subnet, those with this remote side.
    fn within(&self, remote: &AddrSet) -> Chain {
        let (own, remote) = (self.own.clone(), Arc::new(remote.clone()));
        let (src, dst) = match self.direction {
            Direction::Outbound => (own, remote),
            Direction::Inbound => (remote, own),
        };
        let mut within = Chain::default();
        within.push(taking("", src, dst));
        within
    }

    /// How many chains decide.
    fn deciding(&self) -> usize {
        if self.direction == Direction::Outbound { ARRIVAL + 2 } else { ORIGIN + 1 }
    }

    fn class(&self, place: usize, decided: &Decided) -> Class {
        if place == WITHIN {
            return Class::Within(decided.rule.is_some());
        }
        let origin = self.direction == Direction::Inbound && place == ORIGIN;
        if place == ROUTE || origin || place >= self.deciding() {
            return Class::Number(decided.rule);
        }
        let Some(stage) = self.stage(place) else {
            return Class::Within(true);
        };
        let judged = stage.judge(decided);
        // Which rule it is matters where packets stop, and for what a firewall lets pass.
        let of_interest = judged.verdict != Verdict::Allow || stage.at == At::Firewall;
        let rule = if of_interest { stage.deciding(decided, &judged) } else { None };
        let rule = rule.map(|rule| Decider {
            name: rule.name.to_owned(),
            key: (rule.key != rule.name).then(|| rule.key.to_owned()),
        });
        Class::Door(judged, rule)
    }

    pub(super) fn classes(&self, decided: &[Decided]) -> Vec<Class> {
        decided.iter().enumerate().map(|(place, decided)| self.class(place, decided)).collect()
    }

    /// The packets with this remote side by what `key` makes of what becomes of them.
    pub(super) fn parts<K: Ord + Clone>(
        &self,
        remote: &AddrSet,
        key: impl Fn(&Outcome) -> Option<K>,
    ) -> Vec<Part<K>> {
        self.parts_beside(remote, &[], |outcome, _| key(outcome))
    }

    /// The same, with the numbers of the rules that decide in chains that stand beside the way.
    pub(super) fn parts_beside<K: Ord + Clone>(
        &self,
        remote: &AddrSet,
        beside: &[&Chain],
        key: impl Fn(&Outcome, &[Option<usize>]) -> Option<K>,
    ) -> Vec<Part<K>> {
        let within = self.within(remote);
        let mut chains = self.chains(&within);
        chains.extend(beside);
        let number = |class: &Class| if let Class::Number(number) = class { *number } else { None };
        partition(
            &chains,
            |place, decided| self.class(place, decided),
            |classes| {
                let (way, beside) = classes.split_at(self.deciding());
                let beside: Vec<Option<usize>> = beside.iter().map(number).collect();
                self.outcome(way).and_then(|outcome| key(&outcome, &beside))
            },
        )
    }
}

/// A rule that takes packets by their addresses alone.
pub(super) fn taking(name: &str, src: Arc<AddrSet>, dst: Arc<AddrSet>) -> Rule {
    Rule {
        name: name.to_owned(),
        priority: 0,
        access: Access::Allow,
        protocol: Protocol::Any,
        src,
        dst,
        sport: Ports::all(),
        dport: Ports::all(),
    }
}
