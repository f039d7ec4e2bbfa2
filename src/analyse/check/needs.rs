//! What a policy asks for, as boxes of packets.

use crate::addr::AddrSet;
use crate::analyse::open::region_of;
use crate::packet::{Direction, Ports, Protocol};
use crate::plan::FlowId;
use crate::policy::{Flow, Policy, Remote};
use crate::replay::HostKey;
use crate::rules::{Access, PacketProtocol, Region, ServiceBox};
use crate::tags::TagName;

/// One need.
#[derive(Debug, Clone)]
pub struct Need {
    pub(super) id: FlowId,
    pub(super) direction: Direction,
    pub(super) local: AddrSet,
    /// The other side; none for hosts.
    pub(super) remote: Option<AddrSet>,
    pub(super) host: Option<HostKey>,
    pub(super) protocol: Protocol,
    pub(super) ports: Ports,
    pub(super) tag: Option<TagName>,
    pub(super) why: String,
}

/// The needs of a policy.
pub fn needs_of(policy: &Policy) -> Vec<Need> {
    let symbols = policy.symbols();
    let one = |flow: &Flow| Need {
        id: flow.id.clone(),
        direction: flow.direction,
        local: flow.local.clone(),
        remote: flow.remote_set(&symbols),
        host: match &flow.remote {
            Remote::Fqdn(host) => Some(HostKey::Host(host.as_str().to_ascii_lowercase())),
            Remote::FqdnTag(tag) => Some(HostKey::Tag(tag.to_ascii_lowercase())),
            Remote::Url(url) => Some(HostKey::Url(url.to_ascii_lowercase())),
            _ => None,
        },
        protocol: flow.protocol,
        ports: flow.ports.clone(),
        tag: match &flow.remote {
            Remote::Tag(tag) | Remote::Outside(tag) => Some(tag.name().clone()),
            _ => None,
        },
        why: flow.causes.first().map(|cause| cause.why.clone()).unwrap_or_default(),
    };
    policy.flows.iter().map(one).collect()
}

impl Need {
    /// The packets of the need, those of each family apart.
    pub(super) fn regions(&self) -> Vec<Region> {
        self.remote.as_ref().map(|remote| self.regions_to(remote)).unwrap_or_default()
    }

    /// The packets of the need if its other side is this, those of each family apart.
    pub(super) fn regions_to(&self, remote: &AddrSet) -> Vec<Region> {
        let services = services(self.protocol, &self.ports);
        let parts = [(v4(&self.local), v4(remote)), (v6(&self.local), v6(remote))];
        let region = |(local, remote): (AddrSet, AddrSet)| {
            let (src, dst) = match self.direction {
                Direction::Inbound => (remote, local),
                Direction::Outbound => (local, remote),
            };
            region_of(Access::Allow, src, dst, services.clone())
        };
        parts.into_iter().filter_map(region).collect()
    }

    /// The far side of a region.
    pub(super) fn far<'r>(&self, region: &'r Region) -> &'r AddrSet {
        match self.direction {
            Direction::Inbound => &region.sources,
            Direction::Outbound => &region.destinations,
        }
    }
}

pub(super) fn v4(set: &AddrSet) -> AddrSet {
    AddrSet { v4: set.v4.clone(), ..AddrSet::empty() }
}

fn v6(set: &AddrSet) -> AddrSet {
    AddrSet { v6: set.v6.clone(), ..AddrSet::empty() }
}

/// A rule's protocol and ports; ports with any protocol are those of TCP and UDP.
pub(super) fn services(protocol: Protocol, ports: &Ports) -> Vec<ServiceBox> {
    let taken = PacketProtocol::ALL
        .into_iter()
        .filter(|own| own.is_taken_by(protocol) && (own.has_ports() || ports.is_all()));
    taken.map(|protocol| ServiceBox { protocol, sport: Ports::all(), dport: ports.clone() }).collect()
}
