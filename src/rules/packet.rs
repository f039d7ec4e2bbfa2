//! [`Packet`]: one point of the header space.

use std::fmt;
use std::net::IpAddr;

use serde::Serialize;

use crate::packet::Protocol;

/// The protocol of a packet. Unlike [`Protocol`], which a rule asks for, it is never "any".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum PacketProtocol {
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
    /// Every other protocol number, as one class.
    Other,
}

impl PacketProtocol {
    /// Every value, in order.
    pub const ALL: [PacketProtocol; 6] = [
        PacketProtocol::Tcp,
        PacketProtocol::Udp,
        PacketProtocol::Icmp,
        PacketProtocol::Esp,
        PacketProtocol::Ah,
        PacketProtocol::Other,
    ];

    /// Lower-case name.
    pub fn name(self) -> &'static str {
        match self {
            PacketProtocol::Tcp => "tcp",
            PacketProtocol::Udp => "udp",
            PacketProtocol::Icmp => "icmp",
            PacketProtocol::Esp => "esp",
            PacketProtocol::Ah => "ah",
            PacketProtocol::Other => "other",
        }
    }

    /// Whether packets of this protocol carry ports.
    pub fn has_ports(self) -> bool {
        matches!(self, PacketProtocol::Tcp | PacketProtocol::Udp)
    }

    /// Whether a rule for `protocol` takes packets of this one.
    ///
    /// ```
    /// use tagwall::packet::Protocol;
    /// use tagwall::rules::PacketProtocol;
    /// assert!(PacketProtocol::Other.is_taken_by(Protocol::Any));
    /// assert!(!PacketProtocol::Udp.is_taken_by(Protocol::Tcp));
    /// ```
    pub fn is_taken_by(self, protocol: Protocol) -> bool {
        match protocol {
            Protocol::Any => true,
            Protocol::Tcp => self == PacketProtocol::Tcp,
            Protocol::Udp => self == PacketProtocol::Udp,
            Protocol::Icmp => self == PacketProtocol::Icmp,
            Protocol::Esp => self == PacketProtocol::Esp,
            Protocol::Ah => self == PacketProtocol::Ah,
        }
    }
}

impl fmt::Display for PacketProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The header of one packet, as far as rules look at it.
///
/// Invariant: both addresses are of one family, and there are ports exactly if the protocol has them.
///
/// ```
/// use tagwall::rules::{Packet, PacketProtocol};
/// let packet = Packet::new("10.0.0.4".parse()?, "192.0.2.1".parse()?, PacketProtocol::Tcp, Some((50123, 443)))?;
/// assert_eq!(packet.to_string(), "tcp 10.0.0.4:50123 -> 192.0.2.1:443");
/// assert!(Packet::new("10.0.0.4".parse()?, "2001:db8::1".parse()?, PacketProtocol::Icmp, None).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Packet {
    src: IpAddr,
    dst: IpAddr,
    protocol: PacketProtocol,
    #[serde(skip_serializing_if = "Option::is_none")]
    sport: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dport: Option<u16>,
}

impl Packet {
    /// A packet; `ports` are source port, then destination port.
    ///
    /// # Errors
    /// [`PacketError`] if the families differ, or if ports are missing for TCP or UDP or given for the rest.
    pub fn new(
        src: IpAddr,
        dst: IpAddr,
        protocol: PacketProtocol,
        ports: Option<(u16, u16)>,
    ) -> Result<Self, PacketError> {
        if src.is_ipv4() != dst.is_ipv4() {
            return Err(PacketError::MixedFamilies { src, dst });
        }
        match (ports, protocol.has_ports()) {
            (None, true) => return Err(PacketError::PortsMissing(protocol)),
            (Some(_), false) => return Err(PacketError::PortsUnexpected(protocol)),
            _ => {}
        }
        let (sport, dport) = ports.unzip();
        Ok(Packet { src, dst, protocol, sport, dport })
    }

    /// The source address.
    pub fn src(&self) -> IpAddr {
        self.src
    }

    /// The destination address.
    pub fn dst(&self) -> IpAddr {
        self.dst
    }

    /// The protocol.
    pub fn protocol(&self) -> PacketProtocol {
        self.protocol
    }

    /// The source port of a TCP or UDP packet.
    pub fn sport(&self) -> Option<u16> {
        self.sport
    }

    /// The destination port of a TCP or UDP packet.
    pub fn dport(&self) -> Option<u16> {
        self.dport
    }
}

impl fmt::Display for Packet {
    /// Protocol, source, destination; an IPv6 address with a port stands in brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = |f: &mut fmt::Formatter<'_>, addr: IpAddr, port: Option<u16>| match port {
            Some(port) => write!(f, "{}", std::net::SocketAddr::new(addr, port)),
            None => write!(f, "{addr}"),
        };
        write!(f, "{} ", self.protocol)?;
        end(f, self.src, self.sport)?;
        f.write_str(" -> ")?;
        end(f, self.dst, self.dport)
    }
}

/// Fields that make no packet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PacketError {
    /// Source and destination are of different families.
    #[error("source {src} and destination {dst} are of different address families")]
    MixedFamilies {
        /// The source address.
        src: IpAddr,
        /// The destination address.
        dst: IpAddr,
    },
    /// The protocol has ports, and none were given.
    #[error("a {0} packet needs a source and a destination port")]
    PortsMissing(PacketProtocol),
    /// The protocol has no ports, and some were given.
    #[error("{0} packets have no ports")]
    PortsUnexpected(PacketProtocol),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_json() {
        let v6 = |t: &str| t.parse::<IpAddr>().unwrap();
        let ports = Packet::new(v6("::1"), v6("2001:db8::1"), PacketProtocol::Udp, Some((1, 53))).unwrap();
        assert_eq!(ports.to_string(), "udp [::1]:1 -> [2001:db8::1]:53");
        let plain = Packet::new(v6("::1"), v6("::2"), PacketProtocol::Other, None).unwrap();
        assert_eq!(plain.to_string(), "other ::1 -> ::2");
        let json = serde_json::to_string(&plain).unwrap();
        assert_eq!(json, r#"{"src":"::1","dst":"::2","protocol":"Other"}"#);
    }

    #[test]
    fn ports_go_with_the_protocol() {
        let a: IpAddr = "192.0.2.1".parse().unwrap();
        for protocol in PacketProtocol::ALL {
            assert_eq!(Packet::new(a, a, protocol, None).is_ok(), !protocol.has_ports());
            assert_eq!(Packet::new(a, a, protocol, Some((1, 2))).is_ok(), protocol.has_ports());
        }
    }
}
