//! The needs of subnets as one chain that is held beside the way.

use std::sync::Arc;

use super::proof::Proof;
use crate::addr::AddrSet;
use crate::packet::{Direction, Ports, Protocol};
use crate::policy::{Flow, Policy, Remote};
use crate::replay::way::Subnet;
use crate::rules::{Access, Chain, Part, Rule};
use crate::tags::Symbol;

/// The needs by address of some subnets in one direction.
pub(super) struct Needs<'a> {
    flows: Vec<&'a Flow>,
    chain: Chain,
    /// How many rules of the chain stand for what is denied.
    denied: usize,
}

impl<'a> Needs<'a> {
    pub(super) fn of(proof: &Proof<'a>, subnets: &[&Subnet], direction: Direction) -> Self {
        let policy = proof.policy;
        let own = |flow: &&Flow| {
            flow.direction == direction && subnets.iter().any(|subnet| subnet.name == flow.subnet)
        };
        let mut chain = Chain::default();
        for rule in policy.denies.iter().filter(own).filter_map(|deny| rule_of(policy, deny)) {
            chain.push(rule);
        }
        let denied = chain.rules().len();
        let mut flows = Vec::new();
        for flow in policy.flows.iter().filter(own).filter(|flow| !flow.stand_in) {
            if let Some(rule) = rule_of(policy, flow) {
                chain.push(rule);
                flows.push(flow);
            }
        }
        Needs { flows, chain, denied }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.flows.is_empty()
    }

    pub(super) fn flows(&self) -> impl Iterator<Item = &'a Flow> {
        self.flows.iter().copied()
    }

    pub(super) fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Whether a rule of the chain stands for a need.
    pub(super) fn is_asked(&self, rule: Option<usize>) -> bool {
        rule.is_some_and(|rule| rule >= self.denied)
    }
}

/// A need by address as a rule; `None` for hosts, and for the platform, which nothing on the way asks.
pub(super) fn rule_of(policy: &Policy, flow: &Flow) -> Option<Rule> {
    let platform = matches!(
        flow.remote,
        Remote::Symbol(
            Symbol::AzureLoadBalancer
                | Symbol::AzurePlatformDns
                | Symbol::AzurePlatformImds
                | Symbol::AzurePlatformLkm
        )
    );
    let remote = flow.remote_set(&policy.symbols()).filter(|_| !platform)?;
    let (local, remote) = (Arc::new(flow.local.clone()), Arc::new(remote));
    let (src, dst) = match flow.direction {
        Direction::Outbound => (local, remote),
        Direction::Inbound => (remote, local),
    };
    Some(Rule {
        name: flow.id.to_string(),
        priority: 0,
        access: Access::Allow,
        protocol: flow.protocol,
        src,
        dst,
        sport: Ports::all(),
        dport: flow.ports.clone(),
    })
}

/// Whether a part holds a packet that `rule` takes.
pub(super) fn meets<K>(part: &Part<K>, rule: &Rule) -> bool {
    let both = |a: &AddrSet, b: &AddrSet| !a.intersection(b).is_empty();
    let service = part.services.iter().any(|service| {
        let ports = if service.protocol.has_ports() {
            !service.dport.set().intersection(rule.dport.set()).is_empty()
        } else {
            rule.dport.is_all()
        };
        service.protocol.is_taken_by(rule.protocol) && ports
    });
    service && both(&part.sources, &rule.src) && both(&part.destinations, &rule.dst)
}

/// A probe: packets of one subnet by one service to one set of addresses.
pub(super) fn probe(local: &AddrSet, remote: &AddrSet, protocol: Protocol, ports: &Ports) -> Rule {
    Rule {
        name: String::new(),
        priority: 0,
        access: Access::Allow,
        protocol,
        src: Arc::new(local.clone()),
        dst: Arc::new(remote.clone()),
        sport: Ports::all(),
        dport: ports.clone(),
    }
}
