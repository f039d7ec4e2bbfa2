//! The way: what the files of all targets do together, from each subnet to what it needs, and back.
//!
//! Each artefact is proven by itself before; here they are put on their subnets as the associations say, and every
//! packet of every subnet is followed to where it arrives or stops.

mod endpoints;
mod environment;
mod hosts;
mod needs;
mod proof;
mod said;

use std::sync::Arc;

pub(super) use proof::Proof;

use super::acceptance;
use super::difference::Differs;
use super::report::{Failure, FailureKind, Report};
use super::work::Work;
use crate::addr::AddrSet;
use crate::packet::{Direction, NextHop, Ports, Protocol};
use crate::plan::extra_of;
use crate::policy::Flow;
use crate::read::resources::Resources;
use crate::replay::way::{Asked, Condition, Model, Outcome, Verdict, Way};
use crate::rules::{Access, Chain, Part, Rule};
use crate::tags::Snapshot;
use crate::target::Target;
use needs::Needs;
use proof::Course;
use said::Stop;

/// Follows every packet of every subnet over what `resources` hold together, and says of each need whether it works.
///
/// # Cost
/// That of the partition of the header space, once for all subnets with the same group, table and way out.
pub(super) fn check(
    proof: &Proof<'_>,
    snapshot: &Snapshot,
    resources: &Resources,
    report: &mut Report,
) -> Vec<Work> {
    let environment = environment::of(proof, resources, report);
    acceptance::check(proof.policy, &environment, resources, proof.format, report);
    let model = match Model::new(&environment, snapshot) {
        Ok(model) => model,
        // What cannot be read is a failure of its own artefact already.
        Err(_) => return Vec::new(),
    };
    let mut works = Vec::new();
    for subnets in model.alike() {
        let course = Course { proof, model: &model, subnets: &subnets };
        // Tables that are not made here may lead anywhere.
        if proof.targets.contains(&Target::RouteTable) {
            course.bypass(report);
        }
        for direction in [Direction::Inbound, Direction::Outbound] {
            works.extend(course.works(direction));
        }
    }
    works.sort();
    works.dedup_by(|later, first| (&later.need, &later.subnet) == (&first.need, &first.subnet));
    for work in works.iter().filter(|work| work.is_broken() && !proof.policy.accept_missing) {
        report.failures.push(failure(proof, work));
    }
    works
}

/// A need that works nowhere though the files say it.
fn failure(proof: &Proof<'_>, work: &Work) -> Failure {
    let target = match work.stops_at {
        Some("nsg") => Target::Nsg,
        Some("firewall") => Target::Firewall,
        _ => Target::RouteTable,
    };
    let nowhere = Differs::Nowhere {
        need: work.need.clone(),
        subnet: work.subnet.clone(),
        why: work.why.clone().map(Box::new),
        remedy: work.remedy.clone().map(Box::new),
    };
    Failure {
        packet: work.packet,
        rules: work.rule.iter().cloned().collect(),
        need: Some(work.need.clone()),
        ..Failure::new(target, proof.format, FailureKind::Nowhere, nowhere)
    }
}

impl Course<'_, '_> {
    /// What goes past the firewall though no route of its subnet asks for that.
    fn bypass(&self, report: &mut Report) {
        let asked = self.direct();
        let past = |outcome: &Outcome, beside: &[Option<usize>]| {
            let passes = outcome.verdict != Verdict::Deny && outcome.way == Way::Direct;
            (passes && beside[0].is_none()).then_some(())
        };
        let asked = Asked { direction: Direction::Outbound, nameless: false, beside: &[&asked] };
        let found = self.model.outcomes(self.subnets, &asked, past);
        let Some(part) = found.ok().and_then(|parts| parts.into_iter().next()) else { return };
        let subnet = self.subnet_of(part.packet.src());
        let own = self.proof.policy.network.subnets.get(subnet);
        let (packet, subnet) = (part.packet, subnet.to_owned());
        let bypass = match endpoints::taking(own, &packet) {
            Some(service) => Differs::EndpointBypass { packet, subnet, service: service.clone() },
            None => Differs::Bypass { packet, subnet },
        };
        report.failures.push(Failure {
            packet: Some(part.packet),
            ..Failure::new(Target::RouteTable, self.proof.format, FailureKind::Bypass, bypass)
        });
    }

    fn subnet_of(&self, address: std::net::IpAddr) -> &str {
        let own = self.subnets.iter().find(|subnet| subnet.prefixes.contains(address));
        own.map_or("", |subnet| subnet.name.as_str())
    }

    /// What may go to the Internet directly, as rules by subnet: all where no default route leads elsewhere, else what
    /// its routes lead there, and of what service endpoints take what is needed.
    fn direct(&self) -> Chain {
        let policy = self.proof.policy;
        let mut chain = Chain::default();
        for subnet in self.subnets {
            let mut sets = Vec::new();
            for v6 in [false, true] {
                let hop = policy.default_way_of(&subnet.name, v6);
                if hop.is_none_or(|hop| hop == NextHop::Internet) {
                    let all = AddrSet::all();
                    sets.push(if v6 {
                        AddrSet { v6: all.v6, ..AddrSet::empty() }
                    } else {
                        AddrSet { v4: all.v4, ..AddrSet::empty() }
                    });
                }
            }
            for need in policy.routes_of(&subnet.name).filter(|need| need.next_hop == NextHop::Internet) {
                sets.push(policy.route_set(need, &subnet.name));
                sets.push(extra_of(self.proof.extras, Target::RouteTable, &need.id));
            }
            let Some(own) = policy.network.subnets.get(&subnet.name) else { continue };
            sets.push(endpoints::whole(self.proof, own));
            chain.push(rule(&subnet.name, &subnet.prefixes, AddrSet::union_of(&sets)));
            for rule in endpoints::asked(self.proof, &subnet.name, own) {
                chain.push(rule);
            }
        }
        chain
    }

    /// Of each need of these subnets whether it works.
    fn works(&self, direction: Direction) -> Vec<Work> {
        let mut works = self.by_address(direction);
        if direction == Direction::Outbound {
            works.extend(hosts::works(self));
        }
        works
    }

    /// Of each need by address. Its packets have no name that a rule of the firewall could take.
    fn by_address(&self, direction: Direction) -> Vec<Work> {
        let needs = Needs::of(self.proof, self.subnets, direction);
        if needs.is_empty() {
            return Vec::new();
        }
        let stops = |outcome: &Outcome, beside: &[Option<usize>]| {
            let asked = needs.is_asked(beside[0]);
            (asked && !arrives(outcome)).then(|| outcome.clone())
        };
        let asked = Asked { direction, nameless: true, beside: &[needs.chain()] };
        let missing = self.model.outcomes(self.subnets, &asked, stops).unwrap_or_default();
        needs.flows().flat_map(|flow| self.work(flow, direction, &missing)).collect()
    }

    fn work(&self, flow: &Flow, direction: Direction, missing: &[Part<Outcome>]) -> Vec<Work> {
        let Some(boxed) = needs::rule_of(self.proof.policy, flow) else { return Vec::new() };
        let mut stopped = missing
            .iter()
            .filter_map(|part| Some(Stop { outcome: &part.key, packet: needs::packet_of(part, &boxed)? }));
        let stopped = stopped.next();
        let some = stopped.is_some_and(|_| self.some_arrives(direction, &boxed));
        said::of(self, flow, stopped, some)
    }

    /// Whether some packets of a need arrive all the same.
    fn some_arrives(&self, direction: Direction, need: &Rule) -> bool {
        let mut chain = Chain::default();
        chain.push(need.clone());
        let some = |outcome: &Outcome, beside: &[Option<usize>]| {
            (beside[0].is_some() && arrives(outcome)).then_some(())
        };
        let asked = Asked { direction, nameless: true, beside: &[&chain] };
        let found = self.model.outcomes(self.subnets, &asked, some);
        found.is_ok_and(|parts| !parts.is_empty())
    }
}

/// Whether packets arrive as far as this can be known: what hangs on a peering that was not given, or on a tag that no
/// file holds, is not held against a need; what hangs on a host is.
fn arrives(outcome: &Outcome) -> bool {
    match outcome.verdict {
        Verdict::Allow => true,
        Verdict::Deny => false,
        Verdict::If => !outcome.conditions.iter().any(|condition| matches!(condition, Condition::Host(_))),
    }
}

fn rule(name: &str, src: &AddrSet, dst: AddrSet) -> Rule {
    Rule {
        name: name.to_owned(),
        priority: 0,
        access: Access::Allow,
        protocol: Protocol::Any,
        src: Arc::new(src.clone()),
        dst: Arc::new(dst),
        sport: Ports::all(),
        dport: Ports::all(),
    }
}
