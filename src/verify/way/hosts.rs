//! Needs by host name: they work where the group lets their port through to wherever the host may be, the routes lead
//! to a firewall, and its rules take the name.

use std::collections::BTreeMap;

use super::proof::Course;
use super::said::Stop;
use super::{needs, said};
use crate::addr::AddrSet;
use crate::packet::{Direction, Ports, Protocol};
use crate::policy::{Flow, Policy, Remote};
use crate::replay::HostKey;
use crate::replay::way::{Asked, Condition, Outcome, Verdict};
use crate::rules::{Chain, Part};
use crate::tags::Symbol;
use crate::verify::work::Work;

/// Where hosts may be, and by which service they are asked for.
type Probe = (String, Protocol, Ports, Vec<String>);

/// Of each need by host whether it works.
pub(super) fn works(course: &Course<'_, '_>) -> Vec<Work> {
    let policy = course.proof.policy;
    let mut probes: BTreeMap<Probe, Vec<&Flow>> = BTreeMap::new();
    let own = policy.flows.iter().filter(|flow| {
        flow.direction == Direction::Outbound && course.subnets.iter().any(|s| s.name == flow.subnet)
    });
    for flow in own.filter(|flow| !flow.stand_in && key_of(flow).is_some()) {
        let covering: Vec<String> = covering(policy, flow).iter().map(|other| other.id.to_string()).collect();
        let protocol = protocol_of(flow);
        let probe = (flow.subnet.clone(), protocol, flow.ports.clone(), covering);
        probes.entry(probe).or_default().push(flow);
    }
    let mut works = Vec::new();
    for (probe, flows) in probes {
        let outcomes = outcomes(course, flows[0], &probe);
        works.extend(flows.into_iter().flat_map(|flow| of_host(course, flow, &outcomes)));
    }
    works
}

fn key_of(flow: &Flow) -> Option<HostKey> {
    match &flow.remote {
        Remote::Fqdn(host) => Some(HostKey::Host(host.as_str().to_owned())),
        Remote::FqdnTag(tag) => Some(HostKey::Tag(tag.clone())),
        Remote::Url(url) => Some(HostKey::Url(url.clone())),
        _ => None,
    }
}

/// HTTP and HTTPS by name are TCP, also where any protocol is asked for.
fn protocol_of(flow: &Flow) -> Protocol {
    let web =
        flow.ports.set().intervals().iter().all(|i| i.first() == i.last() && [80, 443].contains(&i.first()));
    if flow.protocol == Protocol::Any && web { Protocol::Tcp } else { flow.protocol }
}

/// The needs whose rules let the host through where it cannot be said, as the catalogue has it.
fn covering<'a>(policy: &'a Policy, flow: &Flow) -> Vec<&'a Flow> {
    policy.flows.iter().filter(|other| other.covers(flow)).collect()
}

/// What becomes of packets to wherever hosts of a probe may be: in what covers them, else anywhere outside. IPv4, as
/// the firewall is.
fn outcomes(course: &Course<'_, '_>, flow: &Flow, probe: &Probe) -> Vec<Part<Outcome>> {
    let symbols = course.proof.policy.symbols();
    let covering = covering(course.proof.policy, flow);
    let sets: Vec<AddrSet> = covering.iter().filter_map(|other| other.remote_set(&symbols)).collect();
    let remote = match sets.is_empty() {
        true => symbols.get(Symbol::Internet),
        false => AddrSet::union_of(&sets),
    };
    let v4 = |set: &AddrSet| AddrSet { v4: set.v4.clone(), ..AddrSet::empty() };
    let mut chain = Chain::default();
    chain.push(needs::probe(&v4(&flow.local), &v4(&remote), probe.1, &probe.2));
    let key = |outcome: &Outcome, beside: &[Option<usize>]| beside[0].is_some().then(|| outcome.clone());
    let asked = Asked { direction: Direction::Outbound, nameless: false, beside: &[&chain] };
    course.model.outcomes(course.subnets, &asked, key).unwrap_or_default()
}

fn of_host(course: &Course<'_, '_>, flow: &Flow, outcomes: &[Part<Outcome>]) -> Vec<Work> {
    let Some(key) = key_of(flow) else { return Vec::new() };
    let name = key.example();
    let passes = |outcome: &Outcome| match outcome.verdict {
        Verdict::Allow => true,
        Verdict::Deny => false,
        Verdict::If => outcome.conditions.iter().any(|condition| match condition {
            Condition::Host(taken) => taken.covers(&name),
            _ => false,
        }),
    };
    let stopped = outcomes.iter().find(|part| !passes(&part.key));
    let stopped = stopped.map(|part| Stop { outcome: &part.key, packet: part.packet });
    // Where a host may be anywhere, that some of it is let through says nothing.
    let covered = !covering(course.proof.policy, flow).is_empty();
    let some = covered && outcomes.iter().any(|part| passes(&part.key));
    let mut works = said::of(course, flow, stopped, some);
    // Where there is no firewall, there is nothing that could take a name.
    if course.proof.policy.network.firewall.is_empty() {
        works.iter_mut().for_each(|work| work.declared = false);
    }
    works
}
