//! What becomes of one packet, worked out slowly and plainly: every list is read rule by rule from its texts, every
//! prefix is tried by length, and whatever is not known is tried both ways.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use tagwall::packet::Direction;
use tagwall::read::resources::{FirewallRule, RouteTable, SecurityRule};
use tagwall::replay::way::{
    Assumption, At, Environment, Middle, Network, Outbound, Role, Subnet, Verdict, Way,
};
use tagwall::rules::{Packet, PacketProtocol};

use super::TAGS;

/// What may become of a packet: every way in which what is not known may turn out.
pub(super) struct Obvious {
    /// The ways of those that arrive.
    pub(super) arrive: BTreeSet<Way>,
    /// Where the others stop.
    pub(super) stop: BTreeSet<At>,
    /// Whether the way is unknown too.
    pub(super) elsewhere: bool,
}

impl Obvious {
    pub(super) fn verdict(&self) -> Verdict {
        match (self.arrive.is_empty(), self.stop.is_empty()) {
            (false, true) => Verdict::Allow,
            (true, false) => Verdict::Deny,
            _ => Verdict::If,
        }
    }
}

/// Answers to what is not known, each asked for in turn.
struct Answers {
    given: Vec<bool>,
    asked: usize,
}

impl Answers {
    fn ask(&mut self) -> bool {
        if self.asked == self.given.len() {
            self.given.push(false);
        }
        self.asked += 1;
        self.given[self.asked - 1]
    }

    /// The next row of answers, as one counts in binary.
    fn advance(&mut self) -> bool {
        self.given.truncate(self.asked);
        self.asked = 0;
        while let Some(last) = self.given.pop() {
            if !last {
                self.given.push(true);
                return true;
            }
        }
        false
    }
}

pub(super) fn obvious(world: &Environment, subnet: &Subnet, way: Direction, packet: &Packet) -> Obvious {
    let elsewhere =
        way == Direction::Outbound && One { world, subnet, packet }.may_go_elsewhere(packet.dst());
    let mut found = Obvious { arrive: BTreeSet::new(), stop: BTreeSet::new(), elsewhere };
    let mut answers = Answers { given: Vec::new(), asked: 0 };
    loop {
        let one = One { world, subnet, packet };
        let result = match way {
            Direction::Outbound => one.outbound(&mut answers),
            Direction::Inbound => one.inbound(&mut answers),
        };
        match result {
            Ok(way) => found.arrive.insert(way),
            Err(at) => found.stop.insert(at),
        };
        if !answers.advance() {
            return found;
        }
    }
}

struct One<'w> {
    world: &'w Environment,
    subnet: &'w Subnet,
    packet: &'w Packet,
}

/// Where routes lead.
#[derive(Clone, Copy, PartialEq)]
enum Leads {
    Inside,
    Peer,
    Gateway,
    Endpoint,
    Internet,
    /// Dropped by the system's own route.
    SystemNone,
    None,
    Appliance(IpAddr),
}

impl One<'_> {
    fn assumes(&self, assumption: Assumption) -> bool {
        self.world.assumptions.holds(assumption)
    }

    fn outbound(&self, answers: &mut Answers) -> Result<Way, At> {
        self.doors(self.subnet, Direction::Outbound, answers)?;
        let to = self.packet.dst();
        if self.may_go_elsewhere(to) {
            // Nobody knows what becomes of it, whatever the known routes do.
            let known = self.led(self.leads_known(to), answers);
            return if answers.ask() { Err(At::Route) } else { Ok(known.unwrap_or(Way::None)) };
        }
        self.led(self.leads_known(to), answers)
    }

    fn led(&self, leads: Leads, answers: &mut Answers) -> Result<Way, At> {
        match leads {
            Leads::Inside => self.arrive(answers).map(|()| Way::Inside),
            Leads::Peer => Ok(Way::Peer),
            Leads::Gateway => Ok(Way::Gateway),
            Leads::Endpoint => Ok(Way::Direct),
            Leads::Internet => {
                let out = match (self.subnet.outbound, self.subnet.private) {
                    (Some(Outbound::Nat | Outbound::PublicIp | Outbound::LoadBalancer), _) => true,
                    (Some(Outbound::Default), private) => private != Some(true),
                    (Some(_), _) => false,
                    (None, Some(true)) if !matches!(self.subnet.role, Role::Delegated(_)) => false,
                    (None, _) => self.assumes(Assumption::WayOut) || answers.ask(),
                };
                if out { Ok(Way::Direct) } else { Err(At::Outbound) }
            }
            Leads::SystemNone if self.world.network.closed => Err(At::Route),
            Leads::SystemNone => answers.ask().then_some(Way::Peer).ok_or(At::Route),
            Leads::None => Err(At::Route),
            Leads::Appliance(at) => {
                self.through(at, answers)?;
                self.arrive(answers).map(|()| Way::Firewall)
            }
        }
    }

    fn inbound(&self, answers: &mut Answers) -> Result<Way, At> {
        self.doors(self.subnet, Direction::Inbound, answers)?;
        let src = self.packet.src();
        let network = &self.world.network;
        let platform = ["168.63.129.16", "169.254.169.254"].contains(&src.to_string().as_str());
        let way = if network.space.contains(src) || platform {
            Way::Inside
        } else if network.peers.contains(src) {
            Way::Peer
        } else if behind(network, src) {
            Way::Gateway
        } else if src.to_string().starts_with("10.") {
            let there = !network.closed && answers.ask();
            return if there { Ok(Way::Peer) } else { Err(At::Route) };
        } else {
            let enters = match self.subnet.outbound {
                Some(Outbound::PublicIp | Outbound::LoadBalancer) => true,
                Some(_) => false,
                None => self.assumes(Assumption::WayOut) || answers.ask(),
            };
            if !enters {
                return Err(At::Outbound);
            }
            let back = self.leads_known(src);
            return if matches!(back, Leads::Internet | Leads::Endpoint) {
                Ok(Way::Direct)
            } else {
                Err(At::Route)
            };
        };
        match self.leads_known(src) {
            Leads::None | Leads::SystemNone => Err(At::Route),
            Leads::Appliance(_) if !self.assumes(Assumption::Symmetric) && !answers.ask() => Err(At::Route),
            _ => Ok(way),
        }
    }

    /// The inbound doors before the destination, if it is in a subnet.
    fn arrive(&self, answers: &mut Answers) -> Result<(), At> {
        let own = self.world.subnets.iter().find(|own| own.prefixes.contains(self.packet.dst()));
        match own {
            Some(own) => self.groups(own, Direction::Inbound, answers),
            None => Ok(()),
        }
    }

    fn doors(&self, subnet: &Subnet, way: Direction, answers: &mut Answers) -> Result<(), At> {
        match self.first(&self.world.admin, subnet, way, answers).as_deref() {
            Some("deny") => return Err(At::Admin),
            Some("alwaysallow") => return Ok(()),
            _ => {}
        }
        self.groups(subnet, way, answers)
    }

    fn groups(&self, subnet: &Subnet, way: Direction, answers: &mut Answers) -> Result<(), At> {
        for name in [&subnet.interface_group, &subnet.group].into_iter().flatten() {
            let passes = match self.world.groups.iter().find(|group| group.name == *name) {
                None => answers.ask(),
                Some(group) => match self.first(&group.rules, subnet, way, answers) {
                    Some(access) => access == "allow",
                    None => self.by_default(subnet, way),
                },
            };
            if !passes {
                return Err(At::Nsg);
            }
        }
        Ok(())
    }

    /// The access of the first rule that takes the packet.
    fn first(
        &self,
        rules: &[SecurityRule],
        subnet: &Subnet,
        way: Direction,
        answers: &mut Answers,
    ) -> Option<String> {
        let mut own: Vec<&SecurityRule> =
            rules.iter().filter(|r| r.direction.eq_ignore_ascii_case(way.name())).collect();
        own.sort_by_key(|rule| rule.priority);
        for rule in own {
            let tag = [&rule.sources[0], &rule.destinations[0]].into_iter().any(|side| side == "Unheard");
            let matches = self.service(rule)
                && self.on_side(&rule.sources, self.packet.src(), subnet, false)
                && self.on_side(&rule.destinations, self.packet.dst(), subnet, way == Direction::Outbound);
            if matches && (!tag || answers.ask()) {
                return Some(rule.access.to_ascii_lowercase());
            }
        }
        None
    }

    fn service(&self, rule: &SecurityRule) -> bool {
        let protocol =
            rule.protocol == "*" || rule.protocol.eq_ignore_ascii_case(self.packet.protocol().name());
        let all = rule.source_ports == ["*"] && rule.destination_ports == ["*"];
        let ported = self.packet.protocol().has_ports();
        let ports = match self.packet.dport() {
            _ if all => true,
            Some(port) => rule.destination_ports.iter().any(|own| own == "*" || *own == port.to_string()),
            None => {
                !ported
                    && self.packet.protocol() != PacketProtocol::Other
                    && !self.assumes(Assumption::Portless)
            }
        };
        protocol && ports
    }

    /// Whether one of the texts holds the address, as the tags are meant in `subnet`.
    fn on_side(&self, texts: &[String], address: IpAddr, subnet: &Subnet, outward: bool) -> bool {
        let platform = ["168.63.129.16", "169.254.169.254"].contains(&address.to_string().as_str());
        if outward && platform && self.assumes(Assumption::Platform) {
            return texts == ["AzurePlatformDNS"] && address.to_string() == "168.63.129.16";
        }
        texts.iter().any(|text| match text.as_str() {
            "*" | "Unheard" => true,
            "VirtualNetwork" => self.is_network(address, subnet),
            "Internet" => self.is_internet(address, subnet),
            "AzureLoadBalancer" | "AzurePlatformDNS" => address.to_string() == "168.63.129.16",
            text => match TAGS.iter().find(|(name, _)| *name == text) {
                Some((_, prefixes)) => prefixes.iter().any(|prefix| holds(prefix, address)),
                None => holds(text, address),
            },
        })
    }

    fn routes(&self, subnet: &Subnet) -> Option<&RouteTable> {
        self.world.tables.iter().find(|table| Some(&table.name) == subnet.table.as_ref())
    }

    fn learns(&self, subnet: &Subnet) -> bool {
        !self.routes(subnet).and_then(|table| table.disable_bgp).unwrap_or(false)
    }

    fn is_network(&self, address: IpAddr, subnet: &Subnet) -> bool {
        let network = &self.world.network;
        let grown = self
            .routes(subnet)
            .is_some_and(|table| table.routes.iter().any(|route| in_text(&route.address_prefix, address)))
            || announces(network, "0.0.0.0/0") && self.learns(subnet);
        network.space.contains(address)
            || network.peers.contains(address)
            || behind(network, address)
            || address.to_string() == "168.63.129.16"
            || grown && self.assumes(Assumption::VirtualNetworkGrows)
    }

    fn is_internet(&self, address: IpAddr, subnet: &Subnet) -> bool {
        let network = &self.world.network;
        let by_tag = self.routes(subnet).is_some_and(|table| {
            let is_tag = |text: &str| TAGS.iter().any(|(name, _)| *name == text);
            let tags = table.routes.iter().filter(|route| is_tag(&route.address_prefix));
            tags.into_iter().any(|route| in_text(&route.address_prefix, address))
        });
        let special = ["10.", "169.254."].iter().any(|start| address.to_string().starts_with(start));
        let platform = address.to_string() == "168.63.129.16";
        let own = network.space.contains(address) || network.peers.contains(address);
        let taken = special || platform || own || by_tag && self.assumes(Assumption::TagRoutes);
        !taken && (self.assumes(Assumption::PublicOnPremises) || !behind(network, address))
    }

    /// Azure's own rules at the end of a group.
    fn by_default(&self, subnet: &Subnet, way: Direction) -> bool {
        let (src, dst) = (self.packet.src(), self.packet.dst());
        let text = |text: &str| [text.to_owned()];
        let outward = way == Direction::Outbound;
        let side = |name: &str, address, outward| self.on_side(&text(name), address, subnet, outward);
        let platform = ["168.63.129.16", "169.254.169.254"].contains(&dst.to_string().as_str());
        side("VirtualNetwork", src, false) && side("VirtualNetwork", dst, outward)
            || !outward && side("AzureLoadBalancer", src, false)
            || outward && side("Internet", dst, true)
            || outward && platform && self.assumes(Assumption::Platform)
    }

    /// Whether a route that nobody knows may take the packet.
    pub(super) fn may_go_elsewhere(&self, to: IpAddr) -> bool {
        let platform = ["168.63.129.16", "169.254.169.254"].contains(&to.to_string().as_str());
        let unheard = self.routes(self.subnet).map_or_else(
            || self.subnet.table.is_some(),
            |table| table.routes.iter().any(|route| route.address_prefix == "Unheard"),
        );
        let own = platform || self.leads_known(to) == Leads::Inside && !self.by_user(to);
        unheard && !own
    }

    fn by_user(&self, to: IpAddr) -> bool {
        self.decided(to).1
    }

    fn leads_known(&self, to: IpAddr) -> Leads {
        self.decided(to).0
    }

    /// Where the longest prefix leads, and whether it is the user's.
    fn decided(&self, to: IpAddr) -> (Leads, bool) {
        if ["168.63.129.16", "169.254.169.254"].contains(&to.to_string().as_str()) {
            return (Leads::Inside, false);
        }
        if self.subnet.endpoints.iter().any(|(_, set)| set.contains(to)) {
            return (Leads::Endpoint, false);
        }
        let IpAddr::V4(address) = to else { unreachable!("the world is of IPv4") };
        let table = self.routes(self.subnet);
        let network = &self.world.network;
        let has = |set: &tagwall::addr::AddrSet, text: &str| set.prefixes().any(|p| p.to_string() == text);
        let peers = !table.and_then(|table| table.disable_peering_route).unwrap_or(false);
        let preferred = network.space.contains(to) || (peers && network.peers.contains(to));
        for len in (0..=32_u32).rev() {
            let masked = u32::from(address) & u32::MAX.checked_shl(32 - len).unwrap_or(0);
            let text = format!("{}/{len}", Ipv4Addr::from(masked));
            let routes = table.map(|table| table.routes.as_slice()).unwrap_or_default();
            let explicit = routes.iter().rev().find(|route| route.address_prefix == text);
            let tagged = routes.iter().rev().find(|route| {
                TAGS.iter().any(|(name, own)| *name == route.address_prefix && own.contains(&text.as_str()))
            });
            if let Some(route) = explicit.or(tagged) {
                let hop = match route.next_hop_type.as_str() {
                    "Internet" => Leads::Internet,
                    "None" => Leads::None,
                    "VnetLocal" => Leads::Inside,
                    "VirtualNetworkGateway" => Leads::Gateway,
                    _ => Leads::Appliance(route.next_hop_address.as_ref().unwrap().parse().unwrap()),
                };
                return (hop, true);
            }
            if announces(network, &text) && self.learns(self.subnet) && !preferred {
                return (Leads::Gateway, false);
            }
            if has(&network.peers, &text) && peers {
                return (Leads::Peer, false);
            }
            if has(&network.space, &text) {
                return (Leads::Inside, false);
            }
            if text == "10.0.0.0/8" {
                return (Leads::SystemNone, false);
            }
        }
        (Leads::Internet, false)
    }

    fn through(&self, at: IpAddr, answers: &mut Answers) -> Result<(), At> {
        let own = self.world.network.firewall.contains(&at);
        let passes = match &self.world.firewall {
            Middle::Azure { policies, .. } if own => self.by_firewall(policies, answers),
            Middle::Missing if own => answers.ask(),
            _ => self.assumes(Assumption::AppliancePasses) || answers.ask(),
        };
        if passes { Ok(()) } else { Err(At::Firewall) }
    }

    fn by_firewall(
        &self,
        policies: &[Vec<tagwall::read::resources::RuleCollectionGroup>],
        answers: &mut Answers,
    ) -> bool {
        for kind in ["network", "application"] {
            for policy in policies {
                let mut collections: Vec<_> =
                    policy.iter().flat_map(|g| g.collections.iter().map(|c| (g.priority, c))).collect();
                collections.sort_by_key(|(group, c)| (*group, c.priority));
                for (_, collection) in collections {
                    for rule in &collection.rules {
                        if self.takes(rule, kind, answers) {
                            return collection.action == "Allow";
                        }
                    }
                }
            }
        }
        false
    }

    fn takes(&self, rule: &FirewallRule, kind: &str, answers: &mut Answers) -> bool {
        let (src, dst) = (self.packet.src(), self.packet.dst());
        let port = |ports: &[String]| match self.packet.dport() {
            Some(port) => ports.iter().any(|own| own == "*" || *own == port.to_string()),
            None => ports.iter().any(|own| own == "*"),
        };
        match rule {
            FirewallRule::Network(rule) if kind == "network" => {
                let protocol = rule
                    .protocols
                    .iter()
                    .any(|p| p == "Any" || p.eq_ignore_ascii_case(self.packet.protocol().name()));
                protocol
                    && port(&rule.ports)
                    && rule.sources.iter().any(|text| in_text(text, src))
                    && rule.destinations.iter().any(|text| in_text(text, dst))
            }
            FirewallRule::Application(rule) if kind == "application" => {
                let matches = self.packet.protocol() == PacketProtocol::Tcp
                    && rule.protocols.iter().any(|(_, port)| Some(*port) == self.packet.dport())
                    && rule.sources.iter().any(|text| in_text(text, src));
                matches && rule.fqdns.iter().any(|_| answers.ask())
            }
            _ => false,
        }
    }
}

/// Whether a prefix, a tag or `*` holds an address.
fn in_text(text: &str, address: IpAddr) -> bool {
    match TAGS.iter().find(|(name, _)| *name == text) {
        Some((_, prefixes)) => prefixes.iter().any(|prefix| holds(prefix, address)),
        None => text == "*" || holds(text, address),
    }
}

fn holds(prefix: &str, address: IpAddr) -> bool {
    let IpAddr::V4(address) = address else { return false };
    let (first, len) = prefix.split_once('/').unwrap_or((prefix, "32"));
    let (Ok(first), Ok(len)) = (first.parse::<Ipv4Addr>(), len.parse::<u32>()) else { return false };
    let mask = u32::MAX.checked_shl(32 - len).unwrap_or(0);
    u32::from(first) & mask == u32::from(address) & mask
}

/// Whether the gateway announces a network that holds `address`, whatever is by its default route.
fn behind(network: &Network, address: IpAddr) -> bool {
    let announced = network.on_premises.prefixes().iter().map(ToString::to_string);
    announced.into_iter().any(|text| text != "0.0.0.0/0" && in_text(&text, address))
}

fn announces(network: &Network, text: &str) -> bool {
    network.on_premises.prefixes().iter().any(|prefix| prefix.to_string() == text)
}
