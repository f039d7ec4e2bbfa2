//! The header fields of a packet besides its addresses: direction, protocol, ports.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::addr::{Address, Interval, IntervalSet};

/// Which way a flow is opened, seen from the protected subnet. Replies need no rule of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// From the remote side into the subnet.
    Inbound,
    /// From the subnet to the remote side.
    Outbound,
}

impl Direction {
    /// Lower-case name: `inbound` or `outbound`.
    pub fn name(self) -> &'static str {
        match self {
            Direction::Inbound => "inbound",
            Direction::Outbound => "outbound",
        }
    }
}

/// The IP protocol that a need or rule asks for. Order: specific ones first, `Any` last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// TCP, protocol number 6.
    Tcp,
    /// UDP, protocol number 17.
    Udp,
    /// ICMP, protocol number 1.
    Icmp,
    /// ESP, protocol number 50.
    Esp,
    /// AH, protocol number 51.
    Ah,
    /// Every protocol.
    Any,
}

impl Protocol {
    /// Every value, in order.
    pub const ALL: [Protocol; 6] =
        [Protocol::Tcp, Protocol::Udp, Protocol::Icmp, Protocol::Esp, Protocol::Ah, Protocol::Any];

    /// Lower-case name, `any` for every protocol.
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
            Protocol::Icmp => "icmp",
            Protocol::Esp => "esp",
            Protocol::Ah => "ah",
            Protocol::Any => "any",
        }
    }

    /// Whether packets of this protocol carry ports. `Any` does not say.
    pub fn has_ports(self) -> bool {
        matches!(self, Protocol::Tcp | Protocol::Udp)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Protocol {
    type Err = PortsError;

    /// Any case; `*` is `any`.
    fn from_str(text: &str) -> Result<Self, PortsError> {
        let found = Protocol::ALL.into_iter().find(|p| p.name().eq_ignore_ascii_case(text));
        found.or((text == "*").then_some(Protocol::Any)).ok_or_else(|| PortsError(text.to_owned()))
    }
}

/// A set of ports, 0 to 65535.
///
/// ```
/// use tagwall::packet::Ports;
/// let ports: Ports = "443, 8787,8704-8710".parse()?;
/// assert_eq!(ports.to_string(), "443,8704-8710,8787");
/// assert!("*".parse::<Ports>()?.is_all());
/// assert!("".parse::<Ports>().is_err());
/// # Ok::<(), tagwall::packet::PortsError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ports(IntervalSet<u16>);

impl Ports {
    /// Every port.
    pub fn all() -> Self {
        Ports(IntervalSet::all())
    }

    /// The ports of `set`.
    pub fn new(set: IntervalSet<u16>) -> Self {
        Ports(set)
    }

    /// The ports as a set.
    pub fn set(&self) -> &IntervalSet<u16> {
        &self.0
    }

    /// Whether every port is in the set.
    pub fn is_all(&self) -> bool {
        self.0.is_all()
    }

    /// The ports in `self`, in `other` or in both.
    pub fn union(&self, other: &Self) -> Self {
        Ports(self.0.union(&other.0))
    }

    /// Each interval in the notation of the targets: `n` or `a-b`, ascending; `*` alone for every port.
    pub fn ranges(&self) -> Vec<String> {
        if self.is_all() {
            return vec!["*".to_owned()];
        }
        self.0.intervals().iter().map(Interval::to_string).collect()
    }

    /// Reads one port `n`, range `a-b` or `*`.
    ///
    /// # Errors
    /// [`PortsError`] with the text.
    pub fn parse_one(text: &str) -> Result<Interval<u16>, PortsError> {
        let error = || PortsError(text.to_owned());
        if text == "*" {
            return Ok(Interval::all());
        }
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let port = |t: &str| u16::parse(t.trim()).ok_or_else(error);
        Interval::new(port(first)?, port(last)?).ok_or_else(error)
    }
}

impl FromStr for Ports {
    type Err = PortsError;

    /// Ports, ranges and `*`, separated by commas.
    fn from_str(text: &str) -> Result<Self, PortsError> {
        text.split(',').map(|part| Ports::parse_one(part.trim())).collect::<Result<_, _>>().map(Ports)
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.ranges().join(","))
    }
}

/// Where a route sends packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NextHop {
    /// Stays inside the virtual network.
    VnetLocal,
    /// Leaves to the Internet directly; Azure's own addresses stay on its backbone.
    Internet,
    /// Is dropped.
    None,
    /// Goes to the virtual network gateway.
    Gateway,
    /// Goes to an appliance at this address.
    Appliance(IpAddr),
}

impl fmt::Display for NextHop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NextHop::VnetLocal => f.pad("VnetLocal"),
            NextHop::Internet => f.pad("Internet"),
            NextHop::None => f.pad("None"),
            NextHop::Gateway => f.pad("VirtualNetworkGateway"),
            NextHop::Appliance(addr) => f.pad(&format!("VirtualAppliance {addr}")),
        }
    }
}

/// A text that is no port list or protocol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not understood: ports are numbers from 0 to 65535, ranges a-b, or *; protocols tcp, udp, icmp, esp, ah, any"
)]
pub struct PortsError(String);
