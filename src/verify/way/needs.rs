//! The needs of subnets as one chain that is held beside the way.

use std::net::IpAddr;
use std::sync::Arc;

use super::proof::Proof;
use crate::addr::{AddrSet, IntervalSet};
use crate::packet::{Direction, Ports, Protocol};
use crate::policy::{Flow, Policy, Remote};
use crate::replay::way::Subnet;
use crate::rules::{Access, Chain, Packet, Part, Rule, ServiceBox};
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

/// The packet with the lowest addresses and ports that a part holds and `rule` takes; `None` if there is none.
pub(super) fn packet_of<K>(part: &Part<K>, rule: &Rule) -> Option<Packet> {
    let lowest = |a: &AddrSet, b: &AddrSet| {
        let both = a.intersection(b);
        let v4 = both.v4.first().map(|first| IpAddr::V4(first.into()));
        v4.or_else(|| both.v6.first().map(|first| IpAddr::V6(first.into())))
    };
    let (src, dst) = (lowest(&part.sources, &rule.src)?, lowest(&part.destinations, &rule.dst)?);
    let of = |service: &ServiceBox| {
        if !service.protocol.is_taken_by(rule.protocol) {
            return None;
        }
        if !service.protocol.has_ports() {
            return Packet::new(src, dst, service.protocol, None).ok().filter(|_| rule.dport.is_all());
        }
        let first = |set: &IntervalSet<u16>| Some(set.intervals().first()?.first());
        let dport = first(&service.dport.set().intersection(rule.dport.set()))?;
        Packet::new(src, dst, service.protocol, Some((first(service.sport.set())?, dport))).ok()
    };
    part.services.iter().find_map(of)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addr::IpPrefix;
    use crate::rules::PacketProtocol;

    fn set(text: &str) -> AddrSet {
        text.parse::<IpPrefix>().expect("a prefix").into()
    }

    #[test]
    fn a_part_meets_a_need_by_addresses_protocol_and_ports_at_once() {
        let ports = |text: &str| text.parse::<Ports>().expect("ports");
        let service = |protocol, dport| ServiceBox { protocol, sport: Ports::all(), dport };
        let part = |services: Vec<ServiceBox>| Part {
            key: (),
            sources: set("10.20.1.0/24"),
            destinations: set("198.51.100.0/24"),
            services,
            packet: Packet::new(
                [10, 20, 1, 0].into(),
                [198, 51, 100, 0].into(),
                PacketProtocol::Tcp,
                Some((0, 443)),
            )
            .expect("a packet"),
        };
        let (from, to) = (set("10.20.0.0/16"), set("198.51.100.128/25"));
        let tcp =
            part(vec![service(PacketProtocol::Tcp, ports("443")), service(PacketProtocol::Udp, ports("53"))]);
        let asks = |protocol, dport: &str| probe(&from, &to, protocol, &ports(dport));
        let meets = |part: &Part<()>, rule: &Rule| packet_of(part, rule).is_some();
        let packet = packet_of(&tcp, &asks(Protocol::Tcp, "400-500")).expect("they meet");
        assert_eq!(packet.to_string(), "tcp 10.20.1.0:0 -> 198.51.100.128:443");
        assert!(meets(&tcp, &asks(Protocol::Any, "53")));
        assert!(!meets(&tcp, &asks(Protocol::Tcp, "444-500")));
        assert!(!meets(&tcp, &asks(Protocol::Tcp, "53")), "that is the port of UDP");
        assert!(!meets(&tcp, &asks(Protocol::Udp, "443")));
        assert!(!meets(&tcp, &probe(&set("10.21.0.0/16"), &to, Protocol::Tcp, &ports("443"))));
        assert!(!meets(&tcp, &probe(&from, &set("203.0.113.0/24"), Protocol::Tcp, &ports("443"))));
        // A need with ports does not ask for protocols that have none.
        let icmp = part(vec![service(PacketProtocol::Icmp, Ports::all())]);
        assert!(meets(&icmp, &probe(&from, &to, Protocol::Any, &Ports::all())));
        assert!(!meets(&icmp, &asks(Protocol::Any, "443")));
    }
}
